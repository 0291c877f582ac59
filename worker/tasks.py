"""What the worker does. Each task looks in the database for what is due, and may come twice, or late, or not at all."""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from threading import Event
from urllib.parse import urlsplit

from celery.signals import worker_shutting_down
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters.files import ObjectFileStore
from fundapp.adapters.mailer import SmtpMailer, SmtpServer
from fundapp.adapters.queue import DRAIN, RELEASE, waker
from fundapp.domain.outside import Address
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import closing_report, delivery, export, releasing
from fundapp.services.deadlines import run
from fundapp.services.letters import render_pending
from fundapp.web.mails import Mails
from worker.app import app, settings

log = logging.getLogger(__name__)

MUCH = 100
TURN_S = 10.0
"""How long one task sends mail before others get their turn; far below the time after which a task is sent again."""

wake = waker(app)
_stopping = Event()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping.set()


@cache
def engine() -> Engine:
    """One engine for each process, made when the first task needs it."""
    return make_engine(settings.database_url)


def sessions() -> sessionmaker[Session]:
    """Sessions on it."""
    return session_factory(engine())


@cache
def _mailer() -> SmtpMailer:
    return SmtpMailer(SmtpServer(**asdict(settings.smtp_url)), Address(f"fondsloket@{_domain()}", "Fondsloket"))


@cache
def _mails() -> Mails:
    return Mails(settings.base_url, settings.secret_key)


def _domain() -> str:
    return urlsplit(settings.base_url).hostname or "localhost"


@app.task(name=DRAIN)
def drain_outbox() -> None:
    """Deliver the mails that are due. When there are many, call another worker to help."""
    if _deliver(limit=MUCH, until=time.monotonic() + TURN_S).more and not _stopping.is_set():
        wake()
        _deliver(limit=100 * MUCH, until=time.monotonic() + TURN_S)


def _deliver(*, limit: int, until: float) -> delivery.Counts:
    counts = delivery.deliver_due(
        engine(),
        _mailer(),
        _mails(),
        worker=f"{socket.gethostname()}:{os.getpid()}",
        limit=limit,
        domain=_domain(),
        stop=lambda: _stopping.is_set() or time.monotonic() > until,
    )
    if counts.handled:
        log.info(
            "mail: %d sent, %d to be tried again, %d dead, %d uncertain",
            counts.sent,
            counts.queued,
            counts.dead,
            counts.uncertain,
        )
    return counts


@app.task(name="sweep")
def sweep() -> None:
    """Decide on what killed workers left behind, then deliver what is due: a lost wake-up costs one beat."""
    with sessions()() as session, unit_of_work(session):
        swept = delivery.sweep(session)
    if swept.uncertain:
        log.warning("mail: %d may have been sent or not; see `fundapp outbox status`", swept.uncertain)
    drain_outbox()


@app.task(name="deadlines")
def deadlines() -> None:
    """Do what the clock does: terms that ended, reminders that are due."""
    if run(sessions(), datetime.now(UTC)):
        wake()


@app.task(name="letters")
def render_letters() -> None:
    """Make the PDF of every letter that has none yet; one at fault shows up as failed and stops nothing."""
    from fundapp.adapters import documents  # typst is heavy: not in a worker that only sends mail

    made = render_pending(sessions(), documents, ObjectFileStore(settings.storage_url))
    if made:
        log.info("letters: %d made", made)


@app.task(name="minutes")
def render_minutes() -> None:
    """Make the PDF of the minutes of every meeting that was closed."""
    from fundapp.adapters import documents  # as above
    from fundapp.services import minutes

    made = minutes.render_pending(sessions(), documents, ObjectFileStore(settings.storage_url))
    if made:
        log.info("minutes: %d made", made)


@app.task(name="scans")
def scan_files() -> None:
    """Scan the files in quarantine; one that is infected is removed, and its school is told."""
    from fundapp.adapters.scanner import scanner_from_url
    from fundapp.services.quarantine import scan_waiting

    done = scan_waiting(sessions(), ObjectFileStore(settings.storage_url), scanner_from_url(settings.scanner_url))
    if done.infected:
        log.warning("scans: %d infected files removed", done.infected)
        wake()
    if done.away:
        log.warning("scans: the scanner gave no answer; files stay in quarantine")


@app.task(name="receipts")
def render_receipts() -> None:
    """Make the PDF of every receipt that has none yet, and mail who waits for it."""
    from fundapp.adapters import documents  # as above
    from fundapp.domain.receipt import Signer
    from fundapp.services import receipt

    files, signer = ObjectFileStore(settings.storage_url), Signer.of(settings.secret_key)
    made = receipt.render_pending(sessions(), documents, files, signer, now=datetime.now(UTC))
    if made:
        log.info("receipts: %d made", made)
        wake()


@app.task(name="closing_reports")
def make_closing_reports() -> None:
    """Make the files of every closing that has none yet; one at fault shows up as failed and stops nothing."""
    from fundapp.adapters import documents, spreadsheet  # heavy: not in a worker that only sends mail

    made = closing_report.render_pending(sessions(), documents, spreadsheet, ObjectFileStore(settings.storage_url))
    if made:
        log.info("closing reports: %d made", made)


@app.task(name=RELEASE)
def release_decisions() -> None:
    """Go on with the decisions that were released, one by one."""
    counts = releasing.run(engine(), sessions(), lambda: datetime.now(UTC), stop=lambda: _stopping.is_set(), wake=wake)
    if counts.handled:
        log.info("decisions: %d taken, %d refused", counts.done, counts.refused)
        wake()


@app.task(name="exports")
def make_exports() -> None:
    """Make the exports that are too large for a page to wait for, and forget those whose time is over."""
    from fundapp.adapters import spreadsheet  # as above

    files, now = ObjectFileStore(settings.storage_url), datetime.now(UTC)
    made = export.render_pending(sessions(), spreadsheet, files, now)
    with sessions()() as session, unit_of_work(session):
        expired = export.expire(session, files, now)
    if made or expired:
        log.info("exports: %d made, %d expired", made, expired)
