"""The README is true: its diagrams are the tables', its files exist, its commands are there."""

from __future__ import annotations

import os
import re

import pytest

from config import ROOT
from fundapp.cli import COMMANDS
from fundapp.domain.flow import diagram
from fundapp.domain.flows import FLOWS

README = ROOT / "README.md"
START, END = "<!-- flows: begin -->", "<!-- flows: end -->"


def drawn() -> str:
    """All flows, as they stand in the README."""
    return "\n".join(f"### {flow.label.en}\n\n```mermaid\n{diagram(flow)}```\n" for flow in FLOWS.values())


def test_the_diagrams_are_those_of_the_tables() -> None:
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    kept, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        README.write_text(f"{before}{START}\n{drawn()}{END}{after}", encoding="utf-8")
        return
    assert kept.strip() == drawn().strip()


def test_every_file_that_it_names_is_there() -> None:
    text = README.read_text(encoding="utf-8").partition(START)[0]
    named = re.findall(r"`((?:fundapp|bin|tests|templates|migrations|worker)/[\w./-]*)`", text)
    named += re.findall(r"\]\(((?:fundapp|tests)/[\w./-]+)\)", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_table_can_be_loaded(command: str) -> None:
    from click import Context

    from fundapp.cli import cli

    assert cli.get_command(Context(cli), command) is not None
