"""Somebody of a school without an account comes in by the register: the address proves itself, nobody else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from fundapp.domain.colleagues import mailbox_of_school
from fundapp.domain.people import Capacity
from fundapp.persistence.people import Membership, Person
from fundapp.persistence.register import School
from tests.support.cases import Cases
from tests.support.web import Cast, Clock, actor, mailed, post, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

NEW = "kim@dekreek.example"
FORM = {
    "name": "Kim Kramer",
    "email": NEW,
    "school": "99AC00",
    "capacity": "drafter",
    "explanation": "Ik geef groep 8.",
}


@pytest.fixture
def school(app: Flask, cast: Cast) -> str:
    """A school where nobody has access yet; the register has its website."""
    with writing(app) as session:
        Cases(session).school("99AC00", "De Kreek", board="99992", region="walcheren")
        session.execute(update(School).where(School.code == "99AC00").values(website="www.dekreek.example"))
    return "99AC00"


def sign_up(app: Flask, client: FlaskClient, **other: str) -> str:
    """Fill in the form; return the path of the button in the mail."""
    form = FORM | other
    answer = post(client, "/aanmelden", form)
    assert answer.headers.get("Location") == "/aanmelden/verstuurd", answer.text
    return str(mailed(app, form["email"].strip().lower(), "join")["url_path"])


def press(client: FlaskClient, path: str) -> Any:
    return client.post(path, data={"csrf_token": token(client, path)})


def people(app: Flask) -> int:
    with writing(app) as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_the_first_of_a_school_is_in_by_the_domain_of_the_register(
    app: Flask, school: str, client: FlaskClient, wakes: list[str]
) -> None:
    before = people(app)
    wakes.clear()
    path = sign_up(app, client)
    assert wakes == ["wake"]
    assert people(app) == before, "nobody is stored before the button was pressed"
    assert "Maak uw aanmelding af" in client.get(path).text
    assert people(app) == before, "opening the link does nothing"
    assert press(client, path).headers["Location"] == "/aanvragen"
    assert client.get("/aanvragen").status_code == 200
    assert "De Kreek" in client.get("/collegas").text
    with writing(app) as session:
        assert {(m.school, m.capacity) for m in actor(session, NEW).memberships} == {(school, Capacity.DRAFTER)}
    assert press(app.test_client(), path).status_code == 410, "the button works once"


def test_the_second_asks_the_first(app: Flask, school: str, client: FlaskClient, cast: Cast) -> None:
    press(client, sign_up(app, client))
    second = app.test_client()
    other = "lou@dekreek.example"
    assert press(second, sign_up(app, second, email=other, name="Lou")).headers["Location"] == "/collegas/toegang"
    assert mailed(app, NEW, "access_asked")["asker"] == "Lou"
    assert "Ik geef groep 8." in client.get("/collegas").text


@pytest.mark.parametrize(
    "other", [{"email": "kim@gmail.example"}, {"capacity": "signer"}, {"email": "kim@evil-dekreek.example"}]
)
def test_without_the_domain_or_to_sign_the_fund_is_asked(
    app: Flask, school: str, client: FlaskClient, cast: Cast, other: dict[str, str]
) -> None:
    assert press(client, sign_up(app, client, **other)).headers["Location"] == "/collegas/toegang"
    assert mailed(app, cast.coordinator.email, "access_asked")["place"] == "De Kreek"
    with writing(app) as session:
        assert session.scalar(select(func.count()).select_from(Membership).where(Membership.school_code == school)) == 0


def test_an_address_that_we_know_gets_the_same_answer(app: Flask, school: str, client: FlaskClient, cast: Cast) -> None:
    path = sign_up(app, client, email=cast.anna.email, school="99AA00")
    before = people(app)
    assert press(client, path).headers["Location"] == "/aanvragen", "she has this already"
    assert people(app) == before


def test_a_school_is_found_by_its_name(app: Flask, school: str, client: FlaskClient) -> None:
    page = post(client, "/aanmelden", FORM | {"school": "de kreek"})
    assert page.status_code == 422
    assert "(99AC00)" in page.text
    assert 'value="Kim Kramer"' in page.text
    answer = post(client, "/aanmelden", FORM | {"school": "de kreek", "chosen": school})
    assert answer.status_code == 303


def test_what_is_wrong_is_said_at_its_field(school: str, client: FlaskClient) -> None:
    page = post(client, "/aanmelden", {"name": " ", "email": "kim", "school": "Atlantis\x00", "capacity": "employee"})
    assert page.status_code == 422
    for sentence in ("Vul uw naam in", "Vul een e-mailadres in", "Deze school kennen wij niet", "Kies een rol"):
        assert sentence in page.text


def test_the_button_works_a_day_and_mails_are_few(app: Flask, school: str, client: FlaskClient, clock: Clock) -> None:
    path = sign_up(app, client)
    for _ in range(4):
        sign_up(app, client)
    page = post(client, "/aanmelden", FORM)
    assert page.status_code == 422
    assert "Wij mailden u al vaak" in page.text
    clock.advance(days=1, minutes=1)
    assert press(client, path).status_code == 410


def test_a_mailbox_at_the_domain_of_the_website() -> None:
    for website in ("www.dekreek.example", "https://dekreek.example/", "http://www.dekreek.example/contact"):
        assert mailbox_of_school(NEW, website), website
    for website in ("", "dekreek", "www.anders.example", "sub.dekreek.example", "example"):
        assert not mailbox_of_school(NEW, website), website
