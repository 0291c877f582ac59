"""Links by mail for who has no account: signed, for one purpose and one question, of use for a while.

A mail says which link it wants; the token is made when the mail is put into words, so it stands nowhere but in the mail
itself. The link only opens a page: whoever answers there proves the mailbox first, with a code that is sent to it. So
neither a mail scanner nor somebody to whom the mail was passed on can answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.people import Person
from fundapp.services import short_lived
from fundapp.services.outbox import Outsider, Recipient, write_mail

LASTS = timedelta(days=30)
"""How long a link works; every reminder brings a new one."""

CODE_LASTS = timedelta(minutes=15)
PROOF_LASTS = timedelta(hours=1)
"""How long somebody may read and think after the code."""

TRIES = 5
CODES_PER_LINK = 5
CODES_PER_CALLER = 60
COUNTED_OVER = timedelta(hours=1)


class Purpose(StrEnum):
    """What a link is for. A link for one purpose is worth nothing for another."""

    SIGNATURE = "signature"
    CONSENT = "consent"
    ACCESS = "access"

    @property
    def path(self) -> str:
        """Where the link leads, before the token."""
        return _PATHS[self]


_PATHS = {Purpose.SIGNATURE: "/akkoord/", Purpose.CONSENT: "/toestemming/", Purpose.ACCESS: "/toegang/"}


@dataclass(frozen=True, slots=True)
class Link:
    """One link: about which row (its id), and until when (an aware moment, whole seconds)."""

    purpose: Purpose
    id: int
    until: datetime

    def as_data(self) -> dict[str, Any]:
        """As it stands in the context of a mail."""
        return {"purpose": str(self.purpose), "id": self.id, "until": int(self.until.timestamp())}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Link:
        """Read what `as_data` wrote."""
        return cls(Purpose(data["purpose"]), int(data["id"]), datetime.fromtimestamp(int(data["until"]), UTC))

    @property
    def name(self) -> str:
        """Which question it is, for counters and sessions."""
        return f"{self.purpose}:{self.id}"


def token_of(link: Link, secret: str) -> str:
    """Return the token of a link; the same link always gives the same one."""
    return str(_serializer(link.purpose, secret).dumps([link.id, int(link.until.timestamp())]))


def path_of(data: Mapping[str, Any], secret: str) -> str:
    """Return the path of a link as it stands in the context of a mail."""
    link = Link.of_data(data)
    return link.purpose.path + token_of(link, secret)


def read_token(token: str, purpose: Purpose, *, secret: str, now: datetime) -> Link:
    """Return the link of a token. Raises Refused: NOT_FOUND for one that is not ours, CONFLICT for one that is old."""
    try:
        number, until = _serializer(purpose, secret).loads(token)
        link = Link(purpose, int(number), datetime.fromtimestamp(int(until), UTC))
    except (BadData, ValueError, TypeError, OverflowError, OSError):
        raise Refused(_NOT_OURS) from None
    if link.until < now:
        raise Refused(_TOO_OLD)
    return link


def _serializer(purpose: Purpose, secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=f"mail-link:{purpose}", signer_kwargs={"digest_method": hashlib.sha256})


def correspondent(session: Session, email: str, name: str) -> Recipient:
    """Return who to write to: the person with this address, in the own language, or somebody without an account."""
    person = session.scalar(select(Person).where(Person.email == email, Person.ended_at.is_(None)))
    return person or Outsider(email, name)


# --- the code that proves the mailbox ---------------------------------------------------------------------------------


def send_code(
    session: Session,
    link: Link,
    to: Recipient,
    *,
    ticket: str,
    caller: str,
    secret: str,
    context: Mapping[str, Any],
    now: datetime,
) -> None:
    """Mail a code of six digits that works for this link, in the browser with this ticket only; the caller commits.

    caller: its network address, of which a keyed hash is kept for an hour. context: what the mail says besides.
    Raises Refused(INVALID): too many codes for this link, or from this caller.
    """
    for name, most in ((f"link:{link.name}", CODES_PER_LINK), (f"caller:{caller}", CODES_PER_CALLER)):
        if short_lived.count(session, f"codes:{_keyed(secret, name)}", now=now, lasts=COUNTED_OVER) > most:
            raise Refused(_TOO_MANY)
    code = f"{secrets.randbelow(1_000_000):06d}"
    key = _code_key(secret, ticket)
    kept = {"hash": _code_hash(secret, link, ticket, code), "until": (now + CODE_LASTS).timestamp()}
    short_lived.put(session, key, kept, now=now, lasts=CODE_LASTS)
    write_mail(
        session,
        "mailbox_code",
        to,
        key=f"mailbox_code:{_keyed(secret, ticket)[:32]}",
        context={**context, "code": code, "link": link.as_data(), "expires_at": now + CODE_LASTS},
    )


def redeem_code(session: Session, link: Link, code: str, *, ticket: str, secret: str, now: datetime) -> None:
    """Use up the right code; the caller commits, also after a refusal, for the try counts.

    Raises Refused(INVALID) for a code that is wrong, old, used, or tried too often: one sentence for all of these.
    """
    key = _code_key(secret, ticket)
    tries = short_lived.count(session, f"{key}:tries", now=now, lasts=CODE_LASTS)
    kept = short_lived.take(session, key, now=now)
    if kept is None or tries > TRIES or kept["until"] < now.timestamp():
        raise Refused(_WRONG_CODE)
    digits = re.sub(r"\D", "", code)
    if not hmac.compare_digest(kept["hash"], _code_hash(secret, link, ticket, digits)):
        short_lived.put(session, key, kept, now=now, lasts=CODE_LASTS)
        raise Refused(_WRONG_CODE)


def _code_key(secret: str, ticket: str) -> str:
    return f"mailbox-code:{_keyed(secret, ticket)}"


def _code_hash(secret: str, link: Link, ticket: str, code: str) -> str:
    return _keyed(secret, f"{link.name}:{ticket}:{code}")


def _keyed(secret: str, value: str) -> str:
    return hmac.new(secret.encode(), f"mailbox:{value}".encode(), hashlib.sha256).hexdigest()


_NOT_OURS = Refusal(
    "no_such_link",
    Text(
        "Deze link klopt niet. Open de link uit de mail opnieuw, of plak hem helemaal in de adresbalk.",
        "This link is not right. Open the link of the mail again, or paste all of it in the address bar.",
    ),
    kind=Kind.NOT_FOUND,
)
_TOO_OLD = Refusal(
    "old_link",
    Text(
        "Deze link werkt niet meer. Vraag de school om een nieuwe mail.",
        "This link no longer works. Ask the school for a new mail.",
    ),
)
_TOO_MANY = Refusal(
    "too_many_codes",
    Text(
        "U vroeg te veel codes aan. Gebruik de code uit de laatste mail, of wacht een uur.",
        "You asked for too many codes. Use the code in the last mail, or wait an hour.",
    ),
    kind=Kind.INVALID,
)
_WRONG_CODE = Refusal(
    "wrong_code",
    Text(
        "Deze code werkt niet. Kijk of u de laatste code hebt, of vraag een nieuwe code aan.",
        "This code does not work. Check that you have the last one, or ask for a new code.",
    ),
    field="code",
    kind=Kind.INVALID,
)
