"""Objections and reconsiderations as cases: filed by the school against one decision, found, judged by the guards."""

# ruff: noqa: S608  (the pieces of these statements are constants of the product)
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from fundapp.domain import objection
from fundapp.domain.application import FLOW as APPLICATIONS
from fundapp.domain.application import State as CaseState
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.decision_term import Deciding
from fundapp.domain.fund import FundSpec
from fundapp.domain.objection import Against, Outcome, State
from fundapp.domain.objection_flow import FLOWS
from fundapp.domain.objection_words import AGAINST, WORDS
from fundapp.domain.people import JUDGES, Actor, Role, Scope, conflicted, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.term import Due, Length, Profile, due
from fundapp.domain.text import Text
from fundapp.domain.tranche import SHUT
from fundapp.persistence.application import Application, BudgetLine
from fundapp.persistence.decision import Award, Decision
from fundapp.persistence.fund import Tranche
from fundapp.persistence.objection import Objection
from fundapp.persistence.people import one_of
from fundapp.persistence.settlement import Determination
from fundapp.services import application, funds
from fundapp.services.act import CaseType
from fundapp.services.ceilings import FREE_FOR
from fundapp.services.subject import lock_tranche, missing

IN_STATE: dict[Against, frozenset[CaseState]] = {
    Against.AWARD: frozenset({CaseState.AWARDED, CaseState.REPORTED, CaseState.DETERMINATION_INTENDED}),
    Against.REJECT: frozenset({CaseState.REJECTED}),
    Against.NOT_CONSIDER: frozenset({CaseState.NOT_CONSIDERED}),
    Against.REVOKE: frozenset({CaseState.REVOKED}),
    Against.DETERMINE: frozenset({CaseState.DETERMINED, CaseState.SETTLED}),
}
"""Kind of decision → where the application stands while that decision is the one that holds."""

DECIDED = frozenset().union(*IN_STATE.values())


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that holds, and that its school can ask a new look at. Amounts in cents, as `Objection` has them."""

    against: Against
    decision_id: int | None
    determination_id: int | None
    on: date
    term: Due
    old: int
    most: int

    def is_late(self, today: date) -> bool:
        """Whether the term to ask for it has passed."""
        return today > self.term.due_on


def decision_that_holds(session: Session, app: Application) -> Decided | None:
    """Return the decision on an application as it stands, if its fund knows a remedy; None where nothing was decided.

    What came of a new look is not looked at once more by us: after that there is the court.
    """
    spec = funds.spec_of(session, app.fund_version_id)
    if spec.terms.remedy is None or CaseState(app.state) not in DECIDED:
        return None
    against = next(kind for kind, states in IN_STATE.items() if app.state in states)
    if against is Against.DETERMINE:
        return _determined(session, app, spec)
    row = session.scalar(
        select(Decision).where(Decision.application_id == app.id).order_by(Decision.id.desc()).limit(1)
    )
    if row is None or row.kind != against:
        return None
    most = _most(session, app, spec, against)
    return _decided(spec, against, row.at, row.amount_cents, most, decision_id=row.id)


def _determined(session: Session, app: Application, spec: FundSpec) -> Decided | None:
    row = session.scalar(
        select(Determination)
        .where(Determination.application_id == app.id, Determination.kind == "final")
        .order_by(Determination.id.desc())
        .limit(1)
    )
    if row is None or row.replaces_id is not None:
        return None
    return _decided(spec, Against.DETERMINE, row.at, row.cents, int(row.calculation["award"]), determination_id=row.id)


def _most(session: Session, app: Application, spec: FundSpec, against: Against) -> int:
    """The most that can come of a new look: what was awarded before it was revoked, else what the formula allows."""
    if against is Against.REVOKE:
        award = session.get(Award, app.id)
        return 0 if award is None else award.cents
    lines = session.execute(
        select(BudgetLine.category, BudgetLine.quantity * BudgetLine.unit_cents).where(
            BudgetLine.application_id == app.id
        )
    )
    cost = sum(cents for key, cents in lines if (c := spec.category(key)) is None or c.eligible)
    return spec.grant_of(app.requested_cents, cost=cost)


def _decided(
    spec: FundSpec,
    against: Against,
    at: datetime,
    old: int,
    most: int,
    *,
    decision_id: int | None = None,
    determination_id: int | None = None,
) -> Decided:
    assert spec.terms.remedy is not None
    on = at.astimezone(AMSTERDAM).date()
    term = due(spec.terms.remedy.rule(spec.legal_profile), on)
    return Decided(against, decision_id, determination_id, on, term, old, max(old, most))


def against_this(session: Session, found: Decided) -> Objection | None:
    """The objection that was filed against a decision and not withdrawn, or None."""
    return session.scalar(
        select(Objection).where(
            Objection.decision_id == found.decision_id
            if found.decision_id is not None
            else Objection.determination_id == found.determination_id,
            Objection.state != State.WITHDRAWN,
        )
    )


def prepare(session: Session, ref: str, *, actor: Actor, now: datetime) -> Objection:
    """Return the row to be filed against the decision that holds for an application, or the one filed already.

    The tranche and the application are locked, so that sending a form twice finds what the first one made. The caller
    files it (`perform`) in the same transaction. Raises Refused: NOT_FOUND, FORBIDDEN for who is not of the school,
    CONFLICT where there is nothing to ask a new look at.
    """
    app = application.find(session, ref, lock=True)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.APPLICANT)
    found = decision_that_holds(session, app)
    if found is None:
        raise Refused(_NOTHING_DECIDED)
    there = against_this(session, found)
    if there is not None:
        return there
    words = WORDS[funds.spec_of(session, app.fund_version_id).legal_profile]
    number = session.scalar(select(func.count()).where(Objection.application_id == app.id)) or 0
    row = Objection(
        ref=f"{app.ref}-{words.prefix}{number + 1}",
        profile=str(words.profile),
        application_id=app.id,
        tranche_id=app.tranche_id,
        decision_id=found.decision_id,
        determination_id=found.determination_id,
        decided_on=found.on,
        due_on=found.term.due_on,
        old_cents=found.old,
        most_cents=found.most,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


_NOTHING_DECIDED = Refusal(
    "nothing_decided",
    Text(
        "Er is geen besluit waar wij opnieuw naar kunnen kijken. Bel of mail ons als u vragen hebt.",
        "There is no decision that we can look at again. Call or mail us if you have questions.",
    ),
    kind=Kind.CONFLICT,
)


# --- as a case --------------------------------------------------------------------------------------------------------


def _find(profile: Profile, session: Session, ref: str, lock: bool) -> Objection:
    query = select(Objection).where(Objection.ref == ref, Objection.profile == profile)
    if lock:
        tranche_id = session.scalar(select(Objection.tranche_id).where(Objection.ref == ref))
        if tranche_id is None:
            raise Refused(missing())
        lock_tranche(session, tranche_id)
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Refused(missing())
    return row


def application_of(session: Session, row: Objection) -> Application:
    """The application of which a decision is looked at again."""
    return session.get_one(Application, row.application_id)


def scope(session: Session, row: Objection) -> Scope:
    """Where it belongs: where its application does."""
    return application.scope(session, application_of(session, row))


_PREPARED = sorted(
    t.name
    for t in APPLICATIONS.transitions
    if t.who & (JUDGES | {Role.FINANCE}) and not t.who & {Role.SYSTEM} and t.name not in ("hold_payments", "lift_hold")
)
"""Acts on an application by which somebody has a part in its decision."""

_FREE = (
    FREE_FOR.replace(":tranche", "a.tranche_id")
    .replace(":region", "a.sub_region")
    .replace(":submitted", "a.submitted_at")
)
_AROUND = text(f"""
  SELECT coalesce(d.kind, 'determine') AS against, coalesce(d.decided_by_id, v.by_id) AS first_decider,
    (SELECT array_agg(DISTINCT who) FILTER (WHERE who IS NOT NULL) FROM (
       SELECT actor_id FROM journal
       WHERE kind = 'application' AND subject_id = a.id AND action = ANY (:prepared)
       UNION ALL SELECT person_id FROM review WHERE application_id = a.id AND sent_at IS NOT NULL
       UNION ALL SELECT adviser_id FROM advice WHERE application_id = a.id
       UNION ALL VALUES (d.decided_by_id), (d.advised_by_id), (v.by_id)) part (who)) AS involved,
    (SELECT interested FROM interest_declaration
     WHERE application_id = a.id AND person_id = :person ORDER BY id DESC LIMIT 1) AS interested,
    (SELECT jsonb_build_array(due_on, jsonb_path_exists(pauses, '$[*][1] ? (@ == null)'),
            jsonb_path_exists(rule, '$.extension.* ? (@ > 0)') OR EXISTS (
              SELECT FROM term b WHERE b.objection_id = o.id AND b.name = c.name AND b.ended_on IS NOT NULL))
     FROM term c WHERE objection_id = o.id AND name = 'remedy_decision' AND ended_on IS NULL
     ORDER BY round DESC LIMIT 1) AS deciding,
    (SELECT due_on FROM term WHERE objection_id = o.id AND name = 'remedy_completion' AND ended_on IS NULL
     ORDER BY round DESC LIMIT 1) AS completion_due,
    (SELECT min(f.cents) FROM ({_FREE}) f) AS free,
    {one_of("t.state", SHUT)} AS shut,
    EXISTS (SELECT FROM bank_account b
            WHERE b.board_number = a.board_number AND b.confirmed_at IS NOT NULL) AS account_known
  FROM objection o JOIN application a ON a.id = o.application_id JOIN tranche t ON t.id = a.tranche_id
  LEFT JOIN decision d ON d.id = o.decision_id LEFT JOIN determination v ON v.id = o.determination_id
  WHERE o.id = :id
""")


def facts(session: Session, row: Objection, actor: Actor, now: datetime) -> objection.Facts:
    """Load what the guards ask. One statement, besides the application and the rules of its fund."""
    around = session.execute(_AROUND, {"id": row.id, "person": actor.id, "prepared": _PREPARED}).one()
    app = application_of(session, row)
    place = application.scope(session, app)
    roles = roles_on(actor, place)
    spec = funds.spec_of(session, app.fund_version_id)
    extension = spec.terms.remedy_decision.extension if spec.terms.remedy_decision else None
    today = now.astimezone(AMSTERDAM).date()
    return objection.Facts(
        state=row.state,
        version=row.version,
        roles=roles,
        actor_id=actor.id,
        now=now,
        profile=Profile(row.profile),
        against=Against(around.against),
        remedy_due=row.due_on,
        problem=_problem(row, app),
        late=today > row.due_on if row.state == State.DRAFT else row.late,
        late_reason=row.late_reason,
        involved=frozenset(around.involved or ()),
        first_decider=around.first_decider,
        interested=around.interested if roles & JUDGES else conflicted(actor, place),
        hearing_at=row.hearing_at,
        completion_due=around.completion_due,
        completion_missed=row.completion_missed,
        deciding=None
        if around.deciding is None
        else Deciding(date.fromisoformat(around.deciding[0]), *around.deciding[1:]),
        extendable=Length.parse(extension) if extension else None,
        adviser_id=row.adviser_id,
        advised=Outcome(row.advised) if row.advised else None,
        advised_cents=row.advised_cents,
        old=row.old_cents,
        most=row.most_cents,
        reserved=row.reserved_cents,
        free=around.free or 0,
        shut=around.shut,
        account_known=around.account_known,
    )


def _problem(row: Objection, app: Application) -> Refusal | None:
    if row.state != State.DRAFT or CaseState(app.state) in DECIDED:
        return None
    return _NOTHING_DECIDED


def context(session: Session, row: Objection) -> dict[str, Any]:
    """What its mails and letters may say: of the application, and of itself."""
    words = WORDS[Profile(row.profile)]
    around = session.execute(
        select(func.coalesce(Decision.kind, "determine"))
        .select_from(Objection)
        .outerjoin(Decision, Decision.id == Objection.decision_id)
        .where(Objection.id == row.id)
    ).scalar_one()
    against = AGAINST[Against(around)]
    more: dict[str, Any] = {
        "objection_ref": row.ref,
        "request": _both(words.yours),
        "noun": _both(words.noun),
        "meeting": _both(words.hearing),
        "against": _both(against),
        "decided_on": row.decided_on.isoformat(),
        "filed_on": _day(row.filed_at),
        "url_path": f"{words.path}/{row.ref}",
    }
    if row.decision_due_on is not None:
        more["due"] = row.decision_due_on.isoformat()
    return funds.case_context(session, application_of(session, row)) | more


def _both(words: Text) -> dict[str, str]:
    return {"nl": words.nl, "en": words.en}


def _day(moment: datetime | None) -> str | None:
    return moment.astimezone(AMSTERDAM).date().isoformat() if moment else None


def _kind(profile: Profile) -> CaseType[Objection, objection.Facts]:
    return CaseType(
        flow=FLOWS[profile],
        find=partial(_find, profile),
        facts=facts,
        scope=scope,
        stream=lambda row: row.tranche_id,
        application_id=lambda row: row.application_id,
        context=context,
    )


KINDS = {profile: _kind(profile) for profile in Profile}
"""Legal profile → its kind of case."""


def tranche_of(session: Session, row: Objection) -> Tranche:
    """The tranche that the money is in."""
    return session.get_one(Tranche, row.tranche_id)
