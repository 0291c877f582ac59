"""The term to decide: paused, extended once and announced, warned of, and told of by the clock when it passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Length, Profile, TermRule
from fundapp.persistence.application import Application, Term
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.decision import Letter
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Membership
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application_views, deadlines, terms
from fundapp.services.letters import letter_view
from fundapp.services.transitions import perform
from tests.support.cases import Cases

DUE = date(2025, 6, 30)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


@dataclass
class Case:
    """An application under review of which the term to decide ends on DUE."""

    make_session: sessionmaker[Session]
    ref: str
    handler: Actor

    def do(self, action: str, on: date, **given: Any) -> None:
        with self.make_session() as session, unit_of_work(session):
            perform(session, "application", self.ref, action, actor=self.handler, now=noon(on), given=given)

    def extend(self, on: date, weeks: int = 2) -> None:
        self.do("extend_term", on, length=Length(weeks=weeks), explanation="De commissie vergadert later.")

    @property
    def due(self) -> date | None:
        """The date that staff see in their lists; the school must see the same."""
        with self.make_session() as session:
            app = session.scalars(select(Application).where(Application.ref == self.ref)).one()
            term = application_views.running_term(session, app)
            assert term is None or term.due_on == app.decision_due_on
            return app.decision_due_on

    def mails(self, template: str) -> list[OutboxMessage]:
        with self.make_session() as session:
            return list(session.scalars(select(OutboxMessage).where(OutboxMessage.template == template)))

    def letters(self) -> list[Letter]:
        with self.make_session() as session:
            return list(session.scalars(select(Letter).order_by(Letter.id)))


@pytest.fixture
def case(fresh_database: str) -> Iterator[Case]:
    engine = make_engine(fresh_database)
    make_session = session_factory(engine)
    with make_session() as session, unit_of_work(session):
        cases = Cases(session)
        app = cases.application(cases.tranche(), cases.school(), state="under_review", submitted_at=noon(DUE))
        anna = cases.person("Anna de Wit")
        session.add(Membership(person_id=anna.id, board_number=app.board_number, capacity="drafter"))
        handler = cases.person("Hanna Herder", Role.HANDLER)
        cases.no_interest(handler)
        term = terms.start(
            session, app.id, "decision", TermRule(Length(weeks=13), Profile.AWB), DUE - timedelta(weeks=13)
        )
        assert term.due_on == DUE
        app.decision_due_on = term.due_on
        ref = app.ref
    yield Case(make_session, ref, handler)
    engine.dispose()


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def test_an_extension_is_announced_with_the_new_date_by_mail_and_letter(case: Case) -> None:
    case.extend(DUE - timedelta(days=10))
    assert case.due == date(2025, 7, 14)
    (mail,) = case.mails("term_extended")
    assert mail.context["due"] == "2025-07-14"
    assert mail.context["explanation"] == "De commissie vergadert later."
    (letter,) = case.letters()
    view = letter_view(letter)
    assert view is not None
    words = str(view)
    assert "vóór of op maandag 30 juni 2025" in words
    assert "vóór of op maandag 14 juli 2025" in words


def test_it_is_extended_once_and_not_by_more_than_the_rules_allow(case: Case) -> None:
    with pytest.raises(Refused) as refused:
        case.extend(DUE, weeks=5)
    assert code(refused) == "extension_length"
    case.extend(DUE, weeks=4)
    with pytest.raises(Refused) as refused:
        case.extend(DUE + timedelta(days=1), weeks=1)
    assert code(refused) == "extended_before"
    assert case.due == DUE + timedelta(weeks=4)


def test_a_term_that_has_passed_is_not_extended_in_silence(case: Case) -> None:
    with pytest.raises(Refused) as refused:
        case.extend(DUE + timedelta(days=1))
    assert code(refused) == "extended_too_late"


def test_a_warning_goes_out_before_it_lapses_also_after_an_extension(case: Case) -> None:
    deadlines.run(case.make_session, noon(DUE - timedelta(days=14)))
    assert len(case.mails("decision_late_soon")) == 1
    case.extend(DUE, weeks=4)
    deadlines.run(case.make_session, noon(DUE + timedelta(days=1)))
    assert len(case.mails("decision_late_soon")) == 1
    deadlines.run(case.make_session, noon(DUE + timedelta(days=14)))
    assert [mail.context["due"] for mail in case.mails("decision_late_soon")] == ["2025-06-30", "2025-07-28"]


def test_late_by_staff_is_told_to_the_school_with_the_new_date(case: Case) -> None:
    deadlines.run(case.make_session, noon(DUE))  # the last day itself is in time
    assert case.mails("decision_delayed") == []
    for days in (3, 3, 4):  # the clock slept for two days; it says so once
        deadlines.run(case.make_session, noon(DUE + timedelta(days=days)))
    new = date(2025, 7, 31)
    assert case.due == new
    (mail,) = case.mails("decision_delayed")
    assert (mail.context["old_due"], mail.context["due"]) == ("2025-06-30", new.isoformat())
    assert len(case.mails("decision_late")) == 1
    (letter,) = case.letters()
    assert "ingebrekestelling" in str(letter_view(letter))
    with pytest.raises(Refused) as refused:
        case.extend(DUE + timedelta(days=5))
    assert code(refused) == "extended_before"
    deadlines.run(case.make_session, noon(new + timedelta(days=1)))  # and late again: said again
    assert [m.context["due"] for m in case.mails("decision_delayed")] == [new.isoformat(), "2025-08-29"]


def test_a_term_that_stands_still_is_never_late(case: Case) -> None:
    with case.make_session() as session, unit_of_work(session):
        session.scalars(select(Application)).one().state = "submitted"
    case.do("ask_completion", DUE - timedelta(days=1), explanation="De begroting ontbreekt.", fields=["lines"])
    deadlines.run(case.make_session, noon(DUE + timedelta(days=5)))
    assert case.mails("decision_delayed") == []
    with case.make_session() as session:
        assert session.scalars(select(Term).where(Term.name == "decision")).one().ended_on is None
