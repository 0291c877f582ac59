"""The application for a WSGI server: `gunicorn fundapp.web.wsgi:app`."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import sys
import tempfile


def _share_counters() -> None:
    """Let all web processes count in one folder; it must stand before prometheus-client is imported."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        return
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="fundapp-metrics-")
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not when one of the forked workers ends
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


gc.disable()  # what is made from here on stays: looking through it for garbage takes a tenth of the start
_share_counters()
sys.setswitchinterval(0.0005)  # who holds a lock in the database must not stand in line for the interpreter
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")

from config import Settings  # noqa: E402
from fundapp.web.app import create_app  # noqa: E402

app = create_app(Settings.from_env())
gc.freeze()  # never looked through again, so that forked workers go on sharing its pages
gc.enable()
