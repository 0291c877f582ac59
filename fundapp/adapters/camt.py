"""Bank statements: camt.053.001.02 and .08 (ISO 20022), read whole or refused whole.

A statement counts only when opening balance + booked entries = closing balance and every batch adds up to its entry:
a file that was cut off or edited does not pass. The XML is somebody else's: no DTD, no entities, no network, a limit
to its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from lxml import etree

from fundapp.domain.bank_line import with_keys
from fundapp.domain.money import euro
from fundapp.domain.outside import Statement, StatementEntry, StatementPayment
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same

LARGEST = 20 * 1024 * 1024
"""Bytes. A day of ten thousand payments is about 10 MB."""

VERSIONS = ("camt.053.001.02", "camt.053.001.08")
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_AMOUNT = re.compile(r"(\d{1,13})(?:\.(\d{1,5}))?")
_OPENING = ("OPBD", "PRCD")
_CLOSING = ("CLBD",)

Element = etree._Element  # noqa: SLF001 - lxml gives the type no other name


def read_statement(content: bytes) -> Statement:
    """Read a file that holds one statement. Raises Refused (INVALID) with one sentence: what is wrong, what to do."""
    statements = read_statements(content)
    if len(statements) > 1:
        raise _refused("statement_several", _SEVERAL.fill(count=len(statements)))
    return statements[0]


def read_statements(content: bytes) -> tuple[Statement, ...]:
    """Read a file with one or more statements, such as one per day. Raises as `read_statement`."""
    found = _children(_parsed(content), "BkToCstmrStmt/Stmt")
    if not found:
        raise _refused("statement_none", _NONE)
    return tuple(_statement(element) for element in found)


def _parsed(content: bytes) -> Element:
    if len(content) > LARGEST:
        raise _refused("statement_too_large", _TOO_LARGE)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refused("statement_unreadable", _UNREADABLE) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refused("statement_dtd", _DTD)
    name = etree.QName(root)
    version = (name.namespace or "").removeprefix(_NAMESPACE)
    if name.localname != "Document" or version not in VERSIONS:
        raise _refused("statement_wrong_kind", _WRONG_KIND.fill(found=same((version or str(name.localname))[:60])))
    return root


def _statement(element: Element) -> Statement:
    statement_id = _text(element, "Id")
    iban = _text(element, "Acct/Id/IBAN")
    if not statement_id or not iban:
        raise _refused("statement_incomplete", _INCOMPLETE.fill(what=same("Id" if iban else "IBAN")))
    opening, _ = _balance(element, _OPENING, statement_id)
    closing, ends_on = _balance(element, _CLOSING, statement_id)
    listed = _children(element, "Ntry")
    booked = [entry for entry in listed if (_text(entry, "Sts/Cd") or _text(entry, "Sts")) == "BOOK"]
    entries = with_keys(iban, (_entry(entry, _where(entry, at), iban) for at, entry in enumerate(booked, 1)))
    expected = opening + sum(entry.amount for entry in entries)
    if expected != closing:
        shown = {"expected": same(euro(expected)), "closing": same(euro(closing))}
        raise _refused("statement_balance", _BALANCE.fill(id=same(statement_id), **shown))
    return Statement(statement_id, iban, opening, closing, ends_on, entries, len(listed) - len(booked))


def _where(entry: Element, position: int) -> str:
    """How a sentence points at an entry."""
    return _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef") or f"#{position}"


def _entry(element: Element, where: str, own_iban: str) -> StatementEntry:
    """One entry, still without its key."""
    amount = _signed(element, where)
    booked_on = _text(element, "BookgDt/Dt") or (_text(element, "BookgDt/DtTm") or "")[:10]
    details = _children(element, "NtryDtls/TxDtls")
    payments = tuple(
        _payment(detail, element, amount if len(details) == 1 else None, f"{where}/{position}", own_iban)
        for position, detail in enumerate(details, start=1)
    )
    if not payments:
        remittance = _text(element, "AddtlNtryInf") or ""
        payments = (StatementPayment(where, amount, None, None, None, remittance, None),)
    total = sum(payment.amount for payment in payments)
    if total != amount:
        raise _refused("statement_sum", _SUM.fill(key=same(where), total=same(euro(total)), amount=same(euro(amount))))
    return StatementEntry(
        key=where,
        amount=amount,
        booked_on=_day(booked_on, where),
        reversal=_text(element, "RvslInd") in {"true", "1"},
        bank_reference=_text(element, "AcctSvcrRef"),
        batch_id=_text(element, "NtryDtls/Btch/PmtInfId") or _text(element, "NtryDtls/Btch/MsgId"),
        payments=payments,
    )


def _payment(detail: Element, entry: Element, only: int | None, key: str, own_iban: str) -> StatementPayment:
    iban, name = _counterparty(detail, own_iban, incoming=_text(entry, "CdtDbtInd") == "CRDT")
    end_to_end_id = _text(detail, "Refs/EndToEndId")
    lines = [*_texts(detail, "RmtInf/Ustrd"), *_texts(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
    code = _text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry")
    words = " ".join(_texts(detail, "RtrInf/AddtlInf"))
    return StatementPayment(
        key=key,
        amount=_detail_amount(detail, entry, only, key),
        end_to_end_id=None if end_to_end_id == "NOTPROVIDED" else end_to_end_id,
        counterparty_iban=iban,
        counterparty_name=name,
        remittance=" ".join(lines),
        return_reason=" ".join(part for part in (code, words) if part) or None,
    )


def _detail_amount(detail: Element, entry: Element, only: int | None, key: str) -> int:
    """.08 has the amount in the details themselves, .02 one level down; a single payment may leave it to the entry."""
    direction = _text(detail, "CdtDbtInd") or _text(entry, "CdtDbtInd")
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        if found := _children(detail, path):
            return _sign(direction, key) * _cents(found[0], key)
    if only is None:
        raise _refused("statement_amount", _NO_AMOUNT.fill(key=same(key)))
    return only


def _counterparty(detail: Element, own_iban: str, *, incoming: bool) -> tuple[str | None, str | None]:
    """The other side. A bounced payment keeps its first debtor, which is us: so the account that is not ours wins."""
    sides = []
    for role in ("Dbtr", "Cdtr") if incoming else ("Cdtr", "Dbtr"):
        iban = _text(detail, f"RltdPties/{role}Acct/Id/IBAN")
        name = _text(detail, f"RltdPties/{role}/Nm") or _text(detail, f"RltdPties/{role}/Pty/Nm")
        if iban != own_iban and (iban or name):
            sides.append((iban, name))
    return next((side for side in sides if side[0]), sides[0] if sides else (None, None))


def _balance(element: Element, codes: tuple[str, ...], statement_id: str) -> tuple[int, date]:
    found = {_text(balance, "Tp/CdOrPrtry/Cd"): balance for balance in _children(element, "Bal")}
    for code in codes:
        if code in found:
            where = f"{statement_id} {code}"
            day = _text(found[code], "Dt/Dt") or _text(found[code], "Dt/DtTm") or ""
            return _signed(found[code], where), _day(day, where)
    raise _refused("statement_no_balance", _NO_BALANCE.fill(id=same(statement_id), code=same(codes[0])))


def _signed(element: Element, where: str) -> int:
    amounts = _children(element, "Amt")
    if not amounts:
        raise _refused("statement_amount", _NO_AMOUNT.fill(key=same(where)))
    return _sign(_text(element, "CdtDbtInd"), where) * _cents(amounts[0], where)


def _sign(direction: str | None, where: str) -> int:
    """CdtDbtInd says what the entry does to the balance, of a reversal too (ISO 20022: RvslInd does not turn it)."""
    if direction not in {"CRDT", "DBIT"}:
        raise _refused("statement_amount", _NO_AMOUNT.fill(key=same(where)))
    return 1 if direction == "CRDT" else -1


def _cents(amount: Element, where: str) -> int:
    currency = amount.get("Ccy")
    if currency != "EUR":
        raise _refused("statement_currency", _CURRENCY.fill(currency=same((currency or "?")[:10]), key=same(where)))
    match = _AMOUNT.fullmatch((amount.text or "").strip())
    fraction = (match[2] or "").ljust(2, "0") if match else ""
    if not match or fraction[2:].strip("0"):
        raise _refused("statement_amount", _NO_AMOUNT.fill(key=same(where)))
    return int(match[1]) * 100 + int(fraction[:2])


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise _refused("statement_date", _NO_DATE.fill(key=same(where))) from error


def _children(element: Element, path: str) -> list[Element]:
    namespace = etree.QName(element).namespace
    return element.findall("/".join(f"{{{namespace}}}{step}" for step in path.split("/")))


def _texts(element: Element, path: str) -> Iterator[str]:
    for found in _children(element, path):
        if text := " ".join((found.text or "").split()):
            yield text


def _text(element: Element, path: str) -> str | None:
    return next(_texts(element, path), None)


def _refused(code: str, sentence: Text) -> Refused:
    return Refused(Refusal(code, sentence, field="statement", kind=Kind.INVALID))


_AGAIN = Text("Download het afschrift opnieuw bij de bank.", "Download the statement from the bank again.")
_UNREADABLE = Text(
    "Dit bestand is geen volledig XML-bestand. " + _AGAIN.nl, "This file is not complete XML. " + _AGAIN.en
)
_TOO_LARGE = Text(
    "Dit bestand is groter dan 20 MB. Kies bij de bank een kortere periode.",
    "This file is larger than 20 MB. Choose a shorter period at the bank.",
)
_DTD = Text(
    "Dit bestand bevat een DOCTYPE; dat doet een bank niet. " + _AGAIN.nl,
    "This file contains a DOCTYPE, which no bank sends. " + _AGAIN.en,
)
_WRONG_KIND = Text(
    "Dit is geen bankafschrift in camt.053 (gevonden: {found}). Kies bij de bank camt.053, versie 02 of 08.",
    "This is no bank statement in camt.053 (found: {found}). Choose camt.053, version 02 or 08, at the bank.",
)
_NONE = Text("Er staat geen afschrift in dit bestand. " + _AGAIN.nl, "There is no statement in this file. " + _AGAIN.en)
_SEVERAL = Text(
    "Er staan {count} afschriften in dit bestand. Download ze één voor één.",
    "There are {count} statements in this file. Download them one by one.",
)
_INCOMPLETE = Text("Het afschrift heeft geen {what}. " + _AGAIN.nl, "The statement has no {what}. " + _AGAIN.en)
_NO_BALANCE = Text(
    "Afschrift {id} heeft geen saldo {code}. Kies bij de bank een afschrift van hele dagen.",
    "Statement {id} has no balance {code}. Choose a statement of whole days at the bank.",
)
_BALANCE = Text(
    "Afschrift {id} sluit niet: het beginsaldo en de boekingen geven {expected}, het eindsaldo is {closing}. "
    + _AGAIN.nl,
    "Statement {id} does not close: opening balance and entries give {expected}, the closing balance is {closing}. "
    + _AGAIN.en,
)
_SUM = Text(
    "Boeking {key} klopt niet: de betalingen zijn samen {total}, de boeking is {amount}. " + _AGAIN.nl,
    "Entry {key} is wrong: its payments add up to {total}, the entry is {amount}. " + _AGAIN.en,
)
_CURRENCY = Text(
    "Bij {key} staat een bedrag in {currency}. Wij lezen alleen euro: kies de eurorekening.",
    "At {key} there is an amount in {currency}. Only euro is read: choose the euro account.",
)
_NO_AMOUNT = Text(
    "Bij {key} staat geen leesbaar bedrag. " + _AGAIN.nl, "There is no readable amount at {key}. " + _AGAIN.en
)
_NO_DATE = Text("Bij {key} staat geen boekdatum. " + _AGAIN.nl, "There is no booking date at {key}. " + _AGAIN.en)
