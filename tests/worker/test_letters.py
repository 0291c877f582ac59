"""Letters in the worker: each becomes a PDF once, one at fault does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.exceptions import GenericError
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters import documents
from fundapp.adapters.files import ObjectFileStore
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.decision import Letter
from fundapp.services.letters import letter_row, render_pending, try_again
from tests.services.test_letters import LETTERS, facts
from tests.support.cases import NOW, Cases

Sessions = sessionmaker[Session]


@pytest.fixture
def sessions(fresh_database: str) -> Iterator[Sessions]:
    engine = make_engine(fresh_database, pool_size=2)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def files(tmp_path: Path) -> ObjectFileStore:
    return ObjectFileStore(f"file://{tmp_path}/store")


def write(sessions: Sessions, *letters: tuple[str, dict[str, object]]) -> None:
    with sessions() as session:
        cases = Cases(session)
        app = cases.application(cases.tranche(), cases.school())
        journal_id = cases.book(app, "award", [])
        session.add_all(letter_row(app.id, journal_id, name, context, NOW) for name, context in letters)
        session.commit()


def stored(sessions: Sessions) -> list[Letter]:
    with sessions() as session:
        return list(session.scalars(select(Letter).order_by(Letter.id)))


def test_every_letter_becomes_a_pdf_once(sessions: Sessions, files: ObjectFileStore) -> None:
    write(sessions, *((name, facts()) for name in LETTERS))
    assert render_pending(sessions, documents, files) == len(LETTERS)
    letters = stored(sessions)
    assert [letter.failure for letter in letters] == [None] * len(LETTERS)
    for letter in letters:
        assert letter.pdf_sha256 is not None
        assert files.get(letter.pdf_sha256).startswith(b"%PDF-")
    assert render_pending(sessions, documents, files) == 0
    assert [letter.pdf_sha256 for letter in stored(sessions)] == [letter.pdf_sha256 for letter in letters]


def test_a_letter_at_fault_is_seen_and_does_not_stop_the_others(sessions: Sessions, files: ObjectFileStore) -> None:
    write(sessions, ("award", facts(amount=None)), ("award", {}), ("rejection", facts()))
    assert render_pending(sessions, documents, files) == 1
    first, second, third = stored(sessions)
    assert first.failure is not None
    assert first.failure.startswith("EmptyValue: award.txt, line ")
    assert second.failure is not None
    assert (first.pdf_sha256, second.pdf_sha256, third.failure) == (None, None, None)
    assert render_pending(sessions, documents, files) == 0


def test_a_failed_letter_can_be_made_again_after_repair(sessions: Sessions, files: ObjectFileStore) -> None:
    write(sessions, ("award", facts()))
    with sessions() as session:
        session.scalars(select(Letter)).one().failure = "a template that has been repaired since"
        session.commit()
    assert render_pending(sessions, documents, files) == 0
    with sessions() as session:
        try_again(session, stored(sessions)[0].id)
        session.commit()
    assert render_pending(sessions, documents, files) == 1


def test_a_file_store_that_is_away_leaves_the_letter_waiting(sessions: Sessions, tmp_path: Path) -> None:
    write(sessions, ("award", facts()))
    folder = tmp_path / "store"
    files = ObjectFileStore(f"file://{folder}")
    folder.rmdir()
    folder.write_text("no folder any more")
    with pytest.raises(GenericError):
        render_pending(sessions, documents, files)
    assert stored(sessions)[0].failure is None
    folder.unlink()
    folder.mkdir()
    assert render_pending(sessions, documents, files) == 1


def test_a_letter_that_another_worker_holds_is_left_to_it(sessions: Sessions, files: ObjectFileStore) -> None:
    write(sessions, ("award", facts()))
    with sessions() as other:
        other.scalars(select(Letter).with_for_update()).one()
        assert render_pending(sessions, documents, files) == 0
    assert render_pending(sessions, documents, files) == 1
