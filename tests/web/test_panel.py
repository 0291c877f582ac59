"""The panel on the invented case of the demo: dealing out, scoring alone, a meeting with a quorum, minutes.

The tests tell one story, in order, on one database: IF-OO-01 has one score, and a meeting is planned on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from fundapp.adapters import documents
from fundapp.adapters.files import ObjectFileStore
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.journal import Journal
from fundapp.persistence.panel import Assignment, Meeting, Review
from fundapp.services import deadlines, journal, minutes
from fundapp.services.demo import load
from fundapp.web.session import db
from tests.support.queries import count_queries
from tests.support.web import Clock, mailed, post, sign_in, writing

LOADED = datetime(2025, 3, 14, 11, 0, tzinfo=UTC)
CASE = "IF-OO-01"
SCORE = f"/beoordelen/{CASE}/score"
HANNA, TESS, ILSE, RUUD, BO, SANNE = (f"{n}@stoz.example.org" for n in ("hanna", "tess", "ilse", "ruud", "bo", "sanne"))
GOOD = {"score_innovation": "4", "score_region": "3", "score_cooperation": "4", "score_feasible": "5"}


@pytest.fixture(scope="module")
def told(database_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application with the worked case, loaded once for this module."""
    from config import Settings
    from fundapp.web.app import create_app

    url, local = database_server.new(), tmp_path_factory.mktemp("local")
    engine = make_engine(url)
    (local / "files").mkdir()
    load(session_factory(engine), ObjectFileStore(f"file://{local / 'files'}"), LOADED)
    engine.dispose()
    environ = {
        "DATABASE_URL": url,
        "FUNDAPP_LOCAL": str(local),
        "SECRET_KEY": "a secret for tests only, long enough",
        "BASE_URL": "http://localhost",
    }
    app = create_app(Settings.from_env(environ), clock=Clock(LOADED), wake=lambda: None)
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


def as_(told: Flask, email: str) -> FlaskClient:
    """The browser of this person, signed in once: the clock stands still, so codes would run out."""
    clients: dict[str, FlaskClient] = told.extensions.setdefault("test_clients", {})
    if email not in clients:
        clients[email] = told.test_client()
        sign_in(clients[email], email)
    return clients[email]


def people_of(session: Any) -> dict[str, int]:
    return {row.name: row.id for row in session.execute(text("SELECT name, id FROM person"))}


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(number|version|seen|request_key)" value="([^"]*)"', page))


def no_interest(client: FlaskClient) -> None:
    assert post(client, f"/beoordelen/{CASE}/belang", {"interest": "no"}).status_code == 303


def test_a_reader_scores_alone_first(told: Flask) -> None:
    tess = as_(told, TESS)
    assert CASE in tess.get("/lezen").text
    asked = tess.get(SCORE)
    assert asked.headers["Location"] == f"/beoordelen/{CASE}", "the question about an interest comes first"
    no_interest(tess)
    page = tess.get(SCORE).text
    assert "Die ziet u als uw eigen score binnen is" in page
    assert "Wat hebben andere scholen eraan?</p>" not in page.split("Scores van anderen")[1]
    lacking = post(tess, SCORE, {**hidden(page), "score_innovation": "4", "remark": "Mooi", "do": "next"})
    assert lacking.status_code == 422
    assert "Geef een score voor “Waarde voor de regio”." in lacking.text
    assert "Mooi</textarea>" in lacking.text
    kept = post(tess, SCORE, {**hidden(page), "score_innovation": "4", "do": "later"})
    assert kept.status_code == 303
    stale = post(tess, SCORE, {**hidden(page), **GOOD, "do": "next"})
    assert stale.status_code == 409
    done = post(tess, SCORE, {**hidden(tess.get(SCORE).text), **GOOD, "do": "next"})
    assert done.headers["Location"] == "/lezen", "nothing is left"
    page = tess.get(SCORE).text
    assert "Ilse Wagenaar" in page.split("Scores van anderen")[1]
    with writing(told) as session:
        row = session.scalars(select(Review).order_by(Review.id.desc())).first()
        assert row is not None
        assert str(row.score) == "4.00"


@pytest.mark.parametrize("email", [BO, RUUD, SANNE, "greet@deltacollege.example.org"])
def test_who_was_not_given_it_does_not_score(told: Flask, email: str) -> None:
    client = as_(told, email)
    assert client.get(SCORE).status_code in (303, 403, 404)
    assert post(client, SCORE, {**GOOD, "number": "1", "version": "0", "do": "next"}).status_code in (403, 404)


def test_readers_are_proposed_and_given(told: Flask) -> None:
    hanna = as_(told, HANNA)
    page = hanna.get("/rondes/IF-OO/lezers")
    assert page.status_code == 200
    assert "Elke aanvraag heeft genoeg lezers" in page.text
    with writing(told) as session:
        people = people_of(session)
        number = session.execute(text("SELECT id FROM application WHERE ref = :ref"), {"ref": CASE}).scalar_one()
    refused = post(
        hanna, "/rondes/IF-OO/lezers", {"do": "by_hand", "person": str(people["Bo Jansse"]), "case": str(number)}
    )
    assert refused.status_code == 409
    assert "Bo Jansse werkt bij het schoolbestuur" in refused.text
    nothing = post(hanna, "/rondes/IF-OO/lezers", {"do": "by_hand", "person": str(people["Ruud Nooijer"])})
    assert nothing.status_code == 422
    given = post(
        hanna, "/rondes/IF-OO/lezers", {"do": "by_hand", "person": str(people["Ruud Nooijer"]), "case": str(number)}
    )
    assert given.status_code == 303
    assert mailed(told, RUUD, "reading_given")["refs"] == [CASE]
    with writing(told) as session:
        row = session.scalars(select(Assignment).where(Assignment.person_id == people["Ruud Nooijer"])).one()
    stop = f"/rondes/IF-OO/lezers/{row.id}/stop"
    assert post(hanna, stop, {"because": " "}).status_code == 422
    assert post(hanna, stop, {"because": "Ruud is ziek."}).status_code == 303
    shown = hanna.get("/rondes/IF-OO/lezers").text
    assert "Ruud Nooijer" not in shown.split("Zo is het nu")[1].split("Bij een lezer weghalen")[0].split("<label")[0]
    assert as_(told, RUUD).get(SCORE).status_code == 404


def test_a_reminder_comes_once(told: Flask) -> None:
    with writing(told) as session:
        session.execute(text("UPDATE assignment SET due_at = :due"), {"due": LOADED + timedelta(days=2)})
        session.execute(
            text("UPDATE review SET sent_at = NULL WHERE person_id = (SELECT id FROM person WHERE email = :e)"),
            {"e": ILSE},
        )
    engine = make_engine(told.config["SQLALCHEMY_DATABASE_URI"]) if "SQLALCHEMY_DATABASE_URI" in told.config else None
    with told.app_context():
        make_session = session_factory(engine or db.engine)
    for _ in range(2):
        deadlines.run(make_session, LOADED)
    with writing(told) as session:
        mails = session.execute(text("SELECT count(*) FROM outbox_message WHERE template = 'reading_due'")).scalar()
        assert mails == 1
        session.execute(text("UPDATE review SET sent_at = saved_at"))
    if engine is not None:
        engine.dispose()


def test_a_meeting_advises_with_a_quorum_only(told: Flask) -> None:
    tess = as_(told, TESS)
    with writing(told) as session:
        number = session.scalars(select(Meeting.id).where(Meeting.closed_at.is_(None))).one()
        people = people_of(session)
    home, item = f"/vergaderingen/{number}", f"/vergaderingen/{number}/advies/{CASE}"
    direct = post(tess, f"/application/{CASE}/advise", {"seen": "2", "outcome": "award"})
    assert "Leg het advies daar vast" in direct.text or direct.status_code in (409, 422)
    page = tess.get(item).text
    advice = {
        **hidden(page),
        "outcome": "award",
        "amount": "2.000,00",
        "explanation": "Goed plan.",
        "conditions": "Deel het.",
    }
    no_quorum = post(tess, item, advice)
    assert no_quorum.status_code == 409
    assert "Er doen 0 leden mee. Er zijn er 3 nodig." in no_quorum.text
    assert "Goed plan." in no_quorum.text

    def present(*names: str) -> Any:
        version = hidden(tess.get(home).text)["version"]
        return post(tess, f"{home}/aanwezig", {"version": version, "present": [str(people[name]) for name in names]})

    assert present("Tess Molenaar", "Ilse Wagenaar", "Bo Jansse").status_code == 303
    page = tess.get(home).text
    assert "genoeg leden" in page
    short = post(tess, item, advice)
    assert "Er doen 2 leden mee" in short.text, "an interest counts for no quorum"
    assert "Bo Jansse" in short.text
    stale = post(tess, f"{home}/aanwezig", {"version": "0"})
    assert stale.status_code == 409

    bo = as_(told, BO)
    agenda = bo.get(home).text
    assert "Bij dit punt gaat u de zaal uit" in agenda
    assert "VR" not in agenda.split("<table")[1].split("</table>")[0]
    assert bo.get(item).status_code == 403
    assert post(bo, item, advice).status_code == 403
    assert post(as_(told, SANNE), item, advice).status_code == 403, "the steering group does not advise"

    assert present("Tess Molenaar", "Ilse Wagenaar", "Ruud Nooijer").status_code == 303
    assert post(tess, f"{home}/scherm", {"ref": CASE}).status_code == 303
    assert "VR" in tess.get(f"{home}/projector").text
    wrong = post(tess, item, advice | {"amount": "12oo"})
    assert wrong.status_code == 422
    assert "12oo" in wrong.text
    done = post(tess, item, advice)
    assert done.headers["Location"] == home, done.text
    again = post(tess, item, advice)
    assert again.status_code in (303, 409)
    sanne = as_(told, SANNE)
    no_interest(sanne)
    assert "Goed plan." in sanne.get(f"/beoordelen/{CASE}").text
    award = sanne.get(f"/application/{CASE}/award").text
    assert "Deel het.</textarea>" in award

    version = hidden(tess.get(home).text)["version"]
    closed = post(tess, f"{home}/sluiten", {"version": version, "remarks": "Volgende keer eerder."})
    assert closed.status_code == 303
    assert "Wij maken de notulen" in tess.get(home).text
    final = post(tess, f"{home}/aanwezig", {"version": str(int(version) + 1)})
    assert final.status_code == 409
    settings = told.extensions["settings"]
    with told.app_context():
        made = minutes.render_pending(session_factory(db.engine), documents, ObjectFileStore(settings.storage_url))
    assert made == 2, "that of the story's first meeting too"
    pdf = tess.get(f"{home}/notulen.pdf")
    assert pdf.data.startswith(b"%PDF-")
    assert pdf.headers["Content-Disposition"].startswith("attachment")
    assert bo.get(f"{home}/notulen.pdf").status_code == 403
    with writing(told) as session:
        assert journal.verify(session) is None
        acts = set(session.scalars(select(Journal.action).where(Journal.kind == "meeting")))
        assert {"plan", "presence", "close"} <= acts


def test_a_later_interest_sets_scores_aside_visibly(told: Flask) -> None:
    tess = as_(told, TESS)
    with writing(told) as session:  # as if the panel had not advised yet
        session.execute(text("UPDATE application SET state = 'under_review' WHERE ref = :ref"), {"ref": CASE})
    assert post(tess, f"/beoordelen/{CASE}/belang", {"interest": "yes"}).status_code == 303
    assert tess.get(SCORE).status_code == 404
    with writing(told) as session:
        aside = """SELECT p.email, v.set_aside_at IS NOT NULL AS aside FROM review v JOIN person p ON p.id = v.person_id
                   JOIN application a ON a.id = v.application_id WHERE a.ref = :ref"""
        found = {row.email: row.aside for row in session.execute(text(aside), {"ref": CASE})}
    assert found == {TESS: True, ILSE: False}
    ilse = as_(told, ILSE)
    assert "telt niet mee, vanwege een belang" in ilse.get(SCORE).text


@pytest.mark.parametrize(
    "data",
    [
        {"tranche": "IF-OO|oosterschelde", "day": "morgen", "at": "13.30"},
        {"tranche": "IF-OO|oosterschelde", "day": "14-05-2025", "at": "half twee"},
        {"tranche": "IF-OO|oosterschelde", "day": "14-05-2025", "at": "25.00"},
        {"tranche": "XX-1|", "day": "14-05-2025", "at": "13.30"},
    ],
)
def test_what_does_not_fit_keeps_the_form(told: Flask, data: dict[str, str]) -> None:
    answer = post(as_(told, HANNA), "/vergaderingen", data)
    assert answer.status_code == 422
    assert f'value="{data["day"]}"' in answer.text


def test_pages_ask_little(told: Flask) -> None:
    hanna, tess = as_(told, HANNA), as_(told, ILSE)
    with told.app_context():
        engine = db.engine
    with writing(told) as session:
        number = session.scalars(select(Meeting.id).order_by(Meeting.id)).first()
    for client, path in (
        (hanna, "/rondes/IF-OO/lezers"),
        (hanna, "/vergaderingen"),
        (hanna, f"/vergaderingen/{number}"),
        (tess, "/lezen"),
        (tess, SCORE),
    ):
        client.get(path)
        with count_queries(engine) as asked:
            assert client.get(path).status_code == 200, path
        assert len(asked) <= 7, (path, asked)
