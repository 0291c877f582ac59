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

from fundapp.domain.bank_line import keyed, segments
from fundapp.domain.outside import Statement, StatementEntry, StatementPayment
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.payment import BankLine, BankStatement
from fundapp.services.bank_booking import Booker
from fundapp.services.bank_gaps import Gap, gaps
from fundapp.services.bank_match import Line, Match, Receipt, Unmatched, lines_of, match, tranches_of
from fundapp.services.programme import lead_applicant
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
    """Read a bank statement (camt.053) and book what it says. What was read before changes nothing: the same statement,
    or lines that another statement told already.

    Raises Refused: FORBIDDEN for who is not of finance for the whole programme; INVALID for a file that is not whole,
    is of another account, or says something else than when it was read before.
    """
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    only_finance(actor)
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
        read = {_identity(s): _import(session, s, digest, booker) for s in new}
        booker.finish()
    except IntegrityError as error:
        raise readable(error) from error
    results = tuple(
        StatementResult(s.statement_id, _identity(s) not in read, read.pop(_identity(s), ())) for s in statements
    )
    return ImportResult(results, gaps(session))


_IMPORTS = 7_061_940
"""The number of the lock under which statements are read."""


def _identity(statement: Statement) -> tuple[str, str, str]:
    """Which statement it is: some banks number them anew each year."""
    return statement.iban, statement.statement_id, statement.ends_on.isoformat()


def _told(statement: Statement) -> str:
    """The hash of what a statement says, in whatever order it says it."""
    told = [str(statement.opening), str(statement.closing), *sorted(entry.key for entry in statement.entries)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _once(statements: Iterable[Statement]) -> list[Statement]:
    """A statement that stands in the file twice counts once, unless the two differ."""
    found: dict[tuple[str, str, str], Statement] = {}
    for statement in statements:
        if _told(found.setdefault(_identity(statement), statement)) != _told(statement):
            raise _invalid("statement_differs", _DIFFERS.fill(id=same(statement.statement_id)))
    return list(found.values())


def _read_before(session: Session, statement: Statement) -> bool:
    before = session.scalar(
        select(BankStatement.lines_sha256).where(
            BankStatement.account == statement.iban,
            BankStatement.statement_id == statement.statement_id,
            BankStatement.ends_on == statement.ends_on,
        )
    )
    if before is not None and before != _told(statement):
        raise _invalid("statement_differs", _DIFFERS.fill(id=same(statement.statement_id)))
    return before is not None


def _import(session: Session, statement: Statement, digest: str, booker: Booker) -> tuple[LineResult, ...]:
    entries = _after_the_last(session, statement)
    known = _known(session, entries)
    row = BankStatement(
        sha256=digest,
        lines_sha256=_told(statement),
        statement_id=statement.statement_id,
        account=statement.iban,
        ends_on=statement.ends_on,
        opening_cents=statement.opening,
        closing_cents=statement.closing,
        segments=segments(statement.opening, entries, known, _balances(session, statement.iban) if known else ()),
        read_at=booker.now,
        read_by_id=booker.actor.id,
    )
    session.add(row)
    session.flush()
    results: list[LineResult] = []
    for entry in entries:
        if entry.key in known:
            continue
        for line, paid in lines_of(entry):
            stored = _stored(row.id, entry, line, paid)
            session.add(stored)
            session.flush()
            results += settle_line(stored, match(session, line), booker)
    return tuple(results)


def _stored(statement_id: int, entry: StatementEntry, line: Line, paid: StatementPayment) -> BankLine:
    return BankLine(
        statement_id=statement_id,
        key=paid.key,
        entry_key=entry.key,
        booked_on=entry.booked_on,
        cents=paid.amount,
        end_to_end_id=paid.end_to_end_id,
        reason=paid.return_reason,
        counterparty=" ".join(part for part in (line.name, line.iban) if part),
        text=line.text or line.batch_id or "",
    )


def _known(session: Session, entries: Iterable[StatementEntry]) -> set[str]:
    """The entries that another statement told already."""
    keys = [entry.key for entry in entries]
    return set(session.scalars(select(BankLine.entry_key).where(BankLine.entry_key == func.any(keys)).distinct()))


def _balances(session: Session, account: str) -> set[int]:
    rows = session.scalars(select(BankStatement.segments).where(BankStatement.account == account))
    return {balance for found in rows for run in found for balance in run}


def _after_the_last(session: Session, statement: Statement) -> tuple[StatementEntry, ...]:
    """The entries, of which those without a reference of the bank are told apart from the same ones earlier that day.

    A statement that begins where another of the same day ended tells nothing twice: what looks the same is another one.
    """
    unnamed = [entry for entry in statement.entries if not entry.bank_reference]
    if not unnamed or not _follows(session, statement, min(entry.booked_on for entry in unnamed)):
        return statement.entries
    known = _known(session, unnamed)
    found = []
    for entry in statement.entries:
        while not entry.bank_reference and entry.key in known:
            name, _, number = entry.key.rpartition("-")
            entry = keyed(entry, f"{name}-{int(number) + 1}")
            known |= _known(session, [entry])
        known.add(entry.key)
        found.append(entry)
    return tuple(found)


def _follows(session: Session, statement: Statement, first_day: object) -> bool:
    before = select(BankStatement.id).where(
        BankStatement.account == statement.iban,
        BankStatement.ends_on == first_day,
        BankStatement.closing_cents == statement.opening,
    )
    return session.scalar(before.limit(1)) is not None


def settle_line(stored: BankLine, found: Match, booker: Booker, *, by_hand: bool = False) -> list[LineResult]:
    """Book a line by its match. What is over of a receipt becomes a line of its own, for a person."""
    if isinstance(found, Receipt) and stored.cents > found.open_cents:
        rest = BankLine(
            statement_id=stored.statement_id,
            key=f"{stored.key}/over",
            entry_key=stored.entry_key,
            booked_on=stored.booked_on,
            cents=stored.cents - found.open_cents,
            end_to_end_id=None,
            counterparty=stored.counterparty,
            text=stored.text,
        )
        stored.cents = found.open_cents
        booker.session.add(rest)
        over = LineResult(rest.key, rest.cents, None, (), _OVER)
        return [*settle_line(stored, found, booker, by_hand=by_hand), over]
    booked = booker.book(stored, found, by_hand=by_hand)
    if isinstance(booked, Unmatched):
        return [LineResult(stored.key, stored.cents, None, (), booked.why)]
    return [LineResult(stored.key, stored.cents, stored.matched_as, booked, None)]


# --- refusals ---------------------------------------------------------------------------------------------------------


def only_finance(actor: Actor) -> None:
    """Raises Refused(FORBIDDEN) for who does not pay for the whole programme: its account is that of every fund."""
    if actor.id is not None and actor.funds(Role.FINANCE) is not None:
        raise Refused(Refusal("not_yours", _NOT_FINANCE, kind=Kind.FORBIDDEN))


def _of_our_account(statement: Statement) -> None:
    ours = stdnum_iban.compact(lead_applicant().iban)
    if stdnum_iban.compact(statement.iban) != ours:
        shown = {"theirs": same(statement.iban), "ours": same(ours)}
        raise _invalid("statement_other_account", _OTHER_ACCOUNT.fill(**shown))


def _invalid(code: str, sentence: Text) -> Refused:
    return Refused(Refusal(code, sentence, field="statement", kind=Kind.INVALID))


_NOT_FINANCE = Text(
    "Alleen financiën van het hele programma kan dit doen. Vraag het aan de coördinator als dat u zou moeten zijn.",
    "Only finance of the whole programme can do this. Ask the coordinator if you should be able to.",
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
