"""Which ceiling held when: the highest since an application came in (Awb 4:27)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fundapp.domain.ceiling import Ceiling, Held, free_for, held_for

FIRST = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


def day(number: int) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.mark.parametrize(
    ("ceilings", "submitted", "held"),
    [
        ([(0, 100)], 5, 100),
        ([(0, 100), (10, 70)], 5, 100),  # in before the cut: the cut does not touch it
        ([(0, 100), (10, 70)], 10, 70),  # at the very moment of the cut: not before it
        ([(0, 100), (10, 70)], 15, 70),
        ([(0, 100), (10, 140)], 5, 140),  # a raise is for everybody
        ([(0, 100), (10, 140), (20, 90)], 5, 140),  # and a cut after it touches nobody who was there
        ([(0, 100), (10, 140), (20, 90)], 15, 140),
        ([(0, 100), (10, 140), (20, 90)], 25, 90),
        ([(0, 100), (10, 70), (20, 80)], 15, 80),
        ([(0, 100), (10, 70)], None, 70),  # not in yet: by the ceiling of now
        ([], 5, 0),
    ],
)
def test_the_highest_ceiling_since_it_came_in(
    ceilings: list[tuple[int, int]], submitted: int | None, held: int
) -> None:
    history = [Held(day(number), cents) for number, cents in ceilings]
    assert held_for(history, None if submitted is None else day(submitted)) == held


@pytest.mark.parametrize(
    ("announced", "booked", "free", "held", "can_get"),
    [
        (100, 100, 40, 100, 40),
        (70, 70, 10, 100, 40),  # the cut took 30 away; it gives way
        (70, 85, 0, 100, 15),  # 15 of it were given back to somebody already
        (70, 85, 5, 70, 0),  # for who came later there is nothing: 80 of 70 are bound
        (70, 85, 20, 70, 5),
    ],
)
def test_what_is_free_for_it(announced: int, booked: int, free: int, held: int, can_get: int) -> None:
    assert free_for(Ceiling(announced, booked, free), held) == can_get


def test_a_ceiling_is_never_announced_below_what_is_bound() -> None:
    assert Ceiling(announced=100, booked=100, free=30).least == 70
    assert Ceiling(announced=70, booked=85, free=20).least == 50
    assert Ceiling(announced=10, booked=40, free=40).least == 0
