"""Files sent piece by piece: a broken connection costs one piece, and nobody else's file can be touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import func, select, text

from fundapp.adapters.scanner import ClamdScanner
from fundapp.domain.upload import MOST_FILES, ScanState
from fundapp.persistence.application import Application, Attachment, StoredDocument
from fundapp.persistence.upload import PartialUpload, UploadPart
from fundapp.services.partial_uploads import LARGEST_PIECE, LASTS, MOST_AT_ONCE
from tests.adapters.test_file_content import DOCX, encrypted
from tests.support.clamd import BAD, Clamd, clamd_server
from tests.support.school import PDF, begin, open_round, parsed, save, summary, upload, version
from tests.support.uploads import Sender
from tests.support.web import Cast, Clock, sign_in, token, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from config import Settings

REF = "PO-T9-01"
MB = 1024 * 1024


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, with a draft."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    assert begin(client, "PO-T9") == REF
    return client


@pytest.fixture
def sender(anna: FlaskClient) -> Sender:
    return Sender(anna, REF)


@pytest.fixture
def clamd(app: Flask) -> Iterator[Clamd]:
    """A scanner, for the pages."""
    with clamd_server() as server:
        app.extensions["scanner"] = ClamdScanner("127.0.0.1", server.port, timeout=2)
        yield server


def kept(app: Flask) -> dict[str, Any]:
    """What is stored: rows by table, and the files."""
    with writing(app) as session:
        counts = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in (Attachment, StoredDocument, PartialUpload, UploadPart)
        }
    store = Path(cast("Settings", app.extensions["settings"]).storage_url.removeprefix("file://"))
    return counts | {"files": sum(path.is_file() for path in store.rglob("*")) if store.exists() else 0}


NOTHING = {"attachment": 0, "stored_document": 0, "partial_upload": 0, "upload_part": 0, "files": 0}
ONE = NOTHING | {"attachment": 1, "stored_document": 1, "files": 1}


def test_a_file_comes_in_pieces_and_is_the_same_file(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    before = version(anna, REF, "documents")
    told = sender.send(PDF, "Brief van de school.pdf")
    assert told["slot"] == "partner_letter"
    assert "Brief van de school.pdf" in told["html"]
    assert "Niet op virussen gecontroleerd" in told["html"]
    assert kept(app) == ONE
    link = parsed(told["html"]).xpath("//a/@href")[0]
    assert anna.get(link).data == PDF
    assert version(anna, REF, "documents") == before, "a file is no conflict with what somebody types"
    sender.send(PDF, "Nog eens.pdf")
    assert kept(app) == ONE, "the same file twice is one"


def test_a_broken_upload_goes_on_where_it_stopped(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    assert sender.put(url, 0, PDF[:40]).json["arrived"] == 40
    page = anna.get(f"/aanvragen/{REF}/taak/documents").text
    assert "Nog niet klaar: <strong>brief.pdf</strong>, 57% verstuurd." in " ".join(page.split())
    again = sender.begin("brief.pdf", len(PDF)).json
    assert (again["url"], again["arrived"]) == (url, 40)
    assert sender.get(url).json["arrived"] == 40
    for start in (0, 20, 41, -1, "x", ""):
        assert sender.put(url, start, b"other bytes").json["arrived"] == 40, "what does not follow changes nothing"
    assert sender.put(url, 40, PDF[40:]).json["done"]
    assert kept(app) == ONE
    assert sender.put(url, 40, PDF[40:]).status_code == 404, "it is finished"
    for other in ({"stamp": "2"}, {"slot": "co_financing_letter"}, {"name": "b.pdf"}, {"size": 70}):
        more: dict[str, Any] = {"name": "brief.pdf", "size": len(PDF)} | other
        assert sender.begin(**more).json["arrived"] == 0, other


def test_stopping_forgets_the_pieces(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    sender.put(url, 0, PDF[:40])
    assert sender.stop(url).status_code == 204
    assert sender.stop(url).status_code == 204
    assert kept(app) == NOTHING
    assert sender.put(url, 40, PDF[40:]).status_code == 404
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    save(anna, REF, "documents", {}, f"stop-{url.rsplit('/', 1)[-1]}")
    assert kept(app) == NOTHING, "the same with the button, without a script"


def test_what_nobody_goes_on_with_expires(app: Flask, cast: Cast, clock: Clock, anna: FlaskClient) -> None:
    old = Sender(anna, REF).begin("oud.pdf", len(PDF)).json["url"]
    Sender(anna, REF).put(old, 0, PDF[:9])
    clock.advance(seconds=LASTS.total_seconds() + 1)
    sign_in(anna, cast.anna.email)
    sender = Sender(anna, REF)
    assert sender.put(old, 9, PDF[9:]).status_code == 404
    assert "Nog niet klaar" not in anna.get(f"/aanvragen/{REF}/taak/documents").text
    sender.begin("nieuw.pdf", 5)
    assert kept(app) == NOTHING | {"partial_upload": 1}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("leeg.pdf", b"", "file_empty"),
        ("programma.pdf", b"MZ\x90\x00 not a letter", "file_kind"),
        ("geheim.docx", encrypted(DOCX), "file_locked"),
    ],
)
def test_a_file_that_will_not_do_is_named_and_nothing_of_it_is_kept(
    app: Flask, sender: Sender, name: str, content: bytes, code: str
) -> None:
    answer = sender.begin(name, len(content))
    if content:
        answer = sender.put(answer.json["url"], 0, content)
    assert answer.status_code == 422
    assert answer.json["code"] == code
    assert answer.json["errors"][0]["field"] == "partner_letter"
    assert f"“{name}”" in answer.json["title"]
    assert kept(app) == NOTHING


def test_sizes_are_judged_before_a_byte_is_sent(app: Flask, sender: Sender) -> None:
    answer = sender.begin("groot.pdf", 10 * MB + 1)
    assert answer.json["title"] == "Het bestand “groot.pdf” is 10,1 MB. Het mag hoogstens 10 MB zijn. Maak het kleiner."
    for size in ("", "-1", "1e3", "٣", "9" * 30):
        assert sender.begin("x.pdf", cast("int", size)).status_code == 422, size
    url = sender.begin("brief.pdf", 10).json["url"]
    assert sender.put(url, 0, b"x" * 11).status_code == 422
    assert sender.put(url, 0, b"x" * (LARGEST_PIECE + 1)).status_code == 413
    assert kept(app)["upload_part"] == 0


def test_somebody_has_only_so_much_on_its_way(app: Flask, sender: Sender) -> None:
    for number in range(MOST_AT_ONCE):
        assert sender.begin(f"{number}.pdf", 9).status_code == 201
    assert sender.begin("een te veel.pdf", 9).json["code"] == "uploads_too_many"
    assert sender.begin("3.pdf", 9).status_code == 201, "one that is on its way goes on"


def test_a_place_has_room_for_so_many(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    for number in range(MOST_FILES):
        sender.send(PDF + b"%d" % number, piece=500)
    answer = upload(anna, REF, "partner_letter", PDF + b"more", "te veel.pdf")
    assert "Hier passen 20 bestanden" in summary(answer)[0][1]
    assert kept(app) == NOTHING | {"attachment": MOST_FILES, "stored_document": MOST_FILES, "files": MOST_FILES}


def test_a_place_that_the_fund_does_not_have_is_not_there(sender: Sender) -> None:
    for slot in ("title", "nergens", "", "\x00", "x" * 5000):
        assert sender.begin("brief.pdf", 9, slot).status_code == 404, slot


def test_nobody_else_touches_a_file_on_its_way(app: Flask, cast: Cast, anna: FlaskClient, sender: Sender) -> None:
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    colleague, stranger = app.test_client(), app.test_client()
    sign_in(colleague, cast.signer.email)
    sign_in(stranger, cast.stranger.email)
    for other in (colleague, stranger):
        them = Sender(other, REF)
        assert other.get(url, headers=them.headers).status_code == 404
        assert them.put(url, 0, PDF).status_code == 404
        assert "brief.pdf" not in other.get(f"/aanvragen/{REF}/taak/documents").text
        them.stop(url)
    assert Sender(stranger, REF).begin("x.pdf", 9).status_code == 404
    staff = app.test_client()
    sign_in(staff, cast.handler.email)
    assert Sender(staff, REF).begin("x.pdf", 9).status_code == 404
    assert sender.put(url, 0, PDF).json["done"], "it is still Anna's, and still there"


def test_without_token_or_session_nothing_is_taken(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    sender.headers.pop("X-CSRFToken")
    assert sender.put(url, 0, PDF).status_code == 400
    nobody = app.test_client().put(f"{url}?from=0", data=PDF, headers={"Accept": "application/json"})
    assert nobody.status_code == 401


def test_after_sending_nothing_can_be_added(app: Flask, anna: FlaskClient, sender: Sender) -> None:
    url = sender.begin("brief.pdf", len(PDF)).json["url"]
    with writing(app) as session:
        session.execute(text("UPDATE application SET state = 'submitted', submitted_at = now()"))
    answer = sender.put(url, 0, PDF)
    assert answer.status_code == 409
    assert "al ingestuurd" in answer.json["title"]
    assert kept(app)["attachment"] == 0


# --- the scanner ------------------------------------------------------------------------------------------------------


def test_the_page_says_whether_files_are_scanned(app: Flask, anna: FlaskClient, clamd: Clamd) -> None:
    page = anna.get(f"/aanvragen/{REF}/taak/documents").text
    assert "Wij controleren elk bestand op virussen" in page
    app.extensions.pop("scanner")
    page = anna.get(f"/aanvragen/{REF}/taak/documents").text
    assert "Wij controleren bestanden niet op virussen" in page


def test_a_clean_file_says_so(anna: FlaskClient, sender: Sender, clamd: Clamd) -> None:
    assert "Geen virus gevonden" in sender.send(PDF)["html"]


def test_an_infected_file_is_told_and_not_kept(app: Flask, anna: FlaskClient, sender: Sender, clamd: Clamd) -> None:
    infected = PDF + BAD
    answer = sender.put(sender.begin("virus.pdf", len(infected)).json["url"], 0, infected)
    assert answer.json["code"] == "file_infected"
    answer = upload(anna, REF, "partner_letter", infected, "virus.pdf")
    assert "In het bestand “virus.pdf” zit een virus" in summary(answer)[0][1]
    assert kept(app) == NOTHING


def test_while_the_scanner_is_away_a_file_is_in_quarantine(
    app: Flask, anna: FlaskClient, sender: Sender, clamd: Clamd
) -> None:
    clamd.away = True
    told = sender.send(PDF)
    assert "Tot die klaar is, kan niemand het bestand openen" in told["html"]
    assert parsed(told["html"]).xpath("//a") == []
    with writing(app) as session:
        file = session.scalars(select(Attachment)).one()
        assert session.scalars(select(StoredDocument.scan)).one() == ScanState.WAITING
    answer = anna.get(f"/aanvragen/{REF}/bijlagen/{file.id}")
    assert answer.status_code == 409
    assert "nog op virussen" in answer.text
    assert PDF not in answer.data
    page = anna.get(f"/aanvragen/{REF}/controle").text
    assert "Voeg dit bestand toe" not in page, "it counts as sent"
    clamd.away = False
    assert "Geen virus gevonden" in sender.send(PDF)["html"], "sending it again scans it again"


# --- without a script -------------------------------------------------------------------------------------------------


def test_a_form_with_much_more_than_fits_is_told_by_name_and_size(app: Flask, anna: FlaskClient) -> None:
    answer = upload(anna, REF, "partner_letter", b"\0" * (12 * MB), "film.pdf")
    assert answer.status_code == 422
    assert "“film.pdf” is 12 MB. Het mag hoogstens 10 MB zijn" in summary(answer)[0][1]
    assert kept(app) == NOTHING
    csrf, size = token(anna), {"CONTENT_LENGTH": str(300 * MB)}
    answer = anna.post(f"/aanvragen/{REF}/taak/documents", data={"csrf_token": csrf}, environ_overrides=size)
    assert answer.status_code == 413
    assert "U stuurde 300 MB in één keer. Er past hoogstens 100 MB in." in answer.text


def test_one_that_will_not_do_does_not_stop_the_others(app: Flask, anna: FlaskClient) -> None:
    import io

    from werkzeug.datastructures import FileStorage, MultiDict
    from werkzeug.test import encode_multipart

    files = [("goed.pdf", PDF), ("fout.pdf", b"MZ"), ("leeg.pdf", b""), ("ook goed.docx", DOCX)]
    data: MultiDict[str, Any] = MultiDict([("partner_letter", FileStorage(io.BytesIO(c), n)) for n, c in files])
    data.update({"do": "save", "answers_version": version(anna, REF, "documents"), "csrf_token": token(anna)})
    boundary, body = encode_multipart(data)
    answer = anna.post(
        f"/aanvragen/{REF}/taak/documents", data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert [at for at, _ in summary(answer)] == ["partner_letter", "partner_letter"]
    assert "goed.pdf" in answer.text
    assert "ook goed.docx" in answer.text
    with writing(app) as session:
        assert [row.file_name for row in session.scalars(select(Attachment))] == ["goed.pdf", "ook goed.docx"]
        assert session.scalars(select(Application.answers_version)).one() < 5


def test_a_download_is_a_file_and_nothing_else(anna: FlaskClient, sender: Sender) -> None:
    link = parsed(sender.send(PDF, "Brief “é” <x>.pdf")["html"]).xpath("//a/@href")[0]
    headers = anna.get(link).headers
    plain, encoded = 'filename="Brief ___ x.pdf"', "filename*=UTF-8''Brief%20%E2%80%9C%C3%A9%E2%80%9D%20x.pdf"
    assert headers["Content-Disposition"] == f"attachment; {plain}; {encoded}"
    assert headers["Content-Type"] == "application/pdf"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"
