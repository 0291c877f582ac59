"""An intended rejection from first to last: grounds, letter, response, term, and what cannot be skipped."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.people import Actor
from fundapp.persistence.application import Application, EligibilityCheck, Term
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.settlement import IntentResponse
from fundapp.services import transitions
from tests.support.cases import NOW
from tests.support.rounds import Round, later

CENTS = 500_000
CONTENT = {"reasons": ["content_condition_not_met"], "explanation": "De lessen gaan niet over techniek."}


@pytest.fixture
def run(session: Session) -> Round:
    return Round(session)


@pytest.fixture
def app(run: Round) -> Application:
    return run.application(CENTS)


def intend(run: Round, app: Application, **more: Any) -> None:
    run.act(app, "intend_rejection", run.decider, **(CONTENT | more))


def respond(run: Round, app: Application, words: str = "Wij zien dat anders.", **by: int) -> None:
    run.act(app, "respond_to_rejection", run.member(app), at=later(**by), explanation=words)


def sent(session: Session, template: str) -> list[str]:
    return list(session.scalars(select(OutboxMessage.address).where(OutboxMessage.template == template)))


def term(session: Session, app: Application) -> Term:
    query = select(Term).where(Term.application_id == app.id, Term.name == "response").order_by(Term.round.desc())
    return session.scalars(query.execution_options(populate_existing=True)).first()  # type: ignore[return-value]  # there


def test_no_rejection_on_other_facts_before_the_school_was_heard(run: Round, app: Application) -> None:
    assert run.refused(run.act, app, "reject", run.decider, **CONTENT) == "intend_first"
    run.member(app)
    intend(run, app)
    assert app.state == State.REJECTION_INTENDED
    assert term(run.session, app).due_on == date(2025, 3, 28)
    kept = run.session.scalars(select(Decision)).one()
    assert (kept.kind, kept.reasons, kept.decided_by_id) == ("intend_reject", CONTENT["reasons"], run.decider.id)
    letter = run.session.scalars(select(Letter)).one()
    assert (letter.template, letter.context["due"]) == ("rejection_intended", "2025-03-28")
    assert sent(run.session, "rejection_intended") == [run.member(app).email]
    assert run.refused(run.act, app, "reject", run.decider, at=later(days=14), **CONTENT) == "response_term_runs"
    run.act(app, "reject", run.decider, at=later(days=15), **CONTENT)
    assert app.state == State.REJECTED
    assert term(run.session, app).ended_on is not None
    run.proved()


def test_after_the_response_the_decision_need_not_wait(run: Round, app: Application) -> None:
    intend(run, app)
    respond(run, app, days=1)
    assert sent(run.session, "rejection_response_in") == [run.decider.email]
    assert run.refused(respond, run, app, days=2) == "already_responded"
    run.act(app, "reject", run.decider, at=later(days=2), **CONTENT)
    assert app.state == State.REJECTED


def test_a_response_may_change_the_decision(run: Round, app: Application) -> None:
    intend(run, app)
    respond(run, app, days=1)
    run.award(app, CENTS, at=later(days=2))
    assert app.state == State.AWARDED
    assert run.money.of("committed") == CENTS


def test_heard_on_one_ground_is_not_heard_on_another(run: Round, app: Application) -> None:
    intend(run, app)
    respond(run, app, days=1)
    other = {"reasons": ["double_funding"], "explanation": "Er is ook ander geld."}
    assert run.refused(run.act, app, "reject", run.decider, at=later(days=2), **other) == "intend_first"
    run.act(app, "intend_rejection", run.decider, at=later(days=2), **other)
    assert run.refused(run.act, app, "reject", run.decider, at=later(days=3), **other) == "response_term_runs"
    respond(run, app, "Er is geen ander geld.", days=4)
    run.act(app, "reject", run.decider, at=later(days=5), **other)
    rounds = run.session.scalars(select(IntentResponse.round).order_by(IntentResponse.round)).all()
    assert list(rounds) == [1, 2]


def test_what_the_schools_own_answers_show_needs_no_hearing(run: Round, app: Application) -> None:
    run.session.add(
        EligibilityCheck(
            application_id=app.id,
            fund_version_id=app.fund_version_id,
            moment="submit",
            at=NOW,
            inputs={},
            outcomes=[{"verdict": "not_met", "rejection_reason": "co_financing_short"}],
        )
    )
    run.session.flush()
    run.act(app, "reject", run.decider, reasons=["co_financing_short"], explanation="De eigen bijdrage is 8%.")
    assert app.state == State.REJECTED


def test_no_fact_about_the_school_needs_no_hearing(run: Round, app: Application) -> None:
    run.act(app, "reject", run.decider, reasons=["ceiling_reached"], explanation="Het geld is op.")
    assert app.state == State.REJECTED


def test_the_adviser_intends_nothing(run: Round, app: Application) -> None:
    both = Actor(run.adviser.id, run.adviser.name, run.adviser.email, grants=run.decider.grants)
    run.cases.no_interest(both)
    assert run.refused(run.act, app, "intend_rejection", both, **CONTENT) == "adviser_decides"


def test_it_is_no_way_past_the_waiting_list(run: Round, app: Application) -> None:
    run.act(app, "waitlist", run.decider, explanation="Het geld is op.")
    intend(run, app)
    respond(run, app, days=1)
    assert run.refused(run.award, app, CENTS, at=later(days=2)) == "back_to_the_line"
    why = {"explanation": "Kijk nog eens."}
    assert run.refused(run.act, app, "return_to_panel", run.decider, at=later(days=2), **why) == "back_to_the_line"
    run.act(app, "waitlist", run.decider, at=later(days=2), explanation="De reactie overtuigt.")
    run.award(app, CENTS, at=later(days=2))
    assert app.state == State.AWARDED


def test_what_was_offered_is_free_once_a_rejection_is_intended(run: Round, app: Application) -> None:
    run.act(app, "waitlist", run.decider, explanation="Het geld is op.")
    run.act(app, "offer", run.coordinator, amount_cents=CENTS)
    run.act(app, "accept_offer", run.member(app))
    assert run.money.of("offered") == CENTS
    intend(run, app)
    assert run.money.of("offered") == 0
    run.proved()


def test_the_school_can_still_withdraw(run: Round, app: Application) -> None:
    intend(run, app)
    run.act(app, "withdraw", run.member(app), at=later(days=1), explanation="Wij stoppen ermee.")
    assert app.state == State.WITHDRAWN
    assert term(run.session, app).ended_on is not None


def test_a_later_intended_amount_asks_a_response_of_its_own(run: Round, app: Application) -> None:
    """The response to an intended rejection says nothing about the final accounts."""
    intend(run, app)
    respond(run, app, days=1)
    run.award(app, CENTS, at=later(days=2))
    app.state = State.DETERMINATION_INTENDED
    run.session.add(
        Term(
            application_id=app.id,
            name="response",
            round=2,
            started_on=date(2026, 1, 5),
            rule=term(run.session, app).rule,
            pauses=[],
            due_on=date(2026, 1, 19),
            due_at=later(days=300),
            because=[],
        )
    )
    run.session.flush()
    found = transitions.see(run.session, "application", app.ref, actor=run.finance, now=later(days=290))
    assert (found.facts.response_given, found.facts.response_due) == (False, date(2026, 1, 19))
