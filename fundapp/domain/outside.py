"""What crosses the border to the outside world: plain data for mail, files, the scanner, the bank and documents.

Here, below both floors, because services ask with it and adapters answer with it. Amounts are int cents, moments are
aware datetimes, texts are already in the language of the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from fundapp.domain.text import Language

# ---------------------------------------------------------------------------------------------------------------- mail


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address and the name beside it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file sent with a mail. media_type: such as "application/pdf"."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person.

    message_id: "local@domain" without angle brackets, made by the caller from its own key, so that a second delivery
    of the same mail carries the same id. sent_at: the Date header. sender: None takes the mailer's own.
    """

    message_id: str
    to: Address
    subject: str
    text: str
    html: str
    sent_at: datetime
    language: Language = "nl"
    sender: Address | None = None
    reply_to: Address | None = None
    attachments: tuple[Attachment, ...] = ()


class DeliveryFailure(Exception):
    """A mail that was not accepted. code: the server's reply code, or None if it gave none. answer: its words."""

    def __init__(self, answer: str, code: int | None = None) -> None:
        super().__init__(f"{code} {answer}" if code else answer)
        self.answer = answer
        self.code = code


class Temporary(DeliveryFailure):
    """Certainly not delivered, and worth another try: a 4xx reply, no connection, broken before the message's end."""


class Permanent(DeliveryFailure):
    """Certainly not delivered, and never will be: a 5xx reply, or a message that cannot be sent as it is."""


class Uncertain(DeliveryFailure):
    """The connection broke after the message's end and before an answer: it may have arrived. Not retried by itself."""


# --------------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store. sha256: 64 lower-case hex digits, its name there. size: bytes."""

    sha256: str
    size: int


class FileMissing(LookupError):
    """The store has no file under this hash (`sha256`)."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"no stored file {sha256}")
        self.sha256 = sha256


class FileDamaged(Exception):
    """The bytes in the store are not the bytes that were put there: restore the file named `sha256` from a backup."""

    def __init__(self, sha256: str, found: str) -> None:
        super().__init__(f"stored file {sha256} was changed: its content now has hash {found}")
        self.sha256 = sha256
        self.found = found


class Verdict(StrEnum):
    """What the virus scanner says of a file. Only CLEAN is a clean bill; the other three are shown as what they are."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNAVAILABLE = "unavailable"  # there is a scanner, and it gave no answer: try again later
    NOT_SCANNED = "not_scanned"  # there is no scanner


@dataclass(frozen=True, slots=True)
class Scan:
    """verdict, and `detail`: the name of what was found, or why there is no answer."""

    verdict: Verdict
    detail: str = ""


# ---------------------------------------------------------------------------------------------------------------- bank


@dataclass(frozen=True, slots=True)
class SepaOrder:
    """One credit transfer.

    end_to_end_id: ours, at most 35 signs, comes back on the bank statement. name: the payee as we know it (at most 70
    signs once in SEPA text). amount: cents, more than 0. remittance: what the payee reads, at most 140 signs.
    """

    end_to_end_id: str
    name: str
    iban: str
    amount: int
    remittance: str


@dataclass(frozen=True, slots=True)
class SepaBatch:
    """One payment file.

    batch_id: ours, at most 35 signs; becomes MsgId and PmtInfId. created_at: CreDtTm, given so that equal input gives
    equal bytes. execution_date: the day on which the bank is asked to pay. debtor_bic: None writes NOTPROVIDED.
    one_booking: whether the bank books the batch as one sum (BtchBookg).
    """

    batch_id: str
    created_at: datetime
    execution_date: date
    debtor_name: str
    debtor_iban: str
    orders: tuple[SepaOrder, ...]
    debtor_bic: str | None = None
    one_booking: bool = True


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A payment file as sent to the bank: store these bytes, never make them again. total: cents."""

    content: bytes
    sha256: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class StatementPayment:
    """One payment inside a booked entry (camt TxDtls), or the entry itself where the bank gives no details.

    key: below that of its entry. amount: cents, negative when money left the account.
    end_to_end_id: None when the bank has none (NOTPROVIDED). return_reason: a code such as "AC04", with its words.
    """

    key: str
    amount: int
    end_to_end_id: str | None
    counterparty_iban: str | None
    counterparty_name: str | None
    remittance: str
    return_reason: str | None


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One booked entry.

    key: the same in every statement that tells this entry (`domain.bank_line.with_keys`). amount: cents, signed; the
    sum of `payments`. reversal: the bank takes back an earlier booking. bank_reference: the bank's own, the same in
    every statement. batch_id: our PmtInfId (or MsgId) where the bank booked a batch as one sum; then `payments` may be
    one line without an EndToEndId.
    """

    key: str
    amount: int
    booked_on: date
    reversal: bool
    bank_reference: str | None
    batch_id: str | None
    payments: tuple[StatementPayment, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One bank statement whose opening balance plus entries is its closing balance. Balances: cents, signed.

    ends_on: the day of its closing balance. pending: entries that the bank has not booked yet; they are left out.
    """

    statement_id: str
    iban: str
    opening: int
    closing: int
    ends_on: date
    entries: tuple[StatementEntry, ...]
    pending: int = 0


# ----------------------------------------------------------------------------------------------------------- documents

Tone = Literal["neutral", "positive", "attention", "negative"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `numbered` when the order matters."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """A table of names and values, such as the case number and the school.

    title: said aloud by a screen reader; "" where a heading says it.
    """

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Amounts:
    """A table of amounts in cents, right-aligned. columns: label of the first column, then one per amount.

    rows: a label and one amount per column (None stays visibly empty). totals: the same, printed bold under a line.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    totals: tuple[tuple[str, tuple[int | None, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """How the letter ends. closing: "Met vriendelijke groet,". lines: name, role, on behalf of whom."""

    closing: str
    lines: tuple[str, ...]


Block = Heading | Paragraph | Bullets | Facts | Amounts | Signature


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, all text in `language`.

    title: subject line and title of the PDF. made_at: date in the PDF; equal input gives equal bytes. dateline: place
    and date as printed. sender_name and sender_lines: the letterhead. references: label and value, such as "Ons
    kenmerk". attached: facts for machines, embedded as `data.json` (the PDF is then PDF/A-3a as well).
    """

    title: str
    language: Language
    made_at: datetime
    dateline: str
    sender_name: str
    sender_lines: tuple[str, ...]
    recipient: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    attached: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts under a row of heads; every row has a cell for each head."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a school sent, to keep: all text in `language`, and the same for machines in the embedded file `attached`.

    title: of the PDF. mark: tells which receipt it is, also where nothing else of the file can be read. made_at: date
    in the PDF; equal input gives equal bytes. sender_name and sender_lines: the letterhead. attached: plain data.
    """

    title: str
    mark: str
    language: Language
    made_at: datetime
    sender_name: str
    sender_lines: tuple[str, ...]
    blocks: tuple[Block | Table, ...]
    attached: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Flag:
    """A status as words with a tone; never a colour alone."""

    label: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One activity: what was planned, what was reached, what comes next or changed. Empty text stays visibly empty."""

    number: str
    planned: str
    reached: str
    plans_and_changes: str
    status: Flag | None = None


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A heading with its rows."""

    title: str
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A progress report in three columns (A4 landscape), all text in `language`.

    columns: headings of planned, reached, plans and changes. classification: printed on every page, such as "Intern".
    """

    title: str
    subtitle: str
    language: Language
    made_at: datetime
    classification: str
    columns: tuple[str, str, str]
    sections: Sequence[ReportSection]


# -------------------------------------------------------------------------------------------------------- spreadsheets

ColumnKind = Literal["text", "number", "euro", "date", "moment"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet. euro: cells are int cents, shown as euro; moment: aware datetimes, shown as in Amsterdam."""

    label: str
    kind: ColumnKind = "text"
    width: int = 14


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: a heading row and rows of cells in column order; None is an empty cell. rows may be read only once."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[object]]
