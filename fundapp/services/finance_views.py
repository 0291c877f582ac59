"""What the pages for finance show of final accounts: what was decided about them. Amounts in cents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Role
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.persistence.settlement import Determination, IntentResponse


def funds_of(actor: Actor, *roles: Role) -> frozenset[str] | None:
    """The funds in which somebody has one of these roles; None for all of them."""
    return actor.funds(*roles)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about the final accounts of a case, and what the school said of it."""

    school: str
    tranche_ref: str
    determinations: list[Determination]
    responses: list[IntentResponse]

    def determination(self, kind: str) -> Determination | None:
        """The newest intended or final amount."""
        return next((d for d in reversed(self.determinations) if d.kind == kind), None)


def decided(session: Session, application_id: int, *, nothing_yet: bool = False) -> Decided:
    """Return what was decided. nothing_yet: nothing can have been. One query, or three."""
    school, tranche_ref = session.execute(
        select(School.name, Tranche.ref)
        .select_from(Application)
        .join(School, School.code == Application.school_code)
        .join(Tranche, Tranche.id == Application.tranche_id)
        .where(Application.id == application_id)
    ).one()
    if nothing_yet:
        return Decided(school, tranche_ref, [], [])
    fixed = session.scalars(
        select(Determination).where(Determination.application_id == application_id).order_by(Determination.id)
    ).all()
    said = session.scalars(
        select(IntentResponse).where(IntentResponse.application_id == application_id).order_by(IntentResponse.id)
    ).all()
    return Decided(school, tranche_ref, list(fixed), list(said))
