"""Lists by key: `?na=<id>` goes on after that row, and no page is ever counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from flask import request

from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.services.subject import missing
from fundapp.web.access import Case, current_case

T = TypeVar("T")


def after() -> int | None:
    """The row after which this page of a list begins; None for the first page."""
    given = request.args.get("na", "")
    return int(given) if given.isdecimal() and len(given) < 19 else None


def cut(rows: Sequence[T], size: int) -> tuple[Sequence[T], str | None]:
    """Return one page of rows, and the address of the next one: None where this is the last.

    rows: one more than `size` where there are more; each has an `id`.
    """
    if len(rows) <= size:
        return rows, None
    shown = rows[:size]
    kept = [(name, value) for name, value in request.args.items() if name != "na"]
    query = "&".join(f"{name}={value}" for name, value in [*kept, ("na", str(shown[-1].id))])  # type: ignore[attr-defined]  # told above
    return shown, f"{request.path}?{query}"


def case_for(*roles: Role) -> Case:
    """The case of this page, for people who have one of these roles on it; for others it does not exist."""
    found = current_case()
    if not found.facts.roles & set(roles):
        raise Refused(missing())
    return found
