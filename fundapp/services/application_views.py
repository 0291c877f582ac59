"""What the pages of a school read: its list of things to do, one application with all that belongs to it, its story.

A fixed number of statements for each page, whatever there is to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, false, func, or_, select, true, update
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW, State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.draft import Document
from fundapp.domain.flow import Look
from fundapp.domain.fund import FundSpec
from fundapp.domain.people import Actor, Capacity, Role
from fundapp.domain.settlement import Calculation
from fundapp.domain.text import Text
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import (
    Application,
    Attachment,
    StoredDocument,
    Submission,
    Term,
)
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.fund import Tranche, WindowExtension
from fundapp.persistence.journal import Journal
from fundapp.persistence.people import Person
from fundapp.persistence.receipt import Receipt
from fundapp.persistence.register import School
from fundapp.persistence.settlement import Determination, IntentResponse
from fundapp.services import funds
from fundapp.services.draft_reading import round_title
from fundapp.services.sent import Sent

SHOWN = 30
"""Applications on one page of the list."""

TERM_OF_STATE = {
    State.SUBMITTED: "decision",
    State.UNDER_REVIEW: "decision",
    State.ADVISED: "decision",
    State.WAITLISTED: "decision",
    State.OFFERED: "offer",
    State.OFFER_ACCEPTED: "decision",
    State.INCOMPLETE: "completion",
    State.REJECTION_INTENDED: "response",
    State.AWARDED: "report",
    State.REPORTED: "determination",
    State.DETERMINATION_INTENDED: "response",
    State.DETERMINED: "recovery",
}
"""The term that says by when the next thing happens."""

TODO = {
    State.DRAFT: Text("Maak uw aanvraag af en stuur hem in", "Finish your application and send it"),
    State.INCOMPLETE: Text("Vul uw aanvraag aan", "Complete your application"),
    State.REJECTION_INTENDED: Text(
        "Reageer op het voornemen om uw aanvraag af te wijzen", "Respond to the intended rejection of your application"
    ),
    State.OFFERED: Text("Neem het aangeboden geld aan of sla het af", "Accept or decline the money offered"),
    State.AWARDED: Text(
        "Stuur na het project uw verantwoording in", "Send your final accounts when the project is done"
    ),
    State.DETERMINATION_INTENDED: Text(
        "Reageer op het voornemen voor het eindbedrag", "Respond to the intended final amount"
    ),
}
"""What the school itself must do now."""

_TO_RESPOND = frozenset({State.REJECTION_INTENDED, State.DETERMINATION_INTENDED})


def todo(state: str, *, answered: bool) -> Text | None:
    """What the school must do now, or None. answered: it responded to what is intended, so no term runs for it."""
    return None if answered and state in _TO_RESPOND else TODO.get(State(state))


NEXT = {
    State.SUBMITTED: Text("Wij kijken of uw aanvraag compleet is.", "We check whether your application is complete."),
    State.UNDER_REVIEW: Text("De adviescommissie leest uw aanvraag.", "The advisory panel reads your application."),
    State.ADVISED: Text(
        "De adviescommissie heeft advies gegeven. De stuurgroep besluit.",
        "The advisory panel gave its advice. The steering group decides.",
    ),
    State.WAITLISTED: Text(
        "Uw aanvraag staat op de wachtlijst. Komt er geld vrij? Dan hoort u van ons.",
        "Your application is on the waiting list. If money comes free, you hear from us.",
    ),
    State.OFFER_ACCEPTED: Text(
        "U nam het aanbod aan. De stuurgroep neemt het besluit.",
        "You accepted the offer. The steering group decides.",
    ),
    State.REJECTION_INTENDED: Text(
        "Wij lezen uw reactie op het voornemen. Daarna besluit de stuurgroep.",
        "We read your response to the intended decision. Then the steering group decides.",
    ),
    State.DETERMINATION_INTENDED: Text(
        "Wij lezen uw reactie op het voornemen. Daarna stellen wij het eindbedrag vast.",
        "We read your response to the intended decision. Then we determine the final amount.",
    ),
    State.REPORTED: Text(
        "Wij controleren uw verantwoording en berekenen het eindbedrag.",
        "We check your final accounts and work out the final amount.",
    ),
    State.DETERMINED: Text(
        "Het eindbedrag staat vast. De laatste betaling loopt nog.",
        "The final amount is fixed. The last payment is still on its way.",
    ),
    State.SETTLED: Text("Uw project is afgerond. Bedankt!", "Your project is settled. Thank you!"),
    State.REJECTED: Text(
        "Uw aanvraag is afgewezen. In de brief staat waarom.", "Your application was rejected. The letter says why."
    ),
    State.NOT_CONSIDERED: Text(
        "Uw aanvraag was niet compleet. Wij behandelen hem niet verder.",
        "Your application was not complete. We do not deal with it further.",
    ),
    State.WITHDRAWN: Text("U hebt de aanvraag ingetrokken.", "You withdrew the application."),
    State.REVOKED: Text(
        "De toekenning is ingetrokken. In de brief staat waarom.", "The award was revoked. The letter says why."
    ),
}
"""What happens now, where the school waits."""


# --- the list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListRow:
    """One application in the list of a school. due: by when; todo: what the school must do, None where it waits."""

    id: int
    ref: str
    title: str
    school: str
    round: Text
    look: Look
    due: date | datetime | None
    todo: Text | None
    requested_cents: int


def own_schools(actor: Actor) -> Any:
    """SQL: the school is one that this person may write for."""
    members = [m for m in actor.memberships if m.capacity is not Capacity.EMPLOYEE]
    one_by_one = [
        and_(School.board_number == m.board, true() if m.school is None else School.code == m.school) for m in members
    ]
    return or_(false(), *one_by_one)


def _own_applications(actor: Actor) -> Any:
    members = [m for m in actor.memberships if m.capacity is not Capacity.EMPLOYEE]
    return or_(
        false(),
        *[
            and_(
                Application.board_number == m.board,
                true() if m.school is None else Application.school_code == m.school,
            )
            for m in members
        ],
    )


def own_list(session: Session, actor: Actor, *, after: int | None = None) -> tuple[list[ListRow], int | None]:
    """Return the newest applications of this person's schools, and the id to go on after (None: there are no more)."""
    term = case(*[(Application.state == state, name) for state, name in TERM_OF_STATE.items()])
    query = (
        select(
            Application.id,
            Application.ref,
            Application.title,
            Application.state,
            Application.requested_cents,
            School.name.label("school"),
            Tranche.name.label("round"),
            Tranche.spec["name"].label("round_title"),
            func.coalesce(WindowExtension.until, Tranche.closes_at).label("closes_at"),
            Term.due_on,
        )
        .join(School, School.code == Application.school_code)
        .join(Tranche, Tranche.id == Application.tranche_id)
        .outerjoin(
            WindowExtension,
            and_(
                WindowExtension.tranche_id == Application.tranche_id,
                WindowExtension.school_code == Application.school_code,
            ),
        )
        .outerjoin(Term, and_(Term.application_id == Application.id, Term.ended_on.is_(None), Term.name == term))
        .where(_own_applications(actor))
        .order_by(Application.id.desc())
        .limit(SHOWN + 1)
    )
    if after is not None:
        query = query.where(Application.id < after)
    rows = session.execute(query).all()
    found = [
        ListRow(
            id=row.id,
            ref=row.ref,
            title=row.title,
            school=row.school,
            round=round_title(row.round, row.round_title),
            look=FLOW.look(row.state),
            due=row.closes_at.astimezone(AMSTERDAM) if row.state == State.DRAFT else row.due_on,
            todo=todo(row.state, answered=row.due_on is None),
            requested_cents=row.requested_cents,
        )
        for row in rows[:SHOWN]
    ]
    return found, found[-1].id if len(rows) > SHOWN else None


@dataclass(frozen=True, slots=True)
class Opening:
    """A round in which one of this person's schools can begin an application."""

    ref: str
    name: Text
    fund: Text
    closes_at: datetime
    schools: tuple[tuple[str, str], ...]
    maximum_cents: int | None


def openings(session: Session, actor: Actor, now: datetime) -> list[Opening]:
    """Return the rounds that are open now, each with the schools (code, name) of this person that may apply."""
    rounds = [row for row in funds.open_tranches(session, now) if row.opens_at <= now]
    mine = session.execute(
        select(School.code, School.name, School.level)
        .where(own_schools(actor), School.closed_on.is_(None))
        .order_by(School.name_key, School.code)
        .limit(100)
    ).all()
    found = []
    for row in rounds:
        spec = funds.spec_of(session, row.fund_version_id)
        fitting = tuple((s.code, s.name) for s in mine if not spec.levels or s.level in spec.levels)
        if fitting:
            name = (
                Text(row.spec["name"]["nl"], row.spec["name"]["en"]) if "name" in row.spec else Text(row.name, row.name)
            )
            found.append(Opening(row.ref, name, spec.short_name, row.closes_at, fitting, spec.maximum_cents))
    return found


# --- one application --------------------------------------------------------------------------------------------------


def documents(session: Session, app: Application) -> list[Document]:
    """The documents of an application, in the order in which they came."""
    rows = session.execute(
        select(
            Attachment.id,
            Attachment.kind,
            Attachment.file_name,
            Attachment.sha256,
            StoredDocument.size,
            StoredDocument.media_type,
            StoredDocument.scan,
            Attachment.added_at,
        )
        .join(StoredDocument, StoredDocument.sha256 == Attachment.sha256)
        .where(Attachment.application_id == app.id)
        .order_by(Attachment.id)
    )
    return [Document(**row._asdict() | {"scan": ScanState(row.scan)}) for row in rows]


def school_names(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """Names of schools by code, of those that exist."""
    if not codes:
        return {}
    rows = session.execute(select(School.code, School.name).where(School.code.in_(codes)))
    return {row.code: row.name for row in rows}


# --- the story --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. who: a name, only for what the school itself did.

    letter: the id of the letter that told of it; receipt: the number of the submission that has a receipt.
    """

    at: datetime
    what: Text
    who: str | None = None
    reason: str = ""
    letter: int | None = None
    receipt: int | None = None


_PAID = Text("Betaald: {purpose}", "Paid: {purpose}")
_BEGUN = Text("Concept begonnen", "Draft begun")
_TOLD = {transition.name: transition for transition in FLOW.transitions}


def events(session: Session, app: Application) -> list[Event]:
    """What happened to an application, the oldest first, as its school may read it."""
    number = Journal.data["submission"]["number"].as_integer()
    receipt = case((Receipt.facts != {}, Submission.number))
    rows = session.execute(
        select(Journal.id, Journal.at, Journal.action, Journal.reason, Person.name, Letter.id.label("letter"))
        .add_columns(receipt.label("receipt"))
        .outerjoin(Person, Person.id == Journal.actor_id)
        .outerjoin(Letter, Letter.journal_id == Journal.id)
        .outerjoin(Submission, and_(Submission.application_id == app.id, Submission.number == number))
        .outerjoin(Receipt, Receipt.submission_id == Submission.id)
        .where(Journal.kind == "application", Journal.subject_id == app.id)
        .order_by(Journal.id, Letter.id)
    ).all()
    told: dict[int, Event] = {}
    for row in rows:
        transition = _TOLD.get(row.action)
        if row.id in told or not (transition or row.action == "begin"):
            continue
        ours = transition is None or Role.APPLICANT in transition.who
        public = ours or any(mail.to is Role.APPLICANT for mail in transition.mail) if transition else True
        what = transition.past if transition else _BEGUN
        told[row.id] = Event(
            at=row.at,
            what=Text(what.nl[:1].upper() + what.nl[1:], what.en[:1].upper() + what.en[1:]),
            who=row.name if ours else None,
            reason=row.reason if public else "",
            letter=row.letter,
            receipt=row.receipt,
        )
    return list(told.values())


def newest_submission(session: Session, app: Application) -> Submission | None:
    """What was sent last, or None."""
    return session.scalar(
        select(Submission).where(Submission.application_id == app.id).order_by(Submission.number.desc()).limit(1)
    )


def versions_sent(session: Session, app: Application, spec: FundSpec) -> list[Sent]:
    """What was sent last and what was sent before that, the newest first; empty for what was never sent."""
    query = select(Submission).where(Submission.application_id == app.id).order_by(Submission.number.desc()).limit(2)
    return [
        Sent(spec, found.content, number=found.number, received_at=found.received_at, stored={})
        for found in session.scalars(query)
    ]


def running_term(session: Session, app: Application) -> Term | None:
    """The term that says by when the next thing happens, or None."""
    name = TERM_OF_STATE.get(State(app.state))
    return session.scalar(
        select(Term)
        .where(Term.application_id == app.id, Term.name == name, Term.ended_on.is_(None))
        .order_by(Term.round.desc())
        .limit(1)
    )


def letters(session: Session, app: Application) -> list[Letter]:
    """The letters of an application, the newest first."""
    return list(session.scalars(select(Letter).where(Letter.application_id == app.id).order_by(Letter.id.desc())))


def open_letter(session: Session, app: Application, letter_id: int, *, reader: Actor, now: datetime) -> Letter | None:
    """Return a letter of an application; the first time that its school reads it is kept (Awb 2:17)."""
    letter = session.scalar(select(Letter).where(Letter.id == letter_id, Letter.application_id == app.id))
    if letter is not None and letter.opened_at is None and _writes_for(reader, app):
        session.execute(update(Letter).where(Letter.id == letter_id, Letter.opened_at.is_(None)).values(opened_at=now))
    return letter


def _writes_for(actor: Actor, app: Application) -> bool:
    return any(
        m.board == app.board_number and m.school in (None, app.school_code) and m.capacity is not Capacity.EMPLOYEE
        for m in actor.memberships
    )


# --- intended amount and changes --------------------------------------------------------------------------------------


def intended(session: Session, app: Application) -> tuple[Calculation, datetime] | None:
    """The newest intended calculation and when it was sent, or None."""
    row = session.scalar(
        select(Determination)
        .where(Determination.application_id == app.id, Determination.kind == "intended")
        .order_by(Determination.id.desc())
        .limit(1)
    )
    return None if row is None else (Calculation(**row.calculation), row.at)


def intended_rejection(session: Session, app: Application) -> Decision | None:
    """The newest intended rejection, or None."""
    return session.scalar(
        select(Decision)
        .where(Decision.application_id == app.id, Decision.kind == "intend_reject")
        .order_by(Decision.id.desc())
        .limit(1)
    )


def response(session: Session, app: Application) -> IntentResponse | None:
    """What the school said of what was intended last, or None."""
    return session.scalar(
        select(IntentResponse)
        .where(
            IntentResponse.application_id == app.id,
            IntentResponse.round
            == select(func.max(Term.round))
            .where(Term.application_id == app.id, Term.name == "response")
            .scalar_subquery(),
        )
        .order_by(IntentResponse.id.desc())
        .limit(1)
    )


def changes(session: Session, app: Application) -> list[ChangeRequest]:
    """The changes that were asked, the newest first."""
    query = select(ChangeRequest).where(ChangeRequest.application_id == app.id)
    return list(session.scalars(query.order_by(ChangeRequest.id.desc())))
