"""What is measured, running for real: PostgreSQL with fsync, a broker, web servers, a mail sink; all in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, text

from config import ROOT, Settings, embedded_database_url
from fundapp.adapters.embedded import Broker, Postgres, leashed, wait_until
from fundapp.adapters.files import ObjectFileStore
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.migrate import upgrade
from fundapp.services import generate
from fundapp.services.people import actor_by_email

HERE = Path(__file__).parent
SERVER = (
    "--preload",
    "--worker-class",
    "gthread",
    "--workers",
    "2",
    "--threads",
    "8",
    "--no-control-socket",
    "--graceful-timeout",
    "1",
)
"""How both are served: as `fundapp web` does, but for the patience at the end."""
START_S = 60.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(line: str) -> None:
    """Progress, on standard error: the table has standard output to itself."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person: the cookie of the session and its CSRF token."""

    cookie: str
    token: str


@dataclass
class World:
    """One database with so many applications, and both web servers on it, started when first asked for."""

    stage: Stage
    applications: int
    url: str

    @cached_property
    def engine(self) -> Engine:
        """For looking up what to ask."""
        engine = make_engine(self.url, pool_size=2)
        self.stage.stack.callback(engine.dispose)
        return engine

    @cached_property
    def settings(self) -> Settings:
        """The product's settings in this world: those of production."""
        return Settings.from_env(self.environment)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of the product's processes."""
        return {
            "FUNDAPP_ENV": "production",
            "FUNDAPP_LOCAL": str(self.stage.folder),
            "DATABASE_URL": self.url,
            "REDIS_URL": self.stage.broker.url,
            "SMTP_URL": f"smtp://127.0.0.1:{self.stage.sink_port}",
            "STORAGE_URL": (self.stage.folder / "files").as_uri(),
            "SCANNER_URL": "clamd://127.0.0.1:3310",
            "SECRET_KEY": "a secret of benchmarks only, long enough for it",
            "BASE_URL": "https://localhost",
        }

    @cached_property
    def ours(self) -> int:
        """The port of the product."""
        return self.stage.serve("fundapp.web.wsgi:app", self.environment)

    @cached_property
    def floor(self) -> int:
        """The port of the floor."""
        return self.stage.serve("tests.benchmarks.floor.app:app", {"FLOOR_DATABASE_URL": self.url})

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Look something up."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    @cached_property
    def app(self) -> Any:
        """The product in this process: to sign people in with its own code, and to count statements."""
        from fundapp.web.app import create_app

        return create_app(self.settings, wake=lambda: None)

    def visitor(self, email: str) -> Visitor:
        """Sign somebody in, by the code of the product that does it once the mailed code was right."""
        from flask import session
        from flask_wtf.csrf import generate_csrf

        from fundapp.web.session import begin_session

        with session_factory(self.engine)() as database:
            actor = actor_by_email(database, email)
        assert actor is not None, email
        with self.app.test_request_context(base_url="https://localhost"):
            begin_session(actor, 0)
            token = generate_csrf()
            response = self.app.response_class()
            self.app.session_interface.save_session(self.app, session, response)
        return Visitor(response.headers["Set-Cookie"].split(";")[0], token)


@dataclass
class Stage:
    """Everything that runs; leaving the block ends all of it and removes the folder."""

    stack: ExitStack
    folder: Path
    worlds: dict[int, World] = field(default_factory=dict)

    @cached_property
    def postgres(self) -> Postgres:
        """The database server, as the product runs it."""
        server = Postgres(self.folder, leash=True)
        server.start()
        self.stack.callback(server.stop, always=True)
        return server

    @cached_property
    def broker(self) -> Broker:
        """The broker."""
        broker = Broker(self.folder / "broker")
        self.start(broker.command())
        assert wait_until(broker.answers, START_S)
        return broker

    @cached_property
    def sink_port(self) -> int:
        """The port of the mail sink."""
        port = free_port()
        self.start([sys.executable, "-m", "tests.benchmarks.sink", str(port)])
        assert wait_until(lambda: listens(port), START_S)
        return port

    def start(self, command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a process that ends with this one."""
        usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with (self.folder / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                leashed(command), cwd=ROOT, stdout=log, stderr=log, env=usual | (environment or {})
            )
        self.stack.callback(end, child)
        return child

    def serve(self, app: str, environment: dict[str, str]) -> int:
        """Serve an application; return its port."""
        port = free_port()
        child = self.web(app, environment, port)
        assert wait_until(lambda: listens(port) or child.poll() is not None, START_S), "the web server does not answer"
        assert child.poll() is None, (self.folder / "log.txt").read_text()[-2000:]
        return port

    def web(self, app: str, environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
        """Start a web server."""
        words = ["gunicorn", app, "--bind", f"127.0.0.1:{port}", *SERVER]
        shared = Path("/dev/shm")
        words += ["--worker-tmp-dir", str(shared)] if os.access(shared, os.W_OK) else []
        return self.start([sys.executable, "-m", *words], environment)

    def world(self, applications: int) -> World:
        """A database with so many applications; made once."""
        if applications not in self.worlds:
            assert self.postgres.pid()
            begun = time.monotonic()
            say(f"making {applications:,} applications…")
            name = f"bench_{applications}"
            with psycopg.connect(self.postgres.dsn("postgres"), autocommit=True) as admin:
                admin.execute(f'CREATE DATABASE "{name}"')
            url = embedded_database_url(self.folder, name)
            upgrade(url)
            engine = make_engine(url, pool_size=2)
            files = ObjectFileStore((self.folder / "files").as_uri())
            now = datetime.now(UTC)
            generate.generate(session_factory(engine), files, applications=applications, seed=1, now=now)
            engine.dispose()
            with psycopg.connect(self.postgres.dsn(name), autocommit=True) as admin:
                admin.execute((HERE / "floor" / "tables.sql").read_bytes())
                admin.execute("VACUUM ANALYZE")
            say(f"… made in {time.monotonic() - begun:.0f} s")
            self.worlds[applications] = World(self, applications, url)
        return self.worlds[applications]


def end(child: subprocess.Popen[bytes]) -> None:
    """Stop a process; one that does not listen is killed."""
    child.terminate()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextmanager
def stage() -> Iterator[Stage]:
    """Set the stage in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="fundapp-bench-"))
    folder.chmod(0o711)  # the database's user must pass
    try:
        with ExitStack() as stack:
            yield Stage(stack, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
