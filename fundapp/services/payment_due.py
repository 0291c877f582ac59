"""What can be paid: the instalments whose time has come, in the funds that somebody pays for. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from fundapp.domain.payment import Condition, InstalmentState, OrderState, Purpose
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.sepa import payee_faults
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.payment import BankAccount, Instalment, PaymentHold, PaymentOrder
from fundapp.persistence.register import School
from fundapp.services.payment_hold import is_held

PAGE = 200
"""Payments on one page of the worklist."""


@dataclass(frozen=True, slots=True)
class DuePayment:
    """One line of the worklist. iban, name: where the board is paid, None where no account is confirmed.

    account_changed: other than when the money was awarded. returned_why: why the bank sent it back last time.
    """

    instalment_id: int
    number: int
    application_id: int
    application_ref: str
    fund_key: str
    tranche_id: int
    title: str
    iban: str | None
    name: str | None
    holder: str | None
    purpose: Purpose
    cents: int
    due_on: date
    account_changed: bool
    returned_why: str | None

    @property
    def problems(self) -> list[Refusal]:
        """What keeps the bank from paying it: to be mended at the account of the board."""
        if self.iban is None or self.name is None:
            return [Refusal("no_account", _NO_ACCOUNT, field=self.application_ref, kind=Kind.INVALID)]
        return payee_faults(self.name, self.iban, of=self.application_ref)

    @property
    def remittance(self) -> str:
        """What the board reads on its statement."""
        label = self.purpose.label.nl
        return f"{self.application_ref} {label}" + (f" {self.number}" if self._one_of_several else "")

    @property
    def _one_of_several(self) -> bool:
        return self.purpose is Purpose.ADVANCE and self.number > 1


def newest_account(board_number: Any) -> Any:
    """SQL: the account that a board is paid on, the newest that two people confirmed; for a lateral join."""
    return (
        select(BankAccount)
        .where(BankAccount.board_number == board_number, BankAccount.confirmed_at.is_not(None))
        .order_by(BankAccount.id.desc())
        .limit(1)
    )


def in_funds(funds: Collection[str] | None) -> ColumnElement[bool]:
    """SQL: an application of one of these funds; None: of any."""
    return true() if funds is None else Application.fund_key.in_(funds)


def _payable(funds: Collection[str] | None, *, today: date, until: date) -> Any:
    """SQL: what can be paid on a day, with the account of its board. `instalment` can be locked in it."""
    account = aliased(BankAccount, newest_account(Application.board_number).lateral())
    returned = (
        select(PaymentOrder.returned_why)
        .where(PaymentOrder.instalment_id == Instalment.id, PaymentOrder.state == OrderState.RETURNED)
        .order_by(PaymentOrder.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Instalment.id.label("instalment_id"),
            Instalment.number,
            Application.id.label("application_id"),
            Application.ref.label("application_ref"),
            Application.fund_key,
            Application.tranche_id,
            Application.title,
            account.iban,
            account.sepa_name.label("name"),
            account.holder,
            Instalment.purpose,
            Instalment.cents,
            Instalment.due_on,
            func.coalesce(account.iban != Award.iban, False).label("account_changed"),
            returned.label("returned_why"),
        )
        .join(Application, Application.id == Instalment.application_id)
        .join(Award, Award.application_id == Application.id)
        .outerjoin(account, true())
        .where(
            Instalment.state == InstalmentState.DUE,
            Instalment.payable_on <= until,
            in_funds(funds),
            ~is_held(Application.id, today),
        )
    )


def _as_due(rows: Sequence[RowMapping]) -> list[DuePayment]:
    return [DuePayment(**{**row, "purpose": Purpose(row["purpose"])}) for row in rows]


def due_payments(
    session: Session,
    funds: Collection[str] | None,
    *,
    today: date,
    until: date,
    after: tuple[date, int] | None = None,
) -> list[DuePayment]:
    """Return what can be paid on `until`, the first due first; one more than a page when there are more. One query.

    funds: None for all. after: (due_on, instalment id) of the last line of the page before.
    """
    query = _payable(funds, today=today, until=until).order_by(Instalment.due_on, Instalment.id).limit(PAGE + 1)
    if after is not None:
        query = query.where(tuple_(Instalment.due_on, Instalment.id) > after)
    return _as_due(session.execute(query).mappings().all())


def choose(
    session: Session, funds: Collection[str] | None, chosen: Collection[int] | None, *, today: date, until: date
) -> list[DuePayment]:
    """Return these instalments, or (None) all that can be paid, locked, in the order of their ids.

    One that meanwhile was ordered, held or dropped is not among them.
    """
    query = _payable(funds, today=today, until=until).order_by(Instalment.id).with_for_update(of=Instalment)
    if chosen is not None:
        query = query.where(Instalment.id == func.any(list(chosen)))
    return _as_due(session.execute(query).mappings().all())


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case on which a payment hold runs. cents: what would be paid to it otherwise, now or later."""

    application_ref: str
    title: str
    reason: str
    ends_on: date
    cents: int


def held_cases(session: Session, funds: Collection[str] | None, *, today: date) -> list[HeldCase]:
    """Return the cases to which nothing is paid now, the first to end on top; a page at most. One query."""
    rows = session.execute(
        select(
            Application.ref,
            func.concat(School.name, " · ", Application.title),
            PaymentHold.reason,
            PaymentHold.ends_on,
            func.coalesce(func.sum(Instalment.cents), 0),
        )
        .join(Application, Application.id == PaymentHold.application_id)
        .join(School, School.code == Application.school_code)
        .outerjoin(
            Instalment,
            and_(
                Instalment.application_id == Application.id,
                Instalment.state.in_([InstalmentState.DUE, InstalmentState.WAITING]),
                Instalment.condition != Condition.DETERMINATION,
            ),
        )
        .where(
            PaymentHold.ended_at.is_(None),
            PaymentHold.starts_on <= today,
            PaymentHold.ends_on >= today,
            in_funds(funds),
        )
        .group_by(PaymentHold.id, Application.id, School.code)
        .order_by(PaymentHold.ends_on, PaymentHold.id)
        .limit(PAGE)
    )
    return [HeldCase(*row) for row in rows]


def why_not(session: Session, missing: Collection[int], *, today: date, until: date) -> Refusal:
    """Return why an instalment that was chosen cannot be paid: held, not yet, or no longer due."""
    rows = session.execute(
        select(Application.ref, Instalment.state, Instalment.payable_on, is_held(Application.id, today).label("held"))
        .join(Application, Application.id == Instalment.application_id)
        .where(Instalment.id == func.any(list(missing)))
        .order_by(Instalment.id)
    ).all()
    for row in rows:
        if row.state == InstalmentState.DUE and row.held:
            return Refusal("held", _HELD.fill(ref=same(row.ref)), field="instalments")
        if row.state == InstalmentState.WAITING or (row.state == InstalmentState.DUE and row.payable_on > until):
            return Refusal("not_payable_yet", _NOT_YET.fill(ref=same(row.ref)), field="instalments")
    return Refusal("no_longer_due", _NO_LONGER, kind=Kind.STALE)


_NO_ACCOUNT = Text(
    "Van dit bestuur is geen rekening bevestigd. Vul die in bij Rekeningen.",
    "No account of this board was confirmed. Enter it under Bank accounts.",
)
_HELD = Text(
    "De betaling voor {ref} is aangehouden. Haal het vinkje weg, of hef eerst de aanhouding op.",
    "The payment for {ref} is on hold. Untick it, or lift the hold first.",
)
_NOT_YET = Text(
    "De betaling voor {ref} mag nog niet. Kies een latere betaaldag of haal het vinkje weg.",
    "The payment for {ref} cannot be made yet. Choose a later day of payment, or untick it.",
)
_NO_LONGER = Text(
    "Een van de betalingen staat niet meer open. Bekijk de lijst opnieuw.",
    "One of the payments is no longer due. Look at the list again.",
)
