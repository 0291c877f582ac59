"""The clock: due and not done, never "due exactly today"; one act and one mail each, however long it slept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain.term import Length, Profile, TermRule
from fundapp.persistence.application import Term
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.fund import Tranche
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Membership
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import deadlines, terms
from tests.support.cases import Cases

DUE = date(2025, 6, 30)
RULE = TermRule(Length(days=60), Profile.PRIVATE)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


@pytest.fixture
def make_session(fresh_database: str) -> Iterator[sessionmaker[Session]]:
    engine = make_engine(fresh_database)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def term_id(make_session: sessionmaker[Session]) -> int:
    """A report term of an awarded case that ends on DUE; one person of the school."""
    with make_session() as session, unit_of_work(session):
        cases = Cases(session)
        app = cases.application(cases.tranche(), cases.school(), state="awarded")
        anna = cases.person("Anna de Wit")
        session.add(Membership(person_id=anna.id, board_number=app.board_number, capacity="drafter"))
        term = terms.start(session, app.id, "report", RULE, DUE - timedelta(days=60))
        assert term.due_on == DUE
        session.flush()
        return term.id


def mails(make_session: sessionmaker[Session]) -> list[str]:
    with make_session() as session:
        return list(session.scalars(select(OutboxMessage.key).order_by(OutboxMessage.id)))


def test_each_reminder_goes_once_however_often_the_clock_looks(
    make_session: sessionmaker[Session], term_id: int
) -> None:
    sent = []
    for day in range(-70, 20):
        for _ in range(2):
            deadlines.run(make_session, noon(DUE + timedelta(days=day)))
        sent.append(len(mails(make_session)))
    assert len(mails(make_session)) == 4  # 60 and 14 days before, on the day, a week after
    assert sent[10] == 1
    assert sent[56] == 2
    assert sent[70] == 3
    assert sent[77] == 4


def test_a_clock_that_slept_for_weeks_sends_one_mail_and_not_three(
    make_session: sessionmaker[Session], term_id: int
) -> None:
    deadlines.run(make_session, noon(DUE - timedelta(days=2)))
    assert [key.split(":")[3] for key in mails(make_session)] == ["14"]


def test_a_task_that_is_done_is_not_reminded_of(make_session: sessionmaker[Session], term_id: int) -> None:
    with make_session() as session, unit_of_work(session):
        terms.end(session.get_one(Term, term_id), DUE - timedelta(days=30))
    deadlines.run(make_session, noon(DUE))
    assert mails(make_session) == []


def test_a_term_that_stands_still_is_not_reminded_of(make_session: sessionmaker[Session], term_id: int) -> None:
    with make_session() as session, unit_of_work(session):
        terms.pause(session.get_one(Term, term_id), DUE - timedelta(days=30))
    deadlines.run(make_session, noon(DUE - timedelta(days=14)))
    assert mails(make_session) == []


def test_rounds_open_and_end_by_the_clock_also_after_three_days_of_silence(
    make_session: sessionmaker[Session],
) -> None:
    with make_session() as session, unit_of_work(session):
        row = Cases(session).tranche(state="announced")
        opens, closes = row.opens_at, row.closes_at

    def state() -> str:
        with make_session() as session:
            return session.scalars(select(Tranche.state)).one()

    deadlines.run(make_session, opens - timedelta(seconds=1))
    assert state() == "announced"
    deadlines.run(make_session, opens)
    assert state() == "open"
    deadlines.run(make_session, closes)  # the closing moment itself is still in time
    assert state() == "open"
    deadlines.run(make_session, closes + timedelta(days=3))
    assert state() == "running"
    deadlines.run(make_session, closes + timedelta(days=4))
    assert state() == "running"
