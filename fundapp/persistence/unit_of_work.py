"""One commit per unit of work: the only place in the product that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session


def _nothing() -> None:
    """Nobody has to be woken."""


@contextmanager
def unit_of_work(session: Session, wake: Callable[[], None] = _nothing) -> Iterator[Session]:
    """Commit what was done in the block, all of it, or nothing when the block raises.

    wake: called after a commit that succeeded, to tell the worker that there may be mail. It must not raise: a wake-up
    that is lost costs one beat of the worker, never the work.
    """
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    wake()
