"""What the pages about payments show: batches, accounts of boards, statements. Amounts in cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from fundapp.domain import payment
from fundapp.domain.flow import Look
from fundapp.domain.payment import OrderState, Purpose
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankAccount, BankLine, BankStatement, Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.people import Person
from fundapp.persistence.register import SchoolBoard

PAGE = 50
"""Rows on one page of a list."""


def in_fours(iban: str) -> str:
    """An account number as people read it aloud: in groups of four."""
    compact = iban.replace(" ", "")
    return " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))


# --- payment batches --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch in the list."""

    ref: str
    state: str
    execution_on: date
    total_cents: int
    prepared_by: str
    id: int

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return payment.FLOW.look(self.state)


def batches(session: Session, *, before: int | None = None) -> list[BatchLine]:
    """Return batches, the newest first, from before this id on; one more than a page when there are more. One query."""
    query = (
        select(
            PaymentBatch.ref,
            PaymentBatch.state,
            PaymentBatch.execution_on,
            PaymentBatch.total_cents,
            Person.name,
            PaymentBatch.id,
        )
        .join(Person, Person.id == PaymentBatch.prepared_by_id)
        .order_by(PaymentBatch.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(PaymentBatch.id < before)
    return [BatchLine(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One payment of a batch, as the approver must check it. changed: other than when the money was awarded."""

    id: int
    application_ref: str
    tranche: str
    name: str
    iban: str
    purpose: str
    cents: int
    state: str
    end_to_end_id: str
    changed: bool
    entered_by: str | None
    confirmed_by: str | None
    confirmed_at: datetime | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.iban)

    @property
    def purpose_label(self) -> Text:
        """What it is for."""
        return Purpose(self.purpose).label

    @property
    def state_label(self) -> Text:
        """What the bank did with it."""
        return _ORDER_STATES[OrderState(self.state)]


_ORDER_STATES = {
    OrderState.PENDING: Text("Nog geen antwoord", "No answer yet"),
    OrderState.PAID: Text("Betaald", "Paid"),
    OrderState.RETURNED: Text("Teruggekomen", "Returned"),
    OrderState.DROPPED: Text("Vervallen", "Dropped"),
}


def batch_orders(session: Session, batch_id: int) -> list[OrderLine]:
    """Return the payments of a batch, in its order, with who checked a changed account. One query."""
    entered, confirmed = aliased(Person), aliased(Person)
    account = (
        select(func.max(BankAccount.id))
        .where(
            BankAccount.board_number == Application.board_number,
            BankAccount.iban == PaymentOrder.iban,
            BankAccount.confirmed_at.is_not(None),
        )
        .correlate(Application, PaymentOrder)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        select(
            PaymentOrder.id,
            Application.ref,
            Tranche.ref,
            PaymentOrder.name,
            PaymentOrder.iban,
            Instalment.purpose,
            PaymentOrder.cents,
            PaymentOrder.state,
            PaymentOrder.end_to_end_id,
            PaymentOrder.iban != Award.iban,
            entered.name,
            confirmed.name,
            BankAccount.confirmed_at,
        )
        .join(Application, Application.id == PaymentOrder.application_id)
        .join(Tranche, Tranche.id == PaymentOrder.tranche_id)
        .join(Instalment, Instalment.id == PaymentOrder.instalment_id)
        .join(Award, Award.application_id == Application.id)
        .outerjoin(BankAccount, BankAccount.id == account)
        .outerjoin(entered, entered.id == BankAccount.entered_by_id)
        .outerjoin(confirmed, confirmed.id == BankAccount.confirmed_by_id)
        .where(PaymentOrder.batch_id == batch_id)
        .order_by(PaymentOrder.id)
    )
    return [OrderLine(*row) for row in rows]


def names(session: Session, *person_ids: int | None) -> dict[int, str]:
    """Return the names of these people by id. One query."""
    wanted = {one for one in person_ids if one is not None}
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))).all())


def per_tranche(lines: Sequence[OrderLine]) -> list[tuple[str, int]]:
    """The total of a batch per tranche, in cents."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.tranche] = totals.get(line.tranche, 0) + line.cents
    return sorted(totals.items())


# --- bank accounts and statements -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account of a board. confirmed_by: None while it waits for a second person."""

    id: int
    board_number: str
    board: str
    iban: str
    holder: str
    entered_at: datetime
    entered_by_id: int
    entered_by: str
    confirmed_by: str | None
    confirmed_at: datetime | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.iban)


def accounts(
    session: Session, *, waiting: bool, before: int | None = None, account_id: int | None = None
) -> list[AccountLine]:
    """Return accounts that wait for a second person, or those that have one; the newest first. One query.

    account_id: only this one.
    """
    entered, confirmed = aliased(Person), aliased(Person)
    query = (
        select(
            BankAccount.id,
            BankAccount.board_number,
            func.coalesce(SchoolBoard.name, ""),
            BankAccount.iban,
            BankAccount.holder,
            BankAccount.entered_at,
            BankAccount.entered_by_id,
            entered.name,
            confirmed.name,
            BankAccount.confirmed_at,
        )
        .join(SchoolBoard, SchoolBoard.number == BankAccount.board_number)
        .join(entered, entered.id == BankAccount.entered_by_id)
        .outerjoin(confirmed, confirmed.id == BankAccount.confirmed_by_id)
        .where(BankAccount.confirmed_at.is_(None) if waiting else BankAccount.confirmed_at.is_not(None))
        .order_by(BankAccount.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(BankAccount.id < before)
    if account_id is not None:
        query = query.where(BankAccount.id == account_id)
    rows: Any = session.execute(query)
    return [AccountLine(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One statement that was read."""

    id: int
    statement_id: str
    account: str
    opening_cents: int
    closing_cents: int
    read_at: datetime
    read_by: str | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.account)


def statements(session: Session, *, before: int | None = None) -> list[StatementLine]:
    """Return the statements that were read, the newest first. One query."""
    query = (
        select(
            BankStatement.id,
            BankStatement.statement_id,
            BankStatement.account,
            BankStatement.opening_cents,
            BankStatement.closing_cents,
            BankStatement.read_at,
            Person.name,
        )
        .outerjoin(Person, Person.id == BankStatement.read_by_id)
        .order_by(BankStatement.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(BankStatement.id < before)
    return [StatementLine(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class BankLineView:
    """One line of a statement. matched_as: payment | bounce | recovery | not_ours, or None."""

    id: int
    booked_on: date
    cents: int
    end_to_end_id: str | None
    counterparty: str
    text: str
    matched_as: str | None
    application_ref: str | None


def bank_lines(
    session: Session, *, statement_id: int | None = None, line_id: int | None = None, unmatched: bool = False
) -> list[BankLineView]:
    """Return lines of one statement, one line, or all that belong to nothing yet; 200 at most. One query."""
    query = (
        select(
            BankLine.id,
            BankLine.booked_on,
            BankLine.cents,
            BankLine.end_to_end_id,
            BankLine.counterparty,
            BankLine.text,
            BankLine.matched_as,
            Application.ref,
        )
        .outerjoin(Application, Application.id == BankLine.application_id)
        .order_by(BankLine.id)
        .limit(200)
    )
    if statement_id is not None:
        query = query.where(BankLine.statement_id == statement_id)
    if line_id is not None:
        query = query.where(BankLine.id == line_id)
    if unmatched:
        query = query.where(BankLine.matched_as.is_(None))
    return [BankLineView(*row) for row in session.execute(query)]
