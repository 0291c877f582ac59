"""What a new look at a decision means for the application itself: it waits meanwhile, and follows what comes of it."""

from __future__ import annotations

from typing import Protocol

from fundapp.domain.flow import Given
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same


class RemedyFacts(Protocol):
    """What the guards ask. remedy: the reference of an objection that was not decided yet."""

    @property
    def remedy(self) -> str | None: ...


def no_remedy_runs(facts: RemedyFacts, _given: Given | None) -> Refusal | None:
    """What may still become another amount is not settled, nor taken away."""
    if facts.remedy is None:
        return None
    return Refusal(
        "remedy_runs",
        Text(
            "De school is het niet eens met het besluit ({ref}). Wacht tot daarover is beslist.",
            "The school disagrees with the decision ({ref}). Wait until that has been decided.",
        ).fill(ref=same(facts.remedy)),
    )


def after_a_new_decision(_facts: object, given: Given | None) -> Refusal | None:
    """It follows a decision that came in the place of another one, never by itself."""
    if given is None or given.get("decision_id"):
        return None
    return Refusal(
        "no_new_decision",
        Text(
            "Dit gebeurt vanzelf na een nieuw besluit. U hoeft niets te doen.",
            "This follows a new decision by itself. There is nothing to do.",
        ),
    )
