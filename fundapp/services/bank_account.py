"""The accounts that school boards are paid on: one person enters one, another confirms it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session
from stdnum import iban as stdnum_iban

from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.register import SchoolBoard
from fundapp.services.journal import note
from fundapp.services.subject import missing

LONGEST_HOLDER = 70
"""Signs of a payee's name that a payment file can carry (EPC132-08)."""


def enter_account(
    session: Session, board_number: str, iban: str, holder: str, *, actor: Actor, now: datetime
) -> BankAccount:
    """Enter an account of a board; it counts once another person has confirmed it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND for no such board, INVALID for what was typed.
    """
    _only_finance(actor)
    if session.get(SchoolBoard, board_number) is None:
        raise Refused(missing())
    faults = []
    if not stdnum_iban.is_valid(iban):
        faults.append(Refusal("not_an_iban", _NOT_AN_IBAN, field="iban", kind=Kind.INVALID))
    name = " ".join(holder.split())
    if not 0 < len(name) <= LONGEST_HOLDER:
        faults.append(Refusal("holder_length", _HOLDER, field="holder", kind=Kind.INVALID))
    if faults:
        raise Refused(*faults)
    row = BankAccount(
        board_number=board_number,
        iban=stdnum_iban.compact(iban),
        holder=name,
        entered_at=now,
        entered_by_id=actor.id,
    )
    session.add(row)
    session.flush()
    _note(session, row, "enter", actor, now)
    return row


def confirm_account(session: Session, account_id: int, *, actor: Actor, now: datetime) -> BankAccount:
    """Confirm an account that somebody else entered: from now on the board is paid on it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND, CONFLICT for the same person, STALE when confirmed.
    """
    _only_finance(actor)
    row = session.get(BankAccount, account_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Refused(missing())
    if row.confirmed_at is not None:
        raise Refused(Refusal("account_confirmed", _CONFIRMED, kind=Kind.STALE))
    if row.entered_by_id == actor.id:
        raise Refused(Refusal("entered_by_you", _BY_YOU))
    row.confirmed_at = now
    row.confirmed_by_id = actor.id
    _note(session, row, "confirm", actor, now)
    return row


def _note(session: Session, row: BankAccount, action: str, actor: Actor, now: datetime) -> None:
    data = {"board": row.board_number, "iban": row.iban, "holder": row.holder}
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
    "Vul in op welke naam de rekening staat. Gebruik hoogstens 70 tekens.",
    "Enter the name of the account holder, in at most 70 signs.",
)
_CONFIRMED = Text(
    "Deze rekening is al bevestigd. U hoeft niets te doen.",
    "This account was confirmed already. There is nothing to do.",
)
_BY_YOU = Text(
    "U hebt deze rekening ingevuld. Vraag een collega om hem te bevestigen.",
    "You entered this account. Ask a colleague to confirm it.",
)
