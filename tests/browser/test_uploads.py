"""Files in a real browser: how far they are, stop, try again, and on from where a connection broke."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, Request, Route, expect
from sqlalchemy import select

from fundapp.persistence.application import Attachment, StoredDocument
from tests.support.probe import inspect, probe
from tests.support.school import PAGES, begin, open_round, save
from tests.support.web import Cast, sign_in, sign_in_browser, writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

pytestmark = pytest.mark.browser

REF = "PO-T9-01"
PAGE = f"/aanvragen/{REF}/taak/documents"
LARGE = b"%PDF-1.4\n" + random.Random(7).randbytes(600_000)
"""Some ten pieces, at the size that the first ones have."""


def file(name: str, content: bytes = LARGE) -> dict[str, Any]:
    """A file to choose."""
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


@pytest.fixture
def letters(page: Page, live_server: str, app: Flask, cast: Cast, client: FlaskClient) -> Iterator[Page]:
    """The page for documents of a draft, with everything else filled in."""
    open_round(app, cast)
    sign_in(client, cast.anna.email)
    begin(client, "PO-T9")
    for section, data in PAGES.items():
        save(client, REF, section, data)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in_browser(page, live_server, app, cast.anna.email, PAGE)
    page.goto(f"{live_server}{PAGE}")
    page.set_default_timeout(15_000)
    page.evaluate("() => addEventListener('beforeunload', (e) => e.stopImmediatePropagation(), true)")
    yield page
    assert complaints == []


def place(page: Page) -> Any:
    return page.locator("[data-slot=partner_letter]")


def choose(page: Page, *files: dict[str, Any]) -> None:
    place(page).locator("input[type=file]").set_input_files(list(files))


def stored(app: Flask) -> list[tuple[str, int]]:
    with writing(app) as session:
        query = select(Attachment.file_name, StoredDocument.size).join(StoredDocument).order_by(Attachment.file_name)
        return [(row.file_name, row.size) for row in session.execute(query)]


def is_piece(request: Request) -> bool:
    return request.method == "PUT"


def test_files_are_sent_by_themselves_and_said(letters: Page, app: Flask) -> None:
    seen: list[str] = []
    letters.expose_function("note", lambda text: seen.append(text))
    letters.evaluate(
        """() => new MutationObserver(() => {
          const state = document.querySelector("[data-queue] [data-state]");
          if (state) note(state.textContent);
        }).observe(document.querySelector("[data-queue]"), {childList: true, subtree: true, characterData: true})"""
    )
    choose(letters, file("een.pdf"), file("twee.pdf", LARGE[:-1]))
    expect(place(letters).locator("[data-files] a")).to_have_count(2)  # in the order in which they arrived
    expect(letters.locator("[data-queue] li")).to_have_count(0)
    expect(letters.locator("[data-upload-said]")).to_have_text(re.compile(r"Klaar: \w+\.pdf staat bij uw aanvraag\."))
    percents = [int(found[1]) for text in seen if (found := re.fullmatch(r"(\d+)% verstuurd", text))]
    assert len(set(percents)) >= 3, seen
    assert stored(app) == [("een.pdf", len(LARGE)), ("twee.pdf", len(LARGE) - 1)]
    letters.get_by_role("button", name="Opslaan", exact=True).click()
    expect(letters.get_by_text("Opgeslagen om")).to_be_visible()
    assert len(stored(app)) == 2, "the form does not send them again"


def test_a_break_at_sixty_percent_goes_on_and_the_others_do_too(letters: Page, app: Flask) -> None:
    """The connection breaks during one file; the other arrives; the first goes on from where it was."""
    sent: list[int] = []
    broken = True

    def half(route: Route) -> None:
        start = int(route.request.url.rpartition("=")[2])
        if broken and start > 0.6 * len(LARGE) and route.request.url.startswith(str(first["url"])):
            route.abort("connectionreset")
        else:
            sent.append(start)
            route.continue_()

    def note(request: Request) -> None:
        if is_piece(request):
            first.setdefault("url", request.url.partition("?")[0])

    first: dict[str, str] = {}
    letters.on("request", note)
    letters.route("**/uploads/*", lambda route: half(route) if is_piece(route.request) else route.continue_())
    choose(letters, file("offerte.pdf"))
    row = letters.locator("[data-queue] li").filter(has_text="offerte.pdf")
    expect(row).to_contain_text("Geen verbinding. Wij gaan vanzelf verder waar het stopte.")
    choose(letters, file("brief.pdf", b"%PDF-1.4 kort"))
    expect(place(letters).locator("[data-files] a")).to_have_text(["brief.pdf"])
    expect(row).to_be_visible()
    broken = False
    before = len(sent)
    row.get_by_role("button", name="Probeer opnieuw").click()
    expect(place(letters).locator("[data-files] a")).to_have_text(["brief.pdf", "offerte.pdf"])
    assert min(sent[before:]) > 0.6 * len(LARGE), "what had arrived was not sent again"
    assert ("offerte.pdf", len(LARGE)) in stored(app)


def test_after_closing_the_page_the_same_file_goes_on(letters: Page, app: Flask, tmp_path: Path) -> None:
    """The page is gone, the file on the disk is not: chosen again, it goes on."""
    offer = tmp_path / "offerte.pdf"
    offer.write_bytes(LARGE)
    sent: list[int] = []

    def note(request: Request) -> None:
        if is_piece(request):
            sent.append(int(request.url.rpartition("=")[2]))

    letters.route(
        "**/uploads/*", lambda route: route.abort() if "from=196608" in route.request.url else route.continue_()
    )
    place(letters).locator("input[type=file]").set_input_files(offer)
    expect(letters.locator("[data-queue] li")).to_contain_text("Geen verbinding")
    letters.unroute("**/uploads/*")
    letters.reload()
    expect(place(letters)).to_contain_text("Nog niet klaar: offerte.pdf, 32% verstuurd.")
    letters.on("request", note)
    place(letters).locator("input[type=file]").set_input_files(offer)
    expect(place(letters).locator("[data-files] a")).to_have_text(["offerte.pdf"])
    expect(place(letters)).not_to_contain_text("Nog niet klaar")
    assert min(sent) == 196608, "what had arrived was not sent again"
    assert stored(app) == [("offerte.pdf", len(LARGE))]


def test_offline_is_told_and_passes(letters: Page, app: Flask) -> None:
    letters.context.set_offline(True)
    choose(letters, file("offerte.pdf"))
    expect(letters.locator("[data-queue] li")).to_contain_text("Geen verbinding")
    letters.context.set_offline(False)
    expect(place(letters).locator("[data-files] a")).to_have_text(["offerte.pdf"])


def test_stop_and_what_cannot_be_sent(letters: Page, app: Flask) -> None:
    letters.route("**/uploads/*", lambda route: route.abort() if is_piece(route.request) else route.continue_())
    choose(
        letters,
        file("offerte.pdf"),
        file("leeg.pdf", b""),
        file("groot.pdf", b"%PDF" + b"0" * 10 * 1024 * 1024),
    )
    rows = letters.locator("[data-queue] li")
    expect(rows.filter(has_text="leeg.pdf")).to_contain_text("Dit bestand is leeg.")
    expect(rows.filter(has_text="groot.pdf")).to_contain_text("Dit bestand is 10,1 MB. Het mag hoogstens 10 MB zijn.")
    expect(rows.filter(has_text="offerte.pdf")).to_contain_text("Geen verbinding")
    letters.get_by_role("button", name="Opslaan en verder").click()
    expect(rows.filter(has_text="offerte.pdf")).to_contain_text("Er wordt nog een bestand verstuurd.")
    assert letters.url.endswith(PAGE)
    rows.filter(has_text="offerte.pdf").get_by_role("button", name="Stop").click()
    expect(letters.locator("[data-upload-said]")).to_have_text("Gestopt: offerte.pdf is niet verstuurd.")
    for name in ("leeg.pdf", "groot.pdf"):
        rows.filter(has_text=name).get_by_role("button", name="Weghalen").click()
    expect(rows).to_have_count(0)
    letters.reload()
    expect(place(letters)).not_to_contain_text("Nog niet klaar")
    assert stored(app) == []


def test_what_the_server_refuses_is_told_at_its_file(letters: Page, app: Flask) -> None:
    choose(letters, file("virus.exe", b"MZ not a letter"), file("brief.pdf", b"%PDF-1.4 kort"))
    row = letters.locator("[data-queue] li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Het bestand “virus.exe” kunnen wij niet lezen.")
    expect(row.get_by_role("button", name="Probeer opnieuw")).to_be_hidden()
    assert stored(app) == [("brief.pdf", 13)]


def test_signed_out_on_the_way_is_told(letters: Page) -> None:
    letters.context.clear_cookies()
    choose(letters, file("offerte.pdf"))
    expect(letters.locator("[data-queue] li")).to_contain_text("U bent uitgelogd.")


def test_the_page_is_right_with_files_on_their_way(letters: Page, live_server: str) -> None:
    letters.route("**/uploads/*", lambda route: route.abort() if is_piece(route.request) else route.continue_())
    choose(letters, file("Een heel lange naam van een offerte voor robotpakketten.pdf"), file("leeg.pdf", b""))
    expect(letters.locator("[data-queue] li")).to_have_count(2)
    found = []
    for width, scheme in ((320, "light"), (1280, "dark")):
        letters.set_viewport_size({"width": width, "height": 800})
        letters.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
        letters.wait_for_timeout(300)  # colours change gradually
        found += inspect(letters)
    assert found == []
    letters.reload()
    assert probe(letters, letters.url) == []
