"""What the pages for finance show: read models, a constant number of queries each. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from fundapp.domain import application, change, interim, payment
from fundapp.domain.flow import Flow, Look
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Role
from fundapp.persistence.application import Application, Term
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.decision import Letter
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.ledger import CaseBalance
from fundapp.persistence.payment import BankAccount, BankLine, Instalment, PaymentBatch
from fundapp.persistence.register import School
from fundapp.persistence.settlement import Recovery, ReportLine
from fundapp.services.payment_views import in_funds

PAGE = 50
"""Rows on one page of a list."""


def funds_of(actor: Actor, *roles: Role) -> frozenset[str] | None:
    """The funds in which somebody has one of these roles; None for all of them."""
    return actor.funds(*roles)


def _of_boards(funds: Collection[str] | None) -> list[ColumnElement[bool]]:
    if funds is None:
        return []
    return [exists().where(Application.board_number == BankAccount.board_number, *_within(funds))]


def _within(funds: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if funds is None else [Application.fund_key.in_(funds)]


# --- the worklist -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the worklist. due_on: its term, if any.

    kind: accounts | batch | recovery | bank_line | change | interim | account.
    """

    kind: str
    ref: str
    title: str
    state: str
    cents: int | None
    due_on: date | None

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return _FLOWS[self.kind].look(self.state)


_FLOWS: dict[str, Flow[Any]] = {
    "accounts": application.FLOW,
    "batch": payment.FLOW,
    "change": change.FLOW,
    "interim": interim.FLOW,
}


def open_tasks(session: Session, funds: Collection[str] | None) -> dict[str, list[Task]]:
    """Return what waits for finance by kind, the first due first. funds: None for all. One query."""
    due = (
        select(Term.due_on)
        .where(
            Term.application_id == Application.id,
            Term.ended_on.is_(None),
            Term.name.in_(["determination", "response"]),
        )
        .order_by(Term.due_on)
        .limit(1)
        .scalar_subquery()
    )
    accounts = (
        select(
            literal("accounts").label("kind"),
            Application.ref.label("ref"),
            func.concat(School.name, " · ", Application.title).label("title"),
            Application.state.label("state"),
            Application.requested_cents.label("cents"),
            due.label("due_on"),
            Application.id.label("id"),
        )
        .join(School, School.code == Application.school_code)
        .where(Application.state.in_(["reported", "determination_intended"]), *_within(funds))
    )
    batches = select(
        literal("batch"),
        PaymentBatch.ref,
        literal(""),
        PaymentBatch.state,
        PaymentBatch.total_cents,
        PaymentBatch.execution_on,
        PaymentBatch.id,
    ).where(PaymentBatch.state.in_(["prepared", "approved", "sent"]), *in_funds(funds))
    recoveries = (
        select(
            literal("recovery"),
            Recovery.ref,
            School.name,
            Application.state,
            CaseBalance.cents,
            Recovery.due_on,
            Recovery.id,
        )
        .join(Application, Application.id == Recovery.application_id)
        .join(School, School.code == Application.school_code)
        .join(CaseBalance, _receivable(Recovery.application_id))
        .where(CaseBalance.cents > 0, *_within(funds))
    )
    lines = select(
        literal("bank_line"),
        cast(BankLine.id, String),
        BankLine.counterparty,
        literal(""),
        BankLine.cents,
        BankLine.booked_on,
        BankLine.id,
    ).where(BankLine.matched_as.is_(None))
    reports = (
        select(
            literal("interim"),
            InterimReport.ref,
            func.concat(School.name, " · ", Application.title),
            InterimReport.state,
            Instalment.cents,
            cast(null(), Date).label("due_on"),
            InterimReport.id,
        )
        .join(Application, Application.id == InterimReport.application_id)
        .join(School, School.code == Application.school_code)
        .join(Instalment, Instalment.id == InterimReport.instalment_id)
        .where(InterimReport.state == interim.State.SENT, *_within(funds))
    )
    waiting = select(
        literal("account"),
        cast(BankAccount.id, String),
        BankAccount.holder,
        literal(""),
        cast(null(), BigInteger).label("cents"),
        cast(null(), Date).label("due_on"),
        BankAccount.id,
    ).where(BankAccount.confirmed_at.is_(None), BankAccount.refused_at.is_(None), *_of_boards(funds))
    changes = (
        select(
            literal("change"),
            ChangeRequest.ref,
            func.concat(School.name, " · ", Application.title),
            ChangeRequest.state,
            cast(null(), BigInteger).label("cents"),
            cast(null(), Date).label("due_on"),
            ChangeRequest.id,
        )
        .join(Application, Application.id == ChangeRequest.application_id)
        .join(School, School.code == Application.school_code)
        .where(ChangeRequest.state == change.State.REQUESTED, *_within(funds))
    )
    branches: list[Any] = [accounts, batches, recoveries, changes, reports, waiting]
    if funds is None:  # the bank account is that of all funds together
        branches.append(lines)
    parts: list[Any] = [select(branch.order_by(text("6"), text("7")).limit(PAGE).subquery()) for branch in branches]
    tasks: dict[str, list[Task]] = {}
    for kind, ref, title, state, cents, due_on, _ in session.execute(union_all(*parts)):
        tasks.setdefault(kind, []).append(Task(kind, ref, title, state, cents, due_on))
    return tasks


def _receivable(application_id: Any) -> ColumnElement[bool]:
    return and_(CaseBalance.application_id == application_id, CaseBalance.account == Account.RECEIVABLE)


# --- final accounts and recoveries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Determined:
    """An intended or a final amount (cents), with its calculation as it was kept."""

    kind: str
    cents: int
    calculation: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a school said of an intended amount."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Accounts:
    """The final accounts of a case beside what was decided about them."""

    school: str
    tranche_ref: str
    lines: list[ReportLine]
    determinations: list[Determined]
    responses: list[Said]
    response_due: date | None

    def determination(self, kind: str) -> Determined | None:
        """The newest intended or final amount."""
        return next((d for d in reversed(self.determinations) if d.kind == kind), None)


_ACCOUNTS = text("""
  SELECT s.name AS school, t.ref,
    (SELECT due_on FROM term WHERE application_id = a.id AND name = 'response' AND ended_on IS NULL
     ORDER BY round DESC LIMIT 1) AS due_on,
    (SELECT json_agg(json_build_array(kind, cents, calculation, at) ORDER BY id) FROM determination
     WHERE application_id = a.id) AS fixed,
    (SELECT json_agg(json_build_array(text, at) ORDER BY id) FROM intent_response
     WHERE application_id = a.id) AS said
  FROM application a JOIN school s ON s.code = a.school_code JOIN tranche t ON t.id = a.tranche_id WHERE a.id = :id
""")


def final_accounts(session: Session, application_id: int) -> Accounts:
    """Return the final accounts of an application. Two queries."""
    row = session.execute(_ACCOUNTS, {"id": application_id}).one()
    lines = session.scalars(
        select(ReportLine).where(ReportLine.application_id == application_id).order_by(ReportLine.position)
    ).all()
    return Accounts(
        school=row.school,
        tranche_ref=row.ref,
        lines=list(lines),
        determinations=[
            Determined(kind, cents, steps, datetime.fromisoformat(at)) for kind, cents, steps, at in row.fixed or ()
        ],
        responses=[Said(words, datetime.fromisoformat(at)) for words, at in row.said or ()],
        response_due=row.due_on,
    )


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """One claim. open_cents: what is still to be received, by the ledger; letter_id: the letter that asks for it."""

    ref: str
    application_ref: str
    school: str
    cents: int
    open_cents: int
    written_off_cents: int
    due_on: date
    letter_id: int | None
    id: int

    @property
    def received_cents(self) -> int:
        """What came back."""
        return self.cents - self.open_cents - self.written_off_cents


def recoveries(
    session: Session, funds: Collection[str] | None, *, only_open: bool, before: int | None = None
) -> list[RecoveryLine]:
    """Return claims, open or all, the newest first. What is open comes from the ledger. One query."""
    written_off = aliased(CaseBalance)
    letter = (
        select(func.max(Letter.id))
        .where(Letter.application_id == Application.id, Letter.template == "recovery")
        .correlate(Application)
        .scalar_subquery()
    )
    query = (
        select(
            Recovery.ref,
            Application.ref,
            School.name,
            Recovery.cents,
            func.coalesce(CaseBalance.cents, 0),
            func.coalesce(written_off.cents, 0),
            Recovery.due_on,
            letter,
            Recovery.id,
        )
        .join(Application, Application.id == Recovery.application_id)
        .join(School, School.code == Application.school_code)
        .outerjoin(CaseBalance, _receivable(Recovery.application_id))
        .outerjoin(
            written_off,
            and_(written_off.application_id == Recovery.application_id, written_off.account == Account.WRITTEN_OFF),
        )
        .where(*_within(funds))
        .order_by(Recovery.id.desc())
        .limit(PAGE + 1)
    )
    if only_open:
        query = query.where(CaseBalance.cents > 0)
    if before is not None:
        query = query.where(Recovery.id < before)
    return [RecoveryLine(*row) for row in session.execute(query)]
