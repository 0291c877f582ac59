"""Funds, their versions and their tranches. A published version never changes; a case keeps the one it began with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundapp.domain import tranche
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class Fund(Base):
    """A fund (regeling)."""

    __tablename__ = "fund"

    key: Mapped[str] = mapped_column(primary_key=True)
    name_nl: Mapped[str]
    name_en: Mapped[str]


class FundVersion(Base):
    """One version of a fund's rules: `spec` is a `domain.fund.FundSpec` as data. Append-only."""

    __tablename__ = "fund_version"
    __table_args__ = (UniqueConstraint("fund_key", "number"),)

    id: Mapped[Id]
    fund_key: Mapped[str] = mapped_column(ForeignKey("fund.key"))
    number: Mapped[int]
    spec: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Tranche(Base):
    """A round of a fund: a window and a ceiling. `spec` is a `domain.fund.TrancheSpec` as data.

    Its row is the lock under which all money and all states of its cases change. next_number: for references.
    reopening_by_id, reopened_by_id: who proposed and who confirmed the last reopening.
    """

    __tablename__ = "tranche"
    __table_args__ = (
        CheckConstraint(one_of("state", tranche.State), name="state"),
        CheckConstraint("opens_at < closes_at", name="window"),
        CheckConstraint("closed_by_id <> proposed_by_id", name="two_people_close"),
        CheckConstraint("reopened_by_id <> reopening_by_id", name="two_people_reopen"),
        CheckConstraint(
            "state NOT IN ('closed', 'reopening') OR (proposed_by_id IS NOT NULL AND closed_by_id IS NOT NULL)",
            name="closed_by_people",
        ),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    fund_key: Mapped[str] = mapped_column(ForeignKey("fund.key"), index=True)
    fund_version_id: Mapped[int] = mapped_column(ForeignKey("fund_version.id"))
    state: Mapped[str] = mapped_column(default=tranche.State.PREPARED.value)
    version: Mapped[int] = mapped_column(default=1)
    opens_at: Mapped[datetime] = mapped_column(index=True)
    closes_at: Mapped[datetime] = mapped_column(index=True)
    spec: Mapped[dict[str, Any]]
    next_number: Mapped[int] = mapped_column(default=1)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    reopening_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reopening_reason: Mapped[str | None]
    reopened_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    evaluation: Mapped[str | None]
    evaluation_published_at: Mapped[datetime | None]

    fund: Mapped[Fund] = relationship(lazy="raise")


class WindowExtension(Base):
    """A later closing moment for one school, with its reason."""

    __tablename__ = "window_extension"
    __table_args__ = (UniqueConstraint("tranche_id", "school_code"),)

    id: Mapped[Id]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    school_code: Mapped[str] = mapped_column(ForeignKey("school.code"))
    until: Mapped[datetime]
    reason: Mapped[str]
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
