"""Free money for the waiting list: in order, held while the offer stands, and awarded to the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain import ledger as books
from fundapp.domain.ledger import Account
from fundapp.persistence.application import Term
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.persistence.waitlist import Offer
from fundapp.services import deadlines, ledger
from tests.support.rounds import LONG_AGO, Round, later


def test_a_waitlisted_award_from_released_money_to_the_cent(session: Session) -> None:
    """The first school needs 1.440,00 less; the second is offered it, accepts, and gets 1.439,99."""
    run = Round(session, ceiling=720_000)
    first = run.application(720_000)
    run.award(first, 720_000)
    second = run.application(300_000, came_in=LONG_AGO + timedelta(hours=1))
    run.act(second, "waitlist", run.decider, explanation="Er is nu geen geld.")
    assert run.stands == (720_000, 720_000, 0, 0)
    assert run.refused(run.act, second, "offer", run.coordinator, amount_cents=100) == "ceiling_reached"

    table: list[tuple[str, tuple[int, int, int]]] = []  # act → committed, offered, free

    def note(act: str) -> None:
        table.append((act, run.stands[1:]))
        run.proved()

    pay = [*books.order_payment(576_000, final=False), *books.confirm_payment(576_000, final=False)]
    run.cases.book(first, "pay", pay)
    run.cases.book(first, "determine", books.determine(576_000, committed=144_000, paid=576_000))
    note("released")
    run.act(second, "offer", run.coordinator, at=later(days=1), amount_cents=144_000)
    note("offered")
    school = run.member(second)
    run.act(second, "accept_offer", school, at=later(days=2))
    note("accepted")
    run.award(second, 143_999, at=later(days=3))
    note("awarded")
    assert table == [
        ("released", (0, 0, 144_000)),
        ("offered", (0, 144_000, 0)),
        ("accepted", (0, 144_000, 0)),
        ("awarded", (143_999, 0, 1)),
    ]
    assert ledger.case_balances(session, second.id) == {Account.OFFERED: 0, Account.COMMITTED: 143_999}
    assert (second.state, run.money.awarded) == ("awarded", 576_000 + 143_999)
    offer = session.scalars(select(Offer)).one()
    assert (offer.cents, offer.outcome, offer.ended_at) == (144_000, "accepted", later(days=2))
    sent = session.scalars(select(OutboxMessage.template).order_by(OutboxMessage.id)).all()
    assert [t for t in sent if t.startswith("offer")] == ["offered", "offer_accepted"] or "offer_accepted" in sent


@pytest.fixture
def run(session: Session) -> Round:
    """A round with 5.000,00 free and three in line, each wanting 3.000,00."""
    return in_line(session)


def in_line(session: Session) -> Round:
    run = Round(session, ceiling=500_000)
    run.apps = [  # type: ignore[attr-defined]  # only for these tests
        run.application(300_000, state="waitlisted", came_in=LONG_AGO + timedelta(hours=n)) for n in range(3)
    ]
    return run


def apps(run: Round) -> list[Any]:
    return run.apps  # type: ignore[attr-defined,no-any-return]  # as above


def line(run: Round) -> list[tuple[str, str, int | None, int, int]]:
    return [(o.ref[-2:], o.state, o.place, o.offered, o.could_get) for o in run.line]


def test_nobody_is_passed_over(run: Round) -> None:
    first, second, _ = apps(run)
    assert run.refused(run.act, second, "offer", run.coordinator, amount_cents=300_000) == "not_first_in_line"
    assert run.refused(run.award, second, 300_000) == "not_first_in_line"
    run.act(first, "offer", run.coordinator, amount_cents=300_000)
    assert line(run) == [
        ("01", "offered", None, 300_000, 200_000),
        ("02", "waitlisted", 1, 0, 200_000),
        ("03", "waitlisted", 2, 0, 200_000),
    ]
    run.act(second, "offer", run.coordinator, amount_cents=200_000)  # what is left, though it wants more
    assert run.refused(run.act, apps(run)[2], "offer", run.coordinator, amount_cents=1) == "ceiling_reached"
    run.proved()


def test_who_declines_stands_last_and_the_next_is_offered_it(run: Round) -> None:
    first, second, third = apps(run)
    run.act(first, "offer", run.coordinator, amount_cents=300_000)
    school = run.member(first)
    assert run.refused(run.act, first, "accept_offer", run.member(second)) == "not_found"
    run.act(first, "decline_offer", school, at=later(days=3), explanation="Ons project is al af.")
    assert [(ref, place) for ref, _, place, _, _ in line(run)] == [("02", 1), ("03", 2), ("01", 3)]
    assert run.stands == (500_000, 0, 0, 500_000)
    run.act(second, "offer", run.coordinator, at=later(days=3), amount_cents=300_000)
    run.act(second, "withdraw", run.member(second), at=later(days=4), explanation="Toch niet.")
    assert run.stands == (500_000, 0, 0, 500_000)
    outcomes = run.session.scalars(select(Offer.outcome).order_by(Offer.id)).all()
    assert outcomes == ["declined", "withdrawn"]
    assert third.state == "waitlisted"
    run.proved()


def test_an_accepted_offer_can_still_be_rejected_and_is_free_then(run: Round) -> None:
    first = apps(run)[0]
    run.act(first, "offer", run.coordinator, amount_cents=300_000)
    run.act(first, "accept_offer", run.member(first), at=later(days=1))
    run.act(first, "reject", run.decider, at=later(days=2), reasons=["ranked_too_low"], explanation="Te laat klaar.")
    assert run.stands == (500_000, 0, 0, 500_000)
    run.proved()


def test_a_school_without_an_account_is_not_offered_money(session: Session) -> None:
    run = Round(session, ceiling=500_000)
    app = run.application(300_000, state="waitlisted", account=False)
    assert run.refused(run.act, app, "offer", run.coordinator, amount_cents=300_000) == "no_bank_account"
    assert run.refused(run.act, app, "offer", run.finance, amount_cents=300_000) == "not_yours"


@pytest.mark.parametrize("method", ["order_of_receipt", "ranking", "lottery", "priority", "pro_rata"])
def test_the_engine_and_the_page_see_the_same_line(session: Session, method: str) -> None:
    run = Round(session, ceiling=500_000, method=method)
    scores = ("4.10", None, "3.00", "4.10", "5.00")
    found = [
        run.application(100_000, state="waitlisted", score=score, came_in=LONG_AGO + timedelta(hours=n % 3))
        for n, score in enumerate(scores)
    ]
    for _ in found:
        first = run.line[0]
        assert (first.place, first.turn) == (1, True)
        assert {run.ahead(app) for app in found} == {None, first.ref}
        app = next(app for app in found if app.ref == first.ref)
        assert run.ahead(app) is None
        run.act(app, "offer", run.coordinator, amount_cents=100_000)
        run.act(app, "decline_offer", run.member(app), explanation="Liever later.")


@pytest.mark.parametrize(("on_overflow", "turn"), [("partial", "PO-T1-01"), ("skip", "PO-T1-02"), ("stop", None)])
def test_who_does_not_fit_whole_follows_the_rule_of_the_round(
    session: Session, on_overflow: str, turn: str | None
) -> None:
    run = Round(session, ceiling=200_000, on_overflow=on_overflow)
    wants = (300_000, 200_000, 100_000)
    found = [
        run.application(cents, state="waitlisted", came_in=LONG_AGO + timedelta(hours=n))
        for n, cents in enumerate(wants)
    ]
    assert [one.ref for one in run.line if one.turn] == ([turn] if turn else [])
    ahead = [run.ahead(app) for app in found]
    assert (
        ahead
        == {
            "partial": [None, "PO-T1-01", "PO-T1-01"],
            "skip": [None, None, "PO-T1-02"],
            "stop": [None, "PO-T1-01", "PO-T1-01"],
        }[on_overflow]
    )


def test_a_sub_region_without_money_does_not_hold_up_the_line(session: Session) -> None:
    run = Round(session, ceiling=500_100, sub_ceilings={"walcheren": 100})
    run.award(run.application(100, region="walcheren"), 100)
    run.application(300_000, state="waitlisted", region="walcheren")
    second = run.application(300_000, state="waitlisted", came_in=LONG_AGO + timedelta(hours=1))
    run.act(second, "offer", run.coordinator, amount_cents=300_000)
    assert run.stands == (500_100, 100, 300_000, 200_000)


def test_the_clock_ends_an_offer_that_nobody_answered(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    make_session: sessionmaker[Session] = session_factory(engine)
    with make_session() as session, unit_of_work(session):
        run = in_line(session)
        first = apps(run)[0]
        run.member(first)
        run.act(first, "offer", run.coordinator, amount_cents=300_000)
        due = session.scalars(select(Term.due_on).where(Term.name == "offer")).one()
        ref, days = first.ref, (due - later().date()).days
    assert deadlines.run(make_session, later(days=days)) == 1  # the last day counts: only a reminder
    with make_session() as session:
        assert session.scalars(select(Offer.outcome)).one() is None
    assert deadlines.run(make_session, later(days=days + 1)) == 1
    assert deadlines.run(make_session, later(days=days + 1)) == 0
    with make_session() as session:
        offer = session.scalars(select(Offer)).one()
        assert offer.outcome == "lapsed"
        sent = session.execute(select(OutboxMessage.template, OutboxMessage.context["ref"].astext)).all()
        assert ("offer_lapsed", ref) in [tuple(row) for row in sent]
        assert ledger.verify(session) is None
    engine.dispose()


# --- round the product ------------------------------------------------------------------------------------------------


def test_money_that_is_offered_cannot_be_awarded_to_somebody_else(run: Round) -> None:
    run.act(apps(run)[0], "offer", run.coordinator, amount_cents=300_000)
    other = run.application(200_001)
    assert run.refused(run.award, other, 200_001) == "ceiling_reached"
    with pytest.raises(IntegrityError, match="never_below_zero"), run.session.begin_nested():
        run.cases.book(other, "award", books.award(200_001))


def test_one_offer_at_a_time_and_none_in_a_closed_tranche(run: Round) -> None:
    app = apps(run)[0]
    run.act(app, "offer", run.coordinator, amount_cents=300_000)
    insert = text(
        "INSERT INTO offer (application_id, number, cents, due_on, offered_at, offered_by_id) "
        "VALUES (:a, 9, 1, current_date, now(), :p)"
    )
    values = {"a": app.id, "p": run.coordinator.id}
    with pytest.raises(IntegrityError, match="uq_offer_one_stands"), run.session.begin_nested():
        run.session.execute(insert, values)
    run.cases.shut(run.tranche)
    for statement in (insert, text("UPDATE offer SET cents = 5")):
        with pytest.raises(IntegrityError, match="the tranche is closed"), run.session.begin_nested():
            run.session.execute(statement, values if statement is insert else {})
