"""Completing an application (S11): what was asked, the opened parts with old and new side by side, and by when."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from fundapp.domain.application import State
from fundapp.domain.completion import parts
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.form_spec import PageKind
from fundapp.services import application_views as views
from fundapp.services.funds import spec_of
from fundapp.services.sent import Sent, changes, sides
from fundapp.web.access import Case, access, case
from fundapp.web.actions import actions_on
from fundapp.web.forms import new_key
from fundapp.web.school_case import picture_of, school_case
from fundapp.web.session import db, request_now

bp = Blueprint("completion", __name__)


@bp.get("/aanvragen/<ref>/aanvulling")
@access(case("application"))
def show(ref: str) -> Response:
    """While it is being completed: what can be changed, and the button to send. Afterwards: what was changed."""
    found = school_case()
    versions = views.versions_sent(db.session(), found.row, spec_of(db.session(), found.row.fund_version_id))
    if State(found.row.state) is State.INCOMPLETE:
        return _asked(found, versions[0])
    if len(versions) < 2:
        return make_response(redirect(url_for("applications.one", ref=ref), code=303))
    after, before = versions
    page = render_template(
        "pages/application/completed.html",
        ref=ref,
        app=found.row,
        before=before,
        after=after,
        rows=[(change, "") for change in changes(before, after)],
    )
    return make_response(page)


def _asked(found: Case, before: Sent) -> Response:
    picture, app = picture_of(found), found.row
    now = Sent(picture.spec, picture.content(), number=before.number + 1, received_at=request_now(), stored={})
    open_parts = [part for part in parts(picture.spec) if picture.is_open(part.key)]
    signing = next((s.key for s in picture.spec.form.sections if s.page is PageKind.SIGNING), None)
    term = views.running_term(db.session(), app)
    page = render_template(
        "pages/application/completion.html",
        ref=found.ref,
        app=app,
        school=picture.school.name,
        term=term,
        late=term is not None and request_now().astimezone(AMSTERDAM).date() > term.due_on,
        parts=list(zip(sides(before, now, open_parts), open_parts, strict=True)),
        problems_found=[
            (refusal, url_for("drafting.task", ref=found.ref, section_key=key, van="controle", _anchor=refusal.field))
            for key, refusal in picture.problems
        ],
        signing=url_for("drafting.task", ref=found.ref, section_key=signing) if signing else None,
        sending=next(offer.transition for offer in found.offers if offer.transition.name == "complete"),
        others=[action for action in actions_on(found) if action.name == "withdraw"],
        seen=found.facts.version,
        request_key=new_key(),
    )
    return make_response(page)
