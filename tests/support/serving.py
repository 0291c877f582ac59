"""A real server in a thread, for a real browser; it ends with the last of its answers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask


class _Counted:
    """An application that knows how many answers are under way: a page that was left may still be saving."""

    def __init__(self, inner: WSGIApplication) -> None:
        self.inner = inner
        self.under_way = 0
        self.changed = threading.Condition()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._count(1)
        try:
            answer = self.inner(environ, start_response)
            try:
                yield from answer
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self.changed:
            self.under_way += more
            self.changed.notify_all()

    def rest(self) -> None:
        """Wait until nothing is under way: its connection to the database would be left open."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.under_way, 20), "an answer does not end"


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[BaseWSGIServer]:
    """Serve an application on this port (0: a free one)."""
    counted = _Counted(app)
    server = make_server("127.0.0.1", port, counted, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        counted.rest()
        server.server_close()
