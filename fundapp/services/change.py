"""Change requests during a project: asked by the school, recorded where small, applied when the coordinator agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session, joinedload

from fundapp.domain import change, ledger
from fundapp.domain.application import State
from fundapp.domain.change import KINDS, Kind, Line, PartnerOf, Project
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.ledger import Account
from fundapp.domain.people import SYSTEM, Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind as RefusalKind
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.term import due
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Partner
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.decision import Letter
from fundapp.persistence.register import School
from fundapp.persistence.settlement import FinalReport
from fundapp.services import application, funds, settlement, terms
from fundapp.services.act import Act, CaseType
from fundapp.services.holders import holders
from fundapp.services.journal import note
from fundapp.services.letters import released
from fundapp.services.outbox import write_mail
from fundapp.services.payment_scheme import replan_instalments
from fundapp.services.subject import lock_tranche, missing

# --- the project as it stands -----------------------------------------------------------------------------------------


def project(session: Session, app: Application, today: date) -> Project:
    """Return a running project as changes look at it. Two statements."""
    spec = funds.spec_of(session, app.fund_version_id)
    found = session.execute(_PROJECT, {"id": app.id}).one()
    balances = {Account(account): cents for account, cents in (found.balances or {}).items()}
    facts = settlement.project_facts(session, app, balances)
    report = facts["report"]
    rule = spec.terms.report.rule(spec.legal_profile)
    return Project(
        lines=tuple(
            Line(li.position, li.description, li.agreed, li.budgeted) for li in (report.lines if report else ())
        ),
        partners=tuple(PartnerOf(*one) for one in found.partners or ()),
        starts_on=app.starts_on,
        ends_on=app.ends_on,
        award=facts["award"],
        paid=facts["paid"] + facts["in_transit"],
        free_shift_bp=spec.settlement.free_shift_bp,
        today=today,
        report_due=lambda ends_on: due(rule, max(ends_on, today)).due_on,
    )


_PROJECT = text("""
  SELECT (SELECT json_object_agg(account, cents) FROM case_balance WHERE application_id = :id) AS balances,
    (SELECT json_agg(json_build_array(position, kind, name) ORDER BY position) FROM partner
     WHERE application_id = :id) AS partners
""")


def refusals(
    session: Session, app: Application, kind: Kind, asked: Mapping[str, Any], as_it_is: Project
) -> tuple[Refusal, ...]:
    """Why this cannot be asked, or not any more; empty: it can. as_it_is: the project now."""
    if app.state != State.AWARDED:
        return (_NOT_RUNNING,)
    found = KINDS[kind].problems(as_it_is, asked)
    if kind is Kind.PARTNER and not found:
        found = _school_unknown(session, asked)
    return tuple(found)


def _school_unknown(session: Session, asked: Mapping[str, Any]) -> list[Refusal]:
    code = (asked.get("joins") or {}).get("school_code")
    if not code or session.get(School, code) is not None:
        return []
    sentence = Text(
        "Deze school staat niet in het register. Vul de vestigingscode in, zoals 99AA00, of laat hem leeg.",
        "This school is not in the register. Enter its code, such as 99AA00, or leave it empty.",
    )
    return [Refusal("school_unknown", sentence, field="school_code", kind=RefusalKind.INVALID)]


_NOT_RUNNING = Refusal(
    "no_running_project",
    Text(
        "Een wijziging kan alleen zolang het project loopt. Neem contact op met het programmabureau.",
        "A change is possible only while the project runs. Contact the programme office.",
    ),
)


# --- asking -----------------------------------------------------------------------------------------------------------


def request(
    session: Session,
    ref: str,
    kind: Kind,
    asked: Mapping[str, Any],
    *,
    explanation: str,
    actor: Actor,
    now: datetime,
) -> ChangeRequest:
    """Ask for a change. One within the fund's margin is recorded and applied at once. Raises Refused.

    asked: as `domain.change` has it for its kind.
    """
    app = application.find(session, ref, lock=True)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.APPLICANT)
    as_it_is = project(session, app, now.astimezone(AMSTERDAM).date())
    found = [*refusals(session, app, kind, asked, as_it_is)]
    if not found and not explanation.strip():
        found.append(NO_REASON)
    if found:
        raise Refused(*found)
    number = session.scalar(select(func.count()).where(ChangeRequest.application_id == app.id)) or 0
    row = ChangeRequest(
        ref=f"{app.ref}-W{number + 1}",
        application_id=app.id,
        kind=str(kind),
        asked=dict(asked),
        consequences=[_plain(one) for one in KINDS[kind].consequences(as_it_is, asked)],
        explanation=explanation.strip(),
        created_at=now,
        created_by_id=actor.id,
    )
    session.add(row)
    session.flush()
    data = {"ref": row.ref, "kind": str(kind), "asked": row.asked}
    note(session, actor, now, kind=change.FLOW.kind, subject_id=row.id, action="request", data=data)
    session.flush()
    if KINDS[kind].free(as_it_is, asked):
        _record(session, row, now)
    else:
        _tell_the_coordinator(session, app, row)
    return row


NO_REASON = Refusal(
    "explanation_missing",
    Text("Schrijf op waarom u dit wilt.", "Write why you want this."),
    field="explanation",
    kind=RefusalKind.INVALID,
)
"""A change is asked with a reason."""


def _plain(one: change.Consequence) -> list[Any]:
    return [None if text is None else asdict(text) for text in (one.what, one.before, one.after)]


def _record(session: Session, row: ChangeRequest, now: datetime) -> None:
    from fundapp.services.transitions import perform  # which knows this module's effects

    perform(session, change.FLOW.kind, row.ref, "record", actor=SYSTEM, now=now)


def _tell_the_coordinator(session: Session, app: Application, row: ChangeRequest) -> None:
    label = KINDS[Kind(row.kind)].label
    context = funds.case_context(session, app) | {
        "change_ref": row.ref,
        "what": asdict(label),
        "url_path": f"/wijzigingen/{row.ref}",
    }
    scope = application.scope(session, app)
    for person in holders(session, scope, [Role.COORDINATOR])[Role.COORDINATOR]:
        key = f"change:{row.id}:asked:{person.id}"
        write_mail(session, "change_asked", person, key=key, context=context, application_id=app.id)


# --- as a case --------------------------------------------------------------------------------------------------------


def _find(session: Session, ref: str, lock: bool) -> ChangeRequest:
    query = select(ChangeRequest).where(ChangeRequest.ref == ref).options(joinedload(ChangeRequest.application))
    if lock:
        tranche_id = session.scalar(
            select(Application.tranche_id)
            .join(ChangeRequest, ChangeRequest.application_id == Application.id)
            .where(ChangeRequest.ref == ref)
        )
        if tranche_id is None:
            raise Refused(missing())
        lock_tranche(session, tranche_id)
        query = query.with_for_update(key_share=True, of=ChangeRequest).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Refused(missing())
    return row


def _scope(session: Session, row: ChangeRequest) -> Scope:
    return application.scope(session, row.application)


def _facts(session: Session, row: ChangeRequest, actor: Actor, now: datetime) -> change.Facts:
    app = row.application
    roles = roles_on(actor, application.scope(session, app))
    if row.state != change.State.REQUESTED or not roles & {Role.COORDINATOR, Role.SYSTEM}:
        return change.Facts(row.state, row.version, roles)
    as_it_is, kind = project(session, app, now.astimezone(AMSTERDAM).date()), Kind(row.kind)
    problems = refusals(session, app, kind, row.asked, as_it_is)
    free = not problems and KINDS[kind].free(as_it_is, row.asked)
    return change.Facts(row.state, row.version, roles, free, problems, as_it_is)


def _context(session: Session, row: ChangeRequest) -> dict[str, Any]:
    app = row.application
    return funds.case_context(session, app) | {
        "change_ref": row.ref,
        "what": asdict(KINDS[Kind(row.kind)].label),
        "consequences": row.consequences,
        "asked_on": row.created_at.astimezone(AMSTERDAM).date().isoformat(),
        "url_path": f"/aanvragen/{app.ref}/wijziging",
    }


KIND: CaseType[ChangeRequest, change.Facts] = CaseType(
    flow=change.FLOW,
    find=_find,
    facts=_facts,
    scope=_scope,
    stream=lambda _row: 0,
    application_id=lambda row: row.application_id,
    context=_context,
)


# --- effects ----------------------------------------------------------------------------------------------------------


def apply_change(act: Act) -> None:
    """Do what was asked: to the budget, the dates, the partners, the award and its payments."""
    row: ChangeRequest = act.row
    app = act.session.get_one(Application, row.application_id, with_for_update={"key_share": True})
    before = project(act.session, app, act.today)
    act.data["change"] = {"kind": row.kind, "asked": row.asked}
    match Kind(row.kind):
        case Kind.SHIFT:
            _shift(act, app, before)
        case Kind.DATES:
            app.starts_on = date.fromisoformat(row.asked["starts_on"])
            _end_on(act, app, date.fromisoformat(row.asked["ends_on"]))
        case Kind.PARTNER:
            _change_partner(act, app)
        case Kind.AMOUNT:
            _lower(act, app, before, int(row.asked["cents"]), stops=False)
        case Kind.STOP:
            _end_on(act, app, date.fromisoformat(row.asked["on"]))
            _lower(act, app, before, int(row.asked["cents"]), stops=True)
    app.changed_at = act.now


def _shift(act: Act, app: Application, before: Project) -> None:
    """Move the amount between the lines that the final accounts are held against; what was approved is agreed."""
    after = {line.position: cents for line, cents in change.shifted(before.lines, act.row.asked)}
    approved = act.transition.name == "approve"
    for line in settlement.report_lines(act.session, app.id):
        if approved:
            line.agreed_cents += after[line.position] - line.budgeted_cents
        line.budgeted_cents = after[line.position]


def _end_on(act: Act, app: Application, ends_on: date) -> None:
    """Another last day: the term to account counts from it anew."""
    app.ends_on = ends_on
    spec = funds.spec_of(act.session, app.fund_version_id)
    if "report" not in terms.live(act.session, app.id, "report"):
        return
    terms.end_all(act.session, app.id, act.today, "report")
    act.session.flush()
    rule = spec.terms.report.rule(spec.legal_profile)
    term = terms.start(act.session, app.id, "report", rule, max(ends_on, act.today))
    act.data["report_due"] = term.due_on.isoformat()


def _change_partner(act: Act, app: Application) -> None:
    """A partner leaves or joins; the boards of partner schools count for conflicts of interest from now on."""
    asked, session = act.row.asked, act.session
    if asked.get("leaves") is not None:
        session.execute(delete(Partner).where(Partner.application_id == app.id, Partner.position == asked["leaves"]))
    if joins := asked.get("joins"):
        last = session.scalar(select(func.max(Partner.position)).where(Partner.application_id == app.id)) or 0
        school = session.get(School, joins["school_code"]) if joins.get("school_code") else None
        session.add(
            Partner(
                application_id=app.id,
                position=last + 1,
                kind=joins["kind"],
                name=school.name if school is not None else joins["name"],
                school_code=school.code if school is not None else None,
            )
        )
    session.flush()
    schools = select(Partner.school_code).where(Partner.application_id == app.id, Partner.school_code.is_not(None))
    boards = session.scalars(select(School.board_number).where(School.code.in_(schools)))
    app.boards = sorted({app.board_number, *boards})


def _lower(act: Act, app: Application, before: Project, cents: int, *, stops: bool) -> None:
    """A lower award: what is not needed is free at once, and what was still to be paid follows it."""
    free = change.freed(before, cents)
    act.session.get_one(FinalReport, app.id).award_cents = cents
    act.book(
        ledger.lower_award(free),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    replan_instalments(act, app.id, 0 if stops else cents)  # after a stop the rest is paid with the final amount
    act.data |= {"award": cents, "freed": free}


LETTER_OF = {"approve": "change_approved", "refuse": "change_refused"}
"""Transition → letter."""


def write_letter(act: Act) -> None:
    """Put the decision on a change in the portal: it changes the award, so it names the remedy (Awb 3:45)."""
    row: ChangeRequest = act.row
    app = row.application
    about = _context(act.session, row) | funds.letter_words(act.session, app)
    context = about | {"explanation": act.text("explanation")} | act.context
    template = LETTER_OF[act.transition.name]
    act.rows.add(Letter, **released(app.id, act.journal_id, template, context, act.now))
