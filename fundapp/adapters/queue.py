"""The task queue: one Celery set-up for those who send (web, command line) and those who do (worker, beat).

A message only says "look now"; the truth is in the database. So tasks have no results, no countdown and no long
retries, and may come twice: a message whose worker was killed returns within two minutes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from urllib.parse import urlsplit

from celery import Celery
from kombu.exceptions import OperationalError

from config import Settings

log = logging.getLogger(__name__)

DRAIN = "drain_outbox"
"""The task that delivers mail."""

RELEASE = "release_decisions"
"""The task that takes released decisions."""

WAKE_EXPIRES_S = 60  # by then a beat has come

REDIS_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "max_retries": 0,
}


def make_queue(settings: Settings) -> Celery:
    """Return the Celery application on the broker of the settings. Sending never waits for a broker that is away."""
    app = Celery("fundapp", set_as_current=False)
    app.conf.update(
        broker_url=_broker_url(settings),
        broker_transport_options=_options(settings),
        broker_connection_timeout=2,
        broker_connection_retry_on_startup=True,
        task_publish_retry=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue="fundapp",
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        timezone="Europe/Amsterdam",
        enable_utc=True,
    )
    return app


def waker(app: Celery) -> Callable[[], None]:
    """Return what tells the worker that there may be mail. It never raises: a call that is lost costs one beat."""

    def wake() -> None:
        try:
            app.send_task(DRAIN, expires=WAKE_EXPIRES_S)
        except (OperationalError, OSError) as away:
            log.warning("the worker could not be woken: %s", away)

    return wake


def gathered(wake: Callable[[], None], *, pause_s: float = 0.02) -> Callable[[], None]:
    """Return a wake that costs its caller nothing: a thread of its own passes it on, with all that come meanwhile.

    After each call there is one wake that began later. One that a process takes with it when it ends costs one beat.
    """
    called = Event()

    def pass_on() -> None:
        while called.wait():
            called.clear()
            wake()
            time.sleep(pause_s)

    Thread(target=pass_on, name="wake", daemon=True).start()
    return called.set


def _broker_url(settings: Settings) -> str:
    if settings.redis_url is None:
        return "filesystem://"
    parts = urlsplit(settings.redis_url)
    return f"redis+socket://{parts.path}" if parts.scheme == "unix" else settings.redis_url


def _options(settings: Settings) -> dict[str, object]:
    if settings.redis_url is not None:
        return dict(REDIS_OPTIONS)
    folder = settings.local / "queue"
    for name in ("messages", "control"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    messages = str(folder / "messages")
    control = str(folder / "control")
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": control,
        "polling_interval": 0.1,
    }
