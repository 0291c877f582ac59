"""Files that wait for the virus scanner: scanned by the worker until each has a verdict; an infected one is removed.

With a scanner, files that came while there was none are scanned too. Without one, nothing waits: it is said of each
file that nobody looked at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.outside import FileDamaged, FileMissing, Verdict
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import Application, Attachment, StoredDocument
from fundapp.persistence.settlement import ReportEvidence
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application, funds
from fundapp.services.draft import EDITABLE
from fundapp.services.holders import holders
from fundapp.services.outbox import write_mail
from fundapp.services.ports import FileStore, Scanner

AT_ONCE = 200
"""Files that one run looks at; the next run takes the next."""
GIVEN_UP_AFTER = 3
"""Files in a row without an answer: then the scanner is away, and not just unable to read one of them."""


@dataclass
class Scanned:
    """What a run did. unanswered: files in a row, at its end, of which the scanner said nothing."""

    clean: int = 0
    infected: int = 0
    unanswered: int = 0

    @property
    def away(self) -> bool:
        """Whether the scanner seems to be away; then the others wait for the next run."""
        return self.unanswered >= GIVEN_UP_AFTER


def scan_waiting(session_factory: Callable[[], Session], files: FileStore, scanner: Scanner) -> Scanned:
    """Scan what waits, the oldest first. Safe to run twice, or by two at once."""
    done = Scanned()
    wanted = [ScanState.WAITING, ScanState.NOT_SCANNED] if scanner.present else [ScanState.WAITING]
    with session_factory() as session:
        waiting = session.scalars(
            select(StoredDocument.sha256)
            .where(StoredDocument.scan.in_(wanted))
            .order_by(StoredDocument.stored_at, StoredDocument.sha256)
            .limit(AT_ONCE)
        ).all()
    for sha256 in waiting:
        if done.away:
            break
        with session_factory() as session, unit_of_work(session):
            _scan(session, sha256, files, scanner, done)
    return done


def _scan(session: Session, sha256: str, files: FileStore, scanner: Scanner, done: Scanned) -> None:
    row = session.scalar(
        select(StoredDocument)
        .where(StoredDocument.sha256 == sha256, StoredDocument.scan.in_([ScanState.WAITING, ScanState.NOT_SCANNED]))
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return
    try:
        verdict = scanner.scan(files.open_chunks(sha256)).verdict
    except (FileMissing, FileDamaged):  # the proof of a receipt names it; no scanner can say anything of it
        return
    if verdict is Verdict.UNAVAILABLE:
        done.unanswered += 1
        return
    done.unanswered = 0
    if verdict is Verdict.CLEAN:
        row.scan = str(ScanState.CLEAN)
        done.clean += 1
    elif verdict is Verdict.NOT_SCANNED:
        row.scan = str(ScanState.NOT_SCANNED)
    else:
        row.scan = str(ScanState.INFECTED)
        done.infected += 1
        _tell(session, row)
        session.flush()
        files.delete(sha256)


def _tell(session: Session, row: StoredDocument) -> None:
    """Mail the schools that sent an infected file; a question that it answered has no answer any more."""
    found = session.execute(
        select(Attachment, Application)
        .join(Application, Application.id == Attachment.application_id)
        .where(Attachment.sha256 == row.sha256)
        .order_by(Attachment.id)
    ).all()
    for attachment, app in found:
        editable = State(app.state) in EDITABLE
        if editable and app.answers.get(attachment.kind) == row.sha256:
            app.answers = {key: value for key, value in app.answers.items() if key != attachment.kind}
        _mail(session, app, f"{attachment.id}", attachment.file_name, None if editable else Role.HANDLER)
    proofs = session.execute(
        select(ReportEvidence, Application)
        .join(Application, Application.id == ReportEvidence.application_id)
        .where(ReportEvidence.sha256 == row.sha256)
        .order_by(ReportEvidence.id)
    )
    for proof, app in proofs:
        judges = None if app.state == State.AWARDED else Role.FINANCE
        _mail(session, app, f"proof:{proof.id}", proof.file_name, judges)


def _mail(session: Session, app: Application, key: str, file_name: str, judges: Role | None) -> None:
    """Tell the school; and who judges what was sent, once it was. judges: None while the school can change it."""
    roles = [Role.APPLICANT] if judges is None else [Role.APPLICANT, judges]
    context = funds.case_context(session, app) | {"file_name": file_name, "sent": judges is not None}
    who = holders(session, application.scope(session, app), roles)
    for person in {person.id: person for role in roles for person in who[role]}.values():
        write_mail(
            session,
            "file_removed",
            person,
            key=f"infected:{key}:{person.id}",
            context=context,
            application_id=app.id,
        )


def require_scanned(scan: ScanState) -> None:
    """Raises Refused (CONFLICT) for a file that nobody may open: in quarantine, or removed."""
    if scan is ScanState.WAITING:
        raise Refused(_IN_QUARANTINE)
    if scan is ScanState.INFECTED:
        raise Refused(_REMOVED)


_IN_QUARANTINE = Refusal(
    "file_in_quarantine",
    Text(
        "Wij controleren dit bestand nog op virussen. Tot dat klaar is, kan niemand het openen. "
        "Probeer het over een paar minuten opnieuw.",
        "We are still checking this file for viruses. Until that is done, nobody can open it. "
        "Try again in a few minutes.",
    ),
)
_REMOVED = Refusal(
    "file_removed",
    Text(
        "In dit bestand zat een virus. Wij hebben het verwijderd. De school kan een ander bestand sturen.",
        "This file had a virus. We removed it. The school can send another one.",
    ),
)
