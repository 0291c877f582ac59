"""The ledger as rows for the books: one query, read in parts from a server-side cursor, the oldest entry first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.ledger import Account, Movement
from fundapp.domain.ledger_text import ACCOUNTS, MOVEMENTS
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Fund, Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.people import Person
from fundapp.persistence.register import School

PART = 2_000
"""Rows that are fetched at a time."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which entries: of a tranche, or else of a fund. first_on, last_on: days in Amsterdam, both included.

    journal_to: the newest journal row that counts. None: no bound.
    """

    fund_key: str | None = None
    tranche_id: int | None = None
    first_on: date | None = None
    last_on: date | None = None
    journal_to: int | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Add the conditions to a query on entries (and on their tranche, where it is of a fund)."""
        entry = LedgerEntry
        if self.tranche_id is not None:
            query = query.where(entry.tranche_id == self.tranche_id)
        elif self.fund_key is not None:
            query = query.where(
                entry.tranche_id.in_(select(Tranche.id).where(Tranche.fund_key == self.fund_key).scalar_subquery())
            )
        if self.first_on is not None:
            query = query.where(entry.at >= _midnight(self.first_on))
        if self.last_on is not None:
            query = query.where(entry.at < _midnight(self.last_on + timedelta(days=1)))
        if self.journal_to is not None:
            query = query.where(entry.journal_id <= self.journal_to)
        return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as the books want it. voucher: the journal row; line: of the posting in it. cents: signed."""

    voucher: int
    line: int
    at: datetime
    fund: str
    tranche: str
    pot: str
    case: str | None
    school: str | None
    movement: str
    account: str
    cents: int
    by: str | None
    reason: str

    @property
    def cells(self) -> tuple[object, ...]:
        """The cells under `domain.export.COLUMNS`; day and time apart, the amount in cents."""
        return (
            self.voucher,
            self.line,
            self.at,
            self.at,
            self.fund,
            self.tranche,
            self.pot or None,
            self.case,
            self.school,
            MOVEMENT_NAMES[self.movement],
            ACCOUNT_NAMES[self.account],
            self.cents,
            self.by or "het systeem",
            self.reason or None,
        )


MOVEMENT_NAMES = {str(movement): MOVEMENTS[movement].nl for movement in Movement}
ACCOUNT_NAMES = {str(account): ACCOUNTS[account].nl for account in Account}


def rows(session: Session, scope: Scope) -> Iterator[Row]:
    """Yield the entries of a scope, the oldest first; read in parts, in the transaction of the session."""
    for part in session.execute(_query(scope)).partitions():
        for found in part:
            yield Row(*found)


def count_up_to(session: Session, scope: Scope, most: int) -> int:
    """Return how many entries a scope has, but never look at more than `most` of them."""
    first = scope.narrow(select(LedgerEntry.id)).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(first)) or 0


def _query(scope: Scope) -> Select[Any]:
    entry = LedgerEntry
    query: Any = (
        select(
            entry.journal_id,
            entry.posting,
            entry.at,
            Fund.name_nl,
            Tranche.ref,
            entry.pot,
            Application.ref,
            School.name,
            entry.movement,
            entry.account,
            entry.cents,
            Person.name,
            Journal.reason,
        )
        .join(Journal, Journal.id == entry.journal_id)
        .join(Tranche, Tranche.id == entry.tranche_id)
        .join(Fund, Fund.key == Tranche.fund_key)
        .outerjoin(Application, Application.id == entry.application_id)
        .outerjoin(School, School.code == Application.school_code)
        .outerjoin(Person, Person.id == Journal.actor_id)
        .order_by(entry.id)
        .execution_options(yield_per=PART)
    )
    return scope.narrow(query)
