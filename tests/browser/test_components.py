"""The components as a person meets them: in a real browser, small and large, light and dark, by keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route
from werkzeug.serving import make_server

from tests.support.gallery import PAGES, create_gallery
from tests.support.probe import inspect, probe

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_gallery(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_the_gallery_passes_the_probe(page: Page, gallery: str, path: str) -> None:
    assert probe(page, gallery + path) == []


def test_the_probe_sees_a_bar_that_hides_the_focus_and_a_page_that_is_too_wide(page: Page, gallery: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(gallery + "/form")
    page.evaluate(
        """() => {
          const bar = document.body.appendChild(document.createElement("div"));
          Object.assign(bar.style, {position: "fixed", inset: "0", background: "white"});
          const wide = document.querySelector("main").appendChild(document.createElement("p"));
          wide.textContent = "wide";
          Object.assign(wide.style, {width: "900px", maxWidth: "none"});
        }"""
    )
    found = " ".join(inspect(page))
    assert "focus hidden: title" in found
    assert "page scrolls sideways" in found


def test_after_a_mistake_the_focus_is_on_the_summary_and_its_link_goes_to_the_field(page: Page, gallery: str) -> None:
    page.goto(gallery + "/form?fouten=1")
    assert page.title().startswith("Fout: ")
    assert page.evaluate("() => document.activeElement.className") == "error-summary"
    page.get_by_role("alert").get_by_role("link").nth(1).click()
    assert page.evaluate("() => document.activeElement.id") == "amount"


def test_the_skip_link_is_the_first_stop_and_leads_past_the_menu(page: Page, gallery: str) -> None:
    page.goto(gallery + "/school")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_a_double_click_sends_once_and_no_button_is_ever_disabled(page: Page, gallery: str) -> None:
    sent: list[str] = []
    page.goto(gallery + "/form")

    def note(route: Route) -> None:
        sent.append(route.request.url)
        route.abort()

    page.route("**/gallery/form", note)
    page.evaluate("() => { const f = document.querySelector('main form'); f.requestSubmit(); f.requestSubmit(); }")
    page.wait_for_timeout(300)
    assert len(sent) == 1
    assert page.locator("[disabled]").count() == 0


def test_letters_stay_light_in_the_dark(page: Page, gallery: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(gallery + "/school")
    assert page.locator(".letter").evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(16, 25, 28)"


def test_a_public_page_carries_its_style_and_the_policy_lets_it(page: Page, gallery: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(gallery + "/public")
    assert page.locator("link[rel=stylesheet]").count() == 0
    assert page.locator(".band").evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(246, 244, 239)"


def test_nothing_breaks_in_forced_colours(page: Page, gallery: str) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(gallery + "/staff")
    assert inspect(page) == []
