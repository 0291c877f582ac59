"""A world being played: acts are tried one after another, or several at once, each in a session of its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain.people import Actor
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import PaymentBatch
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import deadlines
from tests.support.world import acts, bank
from tests.support.world.acts import Act, Impossible, Try
from tests.support.world.bank import Bank
from tests.support.world.people import SCHOOLS
from tests.support.world.stage import BEGIN, SOURCE, TARGET, Stage, promised_by_others, ref

OF_A_CASE: tuple[Act, ...] = (
    acts.submit,
    acts.sign,
    acts.take_up,
    acts.advise,
    acts.award,
    acts.reject,
    acts.waitlist,
    acts.offer,
    acts.accept_offer,
    acts.decline_offer,
    acts.lapse_offer,
    acts.withdraw,
    acts.revoke,
    acts.hold,
    acts.lift_hold,
    acts.account,
    acts.return_report,
    acts.judge,
    acts.intend,
    acts.respond,
    acts.determine,
    acts.settle,
    acts.set_last_term,
    acts.begin_ex_officio,
    acts.ask_change,
)
OF_PAYING: tuple[Act, ...] = (
    acts.prepare_batch,
    acts.approve_batch,
    acts.send_batch,
    acts.cancel_batch,
    acts.take_out,
    bank.statement_of,
    bank.read_again,
    bank.explain_line,
    bank.agree_on_line,
)
OF_LATER: tuple[Act, ...] = (
    acts.ask_change,
    acts.approve_change,
    acts.refuse_change,
    acts.claim,
    acts.waive,
    acts.agree_schedule,
    acts.set_off,
    acts.propose_write_off,
    acts.write_off,
    acts.keep,
    bank.school_pays_back,
)
"""What comes after an award or a final amount: changes, and money that is asked back."""
OF_THE_TRANCHE: tuple[Act, ...] = (
    acts.change_ceiling,
    acts.propose_carrying,
    acts.carry,
    acts.call_off,
    acts.publish,
    acts.propose_closing,
    acts.refuse_closing,
    acts.close,
    acts.propose_reopening,
    acts.refuse_reopening,
    acts.reopen,
    acts.go_on_closing,
)

USUAL: dict[str, Sequence[Act]] = {
    "draft": (acts.submit,),
    "submitted": (acts.sign, acts.take_up, acts.take_up),
    "under_review": (acts.advise,),
    "advised": (acts.award, acts.waitlist, acts.award, acts.award, acts.reject, acts.withdraw),
    "waitlisted": (acts.offer, acts.award, acts.offer, acts.offer),
    "offered": (acts.accept_offer, acts.accept_offer, acts.decline_offer, acts.lapse_offer, acts.withdraw),
    "offer_accepted": (acts.award, acts.award, acts.reject),
    "awarded": (
        acts.account,
        acts.account,
        acts.ask_change,
        acts.approve_change,
        acts.hold,
        acts.account,
        acts.lift_hold,
        acts.revoke,
        acts.set_last_term,
        acts.begin_ex_officio,
    ),
    "reported": (acts.judge, acts.determine, acts.determine, acts.intend, acts.return_report),
    "determination_intended": (acts.respond, acts.determine),
    "determined": (
        bank.school_pays_back,
        acts.propose_write_off,
        acts.write_off,
        bank.bounces,
        acts.agree_schedule,
        acts.write_off,
        acts.keep,
    ),
    "settled": (bank.bounces, acts.propose_carrying, acts.carry, acts.change_ceiling, acts.go_on_closing),
    "revoked": (bank.school_pays_back, acts.propose_write_off, acts.write_off, acts.publish, acts.carry),
}
"""State of an application → what may well come next."""

USUAL_OF_BATCH: dict[str, Act] = {
    "prepared": acts.approve_batch,
    "approved": acts.send_batch,
    "sent": bank.statement_of,
}


def usual(t: Try) -> None:
    """What may well come next: for a batch under way, for what is due, or for an application."""
    batches = t.session.scalars(
        select(PaymentBatch.state).where(PaymentBatch.state.in_(USUAL_OF_BATCH)).order_by(PaymentBatch.id)
    ).all()
    choices = USUAL.get(t.app.state)
    if batches and (t.b % 3 == 0 or choices is None):
        act, t = USUAL_OF_BATCH[batches[0]], replace(t, a=0)
    elif choices is None or t.b % 4 == 0:
        act = acts.prepare_batch
    else:
        act = choices[t.b % len(choices)]
    t.chose.append(act.__name__)
    act(t)


ACTS: dict[str, Act] = {act.__name__: act for act in (usual, *OF_A_CASE, *OF_PAYING, *OF_LATER, *OF_THE_TRANCHE)}

LAST: dict[str, Sequence[Act]] = {
    "submitted": (acts.sign, acts.take_up),
    "under_review": (acts.advise,),
    "advised": (acts.award, acts.reject),
    "waitlisted": (acts.reject,),
    "offered": (acts.accept_offer,),
    "offer_accepted": (acts.award, acts.reject),
    "awarded": (acts.account,),
    "reported": (acts.determine, acts.intend),
    "determination_intended": (acts.respond, acts.determine),
}
"""State of an application → what brings it to its end, whatever the product refuses of it."""


@dataclass(frozen=True)
class Seed:
    """Where a play begins: a database to copy, the day, and the bank as it then is."""

    url: str
    now: datetime
    bank: Bank


@dataclass
class World:
    """One play. log: what was tried, and what came of it; tally: how often each act was done."""

    stage: Stage
    engine: Engine
    make: sessionmaker[Session]
    people: dict[str, Actor]
    now: datetime = BEGIN
    tick: int = 0
    bank: Bank = field(default_factory=Bank)
    log: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    source: int = 0
    target: int = 0

    @classmethod
    def on(cls, stage: Stage, url: str, seed: Seed) -> World:
        """A world on a copy of what the seed is of."""
        engine = make_engine(url)
        world = cls(stage, engine, session_factory(engine), stage.people, seed.now, bank=seed.bank.again())
        with world.make() as session:
            found: dict[str, int] = dict(session.execute(select(Tranche.ref, Tranche.id)).all())
        world.source, world.target = found[SOURCE], found[TARGET]
        return world

    def writer(self, number: int) -> Actor:
        """Who writes for the school of an application."""
        return self.people[SCHOOLS[number % len(SCHOOLS)][1]]

    def received(self, number: int, way: int) -> list[int]:
        """What others paid with (cents), by contribution: all that was promised, more, or half."""
        promised = promised_by_others(number)
        return [(promised, promised * 2, promised // 2)[way % 3]]

    # --- trying -------------------------------------------------------------------------------------------------------

    def attempt(self, act: Act, a: int, b: int, who: int = 0) -> str:
        """Try one act in a transaction of its own; return "" when it was done, else why it was refused."""
        self.tick += 1
        self.now += timedelta(minutes=7)
        return self._one(act, a, b, who, self.now)

    def at_once(self, tries: Sequence[tuple[Act, int, int, int]]) -> None:
        """Try several acts at the very same moment, each by a person of its own."""
        self.tick += 1
        self.now += timedelta(minutes=7)
        start = threading.Barrier(len(tries))
        errors: list[BaseException] = []

        def run(act: Act, a: int, b: int, who: int) -> None:
            start.wait(10)
            try:
                self._one(act, a, b, who, self.now)
            except BaseException as error:  # noqa: BLE001  (else the thread would keep it for itself)
                errors.append(error)

        threads = [threading.Thread(target=run, args=one) for one in tries]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if errors:
            raise errors[0]

    def _one(self, act: Act, a: int, b: int, who: int, now: datetime) -> str:
        why = ""
        chose = [act.__name__]
        try:
            with self.make() as session, unit_of_work(session):
                act(Try(self, session, now, a, b, who, chose))
        except Refused as refused:
            why = refused.code
        except Impossible:
            why = "impossible"
        except BaseException as error:
            self.log.append(f"{chose[-1]}({a}, {b}, {who}): {error!r}")
            raise
        name = chose[-1]
        self.log.append(f"{name}({a}, {b}, {who}): {why or 'done'}")
        self.tally[name if not why else f"{name} refused"] += 1
        return why

    def days(self, number: int) -> None:
        """Days pass; the clock of the product does what is due."""
        self.now += timedelta(days=number)
        deadlines.run(self.make, self.now)
        self.log.append(f"days({number}): {self.now:%Y-%m-%d}")

    def wind_up(self) -> None:
        """Everybody does what is left to do, until two people close the tranche."""
        self.days(50)
        for _ in range(2):
            self._pay()
            for number in range(len(SCHOOLS)):
                self._finish(number)
        self._pay()
        self.attempt(bank.schools_pay_back, 0, 0)
        while not self.attempt(bank.explain_line, 0, 2) or not self._agree():
            continue
        self.attempt(acts.call_off, 0, 0)
        if not self.attempt(acts.propose_carrying, 0, 1):
            self.attempt(acts.carry, 0, 0)
        self._close()

    def reopen(self) -> None:
        """Two people reopen what was closed, and two close it again."""
        for act in (acts.propose_reopening, acts.reopen):
            self.attempt(act, 0, 0)
        self._close()

    def _close(self) -> None:
        for act in (acts.publish, acts.propose_closing, acts.close):
            self.attempt(act, 0, 0)

    def _finish(self, number: int) -> None:
        """Bring one application as far as it gets."""
        for _ in range(8):
            with self.make() as session:
                state = session.scalars(select(Application.state).where(Application.ref == ref(number))).one()
            if all(self.attempt(act, number, 4) for act in LAST.get(state, ())):
                return

    def _pay(self) -> None:
        if self.attempt(acts.prepare_batch, 0, 1) == "held":
            self.attempt(acts.prepare_batch, 0, 0)
        while not self.attempt(acts.approve_batch, 0, 1) or not self.attempt(acts.approve_batch, 0, 2):
            continue
        while not self.attempt(acts.send_batch, 0, 0):
            continue
        self.attempt(bank.pays_all, 0, 0)

    def _agree(self) -> str:
        return self.attempt(bank.agree_on_line, 0, 2) and self.attempt(bank.agree_on_line, 0, 1)

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()


def early(stage: Stage) -> Seed:
    """The round is open; nothing was decided."""
    return Seed(stage.url, BEGIN, Bank())


def late(stage: Stage) -> Seed:
    """Three schools have their advance; one of them spent half and owes money back, one accounted; one waits."""
    url = stage.server.copy_of(stage.url)
    world = World.on(stage, url, early(stage))
    script: Sequence[tuple[Act, int, int]] = (
        *((acts.award, number, 0) for number in range(3)),
        (acts.waitlist, 3, 0),
        (acts.submit, 4, 0),
        (acts.prepare_batch, 0, 1),
        (acts.approve_batch, 0, 1),
        (acts.send_batch, 0, 0),
        (bank.pays_all, 0, 0),
        (acts.account, 0, 9),
        (acts.determine, 0, 0),
        (acts.account, 2, 15),
    )
    for act, a, b in script:
        assert not world.attempt(act, a, b), world.log[-1]
    world.days(45)
    world.close()
    return Seed(url, world.now, world.bank)
