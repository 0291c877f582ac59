"""Counters and small things that last for minutes or hours, shared by all web processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from fundapp.persistence.short_lived import ShortLived

SWEPT_AT_ONCE = 20
"""Each write removes at most so many things that have expired: the table stays small without a job of its own."""


def count(session: Session, key: str, *, now: datetime, lasts: timedelta) -> int:
    """Add one to a counter and return it; it begins again at one when `lasts` has passed since it began."""
    row = insert(ShortLived).values(key=key, number=1, data={}, expires_at=now + lasts)
    over = ShortLived.expires_at <= now
    return session.execute(
        row.on_conflict_do_update(
            index_elements=[ShortLived.key],
            set_={
                "number": case((over, 1), else_=ShortLived.number + 1),
                "expires_at": case((over, now + lasts), else_=ShortLived.expires_at),
            },
        ).returning(ShortLived.number)
    ).scalar_one()


def put(session: Session, key: str, data: dict[str, Any], *, now: datetime, lasts: timedelta) -> None:
    """Keep something under a key, in place of what was there; sweep a few that have expired."""
    row = insert(ShortLived).values(key=key, number=0, data=data, expires_at=now + lasts)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[ShortLived.key],
            set_={"number": 0, "data": row.excluded.data, "expires_at": row.excluded.expires_at},
        )
    )
    expired = select(ShortLived.key).where(ShortLived.expires_at <= now).limit(SWEPT_AT_ONCE)
    session.execute(delete(ShortLived).where(ShortLived.key.in_(expired.with_for_update(skip_locked=True))))


def take(session: Session, key: str, *, now: datetime) -> dict[str, Any] | None:
    """Return what is kept under a key and remove it; None when it is not there or has expired."""
    found = session.execute(
        delete(ShortLived).where(ShortLived.key == key).returning(ShortLived.data, ShortLived.expires_at)
    ).one_or_none()
    return found.data if found is not None and found.expires_at > now else None
