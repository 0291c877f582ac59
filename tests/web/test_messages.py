"""Questions and messages between a school and who handles its application: each hears by mail, nobody else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fundapp.persistence.message import CaseMessage
from fundapp.persistence.outbox import OutboxMessage
from tests.support.queries import count_queries
from tests.support.school import begin, complete, open_round, send
from tests.support.web import NOON, Cast, Clock, mailed, post, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from fundapp.domain.people import Actor

REF = "PO-T9-01"
OURS, THEIRS = f"/aanvragen/{REF}/berichten", f"/beoordelen/{REF}/berichten"


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, after she sent an application."""
    open_round(app, cast)
    client = browser(app, cast.anna)
    assert begin(client, "PO-T9") == REF
    complete(client, REF)
    assert send(client, REF).status_code == 303
    return client


@pytest.fixture
def handler(app: Flask, anna: FlaskClient, cast: Cast) -> FlaskClient:
    """The handler's browser, who has no interest."""
    client = browser(app, cast.handler)
    assert post(client, f"/beoordelen/{REF}/belang", {"interest": "no"}).status_code == 303
    return client


def browser(app: Flask, who: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, who.email)
    return client


def bodies(app: Flask) -> list[str]:
    with writing(app) as session:
        return list(session.scalars(select(CaseMessage.body).order_by(CaseMessage.id)))


def addresses(app: Flask, template: str) -> set[str]:
    with writing(app) as session:
        return set(session.scalars(select(OutboxMessage.address).where(OutboxMessage.template == template)))


def test_a_question_and_its_answer(
    app: Flask, anna: FlaskClient, handler: FlaskClient, cast: Cast, wakes: list[str]
) -> None:
    assert OURS in anna.get(f"/aanvragen/{REF}").text
    assert THEIRS in handler.get(f"/beoordelen/{REF}").text
    wakes.clear()
    asked = {"body": "Mogen wij later beginnen?\r\nDe zaal is bezet.", "request_key": "a"}
    assert post(anna, OURS, asked).status_code == 303
    assert wakes == ["wake"]
    assert addresses(app, "message_in") == {cast.handler.email}
    assert mailed(app, cast.handler.email, "message_in")["url_path"] == THEIRS
    page = handler.get(THEIRS).text
    assert "Anna Akkerman" in page
    assert "<p>De zaal is bezet.</p>" in page
    assert post(handler, THEIRS, {"body": "Ja, dat mag.", "request_key": "b"}).status_code == 303
    assert addresses(app, "message_of_fund") == {cast.anna.email, cast.signer.email}
    page = anna.get(OURS).text
    assert "Ja, dat mag." in page
    assert "Hanna Herder" not in page, "the fund speaks with one voice"
    assert page.index("Ja, dat mag.") < page.index("Mogen wij later beginnen?"), "the newest first"


def test_sent_twice_is_one_message(app: Flask, anna: FlaskClient) -> None:
    for _ in range(2):
        assert post(anna, OURS, {"body": "Een vraag.", "request_key": "same"}).status_code == 303
    assert bodies(app) == ["Een vraag."]


def test_what_was_typed_stays(app: Flask, anna: FlaskClient) -> None:
    for body, sentence in (("  \x00 ", "Schrijf uw bericht."), ("lang " * 1000, "Schrijf hoogstens 4000 tekens.")):
        page = post(anna, OURS, {"body": body, "request_key": "k"})
        assert page.status_code == 422
        assert sentence in page.text
    assert "lang lang" in page.text
    assert bodies(app) == []


def test_what_was_typed_in_an_old_session_comes_back(app: Flask, anna: FlaskClient, cast: Cast, clock: Clock) -> None:
    typed = {"body": "Dit mag niet weg.", "request_key": "a", "csrf_token": token(anna)}
    clock.advance(hours=3)
    answer = anna.post(OURS, data=typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.headers["Location"].startswith("/inloggen")
    sign_in(anna, cast.anna.email, OURS)
    assert bodies(app) == []
    assert "Dit mag niet weg." in anna.get(OURS).text


def test_too_many_in_a_day(app: Flask, anna: FlaskClient) -> None:
    for n in range(20):
        assert post(anna, OURS, {"body": f"Vraag {n}", "request_key": f"{n}"}).status_code == 303
    page = post(anna, OURS, {"body": "Nog een", "request_key": "z"})
    assert page.status_code == 422
    assert "al veel berichten" in page.text


def test_others_do_not_read_or_write(app: Flask, anna: FlaskClient, handler: FlaskClient, cast: Cast) -> None:
    post(anna, OURS, {"body": "Geheim", "request_key": "a"})
    refused = {"stranger": 404, "adviser": 403, "decision_maker": 403, "second_finance": 200, "coordinator": 200}
    for part, status in refused.items():
        client = browser(app, getattr(cast, part))
        assert client.get(THEIRS).status_code == status, part
        assert client.get(OURS).status_code == 404, part
        if status != 200:
            assert post(client, THEIRS, {"body": "x"}).status_code == status, part
        assert post(client, OURS, {"body": "x"}).status_code == 404, part
    assert anna.get(THEIRS).status_code == 404
    assert post(anna, THEIRS, {"body": "Namens het fonds"}).status_code == 404
    assert handler.get(OURS).status_code == 404
    late = browser(app, cast.handler)
    assert post(late, f"/beoordelen/{REF}/belang", {"interest": "yes"}).status_code == 303
    assert late.get(THEIRS).status_code == 403
    assert bodies(app) == ["Geheim"]


def test_a_page_asks_as_often_for_many_as_for_few(app: Flask, anna: FlaskClient, cast: Cast) -> None:
    from fundapp.web.session import db

    with app.app_context():
        engine = db.engine
    anna.get(OURS)
    with count_queries(engine) as few:
        anna.get(OURS)
    with writing(app) as session:
        number = session.scalar(select(OutboxMessage.application_id).where(OutboxMessage.application_id.is_not(None)))
        session.add_all(
            CaseMessage(application_id=number, from_school=True, author_id=cast.anna.id, body=f"{n}", at=NOON)
            for n in range(9)
        )
    with count_queries(engine) as many:
        assert anna.get(OURS).text.count("<section") == 9
    assert len(few) == len(many) <= 6, many
