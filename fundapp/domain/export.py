"""Exports of the ledger for the books of the lead applicant: their columns, and cells that are never formulas."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from fundapp.domain.flow import Look, Tone
from fundapp.domain.text import Text


class Form(StrEnum):
    """As what kind of file."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def label(self) -> Text:
        """What it is called on pages."""
        return _FORMS[self]

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA[self]

    @property
    def large(self) -> int:
        """From how many rows on the worker makes it: a page is not to be waited for."""
        return _LARGE[self]


_FORMS = {
    Form.CSV: Text("CSV (tekst met puntkomma's)", "CSV (text with semicolons)"),
    Form.XLSX: Text("XLSX (Excel, LibreOffice)", "XLSX (Excel, LibreOffice)"),
}
_MEDIA = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LARGE = {Form.CSV: 50_000, Form.XLSX: 5_000}


class State(StrEnum):
    """Where an export stands. SENT: it went straight to the person, and no file is kept."""

    SENT = "sent"
    WAITING = "waiting"
    MADE = "made"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def look(self) -> Look:
        """How it is shown."""
        return _LOOKS[self]


_LOOKS = {
    State.SENT: Look(Text("Meteen gedownload", "Downloaded at once"), Tone.POSITIVE, "done"),
    State.WAITING: Look(Text("Wordt gemaakt", "Being made"), Tone.WAITING, "clock"),
    State.MADE: Look(Text("Staat klaar", "Ready"), Tone.POSITIVE, "check"),
    State.FAILED: Look(Text("Mislukt", "Failed"), Tone.NEGATIVE, "cross"),
    State.EXPIRED: Look(Text("Niet meer bewaard", "No longer kept"), Tone.NEUTRAL, "stop"),
}

KEPT = timedelta(days=7)
"""How long a file that was made is kept."""

COLUMNS: tuple[str, ...] = (
    "Boekstuk",
    "Regel",
    "Datum",
    "Tijd",
    "Fonds",
    "Tranche",
    "Deelplafond",
    "Aanvraag",
    "School",
    "Soort boeking",
    "Rekening",
    "Bedrag (euro)",
    "Door",
    "Reden",
)
"""The columns of the ledger, in Dutch: the books are kept in Dutch. Boekstuk: the number of the journal row."""

AMOUNT = COLUMNS.index("Bedrag (euro)")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def begins_a_formula(text: str) -> bool:
    """Whether a spreadsheet could read a text as a formula."""
    return text.lstrip(" ").startswith(_FORMULA)


def safe_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet reads as a formula: a quote goes before what would begin one."""
    return f"'{text}" if begins_a_formula(text) else text
