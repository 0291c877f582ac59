"""The command line as a user meets it: one line and an exit status for everything that goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from config import ROOT, Settings
from fundapp.cli import COMMANDS, CannotRun, bad_input, cli
from fundapp.cli.run import only_one
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text


def fundapp(local: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FUNDAPP_LOCAL": str(local), **environ}
    command = [sys.executable, "-m", "fundapp", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_help_names_every_command_and_loads_none(local: Path) -> None:
    code = "import sys; from fundapp.cli import cli; cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    words = [sys.executable, "-c", code]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in said for name in COMMANDS)
    loaded = said.split()
    assert not {"sqlalchemy", "flask", "celery", "pydantic"} & set(loaded)


def test_a_busy_port_is_said_and_the_way_out_is_named(local: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = fundapp(local, "run", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is in use by another program; choose another with --port.\n"


def test_a_second_start_says_where_the_first_runs(local: Path) -> None:
    settings = Settings.from_env({"FUNDAPP_LOCAL": str(local), "PORT": "8123"})
    (local / "run").mkdir()
    with only_one(settings):
        done = fundapp(local, "run")
        with pytest.raises(CannotRun, match="http://localhost:8123"), only_one(settings):
            pass
    assert done.returncode == 1
    assert f"already runs from this checkout, on http://localhost:8123 (process {os.getpid()})" in done.stderr


def test_production_without_its_values_does_not_start(local: Path) -> None:
    done = fundapp(local, "run", FUNDAPP_ENV="production")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert all(name in done.stderr for name in ("DATABASE_URL", "SECRET_KEY", "SMTP_URL"))


@pytest.mark.parametrize(
    "words", [["nonsense"], ["run", "--port", "0"], ["run", "--colour", "red"], ["restore", "/none"]]
)
def test_bad_input_is_one_line_and_status_2(local: Path, words: list[str]) -> None:
    done = fundapp(local, *words)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


def test_a_refusal_is_one_line_with_its_fields_and_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def refuse() -> None:
        sentence = Text("Dat is te veel.", "That is\ntoo much.")
        raise Refused(Refusal("too_much", sentence, field="amount"), Refusal("too_late", Text("Te laat.", "Too late.")))

    monkeypatch.setattr(type(cli), "get_command", lambda *_: refuse)
    result = CliRunner().invoke(cli, ["refuse"])
    assert (result.exit_code, result.stderr) == (2, "amount: That is too much. Too late.\n")


def test_bad_input_names_file_row_and_field() -> None:
    with pytest.raises(click.ClickException) as refused:
        bad_input("that is no postcode.", file=Path("bo.csv"), row=12, field="POSTCODE")
    assert refused.value.format_message() == "bo.csv, row 12, POSTCODE: that is no postcode."
