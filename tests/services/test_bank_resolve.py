"""Lines that fit nothing: a named category, and a second person wherever money is concerned."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.bank_line import Category
from fundapp.domain.people import Actor, Grant, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.journal import Journal
from fundapp.persistence.payment import BankLine, BankResolution, Instalment
from fundapp.persistence.settlement import Recovery
from fundapp.services.bank_resolve import Proposal, decide, propose, why_open
from tests.support.camt import Entry, Line, batch, example_iban, paid, received
from tests.support.cases import NOW
from tests.support.paying import OPENING, Run, claims, send, state, three_schools


@pytest.fixture
def run(session: Session) -> Run:
    """Three schools of three boards; their advances (80 %) are with the bank."""
    return three_schools(session)


@pytest.fixture
def claim(run: Run) -> Recovery:
    """€ 625 is asked back from the third school, € 100 from the second."""
    return claims(run)[1]


def open_line(run: Run, entry: Entry, **more: object) -> int:
    run.read(entry, **more)  # type: ignore[arg-type]  # number, opening
    found = run.session.scalars(select(BankLine.id).where(BankLine.matched_as.is_(None)).order_by(BankLine.id)).all()
    assert why_open(run.session, found[-1]).nl
    return found[-1]


def case(reference: str, *order_ids: int, why: str = "") -> Proposal:
    return Proposal(Category.CASE, reference, order_ids, why)


def by(run: Run, line_id: int, proposal: Proposal) -> BankResolution:
    """Proposed by the first, agreed to by the second."""
    row = propose(run.session, line_id, proposal, actor=run.first, now=NOW)
    return decide(run.session, row.id, accept=True, actor=run.second, now=NOW)


def test_a_receipt_is_matched_by_two_people(run: Run, claim: Recovery) -> None:
    line_id = open_line(run, received(62_500, example_iban(77), "Opa", "voor school"))
    row = propose(run.session, line_id, case(claim.ref), actor=run.first, now=NOW)
    assert run.balances(2)["receivable"] == 62_500, "nothing is booked yet"
    with pytest.raises(Refused, match="resolution_waits"):
        propose(run.session, line_id, case(claim.ref), actor=run.second, now=NOW)
    with pytest.raises(Refused, match="proposed_by_you"):
        decide(run.session, row.id, accept=True, actor=run.first, now=NOW)
    decide(run.session, row.id, accept=True, actor=run.second, now=NOW)
    assert state(run.session, run.apps[2]) == "settled"
    booked = run.session.scalars(select(Journal).where(Journal.action == "recovery_received")).one()
    assert (booked.data["by_hand"], booked.actor_id) == (True, run.second.id)
    notes = run.session.execute(
        select(Journal.action, Journal.actor_id).where(Journal.kind == "bank_line").order_by(Journal.id)
    ).all()
    assert [tuple(note) for note in notes] == [("propose", run.first.id), ("accept", run.second.id)]
    with pytest.raises(Refused) as refused:
        propose(run.session, line_id, case("TV-PO-T1-02"), actor=run.second, now=NOW)
    assert refused.value.kind is Kind.STALE
    run.proved()


def test_a_proposal_that_is_refused_leaves_the_line_open(run: Run, claim: Recovery) -> None:
    line_id = open_line(run, received(62_500, example_iban(77), "Opa", "voor school"))
    row = propose(run.session, line_id, case(claim.ref), actor=run.first, now=NOW)
    decide(run.session, row.id, accept=False, actor=run.second, now=NOW)
    assert run.session.get_one(BankLine, line_id).matched_as is None
    with pytest.raises(Refused, match="resolution_decided"):
        decide(run.session, row.id, accept=True, actor=run.second, now=NOW)
    assert by(run, line_id, case(claim.ref)).accepted


def test_a_payment_and_a_batch_are_matched_by_hand(run: Run) -> None:
    order = run.orders[0]
    line_id = open_line(run, Entry((Line(-order.cents, iban=order.iban),), "A"))
    by(run, line_id, case(order.end_to_end_id))
    assert state(run.session, order) == "paid"
    rest = sum(o.cents for o in run.orders[1:])
    line_id = open_line(
        run, Entry((Line(-rest),), "B", details=False), number="2025-002", opening=OPENING - order.cents
    )
    by(run, line_id, case(run.batch.ref))
    assert state(run.session, run.batch) == "booked"
    run.proved()


def test_a_batch_of_which_the_bank_left_one_out(run: Run) -> None:
    """The bank booked one sum without the second payment: that one returns to the worklist and can be paid again."""
    kept = [run.orders[0], run.orders[2]]
    entry = batch(run.batch.ref, [run.paid(0), run.paid(2)], details=False)
    line_id = open_line(run, entry)
    with pytest.raises(Refused, match="does_not_fit"):
        propose(run.session, line_id, case(run.batch.ref, run.orders[0].id), actor=run.first, now=NOW)
    by(run, line_id, case(run.batch.ref, *(o.id for o in kept), why="IBAN onbekend volgens de bank"))
    assert [state(run.session, order) for order in run.orders] == ["paid", "returned", "paid"]
    assert state(run.session, run.session.get_one(Instalment, run.orders[1].instalment_id)) == "due"
    assert run.balances(1) == {"committed": 640_000}
    assert state(run.session, run.batch) == "booked"
    assert run.orders[1].returned_why == "IBAN onbekend volgens de bank"
    again = send(run.session, run.cases, [run.apps[1]])
    again.read(again.paid(0), number="2025-002", opening=OPENING - 1_176_000)
    assert run.balances(1) == {"committed": 128_000, "paid": 512_000}
    run.proved()


def test_what_the_bank_left_out_and_pays_after_all_is_left_to_a_person(run: Run) -> None:
    entry = batch(run.batch.ref, [run.paid(0), run.paid(2)], details=False)
    by(run, open_line(run, entry), case(run.batch.ref, run.orders[0].id, run.orders[2].id))
    (line,) = run.read(run.paid(1), number="2025-002", opening=OPENING - 1_176_000).lines
    assert line.matched_as is None
    assert line.why is not None
    assert "dubbel betaald" in line.why.nl


@pytest.mark.parametrize("to", ["TV-PO-T9-99", "", "BR-1999-001"])
def test_a_reference_that_is_not_there_is_refused(run: Run, to: str) -> None:
    line_id = open_line(run, received(1, example_iban(77), "Opa", "voor school"))
    with pytest.raises(Refused, match="match_unknown"):
        propose(run.session, line_id, case(to), actor=run.second, now=NOW)


def test_what_does_not_fit_is_refused_at_once(run: Run, claim: Recovery) -> None:
    line_id = open_line(run, Entry((Line(-62_500, iban=example_iban(3)),), "OUT"))
    for to in (claim.ref, run.orders[0].end_to_end_id, run.batch.ref):
        with pytest.raises(Refused, match="does_not_fit"):
            propose(run.session, line_id, case(to), actor=run.second, now=NOW)


def test_what_no_longer_fits_when_the_second_person_agrees_is_refused(run: Run) -> None:
    order = run.orders[0]
    line_id = open_line(run, Entry((Line(-order.cents, iban=order.iban),), "A"))
    row = propose(run.session, line_id, case(order.end_to_end_id), actor=run.first, now=NOW)
    run.read(
        paid(order.end_to_end_id, order.cents, order.iban, order.name),
        number="2025-002",
        opening=OPENING - order.cents,
    )
    with pytest.raises(Refused, match="does_not_fit"):
        decide(run.session, row.id, accept=True, actor=run.second, now=NOW)


def test_money_that_came_in_and_concerns_no_school_takes_one_person(run: Run) -> None:
    line_id = open_line(run, received(5, example_iban(77), "Bank", "rente"))
    row = propose(run.session, line_id, Proposal(Category.INTEREST), actor=run.first, now=NOW)
    assert (row.accepted, row.two_people) == (True, False)
    assert run.session.get_one(BankLine, line_id).matched_as == "not_ours"
    run.proved()


@pytest.mark.parametrize("category", [Category.OTHER, Category.NOT_FOR_US])
def test_what_has_no_name_needs_an_explanation(run: Run, category: Category) -> None:
    line_id = open_line(run, received(5, example_iban(77), "Iemand", "?"))
    with pytest.raises(Refused, match="reason_missing"):
        propose(run.session, line_id, Proposal(category, explanation=" "), actor=run.first, now=NOW)
    by(run, line_id, Proposal(category, explanation="Wij storten dit terug op 17 maart."))
    assert run.session.get_one(BankLine, line_id).matched_as == "not_ours"


def test_money_that_left_takes_two_people_whatever_it_is(run: Run) -> None:
    line_id = open_line(run, Entry((Line(-250),), "COSTS"))
    row = propose(run.session, line_id, Proposal(Category.BANK_COSTS), actor=run.first, now=NOW)
    assert row.accepted is None
    row.accepted, row.decided_at, row.decided_by_id = True, NOW, run.first.id
    with pytest.raises(IntegrityError, match="two_people"):  # the database itself refuses one person
        run.session.flush()


def test_who_pays_for_one_fund_does_not_judge_the_account_of_all(run: Run) -> None:
    line_id = open_line(run, received(5, example_iban(77), "Bank", "rente"))
    one = run.cases.person("Een Fonds")
    limited = Actor(one.id, one.name, one.email, grants=frozenset({Grant(Role.FINANCE, "stimuleringsregeling-po")}))
    with pytest.raises(Refused) as refused:
        propose(run.session, line_id, Proposal(Category.INTEREST), actor=limited, now=NOW)
    assert refused.value.kind is Kind.FORBIDDEN
