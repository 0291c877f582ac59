"""What is not a page: mail, allocation, the start of the web server, its memory."""

from __future__ import annotations

import gc
import http.client
import itertools
import re
import smtplib
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.adapters.mailer import SmtpMailer, SmtpServer
from fundapp.domain.allocation import allocate
from fundapp.domain.allocation_input import AllocationRequest, Application, Method, OnOverflow
from fundapp.domain.outside import Address
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import delivery
from fundapp.services.generate_story import HANDLER
from fundapp.web.mails import Mails
from tests.benchmarks.load import Ask, measure
from tests.benchmarks.pages import SMALL, TURNS
from tests.benchmarks.stage import Stage, World, end, free_port, listens
from tests.benchmarks.table import Figure

MAILS = 1_000
CONNECTIONS = 4


# --- mail -------------------------------------------------------------------------------------------------------------

_QUEUE = text("""
  INSERT INTO outbox_message
    (key, journal_id, application_id, template, person_id, address, language, context, state, tries)
  SELECT 'bench:' || :turn || ':' || row_number() OVER (), journal_id, application_id, template, person_id, address,
         language, context, 'queued', 0
  FROM (SELECT * FROM outbox_message WHERE state = 'sent' AND template IN ('received', 'taken_up', 'awarded')
        ORDER BY id LIMIT :mails) sent
""")


def mails(stage: Stage) -> list[Figure]:
    """A thousand mails from the outbox to a mail server, by four deliverers as in one worker."""
    world = stage.world(SMALL)
    ours, floor = [], []
    words = [_rendered(world)] * MAILS
    for turn in range(TURNS):
        floor.append(MAILS / _floor_mails(stage.sink_port, words))
        with Session(world.engine) as session, unit_of_work(session):
            session.execute(_QUEUE, {"turn": turn, "mails": MAILS})
        ours.append(MAILS / _deliver(world, stage.sink_port))
    return [Figure(f"mails delivered, {CONNECTIONS} connections", "per s", max(ours), max(floor), 0.80)]


def _deliver(world: World, port: int) -> float:
    from fundapp.persistence.db import make_engine

    engine = make_engine(world.url)
    mailer = SmtpMailer(SmtpServer("127.0.0.1", port), Address("fondsloket@localhost", "Fondsloket"))
    render = Mails("https://localhost", "secret")
    sent: list[int] = []

    def work(number: int) -> None:
        counts = delivery.deliver_due(engine, mailer, render, worker=f"bench:{number}", limit=MAILS, domain="localhost")
        sent.append(counts.sent)

    took = _together(work)
    engine.dispose()
    assert sum(sent) == MAILS, sent
    return took


def _together(work: object) -> float:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(CONNECTIONS)]  # type: ignore[arg-type]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def _rendered(world: World) -> tuple[str, str, str]:
    query = "SELECT template, language, context FROM outbox_message WHERE template = 'received' LIMIT 1"
    row = world.rows(query)[0]
    words = Mails("https://localhost", "secret")(row.template, row.language, row.context)
    return words.subject, words.text, words.html


def _floor_mails(port: int, words: list[tuple[str, str, str]]) -> float:
    """The same words over as many connections, with the standard library."""

    def work(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as line:
            for subject, plain, html in words[number::CONNECTIONS]:
                message = EmailMessage()
                message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
                message.set_content(plain)
                message.add_alternative(html, subtype="html")
                line.send_message(message)

    return _together(work)


# --- allocation -------------------------------------------------------------------------------------------------------


def allocation(_stage: Stage) -> list[Figure]:
    """A hundred thousand applications, by each method, one core."""
    begin = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
    applications = [
        Application(
            ref=f"VOL-P1-{number:06d}",
            amount_cents=100_000 + number % 900_000,
            complete_at=begin + timedelta(seconds=number * 37 % 2_600_000),
            score=Decimal(number % 400 + 100) / 100,
            sub_region=("walcheren", "oosterschelde", "zeeuws_vlaanderen")[number % 3],
            priority=number % 3 + 1,
            minimum_cents=0,
        )
        for number in range(100_000)
    ]
    total = sum(a.amount_cents for a in applications)
    figures = []
    for method in Method:
        request = AllocationRequest(
            ceiling_cents=total // 2,
            sub_ceilings={"walcheren": total // 5, "oosterschelde": total // 5, "zeeuws_vlaanderen": total // 5},
            method=method,
            on_overflow=OnOverflow.PARTIAL,
            seed="bench",
            applications=applications,
        )
        times = []
        for _ in range(TURNS):
            gc.collect()
            begun = time.process_time()
            allocate(request)
            times.append(time.process_time() - begun)
        figures.append(Figure(f"allocate 100,000: {method}", "cpu s", min(times), goal=1, more_is_better=False))
    return figures


# --- the web server itself --------------------------------------------------------------------------------------------


def start(stage: Stage) -> list[Figure]:
    """From the start of the web server to its first good answer."""
    world = stage.world(SMALL)
    assert world.ours, "the first start compiles the templates"
    ours, floor = [], []
    for _ in range(3):
        floor.append(_first_answer(stage, "tests.benchmarks.floor.app:app", {"FLOOR_DATABASE_URL": world.url}, "/list"))
        ours.append(_first_answer(stage, "fundapp.web.wsgi:app", world.environment, "/inloggen"))
    return [Figure("web: start to first 200", "s", min(ours), min(floor), 1.7, more_is_better=False)]


def _first_answer(stage: Stage, app: str, environment: dict[str, str], path: str) -> float:
    port = free_port()
    begun = time.perf_counter()
    child = stage.web(app, environment, port)
    while True:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", path)
            status = line.getresponse().status
            line.close()
        except OSError:
            assert child.poll() is None, "the web server ended"
            time.sleep(0.005)
            continue
        assert status == 200, status
        break
    took = time.perf_counter() - begun
    end(child)
    return took


def memory(stage: Stage) -> list[Figure]:
    """Memory of master and workers after some hundreds of pages; what they share counts once."""
    world = stage.world(SMALL)
    cookie = world.visitor(HANDLER).cookie
    sizes = []
    for app, environment, ask in (
        ("fundapp.web.wsgi:app", world.environment, Ask("/beoordelen", cookie=cookie)),
        ("tests.benchmarks.floor.app:app", {"FLOOR_DATABASE_URL": world.url}, Ask("/list")),
    ):
        port = free_port()
        child = stage.web(app, environment, port)
        while not listens(port):
            time.sleep(0.02)
        measure(port, itertools.repeat((ask,)), clients=8, seconds=2)
        sizes.append(_mebibytes(child.pid))
        end(child)
    if not sizes[0]:
        return []
    return [Figure("web memory, loaded", "MiB", sizes[0], sizes[1], 1.5, more_is_better=False)]


def _mebibytes(pid: int) -> float:
    """Proportional memory of a process and its children (Linux); 0 elsewhere."""
    if not Path("/proc/self/smaps_rollup").exists():
        return 0.0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for one in (str(pid), *children):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1024
