"""`kill -9` in the middle: the worker, the broker and the web server die while somebody acts; then they start again.

Each time nothing is lost and nothing is done twice: one row in the journal, one booking, one mail to each.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from config import ROOT, Settings
from fundapp.adapters.embedded import Broker, leashed, wait_until
from fundapp.adapters.queue import make_queue
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import delivery, journal, ledger
from tests.journeys.cast import ANNA, BRAM, HANNA, PIM, SANNE, SHEETS
from tests.journeys.conftest import Town, running_worker, telling
from tests.journeys.paperwork import open_case
from tests.support.mail import Inbox
from tests.support.web import Clock

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy.orm import Session, sessionmaker

pytestmark = pytest.mark.browser

TO_SEND, TO_AWARD = "PO-T3-01", "PO-T3-02"

PLANS: list[dict[str, Any]] = [
    {**sheet, "ref": sheet["ref"].replace("T1", "T3"), "starts_on": "+90d", "ends_on": "+300d"}
    for sheet in (SHEETS["PO-T1-01"], SHEETS["PO-T1-02"])
]
ADVICE = {"outcome": "award", "amount_cents": 640000, "score": 4, "explanation": "Past goed bij de school."}


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableBroker]:
    """A Valkey of one's own."""
    broker = KillableBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.kill()


class KillableBroker(Broker):
    """A Valkey that forgets everything when it is killed."""

    process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it, empty."""
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(leashed(self.command(durable=False)), stdout=log, stderr=log)
        assert wait_until(self.answers, 20), (self.home / "log").read_text()

    def kill(self) -> None:
        """End it without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hear everything and answer nothing, for the length of the block."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis_url(broker: KillableBroker) -> str:
    """The broker that these tests kill."""
    return broker.url


class Web:
    """The web server, in processes of its own, as `fundapp web` starts them."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fundapp", "web"],
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        assert wait_until(self._answers, 60), self._log.read_text()

    def _answers(self) -> bool:
        import urllib.request

        with suppress(OSError), urllib.request.urlopen(self._environment["BASE_URL"] + "/hulp", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def kill(self) -> None:
        """End all its processes without a word."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)


@pytest.fixture
def stage(environment: dict[str, str], sessions: sessionmaker[Session]) -> None:
    """The worked case today: in the open round one application is ready to be sent, another to be awarded."""
    with telling(environment, sessions, datetime.now(UTC)) as teller:
        teller.sheets |= {sheet["ref"]: sheet for sheet in PLANS}
        teller.perform({"at": "-30d 09:00", "kind": "tranche", "ref": "PO-T3", "do": "open"})
        teller.perform({"at": "-3d 10:00", "by": ANNA, "ref": TO_SEND, "do": "write"})
        teller.perform({"at": "-3d 11:00", "by": BRAM, "ref": TO_AWARD, "do": "write"})
        teller.perform({"at": "-3d 12:00", "by": BRAM, "ref": TO_AWARD, "do": "submit"})
        teller.perform({"at": "-3d 13:00", "ref": TO_AWARD, "do": "sign"})
        teller.perform({"at": "-2d 10:00", "by": HANNA, "ref": TO_AWARD, "do": "take_up"})
        teller.perform({"at": "-2d 11:00", "by": PIM, "ref": TO_AWARD, "do": "advise", "given": ADVICE})


@pytest.fixture
def web(environment: dict[str, str], stage: None, tmp_path: Path) -> Iterator[Web]:
    """The web server."""
    web = Web(environment, tmp_path / "web.log")
    yield web
    web.kill()


@pytest.fixture
def town(
    environment: dict[str, str], web: Web, sessions: sessionmaker[Session], smtp: Inbox, browser: Browser
) -> Iterator[Town]:
    """The product in processes that can be killed; each test starts the worker itself."""
    queue = make_queue(Settings.from_env(environment))
    town = Town(environment["BASE_URL"], environment["SECRET_KEY"], Clock(), smtp, sessions, queue, browser)
    yield town
    for visitor in town.visitors.values():
        visitor.leave()
    queue.close()


def test_the_worker_dies_while_it_hands_over_a_mail(town: Town, environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with running_worker(environment, log) as worker:
        anna = town.visitor(ANNA).open(f"/aanvragen/{TO_SEND}/controle")
        before = len(town.smtp.messages)
        town.smtp.hang_s = 60.0
        anna.press("Aanvraag insturen").see("Uw aanvraag is ingestuurd")
        assert wait_until(lambda: len(town.smtp.messages) > before, 30)  # the mail server has it; nobody noted that
        worker.kill()
        worker.wait(10)
    town.smtp.hang_s = 0.0
    with running_worker(environment, log):
        once_and_for_all(town, TO_SEND, "submit", RECEIVED)


def test_the_broker_dies_and_forgets_while_a_school_sends(
    town: Town, broker: KillableBroker, environment: dict[str, str], tmp_path: Path
) -> None:
    with running_worker(environment, tmp_path / "worker.log") as worker:
        anna = town.visitor(ANNA).open(f"/aanvragen/{TO_SEND}/controle")
        broker.kill()
        anna.press("Aanvraag insturen").see("Uw aanvraag is ingestuurd")
        broker.start()
        once_and_for_all(town, TO_SEND, "submit", RECEIVED)
        assert worker.poll() is None  # the worker found the new broker by itself


def test_the_web_server_dies_in_the_middle_of_an_award(
    town: Town, web: Web, environment: dict[str, str], tmp_path: Path
) -> None:
    with running_worker(environment, tmp_path / "worker.log"):
        sanne = open_case(town.visitor(SANNE), TO_AWARD).follow("Toekennen")
        with town.sessions() as other:
            other.execute(text("SELECT FROM application WHERE ref = :ref FOR UPDATE"), {"ref": TO_AWARD})
            sanne.page.get_by_role("button", name="Toekennen").click(no_wait_after=True)
            assert wait_until(lambda: bool(count(town, "SELECT count(*) FROM pg_stat_activity WHERE " + WAITS)), 30)
            web.kill()
        assert acts(town, TO_AWARD, "award") == 0
        assert count(town, BOOKED, ref=TO_AWARD) is None
        web.start()
        open_case(sanne, TO_AWARD).follow("Toekennen").press("Toekennen").see("Toegekend", "€ 6.400,00")
        once_and_for_all(town, TO_AWARD, "award", [(BRAM, f"Besluit over uw aanvraag {TO_AWARD}")])
        assert count(town, BOOKED, ref=TO_AWARD) == 640000


def test_the_web_server_dies_when_all_is_kept_and_before_it_answers(
    town: Town, web: Web, broker: KillableBroker, environment: dict[str, str], tmp_path: Path
) -> None:
    with running_worker(environment, tmp_path / "worker.log"):
        anna = town.visitor(ANNA).open(f"/aanvragen/{TO_SEND}/controle")
        with broker.frozen():  # so the server waits between its commit and its answer
            anna.page.get_by_role("button", name="Aanvraag insturen").click(no_wait_after=True)
            assert wait_until(lambda: acts(town, TO_SEND, "submit") == 1, 30)
            web.kill()
        web.start()
        anna.page.reload()  # sends the very same form again
        anna.see("Uw aanvraag is ingestuurd")
        once_and_for_all(town, TO_SEND, "submit", RECEIVED)


RECEIVED = [(ANNA, f"Wij hebben uw aanvraag {TO_SEND}"), (HANNA, f"Nieuwe aanvraag {TO_SEND}")]

BOOKED = """SELECT sum(e.cents) FROM ledger_entry e JOIN application a ON a.id = e.application_id
  WHERE a.ref = :ref AND e.account = 'committed'"""

WAITS = "datname = current_database() AND wait_event_type = 'Lock'"


def once_and_for_all(town: Town, ref: str, action: str, mails: list[tuple[str, str]]) -> None:
    """Let the time pass until the product has recovered; then the act is there once, and each mail went once."""
    with town.sessions() as session, unit_of_work(session):
        delivery.sweep(session, sending=timedelta(0), lease=timedelta(0))
    town.queue.send_task("sweep")  # what the scheduler sends
    for address, subject in mails:
        town.mailed(address, subject)
    assert wait_until(lambda: count(town, "SELECT count(*) FROM outbox_message WHERE state = 'queued'") == 0, 30)
    assert acts(town, ref, action) == 1
    for address, subject in mails:
        assert len(town.mails(address, subject)) == 1
    with town.sessions() as session:
        assert journal.verify(session) is None
        assert ledger.verify(session) is None


def acts(town: Town, ref: str, action: str) -> int:
    """How often the journal tells of an act on an application."""
    query = """SELECT count(*) FROM journal j JOIN application a ON a.id = j.subject_id
      WHERE j.kind = 'application' AND a.ref = :ref AND j.action = :action"""
    return int(count(town, query, ref=ref, action=action) or 0)


def count(town: Town, query: str, **values: str) -> int | None:
    """The one number that a query gives; None for the sum of nothing."""
    with town.sessions() as session:
        found = session.scalar(text(query), values)
        return None if found is None else int(found)
