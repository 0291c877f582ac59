"""What the coordinator's pages show: rounds and lateness, mails, the journal. A constant number of queries each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from fundapp.domain import application
from fundapp.domain.application import State
from fundapp.domain.flow import Look
from fundapp.domain.flows import FLOWS
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application, Term
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.fund import Fund, FundVersion, Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import PaymentBatch
from fundapp.persistence.people import Person
from fundapp.persistence.register import School

PAGE = 50
"""Rows on one page of a list."""

MAILS = 25
"""Mails on one page: each takes four lines on a phone."""

_LATE_TERMS = ("completion", "decision", "determination", "report", "response", "recovery")

TERMS = {
    "completion": Text("aanvullen door de school", "completion by the school"),
    "decision": Text("beslissen op de aanvraag", "deciding on the application"),
    "determination": Text("eindbedrag vaststellen", "determining the final amount"),
    "report": Text("verantwoorden door de school", "final accounts by the school"),
    "response": Text("reageren op het voornemen", "responding to the intended decision"),
    "recovery": Text("terugbetalen door de school", "paying back by the school"),
}
"""What each term is called on pages."""


def _within(funds: Collection[str] | None) -> list[Any]:
    return [] if funds is None else [Application.fund_key.in_(funds)]


# --- rounds -----------------------------------------------------------------------------------------------------------


FUNNEL = (
    (Text("Begonnen", "Begun"), frozenset(State)),
    (Text("Ingestuurd", "Sent"), frozenset(State) - {State.DRAFT}),
    (
        Text("Toegekend", "Awarded"),
        frozenset({State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED, State.SETTLED}),
    ),
    (Text("Vastgesteld", "Determined"), frozenset({State.DETERMINED, State.SETTLED})),
)
"""The steps of a round: how many cases came at least this far."""


def running_tranches(session: Session, funds: Collection[str] | None) -> list[Tranche]:
    """Return the rounds that are not closed, the first to close first. One query."""
    query = select(Tranche).where(Tranche.state != "closed").order_by(Tranche.closes_at, Tranche.id).limit(PAGE)
    if funds is not None:
        query = query.where(Tranche.fund_key.in_(funds))
    return list(session.scalars(query))


def funnels(session: Session, tranche_ids: Collection[int]) -> dict[int, list[tuple[Text, int]]]:
    """Return how many cases of each round came how far. One query, on rounds that still run only."""
    rows = session.execute(
        select(Application.tranche_id, Application.state, func.count())
        .where(Application.tranche_id.in_(tranche_ids))
        .group_by(Application.tranche_id, Application.state)
    )
    counted: dict[int, dict[str, int]] = {tranche_id: {} for tranche_id in tranche_ids}
    for tranche_id, state, number in rows:
        counted[tranche_id][state] = number
    return {
        tranche_id: [
            (label, sum(n for state, n in by_state.items() if State(state) in states)) for label, states in FUNNEL
        ]
        for tranche_id, by_state in counted.items()
    }


@dataclass(frozen=True, slots=True)
class LateCase:
    """A case of which a term has passed. days: how late it is."""

    ref: str
    title: str
    state: str
    term: str
    due_on: date
    days: int

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return application.FLOW.look(self.state)

    @property
    def term_label(self) -> Text:
        """What should have been done."""
        return TERMS[self.term]


def late_cases(session: Session, funds: Collection[str] | None, today: date) -> list[LateCase]:
    """Return the cases of which a term has passed, the longest late first. One query."""
    rows = session.execute(
        select(
            Application.ref,
            func.concat(School.name, " · ", Application.title),
            Application.state,
            Term.name,
            Term.due_on,
        )
        .join(Application, Application.id == Term.application_id)
        .join(School, School.code == Application.school_code)
        .where(Term.ended_on.is_(None), Term.name.in_(_LATE_TERMS), Term.due_on < today, *_within(funds))
        .order_by(Term.due_on, Term.id)
        .limit(PAGE)
    )
    return [LateCase(*row, (today - row[4]).days) for row in rows]


# --- funds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FundLine:
    """A fund with its newest version."""

    key: str
    name: Text
    version_id: int
    number: int
    sha256: str
    published_at: datetime
    published_by: str | None


def fund_lines(session: Session, key: str | None = None) -> list[FundLine]:
    """Return the funds with their newest version, by name; one of them where a key is given. One query."""
    newest = select(func.max(FundVersion.id)).group_by(FundVersion.fund_key)
    query = (
        select(
            Fund.key,
            Fund.name_nl,
            Fund.name_en,
            FundVersion.id,
            FundVersion.number,
            FundVersion.sha256,
            FundVersion.published_at,
            Person.name,
        )
        .join(FundVersion, FundVersion.fund_key == Fund.key)
        .outerjoin(Person, Person.id == FundVersion.published_by_id)
        .where(FundVersion.id.in_(newest))
        .order_by(Fund.name_nl)
    )
    if key is not None:
        query = query.where(Fund.key == key)
    rows: Any = session.execute(query)
    return [FundLine(row[0], Text(row[1], row[2]), *row[3:]) for row in rows]


# --- mails ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail."""

    id: int
    created_at: datetime
    name: str
    address: str
    template: str
    subject: str | None
    state: str
    tries: int
    error: str | None
    sent_at: datetime | None
    case_ref: str | None

    @property
    def look(self) -> tuple[Text, str, str]:
        """Word, tone and icon of its state."""
        return MAIL_STATES[self.state]

    @property
    def stuck(self) -> bool:
        """Whether it waits for a person to send it again."""
        return self.state in ("dead", "uncertain")


MAIL_STATES = {
    "held": (Text("Vastgehouden", "Held"), "waiting", "lock"),
    "queued": (Text("Wacht op verzending", "Waiting to be sent"), "info", "clock"),
    "sending": (Text("Wordt verstuurd", "Being sent"), "info", "progress"),
    "sent": (Text("Verstuurd", "Sent"), "positive", "check"),
    "uncertain": (Text("Onzeker", "Uncertain"), "waiting", "question"),
    "dead": (Text("Niet gelukt", "Failed"), "negative", "cross"),
}
"""Every state of a mail: its word, tone and icon."""


def mails(session: Session, *, state: str | None = None, before: int | None = None) -> list[MailLine]:
    """Return mails, the newest first; one more than a page when there are more. One query."""
    query = (
        select(
            OutboxMessage.id,
            OutboxMessage.created_at,
            func.coalesce(Person.name, OutboxMessage.context["name"].astext, OutboxMessage.address),
            OutboxMessage.address,
            OutboxMessage.template,
            OutboxMessage.subject,
            OutboxMessage.state,
            OutboxMessage.tries,
            OutboxMessage.error,
            OutboxMessage.sent_at,
            Application.ref,
        )
        .outerjoin(Person, Person.id == OutboxMessage.person_id)
        .outerjoin(Application, Application.id == OutboxMessage.application_id)
        .order_by(OutboxMessage.id.desc())
        .limit(MAILS + 1)
    )
    if state is not None:
        query = query.where(OutboxMessage.state == state)
    if before is not None:
        query = query.where(OutboxMessage.id < before)
    rows: Any = session.execute(query)
    return [MailLine(*row) for row in rows]


# --- the journal ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One act. subject: the reference of what it is about. by: None for the system."""

    id: int
    at: datetime
    by: str | None
    kind: str
    subject: str
    action: str
    from_state: str | None
    to_state: str
    reason: str
    number: int
    hash: str

    @property
    def kind_label(self) -> Text:
        """What it is about, in words."""
        return KINDS.get(self.kind) or same(self.kind.replace("_", " "))

    @property
    def action_label(self) -> Text:
        """What was done, in words."""
        flow = FLOWS.get(self.kind)
        transition = flow.find(self.action) if flow else None
        return transition.past if transition else ACTS.get(self.action) or same(self.action.replace("_", " "))

    @property
    def change(self) -> tuple[Text, Text] | None:
        """The states before and after, where they differ."""
        flow = FLOWS.get(self.kind)
        if flow is None or not self.from_state or self.from_state == self.to_state:
            return None
        return flow.look(self.from_state).label, flow.look(self.to_state).label


KINDS = {kind: flow.label for kind, flow in FLOWS.items()} | {
    "fund": Text("fonds", "fund"),
    "person": Text("persoon", "person"),
    "mail": Text("mail", "mail"),
    "bank_account": Text("rekening", "bank account"),
    "interim_report": Text("tussenrapportage", "interim report"),
    "bank_line": Text("bankregel", "bank line"),
}
"""Every kind of subject in the journal, as the filter offers it."""

ACTS = {
    "begin": Text("begonnen", "begun"),
    "prepare": Text("klaargezet", "prepared"),
    "publish": Text("gepubliceerd", "published"),
    "publish_evaluation": Text("evaluatie gepubliceerd", "evaluation published"),
    "judge_lines": Text("regels beoordeeld", "lines judged"),
    "move_cost": Text("kosten verplaatst", "cost moved"),
    "sign_report": Text("verantwoording ondertekend", "final accounts signed"),
    "request": Text("gevraagd", "requested"),
    "enter": Text("ingevuld", "entered"),
    "confirm": Text("bevestigd", "confirmed"),
    "not_ours": Text("hoort er niet bij", "not ours"),
    "retry": Text("opnieuw in de wachtrij", "queued again"),
    "invite": Text("uitgenodigd", "invited"),
    "end": Text("toegang beëindigd", "access ended"),
    "payment_confirmed": Text("betaling bevestigd", "payment confirmed"),
    "payment_returned": Text("betaling teruggekomen", "payment returned"),
    "recovery_received": Text("terugbetaling ontvangen", "recovery received"),
}
"""Acts that are no transition of a flow."""


def journal(
    session: Session, *, kind: str | None = None, stream: int | None = None, before: int | None = None
) -> list[JournalLine]:
    """Return acts, the newest first; one more than a page when there are more. stream: a tranche's id. One query."""
    query = (
        select(
            Journal.id,
            Journal.at,
            Person.name,
            Journal.kind,
            func.coalesce(
                Application.ref,
                Tranche.ref,
                PaymentBatch.ref,
                ChangeRequest.ref,
                Journal.data["ref"].as_string(),
                func.concat("nr. ", Journal.subject_id),
            ),
            Journal.action,
            Journal.from_state,
            Journal.to_state,
            Journal.reason,
            Journal.seq,
            func.encode(Journal.hash, "hex"),
        )
        .outerjoin(Person, Person.id == Journal.actor_id)
        .outerjoin(Application, and_(Journal.kind == "application", Application.id == Journal.subject_id))
        .outerjoin(Tranche, and_(Journal.kind == "tranche", Tranche.id == Journal.subject_id))
        .outerjoin(PaymentBatch, and_(Journal.kind == "payment_batch", PaymentBatch.id == Journal.subject_id))
        .outerjoin(ChangeRequest, and_(Journal.kind == "change_request", ChangeRequest.id == Journal.subject_id))
        .order_by(Journal.id.desc())
        .limit(PAGE + 1)
    )
    if kind is not None:
        query = query.where(Journal.kind == kind)
    if stream is not None:
        query = query.where(Journal.stream == stream)
    if before is not None:
        query = query.where(Journal.id < before)
    rows: Any = session.execute(query)
    return [JournalLine(*row) for row in rows]
