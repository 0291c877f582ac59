"""Mail from the row to the delivered message, with real parts: none lost, none sent twice, whoever dies on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import Engine, Row, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from config import ROOT, Settings
from fundapp.adapters.embedded import Postgres, wait_until
from fundapp.adapters.mailer import SmtpMailer, SmtpServer
from fundapp.adapters.queue import DRAIN, make_queue, waker
from fundapp.domain.outside import Address
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.migrate import upgrade
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Person
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import delivery
from fundapp.services.outbox import write_mail
from fundapp.web.mails import Mails
from tests.support.mail import Inbox, free_port
from tests.worker.test_mail_templates import CASE

NEVER = timedelta(days=1)
AT_ONCE = timedelta(0)
Sessions = sessionmaker[Session]


@pytest.fixture
def sessions(fresh_database: str) -> Iterator[Sessions]:
    engine = make_engine(fresh_database)
    yield session_factory(engine)
    engine.dispose()


def write(sessions: Sessions, number: int = 1, template: str = "settled", **context: Any) -> None:
    """Put mails in the outbox, each to somebody of her own."""
    with sessions() as session, unit_of_work(session):
        for _ in range(number):
            n = (session.scalar(select(func.max(Person.id))) or 0) + 1
            person = Person(email=f"p{n}@example.org", name=f"Persoon {n}", created_at=datetime.now(UTC))
            session.add(person)
            session.flush()
            write_mail(session, template, person, key=f"{template}:{n}", context=CASE | context)


def rows(sessions: Sessions) -> list[Row[Any]]:
    with sessions() as session:
        table = OutboxMessage.__table__
        return list(session.execute(select(table).order_by(table.c.id)).all())


def states(sessions: Sessions) -> list[str]:
    return [row.state for row in rows(sessions)]


def engine_of(sessions: Sessions) -> Engine:
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)
    return engine


def mailer(port: int, **timeouts: float) -> SmtpMailer:
    return SmtpMailer(SmtpServer("127.0.0.1", port), Address("loket@example.org", "Fondsloket"), **timeouts)


def deliver(sessions: Sessions, port: int, *, limit: int = 100, **timeouts: float) -> delivery.Counts:
    words = Mails("https://fonds.example.org", "secret")
    return delivery.deliver_due(
        engine_of(sessions), mailer(port, **timeouts), words, worker="test", limit=limit, domain="fonds.example.org"
    )


def sweep(sessions: Sessions, sending: timedelta = AT_ONCE, lease: timedelta = AT_ONCE) -> delivery.Swept:
    with sessions() as session, unit_of_work(session):
        return delivery.sweep(session, sending=sending, lease=lease)


def make_due(sessions: Sessions) -> None:
    """Let the time pass until the next try."""
    with sessions() as session, unit_of_work(session):
        session.execute(update(OutboxMessage).values(next_try_at=func.now()))


# ------------------------------------------------------------------------------------------------- one run, in process


def test_a_mail_goes_out_as_it_is_kept(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions)
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=1)
    (row,) = rows(sessions)
    (mail,) = smtp.messages
    assert (row.state, row.tries, row.error) == ("sent", 1, None)
    assert row.sent_at is not None
    assert mail["Subject"] == row.subject == "Uw project IF-2026-0007 is afgerond"
    assert mail["To"] == "Persoon 1 <p1@example.org>"
    assert mail["Reply-To"] == "loket@example.org"
    assert str(mail["Message-ID"]).startswith(f"<{row.id}.")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == row.body.strip()
    assert deliver(sessions, smtp.port) == delivery.Counts(), "nothing is left to do"


def test_many_mails_go_over_one_line_and_a_limit_is_kept(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 50)
    assert deliver(sessions, smtp.port, limit=45) == delivery.Counts(sent=45, more=True)
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=5)
    assert len(set(smtp.recipients)) == len(smtp.recipients) == 50


def test_try_later_is_tried_later(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions)
    smtp.answer = "451 4.3.0 try later"
    for attempt, pause in enumerate(delivery.PAUSES[:3], 1):
        assert deliver(sessions, smtp.port) == delivery.Counts(queued=1)
        (row,) = rows(sessions)
        assert (row.state, row.tries, row.claimed_by) == ("queued", attempt, None)
        assert "451" in row.error
        assert pause - timedelta(minutes=1) < row.next_try_at - datetime.now(UTC) <= pause
        assert deliver(sessions, smtp.port) == delivery.Counts(), "not before its time"
        make_due(sessions)
    smtp.answer = None
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=1)
    assert len(smtp.messages) == 1


def test_after_two_days_of_trying_a_mail_is_dead(sessions: Sessions, smtp: Inbox) -> None:
    assert timedelta(days=2) <= sum(delivery.PAUSES, timedelta()) <= timedelta(days=2, hours=6)
    write(sessions)
    with sessions() as session, unit_of_work(session):
        session.execute(update(OutboxMessage).values(tries=len(delivery.PAUSES)))
    smtp.answer = "451 4.3.0 try later"
    assert deliver(sessions, smtp.port) == delivery.Counts(dead=1)
    assert "given up" in rows(sessions)[0].error


def test_refused_for_good_is_dead_with_the_servers_words_and_the_others_go(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 2)
    smtp.answer = "550 5.1.1 no such mailbox"
    assert deliver(sessions, smtp.port, limit=1).dead == 1
    smtp.answer = None
    assert deliver(sessions, smtp.port).sent == 1
    assert states(sessions) == ["dead", "sent"]
    assert "no such mailbox" in rows(sessions)[0].error


def test_no_answer_after_the_mail_is_uncertain_and_never_sent_again(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions)
    smtp.hang_s = 2.0
    assert deliver(sessions, smtp.port, answer_timeout=0.3) == delivery.Counts(uncertain=1)
    smtp.hang_s = 0.0
    make_due(sessions)
    sweep(sessions)
    assert deliver(sessions, smtp.port) == delivery.Counts()
    assert states(sessions) == ["uncertain"]
    assert len(smtp.messages) == 1


def test_a_server_that_is_away_costs_no_try(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 30)
    assert deliver(sessions, free_port()) == delivery.Counts(queued=delivery.BATCH)
    assert {(row.state, row.tries, row.claimed_by) for row in rows(sessions)} == {("queued", 0, None)}
    assert sum(row.error is not None for row in rows(sessions)) == delivery.BATCH
    make_due(sessions)
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=30)


def test_a_broken_template_is_a_dead_mail_and_holds_up_nobody(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions)
    write(sessions, template="no_such_mail")
    write(sessions, template="received")  # without its moment
    write(sessions)
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=2, dead=2)
    assert states(sessions) == ["sent", "dead", "dead", "sent"]
    errors = [row.error or "" for row in rows(sessions)]
    assert "TemplateNotFound" in errors[1]
    assert "'moment' is undefined" in errors[2]
    assert [row.tries for row in rows(sessions)] == [1, 0, 0, 1]


def test_a_sign_in_code_is_never_sent_late_and_never_kept(sessions: Sessions, smtp: Inbox) -> None:
    for minutes in (-1, 15):
        write(
            sessions,
            template="sign_in_code",
            code="123 456",
            expires_at=(datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        )
    assert deliver(sessions, smtp.port) == delivery.Counts(sent=1, dead=1)
    late, in_time = rows(sessions)
    assert (late.state, late.error, late.context) == ("dead", "expired", {})
    assert (in_time.state, in_time.body, in_time.context) == ("sent", None, {})
    assert "123 456" in str(smtp.messages[0])


def test_two_runs_at_once_share_the_work(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 200)
    threads = [Thread(target=deliver, args=(sessions, smtp.port), kwargs={"limit": 200}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(states(sessions)) == {"sent"}
    assert len(set(smtp.recipients)) == len(smtp.recipients) == 200


def test_a_claim_that_was_taken_back_is_not_sent(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 2)
    words = Mails("https://fonds.example.org", "secret")

    def slow(template: str, language: Any, context: Any) -> delivery.Words:
        if not smtp.messages:
            sweep(sessions)  # this run seems to be gone, and another takes over
            assert deliver(sessions, smtp.port) == delivery.Counts(sent=2)
        return words(template, language, context)

    found = delivery.deliver_due(
        engine_of(sessions), mailer(smtp.port), slow, worker="slow", limit=2, domain="example.org"
    )
    assert found == delivery.Counts()
    assert len(smtp.messages) == 2


def test_stopping_gives_back_what_was_claimed(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions, 5)
    words = Mails("https://fonds.example.org", "secret")
    found = delivery.deliver_due(
        engine_of(sessions),
        mailer(smtp.port),
        words,
        worker="test",
        limit=5,
        domain="example.org",
        stop=lambda: len(smtp.messages) >= 2,
    )
    assert found == delivery.Counts(sent=2, more=True)
    assert [(row.state, row.claimed_by is None) for row in rows(sessions)[2:]] == [("queued", True)] * 3


def test_the_sweep_leaves_alone_what_is_under_way(sessions: Sessions, smtp: Inbox) -> None:
    write(sessions)
    seen: list[delivery.Swept] = []
    words = Mails("https://fonds.example.org", "secret")

    def watched(template: str, language: Any, context: Any) -> delivery.Words:
        seen.append(sweep(sessions, sending=NEVER, lease=NEVER))
        return words(template, language, context)

    delivery.deliver_due(engine_of(sessions), mailer(smtp.port), watched, worker="test", limit=1, domain="example.org")
    assert seen == [delivery.Swept(0, 0)]
    assert states(sessions) == ["sent"]


def test_a_database_that_crashes_may_have_forgotten_that_a_mail_went(local: Path, smtp: Inbox) -> None:
    """A real crash: one process of the server is killed, and all its shared memory with what was not yet on disk."""
    server = Postgres(local)
    server.start()
    settings = Settings.from_env({"FUNDAPP_LOCAL": str(local)})
    try:
        upgrade(settings.database_url)
        engine = make_engine(settings.database_url)
        sessions = session_factory(engine)
        write(sessions, 2)

        def crash(*_: object) -> delivery.Words:
            with sessions() as session:
                pid = session.scalar(text("SELECT pg_backend_pid()"))
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert wait_until(lambda: is_back(engine), 30)
            raise KeyboardInterrupt  # and the worker ends

        with pytest.raises(KeyboardInterrupt):
            delivery.deliver_due(
                engine_of(sessions), mailer(smtp.port), crash, worker="test", limit=1, domain="example.org"
            )
        assert sweep(sessions, sending=NEVER, lease=NEVER) == delivery.Swept(0, 1)
        assert states(sessions) == ["uncertain", "queued"]
        assert deliver(sessions, smtp.port) == delivery.Counts(sent=1)
    finally:
        engine.dispose()
        server.stop(always=True)


def is_back(engine: Engine) -> bool:
    """Whether the server answers again, with its unlogged tables emptied."""
    engine.dispose()
    try:
        with engine.connect() as connection:
            return not connection.scalar(text("SELECT count(*) FROM short_lived"))
    except OperationalError:
        return False


# ------------------------------------------------------------------------------------------------------- real workers


@pytest.fixture
def environment(fresh_database: str, redis_url: str, smtp: Inbox, local: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": fresh_database,
        "REDIS_URL": redis_url,
        "SMTP_URL": smtp.url,
        "BASE_URL": "https://fonds.example.org",
        "FUNDAPP_LOCAL": str(local),
    }


@pytest.fixture
def queue(environment: dict[str, str]) -> Iterator[Celery]:
    app = make_queue(Settings.from_env(environment))
    yield app
    app.close()


@contextmanager
def worker(environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process of its own, ready for work; killed at the end when it still lives."""
    log = folder / f"worker-{len(list(folder.glob('worker-*')))}.log"
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--pool", "threads", "--concurrency", "4"]
    command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO", "--hostname", log.stem]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        assert wait_until(lambda: b" ready." in log.read_bytes(), 60), log.read_text()
        yield process
    finally:
        process.kill()
        process.wait(10)


def eventually(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, 60)


def test_a_wake_up_delivers(
    sessions: Sessions, smtp: Inbox, environment: dict[str, str], queue: Celery, tmp_path: Path
) -> None:
    with worker(environment, tmp_path) as process:
        write(sessions, 3)
        waker(queue)()
        eventually(lambda: states(sessions) == ["sent"] * 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert len(smtp.messages) == 3


def test_an_emptied_broker_loses_nothing(
    sessions: Sessions, smtp: Inbox, environment: dict[str, str], queue: Celery, tmp_path: Path
) -> None:
    from redis import Redis

    write(sessions, 3)
    waker(queue)()
    with Redis.from_url(environment["REDIS_URL"]) as redis:
        assert redis.llen("fundapp") == 1
        redis.flushall()
    with worker(environment, tmp_path):
        queue.send_task("sweep")  # what the scheduler sends
        eventually(lambda: states(sessions) == ["sent"] * 3)
    assert len(smtp.messages) == 3


def test_a_broker_that_is_away_stops_no_act(environment: dict[str, str]) -> None:
    away = make_queue(Settings.from_env({**environment, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}))
    waker(away)()
    away.close()


def test_two_workers_never_send_the_same_mail(
    sessions: Sessions, smtp: Inbox, environment: dict[str, str], queue: Celery, tmp_path: Path
) -> None:
    write(sessions, 300)
    with worker(environment, tmp_path), worker(environment, tmp_path):
        for _ in range(8):
            queue.send_task(DRAIN)
        eventually(lambda: set(states(sessions)) == {"sent"})
    assert len(set(smtp.recipients)) == len(smtp.recipients) == 300


def test_killed_when_the_server_has_the_mail_and_before_our_note(
    sessions: Sessions, smtp: Inbox, environment: dict[str, str], queue: Celery, tmp_path: Path
) -> None:
    write(sessions)
    smtp.hang_s = 60.0
    with worker(environment, tmp_path) as process:
        queue.send_task(DRAIN)
        eventually(lambda: len(smtp.messages) == 1)  # the server has it; we do not know yet
        process.kill()
        process.wait(10)
    smtp.hang_s = 0.0
    assert states(sessions) == ["sending"]
    assert sweep(sessions) == delivery.Swept(0, 1)
    with worker(environment, tmp_path):
        write(sessions)
        queue.send_task("sweep")
        eventually(lambda: states(sessions) == ["uncertain", "sent"])
    assert smtp.recipients == ["p1@example.org", "p2@example.org"]


def test_killed_after_the_claim_and_before_sending(
    sessions: Sessions, smtp: Inbox, environment: dict[str, str], queue: Celery, tmp_path: Path
) -> None:
    write(sessions, 3)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the connection and says nothing
        nowhere = {**environment, "SMTP_URL": f"smtp://127.0.0.1:{mute.getsockname()[1]}"}
        with worker(nowhere, tmp_path) as process:
            queue.send_task(DRAIN)
            eventually(lambda: all(row.claimed_by for row in rows(sessions)))
            process.kill()
            process.wait(10)
    assert states(sessions) == ["queued"] * 3
    with worker(environment, tmp_path):
        queue.send_task(DRAIN)
        queue.send_task("sweep")  # its lease still runs: nobody touches the rows
        queue.send_task(DRAIN)
        assert deliver(sessions, smtp.port) == delivery.Counts()
        assert sweep(sessions) == delivery.Swept(3, 0)
        queue.send_task(DRAIN)
        eventually(lambda: states(sessions) == ["sent"] * 3)
    assert sorted(smtp.recipients) == ["p1@example.org", "p2@example.org", "p3@example.org"]


def test_the_scheduler_calls_tasks_that_exist(environment: dict[str, str]) -> None:
    program = (
        "from worker.app import app; app.loader.import_default_modules();"
        "called = {entry['task'] for entry in app.conf.beat_schedule.values()};"
        "assert {'sweep', 'deadlines'} <= called <= set(app.tasks)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, check=True)
