"""A tour of the product: every page that somebody reaches by links and filters, and every page with mistakes on it."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import Connection, Engine, event, text
from werkzeug.exceptions import HTTPException

from fundapp.web.session import db
from tests.support.queries import count_queries

VISITOR = "-"
_NAMELESS = {"ref", "token"}
"""Parts of an address that say which one, not what kind of page. Numbers do as well."""
_LEAVES = ("/uitloggen", "/profiel/overal-uitloggen", "/taal")
_NO_TEXT = {"submit", "button", "reset", "image", "file", "hidden", "checkbox", "radio"}


class Kind(NamedTuple):
    """What is the same for pages of one kind: the route, the words in the address, the state of the case, the query."""

    rule: str
    words: tuple[str, ...]
    state: str
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """One page. who: the e-mail address of who looks, or VISITOR.

    via: where the link stood. statements: how often the page asked the database. sent: the form that gave it, for a
    page with mistakes.
    """

    who: str
    path: str
    via: str
    kind: Kind
    status: int
    body: bytes
    statements: tuple[str, ...] = ()
    sent: tuple[tuple[str, str], ...] = ()

    @cached_property
    def root(self) -> Any:
        """The page as a tree."""
        return html.fromstring(self.body)

    @property
    def audience(self) -> str:
        """For whom its weight is meant: public, school or staff."""
        return str(self.root.xpath("string(//body/@class)")).split()[0]

    def __str__(self) -> str:
        sent = f" after {dict(self.sent)}" if self.sent else ""
        return f"{self.path} for {self.who} from {self.via}{sent}: {self.status}"

    @property
    def said(self) -> str:
        """The words of the page itself, for a message."""
        return " ".join(self.root.xpath("string(//main)").split())[:200]


@dataclass
class Tour:
    """Goes round one application (Flask). each: so many pages of one kind are enough, for each person."""

    app: Flask
    each: int = 1
    rules: Counter[str] = field(default_factory=Counter)
    browsers: dict[str, FlaskClient] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.adapter = self.app.url_map.bind("localhost")
        with self.app.app_context():
            self.engine: Engine = db.engine
            self.states = {row.ref: row.state for row in db.session.execute(_STATES)}

    def people(self) -> list[str]:
        """Everybody who can sign in, by address."""
        with self.app.app_context():
            return list(db.session.scalars(text("SELECT email FROM person WHERE ended_at IS NULL ORDER BY email")))

    def browser_of(self, email: str) -> FlaskClient:
        """The browser in which this person is signed in."""
        if email not in self.browsers:
            self.browsers[email] = client = self.app.test_client()
            if email != VISITOR:
                with client.session_transaction() as cookie:
                    cookie.update(self.cookie_of(email))
        return self.browsers[email]

    def cookie_of(self, email: str) -> dict[str, Any]:
        """What the session of this person holds."""
        with self.app.app_context():
            row = db.session.execute(_PERSON, {"email": email}).one()
        now = int(self.app.extensions["clock"]().timestamp())
        return {"_user_id": f"{row.id}.{row.session_epoch}.tour", "begun": now, "noted": now}

    def token(self, email: str) -> str:
        """The token that forms of this person's browser carry."""
        root: Any = html.fromstring(self.browser_of(email).get("/profiel").data)
        return str(root.xpath("//input[@name='csrf_token']/@value")[0])

    def pages(self, email: str, begin: Iterable[str] = ("/",)) -> Iterator[Stop]:
        """Yield every page that this person reaches from these, a few of each kind; links and filters are the way."""
        client = self.browser_of(email)
        waiting = deque((path, path) for path in begin)
        seen, kinds = {path for path, _ in waiting}, Counter[Kind]()
        while waiting:
            path, via = waiting.popleft()
            kind = self.kind(path)
            if kind is None or kinds[kind] >= self.each:
                continue
            kinds[kind] += 1
            client.get(path, buffered=True)  # what a process keeps is there from here on
            with count_queries(self.engine) as statements:
                answer = client.get(path, buffered=True)
            self.rules[kind.rule] += 1
            found: list[str] = []
            if answer.status_code in (302, 303):
                found = [urljoin(path, answer.headers["Location"])]
            elif answer.mimetype == "text/html" or answer.status_code != 200:
                stop = Stop(email, path, via, kind, answer.status_code, answer.data, tuple(statements))
                yield stop
                found = list(_ways_on(stop)) if answer.status_code == 200 else []
            for link in found:
                parts = urlsplit(link)
                clean = parts._replace(scheme="", netloc="", fragment="").geturl()
                if parts.netloc in ("", "localhost") and parts.scheme in ("", "http") and clean not in seen:
                    seen.add(clean)
                    waiting.append((clean, path))

    def kind(self, path: str) -> Kind | None:
        """The kind of page at an address; None: no page of ours, or one that is left alone."""
        parts = urlsplit(path)
        try:
            rule, values = self.adapter.match(parts.path, method="GET", return_rule=True)
        except HTTPException:
            return None
        if rule.endpoint == "static" or parts.path in _LEAVES:
            return None
        words = (v for name, v in sorted(values.items()) if isinstance(v, str) and name not in _NAMELESS)
        asked = {pair.partition("=")[0] for pair in parts.query.split("&")}
        return Kind(rule.rule, tuple(words), self.states.get(str(values.get("ref")), ""), tuple(sorted(asked)))

    def mistakes(self, stop: Stop, done: set[tuple[str, ...]]) -> Iterator[Stop]:
        """Yield what each form of a page answers when it is sent empty, and when it is sent with nonsense.

        Nothing is ever kept (`keeping_nothing`): a form that is content yields no page. done: what need not be sent
        again, by any page.
        """
        for form in stop.root.xpath("//form[translate(@method, 'POST', 'post')='post']"):
            action = urljoin(stop.path, form.get("action") or stop.path)
            if urlsplit(action).path in _LEAVES or form.get("enctype", "").startswith("multipart"):
                continue
            for button in form.xpath(".//button[not(@type='button')]"):
                pressed = [(button.get("name"), button.get("value", ""))] if button.get("name") else []
                if pressed == [_PREVIEW]:
                    continue
                for word in ("", "12oo"):
                    sent = (*_filled(form, word), *pressed)
                    named = {_DIGITS.sub("", name) for name, _ in sent} | {_DIGITS.sub("", v) for _, v in pressed}
                    key = (stop.kind.rule, *stop.kind.words, word, *sorted(named))
                    if key in done:
                        continue
                    done.add(key)
                    answer = self._send(stop.who, action, sent)
                    if answer is not None:
                        yield Stop(stop.who, action, stop.path, stop.kind, *answer, sent=sent)

    def _send(self, who: str, action: str, sent: tuple[tuple[str, str], ...]) -> tuple[int, bytes] | None:
        data: dict[str, list[str]] = {}
        for name, value in sent:
            data.setdefault(name, []).append(value)
        client = self.browser_of(who)
        try:
            with keeping_nothing(self.engine):
                answer = client.post(action, data=data)
        except Kept:
            return None
        except Exception as error:
            error.add_note(f"{who} sent {sent} to {action}")
            raise
        return (answer.status_code, answer.data) if answer.status_code not in (302, 303) else None


_PREVIEW = ("do", "letter")
"""A button that only shows the letter as it would be: there a mistake is part of the page."""

_DIGITS = re.compile(r"\d+")


class Kept(Exception):
    """A form was content: here it would have been kept."""


@contextmanager
def keeping_nothing(engine: Engine) -> Iterator[None]:
    """Let no unit of work end well during the block: Kept is raised where it would commit."""

    def refuse(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "READ COMMITTED":
            raise Kept

    event.listen(engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(engine, "commit", refuse)


def _ways_on(stop: Stop) -> Iterator[str]:
    for link in stop.root.xpath("//a/@href"):
        yield urljoin(stop.path, str(link))
    for form in stop.root.xpath("//form[not(@method) or translate(@method, 'GET', 'get')='get']"):
        address = urljoin(stop.path, form.get("action") or stop.path)
        yield f"{address}?{urlencode(list(_filled(form, 'zzz')))}"


def _filled(form: Any, word: str) -> Iterator[tuple[str, str]]:
    """The fields of a form, as they are sent with this word in every text field and nothing chosen."""
    for one in form.xpath(".//input[@name] | .//textarea[@name]"):
        kind = "text" if one.tag == "textarea" else one.get("type", "text")
        if kind == "hidden":
            yield one.get("name"), one.get("value", "")
        elif kind not in _NO_TEXT:
            yield one.get("name"), word
    for one in form.xpath(".//select[@name]"):
        yield one.get("name"), ""


_PERSON = text("SELECT id, session_epoch FROM person WHERE email = :email")
_STATES = text("""
  SELECT ref, state FROM application UNION ALL SELECT ref, state FROM tranche
  UNION ALL SELECT ref, state FROM payment_batch UNION ALL SELECT ref, state FROM change_request
""")
