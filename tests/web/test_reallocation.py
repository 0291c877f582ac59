"""Free money through the pages: offered to the waiting list in order, answered by the school, carried over by two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.tranche import CarryOver
from fundapp.web.session import db
from tests.support.queries import count_queries
from tests.support.review import freeze
from tests.support.rounds import LONG_AGO, Round
from tests.support.web import post, sign_in, writing


@pytest.fixture
def people(app: Flask) -> dict[str, Actor]:
    """PO-T1 with 5.000,00 free and two in line; PO-T2 is announced. Who works on it, by their part."""
    with writing(app) as session:
        run = Round(session, ceiling=500_000)
        apps = [run.application(300_000, state="waitlisted", came_in=LONG_AGO + timedelta(hours=n)) for n in range(2)]
        for one in apps:
            freeze(session, one, LONG_AGO)
        later = run.cases.tranche("PO-T2", ceiling=1_000_000, state="announced")
        later.opens_at, later.closes_at = (datetime(2025, month, 1, 8, 0, tzinfo=UTC) for month in (6, 9))
        return {
            "coordinator": run.coordinator,
            "finance": run.finance,
            "second": run.second,
            "decider": run.decider,
            "school": run.member(apps[0]),
        }


def visit(app: Flask, person: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, person.email)
    return client


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\u00a0", " ")


def act(app: Flask, client: FlaskClient, kind: str, ref: str, action: str, **more: str) -> int:
    model: Any = {"application": Application, "carry_over": CarryOver}[kind]
    with writing(app) as session:
        seen = session.scalars(select(model.version).where(model.ref == ref)).one()
    fields = {"seen": str(seen), "request_key": f"{ref}-{action}-{seen}-0123456789", **more}
    return post(client, f"/{kind}/{ref}/{action}", fields).status_code


def test_an_offer_from_the_line_to_the_award(app: Flask, people: dict[str, Actor]) -> None:
    corrie, school = visit(app, people["coordinator"]), visit(app, people["school"])
    line = page(corrie, "/tranches/PO-T1/vrij-geld")
    assert 'href="/application/PO-T1-01/offer"' in line
    assert 'href="/application/PO-T1-02/offer"' not in line
    assert "€ 5.000,00" in page(corrie, "/application/PO-T1-01/offer")
    assert act(app, corrie, "application", "PO-T1-02", "offer", amount="3.000,00") == 409
    assert act(app, corrie, "application", "PO-T1-01", "offer", amount="3.000,00") == 303
    assert "Aangeboden aan de wachtlijst" in page(corrie, "/tranches/PO-T1/vrij-geld")
    assert "aangeboden aan de wachtlijst" in page(corrie, "/tranches/PO-T1")

    own = page(school, "/aanvragen/PO-T1-01")
    assert "Neem het aangeboden geld aan of sla het af" in own
    assert 'href="/application/PO-T1-01/accept_offer">Neem het aanbod aan' in own
    assert "Aanbod afslaan" in own
    asked = page(school, "/application/PO-T1-01/accept_offer")
    assert "€ 3.000,00" in asked
    assert "vrijdag 11 april 2025" in asked
    assert act(app, school, "application", "PO-T1-01", "accept_offer") == 303
    assert "U nam het aanbod aan" in page(school, "/aanvragen/PO-T1-01")


def test_only_the_coordinator_offers(app: Flask, people: dict[str, Actor]) -> None:
    for name in ("finance", "decider"):
        shown = page(visit(app, people[name]), "/tranches/PO-T1/vrij-geld")
        assert visit(app, people[name]).get("/application/PO-T1-01/offer").status_code == 403
        assert "/application/PO-T1-01/offer" not in shown, name
    assert visit(app, people["school"]).get("/tranches/PO-T1/vrij-geld").status_code == 403


def test_two_people_carry_money_over_and_both_boards_show_it(app: Flask, people: dict[str, Actor]) -> None:
    one, two = visit(app, people["finance"]), visit(app, people["second"])
    path = "/tranches/PO-T1/vrij-geld"
    for fields, words in (
        ({"amount": "", "target": "PO-T2", "explanation": "x"}, "Vul in hoeveel u overdraagt"),
        ({"amount": "1,00", "target": "", "explanation": "x"}, "Kies een tranche"),
        ({"amount": "5.000,01", "target": "PO-T2", "explanation": "x"}, "hoogstens € 5.000,00"),
        ({"amount": "1,00", "target": "PO-T2", "explanation": " "}, "Schrijf op waarom"),
    ):
        wrong = post(one, path, fields)
        assert wrong.status_code in (409, 422), fields
        assert words in wrong.text.replace("\u00a0", " "), fields
    good = {"amount": "2.000,00", "target": "PO-T2", "explanation": "Minder vraag."}
    assert post(visit(app, people["decider"]), path, good).status_code == 403
    assert post(one, path, good).status_code == 303
    assert "OV-PO-T1-1" in page(two, path)
    assert "carry_over" in page(two, path)
    assert act(app, one, "carry_over", "OV-PO-T1-1", "book") == 409
    assert act(app, two, "carry_over", "OV-PO-T1-1", "book") == 303
    for ref, words in (("PO-T1", "€ 3.000,00"), ("PO-T2", "€ 12.000,00")):
        board = page(two, f"/tranches/{ref}")
        assert words in board
        assert "Overgedragen" in board
        assert "OV-PO-T1-1" in page(two, f"/tranches/{ref}/vrij-geld")
    assert "Geld overgedragen" in page(two, "/tranches/PO-T2")


def test_the_page_takes_the_same_few_statements_however_long_the_line(app: Flask, people: dict[str, Actor]) -> None:
    with app.app_context():
        engine = db.engine
    client = visit(app, people["coordinator"])
    asked = []
    for _ in range(2):
        with count_queries(engine) as found:
            page(client, "/tranches/PO-T1/vrij-geld")
        asked.append(len(found))
        with writing(app) as session:
            tranche = session.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
            first = session.scalars(select(Application).where(Application.ref == "PO-T1-01")).one()
            for _number in range(5):
                app_row = Application(
                    ref=f"PO-T1-{tranche.next_number:02d}",
                    tranche_id=tranche.id,
                    fund_key=first.fund_key,
                    fund_version_id=first.fund_version_id,
                    school_code=first.school_code,
                    board_number=first.board_number,
                    boards=first.boards,
                    sub_region=first.sub_region,
                    state="waitlisted",
                    answers={},
                    created_at=LONG_AGO,
                    created_by_id=first.created_by_id,
                    changed_at=LONG_AGO,
                )
                tranche.next_number += 1
                session.add(app_row)
    assert asked[0] == asked[1]
    assert asked[0] <= 6
