"""Builds camt.053 statements as a bank would send them, for tests and the demo; written without the reader's help.

statement("NL..TEST..", "2025-001", opening=500_000, entries=[paid("PO-T1-01", 150_000, iban, name)])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Line:
    """One payment. amount: cents, negative when it left our account. reason: a return reason code, such as "AC04"."""

    amount: int
    end_to_end_id: str = "NOTPROVIDED"
    iban: str = ""
    name: str = ""
    remittance: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Entry:
    """One booking of one or more lines. batch_id: PmtInfId, for a batch booked as one sum.

    amount: only to lie about the sum. details: False books the batch without its lines, as some banks do.
    """

    lines: tuple[Line, ...]
    reference: str = ""
    booked_on: date = date(2025, 3, 14)
    status: str = "BOOK"
    reversal: bool = False
    batch_id: str = ""
    amount: int | None = None
    details: bool = True

    @property
    def sum(self) -> int:
        """Cents, signed."""
        return sum(line.amount for line in self.lines) if self.amount is None else self.amount


def paid(end_to_end_id: str, cents: int, iban: str, name: str, *, reference: str = "") -> Entry:
    """A payment of ours that the bank carried out, booked by itself."""
    return Entry((Line(-cents, end_to_end_id, iban, name),), reference or f"REF-{end_to_end_id}")


def batch(batch_id: str, entries: Sequence[Entry], *, details: bool = True) -> Entry:
    """The same payments booked as one sum."""
    lines = tuple(line for entry in entries for line in entry.lines)
    return Entry(lines, f"REF-{batch_id}", batch_id=batch_id, details=details)


def returned(end_to_end_id: str, cents: int, iban: str, name: str, *, reason: str = "AC04") -> Entry:
    """A payment that came back: a credit with a reason."""
    line = Line(cents, end_to_end_id, iban, name, reason=reason)
    return Entry((line,), f"RET-{end_to_end_id}", reversal=True)


def received(cents: int, iban: str, name: str, remittance: str, *, reference: str = "") -> Entry:
    """Money that a school paid to us, such as a recovery."""
    return Entry((Line(cents, iban=iban, name=name, remittance=remittance),), reference or f"IN-{remittance}"[:35])


def pending(entry: Entry) -> Entry:
    """The same entry, not booked yet."""
    return replace(entry, status="PDNG")


def statement(
    iban: str,
    statement_id: str,
    *,
    opening: int,
    entries: Sequence[Entry],
    closing: int | None = None,
    version: str = "08",
    currency: str = "EUR",
) -> bytes:
    """A file with one statement. closing: only to lie about it. version: "02" or "08"."""
    return document([stmt(iban, statement_id, opening, entries, closing, version, currency)], version)


def document(statements: Sequence[str], version: str) -> bytes:
    """A file with the statements that `stmt` made."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2025-03-15T06:00:00+01:00</CreDtTm></GrpHdr>"
        f"{''.join(statements)}</BkToCstmrStmt></Document>"
    ).encode()


def stmt(
    iban: str,
    statement_id: str,
    opening: int,
    entries: Sequence[Entry],
    closing: int | None = None,
    version: str = "08",
    currency: str = "EUR",
) -> str:
    """One Stmt element."""
    end = opening + sum(entry.sum for entry in entries if entry.status == "BOOK") if closing is None else closing
    day = max((entry.booked_on for entry in entries), default=date(2025, 3, 14)).isoformat()
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(cents, currency)}<Dt><Dt>{day}</Dt></Dt></Bal>"
        for code, cents in (("OPBD", opening), ("CLBD", end))
    )
    booked = "".join(_entry(entry, version, currency) for entry in entries)
    return (
        f"<Stmt><Id>{escape(statement_id)}</Id><CreDtTm>2025-03-15T06:00:00+01:00</CreDtTm>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balances}{booked}</Stmt>"
    )


def _amount(cents: int, currency: str) -> str:
    direction = "DBIT" if cents < 0 else "CRDT"
    return f"<Amt Ccy={quoteattr(currency)}>{_plain(cents)}</Amt><CdtDbtInd>{direction}</CdtDbtInd>"


def _plain(cents: int) -> str:
    return f"{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _entry(entry: Entry, version: str, currency: str) -> str:
    status = entry.status if version == "02" else f"<Cd>{entry.status}</Cd>"
    reference = f"<AcctSvcrRef>{escape(entry.reference)}</AcctSvcrRef>" if entry.reference else ""
    grouped = ""
    if entry.batch_id:
        grouped = f"<Btch><PmtInfId>{escape(entry.batch_id)}</PmtInfId><NbOfTxs>{len(entry.lines)}</NbOfTxs></Btch>"
    details = "".join(_line(line, version, currency) for line in entry.lines) if entry.details else ""
    return (
        f"<Ntry>{_amount(entry.sum, currency)}"
        + ("<RvslInd>true</RvslInd>" if entry.reversal else "")
        + f"<Sts>{status}</Sts><BookgDt><Dt>{entry.booked_on.isoformat()}</Dt></BookgDt>{reference}"
        f"<BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls>{grouped}{details}</NtryDtls></Ntry>"
    )


def _line(line: Line, version: str, currency: str) -> str:
    if version == "02":
        amount = f"<AmtDtls><TxAmt><Amt Ccy={quoteattr(currency)}>{_plain(line.amount)}</Amt></TxAmt></AmtDtls>"
    else:
        amount = _amount(line.amount, currency)
    # A returned payment is still told from the side of the first payer: we are the debtor, the school the creditor.
    role = "Dbtr" if line.amount > 0 and not line.reason else "Cdtr"
    name = f"<Nm>{escape(line.name)}</Nm>" if version == "02" else f"<Pty><Nm>{escape(line.name)}</Nm></Pty>"
    party = f"<{role}>{name}</{role}>" if line.name else ""
    account = f"<{role}Acct><Id><IBAN>{line.iban}</IBAN></Id></{role}Acct>" if line.iban else ""
    remittance = f"<RmtInf><Ustrd>{escape(line.remittance)}</Ustrd></RmtInf>" if line.remittance else ""
    reason = f"<RtrInf><Rsn><Cd>{line.reason}</Cd></Rsn></RtrInf>" if line.reason else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{escape(line.end_to_end_id)}</EndToEndId></Refs>{amount}"
        f"<RltdPties>{party}{account}</RltdPties>{remittance}{reason}</TxDtls>"
    )


def example_iban(number: int, bank: str = "TEST") -> str:
    """A valid Dutch IBAN at a bank that does not exist."""
    account = f"{number:010d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{bank}{account}NL00")
    return f"NL{98 - int(digits) % 97:02d}{bank}{account}"
