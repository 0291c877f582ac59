"""Prepared decisions released together: one transaction each, nothing twice, refusals told, killed half-way."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.people import Role
from fundapp.domain.prepared import State
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.decision import Award, Decision, Letter
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.prepared import PreparedDecision, Release
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import journal, ledger, prepared, releasing
from fundapp.services.transitions import perform
from tests.support.cases import NOW
from tests.support.rounds import Round
from tests.support.stacks import CENTS, make_ready, release

NUMBER = 12


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    engine = make_engine(fresh_database)
    yield engine
    engine.dispose()


def work(engine: Engine) -> releasing.Counts:
    return releasing.run(engine, session_factory(engine), lambda: NOW)


def states(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        rows = session.execute(select(PreparedDecision.state, func.count()).group_by(PreparedDecision.state))
        return dict(rows.all())


def proved(engine: Engine) -> None:
    with Session(engine) as session:
        assert ledger.verify(session) is None
        assert journal.verify(session) is None


def once_each(engine: Engine, number: int) -> None:
    """So many were awarded, and everything that an award writes is there once for each."""
    with Session(engine) as session:
        for model in (Award, Decision, Letter):
            assert session.scalar(select(func.count()).select_from(model)) == number, model
        acts = select(func.count()).select_from(Journal).where(Journal.action == "award")
        assert session.scalar(acts) == number
        assert session.scalar(select(func.count()).where(Application.state == "awarded")) == number
        again = select(OutboxMessage.key).group_by(OutboxMessage.key).having(func.count() > 1)
        assert session.scalars(again).all() == []
    proved(engine)


def test_released_together_each_is_decided_once(engine: Engine) -> None:
    ready = make_ready(engine, NUMBER, ceiling=NUMBER * CENTS)
    assert states(engine) == {State.READY: NUMBER}
    ref = release(engine, ready)
    assert states(engine) == {State.QUEUED: NUMBER}
    with Session(engine) as session:
        assert session.scalars(select(Release.ref)).one() == ref == "VG-PO-T1-1"
    counts = work(engine)
    assert (counts.done, counts.refused) == (NUMBER, 0)
    assert states(engine) == {State.DONE: NUMBER}
    assert work(engine).handled == 0
    once_each(engine, NUMBER)
    with Session(engine) as session:
        assert session.scalars(select(Release.finished_at)).one() == NOW
        decided_by = set(session.scalars(select(Decision.decided_by_id)))
        assert decided_by == {ready.decider.id}  # the one who released it, not the one who prepared it


def test_what_no_longer_fits_is_refused_and_says_what_to_do(engine: Engine) -> None:
    ready = make_ready(engine, 3, ceiling=2 * CENTS + CENTS // 2)
    release(engine, ready)
    counts = work(engine)
    assert (counts.done, counts.refused) == (2, 1)
    with Session(engine) as session:
        refused = session.scalars(select(PreparedDecision).where(PreparedDecision.state == State.REFUSED)).one()
        (said,) = refused.outcome
    assert said["nl"].replace("\xa0", " ") == (
        "Er is nog € 500,00 vrij. Dat is € 500,00 te weinig voor € 1.000,00. Ken minder toe of zet de aanvraag op de "
        "wachtlijst."
    )
    assert "Award less" in said["en"]
    once_each(engine, 2)


def test_a_case_that_changed_since_is_refused_and_the_others_go_on(engine: Engine) -> None:
    ready = make_ready(engine, 3, ceiling=3 * CENTS)
    release(engine, ready)
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        why = {"explanation": "Kijk hier nog eens naar."}
        perform(session, "application", ready.refs[1], "return_to_panel", actor=ready.decider, now=NOW, given=why)
    counts = work(engine)
    assert (counts.done, counts.refused) == (2, 1)
    with Session(engine) as session:
        refused = session.scalars(select(PreparedDecision).where(PreparedDecision.state == State.REFUSED)).one()
        assert refused.outcome[0]["nl"].startswith("Iemand anders was u voor.")
    once_each(engine, 2)


def test_whoever_may_no_longer_decide_decides_nothing(engine: Engine) -> None:
    ready = make_ready(engine, 2, ceiling=2 * CENTS)
    release(engine, ready)
    with Session(engine) as session, unit_of_work(session):
        session.execute(text("UPDATE person SET ended_at = now() WHERE id = :id"), {"id": ready.decider.id})
    assert work(engine).refused == 2
    once_each(engine, 0)


def test_two_workers_at_once_do_nothing_twice(engine: Engine) -> None:
    ready = make_ready(engine, NUMBER, ceiling=NUMBER * CENTS)
    release(engine, ready)
    counts: list[releasing.Counts] = []
    threads = [threading.Thread(target=lambda: counts.append(work(engine))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found.done for found in counts) == NUMBER
    once_each(engine, NUMBER)


WORKER = """
import sys
from datetime import UTC, datetime
from fundapp.persistence.db import make_engine, session_factory
from fundapp.services import releasing
from fundapp.services.act import Handler
from fundapp.services import effects
from fundapp.domain.application import Effect
import time

commit_funds = effects.HANDLERS[Effect.COMMIT_FUNDS]

def slowly(act):
    commit_funds(act)
    print("deciding", flush=True)
    time.sleep(0.05)

effects.HANDLERS[Effect.COMMIT_FUNDS] = slowly
engine = make_engine(sys.argv[1])
releasing.run(engine, session_factory(engine), lambda: datetime.now(UTC))
"""


def test_a_worker_killed_half_way_leaves_nothing_half_done_and_the_next_goes_on(
    engine: Engine, fresh_database: str
) -> None:
    ready = make_ready(engine, NUMBER, ceiling=NUMBER * CENTS)
    release(engine, ready)
    with subprocess.Popen([sys.executable, "-c", WORKER, fresh_database], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(5):
            assert child.stdout.readline() == "deciding\n"
        child.send_signal(signal.SIGKILL)
    found = states(engine)
    assert found[State.DONE] in (4, 5)
    assert found[State.QUEUED] == NUMBER - found[State.DONE]
    once_each(engine, found[State.DONE])
    deadline = time.monotonic() + 20
    while states(engine).get(State.QUEUED) and time.monotonic() < deadline:
        work(engine)  # the database may need a moment to see that the worker is gone
    assert states(engine) == {State.DONE: NUMBER}
    once_each(engine, NUMBER)


# --- preparing and releasing ------------------------------------------------------------------------------------------


@pytest.fixture
def run(session: Session) -> Round:
    return Round(session, ceiling=10 * CENTS)


def ready_of(session: Session) -> list[tuple[str, int]]:
    rows = session.scalars(select(PreparedDecision).where(PreparedDecision.state == State.READY))
    return [(row.action, int(row.given.get("amount_cents", 0))) for row in rows]


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def test_what_is_prepared_again_replaces_what_stood_ready(session: Session, run: Round) -> None:
    app = run.application(CENTS)
    for cents in (CENTS, CENTS // 2):
        given = {"amount_cents": cents, "conditions": "", "explanation": "Een deel."}
        prepared.prepare(session, app.ref, "award", given, actor=run.decider, now=NOW)
    assert ready_of(session) == [("award", CENTS // 2)]
    assert app.state == "advised"
    prepared.take_out(session, app.ref, actor=run.decider, now=NOW)
    assert ready_of(session) == []


@pytest.mark.parametrize(
    ("action", "given", "code"),
    [
        ("award", {"amount_cents": CENTS + 1}, "above_the_maximum"),
        ("award", {"amount_cents": CENTS - 1}, "deviation_without_reason"),
        ("reject", {"reasons": [], "explanation": "Nee."}, "reasons_missing"),
        ("reject", {"reasons": ["partner_missing"], "explanation": "Nee."}, "intend_first"),
        ("settle", {}, "not_found"),
    ],
)
def test_what_the_flow_refuses_cannot_be_prepared(
    session: Session, run: Round, action: str, given: dict[str, object], code: str
) -> None:
    app = run.application(CENTS)
    with pytest.raises(Refused) as refused:
        prepared.prepare(session, app.ref, action, given, actor=run.decider, now=NOW)
    assert code_of(refused) == code


def test_the_advice_is_prepared_whole_and_what_cannot_be_is_told(session: Session, run: Round) -> None:
    award, poor, judged = (run.application(CENTS) for _ in range(3))
    bare = run.application(CENTS, account=False)
    for app, reason in ((poor, "ranked_too_low"), (judged, "double_funding")):
        advice = Advice(
            application_id=app.id,
            submission_number=1,
            adviser_id=run.adviser.id,
            outcome="reject",
            amount_cents=0,
            scores={},
            reasons=[reason],
            explanation="Nee.",
            at=NOW,
        )
        session.add(advice)
    session.flush()
    made, left = prepared.prepare_by_advice(session, run.tranche, actor=run.coordinator, now=NOW)
    rows = session.scalars(select(PreparedDecision).order_by(PreparedDecision.application_id)).all()
    assert [(row.application_id, row.action) for row in rows] == [
        (award.id, "award"),
        (poor.id, "reject"),
        (judged.id, "intend_rejection"),
    ]
    assert (made, [(one.ref, one.refusals[0].code) for one in left]) == (3, [(bare.ref, "no_bank_account")])


def test_releasing_asks_the_list_that_was_seen_and_a_declaration(session: Session, run: Round) -> None:
    first, second = run.application(CENTS), run.application(CENTS)
    session.query(InterestDeclaration).delete()
    prepared.prepare_by_advice(session, run.tranche, actor=run.coordinator, now=NOW)
    mark = prepared.stack(session, run.tranche.id).mark
    asked = {"actor": run.decider, "now": NOW, "no_interest": True, "mark": mark}
    for wrong, code in (({"mark": "1.1.1"}, "prepared_list_changed"), ({"no_interest": False}, "interest_unanswered")):
        with pytest.raises(Refused) as refused:
            prepared.release(session, run.tranche, **(asked | wrong))  # type: ignore[arg-type]  # as told
        assert code_of(refused) == code
    made = prepared.release(session, run.tranche, **asked, interested=[second.ref])  # type: ignore[arg-type]  # as above
    assert made.total == 1
    declared = session.execute(select(InterestDeclaration.application_id, InterestDeclaration.interested))
    assert dict(declared.all()) == {first.id: False, second.id: True}
    colleague = run.cases.person("Dora Sluit", Role.DECISION_MAKER)
    mark = prepared.stack(session, run.tranche.id).mark
    rest = prepared.release(session, run.tranche, actor=colleague, now=NOW, mark=mark, no_interest=True)
    assert (rest.total, rest.ref) == (1, "VG-PO-T1-2")


def test_beforehand_is_told_what_will_be_refused(session: Session, run: Round) -> None:
    apps = [run.application(4 * CENTS) for _ in range(3)]
    prepared.prepare_by_advice(session, run.tranche, actor=run.decider, now=NOW)
    judged = prepared.judge(session, run.tranche, actor=run.decider, now=NOW)
    assert [(left.ref, left.refusals[0].code) for left in judged.wrong] == [(apps[2].ref, "ceiling_reached")]
    apps[0].version += 1
    session.flush()
    judged = prepared.judge(session, run.tranche, actor=run.decider, now=NOW)
    assert [(left.ref, left.refusals[0].code) for left in judged.wrong] == [(apps[0].ref, "stale")]


def test_the_letter_beforehand_is_the_letter_that_goes(session: Session, run: Round) -> None:
    app = run.application(CENTS)
    given: dict[str, Any] = {"amount_cents": CENTS, "conditions": "Werk samen met een vo-school.", "explanation": ""}
    prepared.prepare(session, app.ref, "award", given, actor=run.decider, now=NOW)
    with session.begin_nested() as nested:
        _, letter = prepared.letter_of(session, app.ref, actor=run.decider, now=NOW)
        nested.rollback()
    assert letter is not None
    assert session.scalars(select(Letter)).all() == []
    run.act(app, "award", run.decider, **given)
    sent = session.scalars(select(Letter)).one()
    assert (letter.template, letter.context) == (sent.template, sent.context)


def test_one_application_stands_ready_once(session: Session, run: Round) -> None:
    app = run.application(CENTS)
    prepared.prepare_by_advice(session, run.tranche, actor=run.decider, now=NOW)
    row = session.scalars(select(PreparedDecision)).one()
    session.add(
        PreparedDecision(
            application_id=app.id,
            tranche_id=row.tranche_id,
            action="award",
            given={},
            on_version=1,
            prepared_by_id=row.prepared_by_id,
            prepared_at=NOW,
        )
    )
    with pytest.raises(IntegrityError, match="one_open"):
        session.flush()
