"""Virus scanner: clamd's INSTREAM over TCP, or none at all (and then the file says so).

Protocol: "zINSTREAM\\0", then chunks with a four-byte length before each, a zero length at the end; the answer is
"stream: OK", "stream: <name> FOUND" or "… ERROR" (clamd(8)).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from fundapp.domain.outside import Scan, Verdict

CHUNK = 64 * 1024
TIMEOUT = 30.0
"""Seconds without a sign of life from the scanner."""

_LONGEST_ANSWER = 4096


class NoScanner:
    """Satisfies `Scanner` where there is none: the verdict is visible, never a quiet "clean"."""

    present = False

    def scan(self, content: bytes | Iterable[bytes]) -> Scan:  # noqa: ARG002 - the port's signature
        """Return NOT_SCANNED; the content is not read."""
        return Scan(Verdict.NOT_SCANNED)


class ClamdScanner:
    """Satisfies `Scanner` with a clamd at host:port. Each scan is a connection of its own; threads may share it."""

    present = True

    def __init__(self, host: str, port: int, *, timeout: float = TIMEOUT) -> None:
        self._address = (host, port)
        self._timeout = timeout

    def scan(self, content: bytes | Iterable[bytes]) -> Scan:
        """Return CLEAN, INFECTED with the name of what was found, or UNAVAILABLE with the reason."""
        pieces = [content] if isinstance(content, bytes) else content
        try:
            with socket.create_connection(self._address, timeout=self._timeout) as line:
                # clamd hangs up on a stream that is too long, after saying so.
                with suppress(BrokenPipeError, ConnectionResetError):
                    _send(line, pieces)
                answer = _receive(line)
        except OSError as error:
            return Scan(Verdict.UNAVAILABLE, f"no answer from the scanner: {error}")
        return _verdict(answer)


def scanner_from_url(url: str | None, *, timeout: float = TIMEOUT) -> ClamdScanner | NoScanner:
    """Read `clamd://host:3310`; None or empty is no scanner. Raises ValueError with a sentence.

    timeout: seconds; short where somebody waits for the answer.
    """
    if not url:
        return NoScanner()
    parts = urlsplit(url)
    if parts.scheme != "clamd" or not parts.hostname:
        raise ValueError("SCANNER_URL must look like clamd://host:3310")
    return ClamdScanner(parts.hostname, parts.port or 3310, timeout=timeout)


def _send(line: socket.socket, pieces: Iterable[bytes]) -> None:
    line.sendall(b"zINSTREAM\0")
    for piece in pieces:
        for start in range(0, len(piece), CHUNK):
            part = piece[start : start + CHUNK]
            line.sendall(struct.pack("!I", len(part)) + part)
    line.sendall(struct.pack("!I", 0))


def _receive(line: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER and (part := line.recv(1024)):
        answer += part
    return answer.rstrip(b"\0\n").decode("utf-8", "replace").strip()


def _verdict(answer: str) -> Scan:
    _, _, said = answer.partition(": ")
    if said == "OK":
        return Scan(Verdict.CLEAN)
    if said.endswith(" FOUND"):
        return Scan(Verdict.INFECTED, said.removesuffix(" FOUND"))
    return Scan(Verdict.UNAVAILABLE, answer or "the scanner hung up without an answer")
