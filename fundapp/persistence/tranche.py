"""What happens to a tranche itself: its ceilings, money carried over, how it was closed, and reopened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import carry_over, ceiling
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.ledger import WHOLE_POT
from fundapp.persistence.people import one_of


class CeilingChange(Base):
    """A ceiling as it was and as it became, who changed it and why. Append-only; the database holds it to the ledger.

    pot: "" for the whole, else the sub-region of a sub-ceiling. announced_cents: the ceiling as it was made known, from
    `at` on; old_cents, new_cents: what the ledger has put in. application_id: the earlier application that a cut gave
    way to.
    """

    __tablename__ = "ceiling_change"
    __table_args__ = (
        CheckConstraint(one_of("kind", ceiling.Kind), name="kind"),
        CheckConstraint("new_cents >= 0 AND announced_cents >= 0 AND old_cents <> new_cents", name="cents"),
        CheckConstraint("(kind = 'earlier') = (application_id IS NOT NULL)", name="earlier"),
        CheckConstraint("kind <> 'changed' OR (reason <> '' AND by_id IS NOT NULL)", name="who_and_why"),
        UniqueConstraint("journal_id", "tranche_id", "pot"),
        Index("ix_ceiling_change_tranche", "tranche_id", "pot", "id"),
    )

    id: Mapped[Id]
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    pot: Mapped[str] = mapped_column(default=WHOLE_POT)
    kind: Mapped[str]
    old_cents: Mapped[Cents]
    new_cents: Mapped[Cents]
    announced_cents: Mapped[Cents]
    reason: Mapped[str] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))


class CarryOver(Base):
    """Free money of a tranche that goes to a later one of the same fund: proposed by one person, booked by another."""

    __tablename__ = "carry_over"
    __table_args__ = (
        CheckConstraint(one_of("state", carry_over.State), name="state"),
        CheckConstraint("cents > 0", name="cents"),
        CheckConstraint("source_id <> target_id", name="two_tranches"),
        CheckConstraint("booked_by_id <> proposed_by_id", name="two_people_carry"),
        CheckConstraint("(state = 'booked') = (booked_by_id IS NOT NULL)", name="booked_by_somebody"),
        Index("uq_carry_over_one_proposed", "source_id", unique=True, postgresql_where="state = 'proposed'"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    state: Mapped[str] = mapped_column(default=carry_over.State.PROPOSED.value)
    version: Mapped[int] = mapped_column(default=1)
    cents: Mapped[Cents]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    booked_at: Mapped[datetime | None]
    booked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Closing(Base):
    """One closing of a tranche: the facts of its report, frozen, and the files that the worker made of them once.

    number: 1 for the first; a reopened tranche is closed again under the next. Only the files and a failure are added
    later: the database refuses every other change.
    """

    __tablename__ = "closing"
    __table_args__ = (
        CheckConstraint("closed_by_id <> proposed_by_id", name="two_people_close"),
        UniqueConstraint("tranche_id", "number"),
    )

    id: Mapped[Id]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    number: Mapped[int]
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    closed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    closed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    facts: Mapped[dict[str, Any]]
    pdf_sha256: Mapped[str | None]
    xlsx_sha256: Mapped[str | None]
    failure: Mapped[str | None]


class Reopening(Base):
    """Why a closing was undone, and by which two people. Append-only; the closing and its report stay."""

    __tablename__ = "reopening"
    __table_args__ = (
        CheckConstraint("by_id <> proposed_by_id", name="two_people_reopen"),
        CheckConstraint("reason <> ''", name="reason"),
        UniqueConstraint("closing_id"),
    )

    id: Mapped[Id]
    closing_id: Mapped[int] = mapped_column(ForeignKey("closing.id"))
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
