"""What the bank tells us: statements read once, each line matched or left for a person, and the money booked by it.

A statement is read whole or not at all, in one transaction. The tranches concerned are locked first, in order of id,
as everywhere. Awb 4:89 (a payment counts when the bank has booked it); domain.md section 3 (camt.053).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from stdnum import iban as stdnum_iban

from fundapp.domain.outside import Statement
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.payment import BankLine, BankStatement, PaymentBatch
from fundapp.services.bank_booking import Booker
from fundapp.services.bank_gaps import Gap, gaps
from fundapp.services.bank_match import (
    Line,
    Match,
    Receipt,
    Unmatched,
    lines_of,
    match,
    open_recoveries,
    tranches_of,
)
from fundapp.services.journal import note
from fundapp.services.programme import lead_applicant
from fundapp.services.subject import missing
from fundapp.services.transitions import readable


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line: what it was matched with (payment, bounce, recovery) and for which cases, or why it was not. Cents."""

    key: str
    cents: int
    matched_as: str | None
    refs: tuple[str, ...]
    why: Text | None


@dataclass(frozen=True, slots=True)
class StatementResult:
    """One statement. already_read: it was read before, and nothing was done."""

    statement_id: str
    already_read: bool
    lines: tuple[LineResult, ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file did. gaps: all gaps between the statements read so far; they keep a tranche from closing."""

    statements: tuple[StatementResult, ...]
    gaps: tuple[Gap, ...]

    @property
    def lines(self) -> tuple[LineResult, ...]:
        """The lines that were new."""
        return tuple(line for statement in self.statements for line in statement.lines)

    @property
    def unmatched(self) -> tuple[LineResult, ...]:
        """The lines that a person must look at."""
        return tuple(line for line in self.lines if line.matched_as is None)


def import_statement(session: Session, content: bytes, *, actor: Actor, now: datetime) -> ImportResult:
    """Read a bank statement (camt.053) and book what it says. What was read before changes nothing.

    Raises Refused: FORBIDDEN for who is not of finance; INVALID for a file that is not whole, is of another account, or
    says something else than when it was read before.
    """
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    _only_finance(actor)
    statements = bank.read_statements(content)
    for statement in statements:
        _of_our_account(statement)
    session.execute(select(func.pg_advisory_xact_lock(_IMPORTS)))  # two people with the same file: one after the other
    new = [s for s in _once(statements) if not _read_before(session, s)]
    lines = [line for statement in new for entry in statement.entries for line, _ in lines_of(entry)]
    booker = Booker(session, actor, now)
    booker.lock(tranches_of(session, lines))
    digest = hashlib.sha256(content).hexdigest()
    try:
        read = {s.statement_id: _import(session, s, digest, booker) for s in new}
        booker.finish()
    except IntegrityError as error:
        raise readable(error) from error
    results = tuple(
        StatementResult(s.statement_id, s.statement_id not in read, read.pop(s.statement_id, ())) for s in statements
    )
    return ImportResult(results, gaps(session))


_IMPORTS = 7_061_940
"""The number of the lock under which statements are read."""


def _once(statements: Iterable[Statement]) -> list[Statement]:
    """A statement that stands in the file twice counts once, unless the two differ."""
    found: dict[str, Statement] = {}
    for statement in statements:
        if found.setdefault(statement.statement_id, statement) != statement:
            raise _invalid("statement_differs", _DIFFERS.fill(id=same(statement.statement_id)))
    return list(found.values())


def _read_before(session: Session, statement: Statement) -> bool:
    before = session.execute(
        select(BankStatement.opening_cents, BankStatement.closing_cents).where(
            BankStatement.account == statement.iban, BankStatement.statement_id == statement.statement_id
        )
    ).one_or_none()
    if before is not None and tuple(before) != (statement.opening, statement.closing):
        raise _invalid("statement_differs", _DIFFERS.fill(id=same(statement.statement_id)))
    return before is not None


def _import(session: Session, statement: Statement, digest: str, booker: Booker) -> tuple[LineResult, ...]:
    row = BankStatement(
        sha256=digest,
        statement_id=statement.statement_id,
        account=statement.iban,
        opening_cents=statement.opening,
        closing_cents=statement.closing,
        read_at=booker.now,
        read_by_id=booker.actor.id,
    )
    session.add(row)
    session.flush()
    results: list[LineResult] = []
    for entry in statement.entries:
        for line, paid in lines_of(entry):
            stored = BankLine(
                statement_id=row.id,
                key=paid.key,
                booked_on=entry.booked_on,
                cents=paid.amount,
                end_to_end_id=paid.end_to_end_id,
                counterparty=" ".join(part for part in (line.name, line.iban) if part),
                text=line.text or line.batch_id or "",
            )
            session.add(stored)
            session.flush()
            results += _settle_line(stored, match(session, line), booker)
    return tuple(results)


def _settle_line(stored: BankLine, found: Match, booker: Booker, *, by_hand: bool = False) -> list[LineResult]:
    """Book a line by its match. What is over of a receipt becomes a line of its own, for a person."""
    if isinstance(found, Receipt) and stored.cents > found.open_cents:
        rest = BankLine(
            statement_id=stored.statement_id,
            key=f"{stored.key}/over",
            booked_on=stored.booked_on,
            cents=stored.cents - found.open_cents,
            end_to_end_id=None,
            counterparty=stored.counterparty,
            text=stored.text,
        )
        stored.cents = found.open_cents
        booker.session.add(rest)
        over = LineResult(rest.key, rest.cents, None, (), _OVER)
        return [*_settle_line(stored, found, booker, by_hand=by_hand), over]
    booked = booker.book(stored, found, by_hand=by_hand)
    if isinstance(booked, Unmatched):
        return [LineResult(stored.key, stored.cents, None, (), booked.why)]
    return [LineResult(stored.key, stored.cents, stored.matched_as, booked, None)]


# --- lines that a person judges ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line that was not matched, and why not."""

    line: BankLine
    why: Text


def open_lines(session: Session, *, limit: int = 200) -> list[OpenLine]:
    """Return the lines that a person must look at, the oldest first. They keep every tranche from closing."""
    rows = session.scalars(
        select(BankLine).where(BankLine.matched_as.is_(None)).order_by(BankLine.booked_on, BankLine.id).limit(limit)
    )
    return [OpenLine(row, _why(match(session, _as_told(session, row)))) for row in rows]


def why_open(session: Session, line_id: int) -> Text:
    """Return why a line was not matched. Raises Refused(NOT_FOUND)."""
    row = session.get(BankLine, line_id)
    if row is None:
        raise Refused(missing())
    return _why(match(session, _as_told(session, row)))


def _why(found: Match) -> Text:
    return found.why if isinstance(found, Unmatched) else _FITS_NOW


def _as_told(session: Session, row: BankLine) -> Line:
    *name, last = row.counterparty.split() or [""]
    iban = last if stdnum_iban.is_valid(last) else None
    batch = session.scalar(select(PaymentBatch.ref).where(PaymentBatch.ref == row.text))
    shown = " ".join(name) if iban else row.counterparty
    return Line(row.key, row.cents, row.end_to_end_id, iban, shown, row.text, batch_id=batch)


def match_by_hand(session: Session, line_id: int, *, to: str, actor: Actor, now: datetime) -> LineResult:
    """Match an open line with a recovery or a batch (by reference) or one payment (by EndToEndId), and book it.

    Raises Refused: FORBIDDEN for who is not of finance, NOT_FOUND for no such line, INVALID for an unknown reference,
    STALE when it was matched, CONFLICT where it does not fit.
    """
    _only_finance(actor)
    booker = Booker(session, actor, now)
    wanted = to.strip()
    tranche_ids = _tranches_by_reference(session, wanted)
    if not tranche_ids:
        raise Refused(Refusal("match_unknown", _UNKNOWN, field="to", kind=Kind.INVALID))
    booker.lock(tranche_ids)
    line = _open_line(session, line_id)
    found = _by_reference(session, line, wanted)
    if isinstance(found, Unmatched):
        raise Refused(Refusal("does_not_fit", found.why, field="to"))
    try:
        result = _settle_line(line, found, booker, by_hand=True)[0]
        booker.finish()
    except IntegrityError as error:
        raise readable(error) from error
    if result.matched_as is None:
        raise Refused(Refusal("does_not_fit", result.why or _NO_RECEIPT, field="to"))
    return result


def _tranches_by_reference(session: Session, reference: str) -> set[int]:
    told = Line("", 0, reference, None, None, "", batch_id=reference)
    claimed = {r.tranche_id for r in open_recoveries(session) if r.ref == reference}
    return tranches_of(session, [told]) | claimed


def _by_reference(session: Session, line: BankLine, reference: str) -> Match:
    claim = next((r for r in open_recoveries(session) if r.ref == reference), None)
    if claim is not None:
        return Receipt(claim.application_id, claim.open_cents) if line.cents > 0 else Unmatched(_NO_RECEIPT)
    is_batch = session.scalar(select(PaymentBatch.id).where(PaymentBatch.ref == reference)) is not None
    return match(
        session,
        Line(line.key, line.cents, reference, None, None, "", came_back=True, batch_id=reference if is_batch else None),
    )


def mark_not_ours(session: Session, line_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Say that a line has nothing to do with the funds, and why. Raises Refused."""
    _only_finance(actor)
    if not reason.strip():
        raise _invalid("reason_missing", Text("Schrijf op waarom.", "Write why."), field="reason")
    line = _open_line(session, line_id)
    line.matched_as = "not_ours"
    data = {"key": line.key, "cents": line.cents, "reason": reason.strip()}
    note(session, actor, now, kind="bank_line", subject_id=line.id, action="not_ours", data=data)
    session.flush()


def _open_line(session: Session, line_id: int) -> BankLine:
    line = session.get(BankLine, line_id, with_for_update=True, populate_existing=True)
    if line is None:
        raise Refused(missing())
    if line.matched_as is not None:
        raise Refused(Refusal("already_matched", _ALREADY, kind=Kind.STALE))
    return line


# --- refusals ---------------------------------------------------------------------------------------------------------


def _only_finance(actor: Actor) -> None:
    if actor.id is not None and not actor.has(Role.FINANCE):
        raise Refused(Refusal("not_yours", _NOT_FINANCE, kind=Kind.FORBIDDEN))


def _of_our_account(statement: Statement) -> None:
    ours = stdnum_iban.compact(lead_applicant().iban)
    if stdnum_iban.compact(statement.iban) != ours:
        shown = {"theirs": same(statement.iban), "ours": same(ours)}
        raise _invalid("statement_other_account", _OTHER_ACCOUNT.fill(**shown))


def _invalid(code: str, sentence: Text, *, field: str = "statement") -> Refused:
    return Refused(Refusal(code, sentence, field=field, kind=Kind.INVALID))


_NOT_FINANCE = Text(
    "Alleen financiën kan dit doen. Vraag het aan de coördinator als dat wel zou moeten.",
    "Only finance can do this. Ask the coordinator if you should be able to.",
)
_OTHER_ACCOUNT = Text(
    "Dit afschrift is van rekening {theirs}. Wij betalen van {ours}. Kies een afschrift van die rekening.",
    "This statement is of account {theirs}. We pay from {ours}. Choose a statement of that account.",
)
_DIFFERS = Text(
    "Afschrift {id} is al ingelezen, maar toen met andere bedragen. Vraag de bank welk afschrift klopt.",
    "Statement {id} was imported before, with other amounts. Ask the bank which one is right.",
)
_OVER = Text(
    "Dit is meer dan er terug moest komen. Overleg met de school: het kan terug, of het hoort bij iets anders.",
    "This is more than had to come back. Ask the school: it can be returned, or belongs to something else.",
)
_FITS_NOW = Text("Deze regel past nu wel. Koppel hem met de hand.", "This line does fit now. Match it by hand.")
_UNKNOWN = Text(
    "Wij vinden geen betaling of open terugvordering met dit kenmerk. Controleer het kenmerk.",
    "There is no payment or open recovery with this reference. Check the reference.",
)
_NO_RECEIPT = Text(
    "Dit past niet: er staat niets meer open, of de bank schreef het af. Kies een ander kenmerk.",
    "This does not fit: nothing is open any more, or the bank paid it out. Choose another reference.",
)
_ALREADY = Text(
    "Deze bankregel is al gekoppeld. Bekijk de lijst opnieuw.",
    "This bank line was matched already. Look at the list again.",
)
