"""Whether it lives, whether it can work, and what it did: for balancers, supervisors and Prometheus.

Counters live in files that all web processes of one server share (prometheus-client's multiprocess mode, which `wsgi`
turns on): each process writes its own, and whichever answers /metrics adds them up.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from sqlalchemy import text

from config import Settings
from fundapp.web.access import PUBLIC, access
from fundapp.web.session import db, request_now

bp = Blueprint("health", __name__)

LATE_AFTER_S = 900
"""From this age on, unsent mail is called late. It does not make the web unready: a restart would not send it."""

_requests = logging.getLogger("fundapp.requests")
_log = logging.getLogger("fundapp.health")
_NEVER = "0" * 64


def init_app(app: Flask) -> None:
    """Count and time every request; log it without personal data (the route, never the address)."""
    from prometheus_client import CollectorRegistry, Counter, Histogram

    registry = CollectorRegistry()
    served = Counter(
        "fundapp_requests_total", "Requests by route and status.", ["endpoint", "status"], registry=registry
    )
    took = Histogram(
        "fundapp_request_seconds",
        "Time to answer a request.",
        ["endpoint"],
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        registry=registry,
    )
    app.extensions["metrics"] = registry

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def note(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        endpoint = request.endpoint or "none"
        served.labels(endpoint, response.status_code).inc()
        took.labels(endpoint).observe(seconds)
        _requests.info("%s %s %s %.0f ms", request.method, endpoint, response.status_code, seconds * 1000)
        return response


@bp.get("/health/live")
@access(PUBLIC)
def live() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/health/ready")
@access(PUBLIC)
def ready() -> Response:
    """The parts that the web needs answer; otherwise 503, with the names of those that do not."""
    settings = cast("Settings", current_app.extensions["settings"])
    checks: dict[str, Callable[[], None]] = {
        "database": _database,
        "broker": lambda: _broker(settings),
        "storage": lambda: _storage(settings),
    }
    failed = [name for name, check in checks.items() if not _works(name, check)]
    age = None if "database" in failed else oldest_unsent_s()
    response = jsonify(
        status="failed" if failed else "ok",
        checks={name: "failed" if name in failed else "ok" for name in checks},
        failed=failed,
        oldest_unsent_mail_seconds=age,
        mail_late=age is not None and age > LATE_AFTER_S,
    )
    response.status_code = 503 if failed else 200
    return response


@bp.get("/metrics")
@access(PUBLIC)
def metrics() -> Response:
    """Everything that is counted, as Prometheus reads it."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

    registry = cast("CollectorRegistry", current_app.extensions["metrics"])
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
    stored = CollectorRegistry()
    stored.register(_Outbox())
    return Response(generate_latest(registry) + generate_latest(stored), content_type=CONTENT_TYPE_LATEST)


class _Outbox:
    """Mails by state, asked of the database when somebody looks: every process gives the same answer."""

    def collect(self) -> Iterator[Any]:
        """Yield the gauges; only the first one when the database is away, so that the counters can still be read."""
        from prometheus_client.core import GaugeMetricFamily

        up = _works("database", _database)
        yield GaugeMetricFamily("fundapp_database_up", "Whether the database answers.", value=int(up))
        if not up:
            return
        states = GaugeMetricFamily("fundapp_outbox_messages", "Mails that are not sent, by state.", labels=["state"])
        found = db.session.execute(
            text("SELECT state, count(*) AS n FROM outbox_message WHERE state <> 'sent' GROUP BY state")
        )
        counted = {row.state: row.n for row in found}
        for state in ("held", "queued", "sending", "uncertain", "dead"):
            states.add_metric([state], counted.get(state, 0))
        yield states
        age = GaugeMetricFamily("fundapp_outbox_oldest_unsent_seconds", "Age of the oldest mail that waits.")
        age.add_metric([], oldest_unsent_s() or 0)
        yield age


def oldest_unsent_s() -> float | None:
    """The age in seconds of the oldest mail that waits to be sent; None when none waits."""
    oldest = db.session.execute(
        text("SELECT min(created_at) FROM outbox_message WHERE state IN ('queued', 'sending')")
    ).scalar()
    return None if oldest is None else max(0.0, (request_now() - oldest).total_seconds())


def _works(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, that part does not work)
        db.session.rollback() if name == "database" else None
        _log.warning("not ready: %s (%s)", name, type(error).__name__)
        return False
    return True


def _database() -> None:
    db.session.execute(text("SELECT 1"))


def _broker(settings: Settings) -> None:
    if settings.redis_url is None:
        folder = settings.local / "queue"
        folder.mkdir(parents=True, exist_ok=True)
        _must(os.access(folder, os.W_OK))
        return
    from redis import Redis

    with Redis.from_url(settings.redis_url, socket_connect_timeout=2, socket_timeout=2) as redis:
        redis.ping()


def _storage(settings: Settings) -> None:
    if settings.storage_url.startswith("file://"):
        folder = Path(settings.storage_url.removeprefix("file://"))
        while not folder.exists():  # it is made with the first file
            folder = folder.parent
        _must(os.access(folder, os.W_OK | os.X_OK))
        return
    from fundapp.adapters.files import ObjectFileStore

    ObjectFileStore(settings.storage_url).exists(_NEVER)


def _must(works: bool) -> None:
    if not works:
        raise OSError
