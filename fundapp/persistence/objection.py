"""Objections and reconsiderations: what the school wrote, how it was heard, what was advised."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import objection
from fundapp.domain.term import Profile
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of


class Objection(Base):
    """A new look that a school asked at one decision, under the law of the fund (profile).

    decision_id or determination_id: the first decision; decided_on: when it was sent; due_on: the last day to file.
    old_cents: what it gave; most_cents: the most that can be given; reserved_cents: what stands in the ledger's account
    `reserved` for it. new_decision_id: what was decided; that decision points to the first one.
    """

    __tablename__ = "objection"
    __table_args__ = (
        CheckConstraint(one_of("state", objection.State), name="state"),
        CheckConstraint(one_of("profile", Profile), name="profile"),
        CheckConstraint("num_nonnulls(decision_id, determination_id) = 1", name="one_decision"),
        CheckConstraint("old_cents >= 0 AND most_cents >= 0 AND reserved_cents >= 0", name="cents"),
        CheckConstraint("state = 'draft' OR (filed_at IS NOT NULL AND grounds <> '')", name="filed"),
        CheckConstraint("NOT late OR late_reason <> ''", name="late_has_a_reason"),
        CheckConstraint("(adviser_id IS NULL) = (advised IS NULL)", name="advice_whole"),
        CheckConstraint(f"advised IS NULL OR {one_of('advised', objection.Outcome)}", name="advised"),
        CheckConstraint(f"waiver IS NULL OR {one_of('waiver', objection.Waiver)}", name="waiver"),
        CheckConstraint(
            "state NOT IN ('heard', 'advised') OR hearing_report <> '' OR waiver IS NOT NULL", name="heard_or_waived"
        ),
        CheckConstraint(
            "state NOT IN ('founded', 'partly_founded', 'unfounded', 'inadmissible', 'withdrawn')"
            " OR reserved_cents = 0",
            name="nothing_reserved_at_the_end",
        ),
        CheckConstraint(
            "state NOT IN ('founded', 'partly_founded', 'unfounded') OR adviser_id IS NOT NULL", name="advice_first"
        ),
        CheckConstraint(
            "(state IN ('founded', 'partly_founded', 'unfounded', 'inadmissible')) = (new_decision_id IS NOT NULL)",
            name="ends_with_a_decision",
        ),
        UniqueConstraint("new_decision_id"),
        Index(
            "uq_objection_decision",
            "decision_id",
            unique=True,
            postgresql_where="decision_id IS NOT NULL AND state <> 'withdrawn'",
        ),
        Index(
            "uq_objection_determination",
            "determination_id",
            unique=True,
            postgresql_where="determination_id IS NOT NULL AND state <> 'withdrawn'",
        ),
        Index("ix_objection_open", "state", "id"),
        Index("ix_objection_tranche", "tranche_id", "id"),
        Index("ix_objection_application", "application_id", "id"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    profile: Mapped[str]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    determination_id: Mapped[int | None] = mapped_column(ForeignKey("determination.id"))
    new_decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    decided_on: Mapped[date]
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(default=objection.State.DRAFT.value)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    filed_at: Mapped[datetime | None]
    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    grounds: Mapped[str] = mapped_column(default="")
    wants_hearing: Mapped[bool] = mapped_column(default=True)
    late: Mapped[bool] = mapped_column(default=False)
    late_reason: Mapped[str] = mapped_column(default="")
    completion_request: Mapped[str] = mapped_column(default="")
    completion: Mapped[str] = mapped_column(default="")
    completion_missed: Mapped[bool] = mapped_column(default=False)
    old_cents: Mapped[Cents] = mapped_column(default=0)
    most_cents: Mapped[Cents] = mapped_column(default=0)
    reserved_cents: Mapped[Cents] = mapped_column(default=0)
    decision_due_on: Mapped[date | None]
    hearing_at: Mapped[datetime | None]
    hearing_place: Mapped[str] = mapped_column(default="")
    hearing_present: Mapped[str] = mapped_column(default="")
    hearing_report: Mapped[str] = mapped_column(default="")
    heard_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    waiver: Mapped[str | None]
    waiver_reason: Mapped[str] = mapped_column(default="")
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    advised: Mapped[str | None]
    advised_cents: Mapped[Cents] = mapped_column(default=0)
    advice: Mapped[str] = mapped_column(default="")
    advised_at: Mapped[datetime | None]
