"""The local mailbox: a real SMTP server in a process of its own, and the mails as a person reads them."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from config import ROOT, mailbox_port
from fundapp.adapters.embedded import wait_until
from fundapp.adapters.mailbox import Mailbox


@pytest.fixture
def mailbox(local: Path) -> Iterator[Mailbox]:
    command = [sys.executable, "-m", "fundapp", "mailbox"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "FUNDAPP_LOCAL": str(local)}) as server:
        assert wait_until((local / "mail" / "port").exists, 20)
        yield Mailbox(local)
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


def send(local: Path, to: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "loket@example.org", to, subject
    message.set_content("Beste Noor,\n\nUw code is 123 456.\n")
    message.add_alternative("<p>Uw code is 123 456.</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", mailbox_port(local)) as line:
        line.send_message(message)


def test_mails_are_kept_newest_first_and_read_by_address(mailbox: Mailbox, local: Path) -> None:
    send(local, "noor@example.org", "Uw één code")
    send(local, "sem@example.org", "Een ander")
    assert [mail.subject for mail in mailbox.newest()] == ["Een ander", "Uw één code"]
    (mail,) = mailbox.newest(to="Noor@example.org")
    assert mail.to == ("noor@example.org",)
    assert "123 456" in mail.text
    again = mailbox.get(mail.name)
    assert again is not None
    assert again.subject == "Uw één code"
    assert mailbox.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../secret-key", "port", "20250101T000000000000-00000000"])
def test_only_mails_can_be_read(local: Path, name: str) -> None:
    (local / "mail").mkdir(parents=True)
    (local / "secret-key.eml").write_text("x")
    assert Mailbox(local).get(name) is None
