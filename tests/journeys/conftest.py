"""A running product for the journeys: web server, worker, broker, mail server and database, all real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config import ROOT, Settings
from fundapp.adapters.embedded import wait_until
from fundapp.services.mail_link import Purpose, read_token, token_of
from tests.support.mail import Inbox, free_port
from tests.support.serving import serving
from tests.support.visitor import Visitor, plain
from tests.support.web import Clock, kept_templates

if TYPE_CHECKING:
    from celery import Celery
    from playwright.sync_api import Browser
    from sqlalchemy.orm import Session, sessionmaker

    from fundapp.services.demo import Storyteller

LOADED_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""When the story is loaded: what of it is relative to that (the innovation fund) plays no part in the journeys."""


@dataclass
class Town:
    """The product as it runs, and the people who visit it.

    Mail goes out by the clock on the wall and the story plays by `clock`, so somebody signs in today: the code of a
    mail is worth nothing after a quarter of an hour. Then the clock goes back to the story.
    """

    site: str
    secret: str
    clock: Clock
    smtp: Inbox
    sessions: sessionmaker[Session]
    queue: Celery
    browser: Browser
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def at(self, day_and_time: str) -> None:
        """Let the time go on to "2021-10-05 10:15" (Amsterdam): the scheduler does what became due by then."""
        from fundapp.services.deadlines import run
        from fundapp.services.demo import moment

        self.clock.set(moment(day_and_time, LOADED_AT).astimezone(UTC))
        run(self.sessions, self.clock.now)

    def visitor(self, email: str) -> Visitor:
        """This person, signed in, in the window that they always use."""
        if email not in self.visitors:
            self.visitors[email] = Visitor(self.browser, self.site, email, self.mailed)
            told = self.clock.now
            self.clock.set(datetime.now(UTC))
            self.visitors[email].sign_in()
            self.clock.set(told)
        return self.visitors[email]

    def by_link(self, email: str, subject: str, purpose: Purpose) -> Visitor:
        """Somebody without an account, behind the door of the newest such mail: its link, then the code of today."""
        mail = self.mailed(email, subject)
        found = re.search(rf"{re.escape(self.site)}{purpose.path}(\S+)", mail)
        assert found is not None, mail
        told = self.clock.now
        link = read_token(found[1], purpose, secret=self.secret, now=told)
        self.clock.set(datetime.now(UTC))
        until = self.clock.now + timedelta(days=1)
        visitor = self.visitors[email] = Visitor(self.browser, self.site)
        before = self.mailed(email, "Uw code", wait=False)
        visitor.open(purpose.path + token_of(replace(link, until=until), self.secret)).press("Stuur mij een code")
        code = re.search(r"\b\d{6}\b", self.mailed(email, "Uw code", unlike=before))
        assert code is not None
        visitor.fill("Code uit de mail", code[0]).press("Verder")
        self.clock.set(told)
        return visitor

    def passer_by(self) -> Visitor:
        """Somebody who does not sign in."""
        return self.visitors.setdefault("", Visitor(self.browser, self.site))

    def mails(self, to: str, subject: str) -> list[EmailMessage]:
        """The mails that arrived for this address, whose subject begins so."""
        found = zip(self.smtp.messages, self.smtp.recipients, strict=False)
        return [mail for mail, address in found if address == to and str(mail["Subject"]).startswith(subject)]

    def mailed(self, to: str, subject: str, *, unlike: str = "", wait: bool = True) -> str:
        """The text of the newest such mail, once it arrived; unlike: one that had arrived already."""
        if wait:
            arrived = wait_until(lambda: bool(self.mails(to, subject)) and self._newest(to, subject) != unlike, 30)
            heard = [(r, m["Subject"]) for r, m in zip(self.smtp.recipients, self.smtp.messages, strict=False)]
            assert arrived, f"no mail “{subject}” came for {to}: {heard}"
        return self._newest(to, subject)

    def _newest(self, to: str, subject: str) -> str:
        found = self.mails(to, subject)
        body = found[-1].get_body(("plain",)) if found else None
        return plain(body.get_content()) if body is not None else ""


@contextmanager
def running_worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `fundapp worker` starts it, in a process of its own, ready for work; ended with the block."""
    command = [sys.executable, "-m", "fundapp", "worker"]
    with log.open("ab") as out:
        begin = log.stat().st_size
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        assert wait_until(lambda: b" ready." in log.read_bytes()[begin:], 60), log.read_text()
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def environment(fresh_database: str, redis_url: str, smtp: Inbox, tmp_path: Path) -> dict[str, str]:
    """What the processes of the product are told: the real parts of this test."""
    port = free_port()
    return {
        "DATABASE_URL": fresh_database,
        "REDIS_URL": redis_url,
        "SMTP_URL": smtp.url,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "SECRET_KEY": "a secret for tests only, long enough",
        "FUNDAPP_LOCAL": str(tmp_path / "local"),
    }


@pytest.fixture
def sessions(fresh_database: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on the database of the product."""
    from fundapp.persistence.db import make_engine, session_factory

    engine = make_engine(fresh_database)
    yield session_factory(engine)
    engine.dispose()


@contextmanager
def telling(environment: dict[str, str], sessions: sessionmaker[Session], loaded_at: datetime) -> Iterator[Storyteller]:
    """A storyteller who set the stage of the worked case: schools, people, funds, bank accounts and rounds."""
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services.demo import Storyteller, story

    files = ObjectFileStore(Settings.from_env(environment).storage_url)
    with sessions() as session, unit_of_work(session):
        teller = Storyteller(session, files, loaded_at)
        teller.set_stage(story())
        yield teller


@pytest.fixture
def stage(environment: dict[str, str], sessions: sessionmaker[Session]) -> None:
    """The stage of the worked case; nobody did anything yet."""
    with telling(environment, sessions, LOADED_AT):
        pass


@pytest.fixture
def town(
    environment: dict[str, str],
    stage: None,
    sessions: sessionmaker[Session],
    smtp: Inbox,
    browser: Browser,
    tmp_path: Path,
) -> Iterator[Town]:
    """The product, running."""
    from fundapp.adapters.queue import make_queue
    from fundapp.web.app import create_app
    from fundapp.web.session import db

    clock = Clock()
    settings = Settings.from_env(environment)
    app = create_app(settings, clock=clock)
    app.testing = True  # what breaks in it is told, not wrapped in a page
    app.jinja_env.bytecode_cache = kept_templates()
    app.jinja_env.auto_reload = False
    queue = make_queue(settings)
    town = Town(environment["BASE_URL"], environment["SECRET_KEY"], clock, smtp, sessions, queue, browser)
    with serving(app, settings.port), running_worker(environment, tmp_path / "worker.log"):
        yield town
        for visitor in town.visitors.values():
            visitor.leave()
    queue.close()
    with app.app_context():
        db.engine.dispose()
