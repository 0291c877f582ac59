"""Who reads which application before the panel meets: given by hand, many at once, or proposed. Ended, never deleted.

An interest comes first: the register's, and what people declared (`services.interest`). The database keeps one live
assignment for each person and application.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW, State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.fund import FundSpec
from fundapp.domain.panel import Proposal, Reviewer, ToAssign, may_be_assigned, propose
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.fund import Tranche
from fundapp.persistence.panel import Assignment
from fundapp.services import funds
from fundapp.services.holders import Holder
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail
from fundapp.services.subject import missing

READ = (State.SUBMITTED, State.UNDER_REVIEW)
"""Where an application can be given to readers: from the moment it is in until there is an advice."""

MOST = 500
"""Applications of a round that one page deals out."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the page of a round's readers shows. readers: person → names by application."""

    tranche: Tranche
    each: int
    reviewers: tuple[Reviewer, ...]
    cases: tuple[CaseRow, ...]
    more: bool

    @property
    def to_assign(self) -> list[ToAssign]:
        """The applications as the rules reckon with them."""
        return [case.to_assign for case in self.cases]

    @property
    def open_cases(self) -> int:
        """How many applications still need a reader."""
        return sum(len(case.readers) < self.each for case in self.cases)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader of an application. sent: their score is in; set_aside: it counts no more."""

    assignment_id: int
    person_id: int
    name: str
    due_at: datetime
    sent: bool
    abstained: bool

    @property
    def due_on(self) -> date:
        """The last day."""
        return self.due_at.astimezone(AMSTERDAM).date()


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One application of a round, and who reads it."""

    id: int
    ref: str
    title: str
    school: str
    board: str
    boards: frozenset[str]
    readers: tuple[Reading, ...]

    @property
    def to_assign(self) -> ToAssign:
        """As the rules reckon with it."""
        readers = frozenset(reader.person_id for reader in self.readers)
        return ToAssign(self.id, self.ref, self.board, self.boards | {self.board}, readers)


_REVIEWERS = text("""
  SELECT p.id, p.name, p.email, p.language,
    coalesce((SELECT array_agg(DISTINCT m.board_number) FROM membership m
              WHERE m.person_id = p.id AND m.ended_at IS NULL), '{}') AS boards,
    coalesce((SELECT array_agg(d.application_id) FROM interest_declaration d
              JOIN application a ON a.id = d.application_id
              WHERE d.person_id = p.id AND d.interested AND a.tranche_id = :tranche), '{}') AS barred,
    (SELECT count(*) FROM assignment s WHERE s.person_id = p.id AND s.ended_at IS NULL
       AND NOT EXISTS (SELECT FROM review v WHERE v.application_id = s.application_id AND v.person_id = p.id
                       AND v.sent_at IS NOT NULL)) AS load
  FROM person p
  WHERE p.ended_at IS NULL AND EXISTS (
    SELECT FROM role_grant g WHERE g.person_id = p.id AND g.role = 'adviser' AND g.ended_at IS NULL
      AND (g.fund_key IS NULL OR g.fund_key = :fund)
      AND (CAST(:region AS text) IS NULL OR g.sub_region IS NULL OR g.sub_region = :region))
  ORDER BY p.name, p.id
""")

_CASES = text("""
  SELECT a.id, a.ref, a.title, s.name AS school, a.board_number, a.boards,
    coalesce((SELECT json_agg(json_build_array(x.id, x.person_id, p.name, x.due_at,
        v.sent_at IS NOT NULL, coalesce(v.abstained, false)) ORDER BY p.name, x.id)
      FROM assignment x JOIN person p ON p.id = x.person_id
      LEFT JOIN LATERAL (SELECT sent_at, abstained FROM review
        WHERE application_id = a.id AND person_id = x.person_id AND set_aside_at IS NULL
        ORDER BY submission_number DESC LIMIT 1) v ON true
      WHERE x.application_id = a.id AND x.ended_at IS NULL), '[]') AS readers
  FROM application a JOIN school s ON s.code = a.school_code
  WHERE a.tranche_id = :tranche AND a.state = ANY (CAST(:states AS text[]))
    AND (CAST(:region AS text) IS NULL OR a.sub_region = :region) AND a.id > :after
    AND NOT ((a.boards || a.board_number) && CAST(:own_boards AS text[]))
    AND NOT EXISTS (SELECT FROM interest_declaration d WHERE d.application_id = a.id AND d.person_id = :person
                    AND d.interested)
  ORDER BY a.id LIMIT :most
""")


def region_of(actor: Actor, fund: str) -> str | None:
    """The sub-region that this person works for as a handler or adviser; None: all of them."""
    regions = {
        grant.sub_region
        for grant in actor.grants
        if grant.role in (Role.HANDLER, Role.ADVISER) and grant.fund in (None, fund)
    }
    return None if None in regions or len(regions) != 1 else regions.pop()


def tranche_for(session: Session, ref: str, actor: Actor, *roles: Role) -> Tranche:
    """Return a round in whose fund this person has one of the roles. Raises Refused(NOT_FOUND)."""
    row = session.execute(text("SELECT id FROM tranche WHERE ref = :ref"), {"ref": ref}).scalar()
    tranche = session.get(Tranche, row) if row is not None else None
    if tranche is None or not actor.has(*roles, fund=tranche.fund_key):
        raise Refused(missing())
    return tranche


def reviewers(session: Session, tranche: Tranche, region: str | None) -> tuple[tuple[Reviewer, Holder], ...]:
    """Return everybody who can read applications of this round, each with how to write to them."""
    values = {"tranche": tranche.id, "fund": tranche.fund_key, "region": region}
    return tuple(
        (
            Reviewer(row.id, row.name, frozenset(row.boards), frozenset(row.barred), row.load),
            Holder(row.id, row.email, row.name, row.language),
        )
        for row in session.execute(_REVIEWERS, values)
    )


def board(session: Session, tranche: Tranche, actor: Actor, *, after: int = 0) -> Board:
    """Return the round's applications that can be read and who reads them, from id `after` on, in two statements."""
    region = region_of(actor, tranche.fund_key)
    spec = funds.spec_of(session, tranche.fund_version_id)
    rows = session.execute(
        _CASES,
        {
            "tranche": tranche.id,
            "states": [str(state) for state in READ],
            "region": region,
            "after": after,
            "own_boards": sorted(actor.boards),
            "person": actor.id,
            "most": MOST + 1,
        },
    ).all()
    return Board(
        tranche=tranche,
        each=spec.advice.readers or 1,
        reviewers=tuple(reviewer for reviewer, _ in reviewers(session, tranche, region)),
        cases=tuple(
            CaseRow(
                row.id,
                row.ref,
                row.title,
                row.school,
                row.board_number,
                frozenset(row.boards),
                tuple(
                    Reading(number, person, name, datetime.fromisoformat(due), sent, abstained)
                    for number, person, name, due, sent, abstained in row.readers
                ),
            )
            for row in rows[:MOST]
        ),
        more=len(rows) > MOST,
    )


def proposals(found: Board) -> list[Proposal]:
    """Propose readers for what still needs them (`domain.panel.propose`)."""
    already: dict[tuple[int, str], int] = {}
    for case in found.cases:
        for reader in case.readers:
            already[reader.person_id, case.board] = already.get((reader.person_id, case.board), 0) + 1
    return propose(found.reviewers, found.to_assign, found.each, already)


BY_HAND = Text("Gekozen door de behandelaar.", "Chosen by the case handler.")


@dataclass(frozen=True, slots=True)
class Wish:
    """Give this application to this person."""

    application_id: int
    person_id: int
    because: Text = BY_HAND


def assign(
    session: Session, tranche: Tranche, wishes: Iterable[Wish], *, actor: Actor, now: datetime
) -> tuple[int, list[Refusal]]:
    """Give applications to readers; return how many are new, and why others were refused.

    Who has it already keeps it. One mail to each reader, however many applications. Raises Refused(NOT_FOUND) for an
    application or a person that is not of this round.
    """
    found = board(session, tranche, actor)
    cases = {case.id: case for case in found.cases}
    people = {
        one.person_id: (one, holder) for one, holder in reviewers(session, tranche, region_of(actor, tranche.fund_key))
    }
    spec = funds.spec_of(session, tranche.fund_version_id)
    due = _end_of(now.astimezone(AMSTERDAM).date() + timedelta(days=spec.advice.reading_days))
    refusals: list[Refusal] = []
    given: dict[int, list[str]] = {}
    for wish in wishes:
        if wish.application_id not in cases or wish.person_id not in people:
            raise Refused(missing())
        case, (reviewer, _) = cases[wish.application_id], people[wish.person_id]
        if any(reader.person_id == wish.person_id for reader in case.readers) or case.ref in given.get(
            wish.person_id, ()
        ):
            continue
        why_not = may_be_assigned(reviewer, case.to_assign)
        if why_not is not None:
            refusals.append(why_not)
            continue
        session.add(
            Assignment(
                application_id=case.id,
                person_id=wish.person_id,
                assigned_by_id=actor.id,
                because=asdict(wish.because),
                at=now,
                due_at=due,
            )
        )
        data = {"ref": case.ref, "person": wish.person_id, "because": asdict(wish.because)}
        note(session, actor, now, kind=FLOW.kind, subject_id=case.id, action="assign", data=data)
        given.setdefault(wish.person_id, []).append(case.ref)
    session.flush()
    for person_id, refs in sorted(given.items()):
        write_mail(
            session,
            "reading_given",
            people[person_id][1],
            key=f"reading:{tranche.id}:{now.isoformat()}:{person_id}",
            context=_mail_context(spec, tranche, refs, due.astimezone(AMSTERDAM).date()),
        )
    return sum(len(refs) for refs in given.values()), refusals


def _mail_context(spec: FundSpec, tranche: Tranche, refs: Sequence[str], due: date) -> dict[str, Any]:
    return {
        "fund": spec.name.nl,
        "fund_en": spec.name.en,
        "tranche": tranche.name,
        "refs": list(refs),
        "due": due.isoformat(),
        "url_path": "/lezen",
    }


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), AMSTERDAM)


def end(session: Session, assignment_id: int, tranche: Tranche, *, because: str, actor: Actor, now: datetime) -> None:
    """Take an application away from a reader; what they scored stays, but is theirs no longer to change.

    Raises Refused: NOT_FOUND for an assignment of another round, INVALID without a reason.
    """
    row = session.get(Assignment, assignment_id)
    ref = session.execute(
        text("SELECT ref FROM application WHERE id = :id AND tranche_id = :tranche"),
        {"id": row.application_id if row else 0, "tranche": tranche.id},
    ).scalar()
    if row is None or ref is None:
        raise Refused(missing())
    if not because.strip():
        raise Refused(
            Refusal(
                "reason_missing",
                Text("Schrijf op waarom.", "Write why."),
                field="because",
                kind=Kind.INVALID,
            )
        )
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_because = now, because.strip()
    data = {"ref": ref, "person": row.person_id, "because": row.ended_because}
    note(session, actor, now, kind=FLOW.kind, subject_id=row.application_id, action="unassign", data=data)


_DUE = text("""
  SELECT x.person_id, p.email, p.name, p.language, a.tranche_id, array_agg(a.ref ORDER BY a.ref) AS refs,
    min(x.due_at) AS due_at
  FROM assignment x JOIN application a ON a.id = x.application_id JOIN person p ON p.id = x.person_id
  WHERE x.ended_at IS NULL AND p.ended_at IS NULL AND a.state = ANY (CAST(:states AS text[]))
    AND x.due_at > :since AND x.due_at <= :until
    AND NOT EXISTS (SELECT FROM review v WHERE v.application_id = x.application_id AND v.person_id = x.person_id
                    AND v.sent_at IS NOT NULL)
  GROUP BY x.person_id, p.email, p.name, p.language, a.tranche_id ORDER BY x.person_id, a.tranche_id LIMIT 1000
""")

REMIND_BEFORE = timedelta(days=3)
STILL_USEFUL = timedelta(days=7)


def remind(session: Session, now: datetime) -> int:
    """Mail readers whose applications are due within three days, or were in the last week: one mail for each due day.

    Returns how many mails are new.
    """
    written = 0
    values = {"states": [str(s) for s in READ], "since": now - STILL_USEFUL, "until": now + REMIND_BEFORE}
    for row in session.execute(_DUE, values).all():
        tranche = session.get(Tranche, row.tranche_id)
        assert tranche is not None
        due = row.due_at.astimezone(AMSTERDAM).date()
        written += write_mail(
            session,
            "reading_due",
            Holder(row.person_id, row.email, row.name, row.language),
            key=f"reading_due:{row.tranche_id}:{row.person_id}:{due.isoformat()}:{row.due_at < now}",
            context=_mail_context(funds.spec_of(session, tranche.fund_version_id), tranche, row.refs, due),
        )
    return written
