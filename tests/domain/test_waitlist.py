"""The waiting list: its order, and that nobody is passed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fundapp.domain.allocation import lot
from fundapp.domain.waitlist import Waiting, first_in_line, in_order, the_offer_is_over, the_offer_stands

NINE = datetime(2025, 3, 14, 8, 0, tzinfo=UTC)
TEN = datetime(2025, 3, 14, 9, 0, tzinfo=UTC)
A = Waiting("A", TEN, Decimal("3.50"))
B = Waiting("B", NINE, Decimal("4.20"))
C = Waiting("C", NINE, Decimal("4.20"))
D = Waiting("D", None, None)


def refs(method: str, *waiting: Waiting) -> str:
    return "".join(one.ref for one in in_order(waiting, method, "seed"))


DRAWN = "".join(sorted("BC", key=lambda ref: lot("seed", ref)))


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("order_of_receipt", f"{DRAWN}AD"),
        ("pro_rata", f"{DRAWN}AD"),
        ("ranking", f"{DRAWN}AD"),
        ("lottery", "".join(sorted("ABCD", key=lambda ref: lot("seed", ref)))),
        ("priority", "".join(sorted("ABCD", key=lambda ref: lot("seed", ref)))),
    ],
)
def test_the_line_follows_the_method_of_the_round(method: str, line: str) -> None:
    assert refs(method, A, B, C, D) == line
    assert refs(method, D, C, B, A) == line


def test_a_score_goes_before_a_moment_only_where_the_round_ranks() -> None:
    late_and_good, early = Waiting("L", TEN, Decimal(5)), Waiting("E", NINE, Decimal(1))
    assert refs("ranking", early, late_and_good) == "LE"
    assert refs("order_of_receipt", early, late_and_good) == "EL"


def test_who_let_an_offer_go_by_stands_behind_all_who_did_not() -> None:
    assert refs("ranking", Waiting("P", NINE, Decimal(5), passed=1), A) == "AP"
    assert refs("ranking", Waiting("P", NINE, Decimal(5), passed=2), Waiting("Q", NINE, Decimal(1), passed=1)) == "QP"


@dataclass(frozen=True)
class Facts:
    state: str = "offered"
    today: date = date(2025, 4, 11)
    ahead: str | None = None
    offer_due: date | None = date(2025, 4, 11)


def test_nobody_is_passed_over() -> None:
    assert first_in_line(Facts(), None) is None
    refused = first_in_line(Facts(ahead="PO-T1-02"), None)
    assert refused is not None
    assert "PO-T1-02 staat eerder op de wachtlijst" in refused.sentence.nl


@pytest.mark.parametrize(("due", "stands"), [(date(2025, 4, 11), True), (date(2025, 4, 10), False), (None, False)])
def test_an_offer_can_be_answered_up_to_and_including_its_last_day(due: date | None, stands: bool) -> None:
    facts = Facts(offer_due=due)
    assert (the_offer_stands(facts, None) is None) is stands
    assert (the_offer_is_over(facts, None) is None) is not stands
