"""Who reads what, what they gave, and the meetings where a panel advises."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.fund import Tranche


class Assignment(Base):
    """An application given to somebody to read. Ended, never deleted. because: why this person, as {nl, en}."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_live", "application_id", "person_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_assignment_person", "person_id", "application_id", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    assigned_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    because: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str] = mapped_column(default="")


class Review(Base):
    """What one reader gave on one version of an application: a score from 1 to 5 by criterion, and notes.

    score: the weighted mean, once all criteria have one. sent_at: since then the others' are shown to this reader.
    set_aside_at: counts no more, because an interest was declared afterwards; it stays visible.
    """

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("application_id", "person_id", "submission_number"),
        CheckConstraint("NOT abstained OR score IS NULL", name="abstained"),
        CheckConstraint("sent_at IS NULL OR abstained OR score IS NOT NULL", name="whole"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    submission_number: Mapped[int]
    version: Mapped[int] = mapped_column(default=0)
    scores: Mapped[dict[str, Any]]
    notes: Mapped[dict[str, Any]]
    remark: Mapped[str] = mapped_column(default="")
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    abstained: Mapped[bool] = mapped_column(default=False)
    saved_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    set_aside_at: Mapped[datetime | None]


class SavedFilter(Base):
    """A choice of the worklist that somebody keeps under a name. query: as it stands in the address of the list."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime]


class Meeting(Base):
    """A meeting of a panel on the applications of one round, for one sub-region or all (None).

    quorum: how many members must take part in each item, as the fund says. closed_at: since then nothing changes and
    the minutes are made. current_id: the item that the projector shows.
    """

    __tablename__ = "meeting"

    id: Mapped[Id]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    sub_region: Mapped[str | None] = mapped_column(ForeignKey("sub_region.key"))
    held_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(default="")
    quorum: Mapped[int]
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)
    current_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"))
    remarks: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    minutes: Mapped[dict[str, Any] | None]
    minutes_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_document.sha256"))

    tranche: Mapped[Tranche] = relationship(lazy="raise")


class MeetingSeat(Base):
    """A member who was invited, and whether they are there."""

    __tablename__ = "meeting_seat"

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    present: Mapped[bool] = mapped_column(default=False)


class MeetingItem(Base):
    """An application on the agenda. outcome: as advised, or kept for a later meeting; voted, left: names."""

    __tablename__ = "meeting_item"
    __table_args__ = (
        CheckConstraint("outcome IN ('award', 'reject', 'kept')", name="outcome"),
        CheckConstraint("(outcome = 'award') = (amount_cents > 0)", name="amount"),
    )

    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, index=True)
    position: Mapped[int]
    outcome: Mapped[str | None]
    amount_cents: Mapped[Cents] = mapped_column(default=0)
    voted: Mapped[list[Any]]
    left: Mapped[list[Any]]
    at: Mapped[datetime | None]
