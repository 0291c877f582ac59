"""The parts of a running Fondsloket, one process each: what `fundapp run` supervises, and what production starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from config import ROOT, Settings, SettingsError
from fundapp.cli import CannotRun

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (gunicorn's heartbeat: a file that must never wait for a disk)


def settings_or_stop() -> Settings:
    """Read the settings; a mistake in them ends the command with one line."""
    try:
        return Settings.from_env()
    except SettingsError as error:
        raise CannotRun(str(error)) from None


def become(*words: str) -> None:
    """Go on as `python -m …`, in the checkout."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", *words])  # noqa: S606


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from sqlalchemy.exc import OperationalError

    from fundapp.persistence.migrate import upgrade

    try:
        upgrade(settings_or_stop().database_url)
    except OperationalError as error:
        raise CannotRun(f"The database cannot be reached; check DATABASE_URL ({error.orig}).") from None


@click.command()
def web() -> None:
    """Run the web server: on this machine only, or on every address where FUNDAPP_ENV is production."""
    settings = settings_or_stop()
    host = "0.0.0.0" if settings.production else "127.0.0.1"  # noqa: S104  (behind a balancer, on another machine)
    words = ["gunicorn", "fundapp.web.wsgi:app", "--bind", f"{host}:{settings.port}", "--preload"]
    words += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket"]
    words += ["--timeout", "60", "--graceful-timeout", "10", "--max-requests", "20000", "--max-requests-jitter", "2000"]
    if os.access(SHARED_MEMORY, os.W_OK):
        words += ["--worker-tmp-dir", str(SHARED_MEMORY)]
    become(*words)


@click.command()
def worker() -> None:
    """Run a worker."""
    settings_or_stop()
    words = ["worker", "--pool", "threads", "--concurrency", "4", "--without-mingle", "--without-gossip"]
    become("celery", "-A", "worker.app", *words, "--loglevel", "INFO")


@click.command()
def beat() -> None:
    """Run the scheduler; run one, and only one."""
    folder = settings_or_stop().local / "run"
    folder.mkdir(parents=True, exist_ok=True)
    become("celery", "-A", "worker.app", "beat", "--schedule", str(folder / "beat"), "--pidfile=", "--loglevel", "INFO")


@click.command()
def mailbox() -> None:
    """Run the local mailbox, which keeps mails as files."""
    import asyncio

    from fundapp.adapters.mailbox import serve

    settings = settings_or_stop()
    if not settings.embedded_mail:
        raise CannotRun("SMTP_URL is set, so mails go there; there is no local mailbox.")
    asyncio.run(serve(settings.local, settings.smtp_url.port))
