"""Tranches as cases: announced, opened and closed by the clock, and closed for good when everything adds up."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain import tranche
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Refused
from fundapp.persistence.fund import Tranche
from fundapp.services import ceilings
from fundapp.services.act import CaseType
from fundapp.services.checklist import blockers
from fundapp.services.subject import lock_tranche, missing


def find(session: Session, ref: str, lock: bool = False) -> Tranche:
    """Return a tranche, locked or not. Raises Refused(NOT_FOUND)."""
    found = session.scalar(select(Tranche).where(Tranche.ref == ref))
    if found is None:
        raise Refused(missing())
    return lock_tranche(session, found.id) if lock else found


def facts(session: Session, row: Tranche, actor: Actor, now: datetime, *, lean: bool = False) -> tranche.Facts:
    """Load what the guards ask in this state. lean: not what closing asks; no statement at all."""
    roles = _roles(actor, row)
    needs_checklist = not lean and row.state in (tranche.State.RUNNING, tranche.State.CLOSING) and actor.id is not None
    return tranche.Facts(
        state=row.state,
        version=row.version,
        roles=roles,
        actor_id=actor.id,
        now=now,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        blockers=blockers(session, row) if needs_checklist else (),
        proposed_by_id=row.proposed_by_id,
        reopening_by_id=row.reopening_by_id,
        ceilings=cache(lambda: ceilings.by_pot(session, row)),
    )


def _roles(actor: Actor, row: Tranche) -> frozenset[Role]:
    roles = set(roles_on(actor, Scope(fund=row.fund_key)))
    return frozenset(roles | {g.role for g in actor.grants if g.fund in (None, row.fund_key)})


def _scope(_session: Session, row: Tranche) -> Scope:
    return Scope(fund=row.fund_key)


def _context(_session: Session, row: Tranche) -> dict[str, Any]:
    return {"ref": row.ref, "tranche": row.name, "url_path": f"/tranches/{row.ref}"}


KIND: CaseType[Tranche, tranche.Facts] = CaseType(
    flow=tranche.FLOW,
    find=find,
    facts=facts,
    scope=_scope,
    stream=lambda row: row.id,
    application_id=lambda _row: None,
    context=_context,
)
