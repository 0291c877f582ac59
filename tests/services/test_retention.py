"""What must go goes, what must stay stays, and the proofs still hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.people import SYSTEM
from fundapp.persistence.application import Application, Attachment, StoredDocument, Submission
from fundapp.persistence.journal import Journal
from fundapp.persistence.message import CaseMessage
from fundapp.persistence.signing import Signature
from fundapp.services import journal, ledger, retention
from tests.support.cases import NOW, Cases

LONG_AGO = NOW - timedelta(days=365 * 20)


@pytest.fixture
def files(tmp_path: Path) -> ObjectFileStore:
    return ObjectFileStore(tmp_path.as_uri())


def old_case(session: Session, files: ObjectFileStore, state: str = "rejected") -> Application:
    cases = Cases(session)
    app = cases.application(cases.tranche(), cases.school(), state=state)
    app.answers, app.changed_at = {"signer_name": "Ruud de Nooijer"}, LONG_AGO
    stored = files.put(b"een brief")
    session.add(StoredDocument(sha256=stored.sha256, size=9, media_type="x", scan="not_scanned", stored_at=LONG_AGO))
    session.flush()
    session.add(
        Attachment(
            application_id=app.id, kind="partner_letter", file_name="b.pdf", sha256=stored.sha256, added_at=LONG_AGO
        )
    )
    person = cases.person("Anna de Wit")
    session.add(
        CaseMessage(application_id=app.id, from_school=True, author_id=person.id, body="Een vraag", at=LONG_AGO)
    )
    session.add(
        Submission(
            application_id=app.id, number=1, received_at=LONG_AGO, content={"signer": "Ruud de Nooijer"}, sha256="x"
        )
    )
    session.flush()
    return app


def test_a_rejected_case_of_long_ago_loses_its_words_and_its_files(session: Session, files: ObjectFileStore) -> None:
    app = old_case(session, files)
    done = retention.run(session, files, actor=SYSTEM, now=NOW, dry_run=False)
    assert (done.cases, done.files) == ([app.ref], 1)
    session.expire_all()
    assert (app.answers, app.state) == ({}, "rejected")
    assert session.scalars(select(Signature)).all() == []
    assert session.scalars(select(CaseMessage)).all() == []
    assert session.scalars(select(Submission.content)).all() == [{}]
    assert list(files.iterate()) == []
    assert journal.verify(session) is None
    assert ledger.verify(session) is None
    assert retention.run(session, files, actor=SYSTEM, now=NOW, dry_run=False).cases == []


def test_a_dry_run_changes_nothing(session: Session, files: ObjectFileStore) -> None:
    app = old_case(session, files)
    rows = session.scalar(select(func.count()).select_from(Journal))
    assert retention.run(session, files, actor=SYSTEM, now=NOW, dry_run=True).cases == [app.ref]
    assert app.answers
    assert session.scalar(select(func.count()).select_from(Journal)) == rows
    assert len(list(files.iterate())) == 1


def test_a_case_within_its_term_or_still_running_stays(session: Session, files: ObjectFileStore) -> None:
    old_case(session, files, state="under_review")
    done = retention.run(session, files, actor=SYSTEM, now=NOW, dry_run=False)
    assert (done.cases, done.drafts, done.files) == ([], [], 0)


def test_nothing_else_can_empty_what_was_sent(session: Session, files: ObjectFileStore) -> None:
    old_case(session, files)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE submission SET content = '{}'"))
