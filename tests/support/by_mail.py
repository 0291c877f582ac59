"""Somebody without an account, at a page that a mail leads to: the link, the code, the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fundapp.services.mail_link import path_of
from tests.support.web import mailed, post

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient


def link_to(app: Flask, email: str, template: str) -> str:
    """The path of the link in the newest such mail."""
    return path_of(mailed(app, email, template)["link"], str(app.config["SECRET_KEY"]))


def open_door(client: FlaskClient, path: str, email: str) -> None:
    """Prove the mailbox: ask for a code and enter it."""
    asked = post(client, f"{path}/code")
    assert asked.headers["Location"] == f"{path}/code", asked.text
    code = mailed(client.application, email, "mailbox_code")["code"]
    answer = post(client, f"{path}/bewijs", {"code": code})
    assert answer.headers.get("Location") == path, answer.text
