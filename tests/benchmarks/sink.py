"""A mail server that takes everything and keeps nothing: `python -m tests.benchmarks.sink PORT`."""

from __future__ import annotations

import asyncio
import sys


class Sink(asyncio.Protocol):
    """Just enough SMTP, answering as fast as it can be asked."""

    def __init__(self) -> None:
        self.got = b""
        self.in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every whole line; swallow what is between DATA and the dot."""
        self.got += data
        while True:
            if self.in_data:
                end = self.got.find(b"\r\n.\r\n")
                if end < 0:
                    return
                self.got, self.in_data = self.got[end + 5 :], False
                self.transport.write(b"250 kept nowhere\r\n")
                continue
            line, found, rest = self.got.partition(b"\r\n")
            if not found:
                return
            self.got = rest
            word = line[:4].upper()
            if word == b"DATA":
                self.in_data = True
                self.transport.write(b"354 go on\r\n")
            elif word == b"QUIT":
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
            else:
                self.transport.write(b"250 sink\r\n")


async def serve(port: int) -> None:
    """Listen until the process ends."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
