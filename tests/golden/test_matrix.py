"""Who may do what, in which state: a golden text, so that a change shows in review as a diff.

Write it anew with `UPDATE_GOLDEN=1 bin/test tests/golden`, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Role

HERE = Path(__file__).parent


def matrix(kind: str) -> str:
    """The table of one flow: a line for each state and role that has actions."""
    flow = FLOWS[kind]
    lines = [f"# {kind}: state | role | actions"]
    for state in flow.states:
        for role in Role:
            actions = [t.name for t in flow.transitions if state in t.source and role in t.who]
            if actions:
                lines.append(f"{state} | {role} | {', '.join(actions)}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", FLOWS)
def test_who_may_do_what_is_as_agreed(kind: str) -> None:
    path = HERE / f"{kind}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(matrix(kind), encoding="utf-8")
    assert matrix(kind) == path.read_text(encoding="utf-8")
