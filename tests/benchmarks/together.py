"""Many decisions together: the product's worker and the least that could do it, in turn, on the same database."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import prepared, releasing
from fundapp.services.generate_story import DECIDER
from fundapp.services.people import actor_by_email
from tests.benchmarks.floor.statements import DECIDE, DECISION
from tests.benchmarks.pages import TURNS, USUAL
from tests.benchmarks.stage import Stage, World
from tests.benchmarks.table import Figure

ROUND = "VOL-P2"
EACH = 250
"""Decisions in a turn; the figure is told for a thousand."""

_ADVISE = text("""
  WITH taken AS (
    SELECT a.id, a.requested_cents FROM application a JOIN tranche t ON t.id = a.tranche_id
    WHERE t.ref = :ref AND a.state = 'under_review' ORDER BY a.id LIMIT :number),
  advised AS (
    INSERT INTO advice (application_id, submission_number, adviser_id, outcome, amount_cents, scores, score, reasons,
      explanation, conditions, at)
    SELECT taken.id, 1, (SELECT min(adviser_id) FROM advice), 'award', taken.requested_cents, '{}', 4, '[]', 'Goed.',
      '', now() FROM taken)
  UPDATE application a SET state = 'advised', version = version + 1, score = 4 FROM taken WHERE a.id = taken.id
""")


def together(stage: Stage) -> list[Figure]:
    """Prepared awards, released together: each with all that it writes, in a transaction of its own."""
    world = stage.world(USUAL)
    engine = make_engine(world.url)
    ours, floor = [], []
    for _ in range(TURNS + 1):  # the first turn warms up
        floor.append(_floor(world, engine))
        _prepare(engine)
        ours.append(_ours(engine))
    engine.dispose()
    mine, least = min(ours[1:]) * 1000 / EACH, min(floor[1:]) * 1000 / EACH
    name = f"decide 1,000 prepared cases together (of {EACH})"
    return [Figure(name, "s", mine, least, 3, more_is_better=False)]


def _floor(world: World, engine: Engine) -> float:
    """Update, insert, commit: so many times."""
    refs = [row.ref for row in world.rows("SELECT ref FROM floor_case ORDER BY id LIMIT :n", n=EACH)]
    begun = time.perf_counter()
    for ref in refs:
        with engine.begin() as connection:
            number = connection.execute(DECIDE, {"ref": ref}).scalar_one()
            connection.execute(DECISION, {"id": number, "amount": 100, "now": datetime.now(UTC)})
    return time.perf_counter() - begun


def _prepare(engine: Engine) -> None:
    """So many stand ready: advised for this, and whatever else was advised stays out of it."""
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        tranche = session.scalars(select(Tranche).where(Tranche.ref == ROUND)).one()
        session.execute(_ADVISE, {"ref": ROUND, "number": EACH})
        decider = actor_by_email(session, DECIDER)
        assert decider is not None
        newest = text("""SELECT a.ref, a.requested_cents FROM application a JOIN tranche t ON t.id = a.tranche_id
            JOIN advice v ON v.application_id = a.id AND v.explanation = 'Goed.'
            WHERE t.ref = :ref AND a.state = 'advised'""")
        wanted = {
            row.ref: ("award", {"amount_cents": row.requested_cents, "conditions": "", "explanation": ""})
            for row in session.execute(newest, {"ref": ROUND})
        }
        made, left = prepared.prepare_many(session, tranche, wanted, actor=decider, now=datetime.now(UTC))
        assert (made, left) == (EACH, []), (made, left[:1])


def _ours(engine: Engine) -> float:
    """Release them, and let one worker do its work."""
    begun = time.perf_counter()
    now = datetime.now(UTC)
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        tranche = session.scalars(select(Tranche).where(Tranche.ref == ROUND)).one()
        decider = actor_by_email(session, DECIDER)
        assert decider is not None
        mark = prepared.stack(session, tranche.id).mark
        prepared.release(session, tranche, actor=decider, now=now, mark=mark, no_interest=True)
    counts = releasing.run(engine, session_factory(engine), lambda: datetime.now(UTC))
    took = time.perf_counter() - begun
    assert (counts.done, counts.refused) == (EACH, 0), counts
    return took
