"""`fundapp allocate`: what stands on the two outputs, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fundapp.cli import cli

SCENARIO: dict[str, Any] = {
    "ceiling_cents": 2000000,
    "sub_ceilings": {"walcheren": 730000, "oosterschelde": 730000},
    "method": "order_of_receipt",
    "on_overflow": "partial",
    "seed": "tranche-2022-2",
    "applications": [
        {
            "ref": "PO-é",
            "amount_cents": 750000,
            "complete_at": "2022-05-03T10:15:00+02:00",
            "sub_region": "walcheren",
            "minimum_cents": 500000,
        }
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(SCENARIO), encoding="utf-8")
    return path


def test_the_outcome_is_json_and_twice_the_same_bytes(file: Path) -> None:
    first, again = (CliRunner().invoke(cli, ["allocate", str(file), *extra]) for extra in ([], ["--json"]))
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout_bytes == again.stdout_bytes
    found = json.loads(first.stdout_bytes)
    assert found["allocations"][0]["ref"] == "PO-é"
    assert (found["awarded_cents"], found["left_cents"]) == (730000, 1270000)


def test_standard_input(file: Path) -> None:
    piped = CliRunner().invoke(cli, ["allocate", "-"], input=file.read_bytes())
    assert piped.stdout_bytes == CliRunner().invoke(cli, ["allocate", str(file)]).stdout_bytes


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"amount_cents": 7.5}, ("PO-é", "amount_cents")),
        ({"complete_at": "2022-05-03T10:15:00"}, ("PO-é", "complete_at")),
        ({"sub_region": "texel"}, ("PO-é", "sub_region")),
        ({"extra": 1}, ("PO-é", "extra")),
        ({"ref": "two\nlines", "amount_cents": 0}, ("two?lines", "amount_cents")),
    ],
)
def test_bad_input_is_one_line(file: Path, changes: dict[str, Any], names: tuple[str, str]) -> None:
    file.write_text(json.dumps({**SCENARIO, "applications": [SCENARIO["applications"][0] | changes]}), encoding="utf-8")
    result = CliRunner().invoke(cli, ["allocate", str(file)])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert all(name in result.stderr for name in names)


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"[]"])
def test_a_file_that_cannot_be_read_is_named(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    result = CliRunner().invoke(cli, ["allocate", str(file)])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "scenario.json" in result.stderr


def test_a_folder_and_no_file_at_all(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["allocate", str(tmp_path)]).exit_code == 2
    missing = CliRunner().invoke(cli, ["allocate"])
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
