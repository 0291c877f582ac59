"""The tables of the school register. Keyed on DUO's own codes: a school is its vestigingscode, a board its number.

A school is never deleted, because cases refer to it: it is closed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundapp.domain.register import Level, Origin
from fundapp.persistence.db import Base, Id

_LEVELS = ", ".join(f"'{level}'" for level in Level)
_ORIGINS = ", ".join(f"'{origin}'" for origin in Origin)


class SubRegion(Base):
    """A part of the region that money and advice are organised by; key in snake_case, name as people read it."""

    __tablename__ = "sub_region"

    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class SchoolBoard(Base):
    """A bevoegd gezag. The directory gives its number only; the name is filled in when it is known."""

    __tablename__ = "school_board"
    __table_args__ = (CheckConstraint("number ~ '^[0-9]{5}$'", name="number"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]


class School(Base):
    """One site of a school. The texts are DUO's; "" means that DUO has none.

    name_key, place_key: `fundapp.domain.register.fold` of name and place, for sorting and searching.
    sub_region: from the municipality, written by the import. sub_region_override: set by people, never by an import.
    origin: an import changes and closes what came from the directory, and leaves our own invented schools alone.
    """

    __tablename__ = "school"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{2}[A-Z]{2}[0-9]{2}$'", name="code"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint(f"level IN ({_LEVELS})", name="level"),
        CheckConstraint(f"origin IN ({_ORIGINS})", name="origin"),
        Index("ix_school_code_prefix", "code", postgresql_ops={"code": "text_pattern_ops"}),
        Index("ix_school_name_key_prefix", "name_key", postgresql_ops={"name_key": "text_pattern_ops"}),
        Index("ix_school_place_key_prefix", "place_key", postgresql_ops={"place_key": "text_pattern_ops"}),
        Index("ix_school_name_key_code", "name_key", "code"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[str]
    board_number: Mapped[str] = mapped_column(ForeignKey("school_board.number"), index=True)
    name: Mapped[str]
    name_key: Mapped[str]
    street: Mapped[str] = mapped_column(default="")
    house_number: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(default="")
    place_key: Mapped[str] = mapped_column(default="")
    municipality_number: Mapped[str] = mapped_column(default="")
    municipality_name: Mapped[str] = mapped_column(default="")
    province: Mapped[str] = mapped_column(default="")
    denomination: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")
    structure: Mapped[str] = mapped_column(default="")
    correspondence_street: Mapped[str] = mapped_column(default="")
    correspondence_house_number: Mapped[str] = mapped_column(default="")
    correspondence_postcode: Mapped[str] = mapped_column(default="")
    correspondence_place: Mapped[str] = mapped_column(default="")
    sub_region: Mapped[str | None] = mapped_column(ForeignKey("sub_region.key"), index=True)
    sub_region_override: Mapped[str | None] = mapped_column(ForeignKey("sub_region.key"))
    origin: Mapped[str] = mapped_column(default=Origin.OWN.value)
    closed_on: Mapped[date | None]

    board: Mapped[SchoolBoard] = relationship(lazy="raise")

    @property
    def effective_sub_region(self) -> str | None:
        """The key of the sub-region that counts: what people decided, else what the municipality says."""
        return self.sub_region_override or self.sub_region


class RegisterImport(Base):
    """An import that changed something: when, from which files (name, sha256, sector, rows, provinces), and what."""

    __tablename__ = "register_import"

    id: Mapped[Id]
    at: Mapped[datetime]
    files: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]
