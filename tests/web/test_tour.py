"""Every page of every person: within its weight, with few statements, its links open; with data, with mistakes, empty.

Weight is counted compressed, as a balancer sends it; nothing here is timed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask

from tests.support.databases import TestServer
from tests.support.sites import begin, fill, people, site
from tests.support.tour import Stop, Tour
from tests.support.web import writing

KB = 1024
MOST = {
    "public": {"html": 14 * KB, "css": 6 * KB, "js": 20 * KB, "all": 40 * KB, "requests": 4},
    "school": {"html": 14 * KB, "css": 6 * KB, "js": 20 * KB, "all": 40 * KB, "requests": 4},
    "staff": {"all": 90 * KB, "requests": 8},
}
"""Schools and visitors may sit at a slow phone."""
STATEMENTS = 6
MORE = {
    "/aanvragen/<ref>": 10,
    "/besluiten/aanvraag/<ref>/brief": 8,
    "/bankafschriften/regels/<int:line_id>": 7,
    "/beoordelen/<ref>/score": 7,
    "/terugvorderingen/<ref>": 9,
    "/tranches/<ref>/vrij-geld": 7,
    "/tussenrapportages/<ref>": 7,
    "/<ref>/<action>": 7,
}
"""Pages that ask more often still."""

NO_PAGES = {
    "/static/<path:filename>": "a file",
    "/health/live": "for a balancer",
    "/health/ready": "for a balancer",
    "/metrics": "for a balancer",
    "/taal": "goes back to where one was",
    "/inloggen/link/<token>": "its own tests, with the link of a mail",
    "/aanvragen/<ref>/uploads/<token>": "for the script",
    "/aanmelden/<token>": "its own tests, with the link of a mail",
    "/akkoord/<token>": "its own tests, with the link of a mail",
    "/akkoord/<token>/bijlagen/<int(max=999999999999999):number>": "its own tests, with the link of a mail",
    "/akkoord/<token>/code": "its own tests, with the code of a mail",
    "/toestemming/<token>": "its own tests, with the link of a mail",
    "/toestemming/<token>/code": "its own tests, with the code of a mail",
    "/aanvragen/<ref>/terugbetaling": "its own tests, with a claim on a school",
    "/bezwaren/<ref>": "its own tests, with an objection",
    "/heroverwegingen/<ref>": "its own tests, with a new look that was asked",
    "/vergaderingen/<int:meeting_id>/notulen.pdf": "a file that the worker makes",
    "/tranches/<ref>/slotrapport/<int:number>.<form>": "a file that the worker makes",
    "/exports/<int:export_id>": "a file that the worker makes",
    "/tussenrapportages/<ref>/bijlagen/<int(max=999999999999999):number>": "a file",
    "/postvak": "where no mail server is set",
    "/postvak/<name>": "where no mail server is set",
}
"""Routes that a tour does not come by, and why."""


@dataclass
class Walk:
    """What a tour saw: pages, and pages with mistakes on them."""

    tour: Tour
    pages: list[Stop] = field(default_factory=list)
    mistakes: list[Stop] = field(default_factory=list)

    def __post_init__(self) -> None:
        done: set[tuple[str, ...]] = set()
        for who, first in people(self.tour):
            self.pages += self.tour.pages(who, first)
        for page in self.pages:
            if page.status == 200:
                self.mistakes += self.tour.mistakes(page, done)

    @property
    def shown(self) -> list[Stop]:
        """All of it."""
        return [*self.pages, *self.mistakes]


@pytest.fixture(scope="module")
def filled(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A tour of the product in use."""
    with site(database_server, tmp_path_factory.mktemp("filled")) as app:
        fill(app)
        yield Walk(Tour(app))


@pytest.fixture(scope="module")
def empty(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A tour of the product on its first day."""
    with site(database_server, tmp_path_factory.mktemp("empty")) as app:
        with writing(app) as session:
            begin(session)
        yield Walk(Tour(app))


@pytest.fixture(params=["filled", "empty"])
def walk(request: pytest.FixtureRequest) -> Walk:
    """Each tour."""
    found: Walk = request.getfixturevalue(request.param)
    return found


def test_every_page_is_on_the_tour(filled: Walk) -> None:
    rules = {rule.rule for rule in filled.tour.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert rules - set(filled.tour.rules) == set(NO_PAGES)


def test_no_link_leads_to_where_one_may_not_be(walk: Walk) -> None:
    assert [f"{page}: {page.said}" for page in walk.pages if page.status != 200] == []


def test_each_page_asks_the_database_six_times_at_most(walk: Walk) -> None:
    over = {
        len(page.statements) - MORE.get(page.kind.rule.rpartition(":kind>")[2], STATEMENTS): str(page)
        for page in walk.pages
    }
    assert {more: page for more, page in over.items() if more > 0} == {}


def test_a_mistake_is_told_and_not_more(walk: Walk) -> None:
    assert walk.mistakes
    for page in walk.mistakes:
        assert page.status in (409, 422), f"{page}: {page.said}"
        assert page.root.findtext(".//title").startswith("Fout:"), page


def test_each_page_is_light(walk: Walk) -> None:
    sizes: dict[str, int] = {}
    heavy = []
    for page in walk.shown:
        weights = weigh(walk.tour.app, page, sizes)
        over = {what: weights[what] for what, most in MOST[page.audience].items() if weights[what] > most}
        if over:
            heavy.append(f"{page}: {over}")
    assert heavy == []


def weigh(app: Flask, stop: Stop, sizes: dict[str, int]) -> dict[str, int]:
    """Bytes, compressed, of a page and what it asks for; and how many requests that takes.

    sizes: of files, by address.
    """

    def size(address: str) -> int:
        if address not in sizes:
            answer = app.test_client().get(address, buffered=True)
            assert answer.status_code == 200, address
            sizes[address] = len(gzip.compress(answer.data))
        return sizes[address]

    root = stop.root
    style = "".join(root.xpath("//style/text()"))
    found = {
        "css": [str(a) for a in root.xpath("//link[@rel='stylesheet']/@href")],
        "js": [str(a) for a in root.xpath("//script/@src")],
        "more": [
            str(a)
            for a in root.xpath("//link[@rel='icon' or @rel='preload']/@href | //img/@src | //iframe/@src")
            if not str(a).startswith("data:")
        ],
    }
    weights = {what: sum(map(size, addresses)) for what, addresses in found.items()}
    weights["html"] = len(gzip.compress(stop.body))
    weights["all"] = sum(weights.values())
    if stop.audience != "staff":  # the core style sheet stands in the page, or beside it
        weights["css"] += len(gzip.compress(style.encode())) if style else 0
    return weights | {"requests": 1 + sum(map(len, found.values()))}
