"""The accounts that school boards are paid on: one person enters one, another calls the board back and confirms it.

Both the contact of the old account and that of the new one are told, and who signs or keeps the books for the board.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session
from stdnum import iban as stdnum_iban

from fundapp.domain.people import Actor, Capacity, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.sepa import LONGEST_NAME, foreign_signs, sepa_text, text_faults
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.people import Membership, Person
from fundapp.persistence.register import SchoolBoard
from fundapp.services.decision import confirmed_account
from fundapp.services.journal import note
from fundapp.services.outbox import Outsider, Recipient, write_mail
from fundapp.services.programme import programme
from fundapp.services.subject import missing

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """An account as somebody types it over. sepa_name: how a payment file spells the holder, where it cannot as it is.

    contact: who of the board is told of this account and of what comes after it.
    """

    board_number: str
    iban: str
    holder: str
    contact_name: str
    contact_email: str
    sepa_name: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """That somebody called the board: whom, on which number, and when."""

    name: str
    number: str
    at: datetime


def enter_account(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> BankAccount:
    """Enter an account of a board; it counts once another person has called back and confirmed it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND for no such board (or one of another fund), INVALID
    for what was typed, CONFLICT for an account that is already this board's, or that of another one.
    """
    _only_finance(actor)
    if session.get(SchoolBoard, entry.board_number) is None or not _pays(session, actor, entry.board_number):
        raise Refused(missing())
    if faults := list(_faults(entry)):
        raise Refused(*faults)
    iban = stdnum_iban.compact(entry.iban)
    _not_in_use(session, entry.board_number, iban)
    holder = " ".join(entry.holder.split())
    row = BankAccount(
        board_number=entry.board_number,
        iban=iban,
        holder=holder,
        sepa_name=" ".join(entry.sepa_name.split()) or holder,
        contact_name=entry.contact_name.strip(),
        contact_email=entry.contact_email.strip().lower(),
        entered_at=now,
        entered_by_id=actor.id,
    )
    session.add(row)
    session.flush()
    _note(session, row, "enter", actor, now)
    return row


def _pays(session: Session, actor: Actor, board_number: str) -> bool:
    """Whether somebody pays for a fund that this board applied to."""
    funds = actor.funds(Role.FINANCE)
    if funds is None:
        return True
    applied = exists().where(Application.board_number == board_number, Application.fund_key.in_(funds))
    return bool(session.scalar(select(applied)))


def _faults(entry: Entry) -> Iterator[Refusal]:
    if not stdnum_iban.is_valid(entry.iban):
        yield Refusal("not_an_iban", _NOT_AN_IBAN, field="iban", kind=Kind.INVALID)
    holder = " ".join(entry.holder.split())
    spelled = " ".join(entry.sepa_name.split())
    if not 0 < len(holder) <= LONGEST_NAME * 2:
        yield Refusal("holder_length", _HOLDER, field="holder", kind=Kind.INVALID)
    elif spelled:
        yield from text_faults("sepa_name", _SPELLED, spelled, LONGEST_NAME, "sepa_name")
    elif foreign_signs(holder) or len(holder) > LONGEST_NAME:
        proposal = same(sepa_text(holder)[:LONGEST_NAME])
        yield Refusal("sepa_name_missing", _SPELL.fill(proposal=proposal), field="sepa_name", kind=Kind.INVALID)
    if not entry.contact_name.strip():
        yield Refusal("contact_missing", _CONTACT, field="contact_name", kind=Kind.INVALID)
    if not _EMAIL.fullmatch(entry.contact_email.strip()):
        yield Refusal("contact_email", _CONTACT_EMAIL, field="contact_email", kind=Kind.INVALID)


def _not_in_use(session: Session, board_number: str, iban: str) -> None:
    now = confirmed_account(session, board_number)
    if now is not None and now.iban == iban:
        raise Refused(Refusal("account_known", _KNOWN, field="iban"))
    other = session.scalar(
        select(BankAccount.holder)
        .where(
            BankAccount.iban == iban, BankAccount.board_number != board_number, BankAccount.confirmed_at.is_not(None)
        )
        .limit(1)
    )
    if other is not None:
        raise Refused(Refusal("account_of_another", _OF_ANOTHER.fill(holder=same(other)), field="iban"))


def confirm_account(session: Session, account_id: int, call: Call, *, actor: Actor, now: datetime) -> BankAccount:
    """Confirm an account that somebody else entered, after calling the board: from now on the board is paid on it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND, INVALID for a call that is not told whole or cannot
    have been, CONFLICT for the same person, STALE when it was decided on.
    """
    row = _waiting(session, account_id, actor)
    if row.entered_by_id == actor.id:
        raise Refused(Refusal("entered_by_you", _BY_YOU))
    faults = []
    if not call.name.strip():
        faults.append(Refusal("called_missing", _WHOM, field="called_name", kind=Kind.INVALID))
    if len(re.sub(r"\D", "", call.number)) < _DIGITS:
        faults.append(Refusal("called_number", _NUMBER, field="called_number", kind=Kind.INVALID))
    if not row.entered_at.replace(second=0, microsecond=0) <= call.at <= now:
        faults.append(Refusal("called_when", _WHEN, field="called_at", kind=Kind.INVALID))
    if faults:
        raise Refused(*faults)
    before = confirmed_account(session, row.board_number)
    row.called_name, row.called_number, row.called_at = call.name.strip(), call.number.strip(), call.at
    row.confirmed_at = now
    row.confirmed_by_id = actor.id
    _note(session, row, "confirm", actor, now)
    _tell(session, row, before)
    return row


_DIGITS = 9
"""Of a telephone number in the Netherlands, its leading zero counted out."""


def refuse_account(session: Session, account_id: int, reason: str, *, actor: Actor, now: datetime) -> BankAccount:
    """Take an account that waits off the list: it was wrong, or the board knows nothing of it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND, INVALID without a reason, STALE when decided on.
    """
    row = _waiting(session, account_id, actor)
    if not reason.strip():
        raise Refused(Refusal("reason_missing", _WHY, field="reason", kind=Kind.INVALID))
    row.refused_at, row.refused_by_id, row.refusal = now, actor.id, reason.strip()
    _note(session, row, "refuse", actor, now)
    return row


def _waiting(session: Session, account_id: int, actor: Actor) -> BankAccount:
    _only_finance(actor)
    row = session.get(BankAccount, account_id, with_for_update=True, populate_existing=True)
    if row is None or not _pays(session, actor, row.board_number):
        raise Refused(missing())
    if row.confirmed_at is not None or row.refused_at is not None:
        raise Refused(Refusal("account_decided", _DECIDED, kind=Kind.STALE))
    return row


def _tell(session: Session, row: BankAccount, before: BankAccount | None) -> None:
    """Tell the contacts of the new account and of the one before it, and who answers for the board; each once."""
    board = session.get_one(SchoolBoard, row.board_number)
    contact = programme().contact
    context: dict[str, Any] = {
        "board": board.name or row.holder,
        "iban": row.iban[-4:],
        "old_iban": before.iban[-4:] if before else None,
        "contact": {"name": contact.name, "email": contact.email, "phone": contact.phone},
        "url_path": "/hulp",
    }
    told: dict[str, Recipient] = {row.contact_email: Outsider(row.contact_email, row.contact_name)}
    if before is not None and before.contact_email:
        told.setdefault(before.contact_email, Outsider(before.contact_email, before.contact_name))
    told |= {person.email: person for person in _answerable(session, row.board_number)}
    for email, person in told.items():
        if email:
            write_mail(session, "account_changed", person, key=f"account:{row.id}:{email}", context=context)


def _answerable(session: Session, board_number: str) -> Iterator[Person]:
    yield from session.scalars(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.board_number == board_number,
            Membership.ended_at.is_(None),
            Membership.capacity.in_([Capacity.SIGNER, Capacity.FINANCE]),
            Person.ended_at.is_(None),
        )
        .order_by(Person.id)
    )


def _note(session: Session, row: BankAccount, action: str, actor: Actor, now: datetime) -> None:
    data: dict[str, Any] = {"board": row.board_number, "iban": row.iban, "holder": row.holder}
    if row.called_at is not None:
        data["called"] = {"name": row.called_name, "number": row.called_number, "at": row.called_at.isoformat()}
    if row.refusal:
        data["reason"] = row.refusal
    note(session, actor, now, kind="bank_account", subject_id=row.id, action=action, data=data)
    session.flush()


def _only_finance(actor: Actor) -> None:
    if not actor.has(Role.FINANCE):
        raise Refused(Refusal("not_yours", _NOT_FINANCE, kind=Kind.FORBIDDEN))


_NOT_FINANCE = Text(
    "Alleen financiën kan rekeningen invullen. Vraag het aan de coördinator.",
    "Only finance can enter accounts. Ask the coordinator.",
)
_NOT_AN_IBAN = Text(
    "Dit is geen IBAN. Schrijf het over van een bankafschrift van het schoolbestuur.",
    "This is no IBAN. Copy it from a bank statement of the school board.",
)
_HOLDER = Text(
    "Vul in op welke naam de rekening staat, zoals de bank hem schrijft.",
    "Enter the name of the account holder, as the bank writes it.",
)
_SPELL = Text(
    "De bank neemt deze naam in een betaalbestand zo niet aan. Kies een schrijfwijze, zoals “{proposal}”.",
    "The bank does not take this name as it is in a payment file. Choose a spelling, such as “{proposal}”.",
)
_SPELLED = Text("De schrijfwijze voor de bank", "The spelling for the bank")
_CONTACT = Text("Vul in wie van het bestuur dit doorgaf.", "Enter who of the board told you.")
_CONTACT_EMAIL = Text(
    "Vul een e-mailadres in, zoals naam@school.nl.", "Enter an e-mail address, such as name@school.nl."
)
_KNOWN = Text(
    "Op deze rekening betalen wij dit bestuur al. U hoeft niets te doen.",
    "This board is paid on this account already. There is nothing to do.",
)
_OF_ANOTHER = Text(
    "Deze rekening is van een ander bestuur: {holder}. Controleer het nummer en het bestuur.",
    "This account is another board's: {holder}. Check the number and the board.",
)
_WHOM = Text("Vul in wie u hebt gesproken.", "Enter whom you spoke to.")
_NUMBER = Text(
    "Vul het telefoonnummer in dat u hebt gebeld, zoals 0118 123 456.",
    "Enter the telephone number that you called, such as 0118 123 456.",
)
_WHEN = Text(
    "Vul in wanneer u hebt gebeld: nadat de rekening is ingevuld, en niet in de toekomst.",
    "Enter when you called: after the account was entered, and not in the future.",
)
_WHY = Text("Schrijf op waarom.", "Write why.")
_DECIDED = Text(
    "Over deze rekening is al beslist. U hoeft niets te doen.",
    "This account was decided on already. There is nothing to do.",
)
_BY_YOU = Text(
    "U hebt deze rekening ingevuld. Vraag een collega om te bellen en te bevestigen.",
    "You entered this account. Ask a colleague to call and confirm it.",
)
