"""A small server that speaks clamd's protocol over a real socket, and misbehaves when told to."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BAD = b"a-test-signature"
"""What it takes for a virus."""
MOST = 300_000
"""Bytes that it takes in one stream, until it is told otherwise."""


@dataclass
class Clamd:
    """Where it listens, and how it behaves. away: it hangs up without an answer. seen: how many streams came."""

    port: int = 0
    most: int = MOST
    away: bool = False
    seen: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """For SCANNER_URL."""
        return f"clamd://127.0.0.1:{self.port}"


def _handler(told: Clamd) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            assert self.rfile.read(10) == b"zINSTREAM\0"
            content = b""
            while length := struct.unpack("!I", self.rfile.read(4))[0]:
                content += self.rfile.read(length)
                if len(content) > told.most:
                    self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            told.seen += 1
            if content == b"hang":
                told.released.wait(10)
            elif content != b"hang up" and not told.away:
                self.wfile.write(b"stream: Eicar-Test FOUND\0" if BAD in content else b"stream: OK\0")

    return Handler


@contextmanager
def clamd_server() -> Iterator[Clamd]:
    """Yield a running server; it ends with the block."""
    told = Clamd()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(told)) as server:
        server.daemon_threads = True
        told.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield told
        told.released.set()
        server.shutdown()
