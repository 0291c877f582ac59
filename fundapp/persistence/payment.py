"""Bank accounts, promised instalments, payment batches with their orders, and what the bank told us."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import bank_line, payment
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of


class BankAccount(Base):
    """A board's account. The newest confirmed one counts; two people are needed to confirm one, and a call back.

    holder: as the bank knows it; sepa_name: the same as a payment file can carry it. contact: who of the board is told
    of changes. called: whom the second person called, on which number, when. refused: it never counted.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        CheckConstraint("confirmed_by_id <> entered_by_id", name="two_people"),
        CheckConstraint(
            "confirmed_at IS NULL OR (called_name <> '' AND called_number <> '' AND called_at IS NOT NULL)",
            name="called_back",
        ),
        CheckConstraint("confirmed_at IS NULL OR refused_at IS NULL", name="one_answer"),
        Index("ix_bank_account_waiting", "id", postgresql_where="confirmed_at IS NULL AND refused_at IS NULL"),
    )

    id: Mapped[Id]
    board_number: Mapped[str] = mapped_column(ForeignKey("school_board.number"), index=True)
    iban: Mapped[str]
    holder: Mapped[str]
    sepa_name: Mapped[str]
    contact_name: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    called_name: Mapped[str] = mapped_column(default="")
    called_number: Mapped[str] = mapped_column(default="")
    called_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    refused_at: Mapped[datetime | None]
    refused_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    refusal: Mapped[str] = mapped_column(default="")


class Instalment(Base):
    """A payment that was promised (termijn): an advance, or what is left for after the determination. Cents.

    condition: what must have happened first; share_bp: of the award, None for what is left. payable_on, due_on: from
    when and by when it is paid; None while it waits.
    """

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint(one_of("state", payment.InstalmentState), name="state"),
        CheckConstraint(one_of("purpose", payment.Purpose), name="purpose"),
        CheckConstraint(one_of("condition", payment.Condition), name="condition"),
        CheckConstraint("cents > 0", name="cents"),
        CheckConstraint(
            "state IN ('waiting', 'dropped') OR (payable_on IS NOT NULL AND due_on IS NOT NULL)", name="dated"
        ),
        UniqueConstraint("application_id", "number"),
        Index("ix_instalment_due", "due_on", "id", postgresql_where="state = 'due'"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int]
    purpose: Mapped[str]
    condition: Mapped[str]
    share_bp: Mapped[int | None]
    cents: Mapped[Cents]
    payable_on: Mapped[date | None]
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(default=payment.InstalmentState.DUE.value)


class PaymentHold(Base):
    """Nothing is paid to a case from a day up to and including another, for a reason; it ends by itself, or earlier.

    ended: by whom (None: by itself) and why; the row is kept.
    """

    __tablename__ = "payment_hold"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="period"),
        CheckConstraint("reason <> ''", name="reason"),
        Index("uq_payment_hold_running", "application_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_payment_hold_ends", "ends_on", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    reason: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    placed_at: Mapped[datetime]
    placed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    end_reason: Mapped[str] = mapped_column(default="")


class PaymentBatch(Base):
    """A list of payments that one person prepared and another approves. file_sha256: the file for the bank, kept.

    fund_keys: of which funds its payments are: only who works for all of them sees it.
    """

    __tablename__ = "payment_batch"
    __table_args__ = (
        CheckConstraint(one_of("state", payment.State), name="state"),
        CheckConstraint("approved_by_id <> prepared_by_id", name="two_people_pay"),
        CheckConstraint(
            "state NOT IN ('approved', 'sent', 'booked') OR (approved_by_id IS NOT NULL AND approved_hash IS NOT NULL)",
            name="approved_first",
        ),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=payment.State.PREPARED.value)
    version: Mapped[int] = mapped_column(default=1)
    fund_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    execution_on: Mapped[date]
    total_cents: Mapped[Cents]
    prepared_at: Mapped[datetime]
    prepared_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_hash: Mapped[str | None]
    file_sha256: Mapped[str | None]
    file_content: Mapped[bytes | None]


class PaymentOrder(Base):
    """One payment in a batch: name and account as they were when it was prepared; never altered.

    paid_on: when the bank booked it; returned_on, returned_why: when and why the bank sent it back.
    """

    __tablename__ = "payment_order"
    __table_args__ = (
        CheckConstraint(one_of("state", payment.OrderState), name="state"),
        CheckConstraint("cents > 0", name="cents"),
        Index(
            "uq_payment_order_live_instalment",
            "instalment_id",
            unique=True,
            postgresql_where="state IN ('pending', 'paid')",
        ),
    )

    id: Mapped[Id]
    batch_id: Mapped[int] = mapped_column(ForeignKey("payment_batch.id"), index=True)
    instalment_id: Mapped[int] = mapped_column(ForeignKey("instalment.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    end_to_end_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    iban: Mapped[str]
    cents: Mapped[Cents]
    remittance: Mapped[str]
    state: Mapped[str] = mapped_column(default=payment.OrderState.PENDING.value)
    paid_on: Mapped[date | None]
    returned_on: Mapped[date | None]
    returned_why: Mapped[str | None]


class BankStatement(Base):
    """A statement that was read (camt.053). The same file, or the same statement, counts once.

    sha256: of the file; lines_sha256: of what it says, whatever the order. segments: [[from, to], …], the balances
    around each run of lines that were new; one from opening to closing where it overlaps no other statement.
    """

    __tablename__ = "bank_statement"
    __table_args__ = (UniqueConstraint("account", "statement_id", "ends_on"),)

    id: Mapped[Id]
    sha256: Mapped[str]
    lines_sha256: Mapped[str]
    statement_id: Mapped[str]
    account: Mapped[str]
    ends_on: Mapped[date]
    opening_cents: Mapped[Cents]
    closing_cents: Mapped[Cents]
    segments: Mapped[list[Any]]
    read_at: Mapped[datetime]
    read_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class BankLine(Base):
    """One line of a statement, and what it was matched with. An unmatched one keeps its tranche from closing.

    entry_key: of the entry that it is (a part of), the same in every statement that tells it. reason: why a payment
    came back, as the bank says it.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_bank_line_unmatched", "id", postgresql_where="matched_as IS NULL"),
    )

    id: Mapped[Id]
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    key: Mapped[str]
    entry_key: Mapped[str] = mapped_column(index=True)
    booked_on: Mapped[date]
    cents: Mapped[Cents]
    end_to_end_id: Mapped[str | None]
    reason: Mapped[str | None]
    counterparty: Mapped[str]
    text: Mapped[str]
    matched_as: Mapped[str | None]  # payment | bounce | recovery | not_ours
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))


class BankResolution(Base):
    """What a person says of a line that fitted nothing: a named category, and where money is concerned a second person.

    reference: of a recovery, a batch or one payment; order_ids: of a batch, the payments that the bank carried out.
    accepted: None while it waits for the second person.
    """

    __tablename__ = "bank_resolution"
    __table_args__ = (
        CheckConstraint(one_of("category", bank_line.Category), name="category"),
        CheckConstraint("NOT two_people OR decided_by_id <> proposed_by_id OR NOT accepted", name="two_people"),
        CheckConstraint("(decided_at IS NULL) = (accepted IS NULL)", name="decided"),
        Index("uq_bank_resolution_waiting", "line_id", unique=True, postgresql_where="decided_at IS NULL"),
        Index("uq_bank_resolution_accepted", "line_id", unique=True, postgresql_where="accepted"),
    )

    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("bank_line.id"), index=True)
    category: Mapped[str]
    two_people: Mapped[bool]
    reference: Mapped[str] = mapped_column(default="")
    order_ids: Mapped[list[Any]]
    explanation: Mapped[str] = mapped_column(default="")
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    accepted: Mapped[bool | None]
