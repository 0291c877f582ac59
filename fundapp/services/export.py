"""Exports of the ledger: asked by staff of the fund, journaled, sent at once or made by the worker, kept for a week."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.export import AMOUNT, COLUMNS, KEPT, Form, State, safe_cell
from fundapp.domain.flow import Look
from fundapp.domain.money import decimal_euro
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.export import Export
from fundapp.persistence.fund import Fund, Tranche
from fundapp.persistence.people import Person
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import ledger_rows
from fundapp.services.closing_words import entry_sheet
from fundapp.services.journal import note
from fundapp.services.ledger_rows import Row, Scope
from fundapp.services.ports import FileStore, Spreadsheets
from fundapp.services.subject import missing

ROLES = (Role.FINANCE, Role.COORDINATOR)
"""Who exports, in which funds: those of their grants."""

PAGE = 30
TITLE = "Boekingen"


def ask(
    session: Session,
    *,
    fund_key: str,
    tranche_id: int | None,
    form: Form,
    first_on: date | None,
    last_on: date | None,
    actor: Actor,
    now: datetime,
) -> Export:
    """Keep and journal who exports what. The caller commits, and sends the file where the state says SENT.

    first_on, last_on: days in Amsterdam, both included. Raises Refused: NOT_FOUND for a fund of somebody else, INVALID
    for a period that ends before it begins.
    """
    if not actor.has(*ROLES, fund=fund_key):
        raise Refused(missing())
    if first_on is not None and last_on is not None and first_on > last_on:
        raise Refused(_BACKWARDS)
    row = Export(
        fund_key=fund_key,
        tranche_id=tranche_id,
        form=str(form),
        first_on=first_on,
        last_on=last_on,
        asked_at=now,
        asked_by_id=actor.id,
        state=State.SENT,
    )
    if ledger_rows.count_up_to(session, scope_of(row), form.large + 1) > form.large:
        row.state = State.WAITING
    session.add(row)
    session.flush()
    data = {
        "fund": fund_key,
        "tranche": tranche_id,
        "form": str(form),
        "first_on": first_on.isoformat() if first_on else None,
        "last_on": last_on.isoformat() if last_on else None,
    }
    note(session, actor, now, kind="export", subject_id=row.id, action="ask", data=data)
    session.flush()
    return row


_BACKWARDS = Refusal(
    "period_backwards",
    Text("De laatste dag ligt voor de eerste. Draai ze om.", "The last day is before the first. Change them round."),
    field="last_on",
    kind=Kind.INVALID,
)


def scope_of(row: Export) -> Scope:
    """Which entries an export holds."""
    return Scope(fund_key=row.fund_key, tranche_id=row.tranche_id, first_on=row.first_on, last_on=row.last_on)


def file_name(row: Export, ref: str | None) -> str:
    """What the file is called: boekingen, of what, from when."""
    parts = ["boekingen", ref or row.fund_key, *(f"{day:%Y-%m-%d}" for day in (row.first_on, row.last_on) if day)]
    return f"{'-'.join(parts)}.{row.form}"


# --- as a file --------------------------------------------------------------------------------------------------------


def csv_chunks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a CSV file: semicolons, UTF-8 with a mark, amounts as "-1234,56", and no cell that becomes a formula."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer, delimiter=";")
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        writer.writerow(_cells(row))
        if number % ledger_rows.PART == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    found = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return found


def _cells(row: Row) -> list[object]:
    local = row.at.astimezone(AMSTERDAM)
    cells = [safe_cell(cell) if isinstance(cell, str) else cell for cell in row.cells]
    cells[2], cells[3] = f"{local:%d-%m-%Y}", f"{local:%H:%M}"
    cells[AMOUNT] = str(decimal_euro(row.cents)).replace(".", ",")
    return cells


def chunks(session: Session, row: Export, spreadsheets: Spreadsheets) -> Iterator[bytes]:
    """Yield the file of an export, read in parts in the transaction of the session."""
    rows = ledger_rows.rows(session, scope_of(row))
    if Form(row.form) is Form.CSV:
        return csv_chunks(rows)
    return spreadsheets.workbook([entry_sheet(rows)], title=TITLE, made_at=row.asked_at)


# --- in the worker ----------------------------------------------------------------------------------------------------


def render_pending(
    make_session: Callable[[], Session], spreadsheets: Spreadsheets, files: FileStore, now: datetime
) -> int:
    """Make every export that waits; return how many were made. Safe to run twice, or by two at once."""
    with make_session() as session:
        waiting = session.scalars(select(Export.id).where(Export.state == State.WAITING).order_by(Export.id)).all()
    made = 0
    for export_id in waiting:
        with make_session() as session, unit_of_work(session):
            made += _render(session, export_id, spreadsheets, files, now)
    return made


def _render(session: Session, export_id: int, spreadsheets: Spreadsheets, files: FileStore, now: datetime) -> bool:
    row = session.scalar(
        select(Export).where(Export.id == export_id, Export.state == State.WAITING).with_for_update(skip_locked=True)
    )
    if row is None:
        return False
    try:
        stored = files.put(chunks(session, row, spreadsheets))
    except (ValueError, LookupError, ArithmeticError) as error:
        row.state, row.failure = State.FAILED, f"{type(error).__name__}: {error}"[:1000]
        return False
    row.state, row.sha256, row.expires_at = State.MADE, stored.sha256, now + KEPT
    return True


def expire(session: Session, files: FileStore, now: datetime) -> int:
    """Forget the files whose time is over; return how many exports expired. The caller commits."""
    gone = session.scalars(
        select(Export).where(Export.state == State.MADE, Export.expires_at < now).with_for_update(skip_locked=True)
    ).all()
    hashes = {row.sha256 for row in gone}
    for row in gone:
        row.state, row.sha256 = State.EXPIRED, None
    session.flush()
    kept = set(session.scalars(select(Export.sha256).where(Export.sha256.in_(hashes))))
    for sha256 in hashes - kept:
        if sha256 is not None:
            files.delete(sha256)
    return len(gone)


# --- for pages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One export in the list."""

    id: int
    fund: str
    tranche: str | None
    form: str
    first_on: date | None
    last_on: date | None
    state: str
    asked_at: datetime
    asked_by: str
    expires_at: datetime | None

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return State(self.state).look

    @property
    def ready(self) -> bool:
        """Whether its file can be fetched."""
        return self.state == State.MADE


def exports(session: Session, funds: Collection[str] | None, *, before: int | None = None) -> list[ExportLine]:
    """Return exports, the newest first; one more than a page when there are more. funds: None for all. One query."""
    query = (
        select(
            Export.id,
            Fund.name_nl,
            Tranche.ref,
            Export.form,
            Export.first_on,
            Export.last_on,
            Export.state,
            Export.asked_at,
            Person.name,
            Export.expires_at,
        )
        .join(Fund, Fund.key == Export.fund_key)
        .join(Person, Person.id == Export.asked_by_id)
        .outerjoin(Tranche, Tranche.id == Export.tranche_id)
        .order_by(Export.id.desc())
        .limit(PAGE + 1)
    )
    if funds is not None:
        query = query.where(Export.fund_key.in_(funds))
    if before is not None:
        query = query.where(Export.id < before)
    rows: Any = session.execute(query)
    return [ExportLine(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be exported: a fund, or one tranche of it. name: in the form and in the address."""

    name: str
    label: str
    fund_key: str
    tranche_id: int | None
    ref: str | None


def choices(session: Session, funds: Collection[str] | None) -> list[Choice]:
    """Return what somebody with these funds can export: the funds, each with its tranches. One query."""
    query = (
        select(Fund.key, Fund.name_nl, Tranche.id, Tranche.ref, Tranche.name)
        .join(Tranche, Tranche.fund_key == Fund.key)
        .order_by(Fund.name_nl, Tranche.opens_at, Tranche.id)
    )
    if funds is not None:
        query = query.where(Fund.key.in_(funds))
    found: list[Choice] = []
    for key, fund, tranche_id, ref, name in session.execute(query):
        if not found or found[-1].fund_key != key:
            found.append(Choice(f"fonds:{key}", f"{fund}: alle tranches", key, None, None))
        found.append(Choice(ref, f"{ref}, {name}", key, tranche_id, ref))
    return found


def fetch(session: Session, export_id: int, *, actor: Actor, now: datetime) -> tuple[Export, str | None]:
    """Return an export whose file is kept, and its tranche's reference; the journal tells who took it. Caller commits.

    Raises Refused(NOT_FOUND) for one of another fund, one that is not made yet, or one that is no longer kept.
    """
    found = session.execute(
        select(Export, Tranche.ref)
        .outerjoin(Tranche, Tranche.id == Export.tranche_id)
        .where(Export.id == export_id, Export.state == State.MADE, Export.expires_at >= now)
    ).one_or_none()
    if found is None or not actor.has(*ROLES, fund=found[0].fund_key):
        raise Refused(missing())
    note(session, actor, now, kind="export", subject_id=export_id, action="fetch", data={"sha256": found[0].sha256})
    return found[0], found[1]
