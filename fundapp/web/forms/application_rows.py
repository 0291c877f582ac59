"""The rows that a school types (cost lines, who pays with, partners), and who agrees.

Inputs are called prefix-number-column; rows without anything in them are dropped, the others numbered from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fundapp.domain.draft import CostLine, PartnerLine, Share
from fundapp.domain.facts import PartnerKind, SignerRole
from fundapp.domain.fund import FundSpec
from fundapp.domain.text import Text
from fundapp.services.signing import SignerLine
from fundapp.web.forms.application import MOST_CENTS, MOST_ROWS, Reader, Typed, invalid

Row = dict[str, str]


def rows_typed(typed: Typed, prefix: str, columns: Sequence[str], *, blank: Mapping[str, str]) -> list[Row]:
    """Return the rows that were sent, in order, without those in which nothing was filled in.

    Inputs are called prefix-number-column. blank: what an untouched row holds.
    """
    pattern = re.compile(rf"{prefix}-(\d{{1,3}})-({'|'.join(columns)})")
    found: dict[int, Row] = {}
    for name in typed:
        if match := pattern.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = typed[name]
    rows = [{column: found[n].get(column, "") for column in columns} for n in sorted(found)]
    return [row for row in rows if any(row[c].strip() not in ("", blank.get(c, "")) for c in columns)][:MOST_ROWS]


COST_COLUMNS = ("category", "description", "quantity", "price")
SHARE_COLUMNS = ("kind", "party", "form", "amount", "hours")
PARTNER_COLUMNS = ("kind", "name", "code", "pick")


def without(typed: Typed, prefix: str, number: int) -> Typed:
    """Return what was typed without one row."""
    return Typed((name, value) for name, value in typed.items(multi=True) if not name.startswith(f"{prefix}-{number}-"))


def cost_blank(spec: FundSpec) -> Row:
    """An untouched cost line."""
    return {"category": spec.cost_categories[0].key, "quantity": "1"}


def read_costs(rows: Sequence[Row], spec: FundSpec, reader: Reader) -> list[CostLine]:
    """Return the cost lines; one whose price cannot be read counts for nothing, and is said so."""
    known = {category.key for category in spec.cost_categories}
    lines = []
    for n, row in enumerate(rows, 1):
        at = f"lines-{n}"
        name = reader.text(row["description"], f"{at}-description")
        price = reader.amount(row["price"], f"{at}-price") or 0
        quantity = reader.whole(row["quantity"], f"{at}-quantity", most=10_000) or 1
        if quantity * price > MOST_CENTS:
            reader.refusals.append(
                invalid(
                    "amount_too_large",
                    f"{at}-price",
                    "Aantal keer prijs is te veel. Kijk na of er een cijfer te veel staat.",
                    "Number times price is too much. Check whether there is a digit too many.",
                )
            )
            price = 0
        category = row["category"] if row["category"] in known else spec.cost_categories[0].key
        lines.append(CostLine(category, name, quantity, price))
    return lines


FORMS_OF_PAYING: list[tuple[str, Text]] = [
    ("money", Text("Geld", "Money")),
    ("goods", Text("Spullen", "Goods")),
    ("hours", Text("Uren", "Hours")),
]

PARTIES: list[tuple[str, Text]] = [
    ("own", Text("Uw eigen school", "Your own school")),
    ("school", Text("Een andere school", "Another school")),
    ("mbo", Text("Een mbo-school", "A vocational college")),
    ("company", Text("Een bedrijf", "A company")),
    ("other", Text("Een andere organisatie", "Another organisation")),
]

SHARE_BLANK: Row = {"kind": "own", "form": "money"}


def read_shares(rows: Sequence[Row], reader: Reader) -> list[Share]:
    """Return who pays with what."""
    shares = []
    for n, row in enumerate(rows, 1):
        at = f"shares-{n}"
        kind = row["kind"] if row["kind"] in dict(PARTIES) else "other"
        party = reader.text(row["party"], f"{at}-party")
        cents = reader.amount(row["amount"], f"{at}-amount")
        hours = reader.whole(row["hours"], f"{at}-hours", most=100_000)
        in_hours = row["form"] == "hours"
        if in_hours and cents is not None:
            reader.refusals.append(
                invalid(
                    "amount_and_hours",
                    f"{at}-amount",
                    "U kiest uren. Haal het bedrag weg, of maak er een eigen bijdrage van.",
                    "You chose hours. Take the amount away, or make it a contribution of its own.",
                )
            )
        if not in_hours and hours is not None:
            reader.refusals.append(
                invalid(
                    "amount_and_hours",
                    f"{at}-hours",
                    "U vult uren in. Kies bij “Waarmee” ook uren, of haal de uren weg.",
                    "You entered hours. Choose hours at “With what” too, or take the hours away.",
                )
            )
        shares.append(
            Share(
                party=party,
                kind=kind,
                in_kind=row["form"] in ("goods", "hours"),
                hours=hours if in_hours else None,
                cents=0 if in_hours else cents or 0,
            )
        )
    return shares


PARTNER_KINDS: list[tuple[str, Text]] = [
    (PartnerKind.VO, Text("School voor voortgezet onderwijs", "Secondary school")),
    (PartnerKind.PO, Text("Basisschool", "Primary school")),
    (PartnerKind.MBO, Text("Mbo-school", "Vocational college")),
    (PartnerKind.COMPANY, Text("Bedrijf", "Company")),
    (PartnerKind.OTHER, Text("Andere organisatie", "Other organisation")),
]

PARTNER_BLANK: Row = {"kind": str(PartnerKind.VO)}
_CODE = re.compile(r"\d{2}[A-Z]{2}\d{2}", re.ASCII)


def school_codes(rows: Sequence[Row]) -> list[str]:
    """The codes of schools that these rows may mean, to be looked up in one query."""
    given = [part.strip().upper() for row in rows for part in (row["pick"], row["code"], row["name"])]
    return sorted({code for code in given if _CODE.fullmatch(code)})


def read_partners(rows: Sequence[Row], names: Mapping[str, str], reader: Reader) -> list[PartnerLine]:
    """Return the partners. names: of the schools by code, of those that exist.

    A row means a school where one was picked, where its code was typed, or where the name is still that school's.
    """
    lines = []
    for n, row in enumerate(rows, 1):
        at = f"partners-{n}"
        kind = row["kind"] if row["kind"] in dict(PARTNER_KINDS) else str(PartnerKind.OTHER)
        name = reader.text(row["name"], f"{at}-name")
        typed_code = name.upper() if _CODE.fullmatch(name.upper()) else ""
        kept = row["code"] if names.get(row["code"]) == name else ""
        code = next((c for c in (row["pick"], typed_code, kept) if c in names), None)
        if typed_code and code is None:
            reader.refusals.append(
                invalid(
                    "school_unknown",
                    f"{at}-name",
                    "Deze school staat niet in het register. Zoek op de naam van de school.",
                    "This school is not in the register. Search by the name of the school.",
                )
            )
        if not name and code is None:
            reader.refusals.append(
                invalid("partner_name", f"{at}-name", "Vul de naam van deze partner in.", "Enter this partner's name.")
            )
        lines.append(PartnerLine(kind, names[code] if code else name, code))
    return lines


SIGNERS: list[tuple[str, Text]] = [
    (SignerRole.SCHOOL_LEADER, Text("De schoolleider", "The head of the school")),
    (SignerRole.BOARD, Text("Het schoolbestuur", "The school board")),
]


def read_signers(typed: Typed, spec: FundSpec, reader: Reader) -> list[SignerLine]:
    """Return who signs, as typed: a line for each place that the fund asks to be filled."""
    rule = spec.signer
    places = () if rule is None else (1, 2) if rule.second else (1,)
    return [
        SignerLine(
            place,
            typed.get(f"signer-{place}-role", ""),
            reader.text(typed.get(f"signer-{place}-name", ""), f"signer-{place}-name"),
            reader.text(typed.get(f"signer-{place}-email", ""), f"signer-{place}-email"),
        )
        for place in places
    ]
