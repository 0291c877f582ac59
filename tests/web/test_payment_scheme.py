"""The payment scheme, interim reports and holds through the pages: for the school and for finance."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fundapp.persistence.interim import InterimReport
from fundapp.persistence.register import School
from fundapp.web.session import db
from tests.support.cases import Cases
from tests.support.queries import count_queries
from tests.support.scheme import in_parts
from tests.support.web import Cast, Clock, post, sign_in, token, writing

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


@pytest.fixture
def ref(app: Flask, cast: Cast, clock: Clock) -> str:
    """An award of the innovation fund to the school of Anna: € 59.999,99."""
    with writing(app) as session:
        school = session.get_one(School, "99AA00")
        return in_parts(session, now=clock.now, cases=Cases(session), school=school, member=cast.anna).app.ref


def browser(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, email)
    return client


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.replace("\u00a0", " ")).split())


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def send_in(client: FlaskClient, ref: str, text: str, do: str = "send", **more: object) -> tuple[int, str]:
    path = f"/tussenrapportages/{ref}-T1"
    page = client.get(path).text
    fields = {
        "text": text,
        "do": do,
        "seen": hidden(page, "seen"),
        "request_key": hidden(page, "request_key"),
        "csrf_token": token(client),
    }
    answer = client.post(path, data=fields | more)
    return answer.status_code, answer.text


def test_the_scheme_says_what_is_due_when_and_why_not_yet(app: Flask, cast: Cast, ref: str) -> None:
    for email in (cast.anna.email, cast.finance.email, cast.coordinator.email):
        page = plain(browser(app, email).get(f"/aanvragen/{ref}/betalingen").text)
        assert "€ 29.999,99" in page
        assert "Wij betalen uiterlijk vrijdag 25 april 2025." in page
        assert "Wij betalen na goedkeuring van: voortgangsrapportage halverwege." in page
        assert "Wij betalen dit nadat het eindbedrag vaststaat" in page
        assert "Totaal Bedrag € 59.999,99" in page
    for email in (cast.stranger.email, cast.adviser.email):
        assert browser(app, email).get(f"/aanvragen/{ref}/betalingen").status_code == 404
    story = browser(app, cast.anna.email).get(f"/aanvragen/{ref}").text
    assert f"/aanvragen/{ref}/betalingen" in story


def test_a_report_is_written_kept_sent_and_approved(app: Flask, cast: Cast, ref: str) -> None:
    anna, fien = browser(app, cast.anna.email), browser(app, cast.finance.email)
    path = f"/tussenrapportages/{ref}-T1"
    status, page = send_in(anna, ref, "  ")
    assert status == 422
    assert "Schrijf eerst uw verslag" in page
    assert send_in(anna, ref, "De helft is klaar.", do="save")[0] == 303
    assert "De helft is klaar." in anna.get(path).text
    wrong = {"document": (io.BytesIO(b"MZ geen document"), "virus.exe")}
    status, page = send_in(anna, ref, "De helft is klaar, en meer.", do="save", **wrong)
    assert status == 422
    assert "De helft is klaar, en meer." in page, "what was typed is not lost"
    good = {"document": (io.BytesIO(PDF), "foto's.pdf")}
    assert send_in(anna, ref, "De helft is klaar.", do="save", **good)[0] == 303
    assert "foto" in anna.get(path).text
    assert fien.get(path).status_code == 200
    assert "Goedkeuren" not in fien.get(path).text
    assert send_in(anna, ref, "De helft is klaar.")[0] == 303
    assert path in fien.get("/financien").text
    page = fien.get(path).text
    link = re.search(rf"{path}/bijlagen/\d+", page)
    assert link is not None
    assert fien.get(link[0]).data == PDF
    action = f"/interim_report/{ref}-T1/approve"
    fields = {"seen": hidden(page, "seen"), "request_key": hidden(page, "request_key")}
    assert post(anna, action, fields).status_code == 403
    assert post(fien, action, fields).status_code == 303
    assert "€ 18.000,00" in plain(fien.get("/financien").text)
    with writing(app) as session:
        assert session.scalars(select(InterimReport.state)).one() == "approved"


def test_a_stranger_has_no_part_in_a_report(app: Flask, cast: Cast, ref: str) -> None:
    for person in (cast.stranger, cast.adviser):
        assert browser(app, person.email).get(f"/tussenrapportages/{ref}-T1").status_code == 404
    client = browser(app, cast.stranger.email)
    answer = post(client, f"/tussenrapportages/{ref}-T1", {"text": "x", "do": "send", "seen": "1"})
    assert answer.status_code == 404


def test_holding_payments_asks_a_reason_and_a_day_and_shows_everywhere(app: Flask, cast: Cast, ref: str) -> None:
    fien, anna = browser(app, cast.finance.email), browser(app, cast.anna.email)
    assert f"/application/{ref}/hold_payments" in fien.get(f"/aanvragen/{ref}/betalingen").text
    path = f"/application/{ref}/hold_payments"
    form = fien.get(path).text
    assert "Dit mag tot en met" in form
    fields = {"seen": hidden(form, "seen"), "request_key": hidden(form, "request_key")}
    wrong = post(fien, path, fields | {"ends_on": "31-02-2025", "explanation": "Onderzoek naar facturen."})
    assert wrong.status_code == 422
    assert "Onderzoek naar facturen." in wrong.text
    late = post(fien, path, fields | {"ends_on": "31-12-2025", "explanation": "Onderzoek naar facturen."})
    assert late.status_code == 422
    assert "hoogstens 26 weken" in late.text
    done = post(fien, path, fields | {"ends_on": "31-03-2025", "explanation": "Onderzoek naar facturen."})
    assert done.status_code == 303
    worklist = plain(fien.get("/financien").text)
    assert "Aangehouden" in worklist
    assert "Onderzoek naar facturen." in worklist
    assert "Betaalrun klaarzetten" not in worklist, "nothing is left to pay"
    for client in (fien, anna):
        page = plain(client.get(f"/aanvragen/{ref}/betalingen").text)
        assert "De betalingen zijn aangehouden Tot en met maandag 31 maart 2025" in page
        assert "Onderzoek naar facturen." in page
    assert "aangehouden" in plain(fien.get(f"/vaststellen/{ref}").text)


def test_the_pages_ask_a_constant_number_of_queries(app: Flask, cast: Cast, ref: str) -> None:
    client = browser(app, cast.finance.email)
    with app.app_context():
        engine = db.engine
    for path in (f"/aanvragen/{ref}/betalingen", f"/tussenrapportages/{ref}-T1"):
        client.get(path)
        with count_queries(engine) as asked:
            assert client.get(path).status_code == 200
        assert len(asked) <= 7, (path, asked)
