"""The pages of a new look: the school files on one page and follows on another; staff hear, advise and decide there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fundapp.domain.people import Capacity, Role
from fundapp.domain.term import Profile
from fundapp.persistence.people import Membership
from tests.support.cases import NOW
from tests.support.objections import Disagreement
from tests.support.queries import count_queries
from tests.support.school import parsed, summary
from tests.support.visitor import plain
from tests.support.web import Clock, mailed, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


class Office:
    """A rejected application, its school in a browser, and the people of the fund in theirs."""

    def __init__(self, app: Flask, clock: Clock, profile: Profile) -> None:
        self.app = app
        with writing(app) as session:
            case = Disagreement(session, profile=profile)
            case.reject()
            self.ref, self.words = case.app.ref, case.words
            self.emails = {
                "school": case.school.email,
                "office": case.fresh.email,
                "first": case.decider.email,
                "second": case.second_decider.email,
                "finance": case.finance.email,
            }
        clock.set(NOW + timedelta(days=1))

    @property
    def objection(self) -> str:
        return f"{self.ref}-{self.words.prefix}1"

    @property
    def page(self) -> str:
        return f"{self.words.path}/{self.objection}"

    def browser(self, who: str) -> FlaskClient:
        client = self.app.test_client()
        sign_in(client, self.emails[who])
        return client

    def act(self, client: FlaskClient, action: str, **typed: Any) -> TestResponse:
        """Open the form of an act and send it as a browser does."""
        path = f"/{self.words.kind}/{self.objection}/{action}"
        answer = client.get(path)
        if answer.status_code != 200:
            return answer
        form = next(f for f in parsed(answer.text).forms if f.action == path)
        return post(client, path, dict(form.form_values()) | typed)


@pytest.fixture(params=[Profile.AWB, Profile.PRIVATE])
def office(app: Flask, clock: Clock, request: pytest.FixtureRequest) -> Office:
    return Office(app, clock, request.param)


def file(office: Office, school: FlaskClient, **typed: str) -> TestResponse:
    return post(school, f"/aanvragen/{office.ref}/opnieuw-kijken", {"grounds": "Zo is het niet.", **typed})


def test_from_filing_to_the_new_decision_in_the_words_of_its_law(office: Office) -> None:
    school = office.browser("school")
    story = school.get(f"/aanvragen/{office.ref}").text
    assert office.words.file.nl in story
    assert summary(file(office, school, grounds="")) == [("grounds", "Schrijf op waarom u het er niet mee eens bent.")]
    answer = file(office, school)
    assert (answer.status_code, answer.headers["Location"]) == (303, office.page)
    assert file(office, school).headers["Location"] == office.page  # sent twice, filed once
    assert "U hoeft nu niets te doen" in school.get(office.page).text

    staff = office.browser("office")
    assert office.objection in staff.get("/heroverwegingen").text
    assert "€ 5.000,00" in plain(staff.get(office.page).text)
    assert office.act(staff, "waive_hearing", waiver="not_wanted", explanation="Niet nodig.").status_code == 303
    wrong = office.act(staff, "advise", outcome="partly_founded", amount="6.000,00", explanation="Ja.")
    assert wrong.status_code in (409, 422)
    right = office.act(staff, "advise", outcome="partly_founded", amount="3.000,00", explanation="Deels.")
    assert right.status_code == 303
    assert "Deels." not in school.get(office.page).text  # the school reads the advice with the decision

    first = office.browser("first")
    assert "U nam het eerste besluit" in first.get(office.page).text
    second = office.browser("second")
    refused = office.act(second, "declare_partly_founded", amount="3.500,00", explanation="Ja.")
    assert [field for field, _ in summary(refused)] == ["deviation"]
    done = office.act(second, "declare_partly_founded", amount="3.500,00", explanation="Ja.", deviation="Meer.")
    assert done.status_code == 303
    read = school.get(office.page).text
    assert "€ 3.500,00" in plain(read)
    assert "Deels." in read
    assert "Toegekend" in school.get(f"/aanvragen/{office.ref}").text
    assert mailed(office.app, office.emails["school"], "objection_decided")["objection_ref"] == office.objection
    for page in (read, story, school.get(f"/aanvragen/{office.ref}").text, second.get(office.page).text):
        assert ("bezwaar" in page.lower()) == (office.words.profile is Profile.AWB)


def test_late_the_page_asks_why(office: Office, clock: Clock) -> None:
    clock.set(NOW + timedelta(days=50))
    school = office.browser("school")
    assert "De laatste dag was" in school.get(f"/aanvragen/{office.ref}/opnieuw-kijken").text
    assert [field for field, _ in summary(file(office, school))] == ["late_reason"]
    assert file(office, school, late_reason="De directeur was ziek.").status_code == 303


def test_others_do_not_find_it(office: Office, app: Flask) -> None:
    file(office, office.browser("school"))
    with writing(app) as session:
        from tests.support.cases import Cases

        cases = Cases(session)
        board = cases.school("99ZZ00", "Een andere school", board="99899")
        other = cases.person("Vera Vreemd")
        session.add(
            Membership(person_id=other.id, board_number=board.board_number, capacity=str(Capacity.DRAFTER), since=NOW)
        )
        judge = cases.person("Judge Ongevraagd", Role.DECISION_MAKER)
    stranger = app.test_client()
    sign_in(stranger, other.email)
    assert stranger.get(office.page).status_code == 404
    assert stranger.get("/heroverwegingen").status_code == 403
    client = app.test_client()
    sign_in(client, judge.email)
    answer = client.get(office.page)  # first the question about an interest
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/beoordelen/{office.ref}")
    wrong_law = "/heroverwegingen/" if office.words.profile is Profile.AWB else "/bezwaren/"
    assert office.browser("office").get(wrong_law + office.objection).status_code == 404


def test_pages_take_few_statements(office: Office) -> None:
    school, staff = office.browser("school"), office.browser("office")
    file(office, school)
    for client, path in ((school, office.page), (staff, office.page), (staff, "/heroverwegingen")):
        client.get(path)
        with office.app.app_context():
            from fundapp.web.session import db

            with count_queries(db.engine) as counted:
                assert client.get(path).status_code == 200
        assert len(counted) <= 6, (path, counted)


def test_the_letter_is_seen_beforehand_and_an_empty_value_blocks_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fundapp.services import funds

    file(office, office.browser("school"))
    staff = office.browser("office")
    typed = {"explanation": "Stuur de lesplannen mee."}
    page = office.act(staff, "ask_completion", **typed, do="letter")
    assert page.status_code == 200
    assert "Stuur de lesplannen mee." in page.text
    assert ("Awb 6:6" in page.text) == (office.words.profile is Profile.AWB)
    again = office.act(staff, "ask_completion", **typed, do="edit")  # to change it: nothing typed is lost
    assert parsed(again.text).xpath('//textarea[@name="explanation"]')[0].text.strip() == typed["explanation"]
    assert "Ontvangen" in staff.get(office.page).text  # nothing was sent yet

    real = funds.context_of
    monkeypatch.setattr(
        funds, "context_of", lambda *a, **k: real(*a, **k) | {"contact": {"name": "x", "email": "", "phone": "1"}}
    )
    for do in ({"do": "letter"}, {}):
        answer = office.act(staff, "ask_completion", **typed, **do)
        assert answer.status_code == 409
        assert "De brief kan nog niet weg: het e-mailadres van het fonds is leeg." in answer.text
    monkeypatch.undo()
    assert office.act(staff, "ask_completion", **typed).status_code == 303
