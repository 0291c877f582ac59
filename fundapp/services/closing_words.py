"""The closing report in words and tables, from its facts alone: as a letter (PDF) and as sheets (XLSX). In Dutch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from fundapp.domain.ceiling import Kind
from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.export import COLUMNS
from fundapp.domain.money import euro
from fundapp.domain.outside import Amounts, Block, Column, Facts, Heading, Letter, Paragraph, Sheet
from fundapp.services.ledger_rows import Row
from fundapp.services.tranche_money import unallocated_words

Data = dict[str, Any]

PARTY_KINDS = {
    "own": "De scholen zelf",
    "school": "Andere scholen",
    "mbo": "Mbo-scholen",
    "company": "Bedrijven",
    "other": "Anderen",
}
"""Who pays with, as the report calls them."""


def letter_of(facts: Data, made_at: datetime) -> Letter:
    """Return the report as a letter to the lead applicant; the facts go along for machines."""
    ours = facts["sender"]
    return Letter(
        title=f"Slotrapport {facts['ref']}: {facts['name']}",
        language="nl",
        made_at=made_at,
        dateline=day_text(made_at.astimezone(AMSTERDAM).date()).nl,
        sender_name=ours["name"],
        sender_lines=(ours["payer"], facts["contact"]["email"]),
        recipient=(ours["payer"], "Financiën"),
        references=(
            ("Tranche", facts["ref"]),
            ("Sluiting", f"nr. {facts['number']}"),
            ("Fonds", facts["fund"]["name"]),
        ),
        blocks=tuple(_blocks(facts)),
        attached=facts,
    )


def _blocks(facts: Data) -> Iterator[Block]:
    yield from _opening(facts)
    yield from _figures(facts)
    yield from _ceilings(facts)
    yield from _cases(facts)
    yield from _co_financing(facts)


def _day(iso: str | None) -> str:
    return "–" if iso is None else day_text(datetime.fromisoformat(iso).astimezone(AMSTERDAM).date()).nl


def _opening(facts: Data) -> Iterator[Block]:
    yield Paragraph(
        f"Dit rapport hoort bij de sluiting van {facts['name']} op {_day(facts['closed_at'])}. "
        "Het verklaart elke cent van het plafond. Er kan niets meer worden geboekt."
    )
    rows = [
        ("Fonds", facts["fund"]["name"]),
        ("Tranche", f"{facts['ref']} ({facts['name']})"),
        ("Aanvragen kon", f"van {_day(facts['opens_at'])} tot en met {_day(facts['closes_at'])}"),
        ("Sluiten voorgesteld door", facts["proposed_by"] or "–"),
        ("Gesloten door", facts["closed_by"] or "–"),
    ]
    rows += [
        (
            f"Sluiting nr. {e['number']}",
            f"{_day(e['closed_at'])}, heropend op {_day(e['reopened_at'])} door {' en '.join(e['by'])}: {e['reason']}",
        )
        for e in facts["earlier"]
    ]
    yield Facts("Over deze sluiting", tuple(rows))


def _figures(facts: Data) -> Iterator[Block]:
    f = facts["figures"]
    yield Heading("Elke cent verklaard")
    yield Amounts(
        "Waar het plafond bleef",
        ("Wat", "Bedrag"),
        (
            ("Vastgesteld en betaald", (f["determined"],)),
            ("Niet besteed", (f["unspent"],)),
            ("Afgeboekt", (f["written_off"],)),
        ),
        (("Plafond", (f["ceiling"],)),),
    )
    never, why = unallocated_words(f["unallocated"])
    yield Amounts(
        "Waarom er geld over is",
        ("Wat", "Bedrag"),
        (
            (f"{never.nl} ({why.nl})", (f["unallocated"],)),
            ("Toegekend en vrijgevallen", (f["released"] - f["received_back"],)),
            ("Teruggekregen van scholen", (f["received_back"],)),
        ),
        (("Niet besteed", (f["unspent"],)),),
    )
    if facts["carried"]:
        yield Amounts(
            "Overgedragen geld",
            ("Overdracht", "Bedrag"),
            tuple((f"{c['ref']}: van {c['from']} naar {c['to']}", (c["cents"],)) for c in facts["carried"]),
        )
    for statement in facts["statements"]:
        yield Amounts(
            f"{statement['title']}: van beginstand naar eindstand",
            ("Mutatie", "Bedrag"),
            (("Beginstand", (0,)), *((label, (cents,)) for label, cents in statement["rows"])),
            ((f"Eindstand: {statement['closing_label']}", (statement["closing"],)),),
        )


def _ceilings(facts: Data) -> Iterator[Block]:
    yield Heading("Plafonds")
    yield Amounts(
        "Plafonds bij de sluiting",
        ("Plafond van", "Plafond", "Toegekend", "Vastgesteld", "Vrij"),
        tuple((p["name"], (p["ceiling"], p["awarded"], p["determined"], p["free"])) for p in facts["pots"]),
    )
    yield Facts("Welk plafond gold wanneer", tuple((_day(c["at"]), _change(c)) for c in facts["ceilings"]))


def _change(change: Data) -> str:
    what = f"{change['name']}: {Kind(change['kind']).label.nl.lower()}"
    if change["kind"] == Kind.EARLIER:
        return f"{what} ({change['about']}); geboekt plafond {euro(change['booked'])}"
    words = f"{what}, van {euro(change['before'])} naar {euro(change['after'])}"
    who = f" door {change['by']}" if change["by"] else ""
    return f"{words}{who}. {change['reason']}".strip() if change["reason"] else f"{words}{who}"


_CASE_AMOUNTS = (
    ("Toegekend", "awarded"),
    ("Vastgesteld", "determined"),
    ("Vrijgevallen", "released"),
    ("Terug", "received"),
    ("Afgeboekt", "written_off"),
)


def _cases(facts: Data) -> Iterator[Block]:
    yield Heading("Aanvragen")
    cases = facts["cases"]
    with_money = [case for case in cases if case["awarded"]]
    without = len(cases) - len(with_money)
    if with_money:
        yield Amounts(
            "Aanvragen met geld van het fonds",
            ("Aanvraag", *(label for label, _ in _CASE_AMOUNTS)),
            tuple((f"{c['ref']} {c['school']}", tuple(c[key] for _, key in _CASE_AMOUNTS)) for c in with_money),
            (("Samen", tuple(sum(c[key] for c in with_money) for _, key in _CASE_AMOUNTS)),),
        )
        yield _bank(with_money)
    if without:
        yield Paragraph(
            f"Daarnaast {'was er 1 aanvraag' if without == 1 else f'waren er {without} aanvragen'} zonder toekenning. "
            "Die staan in het rekenblad."
        )


def _bank(cases: list[Data]) -> Amounts:
    paid, back, received = (sum(c[key] for c in cases) for key in ("paid", "came_back", "received"))
    return Amounts(
        "Wat de bank deed",
        ("Wat", "Bedrag"),
        (
            ("Betaald aan scholen", (paid,)),
            ("Teruggestuurd door de bank", (-back,)),
            ("Teruggekregen van scholen", (-received,)),
        ),
        (("Netto betaald: vastgesteld en afgeboekt", (paid - back - received,)),),
    )


def _co_financing(facts: Data) -> Iterator[Block]:
    found = facts["co_financing"]
    yield Heading("Cofinanciering")
    if not found["kinds"]:
        yield Paragraph("Bij de toekenningen in deze tranche was geen cofinanciering toegezegd.")
        return
    yield Amounts(
        "Toegezegd, naar soort",
        ("Wie", "Geld", "In natura", "Samen"),
        tuple((PARTY_KINDS.get(kind, kind), (cash, in_kind, cash + in_kind)) for kind, cash, in_kind in found["kinds"]),
        (_together([[cash, in_kind] for _, cash, in_kind in found["kinds"]]),),
    )
    others = [party for party in found["parties"] if party[0] != "own"]
    if others:
        yield Amounts(
            "Toegezegd, naar bedrijf of partner",
            ("Naam", "Geld", "In natura", "Samen"),
            tuple(
                (name or PARTY_KINDS.get(kind, kind), (cash, goods, cash + goods))
                for kind, name, cash, goods, _ in others
            ),
            (_together([party[2:4] for party in others]),),
        )
    reported = [c for c in facts["cases"] if c["co_financing"] is not None]
    if reported:
        yield Amounts(
            "Ontvangen volgens de verantwoording",
            ("Aanvraag", "Bedrag"),
            tuple((f"{c['ref']} {c['school']}", (c["co_financing"],)) for c in reported),
            (("Samen", (sum(c["co_financing"] for c in reported),)),),
        )


def _together(pairs: Iterable[list[int]]) -> tuple[str, tuple[int | None, ...]]:
    cash, in_kind = (sum(column) for column in zip(*pairs, strict=True))
    return "Samen", (cash, in_kind, cash + in_kind)


# --- sheets -----------------------------------------------------------------------------------------------------------

_EURO = 16


def sheets_of(facts: Data, rows: Iterable[Row]) -> Iterator[Sheet]:
    """Yield the report as sheets: the same numbers, every case, and every entry that they come from."""
    f = facts["figures"]
    yield Sheet(
        "Samenvatting",
        (Column("Wat", width=44), Column("Bedrag (euro)", "euro", _EURO)),
        [
            ("Vastgesteld en betaald", f["determined"]),
            ("Niet besteed", f["unspent"]),
            (f"waarvan {unallocated_words(f['unallocated'])[0].nl.lower()}", f["unallocated"]),
            ("waarvan vrijgevallen", f["released"] - f["received_back"]),
            ("waarvan teruggekregen", f["received_back"]),
            ("waarvan overgedragen", f["carried"]),
            ("Afgeboekt", f["written_off"]),
            ("Plafond", f["ceiling"]),
        ],
    )
    yield Sheet(
        "Mutaties",
        (Column("Overzicht", width=24), Column("Mutatie", width=34), Column("Bedrag (euro)", "euro", _EURO)),
        [line for statement in facts["statements"] for line in _statement_lines(statement)],
    )
    yield Sheet(
        "Plafonds",
        (
            Column("Vanaf", "date"),
            Column("Plafond van", width=22),
            Column("Wat", width=30),
            Column("Was (euro)", "euro", _EURO),
            Column("Werd (euro)", "euro", _EURO),
            Column("Geboekt (euro)", "euro", _EURO),
            Column("Door", width=24),
            Column("Waarom", width=50),
        ),
        [
            (
                _date(c["at"]),
                c["name"],
                Kind(c["kind"]).label.nl,
                c["before"],
                c["after"],
                c["booked"],
                c["by"],
                c["reason"],
            )
            for c in facts["ceilings"]
        ],
    )
    yield _case_sheet(facts["cases"])
    yield Sheet(
        "Cofinanciering",
        (
            Column("Soort", width=18),
            Column("Naam", width=34),
            Column("Geld (euro)", "euro", _EURO),
            Column("In natura (euro)", "euro", _EURO),
            Column("Uren", "number"),
        ),
        [
            (PARTY_KINDS.get(kind, kind), name or None, cash, in_kind, hours or None)
            for kind, name, cash, in_kind, hours in facts["co_financing"]["parties"]
        ],
    )
    yield entry_sheet(rows)


def entry_sheet(rows: Iterable[Row]) -> Sheet:
    """The entries of the ledger as a sheet, under `domain.export.COLUMNS`."""
    return Sheet("Boekingen", ENTRY_COLUMNS, (_entry(row) for row in rows))


_KINDS = {"Boekstuk": "number", "Regel": "number", "Datum": "date", "Bedrag (euro)": "euro"}
_WIDTHS = {"Fonds": 30, "School": 28, "Soort boeking": 28, "Rekening": 28, "Door": 22, "Reden": 40}
ENTRY_COLUMNS = tuple(
    Column(label, _KINDS.get(label, "text"), _WIDTHS.get(label, 14))  # type: ignore[arg-type]  # both are of ColumnKind
    for label in COLUMNS
)


def _entry(row: Row) -> tuple[object, ...]:
    cells = list(row.cells)
    local = row.at.astimezone(AMSTERDAM)
    cells[2], cells[3] = local.date(), f"{local:%H:%M}"
    return tuple(cells)


def _statement_lines(statement: Data) -> list[tuple[object, ...]]:
    title = statement["title"]
    return [
        (title, "Beginstand", 0),
        *((title, label, cents) for label, cents in statement["rows"]),
        (title, f"Eindstand: {statement['closing_label']}", statement["closing"]),
    ]


def _case_sheet(cases: list[Data]) -> Sheet:
    amounts = (
        ("Gevraagd", "asked"),
        ("Toegekend", "awarded"),
        ("Betaald", "paid"),
        ("Teruggestuurd door de bank", "came_back"),
        ("Vastgesteld", "determined"),
        ("Vrijgevallen", "released"),
        ("Teruggekregen", "received"),
        ("Afgeboekt", "written_off"),
        ("Cofinanciering ontvangen", "co_financing"),
    )
    return Sheet(
        "Aanvragen",
        (
            Column("Aanvraag"),
            Column("School", width=28),
            Column("Subregio", width=18),
            Column("Stand", width=22),
            *(Column(f"{label} (euro)", "euro", _EURO) for label, _ in amounts),
        ),
        [(c["ref"], c["school"], c["sub_region"], c["state"], *(c[key] for _, key in amounts)) for c in cases],
    )


def _date(iso: str) -> date:
    return datetime.fromisoformat(iso).astimezone(AMSTERDAM).date()
