"""Somebody at a browser: reads pages, fills in forms by the words on them, and signs in with the code of the mail.

JavaScript is off, so what a visitor can do works without it. Words are those on the page; spaces of any kind count as
one. `part` is the legend of a group of fields, where several groups have the same labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_OPTIONAL = r"( \(niet verplicht\))?"


def plain(text: str) -> str:
    """A text with every kind of white space as one space."""
    return re.sub(r"\s+", " ", text.replace("\u00ad", "")).strip()


def _exactly(words: str) -> re.Pattern[str]:
    """These words and nothing more, however the page breaks them, and whether or not they must be answered."""
    return re.compile(r"^\s*" + r"\s+".join(re.escape(word) for word in words.split()) + _OPTIONAL + r"\s*$")


def _begins(words: str) -> re.Pattern[str]:
    return re.compile(r"^\s*" + r"\s+".join(re.escape(word) for word in words.split()) + r"(?!\w)")


class Visitor:
    """One person, in a browser window of their own.

    mailed: returns the text of the newest mail to this address whose subject begins with some words.
    """

    def __init__(self, browser: Browser, site: str, email: str = "", mailed: Callable[..., str] | None = None) -> None:
        self._context = browser.new_context(
            base_url=site, java_script_enabled=False, locale="nl-NL", timezone_id="Europe/Amsterdam"
        )
        self._context.set_default_timeout(15_000)
        self.page: Page = self._context.new_page()
        self.email = email
        self._mailed = mailed

    def leave(self) -> None:
        """Close the window."""
        self._context.close()

    # --- going somewhere ----------------------------------------------------------------------------------------------

    def open(self, path: str) -> Visitor:
        """Go to a page; sign in first where the page asks for it."""
        self._arrive(self.page.goto(path, wait_until="domcontentloaded"))
        if self.page.url.split("?")[0].endswith("/inloggen") and self.email:
            self._sign_in()
        return self

    def sign_in(self) -> Visitor:
        """Sign in, and stand where somebody who signs in begins."""
        return self.open("/inloggen")

    def _sign_in(self) -> None:
        assert self._mailed is not None
        before = self._mailed(self.email, "Uw inlogcode", wait=False)
        self.fill("Uw e-mailadres", self.email)
        self.press("Stuur mij een code")
        mail = self._mailed(self.email, "Uw inlogcode", unlike=before)
        found = re.search(r"\b\d{3} ?\d{3}\b", mail)
        assert found is not None, mail
        self.fill("Code uit de mail", found[0])
        self.press("Inloggen")
        assert "/inloggen" not in self.page.url, self.text

    def press(self, name: str, part: str = "", status: int = 200) -> Visitor:
        """Press a button and read the page that follows."""
        return self._go(self._one(self._in(part).get_by_role("button", name=_exactly(name))), status)

    def follow(self, name: str, part: str = "", status: int = 200) -> Visitor:
        """Follow the first link whose words begin so."""
        return self._go(self._in(part).get_by_role("link", name=_begins(name)).first, status)

    def act(self, name: str) -> Visitor:
        """Do what a case offers: its button, or the link to the page that asks first and then the button there."""
        link = self.page.get_by_role("link", name=_exactly(name))
        if link.count():
            self._go(self._one(link), 200)
        return self.press(name).see("Gelukt")

    def _go(self, what: Locator, status: int) -> Visitor:
        with self.page.expect_navigation(wait_until="domcontentloaded") as found:
            what.click()
        self._arrive(found.value, status)
        return self

    def _arrive(self, answer: Any, status: int = 200) -> None:
        assert answer is not None
        assert answer.status == status, f"{answer.status} {answer.url}: {self.text}"

    def download(self, name: str) -> bytes:
        """Follow a link that gives a file."""
        with self.page.expect_download() as found:
            self.page.get_by_role("link", name=_begins(name)).first.click()
        return Path(found.value.path()).read_bytes()

    # --- filling in ---------------------------------------------------------------------------------------------------

    def fill(self, label: str, value: str, part: str = "") -> Visitor:
        """Type in a field."""
        self._one(self._in(part).get_by_label(_exactly(label))).fill(value)
        return self

    def choose(self, question: str, *answers: str, part: str = "") -> Visitor:
        """Answer a question with buttons or boxes, by its legend: press the words beside them."""
        group = self._one(self._in(part).get_by_role("group", name=_exactly(question)))
        for answer in answers:
            group.locator("label").filter(has_text=_begins(answer)).first.click()
        return self

    def tick(self, label: str) -> Visitor:
        """Tick a box."""
        self._one(self.page.get_by_label(_exactly(label))).check()
        return self

    def pick(self, label: str, option: str, part: str = "") -> Visitor:
        """Pick from a list."""
        self._one(self._in(part).get_by_label(_exactly(label))).select_option(label=option)
        return self

    def attach(self, label: str, file: Path | dict[str, Any], part: str = "") -> Visitor:
        """Choose a file."""
        self._one(self._in(part).get_by_label(_exactly(label))).set_input_files(file)  # type: ignore[arg-type]  # FilePayload
        return self

    def unfold(self, words: str, part: str = "") -> Visitor:
        """Open what is folded in."""
        self._in(part).locator("summary").filter(has_text=_begins(words)).first.click()
        return self

    def _in(self, part: str) -> Any:
        return self._one(self.page.get_by_role("group", name=_exactly(part))) if part else self.page

    def _one(self, found: Locator) -> Locator:
        assert found.count() == 1, f"{found}: {found.count()} times on {self.page.url}: {self.text}"
        return found

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All that can be seen on the page."""
        return plain(self.page.locator("body").inner_text())

    @property
    def path(self) -> str:
        """Where the visitor is."""
        return "/" + self.page.url.split("/", 3)[3]

    def see(self, *texts: str) -> Visitor:
        """Read that the page says so."""
        shown = self.text
        for text in texts:
            assert plain(text) in shown, f"“{text}” is not on {self.page.url}: {shown}"
        return self

    def see_not(self, *texts: str) -> Visitor:
        """Read that the page says nothing of the kind, in any case."""
        shown = self.text.casefold()
        for text in texts:
            assert plain(text).casefold() not in shown, f"“{text}” is on {self.page.url}: {shown}"
        return self

    def row(self, *texts: str) -> Visitor:
        """Read that one row of a table, or one line of a list of figures, holds all this, in this order."""
        rows = [plain(row) for row in self.page.locator("tr, dl > div, li").all_inner_texts()]
        pattern = re.compile(".*".join(re.escape(plain(text)) for text in texts))
        assert any(pattern.search(row) for row in rows), f"no row has {texts} on {self.page.url}: {rows}"
        return self
