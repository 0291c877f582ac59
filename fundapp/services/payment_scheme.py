"""The payment scheme of an award as it is kept: planned when the money is awarded, settled with the final amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import interim
from fundapp.domain.fund import FundSpec
from fundapp.domain.money import share
from fundapp.domain.payment import Condition, InstalmentState, Purpose
from fundapp.domain.payment_scheme import Planned, dates, plan, spread
from fundapp.domain.term import Length, TermRule
from fundapp.persistence.application import Application
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import Instalment
from fundapp.persistence.rows import next_id
from fundapp.services import terms
from fundapp.services.act import Act, Follow

_OPEN = (InstalmentState.WAITING, InstalmentState.DUE)


def payment_rule(spec: FundSpec) -> TermRule:
    """Within which term an amount is paid once it can be (Awb 4:87)."""
    return spec.terms.payment.rule(spec.legal_profile)


def plan_instalments(act: Act, spec: FundSpec, award: int) -> list[Instalment]:
    """Keep the scheme of an award (cents) as the fund's rules say it today, and ask for the proof that it names."""
    app: Application = act.row
    planned = plan(spec.advance, award, awarded_on=act.today, rule=payment_rule(spec))
    rows = [_row(app, one) for one in planned]
    act.session.add_all(rows)
    act.data["scheme"] = [[one.number, one.condition, one.cents] for one in planned]
    asked = [(row, one) for row, one in zip(rows, planned, strict=True) if one.proof is not None]
    for number, (row, one) in enumerate(asked, 1):
        row.id = next_id(act.session, Instalment)
        _ask(act, spec, row, one, number)
    return rows


def _row(app: Application, one: Planned) -> Instalment:
    return Instalment(
        application_id=app.id,
        number=one.number,
        purpose=one.purpose,
        condition=one.condition,
        share_bp=one.share_bp,
        cents=one.cents,
        payable_on=one.payable_on,
        due_on=one.due_on,
        state=InstalmentState.WAITING if one.due_on is None else InstalmentState.DUE,
    )


def _ask(act: Act, spec: FundSpec, row: Instalment, one: Planned, number: int) -> None:
    """Ask for an interim report, with its own term."""
    app: Application = act.row
    assert one.proof is not None
    rule = TermRule(Length.parse(one.proof.due), spec.legal_profile, spec.terms.report.shifts, pausable=False)
    term = terms.begin(act, interim_term(number), rule, act.today)
    act.session.add(
        InterimReport(
            ref=f"{app.ref}-T{number}",
            application_id=app.id,
            instalment_id=row.id,
            number=number,
            proof=one.proof.model_dump(mode="json"),
            due_on=term.due_on,
            changed_at=act.now,
        )
    )


def interim_term(number: int) -> str:
    """The name of the term of an interim report."""
    return f"interim_{number}"


def release_instalment(session: Session, instalment_id: int, *, today: date, rule: TermRule) -> None:
    """What an instalment waited for has happened: it can be paid from today."""
    row = session.get_one(Instalment, instalment_id, with_for_update=True, populate_existing=True)
    if row.state == InstalmentState.WAITING:
        row.payable_on, row.due_on = dates(None, today, rule)
        row.state = InstalmentState.DUE


def _open_instalments(session: Session, application_id: int) -> Sequence[Instalment]:
    """What is planned and not ordered; locked, so that nobody puts it in a batch meanwhile."""
    return session.scalars(
        select(Instalment)
        .where(Instalment.application_id == application_id, Instalment.state.in_(_OPEN))
        .order_by(Instalment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def drop_instalments(act: Act) -> None:
    """What is planned and not ordered is no longer owed; what the school still had to show is not asked any more."""
    app: Application = act.row
    rows = _open_instalments(act.session, app.id)
    for row in rows:
        row.state = InstalmentState.DROPPED
    _let_lapse(act, [row.id for row in rows])


def plan_final_payment(act: Act, spec: FundSpec, cents: int) -> date:
    """Plan what is left to be paid after the determination (cents, more than zero), instead of all that was planned.

    Returns by when it must be paid.
    """
    app: Application = act.row
    drop_instalments(act)
    payable_on, due_on = dates(None, act.today, payment_rule(spec))
    row = act.session.scalar(
        select(Instalment)
        .where(Instalment.application_id == app.id, Instalment.condition == Condition.DETERMINATION)
        .order_by(Instalment.number.desc())
        .limit(1)
    )
    if row is None or row.state != InstalmentState.DROPPED:
        number = act.session.scalar(select(func.max(Instalment.number)).where(Instalment.application_id == app.id))
        row = Instalment(
            application_id=app.id,
            number=(number or 0) + 1,
            purpose=Purpose.FINAL,
            condition=Condition.DETERMINATION,
        )
        act.session.add(row)
    row.cents, row.payable_on, row.due_on, row.state = cents, payable_on, due_on, InstalmentState.DUE
    return due_on


def resume_instalments(act: Act, spec: FundSpec, award: int, *, paid: int) -> None:
    """Plan anew what is left of an award (cents) of which everything open was dropped; paid: what the school has.

    The rest of the advance can be paid at once, what is left after the determination.
    """
    app: Application = act.row
    number = act.session.scalar(select(func.max(Instalment.number)).where(Instalment.application_id == app.id)) or 0
    advance = max(0, share(award, spec.advance.share_bp) - paid)
    payable_on, due_on = dates(None, act.today, payment_rule(spec))
    parts = (
        Planned(number + 1, Purpose.ADVANCE, Condition.AWARD, None, advance, payable_on, due_on),
        Planned(number + 2, Purpose.FINAL, Condition.DETERMINATION, None, award - paid - advance),
    )
    act.session.add_all([_row(app, one) for one in parts if one.cents > 0])
    act.data["scheme"] = [[one.number, one.condition, one.cents] for one in parts if one.cents > 0]


def replan_instalments(act: Act, application_id: int, award: int) -> None:
    """Spread a changed award (cents) over what is not paid or ordered yet; what becomes zero is dropped.

    What was paid or ordered stays as it is. The journal keeps [number, cents] of each instalment that changed.
    """
    rows = _open_instalments(act.session, application_id)
    spent = act.session.scalar(
        select(func.coalesce(func.sum(Instalment.cents), 0)).where(
            Instalment.application_id == application_id,
            Instalment.state.in_([InstalmentState.ORDERED, InstalmentState.PAID, InstalmentState.SET_OFF]),
        )
    )
    left = spread([row.cents for row in rows], max(0, award - int(spent or 0)))
    act.data["scheme"] = [[row.number, cents] for row, cents in zip(rows, left, strict=True) if row.cents != cents]
    for row, cents in zip(rows, left, strict=True):
        if cents:
            row.cents = cents
        else:
            row.state = InstalmentState.DROPPED
    _let_lapse(act, [row.id for row in rows if row.state == InstalmentState.DROPPED])


def _let_lapse(act: Act, instalment_ids: list[int]) -> None:
    refs = act.session.scalars(
        select(InterimReport.ref).where(
            InterimReport.instalment_id.in_(instalment_ids),
            InterimReport.state.in_([interim.State.ASKED, interim.State.SENT]),
        )
    )
    act.follow += [Follow("interim_report", ref, "lapse") for ref in refs]
