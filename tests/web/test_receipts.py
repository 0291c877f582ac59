"""The receipt of what a school sent: linked before it is made, mailed once it is, and nobody else's to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fundapp.domain.receipt import ATTACHED, Signer
from fundapp.persistence.application import Submission
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.receipt import Receipt
from fundapp.services.transitions import perform
from tests.support.cases import Cases
from tests.support.pdf import ReadPdf
from tests.support.receipts import make_receipts
from tests.support.school import PAGES, begin, complete, open_round, save, send, upload
from tests.support.web import Cast, Clock, mailed, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

REF = "PO-T9-01"
PDF_OF = f"/aanvragen/{REF}/ontvangstbewijs"


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, after she sent an application."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    assert begin(client, "PO-T9") == REF
    complete(client, REF)
    assert send(client, REF).status_code == 303
    return client


def ask_completion(app: Flask, cast: Cast, clock: Clock) -> None:
    with writing(app) as session:
        Cases(session).no_interest(cast.handler)
        given = {"explanation": "Noem het aantal leerlingen.", "fields": ["pupils", "partner_letter"]}
        perform(session, "application", REF, "ask_completion", actor=cast.handler, now=clock.now, given=given)


def declare(client: FlaskClient, answer: str) -> None:
    assert post(client, f"/beoordelen/{REF}/belang", {"interest": answer}).status_code == 303


def test_the_page_works_before_the_receipt_is_made(app: Flask, anna: FlaskClient) -> None:
    page = anna.get(f"/aanvragen/{REF}/ingestuurd").text
    assert "Wij mailen hem naar u" in page
    assert "Bewaar uw ontvangstbewijs" not in page
    assert f'href="{PDF_OF}/1"' in anna.get(f"/aanvragen/{REF}").text
    assert "nog niet klaar" in anna.get(f"{PDF_OF}/1").text
    assert anna.get(f"{PDF_OF}/2").status_code == 404
    with writing(app) as session:
        assert not session.scalars(select(OutboxMessage).where(OutboxMessage.template == "receipt")).all()


def test_once_made_it_is_on_the_page_in_the_timeline_and_mailed(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    assert make_receipts(app) == 1
    assert make_receipts(app) == 0
    assert f'href="{PDF_OF}/1"' in anna.get(f"/aanvragen/{REF}/ingestuurd").text
    answer = anna.get(f"{PDF_OF}/1")
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{REF}-ontvangstbewijs-1.pdf"; ')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data.startswith(b"%PDF-")
    assert mailed(app, cast.anna.email, "receipt")["url_path"] == f"/aanvragen/{REF}/ingestuurd"
    with writing(app) as session:
        mails = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "receipt")).all()
        assert [mail.address for mail in mails] == [cast.anna.email], "one, to who sent it"


def read(client: FlaskClient, number: int = 1) -> tuple[ReadPdf, dict[str, Any]]:
    """A receipt as somebody who downloads it reads it, and what it attests."""
    pdf = ReadPdf(client.get(f"{PDF_OF}/{number}").data)
    facts = json.loads(pdf.attachment(ATTACHED))
    assert isinstance(facts, dict)
    return pdf, facts


def plain(text: str) -> str:
    return "".join(text.split())


def test_it_holds_everything_that_was_sent(app: Flask, anna: FlaskClient) -> None:
    make_receipts(app)
    pdf, facts = read(anna)
    assert b"/Lang(nl-NL)" in pdf.catalog
    for part in ("<pdfuaid:part>1<", "<pdfaid:part>3<", ">Ontvangstbewijs PO-T9-01<"):
        assert part in pdf.metadata
    assert pdf.tags.count("H1") == 7 + 2, "one for each task, the files and the proof"
    assert {"Table", "TH", "Title"} <= set(pdf.tags)
    typed = [
        value
        for section, page in PAGES.items()
        for name, value in page.items()
        if isinstance(value, str) and (section in ("plan", "signing") or "description" in name or name == "title")
    ]
    typed.remove(PAGES["signing"]["signer-1-email"])  # where the question goes is not what was sent
    words = {"yes": "Ja", "no": "Nee", "school_leader": "schoolleider"}
    for value in typed:
        assert plain(words.get(value, value)) in pdf.text
    for expected in (
        "€2.400,00",
        "€3.900,00",
        "€3.120,00",
        "vrijdag14maart2025,12.00uur(12:00:00)",
        "versie1",
        "99AA00",
    ):
        assert expected in pdf.text
    with writing(app) as session:
        submission = session.scalars(select(Submission)).one()
    assert submission.sha256 in pdf.text
    assert facts["content"] == submission.content
    assert [file["name"] for file in facts["files"]] == ["brief.pdf"]
    assert facts["files"][0]["sha256"] in pdf.text
    assert Signer.of(app.config["SECRET_KEY"]).signed(facts)


def test_it_is_in_the_language_of_who_sends(app: Flask, cast: Cast, clock: Clock) -> None:
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    post(client, "/taal", {"taal": "en", "next": "/aanvragen"})
    begin(client, "PO-T9")
    complete(client, REF)
    send(client, REF)
    make_receipts(app)
    pdf, _ = read(client)
    assert b"/Lang(en-GB)" in pdf.catalog
    for expected in ("Belowiseverythingthatyousent", "Friday14March2025,12:00", "Totalcost", "Isthisreceiptgenuine?"):
        assert plain(expected) in pdf.text


def test_a_completion_has_a_receipt_of_its_own(app: Flask, cast: Cast, anna: FlaskClient, clock: Clock) -> None:
    make_receipts(app)
    ask_completion(app, cast, clock)
    clock.advance(days=2)
    sign_in(anna, cast.anna.email)
    assert save(anna, REF, "project", {"pupils": "75"}).status_code == 303
    assert upload(anna, REF, "partner_letter", b"%PDF-1.4 nieuw", "nieuwe brief.pdf").status_code == 303
    assert send(anna, REF).status_code == 303
    assert "Wij mailen hem naar u" in anna.get(f"/aanvragen/{REF}/ingestuurd").text
    assert make_receipts(app) == 1
    (first, before), (second, after) = read(anna, 1), read(anna, 2)
    assert "keer2,naeenaanvulling" in second.text
    assert (before["content"]["answers"]["pupils"], after["content"]["answers"]["pupils"]) == (60, 75)
    assert ("nieuwebrief.pdf" in first.text, "nieuwebrief.pdf" in second.text) == (False, True)
    story = anna.get(f"/aanvragen/{REF}").text
    assert f'href="{PDF_OF}/1"' in story
    assert f'href="{PDF_OF}/2"' in story


def test_nobody_else_reads_it(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    make_receipts(app)
    stranger, judge = app.test_client(), app.test_client()
    sign_in(stranger, cast.stranger.email)
    assert stranger.get(f"{PDF_OF}/1").status_code == 404
    assert app.test_client().get(f"{PDF_OF}/1").status_code == 303
    sign_in(judge, cast.handler.email)
    assert judge.get(f"{PDF_OF}/1").status_code == 403, "says first whether there is an interest"
    declare(judge, "no")
    assert judge.get(f"{PDF_OF}/1").status_code == 200
    declare(judge, "yes")
    assert judge.get(f"{PDF_OF}/1").status_code == 403


def test_one_at_fault_is_seen_and_stops_no_other(app: Flask, anna: FlaskClient) -> None:
    with writing(app) as session:
        row = session.scalars(select(Receipt)).one()
        facts, row.facts = row.facts, {"ref": REF}
    assert make_receipts(app) == 0
    with writing(app) as session:
        row = session.scalars(select(Receipt)).one()
        assert row.failure is not None
        assert row.failure.startswith("KeyError")
        row.facts, row.failure = facts, None
    assert make_receipts(app) == 1
