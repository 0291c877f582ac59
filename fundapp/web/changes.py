"""Changes during a project: asked by the school with what they would do, answered by the coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain import change
from fundapp.domain.application import State
from fundapp.domain.change import KINDS, Kind
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.flow import offered
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind as RefusalKind
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import change as changing
from fundapp.services import change_views, short_lived
from fundapp.services.subject import missing
from fundapp.web.access import Case, access, case
from fundapp.web.actions import actions_of, actions_on, lands_on, page_of
from fundapp.web.forms import new_key
from fundapp.web.forms.application import Reader, Typed, by_field
from fundapp.web.forms.change import FIELDS, KIND_CHOICES, line_choices, partner_choices, read_change, shown
from fundapp.web.paging import case_for
from fundapp.web.school_case import school_case
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("changes", __name__)

READERS = (Role.COORDINATOR, Role.FINANCE)
REMEMBERED = timedelta(hours=2)


@page_of("change_request")
def _page_of(ref: str, actor: Actor) -> str:
    return f"/wijzigingen/{ref}" if actor.has(*READERS) else f"/aanvragen/{ref.rpartition('-W')[0]}"


@lands_on("change_request", "withdraw")
def _after_withdrawal(ref: str, _actor: Actor) -> str:
    return url_for("changes.all_of", ref=ref.rpartition("-W")[0])


def _today() -> date:
    return request_now().astimezone(AMSTERDAM).date()


# --- the school -------------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/wijziging")
@access(case("application"))
def all_of(ref: str) -> Response:
    """Choose what changes, and see what was asked before."""
    found = school_case()
    rows = []
    for row in change_views.changes_of(db.session(), found.row.id):
        offers = offered(change.FLOW, change.Facts(row.state, row.version, found.facts.roles))
        rows.append(
            {
                "row": row,
                "what": KINDS[Kind(row.kind)].label,
                "look": change.FLOW.look(row.state),
                "consequences": change_views.consequences_of(row),
                "actions": [a for a in actions_of("change_request", row.ref, row.version, offers) if a.open],
            }
        )
    page = render_template(
        "pages/change/list.html",
        ref=ref,
        app=found.row,
        kinds=KINDS.values() if State(found.row.state) is State.AWARDED else [],
        rows=rows,
    )
    return make_response(page)


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        raise Refused(missing()) from None


@bp.get("/aanvragen/<ref>/wijziging/<word>")
@access(case("application"))
def ask(ref: str, word: str) -> Response:  # noqa: ARG001  (asked by access)
    """Say what changes."""
    return _form(school_case(), _kind(word), g.get("returned"), [])


@bp.post("/aanvragen/<ref>/wijziging/<word>")
@access(case("application"))
def send(ref: str, word: str) -> Response:
    """Show what would be different; once that was seen, send it. Sending the form twice asks once."""
    found, kind, typed = school_case(), _kind(word), Typed(request.form)
    reader = Reader()
    asked = read_change(kind, typed, reader)
    explanation = reader.text(typed.get("explanation", ""), "explanation", most=2000)
    project = changing.project(db.session(), found.row, _today())
    if not reader.refusals:
        reader.refusals += changing.refusals(db.session(), found.row, kind, asked, project)
        if not explanation:
            reader.refusals.append(changing.NO_REASON)
    if reader.refusals:
        return _form(found, kind, typed, reader.refusals, 422)
    if typed.get("do") != "send":
        return _check(found, kind, asked, typed, project)
    key = f"change:{signed_in().id}:{typed.get('request_key', '')[:60]}".replace("\x00", "")
    recorded = False
    try:
        with unit_of_work(db.session(), wake):
            if short_lived.count(db.session(), key, now=request_now(), lasts=REMEMBERED) == 1:
                made = changing.request(
                    db.session(), ref, kind, asked, explanation=explanation, actor=signed_in(), now=request_now()
                )
                recorded = made.state == change.State.RECORDED
    except Refused as error:
        if error.kind in (RefusalKind.NOT_FOUND, RefusalKind.FORBIDDEN):
            raise
        return _form(found, kind, typed, list(error.refusals), 422)
    notify(_RECORDED if recorded else _SENT)
    return make_response(redirect(url_for("changes.all_of", ref=ref), code=303))


_RECORDED = Text(
    "Uw wijziging is vastgelegd. U hoeft op niemand te wachten.",
    "Your change was recorded. You need not wait for anybody.",
)
_SENT = Text(
    "Uw wijziging is ingestuurd. U krijgt bericht als de coördinator heeft gekeken.",
    "Your change was sent. You hear from us when the coordinator has looked at it.",
)


def _form(found: Case, kind: Kind, typed: Typed | None, refusals: list[Refusal], status: int = 200) -> Response:
    if State(found.row.state) is not State.AWARDED:
        return make_response(redirect(url_for("changes.all_of", ref=found.ref), code=303))
    given: Mapping[str, str] = typed or {}
    project = changing.project(db.session(), found.row, _today())
    page = render_template(
        "pages/change/ask.html",
        ref=found.ref,
        app=found.row,
        what=KINDS[kind],
        project=project,
        given=shown(given, project),
        lines=line_choices(project),
        partners=partner_choices(project),
        partner_kinds=KIND_CHOICES,
        request_key=given.get("request_key") or new_key(),
        field_errors=by_field(refusals),
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)


def _check(found: Case, kind: Kind, asked: Mapping[str, object], typed: Typed, project: change.Project) -> Response:
    page = render_template(
        "pages/change/check.html",
        ref=found.ref,
        app=found.row,
        what=KINDS[kind],
        consequences=KINDS[kind].consequences(project, asked),
        free=KINDS[kind].free(project, asked),
        explanation=typed.get("explanation", ""),
        sent=[(name, typed[name]) for name in (*FIELDS, "request_key") if name in typed],
    )
    return make_response(page)


# --- the coordinator --------------------------------------------------------------------------------------------------


@bp.get("/wijzigingen/<ref>")
@access(case("change_request"))
def change_request(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """A change request: what would change, why, and what can be done."""
    found = case_for(*READERS)
    view = change_views.change_view(db.session(), found.row, found.facts)
    return make_response(
        render_template(
            "pages/change/case.html",
            view=view,
            obstacles=[problem.sentence for problem in found.facts.problems],
            actions=actions_on(found),
        )
    )
