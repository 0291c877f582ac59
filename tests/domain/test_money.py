"""Cents: rounding, splitting, and amounts as people type them."""

from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fundapp.domain.money import WHOLE, divide_half_up, euro, parse_euro, plain_euro, scale, share
from fundapp.domain.refusal import Kind, Refused

exact = settings(derandomize=True, deadline=None)
cents = st.integers(min_value=0, max_value=10**12)


@exact
@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_half_a_cent_goes_away_from_zero(numerator: int, denominator: int) -> None:
    expected = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert divide_half_up(numerator, denominator) == expected


def test_the_shares_of_the_worked_case() -> None:
    assert share(735025, 8000) == 588020
    assert share(641875, 8000) == 513500
    assert share(577000, 8000) == 461600


@exact
@given(cents)
def test_the_whole_is_the_whole(amount: int) -> None:
    assert share(amount, WHOLE) == amount


@exact
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30), st.integers(0, 10**9))
def test_scaling_always_sums_and_keeps_the_order(amounts: list[int], total: int) -> None:
    parts = scale(amounts, total)
    assert sum(parts) == total
    assert all(abs(part - amount * total / sum(amounts)) < 1 for part, amount in zip(parts, amounts, strict=True))
    ranked = sorted(zip(amounts, parts, strict=True))
    assert all(a[1] <= b[1] + 1 for a, b in pairwise(ranked))


@exact
@given(cents)
@example(0)
@example(99)
def test_what_we_show_can_be_typed_again(amount: int) -> None:
    assert parse_euro(plain_euro(amount)) == amount
    assert parse_euro(euro(amount)) == amount


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1200", 120000),
        ("1.200", 120000),
        ("1.200,5", 120050),
        ("€ 1.200,00", 120000),
        ("0,05", 5),
        (" 12,- ", 1200),
        ("1.234.567,89", 123456789),
    ],
)
def test_amounts_as_dutch_people_type_them(typed: str, amount: int) -> None:
    assert parse_euro(typed) == amount


@pytest.mark.parametrize(
    "typed", ["1.20", "1,200", "12oo", "", "  ", "-5", "1.2.3", "€", "1,2,3", "١٢", "1e5", "12,345"]
)
def test_what_can_mean_two_things_is_asked_and_never_guessed(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_euro(typed, field="amount")
    assert refused.value.kind is Kind.INVALID
    assert refused.value.refusals[0].field == "amount"


@exact
@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_a_sentence(typed: str) -> None:
    with suppress(Refused):
        assert parse_euro(typed) >= 0


def test_a_negative_amount_has_a_real_minus() -> None:
    assert euro(-5000) == "−€\u00a050,00"
