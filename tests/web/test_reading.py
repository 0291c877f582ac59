"""Pages read without a transaction, and cannot write; only a unit of work can."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError

from fundapp.persistence.people import Person
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.web.session import db
from tests.support.web import NOON, Cast, sign_in


def _person(name: str) -> Person:
    return Person(email=f"{name.lower()}@example.org", name=name, language="nl", created_at=NOON)


def _names() -> set[str]:
    return set(db.session.scalars(text("SELECT name FROM person")))


def test_outside_a_unit_of_work_nothing_can_be_written(app: Flask) -> None:
    with app.app_context():
        assert _names() == set()
        db.session.add(_person("Nora"))
        with pytest.raises(InternalError, match="read-only transaction"):
            db.session.flush()


def test_a_unit_of_work_writes_all_or_nothing(app: Flask) -> None:
    with app.app_context():
        assert _names() == set()  # reading before it does not stand in its way
        with unit_of_work(db.session()):
            db.session.add(_person("Nora"))
            db.session.flush()
            db.session.add(_person("Otto"))
        with pytest.raises(IntegrityError, match="duplicate key"), unit_of_work(db.session()):
            db.session.add_all([_person("Pia"), _person("Nora")])
        assert _names() == {"Nora", "Otto"}
        db.session.add(_person("Quinten"))
        with pytest.raises(InternalError, match="read-only transaction"):  # the next reading is reading again
            db.session.flush()


def test_the_statements_of_a_page_stay_prepared(app: Flask, client: FlaskClient, cast: Cast) -> None:
    """Planning them anew for each page would cost the database more than running them."""
    sign_in(client, cast.handler.email)
    for _ in range(8):
        assert client.get("/beoordelen").status_code == 200
    with app.app_context():
        prepared = set(db.session.scalars(text("SELECT statement FROM pg_prepared_statements")))
    assert any("FROM role_grant" in statement for statement in prepared)
