"""The scanner against a small server that speaks clamd's protocol over a real socket."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator

import pytest

from fundapp.adapters.scanner import ClamdScanner, NoScanner, scanner_from_url
from fundapp.domain.outside import Scan, Verdict
from fundapp.services.ports import Scanner

BAD = b"a-test-signature"
MOST = 300_000


class Clamd(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack("!I", self.rfile.read(4))[0]:
            content += self.rfile.read(length)
            if len(content) > MOST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        if content == b"hang":
            self.server.released.wait(10)  # type: ignore[attr-defined]  # set by the fixture
        elif content != b"hang up":
            self.wfile.write(b"stream: Eicar-Test FOUND\0" if BAD in content else b"stream: OK\0")


@pytest.fixture
def clamd() -> Iterator[Scanner]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        server.daemon_threads = True
        released = threading.Event()
        server.released = released  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield ClamdScanner("127.0.0.1", server.server_address[1], timeout=0.5)
        released.set()
        server.shutdown()


def test_clean(clamd: Scanner) -> None:
    assert clamd.scan(b"a letter") == Scan(Verdict.CLEAN)
    assert clamd.scan(b"") == Scan(Verdict.CLEAN)
    assert clamd.scan(iter([b"x" * 100_000, b"", b"y" * 100_000])) == Scan(Verdict.CLEAN)


def test_infected_is_found_across_chunks(clamd: Scanner) -> None:
    assert clamd.scan(iter([b"x" * 70_000 + BAD[:5], BAD[5:] + b"rest"])) == Scan(Verdict.INFECTED, "Eicar-Test")


@pytest.mark.parametrize("content", [b"hang", b"hang up", b"x" * (MOST * 20)])
def test_no_answer_is_never_clean(content: bytes, clamd: Scanner) -> None:
    scan = clamd.scan(content)
    assert scan.verdict is Verdict.UNAVAILABLE
    assert scan.detail


def test_no_scanner_at_the_address() -> None:
    assert ClamdScanner("127.0.0.1", 1, timeout=1).scan(b"x").verdict is Verdict.UNAVAILABLE


def test_without_a_scanner_the_file_says_so() -> None:
    scanner: Scanner = scanner_from_url(None)
    assert isinstance(scanner, NoScanner)
    assert scanner.scan(b"x") == Scan(Verdict.NOT_SCANNED)


def test_url() -> None:
    assert isinstance(scanner_from_url("clamd://localhost:3310"), ClamdScanner)
    with pytest.raises(ValueError, match="SCANNER_URL"):
        scanner_from_url("http://localhost")
