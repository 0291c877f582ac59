"""The worked case under the other law: a private fund never speaks of "bezwaar", on no page, in no letter, in no mail.

The same run under the Awb does, so the search looks where the word can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import html
from sqlalchemy import select

from config import Settings
from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Letter
from fundapp.persistence.outbox import OutboxMessage
from fundapp.services.demo import Storyteller, story
from fundapp.services.letters import letter_view
from fundapp.web.app import create_app
from fundapp.web.mails import Mails
from fundapp.web.session import db
from tests.journeys.cast import ANNA, CARLA, CORRIE, DAAN, ELS, FATIMA, GREET, HANNA
from tests.journeys.conftest import LOADED_AT
from tests.support.visitor import plain
from tests.support.web import Clock, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

READERS = ("", ANNA, CARLA, DAAN, ELS, GREET, HANNA, FATIMA, CORRIE)
SKIPPED = ("/static", "/taal", "/bankafschriften/", "/inloggen", "/logboek", "/resultaten?", "/resultaten.csv")
"""What a reader does not follow: what has no words of a fund, or leads to the same page again."""

WORDS = ("bezwaar", "bezwaarschrift", "objection")


def test_only_the_awb_speaks_of_bezwaar(fresh_database: str, tmp_path: Path) -> None:
    told = dict(everything(fresh_database, tmp_path, Profile.PRIVATE, READERS))
    assert [name for name, text in told.items() if any(word in text.casefold() for word in WORDS)] == []
    assert len(told) > 200
    rejection = told["letter rejection PO-T2-01"]
    assert "heroverweging" in rejection
    assert "binnen 6 weken na de dag waarop wij dit besluit verstuurden" in rejection


def test_the_search_finds_the_word_where_the_awb_rules(fresh_database: str, tmp_path: Path) -> None:
    told = everything(fresh_database, tmp_path, Profile.AWB, [ELS])
    found = [name for name, text in told if "bezwaar" in text.casefold()]
    for name in ("letter rejection PO-T2-01", "letter award PO-T1-01", "letter recovery PO-T1-03"):
        assert name in found
    assert any(name.startswith(f"{ELS} /aanvragen/PO-T2-01/brieven/") for name in found)


def everything(database: str, folder: Path, profile: Profile, readers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """All that these people read after the whole story under one law: letters, mails in both languages, pages."""
    settings = Settings.from_env({"DATABASE_URL": database, "FUNDAPP_LOCAL": str(folder / "local")})
    app = create_app(settings, clock=Clock(datetime(2026, 11, 23, 13, 0, tzinfo=UTC)), wake=lambda: None)
    app.testing = True
    with writing(app) as session:
        Storyteller(session, ObjectFileStore(settings.storage_url), LOADED_AT, profile).play(story())
    try:
        yield from written(app)
        for email in readers:
            client = app.test_client()
            if email:
                sign_in(client, email)
            yield from pages(client, email)
    finally:
        with app.app_context():
            db.engine.dispose()


def written(app: Flask) -> Iterator[tuple[str, str]]:
    """Every letter, and every mail in both languages."""
    with writing(app) as session:
        rows = session.execute(select(Letter, Application.ref).join(Application)).all()
        for letter, ref in rows:
            view = letter_view(letter)
            assert view is not None, f"{letter.template} of {ref} cannot be read"
            yield f"letter {letter.template} {ref}", plain(str(view))
        words = Mails("https://fonds.example.org", "secret")
        for mail in session.scalars(select(OutboxMessage)):
            for language in ("nl", "en"):
                yield f"mail {mail.id} {mail.template} {language}", str(words(mail.template, language, mail.context))


def pages(client: FlaskClient, who: str) -> Iterator[tuple[str, str]]:
    """Every page that somebody can get at by following links from where they begin."""
    seen: set[str] = set()
    waiting = ["/", "/fondsen/stimuleringsregeling-po", "/fondsen/innovatiefonds", "/hulp", "/privacy", "/resultaten"]
    waiting += ["/aanvragen", "/beoordelen?tab=afgerond", "/beoordelen?tab=loopt", "/financien", "/tranches", "/beheer"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith(SKIPPED):
            continue
        seen.add(path)
        answer = client.get(path)
        if answer.mimetype != "text/html" or answer.status_code in (303, 404):
            continue
        page = html.fromstring(answer.text)
        yield f"{who} {path}", plain(" ".join(str(part) for part in page.itertext()))
        links = (a.get("href", "").partition("#")[0] for a in page.iter("a"))
        waiting += [link for link in links if link.startswith("/") and link not in seen]
