"""The journal: who did what, when, from which state to which, on which version, why. Append-only and hash-chained.

The database itself numbers, chains and hashes each row (trigger `journal_chain`), one chain per tranche (stream), and
refuses update, delete and truncate. `data` holds what the act did to the money, so that an altered ledger entry no
longer agrees with the journal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import FetchedValue

from fundapp.persistence.db import Base, Id


class Journal(Base):
    """One act. stream: the tranche's id, 0 for what belongs to none. request_key: of the form that was sent, once."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        UniqueConstraint("request_key"),
        Index("ix_journal_subject", "kind", "subject_id", "id"),
    )

    id: Mapped[Id]
    stream: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    on_version: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]]
    request_key: Mapped[str | None]
    prev_hash: Mapped[bytes] = mapped_column(BYTEA, server_default=FetchedValue())
    hash: Mapped[bytes] = mapped_column(BYTEA, server_default=FetchedValue())


class JournalHead(Base):
    """The end of each chain, and the lock under which it grows."""

    __tablename__ = "journal_head"

    stream: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(BYTEA)
