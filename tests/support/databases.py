"""Real databases for tests: one embedded server for all test runs of this checkout, a database for each need.

Several runs may go on at once. Databases bear the process id of the run that made them, so that the next run can
remove what a killed one left behind.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from config import ROOT, embedded_database_url
from fundapp.adapters.embedded import Postgres, alive
from fundapp.persistence.migrate import upgrade

KEPT_TEMPLATES = 3


class TestServer:
    """A PostgreSQL server that makes databases. `url`: of any database of it, as SQLAlchemy writes it."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.template = f"t_{os.getpid()}_template"
        self._numbers = count(1)

    def prepare(self) -> None:
        """Remove what killed runs left; make this run's template, with every migration run."""
        with self._admin() as admin:
            admin.execute("SELECT pg_advisory_lock(2024)")  # migrations of one code state run once, not in every run
            for name in self._names(admin, "t\\_%"):
                if not alive(int(name.split("_")[1])):
                    admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            migrated = f"template_{code_mark()}"
            if migrated not in self._names(admin, "template\\_%"):
                draft = f"t_{os.getpid()}_draft"
                admin.execute(f'CREATE DATABASE "{draft}"')
                upgrade(self.database_url(draft))
                admin.execute(f'ALTER DATABASE "{draft}" RENAME TO "{migrated}"')
            self._copy(admin, migrated, self.template)
            for old in self._names(admin, "template\\_%")[:-KEPT_TEMPLATES]:
                admin.execute(f'DROP DATABASE "{old}"')

    def new(self) -> str:
        """Make a database with the newest schema and nothing in it; return its SQLAlchemy URL."""
        name = f"t_{os.getpid()}_{next(self._numbers)}"
        with self._admin() as admin:
            self._copy(admin, self.template, name)
        return self.database_url(name)

    def copy_of(self, url: str) -> str:
        """Make a database with all that is in another, to which nobody may be connected; return its SQLAlchemy URL."""
        name = f"t_{os.getpid()}_{next(self._numbers)}"
        with self._admin() as admin:
            self._copy(admin, str(make_url(url).database), name)
        return self.database_url(name)

    def drop(self, url: str) -> None:
        """Remove a database, also when somebody is still connected."""
        with self._admin() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def drop_all(self) -> None:
        """Remove every database of this run."""
        with self._admin() as admin:
            for name in self._names(admin, f"t\\_{os.getpid()}\\_%"):
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def database_url(self, database: str) -> str:
        """The URL of a database of this server."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        url = self.url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    @staticmethod
    def _names(admin: psycopg.Connection[tuple[object, ...]], pattern: str) -> list[str]:
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid"
        return [str(row[0]) for row in admin.execute(query, (pattern,))]

    @staticmethod
    def _copy(admin: psycopg.Connection[tuple[object, ...]], template: str, name: str) -> None:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


@contextmanager
def test_server(local: Path) -> Iterator[TestServer]:
    """Yield the server of TEST_DATABASE_URL, else the embedded one under `local`, ready to make databases."""
    given = os.environ.get("TEST_DATABASE_URL")
    embedded = None if given else Postgres(local, careless=True)
    if embedded is not None:
        embedded.start()
    server = TestServer(given or embedded_database_url(local, "postgres"))
    try:
        server.prepare()
        yield server
    finally:
        with suppress(psycopg.OperationalError):
            server.drop_all()
        if embedded is not None:
            embedded.stop()


def code_mark() -> str:
    """A mark that changes whenever the schema may have changed: of the migrations and of the code they draw on."""
    digest = hashlib.sha256()
    folders = (ROOT / "migrations", ROOT / "fundapp" / "persistence", ROOT / "fundapp" / "domain")
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]
