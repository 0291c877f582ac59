"""Pages on which decisions are prepared, seen with their letters and released together."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.db import session_factory
from fundapp.persistence.decision import Letter
from fundapp.persistence.prepared import PreparedDecision
from fundapp.services import releasing
from fundapp.web.session import db
from tests.support.cases import NOW
from tests.support.queries import count_queries
from tests.support.rounds import Round
from tests.support.web import post, sign_in, writing

ROUND = "/besluiten/PO-T1"
CENTS = 100_000
PREPARE = {"seen": "1", "request_key": "", "do": "prepare"}
"""What the second button of a form sends along."""


@pytest.fixture
def run(app: Flask) -> Round:
    """A round with three applications that were advised to award; there is money for two and a half."""
    with writing(app) as session:
        made = Round(session, ceiling=250_000)
        for _ in range(3):
            made.application(CENTS)
    return made


def browser(app: Flask, who: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, who.email)
    return client


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|request_key|mark)" value="([^"]*)"', page))


def work(app: Flask) -> None:
    with app.app_context():
        url = db.engine.url.render_as_string(hide_password=False)
    from fundapp.persistence.db import make_engine

    engine = make_engine(url)
    releasing.run(engine, session_factory(engine), lambda: NOW)
    engine.dispose()


def test_from_the_advice_to_the_last_refusal(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    assert "PO-T1" in client.get("/besluiten").text
    assert "Alle adviezen klaarzetten" in client.get(ROUND).text
    assert post(client, f"{ROUND}/klaarzetten").status_code == 303
    page = client.get(ROUND).text.replace("\xa0", " ")
    assert "€ 3.000,00" in page
    assert "De laatste besluiten worden dan geweigerd." in page
    page = client.get(f"{ROUND}/vrijgeven").text
    assert "Er is nog" in page
    assert post(client, f"{ROUND}/vrijgeven", {"mark": "0.0.0"}).status_code == 409
    answer = post(client, f"{ROUND}/vrijgeven", hidden(page))
    assert answer.status_code == 303
    there = answer.headers["Location"]
    assert "Dit gaat door, ook als u deze pagina sluit." in client.get(there).text
    work(app)
    page = client.get(there).text.replace("\xa0", " ")
    assert "Alles is aan de beurt geweest" in page
    assert page.count("Genomen") == 2
    assert "Ken minder toe of zet de aanvraag op de wachtlijst." in page
    with writing(app) as session:
        assert sorted(session.scalars(select(Application.state))) == ["advised", "awarded", "awarded"]
    assert post(client, f"{ROUND}/vrijgeven", hidden(page)).status_code == 409  # nothing is left to release


def test_one_is_prepared_with_the_form_of_the_decision_itself(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    url = "/application/PO-T1-01/award"
    typed = PREPARE | {"amount": "800,00"}
    made = post(client, url, typed | {"explanation": "Een deel."})
    assert made.headers["Location"] == "/besluiten/aanvraag/PO-T1-01/brief"
    letter = client.get("/besluiten/aanvraag/PO-T1-01/brief").text.replace("\xa0", " ")
    assert "Er is nog niets verstuurd." in letter
    assert "hoogstens € 800,00" in letter
    assert "Awb 4:29" in letter  # the rule behind the sentence
    with writing(app) as session:
        assert session.scalars(select(Application.state).where(Application.ref == "PO-T1-01")).one() == "advised"
        assert session.scalars(select(Letter)).all() == []
    assert post(client, "/besluiten/aanvraag/PO-T1-01/eruit").status_code == 303
    assert client.get("/besluiten/aanvraag/PO-T1-01/brief").status_code == 404
    with writing(app) as session:
        assert session.scalars(select(PreparedDecision)).all() == []


def test_a_rejection_can_be_prepared_too(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    url = "/application/PO-T1-01/reject"
    assert post(client, url, PREPARE | {"reasons": "ceiling_reached", "explanation": "Op."}).status_code == 303
    assert "Het geld van deze ronde is op." in client.get("/besluiten/aanvraag/PO-T1-01/brief").text
    url = "/application/PO-T1-02/waitlist"
    assert post(client, url, PREPARE | {"explanation": "Op."}).status_code == 303
    assert "Bij dit besluit hoort geen brief." in client.get("/besluiten/aanvraag/PO-T1-02/brief").text


def test_who_may_what(app: Flask, run: Round) -> None:
    coordinator, adviser = browser(app, run.coordinator), browser(app, run.adviser)
    assert post(coordinator, f"{ROUND}/klaarzetten").status_code == 303
    assert "De stuurgroep geeft deze besluiten vrij." in coordinator.get(ROUND).text
    assert coordinator.get(f"{ROUND}/vrijgeven").status_code == 403
    assert post(coordinator, f"{ROUND}/vrijgeven").status_code == 403
    for path in ("/besluiten", ROUND):
        assert adviser.get(path).status_code == 403
    assert adviser.get("/besluiten/aanvraag/PO-T1-01/brief").status_code in (403, 404)
    assert coordinator.get("/besluiten/vrijgaven/VG-PO-T1-9").status_code == 404
    assert coordinator.get("/besluiten/PO-T9").status_code == 404


def test_few_statements_at_any_number_of_rows(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    post(client, f"{ROUND}/klaarzetten")
    with app.app_context():
        engine = db.engine
    for path, most in ((ROUND, 7), (f"{ROUND}/vrijgeven", 6)):
        client.get(path)
        with count_queries(engine) as few:
            client.get(path)
        assert len(few) <= most, few


def test_a_letter_is_seen_with_its_rules_before_the_decision_is_taken(app: Flask, run: Round) -> None:
    client = browser(app, run.decider)
    path = "/application/PO-T1-01/award"
    typed = {"seen": "1", "request_key": "k", "amount": "900,00", "explanation": "Wij geven wat minder."}
    page = post(client, path, typed | {"do": "letter"})
    assert page.status_code == 200
    read = " ".join(page.text.replace("\u00a0", " ").split())
    assert "hoogstens € 900,00" in read
    assert "Wij geven wat minder." in read
    assert "Awb 4:29 en 4:31" in read  # the rule beside the sentence
    with writing(app) as session:
        assert session.scalars(select(Letter)).all() == []
        assert session.scalars(select(Application.state).where(Application.ref == "PO-T1-01")).one() == "advised"
    assert post(client, path, typed).status_code == 303
    with writing(app) as session:
        assert session.scalars(select(Letter.template)).one() == "award"
