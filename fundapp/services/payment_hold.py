"""Payment holds: placed with a reason and a day on which they end, lifted earlier by a person, ended by the clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select, text
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.objection import RUNNING
from fundapp.domain.payment_hold import Hold
from fundapp.persistence.application import Application
from fundapp.persistence.payment import PaymentHold
from fundapp.services.act import Act


def holds_of(session: Session, application_id: int) -> list[PaymentHold]:
    """Every hold on a case, the oldest first."""
    return list(
        session.scalars(
            select(PaymentHold).where(PaymentHold.application_id == application_id).order_by(PaymentHold.id)
        )
    )


_ASKED = text("""
  SELECT
    (SELECT min(b.ref) FROM payment_order o JOIN payment_batch b ON b.id = o.batch_id
     WHERE o.application_id = :id AND o.state = 'pending' AND b.state = 'prepared') AS in_batch,
    (SELECT json_agg(json_build_array(starts_on, ends_on, ended_at) ORDER BY id) FROM payment_hold
     WHERE application_id = :id) AS holds,
    (SELECT min(ref) FROM objection WHERE application_id = :id AND state = ANY (:running)) AS remedy
""")


def paying_facts(session: Session, application_id: int) -> dict[str, Any]:
    """What the guards of an application ask of its payments; one statement."""
    row = session.execute(_ASKED, {"id": application_id, "running": [str(state) for state in RUNNING]}).one()
    holds = [(date.fromisoformat(first), date.fromisoformat(last), ended) for first, last, ended in row.holds or ()]
    return {
        "in_batch": row.in_batch,
        "remedy": row.remedy,
        "holds": tuple(Hold(first, last, _day(ended)) for first, last, ended in holds),
        "hold_open": any(ended is None for _, _, ended in holds),
    }


def _day(moment: str | None) -> date | None:
    return datetime.fromisoformat(moment).astimezone(AMSTERDAM).date() if moment else None


def is_held(application_id: Any, today: date) -> ColumnElement[bool]:
    """SQL: a hold runs today on this case."""
    return exists().where(
        PaymentHold.application_id == application_id,
        PaymentHold.ended_at.is_(None),
        PaymentHold.starts_on <= today,
        PaymentHold.ends_on >= today,
    )


# --- effects ----------------------------------------------------------------------------------------------------------


def place(act: Act) -> None:
    """Stop all payments to the case, up to and including the day that was filled in."""
    app: Application = act.row
    ends_on: date = act.given["ends_on"]
    for row in holds_of(act.session, app.id):
        if row.ended_at is None:  # its day has passed and the clock has not come by yet
            _end(row, act.now, None, "")
    act.session.flush()
    act.session.add(
        PaymentHold(
            application_id=app.id,
            reason=act.text("explanation"),
            starts_on=act.today,
            ends_on=ends_on,
            placed_at=act.now,
            placed_by_id=act.person_id,
        )
    )
    act.data["hold"] = {"starts_on": act.today.isoformat(), "ends_on": ends_on.isoformat()}
    act.context |= {"due": ends_on.isoformat(), "url_path": f"/aanvragen/{app.ref}/betalingen"}


def end(act: Act) -> None:
    """Let payments go on: a person lifts the hold, or its last day has passed."""
    app: Application = act.row
    for row in holds_of(act.session, app.id):
        if row.ended_at is None:
            _end(row, act.now, act.actor.id, act.text("explanation"))
            act.context["url_path"] = f"/aanvragen/{app.ref}/betalingen"
            act.data["hold"] = {"starts_on": row.starts_on.isoformat(), "ends_on": row.ends_on.isoformat()}


def _end(row: PaymentHold, now: datetime, by: int | None, reason: str) -> None:
    row.ended_at, row.ended_by_id, row.end_reason = now, by, reason
