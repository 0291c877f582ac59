"""What waits for finance: one statement, a branch for each kind of task, the first due first. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
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
from sqlalchemy.orm import Session

from fundapp.domain import application, change, interim, payment, recovery
from fundapp.domain.flow import Flow, Look
from fundapp.domain.ledger import Account
from fundapp.persistence.application import Application, Term
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.ledger import CaseBalance
from fundapp.persistence.payment import BankAccount, BankLine, Instalment, PaymentBatch
from fundapp.persistence.register import School
from fundapp.persistence.settlement import Recovery
from fundapp.services.payment_views import in_funds

PAGE = 50
"""Rows of one kind."""

Funds = Collection[str] | None
"""The funds that somebody works for; None: all."""


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the worklist. due_on: its term, if any."""

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
    "late": application.FLOW,
    "batch": payment.FLOW,
    "recovery": recovery.FLOW,
    "change": change.FLOW,
    "interim": interim.FLOW,
}

Branch = Any
"""Columns: kind, ref, title, state, cents, due_on, id."""


def _within(funds: Funds) -> list[ColumnElement[bool]]:
    return [] if funds is None else [Application.fund_key.in_(funds)]


_TITLE = func.concat(School.name, " · ", Application.title)
_NO_CENTS = cast(null(), BigInteger).label("cents")
_NO_DAY = cast(null(), Date).label("due_on")


def _first_due(*names: str) -> Any:
    """The first last day of the running terms of these names."""
    return (
        select(func.min(Term.due_on))
        .where(Term.application_id == Application.id, Term.ended_on.is_(None), Term.name.in_(names))
        .correlate(Application)
        .scalar_subquery()
    )


def _accounts(funds: Funds, _today: date) -> Branch:
    """Final accounts to be judged."""
    return (
        select(
            literal("accounts").label("kind"),
            Application.ref.label("ref"),
            _TITLE.label("title"),
            Application.state.label("state"),
            Application.requested_cents.label("cents"),
            _first_due("determination", "response").label("due_on"),
            Application.id.label("id"),
        )
        .join(School, School.code == Application.school_code)
        .where(
            Application.state.in_([application.State.REPORTED, application.State.DETERMINATION_INTENDED]),
            *_within(funds),
        )
    )


def _late(funds: Funds, today: date) -> Branch:
    """Projects of which nothing came in time, and those with a fixed amount that are over (Awb 4:44)."""
    due = func.coalesce(_first_due("report"), Application.ends_on)
    return (
        select(
            literal("late"),
            Application.ref,
            _TITLE,
            Application.state,
            Application.requested_cents,
            due,
            Application.id,
        )
        .join(School, School.code == Application.school_code)
        .where(Application.state == application.State.AWARDED, due < today, *_within(funds))
    )


def _batches(funds: Funds, _today: date) -> Branch:
    """Payment batches under way."""
    return select(
        literal("batch"),
        PaymentBatch.ref,
        literal(""),
        PaymentBatch.state,
        PaymentBatch.total_cents,
        PaymentBatch.execution_on,
        PaymentBatch.id,
    ).where(PaymentBatch.state.in_(["prepared", "approved", "sent"]), *in_funds(funds))


def _recoveries(funds: Funds, _today: date) -> Branch:
    """Claims of which something is open."""
    receivable = and_(CaseBalance.application_id == Recovery.application_id, CaseBalance.account == Account.RECEIVABLE)
    return (
        select(
            literal("recovery"),
            Recovery.ref,
            School.name,
            Recovery.state,
            CaseBalance.cents,
            Recovery.due_on,
            Recovery.id,
        )
        .join(Application, Application.id == Recovery.application_id)
        .join(School, School.code == Application.school_code)
        .join(CaseBalance, receivable)
        .where(CaseBalance.cents > 0, Recovery.state.not_in(sorted(recovery.DONE)), *_within(funds))
    )


def _lines(funds: Funds, _today: date) -> Branch | None:
    """Bank lines that belong to nothing yet: the bank account is that of all funds together."""
    if funds is not None:
        return None
    return select(
        literal("bank_line"),
        cast(BankLine.id, String),
        BankLine.counterparty,
        literal(""),
        BankLine.cents,
        BankLine.booked_on,
        BankLine.id,
    ).where(BankLine.matched_as.is_(None))


def _changes(funds: Funds, _today: date) -> Branch:
    """Change requests that wait for an answer."""
    return (
        select(literal("change"), ChangeRequest.ref, _TITLE, ChangeRequest.state, _NO_CENTS, _NO_DAY, ChangeRequest.id)
        .join(Application, Application.id == ChangeRequest.application_id)
        .join(School, School.code == Application.school_code)
        .where(ChangeRequest.state == change.State.REQUESTED, *_within(funds))
    )


def _interim_reports(funds: Funds, _today: date) -> Branch:
    """Interim reports that were sent and wait for a look."""
    return (
        select(
            literal("interim"),
            InterimReport.ref,
            _TITLE,
            InterimReport.state,
            Instalment.cents,
            _NO_DAY,
            InterimReport.id,
        )
        .join(Application, Application.id == InterimReport.application_id)
        .join(School, School.code == Application.school_code)
        .join(Instalment, Instalment.id == InterimReport.instalment_id)
        .where(InterimReport.state == interim.State.SENT, *_within(funds))
    )


def _bank_accounts(funds: Funds, _today: date) -> Branch:
    """Accounts that wait for a second person and a call back."""
    ours = (
        [] if funds is None else [exists().where(Application.board_number == BankAccount.board_number, *_within(funds))]
    )
    return select(
        literal("account"),
        cast(BankAccount.id, String),
        BankAccount.holder,
        literal(""),
        _NO_CENTS,
        _NO_DAY,
        BankAccount.id,
    ).where(BankAccount.confirmed_at.is_(None), BankAccount.refused_at.is_(None), *ours)


_BRANCHES = (_accounts, _late, _batches, _recoveries, _lines, _changes, _interim_reports, _bank_accounts)


def open_tasks(session: Session, funds: Funds, today: date) -> dict[str, list[Task]]:
    """Return what waits for finance by kind, the first due first. One query."""
    branches = (branch(funds, today) for branch in _BRANCHES)
    parts: list[Any] = [
        select(one.order_by(text("6"), text("7")).limit(PAGE).subquery()) for one in branches if one is not None
    ]
    tasks: dict[str, list[Task]] = {}
    for kind, ref, title, state, cents, due_on, _ in session.execute(union_all(*parts)):
        tasks.setdefault(kind, []).append(Task(kind, ref, title, state, cents, due_on))
    return tasks
