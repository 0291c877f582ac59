"""The bank: what a statement says is matched, booked and journaled once; what it does not say is left to a person."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.db import make_engine
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.payment import BankLine, BankStatement, Instalment
from fundapp.persistence.settlement import Recovery
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import ledger as ledger_service
from fundapp.services.bank import import_statement
from fundapp.services.bank_gaps import gaps
from fundapp.services.bank_match import named_in
from tests.support.camt import (
    Entry,
    Line,
    batch,
    document,
    example_iban,
    paid,
    pending,
    received,
    statement,
    stmt,
)
from tests.support.cases import NOW, Cases
from tests.support.paying import OPENING, OURS, Run, claims, send, state, three_schools

COUNTED = (Journal, LedgerEntry, BankLine, BankStatement)


@pytest.fixture
def run(session: Session) -> Run:
    """Three schools of three boards; their advances (80 %) are with the bank."""
    return three_schools(session)


# --- payments ---------------------------------------------------------------------------------------------------------


def test_a_payment_that_the_bank_booked_is_paid(run: Run) -> None:
    result = run.read(run.paid(0))
    assert [(r.matched_as, r.refs, r.cents) for r in result.lines] == [("payment", (run.apps[0].ref,), -600_000)]
    assert run.balances(0) == {"committed": 150_000, "paid": 600_000}
    assert run.balances(1) == {"committed": 128_000, "in_transit": 512_000}
    assert state(run.session, run.orders[0]) == "paid"
    assert state(run.session, run.session.get_one(Instalment, run.orders[0].instalment_id)) == "paid"
    assert state(run.session, run.batch) == "sent"
    run.proved()


def test_what_the_bank_did_is_in_the_journal_of_the_case(run: Run) -> None:
    run.read(run.paid(0))
    row = run.session.scalars(select(Journal).where(Journal.action == "payment_confirmed")).one()
    app = run.apps[0]
    assert (row.stream, row.kind, row.subject_id, row.actor_id) == (app.tranche_id, "application", app.id, run.first.id)
    assert (row.from_state, row.to_state, row.on_version) == (app.state, app.state, app.version)
    assert row.data["end_to_end_id"] == run.orders[0].end_to_end_id
    assert row.data["ledger"] == [[app.tranche_id, app.id, "", "payment", "in_transit", "paid", 600_000]]


def test_the_last_answer_closes_the_batch(run: Run) -> None:
    run.read(run.paid(0), run.paid(1))
    assert state(run.session, run.batch) == "sent"
    run.read(run.paid(2), number="2025-002", opening=OPENING - 1_112_000)
    assert state(run.session, run.batch) == "booked"
    run.proved()


def test_a_batch_that_nobody_marked_as_sent_is_booked_all_the_same(session: Session) -> None:
    cases = Cases(session)
    app = cases.application(cases.tranche(), cases.school())
    cases.awarded(app, 750_000, advance=600_000)
    run = send(session, cases, [app])
    run.batch.state = "approved"
    session.flush()
    run.read(run.paid(0))
    assert state(session, run.batch) == "booked"


def test_a_batch_booked_as_one_sum_confirms_all(run: Run) -> None:
    result = run.read(batch(run.batch.ref, [run.paid(n) for n in range(3)], details=False))
    assert [(r.matched_as, len(r.refs)) for r in result.lines] == [("payment", 3)]
    assert state(run.session, run.batch) == "booked"
    assert [run.balances(n)["paid"] for n in range(3)] == [600_000, 512_000, 576_000]
    run.proved()


def test_a_batch_booked_as_one_sum_with_its_payments_confirms_each(run: Run) -> None:
    result = run.read(batch(run.batch.ref, [run.paid(n) for n in range(3)]))
    assert [r.matched_as for r in result.lines] == ["payment"] * 3
    assert state(run.session, run.batch) == "booked"


@pytest.mark.parametrize("details", [True, False])
def test_another_amount_is_never_booked(run: Run, details: bool) -> None:
    order = run.orders[0]
    if details:
        entry = paid(order.end_to_end_id, order.cents + 1, order.iban, order.name)
    else:
        entry = batch(run.batch.ref, [run.paid(0), run.paid(1)], details=False)
    (line,) = run.read(entry).lines
    assert line.matched_as is None
    assert line.why is not None
    assert "€" in line.why.nl
    assert run.balances(0)["in_transit"] == 600_000


def test_a_payment_booked_twice_is_left_to_a_person(run: Run) -> None:
    again = replace(run.paid(0), reference="TWICE")
    first, second = run.read(run.paid(0), again).lines
    assert (first.matched_as, second.matched_as) == ("payment", None)
    assert second.why is not None
    assert "dubbel betaald" in second.why.nl
    assert run.balances(0)["paid"] == 600_000


def test_what_the_bank_has_not_booked_yet_does_not_count(run: Run) -> None:
    assert run.read(pending(run.paid(0))).lines == ()
    assert run.balances(0)["in_transit"] == 600_000


def test_money_of_a_sub_ceiling_moves_in_its_pot_too(session: Session) -> None:
    cases = Cases(session)
    tranche = cases.tranche(sub_ceilings={"oosterschelde": 1_000_000})
    app = cases.application(tranche, cases.school())
    cases.awarded(app, 500_000, advance=400_000)
    run = send(session, cases, [app])
    run.read(run.paid(0))
    found = ledger_service.tranche_balances(session, tranche.id, "oosterschelde")
    assert (found[Account.AVAILABLE], found[Account.COMMITTED], found[Account.PAID]) == (500_000, 100_000, 400_000)
    run.read(run.returned(0), number="2025-002", opening=OPENING - 400_000)
    found = ledger_service.tranche_balances(session, tranche.id, "oosterschelde")
    assert (found[Account.AVAILABLE], found[Account.COMMITTED], found[Account.PAID]) == (500_000, 500_000, 0)
    run.proved()


# --- returns ----------------------------------------------------------------------------------------------------------


def test_a_payment_that_never_arrived_is_due_again(run: Run) -> None:
    (line,) = run.read(run.returned(0), opening=OPENING).lines
    assert (line.matched_as, line.refs) == ("bounce", (run.apps[0].ref,))
    assert run.balances(0) == {"committed": 750_000}
    assert state(run.session, run.orders[0]) == "returned"
    assert state(run.session, run.session.get_one(Instalment, run.orders[0].instalment_id)) == "due"
    run.proved()


def test_a_payment_that_came_back_after_it_was_booked_is_due_again_and_can_be_paid_again(run: Run) -> None:
    run.read(run.paid(0), run.returned(0))
    assert run.balances(0) == {"committed": 750_000}
    again = send(run.session, run.cases, run.apps[:1])
    again.read(again.paid(0), number="2025-002")
    assert run.balances(0) == {"committed": 150_000, "paid": 600_000}
    run.proved()


def test_a_payment_that_comes_back_twice_is_left_to_a_person(run: Run) -> None:
    lines = run.read(run.paid(0), run.returned(0), replace(run.returned(0), reference="AGAIN")).lines
    assert [line.matched_as for line in lines] == ["payment", "bounce", None]


def test_a_batch_that_comes_back_whole(run: Run) -> None:
    run.read(batch(run.batch.ref, [run.paid(n) for n in range(3)], details=False))
    total = sum(order.cents for order in run.orders)
    back = Entry((Line(total),), "BACK", reversal=True, batch_id=run.batch.ref, details=False)
    (line,) = run.read(back, number="2025-002").lines
    assert (line.matched_as, len(line.refs)) == ("bounce", 3)
    assert run.balances(2) == {"committed": 720_000}
    run.proved()


def test_an_advance_that_comes_back_after_the_final_amount_is_paid_again_out_of_it(run: Run) -> None:
    run.read(run.paid(0))
    app = run.apps[0]
    run.cases.book(app, "determine", ledger.determine(600_000, committed=150_000, paid=600_000))
    app.state = "determined"
    run.session.flush()
    run.read(run.returned(0), number="2025-002", opening=OPENING - 600_000)
    assert run.balances(0) == {"payable": 600_000}
    assert state(run.session, app) == "determined"
    again = send(run.session, run.cases, [app])
    again.read(again.paid(0), number="2025-003", opening=OPENING)
    assert run.balances(0) == {"determined": 600_000}
    assert state(run.session, app) == "settled"
    run.proved()


def test_an_advance_that_comes_back_after_it_was_asked_back_is_received(run: Run) -> None:
    run.read(run.paid(0))
    run.cases.book(run.apps[0], "revoke", ledger.determine(0, committed=150_000, paid=600_000))
    run.read(run.returned(0), number="2025-002", opening=OPENING - 600_000)
    assert run.balances(0) == {}
    assert state(run.session, run.session.get_one(Instalment, run.orders[0].instalment_id)) == "dropped"
    run.proved()


def test_a_return_that_is_spread_over_several_accounts_is_left_to_a_person(run: Run) -> None:
    run.read(run.paid(0))
    run.cases.book(run.apps[0], "determine", ledger.determine(300_000, committed=150_000, paid=600_000))
    (line,) = run.read(run.returned(0), number="2025-002", opening=OPENING - 600_000).lines
    assert line.matched_as is None
    run.proved()


def test_nothing_is_booked_in_a_closed_tranche_and_the_rest_of_the_statement_is(run: Run) -> None:
    run.read(run.paid(0))
    other = run.cases.application(run.cases.tranche("PO-T2"), run.cases.school("99AE00", "Andere", board="99995"))
    run.cases.awarded(other, 100_000, advance=80_000, number=9)
    second = send(run.session, run.cases, [other])
    run.cases.shut(run.session.get_one(Tranche, run.apps[0].tranche_id))
    lines = second.read(run.returned(0), second.paid(0), number="2025-002", opening=OPENING - 600_000).lines
    assert [line.matched_as for line in lines] == [None, "payment"]
    assert lines[0].why is not None
    assert "gesloten" in lines[0].why.nl


# --- recoveries -------------------------------------------------------------------------------------------------------


@pytest.fixture
def claim(run: Run) -> Recovery:
    """€ 625 is asked back from the third school, € 100 from the second."""
    return claims(run)[1]


@pytest.mark.parametrize(
    "written",
    ["{ref}", "terugbetaling {ref}.", "{lower}", "TV PO T1 03", "kenmerk TVPOT103 subsidie", "{ref} / De Zeebries"],
)
def test_a_recovery_is_known_by_its_reference(run: Run, claim: Recovery, written: str) -> None:
    text = written.format(ref=claim.ref, lower=claim.ref.lower())
    (line,) = run.read(received(62_500, example_iban(77), "Iemand", text)).lines
    assert (line.matched_as, line.refs) == ("recovery", (run.apps[2].ref,))
    assert run.balances(2) == {"determined": 513_500}
    assert state(run.session, run.apps[2]) == "settled"
    run.proved()


def test_a_recovery_is_known_by_account_and_amount(run: Run, claim: Recovery) -> None:
    (line,) = run.read(received(62_500, example_iban(3), "Stichting", "terug")).lines
    assert line.refs == (run.apps[2].ref,)


def test_a_part_of_a_recovery_leaves_the_rest_open(run: Run, claim: Recovery) -> None:
    run.read(received(20_000, example_iban(3), "Stichting", claim.ref))
    assert run.balances(2) == {"determined": 513_500, "receivable": 42_500}
    assert state(run.session, run.apps[2]) == "determined"
    run.read(received(42_500, example_iban(3), "Stichting", "rest"), number="2025-002", opening=OPENING + 20_000)
    assert state(run.session, run.apps[2]) == "settled"
    run.proved()


def test_what_is_paid_back_too_much_is_left_to_a_person(run: Run, claim: Recovery) -> None:
    lines = run.read(received(70_000, example_iban(3), "Stichting", claim.ref)).lines
    assert [(line.matched_as, line.cents) for line in lines] == [("recovery", 62_500), (None, 7_500)]
    stored = run.session.scalars(
        select(BankLine).where(BankLine.cents.in_([62_500, 7_500])).order_by(BankLine.id)
    ).all()
    assert [line.matched_as for line in stored] == ["recovery", None]
    assert stored[1].key == f"{stored[0].key}/over"
    run.proved()


@pytest.mark.parametrize(
    "entry",
    [
        received(62_500, example_iban(2), "Andere school", "terug"),
        received(62_500, example_iban(77), "Iemand", "terug"),
        received(62_501, example_iban(3), "Stichting", "terug"),
        received(62_500, example_iban(3), "Stichting", "TV-PO-T1-02 en TV-PO-T1-03"),
        Entry((Line(62_500, iban=example_iban(3), reason="AC04"),), "BACK"),
        Entry((Line(-62_500, iban=example_iban(3), remittance="TV-PO-T1-03"),), "OUT"),
    ],
)
def test_in_doubt_nothing_is_booked(run: Run, claim: Recovery, entry: Entry) -> None:
    (line,) = run.read(entry).lines
    assert line.matched_as is None
    assert line.why is not None
    assert run.balances(2)["receivable"] == 62_500


def test_the_longer_reference_wins() -> None:
    assert named_in("TV-PO-T1-10", ["TV-PO-T1-1", "TV-PO-T1-10"]) == {"TV-PO-T1-10"}
    assert named_in("tvpot110", ["TV-PO-T1-1", "TV-PO-T1-10"]) == {"TV-PO-T1-10"}
    assert named_in("TV-PO-T1-12", ["TV-PO-T1-1"]) == set()


# --- the same again, and what is not whole ----------------------------------------------------------------------------


def test_the_same_statement_again_changes_nothing(run: Run) -> None:
    run.read(run.paid(0))
    counted = [run.session.scalar(select(func.count()).select_from(t)) for t in (Journal, LedgerEntry, BankLine)]
    result = run.read(run.paid(0))
    assert [s.already_read for s in result.statements] == [True]
    assert result.lines == ()
    assert counted == [
        run.session.scalar(select(func.count()).select_from(t)) for t in (Journal, LedgerEntry, BankLine)
    ]


def test_a_file_with_an_old_and_a_new_statement_reads_the_new_one(run: Run) -> None:
    run.read(run.paid(0))
    content = document(
        [
            stmt(OURS, "2025-001", OPENING, [run.paid(0)]),
            stmt(OURS, "2025-002", OPENING - 600_000, [run.paid(1)]),
            stmt(OURS, "2025-002", OPENING - 600_000, [run.paid(1)]),
        ],
        "08",
    )
    result = import_statement(run.session, content, actor=run.first, now=NOW)
    assert [s.already_read for s in result.statements] == [True, False, True]
    assert run.balances(1)["paid"] == 512_000


@pytest.mark.parametrize("opening", [OPENING + 1, OPENING - 600_000])
def test_a_statement_that_now_says_something_else_is_refused(run: Run, opening: int) -> None:
    run.read(run.paid(0))
    with pytest.raises(Refused, match="statement_differs"):
        run.read(run.paid(0), opening=opening)


def test_a_statement_that_does_not_close_is_refused_whole(run: Run) -> None:
    content = statement(OURS, "2025-001", opening=OPENING, entries=[run.paid(0)], closing=OPENING)
    with pytest.raises(Refused, match="statement_balance"):
        import_statement(run.session, content, actor=run.first, now=NOW)
    whole = statement(OURS, "2025-001", opening=OPENING, entries=[run.paid(0), run.paid(1)])
    with pytest.raises(Refused, match="statement_unreadable"):
        import_statement(run.session, whole[:-200], actor=run.first, now=NOW)
    assert run.session.scalar(select(func.count()).select_from(BankStatement)) == 0
    assert run.balances(0)["in_transit"] == 600_000


@pytest.mark.parametrize("version", ["02", "08"])
def test_wherever_a_statement_is_cut_off_nothing_of_it_is_read(run: Run, version: str) -> None:
    """Half a download, or a line that is missing: either is refused as a whole; then all of it is read, once."""
    entries = [run.paid(2), run.paid(0), run.paid(1)]
    whole = statement(OURS, "2025-001", opening=OPENING, entries=entries, version=version)
    ends = [match.end() for match in re.finditer(rb"</Ntry>", whole)]
    cuts = [whole[:at] for at in (*ends, len(whole) // 2, len(whole) - 1)]
    lost = [whole[:begin] + whole[end:] for begin, end in pairwise(ends)]
    before = [run.session.scalar(select(func.count()).select_from(t)) for t in COUNTED]
    for content in (*cuts, *lost):
        with pytest.raises(Refused) as refused:
            import_statement(run.session, content, actor=run.first, now=NOW)
        assert refused.value.kind is Kind.INVALID
        assert [run.session.scalar(select(func.count()).select_from(t)) for t in COUNTED] == before
    assert [line.matched_as for line in import_statement(run.session, whole, actor=run.first, now=NOW).lines] == [
        "payment"
    ] * 3
    assert [run.balances(n)["paid"] for n in range(3)] == [600_000, 512_000, 576_000]
    run.proved()


def test_a_statement_of_another_account_is_refused(run: Run) -> None:
    content = statement(example_iban(4), "2025-001", opening=0, entries=[])
    with pytest.raises(Refused, match="statement_other_account"):
        import_statement(run.session, content, actor=run.first, now=NOW)


def test_only_finance_reads_statements(run: Run) -> None:
    with pytest.raises(Refused) as refused:
        import_statement(run.session, b"", actor=run.cases.person("Co", Role.COORDINATOR), now=NOW)
    assert refused.value.kind is Kind.FORBIDDEN


# --- gaps -------------------------------------------------------------------------------------------------------------


def test_a_missing_statement_is_told_until_it_is_read(run: Run) -> None:
    assert run.read(run.paid(0)).gaps == ()
    (gap,) = run.read(run.paid(2), number="2025-003", opening=OPENING - 1_112_000).gaps
    assert gap.statement_id == "2025-003"
    assert "€\u00a088.880,00" in gap.sentence.nl
    assert run.read(run.paid(1), number="2025-002", opening=OPENING - 600_000).gaps == ()
    assert run.read(number="2025-004", opening=OPENING - 1_688_000).gaps == ()
    assert run.read(number="2025-005", opening=OPENING - 1_688_000).gaps == ()
    assert len(run.read(number="2025-006", opening=5).gaps) == 1
    assert len(gaps(run.session)) == 1


def test_nothing_is_available_twice(run: Run) -> None:
    """Through payments, returns and receipts the tranche still adds up to nothing."""
    run.read(run.paid(0), run.returned(0), run.paid(1))
    found = ledger_service.tranche_balances(run.session, run.apps[0].tranche_id)
    assert sum(found.values()) == 0
    assert found[Account.AVAILABLE] == 3_000_000 - 2_110_000


def test_two_people_with_the_same_file_read_it_once(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    with Session(engine) as session:
        cases = Cases(session)
        app = cases.application(cases.tranche(), cases.school())
        cases.awarded(app, 750_000, advance=600_000)
        run = send(session, cases, [app])
        session.commit()
        content = statement(OURS, "2025-001", opening=OPENING, entries=[run.paid(0)])
        app_id = app.id

    def read(actor: Actor) -> int:
        with Session(engine) as session, unit_of_work(session):
            return len(import_statement(session, content, actor=actor, now=NOW).lines)

    with ThreadPoolExecutor(4) as pool:
        counts = sorted(pool.map(read, [run.first, run.second] * 4))
    assert counts == [0] * 7 + [1]
    with Session(engine) as session:
        assert ledger_service.case_balances(session, app_id)[Account.PAID] == 600_000
        assert ledger_service.verify(session) is None
    engine.dispose()
