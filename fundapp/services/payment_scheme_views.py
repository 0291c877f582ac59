"""What the pages about a payment scheme show: each instalment, what it waits for, and holds. Amounts in cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from fundapp.domain import interim
from fundapp.domain.bank_line import return_reason
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.flow import Look
from fundapp.domain.fund_parts import Proof
from fundapp.domain.payment import Condition, InstalmentState, OrderState, Purpose
from fundapp.domain.payment_scheme import Situation, Standing, standing
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import Instalment, PaymentHold, PaymentOrder
from fundapp.persistence.people import Person


@dataclass(frozen=True, slots=True)
class SchemeLine:
    """One instalment. share_bp: of the award; None for what is left. interim_ref: the report that it waits for."""

    number: int
    what: Text
    when: Text
    share_bp: int | None
    cents: int
    standing: Standing
    interim_ref: str | None
    interim_look: Look | None
    proof: Text | None


@dataclass(frozen=True, slots=True)
class HoldLine:
    """A payment hold, running or over. ended_by: None for the clock."""

    reason: str
    starts_on: date
    ends_on: date
    placed_by: str
    ended_on: date | None
    ended_by: str | None
    end_reason: str
    runs: bool


@dataclass(frozen=True, slots=True)
class Scheme:
    """The payments of one case: those that were dropped are left out."""

    lines: list[SchemeLine]
    holds: list[HoldLine]

    @property
    def total_cents(self) -> int:
        """All instalments together: the award, or after the determination the final amount."""
        return sum(line.cents for line in self.lines)

    @property
    def running_hold(self) -> HoldLine | None:
        """The hold that runs now."""
        return next((hold for hold in self.holds if hold.runs), None)


def scheme(session: Session, app: Application, today: date) -> Scheme:
    """Return the payments of a case, in order, and its payment holds. Two queries."""
    holds = _holds(session, app.id, today)
    held_until = max((hold.ends_on for hold in holds if hold.runs), default=None)
    returned = (
        select(PaymentOrder.returned_why)
        .where(PaymentOrder.instalment_id == Instalment.id, PaymentOrder.state == OrderState.RETURNED)
        .order_by(PaymentOrder.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Instalment, returned.label("returned"), InterimReport)
        .outerjoin(InterimReport, InterimReport.instalment_id == Instalment.id)
        .where(Instalment.application_id == app.id, Instalment.state != InstalmentState.DROPPED)
        .order_by(Instalment.number)
    )
    return Scheme([_line(row, why, report, held_until, today) for row, why, report in rows], holds)


def _line(
    row: Instalment, returned: str | None, report: InterimReport | None, held_until: date | None, today: date
) -> SchemeLine:
    purpose, condition = Purpose(row.purpose), Condition(row.condition)
    proof = Proof.model_validate(report.proof).name if report is not None else None
    situation = Situation(
        state=InstalmentState(row.state),
        condition=condition,
        payable_on=row.payable_on,
        due_on=row.due_on,
        held_until=held_until,
        returned=None if returned is None else return_reason(returned),
        proof=proof,
        proof_sent=report is not None and report.state == interim.State.SENT,
    )
    label = purpose.label
    return SchemeLine(
        number=row.number,
        what=Text(label.nl.capitalize(), label.en.capitalize()),
        when=condition.label,
        share_bp=row.share_bp,
        cents=row.cents,
        standing=standing(situation, today),
        interim_ref=report.ref if report is not None else None,
        interim_look=interim.FLOW.look(report.state) if report is not None else None,
        proof=proof,
    )


def _holds(session: Session, application_id: int, today: date) -> list[HoldLine]:
    ender = aliased(Person)
    rows = session.execute(
        select(PaymentHold, Person.name, ender.name)
        .join(Person, Person.id == PaymentHold.placed_by_id)
        .outerjoin(ender, ender.id == PaymentHold.ended_by_id)
        .where(PaymentHold.application_id == application_id)
        .order_by(PaymentHold.id.desc())
    )
    return [
        HoldLine(
            reason=hold.reason,
            starts_on=hold.starts_on,
            ends_on=hold.ends_on,
            placed_by=placed_by,
            ended_on=hold.ended_at.astimezone(AMSTERDAM).date() if hold.ended_at else None,
            ended_by=ended_by,
            end_reason=hold.end_reason,
            runs=hold.ended_at is None and hold.starts_on <= today <= hold.ends_on,
        )
        for hold, placed_by, ended_by in rows
    ]
