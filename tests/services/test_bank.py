"""The bank: what a statement says is matched, booked and journaled once; what it does not say is left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.payment import BankLine, BankStatement, Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Recovery
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import journal as journal_service
from fundapp.services import ledger as ledger_service
from fundapp.services.bank import (
    ImportResult,
    import_statement,
    mark_not_ours,
    match_by_hand,
    open_lines,
)
from fundapp.services.bank_account import confirm_account, enter_account
from fundapp.services.bank_gaps import gaps
from fundapp.services.bank_match import named_in
from fundapp.services.decision import confirmed_account
from fundapp.services.payment import orders, prepare
from fundapp.services.programme import lead_applicant
from fundapp.services.transitions import perform
from tests.support.camt import (
    Entry,
    Line,
    batch,
    document,
    example_iban,
    paid,
    pending,
    received,
    returned,
    statement,
    stmt,
)
from tests.support.cases import NOW, Cases

OPENING = 10_000_000
OURS = lead_applicant().iban


@dataclass
class Run:
    """A payment batch that went to the bank, with its two people."""

    session: Session
    cases: Cases
    first: Actor
    second: Actor
    apps: list[Application]
    batch: PaymentBatch
    orders: list[PaymentOrder]

    def read(self, *entries: Entry, number: str = "2025-001", opening: int = OPENING) -> ImportResult:
        content = statement(OURS, number, opening=opening, entries=entries)
        return import_statement(self.session, content, actor=self.first, now=NOW)

    def paid(self, number: int) -> Entry:
        order = self.orders[number]
        return paid(order.end_to_end_id, order.cents, order.iban, order.name)

    def returned(self, number: int) -> Entry:
        order = self.orders[number]
        return returned(order.end_to_end_id, order.cents, order.iban, order.name)

    def balances(self, number: int) -> dict[str, int]:
        found = ledger_service.case_balances(self.session, self.apps[number].id)
        return {str(account): cents for account, cents in found.items() if cents}

    def proved(self) -> None:
        assert ledger_service.verify(self.session) is None
        assert journal_service.verify(self.session) is None


def send(session: Session, cases: Cases, apps: Sequence[Application], *, final: bool = False) -> Run:
    """Prepare, approve and send what is due to these applications."""
    names = f"{len(apps)} {final} {session.scalar(select(func.count()).select_from(PaymentBatch))}"
    first, second = (cases.person(f"{word} {names}", Role.FINANCE) for word in ("Fin", "Bo"))
    due = session.scalars(
        select(Instalment.id)
        .where(Instalment.state == "due", Instalment.application_id.in_([a.id for a in apps]))
        .order_by(Instalment.id)
    ).all()
    row = prepare(session, due, actor=first, now=NOW, execution_on=date(2025, 3, 17))
    for action in ("approve", "send"):
        given = {"list_hash": _hash(session, row)} if action == "approve" else {}
        perform(session, "payment_batch", row.ref, action, actor=second, now=NOW, given=given)
    return Run(session, cases, first, second, list(apps), row, orders(session, row))


def _hash(session: Session, row: PaymentBatch) -> str:
    from fundapp.services.payment import batch_hash

    return batch_hash(orders(session, row))


@pytest.fixture
def run(session: Session) -> Run:
    """Three schools of three boards; their advances (80 %) are with the bank."""
    cases = Cases(session)
    tranche = cases.tranche(sub_ceilings={"walcheren": 1_000_000})
    apps = []
    for number, (code, name, award) in enumerate(
        (("99AA00", "De Ozobot", 750_000), ("99AB00", "De Zeebries", 640_000), ("99AC00", "Het Kompas", 720_000)), 1
    ):
        app = cases.application(tranche, cases.school(code, name, board=f"9999{number}"))
        cases.awarded(app, award, advance=award * 8 // 10, number=number, holder=f"Stichting {name}")
        apps.append(app)
    return send(session, cases, apps)


def state(session: Session, row: Application | PaymentBatch | Instalment | PaymentOrder) -> str:
    session.refresh(row)
    return row.state


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
    run.read(*(run.paid(n) for n in range(3)), number="2025-000", opening=OPENING + 1_688_000)
    made = []
    for number, determined in ((1, 502_000), (2, 513_500)):
        app = run.apps[number]
        paid_before = run.balances(number)["paid"]
        postings = ledger.determine(determined, committed=run.balances(number)["committed"], paid=paid_before)
        run.cases.book(app, "determine", postings)
        app.state = "determined"
        made.append(
            Recovery(
                ref=f"TV-{app.ref}",
                application_id=app.id,
                cents=paid_before - determined,
                due_on=date(2025, 4, 25),
                created_at=NOW,
            )
        )
    run.session.add_all(made)
    run.session.flush()
    return made[1]


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


# --- by hand ----------------------------------------------------------------------------------------------------------


def open_line(run: Run, entry: Entry) -> int:
    run.read(entry)
    (line,) = open_lines(run.session)
    assert line.why.nl
    return line.line.id


def test_a_receipt_is_matched_by_hand(run: Run, claim: Recovery) -> None:
    line_id = open_line(run, received(62_500, example_iban(77), "Opa", "voor school"))
    result = match_by_hand(run.session, line_id, to=claim.ref, actor=run.second, now=NOW)
    assert result.refs == (run.apps[2].ref,)
    assert state(run.session, run.apps[2]) == "settled"
    row = run.session.scalars(select(Journal).where(Journal.action == "recovery_received")).one()
    assert (row.data["by_hand"], row.actor_id) == (True, run.second.id)
    assert open_lines(run.session) == []
    with pytest.raises(Refused) as refused:
        match_by_hand(run.session, line_id, to="TV-PO-T1-02", actor=run.second, now=NOW)
    assert refused.value.kind is Kind.STALE
    run.proved()


def test_a_payment_and_a_batch_are_matched_by_hand(run: Run) -> None:
    order = run.orders[0]
    line_id = open_line(run, Entry((Line(-order.cents, iban=order.iban),), "A"))
    assert (
        match_by_hand(run.session, line_id, to=order.end_to_end_id, actor=run.second, now=NOW).matched_as == "payment"
    )
    rest = sum(o.cents for o in run.orders[1:])
    line_id = open_line_in(run, Entry((Line(-rest),), "B", details=False))
    assert len(match_by_hand(run.session, line_id, to=run.batch.ref, actor=run.second, now=NOW).refs) == 2
    assert state(run.session, run.batch) == "booked"
    run.proved()


def open_line_in(run: Run, entry: Entry) -> int:
    run.read(entry, number="2025-002", opening=OPENING - 600_000)
    return open_lines(run.session)[0].line.id


@pytest.mark.parametrize("to", ["TV-PO-T9-99", "", "BR-1999-001"])
def test_a_reference_that_is_not_there_is_refused(run: Run, to: str) -> None:
    line_id = open_line(run, received(1, example_iban(77), "Opa", "voor school"))
    with pytest.raises(Refused, match="match_unknown"):
        match_by_hand(run.session, line_id, to=to, actor=run.second, now=NOW)


def test_what_does_not_fit_is_refused_by_hand_too(run: Run, claim: Recovery) -> None:
    line_id = open_line(run, Entry((Line(-62_500, iban=example_iban(3)),), "OUT"))
    for to in (claim.ref, run.orders[0].end_to_end_id, run.batch.ref):
        with pytest.raises(Refused, match="does_not_fit"):
            match_by_hand(run.session, line_id, to=to, actor=run.second, now=NOW)


def test_a_line_that_is_not_ours_needs_a_reason(run: Run) -> None:
    line_id = open_line(run, received(5, example_iban(77), "Bank", "rente"))
    with pytest.raises(Refused, match="reason_missing"):
        mark_not_ours(run.session, line_id, reason=" ", actor=run.first, now=NOW)
    mark_not_ours(run.session, line_id, reason="Rente van de bank", actor=run.first, now=NOW)
    assert run.session.get_one(BankLine, line_id).matched_as == "not_ours"
    row = run.session.scalars(select(Journal).where(Journal.kind == "bank_line")).one()
    assert row.data["reason"] == "Rente van de bank"
    run.proved()


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_takes_two_people(run: Run) -> None:
    session = run.session
    row = enter_account(session, "99991", "nl91 abna 0417 1643 00", " Stichting  De Ozobot ", actor=run.first, now=NOW)
    assert (row.iban, row.holder) == ("NL91ABNA0417164300", "Stichting De Ozobot")
    before = confirmed_account(session, "99991")
    assert before is not None
    assert before.id != row.id
    with pytest.raises(Refused, match="entered_by_you"):
        confirm_account(session, row.id, actor=run.first, now=NOW)
    confirm_account(session, row.id, actor=run.second, now=NOW)
    assert confirmed_account(session, "99991") is row
    with pytest.raises(Refused, match="account_confirmed"):
        confirm_account(session, row.id, actor=run.second, now=NOW)
    notes = session.scalars(select(Journal.action).where(Journal.kind == "bank_account").order_by(Journal.id)).all()
    assert notes == ["enter", "confirm"]


def test_the_database_itself_refuses_one_person(run: Run) -> None:
    row = enter_account(run.session, "99991", example_iban(5), "Stichting", actor=run.first, now=NOW)
    row.confirmed_by_id = run.first.id
    with pytest.raises(IntegrityError, match="two_people"):
        run.session.flush()


@pytest.mark.parametrize(
    ("iban", "holder", "code"),
    [
        ("NL91ABNA0417164301", "Stichting", "not_an_iban"),
        (example_iban(5), " ", "holder_length"),
        (example_iban(5), "x" * 71, "holder_length"),
    ],
)
def test_a_wrong_account_is_refused_on_its_field(run: Run, iban: str, holder: str, code: str) -> None:
    with pytest.raises(Refused, match=code) as refused:
        enter_account(run.session, "99991", iban, holder, actor=run.first, now=NOW)
    assert refused.value.refusals[0].field in ("iban", "holder")


def test_accounts_are_for_finance_and_for_boards_that_exist(run: Run) -> None:
    with pytest.raises(Refused, match="not_yours"):
        enter_account(
            run.session, "99991", example_iban(5), "S", actor=run.cases.person("Co", Role.COORDINATOR), now=NOW
        )
    with pytest.raises(Refused, match="not_found"):
        enter_account(run.session, "00000", example_iban(5), "S", actor=run.first, now=NOW)


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
