"""When the scheduler calls which task. Nothing hangs on a single call: each does whatever has become due."""

from __future__ import annotations

from fundapp.adapters.queue import RELEASE
from worker.app import app

SCHEDULE = {
    "sweep": 15,
    "letters": 15,
    "receipts": 5,
    "scans": 15,
    "minutes": 15,
    "closing_reports": 15,
    "exports": 10,
    RELEASE: 3,
    "deadlines": 60,
}
"""Task → every so many seconds; a call that nobody took by the next one is dropped."""

app.conf.beat_schedule = {
    task: {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}
    for task, seconds in SCHEDULE.items()
}
