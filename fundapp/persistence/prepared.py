"""Decisions that are prepared, and their release: many at once, each in a transaction of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import prepared
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class Release(Base):
    """Prepared decisions that one person released together. finished_at: when the last of them had its turn."""

    __tablename__ = "release"

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    released_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[datetime]
    total: Mapped[int]
    finished_at: Mapped[datetime | None]


class PreparedDecision(Base):
    """A decision that waits to be released. given: what the transition takes; on_version: of the application.

    outcome: why it was refused, as texts (nl, en).
    """

    __tablename__ = "prepared_decision"
    __table_args__ = (
        CheckConstraint(one_of("state", prepared.State), name="state"),
        CheckConstraint(one_of("action", prepared.ACTIONS), name="action"),
        CheckConstraint("(state = 'ready') = (release_id IS NULL)", name="released"),
        Index(
            "uq_prepared_decision_one_open",
            "application_id",
            unique=True,
            postgresql_where=one_of("state", prepared.OPEN),
        ),
        Index("ix_prepared_decision_tranche", "tranche_id", "state", "id"),
        Index("ix_prepared_decision_release", "release_id", "state", "id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    action: Mapped[str]
    given: Mapped[dict[str, Any]]
    on_version: Mapped[int]
    prepared_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    prepared_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=prepared.State.READY.value)
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    outcome: Mapped[list[Any]] = mapped_column(default=list)
    done_at: Mapped[datetime | None]
