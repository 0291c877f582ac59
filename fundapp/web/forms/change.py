"""What a school types when something changes: one reader for each kind, and what the page shows again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fundapp.domain.change import PARTNER_KINDS, Kind, Project
from fundapp.domain.days import read_day
from fundapp.domain.money import plain_euro
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text, same
from fundapp.web.forms.application import Reader, Typed

Choices = list[tuple[str, Text]]


def read_change(kind: Kind, typed: Typed, reader: Reader) -> dict[str, Any]:
    """Return what is asked, as `domain.change` has it; the reader says what cannot be read."""
    return _READERS[kind](typed, reader)


def _position(typed: Typed, name: str) -> int | None:
    given = typed.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 5 else None


def _day(typed: Typed, name: str, reader: Reader) -> str | None:
    raw = typed.get(name, "")
    if not raw.strip():
        return None
    try:
        return read_day(raw, field=name).isoformat()
    except Refused as error:
        reader.refusals += error.refusals
        return None


def _shift(typed: Typed, reader: Reader) -> dict[str, Any]:
    cents = reader.amount(typed.get("amount", ""), "amount")
    return {"from": _position(typed, "source"), "to": _position(typed, "target"), "cents": cents or 0}


def _dates(typed: Typed, reader: Reader) -> dict[str, Any]:
    return {name: _day(typed, name, reader) for name in ("starts_on", "ends_on")}


def _partner(typed: Typed, reader: Reader) -> dict[str, Any]:
    name = reader.text(typed.get("name", ""), "name")
    code = typed.get("school_code", "").strip().upper()[:8].replace("\x00", "")
    kind = typed.get("kind", "")
    joins = {"kind": kind if kind in PARTNER_KINDS else "", "name": name, "school_code": code or None}
    return {"leaves": _position(typed, "leaves"), "joins": joins if name or code else None}


def _amount(typed: Typed, reader: Reader) -> dict[str, Any]:
    return {"cents": reader.amount(typed.get("amount", ""), "amount") or 0}


def _stop(typed: Typed, reader: Reader) -> dict[str, Any]:
    cents = reader.amount(typed.get("amount", ""), "amount")
    return {"on": _day(typed, "on", reader), "cents": -1 if cents is None else cents}


_READERS: Mapping[Kind, Callable[[Typed, Reader], dict[str, Any]]] = {
    Kind.SHIFT: _shift,
    Kind.DATES: _dates,
    Kind.PARTNER: _partner,
    Kind.AMOUNT: _amount,
    Kind.STOP: _stop,
}

FIELDS = (
    "source",
    "target",
    "amount",
    "starts_on",
    "ends_on",
    "leaves",
    "kind",
    "name",
    "school_code",
    "on",
    "explanation",
)
"""Every field of these forms: what the page that asks once more sends along."""


def shown(typed: Mapping[str, str], project: Project) -> dict[str, str]:
    """Return each field as the page shows it: as it was typed, else as the project stands."""
    stands = {
        "starts_on": f"{project.starts_on:%d-%m-%Y}" if project.starts_on else "",
        "ends_on": f"{project.ends_on:%d-%m-%Y}" if project.ends_on else "",
    }
    return {name: typed.get(name, stands.get(name, "")) for name in FIELDS}


def line_choices(project: Project) -> Choices:
    """The lines of the budget, with what stands on each."""
    first: Choices = [("", Text("Kies een regel", "Choose a line"))]
    return first + [(str(li.position), same(f"{li.description} (€ {plain_euro(li.budgeted)})")) for li in project.lines]


def partner_choices(project: Project) -> Choices:
    """Who may leave."""
    first: Choices = [("", Text("Niemand", "Nobody"))]
    return first + [(str(one.position), same(one.name)) for one in project.partners]


KIND_CHOICES: Choices = [("", Text("Kies wat het is", "Choose what it is")), *PARTNER_KINDS.items()]
