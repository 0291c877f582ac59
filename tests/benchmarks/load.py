"""A load generator that takes little of the machine: sockets that stay open, one thread for each client."""

from __future__ import annotations

import itertools
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode


class Unexpected(Exception):
    """An answer with another status than was wanted: the figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. form: sent as a POST where given. wanted: the status of a good answer."""

    path: str
    form: Mapping[str, str] | None = None
    cookie: str = ""
    wanted: int = 200


@dataclass(slots=True)
class Line:
    """One connection to a server on this machine; opened again when the server closed it."""

    port: int
    _socket: socket.socket | None = None

    def ask(self, asked: Ask) -> bytes:
        """Send one request; return the body. Raises Unexpected."""
        body = urlencode(asked.form).encode() if asked.form is not None else b""
        head = f"{'GET' if asked.form is None else 'POST'} {asked.path} HTTP/1.1\r\nHost: localhost\r\n"
        if asked.cookie:
            head += f"Cookie: {asked.cookie}\r\n"
        if asked.form is not None:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        for attempt in (1, 2):
            try:
                return self._exchange(head.encode() + b"\r\n" + body, asked)
            except (ConnectionError, IndexError):
                self.close()
                if attempt == 2:
                    raise
        raise AssertionError

    def _exchange(self, sent: bytes, asked: Ask) -> bytes:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), 30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(sent)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("closed")
            got += more
        head, body = got[:end].lower(), got[end + 4 :]
        length = int(head.split(b"content-length:")[1].split(b"\r\n", 1)[0])
        pieces, there = [body], len(body)
        while there < length:
            pieces.append(self._socket.recv(65536))
            there += len(pieces[-1])
        if b"connection: close" in head:
            self.close()
        status = int(head.split(b" ", 2)[1])
        whole = b"".join(pieces)
        if status != asked.wanted:
            raise Unexpected(
                f"{asked.path}: {status} instead of {asked.wanted}: {whole[-2000:].decode(errors='replace')}"
            )
        return whole

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured: how many a second, and the middle time of one in milliseconds."""

    per_s: float
    p50_ms: float
    done: int


@dataclass(slots=True)
class _Tally:
    times: list[float] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


def measure(
    port: int, asks: Iterator[Sequence[Ask]], *, clients: int, seconds: float = 2.0, most: int = 10**9
) -> Result:
    """Let so many clients take turns from `asks`, each turn one or more requests, for so long or until there are none.

    Raises Unexpected when one answer is not the wanted one.
    """
    lock, tally, left = threading.Lock(), _Tally(), itertools.islice(asks, most)
    stop = time.perf_counter() + seconds

    def run() -> None:
        line = Line(port)
        try:
            while time.perf_counter() < stop:
                with lock:
                    turn = next(left, None)
                if turn is None:
                    return
                begun = time.perf_counter()
                for one in turn:
                    line.ask(one)
                tally.times.append(time.perf_counter() - begun)
        except BaseException as error:  # noqa: BLE001  (told to the thread that waits)
            tally.errors.append(error)
        finally:
            line.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    if tally.errors:
        raise tally.errors[0]
    if not tally.times:
        raise Unexpected("nothing was left to ask")
    return Result(len(tally.times) / took, statistics.median(tally.times) * 1000, len(tally.times))
