"""What the clock does about payments: holds that are over, interim reports that are expected. See `deadlines`."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain import interim
from fundapp.domain.application import PAYING
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import SYSTEM, Role
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import Instalment, PaymentHold
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application
from fundapp.services.holders import holders
from fundapp.services.interim import interim_context
from fundapp.services.outbox import write_mail
from fundapp.services.transitions import perform

REMIND_BEFORE = (14, 0)
"""Days before the end of the term of an interim report on which the school is reminded."""

LATEST = timedelta(days=7)
"""How long after the end a reminder that was missed is still sent."""


def run(make_session: sessionmaker[Session], now: datetime) -> int:
    """Do everything that is due at `now`, each act in a transaction of its own. Returns how many acts were done."""
    today = now.astimezone(AMSTERDAM).date()
    done = _end_holds(make_session, now, today)
    with make_session() as session, unit_of_work(session):
        return done + _remind(session, today)


def _end_holds(make_session: sessionmaker[Session], now: datetime, today: date) -> int:
    with make_session() as session:
        refs = session.scalars(
            select(Application.ref)
            .join(PaymentHold, PaymentHold.application_id == Application.id)
            .where(PaymentHold.ended_at.is_(None), PaymentHold.ends_on < today, Application.state.in_(sorted(PAYING)))
            .order_by(PaymentHold.ends_on, PaymentHold.id)
            .limit(100)
        ).all()
    done = 0
    for ref in refs:
        with make_session() as session:
            try:
                with unit_of_work(session):
                    perform(session, "application", ref, "end_hold", actor=SYSTEM, now=now)
                done += 1
            except Refused:  # somebody was first
                continue
    return done


def _remind(session: Session, today: date) -> int:
    """One mail for each moment that has come; of two that were missed the later one only."""
    rows = session.execute(
        select(InterimReport, Application, Instalment.cents)
        .join(Application, Application.id == InterimReport.application_id)
        .join(Instalment, Instalment.id == InterimReport.instalment_id)
        .where(
            InterimReport.state == interim.State.ASKED,
            InterimReport.due_on <= today + timedelta(days=max(REMIND_BEFORE)),
            InterimReport.due_on >= today - LATEST,
        )
        .order_by(InterimReport.id)
        .limit(1000)
    )
    sent = 0
    for row, app, cents in rows:
        days = min(days for days in REMIND_BEFORE if row.due_on - timedelta(days=days) <= today)
        context = interim_context(session, row) | {"amount": cents}
        for person in holders(session, application.scope(session, app), [Role.APPLICANT])[Role.APPLICANT]:
            key = f"interim:{row.id}:{row.due_on.isoformat()}:{days}:{person.id}"
            sent += write_mail(session, "interim_due", person, key=key, context=context, application_id=app.id)
    return sent
