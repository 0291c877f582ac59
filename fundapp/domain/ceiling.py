"""Which ceiling holds, and which held when: a later cut does not touch applications that were there before it.

Two amounts are kept for the tranche and for each sub-ceiling. The *announced* one is what was made known: it changes by
an announcement, a raise, a cut, or money carried over. The *booked* one is what the ledger has put in; it is higher
where a cut had to give way to an earlier application. Sources: Awb 4:25 and 4:26, and 4:27 second paragraph ("geen
gevolgen voor voordien ingediende aanvragen"). Amounts in cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fundapp.domain.text import Text


class Kind(StrEnum):
    """Why a ceiling changed."""

    ANNOUNCED = "announced"
    CHANGED = "changed"
    CARRIED = "carried"
    EARLIER = "earlier"  # a cut gave way to an application that was there before it

    @property
    def label(self) -> Text:
        """What it is called on pages."""
        return _LABELS[self]


_LABELS = {
    Kind.ANNOUNCED: Text("Bekendgemaakt", "Announced"),
    Kind.CHANGED: Text("Gewijzigd", "Changed"),
    Kind.CARRIED: Text("Geld overgedragen", "Money carried over"),
    Kind.EARLIER: Text("Ruimte voor een eerdere aanvraag", "Room for an earlier application"),
}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A ceiling as it stands. free: what the ledger still has of it."""

    announced: int
    booked: int
    free: int

    @property
    def least(self) -> int:
        """How low it can be announced: what is bound stays covered."""
        return max(0, self.announced - self.free)


@dataclass(frozen=True, slots=True)
class Held:
    """An announced ceiling and the moment from which it held."""

    since: datetime
    announced: int


def held_for(history: Sequence[Held], submitted: datetime | None) -> int:
    """Return the announced ceiling by which an application is judged: the highest that held since it came in.

    history: the oldest first. submitted: None for an application that has not come in. 0 without a history.
    """
    if not history:
        return 0
    in_force = [h for h in history if submitted is not None and h.since <= submitted][-1:]
    later = [h for h in history if submitted is not None and h.since > submitted]
    return max((h.announced for h in in_force + later), default=history[-1].announced)


def free_for(ceiling: Ceiling, held: int) -> int:
    """Return what can be awarded by the ceiling that held for an application; never below nothing."""
    return max(0, ceiling.free + held - ceiling.booked)
