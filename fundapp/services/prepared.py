"""Decisions prepared beforehand: one by one, or all by the advice of the panel; shown, taken out, released together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from fundapp.domain import flow, prepared
from fundapp.domain.application import FLOW, Facts
from fundapp.domain.application import State as CaseState
from fundapp.domain.intention import to_hear_on
from fundapp.domain.people import Actor, Role
from fundapp.domain.prepared import State
from fundapp.domain.refusal import Refusal, Refused
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.prepared import PreparedDecision, Release
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.services import application, application_reading, interest
from fundapp.services.journal import note
from fundapp.services.letters import letter_row
from fundapp.services.subject import missing
from fundapp.services.transitions import rehearse, see

MOST = 5_000
"""Decisions that are prepared or released in one go."""


@dataclass(frozen=True, slots=True)
class Left:
    """An application for which nothing was prepared, and why."""

    ref: str
    refusals: tuple[Refusal, ...]


def prepare(
    session: Session,
    ref: str,
    action: str,
    given: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> PreparedDecision:
    """Prepare a decision on one application; what was prepared before is replaced. The caller commits.

    Raises Refused: NOT_FOUND for who has nothing to do with it, FORBIDDEN for an interest, else what the flow's own
    guards say of it now.
    """
    found = see(session, FLOW.kind, ref, actor=actor, now=now)
    if action not in prepared.ACTIONS or not found.facts.roles & set(prepared.PREPARERS):
        raise Refused(missing())
    interest.require(interest.known(found.row, found.facts))
    if seen is not None and seen != found.facts.version:
        flow.decide(FLOW, action, found.facts, given, seen=seen)
    if refusals := against(found.facts, action, given):
        raise Refused(*refusals)
    _replace(session, [found.row.id])
    row = _row(found.row, action, given, actor, now)
    session.add(row)
    session.flush()
    return row


def against(facts: Facts, action: str, given: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """What keeps this decision from being prepared: all that does not depend on who takes it."""
    transition = FLOW.transition(action)
    if facts.state not in transition.source:
        return (flow.not_now(FLOW, transition, facts),)
    reasons = flow.refusals(transition, facts, given)
    return tuple(reason for reason in reasons if reason.code not in prepared.OF_THE_PERSON)


def _row(app: Application, action: str, given: Mapping[str, Any], actor: Actor, now: datetime) -> PreparedDecision:
    assert actor.id is not None
    return PreparedDecision(
        application_id=app.id,
        tranche_id=app.tranche_id,
        action=action,
        given=dict(given),
        on_version=app.version,
        prepared_by_id=actor.id,
        prepared_at=now,
    )


def _replace(session: Session, application_ids: Iterable[int]) -> None:
    """What stood ready for these goes: something else is prepared."""
    session.execute(
        delete(PreparedDecision).where(
            PreparedDecision.application_id.in_(list(application_ids)), PreparedDecision.state == State.READY
        )
    )


def prepare_many(
    session: Session,
    tranche: Tranche,
    wanted: Mapping[str, tuple[str, Mapping[str, Any]]],
    *,
    actor: Actor,
    now: datetime,
) -> tuple[int, list[Left]]:
    """Prepare decisions by reference: (action, given). Return how many, and those that cannot be, with why.

    A fixed number of statements besides one insert. Raises nothing for a single one; the caller commits.
    """
    rows, left = [], []
    for app, known in application_reading.read_many(session, sorted(wanted), actor):
        action, given = wanted[app.ref]
        facts = application.facts(session, app, actor, now, known)
        if app.tranche_id != tranche.id or not facts.roles & set(prepared.PREPARERS) or facts.conflict_declared:
            continue  # not this person's to see
        if refusals := against(facts, action, given):
            left.append(Left(app.ref, refusals))
            continue
        rows.append(_row(app, action, given, actor, now))
    _replace(session, [row.application_id for row in rows])
    session.add_all(rows)
    session.flush()
    return len(rows), left


def prepare_by_advice(session: Session, tranche: Tranche, *, actor: Actor, now: datetime) -> tuple[int, list[Left]]:
    """Prepare what the panel advised, for every advised application of a round for which nothing stands ready."""
    newest = (
        select(Advice.id)
        .where(Advice.application_id == Application.id)
        .order_by(Advice.id.desc())
        .limit(1)
        .correlate(Application)
        .scalar_subquery()
    )
    open_ = select(PreparedDecision.application_id).where(
        PreparedDecision.tranche_id == tranche.id, PreparedDecision.state.in_(prepared.OPEN)
    )
    rows = session.execute(
        select(Application.ref, Advice.outcome, Advice.amount_cents, Advice.reasons, Advice.conditions)
        .join(Advice, Advice.id == newest)
        .where(
            Application.tranche_id == tranche.id,
            Application.state == CaseState.ADVISED,
            Application.id.not_in(open_),
        )
        .order_by(Application.id)
        .limit(MOST)
    ).all()
    wanted: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row.outcome == "award":
            said = {"amount_cents": row.amount_cents, "conditions": row.conditions, "explanation": ""}
            wanted[row.ref] = ("award", said)
        else:
            wanted[row.ref] = ("reject", {"reasons": list(row.reasons), "explanation": ""})
    rejected = [ref for ref, (action, _) in wanted.items() if action == "reject"]
    for app, known in application_reading.read_many(session, rejected, actor):
        facts = application.facts(session, app, actor, now, known)
        _, given = wanted[app.ref]
        if to_hear_on(given["reasons"], facts.hearing, facts.grounds().own):
            wanted[app.ref] = ("intend_rejection", given)
    return prepare_many(session, tranche, wanted, actor=actor, now=now)


def take_out(session: Session, ref: str, *, actor: Actor, now: datetime) -> None:
    """What stood ready for an application goes. Raises Refused(NOT_FOUND)."""
    found = see(session, FLOW.kind, ref, actor=actor, now=now)
    row = ready_for(session, found.row.id)
    if row is None or not found.facts.roles & set(prepared.PREPARERS):
        raise Refused(missing())
    _replace(session, [found.row.id])


def ready_for(session: Session, application_id: int) -> PreparedDecision | None:
    """What stands ready for an application, or None."""
    return session.scalar(
        select(PreparedDecision).where(
            PreparedDecision.application_id == application_id, PreparedDecision.state == State.READY
        )
    )


# --- the letter, beforehand -------------------------------------------------------------------------------------------


def letter_of(session: Session, ref: str, *, actor: Actor, now: datetime) -> tuple[PreparedDecision, Letter | None]:
    """Return what stands ready for an application, and the letter that would go out now; None: no letter belongs to it.

    As the decision itself would make it, then rolled back by the caller. Raises Refused as the decision would, and
    NOT_FOUND where nothing stands ready.
    """
    found = see(session, FLOW.kind, ref, actor=actor, now=now)
    if not found.facts.roles & set(prepared.PREPARERS):
        raise Refused(missing())
    interest.require(interest.known(found.row, found.facts))
    row = ready_for(session, found.row.id)
    if row is None:
        raise Refused(missing())
    if row.on_version != found.facts.version:
        raise Refused(flow.stale(FLOW, found.facts))
    if refusals := against(found.facts, row.action, row.given):
        raise Refused(*refusals)
    act = rehearse(session, FLOW.kind, ref, row.action, actor=actor, now=now, given=row.given)
    made = act.rows.new.get(Letter)
    if not made:
        return row, None
    kept = {name: made[0][name] for name in ("application_id", "journal_id", "template", "context")}
    return row, letter_row(**kept, now=now)


# --- the list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One prepared decision in the list. cents: what it awards; changed: the application changed since."""

    id: int
    ref: str
    school: str
    sub_region: str
    requested_cents: int
    action: str
    cents: int
    state: State
    changed: bool
    outcome: tuple[dict[str, str], ...]


_LINES = text("""
  SELECT p.id, a.ref, s.name AS school, a.sub_region, a.requested_cents, p.action, p.given, p.state, p.outcome,
    p.on_version <> a.version AS changed
  FROM prepared_decision p JOIN application a ON a.id = p.application_id JOIN school s ON s.code = a.school_code
  WHERE (p.tranche_id = :tranche AND p.state = 'ready' OR p.release_id = :release AND (:state = '' OR p.state = :state))
    AND p.id > :after ORDER BY p.id LIMIT :limit
""")


def lines(
    session: Session,
    *,
    tranche_id: int | None = None,
    release_id: int | None = None,
    state: str = "",
    after: int | None = None,
    limit: int,
) -> list[Line]:
    """Return what stands ready in a round, or was released together; one more than fits where there are more."""
    values = {"tranche": tranche_id, "release": release_id, "state": state, "after": after or 0, "limit": limit + 1}
    return [
        Line(
            id=row.id,
            ref=row.ref,
            school=row.school,
            sub_region=row.sub_region,
            requested_cents=row.requested_cents,
            action=row.action,
            cents=int(row.given.get("amount_cents") or 0),
            state=State(row.state),
            changed=row.changed and row.state == State.READY,
            outcome=tuple(row.outcome),
        )
        for row in session.execute(_LINES, values)
    ]


@dataclass(frozen=True, slots=True)
class Stack:
    """What stands ready in a round: how many of each action, what is awarded together (cents), and its mark.

    advised: applications that were advised and for which nothing stands ready. mark: changes with the list.
    """

    counts: dict[str, int]
    cents: int
    advised: int
    mark: str

    @property
    def total(self) -> int:
        """How many stand ready."""
        return sum(self.counts.values())


_STACK = text("""
  SELECT (SELECT jsonb_object_agg(action, jsonb_build_array(n, cents)) FROM (
      SELECT action, count(*) AS n, sum(coalesce((given->>'amount_cents')::bigint, 0)) AS cents
      FROM prepared_decision WHERE tranche_id = :tranche AND state = 'ready' GROUP BY action) x) AS ready,
    (SELECT concat(count(*), '.', coalesce(max(id), 0), '.', coalesce(sum(id), 0)) FROM prepared_decision
      WHERE tranche_id = :tranche AND state = 'ready') AS mark,
    (SELECT count(*) FROM application a WHERE a.tranche_id = :tranche AND a.state = 'advised' AND NOT EXISTS (
      SELECT FROM prepared_decision p WHERE p.application_id = a.id AND p.state IN ('ready', 'queued'))) AS advised
""")


def stack(session: Session, tranche_id: int) -> Stack:
    """Return what stands ready in a round, in one statement."""
    row = session.execute(_STACK, {"tranche": tranche_id}).one()
    ready = row.ready or {}
    return Stack(
        counts={action: ready[action][0] for action in prepared.ACTIONS if action in ready},
        cents=sum(cents for _, cents in ready.values()),
        advised=row.advised,
        mark=row.mark,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a release is. counts: by state."""

    id: int
    ref: str
    tranche: str
    by: str
    released_at: datetime
    finished_at: datetime | None
    total: int
    counts: dict[str, int]

    @property
    def handled(self) -> int:
        """How many had their turn."""
        return self.total - self.counts.get(State.QUEUED, 0)


_RELEASES = text("""
  SELECT r.id, r.ref, t.ref AS tranche, t.fund_key, p.name AS by, r.released_at, r.finished_at, r.total,
    (SELECT jsonb_object_agg(state, n) FROM (
      SELECT state, count(*) AS n FROM prepared_decision WHERE release_id = r.id GROUP BY state) x) AS counts
  FROM release r JOIN tranche t ON t.id = r.tranche_id JOIN person p ON p.id = r.released_by_id
  WHERE t.id = :tranche OR r.ref = :ref ORDER BY r.id DESC LIMIT 20
""")


def releases(session: Session, *, tranche_id: int | None = None, ref: str | None = None) -> list[Progress]:
    """Return the newest releases of a round, or the one with this reference."""
    found = session.execute(_RELEASES, {"tranche": tranche_id, "ref": ref})
    return [
        Progress(r.id, r.ref, r.tranche, r.by, r.released_at, r.finished_at, r.total, r.counts or {}) for r in found
    ]


# --- releasing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands ready, as its release would find it now. asked: this person still has to declare an interest or not.

    wrong: those that would be refused, each with why.
    """

    rows: tuple[PreparedDecision, ...]
    asked: tuple[str, ...]
    wrong: tuple[Left, ...]


def judge(session: Session, tranche: Tranche, *, actor: Actor, now: datetime) -> Judged:
    """Ask of all that stands ready what the flow would say, as if they were decided one after another by this person.

    Those in which this person has an interest are left to a colleague. Raises Refused where nothing is left.
    """
    rows = session.execute(
        select(PreparedDecision, Application.ref)
        .join(Application, Application.id == PreparedDecision.application_id)
        .where(PreparedDecision.tranche_id == tranche.id, PreparedDecision.state == State.READY)
        .order_by(PreparedDecision.id)
        .limit(MOST)
    ).all()
    by_application = {row.application_id: row for row, _ in rows}
    mine, asked, wrong = [], [], []
    spent: dict[str, int] = {}
    found = application_reading.read_many(session, [ref for _, ref in rows], actor)
    for app, known in sorted(found, key=lambda one: by_application[one[0].id].id):
        facts = application.facts(session, app, actor, now, known)
        if Role.DECISION_MAKER not in facts.roles or facts.conflict_declared:
            continue
        row = by_application[app.id]
        mine.append(row)
        if facts.conflict_declared is None:
            asked.append(app.ref)
        if reasons := _said(facts, row, spent):
            wrong.append(Left(app.ref, reasons))
    if not mine:
        raise Refused(prepared.NOTHING_READY)
    return Judged(tuple(mine), tuple(asked), tuple(wrong))


def _said(facts: Facts, row: PreparedDecision, spent: dict[str, int]) -> tuple[Refusal, ...]:
    """What the flow says of one, after those before it took their money."""
    if row.on_version != facts.version:
        return (flow.stale(FLOW, facts),)
    cents = int(row.given.get("amount_cents") or 0) if row.action == "award" else 0
    after = replace(facts, free_in={pot: free - spent.get(pot, 0) for pot, free in facts.free_in.items()})
    transition = FLOW.transition(row.action)
    if facts.state not in transition.source:
        return (flow.not_now(FLOW, transition, facts),)
    found = flow.refusals(transition, after, row.given)
    reasons = tuple(reason for reason in found if reason.code != "interest_unanswered")  # that is asked at the release
    if not reasons:
        for pot in facts.free_in:
            spent[pot] = spent.get(pot, 0) + cents
    return reasons


def release(
    session: Session,
    tranche: Tranche,
    *,
    actor: Actor,
    now: datetime,
    mark: str,
    no_interest: bool,
    interested: Sequence[str] = (),
) -> Release:
    """Release all that stands ready in a round and this person may decide; the worker takes them one by one.

    mark: of the list that the person saw. no_interest: declares so for those asked, but for `interested`: these are
    left to a colleague. Raises Refused: STALE for another list, INVALID without a declaration.
    """
    session.execute(select(Tranche.id).where(Tranche.id == tranche.id).with_for_update(key_share=True))
    if stack(session, tranche.id).mark != mark:
        raise Refused(prepared.LIST_CHANGED)
    judged = judge(session, tranche, actor=actor, now=now)
    if set(judged.asked) - set(interested) and not no_interest:
        raise Refused(prepared.NO_INTEREST)
    left_to_others = _declare(session, judged.asked, set(interested), actor, now)
    rows = [row for row in judged.rows if row.application_id not in left_to_others]
    if not rows:
        raise Refused(prepared.NOTHING_READY)
    assert actor.id is not None
    number = session.scalar(select(func.count()).select_from(Release).where(Release.tranche_id == tranche.id)) or 0
    made = Release(
        ref=f"VG-{tranche.ref}-{number + 1}",
        tranche_id=tranche.id,
        released_by_id=actor.id,
        released_at=now,
        total=len(rows),
    )
    session.add(made)
    session.flush()
    session.execute(
        update(PreparedDecision)
        .where(PreparedDecision.id.in_([row.id for row in rows]))
        .values(state=State.QUEUED.value, release_id=made.id)
        .execution_options(synchronize_session=False)
    )
    note(
        session,
        actor,
        now,
        kind="tranche",
        subject_id=tranche.id,
        action="release_decisions",
        data={"ref": made.ref, "decisions": made.total},
    )
    session.flush()
    return made


def _declare(session: Session, refs: Sequence[str], interested: set[str], actor: Actor, now: datetime) -> set[int]:
    """Keep what this person declares of these applications; return those in which they have an interest."""
    rows = session.execute(select(Application).where(Application.ref.in_(refs)).order_by(Application.id)).scalars()
    left = set()
    for app in rows:
        if app.ref in interested:
            left.add(app.id)
            roles = frozenset({Role.DECISION_MAKER})
            interest.declare(session, app, interested=True, actor=actor, roles=roles, now=now)
            continue
        session.add(InterestDeclaration(application_id=app.id, person_id=actor.id, interested=False, at=now))
        data = {"interested": False, "ref": app.ref}
        note(session, actor, now, kind=FLOW.kind, subject_id=app.id, action=interest.ACTION, data=data)
    session.flush()
    return left
