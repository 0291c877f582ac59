"""A payment scheme as it is kept: planned at the award, frozen, released by proof, settled by the determination."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain import ledger
from fundapp.domain.fund import FundSpec
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application, Term
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import Instalment, PaymentHold
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import interim, payment_deadlines
from fundapp.services import journal as journal_service
from fundapp.services import ledger as ledger_service
from fundapp.services.act import Act, Follow
from fundapp.services.funds import spec_of
from fundapp.services.payment_scheme import plan_final_payment, replan_instalments
from fundapp.services.payment_scheme_views import scheme
from tests.support.cases import NOW, Cases
from tests.support.scheme import InParts, in_parts

TODAY = date(2025, 3, 14)


@pytest.fixture
def case(session: Session) -> InParts:
    """€ 59.999,99 of the innovation fund: 50 % at once, 30 % after a report, the rest after the final amount."""
    return in_parts(session)


def rows(case: InParts) -> list[tuple[str, int, str, date | None]]:
    case.session.expire_all()
    return [(one.condition, one.cents, one.state, one.due_on) for one in case.instalments]


def written(case: InParts, text: str = "De helft is klaar.") -> None:
    interim.save(case.session, case.report.ref, text, actor=case.school, now=NOW)


def test_an_award_is_planned_to_the_cent_with_a_condition_for_each_part(case: InParts) -> None:
    assert rows(case) == [
        ("award", 2_999_999, "due", date(2025, 4, 25)),
        ("proof", 1_800_000, "waiting", None),
        ("determination", 1_200_000, "waiting", None),
    ]
    assert sum(one.cents for one in case.instalments) == 5_999_999
    journal = case.session.scalars(select(Journal).where(Journal.action == "award")).first()
    assert journal is not None


def test_the_scheme_is_that_of_the_day_of_the_award(case: InParts) -> None:
    """The proof that was asked is kept with the case; the fund's rules may change."""
    report = case.report
    assert report.proof["name"]["nl"] == "voortgangsrapportage halverwege"
    assert report.due_on == date(2025, 9, 15), "six months, and a Sunday"
    term = case.session.scalars(select(Term).where(Term.name == "interim_1")).one()
    assert term.ended_on is None


def test_an_approved_report_releases_its_instalment(case: InParts) -> None:
    with pytest.raises(Refused, match="interim_empty"):
        case.judge("send", case.school)
    written(case)
    with pytest.raises(Refused) as refused:
        case.judge("send", case.finance)
    assert refused.value.kind is Kind.FORBIDDEN
    case.judge("send", case.school)
    assert rows(case)[1][2] == "waiting"
    with pytest.raises(Refused, match="interim_sent"):
        written(case, "Te laat")
    case.judge("approve", case.finance)
    assert rows(case)[1] == ("proof", 1_800_000, "due", date(2025, 4, 25))
    told = case.session.scalars(select(OutboxMessage.template).where(OutboxMessage.template.startswith("interim_")))
    assert set(told) == {"interim_in", "interim_received", "interim_approved"}
    term = case.session.scalars(select(Term).where(Term.name == "interim_1")).one()
    assert term.ended_on == TODAY
    assert journal_service.verify(case.session) is None


def test_a_report_that_is_given_back_can_be_sent_again(case: InParts) -> None:
    written(case)
    case.judge("send", case.school)
    with pytest.raises(Refused, match="explanation_missing"):
        case.judge("return", case.finance, explanation=" ")
    case.judge("return", case.finance, explanation="Voeg foto's toe.")
    assert case.report.state == "asked"
    assert case.report.due_on == date(2025, 3, 28)
    written(case, "Nu met foto's.")
    case.judge("send", case.school)
    case.judge("approve", case.finance)
    assert rows(case)[1][2] == "due"


def test_a_final_payment_takes_the_place_of_all_that_was_planned(case: InParts) -> None:
    act = _act(case)
    due_on = plan_final_payment(act, _spec(case), 500_000)
    case.session.flush()
    assert rows(case) == [
        ("award", 2_999_999, "dropped", date(2025, 4, 25)),
        ("proof", 1_800_000, "dropped", None),
        ("determination", 500_000, "due", due_on),
    ]
    assert act.follow == [Follow("interim_report", case.report.ref, "lapse")]


def test_an_award_that_becomes_less_is_spread_over_what_was_not_paid(case: InParts) -> None:
    case.instalments[0].state = "paid"
    case.session.flush()
    act = _act(case)
    replan_instalments(act, case.app.id, 5_000_000)
    case.session.flush()
    assert [(cents, state) for _, cents, state, _ in rows(case)] == [
        (2_999_999, "paid"),
        (1_200_001, "waiting"),
        (800_000, "waiting"),
    ]
    assert act.data["scheme"] == [[2, 1_200_001], [3, 800_000]]
    replan_instalments(act, case.app.id, 2_999_999)
    case.session.flush()
    assert [state for _, _, state, _ in rows(case)] == ["paid", "dropped", "dropped"]
    assert act.follow == [Follow("interim_report", case.report.ref, "lapse")]


def _act(case: InParts) -> Act:
    return Act(case.session, case.app, None, None, {}, case.finance, NOW)  # type: ignore[arg-type]  # no transition


def _spec(case: InParts) -> FundSpec:
    return spec_of(case.session, case.app.fund_version_id)


def test_after_the_project_no_report_is_sent_or_approved(case: InParts) -> None:
    written(case)
    case.judge("send", case.school)
    case.app.state = "determined"
    case.session.flush()
    with pytest.raises(Refused, match="project_ended"):
        case.judge("approve", case.finance)


def test_an_instalment_without_its_dates_is_refused_by_the_database(case: InParts) -> None:
    case.instalments[1].state = "due"
    with pytest.raises(IntegrityError, match="dated"):
        case.session.flush()


# --- holds ------------------------------------------------------------------------------------------------------------


def test_a_hold_is_placed_seen_journaled_and_lifted(case: InParts) -> None:
    until = TODAY + timedelta(days=30)
    case.do("hold_payments", case.finance, ends_on=until, explanation="De penvoerder doet onderzoek.")
    shown = scheme(case.session, case.app, TODAY)
    assert shown.running_hold is not None
    assert shown.running_hold.reason == "De penvoerder doet onderzoek."
    assert {line.standing.look.icon for line in shown.lines} == {"lock"}
    assert scheme(case.session, case.app, until + timedelta(days=1)).running_hold is None, "it ends by itself"
    with pytest.raises(Refused, match="already_held"):
        case.do("hold_payments", case.finance, ends_on=until, explanation="Nog eens.")
    case.do("lift_hold", case.finance, explanation="Alles klopt.")
    assert scheme(case.session, case.app, TODAY).running_hold is None
    acts = case.session.execute(
        select(Journal.action, Journal.reason, Journal.actor_id)
        .where(Journal.action.contains("hold"))
        .order_by(Journal.id)
    ).all()
    assert [tuple(act) for act in acts] == [
        ("hold_payments", "De penvoerder doet onderzoek.", case.finance.id),
        ("lift_hold", "Alles klopt.", case.finance.id),
    ]
    told = case.session.scalars(select(OutboxMessage.template).where(OutboxMessage.template.startswith("payment_")))
    assert list(told) == ["payment_held", "payment_resumed"]
    with pytest.raises(Refused, match="not_held"):
        case.do("lift_hold", case.finance, explanation="Nog eens.")


def test_under_the_awb_a_hold_lasts_thirteen_weeks_in_all(session: Session) -> None:
    cases = Cases(session, profile=Profile.AWB)
    finance = cases.person("Fien", Role.FINANCE)
    app = cases.application(cases.tranche(), cases.school())
    cases.awarded(app, 100_000, advance=80_000)

    def place(until: date, now_in_days: int = 0) -> None:
        from fundapp.services.transitions import perform

        given = {"ends_on": until, "explanation": "Ernstig vermoeden."}
        now = NOW + timedelta(days=now_in_days)
        perform(session, "application", app.ref, "hold_payments", actor=finance, now=now, given=given)

    with pytest.raises(Refused, match="hold_too_long"):
        place(TODAY + timedelta(days=91))
    place(TODAY + timedelta(days=60))
    with pytest.raises(Refused, match="hold_too_long"):
        place(TODAY + timedelta(days=70 + 30), 70)
    place(TODAY + timedelta(days=70 + 29), 70)
    with pytest.raises(Refused, match="hold_used_up"):
        place(TODAY + timedelta(days=120), 120)
    assert session.scalar(select(func.count()).select_from(PaymentHold)) == 2


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.HANDLER])
def test_only_finance_holds_payments(case: InParts, role: Role) -> None:
    with pytest.raises(Refused) as refused:
        case.do("hold_payments", case.cases.person("Iemand Anders", role), ends_on=TODAY, explanation="x")
    assert refused.value.kind is Kind.FORBIDDEN


# --- the clock --------------------------------------------------------------------------------------------------------


def test_the_clock_ends_holds_and_reminds_of_reports_once(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    make_session: sessionmaker[Session] = session_factory(engine)
    with make_session() as session, unit_of_work(session):
        case = in_parts(session)
        until = TODAY + timedelta(days=10)
        case.do("hold_payments", case.finance, ends_on=until, explanation="Onderzoek.")
        app_id = case.app.id

    def at(days: int) -> int:
        return payment_deadlines.run(make_session, NOW + timedelta(days=days))

    assert [at(days) for days in (9, 10)] == [0, 0], "its last day still counts"
    assert [at(days) for days in (14, 14, 15)] == [1, 0, 0], "the clock was away, and comes once"
    with make_session() as session:
        hold = session.scalars(select(PaymentHold)).one()
        assert hold.ended_at is not None
        assert hold.ended_by_id is None
        journal = session.scalars(select(Journal).where(Journal.action == "end_hold")).one()
        assert journal.actor_id is None
        assert {"payment_resumed", "hold_ended"} <= set(session.scalars(select(OutboxMessage.template)))
        assert journal_service.verify(session) is None
        assert ledger_service.verify(session) is None
        due_on = session.scalars(select(InterimReport.due_on)).one()
    days = [(due_on - TODAY).days + offset for offset in (-15, -14, -13, -1, 0, 3, 8)]
    assert [at(day) for day in days] == [0, 1, 0, 0, 1, 0, 0]
    with make_session() as session, unit_of_work(session):
        balances = ledger_service.case_balances(session, app_id)
        assert balances[ledger.Account.COMMITTED] == 5_999_999
        assert session.get_one(Application, app_id).state == "awarded"
        assert session.scalar(select(func.count()).select_from(Instalment)) == 3
    engine.dispose()
