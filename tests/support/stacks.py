"""A round with decisions that stand ready, committed for real: for tests that release them with real workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import prepared
from tests.support.cases import NOW
from tests.support.rounds import Round

CENTS = 100_000


@dataclass(frozen=True)
class Ready:
    """A round in which decisions stand ready."""

    tranche: str
    decider: Actor
    refs: tuple[str, ...]


def make_ready(engine: Engine, number: int, *, ceiling: int, amounts: Sequence[int] = ()) -> Ready:
    """A round with so many applications that were advised to award, each prepared by the advice."""
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        run = Round(session, ceiling=ceiling)
        apps = [run.application(amounts[n] if amounts else CENTS) for n in range(number)]
        made, left = prepared.prepare_by_advice(session, run.tranche, actor=run.decider, now=NOW)
        assert (made, left) == (number, [])
        return Ready(run.tranche.ref, run.decider, tuple(app.ref for app in apps))


def release(engine: Engine, ready: Ready) -> str:
    """Release all that stands ready; return the reference of the release."""
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        tranche = session.query(Tranche).filter_by(ref=ready.tranche).one()
        mark = prepared.stack(session, tranche.id).mark
        return prepared.release(session, tranche, actor=ready.decider, now=NOW, mark=mark, no_interest=True).ref
