"""Reads DUO's directory files as they are published, of today and of years ago.

Semicolons or commas, quoted or not; UTF-8 (with or without a byte order mark) or windows-1252; the column names of 2021
and of 2026, in any order; a single space for "empty". A file is good as a whole or refused as a whole, with the name of
the file, the line and the column in one sentence.

The sector is known by the columns: ONDERWIJSSTRUCTUUR has only the secondary file, SOORT PRIMAIR ONDERWIJS only the
special one. The primary file has no column of its own, so it may have no column that is unknown here: a directory of
something else must not pass for one of primary schools. In the other two a column that DUO adds is passed over.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.register import (
    RECORD_FIELDS,
    SPECIAL_KINDS,
    Level,
    RegionMap,
    RegisterFile,
    SchoolRecord,
    Sector,
    find_fault,
    sub_region_key,
)
from fundapp.domain.text import Text, same

DATA = Path(__file__).resolve().parents[1] / "data" / "register"
REGION_FILE = DATA / "gemeente-subregio.csv"
LARGEST = 64 * 1024 * 1024
"""Bytes. The whole country's primary schools are 2 MB."""

OLD_NAMES: Mapping[str, str] = {"BRIN NUMMER": "INSTELLINGSCODE", "VESTIGINGSNUMMER": "VESTIGINGSCODE"}
"""The column names of 2021, and what they are called now."""

COLUMN_OF: Mapping[str, str] = {
    "code": "VESTIGINGSCODE",
    "board_number": "BEVOEGD GEZAG NUMMER",
    "name": "VESTIGINGSNAAM",
    "street": "STRAATNAAM",
    "house_number": "HUISNUMMER-TOEVOEGING",
    "postcode": "POSTCODE",
    "place": "PLAATSNAAM",
    "municipality_number": "GEMEENTENUMMER",
    "municipality_name": "GEMEENTENAAM",
    "province": "PROVINCIE",
    "denomination": "DENOMINATIE",
    "website": "INTERNETADRES",
}
"""Record field → column that every file must have."""

OPTIONAL_COLUMN_OF: Mapping[str, str] = {
    "correspondence_street": "STRAATNAAM CORRESPONDENTIEADRES",
    "correspondence_house_number": "HUISNUMMER-TOEVOEGING CORRESPONDENTIEADRES",
    "correspondence_postcode": "POSTCODE CORRESPONDENTIEADRES",
    "correspondence_place": "PLAATSNAAM CORRESPONDENTIEADRES",
}
"""Record field → column that may be absent; then what is known stays."""

INSTITUTION = "INSTELLINGSCODE"
SPECIAL_KIND = "SOORT PRIMAIR ONDERWIJS"
STRUCTURE_COLUMN: Mapping[Sector, str] = {Sector.SECONDARY: "ONDERWIJSSTRUCTUUR", Sector.SPECIAL: "ONDERWIJS"}
PASSED_OVER = frozenset(
    {"TELEFOONNUMMER", "VAKANTIEREGIO"}
    | {
        f"{area} {what}"
        for area in ("NODAAL GEBIED", "RPA-GEBIED", "WGR-GEBIED", "COROPGEBIED", "ONDERWIJSGEBIED", "RMC-REGIO")
        for what in ("CODE", "NAAM")
    }
)
PRIMARY_COLUMNS = frozenset(COLUMN_OF.values()) | frozenset(OPTIONAL_COLUMN_OF.values()) | {INSTITUTION} | PASSED_OVER

_CONTROL = frozenset(chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))) | {"\ufffd"}
"""What no text of DUO holds: control characters, and the sign that stands for a letter that was lost."""
_UTF8_LETTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in one file: its columns by place, and the sector that they tell."""

    header: Sequence[str]
    places: Mapping[str, int]
    sector: Sector

    def cell(self, cells: Sequence[str], column: str) -> str:
        """Return a row's text in a column, "" where the file lacks the column."""
        return cells[self.places[column]] if column in self.places else ""

    def written(self, column: str) -> str:
        """Return what the file itself calls a column."""
        return self.header[self.places[column]]


def read_file(path: Path) -> RegisterFile:
    """Read one directory file from disk. Raises Refused (register_file) as `parse` does, and when it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            _refuse(str(path), Text("is te groot voor een scholenbestand", "is too large for a school directory"))
        content = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        _refuse(str(path), Text(f"is niet te lezen ({reason})", f"cannot be read ({reason})"))
    return parse(str(path), content)


def parse(name: str, content: bytes) -> RegisterFile:
    """Read one directory file.

    name: what the file is called in a refusal. Raises Refused (register_file), kind INVALID, at the first thing that
    does not fit.
    """
    rows = _rows(name, _decode(name, content))
    line, header = next(rows)
    layout = _layout(name, line, header)
    records: dict[str, SchoolRecord] = {}
    for line, cells in rows:
        record = _record(name, line, cells, layout)
        if record.code in records:
            twice = Text(f"{record.code} staat twee keer in het bestand", f"{record.code} is in the file twice")
            _refuse(name, twice, line, layout.written(COLUMN_OF["code"]))
        records[record.code] = record
    if not records:
        _refuse(name, Text("heeft geen enkele school", "has no school at all"), line)
    return RegisterFile(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        sector=layout.sector,
        given=frozenset(
            field for field in RECORD_FIELDS if field in _ALWAYS or _column(field, layout) in layout.places
        ),
        records=tuple(records.values()),
    )


def read_regions(path: Path = REGION_FILE) -> RegionMap:
    """Read which municipality (gemeentenummer) lies in which sub-region (subregio). Raises Refused as `parse` does."""
    try:
        rows = _rows(str(path), _decode(str(path), path.read_bytes()))
    except OSError as problem:
        _refuse(str(path), same(problem.strerror or type(problem).__name__))
    line, header = next(rows)
    for column in ("gemeentenummer", "subregio"):
        if column not in header:
            _refuse(str(path), _MISSING.fill(column=column), line)
    number_at, region_at = header.index("gemeentenummer"), header.index("subregio")
    pairs = {cells[number_at]: cells[region_at] for _, cells in rows}
    return RegionMap(
        names={sub_region_key(region): region for region in pairs.values()},
        by_municipality={number: sub_region_key(region) for number, region in pairs.items()},
    )


def _decode(name: str, content: bytes) -> str:
    """Return the file's text. A file that is neither wholly UTF-8 nor windows-1252 is refused, not guessed at."""
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        _refuse(name, Text("is geen tekstbestand", "is not a text file"), line)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
    mixed = Text("tekens die geen UTF-8 of windows-1252 zijn", "characters that are not UTF-8 or windows-1252")
    lone = len(_HIGH_BYTE.findall(_UTF8_LETTER.sub(b"", content)))
    if len(_UTF8_LETTER.findall(content)) >= lone:  # UTF-8 that was damaged; as windows-1252 it would read MozaÃ¯ek
        _refuse(name, mixed, line)
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as problem:
        _refuse(name, mixed, content.count(b"\n", 0, problem.start) + 1)


def _rows(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the trimmed fields of each row that is not blank; the first is the header."""
    header = text.lstrip().split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(";", ",", key=header.count), strict=True)
    width = 0
    while True:
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error:
            broken = Text("de aanhalingstekens kloppen niet", "the quotation marks do not match")
            _refuse(name, broken, reader.line_num)
        if cells in ([], [""]):
            continue
        width = width or len(cells)
        if len(cells) != width:
            counts = (
                f"{len(cells)} velden, de kopregel heeft er {width}",
                f"{len(cells)} fields, the header has {width}",
            )
            _refuse(name, Text(*counts), reader.line_num)
        yield reader.line_num, cells
    if not width:
        _refuse(name, Text("is leeg", "is empty"))


def _layout(name: str, line: int, header: Sequence[str]) -> _Layout:
    columns = [OLD_NAMES.get(column, column) for column in header]
    known = frozenset(columns)
    for column in (INSTITUTION, *COLUMN_OF.values()):
        if column not in known:
            _refuse(name, _MISSING.fill(column=column), line)
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        _refuse(name, Text(f"de kolom {twice} staat er twee keer", f"the column {twice} is there twice"), line)
    special, secondary = SPECIAL_KIND in known, STRUCTURE_COLUMN[Sector.SECONDARY] in known
    if special and secondary:
        both = Text("speciaal en voortgezet onderwijs door elkaar", "columns of special and of secondary education")
        _refuse(name, both, line)
    places = {column: place for place, column in enumerate(columns)}
    if special or secondary:
        return _Layout(header, places, Sector.SPECIAL if special else Sector.SECONDARY)
    strange = next((column for column in columns if column not in PRIMARY_COLUMNS), None)
    if strange is not None:
        _refuse(name, Text(f"onbekende kolom {strange!r}", f"unknown column {strange!r}"), line)
    return _Layout(header, places, Sector.PRIMARY)


def _record(name: str, line: int, cells: Sequence[str], layout: _Layout) -> SchoolRecord:
    """Return the school of a row. Raises Refused for a row that is not one."""
    for column, place in layout.places.items():
        if not _CONTROL.isdisjoint(cells[place]):
            _refuse(
                name,
                Text("een teken dat geen letter is", "a character that is not a letter"),
                line,
                layout.written(column),
            )
    texts = {field: layout.cell(cells, _column(field, layout)) for field in _TEXT_FIELDS}
    if texts["municipality_number"]:
        texts["municipality_number"] = texts["municipality_number"].zfill(4)
    record = SchoolRecord(level=_level(name, line, cells, layout), **texts)
    fault = find_fault(record, layout.cell(cells, INSTITUTION))
    if fault is not None:
        reason = same("{found!r}: {reason}").fill(found=texts[fault.field], reason=fault.reason)
        _refuse(name, reason, line, layout.written(_column(fault.field, layout)))
    return record


def _level(name: str, line: int, cells: Sequence[str], layout: _Layout) -> Level:
    if layout.sector is not Sector.SPECIAL:
        return Level.PO if layout.sector is Sector.PRIMARY else Level.VO
    kind = layout.cell(cells, SPECIAL_KIND)
    if kind not in SPECIAL_KINDS:
        unknown = Text(f"onbekende soort {kind!r}", f"unknown kind {kind!r}")
        _refuse(name, unknown, line, SPECIAL_KIND)
    return SPECIAL_KINDS[kind]


def _column(field: str, layout: _Layout) -> str:
    """Return the column of a record field, in the names of 2026."""
    if field == "structure":
        return STRUCTURE_COLUMN.get(layout.sector, "")
    return COLUMN_OF.get(field) or OPTIONAL_COLUMN_OF[field]


def _refuse(name: str, reason: Text, line: int | None = None, column: str | None = None) -> Never:
    """Raise the one sentence that says which file, which line, which column, and what is wrong with it."""
    where_nl = name + (f", regel {line}" if line else "") + (f", {column}" if column else "")
    where_en = name + (f", row {line}" if line else "") + (f", {column}" if column else "")
    sentence = Text(
        f"{where_nl}: {reason.nl}. Er is niets ingelezen.",
        f"{where_en}: {reason.en}. Nothing was imported.",
    )
    raise Refused(Refusal("register_file", sentence, kind=Kind.INVALID))


_ALWAYS = frozenset({"level", "sub_region"})
_TEXT_FIELDS = tuple(field for field in RECORD_FIELDS if field not in _ALWAYS)
_MISSING = Text("de kolom {column} ontbreekt", "the column {column} is missing")
