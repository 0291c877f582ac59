"""The school register: what a site of a school is, and what a new edition of DUO's directory changes in it.

A site is known by its vestigingscode (six characters) and by nothing else: three schools share one address, schools are
renamed, and a school moves to another board while its code stays.

Coverage. A file says nothing about itself, so what it covers is read from its rows: its sector (by its columns) and the
provinces that occur in it. A school is closed when it is of that sector, stands in one of those provinces and is in
none of the files given together. Where the files of a sector hold all twelve provinces they are the whole country, and
a school of that sector is closed wherever it stands. A file that was cut down further than to whole provinces would
close too much: look at it with a dry run first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.text import Text


class Level(StrEnum):
    """The kind of education of a site, as the directory files tell it."""

    PO = "po"
    SBO = "sbo"
    SO = "so"
    VSO = "vso"
    SO_VSO = "so_vso"
    VO = "vo"
    MBO = "mbo"


class Sector(StrEnum):
    """What one directory file is about."""

    PRIMARY = "po"
    SPECIAL = "so"
    SECONDARY = "vo"


class Origin(StrEnum):
    """Who keeps a school up to date. Only a school that came from the directory is ever closed by it."""

    DIRECTORY = "directory"
    OWN = "own"


SECTOR_OF: Mapping[Level, Sector] = {
    Level.PO: Sector.PRIMARY,
    Level.SBO: Sector.SPECIAL,
    Level.SO: Sector.SPECIAL,
    Level.VSO: Sector.SPECIAL,
    Level.SO_VSO: Sector.SPECIAL,
    Level.VO: Sector.SECONDARY,
}

SPECIAL_KINDS: Mapping[str, Level] = {
    "SBAO": Level.SBO,
    "SBO": Level.SBO,
    "SO": Level.SO,
    "VSO": Level.VSO,
    "(V)SO": Level.SO_VSO,
    "SO/VSO": Level.SO_VSO,
}
"""`SOORT PRIMAIR ONDERWIJS` in the directory, and `SOORT_VESTIGING` in the pupil counts."""

PROVINCES = frozenset(
    {
        "drenthe",
        "flevoland",
        "friesland",
        "gelderland",
        "groningen",
        "limburg",
        "noord-brabant",
        "noord-holland",
        "overijssel",
        "utrecht",
        "zeeland",
        "zuid-holland",
    }
)
DEMO_PREFIX = "99"

CODE = re.compile(r"[0-9]{2}[A-Z]{2}[0-9]{2}")
BOARD_NUMBER = re.compile(r"[0-9]{5}")
POSTCODE = re.compile(r"[1-9][0-9]{3} (?!SA|SD|SS)[A-Z]{2}")
MUNICIPALITY_NUMBER = re.compile(r"[0-9]{4}")
_APOSTROPHES = re.compile("['’‘`´]")
_NOT_A_WORD = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True, slots=True)
class SchoolRecord:
    """One site as the directory describes it. Texts are exactly DUO's, without the spaces around them; empty is "".

    sub_region: the key of the sub-region that the municipality lies in, None outside the region.
    structure: ONDERWIJSSTRUCTUUR of a secondary site, ONDERWIJS of a special one.
    """

    code: str
    level: Level
    board_number: str
    name: str
    street: str
    house_number: str
    postcode: str
    place: str
    municipality_number: str
    municipality_name: str
    province: str
    denomination: str
    website: str
    structure: str = ""
    correspondence_street: str = ""
    correspondence_house_number: str = ""
    correspondence_postcode: str = ""
    correspondence_place: str = ""
    sub_region: str | None = None


RECORD_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(SchoolRecord))

FIELD_LABELS: Mapping[str, Text] = {
    "level": Text("soort onderwijs", "level"),
    "board_number": Text("bevoegd gezag", "school board"),
    "name": Text("naam", "name"),
    "street": Text("straat", "street"),
    "house_number": Text("huisnummer", "house number"),
    "postcode": Text("postcode", "postcode"),
    "place": Text("plaats", "place"),
    "municipality_number": Text("gemeentenummer", "municipality number"),
    "municipality_name": Text("gemeente", "municipality"),
    "province": Text("provincie", "province"),
    "denomination": Text("denominatie", "denomination"),
    "website": Text("website", "website"),
    "structure": Text("onderwijsstructuur", "structure"),
    "correspondence_street": Text("straat (postadres)", "street (postal address)"),
    "correspondence_house_number": Text("huisnummer (postadres)", "house number (postal address)"),
    "correspondence_postcode": Text("postcode (postadres)", "postcode (postal address)"),
    "correspondence_place": Text("plaats (postadres)", "place (postal address)"),
    "sub_region": Text("subregio", "sub-region"),
    "origin": Text("herkomst", "origin"),
}
"""What people call each field that an import can change."""


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """One directory file, read and found good.

    given: the names of the record fields that the file has a column for; what it does not give, it does not change.
    """

    name: str
    sha256: str
    sector: Sector
    given: frozenset[str]
    records: tuple[SchoolRecord, ...]

    @property
    def provinces(self) -> frozenset[str]:
        """The provinces that occur in the file, folded."""
        return frozenset(province_key(record.province) for record in self.records)


@dataclass(frozen=True, slots=True)
class RegionMap:
    """Which municipality (four-digit number) lies in which sub-region (key), and what the sub-regions are called."""

    names: Mapping[str, str]
    by_municipality: Mapping[str, str]

    def of(self, municipality_number: str) -> str | None:
        """Return the key of the sub-region, None for a municipality outside the region."""
        return self.by_municipality.get(municipality_number)


@dataclass(frozen=True, slots=True)
class KnownSchool:
    """A school as the register has it now."""

    record: SchoolRecord
    closed_on: date | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one school that differs: old is what the register had."""

    code: str
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import changes, codes in alphabetical order.

    unchanged: the number of rows that say what the register says already.
    untouched_demo: invented schools of our own whose code also stood in a file; they were left alone.
    """

    new: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    closed: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    unchanged: int = 0
    untouched_demo: tuple[str, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether the register differs after the import."""
        return bool(self.new or self.changed or self.closed or self.reopened)

    @property
    def changed_codes(self) -> tuple[str, ...]:
        """The schools that have a changed field, each once."""
        return tuple(dict.fromkeys(change.code for change in self.changed))

    @property
    def counts(self) -> dict[str, int]:
        """How many schools each part of the report is about."""
        return {
            "new": len(self.new),
            "changed": len(self.changed_codes),
            "closed": len(self.closed),
            "reopened": len(self.reopened),
            "unchanged": self.unchanged,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the report for programs: the shape of `fundapp schools import --json`."""
        return {
            "new": list(self.new),
            "changed": [{"code": c.code, "field": c.field, "old": c.old, "new": c.new} for c in self.changed],
            "closed": list(self.closed),
            "reopened": list(self.reopened),
            "unchanged": self.unchanged,
            "untouched_demo": list(self.untouched_demo),
        }


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What has to be written to get from the register as it is to what the files say.

    add: records of schools that are new. put: records of schools that change or open again. close: codes.
    """

    add: tuple[SchoolRecord, ...]
    put: tuple[SchoolRecord, ...]
    close: tuple[str, ...]
    report: ImportReport


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is not a school: the field of the record, and the reason."""

    field: str
    reason: Text


def fold(text: str) -> str:
    """Return the key that names are sorted and searched by: "'t Zonnetje Mozaïek" becomes "t zonnetje mozaiek"."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold())
    return _NOT_A_WORD.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).strip()


def province_key(name: str) -> str:
    """Return a province's name in the one spelling that provinces are compared in."""
    key = name.strip().casefold()
    return "friesland" if key in {"fryslân", "fryslan"} else key


def sub_region_key(name: str) -> str:
    """Return the key of a sub-region: "Zeeuws-Vlaanderen" becomes "zeeuws_vlaanderen"."""
    return fold(name).replace(" ", "_")


def is_demo(code: str) -> bool:
    """Return whether a code is of an invented school: DUO gives out no code that begins with 99."""
    return code.startswith(DEMO_PREFIX)


def amsterdam_day(moment: datetime) -> date:
    """Return the day that an aware moment falls on in the Netherlands."""
    return moment.astimezone(AMSTERDAM).date()


def find_fault(record: SchoolRecord, institution: str) -> Fault | None:
    """Return the first thing that is wrong with a row, None for a good one.

    institution: the row's INSTELLINGSCODE, which the code must begin with. An address may be empty, a postcode that is
    there must be one.
    """
    return next(_faults(record, institution), None)


def _faults(record: SchoolRecord, institution: str) -> Iterator[Fault]:
    if not CODE.fullmatch(record.code):
        yield Fault("code", Text("geen vestigingscode (zoals 99AA00)", "not a site code (such as 99AA00)"))
    if record.code[:4] != institution:
        yield Fault(
            "code",
            Text(
                f"begint niet met de instellingscode {institution}",
                f"does not begin with the institution's code {institution}",
            ),
        )
    if not BOARD_NUMBER.fullmatch(record.board_number):
        yield Fault("board_number", Text("geen nummer van vijf cijfers", "not a number of five digits"))
    for name in ("name", "province"):
        if not getattr(record, name):
            yield Fault(name, Text("is leeg", "is empty"))
    for name in ("postcode", "correspondence_postcode"):
        if getattr(record, name) and not POSTCODE.fullmatch(getattr(record, name)):
            yield Fault(name, Text("geen postcode (zoals 1234 AB)", "not a postcode (such as 1234 AB)"))
    if record.municipality_number and not MUNICIPALITY_NUMBER.fullmatch(record.municipality_number):
        yield Fault("municipality_number", Text("geen nummer van vier cijfers", "not a number of four digits"))


def find_duplicate(files: Iterable[RegisterFile]) -> tuple[RegisterFile, RegisterFile, str] | None:
    """Return the first code that stands in two of the files (or twice in one): earlier file, later file, code."""
    seen: dict[str, RegisterFile] = {}
    for file in files:
        for record in file.records:
            if record.code in seen:
                return seen[record.code], file, record.code
            seen[record.code] = file
    return None


def covered(files: Iterable[RegisterFile]) -> dict[Sector, frozenset[str] | None]:
    """Return what the files cover: for each sector the folded provinces, None for the whole country."""
    areas: dict[Sector, frozenset[str]] = {}
    for file in files:
        areas[file.sector] = areas.get(file.sector, frozenset()) | file.provinces
    return {sector: None if area >= PROVINCES else area for sector, area in areas.items()}


def compare(old: SchoolRecord, new: SchoolRecord) -> tuple[Change, ...]:
    """Return the fields in which two descriptions of one school differ, in the order of the record."""
    return tuple(
        Change(new.code, name, getattr(old, name), getattr(new, name))
        for name in RECORD_FIELDS
        if getattr(old, name) != getattr(new, name)
    )


def plan_import(known: Mapping[str, KnownSchool], files: Sequence[RegisterFile], regions: RegionMap) -> ImportPlan:
    """Return what the files change. No code may stand in them twice (`find_duplicate`).

    known: by code, at least every school of the files' sectors and every school whose code is in the files.
    """
    add: list[SchoolRecord] = []
    put: list[SchoolRecord] = []
    changed: list[Change] = []
    reopened: list[str] = []
    untouched: list[str] = []
    unchanged = 0
    rows = ((file, record) for file in files for record in file.records)
    for file, row in sorted(rows, key=lambda pair: pair[1].code):
        record = replace(row, sub_region=regions.of(row.municipality_number))
        old = known.get(record.code)
        if old is None:
            add.append(record)
            continue
        if is_demo(record.code) and old.origin is Origin.OWN:
            untouched.append(record.code)
            continue
        record = _keep_what_is_not_given(record, old.record, file.given)
        changes = _changes(old, record)
        changed.extend(changes)
        if old.closed_on is not None:
            reopened.append(record.code)
        if changes or old.closed_on is not None:
            put.append(record)
        else:
            unchanged += 1
    close = _to_close(known, files)
    report = ImportReport(
        new=tuple(record.code for record in add),
        changed=tuple(changed),
        closed=close,
        reopened=tuple(reopened),
        unchanged=unchanged,
        untouched_demo=tuple(untouched),
    )
    return ImportPlan(tuple(add), tuple(put), close, report)


def _keep_what_is_not_given(record: SchoolRecord, old: SchoolRecord, given: Collection[str]) -> SchoolRecord:
    kept = {name: getattr(old, name) for name in RECORD_FIELDS if name not in given and name != "sub_region"}
    return replace(record, **kept)


def _changes(old: KnownSchool, record: SchoolRecord) -> tuple[Change, ...]:
    """Return the differences; a school that we had entered ourselves becomes the directory's."""
    adopted = () if old.origin is Origin.DIRECTORY else (Change(record.code, "origin", old.origin, Origin.DIRECTORY),)
    return compare(old.record, record) + adopted


def _to_close(known: Mapping[str, KnownSchool], files: Sequence[RegisterFile]) -> tuple[str, ...]:
    areas = covered(files)
    present = {record.code for file in files for record in file.records}

    def is_covered(record: SchoolRecord) -> bool:
        sector = SECTOR_OF.get(record.level)
        if sector not in areas:
            return False
        area = areas[sector]
        return area is None or province_key(record.province) in area

    return tuple(
        sorted(
            code
            for code, school in known.items()
            if code not in present
            and school.closed_on is None
            and school.origin is Origin.DIRECTORY
            and is_covered(school.record)
        )
    )
