"""A decision that takes longer than its term: extended once, in time and with a reason; or told late, with a new date.

Sources: Awb 4:14 (say so, and name the new date), 4:15 (the clock stands still while the applicant completes).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fundapp.domain.days import day_text
from fundapp.domain.flow import Given
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.term import Length
from fundapp.domain.text import Text


@dataclass(frozen=True, slots=True)
class Deciding:
    """A term of ours that runs. paused: it stands still. moved: its end was moved before, announced or late."""

    due_on: date
    paused: bool = False
    moved: bool = False

    def is_late(self, today: date) -> bool:
        """Whether its last day has passed."""
        return not self.paused and today > self.due_on


class TermFacts(Protocol):
    """What the guards ask. today: the Amsterdam date. deciding: the term to decide; None: it does not run.

    extendable: by how much the fund's rules let it be extended, once; None: not at all.
    """

    @property
    def today(self) -> date: ...
    @property
    def deciding(self) -> Deciding | None: ...
    @property
    def extendable(self) -> Length | None: ...


def extensions(most: Length) -> tuple[Length, ...]:
    """Return what can be chosen: week by week up to what the rules allow; only the whole of any other length."""
    if most.weeks and most == Length(weeks=most.weeks):
        return tuple(Length(weeks=n) for n in range(1, most.weeks + 1))
    return (most,)


def it_may_be_extended(facts: TermFacts, _given: Given | None) -> Refusal | None:
    """Once, before the last day has passed, and where the rules of the fund know it."""
    if facts.deciding is None or facts.deciding.paused:
        return Refusal(
            "no_term_runs",
            Text(
                "Er loopt nu geen termijn voor het besluit. U hoeft niets te verlengen.",
                "No term to decide runs now. There is nothing to extend.",
            ),
        )
    if facts.extendable is None:
        return Refusal(
            "no_extension",
            Text(
                "De regels van dit fonds kennen geen verlenging. Beslis vóór of op {due}.",
                "The rules of this fund know no extension. Decide on or before {due}.",
            ).fill(due=day_text(facts.deciding.due_on)),
        )
    if facts.deciding.moved:
        return Refusal(
            "extended_before",
            Text(
                "De datum is al een keer verschoven. Dat mag één keer. Beslis vóór of op {due}.",
                "The date was moved already. That is allowed once. Decide on or before {due}.",
            ).fill(due=day_text(facts.deciding.due_on)),
        )
    if facts.deciding.is_late(facts.today):
        return Refusal(
            "extended_too_late",
            Text(
                "De termijn is voorbij. De school krijgt vanzelf bericht met een nieuwe datum.",
                "The term has passed. The school is told by itself, with a new date.",
            ),
        )
    return None


def by_what_the_rules_allow(facts: TermFacts, given: Given | None) -> Refusal | None:
    """A length that can be chosen."""
    if given is None or facts.extendable is None or given.get("length") in extensions(facts.extendable):
        return None
    return Refusal(
        "extension_length",
        Text("Kies hoeveel langer u nodig hebt.", "Choose how much longer you need."),
        field="length",
        kind=Kind.INVALID,
    )


def it_is_late(facts: TermFacts, _given: Given | None) -> Refusal | None:
    """The clock tells the school once the last day has passed."""
    if facts.deciding is not None and facts.deciding.is_late(facts.today):
        return None
    return Refusal("not_late", Text("De termijn loopt nog.", "The term still runs."))
