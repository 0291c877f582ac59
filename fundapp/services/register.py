"""Use cases of the school register: bring it up to date, find a school, search for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import ARRAY, any_, func, insert, literal, or_, select, tuple_, update
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from fundapp.adapters.register import read_regions
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.register import (
    RECORD_FIELDS,
    SECTOR_OF,
    ImportPlan,
    ImportReport,
    KnownSchool,
    Level,
    Origin,
    RegionMap,
    RegisterFile,
    SchoolRecord,
    amsterdam_day,
    find_duplicate,
    fold,
    plan_import,
)
from fundapp.domain.text import Text
from fundapp.persistence.register import RegisterImport, School, SchoolBoard, SubRegion

_ONE_IMPORT_AT_A_TIME = 7_201_001
"""The key of the advisory lock that imports take turns by."""

MOST_FOUND = 100
"""The largest number of schools that one search returns."""


def import_files(
    session: Session,
    rows: Sequence[RegisterFile],
    *,
    dry_run: bool,
    now: datetime,
    regions: RegionMap | None = None,
) -> ImportReport:
    """Bring the register up to date with directory files, all together; the caller commits (one unit of work).

    rows: files that were read and found good (`fundapp.adapters.register.read_file`). now: aware; a school that is gone
    is closed on its day in the Netherlands. regions: the sub-regions; by default those that come with the product.
    dry_run: only tell. Writes nothing when nothing changes. Objects of School that the session holds are refreshed.
    Raises Refused (register_duplicate) when one code stands in two of the files.
    """
    _refuse_duplicates(rows)
    regions = regions or read_regions()
    session.execute(select(func.pg_advisory_xact_lock(_ONE_IMPORT_AT_A_TIME)))
    plan = plan_import(_known(session, rows), rows, regions)
    if dry_run or not plan.report.changes_something:
        return plan.report
    save_sub_regions(session, regions)
    _write(session, plan, now)
    session.add(_minutes(rows, plan.report, now))
    session.flush()
    session.expire_all()
    return plan.report


def save_sub_regions(session: Session, regions: RegionMap | None = None) -> None:
    """Store the sub-regions that schools refer to, by default those that come with the product."""
    names = (regions or read_regions()).names
    if not names:
        return
    statement = upsert(SubRegion).values([{"key": key, "name": name} for key, name in names.items()])
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[SubRegion.key],
            set_={"name": statement.excluded.name},
            where=SubRegion.name != statement.excluded.name,
        )
    )


def find_school(session: Session, code: str) -> School | None:
    """Return the school with a vestigingscode (in any case, spaces around it), closed ones too; None when unknown."""
    return session.get(School, code.strip().upper())


def search_schools(
    session: Session, text: str, limit: int = 20, *, after: School | None = None, with_closed: bool = False
) -> Sequence[School]:
    """Return the schools whose name, place or code begins with a text, by name; all of them for an empty text.

    Diacritics, capitals and apostrophes do not matter. after: the last school of the page before (pages go by key,
    never by offset). limit: at most MOST_FOUND.
    """
    prefix = fold(text)
    if text.strip() and not prefix:
        return []
    query = select(School).order_by(School.name_key, School.code).limit(max(1, min(limit, MOST_FOUND)))
    if prefix:
        query = query.where(
            or_(
                School.name_key.like(f"{prefix}%"),
                School.place_key.like(f"{prefix}%"),
                School.code.like(f"{prefix.upper()}%"),
            )
        )
    if not with_closed:
        query = query.where(School.closed_on.is_(None))
    if after is not None:
        query = query.where(tuple_(School.name_key, School.code) > (after.name_key, after.code))
    return session.scalars(query).all()


def _refuse_duplicates(files: Sequence[RegisterFile]) -> None:
    found = find_duplicate(files)
    if found is None:
        return
    first, second, code = found
    where = Text(
        "{second}, VESTIGINGSCODE: {code} staat ook in {first}.", "{second}, VESTIGINGSCODE: {code} is in {first} too."
    )
    sentence = where.fill(second=second.name, code=code, first=first.name)
    then = Text("Geef elke school één keer. Er is niets ingelezen.", "Give each school once. Nothing was imported.")
    raise Refused(
        Refusal("register_duplicate", Text(f"{sentence.nl} {then.nl}", f"{sentence.en} {then.en}"), kind=Kind.INVALID)
    )


def _known(session: Session, files: Sequence[RegisterFile]) -> dict[str, KnownSchool]:
    """Return the register as far as the files can change it, in one query."""
    sectors = {file.sector for file in files}
    levels = [level.value for level, sector in SECTOR_OF.items() if sector in sectors]
    codes = [record.code for file in files for record in file.records]
    columns = [getattr(School, name) for name in RECORD_FIELDS]
    query = select(*columns, School.closed_on, School.origin).where(
        or_(School.level.in_(levels), School.code == any_(literal(codes, ARRAY(SqlText))))
    )
    return {row.code: _known_school(row._mapping) for row in session.execute(query)}  # noqa: SLF001  (its public name)


def _known_school(row: Mapping[Any, Any]) -> KnownSchool:
    values = {name: row[name] for name in RECORD_FIELDS}
    values["level"] = Level(values["level"])
    return KnownSchool(SchoolRecord(**values), row["closed_on"], Origin(row["origin"]))


def _write(session: Session, plan: ImportPlan, now: datetime) -> None:
    """Write a plan with one statement for each kind of change."""
    _save_boards(session, {record.board_number for record in (*plan.add, *plan.put)})
    if plan.add:
        session.execute(insert(School), [_values(record) for record in plan.add])
    if plan.put:
        session.execute(update(School), [_values(record) for record in plan.put])
    if plan.close:
        gone = School.code == any_(literal(list(plan.close), ARRAY(SqlText)))
        session.execute(update(School).where(gone).values(closed_on=amsterdam_day(now)))


def _save_boards(session: Session, numbers: Iterable[str]) -> None:
    rows = [{"number": number} for number in sorted(numbers)]
    if rows:
        session.execute(upsert(SchoolBoard).on_conflict_do_nothing(), rows)


def _values(record: SchoolRecord) -> dict[str, Any]:
    """Return the columns that the directory decides; `sub_region_override` is not one of them."""
    return {
        **asdict(record),
        "name_key": fold(record.name),
        "place_key": fold(record.place),
        "origin": Origin.DIRECTORY.value,
        "closed_on": None,
    }


def _minutes(files: Sequence[RegisterFile], report: ImportReport, now: datetime) -> RegisterImport:
    return RegisterImport(
        at=now,
        files=[
            {
                "name": PurePath(file.name).name,
                "sha256": file.sha256,
                "sector": file.sector.value,
                "rows": len(file.records),
                "provinces": sorted(file.provinces),
            }
            for file in files
        ],
        counts=report.counts,
        report=report.as_dict(),
    )
