"""What partners were asked to confirm, and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.consent import ConsentState
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class PartnerConsent(Base):
    """What one partner of an application was asked, and what it said. The one that counts is not replaced.

    party_key: `domain.consent.party_key` of the partner's name, for the rows of partners are replaced at every save.
    promise, sha256: what was confirmed, as it was shown. answered_by: the name that the partner gave with the answer.
    """

    __tablename__ = "partner_consent"
    __table_args__ = (
        CheckConstraint(one_of("state", ConsentState), name="state"),
        CheckConstraint("(state <> 'given') OR (sha256 IS NOT NULL AND answered_at IS NOT NULL)", name="given_whole"),
        Index(
            "uq_partner_consent_counts",
            "application_id",
            "party_key",
            unique=True,
            postgresql_where="state <> 'replaced'",
        ),
        Index("ix_partner_consent_asked", "asked_at", postgresql_where="state = 'asked'"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    party_key: Mapped[str]
    party: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    state: Mapped[str] = mapped_column(default=ConsentState.ASKED.value)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(default="")
    promise: Mapped[dict[str, Any]]
    sha256: Mapped[str | None]
    explanation: Mapped[str] = mapped_column(default="")
