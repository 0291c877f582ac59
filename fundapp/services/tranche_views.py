"""Lists on the pages about a tranche: rounds, cases by their balances, entries behind a figure. Amounts in cents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from fundapp.domain import application, tranche
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.flow import Look
from fundapp.domain.ledger import Account, Movement
from fundapp.domain.ledger_text import ACCOUNTS, MOVEMENTS
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import WHOLE_POT, CaseBalance, LedgerEntry
from fundapp.persistence.register import School
from fundapp.services.tranche_money import AT_SCHOOLS, Money, Movements

PAGE = 50
"""Rows on one page of a list."""


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
    chosen = select(Application.id, Application.ref, Application.school_code, Application.state).where(
        Application.tranche_id == tranche_id, Application.state != application.State.DRAFT
    )
    if after is not None:
        chosen = chosen.where(Application.id > after)
    app = chosen.order_by(Application.id).limit(PAGE + 1).subquery("app")

    def standing(*accounts: Account) -> Any:
        return func.coalesce(func.sum(CaseBalance.cents).filter(CaseBalance.account.in_(accounts)), 0)

    stands = (
        select(
            standing(*sorted(AT_SCHOOLS)).label("paid"),
            standing(Account.DETERMINED, Account.PAYABLE).label("determined"),
            (standing(Account.COMMITTED, Account.PAYABLE, Account.IN_TRANSIT) - standing(Account.RECEIVABLE)).label(
                "balance"
            ),
        )
        .where(CaseBalance.application_id == app.c.id)
        .lateral("stands")
    )
    query = (
        select(app.c.id, app.c.ref, School.name, app.c.state, Award.cents, *stands.c)
        .join(School, School.code == app.c.school_code)
        .outerjoin(Award, Award.application_id == app.c.id)
        .join(stands, true())
        .order_by(app.c.id)
    )
    rows: Any = session.execute(query)
    return [CaseLine(*row[:5], *(int(cents) for cents in row[5:])) for row in rows]


def agree(money: Money, rows: Sequence[CaseLine]) -> bool:
    """Whether the cases, all of them, together hold what the tranche's balances say."""
    return sum(row.paid for row in rows) == money.of(*AT_SCHOOLS) and sum(row.determined for row in rows) == money.of(
        Account.DETERMINED, Account.PAYABLE
    )


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: of some accounts, of one kind, of one year (in Amsterdam) or up to and including one, of one
    sub-region, of one application (by reference). None: all."""

    accounts: frozenset[Account] | None = None
    movement: Movement | None = None
    year: int | None = None
    pot: str | None = None
    until: int | None = None
    case: str | None = None


def entries(session: Session, tranche_id: int, chosen: Filter, *, before: int | None = None) -> list[EntryLine]:
    """Return entries of a tranche, the newest first; one more than a page when there are more. One query."""
    entry = LedgerEntry
    query = (
        select(
            entry.id,
            entry.at,
            entry.journal_id,
            entry.movement,
            entry.account,
            entry.pot,
            Application.ref,
            entry.cents,
        )
        .outerjoin(Application, Application.id == entry.application_id)
        .where(*_where(tranche_id, chosen))
        .order_by(entry.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(entry.id < before)
    rows: Any = session.execute(query)
    return [EntryLine(*row) for row in rows]


def together(session: Session, tranche_id: int, chosen: Filter, moved: Movements) -> int:
    """Return what the entries are together. Of a whole tranche it is kept; those of one application are added up."""
    if chosen.case is None:
        return moved.sum(
            movement=chosen.movement,
            accounts=chosen.accounts,
            year=chosen.year,
            until=chosen.until,
            pot=chosen.pot or WHOLE_POT,
        )
    query = select(func.coalesce(func.sum(LedgerEntry.cents), 0)).join(Application)
    return int(session.execute(query.where(*_where(tranche_id, chosen))).scalar_one())


def _where(tranche_id: int, chosen: Filter) -> list[ColumnElement[bool]]:
    entry = LedgerEntry
    found = [entry.tranche_id == tranche_id]
    if chosen.accounts is not None:
        found.append(entry.account.in_(chosen.accounts))
    if chosen.movement is not None:
        found.append(entry.movement == chosen.movement)
    if chosen.year is not None:
        found.append(entry.at >= _new_year(chosen.year))
    if (last := chosen.year or chosen.until) is not None:
        found.append(entry.at < _new_year(last + 1))
    if chosen.pot is not None:
        found.append(entry.pot == chosen.pot)
    else:
        found.append(entry.movement != Movement.SUB_CEILING_SET)
    if chosen.case is not None:
        found.append(Application.ref == chosen.case)
    return found


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=AMSTERDAM).astimezone(UTC)
