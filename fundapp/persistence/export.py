"""Exports of the ledger that people asked for: which, who, and the file while it is kept."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import export
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class Export(Base):
    """One export. tranche_id: of one tranche, or None for the whole fund. first_on, last_on: days in Amsterdam, or all.

    sha256: the file, until `expires_at`; downloads that went straight to the person have none.
    """

    __tablename__ = "export"
    __table_args__ = (
        CheckConstraint(one_of("form", export.Form), name="form"),
        CheckConstraint(one_of("state", export.State), name="state"),
        CheckConstraint("(state = 'made') = (sha256 IS NOT NULL)", name="made"),
        CheckConstraint("first_on <= last_on", name="period"),
        Index("ix_export_waiting", "id", postgresql_where="state = 'waiting'"),
        Index("ix_export_fund", "fund_key", "id"),
    )

    id: Mapped[Id]
    fund_key: Mapped[str] = mapped_column(ForeignKey("fund.key"))
    tranche_id: Mapped[int | None] = mapped_column(ForeignKey("tranche.id"))
    form: Mapped[str]
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sha256: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    failure: Mapped[str | None]
