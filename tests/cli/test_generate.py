"""Volume for measuring: every state, money that adds up, a journal that holds, invented schools, the same by seed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.application import State
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application, Submission
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import PaymentBatch
from fundapp.persistence.register import School
from fundapp.services import funds, generate, journal, ledger, payment
from fundapp.services.bank_gaps import gaps
from fundapp.services.generate_story import plan

if TYPE_CHECKING:
    from tests.support.databases import TestServer

NOW = datetime(2025, 3, 14, 12, 0, tzinfo=UTC)
MANY = 240


def _generate(url: str, folder: Path, applications: int, *, seed: int = 1) -> Engine:
    engine = make_engine(url)
    files = ObjectFileStore(folder.as_uri())
    generate.generate(session_factory(engine), files, applications=applications, seed=seed, now=NOW)
    return engine


@pytest.fixture(scope="module")
def volume(database_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with a volume in it, made once."""
    url = database_server.new()
    engine = _generate(url, tmp_path_factory.mktemp("files"), MANY)
    yield engine
    engine.dispose()
    database_server.drop(url)


@pytest.fixture
def read(volume: Engine) -> Iterator[Session]:
    """For looking at the volume."""
    with Session(volume) as session:
        yield session


def test_every_state_is_there(read: Session) -> None:
    found = generate.states(read)
    assert set(found) == {str(state) for state in State}
    assert sum(found.values()) == MANY


def test_money_and_journal_hold(read: Session) -> None:
    assert ledger.verify(read) is None
    assert journal.verify(read) is None
    assert gaps(read) == ()


def test_every_school_is_invented(read: Session) -> None:
    codes = read.scalars(select(School.code)).all()
    assert codes
    assert all(re.fullmatch("99[A-Z]{2}[0-9]{2}", code) for code in codes)


def test_nothing_of_what_was_played_is_left(read: Session) -> None:
    marks = "SELECT count(*) FROM {} t WHERE t::text LIKE '%%Zq%%qz%%'"
    tables = read.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    assert {table: n for table in tables if (n := read.scalar(text(marks.format(table))))} == {}


def test_each_copy_is_of_its_own_school(read: Session) -> None:
    rows = read.execute(
        select(Application.ref, Application.school_code, Application.title, Submission.content, Submission.sha256).join(
            Submission, Submission.application_id == Application.id
        )
    ).all()
    assert rows
    for row in rows:
        assert (row.content["ref"], row.content["school"], row.content["title"]) == (
            row.ref,
            row.school_code,
            row.title,
        )
        assert row.sha256 == funds.digest(row.content)


def test_payment_runs_are_what_was_approved(read: Session) -> None:
    batches = read.scalars(select(PaymentBatch)).all()
    assert batches
    for batch in batches:
        orders = payment.orders(read, batch)
        assert sum(order.cents for order in orders) == batch.total_cents
        assert payment.batch_hash(batch, orders) == batch.approved_hash


def test_nobody_is_mailed_now(read: Session) -> None:
    waiting = read.scalar(select(func.count()).where(OutboxMessage.state != "sent"))
    assert waiting == 0


def test_a_database_holds_one_volume(volume: Engine, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there already"):
        generate.generate(session_factory(volume), ObjectFileStore(tmp_path.as_uri()), applications=1, seed=1, now=NOW)


def test_shares_add_up_and_follow_the_mix() -> None:
    for number in (1, 7, 100, 1_000_003):
        assert sum(batch.number for batch in generate.shares(number)) == number
    paths = {batch.path for batch in generate.shares(10_000)}
    assert paths == set(plan()["paths"])


def test_the_same_seed_gives_the_same(database_server: TestServer, tmp_path: Path) -> None:
    found = []
    for seed in (3, 3, 4):
        url = database_server.new()
        engine = _generate(url, tmp_path, 6, seed=seed)
        with Session(engine) as session:
            query = select(Application.ref, Application.title, Application.school_code, Application.state)
            found.append(session.execute(query.order_by(Application.ref)).all())
        engine.dispose()
        database_server.drop(url)
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_number_that_cannot_be_is_refused() -> None:
    command = [sys.executable, "-m", "fundapp", "generate", "--applications", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ.copy())
    assert done.returncode == 2
    assert "applications" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
