"""What a school types is never lost: what only a real browser shows; the rest is in tests/web/test_never_lost.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.probe import inspect
from tests.support.school import PAGES, begin, open_round, save
from tests.support.web import Cast, sign_in, sign_in_browser

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

SAVED = "[data-save-state][data-kind=saved]"


@pytest.fixture
def ref(page: Page, live_server: str, app: Flask, cast: Cast, client: FlaskClient) -> str:
    """The reference of a draft of Anna, whose browser is signed in."""
    open_round(app, cast)
    sign_in(client, cast.anna.email)
    sign_in_browser(page, live_server, app, cast.anna.email)
    return begin(client, "PO-T9")


def task(live_server: str, ref: str, section: str) -> str:
    return f"{live_server}/aanvragen/{ref}/taak/{section}"


def test_typing_saves_by_itself(page: Page, live_server: str, ref: str) -> None:
    """No button pressed; the browser is thrown away; the text is there in another one."""
    page.goto(task(live_server, ref, "project"))
    page.locator("[name=title]").press_sequentially("Robots in groep 7")
    page.wait_for_selector(SAVED)
    assert "Opgeslagen om 12.00 uur" in page.inner_text("[data-save-state]")
    again = page.context.new_page()
    page.close(run_before_unload=False)
    again.goto(task(live_server, ref, "project"))
    assert again.input_value("[name=title]") == "Robots in groep 7"


def test_the_button_after_a_save_by_itself_is_no_conflict(page: Page, live_server: str, ref: str) -> None:
    page.goto(task(live_server, ref, "project"))
    page.fill("[name=title]", "Een")
    page.wait_for_selector(SAVED)
    page.fill("[name=title]", "Twee")
    page.get_by_role("button", name="Opslaan en verder").click()
    page.wait_for_url("**/taak/plan")


def test_the_button_waits_for_a_save_under_way(page: Page, live_server: str, ref: str) -> None:
    """The answer of a slow save brings the version that the button must send."""
    page.goto(task(live_server, ref, "project"))

    def slowly(route: Route) -> None:
        answer = route.fetch()
        page.wait_for_timeout(400)
        route.fulfill(response=answer)

    page.route("**/taak/project", slowly, times=1)
    page.fill("[name=title]", "Traag")
    page.wait_for_selector("[data-save-state][data-kind=saving]")
    page.fill("[name=title]", "Traag en verder")
    page.get_by_role("button", name="Opslaan en verder").click()
    page.wait_for_url("**/taak/plan")
    page.goto(task(live_server, ref, "project"))
    assert page.input_value("[name=title]") == "Traag en verder"


def test_totals_follow_what_is_typed(page: Page, live_server: str, ref: str) -> None:
    page.goto(task(live_server, ref, "budget"))
    page.fill("[name=lines-1-description]", "Robots")
    page.fill("[name=lines-1-price]", "1.200,00")
    page.wait_for_selector(SAVED)
    assert "€\xa01.200,00" in page.inner_text("[data-live]")
    page.fill("[name=lines-1-price]", "12oo")
    page.wait_for_selector("[data-save-state]:has-text('Er klopt nog 1 ding niet')")
    assert page.input_value("[name=lines-1-price]") == "12oo"


def test_offline_says_so_and_saves_afterwards(page: Page, live_server: str, ref: str) -> None:
    page.goto(task(live_server, ref, "project"))
    page.context.set_offline(True)
    page.fill("[name=title]", "Zonder internet")
    page.wait_for_selector("[data-save-state][data-kind=offline]")
    assert "Uw invoer staat nog op dit scherm" in page.inner_text("[data-save-state]")
    page.context.set_offline(False)
    page.wait_for_selector(SAVED)
    page.reload()
    assert page.input_value("[name=title]") == "Zonder internet"


def test_a_broken_server_keeps_the_text_and_is_asked_again(page: Page, live_server: str, ref: str) -> None:
    page.goto(task(live_server, ref, "project"))
    page.route("**/taak/project", lambda route: route.fulfill(status=500, body="stuk"), times=1)
    page.fill("[name=title]", "Toch bewaard")
    page.wait_for_selector("[data-save-state][data-kind=failed]")
    page.wait_for_selector(SAVED)


def test_what_the_server_never_got_comes_back_in_this_tab(page: Page, live_server: str, ref: str) -> None:
    """The page is left without internet, and opened again later."""
    page.goto(task(live_server, ref, "project"))
    page.context.set_offline(True)
    page.fill("[name=title]", "Net niet verstuurd")
    page.wait_for_selector("[data-save-state][data-kind=offline]")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(task(live_server, ref, "project"))
    assert page.input_value("[name=title]") == "Net niet verstuurd"
    page.wait_for_function("() => sessionStorage.length === 0")  # nothing stays behind on a shared computer
    page.reload()
    assert page.input_value("[name=title]") == "Net niet verstuurd", "the server has it"


def test_signing_out_leaves_nothing_behind(page: Page, live_server: str, ref: str) -> None:
    page.goto(task(live_server, ref, "project"))
    page.context.set_offline(True)
    page.fill("[name=title]", "Van mij alleen")
    page.wait_for_selector("[data-save-state][data-kind=offline]")
    assert page.evaluate("sessionStorage.length") == 1
    page.context.set_offline(False)
    page.get_by_role("button", name="Uitloggen").click()
    page.wait_for_load_state()
    assert page.evaluate("sessionStorage.length") == 0


def test_two_people_choose_per_field(page: Page, live_server: str, client: FlaskClient, ref: str) -> None:
    page.goto(task(live_server, ref, "project"))
    save(client, ref, "project", PAGES["project"])
    page.fill("[name=title]", "Mijn titel")
    page.wait_for_selector("[data-save-state][data-kind=stopped]")
    page.get_by_role("button", name="Opslaan en verder").click()
    assert "In het andere scherm staat nu:" in page.inner_text("main")
    assert inspect(page) == []
    for box in page.locator('input[name^="take-"]:not([name=take-title])').all():
        box.check()
    page.get_by_role("button", name="Opslaan en verder").click()
    page.wait_for_url("**/taak/plan")
    page.goto(task(live_server, ref, "project"))
    assert page.input_value("[name=title]") == "Mijn titel"
    assert page.input_value("[name=pupils]") == "60"


def test_without_script_the_buttons_do_it_all(
    browser: Browser, live_server: str, app: Flask, cast: Cast, ref: str
) -> None:
    context = browser.new_context(locale="nl-NL", java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in_browser(page, live_server, app, cast.anna.email)
    page.goto(task(live_server, ref, "project"))
    page.fill("[name=title]", "Zonder script")
    page.get_by_role("button", name="Opslaan en verder").click()
    page.wait_for_url("**/taak/plan")
    assert "Opgeslagen om" in page.inner_text("main")
    context.close()
