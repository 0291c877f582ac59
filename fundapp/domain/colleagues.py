"""Who of a school may let in, send away and follow up whom. A school is its own people's business, never another's.

Access is membership: of one school, or of a board with all its schools. Three capacities give access; who works for a
board without them (`Capacity.EMPLOYEE`) has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.people import Actor, Capacity, Membership, Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text

ACCESS_GIVING = (Capacity.DRAFTER, Capacity.SIGNER, Capacity.FINANCE)
"""Capacities in which somebody sees and writes for a school."""


class RequestState(StrEnum):
    """Where a request for access stands."""

    OPEN = "open"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Place:
    """What access is given to: one school of a board, or (school None) the board with all its schools."""

    board: str
    school: str | None = None

    def holds(self, other: Place) -> bool:
        """Whether access here is access there as well."""
        return self.board == other.board and self.school in (None, other.school)


def place_of(membership: Membership) -> Place:
    """What a membership gives access to."""
    return Place(membership.board, membership.school)


def capacities_at(actor: Actor, place: Place) -> frozenset[Capacity]:
    """In what capacities somebody may act at a place; empty: it is not theirs."""
    return frozenset(m.capacity for m in actor.memberships if m.capacity in ACCESS_GIVING and place_of(m).holds(place))


def places_of(actor: Actor) -> tuple[Place, ...]:
    """The places of somebody's own, each once, boards first."""
    found = {place_of(m) for m in actor.memberships if m.capacity in ACCESS_GIVING}
    return tuple(sorted(found, key=lambda p: (p.board, p.school or "")))


def may_give(actor: Actor, place: Place, capacity: Capacity) -> Refusal | None:
    """Why this person may not give (or end) access in a capacity at a place, or None.

    The programme's coordinator may everywhere. A colleague may at the own school or board; to sign for the school is
    given by who may sign for it, so that nobody gets there by the back door.
    """
    if actor.has(Role.COORDINATOR):
        return None
    own = capacities_at(actor, place)
    if not own:
        return Refusal("no_such_school", _NOT_YOURS, kind=Kind.NOT_FOUND)
    if capacity is Capacity.SIGNER and Capacity.SIGNER not in own:
        return Refusal("signer_by_signer", _BY_A_SIGNER, field="capacity", kind=Kind.INVALID)
    return None


def last_one(leaver: int, place: Place, others: Iterable[tuple[int, Place]]) -> bool:
    """Whether nobody else is left at a place. others: (person, place) of every live access there or at its board."""
    return not any(person != leaver and at.holds(place) for person, at in others)


def mailbox_of_school(email: str, website: str) -> bool:
    """Whether an address is at the school's own domain: that of the website in the register."""
    host = website.strip().lower().partition("://")[2] or website.strip().lower()
    host = host.partition("/")[0].removeprefix("www.")
    return "." in host and email.rpartition("@")[2] == host


_NOT_YOURS = Text(
    "Deze school is er niet, of u hebt er geen toegang. Ga terug naar uw collega's.",
    "There is no such school, or you have no access to it. Go back to your colleagues.",
)
_BY_A_SIGNER = Text(
    "Tekenbevoegd maakt u een collega alleen als u zelf tekenbevoegd bent. Kies een andere rol, of vraag het aan de "
    "programmacoördinator.",
    "Only somebody who may sign can let a colleague sign. Choose another role, or ask the programme coordinator.",
)
