"""What a matched line of the bank does: to the ledger, to the payment, and to the case that may be settled by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import application, ledger, payment
from fundapp.domain.ledger import Account, Posting
from fundapp.domain.payment import InstalmentState, OrderState, Purpose
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.text import Text
from fundapp.domain.tranche import SHUT
from fundapp.persistence.application import Application
from fundapp.persistence.payment import BankLine, Instalment, PaymentBatch, PaymentOrder
from fundapp.services import recovery
from fundapp.services.act import Booking
from fundapp.services.bank_mails import tell_of_bounces
from fundapp.services.bank_match import Match, Payments, Receipt, Returns, Unmatched
from fundapp.services.bookings import record
from fundapp.services.funds import pot_of
from fundapp.services.ledger import case_balances
from fundapp.services.subject import lock_tranche
from fundapp.services.transitions import perform


@dataclass(frozen=True, slots=True)
class _Step:
    """What one payment or receipt does. instalment: its state and purpose afterwards."""

    app: Application
    action: str
    postings: list[Posting]
    order: PaymentOrder | None = None
    order_state: OrderState | None = None
    instalment: Instalment | None = None
    instalment_state: InstalmentState | None = None
    purpose: Purpose | None = None


@dataclass
class Booker:
    """Books the lines of one statement, or one line by hand, for one person at one moment. The caller commits."""

    session: Session
    actor: Actor
    now: datetime
    _closed: set[int] = field(default_factory=set)
    _apps: dict[int, Application] = field(default_factory=dict)
    _batches: set[int] = field(default_factory=set)
    _bounced: list[int] = field(default_factory=list)

    def lock(self, tranche_ids: Iterable[int]) -> None:
        """Lock the tranches that may be concerned, in order of id, before anything of them is read."""
        for tranche_id in sorted(tranche_ids):
            if lock_tranche(self.session, tranche_id).state in SHUT:
                self._closed.add(tranche_id)

    def book(self, line: BankLine, found: Match, *, by_hand: bool) -> tuple[str, ...] | Unmatched:
        """Book a line; return the references of its applications, or why it cannot be booked."""
        match found:
            case Unmatched():
                return found
            case Payments(order_ids):
                kind, steps = "payment", [self._payment(order) for order in self._orders(order_ids)]
            case Returns(order_ids):
                kind, steps = "bounce", [self._return(order) for order in self._orders(order_ids)]
            case Receipt(application_id, open_cents):
                kind, steps = "recovery", [self._receipt(application_id, min(line.cents, open_cents))]
        sure = [step for step in steps if step is not None]
        if len(sure) != len(steps):
            return Unmatched(_MOVED_ON)
        if any(step.app.tranche_id in self._closed for step in sure):
            return Unmatched(_CLOSED)
        for step in sure:
            self._write(step, line, by_hand=by_hand)
        if isinstance(found, Payments):
            for order in self._orders(found.order_ids):
                order.paid_on = line.booked_on
        if isinstance(found, Returns):
            self._say_why(found.order_ids, line)
        line.matched_as = kind
        line.application_id = sure[0].app.id if len(sure) == 1 else None
        return tuple(step.app.ref for step in sure)

    def _orders(self, order_ids: tuple[int, ...]) -> list[PaymentOrder]:
        return [self.session.get_one(PaymentOrder, order_id) for order_id in order_ids]

    def _say_why(self, order_ids: tuple[int, ...], line: BankLine) -> None:
        """Keep with each payment when and why it came back, and tell who prepared it."""
        for order in self._orders(order_ids):
            order.returned_on, order.returned_why = line.booked_on, line.reason or ""
        self._bounced += order_ids

    def reject(self, order_ids: tuple[int, ...], line: BankLine, *, why: str) -> None:
        """Return payments to the worklist that the bank left out of the sum it booked for their batch."""
        for order in self._orders(order_ids):
            step = self._return(order)
            assert step is not None, "it is pending, so it is still in transit"
            self._write(step, line, by_hand=True)
            order.returned_why = why
        self._bounced += order_ids

    def _payment(self, order: PaymentOrder) -> _Step | None:
        """The bank paid; where a later statement told first that it came back, all was booked already."""
        app = self.session.get_one(Application, order.application_id)
        if order.state == OrderState.RETURNED:
            return _Step(app, "payment_confirmed", [], order, OrderState.RETURNED)
        instalment = self.session.get_one(Instalment, order.instalment_id)
        postings = ledger.confirm_payment(order.cents, final=instalment.purpose == Purpose.FINAL)
        return _Step(app, "payment_confirmed", postings, order, OrderState.PAID, instalment, InstalmentState.PAID)

    def _return(self, order: PaymentOrder) -> _Step | None:
        """A payment came back, from where the money stands by now; None where it is spread over several places."""
        app = self.session.get_one(Application, order.application_id)
        instalment = self.session.get_one(Instalment, order.instalment_id)
        final = instalment.purpose == Purpose.FINAL
        state, purpose = InstalmentState.DUE, Purpose(instalment.purpose)
        balances = case_balances(self.session, app.id)
        if order.state == OrderState.PENDING:
            postings = ledger.undo_order(order.cents, final=final, bounced=True)
        elif not final and balances.get(Account.PAID, 0) >= order.cents:
            postings = ledger.bounce_paid(order.cents, final=False)
        elif balances.get(Account.DETERMINED, 0) >= order.cents:  # an advance, too, is part of the final amount by now
            postings, purpose = ledger.bounce_paid(order.cents, final=True), Purpose.FINAL
        elif balances.get(Account.RECEIVABLE, 0) >= order.cents:  # it was asked back already, and here it is
            postings, state = ledger.receive(order.cents), InstalmentState.DROPPED
        else:
            return None
        return _Step(app, "payment_returned", postings, order, OrderState.RETURNED, instalment, state, purpose)

    def _receipt(self, application_id: int, cents: int) -> _Step | None:
        app = self.session.get_one(Application, application_id)
        return _Step(app, "recovery_received", ledger.receive(cents))

    def _write(self, step: _Step, line: BankLine, *, by_hand: bool) -> None:
        session, app = self.session, step.app
        session.refresh(app)
        data: dict[str, Any] = {"bank_line": line.key, "by_hand": by_hand}
        if step.order is not None and step.order_state is not None:
            data["end_to_end_id"] = step.order.end_to_end_id
            step.order.state = step.order_state
            self._batches.add(step.order.batch_id)
        if step.instalment is not None and step.instalment_state is not None:
            step.instalment.state = step.instalment_state
            step.instalment.purpose = step.purpose or step.instalment.purpose
        pot = pot_of(session, app)
        record(
            session,
            row=app,
            stream=app.tranche_id,
            action=step.action,
            actor=self.actor,
            now=self.now,
            bookings=[Booking(posting, app.tranche_id, pot, app.id) for posting in step.postings],
            data=data,
        )
        self._apps[app.id] = app

    def finish(self) -> None:
        """Settle the cases and close the batches for which this was the last that had to happen."""
        self.session.flush()
        if self._bounced:
            tell_of_bounces(self.session, self._bounced)
        for app in sorted(self._apps.values(), key=lambda app: app.id):
            recovery.received(self.session, app, now=self.now)
            done = not ledger.outstanding(case_balances(self.session, app.id))
            if done and app.state == application.State.DETERMINED:
                perform(self.session, "application", app.ref, "settle", actor=SYSTEM, now=self.now)
        for batch_id in sorted(self._batches):
            batch = self.session.get_one(PaymentBatch, batch_id, populate_existing=True)
            pending = self.session.scalar(
                select(func.count()).where(PaymentOrder.batch_id == batch_id, PaymentOrder.state == OrderState.PENDING)
            )
            if not pending and batch.state in (payment.State.APPROVED, payment.State.SENT):
                perform(self.session, "payment_batch", batch.ref, "book", actor=SYSTEM, now=self.now)


_MOVED_ON = Text(
    "Deze betaling kwam terug, maar het bedrag is intussen op meer plaatsen verrekend. Bel de beheerder.",
    "This payment came back, but its amount has been settled in several places since. Call the administrator.",
)
_CLOSED = Text(
    "Dit hoort bij een tranche die gesloten is. Daar kan niets meer in. Overleg met de coördinator.",
    "This belongs to a tranche that is closed. Nothing can be booked in it. Ask the coordinator.",
)
