"""Mails in words: one source per mail, `templates/mail/<template>.txt`, rendered as plain text and as simple HTML.

The two skeletons, `_text.txt` and `_page.html`, lend the same blocks a different dress; each has an environment of its
own in each language, because only one of them escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from config import ROOT
from fundapp.domain.text import LANGUAGES, Language
from fundapp.services.delivery import Words
from fundapp.services.mail_link import path_of
from fundapp.web.templating import speak

FOLDER = ROOT / "templates" / "mail"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("[!_]*.txt")))
"""Every mail that there is."""

_BLANK_LINE = re.compile(r"\r?\n[ \t\r]*\n")


class Mails:
    """Satisfies `delivery.Render`. Safe to share between threads."""

    def __init__(self, base_url: str, secret: str) -> None:
        """base_url: in front of every `url_path`. secret: signs the links for who has no account (`mail_link`)."""
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._text = {one: _environment(one, "_text.txt", escape=False, paragraphs=_as_text) for one in LANGUAGES}
        self._html = {one: _environment(one, "_page.html", escape=True, paragraphs=_as_html) for one in LANGUAGES}

    def __call__(self, template: str, language: Language, context: Mapping[str, Any]) -> Words:
        """Return a mail. Raises jinja2.TemplateError for a template that is not there, and for a name without value."""
        plain = self._text[language].get_template(f"{template}.txt")
        page = self._html[language].get_template(f"{template}.txt")
        values = {**context, "url": self._base_url + self._path(context)}
        subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
        values["mail_subject"] = subject
        return Words(subject, plain.render(values), page.render(values))

    def _path(self, context: Mapping[str, Any]) -> str:
        return path_of(context["link"], self._secret) if "link" in context else str(context.get("url_path", "/"))


def _environment(language: Language, skeleton: str, *, escape: bool, paragraphs: Callable[[str], str]) -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=escape,  # noqa: S701  (text is not escaped; the HTML is)
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    speak(env, language)
    env.globals.update(skeleton=skeleton, both=lambda text: text if isinstance(text, str) else text[language])
    env.filters["paragraphs"] = paragraphs
    for name in ("date_nl", "moment"):
        env.filters[name] = _of_iso(env.filters[name])
    return env


def _of_iso(shown: Callable[[date | datetime], str]) -> Callable[[str], str]:
    """A filter for days and moments as frozen in the context: ISO 8601."""
    return lambda written: shown(datetime.fromisoformat(written) if "T" in written else date.fromisoformat(written))


def _parts(text: str) -> list[list[str]]:
    """Paragraphs with their lines; a line break inside a sentence of a template means nothing."""
    parts = ([" ".join(line.split()) for line in part.splitlines()] for part in _BLANK_LINE.split(text))
    return [lines for part in parts if (lines := [line for line in part if line])]


def _is_list(lines: list[str]) -> bool:
    return all(line.startswith("- ") for line in lines)


def _as_text(text: str) -> str:
    return "\n\n".join("\n".join(lines) if _is_list(lines) else " ".join(lines) for lines in _parts(text))


def _as_html(text: str) -> str:
    """text: escaped already, being Markup."""
    parts = (
        "<ul>" + "".join(f"<li>{line[2:]}</li>" for line in lines) + "</ul>"
        if _is_list(lines)
        else f"<p>{' '.join(lines)}</p>"
        for lines in _parts(str(text))
    )
    return Markup("\n".join(parts))  # noqa: S704  (from Markup, only wrapped)
