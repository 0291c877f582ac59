"""Signing in and out, the profile, and the coordinator's list of people.

A mailed code is the only way in. Flask-Security was considered and left out: there are no passwords here, its unified
sign-in does not fit (same answer for everybody, a link that a mail scanner cannot use up), and it doubles the start.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, session
from sqlalchemy import select

from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import LANGUAGES, Language, Text
from fundapp.persistence.fund import Fund
from fundapp.persistence.register import SubRegion
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import people
from fundapp.web.access import PUBLIC, SIGNED_IN, access, staff
from fundapp.web.errors import form_errors
from fundapp.web.forms.people import CodeForm, EmailForm, InviteForm, PlainForm
from fundapp.web.session import (
    begin_session,
    current_actor,
    current_language,
    db,
    end_session,
    keep_language,
    notify,
    request_now,
    safe_path,
    session_identity,
    signed_in,
    wake,
)

bp = Blueprint("people", __name__)


# Signing in


@bp.get("/inloggen")
@access(PUBLIC)
def sign_in() -> Response:
    """Ask for the address."""
    verder = safe_path(request.args.get("verder"), "")
    if current_actor() is not None:
        return _to(verder or "/")
    form = EmailForm()
    form.verder.data = verder
    return make_response(render_template("pages/people/sign_in.html", form=form))


@bp.post("/inloggen")
@access(PUBLIC)
def send_code() -> Response:
    """Mail a code, and ask for it. An address that nobody has gets the same answer."""
    form = EmailForm()
    if not form.validate():
        return make_response(render_template("pages/people/sign_in.html", form=form), 422)
    ticket, verder = secrets.token_urlsafe(24), safe_path(form.verder.data, "")
    try:
        with unit_of_work(db.session(), wake):
            people.request_code(
                db.session(),
                form.email.data,
                ticket=ticket,
                caller=request.remote_addr or "",
                secret=_secret(),
                verder=verder,
                now=request_now(),
            )
    except Refused as error:
        form_errors(form, error)
        return make_response(render_template("pages/people/sign_in.html", form=form), 429)
    session["ticket"] = {"code": ticket, "email": people.clean_email(form.email.data), "verder": verder}
    return _to("/inloggen/code")


@bp.get("/inloggen/code")
@access(PUBLIC)
def ask_code() -> Response:
    """Ask for the code of the mail."""
    if "ticket" not in session:
        return _to("/inloggen")
    return _code_page(CodeForm())


@bp.post("/inloggen/code")
@access(PUBLIC)
def use_code() -> Response:
    """Sign in with the code. A wrong one counts, so it is committed as well."""
    ticket = session.get("ticket")
    if ticket is None:
        return _to("/inloggen")
    form = CodeForm()
    if not form.validate():
        return _code_page(form, 422)
    refusal: Refused | None = None
    with unit_of_work(db.session()):
        try:
            found = people.redeem_code(
                db.session(), form.code.data, ticket=ticket["code"], secret=_secret(), now=request_now()
            )
        except Refused as error:
            refusal = error
    if refusal is not None:
        form_errors(form, refusal)
        return _code_page(form, 422)
    return _welcome(found, ticket["verder"])


@bp.get("/inloggen/link/<token>")
@access(PUBLIC)
def ask_link(token: str) -> Response:  # noqa: ARG001  (it is in the address of the form, and used there)
    """The page of the mail's link: a button, because mail scanners open links and must not use them up."""
    page = render_template("pages/people/link.html", form=PlainForm(), verder=safe_path(request.args.get("verder"), ""))
    return make_response(page)


@bp.post("/inloggen/link/<token>")
@access(PUBLIC)
def use_link(token: str) -> Response:
    """Sign in with the link."""
    try:
        with unit_of_work(db.session()):
            found = people.redeem_link(db.session(), token, secret=_secret(), now=request_now())
    except Refused as error:
        page = render_template("errors/410.html", reasons=[r.sentence for r in error.refusals], back_href="/inloggen")
        return make_response(page, 410)
    return _welcome(found, safe_path(request.form.get("verder"), ""))


def _code_page(form: CodeForm, status: int = 200) -> Response:
    ticket = session["ticket"]
    page = render_template("pages/people/code.html", form=form, email=ticket["email"], verder=ticket["verder"])
    return make_response(page, status)


def _welcome(found: people.SignedInPerson, verder: str) -> Response:
    begin_session(found.actor, found.epoch)
    response = _to(verder or home_of())
    keep_language(response, found.actor.language)
    return response


def home_of() -> str:
    """Where somebody who signed in begins: the first item of their menu."""
    from fundapp.web.navigation import items

    menu = items()
    return menu[0][0] if menu else "/profiel"


@bp.post("/uitloggen")
@access(PUBLIC)
def sign_out() -> Response:
    """End this session; a copy of its cookie is worth nothing from now on."""
    identity = session_identity()
    if identity is not None:
        with unit_of_work(db.session()):
            people.sign_out(db.session(), identity[1], now=request_now())
    end_session()
    notify(Text("U bent uitgelogd.", "You are signed out."), "success")
    return _to("/")


# The person's own page


@bp.get("/taal")
@access(PUBLIC)
def visit_language() -> Response:
    """The same for somebody who is not signed in: a link, so that who only reads needs no session."""
    chosen = request.args.get("taal")
    response = _to(safe_path(request.args.get("next")))
    keep_language(response, chosen if chosen in LANGUAGES else "nl")
    return response


@bp.post("/taal")
@access(PUBLIC)
def choose_language() -> Response:
    """Read everything in the other language from now on, mails too."""
    chosen = request.form.get("taal")
    language: Language = chosen if chosen in LANGUAGES else "nl"
    actor = current_actor()
    if actor is not None and actor.id is not None:
        with unit_of_work(db.session()):
            people.set_language(db.session(), actor.id, language)
    response = _to(safe_path(request.form.get("next")))
    keep_language(response, language)
    return response


@bp.get("/profiel")
@access(SIGNED_IN)
def profile() -> str:
    """What we know of this person, the language, and the way out everywhere."""
    return render_template("pages/people/profile.html", line=people.line_of(signed_in()), languages=LANGUAGES)


@bp.post("/profiel/toetsen")
@access(SIGNED_IN)
def choose_keys() -> Response:
    """Turn keys that do something by themselves on or off (WCAG 2.1.4)."""
    actor = signed_in()
    assert actor.id is not None
    on = request.form.get("single_keys") == "on"
    with unit_of_work(db.session()):
        people.set_single_keys(db.session(), actor.id, on=on)
    notify(Text("Losse toetsen staan aan.", "Single keys are on.") if on else _KEYS_OFF, "success")
    return _to("/profiel#toetsen")


_KEYS_OFF = Text("Losse toetsen staan uit.", "Single keys are off.")


@bp.post("/profiel/overal-uitloggen")
@access(SIGNED_IN)
def sign_out_everywhere() -> Response:
    """End every session of this person."""
    actor = signed_in()
    assert actor.id is not None
    with unit_of_work(db.session()):
        people.end_all_sessions(db.session(), actor.id)
    end_session()
    notify(Text("U bent op alle apparaten uitgelogd.", "You are signed out on all devices."), "success")
    return _to("/")


# The coordinator's list


@bp.get("/beheer/mensen")
@access(staff(Role.COORDINATOR))
def people_list() -> Response:
    """Who has access, and the form to invite somebody."""
    return _people_page(_invite_form())


@bp.post("/beheer/mensen")
@access(staff(Role.COORDINATOR))
def invite() -> Response:
    """Invite somebody."""
    form = _invite_form()
    if not form.validate():
        return _people_page(form, 422)
    try:
        with unit_of_work(db.session(), wake):
            people.invite(
                db.session(),
                form.invitation(),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        form_errors(form, error)
        return _people_page(form, 422)
    notify(
        Text("{who} is uitgenodigd en krijgt een mail.", "{who} was invited and gets a mail.").fill(who=form.name.data),
        "success",
    )
    return _to("/beheer/mensen")


@bp.get("/beheer/mensen/<int:person_id>/einde")
@access(staff(Role.COORDINATOR))
def ask_end(person_id: int) -> str:
    """Ask before all access of somebody ends."""
    return render_template("pages/people/end.html", line=people.line(db.session(), person_id), form=PlainForm())


@bp.post("/beheer/mensen/<int:person_id>/einde")
@access(staff(Role.COORDINATOR))
def end(person_id: int) -> Response:
    """End all access of somebody, at once."""
    with unit_of_work(db.session()):
        people.end(db.session(), person_id, actor=signed_in(), now=request_now())
    notify(Text("De toegang is beëindigd.", "The access has ended."), "success")
    return _to("/beheer/mensen")


def _invite_form() -> InviteForm:
    form = InviteForm()
    funds = db.session.execute(select(Fund.key, Fund.name_nl, Fund.name_en).order_by(Fund.name_nl)).all()
    regions = db.session.execute(select(SubRegion.key, SubRegion.name).order_by(SubRegion.name)).all()
    form.offer(
        [(f.key, Text(f.name_nl, f.name_en).in_(current_language())) for f in funds], [(r.key, r.name) for r in regions]
    )
    return form


def _people_page(form: InviteForm, status: int = 200) -> Response:
    lines = people.people_page(
        db.session(), after=(request.args.get("na", ""), request.args.get("nummer", 0, int)), most=PAGE + 1
    )
    more = lines[PAGE - 1] if len(lines) > PAGE else None
    return make_response(render_template("pages/people/people.html", form=form, lines=lines[:PAGE], more=more), status)


PAGE = 50


def _to(path: str) -> Response:
    return make_response(redirect(path, code=303))


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])
