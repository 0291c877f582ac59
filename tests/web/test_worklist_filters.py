"""The list of applications keeps its filter: under a name, and on the way from one application to the next."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from fundapp.persistence.register import School
from tests.support.cases import Cases
from tests.support.review import sent
from tests.support.web import Cast, post, sign_in, writing

LIST = "/beoordelen?tab=loopt&fonds=stimuleringsregeling-po&stand=under_review"


def three(app: Flask) -> list[str]:
    """Three applications with the panel, and one that was sent just now."""
    with writing(app) as session:
        made = Cases(session)
        tranche, school = made.tranche(), session.get_one(School, "99AA00")
        found = [sent(made, tranche, school, state="under_review").ref for _ in range(3)]
        sent(made, tranche, school)
    return found


def links(page: str, query: str) -> list[str]:
    root: Any = html.fromstring(page)
    return [str(link) for link in root.xpath(query)]


def test_a_list_leads_from_one_to_the_next_and_back(app: Flask, cast: Cast, client: FlaskClient) -> None:
    one, two, three_ = three(app)
    sign_in(client, cast.coordinator.email)
    page = client.get(LIST).text
    asked = LIST.partition("?")[2]
    assert links(page, "//tbody//th/a/@href") == [f"/beoordelen/{ref}?{asked}" for ref in (one, two, three_)]
    case = client.get(f"/beoordelen/{two}?{asked}").text
    ways = {name: links(case, f"//a[@rel='{name}']/@href")[0] for name in ("prev", "next")}
    for name, ref in (("prev", one), ("next", three_)):
        assert client.get(ways[name]).headers["Location"] == f"/beoordelen/{ref}?{asked}"
    back = links(client.get(f"/beoordelen/{one}?{asked}").text, "//a[@rel='prev']/@href")[0]
    assert client.get(back).headers["Location"] == LIST, "before the first there is the list"
    assert links(case, "//div[@class='way']/a/@href")[0] == LIST
    found = client.get("/beoordelen", query_string={"q": cast.coordinator.name}).text
    assert "Geen aanvragen gevonden" in found


def test_tabs_count_and_a_filter_is_kept_under_a_name(app: Flask, cast: Cast, client: FlaskClient) -> None:
    three(app)
    sign_in(client, cast.handler.email)
    page = client.get("/beoordelen").text
    assert links(page, "//nav[@class='tabs']//span/text()") == ["1", "4", "0"]
    assert "Bewaar dit filter" not in page, "there is nothing to keep"
    nameless = post(client, f"/beoordelen/filters?{LIST.partition('?')[2]}", {"name": " "})
    assert nameless.status_code == 422
    assert "Geef dit filter een naam." in nameless.text
    assert nameless.text.count("/beoordelen/PO-T1-0") == 3, "the list stands as it was"
    kept = post(client, f"/beoordelen/filters?{LIST.partition('?')[2]}", {"name": "Bij de <commissie>"})
    assert kept.headers["Location"] == LIST
    page = client.get("/beoordelen").text
    assert "Bij de &lt;commissie&gt;</a>" in page
    assert links(page, "//section[@class='saved']//li/a/@href") == [LIST]
    gone = post(client, links(page, "//section[@class='saved']//form/@action")[0])
    assert gone.status_code == 303
    assert "commissie&gt;" not in client.get("/beoordelen").text
    other = app.test_client()
    sign_in(other, cast.coordinator.email)
    assert "commissie" not in other.get("/beoordelen").text
