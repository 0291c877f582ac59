"""The ledger's tables. Entries are append-only; balances are kept by the database itself, and guarded by CHECKs.

The trigger `ledger_post` refuses entries that do not sum to zero per posting, refuses any entry in a closed tranche,
and moves the balances. An amount that would go below zero breaks a CHECK, whoever writes it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.ledger import OF_A_CASE, Account, Movement
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of

WHOLE_POT = ""
"""The pot of the tranche as a whole; the other pots are its sub-regions that have a sub-ceiling."""


class LedgerEntry(Base):
    """One half of a posting: cents (+ into, - out of) an account of a tranche, for a case or for the tranche itself.

    posting: numbers the postings of one journal row. pot: the sub-region whose sub-ceiling it also touches, or "".
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("cents <> 0", name="cents"),
        CheckConstraint(one_of("account", Account), name="account"),
        CheckConstraint(one_of("movement", Movement), name="movement"),
        Index("ix_ledger_entry_tranche", "tranche_id", "id"),
        Index("ix_ledger_entry_figure", "tranche_id", "account", "id"),
        Index("ix_ledger_entry_application", "application_id", "id"),
        Index("ix_ledger_entry_journal", "journal_id", "posting"),
    )

    id: Mapped[Id]
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    posting: Mapped[int]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))
    pot: Mapped[str] = mapped_column(default=WHOLE_POT)
    account: Mapped[str]
    movement: Mapped[str]
    cents: Mapped[Cents]
    at: Mapped[datetime]


class TrancheBalance(Base):
    """What stands in an account of a tranche, for the whole of it and for each sub-ceiling."""

    __tablename__ = "tranche_balance"
    __table_args__ = (CheckConstraint("account = 'ceiling' OR cents >= 0", name="never_below_zero"),)

    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), primary_key=True)
    pot: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[Cents]


class TrancheMovement(Base):
    """What moved in an account of a tranche, by year (in Amsterdam) and by why: the lines of its statements, kept."""

    __tablename__ = "tranche_movement"

    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), primary_key=True)
    pot: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    movement: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[Cents]


class CaseBalance(Base):
    """What stands in an account for one application."""

    __tablename__ = "case_balance"
    __table_args__ = (
        CheckConstraint("cents >= 0", name="never_below_zero"),
        CheckConstraint(one_of("account", OF_A_CASE), name="account"),
    )

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[Cents]
