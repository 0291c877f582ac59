"""Who may open what: each route says it, and each route was tried by everybody."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from fundapp.web.access import PUBLIC, unstated
from fundapp.web.access import Rule as Access
from tests.support.web import Cast, post, sign_in

PARTS = ("visitor", "anna", "stranger", "handler", "adviser", "decision_maker", "finance", "coordinator")


def test_every_view_states_its_access(app: Flask) -> None:
    assert unstated(app) == []


def test_a_view_that_states_nothing_is_closed(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/vergeten", "forgotten", lambda: "open")
    assert unstated(app) == ["forgotten"]
    assert client.get("/vergeten").status_code == 403


def _path(rule: Rule) -> str:
    values = {
        name: 999999 if "int" in type(rule._converters[name]).__name__.lower() else "x" for name in rule.arguments
    }
    values |= {"kind": "application"} if "kind" in values else {}
    _, path = rule.build(values) or ("", "")
    return str(path)


def _view_access(app: Flask, rule: Rule) -> Access:
    found = getattr(app.view_functions[rule.endpoint], "access", PUBLIC)
    assert isinstance(found, Access)
    return found


@pytest.mark.parametrize("part", PARTS)
def test_every_route_by_everybody(app: Flask, cast: Cast, part: str) -> None:
    """Nobody opens what is not theirs: sign-in page, 403, or 404 for a case that is not there for them."""
    wrong = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        stated = _view_access(app, rule)
        browser = app.test_client()
        actor = None if part == "visitor" else getattr(cast, part)
        if actor is not None:
            with browser.session_transaction() as cookie:
                now = int(app.extensions["clock"]().timestamp())
                cookie.update(_user_id=f"{actor.id}.0.test", begun=now, noted=now)
        status = browser.get(_path(rule), headers={"Accept": "text/html"}).status_code
        if actor is None and stated is not PUBLIC:
            fits = status == (401 if rule.rule.startswith("/api/") else 303)
        elif stated.name == "staff" and actor is not None:
            may = actor.has(*stated.roles) if stated.roles else actor.is_staff
            fits = (status != 403) == may
        elif stated.name == "case":
            fits = status == 404
        else:
            fits = status not in (401, 403)
        if not fits or status == 500:
            wrong.append((rule.rule, stated.name, status))
    assert wrong == []


def test_a_visitor_is_sent_to_sign_in_and_back(app: Flask, client: FlaskClient, cast: Cast) -> None:
    answer = client.get("/profiel")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inloggen?verder=/profiel")
    assert sign_in(client, cast.anna.email, "/profiel").headers["Location"] == "/profiel"
    assert "Anna Akkerman" in client.get("/profiel").text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x"]
)
def test_sign_in_never_leads_elsewhere(client: FlaskClient, cast: Cast, elsewhere: str) -> None:
    assert "evil" not in sign_in(client, cast.anna.email, elsewhere).headers["Location"]


def test_a_case_of_nobody_is_not_found_and_a_page_of_another_role_is_forbidden(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.anna.email)
    assert client.get("/application/PO-T1-99/withdraw").status_code == 404
    forbidden = client.get("/beheer/mensen")
    assert forbidden.status_code == 403
    assert "programmacoördinator" in forbidden.text


def test_a_program_gets_problem_details(client: FlaskClient) -> None:
    answer = client.get("/profiel", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_post_needs_a_token(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.coordinator.email)
    assert client.post("/uitloggen").status_code == 400
    assert post(client, "/uitloggen").status_code == 303
