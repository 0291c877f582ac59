"""Workbooks (XLSX) by XlsxWriter: row after row to a temporary file, so that a million of them need no memory.

This module itself satisfies `Spreadsheets`. Every text is written as text: what begins like a formula gets the mark by
which spreadsheets know that it is none, also when the cell is edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, cast

import xlsxwriter

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.export import begins_a_formula
from fundapp.domain.money import decimal_euro
from fundapp.domain.outside import ColumnKind, Sheet

__all__ = ["workbook"]

MOST_ROWS = 1_048_575
"""Rows below the heading that one sheet can hold; more go on in a second one."""

_CHUNK = 256 * 1024
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_LOOKS: dict[ColumnKind, dict[str, Any]] = {
    "text": {},
    "number": {"num_format": "0"},
    "euro": {"num_format": "#,##0.00"},
    "date": {"num_format": "dd-mm-yyyy"},
    "moment": {"num_format": "dd-mm-yyyy hh:mm"},
}


def workbook(sheets: Iterable[Sheet], *, title: str, made_at: datetime) -> Iterator[bytes]:
    """Yield an XLSX file in chunks. title, made_at (aware): in its properties. Equal input gives equal bytes."""
    with TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, **_SAFE})
        book.set_properties({"title": title, "created": made_at.astimezone(UTC).replace(tzinfo=None)})
        try:
            _Writer(book).write(sheets)
        finally:
            book.close()  # also after a mistake: it closes the temporary files of the sheets
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


class _Writer:
    """Writes sheets into one workbook, with the formats that they share."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._formats = {kind: book.add_format(look) for kind, look in _LOOKS.items()}
        self._quoted = book.add_format({"quote_prefix": True})

    def write(self, sheets: Iterable[Sheet]) -> None:
        """Write all sheets; one that is too long goes on in the next."""
        for sheet in sheets:
            rows, number = iter(sheet.rows), 1
            full = self._sheet(sheet, sheet.name, rows)
            while full:
                number += 1
                full = self._sheet(sheet, f"{sheet.name} ({number})", rows)

    def _sheet(self, sheet: Sheet, name: str, rows: Iterator[Sequence[object]]) -> bool:
        page = self._book.add_worksheet(name)
        page.freeze_panes(1, 0)
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, column.width)
            page.write_string(0, place, column.label, self._heading)
        writers = [self._writer(page, column.kind) for column in sheet.columns]
        line = 0
        for line, cells in enumerate(islice(rows, MOST_ROWS), 1):
            for place, (write, cell) in enumerate(zip(writers, cells, strict=True)):
                if cell is not None:
                    write(line, place, cell)
        return line == MOST_ROWS

    def _writer(self, page: Any, kind: ColumnKind) -> Callable[[int, int, Any], None]:
        look = self._formats[kind]

        def text(row: int, place: int, cell: object) -> None:
            words = str(cell)
            page.write_string(row, place, words, self._quoted if begins_a_formula(words) else None)

        def euro(row: int, place: int, cell: object) -> None:
            page.write_number(row, place, decimal_euro(cast("int", cell)), look)

        def number(row: int, place: int, cell: object) -> None:
            page.write_number(row, place, cast("int", cell), look)

        def day(row: int, place: int, cell: object) -> None:
            page.write_datetime(row, place, cast("date", cell), look)

        def moment(row: int, place: int, cell: object) -> None:
            local = cast("datetime", cell).astimezone(AMSTERDAM).replace(tzinfo=None)
            page.write_datetime(row, place, local, look)

        return {"text": text, "euro": euro, "number": number, "date": day, "moment": moment}[kind]
