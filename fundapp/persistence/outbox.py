"""Mails that must go out: written with the act, delivered by the worker, never twice by itself, never lost.

state: queued (to be sent) → sending (handed to the server, no answer yet) → sent. A mail whose sending was cut short is
`uncertain`: a person judges. One that the server refuses for good, or whose template fails, is `dead`, with its error.
`held` waits for a person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Id

STATES = ("held", "queued", "sending", "sent", "uncertain", "dead")


class OutboxMessage(Base):
    """One mail to one person. key: unique per journal row, template and recipient. context: frozen facts.

    person_id: None for somebody without an account; the name is in the context, as it is for everybody.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        UniqueConstraint("key"),
        Index("ix_outbox_message_due", "next_try_at", "id", postgresql_where="state = 'queued'"),
        Index("ix_outbox_message_open", "state", "id", postgresql_where="state <> 'sent'"),
        Index("ix_outbox_message_application", "application_id", "id"),
    )

    id: Mapped[Id]
    key: Mapped[str]
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"))
    application_id: Mapped[int | None] = mapped_column(BigInteger)
    template: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    address: Mapped[str]
    language: Mapped[str]
    context: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
