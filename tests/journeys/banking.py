"""Finance at its desk: payment files, statements of the bank, and what the money board says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import sepaxml
from lxml import etree

from tests.journeys.cast import FATIMA, GIJS
from tests.journeys.conftest import Town
from tests.support.camt import Entry, paid, statement
from tests.support.visitor import plain

OURS = "NL13TEST0123456789"
"""The account of the programme (fundapp/data/programme.yaml)."""

_CREDIT = ("PmtId/p:EndToEndId", "Amt/p:InstdAmt", "CdtrAcct/p:Id/p:IBAN", "Cdtr/p:Nm")


def pay(town: Town, prepared: str, approved: str, batch: str, total: str) -> bytes:
    """Two people of finance pay all that is due; return the file for the bank."""
    town.at(prepared)
    fatima = town.visitor(FATIMA).open("/financien").press("Betaalrun klaarzetten")
    fatima.see(f"Betaalrun {batch} staat klaar.").row("Totaal", total)
    fatima.see_not(f"Akkoord: {total} betalen")  # not by who prepared it
    town.at(approved)
    gijs = town.visitor(GIJS).open(f"/betaalruns/{batch}").see("U bent de tweede persoon.")
    gijs.press(f"Akkoord: {total} betalen").see("Akkoord van Gijs Smit")
    file = fatima.open(f"/betaalruns/{batch}").download("Bestand ophalen")
    fatima.act("Naar de bank gestuurd").see("Naar de bank")
    return file


def read_statement(town: Town, content: bytes) -> None:
    """Finance imports a statement of the bank through the page."""
    fatima = town.visitor(FATIMA).open("/bankafschriften")
    fatima.attach("Afschrift van de bank", {"name": "camt053.xml", "mimeType": "application/xml", "buffer": content})
    fatima.press("Afschrift inlezen")


def credits_of(file: bytes) -> list[tuple[str, int, str, str]]:
    """What a payment file asks the bank to pay: (end-to-end id, cents, account, name) of each credit."""
    root = etree.fromstring(file)
    names = {"p": root.nsmap[None]}
    found = []
    for credit in root.iterfind(".//p:CdtTrfTxInf", names):
        texts = [credit.findtext(f"p:{path}", "", names) for path in _CREDIT]
        found.append((texts[0], round(float(texts[1]) * 100), texts[2], texts[3]))
    return found


def assert_the_bank_can_read(file: bytes) -> None:
    """A payment file follows the schema of ISO 20022, and its sums are those of its credits."""
    root = etree.fromstring(file)
    schema = Path(sepaxml.__file__).parent / "schemas" / f"{root.nsmap[None].rpartition(':')[2]}.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(root)
    names = {"p": root.nsmap[None]}
    found = credits_of(file)
    for element in (*root.iterfind(".//p:GrpHdr", names), *root.iterfind(".//p:PmtInf", names)):
        assert element.findtext("p:NbOfTxs", "", names) == str(len(found))
        assert element.findtext("p:CtrlSum", "", names) == f"{sum(cents for _, cents, _, _ in found) / 100:.2f}"


def bank_statement(number: str, opening: int, file: bytes, booked_on: date, *more: Entry) -> bytes:
    """What the bank sends after it paid a file: a statement of our account with each credit, and what came in."""
    entries = [replace(paid(*credit), booked_on=booked_on) for credit in credits_of(file)]
    return statement(OURS, number, opening=opening, entries=[*entries, *more])


def money(town: Town) -> tuple[str, str]:
    """What the money board says of tranche 1: all its figures, and what is on its way at the bank."""
    fatima = town.visitor(FATIMA).open("/tranches/PO-T1")
    figures = [plain(text).partition(" : ")[0] for text in fatima.page.locator("dl.figures dd").all_inner_texts()]
    named = dict(zip(fatima.page.locator("dl.figures dt").all_inner_texts(), figures, strict=True))
    rows = [plain(text) for text in fatima.page.locator("tr").all_inner_texts()]
    return " ".join(figures + rows), named.get("Onderweg bij de bank", "€ 0,00")
