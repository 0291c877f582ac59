"""`fundapp flow diagram`: the tables themselves, drawn."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fundapp.cli import cli
from fundapp.domain.flow import diagram
from fundapp.domain.flows import FLOWS


@pytest.mark.parametrize("name", FLOWS)
def test_one_flow_is_drawn_as_its_table_says(name: str) -> None:
    result = CliRunner().invoke(cli, ["flow", "diagram", name])
    assert (result.exit_code, result.stdout) == (0, diagram(FLOWS[name]))
    for state in FLOWS[name].states:
        assert str(state) in result.stdout


def test_all_flows_are_drawn_under_their_names() -> None:
    result = CliRunner().invoke(cli, ["flow", "diagram"])
    assert [line for line in result.stdout.splitlines() if line.startswith("%% ")] == [f"%% {name}" for name in FLOWS]
    assert result.stdout.count("stateDiagram-v2") == len(FLOWS)


def test_an_unknown_flow_is_one_line_and_exit_status_2() -> None:
    result = CliRunner().invoke(cli, ["flow", "diagram", "nonsense"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("nonsense: there is no such flow; choose one of application, ")
