"""What the pages about recoveries show: claims, what came in, what was agreed. Cents; what is open, by the ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from fundapp.domain import recovery
from fundapp.domain.flow import Look
from fundapp.domain.ledger import Account, Movement
from fundapp.domain.ledger_text import MOVEMENTS
from fundapp.domain.recovery import PartStanding
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Letter
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import CaseBalance, LedgerEntry
from fundapp.persistence.people import Person
from fundapp.persistence.register import School
from fundapp.persistence.settlement import Recovery
from fundapp.services.recovery import received_for, schedule
from fundapp.services.review_case import LETTER_NAMES

PAGE = 50
"""Rows on one page of a list."""

LETTERS = ("recovery", "recovery_schedule", "recovery_set_off", "recovery_written_off")
"""The letters that a claim can have."""


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """One claim. letter_id: the letter that asks for it."""

    ref: str
    application_ref: str
    school: str
    state: str
    cents: int
    open_cents: int
    written_off_cents: int
    due_on: date
    letter_id: int | None
    id: int

    @property
    def received_cents(self) -> int:
        """What came back, set-off counted in."""
        return self.cents - self.open_cents - self.written_off_cents

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return recovery.FLOW.look(self.state)


def recoveries(
    session: Session, funds: Collection[str] | None, *, only_open: bool, before: int | None = None
) -> list[RecoveryLine]:
    """Return claims, open or all, the newest first. What is open comes from the ledger. One query."""
    given_up = aliased(CaseBalance)
    letter = (
        select(func.max(Letter.id))
        .where(Letter.application_id == Application.id, Letter.template == "recovery")
        .correlate(Application)
        .scalar_subquery()
    )
    receivable = and_(
        CaseBalance.application_id == Recovery.application_id,
        CaseBalance.account == Account.RECEIVABLE,
        Recovery.state.not_in(sorted(recovery.DONE)),
    )
    written_off = and_(given_up.application_id == Recovery.application_id, given_up.account == Account.WRITTEN_OFF)
    query = (
        select(
            Recovery.ref,
            Application.ref,
            School.name,
            Recovery.state,
            Recovery.cents,
            func.coalesce(CaseBalance.cents, 0),
            func.coalesce(given_up.cents, 0),
            Recovery.due_on,
            letter,
            Recovery.id,
        )
        .join(Application, Application.id == Recovery.application_id)
        .join(School, School.code == Application.school_code)
        .outerjoin(CaseBalance, receivable)
        .outerjoin(given_up, written_off)
        .order_by(Recovery.id.desc())
        .limit(PAGE + 1)
    )
    if funds is not None:
        query = query.where(Application.fund_key.in_(funds))
    if only_open:
        query = query.where(CaseBalance.cents > 0)
    if before is not None:
        query = query.where(Recovery.id < before)
    return [RecoveryLine(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Moved:
    """What one entry of the ledger did to what is open (signed: below zero is less open)."""

    at: datetime
    movement: Movement
    cents: int

    @property
    def label(self) -> Text:
        """What it is called."""
        return MOVEMENTS[self.movement]


@dataclass(frozen=True, slots=True)
class RecoveryView:
    """One claim in full. parts: the instalments that were agreed last, with what came in for each.

    proposed_by, proposed_why: of the write-off that waits for a second person.
    """

    row: Recovery
    application_ref: str
    title: str
    school: str
    proposed_by: str | None
    proposed_why: str | None
    open_cents: int
    parts: tuple[PartStanding, ...]
    moved: list[Moved]
    letters: list[tuple[int, Text, datetime]]

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return recovery.FLOW.look(self.row.state)

    @property
    def next_due(self) -> date | None:
        """By when the next amount must be in."""
        return next((one.part.due_on for one in self.parts if one.open), None)

    @property
    def gone_cents(self) -> int:
        """What is no longer open: received, set off or given up."""
        return self.row.cents - self.open_cents


def recovery_view(session: Session, row: Recovery, *, open_cents: int) -> RecoveryView:
    """Return all of one claim. Four queries."""
    why = (
        select(Journal.reason)
        .where(Journal.kind == recovery.FLOW.kind, Journal.subject_id == row.id, Journal.action == "propose_write_off")
        .order_by(Journal.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ref, title, school, proposed_by, proposed_why = session.execute(
        select(Application.ref, Application.title, School.name, Person.name, why)
        .select_from(Application)
        .join(School, School.code == Application.school_code)
        .outerjoin(Person, Person.id == row.proposed_by_id)
        .where(Application.id == row.application_id)
    ).one()
    entries = session.execute(
        select(LedgerEntry.at, LedgerEntry.movement, LedgerEntry.cents)
        .where(LedgerEntry.application_id == row.application_id, LedgerEntry.account == Account.RECEIVABLE)
        .order_by(LedgerEntry.id)
        .limit(PAGE)
    )
    letters = session.execute(
        select(Letter.id, Letter.template, Letter.sent_at)
        .where(Letter.application_id == row.application_id, Letter.template.in_(LETTERS))
        .order_by(Letter.id.desc())
    )
    parts = schedule(session, row.application_id)
    return RecoveryView(
        row=row,
        application_ref=ref,
        title=title,
        school=school,
        proposed_by=proposed_by,
        proposed_why=proposed_why,
        open_cents=open_cents,
        parts=recovery.standing(parts, received_for(parts, open_cents)) if parts else (),
        moved=[Moved(at, Movement(movement), cents) for at, movement, cents in entries],
        letters=[(number, LETTER_NAMES[template], sent_at) for number, template, sent_at in letters],
    )


def recovery_of(session: Session, application_id: int) -> Recovery | None:
    """The claim of an application, or None."""
    return session.scalar(select(Recovery).where(Recovery.application_id == application_id))
