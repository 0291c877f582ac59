"""A backup brings back the database and the files; a file that is no backup changes nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from fundapp.cli import cli


@pytest.fixture
def files(tmp_path: Path, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = tmp_path / "files"
    (files / "ab").mkdir(parents=True)
    (files / "ab" / "cdef").write_bytes(b"a letter\0")
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    monkeypatch.setenv("STORAGE_URL", files.as_uri())
    return files


def sql(database: str, statement: str) -> list[tuple[object, ...]]:
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_everything_comes_back(files: Path, fresh_database: str, tmp_path: Path) -> None:
    sql(fresh_database, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    backup = tmp_path / "monday.fondsloket"
    made = run("backup", str(backup))
    assert made.output == f"{backup}: the database and 1 files.\n"
    assert backup.stat().st_mode & 0o077 == 0
    sql(fresh_database, "DROP TABLE kept; CREATE TABLE later (n int)")
    (files / "ab" / "cdef").unlink()
    (files / "later").write_bytes(b"x")
    assert run("restore", str(backup)).exit_code == 0
    assert sql(fresh_database, "SELECT n FROM kept") == [(7,)]
    assert sql(fresh_database, "SELECT to_regclass('later')") == [(None,)]
    assert [path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()] == ["ab/cdef"]
    assert (files / "ab" / "cdef").read_bytes() == b"a letter\0"


@pytest.mark.parametrize("length", [0, 600, 20_000])
def test_a_file_that_is_cut_off_changes_nothing(files: Path, fresh_database: str, tmp_path: Path, length: int) -> None:
    (files / "large").write_bytes(bytes(100_000))
    backup, cut = tmp_path / "whole", tmp_path / "cut"
    assert run("backup", str(backup)).exit_code == 0
    cut.write_bytes(backup.read_bytes()[:length])
    sql(fresh_database, "CREATE TABLE later (n int)")
    refused = run("restore", str(cut))
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith(f"{cut}: ")
    assert sql(fresh_database, "SELECT n FROM later") == []
