"""Messages about an application, on the side of the school and on the side of the fund."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, messages, short_lived
from fundapp.services.subject import missing
from fundapp.web.access import Case, access, case
from fundapp.web.downloads import readable_case
from fundapp.web.forms import new_key
from fundapp.web.forms.application import by_field
from fundapp.web.school_case import school_case
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("messages", __name__)

REMEMBERED = timedelta(hours=2)
"""How long the key of a form is known, so that sending it twice is one message."""


def _of_the_fund() -> Case:
    """The application of this page, for who may write for the fund and has no interest in it."""
    found = readable_case()
    if not found.facts.roles & messages.OF_THE_FUND:
        raise Refused(missing())
    return found


@bp.get("/aanvragen/<ref>/berichten")
@access(case("application"))
def of_school(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """What the school and the fund wrote each other."""
    return _page(school_case(), "school", g.get("returned"))


@bp.post("/aanvragen/<ref>/berichten")
@access(case("application"))
def ask(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Write to the fund."""
    return _write(school_case(), "school")


@bp.get("/beoordelen/<ref>/berichten")
@access(case("application"))
def of_fund(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """The same, for who handles the application."""
    return _page(_of_the_fund(), "fund", g.get("returned"))


@bp.post("/beoordelen/<ref>/berichten")
@access(case("application"))
def answer(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Write to the school."""
    return _write(_of_the_fund(), "fund")


def _write(found: Case, side: str) -> Response:
    session, actor, now = db.session(), signed_in(), request_now()
    key = request.form.get("request_key", "")[:60].replace("\x00", "")
    body = request.form.get("body", "").replace("\x00", "").replace("\r\n", "\n")
    roles = found.facts.roles if side == "school" else found.facts.roles & messages.OF_THE_FUND
    try:
        with unit_of_work(session, wake):
            name = f"message:{actor.id}:{found.ref}:{key}"
            if not key or short_lived.count(session, name, now=now, lasts=REMEMBERED) == 1:
                messages.write(session, found.row, body, actor=actor, roles=roles, now=now)
    except Refused as error:
        return _page(found, side, request.form, list(error.refusals), 422)
    notify(Text("Uw bericht is verstuurd.", "Your message was sent."))
    return make_response(redirect(url_for(f"messages.of_{side}", ref=found.ref), code=303))


def _page(
    found: Case,
    side: str,
    typed: Mapping[str, str] | None = None,
    refusals: list[Refusal] | None = None,
    status: int = 200,
) -> Response:
    page = render_template(
        f"pages/messages/{side}.html",
        ref=found.ref,
        app=found.row,
        messages=messages.thread(db.session(), found.row),
        fund=funds.spec_of(db.session(), found.row.fund_version_id).short_name,
        typed=typed or {},
        request_key=new_key(),
        field_errors=by_field(refusals or []),
        errors=refusals or [],
    )
    return make_response(page, status)
