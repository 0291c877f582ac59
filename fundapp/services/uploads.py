"""Files that a school sends: judged by their content, looked at by the virus scanner, stored once.

A file whose scanner is away is kept in quarantine: it counts as sent, and nobody can open it until it was scanned
(`quarantine`). An infected one is not kept.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.adapters.file_content import is_locked, kind_of
from fundapp.domain.completion import require_open
from fundapp.domain.fund import FundSpec
from fundapp.domain.outside import Verdict
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import FileType, ScanState, Slot
from fundapp.domain.upload import tidy_name as tidy_name
from fundapp.persistence.application import Attachment, StoredDocument
from fundapp.services.draft import Writing
from fundapp.services.ports import FileStore, Scanner

_STATE = {
    Verdict.CLEAN: ScanState.CLEAN,
    Verdict.NOT_SCANNED: ScanState.NOT_SCANNED,
    Verdict.UNAVAILABLE: ScanState.WAITING,
}


def slot_of(spec: FundSpec, key: str) -> Slot:
    """Return a place for files of a fund. Raises Refused(NOT_FOUND) for a name that it does not have."""
    slot = spec.slot(key)
    if slot is None:
        sentence = Text(
            "Hier kunt u geen bestand toevoegen. Ga terug naar de takenlijst.",
            "You cannot add a file here. Go back to the task list.",
        )
        raise Refused(Refusal("slot_unknown", sentence, kind=Kind.NOT_FOUND))
    return slot


def add_document(
    page: Writing, document: str, file_name: str, content: bytes, *, files: FileStore, scanner: Scanner
) -> Attachment:
    """Store what was sent and attach it to a draft in this place; the same file twice is one.

    Raises Refused as `slot_of` and `store_document` do, and INVALID where no more files fit.
    """
    session, slot = page.session, slot_of(page.spec, document)
    require_open(page.open_parts, document)
    mine = (Attachment.application_id == page.app.id, Attachment.kind == document)
    there = session.scalars(select(Attachment).where(*mine)).all()
    sha256 = hashlib.sha256(content).hexdigest()
    before = next((attachment for attachment in there if attachment.sha256 == sha256), None)
    if before is None:
        slot.check_room(len(there))
    stored, kind = store_document(
        session, document, file_name, content, files=files, scanner=scanner, now=page.now, slot=slot
    )
    return before or page.attach(document, tidy_name(file_name, kind), stored.sha256)


def store_document(
    session: Session,
    field: str,
    file_name: str,
    content: bytes,
    *,
    files: FileStore,
    scanner: Scanner,
    now: datetime,
    slot: Slot | None = None,
) -> tuple[StoredDocument, FileType]:
    """Judge and scan what was sent, and store it once; return it with the extension that it should have.

    slot: what its place takes; every kind of file where it is absent. Raises Refused (INVALID) on this field: empty,
    too large, with a password, of another kind, infected. A scanner that is away puts the file in quarantine.
    """
    slot = slot or Slot(field, tuple(FileType))
    slot.check_size(file_name, len(content))
    kind = slot.check_type(file_name, kind_of(content), locked=is_locked(content))
    scan = scanner.scan(content)
    if scan.verdict is Verdict.INFECTED:
        raise slot.infected(file_name)
    sha256 = hashlib.sha256(content).hexdigest()
    known = session.get(StoredDocument, sha256, with_for_update=True)
    state = _STATE[scan.verdict]
    if known is None:
        known = StoredDocument(
            sha256=sha256, size=len(content), media_type=kind.media_type, scan=str(state), stored_at=now
        )
        session.add(known)
        session.flush()  # what the database refuses is refused before there is a file
    elif known.scan == ScanState.INFECTED and state is not ScanState.CLEAN:
        raise slot.infected(file_name)
    elif known.scan != ScanState.CLEAN:
        known.scan = str(state)
    files.put(content)
    return known, kind
