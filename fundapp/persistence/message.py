"""Questions and messages between a school and who handles its application."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Id


class CaseMessage(Base):
    """One message about an application. from_school: who wrote it: the school, or else the fund."""

    __tablename__ = "case_message"
    __table_args__ = (
        CheckConstraint("body <> ''", name="body"),
        Index("ix_case_message_application", "application_id", "id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    from_school: Mapped[bool]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[str]
    at: Mapped[datetime]
