"""Who asks access to a school, until somebody of that school answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.colleagues import ACCESS_GIVING, RequestState
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class AccessRequest(Base):
    """A person asks access to one school, in one capacity. explanation: what they wrote; reason: why it was refused."""

    __tablename__ = "access_request"
    __table_args__ = (
        CheckConstraint(one_of("state", RequestState), name="state"),
        CheckConstraint(one_of("capacity", ACCESS_GIVING), name="capacity"),
        Index(
            "uq_access_request_open",
            "person_id",
            "school_code",
            "capacity",
            unique=True,
            postgresql_where="state = 'open'",
        ),
        Index("ix_access_request_school", "school_code", postgresql_where="state = 'open'"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    school_code: Mapped[str] = mapped_column(ForeignKey("school.code"))
    capacity: Mapped[str]
    explanation: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=RequestState.OPEN.value)
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(default="")
