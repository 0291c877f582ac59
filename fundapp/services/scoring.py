"""Scoring: what a reader gives an application, alone, before seeing what others gave.

Bound to the version that was read: a newer version of the application asks for new scores. Sources: domain.md section 1
(rule 18), ux.md screen R3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW, State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.fund import FundSpec
from fundapp.domain.panel import HIGHEST, LOWEST, Standing, standing, weighted
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.panel import Review
from fundapp.services.journal import note
from fundapp.services.subject import missing

OPEN = frozenset({str(State.SUBMITTED), str(State.UNDER_REVIEW)})
"""Where scores can be given; with the advice they are what they are."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The scores of one reader on the newest version. version: of the row, for the form; number: of the submission.

    note: by criterion. due_at: by when it was asked; None where nobody gave it to this person.
    """

    number: int
    due_at: datetime | None
    version: int = 0
    scores: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""
    score: Decimal | None = None
    abstained: bool = False
    sent_at: datetime | None = None
    earlier: bool = False

    @property
    def given(self) -> bool:
        """Whether this person was asked to read it."""
        return self.due_at is not None

    @property
    def sent(self) -> bool:
        """Whether it is in."""
        return self.sent_at is not None


@dataclass(frozen=True, slots=True)
class Given:
    """What one reader gave, as others see it."""

    name: str
    score: Decimal | None
    scores: Mapping[str, int]
    notes: Mapping[str, str]
    remark: str
    abstained: bool
    set_aside: bool


_SHEET = text("""
  SELECT (SELECT max(number) FROM submission WHERE application_id = :application) AS number,
    (SELECT due_at FROM assignment WHERE application_id = :application AND person_id = :person AND ended_at IS NULL)
      AS due_at,
    (SELECT row_to_json(v) FROM (SELECT version, scores, notes, remark, score, abstained, sent_at, submission_number
       FROM review WHERE application_id = :application AND person_id = :person AND set_aside_at IS NULL
       ORDER BY submission_number DESC LIMIT 1) v) AS review
""")


def sheet(session: Session, app: Application, actor: Actor) -> Sheet:
    """Return what this person gave on the newest version, in one statement; an earlier version's scores as a start."""
    row = session.execute(_SHEET, {"application": app.id, "person": actor.id}).one()
    number = row.number or 1
    if row.review is None:
        return Sheet(number, row.due_at)
    found = row.review
    same_version = found["submission_number"] == number
    return Sheet(
        number=number,
        due_at=row.due_at,
        version=found["version"] if same_version else 0,
        scores=found["scores"],
        notes=found["notes"],
        remark=found["remark"],
        score=Decimal(str(found["score"])) if found["score"] is not None and same_version else None,
        abstained=found["abstained"] and same_version,
        sent_at=datetime.fromisoformat(found["sent_at"]) if found["sent_at"] and same_version else None,
        earlier=not same_version,
    )


def save(
    session: Session,
    app: Application,
    spec: FundSpec,
    *,
    scores: Mapping[str, int],
    notes: Mapping[str, str],
    remark: str,
    send: bool,
    abstain: bool = False,
    number: int,
    seen: int,
    actor: Actor,
    roles: frozenset[Role],
    now: datetime,
) -> Review:
    """Keep what a reader gave; send: it is finished, and the others' become visible. What is in stays whole.

    abstain: gives no score and says so. number and seen: of the version that was on the page. Raises Refused: FORBIDDEN
    without the role or the application, STALE where either version is newer, CONFLICT once there is an advice, INVALID
    at the criterion without a score (`score_CODE`).
    """
    current = sheet(session, app, actor)
    if Role.ADVISER not in roles or not current.given:
        raise Refused(_NOT_YOURS)
    if app.state not in OPEN:
        raise Refused(_CLOSED)
    before = session.scalars(
        select(Review)
        .where(Review.application_id == app.id, Review.person_id == actor.id, Review.submission_number == number)
        .with_for_update()
    ).one_or_none()
    if current.number != number:
        raise Refused(_NEWER_VERSION)
    if (before.version if before else 0) != seen:
        raise Refused(_SAVED_ELSEWHERE)
    wanted = {criterion.code: criterion.weight for criterion in spec.criteria}
    clean = {code: value for code, value in scores.items() if code in wanted and LOWEST <= value <= HIGHEST}
    lacking = [criterion for criterion in spec.criteria if criterion.code not in clean]
    if (send or current.sent) and not abstain and lacking:
        raise Refused(*(_lacking(criterion.code, criterion.name) for criterion in lacking))
    row = before or Review(application_id=app.id, person_id=actor.id, submission_number=number, abstained=False)
    if before is None:
        session.add(row)
    row.version = seen + 1
    row.scores, row.notes, row.remark = dict(clean), {k: v for k, v in notes.items() if v and k in wanted}, remark
    row.abstained = abstain
    row.score = None if abstain else weighted(clean, wanted)
    row.saved_at, row.set_aside_at = now, None
    if send:
        row.sent_at = now
        data = {
            "ref": app.ref,
            "submission": number,
            "abstained": abstain,
            "score": str(row.score) if row.score else None,
        }
        note(session, actor, now, kind=FLOW.kind, subject_id=app.id, action="score", data=data)
    session.flush()
    return row


_OTHERS = text("""
  SELECT DISTINCT ON (v.person_id) p.name, v.score, v.scores, v.notes, v.remark, v.abstained,
    v.set_aside_at IS NOT NULL AS set_aside
  FROM review v JOIN person p ON p.id = v.person_id
  WHERE v.application_id = :application AND v.sent_at IS NOT NULL AND v.person_id <> coalesce(:person, 0)
  ORDER BY v.person_id, v.submission_number DESC
""")


def others(session: Session, app: Application, actor: Actor | None) -> list[Given]:
    """Return what the others gave, by name. Whether this person may see it is asked by `may_see_others`."""
    rows = session.execute(_OTHERS, {"application": app.id, "person": actor.id if actor else None})
    found = [Given(*row) for row in rows]
    return sorted(found, key=lambda one: one.name)


def may_see_others(app: Application, own: Sheet) -> bool:
    """Whether the scores of others are open to a reader: once their own are in, or when there is an advice."""
    return own.sent or app.state not in OPEN


_STANDINGS = text("""
  SELECT v.application_id, array_agg(v.score) AS scores FROM (
    SELECT DISTINCT ON (application_id, person_id) application_id, person_id, score, sent_at, set_aside_at
    FROM review WHERE application_id = ANY (CAST(:ids AS bigint[]))
    ORDER BY application_id, person_id, submission_number DESC) v
  WHERE v.score IS NOT NULL AND v.sent_at IS NOT NULL AND v.set_aside_at IS NULL GROUP BY v.application_id
""")


def standings(session: Session, application_ids: list[int]) -> dict[int, Standing]:
    """Return what the scores of these applications come to, in one statement; nobody's scores are an empty standing."""
    found = {row.application_id: standing(row.scores) for row in session.execute(_STANDINGS, {"ids": application_ids})}
    return {one: found.get(one, standing(())) for one in application_ids}


def set_aside(session: Session, app: Application, actor: Actor, now: datetime) -> None:
    """An interest was declared: what this person gave counts no more, and what they had to read is taken away."""
    values: dict[str, Any] = {"application": app.id, "person": actor.id, "now": now}
    session.execute(
        text("UPDATE review SET set_aside_at = :now WHERE application_id = :application AND person_id = :person"),
        values,
    )
    session.execute(
        text("""UPDATE assignment SET ended_at = :now, ended_because = 'interest'
                WHERE application_id = :application AND person_id = :person AND ended_at IS NULL"""),
        values,
    )


@dataclass(frozen=True, slots=True)
class ToRead:
    """One line of a reader's list. interest: what they said about an interest; None: nothing yet."""

    id: int
    ref: str
    title: str
    school: str
    state: str
    due_at: datetime
    sent: bool
    score: Decimal | None
    abstained: bool
    begun: bool
    interest: bool | None

    @property
    def asks_interest(self) -> bool:
        """Whether the person must say first whether they have an interest."""
        return self.open and self.interest is None

    @property
    def due_on(self) -> date:
        """The last day."""
        return self.due_at.astimezone(AMSTERDAM).date()

    @property
    def open(self) -> bool:
        """Whether there is something to do."""
        return self.state in OPEN and not self.sent


_TO_READ = text("""
  SELECT a.id, a.ref, a.title, s.name, a.state, x.due_at, v.sent_at IS NOT NULL, v.score,
    coalesce(v.abstained, false), v.id IS NOT NULL,
    (SELECT interested FROM interest_declaration WHERE application_id = a.id AND person_id = x.person_id
     ORDER BY id DESC LIMIT 1)
  FROM assignment x JOIN application a ON a.id = x.application_id JOIN school s ON s.code = a.school_code
  LEFT JOIN LATERAL (SELECT id, sent_at, score, abstained FROM review
    WHERE application_id = a.id AND person_id = x.person_id AND set_aside_at IS NULL AND submission_number =
      (SELECT max(number) FROM submission WHERE application_id = a.id)) v ON true
  WHERE x.person_id = :person AND x.ended_at IS NULL AND NOT (a.boards && CAST(:boards AS text[]))
  ORDER BY (a.state = ANY (CAST(:open AS text[])) AND v.sent_at IS NULL) DESC, x.due_at, a.ref LIMIT :most
""")


def to_read(session: Session, actor: Actor, most: int = 200) -> list[ToRead]:
    """Return what was given to this person: what is open first, in the order of the day that it is due."""
    values = {"person": actor.id, "boards": sorted(actor.boards), "open": sorted(OPEN), "most": most}
    return [ToRead(*row) for row in session.execute(_TO_READ, values)]


def neighbours(rows: list[ToRead], ref: str) -> tuple[ToRead | None, ToRead | None, int]:
    """Return the one before and the one after in the order of the list, and the place of this one (from 1; 0: none)."""
    at = next((n for n, row in enumerate(rows) if row.ref == ref), None)
    if at is None:
        return None, None, 0
    return (rows[at - 1] if at else None), (rows[at + 1] if at + 1 < len(rows) else None), at + 1


def next_open(rows: list[ToRead], ref: str) -> ToRead | None:
    """Return what is open after this one in the order of the list, from the top again at its end; None: all is done."""
    key = next(((row.due_at, row.ref) for row in rows if row.ref == ref), None)
    todo = [row for row in rows if row.open and row.ref != ref]
    later = (row for row in todo if key is None or (row.due_at, row.ref) > key)
    return next(later, todo[0] if todo else None)


def require_reader(own: Sheet, roles: frozenset[Role]) -> None:
    """Raises Refused(NOT_FOUND) for whoever was not given this application."""
    if Role.ADVISER not in roles or not own.given:
        raise Refused(missing())


def _lacking(code: str, name: Text) -> Refusal:
    return Refusal(
        "score_missing",
        Text("Geef een score voor “{name}”.", "Give a score for “{name}”.").fill(name=name),
        field=f"score_{code}",
        kind=Kind.INVALID,
    )


_NOT_YOURS = Refusal(
    "not_a_reader",
    Text(
        "Deze aanvraag is niet aan u gegeven om te scoren. Vraag het aan de behandelaar.",
        "This application was not given to you to score. Ask the case handler.",
    ),
    kind=Kind.FORBIDDEN,
)
_CLOSED = Refusal(
    "scoring_closed",
    Text(
        "Over deze aanvraag is al advies gegeven. De scores veranderen niet meer.",
        "There is an advice on this application already. The scores change no more.",
    ),
)
_NEWER_VERSION = Refusal(
    "newer_version",
    Text(
        "De school stuurde intussen een aanvulling. Lees wat er veranderde en bewaar dan opnieuw.",
        "The school sent a completion meanwhile. Read what changed, then save again.",
    ),
    kind=Kind.STALE,
)
_SAVED_ELSEWHERE = Refusal(
    "saved_elsewhere",
    Text(
        "U bewaarde deze scores ook in een ander scherm. Kijk ze na en bewaar opnieuw.",
        "You saved these scores in another window too. Check them and save again.",
    ),
    kind=Kind.STALE,
)
