"""Instances made by the recipes are the same for the same seed, and readable as published."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.bench.generate import Recipe, Size, generate
from simulations.bench.published import read_instance
from simulations.bench.published_text import Family, read_text, write_file


@pytest.mark.parametrize("recipe", Recipe)
def test_what_is_written_is_read_again_number_for_number(recipe: Recipe, tmp_path: Path) -> None:
    made = generate(recipe, Size(3, 12), seed=7)

    assert read_text(write_file(made, tmp_path)) == made


@pytest.mark.parametrize("recipe", Recipe)
def test_the_same_seed_gives_the_same_instance_and_another_another(recipe: Recipe) -> None:
    assert generate(recipe, Size(3, 12), 7) == generate(recipe, Size(3, 12), 7)
    assert generate(recipe, Size(3, 12), 7).nodes != generate(recipe, Size(3, 12), 8).nodes


def test_half_of_the_rides_have_their_window_at_the_delivery() -> None:
    made = generate(Recipe.A, Size(4, 32), seed=3)

    for ride, (up, down) in enumerate(made.rides):
        given, free = (down, up) if ride < 16 else (up, down)
        assert made.nodes[given].latest - made.nodes[given].earliest == 15
        assert made.nodes[free].latest == 1440
    assert made.longest_route == 60 * 32 / 4


@pytest.mark.parametrize(("recipe", "narrow", "wide"), [("pr", 15, 45), ("pr_wide", 30, 90)])
def test_windows_of_the_larger_set_are_as_wide_as_its_authors_say(
    recipe: str, narrow: int, wide: int
) -> None:
    made = generate(Recipe(recipe), Size(5, 48), seed=3)

    widths = [n.latest - n.earliest for n in made.nodes[1:] if n.latest < 1440]
    assert len(widths) == 48
    assert narrow <= min(widths) <= max(widths) <= wide


@pytest.mark.parametrize("recipe", ["lc1", "lr1", "lrc1", "lc2", "lr2", "lrc2"])
def test_each_pair_can_be_carried_by_a_vehicle_of_its_own(recipe: str, tmp_path: Path) -> None:
    instance = read_instance(write_file(generate(Recipe(recipe), Size(25, 50), 5), tmp_path))

    assert instance.text.family is Family.PICKUP_AND_DELIVERY
    assert len(instance.problem.requests) == 50
    for request in instance.problem.requests:
        assert request.earliest_pickup <= request.latest_pickup
        assert (request.earliest_arrival or 0) <= request.latest_arrival
