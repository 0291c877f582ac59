"""Offers of free money to applications on the waiting list."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.waitlist import Outcome
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of


class Offer(Base):
    """Money that came free, held for one application until it answers or its term ends. number: 1 for the first.

    outcome: None while the offer stands. What is held stands in the ledger's account `offered`.
    """

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint("cents > 0", name="cents"),
        CheckConstraint(f"outcome IS NULL OR {one_of('outcome', Outcome)}", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        UniqueConstraint("application_id", "number"),
        Index("uq_offer_one_stands", "application_id", unique=True, postgresql_where="outcome IS NULL"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int]
    cents: Mapped[Cents]
    due_on: Mapped[date]
    offered_at: Mapped[datetime]
    offered_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]
