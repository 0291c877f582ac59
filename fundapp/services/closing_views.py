"""What the page about closing shows of the closings so far: their reports, and why one was undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from fundapp.persistence.people import Person
from fundapp.persistence.tranche import Closing, Reopening


@dataclass(frozen=True, slots=True)
class ClosingLine:
    """One closing: who closed it when, whether its files are there, and its reopening if there was one."""

    number: int
    closed_at: datetime
    proposed_by: str
    closed_by: str
    made: bool
    failed: bool
    sha256: str | None
    reopened_at: datetime | None
    reason: str | None


def closings(session: Session, tranche_id: int) -> list[ClosingLine]:
    """Return the closings of a tranche, the newest first. One query."""
    proposer, closer = aliased(Person), aliased(Person)
    rows = session.execute(
        select(
            Closing.number,
            Closing.closed_at,
            proposer.name,
            closer.name,
            Closing.pdf_sha256.is_not(None),
            Closing.failure.is_not(None),
            Closing.pdf_sha256,
            Reopening.at,
            Reopening.reason,
        )
        .join(proposer, proposer.id == Closing.proposed_by_id)
        .join(closer, closer.id == Closing.closed_by_id)
        .outerjoin(Reopening, Reopening.closing_id == Closing.id)
        .where(Closing.tranche_id == tranche_id)
        .order_by(Closing.number.desc())
    )
    return [ClosingLine(*row) for row in rows]


def report_file(session: Session, tranche_id: int, number: int, form: str) -> str | None:
    """Return the SHA-256 of a report as "pdf" or "xlsx"; None where it does not exist or is not made yet."""
    column = Closing.pdf_sha256 if form == "pdf" else Closing.xlsx_sha256
    return session.scalar(select(column).where(Closing.tranche_id == tranche_id, Closing.number == number))
