"""A new look at a decision: filed in the term, heard, advised and decided by others; the money waits, then moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fundapp.domain.flows import FLOWS
from fundapp.domain.ledger import Account
from fundapp.domain.objection import NOTICE
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Length, Profile
from fundapp.persistence.application import Term
from fundapp.persistence.decision import Award
from fundapp.persistence.objection import Objection
from fundapp.persistence.payment import Instalment
from fundapp.services import checklist, ledger
from tests.support.cases import NOW
from tests.support.objections import WHOLE, Disagreement

LAST_DAY = date(2025, 4, 25)
"""Six weeks after 14 March 2025, a Friday."""


@pytest.fixture
def case(session: Session) -> Disagreement:
    found = Disagreement(session)
    found.reject()
    return found


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def reserved(case: Disagreement) -> int:
    return ledger.case_balances(case.session, case.app.id).get(Account.RESERVED, 0)


# --- filing -----------------------------------------------------------------------------------------------------------


def test_it_is_filed_and_confirmed_and_the_amount_at_stake_is_set_apart(case: Disagreement) -> None:
    row = case.file()
    assert (row.state, row.late, row.due_on) == ("received", False, LAST_DAY)
    assert row.ref == f"{case.app.ref}-B1"
    assert (row.old_cents, row.most_cents, row.reserved_cents) == (0, WHOLE, WHOLE)
    assert reserved(case) == WHOLE
    assert case.money.free == 1_000_000 - WHOLE
    case.proved()
    letter = case.letters()["objection_received"]
    assert "zaterdag 15 maart 2025" in letter
    assert "vrijdag 6 juni 2025" in letter  # six weeks from the day after the term to object (Awb 7:10)
    assert "bezwaar" in letter
    assert case.mailed(case.school)[-1] == "objection_received"
    assert "objection_in" in case.mailed(case.fresh)


def test_the_term_to_decide_of_a_private_fund_counts_from_the_receipt(session: Session) -> None:
    case = Disagreement(session, profile=Profile.PRIVATE)
    case.reject()
    row = case.file()
    assert row.ref.endswith("-H1")
    term = session.scalars(select(Term).where(Term.objection_id == row.id)).one()
    assert term.started_on == LAST_DAY  # this fund's own rules count from the end of the term


def test_the_last_day_is_in_time_and_the_day_after_asks_why(case: Disagreement) -> None:
    last_second = datetime(2025, 4, 25, 21, 59, 59, tzinfo=UTC)
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.file(at=last_second + timedelta(seconds=1))
    assert code(refused) == "late_without_reason"
    row = case.file(at=last_second + timedelta(seconds=1), late_reason="De directeur was ziek.")
    assert row.late
    assert row.late_reason == "De directeur was ziek."
    assert row.decision_due_on == date(2025, 6, 10)  # counted from its receipt; Whit Monday moves it


def test_in_the_last_second_it_is_in_time(case: Disagreement) -> None:
    assert not case.file(at=datetime(2025, 4, 25, 21, 59, 59, tzinfo=UTC)).late


def test_sent_twice_it_is_filed_once(case: Disagreement) -> None:
    assert case.file().id == case.file().id
    assert reserved(case) == WHOLE


def test_only_the_school_files_and_only_against_a_decision(session: Session) -> None:
    case = Disagreement(session)
    with pytest.raises(Refused) as refused, session.begin_nested():
        case.file()
    assert code(refused) == "nothing_decided"
    case.reject()
    case.school = case.fresh
    with pytest.raises(Refused) as refused, session.begin_nested():
        case.file()
    assert code(refused) == "not_yours"


def test_what_is_not_there_any_more_is_not_set_apart(session: Session) -> None:
    case = Disagreement(session, ceiling=700_000)
    case.reject()
    other = case.application(400_000)
    case.award(other, 400_000)
    row = case.file()
    assert row.reserved_cents == 300_000
    case.to_advice(row, "founded", WHOLE)
    with pytest.raises(Refused) as refused, session.begin_nested():
        case.decide(row, "declare_founded", amount_cents=WHOLE)
    assert code(refused) == "no_money_left"
    case.set_ceiling(900_000)  # the ceiling of the first decision counts (Awb 4:25, third paragraph)
    case.decide(row, "declare_founded", amount_cents=WHOLE)
    assert case.reload().state == "awarded"
    case.proved()


def test_the_waiting_list_does_not_get_what_is_set_apart(session: Session) -> None:
    case = Disagreement(session, ceiling=WHOLE)
    case.reject()
    case.file()
    waiting = case.application(100_000, state="waitlisted")
    assert case.free_for(waiting)[""] == 0
    assert case.refused(case.act, waiting, "offer", case.coordinator, amount_cents=100_000) == "ceiling_reached"


def test_it_keeps_the_tranche_from_closing(case: Disagreement) -> None:
    row = case.file()
    found = [b for b in checklist.blockers(case.session, case.tranche) if b.code == "remedy_open"]
    assert [b.ref for b in found] == [f"/bezwaren/{row.ref}"]
    assert "€ 5.000,00" in found[0].sentence.nl.replace("\u00a0", " ")
    case.step(row, "withdraw", case.school)
    assert not [b for b in checklist.blockers(case.session, case.tranche) if b.code == "remedy_open"]


def test_withdrawn_it_frees_the_money_and_may_be_filed_again(case: Disagreement) -> None:
    row = case.file()
    case.step(row, "withdraw", case.school)
    assert (row.state, reserved(case), case.money.free) == ("withdrawn", 0, 1_000_000)
    assert case.mailed(case.school)[-1] == "objection_withdrawn"
    assert case.file(at=NOW + timedelta(days=3)).ref.endswith("-B2")
    case.proved()


# --- the term ---------------------------------------------------------------------------------------------------------


def test_asking_for_completion_stops_the_clock_by_exactly_the_days_waited(case: Disagreement) -> None:
    row = case.file()
    before = row.decision_due_on
    case.step(row, "ask_completion", case.handler, days=3, explanation="Waarom bent u het niet eens?")
    assert (row.state, row.decision_due_on) == ("incomplete", None)
    assert "maandag 31 maart 2025" in case.letters()["objection_completion"]
    case.step(row, "complete", case.school, days=10, explanation="Daarom.")
    assert before is not None
    assert row.decision_due_on is not None
    assert row.state == "received"
    assert row.completion == "Daarom."
    # asked and completed before the term began to run: it adds nothing
    assert row.decision_due_on == before


def test_days_waited_within_the_term_are_added(case: Disagreement) -> None:
    row = case.file()
    case.step(row, "ask_completion", case.handler, days=50, explanation="Wat bedoelt u?")
    case.step(row, "complete", case.school, days=57, explanation="Dit.")
    assert row.decision_due_on == date(2025, 6, 13)  # seven days after 6 June


def test_it_is_extended_once_by_six_weeks_and_further_only_if_the_school_agrees(case: Disagreement) -> None:
    row = case.file()
    case.step(row, "extend_term", case.fresh, length=Length(weeks=6), explanation="Wij wachten op de commissie.")
    assert row.decision_due_on == date(2025, 7, 18)
    assert "vrijdag 18 juli 2025" in case.letters()["objection_extension"]
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.step(row, "extend_term", case.fresh, length=Length(weeks=1), explanation="Nog eens.")
    assert code(refused) == "extended_before"
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.step(row, "agree_longer", case.fresh, length=Length(weeks=1), explanation="Overleg.", agreed="")
    assert code(refused) == "agreed_missing"
    case.step(
        row, "agree_longer", case.fresh, length=Length(weeks=1), explanation="Overleg.", agreed="Mail van 15 maart."
    )
    assert row.decision_due_on == date(2025, 7, 25)
    assert case.mailed(case.school).count("objection_extended") == 2


# --- hearing, advice, decision ----------------------------------------------------------------------------------------


def heard(case: Disagreement, row: Objection) -> None:
    at = NOW + timedelta(days=20)
    case.step(row, "plan_hearing", case.handler, hearing_at=at, place="Goes-demo")
    case.step(row, "record_hearing", case.fresh, days=20, present="De school", report="De school legde uit.")


def test_a_hearing_is_announced_in_time_and_reported_afterwards(case: Disagreement) -> None:
    row = case.file()
    soon = NOW + NOTICE[Profile.AWB] + timedelta(days=1)
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.step(row, "plan_hearing", case.handler, hearing_at=soon, place="Goes-demo")
    assert code(refused) == "hearing_too_soon"
    case.step(row, "plan_hearing", case.handler, hearing_at=NOW + timedelta(days=20), place="Goes-demo")
    assert "donderdag 3 april 2025" in case.letters()["hearing"]
    assert case.mailed(case.school)[-1] == "hearing_planned"
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.step(row, "record_hearing", case.fresh, days=5, present="x", report="y")
    assert code(refused) == "hearing_still_to_come"
    case.step(row, "record_hearing", case.fresh, days=20, present="De school", report="De school legde uit.")
    assert row.state == "heard"
    assert case.mailed(case.school)[-1] == "hearing_reported"


def test_who_had_a_part_in_the_decision_neither_hears_nor_advises(case: Disagreement) -> None:
    row = case.file()
    case.step(row, "waive_hearing", case.fresh, waiver="not_wanted", explanation="De school wil niet.")
    assert case.mailed(case.school)[-1] == "hearing_waived"
    case.judge(case.adviser)
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.step(row, "advise", case.adviser, outcome="unfounded", explanation="Nee.")
    assert code(refused) == "involved_before"


@pytest.mark.parametrize("action", ["declare_unfounded", "declare_founded"])
def test_neither_the_first_decider_nor_the_adviser_decides(case: Disagreement, action: str) -> None:
    row = case.file()
    case.to_advice(row, "founded", WHOLE)
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.decide(row, action, case.decider, amount_cents=WHOLE, deviation="Anders.")
    assert code(refused) == "first_decider"


def test_the_database_refuses_the_first_decider_as_well(case: Disagreement) -> None:
    row = case.file()
    case.to_advice(row, "unfounded")
    for who in (case.decider, case.fresh):
        with pytest.raises(DBAPIError, match="does not decide on it"), case.session.begin_nested():
            case.session.execute(
                text("""
                  WITH d AS (INSERT INTO decision (application_id, kind, decided_by_id, amount_cents, reasons,
                               conditions, explanation, at, replaces_id, outcome)
                             VALUES (:app, 'remedy', :who, 0, '[]', '', 'x', now(), :old, 'unfounded') RETURNING id)
                  UPDATE objection SET new_decision_id = d.id, state = 'unfounded', reserved_cents = 0 FROM d
                """),
                {"app": case.app.id, "who": who.id, "old": row.decision_id},
            )
    with pytest.raises(DBAPIError, match="no part in the first decision"), case.session.begin_nested():
        case.session.execute(text("UPDATE objection SET adviser_id = :who"), {"who": case.decider.id})
    with pytest.raises(DBAPIError, match="kept as it was filed"), case.session.begin_nested():
        case.session.execute(text("UPDATE objection SET grounds = 'Anders'"))
    with pytest.raises(DBAPIError, match="append-only"), case.session.begin_nested():
        case.session.execute(text("DELETE FROM objection"))


def test_unfounded_leaves_all_as_it_was_and_names_the_court(case: Disagreement) -> None:
    row = case.file()
    heard(case, row)
    case.step(row, "advise", case.fresh, days=21, outcome="unfounded", explanation="De rangorde klopt.")
    case.decide(row, "declare_unfounded")
    assert (row.state, case.reload().state, reserved(case)) == ("unfounded", "rejected", 0)
    first, second = case.decisions()
    assert (second.kind, second.replaces_id, second.outcome) == ("remedy", first.id, "unfounded")
    assert row.new_decision_id == second.id
    letter = case.letters()["objection_decision"]
    for words in (
        "ongegrond",
        "beroep gaan bij de rechtbank",
        "Zo besluiten wij.",
        "De rangorde klopt.",
        "Het verslag",
    ):
        assert words in letter
    assert case.mailed(case.school)[-1] == "objection_decided"
    case.proved()


def test_another_outcome_than_advised_needs_a_reason(case: Disagreement) -> None:
    row = case.file()
    case.to_advice(row, "unfounded")
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.decide(row, "declare_founded", amount_cents=WHOLE)
    assert code(refused) == "deviation_without_reason"
    case.decide(row, "declare_founded", amount_cents=WHOLE, deviation="Het advies telde een punt niet mee.")
    assert "Het advies telde een punt niet mee." in case.letters()["objection_decision"]


def test_founded_it_is_awarded_after_all_to_the_cent(case: Disagreement) -> None:
    row = case.file()
    case.to_advice(row, "partly_founded", 312_345)
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.decide(row, "declare_partly_founded", amount_cents=WHOLE, deviation="x")
    assert code(refused) == "not_a_part"
    case.decide(row, "declare_partly_founded", amount_cents=312_345)
    app = case.reload()
    assert (row.state, app.state) == ("partly_founded", "awarded")
    balances = ledger.case_balances(case.session, app.id)
    assert (balances[Account.RESERVED], balances[Account.COMMITTED]) == (0, 312_345)
    assert case.money.free == 1_000_000 - 312_345
    award = case.session.get_one(Award, app.id)
    assert (award.cents, award.decision_id) == (312_345, row.new_decision_id)
    instalments = case.session.scalars(select(Instalment.cents).where(Instalment.application_id == app.id)).all()
    assert sum(instalments) == 312_345
    letter = case.letters()["objection_decision"]
    assert "hoogstens € 3.123,45" in letter
    assert "deels gegrond" in letter
    case.proved()


def test_late_it_may_be_declared_inadmissible_and_in_time_it_may_not(case: Disagreement) -> None:
    row = case.file()
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.decide(row, "declare_inadmissible", reason="late")
    assert code(refused) == "not_late"
    case.step(row, "withdraw", case.school)
    late = case.file(at=NOW + timedelta(days=60), late_reason="Vergeten.")
    case.decide(late, "declare_inadmissible", days=61, reason="late")
    assert late.state == "inadmissible"
    assert "U was te laat" in case.letters()["objection_decision"]
    assert reserved(case) == 0


def test_incomplete_only_after_a_chance_to_complete_it(case: Disagreement) -> None:
    from fundapp.domain.people import SYSTEM

    row = case.file()
    with pytest.raises(Refused) as refused, case.session.begin_nested():
        case.decide(row, "declare_inadmissible", reason="incomplete")
    assert code(refused) == "no_chance_to_complete"
    case.step(row, "ask_completion", case.handler, days=3, explanation="Wat is uw reden?")
    with pytest.raises(Refused), case.session.begin_nested():
        case.step(row, "end_completion", SYSTEM, days=10)
    case.step(row, "end_completion", SYSTEM, days=20)
    case.decide(row, "declare_inadmissible", reason="incomplete")
    assert row.state == "inadmissible"


# --- what it does to the other decisions ------------------------------------------------------------------------------


def awarded(case: Disagreement, cents: int) -> None:
    case.act(case.app, "award", case.decider, amount_cents=cents, explanation="Minder dan gevraagd.")


def test_an_award_is_raised_and_its_payments_with_it(session: Session) -> None:
    case = Disagreement(session)
    awarded(case, 200_000)
    row = case.file()
    assert (row.old_cents, row.most_cents, row.reserved_cents) == (200_000, WHOLE, 300_000)
    case.to_advice(row, "founded", WHOLE)
    case.decide(row, "declare_founded", amount_cents=WHOLE, conditions="Deel de lessen.")
    app = case.reload()
    assert app.state == "awarded"
    assert session.get_one(Award, app.id).cents == WHOLE
    open_ones = session.scalars(select(Instalment).where(Instalment.application_id == app.id)).all()
    assert sum(one.cents for one in open_ones) == WHOLE
    assert ledger.case_balances(session, app.id)[Account.COMMITTED] == WHOLE
    assert "Deel de lessen." in case.letters()["objection_decision"]
    case.proved()


def test_a_revoked_award_holds_again_and_is_not_asked_back(session: Session) -> None:
    from fundapp.domain import ledger as books

    case = Disagreement(session)
    awarded(case, WHOLE)
    case.cases.book(case.app, "order", books.order_payment(400_000, final=False))
    case.cases.book(case.app, "paid", books.confirm_payment(400_000, final=False))
    session.execute(text("UPDATE instalment SET state = 'paid' WHERE number = 1"))
    case.act(case.app, "revoke", case.decider, explanation="Het project gaat niet door.")
    assert ledger.case_balances(session, case.app.id)[Account.RECEIVABLE] == 400_000
    row = case.file()
    assert (row.old_cents, row.most_cents, row.reserved_cents) == (0, WHOLE, WHOLE)
    case.to_advice(row, "founded", WHOLE)
    case.decide(row, "declare_founded", amount_cents=WHOLE)
    balances = ledger.case_balances(session, case.app.id)
    assert (balances[Account.PAID], balances[Account.COMMITTED], balances[Account.RECEIVABLE]) == (400_000, 100_000, 0)
    assert case.reload().state == "awarded"
    rows = session.scalars(select(Instalment).where(Instalment.application_id == case.app.id)).all()
    assert sum(one.cents for one in rows if one.state in ("due", "waiting")) == 100_000
    case.proved()


def determined(case: Disagreement, cents: int, *, paid: int) -> None:
    """A final amount of an award of WHOLE, of which `paid` was paid in advance; fixed by finance."""
    from fundapp.domain import ledger as books
    from fundapp.persistence.settlement import Determination, Recovery

    awarded(case, WHOLE)
    case.cases.book(case.app, "order", books.order_payment(paid, final=False))
    case.cases.book(case.app, "paid", books.confirm_payment(paid, final=False))
    case.cases.book(case.app, "determine", books.determine(cents, committed=WHOLE - paid, paid=paid))
    session = case.session
    calculation = {"award": WHOLE, "determined": cents, "balance": cents - paid, "limited_by": "cost"}
    session.add(
        Determination(
            application_id=case.app.id,
            kind="final",
            cents=cents,
            calculation=calculation,
            by_id=case.finance.id,
            at=NOW,
        )
    )
    if cents < paid:
        session.add(
            Recovery(
                ref=f"TV-{case.app.ref}",
                application_id=case.app.id,
                state="claimed",
                cents=paid - cents,
                due_on=LAST_DAY,
                created_at=NOW,
            )
        )
    session.flush()
    session.execute(text("UPDATE application SET state = 'determined'"))
    session.execute(text("UPDATE instalment SET state = 'dropped'"))
    session.expire_all()


def test_a_final_amount_becomes_higher_and_the_rest_is_paid(session: Session) -> None:
    case = Disagreement(session)
    determined(case, 400_000, paid=400_000)
    row = case.file()
    assert (row.old_cents, row.most_cents, row.reserved_cents) == (400_000, WHOLE, 100_000)
    case.to_advice(row, "partly_founded", 450_001)
    case.decide(row, "declare_partly_founded", amount_cents=450_001)
    balances = ledger.case_balances(session, case.app.id)
    assert (balances[Account.DETERMINED], balances[Account.PAYABLE]) == (400_000, 50_001)
    due = session.scalars(select(Instalment).where(Instalment.state == "due")).one()
    assert (due.cents, due.purpose) == (50_001, "final")
    assert "Het wordt € 4.500,01" in case.letters()["objection_decision"]
    with pytest.raises(Refused) as refused, session.begin_nested():
        case.file(at=NOW + timedelta(days=30))
    assert code(refused) == "nothing_decided"  # after a new look there is the court
    case.proved()


def test_first_what_is_asked_back_becomes_less(session: Session) -> None:
    case = Disagreement(session)
    determined(case, 300_000, paid=400_000)
    row = case.file()
    case.to_advice(row, "partly_founded", 400_000)
    case.decide(row, "declare_partly_founded", amount_cents=400_000)
    balances = ledger.case_balances(session, case.app.id)
    assert (balances[Account.DETERMINED], balances[Account.RECEIVABLE], balances.get(Account.PAYABLE, 0)) == (
        400_000,
        0,
        0,
    )
    assert case.reload().state == "settled"
    case.proved()


def test_nobody_takes_an_award_away_while_it_is_looked_at_again(session: Session) -> None:
    case = Disagreement(session)
    awarded(case, 200_000)
    case.file()
    assert case.refused(case.act, case.app, "revoke", case.decider, explanation="Toch niet.") == "remedy_runs"


def test_what_was_not_considered_is_taken_up_again(session: Session) -> None:
    case = Disagreement(session)
    session.execute(text("UPDATE application SET state = 'submitted', completions_asked = 1"))
    session.expire_all()
    case.act(case.app, "not_consider", case.handler, reasons=["not_completed_in_time"], explanation="Niet compleet.")
    row = case.file()
    case.to_advice(row, "founded")
    case.decide(row, "declare_founded", amount_cents=0)
    app = case.reload()
    assert (app.state, reserved(case)) == ("submitted", 0)
    assert app.decision_due_on is not None
    assert "Wij behandelen uw aanvraag alsnog" in case.letters()["objection_decision"]
    case.proved()


# --- the law of a private fund ----------------------------------------------------------------------------------------


def test_a_private_fund_says_nothing_of_an_objection(session: Session) -> None:
    case = Disagreement(session, profile=Profile.PRIVATE)
    case.reject()
    row = case.file()
    case.step(row, "ask_completion", case.handler, explanation="Wat bedoelt u?")
    case.step(row, "complete", case.school, explanation="Dit.")
    case.step(row, "plan_hearing", case.handler, hearing_at=NOW + timedelta(days=4), place="Goes-demo")
    case.step(row, "extend_term", case.fresh, length=Length(weeks=1), explanation="Druk.")
    case.step(row, "record_hearing", case.fresh, days=4, present="De school", report="Uitleg.")
    case.step(row, "advise", case.fresh, days=5, outcome="unfounded", explanation="Nee.")
    case.decide(row, "declare_unfounded")
    told = " ".join(case.letters().values()).lower()
    assert "bezwaar" not in told
    assert "hoorzitting" not in told
    assert "rechtbank" not in told
    assert "heroverweging" in told


@pytest.mark.parametrize("kind", ["reconsideration"])
def test_nor_do_the_words_of_its_flow(kind: str) -> None:
    flow = FLOWS[kind]
    words: list[Any] = [flow.label, *(look.label for look in flow.looks.values())]
    words += [t for transition in flow.transitions for t in (transition.label, transition.past, transition.hint) if t]
    for said in words:
        assert not any(word in f"{said.nl} {said.en}".lower() for word in ("bezwaar", "objection", "gegrond"))
