"""`fundapp backup FILE` and `fundapp restore FILE`: everything in one file, the database and the stored files.

The file is a tar archive: `manifest.json`, `database.dump` (pg_dump, custom format) and `files/…`. The database is read
first: files are only ever added, so every file that it names is in the archive too.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import make_url

from config import Settings
from fundapp.adapters.embedded import CannotStart, Postgres
from fundapp.cli import CannotRun, bad_input
from fundapp.cli.processes import settings_or_stop

FORMAT = "fondsloket-backup-1"
PARTS = ("manifest.json", "database.dump")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Write everything to FILE: the database and the files. It holds personal data; only you can read it."""
    settings = settings_or_stop()
    if not file.parent.is_dir():
        bad_input("that folder does not exist.", file=file)
    with _database(settings) as url, tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / PARTS[1]
        _run(settings, "pg_dump", "--format=custom", "--no-owner", f"--file={dump}", f"--dbname={url}")
        draft = file.with_name(f"{file.name}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w") as archive:
            manifest = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}
            _add(archive, PARTS[0], json.dumps(manifest).encode())
            archive.add(dump, PARTS[1])
            files = 0
            for name, content in _stored(settings):
                _add(archive, f"files/{name}", content)
                files += 1
        draft.replace(file)
    click.echo(f"{file}: the database and {files} files.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="In production: yes, replace everything that is there.")
def restore(file: Path, yes: bool) -> None:
    """Replace everything by what FILE holds: the database and the files."""
    settings = settings_or_stop()
    if settings.production and not yes:
        bad_input("this replaces everything in production; add --yes when that is what you want.", field="--yes")
    _check(file)
    with _database(settings) as url, tempfile.TemporaryDirectory() as folder, tarfile.open(file) as archive:
        for member in archive:
            if member.name.startswith("files/"):
                _store(settings).put(member.name.removeprefix("files/"), _read(archive, member))
        dump, script = Path(folder) / PARTS[1], Path(folder) / "database.sql"
        dump.write_bytes(_read(archive, archive.getmember(PARTS[1])))
        _run(settings, "pg_restore", "--no-owner", f"--file={script}", str(dump))
        clean = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        words = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
        _run(settings, "psql", *words, f"--command={clean}", f"--file={script}")
        kept = {member.name.removeprefix("files/") for member in archive.getmembers()}
        for name in [name for name, _ in _stored(settings) if name not in kept]:
            _store(settings).delete(name)
    from fundapp.persistence.migrate import upgrade

    with _database(settings):
        upgrade(settings.database_url)
    click.echo(f"{file}: restored.")


def _check(file: Path) -> None:
    """Read the whole archive once, so that one that is cut off or something else changes nothing."""
    try:
        with tarfile.open(file) as archive:
            names = archive.getnames()
            manifest = json.loads(_read(archive, archive.getmember(PARTS[0]))) if PARTS[0] in names else {}
            fits = manifest.get("format") == FORMAT and PARTS[1] in names
            fits = fits and all(".." not in Path(name).parts for name in names)
            for member in archive.getmembers() if fits else ():
                _read(archive, member)
    except (OSError, ValueError, tarfile.TarError) as error:
        bad_input(f"cannot be read as a backup: {str(error).partition(chr(10))[0].partition(': -')[0]}.", file=file)
    if not fits:
        bad_input("is not a backup that fundapp backup made.", file=file)


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """Yield the database's URL for PostgreSQL's own programs, without the password, while the server runs."""
    server = Postgres(settings.local) if settings.embedded_database else None
    try:
        if server is not None:
            server.start()
    except CannotStart as error:
        raise CannotRun(str(error)) from None
    try:
        url = make_url(settings.database_url)
        yield url._replace(drivername="postgresql", password=None).render_as_string()
    finally:
        if server is not None:
            server.stop()


def _run(settings: Settings, name: str, *words: str) -> None:
    """Run one of PostgreSQL's own programs: the wheel's, or the one on PATH.

    The password travels in the environment: what stands on a command line, everybody on the machine can read.
    """
    program: Path | str | None = None
    with suppress(CannotStart):
        program = Postgres(settings.local).program(name)
    if program is None and (program := shutil.which(name)) is None:
        raise CannotRun(f"This needs PostgreSQL's {name}; install the package postgresql-client.")
    password = make_url(settings.database_url).password
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode:
        raise CannotRun(f"{name} failed: {done.stderr.strip()}")


def _store(settings: Settings) -> Any:  # obstore has no common type for its stores
    import obstore.store

    if settings.storage_url.startswith("file:"):
        return obstore.store.from_url(settings.storage_url, mkdir=True)
    return obstore.store.from_url(settings.storage_url)


def _stored(settings: Settings) -> Iterator[tuple[str, bytes]]:
    store = _store(settings)
    for batch in store.list():
        for found in batch:
            yield found["path"], bytes(store.get(found["path"]).bytes())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file is not None else b""
