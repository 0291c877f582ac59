"""`fundapp run`: the whole of Fondsloket on one machine, with what is unset embedded.

The order: database, its schema, broker and mailbox, worker and scheduler, web; the demo is loaded while the web
already answers.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from config import ROOT, Settings, broker_binary, mailbox_port, postgres_home, socket_folder
from fundapp.adapters.embedded import Broker, CannotStart, Postgres, leashed
from fundapp.cli import CannotRun
from fundapp.cli.processes import settings_or_stop
from fundapp.cli.supervisor import QUICK_DEATHS, QUICK_S, Child, GaveUp, Supervisor

PYTHON_M = [sys.executable, "-m"]
START_S = 60.0
KEPT_AT_RESET = ("setup.lock", "run", "test")


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody to sign in as, and what that person does."""

    email: str
    name: str
    nl: str
    en: str


def demo_accounts() -> list[DemoAccount]:
    """The people of the worked example; none where it is not part of this checkout."""
    path = ROOT / "fundapp" / "data" / "demo" / "accounts.yaml"
    if not path.exists():
        return []
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [DemoAccount(row["email"], row["name"], row["nl"], row["en"]) for row in rows]


@click.command("run")
@click.option("--port", type=click.IntRange(1, 65535), help="Where the web server listens (default: PORT, or 8000).")
@click.option("--no-demo", is_flag=True, help="Start with an empty database.")
@click.option("--reset", is_flag=True, help="First remove all local data.")
def command(port: int | None, no_demo: bool, reset: bool) -> None:
    """Start everything; Ctrl-C stops everything. The data is there at the next start."""
    if port is not None:
        os.environ["PORT"] = str(port)  # for every process that is started from here
    settings = settings_or_stop()
    supervisor = Supervisor(settings.local)
    supervisor.stop_on_signals()
    with only_one(settings):
        supervisor.end_left_overs()
        refuse_busy_port(settings.port)
        if reset:
            empty(settings.local)
            settings = settings_or_stop()
        try:
            Fondsloket(settings, supervisor, demo=not no_demo).run()
        except (CannotStart, GaveUp) as error:
            raise CannotRun(str(error)) from None


class Fondsloket:
    """One running installation."""

    def __init__(self, settings: Settings, supervisor: Supervisor, *, demo: bool) -> None:
        self.settings = settings
        self.supervisor = supervisor
        self.database = Postgres(settings.local, leash=True) if settings.embedded_database else None
        self.database_started_at = 0.0
        self.database_deaths = 0
        self.loading: subprocess.Popen[bytes] | None = None
        self.started_note = settings.local / "started"
        self.demo = demo and self.database is not None and not self.started_note.exists()

    def run(self) -> None:
        """Start all, keep all running until asked to stop, stop all. Raises CannotStart, GaveUp, CannotRun."""
        try:
            self._start_servers()
            self._start_product()
            self._load_demo()
            while not self.supervisor.asked_to_stop:
                self.supervisor.watch()
                self._watch_database()
                self._watch_demo()
                time.sleep(0.2)
            say("Stopping…")
        finally:
            self.supervisor.stop()
            if self.loading is not None:
                self.loading.terminate()
                self.loading.wait()
            if self.database is not None:
                self.database.stop(always=True)
        say("Stopped. The data is kept in .local; start again with bin/run.")

    def _start_servers(self) -> None:
        local = self.settings.local
        if self.database is not None:
            say("Starting the database…")
            self.database.start()
        if self.settings.embedded_broker and broker_binary():
            broker = Broker(local / "broker")
            broker.end_left_over()
            self.supervisor.start(Child("broker", broker.command(), broker.answers))
        if self.settings.embedded_mail:
            self.supervisor.start(Child("mailbox", [*PYTHON_M, "fundapp", "mailbox"], _mailbox_ready(local)))
        say("Bringing the database to the newest schema…")
        self._once("migrate")
        for child in list(self.supervisor.children):
            self._need(child)

    def _start_product(self) -> None:
        if self.supervisor.asked_to_stop:
            return
        say("Starting the web server, the worker and the scheduler…")
        web = Child("web", [*PYTHON_M, "fundapp", "web"], lambda: answers(self.settings.port))
        self.supervisor.start(web)
        self._need(web)
        for name in ("worker", "beat"):
            self.supervisor.start(Child(name, [*PYTHON_M, "fundapp", name]))
        if not self.supervisor.asked_to_stop:
            self._greet()

    def _need(self, child: Child) -> None:
        if not self.supervisor.wait_ready(child, START_S) and not self.supervisor.asked_to_stop:
            log = self.settings.local / "log" / f"{child.name}.log"
            raise GaveUp(f"The {child.name} does not answer within {START_S:.0f} seconds; see {log}.")

    def _once(self, name: str) -> None:
        """Run one command to its end. Raises CannotRun with its last line."""
        words = leashed([*PYTHON_M, "fundapp", name])
        with (self.settings.local / "log" / f"{name}.log").open("ab") as log:
            done = subprocess.run(words, stderr=subprocess.PIPE, stdout=log, cwd=ROOT, check=False)  # noqa: S603
            log.write(done.stderr)
        if done.returncode and not self.supervisor.asked_to_stop:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise CannotRun(f"fundapp {name} failed: {lines[-1] if lines else 'no reason given'} ({log.name})")

    def _watch_database(self) -> None:
        if self.database is None or self.database.pid() is not None or self.supervisor.asked_to_stop:
            return
        now = time.monotonic()
        self.database_deaths = self.database_deaths + 1 if now - self.database_started_at < QUICK_S else 1
        if self.database_deaths >= QUICK_DEATHS:
            log = self.settings.local / "log" / "postgres.log"
            raise GaveUp(f"The database stopped {self.database_deaths} times in a row; see {log}.")
        say("The database stopped; starting it again.")
        self.database.stop()
        self.database.start()
        self.database_started_at = now

    def _load_demo(self) -> None:
        if self.supervisor.asked_to_stop:
            return
        if not self.demo:
            self.started_note.touch()
            return
        say("Loading the worked example; it is complete in a moment…")
        words = leashed([*PYTHON_M, "fundapp", "demo", "load"])
        with (self.settings.local / "log" / "demo.log").open("ab") as log:
            self.loading = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)  # noqa: S603

    def _watch_demo(self) -> None:
        if self.loading is None or self.loading.poll() is None:
            return
        if self.loading.returncode:
            say(f"The worked example was not loaded; see {self.settings.local / 'log' / 'demo.log'}.")
        else:
            self.started_note.touch()
            say("The worked example is loaded.")
        self.loading = None

    def _greet(self) -> None:
        say("")
        say(f"Fondsloket runs on {self.settings.base_url}")
        accounts = demo_accounts() if self.demo or self.settings.embedded_database else []
        if accounts:
            say("Sign in as (the mail with the code or link is in the mailbox):")
            width = max(len(account.email) for account in accounts)
            for account in accounts:
                say(f"  {account.email:<{width}}  {account.name}, {account.en}")
        if self.settings.embedded_mail:
            say(f"Read the mails on {self.settings.base_url}/postvak")
        say("Stop with Ctrl-C.")
        say("")


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of a running installation. Raises CannotRun when this checkout runs already, and says where."""
    path = settings.local / "run" / "supervisor.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = {"url": "an address that it is about to print", "pid": "unknown"}
            with suppress(ValueError):
                where = json.load(lock)
            raise CannotRun(
                f"Fondsloket already runs from this checkout, on {where['url']} (process {where['pid']}); "
                "stop that one first, or use it."
            ) from None
        lock.truncate(0)
        json.dump({"url": settings.base_url, "pid": os.getpid()}, lock)
        lock.flush()
        yield


def refuse_busy_port(port: int) -> None:
    """Raise CannotRun when somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotRun(f"Port {port} is for the administrator; choose one above 1023 with --port.") from None
        except OSError:
            raise CannotRun(f"Port {port} is in use by another program; choose another with --port.") from None


def answers(port: int) -> bool:
    """Whether the web server answers, whatever it says."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def empty(local: Path) -> None:
    """Remove all local data; what sets up the environment, and the tests' own data, stay."""
    server = Postgres(local)
    if server.pid() is not None:
        server.start()
        server.stop(always=True)
    for folder in (postgres_home(local), socket_folder(postgres_home(local)), socket_folder(local / "broker")):
        shutil.rmtree(folder, ignore_errors=True)
    for path in local.iterdir():
        if path.name in KEPT_AT_RESET:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (local / "log").mkdir(mode=0o700, exist_ok=True)


def say(line: str) -> None:
    """Progress, for the person at the terminal."""
    click.echo(line)
    sys.stdout.flush()


def _mailbox_ready(local: Path) -> Callable[[], bool]:
    """The mailbox is ready once it has noted its port anew and listens there."""
    note = local / "mail" / "port"
    before = note.stat().st_mtime_ns if note.exists() else 0

    def ready() -> bool:
        if not note.exists() or note.stat().st_mtime_ns == before:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", mailbox_port(local))) == 0

    return ready
