"""House rules that no linter knows: one place commits, migrations and models agree, every word of a flow is kept."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import ROOT
from fundapp.domain.flows import FLOWS
from fundapp.persistence import schema
from fundapp.persistence.migrate import alembic_config

SOURCES = sorted((ROOT / "fundapp").rglob("*.py")) + sorted((ROOT / "worker").rglob("*.py"))


def calls(path: Path, name: str) -> bool:
    """Whether a file calls a method of this name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
        for node in ast.walk(tree)
    )


def test_only_the_unit_of_work_commits() -> None:
    committing = {str(path.relative_to(ROOT)) for path in SOURCES if calls(path, "commit")}
    assert committing == {"fundapp/persistence/unit_of_work.py"}


def test_no_template_compares_a_state_or_a_role() -> None:
    words = {str(state) for flow in FLOWS.values() for state in flow.states}
    compares = re.compile(r"""(?:state|role)\s*(?:==|!=|in)\s*[\[("']\s*["']?(\w+)""")
    guilty = [
        f"{path.relative_to(ROOT)}: {found.group(0)}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for found in compares.finditer(path.read_text(encoding="utf-8"))
        if found.group(1) in words
    ]
    assert guilty == []


def test_the_migrations_make_what_the_models_say(fresh_database: str) -> None:
    command.check(alembic_config(fresh_database))  # raises where they differ


ONE_TABLE = {"reconsideration": "objection"}
"""Two flows of which the cases stand in one table: the same steps, in the words of another law."""


@pytest.mark.parametrize("kind", FLOWS)
def test_the_database_knows_exactly_the_states_of_each_flow(kind: str, session: Session) -> None:
    rule = session.execute(
        text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": f"ck_{ONE_TABLE.get(kind, kind)}_state"},
    ).scalar_one()
    assert set(re.findall(r"'(\w+)'", rule)) == {str(state) for state in FLOWS[kind].states}


@pytest.mark.parametrize(
    "table", ["journal", "ledger_entry", "decision", "award", "determination", "advice", "fund_version"]
)
def test_history_is_append_only_in_the_database(table: str, session: Session) -> None:
    triggers = session.scalars(
        text("SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"),
        {"name": table},
    ).all()
    assert {"append_only", "append_only_whole"} <= set(triggers)


def test_every_table_is_known_to_the_migrations() -> None:
    assert "application" in schema.metadata.tables
    assert len(schema.metadata.tables) > 40


def test_nothing_of_the_machine_it_was_made_on_stands_in_the_project() -> None:
    homes = re.compile(r"(?<![\w.])/(?:work|home/\w+|root)/(?!app\b)")
    guilty = [str(path.relative_to(ROOT)) for path in SOURCES if homes.search(path.read_text(encoding="utf-8"))]
    assert guilty == []
