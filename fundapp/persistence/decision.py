"""Decisions, awards and the letters that tell of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Cents, Id


class Decision(Base):
    """A decision (besluit): award, reject, not_consider or revoke; or a rejection that is intended. Append-only.

    A decision after a new look (kind `remedy`) points to the one that it came in the place of: another decision, or a
    determination. outcome: what was decided on the objection (`domain.objection.Outcome`).

    decided_by_id: None only where the rules of the fund end an application by themselves, once a term has passed.
    The adviser of the advice that it rests on is part of the row, so that the database itself refuses a decision by the
    same person.
    """

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('award', 'intend_reject', 'reject', 'not_consider', 'revoke', 'remedy')", name="kind"
        ),
        CheckConstraint("decided_by_id <> advised_by_id", name="adviser_does_not_decide"),
        CheckConstraint("decided_by_id IS NOT NULL OR kind = 'not_consider'", name="somebody_decides"),
        CheckConstraint(
            "kind NOT IN ('award', 'intend_reject', 'reject') OR advice_id IS NOT NULL", name="advice_first"
        ),
        CheckConstraint(
            "num_nonnulls(replaces_id, replaces_determination_id) = CASE kind WHEN 'remedy' THEN 1 ELSE 0 END",
            name="points_to_the_old_one",
        ),
        CheckConstraint("(kind = 'remedy') = (outcome IS NOT NULL)", name="outcome"),
        CheckConstraint("(advice_id IS NULL) = (advised_by_id IS NULL)", name="advice_whole"),
        ForeignKeyConstraint(["advice_id", "advised_by_id"], ["advice.id", "advice.adviser_id"]),
        Index("ix_decision_application", "application_id", "id"),
        UniqueConstraint("replaces_id"),
        UniqueConstraint("replaces_determination_id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    kind: Mapped[str]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    advice_id: Mapped[int | None]
    advised_by_id: Mapped[int | None]
    amount_cents: Mapped[Cents] = mapped_column(default=0)
    reasons: Mapped[list[str]]
    conditions: Mapped[str] = mapped_column(default="")
    explanation: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    replaces_determination_id: Mapped[int | None] = mapped_column(ForeignKey("determination.id"))
    outcome: Mapped[str | None]


class Award(Base):
    """What was awarded, to whom, as they were on that day: school data change under running cases.

    Only a decision after a new look changes it: its amount, and which decision it rests on. The database refuses the
    rest.
    """

    __tablename__ = "award"
    __table_args__ = (CheckConstraint("cents > 0", name="cents"),)

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"))
    cents: Mapped[Cents]
    awarded_at: Mapped[datetime]
    school_name: Mapped[str]
    board_number: Mapped[str]
    board_name: Mapped[str]
    iban: Mapped[str]
    account_holder: Mapped[str]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]


class Letter(Base):
    """A letter as it was sent: which template, with which facts (frozen); its PDF is made once and kept by its hash.

    The letter is in the portal; the mail says that it is there. `sent_at` (accessible to the addressee) and `opened_at`
    are both kept (Awb 2:17).
    """

    __tablename__ = "letter"

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    template: Mapped[str]
    context: Mapped[dict[str, Any]]
    sent_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    pdf_sha256: Mapped[str | None]
    failure: Mapped[str | None]
