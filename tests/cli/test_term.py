"""`fundapp term`: every dated case through the command itself, and one line for each bad input."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from fundapp.cli import cli
from tests.domain.cases import TermCase, term_cases

GOOD = ["--profile", "awb", "--from", "2024-04-08", "--length", "6w"]


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(cli, ["term", *arguments])


@pytest.mark.parametrize("case", term_cases(), ids=lambda case: " ".join(case.arguments[1::2]) + " " + case.why)
def test_each_dated_case(case: TermCase) -> None:
    result = run([*case.arguments, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == ["due_on", "due_at", "paused_days", "shifted_days", "because"]
    assert found["due_on"] == case.due[:10]
    assert found["due_at"] == case.due if "T" in case.due else found["due_at"].startswith(f"{case.due}T23:59:59+0")
    assert (found["paused_days"], found["shifted_days"]) == (case.paused_days, case.shifted_days)
    said = " ".join(found["because"])
    if case.shifted_days and case.arguments[1] == "awb":
        assert "Algemene termijnenwet" in said
    if case.paused_days and case.arguments[1] == "awb":
        assert "4:15 Awb" in said


def test_there_are_enough_cases() -> None:
    assert len(term_cases()) >= 60
    assert len({tuple(case.arguments) for case in term_cases() if "T" not in case.due}) > 60


@pytest.mark.parametrize(
    ("article", "said"),
    [
        (
            "awb 2024-04-08 6w",
            "(Tweede pinksterdag). De termijn schuift een dag op (artikel 1 en 3 Algemene termijnenwet)",
        ),
        ("awb 2024-03-28 3d", "twee werkdagen hebben: nu tot en met woensdag 3 april 2024 (artikel 2 Algemene"),
        ("awb 2024-01-06 13w", "te lang om op te schuiven (artikel 4 Algemene termijnenwet)"),
        ("private 2024-01-06 6w", "schuift niet op"),
        ("private 2024-01-06 6w --shift", "regels van het fonds"),
        ("awb 2024-01-06 6w --extend 4w", "Verlenging met 4 weken: samen 10 weken."),
    ],
)
def test_the_reason_names_the_article(article: str, said: str) -> None:
    profile, started_on, length, *rest = article.split()
    output = run(["--profile", profile, "--from", started_on, "--length", length, *rest]).stdout
    assert said in output


def test_without_json_the_date_comes_first() -> None:
    first, *reasons = run(GOOD).stdout.splitlines()
    assert first == "dinsdag 21 mei 2024 (2024-05-21T23:59:59+02:00)"
    assert len(reasons) == 2
    assert all(reason.startswith("- ") for reason in reasons)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--profile", "avb"], "--profile"),
        (["--from", "2023-02-29"], "--from"),
        (["--from", "20240408"], "--from"),
        (["--from", "8-4-2024"], "--from"),
        (["--from", "1950-01-01"], "from"),
        (["--from", "2099-12-30"], "from"),
        (["--length", "6"], "--length"),
        (["--length", "0w"], "--length"),
        (["--length", "-6w"], "--length"),
        (["--length", "٦w"], "--length"),
        (["--length", "9999m"], "from"),
        (["--extend", "4x"], "--extend"),
        (["--pause", "2024-04-10"], "--pause"),
        (["--pause", "2024-04-10..2024-04-31"], "--pause"),
        (["--pause", "2024-04-10..2024-04-09"], "--pause"),
        (["--pause", "2024-04-10..9999-12-31"], "from"),
        (["--unknown"], "--unknown"),
    ],
)
def test_bad_input_is_one_line_that_names_the_option(arguments: list[str], names: str) -> None:
    result = run([*GOOD, *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert names in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_option_is_named() -> None:
    result = run(GOOD[:4])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--length" in result.stderr
