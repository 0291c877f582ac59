"""Filters of the worklist that somebody keeps under a name: their own, nobody else sees them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.panel import SavedFilter
from fundapp.services.subject import missing

MOST = 20
LONGEST = 60


def save(session: Session, name: str, query: str, *, actor: Actor, now: datetime) -> None:
    """Keep a filter; the same name again replaces it. query: as it stands in the address of the list.

    Raises Refused: INVALID without a name, or without a filter; CONFLICT at more than MOST.
    """
    clean = " ".join(name.split())[:LONGEST]
    if not clean:
        raise Refused(_NAMELESS)
    if not query:
        raise Refused(_NOTHING)
    mine = session.scalars(select(SavedFilter.name).where(SavedFilter.person_id == actor.id)).all()
    if clean not in mine and len(mine) >= MOST:
        raise Refused(_TOO_MANY)
    row = {"person_id": actor.id, "name": clean, "query": query, "created_at": now}
    written = insert(SavedFilter).values(row)
    session.execute(
        written.on_conflict_do_update(index_elements=["person_id", "name"], set_={"query": written.excluded.query})
    )


def forget(session: Session, filter_id: int, *, actor: Actor) -> None:
    """Remove one of one's own filters. Raises Refused(NOT_FOUND)."""
    gone = session.execute(
        delete(SavedFilter)
        .where(SavedFilter.id == filter_id, SavedFilter.person_id == actor.id)
        .returning(SavedFilter.id)
    ).all()
    if not gone:
        raise Refused(missing())


_NAMELESS = Refusal(
    "name_missing",
    Text("Geef dit filter een naam.", "Give this filter a name."),
    field="name",
    kind=Kind.INVALID,
)
_NOTHING = Refusal(
    "filter_missing",
    Text("Kies eerst een filter of zoek iets. Bewaar het daarna.", "Choose a filter or search first. Then save it."),
    kind=Kind.INVALID,
)
_TOO_MANY = Refusal(
    "too_many_filters",
    Text("U hebt al 20 filters. Verwijder er eerst een.", "You have 20 filters already. Remove one first."),
)
