"""What a request knows: the moment, the person, the language, and the database session.

Nothing here is kept between requests. Flask-Login names the person in a signed cookie; who that is and what they may do
is read anew each time, in one statement.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, flash, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from itsdangerous import URLSafeTimedSerializer

from fundapp.domain.people import Actor
from fundapp.domain.text import LANGUAGES, Language, Text
from fundapp.persistence.db import Base
from fundapp.services.people import load_actor

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})
"""The engine and the life of each request's session; views say `db.session`, and hand it to services."""

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=5)
LANGUAGE_COOKIE = "taal"
YEAR_S = 365 * 24 * 3600

_login = LoginManager()


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """The signed-in person, as Flask-Login holds it."""

    def __init__(self, actor: Actor, identity: str) -> None:
        self.actor = actor
        self.identity = identity

    def get_id(self) -> str:
        """What the cookie holds: person, epoch of their sessions, and this session's own id."""
        return self.identity


class _Cookies(SecureCookieSessionInterface):
    """Flask's sessions, with one signer for all requests instead of a new one twice in each."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer of the cookie."""
        found = app.extensions.get("cookie_signer")
        if found is None:
            found = app.extensions["cookie_signer"] = super().get_signing_serializer(app)
        return cast("URLSafeTimedSerializer | None", found)


def init_app(app: Flask) -> None:
    """Set up the database session, sign-in and the cookies of an application."""
    app.session_interface = _Cookies()
    db.init_app(app)
    _login.session_protection = None  # it would end the session of a phone that changes network
    _login.init_app(app, add_context_processor=False)  # it would ask the database for error pages too


@_login.user_loader  # type: ignore[untyped-decorator]  # Flask-Login has no types
def _load(identity: str) -> SignedIn | None:
    person_id, epoch, session_id = identity.split(".")
    actor = load_actor(db.session(), int(person_id), epoch=int(epoch), session_id=session_id, now=request_now())
    return None if actor is None else SignedIn(actor, identity)


def request_now() -> datetime:
    """The server's own receipt time of this request: an aware moment in UTC, the same all through the request."""
    if "now" not in g:
        clock = cast("Callable[[], datetime]", current_app.extensions["clock"])
        g.now = clock()
    return cast("datetime", g.now)


def current_actor() -> Actor | None:
    """Who sends this request; None for somebody who is not signed in."""
    if "actor" not in g:
        user = current_user._get_current_object()  # noqa: SLF001  (the object, not the proxy that looks true)
        g.actor = user.actor if isinstance(user, SignedIn) else None
    return cast("Actor | None", g.actor)


def signed_in() -> Actor:
    """Who sends this request, on a page that only signed-in people reach."""
    actor = current_actor()
    assert actor is not None, "this view's access lets everybody in"
    return actor


def known_actor() -> Actor | None:
    """Who sends this request, if that was asked before: for pages that may not touch the database."""
    return cast("Actor | None", g.get("actor"))


def wake() -> None:
    """Tell the worker that there may be mail; for `unit_of_work(db.session(), wake)`. Never raises."""
    cast("Callable[[], None]", current_app.extensions["wake"])()


# Sign-in and its end


def begin_session(actor: Actor, epoch: int) -> None:
    """Sign a person in, in a session that shares nothing with the one before it."""
    parked = session.get("parked")
    session.clear()
    now = int(request_now().timestamp())
    session.update(begun=now, noted=now)
    if parked:
        session["parked"] = parked
    login_user(SignedIn(actor, f"{actor.id}.{epoch}.{secrets.token_hex(8)}"))
    g.actor = actor
    g.language = actor.language


def end_session() -> None:
    """Sign out, here only."""
    logout_user()
    session.clear()
    g.actor = None


def session_identity() -> tuple[int, str] | None:
    """Whose session the cookie says this is, and the session's id; also when it has expired. None for nobody."""
    identity = session.get("_user_id")
    if not isinstance(identity, str):
        return None
    person_id, _, session_id = identity.split(".")
    return int(person_id), session_id


def watch_idle() -> None:
    """Forget who this is after two idle hours, or twelve in all. Notes the moment every few minutes, in the cookie."""
    if "_user_id" not in session:
        return
    now = request_now()
    noted = datetime.fromtimestamp(session.get("noted", 0), UTC)
    begun = datetime.fromtimestamp(session.get("begun", 0), UTC)
    if now - noted > IDLE or now - begun > LONGEST:
        g.expired = session_identity()
        for name in ("_user_id", "_fresh", "begun", "noted"):
            session.pop(name, None)
    elif now - noted > NOTED_EVERY:
        session["noted"] = int(now.timestamp())


# Language


def current_language() -> Language:
    """The language of the page: the cookie's, else Dutch. Never asks the database, so error pages can use it."""
    found = g.get("language")  # asked some hundred times a page
    if found is None:
        chosen = request.cookies.get(LANGUAGE_COOKIE, "nl")
        found = g.language = chosen if chosen in LANGUAGES else "nl"
    return cast("Language", found)


def keep_language(response: Response, language: str) -> None:
    """Set the cookie of the language, for a year."""
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=YEAR_S,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def notify(text: Text, kind: str = "success") -> None:
    """Show a message on the next page, in the language of this one. kind: success, info, warning or error."""
    flash(text.in_(current_language()), kind)


def safe_path(given: Any, otherwise: str = "/") -> str:
    """A path on this site to go on to, or `otherwise` for anything that could lead elsewhere."""
    text = str(given or "")
    if not text.startswith("/") or text.startswith("//") or "\\" in text or any(ord(c) < 32 for c in text):
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else text
