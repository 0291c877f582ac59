"""An intended rejection through the pages: it is sent, the school reads it and responds, then comes the decision."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fundapp.persistence.application import Application
from fundapp.persistence.register import School
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.web.session import db
from tests.support.cases import Cases
from tests.support.queries import count_queries
from tests.support.review import sent
from tests.support.web import NOON, Cast, post, sign_in, writing

REF = "PO-T1-01"
CASE = f"/beoordelen/{REF}"
GROUND = {"reasons": "partner_missing", "explanation": "De brief noemt geen activiteit.\n<b>Niets</b> samen."}
STATEMENTS = 6


@pytest.fixture
def decider(app: Flask, cast: Cast) -> FlaskClient:
    """The steering group at a browser; one application of Anna's school, which the panel advised to award."""
    with writing(app) as session:
        cases = Cases(session)
        made = sent(
            cases, cases.tranche(), session.get_one(School, "99AA00"), state="advised", decision_due_on=date(2025, 5, 1)
        )
        session.add_all(
            [
                Advice(
                    application_id=made.id,
                    submission_number=1,
                    adviser_id=cast.adviser.id,
                    outcome="award",
                    amount_cents=400_000,
                    scores={},
                    reasons=[],
                    explanation="Een goed plan.",
                    at=NOON,
                ),
                InterestDeclaration(
                    application_id=made.id, person_id=cast.decision_maker.id, interested=False, at=NOON
                ),
            ]
        )
    client = app.test_client()
    sign_in(client, cast.decision_maker.email)
    return client


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|request_key)" value="([^"]*)"', page))


def state(app: Flask) -> str:
    with writing(app) as session:
        return session.scalars(select(Application.state)).one()


def test_intended_answered_and_rejected(app: Flask, cast: Cast, client: FlaskClient, decider: FlaskClient) -> None:
    refused = post(
        decider, f"/application/{REF}/reject", hidden(decider.get(f"/application/{REF}/reject").text) | GROUND
    )
    assert refused.status_code == 422
    assert "Kies daarvoor eerst “Voornemen tot afwijzing sturen”." in refused.text
    assert "De brief noemt geen activiteit." in refused.text  # nothing typed is lost

    url = f"/application/{REF}/intend_rejection"
    page = decider.get(url).text
    assert "De school kan reageren voordat u besluit." in page
    assert post(decider, url, hidden(page) | GROUND).status_code == 303
    assert state(app) == "rejection_intended"
    page = decider.get(CASE).text
    assert "De school mag nog reageren tot en met vrijdag 28 maart 2025." in page

    sign_in(client, cast.anna.email)
    assert "Reageer op het voornemen om uw aanvraag af te wijzen" in client.get("/aanvragen").text
    assert "Lezen en reageren" in client.get(f"/aanvragen/{REF}").text
    with app.app_context():
        engine = db.engine
    with count_queries(engine) as asked:
        page = client.get(f"/aanvragen/{REF}/voornemen").text
    assert len(asked) <= STATEMENTS, asked
    assert "<li>U werkt niet samen met de partner die dit fonds vraagt.</li>" in page
    assert "&lt;b&gt;Niets&lt;/b&gt; samen." in page
    assert "vrijdag 28 maart 2025" in page
    assert "bezwaar" not in page
    form = hidden(page)
    respond = f"/application/{REF}/respond_to_rejection"
    assert post(client, respond, form | {"explanation": " "}).status_code == 422
    assert post(client, respond, form | {"explanation": "Wij werken samen met Delta."}).status_code == 303
    page = client.get(f"/aanvragen/{REF}/voornemen").text
    assert "Wij werken samen met Delta." in page
    assert "Reactie insturen" not in page
    story = client.get(f"/aanvragen/{REF}").text
    assert "Wij lezen uw reactie op het voornemen." in story
    assert "Lezen en reageren" not in story
    assert "Reageer op het voornemen" not in client.get("/aanvragen").text

    assert "Wij werken samen met Delta." in decider.get(CASE).text
    url = f"/application/{REF}/reject"
    page = decider.get(url).text
    assert "Wij werken samen met Delta." in page
    assert 'value="partner_missing" checked' in page
    assert post(decider, url, hidden(page) | GROUND).status_code == 303
    assert state(app) == "rejected"
    assert "Voornemen tot afwijzing" in decider.get(CASE).text


def test_only_the_school_itself_reads_it(app: Flask, cast: Cast, client: FlaskClient, decider: FlaskClient) -> None:
    sign_in(client, cast.anna.email)
    assert client.get(f"/aanvragen/{REF}/voornemen").status_code == 404  # nothing is intended yet
    url = f"/application/{REF}/intend_rejection"
    post(decider, url, hidden(decider.get(url).text) | GROUND)
    stranger = app.test_client()
    sign_in(stranger, cast.stranger.email)
    assert stranger.get(f"/aanvragen/{REF}/voornemen").status_code == 404
    assert post(stranger, f"/application/{REF}/respond_to_rejection", {"explanation": "Nee."}).status_code == 404
