"""The waiting list: who is in line, what each could be offered, and what an offer does. Amounts in cents.

The money that is held stands in the ledger's account `offered`, for the case; its tranche is locked by `perform`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.application import FLOW, IN_LINE, State
from fundapp.domain.ceiling import Ceiling, free_for
from fundapp.domain.flow import Look
from fundapp.domain.ledger import Account
from fundapp.domain.waitlist import Outcome, Waiting, in_order, whose_turn
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import WHOLE_POT, CaseBalance
from fundapp.persistence.register import School
from fundapp.persistence.review import Advice
from fundapp.persistence.waitlist import Offer
from fundapp.services import ceilings, funds, terms
from fundapp.services.act import Act


@dataclass(frozen=True, slots=True)
class InLine:
    """One application on the waiting list. wants: what was advised, else asked. could_get: what is free for it by the
    ceiling that held for it (`held`); offered: what is held for it. place: None for one with an offer. turn: whether
    an offer goes to this one now."""

    ref: str
    school: str
    sub_region: str
    state: str
    submitted_at: datetime | None
    wants: int
    passed: int
    offered: int
    due_on: date | None
    place: int | None
    held: int
    could_get: int
    turn: bool = False

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return FLOW.look(self.state)


def line(session: Session, row: Tranche, there: Mapping[str, Ceiling], changes: list[ceilings.Change]) -> list[InLine]:
    """Return the waiting list of a tranche: those with an offer, then the line, the first on top. One query.

    there, changes: its ceilings as they stand, and their history.
    """
    found = _read(session, row.id)
    waiting = [Waiting(r.ref, r.complete_at, r.score, r.passed) for r in found if State(r.state) is State.WAITLISTED]
    spec = row.spec
    ordered = [w.ref for w in in_order(waiting, spec.get("method", ""), spec.get("seed", row.ref))]
    places = {ref: number for number, ref in enumerate(ordered, 1)}
    shown = []
    for r in sorted(found, key=lambda r: places.get(r.ref, 0)):
        pots = dict.fromkeys((WHOLE_POT, r.sub_region if r.sub_region in there else WHOLE_POT))
        held = {pot: ceilings.held_by(changes, pot, r.submitted_at) for pot in pots}
        shown.append(
            InLine(
                ref=r.ref,
                school=r.school,
                sub_region=r.sub_region,
                state=r.state,
                submitted_at=r.submitted_at,
                wants=r.advised or r.requested_cents,
                passed=r.passed,
                offered=r.offered,
                due_on=r.due_on,
                place=places.get(r.ref),
                held=held[WHOLE_POT],
                could_get=min(free_for(there[pot], held[pot] or there[pot].announced) for pot in pots),
            )
        )
    turn = whose_turn(
        ((o.ref, o.wants, o.could_get) for o in shown if o.place is not None), row.spec.get("on_overflow", "")
    )
    return [replace(one, turn=one.ref == turn) for one in shown]


def _read(session: Session, tranche_id: int) -> list[Any]:
    advised = (
        select(Advice.amount_cents)
        .where(Advice.application_id == Application.id)
        .order_by(Advice.id.desc())
        .limit(1)
        .correlate(Application)
        .scalar_subquery()
    )
    passed = (
        select(func.count())
        .where(Offer.application_id == Application.id, Offer.outcome.in_([Outcome.DECLINED, Outcome.LAPSED]))
        .correlate(Application)
        .scalar_subquery()
    )
    held = and_(CaseBalance.application_id == Application.id, CaseBalance.account == Account.OFFERED)
    stands = and_(Offer.application_id == Application.id, Offer.outcome.is_(None))
    query = (
        select(
            Application.ref,
            School.name.label("school"),
            Application.sub_region,
            Application.state,
            Application.submitted_at,
            Application.complete_at,
            Application.score,
            Application.requested_cents,
            advised.label("advised"),
            passed.label("passed"),
            func.coalesce(CaseBalance.cents, 0).label("offered"),
            Offer.due_on,
        )
        .join(School, School.code == Application.school_code)
        .outerjoin(CaseBalance, held)
        .outerjoin(Offer, stands)
        .where(Application.tranche_id == tranche_id, Application.state.in_(sorted(IN_LINE)))
        .order_by(Application.id)
    )
    return list(session.execute(query))


_FREE = (
    ceilings.FREE_FOR.replace(":tranche", "a.tranche_id")
    .replace(":region", "a.sub_region")
    .replace(":submitted", "a.submitted_at")
)
AHEAD = f"""
  WITH line AS (
    SELECT a.id, a.ref, coalesce(v.amount_cents, a.requested_cents) AS wants, r.spec->>'on_overflow' AS on_overflow,
      (SELECT min(f.cents) FROM ({_FREE}) f) AS could_get,
      row_number() OVER (ORDER BY
        (SELECT count(*) FROM offer o WHERE o.application_id = a.id AND o.outcome IN ('declined', 'lapsed')),
        CASE WHEN r.spec->>'method' = 'ranking' THEN a.score END DESC NULLS LAST,
        CASE WHEN r.spec->>'method' IN ('lottery', 'priority') THEN NULL ELSE a.complete_at END NULLS LAST,
        encode(sha256(convert_to(coalesce(r.spec->>'seed', r.ref) || '|' || a.ref, 'UTF8')), 'hex')) AS place
    FROM application a JOIN tranche r ON r.id = a.tranche_id
    LEFT JOIN LATERAL (SELECT nullif(amount_cents, 0) AS amount_cents FROM advice WHERE application_id = a.id
                       ORDER BY id DESC LIMIT 1) v ON true
    WHERE a.tranche_id = application.tranche_id AND a.state = 'waitlisted')
  SELECT o.ref FROM line o JOIN line mine ON o.place < mine.place
  WHERE mine.id = application.id
    AND o.could_get >= CASE o.on_overflow WHEN 'stop' THEN 0 WHEN 'skip' THEN o.wants ELSE 1 END
  ORDER BY o.place LIMIT 1
"""  # noqa: S608  (both parts stand in the code)
"""SQL: who stands before a waitlisted `application` and could be offered money, by the rule of the round; or NULL.

The line is that of `domain.waitlist.in_order`. Where money is short for somebody, the round's own `on_overflow` counts:
the first gets the rest (partial), the next one that fits is taken (skip), or nobody goes before the first (stop).
"""


# --- effects ----------------------------------------------------------------------------------------------------------


def make_offer(act: Act) -> None:
    """Hold the money; the school has a term to answer."""
    app: Application = act.row
    cents = int(act.given["amount_cents"])
    if cents > act.facts.free_now:
        ceilings.give_way(act, app, act.file.pot, cents)
    act.book(ledger.offer(cents), tranche_id=app.tranche_id, pot=act.file.pot, application_id=app.id)
    spec = funds.spec_of(act.session, app.fund_version_id)
    term = terms.begin(act, "offer", spec.terms.offer.rule(spec.legal_profile), act.today)
    number = act.session.scalar(select(func.count()).where(Offer.application_id == app.id)) or 0
    act.rows.add(
        Offer,
        application_id=app.id,
        number=number + 1,
        cents=cents,
        due_on=term.due_on,
        offered_at=act.now,
        offered_by_id=act.person_id,
    )
    act.data["offer"] = {"cents": cents, "due_on": term.due_on.isoformat()}
    act.context |= {"amount": cents, "due": term.due_on.isoformat()}


def accept_offer(act: Act) -> None:
    """The school wants it; the money stays held for the decision."""
    _answered(act, Outcome.ACCEPTED)
    terms.finish(act, "offer")
    act.context["amount"] = act.facts.offered


_OUTCOMES = {"decline_offer": Outcome.DECLINED, "lapse_offer": Outcome.LAPSED}


def end_offer(act: Act) -> None:
    """What was held is free again. Nothing for an application without an offer."""
    if not act.facts.offered:
        return
    if act.from_state == State.OFFERED:
        _answered(act, _OUTCOMES.get(act.transition.name, Outcome.WITHDRAWN))
        terms.finish(act, "offer")
    free_what_is_held(act)
    act.context["amount"] = act.facts.offered


def free_what_is_held(act: Act) -> None:
    """Book what is held for this case as free: it goes by, or becomes an award in the same act."""
    app: Application = act.row
    held = ledger.end_offer(act.facts.offered)
    act.book(held, tranche_id=app.tranche_id, pot=act.file.pot, application_id=app.id)


def _answered(act: Act, outcome: Outcome) -> None:
    query = select(Offer.id).where(Offer.application_id == act.row.id, Offer.outcome.is_(None))
    act.rows.change(Offer, act.session.scalars(query).one(), outcome=str(outcome), ended_at=act.now)
    act.data["offer"] = {"cents": act.facts.offered, "outcome": str(outcome)}
