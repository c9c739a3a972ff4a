"""The part of the plan that a change touches, cut out for the independent check.

See: docs/decisions/0042-what-a-commit-refuses.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dispatch.optimizer import plan as words
from dispatch.optimizer.plan import NEVER, Kind, Plan, Problem, Request, Visit
from dispatch.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class SubPlan:
    """The part of a problem that a change touches, for the independent check.

    requests : the index each of its requests has in the whole problem.
    """

    problem: Problem
    before: Plan
    after: Plan
    requests: tuple[int, ...]


def sub_problem(snapshot: Snapshot, after: Plan, vehicles: Sequence[int]) -> SubPlan:
    """Cut `vehicles` out of the day: their requests, their routes before and after.

    Whoever was promised a ride in one of these routes must still be in one of them.
    """
    whole = snapshot.problem
    involved = sorted(
        {
            visit.subject
            for plan in (snapshot.plan, after)
            for number in vehicles
            for visit in plan.routes[number].visits
            if visit.kind is not Kind.BREAK
        }
    )
    request_index = {old: new for new, old in enumerate(involved)}
    vehicle_index = {old: new for new, old in enumerate(vehicles)}
    requests = tuple(_for_fewer_vehicles(whole.requests[old], vehicle_index) for old in involved)

    def cut(plan: Plan) -> Plan:
        return Plan(
            tuple(
                words.Route(
                    tuple(
                        v if v.kind is Kind.BREAK else Visit(v.kind, request_index[v.subject])
                        for v in plan.routes[number].visits
                    )
                )
                for number in vehicles
            )
        )

    problem = replace(
        whole,
        vehicles=tuple(whole.vehicles[number] for number in vehicles),
        requests=requests,
        required=frozenset(request_index[r] for r in whole.required if r in request_index),
    )
    return SubPlan(problem, cut(snapshot.plan), cut(after), tuple(involved))


def _for_fewer_vehicles(request: Request, vehicle_index: Mapping[int, int]) -> Request:
    if request.only_vehicle is None:
        return request
    # A vehicle outside the cut can serve nobody inside it: an index that no route has.
    return replace(request, only_vehicle=vehicle_index.get(request.only_vehicle, NEVER))
