"""Volume, second part: what was played for one application, read as a pattern.

A pattern is every row that the product wrote, as the text that COPY takes, with places where each copy has its own:
ids, references, the applicant, the title.
`generate_copies` fills it in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Column, Table, select, text
from sqlalchemy.orm import Session

from fundapp.domain.canonical import canonical
from fundapp.persistence import (
    application,
    decision,
    interim,
    journal,
    ledger,
    outbox,
    panel,
    payment,
    review,
    settlement,
    signing,
    waitlist,
)
from fundapp.persistence.db import Base
from fundapp.persistence.payment import PaymentBatch, PaymentOrder
from fundapp.services.generate_story import TITLE, Applicant

_ROWS: tuple[type[Base], ...] = (
    application.Submission,
    application.EligibilityCheck,
    application.BudgetLine,
    application.Contribution,
    application.Partner,
    application.Attachment,
    application.Term,
    signing.Signature,
    review.InterestDeclaration,
    review.Advice,
    decision.Decision,
    decision.Award,
    decision.Letter,
    waitlist.Offer,
    settlement.FinalReport,
    settlement.ReportLine,
    settlement.ReportEvidence,
    settlement.ReportContribution,
    settlement.Determination,
    settlement.IntentResponse,
    settlement.Recovery,
    settlement.RecoveryPart,
    payment.Instalment,
    payment.PaymentOrder,
    interim.InterimReport,
    outbox.OutboxMessage,
)
"""Tables with an `application_id`, each after those that it refers to; application, runs, journal and ledger apart."""

NUMBERED = {
    "application",
    "journal",
    "signature",
    "advice",
    "decision",
    "instalment",
    "recovery",
    "payment_batch",
    "bank_statement",
    "meeting",
}
"""Tables whose ids stand in other rows; the others get theirs from the database."""

ONCE = {"payment_batch", "bank_statement", "meeting", "meeting_seat"}
"""Tables of which a row belongs to all copies that are written together."""

_PLACES = {
    ("meeting_item", "position"): "%(place)d",
    ("payment_batch", "total_cents"): "%(total_{id})d",
    ("payment_batch", "file_content"): "%(file_{id})s",
}
"""Columns whose place needs only the row's own id."""

_GENERATED = {"seq", "prev_hash", "hash"}
_STATEMENT = re.compile(r"Zqafschrift(\d+)qz")
_KEY = re.compile(r"(\d+):(.+?):(\d+)(?::.*)?")


@dataclass(slots=True)
class Line:
    """One row. once: of a payment run or a meeting and not of one application, so written once for all copies."""

    template: str
    once: bool = False


@dataclass(slots=True)
class Run:
    """A payment run of the pattern: its batch, its orders, its journal (id → action) and what approving it booked."""

    batch: dict[str, Any]
    orders: list[dict[str, Any]]
    journal: dict[int, str] = field(default_factory=dict)
    approved_in: int = 0
    ledger: list[list[Any]] = field(default_factory=list)


@dataclass(slots=True)
class Pattern:
    """One played application as rows to be copied. ids, once_ids: table → old ids.

    contents: pairs of the place of a hash and what is hashed. minutes: id of a meeting → its minutes but for the items,
    and the item of one application, both as JSON.
    """

    tables: dict[str, tuple[str, list[Line]]] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)
    once_ids: dict[str, list[int]] = field(default_factory=dict)
    contents: list[tuple[str, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    minutes: dict[str, tuple[str, str]] = field(default_factory=dict)


class Reader:
    """Reads the pattern of one application that was played in this session."""

    def __init__(self, session: Session, app: application.Application, who: Applicant, author_id: int) -> None:
        self.session, self.app, self.author_id = session, app, author_id
        self.pattern = Pattern()
        self.words: list[tuple[str, str]] = [
            (app.ref, "ref"),
            (TITLE, "title"),
            (who.code, "code"),
            (who.school, "school"),
            (who.board, "board"),
            (who.board_name, "board_name"),
            (who.iban, "iban"),
            (who.email, "email"),
            (who.name, "name"),
        ]
        self._once_journal: set[int] = set()

    def read(self) -> Pattern:
        """Read everything that belongs to it."""
        app_id = self.app.id
        self._runs()
        self._submissions()
        self._table(application.Application, "id = :app")
        self._table(payment.PaymentBatch, "id IN (SELECT batch_id FROM payment_order WHERE application_id = :app)")
        meetings = "SELECT meeting_id FROM meeting_item WHERE application_id = :app"
        self._table(panel.Meeting, f"id IN ({meetings})")
        self._table(panel.MeetingSeat, f"meeting_id IN ({meetings})")
        self._table(panel.MeetingItem, "application_id = :app")
        statements = "id IN (SELECT statement_id FROM bank_line WHERE application_id = :app)"
        self._table(payment.BankStatement, statements)
        self._journal(app_id)
        for model in _ROWS:
            self._table(model, "application_id = :app")
        self._table(ledger.LedgerEntry, "application_id = :app")
        mine = "SELECT statement_id FROM bank_line WHERE application_id = :app"
        self._table(payment.BankLine, f"statement_id IN ({mine})")
        return self.pattern

    def _runs(self) -> None:
        """Payment runs and statements: their references and keys are places, the longest first."""
        query = (
            select(PaymentOrder.__table__, PaymentBatch.__table__.c.ref)
            .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
            .where(PaymentOrder.application_id == self.app.id)
            .order_by(PaymentOrder.id)
        )
        orders = [dict(row) for row in self.session.execute(query).mappings()]
        for batch_id in dict.fromkeys(order["batch_id"] for order in orders):
            number = len(self.pattern.runs)
            table = PaymentBatch.__table__
            batch = dict(self.session.execute(select(table).where(table.c.id == batch_id)).mappings().one())
            mine = [order for order in orders if order["batch_id"] == batch_id]
            self.pattern.runs.append(Run(batch, mine))
            for place, order in enumerate(mine):
                self.words.append((order["end_to_end_id"], f"order{number}_{place}"))
                self.words.append((f"Zqafschrift{batch_id}qz/{place + 1}", f"line{number}_{place}"))
            self.words += [
                (batch["ref"], f"batch{number}"),
                (f"Zqafschrift{batch_id}qz", f"statement{number}"),
                (f"Zqhash{batch_id}qz", f"statement_hash{number}"),
                (batch["approved_hash"], f"list_hash{number}"),
                (batch["file_sha256"], f"file_hash{number}"),
            ]

    def _submissions(self) -> None:
        rows = self.session.scalars(
            select(application.Submission).where(application.Submission.application_id == self.app.id)
        )
        found = list(rows)
        for number, row in enumerate(found):
            self.words.append((row.sha256, f"submission{number}"))
        self.words.sort(key=lambda word: -len(word[0]))
        for number, row in enumerate(found):
            self.pattern.contents.append((f"submission{number}", self._places(canonical(row.content).decode())))

    def _journal(self, app_id: int) -> None:
        batches = [run.batch["id"] for run in self.pattern.runs]
        meetings = self.pattern.once_ids.get("meeting", [])
        claims = select(settlement.Recovery.id).where(settlement.Recovery.application_id == app_id)
        rows = self.session.execute(
            select(journal.Journal.id, journal.Journal.kind, journal.Journal.action, journal.Journal.subject_id,
                   journal.Journal.data)
            .where(
                ((journal.Journal.kind == "application") & (journal.Journal.subject_id == app_id))
                | ((journal.Journal.kind == "recovery") & journal.Journal.subject_id.in_(claims))
                | ((journal.Journal.kind == "payment_batch") & journal.Journal.subject_id.in_(batches))
                | ((journal.Journal.kind == "meeting") & journal.Journal.subject_id.in_(meetings))
            )
            .order_by(journal.Journal.id)
        ).all()  # fmt: skip
        for row in rows:
            if row.kind == "meeting":
                self._once_journal.add(row.id)
            if row.kind == "payment_batch":
                self._once_journal.add(row.id)
                run = self.pattern.runs[batches.index(row.subject_id)]
                run.journal[row.id] = row.action
                if row.action == "approve":
                    run.approved_in, run.ledger = row.id, row.data["ledger"]
        ids = ", ".join(str(row.id) for row in rows)
        self._table(journal.Journal, f"id IN ({ids})")

    def _table(self, model: type[Base], where: str) -> None:
        table = model.__table__
        assert isinstance(table, Table)
        columns = [c for c in table.columns if c.name not in _GENERATED and (c.name != "id" or _is_numbered(table))]
        names = ", ".join(f'"{c.name}"' for c in columns)
        casts = ", ".join(f'"{c.name}"::text' for c in columns)
        keys = ", ".join(c.name for c in table.primary_key)
        rows = self.session.execute(
            text(f"SELECT {casts} FROM {table.name} WHERE {where} ORDER BY {keys}"),  # noqa: S608  (the models' names)
            {"app": self.app.id},
        )
        lines = [self._line(table, columns, row) for row in rows]
        if lines:
            self.pattern.tables[table.name] = (names, lines)

    def _line(self, table: Table, columns: Sequence[Column[Any]], row: Sequence[str | None]) -> Line:
        values = dict(zip((c.name for c in columns), row, strict=True))
        own = int(values["id"] or 0) if "id" in values else 0
        once = table.name in ONCE or own in self._once_journal
        once = once or (table.name == "bank_line" and values["application_id"] is None)
        if table.name in NUMBERED and own:
            (self.pattern.once_ids if once else self.pattern.ids).setdefault(table.name, []).append(own)
        cells = [self._cell(table, column, values) for column in columns]
        return Line("\t".join(cells) + "\n", once)

    def _cell(self, table: Table, column: Column[Any], values: Mapping[str, str | None]) -> str:
        value = values[column.name]
        if value is None:
            return r"\N"
        target = _refers_to(table, column)
        if target in NUMBERED:
            return f"%({target}_{value})d" if target != "application" else "%(app)d"
        if target == "person":
            return "%(author)d" if int(value) == self.author_id else value
        special = (table.name, column.name)
        if special == ("journal", "subject_id"):
            return "%(app)d" if values["kind"] == "application" else f"%({values['kind']}_{value})d"
        if special in _PLACES:
            return _PLACES[special].format(**values)
        if special == ("meeting", "minutes"):
            return self._minutes(str(values["id"]), value)
        if special == ("journal", "data"):
            return self._journal_data(values)
        if special == ("submission", "content"):
            number = int(values["number"] or 1) - 1
            return escaped(self.pattern.contents[number][1])
        if special == ("outbox_message", "key"):
            return self._mail_key(value)
        if special == ("ledger_entry", "posting") and int(values["journal_id"] or 0) in self._once_journal:
            return f"%(posting_{values['journal_id']}_{value})d"
        if special == ("bank_line", "cents") and values["application_id"] is None:
            run = _STATEMENT.match(values["key"] or "")
            assert run is not None
            return f"%(total_{run[1]})d"
        return escaped(self._places(value))

    def _journal_data(self, values: Mapping[str, str | None]) -> str:
        data = json.loads(values["data"] or "{}")
        if values["kind"] == "payment_batch":
            return f"%(data_{values['id']})s"
        if values["kind"] == "meeting" and "items" in data:
            data["items"] = "@copies@"
        for posting in data.get("ledger", []):
            posting[1] = "@app@"
        if "decision" in data:
            data["decision"]["id"] = f"@decision_{data['decision']['id']}@"
        if "signature" in data:
            data["signature"]["id"] = f"@signature_{data['signature']['id']}@"
        written = self._places(json.dumps(data, ensure_ascii=False))
        return escaped(re.sub(r'"@(\w+)@"', r"%(\1)d", written))

    def _minutes(self, meeting_id: str, value: str) -> str:
        """The minutes are one text of all applications that were discussed."""
        told = json.loads(value)
        (item,) = told.pop("items")
        self.pattern.minutes[meeting_id] = (json.dumps(told), self._places(json.dumps(item)))
        return f"%(minutes_{meeting_id})s"

    def _mail_key(self, value: str) -> str:
        found = _KEY.fullmatch(value)
        assert found is not None, value
        journal_id, template, person = found.groups()
        person = "%(author)d" if int(person) == self.author_id else person
        return f"%(journal_{journal_id})d:{template}:{person}:%(app)d"

    def _places(self, value: str) -> str:
        value = value.replace("%", "%%")
        for word, place in self.words:
            value = value.replace(word, f"%({place})s")
        return value


def _is_numbered(table: Table) -> bool:
    return table.name in NUMBERED or "id" not in table.columns


def _refers_to(table: Table, column: Column[Any]) -> str:
    """The table that a column refers to; its own for an id."""
    if column.name == "id":
        return table.name
    if column.name == "application_id" and isinstance(column.type, BigInteger):
        return "application"
    targets = {key.column.table.name for key in column.foreign_keys}
    if "advice" in targets and column.name == "advised_by_id":
        return "person"
    return next(iter(targets), "")


def escaped(value: str) -> str:
    """As COPY has it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
