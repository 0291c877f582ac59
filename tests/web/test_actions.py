"""The one route of every action: who may, once, on the version that was seen, and nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.register import School
from fundapp.services.transitions import look
from fundapp.web.actions import PAGES, actions_of
from tests.support.cases import Cases
from tests.support.web import NOON, Cast, Clock, post, sign_in, writing

REF = "PO-T1-01"
WITHDRAW = f"/application/{REF}/withdraw"
TAKE_UP = f"/application/{REF}/take_up"
OWN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def _submitted(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that was sent in, with a page that every application has for these tests."""
    monkeypatch.setitem(PAGES, "application", lambda ref, actor: f"/{'zaak' if actor.is_staff else 'aanvragen'}/{ref}")
    with writing(app) as session:
        cases = Cases(session)
        cases.application(cases.tranche(), session.get_one(School, "99AA00"), state="submitted", submitted_at=NOON)
        cases.no_interest(cast.handler, cast.adviser, cast.decision_maker)


def state(app: Flask) -> tuple[str, int]:
    with writing(app) as session:
        row = session.scalars(select(Application).where(Application.ref == REF)).one()
        return row.state, row.version


def acts(app: Flask, action: str) -> int:
    with writing(app) as session:
        return session.scalar(select(func.count()).where(Journal.action == action)) or 0


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|request_key)" value="([^"]*)"', page))


def test_an_action_is_done_and_leads_to_the_case(client: FlaskClient, app: Flask, cast: Cast, wakes: list[str]) -> None:
    sign_in(client, cast.handler.email)
    wakes.clear()
    answer = post(client, TAKE_UP, {"seen": "1", "request_key": "k1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/zaak/{REF}")
    assert state(app) == ("under_review", 2)
    assert wakes == ["wake"]
    assert "Gelukt: in behandeling genomen." in client.get("/hulp").text
    with writing(app) as session:
        assert session.scalar(select(func.count()).where(OutboxMessage.template == "taken_up")) == 2  # Anna, Sietse


def test_sent_twice_is_done_once(client: FlaskClient, app: Flask, cast: Cast) -> None:
    sign_in(client, cast.handler.email)
    answers = [post(client, TAKE_UP, {"seen": "1", "request_key": "k1"}) for _ in range(3)]
    assert {(a.status_code, a.headers["Location"]) for a in answers} == {(303, f"/zaak/{REF}")}
    assert acts(app, "take_up") == 1


@pytest.mark.parametrize(
    ("part", "status"),
    [("handler", 303), ("adviser", 403), ("anna", 403), ("finance", 403), ("stranger", 404)],
)
def test_who_may_take_up(app: Flask, client: FlaskClient, cast: Cast, part: str, status: int) -> None:
    sign_in(client, getattr(cast, part).email)
    assert post(client, TAKE_UP, {"seen": "1", "request_key": "k"}).status_code == status
    assert state(app)[0] == ("under_review" if status == 303 else "submitted")


def test_a_visitor_signs_in_first(app: Flask) -> None:
    assert app.test_client().post(TAKE_UP, data={"seen": "1"}).headers["Location"].startswith("/inloggen?verder=")


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"/application/{REF}/fly", 404), ("/application/PO-T1-77/take_up", 404), (f"/horse/{REF}/take_up", 404)],
)
def test_what_is_not_there(client: FlaskClient, cast: Cast, path: str, status: int) -> None:
    sign_in(client, cast.handler.email)
    assert post(client, path, {"seen": "1"}).status_code == status
    assert client.get(path).status_code == status


def test_somebody_was_first(client: FlaskClient, app: Flask, cast: Cast) -> None:
    sign_in(client, cast.handler.email)
    answer = post(client, TAKE_UP, {"seen": "7", "request_key": "k"})
    assert answer.status_code == 409
    assert "Iemand anders was u voor" in answer.text
    assert f'href="/zaak/{REF}"' in answer.text
    assert state(app) == ("submitted", 1)


def test_a_form_without_the_version_is_refused(client: FlaskClient, app: Flask, cast: Cast) -> None:
    sign_in(client, cast.handler.email)
    assert post(client, TAKE_UP).status_code == 422
    assert state(app) == ("submitted", 1)


def test_a_transition_that_asks_shows_its_form(client: FlaskClient, app: Flask, cast: Cast) -> None:
    sign_in(client, cast.anna.email)
    page = client.get(WITHDRAW).text
    assert "Dit kunt u niet terugdraaien." in page
    assert '<label for="explanation">Waarom?</label>' in page
    fields = hidden(page)
    assert fields["seen"] == "1"
    assert len(fields["request_key"]) > 20
    empty = post(client, WITHDRAW, {**fields, "explanation": " "})
    assert empty.status_code == 422
    assert "Schrijf op waarom." in empty.text
    assert hidden(empty.text) == fields
    done = post(client, WITHDRAW, {**fields, "explanation": "Wij <stoppen>."})
    assert (done.status_code, done.headers["Location"]) == (303, f"/aanvragen/{REF}")
    with writing(app) as session:
        assert session.scalars(select(Journal.reason).where(Journal.action == "withdraw")).one() == "Wij <stoppen>."


def test_what_was_typed_stays_when_somebody_was_first(client: FlaskClient, app: Flask, cast: Cast) -> None:
    sign_in(client, cast.anna.email)
    fields = hidden(client.get(WITHDRAW).text)
    other = app.test_client()
    sign_in(other, cast.handler.email)
    post(other, TAKE_UP, {"seen": "1", "request_key": "k"})
    answer = post(client, WITHDRAW, {**fields, "explanation": "Wij stoppen ermee."})
    assert answer.status_code == 409
    assert "Iemand anders was u voor" in answer.text
    assert "Wij stoppen ermee." in answer.text
    assert hidden(answer.text)["seen"] == "2"
    assert state(app)[0] == "under_review"
    again = post(client, WITHDRAW, {**hidden(answer.text), "explanation": "Wij stoppen ermee."})
    assert again.status_code == 303


def test_a_reason_typed_too_slowly_comes_back(client: FlaskClient, app: Flask, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.anna.email)
    fields = hidden(client.get(WITHDRAW).text)
    clock.advance(hours=3)
    answer = client.post(WITHDRAW, data={**fields, "explanation": "Lang over nagedacht."}, headers=OWN)
    assert answer.headers["Location"] == f"/inloggen?verder={WITHDRAW}"
    sign_in(client, cast.anna.email, WITHDRAW)
    page = client.get(WITHDRAW).text
    assert "Lang over nagedacht." in page
    assert hidden(page) == fields
    assert post(client, WITHDRAW, {**fields, "explanation": "Lang over nagedacht."}).status_code == 303
    assert acts(app, "withdraw") == 1


def test_an_action_that_is_not_possible_now_says_why(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.anna.email)
    answer = client.get(f"/application/{REF}/report")
    assert answer.status_code == 409
    assert "kan nu niet" in answer.text


def test_buttons_are_made_from_offers(app: Flask, cast: Cast) -> None:
    def buttons(actor: Actor) -> dict[str, Any]:
        with writing(app) as session, app.test_request_context():
            _, facts, offers = look(session, "application", REF, actor=actor, now=NOON)
            return {action.name: action for action in actions_of("application", REF, facts.version, offers)}

    handler = buttons(cast.handler)
    assert (handler["take_up"].method, handler["take_up"].open, handler["take_up"].href) == ("post", True, TAKE_UP)
    assert handler["take_up"].seen == 1
    assert handler["ask_completion"].method == "get"
    assert not handler["not_consider"].open
    assert handler["not_consider"].reasons
    assert set(buttons(cast.anna)) == {"withdraw"}


def test_no_kind_hides_a_page(app: Flask) -> None:
    """An address of an action has the kind first, so a kind may not be the name of a part of the site."""
    parts = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    assert parts & set(FLOWS) == set()
    assert len(parts) > 20
