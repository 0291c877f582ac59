"""Doors to the outside world: what services may ask of it. `adapters/` satisfies them, `create_app` hands them in.

The data that passes through is in `fundapp.domain.outside`. `BankFile`, `Documents` and `Spreadsheets` are satisfied by
the modules `adapters.bank`, `adapters.documents` and `adapters.spreadsheet` themselves: they hold no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from fundapp.domain.outside import (
    Letter,
    Message,
    PaymentFile,
    Receipt,
    Report,
    Scan,
    SepaBatch,
    Sheet,
    Statement,
    StoredFile,
)
from fundapp.domain.refusal import Refusal


class MailConnection(Protocol):
    """An open line to the mail server, for many mails one after another; not shared between threads."""

    def send(self, message: Message) -> str:
        """Deliver one mail; return the server's answer.

        Raises Temporary, Permanent or Uncertain; the connection can be used for the next mail after each of them.
        """


class Mailer(Protocol):
    """Sends mail. Safe to share between threads: each `connect()` is a line of its own."""

    def connect(self) -> AbstractContextManager[MailConnection]:
        """Keep one connection for many mails. Raises Temporary when the server cannot be reached."""

    def send(self, message: Message) -> str:
        """Deliver one mail over a connection of its own. Raises as MailConnection.send."""


class FileStore(Protocol):
    """Files by the SHA-256 of their content: the same bytes are stored once, and never change."""

    def put(self, content: bytes | Iterable[bytes]) -> StoredFile:
        """Store bytes, or chunks in bounded memory."""

    def get(self, sha256: str) -> bytes:
        """Return the whole file. Raises FileMissing, FileDamaged; ValueError if it is no SHA-256."""

    def open_chunks(self, sha256: str) -> Iterator[bytes]:
        """Yield the file in chunks; a damaged file raises FileDamaged before its last chunk. Raises as `get`."""

    def exists(self, sha256: str) -> bool:
        """Whether the file is there (its content is not read)."""

    def delete(self, sha256: str) -> None:
        """Remove the file; one that is not there is no error."""

    def iterate(self) -> Iterator[StoredFile]:
        """Every stored file, in no set order."""


class Scanner(Protocol):
    """Looks for viruses. present: False where there is none, so that every file is NOT_SCANNED."""

    @property
    def present(self) -> bool:
        """Whether there is a scanner."""

    def scan(self, content: bytes | Iterable[bytes]) -> Scan:
        """Return the verdict. Never raises for a scanner that is away: that is the verdict UNAVAILABLE."""


class BankFile(Protocol):
    """Payment orders out (pain.001.001.09), statements in (camt.053)."""

    def sepa_text(self, text: str) -> str:
        """How a text would look in the SEPA character set; a proposal to show, never applied by itself."""

    def check_payments(self, batch: SepaBatch) -> list[Refusal]:
        """Everything that keeps a batch from becoming a file. `field` is the order's EndToEndId, or None."""

    def write_payments(self, batch: SepaBatch) -> PaymentFile:
        """Return the file, valid against the bank's schema. Raises Refused with what `check_payments` found."""

    def read_statement(self, content: bytes) -> Statement:
        """Read a file with one statement. Raises Refused with one sentence on what is wrong and what to do."""

    def read_statements(self, content: bytes) -> tuple[Statement, ...]:
        """Read a file with one or more statements (one per day or account). Raises as `read_statement`."""


class Documents(Protocol):
    """Makes PDFs: tagged, accessible (PDF/UA-1), identical bytes for identical input."""

    def letter_pdf(self, letter: Letter) -> bytes:
        """Return a letter; with `attached` facts it is PDF/A-3a as well."""

    def receipt_pdf(self, receipt: Receipt) -> bytes:
        """Return a receipt, PDF/A-3a as well, with what it attests as an embedded file."""

    def report_pdf(self, report: Report) -> bytes:
        """Return a progress report in three columns, A4 landscape."""


class Spreadsheets(Protocol):
    """Makes workbooks: identical bytes for identical input, and no text in them is ever a formula."""

    def workbook(self, sheets: Iterable[Sheet], *, title: str, made_at: datetime) -> Iterator[bytes]:
        """Yield an XLSX file in chunks, in bounded memory."""
