"""What the retention terms say must go: drafts that were never sent, and the personal side of cases long closed.

The terms stand in each fund's rules (`retention_years`, by how a case ended). The decision, the amounts, the journal
and the ledger stay: they name no person but by number. Source: AVG art. 5(1)(e); domain.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.fund import FundSpec
from fundapp.domain.people import Actor
from fundapp.persistence.application import (
    Application,
    Attachment,
    BudgetLine,
    Contribution,
    EligibilityCheck,
    Partner,
    StoredDocument,
    Submission,
)
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.consent import PartnerConsent
from fundapp.persistence.decision import Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.message import CaseMessage
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import SignInCode
from fundapp.persistence.receipt import Receipt
from fundapp.persistence.settlement import IntentResponse, ReportContribution, ReportEvidence, ReportLine
from fundapp.persistence.signing import Signature
from fundapp.services import funds
from fundapp.services.journal import note
from fundapp.services.ports import FileStore

_ENDINGS: dict[State, str] = {
    State.DRAFT: "draft",
    State.SETTLED: "awarded",
    State.REVOKED: "awarded",
    State.REJECTED: "rejected",
    State.NOT_CONSIDERED: "not_considered",
    State.WITHDRAWN: "withdrawn",
}
"""How a case ended → the name of its retention term."""


@dataclass
class Retired:
    """What went, or (dry run) would go: references of cases, the number of files, of mails and of sign-in codes."""

    drafts: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    files: int = 0
    mails: int = 0
    codes: int = 0


def run(session: Session, files: FileStore, *, actor: Actor, now: datetime, dry_run: bool) -> Retired:
    """Remove what must go. The caller commits. A second run finds nothing more."""
    done = Retired()
    pdfs: list[str] = []
    session.execute(text("SET LOCAL fundapp.retention = 'on'"))
    for app in _overdue(session, now):
        (done.drafts if app.state == State.DRAFT else done.cases).append(app.ref)
        if not dry_run:
            pdfs += _pdfs_of(session, app)
            done.mails += _retire(session, app)
            note(
                session,
                actor,
                now,
                kind="application",
                subject_id=app.id,
                action="retire",
                data={"ref": app.ref, "ended_as": _ENDINGS[State(app.state)]},
            )
    expired = SignInCode.expires_at < now - timedelta(days=30)
    done.codes = session.scalar(select(func.count()).select_from(SignInCode).where(expired)) or 0
    if dry_run:
        return done
    session.execute(delete(SignInCode).where(expired))
    session.flush()
    done.files = _drop_files(session, files, pdfs)
    return done


def _overdue(session: Session, now: datetime) -> list[Application]:
    """The cases whose term is over and that were not retired before (a retired one has no answers left)."""
    rows = session.execute(
        select(Application, Tranche.closes_at)
        .join(Tranche, Tranche.id == Application.tranche_id)
        .where(Application.state.in_(list(_ENDINGS)), Application.answers != {})
        .order_by(Application.id)
    )
    found = []
    for app, closes_at in rows:
        spec: FundSpec = funds.spec_of(session, app.fund_version_id)
        years = getattr(spec.retention_years, _ENDINGS[State(app.state)])
        ended = max(app.changed_at, closes_at) if app.state == State.DRAFT else app.changed_at
        if ended.replace(year=ended.year + years, day=min(ended.day, 28)) < now:
            found.append(app)
    return found


def _retire(session: Session, app: Application) -> int:
    """Take away what a person wrote or was written; return how many mails lost their words."""
    for table in (
        Attachment,
        Partner,
        Contribution,
        ReportEvidence,
        ReportContribution,
        Signature,
        PartnerConsent,
        CaseMessage,
    ):
        session.execute(delete(table).where(table.application_id == app.id))
    if app.state == State.DRAFT:
        session.execute(delete(BudgetLine).where(BudgetLine.application_id == app.id))
        app.title = ""
    session.execute(delete(EligibilityCheck).where(EligibilityCheck.application_id == app.id))
    session.execute(delete(IntentResponse).where(IntentResponse.application_id == app.id))
    written = {"explanation": "", "no_evidence": ""}
    session.execute(update(ReportLine).where(ReportLine.application_id == app.id).values(**written))
    session.execute(update(ChangeRequest).where(ChangeRequest.application_id == app.id).values(explanation=""))
    sent = select(Submission.id).where(Submission.application_id == app.id)
    session.execute(update(Receipt).where(Receipt.submission_id.in_(sent)).values(facts={}))
    session.execute(update(Submission).where(Submission.application_id == app.id).values(content={}))
    session.execute(
        update(Letter).where(Letter.application_id == app.id).values(context={}, pdf_sha256=None, failure="retired")
    )
    app.answers = {}
    app.completion_request = None
    mails = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.application_id == app.id)
        .values(context={}, subject=None, body=None, address="")
        .returning(OutboxMessage.id)
    )
    return len(mails.all())


def _pdfs_of(session: Session, app: Application) -> list[str]:
    """The PDFs of a case: its letters and receipts."""
    letters = select(Letter.pdf_sha256).where(Letter.application_id == app.id)
    receipts = select(Receipt.pdf_sha256).join(Submission).where(Submission.application_id == app.id)
    return [sha256 for sha256 in session.scalars(letters.union(receipts)) if sha256 is not None]


def _drop_files(session: Session, files: FileStore, pdfs: Sequence[str]) -> int:
    """Remove stored files that nothing refers to any more: the row first, then the file."""
    letters = select(Letter.pdf_sha256).where(Letter.pdf_sha256.is_not(None))
    used = select(Attachment.sha256).union(select(ReportEvidence.sha256), letters)
    unused = session.scalars(select(StoredDocument.sha256).where(StoredDocument.sha256.not_in(used))).all()
    sent = set(session.scalars(_SENT, {"files": list(unused)})) if unused else set()
    gone = [sha256 for sha256 in unused if sha256 not in sent]
    session.execute(delete(StoredDocument).where(StoredDocument.sha256.in_(gone)))
    for sha256 in (*gone, *pdfs):
        files.delete(sha256)
    return len(gone) + len(pdfs)


_SENT = text("""
  SELECT DISTINCT d->>2 FROM submission, jsonb_array_elements(content->'documents') d WHERE d->>2 = ANY(:files)
""")
"""Of these files, those that a school sent: it may have taken one away since, but its receipt names it."""
