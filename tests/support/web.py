"""The web application for tests, on a real database, with a clock that can be set and a cast of people.

Everybody signs in as a user does: with the code of the mail that waits in the outbox. Imports are late, because
`tests/conftest.py` shares these fixtures with tests that never touch the web.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from jinja2 import FileSystemBytecodeCache
    from playwright.sync_api import Page
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from fundapp.domain.people import Actor

NOON = datetime(2025, 3, 14, 11, 0, tzinfo=UTC)
"""Friday 14 March 2025, 12.00 in Zeeland."""

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Clock:
    """A clock for `create_app(clock=…)` that stands still until it is told otherwise."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    @property
    def now(self) -> datetime:
        """What it shows."""
        return self.moment

    def set(self, moment: datetime) -> None:
        """Show this moment."""
        self.moment = moment

    def advance(self, **by: float) -> None:
        """Go forward: `advance(minutes=16)`, in the words of timedelta."""
        self.moment += timedelta(**by)


@dataclass(frozen=True)
class Cast:
    """Who plays. anna drafts and signer signs for 99AA00 (board 99990); stranger drafts for 99AB00 of another board."""

    anna: Actor
    signer: Actor
    stranger: Actor
    handler: Actor
    adviser: Actor
    second_adviser: Actor
    decision_maker: Actor
    finance: Actor
    second_finance: Actor
    coordinator: Actor

    def everybody(self) -> dict[str, Actor]:
        """Name of the part → person."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


@pytest.fixture
def clock() -> Clock:
    """The clock of `app`."""
    return Clock()


@pytest.fixture
def wakes() -> list[str]:
    """Fills with one word for each time that `app` woke the worker."""
    return []


@pytest.fixture
def app(fresh_database: str, clock: Clock, wakes: list[str], tmp_path: Path) -> Iterator[Flask]:
    """The application on a database of its own; what breaks in it breaks the test."""
    from config import Settings
    from fundapp.web.app import create_app
    from fundapp.web.session import db

    environ = {
        "DATABASE_URL": fresh_database,
        "FUNDAPP_LOCAL": str(tmp_path / "local"),
        "SECRET_KEY": "a secret for tests only, long enough",
        "BASE_URL": "http://localhost",
    }
    app = create_app(Settings.from_env(environ), clock=clock, wake=lambda: wakes.append("wake"))
    app.testing = True
    app.jinja_env.bytecode_cache = kept_templates()
    yield app
    with app.app_context():
        db.engine.dispose()


def kept_templates() -> FileSystemBytecodeCache:
    """The templates as compiled once for all tests, not once for each."""
    from jinja2 import FileSystemBytecodeCache

    from config import ROOT

    compiled = ROOT / ".local" / "test" / "templates"
    compiled.mkdir(parents=True, exist_ok=True)
    return FileSystemBytecodeCache(str(compiled))


def lose_database() -> None:
    """Inside an application context: from now on the application's database cannot be reached."""
    from sqlalchemy import create_engine

    from fundapp.web.session import db

    db.engine.dispose()
    engines = db.engines
    assert isinstance(engines, dict)
    engines[None] = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")


@contextmanager
def writing(app: Flask) -> Iterator[Session]:
    """Yield a session on the application's database; what was written is committed at the end of the block."""
    from sqlalchemy.orm import Session

    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.web.session import db

    with app.app_context():
        engine = db.engine
    with Session(engine, expire_on_commit=False) as session, unit_of_work(session):
        yield session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def cast(app: Flask) -> Cast:
    """The cast, and its two schools, in the application's database."""
    with writing(app) as session:
        return make_cast(session)


def make_cast(session: Session) -> Cast:
    """Write the cast and its two schools; the caller commits."""
    from fundapp.domain.people import Capacity, Role
    from fundapp.persistence.people import Membership
    from tests.support.cases import Cases

    cases = Cases(session)
    cases.school("99AA00", "De Ozobot", board="99990", region="oosterschelde")
    cases.school("99AB00", "De Zeebries", board="99991", region="walcheren")

    def of_school(name: str, board: str, school: str, capacity: Capacity) -> Actor:
        person = cases.person(name)
        assert person.id is not None
        session.add(
            Membership(person_id=person.id, board_number=board, school_code=school, capacity=str(capacity), since=NOON)
        )
        session.flush()
        return actor(session, person.email)

    return Cast(
        anna=of_school("Anna Akkerman", "99990", "99AA00", Capacity.DRAFTER),
        signer=of_school("Sietse Sinke", "99990", "99AA00", Capacity.SIGNER),
        stranger=of_school("Vera Vreemd", "99991", "99AB00", Capacity.DRAFTER),
        handler=cases.person("Hanna Herder", Role.HANDLER),
        adviser=cases.person("Aart Adriaanse", Role.ADVISER),
        second_adviser=cases.person("Bea Boogaard", Role.ADVISER),
        decision_maker=cases.person("Dirk Dingemanse", Role.DECISION_MAKER),
        finance=cases.person("Fien Filius", Role.FINANCE),
        second_finance=cases.person("Gerrit Geluk", Role.FINANCE),
        coordinator=cases.person("Corrie Coppoolse", Role.COORDINATOR),
    )


def actor(session: Session, email: str) -> Actor:
    """The person with this address as the services see them."""
    from fundapp.services.people import actor_by_email

    found = actor_by_email(session, email)
    assert found is not None, f"nobody has {email}"
    return found


def mailed(app: Flask, email: str, template: str) -> dict[str, Any]:
    """What the last mail of this template to this address may say: its context, from the outbox."""
    from sqlalchemy import select

    from fundapp.persistence.outbox import OutboxMessage

    with writing(app) as session:
        found = session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.address == email, OutboxMessage.template == template)
            .order_by(OutboxMessage.id.desc())
            .limit(1)
        ).one_or_none()
        assert found is not None, f"no {template} was mailed to {email}"
        return found.context


def sign_in(client: FlaskClient, email: str, verder: str = "") -> TestResponse:
    """Sign in with the code that was mailed; return the answer that follows the right code."""
    assert post(client, "/inloggen", {"email": email, "verder": verder}).status_code == 303
    code = mailed(client.application, email, "sign_in_code")["code"]
    answer = post(client, "/inloggen/code", {"code": code})
    assert answer.status_code == 303, answer.text
    return answer


def token(client: FlaskClient, page: str = "/hulp") -> str:
    """The CSRF token of a page of this browser; a visitor finds one where a visitor can send something."""
    found = _TOKEN.search(client.get(page).text) or _TOKEN.search(client.get("/inloggen").text)
    assert found is not None, f"{page} has no form"
    return found[1]


def post(client: FlaskClient, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
    """Send a form as a browser does, with the token of its session."""
    return client.post(path, data={**(data or {}), "csrf_token": token(client)}, **more)


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The address of a real server with `app`, for a real browser."""
    from tests.support.serving import serving

    with serving(app) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def sign_in_browser(page: Page, live_server: str, app: Flask, email: str, verder: str = "") -> None:
    """Sign in in a real browser, with the code that was mailed."""
    page.goto(f"{live_server}/inloggen" + (f"?verder={verder}" if verder else ""))
    page.locator("input[name=email]").fill(email)
    page.locator("main button[type=submit]").first.click()
    page.locator("input[name=code]").fill(mailed(app, email, "sign_in_code")["code"])
    page.locator("main button[type=submit]").first.click()
