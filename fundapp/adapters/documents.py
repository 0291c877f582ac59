"""Letters, receipts and reports as PDF: typst sets them, `templates/letters/` says how they look.

This module itself satisfies `Documents`. Every word goes in as data (JSON in `sys_inputs`), never as markup, so nothing
that a user typed is executed. The PDFs are tagged and follow PDF/UA-1 as far as typst checks. Only typst's own fonts
are used, so a letter looks the same on every machine, and equal input gives equal bytes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import typst

from fundapp.domain.money import euro
from fundapp.domain.outside import (
    Amounts,
    Block,
    Bullets,
    Facts,
    Heading,
    Letter,
    Paragraph,
    Receipt,
    Report,
    Signature,
    Table,
)
from fundapp.domain.receipt import ATTACHED

__all__ = ["letter_pdf", "receipt_pdf", "report_pdf"]

TEMPLATES = Path(__file__).parents[2] / "templates" / "letters"

MISSING = "□"
"""Stands for a sign that the fonts do not have, such as an emoji: a letter with a gap goes out, no letter does not."""

_NO_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed')
_STATUS = {"nl": "Stand", "en": "Status"}
_NUMBER = {"nl": "Nr.", "en": "No."}


def letter_pdf(letter: Letter) -> bytes:
    """Return a letter as PDF/UA-1; with `attached` facts as PDF/A-3a too, with the facts in `data.json`.

    Raises ValueError when a text has no place in the letter, such as an empty title.
    """
    data = {
        **_frame(letter.title, letter.sender_name, letter),
        "dateline": letter.dateline,
        "sender_lines": letter.sender_lines,
        "recipient": letter.recipient,
        "references": letter.references,
        "blocks": [_block(part) for part in letter.blocks],
        "attached": None if letter.attached is None else json.dumps(letter.attached, sort_keys=True),
    }
    return _pdf("_letter.typ", data, letter, archive=letter.attached is not None)


def receipt_pdf(receipt: Receipt) -> bytes:
    """Return a receipt as PDF/UA-1 and PDF/A-3a, with what it attests as an embedded file.

    Raises ValueError as `letter_pdf` does.
    """
    data = {
        **_frame(receipt.title, receipt.sender_name, receipt),
        "mark": receipt.mark,
        "sender_lines": receipt.sender_lines,
        "blocks": [_block(part) for part in receipt.blocks],
        "attached": json.dumps(receipt.attached, sort_keys=True),
        "file_name": ATTACHED,
    }
    return _pdf("_receipt.typ", data, receipt, archive=True)


def report_pdf(report: Report) -> bytes:
    """Return a progress report in three columns as PDF/UA-1, A4 landscape. Raises ValueError for an empty title."""
    data = {
        **_frame(report.title, report.subtitle, report),
        "subtitle": report.subtitle,
        "classification": report.classification,
        "columns": [_NUMBER[report.language], *report.columns, _STATUS[report.language]],
        "sections": [asdict(section) for section in report.sections],
    }
    return _pdf("_report.typ", data, report, archive=False)


def _frame(title: str, author: str, document: Letter | Receipt | Report) -> dict[str, Any]:
    if not title.strip():
        raise ValueError("a document needs a title: a screen reader says it first")
    made = document.made_at.utctimetuple()[:6]
    return {"title": title, "author": author, "language": document.language, "made": made}


def _block(block: Block | Table) -> dict[str, Any]:
    match block:
        case Heading(text):
            return {"kind": "heading", "text": text}
        case Paragraph(text):
            return {"kind": "paragraph", "text": text}
        case Bullets(items, numbered):
            return {"kind": "bullets", "items": items, "numbered": numbered}
        case Facts(title, rows):
            return {"kind": "facts", "title": title, "rows": rows}
        case Amounts(title, columns, rows, totals):
            shown = {"rows": _amount_rows(columns, rows), "totals": _amount_rows(columns, totals)}
            return {"kind": "amounts", "title": title, "columns": columns, **shown}
        case Signature(closing, lines):
            return {"kind": "signature", "closing": closing, "lines": lines}
        case Table(title, columns, rows):
            if any(len(row) != len(columns) for row in rows):
                raise ValueError(f"a row of {title!r} does not have {len(columns)} cells")
            return {"kind": "texts", "title": title, "columns": columns, "rows": rows}


def _amount_rows(
    columns: tuple[str, ...], rows: tuple[tuple[str, tuple[int | None, ...]], ...]
) -> list[tuple[str, list[str | None]]]:
    for label, amounts in rows:
        if len(amounts) != len(columns) - 1:
            raise ValueError(f"row {label!r} has {len(amounts)} amounts under {len(columns) - 1} columns")
    return [(label, [None if cents is None else euro(cents) for cents in amounts]) for label, amounts in rows]


def _pdf(template: str, data: dict[str, Any], document: Letter | Receipt | Report, *, archive: bool) -> bytes:
    facts = _printable(data)
    while True:
        try:
            return _typeset(template, facts, document, archive=archive)
        except typst.TypstError as error:
            if not (missing := _NO_GLYPH.search(error.message)):
                raise
            # Fonts lack whole scripts, so the 256 neighbours go with it: a page of Chinese takes a few rounds, not 500.
            pages = frozenset(ord(sign) >> 8 for sign in missing[1])
            poorer = _each_text(facts, partial(_without, pages=pages))
            if poorer == facts:
                raise
            facts = poorer


def _typeset(template: str, facts: Any, document: Letter | Receipt | Report, *, archive: bool) -> bytes:
    content = typst.compile(
        TEMPLATES / template,
        root=TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(facts, ensure_ascii=False, sort_keys=True)},
        pdf_standards=["ua-1", "a-3a"] if archive else ["ua-1"],
        timestamp=int(document.made_at.timestamp()),
    )
    assert isinstance(content, bytes)
    return content


def _printable(facts: Any) -> Any:
    """Control, formatting and unassigned signs have no shape, and one of them makes typst refuse the whole letter."""
    return _each_text(facts, lambda text: "".join(map(_shape, unicodedata.normalize("NFC", text))))


def _shape(sign: str) -> str:
    if sign in "\n\u00ad" or unicodedata.category(sign) not in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}:
        return sign
    return " " if sign in "\t\u2028\u2029" else ""


def _without(text: str, pages: frozenset[int]) -> str:
    return "".join(MISSING if ord(sign) >> 8 in pages else sign for sign in text)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item, change) for item in value]
    return value


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)
