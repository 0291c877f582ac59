"""`fundapp receipt verify` against somebody who owns the files and the database: one changed byte is named."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from fundapp.adapters.files import ObjectFileStore
from fundapp.cli import cli
from fundapp.domain.people import SYSTEM
from fundapp.services import retention
from tests.support.receipts import make_receipts
from tests.support.school import PDF, begin, complete, open_round, send
from tests.support.web import NOON, Cast, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask

    from config import Settings

Verify = Callable[..., Result]
REF = "PO-T9-01"
GUARDED = ("submission", "journal")


@pytest.fixture
def pdf(app: Flask, cast: Cast) -> bytes:
    """The receipt of an application that was sent, as its school saved it."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    begin(client, "PO-T9")
    complete(client, REF)
    send(client, REF)
    assert make_receipts(app) == 1
    return bytes(client.get(f"/aanvragen/{REF}/ontvangstbewijs/1").data)


@pytest.fixture
def verify(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Runs the command on these bytes, with the settings of the application."""
    settings = cast("Settings", app.extensions["settings"])
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("STORAGE_URL", settings.storage_url)
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)

    def run(content: bytes, *words: str) -> Result:
        file = tmp_path / "saved.pdf"
        file.write_bytes(content)
        return CliRunner().invoke(cli, ["receipt", "verify", str(file), *words])

    return run


def wrong(result: Result) -> list[str]:
    """What is named, line by line."""
    assert result.exit_code == 1, result.output
    prefix = f"WRONG: receipt 1 of {REF}: "
    return [line.removeprefix(prefix) for line in result.stderr.splitlines() if line.startswith(prefix)]


def tamper(app: Flask, *statements: str) -> None:
    """Change history as the owner of the database, every trigger switched off."""
    with writing(app) as session:
        for table in GUARDED:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for statement in statements:
            assert cast("Any", session.execute(text(statement))).rowcount > 0, statement
        for table in GUARDED:
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


def stored(app: Flask, content: bytes) -> Path:
    """Where these bytes are kept."""
    import hashlib

    sha256 = hashlib.sha256(content).hexdigest()
    folder = cast("Settings", app.extensions["settings"]).storage_url.removeprefix("file://")
    return Path(folder) / sha256[:2] / sha256[2:4] / sha256


def test_what_nobody_touched_is_proved(pdf: bytes, verify: Verify) -> None:
    result = verify(pdf)
    assert result.exit_code == 0
    assert result.stdout.endswith(f"is receipt 1 of {REF}, received 2025-03-14T11:00:00+00:00; nothing differs.\n")
    found = json.loads(verify(pdf, "--json").stdout)
    assert found == {
        "ok": True,
        "ref": REF,
        "number": 1,
        "received_at": "2025-03-14T11:00:00+00:00",
        "differences": [],
        "notes": [],
    }


def test_any_changed_byte_of_the_pdf_is_named(pdf: bytes, verify: Verify) -> None:
    """Bytes from all over the file; each is told by its place, and the part that it is in."""
    parts = set()
    for place in range(0, len(pdf), len(pdf) // 40):
        changed = bytearray(pdf)
        changed[place] ^= 1
        named = [line for line in wrong(verify(bytes(changed))) if line.startswith("the PDF, ")]
        assert named, place
        assert named[0].endswith(f": was changed at byte {place}."), (place, named)
        parts.add(named[0].partition(": ")[0])
    assert {"the PDF, the header", "the PDF, page 1", "the PDF, a font", "the PDF, the table of its objects"} <= parts


@pytest.mark.parametrize("change", [lambda pdf: pdf[:-1], lambda pdf: pdf + b"\n"])
def test_a_byte_more_or_less_is_named(pdf: bytes, verify: Verify, change: Callable[[bytes], bytes]) -> None:
    assert wrong(verify(change(pdf)))[0].startswith("the PDF, the ")


EMBEDDED = re.compile(rb"/Type/EmbeddedFile.*?>>\s*stream\n(.*?)\nendstream", re.DOTALL)


def with_facts(pdf: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The PDF with its attached facts changed, and everything else left alone."""
    found = EMBEDDED.search(pdf)
    assert found
    facts = json.loads(zlib.decompress(found[1]))
    change(facts)
    return pdf[: found.start(1)] + zlib.compress(json.dumps(facts).encode()) + pdf[found.end(1) :]


def test_a_changed_answer_in_the_pdf_is_named(pdf: bytes, verify: Verify) -> None:
    def forge(facts: dict[str, Any]) -> None:
        facts["content"]["answers"]["pupils"] = 600
        facts["content"]["budget"][0][3] = 99_000

    lines = wrong(verify(with_facts(pdf, forge)))
    assert "the attached receipt.json, answer “How many pupils take part?” (pupils): was “60”, is “600”." in lines
    assert "the attached receipt.json, budget line 1, price in cents: was “24000”, is “99000”." in lines


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(signature="é" * 64),
        lambda facts: facts.update(received_at="2025-03-01T11:00:00+00:00"),
        lambda facts: facts.update(ref="\x00\ud800", number=10**30),
        lambda facts: facts.update(content=None, key="00000000"),
        lambda facts: facts.clear(),
    ],
)
def test_any_forged_fact_is_named(pdf: bytes, verify: Verify, change: Callable[[dict[str, Any]], None]) -> None:
    assert any(line.startswith("the attached receipt.json, ") for line in wrong(verify(with_facts(pdf, change))))


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE submission SET content = jsonb_set(content, '{answers,goals}', '\"Elke leerling bouwt wat.\"')",
            (
                "stored submission, answer “What will pupils be able to do that they cannot do now?” (goals): "
                "was “Elke leerling bouwt een rijdende robot.”, is “Elke leerling bouwt wat.”."
            ),
        ),
        (
            "UPDATE submission SET content = content #- '{answers,sharing}'",
            (
                "stored submission, answer “How do you share what you learn with other schools?” (sharing): "
                "was “Wij zetten de lessen online.”, is gone."
            ),
        ),
        (
            "UPDATE submission SET content = jsonb_set(content, '{budget,1,3}', '7600')",
            "stored submission, budget line 2, price in cents: was “7500”, is “7600”.",
        ),
        (
            "UPDATE submission SET content = jsonb_set(content, '{requested_cents}', '400000')",
            "stored submission, amount asked in cents: was “312000”, is “400000”.",
        ),
        (
            "UPDATE submission SET content = jsonb_set(content, '{documents,0,1}', '\"andere.pdf\"')",
            "stored submission, document 1, file name: was “brief.pdf”, is “andere.pdf”.",
        ),
        (
            "UPDATE submission SET received_at = received_at - interval '1 day'",
            "stored submission, time of receipt: is 2025-03-13T11:00:00+00:00.",
        ),
        ("UPDATE journal SET data = data - 'submission'", "the journal: has no act that received this content."),
        (
            "UPDATE application SET answers = jsonb_set(answers, '{pupils}', '61')",
            "the case as pages show it, answer “How many pupils take part?” (pupils): was “60”, is “61”.",
        ),
        (
            "UPDATE contribution SET cents = cents + 1",
            "the case as pages show it, contribution 1, amount in cents: was “78000”, is “78001”.",
        ),
        ("UPDATE receipt SET seal = reverse(seal)", "the database: the seal of this PDF was changed there."),
        (
            "UPDATE receipt SET pdf_sha256 = reverse(pdf_sha256)",
            "the database: the SHA-256 of this PDF was changed there; this file is the one that was sealed.",
        ),
    ],
)
def test_a_changed_fact_in_the_database_is_named(
    app: Flask, pdf: bytes, verify: Verify, statement: str, named: str
) -> None:
    tamper(app, statement)
    assert named in wrong(verify(pdf))


def test_a_changed_or_lost_file_is_named(app: Flask, pdf: bytes, verify: Verify) -> None:
    letter = stored(app, PDF)
    letter.write_bytes(PDF[:-2] + b"X\n")
    assert wrong(verify(pdf))[0].startswith("file “brief.pdf” (partner_letter): was changed in the file store; its SHA")
    letter.unlink()
    assert wrong(verify(pdf)) == ["file “brief.pdf” (partner_letter): is gone from the file store."]


def test_our_own_copy_that_was_changed_is_named(app: Flask, pdf: bytes, verify: Verify) -> None:
    stored(app, pdf).write_bytes(pdf[:-2])
    assert wrong(verify(pdf))[0].startswith("the stored copy of the PDF: was changed in the file store")


def test_under_another_secret_nothing_is_proved(pdf: bytes, verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "another secret for tests only, long enough")
    assert wrong(verify(pdf))[0].startswith("the signature: was made with another SECRET_KEY (key ")


def test_after_the_retention_term_the_school_can_still_prove_it(app: Flask, pdf: bytes, verify: Verify) -> None:
    files = ObjectFileStore(cast("Settings", app.extensions["settings"]).storage_url)
    with writing(app) as session:
        session.execute(text("UPDATE application SET state = 'rejected'"))
        retention.run(session, files, actor=SYSTEM, now=NOON + timedelta(days=365 * 20), dry_run=False)
    assert list(files.iterate()) == []
    result = verify(pdf)
    assert result.exit_code == 0, result.output
    assert "removed under the retention terms" in result.stdout
    changed = bytearray(pdf)
    changed[len(pdf) // 2] ^= 1
    assert wrong(verify(bytes(changed)))[0].startswith("the PDF: is not the one that was made")


@pytest.mark.parametrize("content", [b"", b"geen pdf", PDF, b"%PDF-1.7\n" + b"\xff" * 5000])
def test_what_is_no_receipt_is_refused(app: Flask, verify: Verify, content: bytes) -> None:
    result = verify(content)
    assert result.exit_code == 2
    assert result.stderr.endswith("saved.pdf: is not a receipt that Fondsloket made.\n")
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_named(app: Flask, verify: Verify, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["receipt", "verify", str(tmp_path / "niets.pdf")])
    assert result.exit_code == 2
    assert "niets.pdf: cannot be read" in result.stderr


def test_a_receipt_of_elsewhere_is_not_ours(app: Flask, pdf: bytes, verify: Verify) -> None:
    with writing(app) as session:
        session.execute(text("DELETE FROM receipt"))
    (line,) = wrong(verify(pdf))
    assert line.startswith("the receipt: this database does not know it; what is attached was signed with this SECRET")
