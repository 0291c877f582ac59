"""Change requests during a project."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundapp.domain import change
from fundapp.persistence.application import Application
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class ChangeRequest(Base):
    """What a school asks to change.

    asked: as `domain.change` has it for its kind. consequences: [[what, before, after], …] as the school saw them when
    it asked, each {"nl": …, "en": …} or null.
    """

    __tablename__ = "change_request"
    __table_args__ = (
        CheckConstraint(one_of("state", change.State), name="state"),
        CheckConstraint(one_of("kind", change.Kind), name="kind"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=change.State.REQUESTED.value)
    version: Mapped[int] = mapped_column(default=1)
    asked: Mapped[dict[str, Any]]
    consequences: Mapped[list[Any]]
    explanation: Mapped[str]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    application: Mapped[Application] = relationship(lazy="raise")
