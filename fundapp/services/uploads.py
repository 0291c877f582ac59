"""Documents that a school sends: judged by their content, looked at by the virus scanner, stored once.

The type comes from the first bytes and, for office documents, from what is inside; the name that was sent says nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

import filetype
from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.outside import Verdict
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Attachment, StoredDocument
from fundapp.services.draft import Writing
from fundapp.services.ports import FileStore, Scanner

MEGABYTE = 1024 * 1024
LARGEST = 10 * MEGABYTE

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
}
"""Extension → media type of every kind of document that is taken."""

ACCEPTED = Text("pdf, jpg, png, docx, xlsx of odt", "pdf, jpg, png, docx, xlsx or odt")

_OFFICE = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def kind_of(content: bytes) -> str | None:
    """Return the extension that this content should have, or None for a kind that is not taken."""
    guessed = filetype.guess_extension(content[:8192])
    if guessed in ("pdf", "jpg", "png"):
        return str(guessed)
    if not content.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as inside:
            names = set(inside.namelist())
            if any(name.endswith("vbaProject.bin") for name in names):
                return None
            if "mimetype" in names and inside.getinfo("mimetype").file_size < 200:
                return "odt" if inside.read("mimetype").decode("ascii", "replace") == MEDIA_TYPES["odt"] else None
            return next((kind for name, kind in _OFFICE.items() if name in names), None)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        return None


def tidy_name(given: str, kind: str) -> str:
    """Return a file name to show and to download under: no folders, no control signs, with the ending of its kind."""
    last = re.split(r"[/\\]", given)[-1]
    stem = _ENDING.sub("", "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*')).strip(" .")
    return f"{stem[:100] or 'bestand'}.{kind}"


def add_document(
    page: Writing,
    document: str,
    file_name: str,
    content: bytes,
    *,
    files: FileStore,
    scanner: Scanner,
) -> Attachment:
    """Store what was sent and attach it to a draft as this document; the same file twice is one.

    Raises Refused as `store_document` does.
    """
    session = page.session
    stored, kind = store_document(session, document, file_name, content, files=files, scanner=scanner, now=page.now)
    before = session.scalar(
        select(Attachment).where(
            Attachment.application_id == page.app.id, Attachment.kind == document, Attachment.sha256 == stored.sha256
        )
    )
    if before is not None:
        return before
    name = tidy_name(file_name, kind)
    return page.attach(document, name, stored.sha256)


def store_document(
    session: Session,
    field: str,
    file_name: str,
    content: bytes,
    *,
    files: FileStore,
    scanner: Scanner,
    now: datetime,
) -> tuple[StoredDocument, str]:
    """Judge and scan what was sent, and store it once; return it with the extension that it should have.

    Raises Refused (INVALID) on this field: empty, too large, of another kind, infected, or not scanned because the
    scanner is away.
    """
    kind = _judged(field, file_name, content)
    scan = scanner.scan(content)
    if scan.verdict in (Verdict.INFECTED, Verdict.UNAVAILABLE):
        raise Refused(_scan_refusal(field, file_name, scan.verdict))
    stored = files.put(content)
    known = session.get(StoredDocument, stored.sha256)
    if known is None:
        known = StoredDocument(
            sha256=stored.sha256,
            size=stored.size,
            media_type=MEDIA_TYPES[kind],
            scan=str(scan.verdict),
            stored_at=now,
        )
        session.add(known)
        session.flush()
    elif known.scan != Verdict.CLEAN:
        known.scan = str(scan.verdict)
    return known, kind


def _judged(document: str, file_name: str, content: bytes) -> str:
    name = same(tidy_name(file_name, "x")[:-2][:60])
    if not content:
        raise Refused(
            _no(
                "file_empty",
                document,
                Text(
                    "Het bestand “{name}” is leeg. Kies een ander bestand.",
                    "The file “{name}” is empty. Choose another file.",
                ).fill(name=name),
            )
        )
    if len(content) > LARGEST:
        size = f"{len(content) / MEGABYTE:.1f}".replace(".", ",")
        raise Refused(
            _no(
                "file_too_large",
                document,
                Text(
                    "Het bestand “{name}” is {size} MB. Het mag hoogstens {most} MB zijn. Maak het kleiner.",
                    "The file “{name}” is {size} MB. The limit is {most} MB. Make it smaller.",
                ).fill(name=name, size=size, most=LARGEST // MEGABYTE),
            )
        )
    kind = kind_of(content)
    if kind is None:
        raise Refused(
            _no(
                "file_kind",
                document,
                Text(
                    "Het bestand “{name}” kunnen wij niet lezen. Bewaar het als {accepted}, zonder macro's.",
                    "We cannot read the file “{name}”. Save it as {accepted}, without macros.",
                ).fill(name=name, accepted=ACCEPTED),
            )
        )
    return kind


def _scan_refusal(document: str, file_name: str, verdict: Verdict) -> Refusal:
    name = same(tidy_name(file_name, "x")[:-2][:60])
    if verdict is Verdict.INFECTED:
        text = Text(
            "In het bestand “{name}” zit een virus. Wij hebben het niet bewaard. Vraag uw ict-beheerder om hulp.",
            "The file “{name}” has a virus. We did not keep it. Ask your IT support for help.",
        )
        return _no("file_infected", document, text.fill(name=name))
    text = Text(
        "Wij kunnen het bestand “{name}” nu niet op virussen controleren. Probeer het over een kwartier opnieuw.",
        "We cannot check the file “{name}” for viruses now. Try again in a quarter of an hour.",
    )
    return _no("scanner_away", document, text.fill(name=name))


def _no(code: str, document: str, sentence: Text) -> Refusal:
    return Refusal(code, sentence, field=document, kind=Kind.INVALID)
