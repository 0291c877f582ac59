"""Workbooks, read back by another library."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest
from openpyxl import load_workbook

from fundapp.adapters import spreadsheet
from fundapp.domain.outside import Column, Sheet

MADE = datetime(2025, 3, 14, 11, 0, tzinfo=UTC)
COLUMNS = (
    Column("Wat", width=30),
    Column("Aantal", "number"),
    Column("Bedrag (euro)", "euro"),
    Column("Dag", "date"),
    Column("Moment", "moment"),
)


def made(*sheets: Sheet) -> bytes:
    return b"".join(spreadsheet.workbook(sheets, title="Boekingen", made_at=MADE))


def read(content: bytes, name: str) -> list[list[Any]]:
    book = load_workbook(io.BytesIO(content))
    return [[cell.value for cell in row] for row in book[name].iter_rows()]


def test_each_cell_is_what_it_was() -> None:
    moment = datetime(2025, 7, 1, 10, 30, tzinfo=UTC)
    content = made(Sheet("Blad", COLUMNS, [("Robots", 3, -123_456, date(2025, 3, 14), moment), ("", 0, 5, None, None)]))
    assert read(content, "Blad") == [
        ["Wat", "Aantal", "Bedrag (euro)", "Dag", "Moment"],
        ["Robots", 3, -1234.56, datetime(2025, 3, 14), datetime(2025, 7, 1, 12, 30)],  # noqa: DTZ001  (as in Zeeland)
        ["", 0, 0.05, None, None],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+31", "-5", "@SUM(A1)", "\t=1", " =2", "＝3", '=HYPERLINK("http://x")'])
def test_no_text_becomes_a_formula_nor_a_link(text: str) -> None:
    content = made(Sheet("Blad", (Column("Wat"),), [(text,), ("https://example.org",)]))
    cells = [row[0] for row in load_workbook(io.BytesIO(content))["Blad"].iter_rows()]
    assert [cell.data_type for cell in cells] == ["s", "s", "s"]
    assert cells[1].value == text
    assert cells[1].quotePrefix
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"hyperlink" not in sheet


def test_the_same_input_gives_the_same_bytes() -> None:
    sheets = [Sheet("Blad", COLUMNS, [("Robots", 3, 5, None, MADE)])]
    assert made(*sheets) == made(*sheets)


def test_a_sheet_that_is_full_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 2)
    content = made(Sheet("Boekingen", (Column("Nr", "number"),), ([n] for n in range(5))))
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Boekingen", "Boekingen (2)", "Boekingen (3)"]
    assert [[row[0].value for row in book[name].iter_rows(min_row=2)] for name in book.sheetnames] == [
        [0, 1],
        [2, 3],
        [4],
    ]


def test_a_row_that_does_not_fit_its_columns_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        made(Sheet("Blad", COLUMNS, [("Robots",)]))
