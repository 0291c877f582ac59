"""What the pages about the bank show: accounts of boards, statements, lines. Core rows. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from fundapp.domain.bank_line import Category
from fundapp.domain.payment import OrderState
from fundapp.persistence.application import Application
from fundapp.persistence.payment import (
    BankAccount,
    BankLine,
    BankResolution,
    BankStatement,
    PaymentBatch,
    PaymentOrder,
)
from fundapp.persistence.people import Person
from fundapp.persistence.register import SchoolBoard
from fundapp.services.keyset import newest_first
from fundapp.services.payment_views import in_fours

LINES = 200
"""Lines of the bank on one page."""

# --- accounts of boards -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account of a board. now: what the board is paid on now, where that is another one.

    confirmed_by: None while it waits for a second person. called: whom that person called, on which number, when.
    """

    id: int
    board_number: str
    board: str
    iban: str
    holder: str
    sepa_name: str
    contact_name: str
    contact_email: str
    entered_at: datetime
    entered_by_id: int
    entered_by: str
    confirmed_by: str | None
    confirmed_at: datetime | None
    called_name: str
    called_number: str
    called_at: datetime | None
    now: str | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.iban)

    @property
    def now_shown(self) -> str | None:
        """The account before it, in groups of four."""
        return None if self.now is None else in_fours(self.now)


def accounts(
    session: Session,
    funds: Collection[str] | None,
    *,
    waiting: bool,
    before: int | None = None,
    account_id: int | None = None,
) -> list[AccountLine]:
    """Return accounts that wait for a second person, or those that have one; the newest first. One query.

    funds: of boards that applied to one of these; None: of all. account_id: only this one.
    """
    entered, confirmed, earlier = aliased(Person), aliased(Person), aliased(BankAccount)
    now = (
        select(earlier.iban)
        .where(
            earlier.board_number == BankAccount.board_number,
            earlier.confirmed_at.is_not(None),
            earlier.id < BankAccount.id,
        )
        .order_by(earlier.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            BankAccount.id,
            BankAccount.board_number,
            func.coalesce(SchoolBoard.name, ""),
            BankAccount.iban,
            BankAccount.holder,
            BankAccount.sepa_name,
            BankAccount.contact_name,
            BankAccount.contact_email,
            BankAccount.entered_at,
            BankAccount.entered_by_id,
            entered.name,
            confirmed.name,
            BankAccount.confirmed_at,
            BankAccount.called_name,
            BankAccount.called_number,
            BankAccount.called_at,
            now,
        )
        .join(SchoolBoard, SchoolBoard.number == BankAccount.board_number)
        .join(entered, entered.id == BankAccount.entered_by_id)
        .outerjoin(confirmed, confirmed.id == BankAccount.confirmed_by_id)
        .where(BankAccount.refused_at.is_(None))
        .where(BankAccount.confirmed_at.is_(None) if waiting else BankAccount.confirmed_at.is_not(None))
    )
    if funds is not None:
        applied = exists().where(
            Application.board_number == BankAccount.board_number, Application.fund_key.in_(list(funds))
        )
        query = query.where(applied)
    if account_id is not None:
        query = query.where(BankAccount.id == account_id)
    rows: Any = session.execute(newest_first(query, BankAccount.id, before))
    return [AccountLine(*row) for row in rows]


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One statement that was read."""

    id: int
    statement_id: str
    account: str
    opening_cents: int
    closing_cents: int
    ends_on: date
    read_at: datetime
    read_by: str | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.account)


def statements(session: Session, *, before: int | None = None) -> list[StatementLine]:
    """Return the statements that were read, the newest first. One query."""
    query = select(
        BankStatement.id,
        BankStatement.statement_id,
        BankStatement.account,
        BankStatement.opening_cents,
        BankStatement.closing_cents,
        BankStatement.ends_on,
        BankStatement.read_at,
        Person.name,
    ).outerjoin(Person, Person.id == BankStatement.read_by_id)
    return [StatementLine(*row) for row in session.execute(newest_first(query, BankStatement.id, before))]


@dataclass(frozen=True, slots=True)
class BankLineView:
    """One line of a statement. matched_as: payment | bounce | recovery | not_ours, or None.

    category: what a person said it is; proposed_by: who, while a second person must still agree.
    """

    id: int
    booked_on: date
    cents: int
    end_to_end_id: str | None
    counterparty: str
    text: str
    matched_as: str | None
    application_ref: str | None
    category: str | None
    resolution_id: int | None
    waits: bool
    proposed_by_id: int | None
    proposed_by: str | None
    proposed_at: datetime | None
    reference: str | None
    explanation: str | None
    order_ids: list[int] | None

    @property
    def said(self) -> Category | None:
        """What a person said it is."""
        return None if self.category is None else Category(self.category)


def bank_lines(
    session: Session,
    *,
    statement_id: int | None = None,
    line_id: int | None = None,
    unmatched: bool = False,
    after: int | None = None,
) -> list[BankLineView]:
    """Return lines of one statement, one line, or all that belong to nothing yet; one more than a page. One query."""
    proposer = aliased(Person)
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
            BankResolution.category,
            BankResolution.id,
            func.coalesce(BankResolution.id.is_not(None) & BankResolution.decided_at.is_(None), False),
            BankResolution.proposed_by_id,
            proposer.name,
            BankResolution.proposed_at,
            BankResolution.reference,
            BankResolution.explanation,
            BankResolution.order_ids,
        )
        .outerjoin(Application, Application.id == BankLine.application_id)
        .outerjoin(
            BankResolution,
            and_(BankResolution.line_id == BankLine.id, BankResolution.accepted.is_not(False)),
        )
        .outerjoin(proposer, proposer.id == BankResolution.proposed_by_id)
        .where(BankLine.id > (after or 0))
        .order_by(BankLine.id)
        .limit(LINES + 1)
    )
    if statement_id is not None:
        query = query.where(BankLine.statement_id == statement_id)
    if line_id is not None:
        query = query.where(BankLine.id == line_id)
    if unmatched:
        query = query.where(BankLine.matched_as.is_(None))
    rows: Any = session.execute(query)
    return [BankLineView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """A payment that a line of the bank may be (part of)."""

    id: int
    end_to_end_id: str
    application_ref: str
    name: str
    cents: int


def pending_orders(session: Session, batch_ref: str) -> list[PendingOrder]:
    """Return the payments of a batch that the bank has not answered; a page at most. One query."""
    rows = session.execute(
        select(PaymentOrder.id, PaymentOrder.end_to_end_id, Application.ref, PaymentOrder.name, PaymentOrder.cents)
        .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
        .join(Application, Application.id == PaymentOrder.application_id)
        .where(PaymentBatch.ref == batch_ref, PaymentOrder.state == OrderState.PENDING)
        .order_by(PaymentOrder.id)
        .limit(LINES)
    )
    return [PendingOrder(*row) for row in rows]
