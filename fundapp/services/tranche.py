"""Tranches as cases: announced, opened and closed by the clock, and closed for good when everything adds up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import application, tranche
from fundapp.domain.ledger import Account
from fundapp.domain.money import euro
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text, same
from fundapp.domain.tranche import Blocker
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankLine
from fundapp.services import ceilings
from fundapp.services.act import CaseType
from fundapp.services.bank_gaps import gaps
from fundapp.services.ledger import tranche_balances
from fundapp.services.subject import lock_tranche, missing

_FINISHED = [str(application.State.DRAFT), *(str(s) for s, look in application.FLOW.looks.items() if look.final)]
"""States that do not keep a tranche open; a draft that was never sent is no case."""


def find(session: Session, ref: str, lock: bool = False) -> Tranche:
    """Return a tranche, locked or not. Raises Refused(NOT_FOUND)."""
    found = session.scalar(select(Tranche).where(Tranche.ref == ref))
    if found is None:
        raise Refused(missing())
    return lock_tranche(session, found.id) if lock else found


def blockers(session: Session, row: Tranche) -> tuple[Blocker, ...]:
    """Return everything that keeps a tranche from closing, each with the case that it is about."""
    found: list[Blocker] = []
    running = session.execute(
        select(Application.ref, Application.state)
        .where(Application.tranche_id == row.id, Application.state.not_in(_FINISHED))
        .order_by(Application.id)
        .limit(50)
    )
    for ref, state in running:
        label = application.FLOW.look(state).label
        found.append(
            Blocker(
                "case_open",
                Text("{ref} is nog niet afgerond: {state}.", "{ref} is not settled yet: {state}.").fill(
                    ref=ref, state=label
                ),
                ref,
            )
        )
    balances = tranche_balances(session, row.id)
    for account, label in _OPEN_ACCOUNTS:
        if cents := balances.get(account, 0):
            found.append(
                Blocker(
                    f"{account}_open",
                    Text("Er staat nog {amount} open: {label}.", "{amount} is still open: {label}.").fill(
                        amount=same(euro(cents)), label=label
                    ),
                )
            )
    unmatched = session.scalar(select(func.count()).where(BankLine.matched_as.is_(None))) or 0
    if unmatched:
        found.append(
            Blocker(
                "unmatched",
                Text(
                    "{n} bankregel(s) hoort nog nergens bij. Koppel ze bij Bankafschriften.",
                    "{n} bank line(s) belong to nothing yet. Match them under Bank statements.",
                ).fill(n=unmatched),
            )
        )
    found += [Blocker("statement_missing", gap.sentence) for gap in gaps(session)]
    if row.evaluation_published_at is None:
        found.append(
            Blocker(
                "evaluation",
                Text(
                    "De evaluatie is nog niet gepubliceerd. Schrijf hem en publiceer hem.",
                    "The evaluation has not been published. Write it and publish it.",
                ),
            )
        )
    if sum(balances.values()):
        found.append(
            Blocker("ledger", Text("Het grootboek sluit niet. Bel de beheerder.", "The ledger does not balance."))
        )
    return tuple(found)


_OPEN_ACCOUNTS = (
    (Account.COMMITTED, Text("toegezegd en niet betaald", "promised and not paid")),
    (Account.PAID, Text("betaald en niet vastgesteld", "paid and not determined")),
    (Account.PAYABLE, Text("vastgesteld en niet betaald", "determined and not paid")),
    (Account.IN_TRANSIT, Text("onderweg bij de bank", "on its way at the bank")),
    (Account.RECEIVABLE, Text("nog terug te ontvangen", "still to be received back")),
)


def _facts(session: Session, row: Tranche, actor: Actor, now: datetime) -> tranche.Facts:
    needs_checklist = row.state in (tranche.State.RUNNING, tranche.State.CLOSING) and actor.id is not None
    roles = _roles(actor, row)
    needs_ceilings = row.state in tranche.LIVE and Role.COORDINATOR in roles
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
        ceilings=ceilings.by_pot(session, row) if needs_ceilings else {},
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
    facts=_facts,
    scope=_scope,
    stream=lambda row: row.id,
    application_id=lambda _row: None,
    context=_context,
)
