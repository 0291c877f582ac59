"""What-if divisions of a tranche: kept as they were reckoned; the one that is chosen never changes again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Cents, Id


class Scenario(Base):
    """A division that was tried out. It touches no money and no application.

    settings: a `services.scenario.Settings` as data. input_sha256: of the request, as `domain.allocation` describes.
    shares: [ref, cents, outcome, nl, en, lot] each, in the order considered. chosen: by whom and when; the database
    then refuses every change.
    """

    __tablename__ = "scenario"
    __table_args__ = (CheckConstraint("(chosen_at IS NULL) = (chosen_by_id IS NULL)", name="chosen_by_somebody"),)

    id: Mapped[Id]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    input_sha256: Mapped[str]
    shares: Mapped[list[Any]]
    awarded_cents: Mapped[Cents]
    left_cents: Mapped[Cents]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    chosen_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chosen_at: Mapped[datetime | None]
