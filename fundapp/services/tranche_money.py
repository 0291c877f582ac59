"""The money of a tranche: what stands in it, what moved, by year, and what that makes of bar, waterfall and closing.

Nothing here adds up cases or entries: balances and movements are kept by the database. Amounts in cents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal, select, text, union_all
from sqlalchemy.orm import Session

from fundapp.domain.ledger import OF_A_CASE, Account, Balances, Movement
from fundapp.domain.ledger_text import ACCOUNTS, MOVEMENTS
from fundapp.domain.text import Text
from fundapp.persistence.ledger import WHOLE_POT, TrancheBalance, TrancheMovement

FOR_SCHOOLS = frozenset(OF_A_CASE) - {Account.OFFERED, Account.RESERVED}
"""What is awarded or determined, in whatever stage."""

AT_SCHOOLS = frozenset({Account.PAID, Account.DETERMINED, Account.RECEIVABLE, Account.WRITTEN_OFF})
"""What schools have received."""

GROUPS: dict[str, tuple[Text, frozenset[Account]]] = {
    "voor_scholen": (Text("geld voor scholen", "money for schools"), FOR_SCHOOLS),
    "bij_scholen": (Text("geld bij scholen", "money with schools"), AT_SCHOOLS),
    "vastgesteld": (Text("vastgesteld", "determined"), frozenset({Account.DETERMINED, Account.PAYABLE})),
}
"""Accounts that one figure shows together, by their name in an address."""


def accounts_of(name: str) -> tuple[Text, frozenset[Account]] | None:
    """Return what a name in an address stands for: one account, or a group; None for nothing."""
    if name in GROUPS:
        return GROUPS[name]
    found = next((account for account in Account if account == name), None)
    return None if found is None else (ACCOUNTS[found], frozenset({found}))


def choices() -> list[tuple[str, Text]]:
    """Every name that `accounts_of` knows, with what it is called."""
    return [*((name, label) for name, (label, _) in GROUPS.items()), *((str(a), ACCOUNTS[a]) for a in Account)]


@dataclass(frozen=True, slots=True)
class Moved:
    """What one movement did to one account of a pot in one year."""

    pot: str
    year: int
    movement: Movement
    account: Account
    cents: int


@dataclass(frozen=True, slots=True)
class Pot:
    """A ceiling, of the whole or of a sub-region, and what stands in its accounts."""

    key: str
    balances: Balances

    @property
    def ceiling(self) -> int:
        """What was put in."""
        return -self.balances.get(Account.CEILING, 0)

    def of(self, *names: str) -> int:
        """What stands in these accounts together, by name."""
        return sum(self.balances.get(Account(name), 0) for name in names)

    @property
    def awarded(self) -> int:
        """What is bound to schools, in whatever stage."""
        return sum(self.balances.get(account, 0) for account in FOR_SCHOOLS)

    @property
    def free(self) -> int:
        """What is free."""
        return self.of(Account.AVAILABLE)


@dataclass(frozen=True, slots=True)
class Money(Pot):
    """What stands in a tranche, and in its sub-ceilings."""

    pots: tuple[Pot, ...] = ()

    @property
    def outside_bar(self) -> list[tuple[Text, int]]:
        """The accounts that are no part of the bar, where something stands in them."""
        out = (Account.OFFERED, Account.RESERVED, Account.RECEIVABLE, Account.WRITTEN_OFF, Account.CARRIED)
        return [(ACCOUNTS[a], self.balances[a]) for a in out if self.balances.get(a)]

    @property
    def adds_up(self) -> bool:
        """Whether all accounts together are nothing, as double entry demands."""
        return sum(self.balances.values()) == 0


def moneys(session: Session, tranche_ids: Collection[int]) -> dict[int, Money]:
    """Return the balances of tranches by id. One query."""
    found: dict[int, dict[str, Balances]] = {tranche_id: {WHOLE_POT: {}} for tranche_id in tranche_ids}
    rows = session.execute(
        select(TrancheBalance.tranche_id, TrancheBalance.pot, TrancheBalance.account, TrancheBalance.cents)
        .where(TrancheBalance.tranche_id.in_(tranche_ids))
        .order_by(TrancheBalance.pot)
    )
    for tranche_id, pot, account, cents in rows:
        found[tranche_id].setdefault(pot, {})[Account(account)] = cents
    return {
        tranche_id: Money(WHOLE_POT, pots.pop(WHOLE_POT), tuple(Pot(key, kept) for key, kept in pots.items()))
        for tranche_id, pots in found.items()
    }


@dataclass(frozen=True, slots=True)
class Movements:
    """All that moved in a tranche."""

    rows: tuple[Moved, ...]

    def sum(
        self,
        *,
        movement: Movement | None = None,
        accounts: Collection[Account] | None = None,
        year: int | None = None,
        until: int | None = None,
        pot: str = WHOLE_POT,
    ) -> int:
        """Add up what these did; None: all of them. until: up to and including a year."""
        return sum(
            row.cents
            for row in self.rows
            if row.pot == pot
            and (movement is None or row.movement == movement)
            and (accounts is None or row.account in accounts)
            and (year is None or row.year == year)
            and (until is None or row.year <= until)
        )

    @property
    def years(self) -> list[int]:
        """The years in which something moved, the first on top."""
        return sorted({row.year for row in self.rows})


def standing(session: Session, tranche_id: int) -> tuple[Money, Movements]:
    """Return what stands and what moved in a tranche, with its sub-ceilings. One query, as long as it has years."""
    kept, moved = TrancheBalance, TrancheMovement
    none = literal("")
    rows: Any = session.execute(
        union_all(
            select(kept.pot, literal(0).label("year"), none.label("movement"), kept.account, kept.cents).where(
                kept.tranche_id == tranche_id
            ),
            select(moved.pot, moved.year, moved.movement, moved.account, moved.cents).where(
                moved.tranche_id == tranche_id
            ),
        ).order_by(text("1"), text("2"))
    )
    pots: dict[str, Balances] = {WHOLE_POT: {}}
    found: list[Moved] = []
    for pot, year, movement, account, cents in rows:
        if movement:
            found.append(Moved(pot, year, Movement(movement), Account(account), cents))
        else:
            pots.setdefault(pot, {})[Account(account)] = cents
    whole = pots.pop(WHOLE_POT)
    return Money(WHOLE_POT, whole, tuple(Pot(key, kept) for key, kept in pots.items())), Movements(tuple(found))


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
    """Opening → movements → closing of some accounts together, in one year or over the whole life of a tranche.

    accounts: their name in an address. kept: what the balances say, over the whole life; it must equal `closing`.
    """

    title: Text
    closing_label: Text
    accounts: str
    opening: int
    rows: tuple[StatementRow, ...]
    kept: int | None

    @property
    def closing(self) -> int:
        """What the opening and the movements add up to."""
        return self.opening + sum(row.cents for row in self.rows)

    @property
    def agrees(self) -> bool:
        """Whether entries and balances say the same."""
        return self.kept is None or self.closing == self.kept


def _statement(title: Text, closing: Text, name: str, moved: Movements, money: Money, year: int | None) -> Statement:
    found = accounts_of(name)
    assert found is not None, name
    accounts = found[1]
    per_movement: dict[Movement, int] = defaultdict(int)
    opening = 0
    for row in moved.rows:
        if row.pot != WHOLE_POT or row.account not in accounts:
            continue
        if year is not None and row.year < year:
            opening += row.cents
        elif year is None or row.year == year:
            per_movement[row.movement] += row.cents
    rows = tuple(StatementRow(m, per_movement[m]) for m in Movement if per_movement.get(m))
    kept = sum(money.balances.get(account, 0) for account in accounts) if year is None else None
    return Statement(title, closing, name, opening, rows, kept)


def statements_of(moved: Movements, money: Money, year: int | None = None) -> tuple[Statement, ...]:
    """The statements of a tranche: free money, money bound to schools, money that schools have."""
    return tuple(
        _statement(title, closing, name, moved, money, year)
        for title, closing, name in (
            (Text("Vrij geld", "Free money"), Text("vrij", "free"), str(Account.AVAILABLE)),
            (
                Text("Geld voor scholen", "Money for schools"),
                Text("toegezegd of vastgesteld", "awarded or determined"),
                "voor_scholen",
            ),
            (Text("Geld bij scholen", "Money with schools"), Text("bij scholen", "with schools"), "bij_scholen"),
        )
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: from where it starts to where it ends (cents above nothing)."""

    label: Text
    cents: int
    start: int
    end: int
    total: bool = False


def waterfall(statement: Statement) -> tuple[Step, ...]:
    """Return a statement as steps: each begins where the one before it ended; the last is what is left."""
    steps: list[Step] = []
    stand = 0
    if statement.opening:
        stand = statement.opening
        steps.append(Step(Text("Beginstand", "Opening"), stand, 0, stand, total=True))
    for row in statement.rows:
        steps.append(Step(row.label, row.cents, stand, stand + row.cents))
        stand += row.cents
    steps.append(Step(Text("Nog vrij", "Still free"), stand, 0, stand, total=True))
    return tuple(steps)


def bar_parts(money: Money, moved: Movements) -> dict[str, int]:
    """The disjoint parts of the bar (cents). What is on its way belongs to the part that it was ordered from."""

    def of(movement: Movement, account: Account) -> int:
        return moved.sum(movement=movement, accounts={account})

    final_on_its_way = -(
        of(Movement.ORDER, Account.PAYABLE)
        + of(Movement.ORDER_UNDONE, Account.PAYABLE)
        + of(Movement.PAYMENT, Account.DETERMINED)
        + of(Movement.BOUNCE, Account.PAYABLE)
        + of(Movement.BOUNCE, Account.DETERMINED)
    )
    on_its_way = money.of(Account.IN_TRANSIT)
    return {
        "settled_paid": money.of(Account.DETERMINED),
        "settled_due": money.of(Account.PAYABLE) + final_on_its_way,
        "committed_paid": money.of(Account.PAID),
        "committed_due": money.of(Account.COMMITTED) + on_its_way - final_on_its_way,
        "free": money.free,
    }


def bar_queries(money: Money) -> dict[str, str]:
    """What the entries behind each part of the bar are asked with, after "?".

    While money is on its way, what is still to be paid stands in two accounts, and its part has no list of its own.
    """
    accounts = {"settled_paid": "determined", "committed_paid": "paid", "free": "available"}
    if not money.of(Account.IN_TRANSIT):
        accounts |= {"settled_due": "payable", "committed_due": "committed"}
    return {part: f"rekening={account}" for part, account in accounts.items()}


NEVER_AWARDED = (Text("Nooit toegekend", "Never awarded"), Text("plafond min toegekend", "ceiling minus awarded"))
AWARDED_AGAIN = (
    Text("Opnieuw toegekend", "Awarded again"),
    Text("vrijgevallen geld, voor de tweede keer toegekend", "released money, awarded a second time"),
)
"""What the ceiling minus all awards is called, with a hint; below zero where released money was awarded again."""


def unallocated_words(cents: int) -> tuple[Text, Text]:
    """Return the label and the hint for the ceiling minus all awards (cents)."""
    return NEVER_AWARDED if cents >= 0 else AWARDED_AGAIN


@dataclass(frozen=True, slots=True)
class Closing:
    """The closing figures of a tranche, in cents: ceiling = determined + unspent + written off.

    unallocated: the ceiling minus all that was ever awarded, so below zero where released money was awarded again.
    """

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
    def unallocated_words(self) -> tuple[Text, Text]:
        """What `unallocated` is called, with a hint."""
        return unallocated_words(self.unallocated)

    @property
    def adds_up(self) -> bool:
        """Whether the identity holds, both ways of reckoning what is unspent."""
        whole = self.determined + self.unspent + self.written_off
        return whole == self.ceiling and self.unspent == self.unallocated + self.released


def closing_figures(money: Money, moved: Movements) -> Closing:
    """Reckon the closing figures. released: of what was awarded, all that schools did not need in the end."""

    def free(movement: Movement) -> int:
        return moved.sum(movement=movement, accounts={Account.AVAILABLE})

    awarded = -free(Movement.AWARD)
    received_back = free(Movement.RECOVERY_RECEIVED) + free(Movement.SET_OFF)
    return Closing(
        ceiling=money.ceiling,
        awarded=awarded,
        determined=money.of(Account.DETERMINED),
        written_off=money.of(Account.WRITTEN_OFF),
        unspent=money.of(Account.AVAILABLE, Account.CARRIED),
        carried=money.of(Account.CARRIED),
        unallocated=money.ceiling - awarded,
        released=free(Movement.RELEASE) + received_back,
        received_back=received_back,
    )


# --- the figures on the board -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """One large number of the board. query: what its list of entries is asked with, after "?"."""

    label: Text
    cents: int
    query: str
    hint: Text | None = None


def figures(money: Money, moved: Movements) -> tuple[Figure, ...]:
    """The figures of the board, each with the entries that make it."""

    def free(movement: Movement) -> int:
        return moved.sum(movement=movement, accounts={Account.AVAILABLE})

    found = [
        Figure(Text("Plafond", "Ceiling"), money.ceiling, "rekening=ceiling"),
        Figure(
            Text("Voor scholen", "For schools"),
            money.awarded,
            "rekening=voor_scholen",
            Text("toegezegd of vastgesteld", "awarded or determined"),
        ),
        Figure(
            Text("Toegezegd", "Committed"),
            money.of(Account.COMMITTED),
            "rekening=committed",
            Text("nog niet betaald", "not paid yet"),
        ),
        Figure(
            Text("Betaald", "Paid"),
            money.of(*AT_SCHOOLS),
            "rekening=bij_scholen",
            Text("staat bij scholen", "stands with schools"),
        ),
        Figure(Text("Vastgesteld", "Determined"), money.of("determined", "payable"), "rekening=vastgesteld"),
        Figure(Text("Vrijgevallen", "Released"), free(Movement.RELEASE), "soort=release&rekening=available"),
        Figure(
            Text("Teruggekregen", "Recovered"),
            free(Movement.RECOVERY_RECEIVED),
            "soort=recovery_received&rekening=available",
        ),
        Figure(Text("Nog vrij", "Still free"), money.free, "rekening=available"),
    ]
    extra = (
        (Account.IN_TRANSIT, Text("Onderweg bij de bank", "On its way at the bank")),
        (Account.OFFERED, Text("Aangeboden", "Offered")),
        (Account.RESERVED, Text("Apart gezet", "Set apart")),
        (Account.CARRIED, Text("Overgedragen", "Carried over")),
    )
    if set_off := free(Movement.SET_OFF):
        found.insert(-1, Figure(Text("Verrekend", "Set off"), set_off, "soort=set_off&rekening=available"))
    found += [Figure(label, cents, f"rekening={a}") for a, label in extra if (cents := money.of(a))]
    return tuple(found)
