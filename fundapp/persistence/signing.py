"""Who was asked to sign an application, and what was signed: by whom, when, and of which content."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain.facts import SignerRole
from fundapp.domain.signing import SignatureState
from fundapp.persistence.db import Base, Id
from fundapp.persistence.people import one_of


class Signature(Base):
    """One signature, from the moment that somebody was named to sign. The one that counts at a place is not replaced.

    place: 1, or 2 for a second signer. sha256: of the content that was agreed to; person_id: who signed in the portal,
    None for who signed by mail. Once answered, the database keeps who, when, what and the answer as they are.
    """

    __tablename__ = "signature"
    __table_args__ = (
        CheckConstraint(one_of("state", SignatureState), name="state"),
        CheckConstraint(one_of("role", SignerRole), name="role"),
        CheckConstraint("place IN (1, 2)", name="place"),
        CheckConstraint("(state <> 'signed') OR (sha256 IS NOT NULL AND answered_at IS NOT NULL)", name="signed_whole"),
        Index("uq_signature_counts", "application_id", "place", unique=True, postgresql_where="state <> 'replaced'"),
        Index("ix_signature_asked", "asked_at", postgresql_where="state = 'asked'"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    place: Mapped[int] = mapped_column(default=1)
    role: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    state: Mapped[str] = mapped_column(default=SignatureState.NAMED.value)
    asked_at: Mapped[datetime | None]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    sha256: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    explanation: Mapped[str] = mapped_column(default="")
