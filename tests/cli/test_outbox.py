"""`fundapp outbox` as a person and as a program meet it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from fundapp.cli import cli
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.outbox import STATES, OutboxMessage
from fundapp.persistence.people import Person
from fundapp.services.outbox import write_mail

Outbox = Callable[..., Result]


@pytest.fixture
def outbox(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """The command, on a database with one dead mail (number 1)."""
    engine = make_engine(fresh_database)
    with session_factory(engine).begin() as session:
        person = Person(email="anouk@example.org", name="Anouk", created_at=datetime.now(UTC))
        session.add(person)
        session.flush()
        write_mail(session, "settled", person, key="a", context={})
        message = session.scalars(select(OutboxMessage)).one()
        message.state, message.error = "dead", "550 no such mailbox"
    engine.dispose()
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    return lambda *words: CliRunner().invoke(cli, ["outbox", *words])


def test_status_names_what_waits_for_a_person(outbox: Outbox) -> None:
    lines = outbox("status").stdout.splitlines()
    assert [line.split() for line in lines[: len(STATES)]] == [[s, "1" if s == "dead" else "0"] for s in STATES]
    assert lines[len(STATES) :] == ["dead             1  settled to anouk@example.org: 550 no such mailbox"]
    found = json.loads(outbox("status", "--json").stdout)
    assert found["counts"]["dead"] == 1
    assert found["stuck"][0] | {"created_at": ""} == {
        "id": 1,
        "state": "dead",
        "template": "settled",
        "address": "anouk@example.org",
        "error": "550 no such mailbox",
        "tries": 0,
        "created_at": "",
    }


def test_a_dead_mail_is_queued_again_once(outbox: Outbox) -> None:
    assert outbox("retry", "1").stdout == "Mail 1 is queued again.\n"
    assert "Due since" in outbox("status").stdout
    again = outbox("retry", "1")
    assert (again.exit_code, again.stderr) == (2, "This mail was sent, or will go by itself. There is nothing to do.\n")


def test_a_mail_that_is_not_there(outbox: Outbox) -> None:
    wrong = outbox("retry", "99")
    assert (wrong.exit_code, wrong.stderr) == (2, "There is no such mail. Check the number.\n")
    assert json.loads(outbox("retry", "1", "--json").stdout) == {"id": 1, "state": "queued"}
