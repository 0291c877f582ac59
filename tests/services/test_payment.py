"""Payment batches: what is due, within one's funds; a list that two people make; nothing in it changes unseen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from openpurse import OpenPurseParser
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.people import Actor, Grant, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import BankAccount, Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.people import RoleGrant
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import journal as journal_service
from fundapp.services import ledger as ledger_service
from fundapp.services.payment import batch_hash, orders
from fundapp.services.payment_due import PAGE, due_payments, held_cases
from fundapp.services.payment_prepare import prepare
from fundapp.services.transitions import look, perform
from tests.support.cases import NOW, Cases
from tests.support.paying import OPENING, Run, send, state, three_schools

TODAY = date(2025, 3, 14)
MONDAY = date(2025, 3, 17)


class Desk:
    """Two people of finance, and schools of which advances are due."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.cases = Cases(session)
        self.first, self.second = (self.cases.person(name, Role.FINANCE) for name in ("Fien Een", "Fien Twee"))
        self.tranche = self.cases.tranche()
        self._number = 0

    def school(self, cents: int = 100_000, holder: str = "Stichting Demo") -> Instalment:
        self._number += 1
        n = self._number
        school = self.cases.school(f"99A{chr(65 + n)}00", f"School {n}", board=f"9999{n}")
        app = self.cases.application(self.tranche, school)
        return self.cases.awarded(app, cents * 10 // 8, advance=cents, number=n, holder=f"{holder} {n}")

    def prepare(self, *found: Instalment, day: date = MONDAY, actor: Actor | None = None) -> PaymentBatch:
        ids = [one.id for one in found] or None
        return prepare(self.session, ids, actor=actor or self.first, now=NOW, execution_on=day)

    def do(self, batch: PaymentBatch, action: str, actor: Actor | None = None, **given: object) -> None:
        if action == "approve":
            given = {"list_hash": batch_hash(batch, orders(self.session, batch))} | given
        perform(self.session, "payment_batch", batch.ref, action, actor=actor or self.second, now=NOW, given=given)

    def app(self, one: Instalment) -> Application:
        return self.session.get_one(Application, one.application_id)

    def proved(self) -> None:
        assert ledger_service.verify(self.session) is None
        assert journal_service.verify(self.session) is None


@pytest.fixture
def desk(session: Session) -> Desk:
    return Desk(session)


def limited(actor: Actor, fund: str) -> Actor:
    return Actor(actor.id, actor.name, actor.email, grants=frozenset({Grant(Role.FINANCE, fund)}))


# --- what is due ------------------------------------------------------------------------------------------------------


def test_all_that_is_due_is_paid_however_much_it_is(desk: Desk) -> None:
    """More than ten thousand payments: none is left out, and the list is approved and written as any other."""
    one = desk.school(100_000)
    app, many = desk.app(one), 10_050
    desk.session.execute(
        text("""
          INSERT INTO instalment (application_id, number, purpose, condition, cents, payable_on, due_on, state)
          SELECT :app, 1000 + n, 'advance', 'award', 1, :day, :day, 'due' FROM generate_series(1, :many) n
        """),
        {"app": app.id, "many": many - 1, "day": TODAY},
    )
    one.cents = 1
    desk.session.flush()
    first_page = due_payments(desk.session, None, today=TODAY, until=MONDAY)
    assert len(first_page) == PAGE + 1
    last = first_page[PAGE - 1]
    second = due_payments(desk.session, None, today=TODAY, until=MONDAY, after=(last.due_on, last.instalment_id))
    assert second[0] == first_page[PAGE]
    batch = desk.prepare()
    assert batch.total_cents == many
    desk.do(batch, "approve")
    desk.session.refresh(batch)
    assert batch.file_content is not None
    assert batch.file_content.count(b"<CdtTrfTxInf>") == many
    desk.proved()


def test_what_is_not_payable_yet_is_not_on_the_list_and_cannot_be_prepared(desk: Desk) -> None:
    soon, later = desk.school(), desk.school()
    later.payable_on = later.due_on = date(2025, 9, 1)
    desk.session.flush()
    assert [p.instalment_id for p in due_payments(desk.session, None, today=TODAY, until=MONDAY)] == [soon.id]
    with pytest.raises(Refused, match="not_payable_yet"):
        desk.prepare(soon, later)
    assert desk.prepare(later, day=date(2025, 9, 1)).total_cents == 100_000


def test_a_held_case_is_not_on_the_list_and_cannot_be_prepared(desk: Desk) -> None:
    one, other = desk.school(), desk.school()
    hold(desk, one, until=TODAY + timedelta(days=10))
    assert [p.instalment_id for p in due_payments(desk.session, None, today=TODAY, until=MONDAY)] == [other.id]
    (held,) = held_cases(desk.session, None, today=TODAY)
    assert (held.application_ref, held.cents, held.reason) == (desk.app(one).ref, 100_000, "Vermoeden van fraude.")
    with pytest.raises(Refused, match="held"):
        desk.prepare(one, other)
    assert desk.prepare().total_cents == 100_000, "of all that is due, what is held stays behind"


def hold(desk: Desk, one: Instalment, *, until: date) -> None:
    perform(
        desk.session,
        "application",
        desk.app(one).ref,
        "hold_payments",
        actor=desk.first,
        now=NOW,
        given={"ends_on": until, "explanation": "Vermoeden van fraude."},
    )


def test_what_the_bank_would_refuse_is_told_first(desk: Desk) -> None:
    good, bad = desk.school(), desk.school()
    account = desk.session.scalars(select(BankAccount).order_by(BankAccount.id.desc())).first()
    assert account is not None
    account.sepa_name = "Stichting Zoë"
    desk.session.flush()
    listed = {p.instalment_id: p.problems for p in due_payments(desk.session, None, today=TODAY, until=MONDAY)}
    assert not listed[good.id]
    assert "“Stichting Zoe”" in listed[bad.id][0].sentence.nl
    with pytest.raises(Refused, match="payment_name_signs"):
        desk.prepare(good, bad)
    assert desk.prepare().total_cents == 100_000


@pytest.mark.parametrize("day", [date(2025, 3, 16), date(2025, 4, 18), date(2025, 12, 25)])
def test_banks_do_not_pay_on_any_day(desk: Desk, day: date) -> None:
    one = desk.school()
    with pytest.raises(Refused, match="no_bank_day"):
        desk.prepare(one, day=day)


def test_what_was_ordered_is_not_ordered_again(desk: Desk) -> None:
    one = desk.school()
    desk.prepare(one)
    with pytest.raises(Refused) as refused:
        desk.prepare(one)
    assert refused.value.kind is Kind.STALE
    with pytest.raises(Refused, match="nothing_chosen"):
        desk.prepare()


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_who_pays_for_another_fund_sees_and_pays_nothing_of_this_one(desk: Desk) -> None:
    one = desk.school()
    other = limited(desk.first, "innovatiefonds")
    funds = other.funds(Role.FINANCE)
    assert due_payments(desk.session, funds, today=TODAY, until=MONDAY) == []
    with pytest.raises(Refused) as refused:
        desk.prepare(one, actor=other)
    assert refused.value.kind is Kind.STALE
    batch = desk.prepare(one)
    with pytest.raises(Refused, match="not_found"):
        look(desk.session, "payment_batch", batch.ref, actor=limited(desk.second, "innovatiefonds"), now=NOW)
    row, _, offers = look(
        desk.session, "payment_batch", batch.ref, actor=limited(desk.second, "stimuleringsregeling-po"), now=NOW
    )
    assert row.fund_keys == ["stimuleringsregeling-po"]
    assert [offer.transition.name for offer in offers if offer.open] == ["approve", "cancel"]


def test_the_second_person_is_told_and_not_who_prepared_it(desk: Desk) -> None:
    stranger = desk.cases.person("Ander Fonds")
    desk.session.add(RoleGrant(person_id=stranger.id, role="finance", fund_key=None, granted_at=NOW, ended_at=NOW))
    batch = desk.prepare(desk.school(), desk.school())
    (mail,) = desk.session.scalars(select(OutboxMessage).where(OutboxMessage.template == "batch_ready")).all()
    assert mail.person_id == desk.second.id
    assert (mail.context["payments"], mail.context["amount"]) == (2, 200_000)
    assert mail.context["url_path"] == f"/betaalruns/{batch.ref}"


# --- exactly this list ------------------------------------------------------------------------------------------------


def change_name(desk: Desk, batch: PaymentBatch) -> None:
    desk.session.execute(text("ALTER TABLE payment_order DISABLE TRIGGER payment_order_kept"))
    desk.session.execute(
        update(PaymentOrder).where(PaymentOrder.batch_id == batch.id).values(iban="NL91ABNA0417164300")
    )


def add_one(desk: Desk, batch: PaymentBatch) -> None:
    other = desk.prepare(desk.school())
    desk.session.execute(text("ALTER TABLE payment_order DISABLE TRIGGER payment_order_kept"))
    desk.session.execute(update(PaymentOrder).where(PaymentOrder.batch_id == other.id).values(batch_id=batch.id))


def another_day(desk: Desk, batch: PaymentBatch) -> None:
    desk.session.execute(text("ALTER TABLE payment_batch DISABLE TRIGGER payment_batch_kept"))
    batch.execution_on = date(2025, 3, 18)
    desk.session.flush()


@pytest.mark.parametrize("change", [change_name, add_one, another_day])
def test_any_change_voids_the_approval(desk: Desk, change: Callable[[Desk, PaymentBatch], None]) -> None:
    batch = desk.prepare(desk.school())
    seen = batch_hash(batch, orders(desk.session, batch))
    change(desk, batch)
    desk.session.expire_all()
    with pytest.raises(Refused) as refused:
        desk.do(batch, "approve", list_hash=seen)
    assert "list_changed" in {refusal.code for refusal in refused.value.refusals}


@pytest.mark.parametrize("change", [change_name, add_one, another_day])
def test_a_list_that_was_changed_after_its_approval_does_not_go_to_the_bank(
    desk: Desk, change: Callable[[Desk, PaymentBatch], None]
) -> None:
    batch = desk.prepare(desk.school())
    desk.do(batch, "approve")
    change(desk, batch)
    desk.session.expire_all()
    with pytest.raises(Refused) as refused:
        desk.do(batch, "send")
    assert {r.code for r in refused.value.refusals} >= {"approval_lapsed"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment_order SET iban = 'NL91ABNA0417164300'",
        "UPDATE payment_order SET cents = cents + 1",
        "UPDATE payment_order SET name = 'Iemand anders'",
        "DELETE FROM payment_order",
        "UPDATE payment_batch SET execution_on = execution_on + 1",
        "UPDATE payment_batch SET approved_hash = 'x'",
        "UPDATE payment_batch SET file_content = 'x'",
    ],
)
def test_the_database_itself_keeps_an_approved_list(desk: Desk, statement: str) -> None:
    desk.do(desk.prepare(desk.school()), "approve")
    with pytest.raises(DBAPIError, match="is kept"):
        desk.session.execute(text(statement))


def test_who_prepared_it_does_not_approve_it(desk: Desk) -> None:
    batch = desk.prepare(desk.school())
    with pytest.raises(Refused, match="preparer_approves"):
        desk.do(batch, "approve", desk.first)


def test_taking_one_out_gives_another_list_and_the_approval_lapses(desk: Desk) -> None:
    one, other = desk.school(100_000), desk.school(50_000)
    batch = desk.prepare(one, other)
    desk.do(batch, "approve")
    out = orders(desk.session, batch)[0]
    desk.do(batch, "take_out", order_id=out.id, explanation="Wij bellen het bestuur eerst.")
    desk.session.refresh(batch)
    assert (batch.state, batch.total_cents, batch.approved_hash, batch.file_content) == ("prepared", 50_000, None, None)
    assert state(desk.session, one) == "due"
    assert ledger_service.case_balances(desk.session, one.application_id)[ledger.Account.COMMITTED] == 125_000
    with pytest.raises(Refused, match="last_payment"):
        desk.do(batch, "take_out", order_id=orders(desk.session, batch)[0].id, explanation="Ook deze.")
    desk.do(batch, "approve")
    desk.do(batch, "send")
    again = desk.prepare(one)
    assert again.total_cents == 100_000
    desk.proved()


def test_sending_back_gives_the_payments_back_and_tells_who_prepared_it(desk: Desk) -> None:
    one = desk.school()
    batch = desk.prepare(one)
    desk.do(batch, "cancel", explanation="Het bedrag klopt niet.")
    assert state(desk.session, one) == "due"
    (mail,) = desk.session.scalars(select(OutboxMessage).where(OutboxMessage.template == "batch_returned")).all()
    assert mail.person_id == desk.first.id
    assert mail.context["explanation"] == "Het bedrag klopt niet."


# --- what overtakes a list --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("approved", [False, True])
def test_an_account_that_changed_meanwhile_stops_the_payment(desk: Desk, approved: bool) -> None:
    one = desk.school()
    batch = desk.prepare(one)
    if approved:
        desk.do(batch, "approve")
    desk.cases.account(desk.app(one).board_number, number=88, holder="Stichting Demo 1")
    with pytest.raises(Refused, match="account_since"):
        desk.do(batch, "send" if approved else "approve")


@pytest.mark.parametrize("approved", [False, True])
def test_a_hold_that_was_placed_meanwhile_stops_the_payment(desk: Desk, approved: bool) -> None:
    one, other = desk.school(), desk.school()
    batch = desk.prepare(one, other)
    if approved:
        desk.do(batch, "approve")
    hold(desk, one, until=TODAY + timedelta(days=10))
    with pytest.raises(Refused, match="held_since"):
        desk.do(batch, "send" if approved else "approve")
    desk.do(batch, "take_out", order_id=orders(desk.session, batch)[0].id, explanation="Aangehouden.")
    desk.do(batch, "approve")
    desk.do(batch, "send")


def test_a_final_amount_waits_until_a_payment_left_the_batch(desk: Desk) -> None:
    one = desk.school()
    app = desk.app(one)
    app.state = "awarded"
    decider = desk.cases.person("Beslisser", Role.DECISION_MAKER)
    batch = desk.prepare(one)
    with pytest.raises(Refused, match="payment_in_batch") as refused:
        perform(
            desk.session, "application", app.ref, "revoke", actor=decider, now=NOW, given={"explanation": "Gestopt."}
        )
    assert any(batch.ref in refusal.sentence.nl for refusal in refused.value.refusals)


# --- the file, read by somebody else ----------------------------------------------------------------------------------


def test_the_payment_file_read_back_by_another_library(desk: Desk) -> None:
    found = [desk.school(60_000), desk.school(51_201), desk.school(1)]
    batch = desk.prepare(*found)
    desk.do(batch, "approve")
    assert batch.file_content is not None
    read = OpenPurseParser(batch.file_content).parse_detailed()
    assert (read.message_id, read.number_of_transactions, read.control_sum) == (batch.ref, 3, "1112.02")
    (information,) = read.payment_information
    assert information["payment_information_id"] == batch.ref
    assert [
        (t["end_to_end_id"], t["instructed_amount"], t["creditor_name"], t["creditor_account"], t["remittance_info"])
        for t in information["transactions"]
    ] == [
        (o.end_to_end_id, f"{o.cents // 100}.{o.cents % 100:02d}", o.name, o.iban, o.remittance)
        for o in orders(desk.session, batch)
    ]


# --- what comes back --------------------------------------------------------------------------------------------------


def test_a_bounced_payment_is_told_and_paid_again_exactly_once(session: Session) -> None:
    run: Run = three_schools(session)
    run.read(run.paid(0), run.returned(0))
    (mail,) = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "payment_bounced")).all()
    assert (mail.person_id, mail.context["amount"]) == (run.first.id, 600_000)
    assert "opgeheven" in mail.context["why"]["nl"]
    (due,) = due_payments(session, None, today=TODAY, until=MONDAY)
    assert (due.application_ref, due.returned_why) == (run.apps[0].ref, "AC04")
    again = send(session, run.cases, run.apps[:1])
    with pytest.raises(Refused):
        prepare(session, [due.instalment_id], actor=run.first, now=NOW, execution_on=MONDAY)
    again.read(again.paid(0), number="2025-002", opening=OPENING)
    assert due_payments(session, None, today=TODAY, until=MONDAY) == []
    assert run.balances(0) == {"committed": 150_000, "paid": 600_000}
    run.proved()


def test_two_people_at_once_order_a_payment_once(fresh_database: str) -> None:
    engine = make_engine(fresh_database)
    with Session(engine) as session:
        desk = Desk(session)
        one = desk.school()
        ids, people = [one.id], [desk.first, desk.second]
        session.commit()

    def order(actor: Actor) -> bool:
        with Session(engine) as session:
            try:
                with unit_of_work(session):
                    prepare(session, ids, actor=actor, now=NOW, execution_on=MONDAY)
            except Refused:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(order, people * 4))
    assert sum(done) == 1
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(PaymentOrder)) == 1
        assert session.scalar(select(func.count()).where(Journal.action == "prepare")) == 1
    engine.dispose()
