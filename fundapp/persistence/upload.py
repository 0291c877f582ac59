"""Files that are still being sent, piece by piece. Gone after a day, and a crash of the database may empty it: then a
file is sent again from its beginning. Both tables are unlogged, so that they are emptied together.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base


class PartialUpload(Base):
    """A file on its way. token: names it in addresses; slot: where it goes; size: bytes, as its sender says.

    stamp: what else its sender's machine says of the file (when it was changed), to know it again after a break.
    """

    __tablename__ = "partial_upload"
    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        Index("ix_partial_upload_of", "application_id", "person_id"),
        {"prefixes": ["UNLOGGED"]},
    )

    token: Mapped[str] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    slot: Mapped[str]
    file_name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    stamp: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UploadPart(Base):
    """A piece of a file on its way: its bytes from `start` on. The pieces follow each other without a gap."""

    __tablename__ = "upload_part"
    __table_args__ = (
        CheckConstraint("start >= 0 AND length(content) > 0", name="piece"),
        {"prefixes": ["UNLOGGED"]},
    )

    token: Mapped[str] = mapped_column(ForeignKey("partial_upload.token", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(BYTEA)
