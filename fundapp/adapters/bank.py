"""The bank's files: payment orders out (pain.001.001.09 here), statements in (camt.053, in `camt.py`).

This module itself satisfies `BankFile`. sepaxml builds the elements. What it would decide by itself (random ids, its
own clock, cutting and transliterating text) is decided here: ids and moment come from the batch, and a text that does
not fit is refused, because a payee's name that was changed silently is a payment to somebody else.
Source of the character set and lengths: EPC217-08 (SEPA character set), EPC132-08 (credit transfer guidelines).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sepaxml
from lxml import etree
from stdnum import iban as stdnum_iban

from fundapp.adapters.camt import read_statement, read_statements
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.outside import PaymentFile, SepaBatch, SepaOrder
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same

__all__ = ["check_payments", "read_statement", "read_statements", "sepa_text", "write_payments"]

SCHEMA = "pain.001.001.09"
LONGEST_ID = 35
LONGEST_NAME = 70
LONGEST_REMITTANCE = 140
HIGHEST = 99_999_999_999
"""Cents: 999,999,999.99 euro is the most that one SEPA credit transfer can carry."""

_NS = "{urn:iso:std:iso:20022:tech:xsd:" + SCHEMA + "}"
_FOREIGN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {
        "&": "+",
        "’": "'",
        "‘": "'",
        "“": "'",
        "”": "'",
        '"': "'",
        "–": "-",
        "—": "-",
        "_": "-",
        "@": "(at)",
        "€": "EUR",
    }
)


def sepa_text(text: str) -> str:
    """Return how a text would look in the SEPA character set: "Zoë & Co" → "Zoe + Co". A proposal, cut nowhere."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.translate(_SPELLED)) if not unicodedata.combining(c))
    return " ".join(_FOREIGN.sub(" ", plain).split())


def check_payments(batch: SepaBatch) -> list[Refusal]:
    """Return everything that keeps a batch from becoming a file; an empty list when it may.

    `field` is the order's EndToEndId, or None when it is about the batch as a whole.
    """
    return list(_batch_faults(batch)) + [fault for order in batch.orders for fault in _order_faults(order)]


def write_payments(batch: SepaBatch) -> PaymentFile:
    """Return the payment file, valid against the schema; equal batches give equal bytes.

    Raises Refused with all that `check_payments` found.
    """
    if faults := check_payments(batch):
        raise Refused(*faults)
    root = etree.fromstring(_built(batch))
    _set(root, "GrpHdr/MsgId", batch.batch_id)
    _set(root, "GrpHdr/CreDtTm", batch.created_at.astimezone(AMSTERDAM).isoformat(timespec="seconds"))
    _set(root, "PmtInf/PmtInfId", batch.batch_id)
    _set(root, "PmtInf/BtchBookg", "true" if batch.one_booking else "false")
    if batch.debtor_bic is None:
        agent = _find(root, "PmtInf/DbtrAgt/FinInstnId")
        other = etree.SubElement(agent, _NS + "Othr")
        etree.SubElement(other, _NS + "Id").text = "NOTPROVIDED"
    _schema().assertValid(root)
    content = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    total = sum(order.amount for order in batch.orders)
    return PaymentFile(content, hashlib.sha256(content).hexdigest(), len(batch.orders), total)


def _built(batch: SepaBatch) -> bytes:
    config = {"name": batch.debtor_name, "IBAN": _compact(batch.debtor_iban), "batch": True, "currency": "EUR"}
    if batch.debtor_bic:
        config["BIC"] = batch.debtor_bic
    file = sepaxml.SepaTransfer(config, schema=SCHEMA, clean=False)
    for order in batch.orders:
        file.add_payment(
            {
                "name": order.name,
                "IBAN": _compact(order.iban),
                "amount": order.amount,
                "execution_date": batch.execution_date,
                "description": order.remittance,
                "endtoend_id": order.end_to_end_id,
            }
        )
    content = file.export(validate=False)
    assert isinstance(content, bytes)
    return content


def _batch_faults(batch: SepaBatch) -> Iterator[Refusal]:
    if not batch.orders:
        yield _fault("payments_none", Text("Kies eerst een betaling voor deze betaalrun.", "Choose a payment first."))
    yield from _id_faults(batch.batch_id, None)
    yield from _text_faults("debtor_name", _OWN_NAME, batch.debtor_name, LONGEST_NAME, None)
    if not stdnum_iban.is_valid(batch.debtor_iban):
        yield _fault("payment_own_iban", _OWN_IBAN.fill(shown=same(batch.debtor_iban)))
    if batch.debtor_bic is not None and not _BIC.fullmatch(batch.debtor_bic):
        yield _fault("payment_own_bic", _OWN_BIC.fill(shown=same(batch.debtor_bic)))
    for reference, times in Counter(order.end_to_end_id for order in batch.orders).items():
        if times > 1:
            yield _fault("payment_twice", _TWICE.fill(id=same(reference), times=times), reference)


def _order_faults(order: SepaOrder) -> Iterator[Refusal]:
    field = order.end_to_end_id
    yield from _id_faults(field, field)
    yield from _text_faults("payment_name", _NAME, order.name, LONGEST_NAME, field)
    yield from _text_faults("payment_remittance", _REMITTANCE, order.remittance, LONGEST_REMITTANCE, field)
    if not stdnum_iban.is_valid(order.iban):
        yield _fault("payment_iban", _IBAN.fill(id=same(field), shown=same(order.iban)), field)
    if not 0 < order.amount <= HIGHEST:
        yield _fault("payment_amount", _AMOUNT.fill(id=same(field)), field)


def _id_faults(reference: str, field: str | None) -> Iterator[Refusal]:
    wrong = (
        not reference
        or len(reference) > LONGEST_ID
        or _FOREIGN.search(reference)
        or reference != reference.strip()
        or reference.startswith("/")
        or reference.endswith("/")
        or "//" in reference
    )
    if wrong:
        yield _fault("payment_reference", _REFERENCE.fill(id=same(reference)), field)


def _text_faults(code: str, what: Text, text: str, longest: int, field: str | None) -> Iterator[Refusal]:
    of = what.fill(id=same(field or ""))
    proposal = same(sepa_text(text))
    if not text.strip():
        yield _fault(f"{code}_empty", _EMPTY.fill(what=of), field)
    if foreign := "".join(dict.fromkeys(_FOREIGN.findall(text))):
        yield _fault(f"{code}_signs", _SIGNS.fill(what=of, signs=same(repr(foreign)[1:-1]), proposal=proposal), field)
    if len(text) > longest:
        yield _fault(f"{code}_long", _LONG.fill(what=of, length=len(text), longest=longest), field)


def _fault(code: str, sentence: Text, field: str | None = None) -> Refusal:
    return Refusal(code, sentence, field=field, kind=Kind.INVALID)


_NAME = Text("De naam bij betaling {id}", "The name of payment {id}")
_REMITTANCE = Text("De omschrijving bij betaling {id}", "The description of payment {id}")
_OWN_NAME = Text("De naam van onze rekening", "The name of our own account")
_EMPTY = Text("{what} is leeg. Vul die in.", "{what} is empty. Fill it in.")
_SIGNS = Text(
    "{what} bevat tekens die de bank niet aanneemt: {signs}. Kies een schrijfwijze zonder, zoals “{proposal}”.",
    "{what} has signs that the bank does not accept: {signs}. Choose a spelling without, such as “{proposal}”.",
)
_LONG = Text(
    "{what} telt {length} tekens; de bank neemt er {longest} aan. Maak de tekst korter.",
    "{what} has {length} signs; the bank accepts {longest}. Make the text shorter.",
)
_REFERENCE = Text(
    "Het kenmerk “{id}” kan niet naar de bank. Gebruik 1 tot 35 gewone tekens, zonder // en zonder / aan de rand.",
    "The reference “{id}” cannot go to the bank. Use 1 to 35 plain signs, without // and without / at either end.",
)
_IBAN = Text(
    "Het rekeningnummer “{shown}” bij betaling {id} klopt niet. Vraag de school om het juiste nummer.",
    "Account number “{shown}” of payment {id} is wrong. Ask the school for the right number.",
)
_AMOUNT = Text(
    "Het bedrag van betaling {id} moet tussen € 0,01 en € 999.999.999,99 liggen. Pas het aan.",
    "The amount of payment {id} must be between € 0.01 and € 999,999,999.99. Change it.",
)
_TWICE = Text(
    "Betaling {id} staat er {times} keer in. Haal de dubbele eruit.",
    "Payment {id} is in it {times} times. Take the double out.",
)
_OWN_IBAN = Text(
    "Ons eigen rekeningnummer “{shown}” klopt niet. Verbeter het bij de instellingen.",
    "Our own account number “{shown}” is wrong. Correct it in the settings.",
)
_OWN_BIC = Text(
    "De BIC “{shown}” van onze bank klopt niet. Verbeter die of laat hem leeg.",
    "The BIC “{shown}” of our bank is wrong. Correct it or leave it empty.",
)


def _compact(number: str) -> str:
    compact = stdnum_iban.compact(number)
    assert isinstance(compact, str)
    return compact


def _find(root: etree._Element, path: str) -> etree._Element:
    found = root.find("/".join(_NS + step for step in ("CstmrCdtTrfInitn", *path.split("/"))))
    assert found is not None, path
    return found


def _set(root: etree._Element, path: str, text: str) -> None:
    _find(root, path).text = text


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / f"{SCHEMA}.xsd"))
