"""What the pages for finance show of final accounts: what was decided about them. Amounts in cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Role


def funds_of(actor: Actor, *roles: Role) -> frozenset[str] | None:
    """The funds somebody sees with these roles; None for all."""
    return actor.funds(*roles)


@dataclass(frozen=True, slots=True)
class Determined:
    """An intended or a final amount (cents), with its calculation as it was kept."""

    kind: str
    cents: int
    calculation: dict[str, Any]
    ex_officio: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a school said of an intended amount."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about the final accounts of a case, and what the school said of it."""

    school: str
    tranche_ref: str
    determinations: list[Determined]
    responses: list[Said]

    def determination(self, kind: str) -> Determined | None:
        """The newest intended or final amount."""
        return next((d for d in reversed(self.determinations) if d.kind == kind), None)


_DECIDED = text("""
  SELECT s.name AS school, t.ref,
    (SELECT json_agg(json_build_array(kind, cents, calculation, ex_officio, at) ORDER BY id) FROM determination
     WHERE application_id = a.id) AS fixed,
    (SELECT json_agg(json_build_array(text, at) ORDER BY id) FROM intent_response
     WHERE application_id = a.id) AS said
  FROM application a JOIN school s ON s.code = a.school_code JOIN tranche t ON t.id = a.tranche_id WHERE a.id = :id
""")


def decided(session: Session, application_id: int) -> Decided:
    """Return what was decided. One query."""
    row = session.execute(_DECIDED, {"id": application_id}).one()
    return Decided(
        school=row.school,
        tranche_ref=row.ref,
        determinations=[
            Determined(kind, cents, steps, ex_officio, datetime.fromisoformat(at))
            for kind, cents, steps, ex_officio, at in row.fixed or ()
        ],
        responses=[Said(words, datetime.fromisoformat(at)) for words, at in row.said or ()],
    )
