"""Templates as they are compiled: what is said in both languages is settled, and calls are made as they stand."""

from __future__ import annotations

import inspect

import pytest
from flask import Flask, render_template
from jinja2 import DictLoader, Environment, pass_context
from markupsafe import Markup

from config import ROOT
from fundapp.domain.text import LANGUAGES, Language, Text
from fundapp.web.templating import speak

TEMPLATES = sorted(
    str(path.relative_to(ROOT / "templates"))
    for folder in ("components", "errors", "layout", "pages")
    for path in (ROOT / "templates" / folder).rglob("*.html")
)


def drawn(source: str, language: Language, **values: object) -> str:
    env = Environment(loader=DictLoader({"page": source}), autoescape=True)
    speak(env, language)
    return env.get_template("page").render(values)


@pytest.mark.parametrize(
    ("source", "nl", "en"),
    [
        ('{{ t("Nee", "No") }}', "Nee", "No"),
        ('{{ t("A & B", "A & C") }}', "A &amp; B", "A &amp; C"),
        ('{{ t("Nog %d", "%d left")|format(3) }}', "Nog 3", "3 left"),
        ('{{ t("van ", "of ") ~ name }}', "van &lt;b&gt;", "of &lt;b&gt;"),
        ('{{ t(name, "x" ~ name) }}', "&lt;b&gt;", "x&lt;b&gt;"),
        ('{% set a = t("ja", "yes") %}{{ say(a) }}', "ja", "yes"),
        ('{{ say(t("ja", "yes")) }}', "ja", "yes"),
        ("{{ say(text) }}", "dag &lt;", "hello &lt;"),
        ("{{ say(drawn) }}", "<i>", "<i>"),
        ("{{ say(none) }}{{ say(3) }}", "3", "3"),
        ("{% macro m(x, y=1) %}{{ x }}{{ y }}{{ caller() }}{% endmacro %}{% call m(name, y=2) %}<u>{% endcall %}",)
        + ("&lt;b&gt;2<u>",) * 2,
        ('{% macro m(x) %}<p class="{{ x }}">{% endmacro %}{{ m(name) }}', *('<p class="&lt;b&gt;">',) * 2),
        ("{% for x in [1, 2] %}{{ dict(**{'class': x})['class'] }}{{ [x].index(*[x]) }}{% endfor %}", "1020", "1020"),
    ],
)
def test_a_template_says_one_language_and_escapes_as_ever(source: str, nl: str, en: str) -> None:
    values = {"name": "<b>", "text": Text("dag <", "hello <"), "drawn": Markup("<i>")}
    assert (drawn(source, "nl", **values), drawn(source, "en", **values)) == (nl, en)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_chooses_a_language_while_a_page_is_made(app: Flask, name: str, language: Language) -> None:
    with app.test_request_context(headers={"Cookie": f"taal={language}"}):
        env = app.jinja_env.get_or_select_template(name).environment
    assert env.loader is not None
    compiled = env.compile(env.loader.get_source(env, name)[0], name, raw=True)
    assert "resolve('t')" not in compiled
    assert "resolve('say')" not in compiled


def test_nothing_that_templates_call_asks_for_their_context(app: Flask) -> None:
    """The compiler does not look whether something does, so it would get the wrong arguments."""
    env = app.jinja_env
    asking = [name for name, it in env.globals.items() if inspect.isroutine(it) and hasattr(it, "jinja_pass_arg")]
    assert asking == []
    assert hasattr(pass_context(lambda context: context), "jinja_pass_arg")  # the mark that is looked for


def test_two_languages_of_one_application(app: Flask) -> None:
    pages = []
    for language in (*LANGUAGES, *LANGUAGES):
        with app.test_request_context(headers={"Cookie": f"taal={language}"}):
            pages.append(render_template("errors/404.html"))
    assert pages[:2] == pages[2:]
    assert '<html lang="nl">' in pages[0]
    assert "Naar de inhoud" in pages[0]
    assert '<html lang="en">' in pages[1]
    assert "Skip to content" in pages[1]
