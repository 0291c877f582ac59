"""Signing in and out, language, and the list of people, as a browser meets them."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundapp.domain.people import Capacity, Membership
from fundapp.web.session import db
from tests.support.queries import count_queries
from tests.support.web import Cast, Clock, actor, mailed, post, sign_in, token, writing


def test_known_and_unknown_addresses_look_the_same(client: FlaskClient, cast: Cast, app: Flask) -> None:
    pages: list[tuple[object, ...]] = []
    for email in (cast.anna.email, "zzzz.zzzzzzzz@example.org"):
        browser = app.test_client()
        answer = post(browser, "/inloggen", {"email": email})
        page = browser.get(answer.headers["Location"]).text.replace(email, "…")
        pages.append((answer.status_code, answer.headers["Location"], re.sub(r'value="[^"]*"', "", page)))
        wrong = post(browser, "/inloggen/code", {"code": "not a code"})
        pages[-1] += (wrong.status_code, re.sub(r'value="[^"]*"', "", wrong.text.replace(email, "…")))
    assert pages[0] == pages[1]


def test_the_code_field_can_be_filled_in_by_a_phone(client: FlaskClient, cast: Cast) -> None:
    post(client, "/inloggen", {"email": cast.anna.email})
    page = client.get("/inloggen/code").text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page


def test_opening_the_link_does_not_use_it_up(client: FlaskClient, cast: Cast, app: Flask) -> None:
    post(client, "/inloggen", {"email": cast.anna.email, "verder": "/profiel"})
    path = mailed(app, cast.anna.email, "sign_in_code")["url_path"]
    phone = app.test_client()
    for _ in range(3):
        page = phone.get(path)
    assert page.status_code == 200
    data = {"verder": "/profiel", "csrf_token": token(phone, path)}
    answer = phone.post(path.partition("?")[0], data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/profiel")
    assert phone.get("/profiel").status_code == 200
    assert post(app.test_client(), path.partition("?")[0]).status_code == 410


def test_a_sixth_code_is_refused_and_the_address_kept(client: FlaskClient) -> None:
    for _ in range(5):
        assert post(client, "/inloggen", {"email": "nobody@example.org"}).status_code == 303
    answer = post(client, "/inloggen", {"email": "nobody@example.org"})
    assert answer.status_code == 429
    assert 'value="nobody@example.org"' in answer.text


def test_signing_out_ends_copies_of_the_cookie(client: FlaskClient, cast: Cast, app: Flask) -> None:
    sign_in(client, cast.anna.email)
    cookie = client.get_cookie("fondsloket")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("fondsloket", cookie.value)
    assert thief.get("/profiel").status_code == 200
    post(client, "/uitloggen")
    assert client.get("/profiel").status_code == 303
    assert thief.get("/profiel").status_code == 303


def test_signing_out_everywhere(client: FlaskClient, cast: Cast, app: Flask) -> None:
    other = app.test_client()
    for browser in (client, other):
        sign_in(browser, cast.anna.email)
    post(client, "/profiel/overal-uitloggen")
    assert other.get("/profiel").status_code == 303


def test_a_session_ends_when_idle_and_lives_on_when_used(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.anna.email)
    for _ in range(3):
        clock.advance(minutes=110)
        assert client.get("/profiel").status_code == 200
    clock.advance(minutes=121)
    assert client.get("/profiel").status_code == 303


def test_a_session_ends_after_twelve_hours(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.anna.email)
    for _ in range(12):
        clock.advance(minutes=59)
        assert client.get("/profiel").status_code == 200
    clock.advance(minutes=59)
    assert client.get("/profiel").status_code == 303


def test_last_seen_is_not_written_at_every_request(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.anna.email)
    client.get("/profiel")
    assert "Set-Cookie" not in client.get("/profiel").headers
    clock.advance(minutes=6)
    assert "Set-Cookie" in client.get("/profiel").headers


def test_signing_in_begins_a_new_session(client: FlaskClient, cast: Cast) -> None:
    before = token(client)
    sign_in(client, cast.anna.email)
    assert client.post("/uitloggen", data={"csrf_token": before}).status_code == 400


def test_a_page_costs_one_statement_for_who_you_are(client: FlaskClient, cast: Cast, app: Flask) -> None:
    sign_in(client, cast.anna.email)
    client.get("/profiel")
    with app.app_context():
        engine = db.engine
    with count_queries(engine) as statements:
        client.get("/profiel")
    assert len(statements) == 1


def test_the_language_is_kept_by_the_browser_and_the_person(client: FlaskClient, cast: Cast, app: Flask) -> None:
    assert '<html lang="nl">' in client.get("/hulp", headers={"Accept-Language": "en"}).text
    answer = post(client, "/taal", {"taal": "en", "next": "/hulp"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/hulp")
    page = client.get("/hulp").text
    assert '<html lang="en">' in page
    assert "Help and contact" in page
    sign_in(client, cast.anna.email)
    assert '<html lang="nl">' in client.get("/profiel").text
    post(client, "/taal", {"taal": "en", "next": "//evil.example"})
    with writing(app) as session:
        assert actor(session, cast.anna.email).language == "en"


@pytest.mark.parametrize("page", ["/hulp", "/privacy", "/toegankelijkheid", "/inloggen"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_pages_of_words(client: FlaskClient, page: str, language: str) -> None:
    client.set_cookie("taal", language)
    answer = client.get(page)
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


def test_the_coordinator_invites_and_ends(client: FlaskClient, cast: Cast, app: Flask, wakes: list[str]) -> None:
    sign_in(client, cast.coordinator.email)
    wakes.clear()
    form = {"email": "Nieuw@example.org", "name": "Noor Nieuw", "access": "school.drafter", "school": "99aa00"}
    assert post(client, "/beheer/mensen", form).status_code == 303
    assert wakes == ["wake"]
    with writing(app) as session:
        new = actor(session, "nieuw@example.org")
    assert new.memberships == {Membership("99990", "99AA00", Capacity.DRAFTER)}
    browser = app.test_client()
    sign_in(browser, "nieuw@example.org")
    assert "Noor Nieuw" in client.get("/beheer/mensen").text
    assert "Noor Nieuw" in client.get(f"/beheer/mensen/{new.id}/einde").text
    assert post(client, f"/beheer/mensen/{new.id}/einde").status_code == 303
    assert browser.get("/profiel").status_code == 303
    assert client.get(f"/beheer/mensen/{new.id}/einde").status_code == 404


def test_an_invitation_that_does_not_fit_keeps_what_was_typed(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.coordinator.email)
    form = {"email": "nieuw@example.org", "name": "Noor", "access": "school.drafter", "school": "99ZZ99"}
    answer = post(client, "/beheer/mensen", form)
    assert answer.status_code == 422
    assert "Deze school kennen wij niet" in answer.text
    assert 'value="99ZZ99"' in answer.text
    assert "<title>Fout:" in answer.text


def test_the_last_coordinator_stays(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.coordinator.email)
    answer = post(client, f"/beheer/mensen/{cast.coordinator.id}/einde")
    assert answer.status_code == 409
    assert "laatste coördinator" in answer.text
