"""A school keeps its own people: let in, asked by strangers, roles, and leaving without an administrator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fundapp.domain.people import Capacity
from fundapp.persistence.application import Application
from fundapp.persistence.colleagues import AccessRequest
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Membership
from tests.support.queries import count_queries
from tests.support.school import begin, open_round
from tests.support.web import Cast, actor, mailed, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from fundapp.domain.people import Actor

NEW = "bram.bakker@example.org"
SCHOOL = "99990-99AA00"
INVITE = {"place": SCHOOL, "name": "Bram Bakker", "email": NEW, "capacity": "drafter"}


def browser(app: Flask, who: Actor | str) -> FlaskClient:
    """Somebody's own browser, signed in."""
    client = app.test_client()
    sign_in(client, who if isinstance(who, str) else who.email)
    return client


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    return browser(app, cast.anna)


def number_of(who: Actor) -> int:
    assert who.id is not None
    return who.id


def capacities(app: Flask, email: str) -> set[tuple[str | None, Capacity]]:
    with writing(app) as session:
        return {(m.school, m.capacity) for m in actor(session, email).memberships}


def noted(app: Flask) -> list[str]:
    with writing(app) as session:
        return list(session.scalars(select(Journal.action).where(Journal.kind == "person").order_by(Journal.id)))


def templates(app: Flask, address: str) -> list[str]:
    with writing(app) as session:
        query = select(OutboxMessage.template).where(OutboxMessage.address == address).order_by(OutboxMessage.id)
        return [template for template in session.scalars(query) if template != "sign_in_code"]


def test_a_colleague_is_let_in_and_works_along(app: Flask, cast: Cast, anna: FlaskClient, wakes: list[str]) -> None:
    open_round(app, cast)
    ref = begin(anna, "PO-T9")
    page = anna.get("/collegas").text
    assert "Sietse Sinke" in page
    assert "mag tekenen voor de school" in page
    assert "Vera Vreemd" not in page
    wakes.clear()
    assert post(anna, "/collegas", INVITE).status_code == 303
    assert wakes == ["wake"]
    assert mailed(app, NEW, "colleague_invited")["place"] == "De Ozobot"
    assert "Bram Bakker kan meewerken" in anna.get("/collegas").text
    bram = browser(app, NEW)
    assert bram.get(f"/aanvragen/{ref}").status_code == 200
    assert post(anna, "/collegas", INVITE).status_code == 303
    assert templates(app, NEW) == ["colleague_invited"], "a second time changes nothing and mails nobody"
    assert noted(app) == ["invite"]


def test_what_is_wrong_is_said_at_its_field_and_kept(app: Flask, anna: FlaskClient) -> None:
    page = post(anna, "/collegas", {"place": SCHOOL, "name": "", "email": "bram", "capacity": "king"})
    assert page.status_code == 422
    for sentence in ("Vul een e-mailadres in", "Vul de naam van uw collega in", "Kies een rol"):
        assert sentence in page.text
    assert 'value="bram"' in page.text
    assert not noted(app)


def test_a_place_of_others_is_not_there(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    vera = number_of(cast.stranger)
    for place in ("99991-99AB00", "99991", "99990", "12345", "", "99991-99AA00", "x\x00y"):
        assert post(anna, "/collegas", INVITE | {"place": place}).status_code == 404, place
    for path in (f"/collegas/99991-99AB00/{vera}", f"/collegas/{SCHOOL}/{vera}", f"/collegas/{SCHOOL}/999999"):
        assert anna.get(path).status_code == 404
        for data in ({"do": "end"}, {"capacities": "drafter"}):
            assert post(anna, path, data).status_code == 404
    assert capacities(app, cast.stranger.email) == {("99AB00", Capacity.DRAFTER)}
    staff = browser(app, cast.handler)
    assert staff.get("/collegas").status_code == 303, "nothing of a school's is shown to who has none"
    assert post(staff, "/collegas", INVITE).status_code == 404
    assert app.test_client().get("/collegas").status_code == 303


def test_only_who_may_sign_lets_somebody_sign(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    page = post(anna, "/collegas", INVITE | {"capacity": "signer"})
    assert page.status_code == 422
    assert "alleen als u zelf tekenbevoegd bent" in page.text
    me = f"/collegas/{SCHOOL}/{number_of(cast.anna)}"
    assert post(anna, me, {"capacities": ["drafter", "signer"]}).status_code == 422
    sietse = f"/collegas/{SCHOOL}/{number_of(cast.signer)}"
    assert post(anna, sietse, {"do": "end"}).status_code == 422
    signer = browser(app, cast.signer)
    assert post(signer, "/collegas", INVITE | {"capacity": "signer"}).status_code == 303
    assert post(signer, me, {"capacities": ["finance", "signer"]}).status_code == 303
    assert capacities(app, cast.anna.email) == {("99AA00", Capacity.FINANCE), ("99AA00", Capacity.SIGNER)}
    assert post(signer, me, {}).status_code == 422, "leaving is another button"


def test_who_leaves_hands_over(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    open_round(app, cast)
    ref = begin(anna, "PO-T9")
    me = f"/collegas/{SCHOOL}/{number_of(cast.anna)}"
    signer = browser(app, cast.signer)
    page = signer.get(me).text
    assert ref in page
    assert "Wie neemt de aanvragen over?" in page
    assert post(signer, me, {"do": "end"}).status_code == 422
    for nobody in (str(cast.stranger.id), str(cast.anna.id), "x", "99999999"):
        assert post(signer, me, {"do": "end", "successor": nobody}).status_code == 422
    post(signer, "/collegas", INVITE)
    with writing(app) as session:
        bram = actor(session, NEW)
    assert post(signer, me, {"do": "end", "successor": str(bram.id)}).status_code == 303
    with writing(app) as session:
        assert session.scalars(select(Application.owner_id)).one() == bram.id
    assert anna.get(f"/aanvragen/{ref}").status_code == 404, "at once, also where she is signed in"
    assert templates(app, cast.anna.email) == ["access_ended"]
    assert mailed(app, NEW, "handed_over")["refs"] == [ref]
    assert browser(app, NEW).get(f"/aanvragen/{ref}").status_code == 200
    assert noted(app)[-1] == "leave"


def test_the_last_one_lets_somebody_in_first(app: Flask, cast: Cast) -> None:
    vera = browser(app, cast.stranger)
    me = f"/collegas/99991-99AB00/{cast.stranger.id}"
    page = post(vera, me, {"do": "end"})
    assert page.status_code == 409
    assert "Nodig eerst een collega uit" in page.text
    assert post(vera, "/collegas", INVITE | {"place": "99991-99AB00"}).status_code == 303
    assert post(vera, me, {"do": "end"}).status_code == 303
    assert capacities(app, NEW) == {("99AB00", Capacity.DRAFTER)}
    assert not capacities(app, cast.stranger.email)


def test_access_is_asked_of_the_people_there(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    vera = browser(app, cast.stranger)
    asked = {"school": " 99aa00 ", "capacity": "drafter", "explanation": "Ik val in voor groep 7."}
    assert post(vera, "/collegas/toegang", asked).status_code == 303
    assert "De Ozobot" in vera.get("/collegas/toegang").text
    assert post(vera, "/collegas/toegang", asked).status_code == 409
    for who in (cast.anna, cast.signer):
        assert templates(app, who.email) == ["access_asked"]
    assert templates(app, cast.coordinator.email) == []
    with writing(app) as session:
        number = session.scalars(select(AccessRequest.id)).one()
    page = anna.get("/collegas").text
    assert "Ik val in voor groep 7." in page
    path = f"/collegas/verzoeken/{number}"
    assert post(vera, path, {"do": "give"}).status_code == 404, "nobody lets oneself in"
    assert post(anna, path, {"do": "refuse"}).status_code == 422
    assert post(anna, path, {"do": "give"}).status_code == 303
    assert ("99AA00", Capacity.DRAFTER) in capacities(app, cast.stranger.email)
    assert templates(app, cast.stranger.email) == ["access_given"]
    assert post(anna, path, {"do": "refuse", f"reason-{number}": "Nee."}).status_code == 409
    assert post(vera, "/collegas/toegang", asked).status_code == 409, "she has it"


def test_a_no_has_a_reason(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    vera = browser(app, cast.stranger)
    post(vera, "/collegas/toegang", {"school": "99AA00", "capacity": "finance"})
    with writing(app) as session:
        number = session.scalars(select(AccessRequest.id)).one()
    said = {"do": "refuse", f"reason-{number}": "Wij kennen u niet."}
    assert post(anna, f"/collegas/verzoeken/{number}", said).status_code == 303
    assert mailed(app, cast.stranger.email, "access_refused")["explanation"] == "Wij kennen u niet."
    assert capacities(app, cast.stranger.email) == {("99AB00", Capacity.DRAFTER)}


def test_to_sign_is_asked_of_who_signs_and_else_of_the_coordinator(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    vera = browser(app, cast.stranger)
    post(vera, "/collegas/toegang", {"school": "99AA00", "capacity": "signer"})
    assert templates(app, cast.signer.email) == ["access_asked"]
    assert templates(app, cast.anna.email) == []
    with writing(app) as session:
        number = session.scalars(select(AccessRequest.id)).one()
    assert post(anna, f"/collegas/verzoeken/{number}", {"do": "give"}).status_code == 422
    post(anna, "/collegas/toegang", {"school": "99AB00", "capacity": "signer"})
    assert templates(app, cast.coordinator.email) == ["access_asked"], "nobody there may sign yet"
    coordinator = browser(app, cast.coordinator)
    assert "Anna Akkerman" in coordinator.get("/collegas").text
    assert post(coordinator, f"/collegas/verzoeken/{number + 1}", {"do": "give"}).status_code == 303
    assert ("99AB00", Capacity.SIGNER) in capacities(app, cast.anna.email)


def test_an_unknown_school_is_said(anna: FlaskClient) -> None:
    for code in ("99ZZ99", "", "x\x00", "'; DROP TABLE school; --"):
        page = post(anna, "/collegas/toegang", {"school": code, "capacity": "drafter"})
        assert page.status_code == 422, code
        assert "Deze school kennen wij niet" in page.text


def test_a_board_lets_people_in_at_all_its_schools(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    with writing(app) as session:
        session.add(Membership(person_id=cast.signer.id, board_number="99990", capacity="signer"))
    board = browser(app, cast.signer)
    assert post(board, "/collegas", INVITE | {"place": "99990"}).status_code == 303
    assert capacities(app, NEW) == {(None, Capacity.DRAFTER)}
    assert "alle scholen van het bestuur" in anna.get("/collegas").text
    bram = browser(app, NEW)
    assert post(bram, f"/collegas/{SCHOOL}/{cast.anna.id}", {"capacities": "finance"}).status_code == 303
    assert post(anna, f"/collegas/99990/{cast.signer.id}", {"do": "end"}).status_code == 404, "of the board"


def test_the_list_asks_as_often_for_many_as_for_few(app: Flask, anna: FlaskClient) -> None:
    from fundapp.web.session import db

    with app.app_context():
        engine = db.engine
    anna.get("/collegas")
    with count_queries(engine) as few:
        anna.get("/collegas")
    for n in range(12):
        post(anna, "/collegas", INVITE | {"email": f"collega{n}@example.org"})
    with count_queries(engine) as many:
        page = anna.get("/collegas").text
    assert len(re.findall("collega[0-9]+@example.org", page)) == 12
    assert len(many) == len(few) <= 6, many
