"""The public pages as a visitor meets them: small and large, light and dark, without JavaScript, by keyboard."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Response
from werkzeug.serving import make_server

from tests.support.probe import probe
from tests.web.test_public import FITS, asked, told

pytestmark = pytest.mark.browser
__all__ = ["told"]

PAGES = (
    "/",
    "/fondsen/stimuleringsregeling-po",
    "/fondsen/innovatiefonds",
    "/check/PO-T3",
    "/check/PO-T3?region=ja&toon-uitslag=1",
    "/check/PO-T1",
    asked(FITS),
    asked(FITS | {"vo_partner": None, "not_started": True}),
    "/resultaten",
    "/resultaten?fonds=innovatiefonds",
    "/resultaten/PO-T1-01",
)


@pytest.fixture(scope="module")
def site(told: Flask) -> Iterator[str]:
    """The address of a real server with the worked case."""
    server = make_server("127.0.0.1", 0, told, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("path", PAGES)
def test_every_public_page_passes_the_probe(page: Page, site: str, path: str) -> None:
    assert probe(page, site + path) == []


@pytest.mark.parametrize("path", ["/", "/resultaten"])
def test_an_empty_product_passes_too(page: Page, live_server: str, path: str) -> None:
    assert probe(page, live_server + path) == []


@pytest.mark.parametrize("path", ["/", "/fondsen/innovatiefonds", "/resultaten"])
def test_a_first_visit_costs_four_requests_and_forty_kilobytes_at_most(page: Page, site: str, path: str) -> None:
    answers: list[Response] = []
    complaints: list[str] = []
    page.on("response", lambda answer: answers.append(answer))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(site + path, wait_until="networkidle")
    assert len(answers) <= 4, [answer.url for answer in answers]
    assert all(answer.url.startswith(site) for answer in answers)
    assert sum(len(gzip.compress(answer.body())) for answer in answers) <= 40 * 1024
    assert page.context.cookies() == []
    assert complaints == []  # the policy lets the style through


def test_the_way_from_home_to_an_application_works_without_javascript(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="nl-NL")
    page = context.new_page()
    page.goto(site)
    page.get_by_role("link", name=re.compile(r"Bekijk of u kunt aanvragen\s+voor Stimuleringsregeling PO")).click()
    page.get_by_role("link", name="Doe de check (2 minuten)").first.click()
    for code, answer in FITS.items():
        page.locator(f"input[name={code}][value={'ja' if answer else 'nee'}] + label").click()
    page.get_by_role("button", name="Bekijk de uitslag").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Uw plan past"
    start = page.get_by_role("link", name="Aanvraag beginnen").get_attribute("href")
    page.get_by_role("link", name="Uw antwoorden aanpassen").click()
    assert page.locator("input:checked").count() == len(FITS)
    context.close()
    assert start is not None
    assert start.startswith("/aanvragen/nieuw?check=")


def test_a_forgotten_answer_is_one_link_away(page: Page, site: str) -> None:
    page.goto(f"{site}/check/PO-T3")
    page.locator("input[name=region][value=ja]").check(force=True)
    page.get_by_role("button", name="Bekijk de uitslag").click()
    assert page.title().startswith("Fout: ")
    assert page.evaluate("() => document.activeElement.className") == "error-summary"
    page.get_by_role("alert").get_by_role("link").first.click()
    assert page.evaluate("() => document.activeElement.id") == "school_type"
    assert page.locator("input:checked").count() == 1
