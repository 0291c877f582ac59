"""The programme's progress report: rows of three columns (planned, reached, plans), per region or ambition."""

from __future__ import annotations

from enum import StrEnum

from fundapp.domain.text import Text


class RowFlag(StrEnum):
    """How a row relates to the period before."""

    NEW = "new"
    RUNNING = "running"
    CHANGED = "changed"
    FINISHED = "finished"
    MERGED = "merged"

    @property
    def label(self) -> Text:
        """The word on the page and in the report."""
        return {
            RowFlag.NEW: Text("nieuw", "new"),
            RowFlag.RUNNING: Text("loopt", "running"),
            RowFlag.CHANGED: Text("gewijzigd", "changed"),
            RowFlag.FINISHED: Text("afgerond", "finished"),
            RowFlag.MERGED: Text("samengevoegd", "merged"),
        }[self]


COLUMNS = (
    Text("Gepland", "Planned"),
    Text("Bereikt", "Reached"),
    Text("Plannen en wijzigingen", "Plans and changes"),
)
