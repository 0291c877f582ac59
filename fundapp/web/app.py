"""create_app: wiring only. Every part says itself what it does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any

from flask import Flask, abort, g, request
from flask_wtf.csrf import CSRFProtect
from jinja2 import FileSystemBytecodeCache
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Settings
from fundapp.persistence.db import reading_options
from fundapp.services.programme import programme
from fundapp.web import access, errors, headers, health, inbox, navigation, parking, session
from fundapp.web.assets import core_style, icon_address
from fundapp.web.templating import Pages

FEATURES = (
    "health",
    "people",
    "information",
    "public",
    "actions",
    "applications",
    "drafting",
    "receipts",
    "uploads",
    "signing",
    "consent",
    "colleagues",
    "joining",
    "messages",
    "draft_check",
    "completion",
    "reuse",
    "reporting",
    "objection",
    "changes",
    "review",
    "panel",
    "finance",
    "worklist",
    "recoveries",
    "payments",
    "payment_scheme",
    "interim",
    "bank",
    "bank_accounts",
    "tranches",
    "tranche_closing",
    "reallocation",
    "decisions",
    "scenario",
    "exports",
    "programme",
)
"""The modules of this package that hold pages: each has a blueprint `bp`."""

MEGABYTE = 1024 * 1024
LARGEST_REQUEST = 32 * MEGABYTE
LARGEST_TEXT = 2 * MEGABYTE


def utcnow() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)


class Application(Flask):
    """Flask, with one place for the log of what broke. In production an address of a static file is worked out once."""

    jinja_environment = Pages

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._static_addresses: dict[str, str] = {}

    def url_for(self, endpoint: str, **values: Any) -> str:
        """Return the address of an endpoint."""
        if endpoint != "static" or len(values) != 1 or not self.config["PRODUCTION"]:
            return super().url_for(endpoint, **values)
        found = self._static_addresses.get(values["filename"])
        if found is None:
            found = self._static_addresses[values["filename"]] = super().url_for(endpoint, **values)
        return found

    def log_exception(self, exc_info: Any) -> None:
        """Leave it to `errors.broken`, which logs it under its incident code and without the address."""


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = utcnow, wake: Callable[[], None] | None = None
) -> Flask:
    """Return the web application.

    clock: gives the receipt time of each request, an aware moment. wake: tells the worker that there may be mail; by
    default a message on the queue. Raises RuntimeError when a view does not say who may open it.
    """
    app = Application("fundapp.web", root_path=str(ROOT / "fundapp" / "web"), template_folder=str(ROOT / "templates"))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        PRODUCTION=settings.production,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=reading_options(),
        SESSION_COOKIE_NAME="fondsloket",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=31),  # the idle time is judged in `session.watch_idle`
        WTF_CSRF_CHECK_DEFAULT=False,  # asked in `_before`, after access
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as the session
        WTF_CSRF_SSL_STRICT=False,  # the cookie is SameSite, and a proxy may end TLS
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_TEXT,
        TEMPLATES_AUTO_RELOAD=not settings.production,
    )
    app.extensions["settings"] = settings
    app.extensions["clock"] = clock
    app.extensions["wake"] = wake or make_wake(settings)
    if settings.production:  # behind one balancer, which tells the caller's address and scheme
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]  # Flask's way
    session.init_app(app)
    errors.init_app(app)
    health.init_app(app)
    headers.init_app(app)
    _before(app)
    _templates(app, settings)
    for feature in FEATURES:
        app.register_blueprint(import_module(f"fundapp.web.{feature}").bp)
    inbox.register(app)
    navigation.init_app(app)
    if silent := access.unstated(app):
        raise RuntimeError(f"these views do not say who may open them: {', '.join(silent)}")
    return app


def _before(app: Flask) -> None:
    """What is asked of every request, in this order: who, may they, is the form ours, does input wait."""
    csrf = CSRFProtect(app)

    @app.before_request
    def ask() -> None:
        if "\0" in request.path:  # PostgreSQL has no such sign, so nothing can bear that name
            abort(404)
        session.watch_idle()
        access.check()
        if not (errors.is_api() or app.config.get("WTF_CSRF_ENABLED") is False):
            csrf.protect()
        parking.give_back()


def _templates(app: Flask, settings: Settings) -> None:
    app.extensions["language"] = session.current_language
    with suppress(OSError):  # compiled templates are kept for the next start, where there is a folder for them
        kept = settings.local / "templates"
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(kept))
    ours = programme()
    app.jinja_env.globals.update(
        brand={"name": ours.brand, "short": ours.short},
        programme=ours,
        core_style=core_style(),
        window_icon=icon_address(),
    )

    @app.context_processor
    def frame() -> dict[str, Any]:
        return {
            "lang": session.current_language(),
            "person": session.known_actor() if g.get("broken") else session.current_actor(),
            "nav": navigation.items(),
        }


def make_wake(settings: Settings) -> Callable[[], None]:
    """Return what tells the worker to look for mail. Celery is imported at its first use, not at the start."""

    @cache
    def waker() -> Callable[[], None]:
        from fundapp.adapters import queue

        return queue.gathered(queue.waker(queue.make_queue(settings)))

    return lambda: waker()()
