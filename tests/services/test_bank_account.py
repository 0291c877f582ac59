"""Accounts of boards: two people, a call, and everybody concerned is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Grant, Role
from fundapp.domain.refusal import Refused
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.people import Membership
from fundapp.services.bank_account import Call, Entry, confirm_account, enter_account, refuse_account
from fundapp.services.decision import confirmed_account
from tests.support.camt import example_iban
from tests.support.cases import NOW
from tests.support.paying import Run, three_schools

LATER = NOW + timedelta(hours=1)
NEW = Entry(
    board_number="99991",
    iban="nl91 abna 0417 1643 00",
    holder=" Stichting  De Ozobot ",
    contact_name="Nel Nieuw",
    contact_email="Nel@Bestuur.example.org",
)
CALL = Call("Ria Rekening", "0118 123 456", NOW + timedelta(minutes=30))


@pytest.fixture
def run(session: Session) -> Run:
    """Three boards with an account each; the contact of the first is rekening1@bestuur.example.org."""
    return three_schools(session)


def entered(run: Run, **more: str) -> BankAccount:
    return enter_account(run.session, replace(NEW, **more), actor=run.first, now=NOW)


def test_an_account_takes_two_people_and_a_call(run: Run) -> None:
    session = run.session
    row = entered(run)
    assert (row.iban, row.holder, row.sepa_name) == ("NL91ABNA0417164300", "Stichting De Ozobot", "Stichting De Ozobot")
    before = confirmed_account(session, "99991")
    assert before is not None
    assert before.id != row.id, "it does not count yet"
    with pytest.raises(Refused, match="entered_by_you"):
        confirm_account(session, row.id, CALL, actor=run.first, now=LATER)
    confirm_account(session, row.id, CALL, actor=run.second, now=LATER)
    assert confirmed_account(session, "99991") is row
    with pytest.raises(Refused, match="account_decided"):
        confirm_account(session, row.id, CALL, actor=run.second, now=LATER)


def test_the_journal_says_who_called_whom_and_when(run: Run) -> None:
    row = entered(run)
    confirm_account(run.session, row.id, CALL, actor=run.second, now=LATER)
    one, two = run.session.scalars(select(Journal).where(Journal.kind == "bank_account").order_by(Journal.id)).all()
    assert (one.action, one.actor_id) == ("enter", run.first.id)
    assert (two.action, two.actor_id) == ("confirm", run.second.id)
    assert two.data["called"] == {"name": "Ria Rekening", "number": "0118 123 456", "at": CALL.at.isoformat()}
    run.proved()


def test_old_and_new_contacts_and_who_signs_are_told(run: Run) -> None:
    signer = run.cases.person("Sietse Sinke")
    run.session.add(Membership(person_id=signer.id, board_number="99991", capacity="signer", since=NOW))
    row = entered(run)
    confirm_account(run.session, row.id, CALL, actor=run.second, now=LATER)
    mails = run.session.scalars(select(OutboxMessage).where(OutboxMessage.template == "account_changed")).all()
    assert {mail.address for mail in mails} == {
        "nel@bestuur.example.org",
        "rekening1@bestuur.example.org",
        "sietse.sinke@example.org",
    }
    assert {(mail.context["iban"], mail.context["old_iban"]) for mail in mails} == {("4300", "0001")}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (replace(CALL, name=" "), "called_missing"),
        (replace(CALL, number="112"), "called_number"),
        (replace(CALL, at=NOW - timedelta(days=1)), "called_when"),
        (replace(CALL, at=LATER + timedelta(minutes=1)), "called_when"),
    ],
)
def test_a_call_that_cannot_have_been_is_refused(run: Run, call: Call, code: str) -> None:
    row = entered(run)
    with pytest.raises(Refused, match=code):
        confirm_account(run.session, row.id, call, actor=run.second, now=LATER)


@pytest.mark.parametrize(("by_the_same", "constraint"), [(True, "two_people"), (False, "called_back")])
def test_the_database_itself_refuses_one_person_and_no_call(run: Run, by_the_same: bool, constraint: str) -> None:
    row = entered(run)
    row.confirmed_at = LATER
    row.confirmed_by_id = run.first.id if by_the_same else run.second.id
    if by_the_same:
        row.called_name, row.called_number, row.called_at = CALL.name, CALL.number, CALL.at
    with pytest.raises(IntegrityError, match=constraint):
        run.session.flush()


def test_an_account_that_is_wrong_never_counts(run: Run) -> None:
    row = entered(run)
    with pytest.raises(Refused, match="reason_missing"):
        refuse_account(run.session, row.id, " ", actor=run.second, now=LATER)
    refuse_account(run.session, row.id, "Het bestuur weet van niets.", actor=run.second, now=LATER)
    with pytest.raises(Refused, match="account_decided"):
        confirm_account(run.session, row.id, CALL, actor=run.second, now=LATER)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"iban": "NL91ABNA0417164301"}, "not_an_iban", "iban"),
        ({"holder": " "}, "holder_length", "holder"),
        ({"holder": "x" * 141}, "holder_length", "holder"),
        ({"holder": "x" * 71}, "sepa_name_missing", "sepa_name"),
        ({"holder": "Stichting Zoë"}, "sepa_name_missing", "sepa_name"),
        ({"holder": "Stichting Zoë", "sepa_name": "Stichting Zoë"}, "sepa_name_signs", "sepa_name"),
        ({"contact_name": ""}, "contact_missing", "contact_name"),
        ({"contact_email": "nel"}, "contact_email", "contact_email"),
    ],
)
def test_what_was_typed_wrong_is_told_at_its_field(run: Run, more: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(Refused, match=code) as refused:
        entered(run, **more)
    assert refused.value.refusals[0].field == field


def test_a_name_that_a_payment_file_cannot_carry_keeps_its_own_spelling_beside_that_of_the_bank(run: Run) -> None:
    row = entered(run, holder="Stichting Zoë & Co", sepa_name="Stichting Zoe + Co")
    assert (row.holder, row.sepa_name) == ("Stichting Zoë & Co", "Stichting Zoe + Co")


def test_an_account_belongs_to_one_board(run: Run) -> None:
    with pytest.raises(Refused, match="account_known"):
        entered(run, iban=example_iban(1))
    with pytest.raises(Refused, match="account_of_another"):
        entered(run, iban=example_iban(2))


def test_accounts_are_for_finance_of_the_fund_and_for_boards_that_exist(run: Run) -> None:
    with pytest.raises(Refused, match="not_yours"):
        enter_account(run.session, NEW, actor=run.cases.person("Co", Role.COORDINATOR), now=NOW)
    with pytest.raises(Refused, match="not_found"):
        entered(run, board_number="00000")
    other = Actor(run.first.id, "Fin", "fin@example.org", grants=frozenset({Grant(Role.FINANCE, "innovatiefonds")}))
    with pytest.raises(Refused, match="not_found"):
        enter_account(run.session, NEW, actor=other, now=NOW)
