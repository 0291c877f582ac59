"""Rows of the progress report: three independent cells, each of which may be empty."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.progress import RowFlag
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class ProgressRow(Base):
    """One numbered row of one part of one period ("2023-12"). part: the region or ambition and its subject."""

    __tablename__ = "progress_row"
    __table_args__ = (
        UniqueConstraint("period", "part_position", "number"),
        CheckConstraint("period ~ '^[0-9]{4}-[0-9]{2}$'", name="period"),
        CheckConstraint(one_of("flag", RowFlag), name="flag"),
    )

    id: Mapped[Id]
    period: Mapped[str]
    part_position: Mapped[int]
    part: Mapped[str]
    number: Mapped[int]
    planned: Mapped[str] = mapped_column(default="")
    reached: Mapped[str] = mapped_column(default="")
    plans: Mapped[str] = mapped_column(default="")
    flag: Mapped[str] = mapped_column(default=RowFlag.RUNNING.value)
