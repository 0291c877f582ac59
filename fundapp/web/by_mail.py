"""The door of every page that a mail leads to, for who has no account: a link, then a code that proves the mailbox.

Opening the link does nothing, so a mail scanner cannot answer. What is asked is shown only behind the code, so that a
mail that was passed on shows nothing either.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, session

from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import mail_link
from fundapp.services.mail_link import PROOF_LASTS, Link, Purpose
from fundapp.services.outbox import Recipient
from fundapp.web.errors import form_errors
from fundapp.web.forms.people import CodeForm
from fundapp.web.session import db, request_now, wake

KEPT = 4
"""So many proofs and tickets of one browser are kept at once: the cookie stays small."""


@dataclass(frozen=True, slots=True)
class Door:
    """What stands at the door. to: who was asked. title: what it is about. context: what the mail of the code says."""

    token: str
    link: Link
    to: Recipient
    title: Text
    about: Text
    context: dict[str, Any]

    @property
    def path(self) -> str:
        """The address of the link."""
        return self.link.purpose.path + self.token


class Closed(Exception):
    """There is no way in: the answer is a page that says why."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def link_of(token: str, purpose: Purpose) -> Link:
    """Return the link of an address. Raises Closed for one that is old, Refused(NOT_FOUND) for one that is not ours."""
    try:
        return mail_link.read_token(token, purpose, secret=_secret(), now=request_now())
    except Refused as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        raise Closed(over(*[r.sentence for r in error.refusals], status=410)) from None


def over(*reasons: Text, status: int = 200) -> Response:
    """The page for a link with nothing behind it any more."""
    return make_response(render_template("pages/by_mail/over.html", reasons=reasons), status)


def is_open(link: Link) -> bool:
    """Whether this browser proved the mailbox, not too long ago."""
    until = session.get("proved", {}).get(link.name)
    return until is not None and until > request_now().timestamp()


def knock(door: Door) -> Response:
    """The page in front: what happens next, and the button that mails a code."""
    return make_response(render_template("pages/by_mail/door.html", door=door, form=None))


def send_code(door: Door) -> Response:
    """Mail a code and ask for it."""
    ticket = secrets.token_urlsafe(18)
    try:
        with unit_of_work(db.session(), wake):
            mail_link.send_code(
                db.session(),
                door.link,
                door.to,
                ticket=ticket,
                caller=request.remote_addr or "",
                secret=_secret(),
                context=door.context,
                now=request_now(),
            )
    except Refused as error:
        page = render_template("pages/by_mail/door.html", door=door, form=None, errors=list(error.refusals))
        return make_response(page, 429)
    _keep("tickets", door.link, ticket)
    return _to(f"{door.path}/code")


def ask_code(door: Door) -> Response:
    """Ask for the code of the mail."""
    if door.link.name not in session.get("tickets", {}):
        return _to(door.path)
    return _code_page(door, CodeForm())


def use_code(door: Door) -> Response:
    """Open the door with the right code. A wrong one counts, so it is committed as well."""
    ticket = session.get("tickets", {}).get(door.link.name)
    if ticket is None:
        return _to(door.path)
    form = CodeForm()
    if not form.validate():
        return _code_page(door, form, 422)
    refusal: Refused | None = None
    with unit_of_work(db.session()):
        try:
            mail_link.redeem_code(
                db.session(), door.link, form.code.data, ticket=ticket, secret=_secret(), now=request_now()
            )
        except Refused as error:
            refusal = error
    if refusal is not None:
        form_errors(form, refusal)
        return _code_page(door, form, 422)
    _keep("proved", door.link, (request_now() + PROOF_LASTS).timestamp())
    return _to(door.path)


def _code_page(door: Door, form: CodeForm, status: int = 200) -> Response:
    return make_response(render_template("pages/by_mail/code.html", door=door, form=form), status)


def _keep(what: str, link: Link, value: Any) -> None:
    kept = {name: known for name, known in session.get(what, {}).items() if name != link.name}
    session[what] = dict([*kept.items(), (link.name, value)][-KEPT:])


def _to(path: str) -> Response:
    return make_response(redirect(path, code=303))


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])
