"""A reviewer without a mouse: eight applications of four criteria, counted in keys and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from fundapp.persistence.panel import Assignment
from fundapp.persistence.register import School
from tests.support.cases import Cases
from tests.support.probe import inspect
from tests.support.review import sent
from tests.support.web import NOON, Cast, sign_in_browser, writing

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Frame, Page

pytestmark = pytest.mark.browser

EIGHT = 8
CRITERIA = 4


@dataclass
class Keyboard:
    """Presses keys and counts them. pages: how many were loaded; keys: what was pressed, without text."""

    page: Page
    pages: int = 0
    keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("framenavigated", self._loaded)

    def _loaded(self, frame: Frame) -> None:
        self.pages += frame == self.page.main_frame

    def press(self, *keys: str) -> None:
        """Press these keys, one after the other."""
        for key in keys:
            self.keys.append(key)
            self.page.keyboard.press(key)

    def go_on(self, key: str) -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation():
            self.press(key)

    def reset(self) -> None:
        """Count anew."""
        self.pages = 0
        self.keys.clear()


@pytest.fixture
def given(app: Flask, cast: Cast) -> list[str]:
    """Eight applications that the adviser is to read."""
    with writing(app) as session:
        made = Cases(session)
        tranche, school = made.tranche(), session.get_one(School, "99AA00")
        refs = []
        for number in range(EIGHT):
            one = sent(made, tranche, school, state="under_review")
            due = NOON + timedelta(days=7 + number)
            session.add(
                Assignment(
                    application_id=one.id,
                    person_id=cast.adviser.id,
                    assigned_by_id=cast.handler.id,
                    because={"nl": "", "en": ""},
                    at=NOON,
                    due_at=due,
                )
            )
            refs.append(one.ref)
    return refs


def focused(page: Page, selector: str) -> bool:
    """Whether what has the focus is this."""
    return bool(page.evaluate("(s) => document.activeElement.matches(s)", selector))


def tab_to(keyboard: Keyboard, selector: str) -> None:
    """Press Tab until this has the focus."""
    for _ in range(60):
        if focused(keyboard.page, selector):
            return
        keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}")


def test_eight_applications_by_keyboard(page: Page, live_server: str, app: Flask, cast: Cast, given: list[str]) -> None:
    """First one page about interests; then for each: four scores, a word, Ctrl+Enter, and the next one is there."""
    sign_in_browser(page, live_server, app, cast.adviser.email, "/lezen")
    keyboard = Keyboard(page)
    for ref in given:
        tab_to(keyboard, f"[name=interest-{ref}]")
        keyboard.press("Space")
    tab_to(keyboard, "form[action='/lezen/belangen'] button")
    keyboard.go_on("Enter")
    assert inspect(page) == []
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0) }")
    tab_to(keyboard, "p.start a")
    keyboard.go_on("Enter")

    keyboard.reset()
    for number, ref in enumerate(given):
        assert page.url.endswith(f"/beoordelen/{ref}/score"), "the next one in the order of the list"
        assert page.locator("[data-criterion]").count() == CRITERIA
        keyboard.press("4", "3", "5", "2")
        if number == 0:
            said = page.locator("[data-so-far]").inner_text()
            assert f"({CRITERIA}/{CRITERIA})" in said
        keyboard.go_on("Control+Enter")
    assert page.url.endswith("/lezen")
    assert keyboard.pages <= EIGHT
    assert len(keyboard.keys) <= 5 * EIGHT
    with writing(app) as session:
        query = "SELECT count(*) FROM review WHERE sent_at IS NOT NULL AND score IS NOT NULL"
        assert session.execute(text(query)).scalar() == EIGHT


def test_keys_do_nothing_in_text_and_can_be_turned_off(
    page: Page, live_server: str, app: Flask, cast: Cast, given: list[str]
) -> None:
    with writing(app) as session:
        session.execute(
            text("""INSERT INTO interest_declaration (application_id, person_id, interested, at)
                    SELECT application_id, person_id, false, at FROM assignment""")
        )
    sign_in_browser(page, live_server, app, cast.adviser.email, f"/beoordelen/{given[1]}/score")
    keyboard = Keyboard(page)
    page.locator("[name=remark]").focus()
    keyboard.press("4", "j", "?")
    assert page.input_value("[name=remark]") == "4j?"
    assert page.locator("input[type=radio]:checked").count() == 0
    page.evaluate("() => document.activeElement.blur()")
    keyboard.press("4")
    assert page.locator("input[type=radio]:checked").count() == 1
    keyboard.press("?")
    assert page.locator("details.keys").get_attribute("open") is not None
    keyboard.go_on("k")
    assert page.url.endswith(f"/beoordelen/{given[0]}/score")
    keyboard.go_on("j")
    assert page.url.endswith(f"/beoordelen/{given[1]}/score")

    page.goto(f"{live_server}/profiel")
    assert inspect(page) == []
    tab_to(keyboard, "button[name=single_keys]")
    keyboard.go_on("Enter")
    page.goto(f"{live_server}/beoordelen/{given[1]}/score")
    keyboard.press("4", "j")
    assert page.locator("input[type=radio]:checked").count() == 0
    assert page.url.endswith(f"/beoordelen/{given[1]}/score")
    page.locator("input[type=radio]").first.focus()
    for criterion in range(CRITERIA):
        tab_to(keyboard, f"[data-criterion]:nth-of-type({criterion + 1}) input[type=radio]")
        keyboard.press("Space")
    keyboard.go_on("Control+Enter")
    with writing(app) as session:
        assert session.execute(text("SELECT count(*) FROM review WHERE sent_at IS NOT NULL")).scalar() == 1
