"""Prepared decisions: what can be prepared, who may, and what becomes of it once it is released."""

from __future__ import annotations

from enum import StrEnum

from fundapp.domain.flow import Look, Tone
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text


class State(StrEnum):
    """Where a prepared decision stands."""

    READY = "ready"
    QUEUED = "queued"  # released, and waits for its turn
    DONE = "done"
    REFUSED = "refused"  # released, and the rules or the database said no: it can be prepared again

    @property
    def look(self) -> Look:
        """How it is shown."""
        return _LOOKS[self]


_LOOKS = {
    State.READY: Look(Text("Klaargezet", "Prepared"), Tone.INFO, "agenda"),
    State.QUEUED: Look(Text("Wacht op zijn beurt", "Waits for its turn"), Tone.WAITING, "clock"),
    State.DONE: Look(Text("Genomen", "Decided"), Tone.POSITIVE, "check", final=True),
    State.REFUSED: Look(Text("Niet gelukt", "Refused"), Tone.NEGATIVE, "cross", final=True),
}

OPEN = frozenset({State.READY, State.QUEUED})

ACTIONS = ("award", "waitlist", "intend_rejection", "reject")
"""The transitions of an application that can be prepared, in the order in which they are released: money first."""

PREPARERS = (Role.HANDLER, Role.COORDINATOR, Role.DECISION_MAKER)
"""Who may prepare. Only a decision maker releases."""

OF_THE_PERSON = frozenset({"adviser_decides", "interest_unanswered", "conflict_of_interest", "not_yours"})
"""Codes of refusals that depend on who decides, not on what is prepared."""

LIST_CHANGED = Refusal(
    "prepared_list_changed",
    Text(
        "De lijst is veranderd sinds u haar zag. Bekijk haar opnieuw en geef dan vrij.",
        "The list changed since you saw it. Look at it again, then release.",
    ),
    kind=Kind.STALE,
)
NOTHING_READY = Refusal(
    "nothing_ready",
    Text("Er staat niets klaar dat u mag vrijgeven.", "Nothing is prepared that you may release."),
)
NO_INTEREST = Refusal(
    "interest_unanswered",
    Text(
        "Verklaar dat u geen belang hebt bij deze aanvragen. Of vink de aanvragen aan waarbij dat wel zo is.",
        "Declare that you have no interest in these applications. Or tick those in which you do.",
    ),
    field="no_interest",
    kind=Kind.INVALID,
)
