"""The fixtures hold what they promise: what one test does, the next does not see."""

from __future__ import annotations

import smtplib

import pytest
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.support.mail import Inbox


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_session_commits_is_gone_in_the_next_test(session: Session, turn: int) -> None:
    assert session.scalar(text("SELECT to_regclass('left_over')")) is None
    session.execute(text("CREATE TABLE left_over (n int)"))
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM left_over")) == 0


@pytest.mark.parametrize("turn", [1, 2])
def test_a_fresh_database_takes_real_commits_of_several_connections(fresh_database: str, turn: int) -> None:
    engine = create_engine(fresh_database)
    with engine.begin() as one:
        one.execute(text("CREATE TABLE left_over (n int)"))
    with engine.connect() as one, engine.connect() as two:
        assert one.scalar(text("SELECT pg_backend_pid()")) != two.scalar(text("SELECT pg_backend_pid()"))
        assert two.scalar(text("SELECT count(*) FROM left_over")) == 0
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_at_the_start(redis_url: str, turn: int) -> None:
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 0
        redis.set("left", "over")


def test_mail_arrives_and_is_refused_when_told(smtp: Inbox) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port) as line:
        line.sendmail("a@example.org", ["b@example.org"], "Subject: Dag\n\nHallo")
        smtp.answer = "451 4.3.0 try later"
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            line.sendmail("a@example.org", ["b@example.org"], "Subject: Dag\n\nHallo")
    assert [message["Subject"] for message in smtp.messages] == ["Dag"]
    assert smtp.recipients == ["b@example.org"]
