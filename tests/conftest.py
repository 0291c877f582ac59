"""Real parts for all tests: PostgreSQL, Valkey, an SMTP server, a browser. Nothing here is a stand-in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config import NAMES, ROOT

LOCAL = ROOT / ".local" / "test"

for name in NAMES:  # the tests stand apart from whatever the shell has set, and from a running `bin/run`
    os.environ.pop(name, None)
os.environ["FUNDAPP_LOCAL"] = str(LOCAL)

from fundapp.adapters.embedded import Broker, leashed, wait_until  # noqa: E402
from tests.support.browser import ARGUMENTS, HOW_TO_GET_ONE, chromium  # noqa: E402
from tests.support.mail import Inbox, smtp_server  # noqa: E402
from tests.support.web import app, cast, client, clock, live_server, wakes  # noqa: E402, F401  (fixtures)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.support.databases import TestServer


@pytest.fixture(scope="session")
def database_server() -> Iterator[TestServer]:
    """A PostgreSQL server that makes databases with the newest schema."""
    from tests.support.databases import test_server

    with test_server(LOCAL) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(database_server: TestServer) -> str:
    """The URL of this run's database. Tests that commit take `fresh_database`; this one stays empty."""
    return database_server.new()


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this run's database."""
    from fundapp.persistence.db import make_engine

    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose commits are real to the test and gone after it."""
    from sqlalchemy.orm import Session

    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()


@pytest.fixture
def fresh_database(database_server: TestServer) -> Iterator[str]:
    """The URL of a database of one's own, for tests that commit for real or need several connections."""
    url = database_server.new()
    yield url
    database_server.drop(url)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey; empty at the start of each test that asks for it."""
    broker = Broker(tmp_path_factory.mktemp("broker"))
    with (broker.home / "log").open("wb") as log:
        child = subprocess.Popen(leashed(broker.command(durable=False)), stdout=log, stderr=log)
    assert wait_until(broker.answers, 10), (broker.home / "log").read_text()
    yield broker.url
    child.terminate()
    child.wait(10)


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    if "redis_url" in request.fixturenames:
        from redis import Redis

        with Redis.from_url(request.getfixturevalue("redis_url")) as redis:
            redis.flushall()


@pytest.fixture
def smtp() -> Iterator[Inbox]:
    """A real SMTP server that notes what it gets; it can be told to refuse or to hang."""
    with smtp_server() as inbox:
        yield inbox


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium. Without one the test is skipped aloud, or fails where FUNDAPP_REQUIRE_BROWSER=1."""
    program = chromium()
    if program is None:
        if os.environ.get("FUNDAPP_REQUIRE_BROWSER") == "1":
            pytest.fail(HOW_TO_GET_ONE)
        pytest.skip(HOW_TO_GET_ONE)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page in a window of its own, Dutch, without cookies."""
    context = browser.new_context(locale="nl-NL", timezone_id="Europe/Amsterdam")
    yield context.new_page()
    context.close()


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A local folder of one's own, as FUNDAPP_LOCAL."""
    return tmp_path / "local"
