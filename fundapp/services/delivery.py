"""Mails on their way: from the outbox to the mail server, none lost, and none sent twice by itself.

A run claims a few rows (durably: a claim tells for ever who had the row), and takes them one by one over one line to
the server. One statement notes what became of the mail before and that the next is being handed over; it need not
reach the disk at once. A worker that is killed leaves claims and at most one row that says `sending`; `sweep` decides
on both from the rows alone. A database that crashes may forget what was noted since the claim: a crash empties the
unlogged table in which each run is listed, so a claim of a run that is not listed is a mail that may have gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from fundapp.domain.outside import Address, Message, Permanent, Temporary, Uncertain
from fundapp.domain.text import Language
from fundapp.services.ports import MailConnection, Mailer

BATCH = 20
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, *[360] * 8))
"""How long a mail waits after each try that failed; after the last, some two days after the first, it is dead."""
SERVER_AWAY = timedelta(minutes=1)
SENDING = timedelta(minutes=10)
"""Longer than the mailer needs to give up: what says `sending` for longer, nobody is sending any more."""
LEASE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Words:
    """A mail in words: the same in text and HTML."""

    subject: str
    text: str
    html: str


Render = Callable[[str, Language, Mapping[str, Any]], Words]
"""Template, language and context to words. It may raise whatever a template can raise."""


@dataclass(slots=True)
class Counts:
    """What became of the mails of one run. more: it was stopped, so there may be more to do."""

    sent: int = 0
    queued: int = 0
    dead: int = 0
    uncertain: int = 0
    more: bool = False

    @property
    def handled(self) -> int:
        """All together."""
        return self.sent + self.queued + self.dead + self.uncertain


@dataclass(frozen=True, slots=True)
class Swept:
    """released: claimed by a run that is gone, and never handed over. uncertain: may have been sent."""

    released: int
    uncertain: int


@dataclass(frozen=True, slots=True)
class _Mail:
    id: int
    key: str
    template: str
    address: str
    language: Language
    context: dict[str, Any]
    tries: int
    at: datetime

    @property
    def is_short_lived(self) -> bool:
        return "expires_at" in self.context

    @property
    def has_expired(self) -> bool:
        return self.is_short_lived and datetime.fromisoformat(self.context["expires_at"]) <= self.at


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a mail. pause: until the next try."""

    mail: _Mail
    state: str
    error: str | None = None
    words: Words | None = None
    pause: timedelta = timedelta(0)
    server_away: bool = False

    def parameters(self) -> dict[str, Any]:
        secret = self.mail.is_short_lived and self.state != "queued"
        return {
            "done": self.mail.id,
            "state": self.state,
            "error": self.error,
            "subject": self.words.subject if self.words else None,
            "body": self.words.text if self.words and not secret else None,
            "pause": self.pause,
            "forget": secret,
        }


_NOTHING_DONE = {
    "done": None,
    "state": "",
    "error": None,
    "subject": None,
    "body": None,
    "pause": None,
    "forget": False,
}

_CLAIM = text("""
  WITH due AS MATERIALIZED (
    SELECT id FROM outbox_message WHERE state = 'queued' AND claimed_by IS NULL AND next_try_at <= now()
    ORDER BY next_try_at, id LIMIT :size FOR UPDATE SKIP LOCKED
  ),
  claimed AS (
    UPDATE outbox_message m SET claimed_at = now(), claimed_by = :run FROM due WHERE m.id = due.id
    RETURNING m.id, m.key, m.template, m.address, m.language, m.context, m.tries, m.claimed_at
  ),
  listed AS (
    INSERT INTO short_lived (key, number, data, expires_at)
    SELECT 'outbox:' || CAST(:run AS text), 0, '{}', now() + interval '30 days' FROM claimed LIMIT 1
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
  )
  SELECT * FROM claimed ORDER BY id
""")

_STEP = text("""
  WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
  done AS (
    UPDATE outbox_message
    SET state = CAST(:state AS text), error = :error, subject = :subject, body = :body,
        sent_at = CASE WHEN CAST(:state AS text) = 'sent' THEN now() END,
        next_try_at = CASE WHEN CAST(:state AS text) = 'queued' THEN now() + CAST(:pause AS interval)
                      ELSE next_try_at END,
        claimed_at = CASE WHEN CAST(:state AS text) <> 'queued' THEN claimed_at END,
        claimed_by = CASE WHEN CAST(:state AS text) <> 'queued' THEN claimed_by END,
        context = CASE WHEN CAST(:forget AS boolean) THEN '{}' ELSE context END
    FROM relaxed WHERE id = :done AND claimed_by = :run AND state IN ('queued', 'sending', 'uncertain')
  )
  UPDATE outbox_message SET state = 'sending', tries = tries + 1, claimed_at = now()
  FROM relaxed WHERE id = :next AND claimed_by = :run AND state = 'queued' RETURNING id
""")

_RELEASE = text("""
  UPDATE outbox_message
  SET claimed_at = NULL, claimed_by = NULL, next_try_at = greatest(next_try_at, now() + CAST(:pause AS interval)),
    error = coalesce(CAST(:error AS text), error)
  WHERE state = 'queued' AND claimed_by = :run
""")


def deliver_due(
    engine: Engine,
    mailer: Mailer,
    render: Render,
    *,
    worker: str,
    limit: int,
    domain: str,
    stop: Callable[[], bool] = lambda: False,
) -> Counts:
    """Deliver what is due, over one line to the server, until nothing is due, `limit` is reached or `stop` says so.

    worker: names who does it; several may do it at once. domain: of the Message-IDs. A mail of a case that has gone on
    meanwhile still goes: it tells what happened.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as database, ExitStack() as line:
        run = _Run(database, mailer, render, f"{worker}:{uuid4().hex}", domain, stop, line)
        try:
            run.deliver(limit)
        finally:
            with suppress(OperationalError):  # then the sweep does it
                run.release()
    return run.counts


def sweep(session: Session, *, sending: timedelta = SENDING, lease: timedelta = LEASE) -> Swept:
    """Decide on what runs that are gone left behind. The caller commits."""
    cut_short = session.execute(_CUT_SHORT, {"sending": sending}).all()
    forgotten = session.execute(_FORGOTTEN).all()
    released = session.execute(_LET_GO, {"lease": lease}).all()
    session.execute(_UNLIST_RUNS)
    return Swept(len(released), len(cut_short) + len(forgotten))


_CUT_SHORT = text("""
  UPDATE outbox_message SET state = 'uncertain', error = 'cut short while it was handed to the mail server'
  WHERE state = 'sending' AND claimed_at < now() - :sending RETURNING id
""")

_FORGOTTEN = text("""
  UPDATE outbox_message SET state = 'uncertain', error = 'the database crashed while this mail was under way'
  WHERE state = 'queued' AND claimed_by IS NOT NULL
    AND NOT EXISTS (SELECT FROM short_lived WHERE key = 'outbox:' || claimed_by) RETURNING id
""")

_LET_GO = text("""
  UPDATE outbox_message SET claimed_at = NULL, claimed_by = NULL
  WHERE state = 'queued' AND claimed_at < now() - :lease RETURNING id
""")

_UNLIST_RUNS = text("""
  DELETE FROM short_lived s WHERE key LIKE 'outbox:%' AND expires_at < now() + interval '29 days'
    AND NOT EXISTS (SELECT FROM outbox_message WHERE state = 'queued' AND 'outbox:' || claimed_by = s.key)
""")


@dataclass(slots=True)
class _Run:
    """One run: one name, one line to the server, opened when the first mail is there.

    database: in autocommit. Each statement of a run is a transaction of its own, and the journey to begin and to end
    one would cost more than the statement.
    """

    database: Connection
    mailer: Mailer
    render: Render
    name: str
    domain: str
    stop: Callable[[], bool]
    line: ExitStack
    counts: Counts = field(default_factory=Counts)
    connection: MailConnection | None = None

    def deliver(self, limit: int) -> None:
        while not self.stop() and self.counts.handled < limit:
            batch = self._claim(min(BATCH, limit - self.counts.handled))
            if not batch or not self._connected(len(batch)) or not self._deliver_batch(batch):
                return
        self.counts.more = True

    def release(self, pause: timedelta = timedelta(0), error: str | None = None) -> None:
        """Give back what was claimed and not handed over."""
        self.database.execute(_RELEASE, {"run": self.name, "pause": pause, "error": error})

    def _claim(self, size: int) -> list[_Mail]:
        return [_Mail(*row) for row in self.database.execute(_CLAIM, {"run": self.name, "size": size})]

    def _connected(self, waiting: int) -> bool:
        if self.connection is None:
            try:
                self.connection = self.line.enter_context(self.mailer.connect())
            except Temporary as away:  # no fault of any mail: no try is counted, and none dies of it
                self.release(SERVER_AWAY, str(away))
                self.counts.queued += waiting
                return False
        return True

    def _deliver_batch(self, batch: list[_Mail]) -> bool:
        """Deliver the claimed mails one by one. False when the server no longer answers."""
        before: _Outcome | None = None
        for mail in batch:
            if self.stop():
                break
            ready = self._put_into_words(mail)
            if isinstance(ready, _Outcome):
                self._step(before, None)
                before = self._counted(ready)
                continue
            if not self._step(before, mail):
                before = None  # the sweep took it back: somebody else has it, or a person
                continue
            before = self._counted(self._send(mail, ready))
            if before.server_away:
                break
        self._step(before, None)
        if before is not None and before.server_away:
            self.release(SERVER_AWAY)
            return False
        return True

    def _step(self, before: _Outcome | None, mail: _Mail | None) -> bool:
        """Note what became of one mail and that the next is handed over; whether that one is still ours."""
        if before is None and mail is None:
            return False
        parameters = before.parameters() if before else _NOTHING_DONE
        found = self.database.execute(_STEP, {**parameters, "next": mail.id if mail else None, "run": self.name})
        return found.first() is not None

    def _put_into_words(self, mail: _Mail) -> Words | _Outcome:
        try:
            if mail.has_expired:
                return _Outcome(mail, "dead", "expired")
            return self.render(mail.template, mail.language, mail.context)
        except Exception as fault:  # noqa: BLE001  (a template can raise anything, and must not hold up the others)
            return _Outcome(mail, "dead", f"template {mail.template}: {type(fault).__name__}: {fault}")

    def _send(self, mail: _Mail, words: Words) -> _Outcome:
        assert self.connection is not None
        message = Message(
            message_id=f"{mail.id}.{hashlib.sha256(mail.key.encode()).hexdigest()[:16]}@{self.domain}",
            to=Address(mail.address, str(mail.context.get("name") or "")),
            subject=words.subject,
            text=words.text,
            html=words.html,
            sent_at=mail.at,
            language=mail.language,
            reply_to=_reply_to(mail.context),
        )
        try:
            self.connection.send(message)
        except Temporary as failure:
            away = failure.code is None
            if mail.tries < len(PAUSES):
                return _Outcome(mail, "queued", str(failure), pause=PAUSES[mail.tries], server_away=away)
            return _Outcome(mail, "dead", f"given up: {failure}", server_away=away)
        except Permanent as failure:
            return _Outcome(mail, "dead", str(failure))
        except Uncertain as failure:
            return _Outcome(mail, "uncertain", str(failure), words, server_away=True)
        return _Outcome(mail, "sent", words=words)

    def _counted(self, outcome: _Outcome) -> _Outcome:
        setattr(self.counts, outcome.state, getattr(self.counts, outcome.state) + 1)
        return outcome


_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _reply_to(context: Mapping[str, Any]) -> Address | None:
    """The fund's contact: an answer reaches a person."""
    contact = context.get("contact")
    email = str(contact.get("email") or "") if isinstance(contact, dict) else ""
    return Address(email) if _EMAIL.fullmatch(email) else None
