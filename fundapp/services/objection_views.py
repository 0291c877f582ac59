"""What pages show of objections and requests for reconsideration. A fixed number of statements for each page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import and_, false, func, or_, select, text, true
from sqlalchemy.orm import Session

from fundapp.domain.application import State as CaseState
from fundapp.domain.flow import Look
from fundapp.domain.objection import CHANGES, RUNNING, Against, Dismissal, Outcome, State, Waiver
from fundapp.domain.objection_flow import FLOWS
from fundapp.domain.objection_words import AGAINST, DISMISSALS, WAIVERS, WORDS, Words
from fundapp.domain.people import STAFF_ROLES, Actor
from fundapp.domain.term import Profile
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.objection import Objection
from fundapp.persistence.register import School
from fundapp.services import funds
from fundapp.services.keyset import PAGE
from fundapp.services.objection import DECIDED, IN_STATE

_VIEW = text("""
  SELECT a.ref AS application, a.title, s.name AS school, coalesce(d.kind, 'determine') AS against, o.new_decision_id,
    f.name AS filed_by, v.name AS adviser, h.name AS heard_by, n.outcome, n.amount_cents, n.conditions, n.explanation,
    n.at AS decided_at, n.reasons, p.name AS decided_by, coalesce(fp.name, dp.name) AS first_decider,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (
       SELECT id, name, due_on, because, pauses, ended_on FROM term WHERE objection_id = o.id) x) AS terms,
    (SELECT json_agg(x ORDER BY x.id DESC) FROM (
       SELECT l.id, l.template, l.sent_at FROM letter l JOIN journal j ON j.id = l.journal_id
       WHERE l.application_id = a.id AND j.kind = :kind AND j.subject_id = o.id) x) AS letters,
    (SELECT json_agg(x ORDER BY x.id) FROM (
       SELECT j.id, j.at, j.action, j.reason, w.name FROM journal j LEFT JOIN person w ON w.id = j.actor_id
       WHERE j.kind = :kind AND j.subject_id = o.id) x) AS history
  FROM objection o JOIN application a ON a.id = o.application_id JOIN school s ON s.code = a.school_code
  LEFT JOIN decision d ON d.id = o.decision_id LEFT JOIN determination e ON e.id = o.determination_id
  LEFT JOIN person fp ON fp.id = d.decided_by_id LEFT JOIN person dp ON dp.id = e.by_id
  LEFT JOIN person f ON f.id = o.filed_by_id LEFT JOIN person v ON v.id = o.adviser_id
  LEFT JOIN person h ON h.id = o.heard_by_id
  LEFT JOIN decision n ON n.id = o.new_decision_id LEFT JOIN person p ON p.id = n.decided_by_id
  WHERE o.id = :id
""")

TERM_NAMES = {
    "remedy_decision": Text("Beslissen", "To decide"),
    "remedy_completion": Text("Aanvullen door de school", "To complete, by the school"),
}
LETTER_NAMES = {
    "objection_received": Text("Ontvangstbevestiging", "Confirmation of receipt"),
    "objection_completion": Text("Vraag om aanvulling", "Request to complete it"),
    "hearing": Text("Uitnodiging", "Invitation"),
    "objection_extension": Text("Nieuwe datum", "New date"),
    "delay": Text("Bericht van vertraging", "Notice of delay"),
    "objection_decision": Text("Beslissing", "Decision"),
}


class TermLine(NamedTuple):
    """A term. paused: it stands still; due_on is then a forecast. ended: it did its work."""

    label: Text
    due_on: date
    paused: bool
    ended: bool
    because: tuple[Text, ...]


class Event(NamedTuple):
    """Something that happened. by: who of the fund or of the school; None: the system."""

    at: datetime
    label: Text
    by: str | None
    reason: str


@dataclass(frozen=True)
class ObjectionView:
    """All that the page of one shows, besides its own row."""

    row: Objection
    found: Any

    @property
    def words(self) -> Words:
        """How its law speaks of it."""
        return WORDS[Profile(self.row.profile)]

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return FLOWS[Profile(self.row.profile)].look(self.row.state)

    @property
    def against(self) -> Text:
        """What the school disagrees with."""
        return AGAINST[Against(self.found.against)]

    @property
    def running(self) -> bool:
        """Whether it waits for a decision."""
        return self.row.state in RUNNING

    @property
    def invited(self) -> bool:
        """Whether the school is to be heard."""
        return self.row.state == State.HEARING_PLANNED

    @property
    def changed(self) -> bool:
        """Whether another decision came in the place of the first one."""
        return self.found.outcome in CHANGES

    @property
    def waiver(self) -> Text | None:
        """Why nobody was heard."""
        return WAIVERS[Waiver(self.row.waiver)] if self.row.waiver else None

    @property
    def advised(self) -> Text | None:
        """What was advised."""
        return self.words.looks[State(self.row.advised)] if self.row.advised else None

    @property
    def outcome(self) -> Text | None:
        """What was decided."""
        return self.words.looks[State(Outcome(self.found.outcome))] if self.found.outcome else None

    @property
    def dismissal(self) -> Text | None:
        """Why it was not dealt with."""
        reasons = self.found.reasons or []
        return DISMISSALS[Dismissal(reasons[0])] if reasons else None

    @cached_property
    def terms(self) -> tuple[TermLine, ...]:
        """Its terms, the newest first."""
        return tuple(_term(one) for one in self.found.terms or ())

    @property
    def deciding(self) -> TermLine | None:
        """The term to decide, while it runs."""
        return next((t for t in self.terms if t.label is TERM_NAMES["remedy_decision"] and not t.ended), None)

    @property
    def completing(self) -> TermLine | None:
        """The term to complete it, while it runs."""
        return next((t for t in self.terms if t.label is TERM_NAMES["remedy_completion"] and not t.ended), None)

    @property
    def letters(self) -> list[tuple[int, Text, datetime]]:
        """Its letters (id, name, when), the newest first."""
        return [
            (one["id"], LETTER_NAMES.get(one["template"], same(one["template"])), _at(one["sent_at"]))
            for one in self.found.letters or ()
        ]

    @property
    def history(self) -> list[Event]:
        """What happened, the oldest first."""
        flow = FLOWS[Profile(self.row.profile)]
        found = []
        for one in self.found.history or ():
            transition = flow.find(one["action"])
            label = transition.past if transition else same(one["action"])
            found.append(Event(_at(one["at"]), label, one["name"], one["reason"]))
        return found


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _term(found: Mapping[str, Any]) -> TermLine:
    return TermLine(
        label=TERM_NAMES[found["name"]],
        due_on=date.fromisoformat(found["due_on"]),
        paused=found["ended_on"] is None and any(last is None for _, last in found["pauses"]),
        ended=found["ended_on"] is not None,
        because=tuple(Text(**reason) for reason in found["because"]),
    )


def load(session: Session, row: Objection) -> ObjectionView:
    """Return what its page shows. One statement."""
    kind = WORDS[Profile(row.profile)].kind
    return ObjectionView(row, session.execute(_VIEW, {"id": row.id, "kind": kind}).one())


# --- lists ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One of them in a list. due: by when we decide; None while it stands still or is done.

    final: whether it is about a final amount.
    """

    id: int
    ref: str
    application: str
    title: str
    school: str
    profile: Profile
    state: str
    filed_at: datetime
    due: date | None
    final: bool

    @property
    def words(self) -> Words:
        """How its law speaks of it."""
        return WORDS[self.profile]

    @property
    def href(self) -> str:
        """The address of its page."""
        return f"{self.words.path}/{self.ref}"

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return FLOWS[self.profile].look(self.state)


_LINE = (
    Objection.id,
    Objection.ref,
    Application.ref.label("application"),
    Application.title,
    School.name.label("school"),
    Objection.profile,
    Objection.state,
    Objection.filed_at,
    Objection.decision_due_on.label("due"),
    Objection.determination_id.is_not(None).label("final"),
)


def _lines(rows: Any) -> list[Line]:
    return [Line(**row._asdict() | {"profile": Profile(row.profile)}) for row in rows]


def staff_list(session: Session, actor: Actor, *, done: bool, after: int | None = None) -> list[Line]:
    """Return those that this person's roles reach: first to be decided on top, or (done) the newest first.

    One more than a page where there are more. after: the id to go on after. Whoever works for a board that takes part
    is not shown its cases.
    """
    places = [
        and_(
            true() if grant.fund is None else Application.fund_key == grant.fund,
            true() if grant.sub_region is None else Application.sub_region == grant.sub_region,
        )
        for grant in actor.grants
        if grant.role in STAFF_ROLES
    ]
    query = (
        select(*_LINE)
        .join(Application, Application.id == Objection.application_id)
        .join(School, School.code == Application.school_code)
        .where(or_(false(), *places))
        .limit(PAGE + 1)
    )
    if actor.boards:
        query = query.where(~Application.boards.overlap(sorted(actor.boards)))
    running = Objection.state.in_([str(state) for state in RUNNING])
    if done:
        query = query.where(~running, Objection.state != State.DRAFT).order_by(Objection.id.desc())
        query = query if after is None else query.where(Objection.id < after)
    else:
        due = func.coalesce(Objection.decision_due_on, date(9999, 12, 31))
        query = query.where(running).order_by(due, Objection.id)
    return _lines(session.execute(query))


def of_application(session: Session, app: Application) -> list[Line]:
    """Return those of one application, the newest first. One statement."""
    query = (
        select(*_LINE)
        .join(Application, Application.id == Objection.application_id)
        .join(School, School.code == Application.school_code)
        .where(Objection.application_id == app.id, Objection.state != State.DRAFT)
        .order_by(Objection.id.desc())
    )
    return _lines(session.execute(query))


def can_be_asked(session: Session, app: Application, known: list[Line]) -> Words | None:
    """What asking a new look at the decision that holds is called, where its school can; no statement.

    known: those that were asked. One new look at each decision; after that there is the court.
    """
    spec = funds.spec_of(session, app.fund_version_id)
    state = CaseState(app.state)
    final = state in IN_STATE[Against.DETERMINE]
    asked = any(one.final == final and one.state != State.WITHDRAWN for one in known)
    if spec.terms.remedy is None or state not in DECIDED or asked:
        return None
    return WORDS[spec.legal_profile]
