"""What a line of a bank statement is about: a payment of ours, one that came back, or money that was asked back.

Nothing is booked here. A line that fits nothing, or more than one thing, is for a person to judge, with the reason why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from fundapp.domain.ledger import Account
from fundapp.domain.money import euro
from fundapp.domain.outside import StatementEntry, StatementPayment
from fundapp.domain.payment import OrderState, State
from fundapp.domain.recovery import DONE
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.ledger import CaseBalance
from fundapp.persistence.payment import BankAccount, PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Recovery


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the bank tells it. cents: signed. came_back: a reversal, or with a return reason (`reason`)."""

    key: str
    cents: int
    end_to_end_id: str | None
    iban: str | None
    name: str | None
    text: str
    came_back: bool = False
    batch_id: str | None = None
    reason: str | None = None


def lines_of(entry: StatementEntry) -> list[tuple[Line, StatementPayment]]:
    """The lines of an entry. Only a batch that was booked as one sum, without its payments, keeps its batch_id."""
    return [
        (
            Line(
                key=paid.key,
                cents=paid.amount,
                end_to_end_id=paid.end_to_end_id,
                iban=paid.counterparty_iban,
                name=paid.counterparty_name,
                text=" ".join(part for part in (paid.remittance, paid.return_reason) if part),
                came_back=entry.reversal or paid.return_reason is not None,
                batch_id=entry.batch_id if len(entry.payments) == 1 and paid.end_to_end_id is None else None,
                reason=paid.return_reason,
            ),
            paid,
        )
        for paid in entry.payments
    ]


@dataclass(frozen=True, slots=True)
class Payments:
    """The bank carried these out."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Returns:
    """These came back."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that was asked back. open_cents: what is still to be received."""

    application_id: int
    open_cents: int


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Why it is nothing that can be booked by itself, and what to do."""

    why: Text


Match = Payments | Returns | Receipt | Unmatched


@dataclass(frozen=True, slots=True)
class OpenRecovery:
    """A claim of which something is still to be received (cents); ibans: the accounts that the board is known by."""

    ref: str
    application_id: int
    tranche_id: int
    open_cents: int
    ibans: frozenset[str]


def open_recoveries(session: Session) -> list[OpenRecovery]:
    """Return every claim that is open. Three queries."""
    rows = session.execute(
        select(
            Recovery.ref, Recovery.application_id, Application.tranche_id, CaseBalance.cents, Application.board_number
        )
        .join(Application, Application.id == Recovery.application_id)
        .join(CaseBalance, CaseBalance.application_id == Recovery.application_id)
        .where(CaseBalance.account == Account.RECEIVABLE, CaseBalance.cents > 0, Recovery.state.not_in(sorted(DONE)))
        .order_by(Recovery.id)
    ).all()
    awarded = dict(
        session.execute(
            select(Award.application_id, Award.iban).where(Award.application_id.in_([r.application_id for r in rows]))
        ).all()
    )
    known: dict[str, set[str]] = {}
    for board, iban in session.execute(
        select(BankAccount.board_number, BankAccount.iban).where(
            BankAccount.board_number.in_({r.board_number for r in rows}), BankAccount.confirmed_at.is_not(None)
        )
    ):
        known.setdefault(board, set()).add(iban)
    return [
        OpenRecovery(
            r.ref,
            r.application_id,
            r.tranche_id,
            r.cents,
            frozenset({awarded.get(r.application_id, ""), *known.get(r.board_number, ())} - {""}),
        )
        for r in rows
    ]


def tranches_of(session: Session, lines: Iterable[Line]) -> set[int]:
    """Every tranche that these lines could move money in: to be locked before they are matched."""
    lines = list(lines)
    ids = {line.end_to_end_id for line in lines if line.end_to_end_id}
    batches = {line.batch_id for line in lines if line.batch_id}
    orders = select(PaymentOrder.tranche_id).where(PaymentOrder.end_to_end_id.in_(ids))
    in_batches = select(PaymentOrder.tranche_id).join(PaymentBatch).where(PaymentBatch.ref.in_(batches))
    found = set(session.scalars(orders)) | set(session.scalars(in_batches))
    if any(line.cents > 0 for line in lines):
        found |= {recovery.tranche_id for recovery in open_recoveries(session)}
    return found


def match(session: Session, line: Line) -> Match:
    """Return what a line is about, as things stand now. Its tranches are locked."""
    if line.batch_id is not None:
        return _batch(session, line, line.batch_id)
    order = _order(session, line.end_to_end_id)
    if order is not None:
        return _fit(line.cents, order)
    if line.cents > 0 and not line.came_back:
        return _recovery(line, open_recoveries(session))
    return Unmatched(_NOTHING_OUT if line.cents < 0 else _NOTHING_BACK)


def _order(session: Session, end_to_end_id: str | None) -> PaymentOrder | None:
    if end_to_end_id is None:
        return None
    return session.scalar(
        select(PaymentOrder)
        .where(PaymentOrder.end_to_end_id == end_to_end_id)
        .execution_options(populate_existing=True)
    )


def _fit(cents: int, order: PaymentOrder) -> Match:
    """Return what a line of this amount (signed) means for one payment of ours."""
    shown = {"id": order.end_to_end_id, "ours": same(euro(order.cents)), "theirs": same(euro(abs(cents)))}
    if abs(cents) != order.cents:
        return Unmatched(_OTHER_AMOUNT.fill(**shown))
    if cents < 0:
        return Payments((order.id,)) if _to_be_paid(order) else Unmatched(_NOT_PENDING.fill(**shown))
    if order.state in (OrderState.PENDING, OrderState.PAID):
        return Returns((order.id,))
    return Unmatched(_NOT_OUT.fill(**shown))


def _to_be_paid(order: PaymentOrder) -> bool:
    """Whether the bank was still to book it; also where a later statement told first that it came back.

    One that the bank left out has no day on which it came back: a payment of it after all is one too many.
    """
    came_back_first = order.returned_on is not None and order.paid_on is None
    return order.state == OrderState.PENDING or (order.state == OrderState.RETURNED and came_back_first)


def _batch(session: Session, line: Line, batch_id: str) -> Match:
    batch = session.scalar(
        select(PaymentBatch).where(PaymentBatch.ref == batch_id).execution_options(populate_existing=True)
    )
    if batch is None or batch.state not in (State.APPROVED, State.SENT, State.BOOKED):
        return Unmatched(_NO_BATCH.fill(id=same(batch_id)))
    orders = list(session.scalars(_ORDERS, {"batch": batch.id}))
    pending = [order for order in orders if order.state == OrderState.PENDING]
    choices = [pending, [order for order in orders if _to_be_paid(order)]]
    if line.cents > 0:
        choices = [[order for order in orders if order.state == OrderState.PAID]]
    for chosen in choices:
        if sum(order.cents for order in chosen) == abs(line.cents):
            ids = tuple(order.id for order in chosen)
            return Payments(ids) if line.cents < 0 else Returns(ids)
    total = same(euro(sum(order.cents for order in choices[0])))
    return Unmatched(_OTHER_SUM.fill(id=same(batch_id), ours=total, theirs=same(euro(abs(line.cents)))))


_ORDERS = (
    select(PaymentOrder)
    .where(PaymentOrder.batch_id == bindparam("batch"))
    .order_by(PaymentOrder.id)
    .execution_options(populate_existing=True)
)


def _recovery(line: Line, recoveries: list[OpenRecovery]) -> Match:
    named = named_in(f"{line.text} {line.end_to_end_id or ''}", [r.ref for r in recoveries])
    fitting = [r for r in recoveries if r.ref in named] or [
        r for r in recoveries if line.iban in r.ibans and r.open_cents == line.cents
    ]
    if len(fitting) == 1:
        return Receipt(fitting[0].application_id, fitting[0].open_cents)
    return Unmatched(_SEVERAL.fill(refs=same(", ".join(r.ref for r in fitting))) if fitting else _NOTHING_IN)


def named_in(text: str, refs: Iterable[str]) -> set[str]:
    """Return the references that a payer wrote, whatever signs and spaces stand between or are left out."""
    return {ref for ref in refs if _written(ref).search(text)}


def _written(ref: str) -> re.Pattern[str]:
    parts = re.findall(r"[A-Za-z0-9]+", ref)
    return re.compile(rf"(?<![A-Z0-9]){'[^A-Z0-9]*'.join(parts)}(?![0-9])", re.IGNORECASE)


_BY_HAND = Text(" Koppel de regel met de hand.", " Match the line by hand.")
_NOTHING_OUT = Text(
    "Wij hebben hier geen opdracht voor gegeven. Zoek het uit; is het niet van ons, kies dan “niet van ons”.",
    "We gave no order for this. Find out; if it is not ours, choose “not ours”.",
)
_NOTHING_BACK = Text(
    "Er kwam geld terug, maar wij zien niet bij welke betaling." + _BY_HAND.nl,
    "Money came back, but we cannot see from which payment." + _BY_HAND.en,
)
_NOTHING_IN = Text(
    "Deze ontvangst past bij geen terugvordering." + _BY_HAND.nl, "This receipt fits no recovery." + _BY_HAND.en
)
_SEVERAL = Text(
    "Deze ontvangst past bij meer dan één terugvordering: {refs}." + _BY_HAND.nl,
    "This receipt fits more than one recovery: {refs}." + _BY_HAND.en,
)
_OTHER_AMOUNT = Text(
    "Betaling {id} is {ours}, de bank noemt {theirs}. Vraag het na bij de bank.",
    "Payment {id} is {ours}, the bank says {theirs}. Ask the bank.",
)
_NOT_PENDING = Text(
    "De bank schreef betaling {id} af, maar die wachtte niet meer. Misschien is er dubbel betaald.",
    "The bank booked payment {id}, which was not waiting any more. It may have been paid twice.",
)
_NOT_OUT = Text(
    "Betaling {id} kwam terug, maar stond al als teruggekomen. Vraag het na bij de bank.",
    "Payment {id} came back, but had come back before. Ask the bank.",
)
_NO_BATCH = Text(
    "Betaalrun {id} staat niet bij ons als goedgekeurd. Zoek uit waar deze opdracht vandaan komt.",
    "Payment batch {id} is not an approved one of ours. Find out where this order comes from.",
)
_OTHER_SUM = Text(
    "Betaalrun {id} is bij ons nog {ours}, de bank noemt {theirs}. Vraag de bank om de losse betalingen.",
    "Payment batch {id} still is {ours} here, the bank says {theirs}. Ask the bank for the single payments.",
)
