"""What is kept for minutes or hours and may be lost: counters of attempts, input that waits for its writer, sign-outs.

PostgreSQL rather than Redis, because Redis need not be there; an unlogged table, because a crash may empty it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base


class ShortLived(Base):
    """One thing under a key. number: where it is a counter; data: where it is more. Gone for readers at expires_at."""

    __tablename__ = "short_lived"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012  (SQLAlchemy's own name for it)

    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    expires_at: Mapped[datetime] = mapped_column(index=True)
