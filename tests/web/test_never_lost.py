"""What a school types is never lost: the rows of the table "No data lost" that need no browser.

The rows that do (offline, a browser that dies, typing without a button) stand in tests/browser/test_never_lost.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fundapp.persistence.application import Application, BudgetLine, Submission
from fundapp.persistence.outbox import OutboxMessage
from tests.support.school import PAGES, begin, complete, open_round, parsed, save, send, version
from tests.support.web import Cast, Clock, post, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

ROUND = "PO-T9"


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, signed in, with a round that is open."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    return client


def stored(app: Flask, ref: str) -> Application:
    with writing(app) as session:
        return session.scalars(select(Application).where(Application.ref == ref)).one()


def by_itself(client: FlaskClient, ref: str, section: str, typed: dict[str, Any], seen: str) -> TestResponse:
    """Save as the script does while somebody types."""
    data = {**typed, "do": "autosave", "answers_version": seen}
    return post(client, f"/aanvragen/{ref}/taak/{section}", data, headers={"Accept": "application/json"})


def test_what_is_typed_is_saved_by_itself(app: Flask, anna: FlaskClient) -> None:
    """Half-finished answers too; what will not do is counted, not shouted."""
    ref = begin(anna, ROUND)
    seen = version(anna, ref, "project")
    first = by_itself(anna, ref, "project", {"title": "Robots", "pupils": "zestig"}, seen)
    assert first.status_code == 200
    assert first.json is not None
    assert first.json["saved"] == "Opgeslagen om 12.00 uur. Er klopt nog 1 ding niet."
    assert stored(app, ref).title == "Robots"
    second = by_itself(anna, ref, "project", {"title": "Robots in groep 7"}, str(first.json["answers_version"]))
    assert second.json is not None
    assert second.json["aside"] is None
    assert save(anna, ref, "project", PAGES["project"], "next").status_code == 303


def test_totals_come_from_the_server_while_somebody_types(anna: FlaskClient) -> None:
    ref = begin(anna, ROUND)
    answer = by_itself(anna, ref, "budget", PAGES["budget"], version(anna, ref, "budget"))
    assert answer.json is not None
    assert "€\xa03.900,00" in answer.json["aside"]
    assert "<html" not in answer.json["aside"]


def test_saving_by_itself_never_replaces_what_somebody_else_saved(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, ROUND)
    old = version(anna, ref, "project")
    save(anna, ref, "project", {"title": "Van de eerste"})
    answer = by_itself(anna, ref, "project", {"title": "Van de tweede"}, old)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "edited_elsewhere"
    assert "ander scherm" in answer.json["title"]
    assert stored(app, ref).title == "Van de eerste"
    same = by_itself(anna, ref, "project", {"title": "Van de eerste"}, old)
    assert same.status_code == 200, "the same text twice is no conflict"


def test_saving_by_itself_after_sending_changes_nothing(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, ROUND)
    complete(anna, ref)
    seen = version(anna, ref, "project")
    assert send(anna, ref).status_code == 303
    answer = by_itself(anna, ref, "project", {"title": "Te laat"}, seen)
    assert answer.status_code == 409
    assert stored(app, ref).title == PAGES["project"]["title"]


def test_saving_by_itself_without_a_session_asks_to_sign_in(anna: FlaskClient, clock: Clock) -> None:
    ref = begin(anna, ROUND)
    seen = version(anna, ref, "project")
    data = {"title": "x", "do": "autosave", "answers_version": seen, "csrf_token": token(anna)}
    clock.advance(hours=3)
    path = f"/aanvragen/{ref}/taak/project"
    assert anna.post(path, data=data, headers={"Accept": "application/json"}).status_code == 401


def test_each_field_has_its_own_choice(app: Flask, anna: FlaskClient) -> None:
    """Two tabs: of one answer the first is kept, of the other the second."""
    ref = begin(anna, ROUND)
    old = version(anna, ref, "project")
    save(anna, ref, "project", PAGES["project"] | {"title": "Eerste titel", "pupils": "60", "groups": ["upper"]})
    mine = PAGES["project"] | {"title": "Tweede titel", "pupils": "75", "groups": ["lower"], "answers_version": old}
    path = f"/aanvragen/{ref}/taak/project"
    page = post(anna, path, mine)
    assert page.status_code == 409
    tree = parsed(page.text)
    offered = {box.get("name") for box in tree.xpath('//input[starts-with(@name,"take-")]')}
    assert offered == {"take-title", "take-pupils", "take-groups"}
    seen = tree.xpath('//input[@name="answers_version"]/@value')[0]
    chosen = {"take-title": "yes", "take-groups": "yes", "answers_version": seen}
    assert post(anna, path, mine | chosen).status_code == 303
    kept = stored(app, ref)
    assert (kept.title, kept.answers["pupils"], kept.answers["groups"]) == ("Eerste titel", 75, ["upper"])


@pytest.mark.parametrize("section", ["budget", "plan"])
def test_rows_of_the_other_window_can_be_kept(app: Flask, anna: FlaskClient, section: str) -> None:
    ref = begin(anna, ROUND)
    old = version(anna, ref, section)
    save(anna, ref, section, PAGES[section])
    changed = {"budget": {"lines-1-description": "Iets anders"}, "plan": {"planning.0.activity": "Iets anders"}}
    mine = PAGES[section] | changed[section] | {"answers_version": old}
    path = f"/aanvragen/{ref}/taak/{section}"
    page = post(anna, path, mine)
    seen = parsed(page.text).xpath('//input[@name="answers_version"]/@value')[0]
    tick = {"budget": "take-rows", "plan": "take-planning"}[section]
    assert post(anna, path, mine | {tick: "yes", "answers_version": seen}).status_code == 303
    assert "Iets anders" not in anna.get(path).text
    with writing(app) as session:
        assert {line.description for line in session.scalars(select(BudgetLine))} <= {"Robotpakketten", "Training"}


def test_a_session_that_expired_gives_the_input_back(app: Flask, anna: FlaskClient, cast: Cast, clock: Clock) -> None:
    ref = begin(anna, ROUND)
    path = f"/aanvragen/{ref}/taak/project"
    typed = {"title": "Bijna af", "answers_version": version(anna, ref, "project"), "csrf_token": token(anna)}
    clock.advance(hours=3)
    answer = anna.post(path, data=typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.headers["Location"].startswith("/inloggen")
    sign_in(anna, cast.anna.email, path)
    page = anna.get(path).text
    assert 'value="Bijna af"' in page
    assert "Uw invoer is terug" in page
    assert stored(app, ref).title != "Bijna af"


def test_sending_again_and_again_is_one_application_and_one_mail(app: Flask, anna: FlaskClient) -> None:
    """A double click, F5 after sending, the back button and the button once more."""
    ref = begin(anna, ROUND)
    complete(anna, ref)
    form = next(f for f in parsed(anna.get(f"/aanvragen/{ref}/controle").text).forms if f.action.endswith("/submit"))
    fields = dict(form.form_values())
    answers = [post(anna, form.action, fields) for _ in range(3)]
    assert {answer.headers["Location"] for answer in answers} == {f"/aanvragen/{ref}/ingestuurd"}
    back = anna.get(f"/aanvragen/{ref}/controle")
    assert "Al ingestuurd" in back.text
    assert back.headers["Cache-Control"] == "no-store"
    with writing(app) as session:
        assert len(session.scalars(select(Submission)).all()) == 1
        mails = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "received")).all()
        assert len({mail.address for mail in mails}) == len(mails) > 0


def test_the_round_closes_while_somebody_types(app: Flask, anna: FlaskClient, clock: Clock) -> None:
    """The draft survives; sending is judged on the server's clock, and the refusal says which and where to call."""
    ref = begin(anna, ROUND)
    complete(anna, ref)
    form = next(f for f in parsed(anna.get(f"/aanvragen/{ref}/controle").text).forms if f.action.endswith("/submit"))
    fields = dict(form.form_values())
    clock.advance(days=30, seconds=1)
    sign_in(anna, "anna.akkerman@example.org")
    late = post(anna, form.action, fields)
    assert late.status_code == 409
    assert "gesloten sinds zondag 13 april 2025, 13.00 uur" in late.text
    assert "Op onze klok is het 13.00.01" in late.text
    assert PAGES["project"]["title"] in anna.get(f"/aanvragen/{ref}").text
    with writing(app) as session:
        assert session.scalars(select(Submission)).all() == []


def test_on_the_last_second_it_is_in_time(app: Flask, anna: FlaskClient, cast: Cast, clock: Clock) -> None:
    ref = begin(anna, ROUND)
    complete(anna, ref)
    clock.set(clock.now + timedelta(days=30) - timedelta(seconds=1))
    sign_in(anna, cast.anna.email)
    assert send(anna, ref).headers["Location"] == f"/aanvragen/{ref}/ingestuurd"
