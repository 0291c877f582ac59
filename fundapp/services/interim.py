"""Interim reports: written and sent by the school, approved by finance; then the instalment that waits can be paid."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain import interim
from fundapp.domain.application import State as CaseState
from fundapp.domain.fund_parts import Proof
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.term import Length, TermRule
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Attachment, StoredDocument
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import Instalment
from fundapp.services import application, funds, terms
from fundapp.services.act import Act, CaseType
from fundapp.services.payment_scheme import interim_term, payment_rule, release_instalment
from fundapp.services.ports import FileStore, Scanner
from fundapp.services.subject import lock_tranche, missing
from fundapp.services.uploads import store_document, tidy_name

LONGEST_TEXT = 6000
"""Signs of the report itself; the rest goes in documents."""


def proof_of(row: InterimReport) -> Proof:
    """What the fund asks."""
    return Proof.model_validate(row.proof)


def document_kind(row: InterimReport) -> str:
    """How its documents are named among those of the application."""
    return f"interim_{row.number}"


def documents(session: Session, row: InterimReport) -> Sequence[Attachment]:
    """Its documents, in the order in which they came."""
    return session.scalars(
        select(Attachment)
        .where(Attachment.application_id == row.application_id, Attachment.kind == document_kind(row))
        .order_by(Attachment.id)
    ).all()


def document(session: Session, row: InterimReport, attachment_id: int) -> tuple[Attachment, StoredDocument]:
    """One of its documents, with the file that it is. Raises Refused(NOT_FOUND)."""
    found = next((one for one in documents(session, row) if one.id == attachment_id), None)
    if found is None:
        raise Refused(missing())
    return found, session.get_one(StoredDocument, found.sha256)


# --- writing it -------------------------------------------------------------------------------------------------------


def save(session: Session, ref: str, text: str, *, actor: Actor, now: datetime) -> InterimReport:
    """Save the report as it stands; sending it is a transition.

    Raises Refused: NOT_FOUND for somebody else's, CONFLICT once it was sent, INVALID for a text that is too long.
    """
    row = _editable(session, ref, actor)
    if len(text) > LONGEST_TEXT:
        raise Refused(Refusal("interim_long", _TOO_LONG.fill(most=LONGEST_TEXT), field="text", kind=Kind.INVALID))
    row.text = text.strip()
    row.changed_at = now
    session.flush()
    return row


def add_document(
    session: Session,
    ref: str,
    file_name: str,
    content: bytes,
    *,
    files: FileStore,
    scanner: Scanner,
    actor: Actor,
    now: datetime,
) -> None:
    """Attach a document; the same file twice is one. Raises Refused as `save` and `uploads.store_document` do."""
    row = _editable(session, ref, actor)
    stored, kind = store_document(session, "document", file_name, content, files=files, scanner=scanner, now=now)
    if any(one.sha256 == stored.sha256 for one in documents(session, row)):
        return
    session.add(
        Attachment(
            application_id=row.application_id,
            kind=document_kind(row),
            file_name=tidy_name(file_name, kind),
            sha256=stored.sha256,
            added_at=now,
            added_by_id=actor.id,
        )
    )
    session.flush()


def remove_document(session: Session, ref: str, attachment_id: int, *, actor: Actor) -> None:
    """Take a document away again. Raises Refused as `save` does."""
    row = _editable(session, ref, actor)
    for one in documents(session, row):
        if one.id == attachment_id:
            session.delete(one)
    session.flush()


def _editable(session: Session, ref: str, actor: Actor) -> InterimReport:
    row = find(session, ref, True)
    if Role.APPLICANT not in roles_on(actor, _scope(session, row)):
        raise Refused(missing())
    if row.state != interim.State.ASKED:
        raise Refused(Refusal("interim_sent", _SENT))
    return row


_TOO_LONG = Text(
    "Schrijf hoogstens {most} tekens. Zet de rest in een bijlage.", "Write {most} signs at most. Attach the rest."
)
_SENT = Text(
    "De tussenrapportage is al ingestuurd. U hoeft niets te doen.",
    "The interim report was sent already. There is nothing to do.",
)


# --- the flow ---------------------------------------------------------------------------------------------------------


def find(session: Session, ref: str, lock: bool = False) -> InterimReport:
    """Return an interim report. lock: its tranche first, then itself. Raises Refused(NOT_FOUND)."""
    query = select(InterimReport).where(InterimReport.ref == ref)
    if lock:
        tranche_id = session.scalar(
            select(Application.tranche_id)
            .join(InterimReport, InterimReport.application_id == Application.id)
            .where(InterimReport.ref == ref)
        )
        if tranche_id is None:
            raise Refused(missing())
        lock_tranche(session, tranche_id)
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Refused(missing())
    return row


def _app(session: Session, row: InterimReport) -> Application:
    return session.get_one(Application, row.application_id)


def _scope(session: Session, row: InterimReport) -> Scope:
    return application.scope(session, _app(session, row))


def _facts(session: Session, row: InterimReport, actor: Actor, _now: datetime) -> interim.Facts:
    return interim.Facts(
        state=row.state,
        version=row.version,
        roles=roles_on(actor, _scope(session, row)),
        running=_app(session, row).state == CaseState.AWARDED,
        written=bool(row.text.strip()),
    )


def interim_context(session: Session, row: InterimReport) -> dict[str, Any]:
    """What mails may say of an interim report."""
    name = proof_of(row).name
    return funds.case_context(session, _app(session, row)) | {
        "proof": {"nl": name.nl, "en": name.en},
        "due": row.due_on.isoformat(),
        "url_path": f"/tussenrapportages/{row.ref}",
    }


def receive(act: Act) -> None:
    """It was sent: its term ends, and the journal keeps what was sent."""
    row: InterimReport = act.row
    row.sent_at = act.now
    terms.end_all(act.session, row.application_id, act.today, interim_term(row.number))
    act.data["interim"] = {
        "ref": row.ref,
        "sha256": hashlib.sha256(row.text.encode()).hexdigest(),
        "documents": [one.sha256 for one in documents(act.session, row)],
    }


def release(act: Act) -> None:
    """It was approved: the instalment that waited for it can be paid."""
    row: InterimReport = act.row
    spec = funds.spec_of(act.session, _app(act.session, row).fund_version_id)
    release_instalment(act.session, row.instalment_id, today=act.today, rule=payment_rule(spec))
    instalment = act.session.get_one(Instalment, row.instalment_id)
    act.data["instalment"] = [instalment.number, instalment.cents]
    act.context |= {"amount": instalment.cents, "due": _iso(instalment)}


def _iso(row: Instalment) -> str:
    assert row.due_on is not None, "it was released"
    return row.due_on.isoformat()


def ask_again(act: Act) -> None:
    """Something is missing: the school gets as long as it does to complete an application."""
    row: InterimReport = act.row
    spec = funds.spec_of(act.session, _app(act.session, row).fund_version_id)
    rule = TermRule(Length.parse(spec.terms.completion.length), spec.legal_profile, spec.terms.report.shifts, False)
    term = terms.start(act.session, row.application_id, interim_term(row.number), rule, act.today)
    row.due_on = term.due_on
    act.context["due"] = term.due_on.isoformat()


KIND: CaseType[InterimReport, interim.Facts] = CaseType(
    flow=interim.FLOW,
    find=find,
    facts=_facts,
    scope=_scope,
    stream=lambda _row: 0,
    application_id=lambda row: row.application_id,
    context=interim_context,
)
