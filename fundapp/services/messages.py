"""Questions and messages about an application: the school writes to the fund, the fund to the school; all is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.message import CaseMessage
from fundapp.persistence.people import Person
from fundapp.services import application, funds, short_lived
from fundapp.services.holders import holders
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail

OF_THE_FUND = frozenset({Role.HANDLER, Role.COORDINATOR, Role.FINANCE})
"""Who writes for the fund. Who advises or decides does not write to a school about its application."""

MOST_LETTERS = 4000
A_DAY = 20
"""Messages of one person about one application in a day: each goes by mail to everybody on the other side."""

SHOWN = 200


class MessageView(NamedTuple):
    """One message as a page shows it."""

    from_school: bool
    name: str
    body: str
    at: datetime


def thread(session: Session, app: Application) -> list[MessageView]:
    """Return the newest messages about an application, the newest first."""
    rows = session.execute(
        select(CaseMessage.from_school, Person.name, CaseMessage.body, CaseMessage.at)
        .join(Person, Person.id == CaseMessage.author_id)
        .where(CaseMessage.application_id == app.id)
        .order_by(CaseMessage.id.desc())
        .limit(SHOWN)
    )
    return [MessageView(*row) for row in rows]


def write(
    session: Session, app: Application, body: str, *, actor: Actor, roles: Collection[Role], now: datetime
) -> CaseMessage:
    """Keep a message and mail it to the other side; the caller commits.

    roles: of the actor on this application; who asks has seen to it that they may read it. Somebody of the school
    writes for the school. Raises Refused(INVALID) for nothing, too much, or too often.
    """
    body = body.strip()
    if not body:
        raise Refused(_wrong(Text("Schrijf uw bericht.", "Write your message.")))
    if len(body) > MOST_LETTERS:
        raise Refused(_wrong(_TOO_LONG.fill(most=MOST_LETTERS)))
    written = short_lived.count(session, f"messages:{app.id}:{actor.id}", now=now, lasts=timedelta(days=1))
    if written > A_DAY:
        raise Refused(_wrong(_TOO_MANY))
    assert actor.id is not None
    from_school = Role.APPLICANT in roles
    row = CaseMessage(application_id=app.id, from_school=from_school, author_id=actor.id, body=body, at=now)
    session.add(row)
    session.flush()
    note(session, actor, now, kind="message", subject_id=row.id, action="write", data={"application": app.ref})
    to, template = (Role.HANDLER, "message_in") if from_school else (Role.APPLICANT, "message_of_fund")
    context = funds.case_context(session, app) | {"explanation": body, "sender": actor.name}
    path = f"/beoordelen/{app.ref}/berichten" if from_school else f"/aanvragen/{app.ref}/berichten"
    for person in holders(session, application.scope(session, app), [to])[to]:
        key = f"{template}:{row.id}:{person.id}"
        write_mail(session, template, person, key=key, application_id=app.id, context=context | {"url_path": path})
    return row


def _wrong(sentence: Text) -> Refusal:
    return Refusal("message_wrong", sentence, field="body", kind=Kind.INVALID)


_TOO_LONG = Text("Schrijf hoogstens {most} tekens.", "Write {most} characters at most.")
_TOO_MANY = Text(
    "U schreef vandaag al veel berichten. Bel ons, of schrijf morgen verder.",
    "You wrote many messages today. Call us, or go on tomorrow.",
)
