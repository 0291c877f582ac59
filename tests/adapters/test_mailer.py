"""Mail over real sockets: what arrives, and which of the three failures an unwilling server leads to."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller

from fundapp.adapters.mailer import SmtpMailer, SmtpServer
from fundapp.adapters.mime import render
from fundapp.domain.outside import Address, Attachment, Message, Permanent, Temporary, Uncertain
from fundapp.services.ports import Mailer

SENDER = Address("loket@fonds.example", "Fondsloket Zeeland")
MESSAGE = Message(
    message_id="case-12.awarded.1@fonds.example",
    to=Address("lotte@ozobot.example", "Lotte van der Zee"),
    subject="Besluit over uw aanvraag PO-T1-01",
    text="Beste Lotte,\n\n.Goed nieuws: café € 1.500,00 = mooi.\n.\nGroet",
    html="<p>Beste Lotte,</p>\n<p>Goed nieuws: café € 1.500,00</p>",
    sent_at=datetime(2025, 3, 14, 16, 0, tzinfo=UTC),
    reply_to=Address("penvoerder@fonds.example", "Jan Jansen, penvoerder"),
)


class Inbox:
    """A handler that keeps what it accepts and answers as the recipient's name asks."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.sessions = 0

    async def handle_RCPT(self, *asked: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        _, _, envelope, address, _ = asked
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "451 4.7.1 greylisted, try again"
        if address.startswith("closing"):
            return "421 4.3.2 shutting down"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, *asked: Any) -> str:  # noqa: N802
        envelope = asked[-1]
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 5.7.1 refused after reading"
        assert isinstance(envelope.content, bytes)
        self.mails.append((list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 queued as 42"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, SmtpServer]]:
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, SmtpServer("127.0.0.1", controller.port)
    controller.stop()


def to(address: str) -> Message:
    return replace(MESSAGE, to=Address(address))


def read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_mail_arrives_as_text_and_html_with_its_headers(inbox: tuple[Inbox, SmtpServer]) -> None:
    box, server = inbox
    mailer: Mailer = SmtpMailer(server, SENDER)
    assert mailer.send(MESSAGE) == "2.0.0 queued as 42"
    [(recipients, content)] = box.mails
    mail = read(content)
    assert recipients == ["lotte@ozobot.example"]
    assert mail["From"] == "Fondsloket Zeeland <loket@fonds.example>"
    assert mail["To"] == "Lotte van der Zee <lotte@ozobot.example>"
    assert mail["Reply-To"].addresses[0].display_name == "Jan Jansen, penvoerder"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Message-ID"] == "<case-12.awarded.1@fonds.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "nl"
    assert mail["Date"].datetime == MESSAGE.sent_at
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == MESSAGE.text
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == MESSAGE.html
    assert not mail.defects


@pytest.mark.parametrize(
    "subject",
    [
        "Zoë's aanvraag: één café, naïef",
        "Besluit " + "over een heel lange aanvraag met veel woorden " * 6,
        "x" * 400,
        "=?utf-8?q?niet_zo?=",
        "€" * 120,
        "",
    ],
)
def test_headers_of_every_sort_come_back_as_they_were(subject: str) -> None:
    name = 'Zoë "de Zee", ' + subject[:3]
    mail = read(
        render(replace(MESSAGE, subject=subject, to=Address("a@b.example", name)), SENDER).removesuffix(b".\r\n")
    )
    assert mail["Subject"].strip() == subject.strip()
    assert mail["To"].addresses[0].addr_spec == "a@b.example"
    assert mail["To"].addresses[0].display_name.strip() == name.strip()
    assert max(len(line) for line in mail.as_bytes().splitlines()) <= 998


def test_lines_end_in_crlf_and_stay_short() -> None:
    content = render(replace(MESSAGE, text="lang " * 400, html="<p>" + "é" * 3000), SENDER)
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in content.split(b"\r\n")) <= 78


def test_attachment_arrives_byte_for_byte(inbox: tuple[Inbox, SmtpServer]) -> None:
    box, server = inbox
    content = bytes(range(256)) * 40
    letter = Attachment('besluit "é".pdf', "application/pdf", content)
    SmtpMailer(server, SENDER).send(replace(MESSAGE, attachments=(letter,)))
    mail = read(box.mails[0][1])
    [part] = mail.iter_attachments()
    assert part.get_filename() == 'besluit "é".pdf'
    assert part.get_payload(decode=True) == content
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Goed nieuws" in body.get_content()


@pytest.mark.parametrize(
    "bad",
    [
        replace(MESSAGE, subject="Besluit\r\nBcc: all@example.org"),
        replace(MESSAGE, subject="Besluit\nX: y"),
        replace(MESSAGE, to=Address("a@b.example", "Jan\nBcc: all@example.org")),
        replace(MESSAGE, to=Address("a@b.example>\r\nRCPT TO:<c@d.example")),
        replace(MESSAGE, to=Address("a@b.example, c@d.example")),
        replace(MESSAGE, to=Address("geen adres")),
        replace(MESSAGE, to=Address("")),
        replace(MESSAGE, reply_to=Address("x@y.example\n")),
        replace(MESSAGE, sender=Address("x@y.example", "a\rb")),
        replace(MESSAGE, message_id="x@y.example>\r\nX: y"),
        replace(MESSAGE, attachments=(Attachment("a\r\nX: y", "text/plain", b""),)),
        replace(MESSAGE, attachments=(Attachment("a", "text/plain\r\nX: y", b""),)),
    ],
)
def test_a_newline_never_becomes_a_header(bad: Message, inbox: tuple[Inbox, SmtpServer]) -> None:
    box, server = inbox
    with pytest.raises(Permanent):
        SmtpMailer(server, SENDER).send(bad)
    assert box.mails == []


def test_address_in_a_domain_with_accents_is_sent_in_ascii() -> None:
    assert b"<a@xn--caf-dma.example>" in render(replace(MESSAGE, to=Address("a@café.example", "A")), SENDER)


@pytest.mark.parametrize(
    ("address", "outcome", "code"),
    [
        ("nobody@x.example", Permanent, 550),
        ("later@x.example", Temporary, 451),
        ("closing@x.example", Temporary, 421),
        ("spam@x.example", Permanent, 554),
    ],
)
def test_a_refusal_is_typed_and_the_next_mail_still_goes(
    address: str, outcome: type[Permanent | Temporary], code: int, inbox: tuple[Inbox, SmtpServer]
) -> None:
    box, server = inbox
    with SmtpMailer(server, SENDER).connect() as connection:
        connection.send(to("first@x.example"))
        with pytest.raises(outcome) as caught:
            connection.send(to(address))
        assert caught.value.code == code
        assert caught.value.answer
        connection.send(to("next@x.example"))
    assert [recipients for recipients, _ in box.mails] == [["first@x.example"], ["next@x.example"]]


def test_nobody_at_home_is_temporary() -> None:
    with pytest.raises(Temporary, match="no connection"):
        SmtpMailer(SmtpServer("127.0.0.1", free_port()), SENDER).send(MESSAGE)


def test_a_server_without_encryption_gets_no_mail_when_encryption_was_asked(inbox: tuple[Inbox, SmtpServer]) -> None:
    box, server = inbox
    with pytest.raises(Temporary, match="STARTTLS"):
        SmtpMailer(replace(server, starttls=True), SENDER).send(MESSAGE)
    assert box.mails == []


Script = Callable[["Rude", str], bool]


class Rude(socketserver.StreamRequestHandler):
    """Speaks just enough SMTP to be rude at a chosen moment."""

    script: ClassVar[Script]
    accepted: ClassVar[list[bytes]]

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("220 rude")
        while line := self.rfile.readline():
            verb = line[:4].decode().upper()
            if not self.script(verb):
                return
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "DATA":
                self.say("354 go")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                if not self.script("DOT"):
                    return
                self.accepted.append(body)
            self.say("250 ok")


@pytest.fixture
def rude() -> Iterator[Callable[[Script], tuple[SmtpServer, list[bytes]]]]:
    servers: list[socketserver.ThreadingTCPServer] = []

    def start(script: Script) -> tuple[SmtpServer, list[bytes]]:
        accepted: list[bytes] = []
        handler = type("Handler", (Rude,), {"script": script, "accepted": accepted})
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.block_on_close = False
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return SmtpServer("127.0.0.1", server.server_address[1]), accepted

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


Start = Callable[[Script], tuple[SmtpServer, list[bytes]]]


def hang(moment: str, released: threading.Event) -> Script:
    def script(_: Rude, verb: str) -> bool:
        if verb == moment:
            released.wait(10)
            return False
        return True

    return script


@pytest.mark.parametrize(
    ("moment", "outcome"),
    [("EHLO", Temporary), ("MAIL", Temporary), ("RCPT", Temporary), ("DATA", Temporary), ("DOT", Uncertain)],
)
def test_a_cut_is_uncertain_only_after_the_final_dot(moment: str, outcome: type[Exception], rude: Start) -> None:
    server, _ = rude(lambda _, verb: verb != moment and not (moment == "EHLO" and verb == "HELO"))
    with pytest.raises(outcome):
        SmtpMailer(server, SENDER).send(MESSAGE)


@pytest.mark.parametrize(("moment", "outcome"), [("RCPT", Temporary), ("DOT", Uncertain)])
def test_a_server_that_hangs_is_left_in_time(moment: str, outcome: type[Exception], rude: Start) -> None:
    released = threading.Event()
    server, _ = rude(hang(moment, released))
    with pytest.raises(outcome):
        SmtpMailer(server, SENDER, connect_timeout=2, answer_timeout=0.3).send(MESSAGE)
    released.set()


def test_gibberish_after_the_final_dot_is_uncertain(rude: Start) -> None:
    def script(handler: Rude, verb: str) -> bool:
        if verb == "DOT":
            handler.say("fine by me")
            return False
        return True

    server, _ = rude(script)
    with pytest.raises(Uncertain):
        SmtpMailer(server, SENDER).send(MESSAGE)


def test_a_line_that_was_closed_in_between_is_opened_again(rude: Start) -> None:
    """Servers close after some mails or some idle minutes; before DATA that costs nobody a mail."""
    seen: list[str] = []

    def script(handler: Rude, verb: str) -> bool:
        seen.append(verb)
        return not (verb == "MAIL" and seen.count("MAIL") == 2)

    server, accepted = rude(script)
    with SmtpMailer(server, SENDER).connect() as connection:
        connection.send(MESSAGE)
        connection.send(MESSAGE)
    assert len(accepted) == 2
    assert seen.count("EHLO") == 2


def test_url_is_read_and_a_wrong_one_refused_without_its_password() -> None:
    assert SmtpServer.from_url("smtp://me:p%40ss@mail.example:587?starttls=1") == SmtpServer(
        "mail.example", 587, "me", "p@ss", starttls=True
    )
    assert SmtpServer.from_url("smtps://mail.example") == SmtpServer("mail.example", 465, tls=True)
    with pytest.raises(ValueError, match="SMTP_URL must look like") as caught:
        SmtpServer.from_url("http://me:secret@mail.example")
    assert "secret" not in str(caught.value)
