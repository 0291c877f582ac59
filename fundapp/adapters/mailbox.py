"""The local mailbox of the one-command mode: an SMTP server that keeps each mail as a file, for people to read.

It listens on this machine only. Each mail is one `.eml` file, with the envelope in front as `X-Envelope-From` and
`X-Envelope-To`; the files' names sort by time.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
LARGEST_MAIL = 25 * 1024 * 1024
NAME = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. name: its key in the mailbox; received_at: UTC; to: the addresses of the envelope."""

    name: str
    received_at: datetime
    to: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """The plain text; empty where there is none."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""


class Mailbox:
    """The mails in a folder, newest first."""

    def __init__(self, local: Path) -> None:
        self.folder = local / "mail"

    def names(self) -> list[str]:
        """The keys of all mails, newest first."""
        return sorted((path.stem for path in self.folder.glob("*.eml")), reverse=True)

    def newest(self, limit: int = 50, to: str | None = None) -> list[Mail]:
        """The newest mails, at most `limit`; only those to one address when `to` is given."""
        found: list[Mail] = []
        for name in self.names():
            mail = self.get(name)
            if mail and (to is None or to.casefold() in (address.casefold() for address in mail.to)):
                found.append(mail)
            if len(found) == limit:
                break
        return found

    def get(self, name: str) -> Mail | None:
        """One mail by its key; None when it is not there."""
        path = self.folder / f"{name}.eml"
        if not NAME.fullmatch(name) or not path.exists():
            return None
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        received_at = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
        return Mail(name, received_at, tuple(message.get_all("X-Envelope-To") or ()), message)

    def put(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keep a mail, whole or not at all; return its key."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        envelope = [f"X-Envelope-From: {sender}", *(f"X-Envelope-To: {address}" for address in recipients)]
        draft = self.folder / f"{name}.draft"
        draft.write_bytes("".join(f"{line}\r\n" for line in envelope).encode() + content)
        draft.rename(self.folder / f"{name}.eml")
        return name


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        name = await asyncio.to_thread(self.mailbox.put, str(envelope.mail_from), envelope.rcpt_tos, content)
        return f"250 2.0.0 kept as {name}"


async def serve(local: Path, port: int) -> None:
    """Keep mails until SIGTERM. When the port is taken, take a free one; the port is noted in `mail/port`."""
    from aiosmtpd.smtp import SMTP

    mailbox = Mailbox(local)
    mailbox.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _Handler(mailbox)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(handler, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, ident="Fondsloket", loop=loop)

    try:
        server = await loop.create_server(protocol, HOST, port)
    except OSError:
        server = await loop.create_server(protocol, HOST, 0)
    note = mailbox.folder / "port"
    draft = note.with_name(f"port.{os.getpid()}")
    draft.write_text(str(server.sockets[0].getsockname()[1]))
    draft.rename(note)
    async with server:
        serving = asyncio.ensure_future(server.serve_forever())
        for end in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(end, serving.cancel)
        with suppress(asyncio.CancelledError):
            await serving
