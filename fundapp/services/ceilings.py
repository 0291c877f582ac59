"""Ceilings: announced, changed, and which one held when. Each change is booked, and kept beside the booking.

Awb 4:25, 4:26 and 4:27; `domain/ceiling.py` has the rule. The tranche is locked by whoever calls what writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from fundapp.domain import application, ledger
from fundapp.domain.ceiling import Ceiling, Held, Kind, held_for
from fundapp.domain.fund import FundSpec
from fundapp.domain.ledger import Account, Posting
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import WHOLE_POT, TrancheBalance
from fundapp.persistence.people import Person
from fundapp.persistence.tranche import CeilingChange
from fundapp.services import funds
from fundapp.services.act import Act

UNDECIDED = [
    str(state)
    for state in (
        application.State.SUBMITTED,
        application.State.INCOMPLETE,
        application.State.UNDER_REVIEW,
        application.State.ADVISED,
        application.State.WAITLISTED,
        application.State.REJECTION_INTENDED,
    )
]
"""The states of an application that came in and was not decided: a cut does not touch it."""


def standing(session: Session, tranche_id: int) -> dict[str, Ceiling]:
    """Return the ceilings of a tranche by pot, "" for the whole; empty before it is announced. One query."""
    balance, newest = TrancheBalance, CeilingChange
    free = (
        select(balance.cents)
        .where(balance.tranche_id == newest.tranche_id, balance.pot == newest.pot, balance.account == Account.AVAILABLE)
        .scalar_subquery()
    )
    rows = session.execute(
        select(newest.pot, newest.announced_cents, newest.new_cents, func.coalesce(free, 0))
        .where(newest.tranche_id == tranche_id)
        .ext(distinct_on(newest.pot))
        .order_by(newest.pot, newest.id.desc())
    )
    return {row[0]: Ceiling(announced=row[1], booked=row[2], free=row[3]) for row in rows}


def by_pot(session: Session, row: Tranche) -> dict[str, Ceiling]:
    """Return the ceilings of a tranche by pot: the whole, and each sub-ceiling that it was announced with."""
    pots = [WHOLE_POT, *(row.spec.get("sub_ceilings_cents") or {})]
    return dict.fromkeys(pots, Ceiling(0, 0, 0)) | standing(session, row.id)


FREE_FOR = """
  SELECT b.pot, greatest(0, b.cents + coalesce(h.held - h.booked, 0)) AS cents, b.cents AS now
  FROM tranche_balance b JOIN tranche t ON t.id = b.tranche_id
  LEFT JOIN LATERAL (
    SELECT max(c.announced_cents) FILTER (WHERE c.at > :submitted OR c.id = came_in.during) AS held,
           (array_agg(c.new_cents ORDER BY c.id DESC))[1] AS booked
    FROM ceiling_change c, (SELECT max(id) AS during FROM ceiling_change
                            WHERE tranche_id = b.tranche_id AND pot = b.pot AND at <= :submitted) came_in
    WHERE c.tranche_id = b.tranche_id AND c.pot = b.pot) h ON true
  WHERE b.tranche_id = :tranche AND b.account = 'available'
    AND (b.pot = '' OR b.pot = :region AND jsonb_exists(t.spec->'sub_ceilings_cents', :region))
"""
"""SQL: what is free by pot (cents) for an application of a sub-region, by the ceiling that held for it.

The same as `domain.ceiling.free_for`; `now` is what the ledger has. Values: tranche, region, submitted (None: as for
one that comes in now).
"""


def pot_name(spec: FundSpec, pot: str) -> Text:
    """What a pot is called: the whole tranche, or a sub-region."""
    if pot == WHOLE_POT:
        return Text("Hele tranche", "Whole tranche")
    region = spec.sub_region(pot)
    return region.name if region is not None else same(pot)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history. announced: the ceiling from then on; old, new: what the ledger had and has (cents)."""

    at: datetime
    pot: str
    kind: Kind
    old: int
    new: int
    announced: int
    reason: str
    by: str | None
    about: str | None
    journal_id: int

    @property
    def announced_before(self) -> int:
        """The ceiling that held until then."""
        return self.announced if self.kind is Kind.EARLIER else self.announced - (self.new - self.old)


def history(session: Session, tranche_id: int) -> list[Change]:
    """Return every change of a tranche's ceilings, the oldest first. One query."""
    row = CeilingChange
    found: Any = session.execute(
        select(
            row.at,
            row.pot,
            row.kind,
            row.old_cents,
            row.new_cents,
            row.announced_cents,
            row.reason,
            Person.name,
            Application.ref,
            row.journal_id,
        )
        .outerjoin(Person, Person.id == row.by_id)
        .outerjoin(Application, Application.id == row.application_id)
        .where(row.tranche_id == tranche_id)
        .order_by(row.id)
    )
    return [Change(r[0], r[1], Kind(r[2]), *r[3:]) for r in found]


def as_they_stand(changes: list[Change], free: Mapping[str, int]) -> dict[str, Ceiling]:
    """Return the ceilings by pot from their history (the oldest first) and from what the ledger has free of each."""
    return {c.pot: Ceiling(c.announced, c.new, free.get(c.pot, 0)) for c in changes}


def held_by(changes: list[Change], pot: str, submitted: datetime | None) -> int:
    """Return the announced ceiling of a pot by which an application is judged (cents)."""
    return held_for([Held(c.at, c.announced) for c in changes if c.pot == pot], submitted)


def waiting_claims(session: Session, tranche_id: int, pot: str = WHOLE_POT) -> tuple[int, int]:
    """Return how many applications wait for a decision, and how much they ask together (cents). One query."""
    query = select(func.count(), func.coalesce(func.sum(Application.requested_cents), 0)).where(
        Application.tranche_id == tranche_id, Application.state.in_(UNDECIDED)
    )
    if pot != WHOLE_POT:
        query = query.where(Application.sub_region == pot)
    number, cents = session.execute(query).one()
    return int(number), int(cents)


# --- what is written --------------------------------------------------------------------------------------------------


def move(
    act: Act,
    tranche_id: int,
    pot: str,
    kind: Kind,
    cents: int,
    *,
    before: Ceiling,
    postings: list[Posting],
    reason: str = "",
    application_id: int | None = None,
) -> None:
    """Book a change of a ceiling by `cents` (signed), and keep it in the history with the same journal row."""
    act.book(postings, tranche_id=tranche_id, pot=pot)
    announced = before.announced + (0 if kind is Kind.EARLIER else cents)
    row = CeilingChange(
        tranche_id=tranche_id,
        pot=pot,
        kind=str(kind),
        old_cents=before.booked,
        new_cents=before.booked + cents,
        announced_cents=announced,
        reason=reason,
        by_id=act.actor.id,
        at=act.now,
        application_id=application_id,
    )
    act.data.setdefault("ceilings", []).append(
        {"tranche": tranche_id, "pot": pot, "kind": str(kind), "old": before.announced, "new": announced}
    )
    act.after_journal.append(_told(row))


def _told(row: CeilingChange) -> Callable[[int], object]:
    def with_journal(journal_id: int) -> CeilingChange:
        row.journal_id = journal_id
        return row

    return with_journal


def _set(pot: str, cents: int) -> list[Posting]:
    return ledger.set_ceiling(cents) if pot == WHOLE_POT else ledger.set_sub_ceiling(cents)


def announce(act: Act) -> None:
    """The announced ceiling, and the sub-ceilings within it, become money that can be awarded (Awb 4:25, 4:26)."""
    row: Tranche = act.row
    spec = funds.tranche_spec(row)
    there = by_pot(act.session, row)
    amounts = {WHOLE_POT: spec.ceiling_cents, **dict(sorted(spec.sub_ceilings_cents.items()))}
    for pot, cents in amounts.items():
        if cents:
            move(act, row.id, pot, Kind.ANNOUNCED, cents, before=there[pot], postings=_set(pot, cents))


def change(act: Act) -> None:
    """Raise or cut a ceiling, with the reason; the guards asked whether it can be."""
    row: Tranche = act.row
    pot = str(act.given.get("pot") or WHOLE_POT)
    before = act.facts.ceilings()[pot]
    cents = int(act.given["cents"]) - before.announced
    move(
        act,
        row.id,
        pot,
        Kind.CHANGED,
        cents,
        before=before,
        postings=_set(pot, cents),
        reason=act.text("explanation"),
    )


def give_way(act: Act, app: Application, pot: str, cents: int) -> None:
    """Make room for an award of `cents` to an application that came in before a cut (Awb 4:27, second paragraph).

    Nothing where enough is free; the guard `within_ceiling` asked whether the ceiling that held for it allows it.
    """
    there = standing(act.session, app.tranche_id)
    for place in dict.fromkeys((WHOLE_POT, pot)):
        short = cents - there[place].free
        if short > 0:
            postings = ledger.give_way(short) if place == WHOLE_POT else ledger.set_sub_ceiling(short)
            move(
                act,
                app.tranche_id,
                place,
                Kind.EARLIER,
                short,
                before=there[place],
                postings=postings,
                application_id=app.id,
            )


def as_data(changes: list[Change]) -> list[dict[str, Any]]:
    """The history as plain data, for the closing report."""
    return [
        {
            "at": c.at.isoformat(),
            "pot": c.pot,
            "kind": str(c.kind),
            "before": c.announced_before,
            "after": c.announced,
            "booked": c.new,
            "reason": c.reason,
            "by": c.by or "",
            "about": c.about or "",
        }
        for c in changes
    ]
