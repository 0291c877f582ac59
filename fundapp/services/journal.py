"""The journal: write what is not a transition, and prove that nothing was altered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor
from fundapp.persistence.journal import Journal


def note(
    session: Session, actor: Actor, now: datetime, *, kind: str, subject_id: int, action: str, data: dict[str, Any]
) -> None:
    """Write an act that changes no state of a flow (a role granted, a fund published) in the journal of stream 0."""
    session.add(
        Journal(
            stream=0,
            at=now,
            actor_id=actor.id,
            kind=kind,
            subject_id=subject_id,
            action=action,
            from_state=None,
            to_state="",
            on_version=0,
            data=data,
        )
    )


@dataclass(frozen=True, slots=True)
class Breach:
    """The first thing that is wrong: a row of the journal or an entry of the ledger, and in what way."""

    what: str
    where: str


_CHAIN = text("""
  WITH chained AS (
    SELECT id, stream, seq, prev_hash, hash,
           hash = journal_digest(prev_hash, j) AS as_written,
           prev_hash = coalesce(lag(hash) OVER chain, '\\x') AS linked,
           seq = row_number() OVER chain AS numbered
    FROM journal j WINDOW chain AS (PARTITION BY stream ORDER BY seq)
  )
  SELECT id, stream, seq, as_written, linked, numbered FROM chained
  WHERE NOT (as_written AND linked AND numbered) ORDER BY stream, seq LIMIT 1
""")

_ENDS = text("""
  SELECT h.stream, h.seq FROM journal_head h
  LEFT JOIN LATERAL (SELECT seq, hash FROM journal WHERE stream = h.stream ORDER BY seq DESC LIMIT 1) last ON true
  WHERE h.seq <> coalesce(last.seq, 0) OR h.hash <> coalesce(last.hash, '\\x') ORDER BY h.stream LIMIT 1
""")


def verify(session: Session) -> Breach | None:
    """Re-prove every hash and every link; return the first altered, missing or added row, or None."""
    wrong = session.execute(_CHAIN).one_or_none()
    if wrong is not None:
        what = "altered" if not wrong.as_written else ("out of number" if not wrong.numbered else "not linked")
        return Breach(what, f"journal row {wrong.id} (stream {wrong.stream}, number {wrong.seq})")
    short = session.execute(_ENDS).one_or_none()
    if short is not None:
        return Breach("missing at the end", f"journal stream {short.stream}, after number {short.seq - 1}")
    return None
