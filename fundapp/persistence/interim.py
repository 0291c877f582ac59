"""Interim reports: what a school shows before an instalment is paid."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import interim
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class InterimReport(Base):
    """One interim report. proof: what the fund asks, as it was when the money was awarded (`fund_parts.Proof`)."""

    __tablename__ = "interim_report"
    __table_args__ = (
        CheckConstraint(one_of("state", interim.State), name="state"),
        Index("ix_interim_report_sent", "id", postgresql_where="state = 'sent'"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    instalment_id: Mapped[int] = mapped_column(ForeignKey("instalment.id"), unique=True)
    number: Mapped[int]
    proof: Mapped[dict[str, Any]]
    due_on: Mapped[date]
    text: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=interim.State.ASKED.value)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
