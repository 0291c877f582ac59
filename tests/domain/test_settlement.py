"""The final amount, cent by cent: the worked case of the programme and the corners of the calculation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.settlement import AccountLine, SettlementRules, calculate, grant, line_refusals

RULES = SettlementRules(share_bp=8000, co_financing_bp=2000)


def line(claimed: int, accepted: int | None = None, reason: str = "") -> AccountLine:
    return AccountLine(1, "Robots", claimed, claimed, accepted, reason)


@pytest.mark.parametrize(
    ("claimed", "accepted", "award", "advance", "determined", "balance"),
    [
        (961240, 961240, 750000, 600000, 750000, 150000),  # capped by the award
        (735025, 735025, 640000, 512000, 588020, 76020),
        (641875, 641875, 720000, 576000, 513500, -62500),  # to be paid back
        (625000, 577000, 500000, 400000, 461600, 61600),  # 480.00 does not count
    ],
)
def test_the_worked_case(claimed: int, accepted: int, award: int, advance: int, determined: int, balance: int) -> None:
    found = calculate([line(claimed, accepted, "te vroeg")], rules=RULES, award=award, paid=advance)
    assert (found.determined, found.balance) == (determined, balance)
    assert found.released == award - determined
    assert found.cut == claimed - accepted


def test_the_tranche_of_the_worked_case_adds_up() -> None:
    cases = [(961240, 750000, 600000), (735025, 640000, 512000), (641875, 720000, 576000), (577000, 500000, 400000)]
    found = [calculate([line(e)], rules=RULES, award=a, paid=p) for e, a, p in cases]
    assert sum(c.determined for c in found) == 2313120
    assert sum(c.released for c in found) == 296880
    assert sum(c.balance for c in found) == 225120
    assert 3000000 - sum(a for _, a, _ in cases) + sum(c.released for c in found) == 686880


def test_co_financing_that_falls_short_lowers_the_amount_by_what_is_missing() -> None:
    found = calculate([line(1000000)], rules=RULES, award=800000, paid=0, co_financing_received=150000)
    assert (found.co_financing_needed, found.co_financing_short, found.determined) == (200000, 50000, 750000)
    assert found.limited_by == "co_financing"


def test_nothing_spent_is_nothing_determined_and_all_of_it_back() -> None:
    found = calculate([line(0)], rules=RULES, award=500000, paid=400000)
    assert (found.determined, found.balance, found.released) == (0, -400000, 500000)


amounts = st.integers(0, 10**9)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(amounts, amounts), max_size=8), amounts, amounts, st.integers(0, 10000), st.none() | amounts)
def test_laws_of_the_calculation(
    lines: list[tuple[int, int]], award: int, paid: int, share_bp: int, received: int | None
) -> None:
    paid = min(paid, award)
    rows = [line(max(pair), min(pair), "reden") for pair in lines]
    found = calculate(
        rows,
        rules=SettlementRules(share_bp, 10000 - share_bp),
        award=award,
        paid=paid,
        co_financing_received=received,
    )
    assert 0 <= found.determined <= award
    assert found.determined <= found.by_share or found.determined == 0
    assert found.determined == found.paid + found.balance
    assert found.released + found.determined == award
    assert found.eligible + found.cut == found.claimed
    less = calculate(
        [line(r.claimed, r.counts // 2, "reden") for r in rows],
        rules=SettlementRules(share_bp),
        award=award,
        paid=paid,
    )
    more = calculate(rows, rules=SettlementRules(share_bp), award=award, paid=paid)
    assert less.determined <= more.determined  # accepting less never pays more


def test_the_steps_end_in_the_balance() -> None:
    steps = calculate([line(641875)], rules=RULES, award=720000, paid=576000).steps()
    assert [(text.en, cents) for text, cents in steps][-3:] == [
        ("Final amount", 513500),
        ("Already paid (advance)", 576000),
        ("To pay back", 62500),
    ]


def test_a_cut_needs_a_reason_and_nothing_counts_more_than_was_claimed() -> None:
    assert [r.code for r in line_refusals([line(100, 50)])] == ["cut_without_reason"]
    assert [r.code for r in line_refusals([line(100, 101, "x")])] == ["accepted_too_high"]
    assert line_refusals([line(100, 50, "dubbel"), line(100)]) == []


def test_a_grant_is_the_least_of_three() -> None:
    assert grant(800000, cost=937500, share_bp=8000, maximum=750000) == 750000
    assert grant(700000, cost=800000, share_bp=8000, maximum=750000) == 640000
    assert grant(100000, cost=800000, share_bp=8000, maximum=None) == 100000
