"""What a benchmark says, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    ours, floor: in `unit`; floor is None where there is none. goal: the least ratio ours ÷ floor where more is better,
    else the largest; without a floor it is about ours itself. None: only told.
    """

    name: str
    unit: str
    ours: float
    floor: float | None = None
    goal: float | None = None
    more_is_better: bool = True
    note: str = ""

    @property
    def measured(self) -> float:
        """What the goal is about."""
        return self.ours if self.floor is None else self.ours / self.floor

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None without one."""
        if self.goal is None:
            return None
        return self.measured >= self.goal if self.more_is_better else self.measured <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """The same for machines."""
        return asdict(self) | {"ratio": None if self.floor is None else self.measured, "met": self.met}


HEADS = ("benchmark", "unit", "ours", "floor", "ratio", "goal", "", "")


def as_table(figures: Iterable[Figure]) -> str:
    """Return the table as text."""
    rows = [HEADS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    lines = [
        "  ".join(_placed(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0].rstrip()), *lines[1:]])


def _placed(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if 2 <= column <= 5 else cell.ljust(width)


def _cells(figure: Figure) -> tuple[str, ...]:
    sign = "≥" if figure.more_is_better else "≤"
    return (
        figure.name,
        figure.unit,
        _number(figure.ours),
        "" if figure.floor is None else _number(figure.floor),
        "" if figure.floor is None else f"{figure.measured:.2f}",
        "" if figure.goal is None else f"{sign} {figure.goal:g}",
        {None: "", True: "met", False: "NOT MET"}[figure.met],
        figure.note,
    )


def _number(value: float) -> str:
    return (
        f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}" if value < 10 else f"{value:,.1f}"
    )
