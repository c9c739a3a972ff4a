"""kill -9 at any moment: what was answered is there, nothing is half done, every plan is sound."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import pytest

from dispatch.booking import Party, State
from dispatch.commands.audit import audit
from dispatch.commands.wishes import Wish
from dispatch.commit import CHECKPOINTS
from dispatch.store.store import Store, open_store
from tests.builders import DAY, on_the_clock
from tests.databases import KINDS, new_database
from tests.end_to_end.lives import (
    LIFE_MINUTES,
    Death,
    live,
    open_service,
    place,
    take_first_offer,
)
from tests.markers import examples

RANDOM_KILLS = examples(6, 50)

LATER_KILLS = examples(0, 7)
"""At how many later commits of a life it ends at each named point, beside the first one."""

MAY_BE = {
    "booked": {State.CONFIRMED, State.ON_BOARD, State.COMPLETED},
    "boarded": {State.ON_BOARD, State.COMPLETED},
    "completed": {State.COMPLETED},
}
"""What a booking may be after each answer."""


@dataclass(slots=True)
class World:
    """One database through many lives, with all that was ever answered."""

    url: str
    answers: list[tuple[str, ...]] = field(default_factory=list)
    lives: int = 0
    deaths: int = 0

    def run(self, death: Death | None = None, kill_after: int | None = None) -> None:
        """One more life, until it dies: by itself, or by our hand after so many answers."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.end_to_end.lives", "tests.end_to_end.warm_lives"])
        hear, tell = context.Pipe(duplex=False)
        process = context.Process(target=live, args=(self.url, self.lives, tell, death))
        process.start()
        tell.close()
        heard = 0
        while True:
            try:
                self.answers.append(hear.recv())
            except EOFError:
                break
            heard += 1
            if heard == kill_after:
                process.kill()
        process.join()
        assert process.exitcode in {0, -9}
        self.deaths += process.exitcode == -9
        self.lives += 1

    def assert_nothing_lost_or_half_done(self) -> None:
        """Hold the store against every answer, and against itself."""
        store = open_store(self.url)
        for word, *about in self.answers:
            if word in MAY_BE:
                assert store.get_booking(about[0]).state in MAY_BE[word], (word, about)
        self._ask_again(store)
        report = audit(DAY, store)
        assert [str(finding) for finding in report.findings] == []
        store.close()

    def assert_much_was_done(self) -> None:
        """The lives were not spent in vain: people booked, and some of them rode."""
        done = Counter(word for word, *_ in self.answers)
        assert done["booked"] > self.lives // 2
        assert done["boarded"] > 0

    def _ask_again(self, store: Store) -> None:
        """Whoever was cut off asks again under the same key, and rides once."""
        asks = {about[0]: about for word, *about in self.answers if word == "asks"}
        known = {about[1]: about[0] for word, *about in self.answers if word == "booked"}
        now = on_the_clock("09:30") + timedelta(minutes=self.lives * LIFE_MINUTES)
        service = open_service(self.url, lambda: now, lambda _: None)
        for resident, origin, destination, soon in asks.values():
            if resident not in known:
                wish = Wish(None, place(origin), place(destination), Party(1))
                wish = replace(wish, depart_after=datetime.fromisoformat(soon))
                take_first_offer(service, resident, wish, self._note)
        service.store.close()
        taken = Counter(about[1] for word, *about in set(self.answers) if word == "booked")
        assert set(taken.values()) <= {1}
        rides = [b for b in store.list_bookings(DAY) if b.accepted_at is not None]
        assert len(rides) == len(taken)

    def _note(self, *words: str) -> None:
        self.answers.append(words)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_each_named_point_of_a_commit(kind: str) -> None:
    with new_database(kind) as url:
        world = World(url)
        world.run()
        for number, checkpoint in enumerate(CHECKPOINTS):
            # The first commit of a life is a quote, which writes everything there is;
            # a later one may be of any command.
            later = (2 + (number + more) % 7 for more in range(LATER_KILLS))
            for passing in (1, *later):
                world.run(Death(checkpoint, passing))
                world.assert_nothing_lost_or_half_done()

        assert world.deaths == world.lives - 1
        world.assert_much_was_done()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random(kind: str) -> None:
    chance = Random(20261125)
    with new_database(kind) as url:
        world = World(url)
        for _ in range(RANDOM_KILLS):
            world.run(kill_after=chance.randint(1, 25))
            world.assert_nothing_lost_or_half_done()

        assert world.deaths > RANDOM_KILLS // 2
        world.assert_much_was_done()
