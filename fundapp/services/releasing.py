"""The worker's part of a release: one prepared decision after another, each in a transaction of its own.

What is decided and that it is decided are written together, so a worker that is killed leaves nothing half done and
the next one goes on where it stopped; the key of each act makes that it cannot be done twice. Cases are read some
hundred at a time; each is written only if it is as it was read, and read again where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain.application import FLOW
from fundapp.domain.people import Actor, Role
from fundapp.domain.prepared import State
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.prepared import PreparedDecision, Release
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application, application_reading, dossier
from fundapp.services.act import Act, Seen
from fundapp.services.people import actor_by_id
from fundapp.services.transitions import Done, perform

AT_ONCE = 100
"""Cases that are read together."""

_LOCK = text("SELECT pg_try_advisory_lock(hashtext('release'), CAST(:id AS int))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtext('release'), CAST(:id AS int))")


@dataclass(slots=True)
class Counts:
    """What became of decisions in one run."""

    done: int = 0
    refused: int = 0

    @property
    def handled(self) -> int:
        """All together."""
        return self.done + self.refused


def run(
    engine: Engine,
    make_session: sessionmaker[Session],
    clock: Callable[[], datetime],
    *,
    stop: Callable[[], bool] = lambda: False,
    wake: Callable[[], None] = lambda: None,
) -> Counts:
    """Go on with every release that is not finished; one that another worker has in hand is left to it.

    wake: called after each hundred, so that mails go while the rest is decided.
    """
    counts = Counts()
    with make_session() as session:
        waiting = session.scalars(select(Release.id).where(Release.finished_at.is_(None)).order_by(Release.id)).all()
    for release_id in waiting:
        with (
            engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
            _held(connection, release_id) as held,
        ):
            if held:
                _run_one(make_session, clock, release_id, counts, stop, wake)
    return counts


@contextmanager
def _held(connection: Connection, release_id: int) -> Iterator[bool]:
    """Whether this run has the release to itself; the hold ends with the block, or with the connection."""
    held = bool(connection.execute(_LOCK, {"id": release_id}).scalar())
    try:
        yield held
    finally:
        if held:
            connection.execute(_UNLOCK, {"id": release_id})


def _run_one(
    make_session: sessionmaker[Session],
    clock: Callable[[], datetime],
    release_id: int,
    counts: Counts,
    stop: Callable[[], bool],
    wake: Callable[[], None],
) -> None:
    while not stop():
        with make_session() as reading:
            with unit_of_work(reading):
                batch = _next(reading, release_id, clock())
                if batch is None:
                    _finish(reading, release_id, clock())
                    return
            for row, seen in batch.cases:  # what was read stays as it was read, also where one of them is refused
                if stop():
                    return
                _decide(make_session, batch.actor, row, seen, clock(), counts)
        wake()


def _finish(session: Session, release_id: int, now: datetime) -> None:
    unfinished = update(Release).where(Release.id == release_id, Release.finished_at.is_(None))
    session.execute(unfinished.values(finished_at=now))


@dataclass(frozen=True, slots=True)
class _Batch:
    actor: Actor | None
    cases: list[tuple[Any, Seen[Any, Any] | None]]


def _next(session: Session, release_id: int, now: datetime) -> _Batch | None:
    """Read the next cases with all that deciding them asks, in three statements; None where none is left."""
    rows = session.execute(
        select(
            PreparedDecision.id,
            PreparedDecision.application_id,
            PreparedDecision.action,
            PreparedDecision.given,
            PreparedDecision.on_version,
            Application.ref,
            Release.released_by_id,
        )
        .join(Release, Release.id == PreparedDecision.release_id)
        .join(Application, Application.id == PreparedDecision.application_id)
        .where(PreparedDecision.release_id == release_id, PreparedDecision.state == State.QUEUED)
        .order_by(PreparedDecision.id)
        .limit(AT_ONCE)
    ).all()
    if not rows:
        return None
    actor = actor_by_id(session, rows[0].released_by_id)
    if actor is None:
        return _Batch(None, [(row, None) for row in rows])
    mails = {row.action: frozenset(mail.to for mail in FLOW.transition(row.action).mail) for row in rows}
    files = dossier.read_many(session, [r.application_id for r in rows], frozenset[Role]().union(*mails.values()))
    seen = {
        app.ref: Seen(app, application.facts(session, app, actor, now, known), files[app.id])
        for app, known in application_reading.read_many(session, [row.ref for row in rows], actor)
    }
    return _Batch(actor, [(row, seen.get(row.ref)) for row in rows])


def _decide(
    make_session: sessionmaker[Session],
    actor: Actor | None,
    row: Any,
    seen: Seen[Any, Any] | None,
    now: datetime,
    counts: Counts,
) -> None:
    """Decide one, as it was read; where that is refused, once more as it is now."""
    refused: tuple[Refusal, ...] = (_GONE,)
    for looked in (seen, None):
        if actor is None:
            break
        with make_session() as session:
            try:
                _perform(session, actor, row, looked, now)
            except Refused as error:
                refused = error.refusals
            else:
                counts.done += 1
                return
    with make_session() as session:
        _refuse(session, row.id, refused, now)
    counts.refused += 1


def _perform(session: Session, actor: Actor, row: Any, looked: Seen[Any, Any] | None, now: datetime) -> None:
    if looked is not None and not looked.facts.roles:
        raise Refused(_GONE)

    def done(act: Act) -> None:
        act.rows.change(PreparedDecision, row.id, state=State.DONE.value, done_at=now)

    with unit_of_work(session):
        found: Done = perform(
            session,
            FLOW.kind,
            row.ref,
            row.action,
            actor=actor,
            now=now,
            given=row.given,
            seen=row.on_version,
            request_key=f"release:{row.id}",
            looked=looked,
            along=done,
        )
        if found.repeated:
            _note(session, row.id, State.DONE, [], now)


def _refuse(session: Session, number: int, refusals: tuple[Refusal, ...], now: datetime) -> None:
    """Keep why, for the list of the release."""
    told = [{"nl": refusal.sentence.nl, "en": refusal.sentence.en} for refusal in refusals]
    with unit_of_work(session):
        _note(session, number, State.REFUSED, told, now)


def _note(session: Session, number: int, state: State, outcome: list[dict[str, str]], now: datetime) -> None:
    session.execute(
        update(PreparedDecision)
        .where(PreparedDecision.id == number, PreparedDecision.state == State.QUEUED)
        .values(state=state.value, outcome=outcome, done_at=now)
        .execution_options(synchronize_session=False)
    )


_GONE = Refusal(
    "releaser_gone",
    Text(
        "Wie dit vrijgaf, mag over deze aanvraag niet meer besluiten. Laat een collega het opnieuw vrijgeven.",
        "Who released this may no longer decide on this application. Let a colleague release it again.",
    ),
    kind=Kind.FORBIDDEN,
)
