"""How much a first application asks of a school: pages, clicks and fields, counted in a real browser.

With and without JavaScript, on a phone and on a desk, for both funds, on one server. A page is a document that the
browser loads; a click is on a link or a button; a field is what must be filled in to apply, between signing in and
sending. What was said in the check is not asked again, so it is not a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.school import PDF, open_round
from tests.support.web import Cast, Clock, kept_templates, mailed, make_cast, writing

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from playwright.sync_api import Browser, Page

WIDTHS = (360, 1280)
LETTER: Any = {"name": "brief.pdf", "mimeType": "application/pdf", "buffer": PDF}


@dataclass
class Site:
    """The product, running; schrijver.0 and on write for schools of their own, from 10 on for secondary ones."""

    app: Flask
    address: str


@pytest.fixture(scope="module")
def site(database_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all journeys."""
    import threading

    from werkzeug.serving import make_server

    from config import Settings
    from fundapp.web.app import create_app
    from fundapp.web.session import db

    url, local = database_server.new(), tmp_path_factory.mktemp("local")
    app = _app(create_app, Settings, url, local)
    _people(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join(10)
    server.server_close()
    with app.app_context():
        db.engine.dispose()
    database_server.drop(url)


def _app(create_app: Any, settings: Any, url: str, local: Path) -> Flask:
    environ = {
        "DATABASE_URL": url,
        "FUNDAPP_LOCAL": str(local),
        "SECRET_KEY": "a secret for tests only, long enough",
        "BASE_URL": "http://localhost",
    }
    app: Flask = create_app(settings.from_env(environ), clock=Clock(), wake=lambda: None)
    app.testing = True
    app.jinja_env.bytecode_cache = kept_templates()
    return app


def _people(app: Flask) -> None:
    """The rounds of both funds, and a school with somebody who writes for it for each journey."""
    from fundapp.domain.people import Capacity
    from fundapp.persistence.people import Membership
    from tests.support.cases import NOW, Cases

    with writing(app) as session:
        cast: Cast = make_cast(session)
    open_round(app, cast, "PO-T9")
    open_round(app, cast, "IF-T9", of="innovatiefonds")
    with writing(app) as session:
        cases = Cases(session)
        for number in range(20):
            code, board = f"99C{chr(65 + number)}00", f"997{number:02d}"
            school = cases.school(code, f"School {number}", board=board)
            school.level = "po" if number < 10 else "vo"
            person = cases.person(f"Schrijver {number}")
            session.add(
                Membership(
                    person_id=person.id,
                    board_number=board,
                    school_code=code,
                    capacity=str(Capacity.DRAFTER),
                    since=NOW,
                )
            )


class Applicant:
    """Somebody who applies, and is counted."""

    def __init__(self, page: Page, site: Site, email: str) -> None:
        self.page, self.site, self.email = page, site, email
        self.pages = self.clicks = self.fields = 0
        page.on("response", self._loaded)

    def _loaded(self, answer: Any) -> None:
        if answer.request.is_navigation_request() and not 300 <= answer.status < 400:
            assert answer.status == 200, (answer.status, answer.url)
            self.pages += 1

    def press(self, name: str) -> None:
        """Press a button or follow a link, and read the page that follows."""
        button = self.page.get_by_role("button", name=name)
        target = button if button.count() else self.page.get_by_role("link", name=name)
        self.clicks += 1
        assert target.count(), (name, self.page.url, self.page.locator("main").inner_text())
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            target.first.click()
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), self.page.url

    def fill(self, **typed: str) -> None:
        """Type in fields, by name (two underscores are a hyphen, one digit between them a row)."""
        for name, value in typed.items():
            self.page.locator(f'[name="{name.replace("__", "-").replace("_dot_", ".")}"]').fill(value)
            self.fields += 1

    def choose(self, *, counted: bool = True, **answers: str) -> None:
        """Press the words of an answer."""
        for name, value in answers.items():
            self.page.locator(f'input[name="{name.replace("__", "-")}"][value="{value}"] + label').click()
            self.fields += counted

    def attach(self, name: str) -> None:
        """Choose a file."""
        with_script = self.page.evaluate("document.querySelector('[data-upload]') !== null") and self.scripted
        self.page.locator(f'input[type=file][name="{name}"]').set_input_files(LETTER)
        if with_script:
            self.page.get_by_text("staat bij uw aanvraag").first.wait_for(state="attached")
        self.fields += 1

    scripted = True


def sign_in(one: Applicant) -> None:
    """With the code of the mail."""
    one.page.locator("input[name=email]").fill(one.email)
    one.press("Stuur mij een code")
    one.page.locator("input[name=code]").fill(mailed(one.site.app, one.email, "sign_in_code")["code"])
    one.press("Inloggen")


def find_out(one: Applicant, fund: str, answers: dict[str, str]) -> None:
    """From the front page through the check, to the page that begins an application."""
    one.page.goto(one.site.address)
    one.press(f"Bekijk of u kunt aanvragen voor {fund}")
    one.press("Doe de check (2 minuten)")
    one.choose(counted=False, **answers)
    one.press("Bekijk de uitslag")
    one.press("Aanvraag beginnen")
    sign_in(one)
    one.press("Begin deze aanvraag")
    one.press("Verder met: Uw project")


def finish(one: Applicant, document: str) -> None:
    """Documents, who signs, the check, and send."""
    one.attach(document)
    one.press("Opslaan en verder")
    one.choose(signer__1__role="school_leader")
    one.fill(signer__1__name="Lea Directeur", signer__1__email="lea@school.example.org")
    one.press("Opslaan en verder")
    one.press("Aanvraag insturen")
    assert one.page.get_by_text("Wij hebben uw aanvraag ontvangen").count() == 1


PO_CHECK = dict.fromkeys(("school_type", "region", "co_financing", "vo_partner", "technology_subject"), "ja") | {
    "once_per_round": "nee",
    "not_started": "nee",
}
IF_CHECK = dict.fromkeys(
    ("school_type", "region", "maximum", "co_financing", "outside_partner", "innovation", "sharing"), "ja"
)


def primary(one: Applicant) -> None:
    """A first application to the fund for primary education."""
    find_out(one, "Stimuleringsregeling PO", PO_CHECK)
    one.fill(title="Robots", summary="Wij bouwen robots.", starts_on="1-9-2025", ends_on="30-6-2026", pupils="60")
    one.press("Opslaan en verder")
    one.fill(goals="Elke leerling bouwt een robot.")
    one.choose(lasting="yes")
    one.fill(lasting_how="Het staat in het schoolplan.")
    one.press("Opslaan en verder")
    one.fill(partners__1__name="Delta College", cooperation="Twee docenten geven les.")
    one.press("Opslaan en verder")
    one.fill(lines__1__description="Robots", lines__1__price="3.900,00", requested="3.120,00")
    one.choose(other_funding="no")
    one.press("Opslaan en verder")
    one.fill(shares__1__amount="780,00")
    one.choose(partners_pay="no")
    one.press("Opslaan en verder")
    finish(one, "partner_letter")


def innovation(one: Applicant) -> None:
    """A first application to the innovation fund."""
    find_out(one, "Innovatiefonds", IF_CHECK)
    one.fill(title="VR", summary="Wij lassen in VR.", starts_on="1-2-2026", ends_on="30-6-2027", pupils="60")
    one.choose(theme="equipment")
    one.press("Opslaan en verder")
    one.fill(new_what="Lassen in VR.", goals="Elke leerling last.", share_how="Elk half jaar een middag.")
    one.fill(planning_dot_0_dot_activity="Lassen", planning_dot_0_dot_period="najaar", planning_dot_0_dot_who="Wij")
    one.press("Opslaan en verder")
    one.page.select_option("[name=partners-1-kind]", "company")
    one.fill(partners__1__name="Las BV", cooperation="Zij geven gastlessen.")
    one.fields += 1
    one.press("Opslaan en verder")
    one.fill(lines__1__description="VR-brillen", lines__1__price="20.000,00", requested="18.000,00")
    one.choose(buys_equipment="no", already_ordered="no", other_funding="no")
    one.press("Opslaan en verder")
    one.fill(shares__1__amount="2.000,00")
    one.press("Opslaan en verder")
    finish(one, "partner_letter")


@dataclass(frozen=True)
class Bar:
    """At most so many."""

    pages: int
    clicks: int
    fields: int


JOURNEYS = {"primary": (primary, Bar(17, 22, 20), 0), "innovation": (innovation, Bar(18, 22, 32), 10)}
"""Journey, bar, and the first school that plays it. Both funds have seven tasks, one page each."""


@pytest.mark.parametrize(
    ("fund", "script", "width"),
    [
        (fund, script, WIDTHS[(place + script) % 2])  # each pair of fund, script and width occurs once
        for place, fund in enumerate(JOURNEYS)
        for script in (True, False)
    ],
)
def test_a_first_application_stays_within_its_bars(
    browser: Browser, site: Site, fund: str, script: bool, width: int
) -> None:
    journey, bar, first = JOURNEYS[fund]
    number = first + 2 * script + WIDTHS.index(width)
    context = browser.new_context(java_script_enabled=script, locale="nl-NL", viewport={"width": width, "height": 800})
    context.set_default_timeout(20_000)
    one = Applicant(context.new_page(), site, f"schrijver.{number}@example.org")
    one.scripted = script
    journey(one)
    found = Bar(one.pages, one.clicks, one.fields)
    context.close()
    assert found.pages <= bar.pages, found
    assert found.clicks <= bar.clicks, found
    assert found.fields <= bar.fields, found


def test_a_school_that_returns_types_nothing_twice(browser: Browser, site: Site) -> None:
    """What an earlier application said is ticked, not typed; new are the letter and who signs this time."""
    context = browser.new_context(java_script_enabled=False, locale="nl-NL", viewport={"width": 360, "height": 800})
    context.set_default_timeout(20_000)
    first = Applicant(context.new_page(), site, "schrijver.6@example.org")
    first.scripted = False
    primary(first)
    context.clear_cookies()
    again = Applicant(context.new_page(), site, first.email)
    again.scripted = False
    again.page.goto(site.address)
    again.press("Inloggen")
    sign_in(again)
    again.press("Begin een aanvraag")
    again.press("Begin deze aanvraag")
    for box in again.page.locator("input[name=pagina]").all():
        again.page.locator(f"label[for='{box.get_attribute('id')}']").click()
    again.press("Overnemen wat ik koos")
    again.press("Verder met: Bijlagen")
    finish(again, "partner_letter")
    context.close()
    assert again.pages <= 13, again.pages
    assert again.fields == 4, "the letter, and the role, name and address of who signs"
