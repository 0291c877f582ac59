"""Conflict of interest: whoever has one opens nothing of the case, on no page, in no list, file, form or export.

Two people who hold every judging role in every fund try all there is: one works for the board that applied (the
register knows), one declared an interest. What everybody may read, such as a published result, they may read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from fundapp.domain.people import JUDGES
from fundapp.persistence.application import Application
from fundapp.persistence.people import Membership, Person, RoleGrant
from fundapp.persistence.review import InterestDeclaration
from fundapp.web.access import PUBLIC
from tests.support.databases import TestServer
from tests.support.sites import NOW, example, site
from tests.support.tour import Tour
from tests.support.web import writing

BOARD = "00907"
REGISTER, DECLARED = "in.dienst@example.org", "meldde.belang@example.org"
BOTH = (REGISTER, DECLARED)


@dataclass
class Town:
    """The invented example with both people in it. cases: of the board, each with the numbers that belong to it."""

    app: Flask
    tour: Tour
    cases: dict[str, dict[str, Any]]


def _judge(session: Session, email: str, name: str) -> Person:
    person = Person(email=email, name=name, created_at=NOW)
    session.add(person)
    session.flush()
    session.add_all(RoleGrant(person_id=person.id, role=role, granted_at=NOW) for role in sorted(JUDGES))
    return person


@pytest.fixture(scope="module")
def town(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Loaded once; the tests change nothing."""
    with site(database_server, tmp_path_factory.mktemp("conflict")) as app:
        example(app)
        with writing(app) as session:
            employee = _judge(session, REGISTER, "In Dienst")
            session.add(Membership(person_id=employee.id, board_number=BOARD, capacity="employee"))
            other = _judge(session, DECLARED, "Meldde Belang")
            rows = session.scalars(select(Application).where(Application.board_number == BOARD)).all()
            session.add_all(
                InterestDeclaration(application_id=row.id, person_id=other.id, interested=True, at=NOW) for row in rows
            )
            session.flush()
            cases = {row.ref: {"id": row.id, "title": row.title, **_numbers(session, row.id)} for row in rows}
        assert len(cases) > 2
        yield Town(app, Tour(app, each=4), cases)


def _numbers(session: Session, application_id: int) -> dict[str, list[int]]:
    """What of the case has a number of its own, by the name it bears in an address."""
    queries = {
        "letter_id": "SELECT id FROM letter WHERE application_id = :id",
        "attachment_id": "SELECT id FROM attachment WHERE application_id = :id",
        "meeting_id": "SELECT meeting_id FROM meeting_item WHERE application_id = :id",
        "number": """SELECT id FROM letter WHERE application_id = :id UNION SELECT id FROM attachment
                     WHERE application_id = :id UNION SELECT number FROM submission WHERE application_id = :id""",
    }
    return {name: list(session.scalars(text(query), {"id": application_id})) for name, query in queries.items()}


def _told(town: Town, body: bytes, *, refs: bool = True) -> list[str]:
    """The cases that a page tells of."""
    page = body.decode(errors="replace")
    return [ref for ref, case in town.cases.items() if (refs and ref in page) or case["title"] in page]


def _public(app: Flask, rule: str) -> bool:
    """Whether everybody may open this route."""
    found = [app.view_functions[one.endpoint] for one in app.url_map.iter_rules() if one.rule == rule]
    return any(getattr(view, "access", PUBLIC) is PUBLIC for view in found)


@pytest.mark.parametrize("who", BOTH)
def test_no_page_that_they_come_by_tells_of_it(town: Town, who: str) -> None:
    """Lists, boards, meetings, searches: the title nowhere; the register's case is not even named outside a meeting."""
    seen = []
    for page in town.tour.pages(who):
        if page.status != 200 or _public(town.app, page.kind.rule) or "q" in page.kind.asked:
            continue  # what was typed stands in the page
        agenda = page.kind.rule.startswith("/vergaderingen")  # that one leaves the room for it is said there
        if told := _told(town, page.body, refs=not agenda):
            seen.append(f"{page}: {told}")
    assert "\n".join(seen) == ""


@pytest.mark.parametrize("who", BOTH)
def test_no_search_finds_it(town: Town, who: str) -> None:
    client = town.tour.browser_of(who)
    for ref, case in town.cases.items():
        for word in (ref, ref[:5], case["title"], case["title"][:6]):
            page = client.get("/beoordelen", query_string={"q": word}).text
            assert f'href="/beoordelen/{ref}"' not in page, word


def _addresses(rule: Rule, ref: str, case: dict[str, Any]) -> Iterator[str]:
    """Every address of a route that is about this case."""
    numbered = [name for name in rule.arguments if name in case and name != "id"]
    words: dict[str, Any] = {"ref": ref, "kind": "application", "section_key": "project", "form": "pdf", "do": "kies"}
    choices = case[numbered[0]] if numbered else [None]
    for number in choices:
        for action in ("award", "reject", "advise", "take_up") if "action" in rule.arguments else (None,):
            values = words | {"action": action} | ({numbered[0]: number} if numbered else {})
            built = rule.build({name: values.get(name, 1) for name in rule.arguments})
            if built is not None:
                yield str(built[1])


def _of_a_case(town: Town, method: str) -> Iterator[tuple[Rule, str, str]]:
    for rule in town.app.url_map.iter_rules():
        if method in (rule.methods or ()) and "ref" in rule.arguments and not _public(town.app, rule.rule):
            for ref, case in town.cases.items():
                for address in _addresses(rule, ref, case):
                    yield rule, ref, address


@pytest.mark.parametrize("who", BOTH)
def test_no_address_of_it_opens(town: Town, who: str) -> None:
    """Each route that takes a reference, with this one: the page about the interest, and nothing else."""
    client, opened, tried = town.tour.browser_of(who), [], 0
    for _, ref, address in _of_a_case(town, "GET"):
        answer = client.get(address, buffered=True)
        tried += 1
        if answer.status_code in (200, 303) and (who == REGISTER or town.cases[ref]["title"] in answer.text):
            opened.append((address, answer.status_code, answer.headers.get("Location")))
    assert opened == [], opened
    assert tried > 60


@pytest.mark.parametrize("who", BOTH)
def test_nothing_can_be_sent_about_it(town: Town, who: str) -> None:
    client, taken = town.tour.browser_of(who), []
    data = {"csrf_token": town.tour.token(who), "seen": "1", "outcome": "award", "interest": "no", "do": "next"}
    for rule, ref, address in _of_a_case(town, "POST"):
        if rule.endpoint == "review.declare_interest" and who == DECLARED:
            continue  # to say once more what stands
        answer = client.post(address, data=data)
        refused = answer.status_code in (403, 404, 409)  # 409: it is not even the time for it
        if not refused or town.cases[ref]["title"] in answer.text:
            taken.append((address, answer.status_code, answer.headers.get("Location")))
    assert "\n".join(map(str, taken)) == ""
