"""Objections and requests for reconsideration: the school asks, staff hear, advise and decide. One page for both."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.objection import State
from fundapp.domain.objection_words import AGAINST, AWB, PRIVATE, WORDS
from fundapp.domain.people import JUDGES, STAFF_ROLES, Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.term import Profile
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, objection, objection_views
from fundapp.services.keyset import PAGE
from fundapp.services.objection_filing import file
from fundapp.services.subject import missing
from fundapp.web.access import access, case, current_case, staff
from fundapp.web.actions import actions_on, page_of
from fundapp.web.errors import STATUS
from fundapp.web.forms import new_key
from fundapp.web.forms import objection as forms
from fundapp.web.forms.application import Typed, by_field
from fundapp.web.paging import after, cut
from fundapp.web.school_case import school_case
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("objection", __name__)


@page_of(AWB.kind)
def _objection_page(ref: str, _actor: Actor) -> str:
    return f"{AWB.path}/{ref}"


@page_of(PRIVATE.kind)
def _reconsideration_page(ref: str, _actor: Actor) -> str:
    return f"{PRIVATE.path}/{ref}"


# --- filing -----------------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/opnieuw-kijken")
@access(case("application"))
def ask(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Write why the school disagrees."""
    return _filing_page(None, [])


@bp.post("/aanvragen/<ref>/opnieuw-kijken")
@access(case("application"))
def send(ref: str) -> Response:
    """File it: once, however often the form is sent."""
    school_case()
    typed = Typed(request.form)
    given = {
        "grounds": typed.get("grounds", "")[: forms.LONGEST * 5],
        "late_reason": typed.get("late_reason", "")[: forms.LONGEST],
        "wants_hearing": typed.get("wants_hearing", "yes") != "no",
    }
    try:
        with unit_of_work(db.session(), wake):
            row = file(
                db.session(),
                ref,
                given=given,
                actor=signed_in(),
                now=request_now(),
                request_key=typed.get("request_key") or None,
            )
    except Refused as error:
        if error.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
            raise
        return _filing_page(typed, list(error.refusals), STATUS[error.kind])
    notify(Text("Ingediend. U krijgt een mail en een brief.", "Filed. You get a mail and a letter."))
    return make_response(redirect(f"{WORDS[Profile(row.profile)].path}/{row.ref}", code=303))


def _filing_page(typed: Typed | None, refusals: list[Refusal], status: int = 200) -> Response:
    found = school_case()
    session, app = db.session(), found.row
    decided = objection.decision_that_holds(session, app)
    there = objection.against_this(session, decided) if decided is not None else None
    if there is not None:
        return make_response(redirect(f"{WORDS[Profile(there.profile)].path}/{there.ref}", code=303))
    words = WORDS[funds.spec_of(session, app.fund_version_id).legal_profile]
    page = render_template(
        "pages/objection/ask.html",
        ref=found.ref,
        app=app,
        words=words,
        decided=decided,
        against=AGAINST[decided.against] if decided else None,
        late=decided is not None and decided.is_late(request_now().astimezone(AMSTERDAM).date()),
        given={name: typed.get(name, "") if typed else "" for name in ("grounds", "late_reason", "wants_hearing")},
        request_key=(typed.get("request_key", "") if typed else "") or new_key(),
        longest=forms.LONGEST,
        field_errors=by_field(refusals),
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)


# --- one of them ------------------------------------------------------------------------------------------------------


@bp.get(f"{AWB.path}/<ref>")
@access(case(AWB.kind))
def show_objection(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """An objection."""
    return _show()


@bp.get(f"{PRIVATE.path}/<ref>")
@access(case(PRIVATE.kind))
def show_reconsideration(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """A request for reconsideration."""
    return _show()


def _show() -> Response:
    found = current_case()
    roles = found.facts.roles
    ours = bool(roles & STAFF_ROLES)
    if found.row.state == State.DRAFT or not (ours or Role.APPLICANT in roles):
        raise Refused(missing())
    view = objection_views.load(db.session(), found.row)
    if ours and Role.APPLICANT not in roles and found.facts.interested is not False and roles & JUDGES:
        return make_response(redirect(url_for("review.show", ref=view.found.application), code=303))
    actions = actions_on(found)
    page = render_template(
        "pages/objection/show.html",
        ref=found.ref,
        row=found.row,
        facts=found.facts,
        view=view,
        words=view.words,
        ours=ours,
        actions=actions,
        now=[action for action in actions if action.open and action.name == "complete"],
        later=[action for action in actions if action.open and action.name == "withdraw"],
    )
    return make_response(page)


@bp.get(PRIVATE.path)
@access(staff())
def listed() -> Response:
    """What waits for a decision, or what is done."""
    done = request.args.get("tab") == "afgerond"
    rows = objection_views.staff_list(db.session(), signed_in(), done=done, after=after())
    shown, next_href = cut(rows, PAGE)
    page = render_template(
        "pages/objection/list.html",
        rows=shown,
        done=done,
        next_href=next_href if done else None,
        tabs=[
            (PRIVATE.path, Text("Loopt", "Running"), None, not done),
            (f"{PRIVATE.path}?tab=afgerond", Text("Afgerond", "Done"), None, done),
        ],
    )
    return make_response(page)
