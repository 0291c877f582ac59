"""What the pages about payment batches show. Core rows, a constant number of queries. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from fundapp.domain import payment
from fundapp.domain.bank_line import return_reason
from fundapp.domain.flow import Look, Tone
from fundapp.domain.payment import OrderState, Purpose
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankAccount, Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.people import Person
from fundapp.services.keyset import newest_first

ORDERS = 500
"""Payments on one page of a batch."""


def in_fours(iban: str) -> str:
    """An account number as people read it aloud: in groups of four."""
    compact = iban.replace(" ", "")
    return " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))


# --- the list of batches ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch in the list."""

    ref: str
    state: str
    execution_on: date
    total_cents: int
    prepared_by: str
    id: int

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return payment.FLOW.look(self.state)


def in_funds(funds: Collection[str] | None) -> list[Any]:
    """SQL: batches of which all payments are of these funds; None: of any."""
    return [] if funds is None else [PaymentBatch.fund_keys.contained_by(list(funds))]


def batches(session: Session, funds: Collection[str] | None, *, before: int | None = None) -> list[BatchLine]:
    """Return batches, the newest first, from before this id on; one more than a page when there are more. One query."""
    query = (
        select(
            PaymentBatch.ref,
            PaymentBatch.state,
            PaymentBatch.execution_on,
            PaymentBatch.total_cents,
            Person.name,
            PaymentBatch.id,
        )
        .join(Person, Person.id == PaymentBatch.prepared_by_id)
        .where(*in_funds(funds))
    )
    return [BatchLine(*row) for row in session.execute(newest_first(query, PaymentBatch.id, before))]


# --- one batch --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One payment of a batch, as the approver must check it.

    changed: the account is other than when the money was awarded; then who entered it, who called whom and when.
    holder: as the bank knows the payee, where that is spelled differently.
    """

    id: int
    application_ref: str
    name: str
    iban: str
    purpose: str
    cents: int
    state: str
    end_to_end_id: str
    returned_why: str | None
    changed: bool
    holder: str | None
    entered_by: str | None
    confirmed_by: str | None
    called_name: str | None
    called_number: str | None
    called_at: datetime | None

    @property
    def iban_shown(self) -> str:
        """The account number in groups of four."""
        return in_fours(self.iban)

    @property
    def purpose_label(self) -> Text:
        """What it is for."""
        return Purpose(self.purpose).label

    @property
    def state_look(self) -> Look:
        """What the bank did with it."""
        return _ORDER_STATES[OrderState(self.state)]

    @property
    def returned(self) -> Text | None:
        """Why the bank sent it back."""
        return None if self.returned_why is None else return_reason(self.returned_why)


_ORDER_STATES = {
    OrderState.PENDING: Look(Text("Nog geen antwoord", "No answer yet"), Tone.NEUTRAL, "clock"),
    OrderState.PAID: Look(Text("Betaald", "Paid"), Tone.POSITIVE, "check"),
    OrderState.RETURNED: Look(Text("Teruggekomen", "Returned"), Tone.NEGATIVE, "return"),
    OrderState.DROPPED: Look(Text("Vervallen", "Dropped"), Tone.NEUTRAL, "dash"),
}


def batch_orders(session: Session, batch_id: int, *, after: int | None = None) -> list[OrderLine]:
    """Return the payments of a batch, in its order, with who checked the account; one more than a page. One query."""
    entered, confirmed = aliased(Person), aliased(Person)
    account = (
        select(func.max(BankAccount.id))
        .where(
            BankAccount.board_number == Application.board_number,
            BankAccount.iban == PaymentOrder.iban,
            BankAccount.confirmed_at.is_not(None),
        )
        .correlate(Application, PaymentOrder)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        select(
            PaymentOrder.id,
            Application.ref,
            PaymentOrder.name,
            PaymentOrder.iban,
            Instalment.purpose,
            PaymentOrder.cents,
            PaymentOrder.state,
            PaymentOrder.end_to_end_id,
            PaymentOrder.returned_why,
            PaymentOrder.iban != Award.iban,
            func.nullif(BankAccount.holder, PaymentOrder.name),
            entered.name,
            confirmed.name,
            BankAccount.called_name,
            BankAccount.called_number,
            BankAccount.called_at,
        )
        .join(Application, Application.id == PaymentOrder.application_id)
        .join(Instalment, Instalment.id == PaymentOrder.instalment_id)
        .join(Award, Award.application_id == Application.id)
        .outerjoin(BankAccount, BankAccount.id == account)
        .outerjoin(entered, entered.id == BankAccount.entered_by_id)
        .outerjoin(confirmed, confirmed.id == BankAccount.confirmed_by_id)
        .where(PaymentOrder.batch_id == batch_id, PaymentOrder.id > (after or 0))
        .order_by(PaymentOrder.id)
        .limit(ORDERS + 1)
    )
    return [OrderLine(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class BatchTotals:
    """What a batch comes to: how many payments, and cents by tranche. dropped ones left out."""

    payments: int
    tranches: list[tuple[str, int]]


def batch_totals(session: Session, batch_id: int) -> BatchTotals:
    """Return the totals of a batch. One query."""
    rows = session.execute(
        select(Tranche.ref, func.count(), func.sum(PaymentOrder.cents))
        .join(Tranche, Tranche.id == PaymentOrder.tranche_id)
        .where(PaymentOrder.batch_id == batch_id, PaymentOrder.state != OrderState.DROPPED)
        .group_by(Tranche.ref)
        .order_by(Tranche.ref)
    ).all()
    return BatchTotals(sum(count for _, count, _ in rows), [(ref, int(cents)) for ref, _, cents in rows])


def names(session: Session, *person_ids: int | None) -> dict[int, str]:
    """Return the names of these people by id. One query."""
    wanted = {one for one in person_ids if one is not None}
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))).all())
