"""Final accounts, determinations and recoveries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Cents, Id


class FinalReport(Base):
    """The school's final accounts (eindverantwoording): results in words, and who really paid with. Cents."""

    __tablename__ = "final_report"

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True)
    results: Mapped[str] = mapped_column(default="")
    may_publish: Mapped[bool] = mapped_column(default=False)
    co_financing_cents: Mapped[int | None]
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class ReportLine(Base):
    """One budget line in the final accounts: what was spent, and what of it counts (cents; None: not judged yet)."""

    __tablename__ = "report_line"
    __table_args__ = (
        UniqueConstraint("application_id", "position"),
        CheckConstraint("claimed_cents >= 0", name="claimed"),
        CheckConstraint("accepted_cents >= 0 AND accepted_cents <= claimed_cents", name="accepted"),
        CheckConstraint(
            "accepted_cents IS NULL OR accepted_cents = claimed_cents OR reason <> ''", name="a_cut_has_a_reason"
        ),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    position: Mapped[int]
    description: Mapped[str]
    category: Mapped[str]
    budgeted_cents: Mapped[Cents]
    claimed_cents: Mapped[int | None]
    explanation: Mapped[str] = mapped_column(default="")
    accepted_cents: Mapped[int | None]
    reason: Mapped[str] = mapped_column(default="")


class Determination(Base):
    """An intended or a final amount (vaststelling), with its calculation step by step. Append-only.

    replaces_id: the final amount that this one came in the place of, after a new look at it.
    """

    __tablename__ = "determination"
    __table_args__ = (
        CheckConstraint("kind IN ('intended', 'final')", name="kind"),
        CheckConstraint("cents >= 0", name="cents"),
        Index(
            "uq_determination_one_final",
            "application_id",
            unique=True,
            postgresql_where="kind = 'final' AND replaces_id IS NULL",
        ),
        CheckConstraint("replaces_id IS NULL OR kind = 'final'", name="only_a_final_one_is_replaced"),
        UniqueConstraint("replaces_id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    kind: Mapped[str]
    cents: Mapped[Cents]
    calculation: Mapped[dict[str, Any]]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("determination.id"))


class IntentResponse(Base):
    """The school's response to an intended decision (zienswijze)."""

    __tablename__ = "intent_response"

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    text: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class Recovery(Base):
    """Money that is asked back (terugvordering). What is still open stands in the ledger's account `receivable`."""

    __tablename__ = "recovery"
    __table_args__ = (CheckConstraint("cents > 0", name="cents"),)

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    cents: Mapped[Cents]
    due_on: Mapped[date]
    created_at: Mapped[datetime]
