"""Receipts: a row that is written with each submission, and made into a signed PDF by the worker.

A receipt at fault shows up as failed and never blocks a submission. Proving one later is in `receipt_check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.canonical import digest
from fundapp.domain.draft import DraftPicture
from fundapp.domain.people import Actor
from fundapp.domain.receipt import Signer
from fundapp.domain.signing import Signature, Signatures, Standing
from fundapp.domain.text import Language
from fundapp.persistence.application import Application, StoredDocument, Submission
from fundapp.persistence.fund import FundVersion
from fundapp.persistence.people import Person
from fundapp.persistence.receipt import Receipt
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds
from fundapp.services.outbox import write_mail
from fundapp.services.ports import Documents, FileStore
from fundapp.services.receipt_words import build

MAILED_WITHIN = timedelta(days=1)
"""Who sent it waits for a receipt that is made so soon after, and gets a mail; later nobody does."""


def receipt_facts(picture: DraftPicture, number: int, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return what is frozen with a submission for its receipt: who sent it, for whom, and when. number: of this one."""
    return {
        "ref": picture.ref,
        "number": number,
        "received_at": now.isoformat(),
        "sent_by": actor.name,
        "school": {"code": picture.school.code, "name": picture.school.name},
        "board": {"number": picture.school.board, "name": picture.school.board_name},
        "round": picture.round.name,
        "signers": [_signer(one, picture.signing) for one in picture.signatures],
    }


def _signer(one: Signature, signatures: Signatures) -> dict[str, Any]:
    """Who signs; signed_at: None where the agreement follows the sending."""
    signed = one.standing(signatures.content) is Standing.SIGNED and one.answered_at is not None
    at = one.answered_at.isoformat() if signed and one.answered_at else None
    return {"role": str(one.role), "name": one.name, "signed_at": at}


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt for a page. number: of the submission; pdf_sha256: None while it is being made."""

    number: int
    received_at: datetime
    pdf_sha256: str | None


def of_application(session: Session, app: Application) -> dict[int, ReceiptView]:
    """Return the receipts of an application by the number of the submission."""
    rows = session.execute(
        select(Submission.number, Submission.received_at, Receipt.pdf_sha256)
        .join(Receipt, Receipt.submission_id == Submission.id)
        .where(Submission.application_id == app.id, Receipt.facts != {})
        .order_by(Submission.number)
    )
    return {row.number: ReceiptView(*row) for row in rows}


def attested(
    row: Receipt, submission: Submission, version: FundVersion, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return all that a receipt attests, still unsigned: plain JSON. files: as `files_of` gives them."""
    return {
        **row.facts,
        "fund": {"key": version.fund_key, "version": version.number, "rules_sha256": version.sha256},
        "content": submission.content,
        "content_sha256": submission.sha256,
        "files": [dict(file) for file in files],
    }


def files_of(session: Session, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files of a submission: what each is, its name and SHA-256, and its size and type as stored."""
    sent = content["documents"]
    query = select(StoredDocument).where(StoredDocument.sha256.in_([sha for _, _, sha in sent]))
    known = {stored.sha256: stored for stored in session.scalars(query)}
    return [
        {"kind": kind, "name": name, "sha256": sha, "size": known[sha].size, "media_type": known[sha].media_type}
        for kind, name, sha in sent
    ]


def render_pending(
    session_factory: Callable[[], Session],
    documents: Documents,
    files: FileStore,
    signer: Signer,
    *,
    now: datetime,
) -> int:
    """Make the PDF of every receipt that has none; return how many were made. Safe to run twice, or by two at once.

    A receipt at fault keeps its reason in `failure` and does not stop the others. A file store that is away raises:
    the receipt is tried again the next time.
    """
    with session_factory() as session:
        waiting = session.scalars(
            select(Receipt.id).where(Receipt.pdf_sha256.is_(None), Receipt.failure.is_(None)).order_by(Receipt.id)
        ).all()
    made = 0
    for receipt_id in waiting:
        with session_factory() as session, unit_of_work(session):
            made += _render(session, receipt_id, documents, files, signer, now)
    return made


def _render(
    session: Session, receipt_id: int, documents: Documents, files: FileStore, signer: Signer, now: datetime
) -> bool:
    row = session.scalar(
        select(Receipt)
        .where(Receipt.id == receipt_id, Receipt.pdf_sha256.is_(None), Receipt.failure.is_(None))
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return False
    submission = session.get_one(Submission, row.submission_id)
    app = session.get_one(Application, submission.application_id)
    try:
        pdf = _pdf(session, row, submission, app, documents, signer)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one receipt, the next one must go on
        row.failure = f"{type(error).__name__}: {error}"[:1000]
        return False
    row.pdf_sha256 = files.put(pdf).sha256
    row.seal = signer.seal(row.pdf_sha256)
    row.made_at = now
    if now - submission.received_at < MAILED_WITHIN:
        _tell(session, row, submission, app)
    return True


def _pdf(
    session: Session, row: Receipt, submission: Submission, app: Application, documents: Documents, signer: Signer
) -> bytes:
    if digest(submission.content) != submission.sha256:
        raise ValueError("what was sent was changed before its receipt was made")
    version = session.get_one(FundVersion, app.fund_version_id)
    facts = attested(row, submission, version, files_of(session, submission.content))
    spec = funds.spec_of(session, app.fund_version_id)
    return documents.receipt_pdf(build(facts, spec, cast("Language", row.language), signed=signer.attest(facts)))


def _tell(session: Session, row: Receipt, submission: Submission, app: Application) -> None:
    person = session.get(Person, submission.sent_by_id) if submission.sent_by_id else None
    if person is None or person.ended_at is not None:
        return
    context = funds.case_context(session, app)
    write_mail(
        session,
        "receipt",
        person,
        key=f"receipt:{row.id}",
        context=context | {"url_path": f"{context['url_path']}/ingestuurd"},
        application_id=app.id,
    )


def try_again(session: Session, receipt_id: int) -> None:
    """Let a failed receipt be made again, after its template was repaired. Its facts stay as they were."""
    session.get_one(Receipt, receipt_id, with_for_update=True).failure = None
