"""Change requests during a project: asked by the school, applied when the coordinator agrees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import change
from fundapp.domain.application import State
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.settlement import ReportLine
from fundapp.services import application, funds
from fundapp.services.act import Act, CaseType
from fundapp.services.journal import note
from fundapp.services.subject import lock_tranche, missing


def request_shift(
    session: Session,
    ref: str,
    *,
    source: int,
    target: int,
    cents: int,
    explanation: str,
    actor: Actor,
    now: datetime,
) -> ChangeRequest:
    """Ask to shift an amount (cents) from one budget line to another (positions). Raises Refused."""
    app = application.find(session, ref, lock=True)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.APPLICANT)
    lines = {
        line.position: line for line in session.scalars(select(ReportLine).where(ReportLine.application_id == app.id))
    }
    problem = _shift_problem(app, lines, source, target, cents, explanation)
    if problem is not None:
        raise Refused(problem)
    number = session.scalar(select(func.count()).where(ChangeRequest.application_id == app.id)) or 0
    request = ChangeRequest(
        ref=f"{app.ref}-W{number + 1}",
        application_id=app.id,
        shift={"from": source, "to": target, "cents": cents},
        explanation=explanation.strip(),
        created_at=now,
        created_by_id=actor.id,
    )
    session.add(request)
    session.flush()
    note(session, actor, now, kind="change_request", subject_id=request.id, action="request", data={"ref": request.ref})
    session.flush()
    return request


def _shift_problem(
    app: Application, lines: dict[int, ReportLine], source: int, target: int, cents: int, explanation: str
) -> Refusal | None:
    if app.state != State.AWARDED:
        return Refusal(
            "no_running_project",
            Text(
                "Een wijziging kan alleen zolang het project loopt. Neem contact op met het programmabureau.",
                "A change is possible only while the project runs. Contact the programme office.",
            ),
        )
    if source not in lines or target not in lines or source == target:
        return Refusal(
            "lines_unknown",
            Text("Kies twee verschillende regels van de begroting.", "Choose two different budget lines."),
            field="source",
            kind=Kind.INVALID,
        )
    if not 0 < cents <= lines[source].budgeted_cents:
        return Refusal(
            "shift_too_large",
            Text("Vul een bedrag in dat op de eerste regel staat.", "Enter an amount that the first line has."),
            field="amount",
            kind=Kind.INVALID,
        )
    if not explanation.strip():
        return Refusal(
            "explanation_missing",
            Text("Schrijf op waarom u dit wilt.", "Write why you want this."),
            field="explanation",
            kind=Kind.INVALID,
        )
    return None


def _find(session: Session, ref: str, lock: bool) -> ChangeRequest:
    query = select(ChangeRequest).where(ChangeRequest.ref == ref)
    if lock:
        tranche_id = session.scalar(
            select(Application.tranche_id)
            .join(ChangeRequest, ChangeRequest.application_id == Application.id)
            .where(ChangeRequest.ref == ref)
        )
        if tranche_id is None:
            raise Refused(missing())
        lock_tranche(session, tranche_id)
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    request = session.scalar(query)
    if request is None:
        raise Refused(missing())
    return request


def _application(session: Session, request: ChangeRequest) -> Application:
    return session.get_one(Application, request.application_id)


def _scope(session: Session, request: ChangeRequest) -> Scope:
    return application.scope(session, _application(session, request))


def _facts(session: Session, request: ChangeRequest, actor: Actor, _now: datetime) -> change.Facts:
    return change.Facts(request.state, request.version, roles_on(actor, _scope(session, request)))


def apply_change(act: Act) -> None:
    """Move the amount between the lines of the budget that the final accounts are held against."""
    request: ChangeRequest = act.row
    lines = {
        line.position: line
        for line in act.session.scalars(select(ReportLine).where(ReportLine.application_id == request.application_id))
    }
    cents = int(request.shift["cents"])
    lines[int(request.shift["from"])].budgeted_cents -= cents
    lines[int(request.shift["to"])].budgeted_cents += cents
    act.data["shift"] = request.shift


def _context(session: Session, request: ChangeRequest) -> dict[str, Any]:
    return funds.case_context(session, _application(session, request)) | {"change_ref": request.ref}


KIND: CaseType[ChangeRequest, change.Facts] = CaseType(
    flow=change.FLOW,
    find=_find,
    facts=_facts,
    scope=_scope,
    stream=lambda _request: 0,
    application_id=lambda request: request.application_id,
    context=_context,
)
