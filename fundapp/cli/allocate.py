"""`fundapp allocate`: what-if on a scenario in a file. Touches no data."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fundapp.domain.allocation import allocate
from fundapp.domain.allocation_input import read_request
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text


@click.command("allocate")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Accepted for scripts; the outcome is always JSON.")
def command(file: str, as_json: bool) -> None:  # noqa: ARG001  (the flag changes nothing, on purpose)
    """Divide a ceiling over the applications of FILE ("-" for standard input) and print the outcome as JSON."""
    outcome = allocate(read_request(_read(file), source=file))
    click.echo(outcome.as_json().encode())


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        sentence = Text(
            "Dit bestand is niet te lezen. Controleer de naam.", "This file cannot be read. Check its name."
        )
        raise Refused(Refusal("no_file", sentence, field=file, kind=Kind.INVALID)) from error
