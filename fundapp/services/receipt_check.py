"""Proving a receipt: is this file the PDF that was made, and is all that it attests still stored as it was sent?

Everything that differs is named: the part of the PDF, the answer, the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, select
from sqlalchemy.orm import Session

from fundapp.adapters.receipt_file import altered_parts, mark, marked
from fundapp.adapters.receipt_file import attested as attested_in
from fundapp.domain.canonical import digest
from fundapp.domain.form_spec import FormSpec
from fundapp.domain.outside import FileDamaged, FileMissing
from fundapp.domain.receipt import ATTACHED, Difference, Signer, differences
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import Application, StoredDocument, Submission
from fundapp.persistence.journal import Journal
from fundapp.persistence.receipt import Receipt
from fundapp.services import draft_reading, funds
from fundapp.services.draft import EDITABLE
from fundapp.services.ports import FileStore

_MOST_PARTS = 5
"""A PDF of which more parts differ was made anew by another program; then each part says nothing."""


@dataclass
class Proof:
    """What was found about one receipt. differences: none is a proof. notes: what could not be compared, and why."""

    ref: str
    number: int
    received_at: datetime | None = None
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        """Whether everything is as it was."""
        return not self.differences

    def add(self, where: str, what: str) -> None:
        """Name one thing that differs."""
        self.differences.append(Difference(where, what))


def verify(session: Session, files: FileStore, signer: Signer, content: bytes) -> Proof | None:
    """Compare a file with what was made and what is stored; None for a file that is no receipt of ours.

    Nothing is written. A stored file that was changed or is gone is a difference, not an error.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    told = attested_in(content)
    found = _find(session, sha256, content, told)
    if found is None:
        return _unknown(content, told, signer)
    row, submission, app = found
    proof = Proof(app.ref, submission.number, submission.received_at)
    trusted = _compare_pdf(proof, row, files, signer, sha256, content)
    form = funds.spec_of(session, app.fund_version_id).form
    signed = _signed_facts(proof, signer, told, trusted, form)
    if signed is not None:
        _compare_stored(proof, session, submission, app, signed, form)
        _compare_files(proof, session, files, submission, signed)
    return proof


def _find(
    session: Session, sha256: str, content: bytes, told: Mapping[str, Any] | None
) -> tuple[Receipt, Submission, Application] | None:
    """The receipt that this file is or was: by its hash, else by what it says of itself in two places."""
    query = (
        select(Receipt, Submission, Application)
        .join(Submission, Submission.id == Receipt.submission_id)
        .join(Application, Application.id == Submission.application_id)
    )
    named = [name for name in (marked(content), _named(told)) if name is not None]
    for condition in (
        Receipt.pdf_sha256 == sha256,
        *((Application.ref == ref) & (Submission.number == number) for ref, number in named),
    ):
        row = session.execute(query.where(condition).limit(1)).one_or_none()
        if row is not None:
            return row[0], row[1], row[2]
    return None


def _named(told: Mapping[str, Any] | None) -> tuple[str, int] | None:
    """What the attached facts say of themselves, by the same shape as the mark."""
    return marked(mark(told.get("ref", ""), told.get("number", 0)).encode("utf-8", "replace")) if told else None


def _unknown(content: bytes, told: Mapping[str, Any] | None, signer: Signer) -> Proof | None:
    """A receipt of which this database knows nothing; None where the file does not even say that it is one."""
    name = marked(content)
    if name is None:
        return None
    proof = Proof(*name)
    if told is not None and signer.signed(told):
        what = "this database does not know it; what is attached was signed with this SECRET_KEY and not changed since"
    else:
        what = "this database does not know it, and what is attached is not signed with this SECRET_KEY"
    proof.add("the receipt", what)
    return proof


# --- the file ---------------------------------------------------------------------------------------------------------


def _compare_pdf(
    proof: Proof, row: Receipt, files: FileStore, signer: Signer, sha256: str, content: bytes
) -> bytes | None:
    """Compare the file with the PDF that was made, byte by byte; return the PDF that can be trusted, if any."""
    if row.pdf_sha256 is None or row.seal is None:
        proof.add("the receipt", f"was never made: {row.failure or 'the worker has not come to it yet'}")
        return None
    sealed = signer.sealed(sha256, row.seal)
    if sealed and sha256 != row.pdf_sha256:
        proof.add("the database", "the SHA-256 of this PDF was changed there; this file is the one that was sealed")
        return content
    made = _stored_copy(proof, row, row.pdf_sha256, files)
    if sealed:
        return content
    if sha256 == row.pdf_sha256:
        _name_the_seal(proof, signer, content)
    elif made is None:
        proof.add("the PDF", f"is not the one that was made: its SHA-256 is {sha256}, not {row.pdf_sha256}")
    else:
        _name_the_parts(proof, made, content)
    return made


def _stored_copy(proof: Proof, row: Receipt, pdf_sha256: str, files: FileStore) -> bytes | None:
    try:
        return files.get(pdf_sha256)
    except FileMissing:
        if row.facts:
            proof.add("the stored copy of the PDF", "is gone from the file store")
        else:
            proof.notes.append("Our own copy of the PDF was removed under the retention terms.")
    except FileDamaged as damaged:
        proof.add("the stored copy of the PDF", f"was changed in the file store; its SHA-256 is now {damaged.found}")
    return None


def _name_the_parts(proof: Proof, made: bytes, content: bytes) -> None:
    parts = altered_parts(made, content)
    if len(parts) > _MOST_PARTS:
        count, first = len(parts), parts[0][1]
        proof.add("the PDF", f"was replaced or saved anew: {count} of its parts differ, the first at byte {first}")
        return
    for name, place in parts:
        proof.add(f"the PDF, {name}", f"was changed at byte {place}")


def _name_the_seal(proof: Proof, signer: Signer, pdf: bytes) -> None:
    key = (attested_in(pdf) or {}).get("key")
    if key == signer.name:
        proof.add("the database", "the seal of this PDF was changed there")
    else:
        proof.add("the signature", f"was made with another SECRET_KEY (key {key}; this one is {signer.name})")


def _signed_facts(
    proof: Proof, signer: Signer, told: dict[str, Any] | None, trusted: bytes | None, form: FormSpec
) -> Mapping[str, Any] | None:
    """What was attested: as the file says it, else as our own copy does. What the file says otherwise is named."""
    if told is not None and signer.signed(told):
        return told
    ours = attested_in(trusted) if trusted is not None else None
    if ours is None:
        proof.notes.append("Nothing that was attested can be read, so what is stored was not compared.")
        return None
    if told is not None and told != ours:
        for found in _told_otherwise(ours, told, form):
            proof.add(f"the attached {ATTACHED}, {found.where}", found.what)
    return ours


def _told_otherwise(ours: Mapping[str, Any], told: Mapping[str, Any], form: FormSpec) -> Iterator[Difference]:
    content = told.get("content")
    yield from differences(ours["content"], content if isinstance(content, Mapping) else {}, form)
    for name in dict.fromkeys((*ours, *told)):
        if name != "content" and ours.get(name) != told.get(name):
            yield Difference(name, f"was {ours.get(name)!r}, is {told.get(name)!r}")


# --- what is stored ---------------------------------------------------------------------------------------------------


def _compare_stored(
    proof: Proof,
    session: Session,
    submission: Submission,
    app: Application,
    signed: Mapping[str, Any],
    form: FormSpec,
) -> None:
    content = signed["content"]
    if not submission.content:
        proof.notes.append("The stored answers were removed under the retention terms; the receipt itself is proved.")
        return
    for found in differences(content, submission.content, form):
        proof.add(f"stored submission, {found.where}", found.what)
    if digest(content) != submission.sha256:
        proof.add("stored submission", f"its SHA-256 was {digest(content)}, is {submission.sha256}")
    if submission.received_at != datetime.fromisoformat(signed["received_at"]):
        proof.add("stored submission, time of receipt", f"is {submission.received_at.isoformat()}")
    if not _in_journal(session, app, submission.number, signed["content_sha256"]):
        proof.add("the journal", "has no act that received this content")
    newest = session.scalar(
        select(Submission.number).where(Submission.application_id == app.id).order_by(Submission.number.desc()).limit(1)
    )
    if newest == submission.number and app.state not in EDITABLE:
        for found in differences(content, _now(session, app), form):
            proof.add(f"the case as pages show it, {found.where}", found.what)


def _now(session: Session, app: Application) -> dict[str, Any]:
    """The case as it is stored now; a file that the virus scanner had removed since was sent all the same."""
    picture = draft_reading.picture(session, app)
    return picture.content() | {"documents": [[d.kind, d.file_name, d.sha256] for d in picture.asked_documents]}


def _in_journal(session: Session, app: Application, number: int, sha256: str) -> bool:
    noted = Journal.data["submission"]
    query = select(Journal.id).where(
        Journal.kind == "application",
        Journal.subject_id == app.id,
        noted["number"].astext.cast(Integer) == number,
        noted["sha256"].astext == sha256,
    )
    return session.scalar(query.limit(1)) is not None


def _compare_files(
    proof: Proof, session: Session, files: FileStore, submission: Submission, signed: Mapping[str, Any]
) -> None:
    for file in signed["files"]:
        where = f"file “{file['name']}” ({file['kind']})"
        try:
            for _ in files.open_chunks(file["sha256"]):
                pass
        except FileDamaged as damaged:
            proof.add(where, f"was changed in the file store; its SHA-256 is now {damaged.found}")
        except FileMissing:
            known = session.get(StoredDocument, file["sha256"])
            if known is not None and known.scan == ScanState.INFECTED:
                proof.notes.append(f"The {where} was removed: the scanner found a virus in it.")
            elif submission.content:
                proof.add(where, "is gone from the file store")
