"""Closing a tranche and reopening it: what is recorded, by whom, and the facts of the closing report.

Two people do each. The facts are frozen in the same transaction; the worker makes the files of them.
"""

from __future__ import annotations

from sqlalchemy import func, select

from fundapp.domain.canonical import digest
from fundapp.persistence.fund import Tranche
from fundapp.persistence.tranche import Closing, Reopening
from fundapp.services import closing_report
from fundapp.services.act import Act
from fundapp.services.ledger import tranche_balances


def record_proposal(act: Act) -> None:
    """Who proposed, so that somebody else confirms."""
    act.row.proposed_by_id = act.person_id


def record_closing(act: Act) -> None:
    """The closing figures, in the journal and in the report; from here the database refuses every entry."""
    row: Tranche = act.row
    row.closed_by_id = act.person_id
    row.closed_at = act.now
    balances = tranche_balances(act.session, row.id)
    act.data["closing"] = {str(account): cents for account, cents in sorted(balances.items())}
    number = (act.session.scalar(select(func.count()).where(Closing.tranche_id == row.id)) or 0) + 1
    act.data["number"] = number
    facts = closing_report.facts_of(act.session, row, number=number, closed_by=act.actor.name)
    act.data["report_sha256"] = digest(facts)
    proposer = row.proposed_by_id
    assert proposer is not None, "it was proposed"
    act.after_journal.append(
        lambda journal_id: Closing(
            tranche_id=row.id,
            number=number,
            journal_id=journal_id,
            closed_at=act.now,
            proposed_by_id=proposer,
            closed_by_id=act.person_id,
            facts=facts,
        )
    )


def propose_reopening(act: Act) -> None:
    """Who wants it reopened, and why."""
    row: Tranche = act.row
    row.reopening_by_id = act.person_id
    row.reopened_by_id = None
    row.reopening_reason = act.text("explanation")


def record_reopening(act: Act) -> None:
    """The earlier closing and its report stay; the tranche runs again and is closed under the next number."""
    row: Tranche = act.row
    newest = act.session.scalars(
        select(Closing).where(Closing.tranche_id == row.id).order_by(Closing.number.desc()).limit(1)
    ).one()
    proposer, reason = row.reopening_by_id, row.reopening_reason or ""
    assert proposer is not None, "it was proposed"
    row.reopened_by_id = act.person_id
    row.proposed_by_id = row.closed_by_id = row.closed_at = None
    act.data["reopening"] = {"closing": newest.number, "reason": reason, "proposed_by": proposer}
    act.after_journal.append(
        lambda journal_id: Reopening(
            closing_id=newest.id,
            journal_id=journal_id,
            at=act.now,
            proposed_by_id=proposer,
            by_id=act.person_id,
            reason=reason,
        )
    )
