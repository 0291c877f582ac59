"""`fundapp people` as a person and as a program meet it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from fundapp.cli import cli
from fundapp.domain.people import Capacity, Grant, Membership, Role
from fundapp.services.people import actor_by_token
from tests.support.web import Cast, actor, mailed, writing

People = Callable[..., Result]


@pytest.fixture
def people(app: Flask, cast: Cast, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    return lambda *words: CliRunner().invoke(cli, ["people", *words])


def test_inviting_staff(people: People, app: Flask) -> None:
    result = people("invite", "Nieuw@Example.org", "--role", "finance", "--name", "Noor Nieuw")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "nieuw@example.org now is finance and gets a mail.\n"
    with writing(app) as session:
        assert actor(session, "nieuw@example.org").grants == {Grant(Role.FINANCE)}
    assert mailed(app, "nieuw@example.org", "invited")["sender"] == "Fondsloket"


def test_inviting_somebody_of_a_school(people: People, app: Flask) -> None:
    result = people("invite", "nieuw@example.org", "--role", "applicant", "--school", "99aa00", "--json")
    assert json.loads(result.stdout)["school"] == "99aa00"
    with writing(app) as session:
        found = actor(session, "nieuw@example.org").memberships
    assert found == {Membership("99990", "99AA00", Capacity.DRAFTER)}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("no-address", "--role", "finance"), "email"),
        (("a@example.org", "--role", "king"), "--role"),
        (("a@example.org", "--role", "applicant"), "--school"),
        (("a@example.org", "--role", "handler", "--school", "99AA00"), "--school"),
        (("a@example.org", "--role", "finance", "--fund", "none"), "fund"),
        (("a@example.org", "--role", "drafter", "--school", "99ZZ99"), "school"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    people: People, app: Flask, words: tuple[str, ...], named: str
) -> None:
    result = people("invite", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr
    with writing(app) as session, pytest.raises(AssertionError):
        actor(session, "a@example.org")


def test_a_token_is_shown_once_and_works(people: People, app: Flask, cast: Cast) -> None:
    result = people("token", cast.finance.email)
    assert result.exit_code == 0
    with writing(app) as session:
        assert actor_by_token(session, result.stdout.strip()) == cast.finance
        assert actor_by_token(session, "fl_other") is None
    assert people("token", "nobody@example.org").exit_code == 2
