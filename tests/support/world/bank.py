"""The bank of a world: it carries out what it was told, sends some of it back, and receives what schools pay back."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.bank_line import Category
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.refusal import Refused
from fundapp.persistence.payment import BankLine, BankResolution, PaymentBatch, PaymentOrder
from fundapp.services.bank import ImportResult, import_statement
from fundapp.services.bank_match import open_recoveries
from fundapp.services.bank_resolve import Proposal, decide, propose
from fundapp.services.programme import lead_applicant
from tests.support.camt import Entry, Line, batch, example_iban, paid, received, returned, statement
from tests.support.world.acts import Impossible, Try
from tests.support.world.people import FINANCE, SECOND

OPENING = 50_000_000


@dataclass
class Bank:
    """What stands on the account (cents), and which statements and bookings it has told, each of them once.

    One statement at a time: they follow each other.
    """

    balance: int = OPENING
    told: list[bytes] = field(default_factory=list)
    booked: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def again(self) -> Bank:
        """The same bank, for another play; its numbers go on where nobody has been."""
        return Bank(self.balance, [*self.told], {*self.booked}, count(len(self.booked) + 1_000))


def _orders(session: Session, *states: str) -> Sequence[PaymentOrder]:
    return session.scalars(
        select(PaymentOrder)
        .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
        .where(PaymentBatch.state.in_(["approved", "sent", "booked"]), PaymentOrder.state.in_(states))
        .order_by(PaymentOrder.id)
    ).all()


def _paid(order: PaymentOrder) -> Entry:
    return paid(order.end_to_end_id, order.cents, order.iban, order.name)


def _back(order: PaymentOrder) -> Entry:
    return returned(order.end_to_end_id, order.cents, order.iban, order.name)


def _pays_all(t: Try) -> list[Entry]:
    return [_paid(order) for order in _orders(t.session, "pending")]


def _pays_one(t: Try) -> list[Entry]:
    return [_paid(t.pick(_orders(t.session, "pending")))]


def _pays_as_one_sum(t: Try) -> list[Entry]:
    pending = _orders(t.session, "pending")
    first = t.pick(pending)
    ref = t.session.get_one(PaymentBatch, first.batch_id).ref
    return [batch(ref, [_paid(o) for o in pending if o.batch_id == first.batch_id], details=bool(t.b % 2))]


def _bounces(t: Try) -> list[Entry]:
    """One that was to be paid never arrives, or one that was paid comes back."""
    order = t.pick(_orders(t.session, "pending", "paid"))
    return [_paid(order), _back(order)] if order.state == "pending" and t.b % 2 else [_back(order)]


def _other_amount(t: Try) -> list[Entry]:
    order = t.pick(_orders(t.session, "pending", "paid", "returned"))
    number = f"X-{next(t.world.bank.numbers)}"
    return [paid(order.end_to_end_id, order.cents + 1, order.iban, order.name, reference=number)]


def _unknown(t: Try) -> list[Entry]:
    """Bank charges, and money of somebody else."""
    charges = Entry((Line(-125, remittance="kosten"),), f"K-{next(t.world.bank.numbers)}")
    gift = received(2_500, example_iban(777), "Bakker", "koffie", reference=f"G-{next(t.world.bank.numbers)}")
    return [(charges, gift)[t.a % 2]]


def _school_pays_back(t: Try) -> list[Entry]:
    """All of it, a part, a cent, or too much; with the reference or from its own account."""
    claim = t.pick(open_recoveries(t.session))
    cents = (claim.open_cents, claim.open_cents // 2 or 1, 1, claim.open_cents + 1)[t.b % 4]
    words = claim.ref if t.b % 3 else "terug"
    return [received(cents, min(claim.ibans), "School", words, reference=f"R-{next(t.world.bank.numbers)}")]


def school_pays_back(t: Try) -> None:
    """Money comes in that was asked back."""
    tell(t, _school_pays_back(t))


def bounces(t: Try) -> None:
    """A payment comes back, before or after the bank had booked it."""
    tell(t, _bounces(t))


_TELLS = (
    _pays_all,
    _pays_one,
    _pays_as_one_sum,
    _bounces,
    _school_pays_back,
    _school_pays_back,
    _other_amount,
    _unknown,
)


def tell(t: Try, entries: list[Entry]) -> ImportResult:
    """The bank tells this, and finance reads it at once; reading it again changes nothing."""
    bank, today = t.world.bank, t.now.astimezone(AMSTERDAM).date()
    with bank.lock:
        new = [replace(entry, booked_on=today) for entry in entries if entry.reference not in bank.booked]
        if not new:
            raise Impossible
        number = f"A-{len(bank.told) + 1:04d}"
        content = statement(
            lead_applicant().iban,
            number,
            opening=bank.balance,
            entries=new,
            version=("02", "08")[t.b % 2],
        )
        result = import_statement(t.session, content, actor=t.world.people[FINANCE], now=t.now)
        t.session.commit()
        bank.balance += sum(entry.sum for entry in new)
        bank.told.append(content)
        bank.booked |= {entry.reference for entry in new}
    return result


def statement_of(t: Try) -> None:
    """Whatever the bank did today."""
    tell(t, _TELLS[t.b % len(_TELLS)](t))


def pays_all(t: Try) -> None:
    """The bank carries out all that it was told."""
    tell(t, _pays_all(t))


def schools_pay_back(t: Try) -> None:
    """Every school pays what was asked back."""
    claims = open_recoveries(t.session)
    numbers = t.world.bank.numbers
    tell(t, [received(c.open_cents, "", "School", c.ref, reference=f"R-{next(numbers)}") for c in claims])


def read_again(t: Try) -> None:
    """A statement that was read before, or half of one: neither changes anything."""
    content = t.pick(t.world.bank.told)
    if t.b % 2:
        content = content[: len(content) * (t.b % 7 + 1) // 9]
    try:
        result = import_statement(t.session, content, actor=t.world.people[SECOND], now=t.now)
    except Refused:
        assert t.b % 2, "a whole statement that was read before is never refused"
        raise
    assert not result.lines, "nothing is booked twice"
    assert not t.b % 2, "half a statement is never read"


# --- lines that fit nothing -------------------------------------------------------------------------------------------


def explain_line(t: Try) -> None:
    """Somebody says what a line is: not ours, or a payment that a person names."""
    line = t.pick(t.session.scalars(select(BankLine).where(BankLine.matched_as.is_(None)).order_by(BankLine.id)).all())
    named = [order.end_to_end_id for order in _orders(t.session, "pending", "paid")]
    named += [claim.ref for claim in open_recoveries(t.session)]
    what = Proposal(Category.OTHER, explanation="Uitgezocht.")
    if t.b % 3 == 0:
        what = Proposal(Category.CASE, reference=t.pick(named, t.b))
    propose(t.session, line.id, what, actor=t.by(FINANCE, SECOND), now=t.now)


def agree_on_line(t: Try) -> None:
    """A second person agrees, or does not."""
    waiting = t.session.scalars(select(BankResolution).where(BankResolution.decided_at.is_(None))).all()
    decide(t.session, t.pick(waiting).id, accept=t.b % 4 > 0, actor=t.by(SECOND, FINANCE), now=t.now)
