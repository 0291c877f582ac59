"""One commit per unit of work: the only place in the product that begins and commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from fundapp.persistence.db import READS

_WRITING = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}
_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def nothing() -> None:
    """Nobody has to be woken."""


@contextmanager
def unit_of_work(session: Session, wake: Callable[[], None] = nothing) -> Iterator[Session]:
    """Commit what was done in the block, all of it, or nothing when the block raises.

    wake: called after a commit that succeeded, to tell the worker that there may be mail. It must not raise: a wake-up
    that is lost costs one beat of the worker, never the work.
    """
    _begin(session, _WRITING)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    wake()


def read_as_one(session: Session) -> None:
    """Let this session read as of one moment, until it ends: for a long list that is fetched in parts."""
    _begin(session, _READING)


def _begin(session: Session, how: Mapping[str, Any]) -> None:
    """Begin a transaction where the engine has none of itself (`db.reading_options`)."""
    if session.get_bind().get_execution_options().get(READS):
        session.commit()  # ends the reading before it, in which nothing can have been written
        session.connection(execution_options=how)
