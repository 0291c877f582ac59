"""Receipts as files: what stands in one that may have been altered, and which part of a PDF a byte belongs to.

Not a PDF library: it reads what `documents.receipt_pdf` wrote (plain objects, one table of objects at the end).
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fundapp.domain.receipt import ATTACHED

_EMBEDDED = re.compile(rb"<<([^<>]*/Type/EmbeddedFile[^\n]*?)>>\s*stream\n(.*?)\nendstream", re.DOTALL)
_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)(?:\nendobj|$)", re.DOTALL)
_ENTRY = re.compile(rb"(\d{10}) \d{5} n")
_MARK = re.compile(rb"fondsloket-receipt:([A-Za-z0-9-]{1,60})/(\d{1,6})")
_REFERENCE = re.compile(rb"(\d+) 0 R")
_LARGEST = 50_000_000


def mark(ref: str, number: int) -> str:
    """Return what tells which receipt a PDF is: it stands in its metadata, in plain letters."""
    return f"fondsloket-receipt:{ref}/{number}"


def marked(content: bytes) -> tuple[str, int] | None:
    """Return which receipt this file says it is (reference, number of the submission), or None."""
    found = _MARK.search(content)
    return (found[1].decode(), int(found[2])) if found else None


def attested(content: bytes) -> dict[str, Any] | None:
    """Return the facts that are embedded in a receipt, whatever they are worth; None where they cannot be read."""
    found = _EMBEDDED.search(content)
    if found is None:
        return None
    try:
        raw = zlib.decompressobj().decompress(found[2], _LARGEST) if b"/FlateDecode" in found[1] else found[2]
        facts = json.loads(raw)
    except (zlib.error, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def altered_parts(made: bytes, given: bytes) -> list[tuple[str, int]]:
    """Return which parts of a PDF differ from the one that was made, each with its first byte that does (from 0).

    Bytes are compared place by place; where one file is longer, the first byte that only one of them has counts too.
    """
    places = [at for at, (a, b) in enumerate(zip(made, given, strict=False)) if a != b]
    if len(made) != len(given):
        places.append(min(len(made), len(given)))
    part_of = _parts(made)
    first: dict[str, int] = {}
    for name, found in groupby(places, key=part_of):
        first.setdefault(name, next(found))
    return list(first.items())


def _parts(made: bytes) -> Any:
    """Return a function from a place in the file to the name of the part that it is in."""
    table = made.rfind(b"\nxref\n")
    starts = sorted(int(entry[1]) for entry in _ENTRY.finditer(made, max(table, 0)))
    pages = dict(_pages(made))

    def part_of(place: int) -> str:
        if place >= len(made):
            return "the end of the file"
        if 0 <= table < place:
            return "the table of its objects"
        before = bisect_right(starts, place)
        if before == 0:
            return "the header"
        found = _OBJECT.match(made, starts[before - 1])
        return _name(int(found[1]), found[2], pages) if found else "its structure"

    return part_of


def _pages(made: bytes) -> Iterator[tuple[int, int]]:
    """Yield (number of an object, page from 1) for each page and what is drawn on it."""
    objects = {int(found[1]): found[2] for found in _OBJECT.finditer(made)}
    tree = next((body for body in objects.values() if body.startswith(b"<</Type/Pages")), b"")
    for number, kid in enumerate(_REFERENCE.findall(tree.partition(b"/Kids")[2]), 1):
        page = objects.get(int(kid), b"")
        yield int(kid), number
        for contents in re.findall(rb"/(?:Contents|Resources) (\d+) 0 R", page):
            yield int(contents), number


_KINDS = (
    (b"/Type/EmbeddedFile", f"the attached {ATTACHED}"),
    (b"/Type/Filespec", f"the name of the attached {ATTACHED}"),
    (b"/Type/Metadata", "the metadata"),
    (b"/Creator(", "the title, author and date"),
    (b"/Struct", "the tags for screen readers"),
    (b"/Type/Catalog", "the catalogue"),
    (b"/Font", "a font"),
    (b"/CMap", "a font"),
    (b"/Outlines", "the list of headings"),
    (b"/Dest", "the list of headings"),
)


def _name(number: int, body: bytes, pages: dict[int, int]) -> str:
    if number in pages:
        return f"page {pages[number]}"
    head = body.partition(b"stream\n")[0]
    return next((name for sign, name in _KINDS if sign in head), f"object {number}")
