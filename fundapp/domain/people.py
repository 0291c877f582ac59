"""Who acts: identity, membership of a school, and mandate in a fund are three things.

A person *is* somebody (identity), *belongs to* schools (membership) and *may act* for a fund (grant). What somebody may
do with one case follows from all three, and is asked in one function: `roles_on`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.text import Language, Text


class Role(StrEnum):
    """What somebody is, towards one case. The database keeps these words in its grants."""

    APPLICANT = "applicant"  # writes and sends for a school; follows from membership
    SIGNER = "signer"  # may bind the school; follows from membership, besides APPLICANT
    HANDLER = "handler"  # checks whether an application is complete
    ADVISER = "adviser"  # sits on the panel of a sub-region (TCG)
    DECISION_MAKER = "decision_maker"  # sits on the steering group (stuurgroep)
    FINANCE = "finance"  # pays and settles, at the lead applicant (penvoerder)
    COORDINATOR = "coordinator"  # runs the programme: funds, people, reports
    SYSTEM = "system"  # the clock: what happens when a term ends

    @property
    def label(self) -> Text:
        """The role's name on pages."""
        return _LABELS[self]


_LABELS = {
    Role.APPLICANT: Text("school", "school"),
    Role.SIGNER: Text("tekenbevoegde", "signer"),
    Role.HANDLER: Text("behandelaar", "case handler"),
    Role.ADVISER: Text("adviescommissie", "advisory panel"),
    Role.DECISION_MAKER: Text("stuurgroep", "steering group"),
    Role.FINANCE: Text("financiën", "finance"),
    Role.COORDINATOR: Text("programmacoördinator", "programme coordinator"),
    Role.SYSTEM: Text("het systeem", "the system"),
}

STAFF_ROLES = frozenset({Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER, Role.FINANCE, Role.COORDINATOR})
"""Roles that are granted; the others follow from something else."""

JUDGES = frozenset({Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER})
"""Roles that judge an application: nobody keeps them where they have an interest in the outcome."""


class Capacity(StrEnum):
    """In what capacity somebody belongs to a school or its board."""

    DRAFTER = "drafter"  # writes applications
    SIGNER = "signer"  # may bind the school (tekenbevoegd)
    FINANCE = "finance"  # keeps the school's books and writes the final accounts
    EMPLOYEE = "employee"  # works for the board; gives no access, but is a conflict of interest for staff


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one fund (or all: None), perhaps for one sub-region only."""

    role: Role
    fund: str | None = None
    sub_region: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """Belonging to a school (vestigingscode), or to all schools of a board where `school` is None."""

    board: str
    school: str | None
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, with all that access can be decided from. `id` is None for the system itself.

    single_keys: whether a key by itself does something on pages (WCAG 2.1.4).
    """

    id: int | None
    name: str
    email: str
    language: Language = "nl"
    grants: frozenset[Grant] = frozenset()
    memberships: frozenset[Membership] = frozenset()
    single_keys: bool = True

    @property
    def is_staff(self) -> bool:
        """Whether this person has any granted role."""
        return bool(self.grants)

    @property
    def boards(self) -> frozenset[str]:
        """The boards this person works for, in whatever capacity: their applications are a conflict of interest."""
        return frozenset(m.board for m in self.memberships)

    def has(self, *roles: Role, fund: str | None = None) -> bool:
        """Whether this person has one of these roles, in the fund given or in any."""
        return any(g.role in roles and (fund is None or g.fund in (None, fund)) for g in self.grants)

    def funds(self, *roles: Role) -> frozenset[str] | None:
        """The funds in which this person has one of these roles, for all sub-regions; None: in every fund."""
        granted = [g.fund for g in self.grants if g.role in roles and g.sub_region is None]
        return None if None in granted else frozenset(fund for fund in granted if fund is not None)


SYSTEM = Actor(id=None, name="Fondsloket", email="")
"""The clock and the worker."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a case belongs: what a role on it is decided from. `boards` are the applicant's and the partners'."""

    fund: str
    sub_region: str | None = None
    board: str | None = None
    school: str | None = None
    boards: frozenset[str] = frozenset()


def roles_on(actor: Actor, scope: Scope) -> frozenset[Role]:
    """Return what somebody is towards one case.

    A member of the applicant's school is APPLICANT, and SIGNER too in that capacity; staff have their grants in this
    fund and sub-region; the system is SYSTEM and nothing else. Staff who work for a board that applies or takes part
    keep no role that judges (`conflicted`).
    """
    if actor.id is None:
        return frozenset({Role.SYSTEM})
    roles = {g.role for g in actor.grants if g.fund in (None, scope.fund) and g.sub_region in (None, scope.sub_region)}
    if conflicted(actor, scope):
        roles -= JUDGES
    capacities = {
        m.capacity
        for m in actor.memberships
        if scope.board is not None and m.board == scope.board and m.school in (None, scope.school)
    }
    if capacities - {Capacity.EMPLOYEE}:
        roles.add(Role.APPLICANT)
    if Capacity.SIGNER in capacities:
        roles.add(Role.SIGNER)
    return frozenset(roles)


def conflicted(actor: Actor, scope: Scope) -> bool:
    """Whether the register shows a conflict of interest: the person's board applies, or is a partner."""
    return bool(actor.boards & (scope.boards | ({scope.board} if scope.board else set())))
