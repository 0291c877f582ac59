"""The pages of a school as its people see them: in a real browser, on a phone and a desk, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.probe import probe
from tests.support.school import PAGES, begin, complete, open_round, save
from tests.support.web import Cast, Clock, post, sign_in, sign_in_browser
from tests.web.test_reporting import ACCOUNTS, PATH, REF, awarded_case, saved_at

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Page

WRITING = (
    "",
    *(f"/taak/{section}" for section in (*PAGES, "documents")),
    *(f"/taak/{section}?van=controle" for section in ("project", "budget", "documents", "signing")),
    "/controle",
)
AFTER = ("", "/taak/project", "/ingestuurd", "/antwoorden", "/brieven/1", "/verantwoording", "/wijziging")


def test_writing(page: Page, live_server: str, app: Flask, cast: Cast, client: FlaskClient) -> None:
    """Every task, empty and filled in, and the check."""
    open_round(app, cast)
    sign_in_browser(page, live_server, app, cast.anna.email)
    assert probe(page, f"{live_server}/aanvragen/nieuw") == []
    sign_in(client, cast.anna.email)
    ref = begin(client, "PO-T9")
    found = []
    for path in WRITING:
        found += probe(page, f"{live_server}/aanvragen/{ref}{path}")
    complete(client, ref)
    save(client, ref, "co_financing", PAGES["co_financing"] | {"shares-1-amount": "1,00"})
    for path in (*WRITING, "/../"):
        found += probe(page, f"{live_server}/aanvragen/{ref}{path}")
    assert found == []


def test_a_mistake_brings_the_reader_to_the_list(page: Page, live_server: str, app: Flask, cast: Cast) -> None:
    """Without a mouse: type, press Enter, land on the list of mistakes, follow it to the field."""
    open_round(app, cast)
    sign_in_browser(page, live_server, app, cast.anna.email, "/aanvragen/nieuw")
    page.get_by_role("button", name="Begin deze aanvraag").click()
    page.goto(f"{page.url}/taak/budget")
    page.fill("[name=lines-1-description]", "Robots")
    page.fill("[name=lines-1-price]", "12oo")
    page.press("[name=lines-1-price]", "Enter")
    assert page.title().startswith("Fout:")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.locator(".error-summary a").first.click()
    assert page.evaluate("document.activeElement.name") == "lines-1-price"
    assert page.input_value("[name=lines-1-price]") == "12oo"


def test_after_the_award(page: Page, live_server: str, app: Flask, cast: Cast, clock: Clock) -> None:
    """The story, the letter, the accounts and the change."""
    client = awarded_case(app, cast, clock)
    sign_in_browser(page, live_server, app, cast.anna.email)
    found = []
    for path in AFTER:
        found += probe(page, f"{live_server}/aanvragen/{REF}{path}")
    post(client, PATH, ACCOUNTS | {"saved_at": saved_at(client)})
    found += probe(page, f"{live_server}{PATH}/controle")
    assert found == []
