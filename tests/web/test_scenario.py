"""The page on which a division is tried out, chosen and turned into prepared decisions."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fundapp.domain.people import Actor
from fundapp.persistence.prepared import PreparedDecision
from fundapp.persistence.scenario import Scenario
from fundapp.web.session import db
from tests.support.queries import count_queries
from tests.support.rounds import Round
from tests.support.web import post, sign_in, writing

CENTS = 400_000
PAGE = "/tranches/PO-T1/scenario"


@pytest.fixture
def run(app: Flask) -> Round:
    """A round with three applications, and money for two and a half."""
    with writing(app) as session:
        made = Round(session, ceiling=1_000_000)
        for number in range(3):
            made.application(CENTS, score=str(number))
    return made


def browser(app: Flask, who: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, who.email)
    return client


def newest(app: Flask) -> Scenario:
    with writing(app) as session:
        return session.scalars(select(Scenario).order_by(Scenario.id.desc()).limit(1)).one()


def test_tried_chosen_and_prepared(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    assert "Uitrekenen en bewaren" in client.get(PAGE).text
    assert post(client, PAGE, {"name": "A: zoals afgesproken"}).status_code == 303
    first = newest(app)
    other = {"name": "B", "method": "lottery", "seed": "2022", "out": ["PO-T1-01"], "bedrag-PO-T1-02": "1.000,00"}
    assert post(client, PAGE, other).status_code == 303
    second = newest(app)
    assert {ref: cents for ref, cents, *_ in second.shares} == {"PO-T1-02": 100_000, "PO-T1-03": CENTS}
    page = client.get(PAGE).text.replace("\xa0", " ")
    for shown in ("A: zoals afgesproken", "Loting", "€ 10.000,00", "Klopt met nu", "printf", first.input_sha256):
        assert shown in page
    assert post(client, f"{PAGE}/{second.id}/kies").status_code == 409
    assert post(client, f"{PAGE}/{first.id}/klaarzetten").status_code == 409  # not chosen yet
    with writing(app) as session:
        session.get_one(Scenario, first.id).input_sha256 = "0"
    assert "Cijfers zijn veranderd" in client.get(PAGE).text
    assert post(client, f"{PAGE}/{first.id}/kies").status_code == 409
    assert post(client, f"{PAGE}/{first.id}/opnieuw").status_code == 303
    assert post(client, f"{PAGE}/{first.id}/kies").status_code == 303
    assert "Gekozen" in client.get(PAGE).text
    assert post(client, f"{PAGE}/{second.id}/weg").status_code == 303
    assert post(client, f"{PAGE}/{first.id}/weg").status_code == 409
    answer = post(client, f"{PAGE}/{first.id}/klaarzetten", {"rest": "waitlist"})
    assert answer.headers["Location"] == "/besluiten/PO-T1"
    with writing(app) as session:
        assert len(session.scalars(select(PreparedDecision)).all()) == 3


@pytest.mark.parametrize(
    "typed", [{"method": "x"}, {"ceiling": "veel"}, {"method": "lottery", "deel-walcheren": "1,2,3"}, {"groep-x": ""}]
)
def test_odd_input_is_told_or_ignored(app: Flask, run: Round, typed: dict[str, str]) -> None:
    assert post(browser(app, run.decider), PAGE, typed).status_code in (303, 422)


def test_who_may_what(app: Flask, run: Round) -> None:
    finance = browser(app, run.finance)
    assert post(finance, PAGE, {"name": "Geld"}).status_code == 303
    number = newest(app).id
    assert "Kiezen" not in finance.get(PAGE).text
    assert post(finance, f"{PAGE}/{number}/kies").status_code == 404
    assert browser(app, run.adviser).get(PAGE).status_code == 403


def test_few_statements(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    post(client, PAGE, {"name": "A"})
    post(client, PAGE, {"name": "B", "method": "ranking"})
    with app.app_context():
        engine = db.engine
    client.get(PAGE)
    with count_queries(engine) as asked:
        client.get(PAGE)
    assert len(asked) <= 6, asked
