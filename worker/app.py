"""The Celery application of the worker and the scheduler. Tasks are in `tasks`, their times in `schedule`."""

from __future__ import annotations

from config import Settings
from fundapp.adapters.queue import make_queue

settings = Settings.from_env()
app = make_queue(settings)
app.set_default()
app.conf.include = ["worker.tasks", "worker.schedule"]
