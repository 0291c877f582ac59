"""Signing up without an account: a form, a mail with a button, and then in, or waiting for the people of the school."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import colleagues, joining
from fundapp.services.register import search_schools
from fundapp.web.access import PUBLIC, access
from fundapp.web.colleagues import ROLES
from fundapp.web.forms.application import by_field
from fundapp.web.session import begin_session, current_language, db, keep_language, notify, request_now, wake

bp = Blueprint("joining", __name__)

FOUND_AT_ONCE = 12


def _typed(name: str, most: int = 300) -> str:
    return request.form.get(name, "").replace("\x00", "")[:most]


@bp.get("/aanmelden")
@access(PUBLIC)
def ask() -> Response:
    """Who are you, and for which school?"""
    return _page({"school": request.args.get("school", "").replace("\x00", "")[:60]})


@bp.post("/aanmelden")
@access(PUBLIC)
def send() -> Response:
    """Mail the button. A school may be typed by its code, name or place; what it can be is shown to choose from."""
    session = db.session()
    written, chosen = _typed("school"), _typed("chosen", 10)
    newcomer = joining.Newcomer(
        name=_typed("name"),
        email=_typed("email"),
        school=chosen or written,
        capacity=_typed("capacity"),
        explanation=_typed("explanation", 2000),
        language=current_language(),
    )
    found: list[tuple[str, Text]] = []
    if not chosen and colleagues.open_school(session, written) is None and len(written.strip()) > 1:
        schools = search_schools(session, written.strip(), FOUND_AT_ONCE)
        found = [(one.code, same(f"{one.name}, {one.place} ({one.code})")) for one in schools]
    if found:
        refusal = Refusal("choose_school", _CHOOSE, field="chosen", kind=Kind.INVALID)
        return _page(request.form, found, [refusal], 422)
    try:
        with unit_of_work(session, wake):
            joining.announce(session, newcomer, caller=request.remote_addr or "", secret=_secret(), now=request_now())
    except Refused as error:
        return _page(request.form, refusals=list(error.refusals), status=422)
    return make_response(redirect(url_for("joining.sent"), code=303))


@bp.get("/aanmelden/verstuurd")
@access(PUBLIC)
def sent() -> Response:
    """Look in your mail."""
    return make_response(render_template("pages/colleagues/join_sent.html"))


@bp.get("/aanmelden/<token>")
@access(PUBLIC)
def ask_button(token: str) -> Response:  # noqa: ARG001  (it is in the address of the form, and used there)
    """The page of the mail's button: opening it does nothing, because mail scanners open links."""
    return make_response(render_template("pages/colleagues/join_button.html"))


@bp.post("/aanmelden/<token>")
@access(PUBLIC)
def confirm(token: str) -> Response:
    """Sign in for the first time."""
    try:
        with unit_of_work(db.session(), wake):
            found, inside = joining.confirm(db.session(), token, secret=_secret(), now=request_now())
    except Refused as error:
        page = render_template("errors/410.html", reasons=[r.sentence for r in error.refusals], back_href="/aanmelden")
        return make_response(page, 410)
    begin_session(found.actor, found.epoch)
    notify(_INSIDE if inside else _ASKED)
    response = make_response(redirect("/aanvragen" if inside else "/collegas/toegang", code=303))
    keep_language(response, found.actor.language)
    return response


def _page(
    typed: Mapping[str, str],
    found: list[tuple[str, Text]] | None = None,
    refusals: list[Refusal] | None = None,
    status: int = 200,
) -> Response:
    page = render_template(
        "pages/colleagues/join.html",
        roles=ROLES,
        typed=typed,
        candidates=found or [],
        field_errors=by_field(refusals or []),
        errors=refusals or [],
    )
    return make_response(page, status)


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


_CHOOSE = Text("Kies uw school uit de lijst.", "Choose your school from the list.")
_INSIDE = Text("Welkom. U kunt een aanvraag beginnen.", "Welcome. You can begin an application.")
_ASKED = Text(
    "Uw collega's of het fonds laten u binnen. U krijgt een mail met het antwoord.",
    "Your colleagues or the fund let you in. You get a mail with the answer.",
)
