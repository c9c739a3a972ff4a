"""A hold that runs out in the very moment in which somebody takes it.

See: docs/booking.md
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.commands.book import accept_offer
from dispatch.errors import Refused
from tests.builders import a_town


@pytest.mark.parametrize("looks_before_the_end", range(2))
def test_a_hold_that_runs_out_while_it_is_taken_is_refused(looks_before_the_end: int) -> None:
    with a_town().day() as day:
        offer = day.ask("clinic", depart_after="10:00").offers[0]
        assert offer.expires_at is not None
        last, over = offer.expires_at - timedelta(milliseconds=1), offer.expires_at
        clock = iter([last] * looks_before_the_end)
        service = replace(
            day.service, ports=replace(day.service.ports, now=lambda: next(clock, over))
        )

        with pytest.raises(Refused) as raised:
            accept_offer(offer.id, service)
        assert raised.value.code == "offer_expired"
