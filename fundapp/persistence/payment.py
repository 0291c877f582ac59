"""Bank accounts, promised instalments, payment batches with their orders, and what the bank told us."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import payment
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of


class BankAccount(Base):
    """A board's account. The newest confirmed one counts; two people are needed to confirm one."""

    __tablename__ = "bank_account"
    __table_args__ = (CheckConstraint("confirmed_by_id <> entered_by_id", name="two_people"),)

    id: Mapped[Id]
    board_number: Mapped[str] = mapped_column(ForeignKey("school_board.number"), index=True)
    iban: Mapped[str]
    holder: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Instalment(Base):
    """A payment that was promised (termijn): an advance, or the final payment. Amount in cents."""

    __tablename__ = "instalment"
    __table_args__ = (
        CheckConstraint(one_of("state", payment.InstalmentState), name="state"),
        CheckConstraint(one_of("purpose", payment.Purpose), name="purpose"),
        CheckConstraint("cents > 0", name="cents"),
        UniqueConstraint("application_id", "number"),
        Index("ix_instalment_due", "due_on", "id", postgresql_where="state = 'due'"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int]
    purpose: Mapped[str]
    cents: Mapped[Cents]
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(default=payment.InstalmentState.DUE.value)


class PaymentBatch(Base):
    """A list of payments that one person prepared and another approves. file_sha256: the file for the bank, kept."""

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
    """One payment in a batch: name and account as they were when it was prepared."""

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


class BankStatement(Base):
    """A statement that was read (camt.053). The same file, or the same statement, counts once."""

    __tablename__ = "bank_statement"
    __table_args__ = (UniqueConstraint("account", "statement_id"),)

    id: Mapped[Id]
    sha256: Mapped[str]
    statement_id: Mapped[str]
    account: Mapped[str]
    opening_cents: Mapped[Cents]
    closing_cents: Mapped[Cents]
    read_at: Mapped[datetime]
    read_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class BankLine(Base):
    """One line of a statement, and what it was matched with. An unmatched one keeps its tranche from closing."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_bank_line_unmatched", "id", postgresql_where="matched_as IS NULL"),
    )

    id: Mapped[Id]
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    key: Mapped[str]
    booked_on: Mapped[date]
    cents: Mapped[Cents]
    end_to_end_id: Mapped[str | None]
    counterparty: Mapped[str]
    text: Mapped[str]
    matched_as: Mapped[str | None]  # payment | bounce | recovery | not_ours
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))
