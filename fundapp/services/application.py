"""Applications as cases: found, judged by the guards, received, completed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from fundapp.domain import application
from fundapp.domain.application import State
from fundapp.domain.completion import require_parts
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.draft import DraftPicture, eligibility_facts
from fundapp.domain.eligibility import evaluate
from fundapp.domain.flow import Given
from fundapp.domain.fund_parts import StartEvent
from fundapp.domain.people import JUDGES, Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.term import Length
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application, EligibilityCheck
from fundapp.persistence.db import Moment
from fundapp.persistence.fund import Tranche
from fundapp.services import application_reading, dossier, draft_reading, funds, intention, settlement, terms
from fundapp.services.act import Act, Beforehand, CaseType, Seen
from fundapp.services.application_reading import IN_PROJECT, Deciding, Known
from fundapp.services.dossier import Dossier
from fundapp.services.payment_hold import paying_facts
from fundapp.services.receipt import receipt_facts
from fundapp.services.subject import missing

_BY_REF = select(Application).where(Application.ref == bindparam("ref"))
_LOCKED = _BY_REF.with_for_update(key_share=True).execution_options(populate_existing=True)
_LOCK_TRANCHE = (
    select(Tranche)
    .where(Tranche.id == select(Application.tranche_id).where(Application.ref == bindparam("ref")).scalar_subquery())
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def find(session: Session, ref: str, lock: bool = False) -> Application:
    """Return an application. lock: the tranche first, then the application. Raises Refused(NOT_FOUND)."""
    tranche = session.scalar(_LOCK_TRANCHE, {"ref": ref}) if lock else None
    app = session.scalar(_LOCKED if lock else _BY_REF, {"ref": ref})
    if app is None:
        raise Refused(missing())
    if tranche is not None:
        set_committed_value(app, "tranche", tranche)  # held on to, so that nobody has to read it again
    return app


def scope(_session: Session, app: Application) -> Scope:
    """Where an application belongs."""
    return Scope(
        fund=app.fund_key,
        sub_region=app.sub_region,
        board=app.board_number,
        school=app.school_code,
        boards=frozenset(app.boards),
    )


def _window_refusal(picture: DraftPicture, now: datetime) -> Refusal | None:
    because = picture.round.window.closed_because(now)
    if because is None:
        return None
    return Refusal(
        "outside_window",
        Text(
            "{because} Op onze klok is het {now}. Uw concept is bewaard. Neem contact op met het programmabureau.",
            "{because} Our clock says {now}. Your draft is kept. Contact the programme office.",
        ).fill(because=because, now=same(f"{now.astimezone(AMSTERDAM):%H.%M.%S}")),
    )


def facts(
    session: Session, app: Application, actor: Actor, now: datetime, known: Known | None = None
) -> application.Facts:
    """Load what the guards ask in this state, and no more. known: what was read with the application."""
    state = State(app.state)
    roles = roles_on(actor, scope(session, app))
    known = known or application_reading.known_of(session, app, actor)
    more: dict[str, Any] = {}
    if state in (State.DRAFT, State.INCOMPLETE) and roles & {Role.APPLICANT, Role.SYSTEM}:
        picture = draft_reading.picture(session, app)
        problems = tuple(refusal for _, refusal in picture.problems)
        more |= {"draft": picture, "problems": problems, "signatures": picture.signing}
        if state is State.DRAFT:
            more["window_refusal"] = _window_refusal(picture, now)
    if state in (State.SUBMITTED, State.INCOMPLETE):
        spec = funds.spec_of(session, app.fund_version_id)
        more |= {"completions_allowed": spec.terms.completion.times, "completion_due": known.completion_due}
        if known.signing is not None:
            more["signatures"], more["signature_due"] = draft_reading.signed(spec.signer, known.signing)
    if known.deciding is not None:
        more |= _decision_facts(session, app, known.deciding, known.offer[0])
        more["came_from_the_line"] = known.waited
    if state is State.UNDER_REVIEW and Role.ADVISER in roles:
        meets = funds.spec_of(session, app.fund_version_id).advice.meets
        more |= {"panel_meets": meets, "meeting_id": known.meeting if meets else None}
    if state in IN_PROJECT:
        more |= settlement.project_facts(session, app, known.balances)
        if roles & {Role.FINANCE, Role.DECISION_MAKER, Role.SYSTEM}:
            more |= paying_facts(session, app.id)
    return application.Facts(
        state=app.state,
        version=app.version,
        roles=roles,
        actor_id=actor.id,
        today=now.astimezone(AMSTERDAM).date(),
        deciding=known.term,
        extendable=_extendable(session, app) if known.term is not None and Role.HANDLER in roles else None,
        completions_asked=app.completions_asked,
        requested=app.requested_cents,
        ahead=known.ahead,
        response_given=known.response[0],
        response_due=known.response[1],
        offer_due=known.offer[1],
        conflict_declared=known.interest if roles & JUDGES else None,
        **more,
    )


def _extendable(session: Session, app: Application) -> Length | None:
    length = funds.spec_of(session, app.fund_version_id).terms.decision.extension
    return Length.parse(length) if length else None


def _decision_facts(session: Session, app: Application, deciding: Deciding, offered: int) -> dict[str, Any]:
    adviser_id, outcome, amount = deciding.advice or (None, None, None)
    spec = funds.spec_of(session, app.fund_version_id)
    cost = sum(cents for key, cents in deciding.budget if (c := spec.category(key)) is None or c.eligible)
    return {
        "adviser_id": adviser_id,
        "advised_outcome": outcome,
        "advised_cents": amount,
        "grantable": spec.grant_of(app.requested_cents, cost=cost),
        "free_in": {pot: cents + offered for pot, cents in deciding.free.items()},
        "free_now": deciding.free_now + offered,
        "offered": offered,
        "account_known": deciding.account_known,
        "hearing": spec.decision.hearing,
        "grounds": lambda: intention.grounds(session, app),
    }


# --- before anything is locked ----------------------------------------------------------------------------------------


def _see(session: Session, ref: str, actor: Actor, now: datetime) -> Seen[Application, application.Facts]:
    app, known = application_reading.read(session, ref, actor)
    return Seen(app, facts(session, app, actor, now, known))


def _is_steady(app: Application, found: application.Facts, given: Given) -> bool:
    """Once it is advised, nothing changes without its version but the money: where that is short, it is counted.

    Who waits in line depends on all who stand before it.
    """
    return app.state == State.ADVISED and int(given.get("amount_cents") or 0) <= found.free_now


def _dossier(session: Session, app: Application, roles: frozenset[Role]) -> Dossier:
    return dossier.read(session, app.id, roles)


def words(session: Session, app: Application, file: Dossier) -> dict[str, Any]:
    """What mails and letters may say of an application, by its dossier."""
    spec = funds.spec_of(session, app.fund_version_id)
    return funds.context_of(app, spec, school=file.school, board=file.board, tranche=file.tranche)


# --- effects ----------------------------------------------------------------------------------------------------------


def receive(act: Act) -> None:
    """Freeze what was sent, judge the conditions by it, and start the decision term."""
    app: Application = act.row
    picture: DraftPicture = act.facts.draft
    app.submitted_at = act.now
    app.complete_at = act.now
    _freeze(act, app, picture)
    spec = picture.spec
    closes_at = picture.round.closes_at.astimezone(AMSTERDAM).date()
    from_the_end = spec.terms.decision.starts is StartEvent.WINDOW_CLOSED
    rule = spec.terms.decision.rule(spec.legal_profile)
    term = terms.begin(act, "decision", rule, max(closes_at, act.today) if from_the_end else act.today)
    app.decision_due_on = term.due_on
    act.context |= {"moment": act.now.isoformat(), "due": term.due_on.isoformat()}


_FREEZE = text("""
  WITH sent AS (
    INSERT INTO submission (application_id, number, received_at, sent_by_id, content, sha256)
    VALUES (:id, :number, :now, :sender, :content, :sha256) RETURNING id),
  receipt AS (INSERT INTO receipt (submission_id, language, facts) SELECT id, :language, :receipt FROM sent)
  INSERT INTO eligibility_check (application_id, fund_version_id, moment, at, inputs, outcomes)
  VALUES (:id, :version, :moment, :now, :inputs, :outcomes)
""").bindparams(
    bindparam("now", type_=Moment),
    *(bindparam(name, type_=JSONB) for name in ("content", "receipt", "inputs", "outcomes")),
)


def _freeze(act: Act, app: Application, picture: DraftPicture) -> None:
    """Keep what was sent, with its hash, what the rules said of it, and what its receipt will say."""
    content, number = picture.content(), picture.sent + 1
    sha256 = funds.digest(content)
    inputs = eligibility_facts(picture, draft_reading.surroundings(act.session, app)).model_copy(
        update={"submitted_at": app.submitted_at}  # the window is judged by the first receipt, also after that
    )
    outcomes = evaluate(picture.spec.conditions, inputs, moment=act.now)
    act.session.execute(
        _FREEZE,
        {
            "id": app.id,
            "number": number,
            "now": act.now,
            "sender": act.actor.id,
            "content": content,
            "sha256": sha256,
            "language": act.actor.language,
            "receipt": receipt_facts(picture, number, actor=act.actor, now=act.now),
            "version": app.fund_version_id,
            "moment": act.transition.name,
            "inputs": inputs.model_dump(mode="json"),
            "outcomes": [outcome.model_dump(mode="json") for outcome in outcomes],
        },
    )
    act.data["submission"] = {"number": number, "sha256": sha256}
    school = picture.school
    act.case_context = funds.context_of(
        app, picture.spec, school=school.name, board=school.board_name, tranche=picture.round.name
    )
    app.changed_at = act.now


def judge_again(act: Act) -> None:
    """Judge the conditions as things stand now, and keep it: others may have been awarded money, or a partner agreed.

    What the school sent cannot have changed: it is judged by the moment at which it was received first.
    """
    app: Application = act.row
    picture = draft_reading.picture(act.session, app)
    inputs = eligibility_facts(picture, draft_reading.surroundings(act.session, app))
    outcomes = evaluate(picture.spec.conditions, inputs, moment=act.now)
    act.rows.add(
        EligibilityCheck,
        application_id=app.id,
        fund_version_id=app.fund_version_id,
        moment=act.transition.name,
        at=act.now,
        inputs=inputs.model_dump(mode="json"),
        outcomes=[outcome.model_dump(mode="json") for outcome in outcomes],
    )


def ask_completion(act: Act) -> None:
    """Stop the decision term and give the school its own term to complete (Awb 4:5, 4:15)."""
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    fields = list(dict.fromkeys(act.given.get("fields") or ()))
    require_parts(spec, fields)
    app.completions_asked += 1
    app.completion_request = act.text("explanation")
    app.completion_fields = fields
    act.data["opened"] = fields
    for term in terms.live(act.session, app.id, "decision").values():
        terms.pause(term, act.today)
        app.decision_due_on = None
    terms.end_all(act.session, app.id, act.today, "signature")  # sending the completion starts it anew
    term = terms.start(act.session, app.id, "completion", spec.terms.completion.rule(spec.legal_profile), act.today)
    act.context |= {"due": term.due_on.isoformat(), "explanation": app.completion_request}


def receive_completion(act: Act) -> None:
    """Freeze it again; the decision term runs on, later by exactly the days waited; receipt counts from now."""
    app: Application = act.row
    app.complete_at = act.now
    _freeze(act, app, act.facts.draft)
    if act.facts.completion_due is not None and act.today > act.facts.completion_due:
        act.data["late"] = True
    terms.end_all(act.session, app.id, act.today, "completion")
    for term in terms.live(act.session, app.id, "decision").values():
        terms.resume(term, act.today)
        app.decision_due_on = term.due_on
        act.context["due"] = term.due_on.isoformat()
    act.context["moment"] = act.now.isoformat()


def extend_term(act: Act) -> None:
    """Move the last day to decide, once; the school is told why, and the new date (Awb 4:14)."""
    by: Length = act.given["length"]
    old, new = terms.extend(act, "decision", by)
    act.change(decision_due_on=new)
    act.data["term"] = {"name": "decision", "old": old.isoformat(), "new": new.isoformat()}
    act.context |= {"old_due": old.isoformat(), "due": new.isoformat(), "explanation": act.text("explanation")}


_LATE = {
    "decision": Text("ons besluit", "our decision"),
    "determination": Text("het eindbedrag", "the final amount"),
}
"""Term of ours → what should have been there."""


def announce_delay(act: Act) -> None:
    """A term of ours has passed: promise a new date and keep to it as to a term (Awb 4:14, first paragraph)."""
    app: Application = act.row
    name = act.transition.due
    assert name is not None, "the transition says which term"
    spec = funds.spec_of(act.session, app.fund_version_id)
    old, new = terms.renew(act, name, spec.terms.late.rule(spec.legal_profile))
    if name == "decision":
        act.change(decision_due_on=new)
    act.data["term"] = {"name": name, "old": old.isoformat(), "new": new.isoformat()}
    what = {"nl": _LATE[name].nl, "en": _LATE[name].en}
    act.context |= {"old_due": old.isoformat(), "due": new.isoformat(), "what": what, "term": name}


def end_terms(act: Act) -> None:
    """The case is over: no term runs any more."""
    terms.finish(act)
    act.change(decision_due_on=None)


def refs_of(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """References by id."""
    rows = session.execute(select(Application.id, Application.ref).where(Application.id.in_(list(ids))))
    return dict(rows.all())


def require_role(roles: frozenset[Role], *wanted: Role) -> None:
    """Raises Refused(FORBIDDEN) when none of the roles is there."""
    if not roles & set(wanted):
        raise Refused(
            Refusal(
                "not_yours",
                Text(
                    "U mag dit niet doen. Vraag het aan de coördinator als dat wel zou moeten.",
                    "You may not do this. Ask the coordinator if you should be able to.",
                ),
                kind=Kind.FORBIDDEN,
            )
        )


KIND: CaseType[Application, application.Facts] = CaseType(
    flow=application.FLOW,
    find=find,
    facts=facts,
    scope=scope,
    stream=lambda app: app.tranche_id,
    application_id=lambda app: app.id,
    context=funds.case_context,
    beforehand=Beforehand(
        see=_see,
        steady=_is_steady,
        hold=application_reading.hold,
        lock=application_reading.lock,
        dossier=_dossier,
        words=words,
    ),
)
