"""The bank's files: payment orders out (pain.001.001.09 here), statements in (camt.053, in `camt.py`).

This module itself satisfies `BankFile`. sepaxml builds the elements. What it would decide by itself (random ids, its
own clock, cutting and transliterating text) is decided here: ids and moment come from the batch, and a text that does
not fit is refused, because a payee's name that was changed silently is a payment to somebody else (`domain.sepa`).
"""

from __future__ import annotations

import hashlib
import re
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
from fundapp.domain.sepa import (
    HIGHEST,
    LONGEST_NAME,
    LONGEST_REMITTANCE,
    id_fits,
    payee_faults,
    sepa_text,
    text_faults,
)
from fundapp.domain.text import Text, same

__all__ = ["check_payments", "read_statement", "read_statements", "sepa_text", "write_payments"]

SCHEMA = "pain.001.001.09"
_NS = "{urn:iso:std:iso:20022:tech:xsd:" + SCHEMA + "}"
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


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
    yield from text_faults("debtor_name", _OWN_NAME, batch.debtor_name, LONGEST_NAME, None)
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
    yield from payee_faults(order.name, order.iban, of=field)
    what = _REMITTANCE.fill(id=same(field))
    yield from text_faults("payment_remittance", what, order.remittance, LONGEST_REMITTANCE, field)
    if not 0 < order.amount <= HIGHEST:
        yield _fault("payment_amount", _AMOUNT.fill(id=same(field)), field)


def _id_faults(reference: str, field: str | None) -> Iterator[Refusal]:
    if not id_fits(reference):
        yield _fault("payment_reference", _REFERENCE.fill(id=same(reference)), field)


def _fault(code: str, sentence: Text, field: str | None = None) -> Refusal:
    return Refusal(code, sentence, field=field, kind=Kind.INVALID)


_REMITTANCE = Text("De omschrijving bij betaling {id}", "The description of payment {id}")
_OWN_NAME = Text("De naam van onze rekening", "The name of our own account")
_REFERENCE = Text(
    "Het kenmerk “{id}” kan niet naar de bank. Gebruik 1 tot 35 gewone tekens, zonder // en zonder / aan de rand.",
    "The reference “{id}” cannot go to the bank. Use 1 to 35 plain signs, without // and without / at either end.",
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
