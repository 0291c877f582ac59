"""perform(): one act, one transaction; on a real database, by several people at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters.embedded import wait_until
from fundapp.domain.application import State
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Grant, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.application import Application, BudgetLine
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.decision import Decision
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.review import Advice
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import journal, ledger
from fundapp.services.transitions import Done, look, perform
from tests.support.cases import NOW, Cases
from tests.support.queries import count_queries

CENTS = 100_000


def advised(cases: Cases, count: int, *, ceiling: int, sub_ceilings: dict[str, int] | None = None) -> list[str]:
    """Applications that were advised on, each asking and advised CENTS; two regions in turn."""
    tranche = cases.tranche(ceiling=ceiling, sub_ceilings=sub_ceilings)
    regions = ["oosterschelde", "walcheren"]
    adviser = cases.person("Ada Vies", Role.ADVISER)
    schools = [
        cases.school(f"99A{'AB'[n]}00", f"School {n}", board=f"0090{n}", region=region)
        for n, region in enumerate(regions)
    ]
    for n, school in enumerate(schools):
        cases.account(school.board_number, number=n + 1)
    refs = []
    for n in range(count):
        app = cases.application(tranche, schools[n % 2], state="advised", requested_cents=CENTS)
        cases.session.add(
            BudgetLine(
                application_id=app.id, position=1, category="teaching_materials", description="x", unit_cents=CENTS * 2
            )
        )
        cases.session.add(
            Advice(
                application_id=app.id,
                submission_number=1,
                adviser_id=adviser.id,
                outcome="award",
                amount_cents=CENTS,
                scores={},
                reasons=[],
                explanation="Goed.",
                at=NOW,
            )
        )
        refs.append(app.ref)
    cases.session.flush()
    return refs


def award(session: Session, ref: str, decider: Actor, **more: object) -> Done:
    return perform(
        session,
        "application",
        ref,
        "award",
        actor=decider,
        now=NOW,
        given={"amount_cents": CENTS, "explanation": "Zoals geadviseerd."},
        **more,  # type: ignore[arg-type]  # seen and request_key, by name
    )


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in refused.value.refusals]


@pytest.mark.parametrize("sub_ceilings", [None, {"oosterschelde": 10 * CENTS}])
def test_fifty_approvals_at_once_never_pass_a_ceiling(fresh_database: str, sub_ceilings: dict[str, int] | None) -> None:
    engine = make_engine(fresh_database, pool_size=25)  # and as many more: a connection for each of the fifty
    make_session: sessionmaker[Session] = session_factory(engine)
    together = Barrier(50)
    with make_session() as session, unit_of_work(session):
        cases = Cases(session)
        refs = advised(cases, 50, ceiling=30 * CENTS, sub_ceilings=sub_ceilings)
        decider = cases.person("Bea Sluit", Role.DECISION_MAKER)
        cases.no_interest(decider)

    def decide(ref: str) -> str:
        with make_session() as session:
            session.connection()
            session.commit()
            together.wait(30)
            try:
                with unit_of_work(session):
                    award(session, ref, decider)
            except Refused as refused:
                return refused.code
        return "awarded"

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(decide, refs))
    assert set(results) <= {"awarded", "ceiling_reached"}
    with make_session() as session:
        tranche_id = session.scalars(select(Application.tranche_id)).first()
        assert tranche_id is not None
        balances = ledger.tranche_balances(session, tranche_id)
        awarded = results.count("awarded")
        expected = 30 if sub_ceilings is None else min(30, 10 + 25)
        assert awarded == expected
        assert balances[Account.COMMITTED] == awarded * CENTS
        assert balances[Account.AVAILABLE] == (30 - awarded) * CENTS
        if sub_ceilings:
            assert ledger.tranche_balances(session, tranche_id, "oosterschelde")[Account.AVAILABLE] == 0
        assert ledger.verify(session) is None
        assert journal.verify(session) is None
        assert session.scalar(select(func.count()).select_from(Decision)) == awarded
    engine.dispose()


@pytest.fixture
def decided(session: Session) -> tuple[Session, str, Actor]:
    cases = Cases(session)
    (ref,) = advised(cases, 1, ceiling=30 * CENTS)
    decider = cases.person("Bea Sluit", Role.DECISION_MAKER)
    cases.no_interest(decider)
    return session, ref, decider


def test_one_act_is_recorded_four_ways(decided: tuple[Session, str, Actor]) -> None:
    session, ref, decider = decided
    cases_before = session.scalar(select(func.count()).select_from(Journal)) or 0
    award(session, ref, decider)
    app = session.scalars(select(Application).where(Application.ref == ref)).one()
    row = session.scalars(select(Journal).order_by(Journal.id.desc()).limit(1)).one()
    assert (app.state, app.version) == ("awarded", 2)
    assert (row.action, row.from_state, row.to_state, row.on_version) == ("award", "advised", "awarded", 1)
    assert (row.actor_id, row.kind, row.subject_id, row.stream) == (decider.id, "application", app.id, app.tranche_id)
    assert session.scalar(select(func.count()).select_from(Journal)) == cases_before + 1
    assert ledger.case_balances(session, app.id) == {Account.COMMITTED: CENTS}
    assert session.scalars(select(OutboxMessage.template)).all() == []  # nobody belongs to this school yet
    assert journal.verify(session) is None
    assert ledger.verify(session) is None


def test_the_second_of_two_people_hears_that_somebody_was_first(decided: tuple[Session, str, Actor]) -> None:
    session, ref, decider = decided
    award(session, ref, decider, seen=1)
    with pytest.raises(Refused) as refused:
        award(session, ref, decider, seen=1)
    assert refused.value.kind is Kind.STALE


def test_the_same_form_does_it_once(decided: tuple[Session, str, Actor]) -> None:
    session, ref, decider = decided
    award(session, ref, decider, seen=1, request_key="form-1")
    award(session, ref, decider, seen=1, request_key="form-1")
    app = session.scalars(select(Application).where(Application.ref == ref)).one()
    assert app.version == 2
    assert ledger.case_balances(session, app.id) == {Account.COMMITTED: CENTS}


def test_a_key_of_another_form_is_refused(decided: tuple[Session, str, Actor]) -> None:
    session, ref, decider = decided
    award(session, ref, decider, request_key="form-1")
    with pytest.raises(Refused) as refused:
        perform(
            session,
            "application",
            ref,
            "revoke",
            actor=decider,
            now=NOW,
            given={"explanation": "x"},
            request_key="form-1",
        )
    assert codes(refused) == ["form_used"]


def test_who_advised_does_not_decide_and_the_database_says_so_too(decided: tuple[Session, str, Actor]) -> None:
    session, ref, _ = decided
    adviser_id = session.scalars(select(Advice.adviser_id)).one()
    adviser = Actor(adviser_id, "Ada", "ada@example.org", grants=frozenset({Grant(Role.DECISION_MAKER)}))
    with pytest.raises(Refused) as refused:
        award(session, ref, adviser)
    assert "adviser_decides" in codes(refused)
    advice = session.scalars(select(Advice)).one()
    with pytest.raises(IntegrityError, match="adviser_does_not_decide"):
        session.execute(
            text(
                "INSERT INTO decision (application_id, kind, decided_by_id, advice_id, advised_by_id, amount_cents,"
                " reasons, conditions, explanation, at)"
                " VALUES (:app, 'award', :who, :advice, :who, 1, '[]', '', '', now())"
            ),
            {"app": advice.application_id, "who": adviser_id, "advice": advice.id},
        )


@dataclass
class Two:
    """Two people with a session each on one application that was advised on."""

    make_session: sessionmaker[Session]
    ref: str
    deciders: list[Actor]

    def blocked(self, waiting: Future[Any]) -> None:
        """Wait until somebody waits for a lock."""
        with self.make_session() as session:

            def somebody_waits() -> bool:
                return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

            assert wait_until(somebody_waits, 10)
        assert not waiting.done()


@pytest.fixture
def two(fresh_database: str) -> Iterator[Two]:
    engine = make_engine(fresh_database)
    make_session = session_factory(engine)
    with make_session() as session, unit_of_work(session):
        cases = Cases(session)
        (ref,) = advised(cases, 1, ceiling=30 * CENTS)
        deciders = [cases.person(name, Role.DECISION_MAKER) for name in ("Bea Sluit", "Bert Ook")]
        cases.no_interest(*deciders)
    yield Two(make_session, ref, deciders)
    engine.dispose()


def test_who_waits_for_the_tranche_does_not_hold_the_case(two: Two) -> None:
    def decide() -> None:
        with two.make_session() as session, unit_of_work(session):
            award(session, two.ref, two.deciders[0], seen=1)

    with ThreadPoolExecutor(1) as pool, two.make_session() as other:
        other.execute(select(Tranche.id).with_for_update(key_share=True))
        waiting = pool.submit(decide)
        two.blocked(waiting)
        other.execute(select(Application.id).with_for_update(nowait=True))  # the tranche first, then the case
        other.rollback()
        waiting.result(10)
    with two.make_session() as session:
        assert session.scalars(select(Application.state)).one() == State.AWARDED


@pytest.mark.parametrize(("same_form", "outcome"), [(False, "stale"), (True, "repeated")])
def test_somebody_is_first_while_one_waits(two: Two, same_form: bool, outcome: str) -> None:
    """Decided before the lock, written under it: what was decided on another version is not written."""

    def decide() -> str:
        with two.make_session() as session:
            try:
                with unit_of_work(session):
                    done = award(session, two.ref, two.deciders[1], seen=1, request_key="a" if same_form else "b")
            except Refused as refused:
                return refused.code
        return "repeated" if done.repeated else "awarded"

    with ThreadPoolExecutor(1) as pool, two.make_session() as first:
        award(first, two.ref, two.deciders[0], seen=1, request_key="a")
        waiting = pool.submit(decide)
        two.blocked(waiting)
        first.commit()
        assert waiting.result(10) == outcome
    with two.make_session() as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 1
        assert session.scalars(select(Application.version)).one() == 2
        assert ledger.verify(session) is None
        assert journal.verify(session) is None


def test_an_award_is_three_statements(two: Two) -> None:
    with two.make_session() as session, unit_of_work(session):
        look(session, "application", two.ref, actor=two.deciders[0], now=NOW)  # the rules of a fund are read once
        with count_queries(session.get_bind().engine) as asked:
            award(session, two.ref, two.deciders[0], seen=1, request_key="a")
    assert len(asked) == 3  # the case, its dossier, all that is written


def test_somebody_without_a_role_is_told_nothing(decided: tuple[Session, str, Actor]) -> None:
    session, ref, _ = decided
    with pytest.raises(Refused) as refused:
        award(session, ref, Actor(999_999, "X", "x@example.org"))
    assert refused.value.kind is Kind.NOT_FOUND


def test_a_refusal_leaves_nothing(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    make_session = session_factory(engine)
    with make_session() as session, unit_of_work(session):
        cases = Cases(session)
        (ref,) = advised(cases, 1, ceiling=30 * CENTS)
        decider = cases.person("Bea Sluit", Role.DECISION_MAKER)
        cases.no_interest(decider)
        rows = session.scalar(select(func.count()).select_from(Journal))
    with make_session() as session, pytest.raises(Refused), unit_of_work(session):
        perform(
            session,
            "application",
            ref,
            "award",
            actor=decider,
            now=NOW + timedelta(days=1),
            given={"amount_cents": CENTS + 1},
        )
    with make_session() as session:
        assert session.scalars(select(Application.state)).one() == State.ADVISED
        assert session.scalar(select(func.count()).select_from(Journal)) == rows
        assert session.scalar(select(func.count()).select_from(Decision)) == 0
    engine.dispose()
