"""`fundapp schools import` as a person and as a program meet it: output, exit status, one line when it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, create_engine, text

from fundapp.cli import cli

INVENTED = Path(__file__).resolve().parents[1] / "data" / "register"
OLD, NEW = str(INVENTED / "primary-2021-windows1252.csv"), str(INVENTED / "primary-2026.csv")
Schools = Callable[..., Result]


@pytest.fixture
def schools(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Schools:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    return lambda *words: CliRunner().invoke(cli, ["schools", "import", *words])


def count(url: str, table: str) -> int:
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        number = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    engine.dispose()
    assert isinstance(number, int)
    return number


def test_an_import_tells_what_it_changed(schools: Schools) -> None:
    assert schools(OLD).exit_code == 0
    result = schools(NEW)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "new       99ZD00",
        "changed   99ZA00  school board: 99900 → 99901",
        "changed   99ZB00  name: De Oude Zon – 's-Heer → 't Zonnetje",
        "closed    99ZE00",
        "1 new, 2 changed, 1 closed, 0 reopened, 1 unchanged.",
    ]
    assert schools(NEW).stdout == "0 new, 0 changed, 0 closed, 0 reopened, 4 unchanged.\n"


def test_json_is_for_programs(schools: Schools) -> None:
    schools(OLD)
    assert json.loads(schools(NEW, "--json").stdout) == {
        "new": ["99ZD00"],
        "changed": [
            {"code": "99ZA00", "field": "board_number", "old": "99900", "new": "99901"},
            {"code": "99ZB00", "field": "name", "old": "De Oude Zon – 's-Heer", "new": "'t Zonnetje"},
        ],
        "closed": ["99ZE00"],
        "reopened": [],
        "unchanged": 1,
        "untouched_demo": [],
    }


def test_a_dry_run_writes_nothing(schools: Schools, fresh_database: str) -> None:
    result = schools(NEW, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        "4 new, 0 changed, 0 closed, 0 reopened, 0 unchanged. Dry run: nothing was written.\n"
    )
    assert count(fresh_database, "school") == count(fresh_database, "register_import") == 0


def test_one_bad_file_refuses_all_of_them_in_one_line(schools: Schools, fresh_database: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(Path(NEW).read_text("utf-8").replace("4335 XA", "433 XA"), "utf-8")
    result = schools(str(INVENTED / "secondary-2026.csv"), str(bad))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"{bad}, row 2, POSTCODE: '433 XA': not a postcode (such as 1234 AB). Nothing was imported.\n"
    )
    assert count(fresh_database, "school") == 0


@pytest.mark.parametrize("words", [(NEW, NEW), ("no-such-file.csv",), (str(INVENTED),)])
def test_what_cannot_be_imported_is_one_line_and_exit_status_2(
    schools: Schools, fresh_database: str, words: tuple[str, ...]
) -> None:
    result = schools(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert count(fresh_database, "school") == 0
