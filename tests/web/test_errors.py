"""What goes wrong: the right status, a sentence that helps, and no typed text lost."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.services.people import Invitation, invite
from fundapp.web.access import PUBLIC, access
from fundapp.web.errors import STATUS
from tests.support.web import Cast, Clock, lose_database, post, sign_in, token, writing

OWN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
INVITATION = {"email": "nieuw@example.org", "name": "Noor <Nieuw>", "access": "role.adviser"}


def breaking(app: Flask, error: Callable[[], Exception]) -> None:
    """Give the application a page that fails, and let it answer as it does in use."""

    @access(PUBLIC)
    def view() -> str:
        raise error()

    app.add_url_rule("/breekt", "breaks", view)
    app.add_url_rule("/api/v1/breekt", "api_breaks", view)
    app.testing = False


@pytest.mark.parametrize("kind", list(Kind))
def test_a_refusal_has_the_status_of_its_kind(app: Flask, client: FlaskClient, kind: Kind) -> None:
    refusal = Refusal("because", Text("Dat kan niet. Doe dit.", "Not possible. Do this."), field="x", kind=kind)
    breaking(app, lambda: Refused(refusal))
    page = client.get("/breekt")
    assert page.status_code == STATUS[kind]
    assert "Dat kan niet. Doe dit." in page.text
    problem = client.get("/api/v1/breekt")
    assert problem.status_code == STATUS[kind]
    assert problem.content_type == "application/problem+json"
    assert problem.json is not None
    assert problem.json["code"] == "because"
    assert problem.json["errors"] == [{"code": "because", "detail": "Dat kan niet. Doe dit.", "field": "x"}]


def test_our_own_mistake_shows_a_code_and_nothing_else(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    breaking(app, lambda: ZeroDivisionError("the secret reason"))
    with caplog.at_level(logging.ERROR, logger="fundapp.errors"):
        answer = client.get("/breekt?bsn=123456782")
    assert answer.status_code == 500
    assert "Er ging bij ons iets mis" in answer.text
    assert "secret reason" not in answer.text
    assert "Traceback" not in answer.text
    incident = re.search(r"<strong>([A-Z2-7]{8})</strong>", answer.text)
    assert incident is not None
    assert incident[1] in caplog.text
    assert "secret reason" in caplog.text
    assert "123456782" not in caplog.text
    assert "Content-Security-Policy" in answer.headers
    client.set_cookie("taal", "en")
    assert "Something went wrong on our side" in client.get("/breekt").text


def test_the_error_page_needs_no_database(app: Flask, client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.anna.email)
    app.testing = False
    with app.app_context():
        lose_database()
    answer = client.get("/profiel")
    assert answer.status_code == 500
    assert "Er ging bij ons iets mis" in answer.text


@pytest.mark.parametrize(("language", "words"), [("nl", "kunnen deze pagina niet vinden"), ("en", "cannot find")])
def test_a_page_that_is_not_there(client: FlaskClient, language: str, words: str) -> None:
    client.set_cookie("taal", language)
    answer = client.get("/nergens")
    assert answer.status_code == 404
    assert words in answer.text


def test_a_wrong_method_and_a_body_too_large(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/uitloggen")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    app.config["MAX_CONTENT_LENGTH"] = 1000
    assert client.post("/taal", data={"next": "x" * 2000}).status_code == 413


def test_the_request_log_names_no_person(client: FlaskClient, cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="fundapp"):
        client.get(f"/nergens/{cast.anna.email}")
        sign_in(client, cast.anna.email)
    assert "people.use_code 303" in caplog.text
    assert cast.anna.email not in caplog.text


def test_headers(app: Flask, client: FlaskClient, cast: Cast) -> None:
    headers = client.get("/hulp").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    app.config["PRODUCTION"] = True
    assert "Strict-Transport-Security" in client.get("/hulp").headers
    sign_in(client, cast.anna.email)
    assert client.get("/profiel").headers["Cache-Control"] == "no-store"


def test_static_files_are_kept_for_ever_under_an_address_that_changes(client: FlaskClient) -> None:
    address = re.search(r'src="(/static/js/core\.js\?v=[0-9a-f]{12})"', client.get("/hulp").text)
    assert address is not None
    with client.get(address[1]) as marked, client.get("/static/js/core.js") as plain:
        assert "immutable" in marked.headers["Cache-Control"]
        assert plain.headers["Cache-Control"] == "no-cache"


# No typed text is lost


def form_of(page: str) -> dict[str, Any]:
    return dict(re.findall(r'name="(email|name|school)" type="\w+" value="([^"]*)"', page))


def test_input_of_an_expired_session_comes_back_after_sign_in(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.coordinator.email)
    data = {**INVITATION, "csrf_token": token(client, "/beheer/mensen")}
    clock.advance(hours=3)
    answer = client.post("/beheer/mensen", data=data, headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inloggen?verder=/beheer/mensen")
    assert "uw invoer is bewaard" in client.get("/inloggen").text
    clock.advance(minutes=20)
    sign_in(client, cast.coordinator.email, "/beheer/mensen")
    page = client.get("/beheer/mensen").text
    assert "Uw invoer is terug" in page
    assert form_of(page) == {"email": "nieuw@example.org", "name": "Noor &lt;Nieuw&gt;", "school": ""}
    assert 'value="role.adviser" selected' in page
    assert "Uw invoer is terug" not in client.get("/beheer/mensen").text


def test_it_comes_back_for_nobody_else(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    with writing(client.application) as session:
        second = Invitation("tweede@example.org", "Tweede", role=Role.COORDINATOR)
        invite(session, second, actor=cast.coordinator, now=clock.now)
    sign_in(client, cast.coordinator.email)
    data = {**INVITATION, "csrf_token": token(client, "/beheer/mensen")}
    clock.advance(hours=3)
    client.post("/beheer/mensen", data=data, headers=OWN)
    sign_in(client, "tweede@example.org")
    assert "nieuw@example.org" not in client.get("/beheer/mensen").text


def test_it_is_gone_after_half_an_hour(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.coordinator.email)
    data = {**INVITATION, "csrf_token": token(client, "/beheer/mensen")}
    clock.advance(hours=3)
    client.post("/beheer/mensen", data=data, headers=OWN)
    clock.advance(minutes=31)
    sign_in(client, cast.coordinator.email)
    assert "nieuw@example.org" not in client.get("/beheer/mensen").text


def test_an_expired_token_gives_the_form_back_filled(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.coordinator.email)
    answer = client.post("/beheer/mensen", data={**INVITATION, "csrf_token": "old"}, headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/beheer/mensen")
    page = client.get("/beheer/mensen").text
    assert form_of(page)["name"] == "Noor &lt;Nieuw&gt;"
    assert 'value="old"' not in page


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_forged_form_is_refused_and_not_kept(client: FlaskClient, cast: Cast, headers: dict[str, str]) -> None:
    sign_in(client, cast.coordinator.email)
    answer = client.post("/beheer/mensen", data=INVITATION, headers=headers)
    assert answer.status_code == 400
    assert "nieuw@example.org" not in client.get("/beheer/mensen").text


def test_a_forged_form_for_an_expired_session_is_not_kept(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    sign_in(client, cast.coordinator.email)
    clock.advance(hours=3)
    client.post("/beheer/mensen", data=INVITATION, headers={"Origin": "https://evil.example"})
    sign_in(client, cast.coordinator.email)
    assert "nieuw@example.org" not in client.get("/beheer/mensen").text


def test_a_sign_in_page_left_open_too_long(client: FlaskClient, cast: Cast) -> None:
    answer = client.post("/inloggen", data={"email": cast.anna.email}, headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inloggen")
    assert post(client, "/inloggen", {"email": cast.anna.email}).status_code == 303


def test_an_address_with_a_sign_that_no_name_can_have_is_not_found(client: FlaskClient) -> None:
    assert client.get("/fondsen/x%00y").status_code == 404
    assert client.get("/resultaten/%00").status_code == 404
