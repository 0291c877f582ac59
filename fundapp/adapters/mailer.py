"""Mail over SMTP, with an answer that says whether a failed mail may be sent again.

Three outcomes besides success: Temporary (not delivered, try again), Permanent (not delivered, never will be) and
Uncertain (the line broke between the message's end and the server's answer; RFC 5321 section 4.5.3.2.6: a server that
is cut off there may have taken the mail). The difference is all that keeps a mail from being sent twice.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

from fundapp.adapters.mime import envelope_address, render
from fundapp.domain.outside import Address, Message, Permanent, Temporary, Uncertain

CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 60.0
"""Seconds. RFC 5321 would wait ten minutes for the answer to the final dot; a held worker costs more than a doubt."""

_AUTHENTICATION = frozenset({530, 534, 535, 538})
"""Our own password or encryption is wrong (RFC 4954): not the recipient's fault, so the mail waits."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. starttls: insist on encryption after connecting; tls: encrypted from the start."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    starttls: bool = False
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """Read `smtp://user:password@host:587?starttls=1` or `smtps://host:465`.

        Raises ValueError with a sentence; the password is never in it.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?starttls=1")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 25),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            starttls=parse_qs(parts.query).get("starttls", ["0"])[-1] in {"1", "true", "yes"},
            tls=tls,
        )


class SmtpMailer:
    """Satisfies `Mailer`. Holds settings only, so threads may share it; each `connect()` is a line of its own."""

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        answer_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self._server = server
        self._sender = sender
        self._connect_timeout = connect_timeout
        self._answer_timeout = answer_timeout

    @contextmanager
    def connect(self) -> Iterator[SmtpConnection]:
        """Keep one connection for many mails. Raises Temporary when the server cannot be reached or refuses us."""
        connection = SmtpConnection(self._server, self._sender, self._connect_timeout, self._answer_timeout)
        connection.open()
        try:
            yield connection
        finally:
            connection.close()

    def send(self, message: Message) -> str:
        """Deliver one mail over a connection of its own. Raises Temporary, Permanent or Uncertain."""
        with self.connect() as connection:
            return connection.send(message)


class SmtpConnection:
    """One line to the server. After a failure it can be used again: it is opened anew where that is needed."""

    def __init__(self, server: SmtpServer, sender: Address, connect_timeout: float, answer_timeout: float) -> None:
        self._server = server
        self._sender = sender
        self._connect_timeout = connect_timeout
        self._answer_timeout = answer_timeout
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, encrypt and sign in as the settings ask. Raises Temporary."""
        server = self._server
        smtp: smtplib.SMTP | None = None
        try:
            context = ssl.create_default_context() if server.tls or server.starttls else None
            if server.tls:
                smtp = smtplib.SMTP_SSL(
                    server.host, server.port, _own_name(), timeout=self._connect_timeout, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, _own_name(), timeout=self._connect_timeout)
            smtp.ehlo_or_helo_if_needed()
            if server.starttls:  # never in the clear when encryption was asked for: a server without it is an error
                smtp.starttls(context=context)
                smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password or "")
            assert smtp.sock is not None
            smtp.sock.settimeout(self._answer_timeout)
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except smtplib.SMTPResponseException as error:
            _hang_up(smtp)
            raise Temporary(_words(error.smtp_error), error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            _hang_up(smtp)
            raise Temporary(f"no connection to {server.host}:{server.port}: {error}") from error
        self._smtp = smtp

    def close(self) -> None:
        """Say goodbye; a server that is gone already is no error."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def send(self, message: Message) -> str:
        """Deliver one mail and return the server's words of acceptance. Raises Temporary, Permanent or Uncertain."""
        sender = message.sender or self._sender
        recipient = envelope_address(message.to)
        payload = render(message, sender)
        smtp = self._start(envelope_address(sender), len(payload))
        try:
            self._expect(smtp, *smtp.docmd("RCPT", f"TO:<{recipient}>"), wanted=(250, 251, 252))
            self._expect(smtp, *smtp.docmd("DATA"), wanted=(354,))
            smtp.send(payload)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._drop()
            raise Temporary(f"the connection broke before the end of the mail: {error}") from error
        try:
            code, words = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Uncertain(f"the connection broke before the answer: {error}") from error
        if code < 200:  # not SMTP: nobody can say what became of the mail
            self._drop()
            raise Uncertain("the answer was not understood")
        self._expect(smtp, code, words, wanted=(250,))
        return _words(words)

    def _start(self, sender: str, size: int) -> smtplib.SMTP:
        """MAIL FROM, once more over a new line when the server has hung up in between (idle, or enough mails)."""
        command = f"FROM:<{sender}>"
        if (smtp := self._smtp) is not None:
            try:
                self._expect(smtp, *smtp.docmd("MAIL", command + _size(smtp, size)), wanted=(250,))
                return smtp
            except (smtplib.SMTPServerDisconnected, OSError):
                self._drop()
            except Temporary as refused:
                if refused.code != 421:  # "closing the channel": a new one may serve
                    raise
        self.open()
        smtp = self._smtp
        assert smtp is not None
        try:
            self._expect(smtp, *smtp.docmd("MAIL", command + _size(smtp, size)), wanted=(250,))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._drop()
            raise Temporary(f"the connection broke: {error}") from error
        return smtp

    def _expect(self, smtp: smtplib.SMTP, code: int, words: bytes, *, wanted: tuple[int, ...]) -> None:
        """Return if the reply is a wanted one; else leave the line ready for the next mail and raise."""
        if code in wanted:
            return
        if code == 421 or code < 200:
            self._drop()
        else:
            try:
                smtp.docmd("RSET")
            except (smtplib.SMTPException, OSError):
                self._drop()
        outcome = Permanent if 500 <= code < 600 and code not in _AUTHENTICATION else Temporary
        raise outcome(_words(words), code)

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        _hang_up(smtp)


@cache
def _own_name() -> str:
    """The name for EHLO, asked once: with a name server away the question takes seconds, and smtplib repeats it."""
    return socket.getfqdn()


def _hang_up(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()


def _size(smtp: smtplib.SMTP, size: int) -> str:
    return f" SIZE={size}" if smtp.has_extn("size") else ""


def _words(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:500]
