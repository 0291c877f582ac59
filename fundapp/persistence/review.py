"""Advice: who declared an interest, and what the panel advised."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Cents, Id


class InterestDeclaration(Base):
    """What somebody declared before the content opened (belang melden): an interest, or none. The newest one counts."""

    __tablename__ = "interest_declaration"
    __table_args__ = (
        Index("ix_interest_declaration_interested", "person_id", "application_id", postgresql_where="interested"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    interested: Mapped[bool]
    at: Mapped[datetime]


class Advice(Base):
    """The panel's advice on one version of an application. The newest one counts. Append-only."""

    __tablename__ = "advice"
    __table_args__ = (
        CheckConstraint("outcome IN ('award', 'reject')", name="outcome"),
        CheckConstraint("(outcome = 'award') = (amount_cents > 0)", name="amount"),
        UniqueConstraint("id", "adviser_id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    submission_number: Mapped[int]
    adviser_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str]
    amount_cents: Mapped[Cents] = mapped_column(default=0)
    scores: Mapped[dict[str, Any]]
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    reasons: Mapped[list[str]]
    explanation: Mapped[str]
    conditions: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
