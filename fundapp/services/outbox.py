"""Mails: written in the transaction of the act that they tell of. `delivery` takes them to the mail server.

What a mail may say is frozen with its row; it is put into words when it is delivered, so that a fault in a template
is a dead mail that can be seen, and never an act that fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from fundapp.domain.flow import Mail
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.outbox import STATES, OutboxMessage
from fundapp.persistence.people import Person
from fundapp.services.holders import Holder
from fundapp.services.journal import note


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody to write to who cannot sign in, such as the contact of a bank account."""

    email: str
    name: str
    language: str = "nl"

    @property
    def id(self) -> None:
        """Nobody that the product knows."""


Recipient = Person | Holder | Outsider
"""Somebody to write to."""


def addressed(
    mails: tuple[Mail, ...],
    found: Mapping[Role, Sequence[Recipient]],
    *,
    journal_id: int,
    application_id: int | None,
    context: Mapping[str, Any],
    about: str = "",
) -> dict[str, dict[str, Any]]:
    """Return the mails of one act by their keys, one to each holder of each role, to be written with it.

    found: the holders by role. context: what the templates may say. The recipient's name is added as `name`. about:
    tells apart the mails of one act that is about several cases (a payment batch), so that somebody with two of them
    hears of both.
    """
    plain = _plain(context)
    rows: dict[str, dict[str, Any]] = {}
    for template, person in [(mail.template, person) for mail in mails for person in found[mail.to]]:
        key = f"{journal_id}:{template}:{person.id}{about}"
        rows[key] = {
            "key": key,
            "journal_id": journal_id,
            "application_id": application_id,
            "template": template,
            "person_id": person.id,
            "address": person.email,
            "language": person.language,
            "context": {**plain, "name": person.name},
        }
    return rows


def write_mail(
    session: Session,
    template: str,
    person: Recipient,
    *,
    key: str,
    context: Mapping[str, Any],
    application_id: int | None = None,
    journal_id: int | None = None,
) -> bool:
    """Write one mail that no transition sends: a sign-in code, an invitation, a reminder. False: the key was there.

    key: makes the mail one of a kind, such as "term:12:report_due:14:7". A mail that is of no use after some moment has
    that moment as `expires_at` in its context; it is kept without its words once it was sent.
    """
    row = _row(template, person, key=key, context=context, journal_id=journal_id, application_id=application_id)
    if expires_at := context.get("expires_at"):  # somebody waits for it: in front of all that became due today
        until = expires_at if isinstance(expires_at, datetime) else datetime.fromisoformat(expires_at)
        row["next_try_at"] = until - timedelta(days=1)
    return _insert(session, [row]) == 1


def retry(session: Session, message_id: int, *, actor: Actor, now: datetime) -> None:
    """Put a mail that is dead or uncertain back in the queue, by hand; the journal tells who did it.

    Raises Refused: NOT_FOUND, or CONFLICT for a mail in any other state.
    """
    message = session.get(OutboxMessage, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise Refused(_NO_SUCH_MAIL)
    if message.state not in ("dead", "uncertain"):
        raise Refused(_NOT_STUCK)
    data = {"state": message.state, "error": message.error}
    note(session, actor, now, kind="mail", subject_id=message.id, action="retry", data=data)
    message.state = "queued"
    message.tries = 0
    message.next_try_at = now
    message.claimed_at = message.claimed_by = message.error = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A mail that waits for a person to judge."""

    id: int
    state: str
    template: str
    address: str
    error: str | None
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """counts: every state, also the empty ones. oldest_due: since when the longest waiting mail is due."""

    counts: dict[str, int]
    oldest_due: datetime | None
    stuck: tuple[Stuck, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain


def status(session: Session, *, limit: int) -> Status:
    """Return how the mails stand; `stuck` has the newest `limit` of the dead and uncertain ones."""
    row = OutboxMessage
    counted = session.execute(select(row.state, func.count().label("number")).group_by(row.state))
    numbers = {found.state: found.number for found in counted}
    oldest = session.scalar(
        select(func.min(row.next_try_at)).where(row.state == "queued", row.next_try_at <= func.now())
    )
    columns = (row.id, row.state, row.template, row.address, row.error, row.tries, row.created_at)
    stuck = session.execute(
        select(*columns).where(row.state.in_(("dead", "uncertain"))).order_by(row.id.desc()).limit(limit)
    )
    return Status({state: numbers.get(state, 0) for state in STATES}, oldest, tuple(Stuck(*found) for found in stuck))


_NO_SUCH_MAIL = Refusal(
    "no_such_mail",
    Text("Deze mail bestaat niet. Kijk het nummer na.", "There is no such mail. Check the number."),
    kind=Kind.NOT_FOUND,
)
_NOT_STUCK = Refusal(
    "not_stuck",
    Text(
        "Deze mail is verstuurd of gaat nog vanzelf. U hoeft niets te doen.",
        "This mail was sent, or will go by itself. There is nothing to do.",
    ),
)


def _row(
    template: str,
    person: Recipient,
    *,
    key: str,
    context: Mapping[str, Any],
    journal_id: int | None,
    application_id: int | None,
) -> dict[str, Any]:
    return {
        "key": key,
        "journal_id": journal_id,
        "application_id": application_id,
        "template": template,
        "person_id": person.id,
        "address": person.email,
        "language": person.language,
        "context": _plain({**context, "name": person.name}),
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    statement = insert(OutboxMessage).on_conflict_do_nothing(index_elements=["key"]).returning(OutboxMessage.id)
    return len(session.execute(statement, rows).all())


def _plain(value: Any) -> Any:
    """The value as JSON has it; what JSON does not have as text, so that no value can stop an act."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Text):
        return {"nl": value.nl, "en": value.en}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else str(value)
