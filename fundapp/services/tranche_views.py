"""What the pages about a tranche show: money from the ledger's balances, the movements behind it, its cases. Cents.

Nothing here adds up cases by hand: balances are read, and only compared with the sum of the entries and of the cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import application, tranche
from fundapp.domain.flow import Look
from fundapp.domain.ledger import OF_A_CASE, Account, Balances, Movement
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import WHOLE_POT, CaseBalance, LedgerEntry, TrancheBalance
from fundapp.persistence.register import School

PAGE = 50
"""Rows on one page of a list."""

MOVEMENTS = {
    Movement.CEILING_SET: Text("Plafond", "Ceiling"),
    Movement.SUB_CEILING_SET: Text("Deelplafond", "Sub-ceiling"),
    Movement.AWARD: Text("Toegekend", "Awarded"),
    Movement.RELEASE: Text("Vrijgevallen", "Released"),
    Movement.ORDER: Text("Opdracht aan de bank", "Ordered at the bank"),
    Movement.ORDER_UNDONE: Text("Opdracht ingetrokken", "Order undone"),
    Movement.PAYMENT: Text("Betaald", "Paid"),
    Movement.BOUNCE: Text("Teruggestuurd door de bank", "Returned by the bank"),
    Movement.DETERMINATION: Text("Eindbedrag vastgesteld", "Final amount determined"),
    Movement.RECOVERY_CLAIMED: Text("Teruggevraagd", "Asked back"),
    Movement.RECOVERY_RECEIVED: Text("Teruggekregen", "Received back"),
    Movement.SET_OFF: Text("Verrekend", "Set off"),
    Movement.WRITE_OFF: Text("Afgeboekt", "Written off"),
    Movement.CARRY_OVER: Text("Overgedragen", "Carried over"),
}
"""What each movement is called on pages."""

ACCOUNTS = {
    Account.CEILING: Text("plafond", "ceiling"),
    Account.AVAILABLE: Text("vrij", "free"),
    Account.COMMITTED: Text("toegezegd, niet betaald", "awarded, not paid"),
    Account.PAID: Text("voorschot betaald", "advance paid"),
    Account.PAYABLE: Text("vastgesteld, nog te betalen", "determined, still to pay"),
    Account.DETERMINED: Text("vastgesteld en betaald", "determined and paid"),
    Account.IN_TRANSIT: Text("onderweg bij de bank", "on its way at the bank"),
    Account.RECEIVABLE: Text("nog terug te krijgen", "still to come back"),
    Account.WRITTEN_OFF: Text("afgeboekt", "written off"),
    Account.CARRIED: Text("overgedragen", "carried over"),
}
"""What each account is called on pages."""

_WITH_SCHOOLS = frozenset({Account.PAID, Account.DETERMINED, Account.RECEIVABLE, Account.WRITTEN_OFF})

Sums = dict[tuple[Movement, Account], int]
"""Entries summed per movement and account, in cents."""


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement in a statement. cents: signed."""

    movement: Movement
    cents: int

    @property
    def label(self) -> Text:
        """What it is called."""
        return MOVEMENTS[self.movement]


@dataclass(frozen=True, slots=True)
class Statement:
    """Opening → movements → closing of some accounts together. kept: what the balances say; it must equal `closing`."""

    title: Text
    closing_label: Text
    rows: tuple[StatementRow, ...]
    kept: int

    @property
    def closing(self) -> int:
        """What the entries add up to."""
        return sum(row.cents for row in self.rows)

    @property
    def agrees(self) -> bool:
        """Whether entries and balances say the same."""
        return self.closing == self.kept


def _statement(title: Text, closing: Text, sums: Sums, balances: Balances, accounts: Collection[Account]) -> Statement:
    per_movement: dict[Movement, int] = defaultdict(int)
    for (movement, account), cents in sums.items():
        if account in accounts:
            per_movement[movement] += cents
    rows = tuple(StatementRow(m, per_movement[m]) for m in Movement if per_movement.get(m))
    return Statement(title, closing, rows, sum(balances.get(account, 0) for account in accounts))


def statements_of(sums: Sums, balances: Balances) -> tuple[Statement, ...]:
    """The statements of a tranche: free money, money bound to schools, money that schools have."""
    return (
        _statement(
            Text("Vrij geld", "Free money"), Text("Nog vrij", "Still free"), sums, balances, {Account.AVAILABLE}
        ),
        _statement(
            Text("Geld voor scholen", "Money for schools"),
            Text("Toegezegd of vastgesteld", "Awarded or determined"),
            sums,
            balances,
            frozenset(OF_A_CASE),
        ),
        _statement(
            Text("Geld bij scholen", "Money with schools"),
            Text("Bij scholen", "With schools"),
            sums,
            balances,
            _WITH_SCHOOLS,
        ),
    )


def movement_sums(session: Session, tranche_id: int) -> Sums:
    """Return the entries of a tranche summed per movement and account, sub-ceilings left out. One query."""
    rows = session.execute(
        select(LedgerEntry.movement, LedgerEntry.account, func.sum(LedgerEntry.cents))
        .where(LedgerEntry.tranche_id == tranche_id, LedgerEntry.movement != Movement.SUB_CEILING_SET)
        .group_by(LedgerEntry.movement, LedgerEntry.account)
    )
    return {(Movement(movement), Account(account)): int(cents) for movement, account, cents in rows}


# --- the money of a tranche -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pot:
    """A sub-ceiling: what it is, and what of it is free (cents)."""

    key: str
    ceiling: int
    free: int


@dataclass(frozen=True, slots=True)
class Money:
    """What stands in a tranche, by its balances."""

    balances: Balances
    pots: tuple[Pot, ...]

    @property
    def ceiling(self) -> int:
        """What was put in."""
        return -self.balances.get(Account.CEILING, 0)

    def of(self, *accounts: str) -> int:
        """What stands in these accounts together, by name."""
        return sum(self.balances.get(Account(account), 0) for account in accounts)

    @property
    def awarded(self) -> int:
        """What is bound to schools, in whatever stage."""
        return sum(self.balances.get(account, 0) for account in OF_A_CASE)

    @property
    def outside_bar(self) -> list[tuple[Text, int]]:
        """The accounts that are no part of the bar, where something stands in them."""
        out = (Account.RECEIVABLE, Account.WRITTEN_OFF, Account.CARRIED)
        return [(ACCOUNTS[a], self.balances[a]) for a in out if self.balances.get(a)]

    @property
    def adds_up(self) -> bool:
        """Whether all accounts together are nothing, as double entry demands."""
        return sum(self.balances.values()) == 0


def moneys(session: Session, tranche_ids: Collection[int]) -> dict[int, Money]:
    """Return the balances of tranches by id. One query."""
    whole: dict[int, Balances] = {tranche_id: {} for tranche_id in tranche_ids}
    pots: dict[int, dict[str, Balances]] = {tranche_id: {} for tranche_id in tranche_ids}
    rows = session.execute(
        select(TrancheBalance.tranche_id, TrancheBalance.pot, TrancheBalance.account, TrancheBalance.cents)
        .where(TrancheBalance.tranche_id.in_(tranche_ids))
        .order_by(TrancheBalance.pot)
    )
    for tranche_id, pot, account, cents in rows:
        target = whole[tranche_id] if pot == WHOLE_POT else pots[tranche_id].setdefault(pot, {})
        target[Account(account)] = cents
    return {
        tranche_id: Money(
            whole[tranche_id],
            tuple(
                Pot(key, -balances.get(Account.CEILING, 0), balances.get(Account.AVAILABLE, 0))
                for key, balances in pots[tranche_id].items()
            ),
        )
        for tranche_id in tranche_ids
    }


def bar_parts(money: Money, sums: Sums) -> dict[str, int]:
    """The disjoint parts of the bar (cents). What is on its way belongs to the part that it was ordered from."""

    def moved(movement: Movement, account: Account) -> int:
        return sums.get((movement, account), 0)

    final_on_its_way = -(
        moved(Movement.ORDER, Account.PAYABLE)
        + moved(Movement.ORDER_UNDONE, Account.PAYABLE)
        + moved(Movement.PAYMENT, Account.DETERMINED)
        + moved(Movement.BOUNCE, Account.PAYABLE)
        + moved(Movement.BOUNCE, Account.DETERMINED)
    )
    on_its_way = money.of(Account.IN_TRANSIT)
    return {
        "settled_paid": money.of(Account.DETERMINED),
        "settled_due": money.of(Account.PAYABLE) + final_on_its_way,
        "committed_paid": money.of(Account.PAID),
        "committed_due": money.of(Account.COMMITTED) + on_its_way - final_on_its_way,
        "free": money.of(Account.AVAILABLE),
    }


@dataclass(frozen=True, slots=True)
class Closing:
    """The closing figures of a tranche, in cents: ceiling = determined + unspent + written off."""

    ceiling: int
    awarded: int
    determined: int
    written_off: int
    unspent: int
    carried: int
    unallocated: int
    released: int
    received_back: int

    @property
    def adds_up(self) -> bool:
        """Whether the identity holds, both ways of reckoning what is unspent."""
        whole = self.determined + self.unspent + self.written_off
        return whole == self.ceiling and self.unspent == self.unallocated + self.released


def closing_figures(money: Money, sums: Sums) -> Closing:
    """Reckon the closing figures. released: of what was awarded, all that schools did not need in the end."""

    def moved(movement: Movement) -> int:
        return sums.get((movement, Account.AVAILABLE), 0)

    awarded = -moved(Movement.AWARD)
    received_back = moved(Movement.RECOVERY_RECEIVED) + moved(Movement.SET_OFF)
    return Closing(
        ceiling=money.ceiling,
        awarded=awarded,
        determined=money.of(Account.DETERMINED),
        written_off=money.of(Account.WRITTEN_OFF),
        unspent=money.of(Account.AVAILABLE, Account.CARRIED),
        carried=money.of(Account.CARRIED),
        unallocated=money.ceiling - awarded,
        released=moved(Movement.RELEASE) + received_back,
        received_back=received_back,
    )


# --- lists ------------------------------------------------------------------------------------------------------------


def tranches(session: Session, funds: Collection[str] | None, *, before: int | None = None) -> list[Tranche]:
    """Return tranches, the newest first; one more than a page when there are more. One query."""
    query = select(Tranche).order_by(Tranche.id.desc()).limit(PAGE + 1)
    if funds is not None:
        query = query.where(Tranche.fund_key.in_(funds))
    if before is not None:
        query = query.where(Tranche.id < before)
    return list(session.scalars(query))


def look_of(row: Tranche) -> Look:
    """How a tranche's state is shown."""
    return tranche.FLOW.look(row.state)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of a tranche, by its balances. paid: what the school received and kept; balance: still to pay (or, below
    zero, to come back)."""

    id: int
    ref: str
    school: str
    state: str
    awarded: int | None
    paid: int
    determined: int
    balance: int

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return application.FLOW.look(self.state)


def cases(session: Session, tranche_id: int, *, after: int | None = None) -> list[CaseLine]:
    """Return the cases of a tranche that were sent, by number; one more than a page when there are more. One query."""

    def standing(*accounts: Account) -> Any:
        return func.coalesce(func.sum(CaseBalance.cents).filter(CaseBalance.account.in_(accounts)), 0)

    query = (
        select(
            Application.id,
            Application.ref,
            School.name,
            Application.state,
            Award.cents,
            standing(Account.PAID, Account.DETERMINED, Account.RECEIVABLE, Account.WRITTEN_OFF),
            standing(Account.DETERMINED, Account.PAYABLE),
            standing(Account.COMMITTED, Account.PAYABLE, Account.IN_TRANSIT) - standing(Account.RECEIVABLE),
        )
        .join(School, School.code == Application.school_code)
        .outerjoin(Award, Award.application_id == Application.id)
        .outerjoin(CaseBalance, CaseBalance.application_id == Application.id)
        .where(Application.tranche_id == tranche_id, Application.state != application.State.DRAFT)
        .group_by(Application.id, School.name, Award.cents)
        .order_by(Application.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        query = query.where(Application.id > after)
    rows: Any = session.execute(query)
    return [CaseLine(*row[:5], *(int(cents) for cents in row[5:])) for row in rows]


def case_sums(session: Session, tranche_id: int) -> Balances:
    """Return what stands in the accounts of all cases of a tranche together, to compare it with. One query."""
    rows = session.execute(
        select(CaseBalance.account, func.sum(CaseBalance.cents))
        .join(Application, Application.id == CaseBalance.application_id)
        .where(Application.tranche_id == tranche_id)
        .group_by(CaseBalance.account)
    )
    return {Account(account): int(cents) for account, cents in rows}


def agree(money: Money, of_cases: Balances) -> bool:
    """Whether the tranche's balances are those of its cases together."""
    return all(money.balances.get(account, 0) == of_cases.get(account, 0) for account in OF_A_CASE)


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of the ledger. cents: signed."""

    id: int
    at: datetime
    journal_id: int
    movement: str
    account: str
    pot: str
    case_ref: str | None
    cents: int

    @property
    def movement_label(self) -> Text:
        """What moved it."""
        return MOVEMENTS[Movement(self.movement)]

    @property
    def account_label(self) -> Text:
        """Where it was booked."""
        return ACCOUNTS[Account(self.account)]


def entries(
    session: Session, tranche_id: int, *, movement: Movement | None = None, before: int | None = None
) -> list[EntryLine]:
    """Return entries of a tranche, the newest first; one more than a page when there are more. One query."""
    query = (
        select(
            LedgerEntry.id,
            LedgerEntry.at,
            LedgerEntry.journal_id,
            LedgerEntry.movement,
            LedgerEntry.account,
            LedgerEntry.pot,
            Application.ref,
            LedgerEntry.cents,
        )
        .outerjoin(Application, Application.id == LedgerEntry.application_id)
        .where(LedgerEntry.tranche_id == tranche_id)
        .order_by(LedgerEntry.id.desc())
        .limit(PAGE + 1)
    )
    if movement is not None:
        query = query.where(LedgerEntry.movement == movement)
    if before is not None:
        query = query.where(LedgerEntry.id < before)
    rows: Any = session.execute(query)
    return [EntryLine(*row) for row in rows]
