"""Publishing what a tranche achieved, without personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.domain.tranche import SHUT
from fundapp.persistence.fund import Tranche
from fundapp.persistence.people import Person
from fundapp.services import tranche
from fundapp.services.journal import note

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?:\+31|\b0)[\s-]?\d(?:[\s-]?\d){8}\b|\b[A-Z]{2}\d{2}[A-Z]{4}\d{6,}\b")
"""An e-mail address, a Dutch telephone number or an account number."""


def personal_data(session: Session, text: str) -> str | None:
    """Return the first personal datum found in a text: an address, a number, or the name of somebody we know."""
    return personal_data_in(text) or personal_data_in(text, session.scalars(select(Person.name)))


def personal_data_in(text: str, names: Iterable[str | None] = ()) -> str | None:
    """Return the first personal datum found in a text: an address, a number, or one of these names of persons."""
    found = _ADDRESS.search(text)
    if found:
        return found.group()
    folded = text.casefold()
    return next((name for name in names if name and len(name) > 3 and name.casefold() in folded), None)


def publish_evaluation(session: Session, ref: str, text: str, *, actor: Actor, now: datetime) -> Tranche:
    """Publish the evaluation of a tranche. The caller commits.

    Raises Refused: FORBIDDEN for somebody who is not the coordinator, INVALID for an empty text or one with personal
    data in it (AVG), CONFLICT once the tranche is closed.
    """
    row = tranche.find(session, ref, lock=True)
    if not actor.has(Role.COORDINATOR, fund=row.fund_key):
        raise Refused(
            Refusal(
                "not_yours",
                Text(
                    "Alleen de programmacoördinator publiceert. Vraag het aan haar of hem.",
                    "Only the programme coordinator publishes. Ask them.",
                ),
                kind=Kind.FORBIDDEN,
            )
        )
    if row.state in SHUT:
        raise Refused(
            Refusal(
                "tranche_closed",
                Text(
                    "De tranche is gesloten. De evaluatie verandert niet meer.",
                    "The tranche is closed. Its evaluation no longer changes.",
                ),
            )
        )
    if not text.strip():
        raise Refused(
            Refusal(
                "evaluation_missing",
                Text("Schrijf op wat de tranche opleverde.", "Write what the tranche achieved."),
                field="evaluation",
                kind=Kind.INVALID,
            )
        )
    datum = personal_data(session, text)
    if datum is not None:
        raise Refused(
            Refusal(
                "personal_data",
                Text(
                    "In de tekst staan persoonsgegevens: “{datum}”. Haal ze weg en publiceer dan.",
                    "The text holds personal data: “{datum}”. Take them out, then publish.",
                ).fill(datum=same(datum)),
                field="evaluation",
                kind=Kind.INVALID,
            )
        )
    row.evaluation = text.strip()
    row.evaluation_published_at = now
    note(
        session,
        actor,
        now,
        kind="tranche",
        subject_id=row.id,
        action="publish_evaluation",
        data={"text": row.evaluation},
    )
    return row
