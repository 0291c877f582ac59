"""Which line it is: the same in every statement that tells it; and the balances around what was new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.bank_line import Category, needs_two, return_reason, segments, with_keys
from fundapp.domain.outside import StatementEntry, StatementPayment

OURS = "NL13TEST0123456789"
DAY = date(2025, 3, 14)
examples = settings(derandomize=True, deadline=None, max_examples=200)


def entry(cents: int, *, day: int = 0, reference: str | None = None, e2e: str | None = None) -> StatementEntry:
    paid = StatementPayment("", cents, e2e, None, None, "tekst", None)
    return StatementEntry("", cents, DAY + timedelta(days=day), False, reference, None, (paid,))


entries = st.lists(
    st.builds(
        lambda cents, day, reference, e2e: entry(cents, day=day, reference=reference, e2e=e2e),
        st.integers(-5, 5).filter(bool),
        st.integers(0, 2),
        st.none() | st.sampled_from(["R1", "R2"]),
        st.none() | st.sampled_from(["E1", "E2"]),
    ),
    max_size=8,
)


@examples
@given(entries, st.randoms(use_true_random=False))
def test_keys_are_unique_and_the_same_in_any_order(told: list[StatementEntry], random: object) -> None:
    keyed = with_keys(OURS, told)
    assert len({one.key for one in keyed}) == len(told)
    assert all(one.payments[0].key.startswith(f"{one.key}/") for one in keyed)
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    again = with_keys(OURS, shuffled)
    assert sorted(one.key for one in again) == sorted(one.key for one in keyed)
    assert {replace(one, key="", payments=()) for one in again} == {replace(o, key="", payments=()) for o in keyed}


def test_another_account_day_amount_or_reference_is_another_line() -> None:
    one = with_keys(OURS, [entry(5, reference="R")])[0].key
    others = [
        with_keys("NL91ABNA0417164300", [entry(5, reference="R")])[0].key,
        with_keys(OURS, [entry(5, reference="R", day=1)])[0].key,
        with_keys(OURS, [entry(-5, reference="R")])[0].key,
        with_keys(OURS, [entry(5, reference="S")])[0].key,
        with_keys(OURS, [entry(5)])[0].key,
    ]
    assert len({one, *others}) == 6


def runs_cover(opening: int, told: Sequence[StatementEntry], known: set[str]) -> None:
    found = segments(opening, told, known, ())
    new = sum(one.amount for one in told if one.key not in known)
    assert sum(end - begin for begin, end in found) == new


@examples
@given(entries, st.integers(-100, 100), st.integers(0, 8))
def test_the_runs_are_as_much_as_what_is_new(told: list[StatementEntry], opening: int, first: int) -> None:
    keyed = with_keys(OURS, told)
    runs_cover(opening, keyed, set())
    runs_cover(opening, keyed, {one.key for one in keyed})
    runs_cover(opening, keyed, {one.key for one in keyed[:first]})


def test_one_run_from_opening_to_closing_where_nothing_is_known() -> None:
    told = with_keys(OURS, [entry(10), entry(-3, day=1)])
    assert segments(100, told, set(), ()) == [[100, 107]]
    assert segments(100, (), set(), ()) == [[100, 100]]


def test_what_another_statement_told_before_leaves_the_rest() -> None:
    told = with_keys(OURS, [entry(10, reference="A"), entry(-3, reference="B"), entry(7, day=1, reference="C")])
    known = {told[1].key}
    assert segments(100, told, known, {100, 97}) == [[97, 114]], "it stood first that day: 100 → 97 was told before"
    assert segments(100, told, known, {110, 107}) == [[100, 110], [107, 114]], "it stood second"


@pytest.mark.parametrize(
    ("category", "cents", "two"),
    [
        (Category.CASE, 100, True),
        (Category.NOT_FOR_US, 100, True),
        (Category.OTHER, 100, True),
        (Category.BANK_COSTS, -100, True),
        (Category.INTEREST, -100, True),
        (Category.INTEREST, 100, False),
        (Category.FUNDING, 100, False),
        (Category.OWN_TRANSFER, 100, False),
        (Category.OWN_TRANSFER, -100, True),
    ],
)
def test_who_decides_alone(category: Category, cents: int, two: bool) -> None:
    assert needs_two(category, cents) is two
    assert category.label.nl
    assert category.hint.en


def test_why_a_payment_came_back() -> None:
    assert return_reason("AC04 CLOSED").nl == "de rekening is opgeheven (AC04)"
    assert return_reason("XX99 iets").nl == "XX99 iets"
    assert return_reason("").nl == "de bank noemt geen reden"
