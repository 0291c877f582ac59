"""Free money that goes to a later tranche: two people, two halves, both boards."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.ledger import Account, Movement
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Refused
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.tranche import CarryOver
from fundapp.services import carry_over, ceilings, ledger, tranche_money
from fundapp.services.transitions import perform
from tests.support.cases import NOW
from tests.support.rounds import Round


@pytest.fixture
def run(session: Session) -> Round:
    """A round with 30.000,00, of which 7.500,00 is awarded, and a later one of the same fund with 20.000,00."""
    run = Round(session)
    run.award(run.application(750_000), 750_000)
    later_round(run, "PO-T2", ceiling=2_000_000)
    return run


def later_round(run: Round, ref: str, *, ceiling: int, state: str = "announced") -> Tranche:
    row = run.cases.tranche(ref, ceiling=ceiling, state=state)
    row.opens_at, row.closes_at = (datetime(2025, month, 1, 8, 0, tzinfo=UTC) for month in (6, 9))
    run.session.flush()
    return row


def propose(run: Round, cents: int = 686_880, target: str = "PO-T2", *, by: Actor | None = None) -> CarryOver:
    return carry_over.propose(
        run.session, "PO-T1", target, cents=cents, reason="Er was minder vraag.", actor=by or run.finance, now=NOW
    )


def act(run: Round, row: CarryOver, action: str, actor: Actor, **given: str) -> None:
    perform(run.session, "carry_over", row.ref, action, actor=actor, now=NOW, given=given)


def test_two_people_carry_it_and_both_tranches_show_it(run: Round) -> None:
    session = run.session
    target = session.scalars(select(Tranche).where(Tranche.ref == "PO-T2")).one()
    row = propose(run)
    assert (row.ref, row.state) == ("OV-PO-T1-1", "proposed")
    assert run.money.free == 2_250_000  # nothing moved yet
    assert run.refused(act, run, row, "book", run.finance) == "proposer_carries"
    act(run, row, "book", run.second)
    assert (row.state, row.booked_by_id, row.booked_at) == ("booked", run.second.id, NOW)

    money, moved = tranche_money.standing(session, run.tranche.id)
    assert (money.ceiling, money.free, money.of("carried")) == (3_000_000, 1_563_120, 686_880)
    assert moved.sum(movement=Movement.CARRY_OVER, accounts={Account.AVAILABLE}) == -686_880
    into, moved = tranche_money.standing(session, target.id)
    assert (into.ceiling, into.free) == (2_686_880, 2_686_880)
    assert moved.sum(movement=Movement.CARRY_OVER, accounts={Account.AVAILABLE}) == 686_880
    change = ceilings.history(session, target.id)[-1]
    assert (str(change.kind), change.announced_before, change.announced) == ("carried", 2_000_000, 2_686_880)
    assert change.reason == "OV-PO-T1-1: Er was minder vraag."
    for tranche_id in (run.tranche.id, target.id):
        assert [(c.source, c.target, c.cents) for c in carry_over.standing(session, tranche_id).carried] == [
            ("PO-T1", "PO-T2", 686_880)
        ]
        assert ledger.verify(session, tranche_id) is None
    entries = session.scalars(select(LedgerEntry).where(LedgerEntry.movement == "carry_over")).all()
    assert len({entry.journal_id for entry in entries}) == 1
    assert sum(entry.cents for entry in entries) == 0
    run.proved()


def test_a_second_person_can_call_it_off(run: Round) -> None:
    row = propose(run)
    assert run.refused(propose, run, 100) == "carry_over_waits"
    assert run.refused(act, run, row, "call_off", run.coordinator, explanation=" ") == "explanation_missing"
    act(run, row, "call_off", run.coordinator, explanation="Eerst de wachtlijst.")
    assert (row.state, run.money.free) == ("refused", 2_250_000)
    assert propose(run).ref == "OV-PO-T1-2"


def test_what_undecided_applications_ask_stays(run: Round) -> None:
    run.application(700_000, state="under_review")
    assert carry_over.can_go(run.session, run.tranche.id) == 1_550_000
    assert run.refused(propose, run, 1_550_001) == "not_enough_free"
    row = propose(run, 1_550_000)
    run.application(1, state="submitted")
    assert run.refused(act, run, row, "book", run.second) == "not_enough_free"


@pytest.mark.parametrize(
    ("cents", "target", "code"),
    [(0, "PO-T2", "amount_missing"), (1, "PO-T1", "no_later_tranche"), (1, "PO-T9", "no_later_tranche")],
)
def test_what_cannot_be_proposed(run: Round, cents: int, target: str, code: str) -> None:
    assert run.refused(propose, run, cents, target) == code


def test_only_finance_and_the_coordinator_propose(run: Round) -> None:
    for actor in (run.decider, run.adviser):
        assert run.refused(propose, run, 1, by=actor) == "not_yours"
    assert propose(run, 1, by=run.coordinator).proposed_by_id == run.coordinator.id


def test_money_goes_to_a_later_tranche_that_lives_and_leaves_one_that_runs(run: Round) -> None:
    later_round(run, "PO-T3", ceiling=1, state="running")
    prepared = later_round(run, "PO-T4", ceiling=1)
    prepared.state = "prepared"
    run.session.flush()
    assert [t.ref for t in carry_over.targets(run.session, run.tranche)] == ["PO-T2", "PO-T3"]
    with pytest.raises(Refused) as refused:
        carry_over.propose(run.session, "PO-T2", "PO-T3", cents=1, reason="x", actor=run.finance, now=NOW)
    assert refused.value.code in ("tranche_not_running", "no_later_tranche")


# --- round the product ------------------------------------------------------------------------------------------------


def test_the_database_refuses_one_person_a_half_and_a_closed_tranche(run: Round) -> None:
    session = run.session
    row = propose(run)
    target = row.target_id
    with pytest.raises(IntegrityError, match="two_people_carry"), session.begin_nested():
        session.execute(text("UPDATE carry_over SET state = 'booked', booked_by_id = proposed_by_id"))
    half = text(
        "INSERT INTO ledger_entry (journal_id, posting, tranche_id, pot, account, movement, cents, at) "
        "SELECT max(j.id), 77, :t, '', a, 'carry_over', c, now() FROM journal j, "
        "(VALUES ('available', -100), ('carried', 100)) v(a, c) GROUP BY a, c"
    )
    with pytest.raises(IntegrityError, match="leaves one tranche and enters another"), session.begin_nested():
        session.execute(half, {"t": run.tranche.id})
    run.cases.shut(session.get_one(Tranche, target))
    with pytest.raises(IntegrityError, match="the tranche is closed"), session.begin_nested():
        session.execute(text("UPDATE carry_over SET cents = 1"))
    assert run.refused(act, run, row, "book", run.second) == "no_later_tranche"
    assert ledger.verify(session) is None
