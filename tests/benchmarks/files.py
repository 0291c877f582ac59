"""Files that people take with them: the product and the floor in turn, over HTTP."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Mapping
from urllib.parse import urlencode

from fundapp.services.generate_story import COORDINATOR
from tests.benchmarks.pages import USUAL
from tests.benchmarks.stage import Stage
from tests.benchmarks.table import Figure

TIMES = 5


def export(stage: Stage) -> list[Figure]:
    """The ledger of a round as CSV, in seconds for each ten thousand entries; journaled, guarded, with names."""
    world = stage.world(USUAL)
    who = world.visitor(COORDINATOR)
    query = """SELECT t.ref, count(*) AS number FROM ledger_entry e JOIN tranche t ON t.id = e.tranche_id
               GROUP BY t.ref ORDER BY number DESC LIMIT 1"""
    (largest,) = world.rows(query)
    form = {"csrf_token": who.token, "what": largest.ref, "form": "csv"}
    ours, floor = [], []
    for _ in range(TIMES + 1):  # the first time warms up
        floor.append(_take(world.floor, f"/csv/{largest.ref}", largest.number))
        ours.append(_take(world.ours, "/exports", largest.number + 1, form=form, cookie=who.cookie))
    share = 10_000 / largest.number
    mine, least = (statistics.median(times[1:]) * share for times in (ours, floor))
    return [Figure(f"CSV of 10,000 entries (of {largest.number:,})", "s", mine, least, 10, more_is_better=False)]


def _take(port: int, path: str, lines: int, *, form: Mapping[str, str] | None = None, cookie: str = "") -> float:
    """Download a file and return how long it took, in seconds; it must have so many lines."""
    line = http.client.HTTPConnection("localhost", port, timeout=120)
    headers = {"Host": "localhost", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    begun = time.perf_counter()
    line.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
    answer = line.getresponse()
    content = answer.read()
    took = time.perf_counter() - begun
    line.close()
    assert (answer.status, content.count(b"\n")) == (200, lines), (path, answer.status, content.count(b"\n"))
    return took
