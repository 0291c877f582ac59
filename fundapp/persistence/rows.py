"""Rows that one act writes: many tables in one statement, while others wait for the lock.

The unit of work asks the database once for each table, after it has looked at every object to see what changed. An act
knows what it writes, so it says so in plain values; PostgreSQL takes them all at once and checks them as it checks any
row. The text of a statement depends on tables and columns only, so the server prepares it once.
"""

# ruff: noqa: S608  (the pieces of these statements are names of the models)
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Table, TextClause, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from fundapp.persistence.db import Base

Model = type[Base]
Part = tuple[str, Model, tuple[str, ...]]
"""One part of a statement: how it writes ("new" rows, "one" that changes, or "many"), its table, and the columns."""

FEW = 4
"""Up to so many changed rows are each looked up by key: a plan for one row. More are joined: a plan for many."""


@dataclass(slots=True)
class Rows:
    """New rows by table, and what changes in rows that are there, by table and key.

    Values are plain: what JSON has, and dates, aware moments, decimals and bytes.
    """

    new: dict[Model, list[dict[str, Any]]] = field(default_factory=dict)
    changed: dict[Model, dict[Any, dict[str, Any]]] = field(default_factory=dict)

    def add(self, model: Model, **values: Any) -> None:
        """Write a new row. A column that is left out gets its default; an id may be given (`next_id`)."""
        self.new.setdefault(model, []).append(_defaults(model) | values)

    def change(self, model: Model, key: Any, **values: Any) -> None:
        """Change columns of the row with this key; said twice, both count."""
        self.changed.setdefault(model, {}).setdefault(key, {}).update(values)


def gather(session: Session, rows: Rows) -> None:
    """Take over what waits in a session: what was added to it, and columns that changed.

    New objects leave the session, without the ids that the database gives them.
    """
    for one in list(session.new):
        model, held = _model(one), vars(one)
        given = {name: held[name] for name in _names(model) if name in held}
        if given.get("id", 0) is None:
            del given["id"]
        rows.add(model, **given)
        session.expunge(one)
    for one in list(session.dirty):
        model, state = _model(one), inspect(one)
        for name in [name for name in state.committed_state if name in _names(model)]:
            value = vars(one)[name]
            rows.change(model, state.identity[0], **{name: value})
            set_committed_value(one, name, value)


def _model(one: object) -> Model:
    assert isinstance(one, Base)
    return type(one)


@dataclass(frozen=True, slots=True)
class Hold:
    """What must be locked, and as it was read, for rows to be written.

    steps: SQL of common table expressions; the last is called `held`, locks, and finds nothing where it is not so.
    """

    steps: str
    values: Mapping[str, Any]


def write(session: Session, rows: Rows, hold: Hold | None = None) -> bool:
    """Write them all in one statement; return whether they were: not where `hold` finds nothing.

    Raises IntegrityError where the database refuses one of them.
    """
    parts = [*_new(rows), *_changed(rows)]
    if not parts:
        return True
    given = {f"p{n}": _JSON.encode(values) for n, (_, values) in enumerate(parts)}
    wanted = sum(map(len, rows.changed.values()))
    statement = _statement(tuple(part for part, _ in parts), hold.steps if hold else "")
    held, found = session.execute(statement, given | (dict(hold.values) if hold else {})).one()
    if not held:
        return False
    assert found == wanted, f"{wanted} rows to change, {found} found"
    return True


def _new(rows: Rows) -> list[tuple[Part, Any]]:
    """Rows of a table that give the same columns go together."""
    parts: dict[Part, list[dict[str, Any]]] = {}
    for model, added in rows.new.items():
        for values in added:
            parts.setdefault(("new", model, tuple(values)), []).append(values)
    return list(parts.items())


def _changed(rows: Rows) -> list[tuple[Part, Any]]:
    """Many rows of a table that change in the same columns go together."""
    alike: dict[tuple[Model, tuple[str, ...]], list[dict[str, Any]]] = {}
    for model, by_key in rows.changed.items():
        for key, values in by_key.items():
            alike.setdefault((model, tuple(values)), []).append({_key(model): key} | values)
    parts: list[tuple[Part, Any]] = []
    for (model, columns), found in alike.items():
        if len(found) > FEW:
            parts.append((("many", model, columns), found))
        else:
            parts += [(("one", model, columns), values) for values in found]
    return parts


@cache
def _statement(parts: tuple[Part, ...], steps: str) -> TextClause:
    there = "EXISTS (SELECT FROM held)" if steps else "true"
    made = [_written(f"p{n}", *part, where=there) for n, part in enumerate(parts)]
    counts = [f"(SELECT count(*) FROM p{n})" for n, (how, *_) in enumerate(parts) if how != "new"]
    return text(f"WITH {', '.join([steps, *made] if steps else made)} SELECT {there}, {' + '.join(counts) or '0'}")


def _written(name: str, how: str, model: Model, columns: Sequence[str], *, where: str) -> str:
    table, key = _table(model), _key(model)
    if how == "new":
        names = ", ".join(columns)
        own_id = " OVERRIDING SYSTEM VALUE" if key in columns and table.c[key].identity else ""
        rows = _read("jsonb_to_recordset", name, table, columns)
        return f"{name} AS (INSERT INTO {table.name} ({names}){own_id} SELECT {names} {rows} WHERE {where})"
    changes = ", ".join(f"{column} = r.{column}" for column in columns)
    rows = _read("jsonb_to_record" if how == "one" else "jsonb_to_recordset", name, table, (key, *columns))
    return (
        f"{name} AS (UPDATE {table.name} AS kept SET {changes} {rows} "
        f"WHERE kept.{key} = r.{key} AND {where} RETURNING 1)"
    )


def _read(function: str, name: str, table: Table, columns: Sequence[str]) -> str:
    typed = ", ".join(f"{column} {table.c[column].type.compile(_DIALECT)}" for column in columns)
    return f"FROM {function}(CAST(:{name} AS jsonb)) AS r ({typed})"


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


def _table(model: Model) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _key(model: Model) -> str:
    (column,) = _table(model).primary_key.columns
    return column.name


@cache
def _names(model: Model) -> tuple[str, ...]:
    return tuple(_table(model).columns.keys())


@cache
def _defaults(model: Model) -> dict[str, Any]:
    """The values that a model gives to columns which a row leaves out."""
    return {c.name: c.default.arg for c in _table(model).columns if isinstance(c.default, ScalarElementColumnDefault)}


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"no plain value: {value!r}")


_JSON = json.JSONEncoder(ensure_ascii=False, default=_plain)


def next_id(session: Session, model: Model) -> int:
    """Draw the id of a row that will be written, for others to refer to."""
    return int(session.execute(_next(model)).scalar_one())


@cache
def _next(model: Model) -> TextClause:
    return text(f"SELECT {drawn(model)}")


def drawn(model: Model) -> str:
    """SQL that draws an id, for a statement that is asked anyway."""
    return f"nextval(pg_get_serial_sequence('{_table(model).name}', '{_key(model)}'))"
