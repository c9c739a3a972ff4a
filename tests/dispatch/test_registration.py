"""Joining the register: what is taken, what is refused, and the number on the card.

See: docs/decisions/0053-a-number-people-can-read-out.md
"""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.errors import BadInput
from dispatch.registration.goal import progress
from dispatch.registration.register import (
    Home,
    is_membership_number,
    membership_number,
    tidy_kana,
    tidy_phone,
)
from dispatch.wording import sentences
from tests.builders import a_town, at_km


def test_a_registrant_gets_a_number_a_district_and_a_consent_with_its_time() -> None:
    with a_town().day() as day:
        one = day.registrant(home=Home(at_km(7, 1), "Home"), needs=("wheelchair",))
        two = day.registrant()
        stored = day.service.store.get_registrant(one.id)
    assert stored == one
    assert one.district == "east"
    assert two.district == "west"
    assert one.number != two.number
    assert is_membership_number(one.number)
    assert one.consent.given_at == day.clock.now
    assert one.kana == "キモツキ ハナコ"
    assert one.phone == "+81994652511"


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"name": "  "}, "bad_name"),
        ({"kana": "漢字"}, "bad_kana"),
        ({"phone": "12345"}, "bad_phone"),
        ({"consent": False}, "consent_missing"),
        ({"needs": ("piano",)}, "unknown_need"),
        ({"birth_date": date(2030, 1, 1)}, "bad_birth_date"),
        ({"home": Home(at_km(500, 0), "far")}, "outside_area"),
    ],
)
def test_a_bad_registration_is_refused_by_name_and_nothing_is_written(
    about: dict[str, object], code: str
) -> None:
    with a_town().day() as day:
        with pytest.raises(BadInput) as raised:
            day.registrant(**about)
        assert raised.value.code == code
        assert code in sentences("ja")
        assert day.service.store.count_registrants() == 0


@given(st.integers(1, 999_999), st.integers(0, 6), st.integers(1, 9))
def test_the_check_digit_finds_every_wrong_digit(serial: int, at: int, by: int) -> None:
    number = membership_number(serial)
    wrong = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
    assert is_membership_number(number)
    assert not is_membership_number(wrong)


@given(st.integers(1, 999_999), st.integers(0, 5))
def test_the_check_digit_finds_every_swap_of_neighbours(serial: int, at: int) -> None:
    number = membership_number(serial)
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert swapped == number or not is_membership_number(swapped)


def test_half_width_kana_and_full_width_digits_are_understood() -> None:
    assert tidy_kana("ｷﾓﾂｷ　ﾊﾅｺ") == "キモツキ ハナコ"
    assert tidy_phone("０９０ー１２３４ー５６７８".replace("ー", "-"), "JP") == "+819012345678"


def test_the_goal_says_how_many_a_day_are_still_wanted() -> None:
    rules = a_town().town.registration
    way = progress({"east": 15, "west": 25}, rules, date(2027, 3, 1))
    assert (way.registered, way.missing, way.share) == (40, 60, 0.4)
    assert way.per_day_needed == pytest.approx(2.0)
