"""The waiting list: who is first in line for money that comes free, and what an offer asks.

The line follows the round's own method (Kaderbesluit subsidies I en M art. 8 and 9): score, lots, or the moment at
which an application was complete. Who lets an offer go by stands behind all who did not. Nobody is passed over: an
offer goes to the first for whom something is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from fundapp.domain.allocation import lot
from fundapp.domain.allocation_input import Method, OnOverflow
from fundapp.domain.days import day_text
from fundapp.domain.flow import Given
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same


class Outcome(StrEnum):
    """How an offer ended."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> Text:
        """What it is called on pages."""
        return _OUTCOMES[self]


_OUTCOMES = {
    Outcome.ACCEPTED: Text("aangenomen", "accepted"),
    Outcome.DECLINED: Text("afgeslagen", "declined"),
    Outcome.LAPSED: Text("niet op tijd beantwoord", "not answered in time"),
    Outcome.WITHDRAWN: Text("ingetrokken", "withdrawn"),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One application in the line. passed: how many offers it let go by. complete_at: None counts as last."""

    ref: str
    complete_at: datetime | None
    score: Decimal | None = None
    passed: int = 0


def in_order(waiting: Iterable[Waiting], method: str, seed: str) -> list[Waiting]:
    """Return the line, the first on top. Equal places are decided by lot (`allocation.lot`), as in the round itself."""

    def place(one: Waiting) -> tuple[Any, ...]:
        moment = (one.complete_at is None, one.complete_at)
        drawn = lot(seed, one.ref)
        if method == Method.RANKING:
            return (one.passed, one.score is None, -(one.score or Decimal()), moment, drawn)
        if method in (Method.LOTTERY, Method.PRIORITY):
            return (one.passed, drawn)
        return (one.passed, moment, drawn)

    return sorted(waiting, key=place)


def whose_turn(line: Iterable[tuple[str, int, int]], on_overflow: str) -> str | None:
    """Return who is offered money first: of a line in order, each with what it wants and what it could get (cents).

    on_overflow: the round's own rule for who does not fit whole. partial: the first gets the rest; skip: the next one
    that fits; stop: nobody before the first.
    """
    for ref, wants, could_get in line:
        if could_get >= (wants if on_overflow in (OnOverflow.SKIP, OnOverflow.STOP) else 1):
            return ref
        if on_overflow == OnOverflow.STOP:
            return None
    return None


class InLine(Protocol):
    """What the guards below ask of the facts of an application."""

    @property
    def state(self) -> str: ...
    @property
    def today(self) -> date: ...
    @property
    def ahead(self) -> str | None: ...
    @property
    def offer_due(self) -> date | None: ...


def first_in_line(facts: InLine, _given: Given | None) -> Refusal | None:
    """Money from the waiting list goes to the first for whom it is free."""
    if facts.ahead is None:
        return None
    return Refusal(
        "not_first_in_line",
        Text(
            "{ref} staat eerder op de wachtlijst en er is geld voor. Doe die aanvraag eerst.",
            "{ref} is earlier on the waiting list, and there is money for it. Do that one first.",
        ).fill(ref=same(facts.ahead)),
    )


def the_offer_stands(facts: InLine, _given: Given | None) -> Refusal | None:
    """An offer can be answered up to and including its last day."""
    if facts.offer_due is not None and facts.today <= facts.offer_due:
        return None
    return Refusal(
        "offer_over",
        Text(
            "De dag waarop u kon antwoorden is voorbij. Neem contact op met het programmabureau.",
            "The day by which you could answer has passed. Contact the programme office.",
        ),
    )


def the_offer_is_over(facts: InLine, _given: Given | None) -> Refusal | None:
    """The clock ends an offer after its last day."""
    if facts.offer_due is None or facts.today > facts.offer_due:
        return None
    return Refusal(
        "offer_stands",
        Text(
            "De school kan nog antwoorden tot en met {due}.", "The school can still answer up to and including {due}."
        ).fill(due=day_text(facts.offer_due)),
    )
