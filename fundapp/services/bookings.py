"""Money in the journal and the ledger: the one place that writes entries, for transitions and for the bank alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.services.act import Booking, CaseRow


def as_data(bookings: Sequence[Booking]) -> list[list[Any]]:
    """What the journal keeps of bookings under "ledger": `ledger.verify` proves the entries by it."""
    return [
        [b.tranche_id, b.application_id, b.pot, b.posting.movement, b.posting.debit, b.posting.credit, b.posting.cents]
        for b in bookings
    ]


def entries(journal_id: int, bookings: Sequence[Booking], now: datetime) -> list[dict[str, Any]]:
    """Return the entries of one journal row: two halves for each booking."""
    return [
        {
            "journal_id": journal_id,
            "posting": number,
            "tranche_id": b.tranche_id,
            "application_id": b.application_id,
            "pot": b.pot,
            "account": str(account),
            "movement": str(b.posting.movement),
            "cents": cents,
            "at": now,
        }
        for number, b in enumerate(bookings, 1)
        for account, cents in ((b.posting.debit, -b.posting.cents), (b.posting.credit, b.posting.cents))
    ]


def write_entries(session: Session, journal_id: int, bookings: Sequence[Booking], now: datetime) -> None:
    """Write all entries of one journal row in one statement: the database sums it as a whole.

    Raises IntegrityError where the database refuses: no money, a closed tranche.
    """
    if bookings:
        session.execute(insert(LedgerEntry).returning(LedgerEntry.id), entries(journal_id, bookings, now)).all()


def record(
    session: Session,
    *,
    row: CaseRow,
    stream: int,
    action: str,
    actor: Actor,
    now: datetime,
    bookings: Sequence[Booking],
    data: Mapping[str, Any],
    kind: str = "application",
    reason: str = "",
    besides: Iterable[Callable[[int], object]] = (),
) -> int:
    """Write what happened to the money of a case without a change of its state, and the entries; return the journal id.

    row: the case, its tranche locked. stream: the tranche's id. action: such as "payment_confirmed". data: what the
    journal keeps besides. besides: make the rows that point to the journal row and go before the entries.
    Raises IntegrityError as `write_entries`.
    """
    journal = Journal(
        stream=stream,
        at=now,
        actor_id=actor.id,
        kind=kind,
        subject_id=row.id,
        action=action,
        from_state=row.state,
        to_state=row.state,
        on_version=row.version,
        reason=reason,
        data={**data, "ledger": as_data(bookings)} if bookings else dict(data),
        request_key=None,
    )
    session.add(journal)
    session.flush()
    session.add_all([make(journal.id) for make in besides])
    session.flush()
    write_entries(session, journal.id, bookings, now)
    return journal.id
