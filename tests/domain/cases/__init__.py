"""Tables of worked cases."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class TermCase(NamedTuple):
    """One line of terms.txt; the arguments are those of `fundapp term`. due: a day, or a moment."""

    arguments: list[str]
    due: str
    paused_days: int
    shifted_days: int
    article: str
    why: str


def term_cases() -> list[TermCase]:
    """Read terms.txt."""
    lines = (Path(__file__).parent / "terms.txt").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    return [_case(*row) for row in rows]


def _case(typed: str, due: str, paused: str, shifted: str, article: str, why: str) -> TermCase:
    profile, started_on, length, *rest = typed.split()
    arguments = ["--profile", profile, "--from", started_on, "--length", length, *rest]
    return TermCase(arguments, due, int(paused), int(shifted), article, why)
