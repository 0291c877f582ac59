"""People: identity, membership and mandate are three tables; signing in is by a code that is mailed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.people import STAFF_ROLES, Capacity
from fundapp.persistence.db import Base, Id


def one_of(column: str, words: object) -> str:
    """SQL: the column holds one of these words. Words are our own enumerations, never input."""
    listed = ", ".join(f"'{word}'" for word in sorted(str(w) for w in words))  # type: ignore[attr-defined]  # iterable
    return f"{column} IN ({listed})"


class Person(Base):
    """Somebody who can sign in. session_epoch: raise it to end all sessions. single_keys: whether keys do something."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(
            "ix_person_name_prefix",
            func.lower(literal_column("name")).label("name_key"),
            postgresql_ops={"name_key": "text_pattern_ops"},
        ),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(default="nl")
    session_epoch: Mapped[int] = mapped_column(default=0)
    single_keys: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RoleGrant(Base):
    """A role in one fund (or all), perhaps for one sub-region; ended, never deleted."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(one_of("role", STAFF_ROLES), name="role"),
        Index("ix_role_grant_live", "role", "fund_key", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    fund_key: Mapped[str | None] = mapped_column(ForeignKey("fund.key"))
    sub_region: Mapped[str | None] = mapped_column(ForeignKey("sub_region.key"))
    granted_at: Mapped[datetime]
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]


class Membership(Base):
    """Belonging to a school, or to all schools of a board (no school); ended, never deleted."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint(one_of("capacity", Capacity), name="capacity"),
        Index("ix_membership_school_live", "board_number", "school_code", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    board_number: Mapped[str] = mapped_column(ForeignKey("school_board.number"))
    school_code: Mapped[str | None] = mapped_column(ForeignKey("school.code"))
    capacity: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class SignInCode(Base):
    """A code that was mailed. Only hashes are kept; a code works once, a quarter of an hour, for a few tries.

    ticket_hash: of what only the browser that asked for the code knows, so that nobody else can use up its tries.
    """

    __tablename__ = "sign_in_code"

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    ticket_hash: Mapped[str] = mapped_column(unique=True)
    code_hash: Mapped[str]
    link_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ApiToken(Base):
    """A token for a program that acts as a person. Only its hash is kept."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
