"""What the clock does: transitions whose term has come, and reminders. Selects "due and not done", never "due today".

A scheduler that was down for three days catches up with one act and one mail each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain import tranche
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.flow import Flow
from fundapp.domain.flows import FLOWS
from fundapp.domain.objection_words import WORDS
from fundapp.domain.people import SYSTEM, Role
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application, Term
from fundapp.persistence.fund import Tranche
from fundapp.persistence.objection import Objection
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import (
    application,
    consent,
    funds,
    objection,
    payment_deadlines,
    recovery,
    signing_answer,
)
from fundapp.services.holders import holders
from fundapp.services.outbox import write_mail
from fundapp.services.panel import remind
from fundapp.services.transitions import perform


@dataclass(frozen=True, slots=True)
class Reminder:
    """A mail about a term: how many days before (or, negative, after) its end, and to whom.

    until: after how many days past the end it no longer makes sense to send it.
    """

    term: str
    template: str
    to: Role
    days_before: int
    until: int = 7


REMINDERS = (
    Reminder("completion", "completion_due", Role.APPLICANT, 3, until=0),
    Reminder("completion", "completion_due", Role.APPLICANT, 1, until=0),
    Reminder("offer", "offer_due", Role.APPLICANT, 3, until=0),
    Reminder("signature", "signature_due", Role.APPLICANT, 3, until=0),
    Reminder("signature", "signature_missed", Role.HANDLER, -1, until=14),
    Reminder("decision", "decision_late_soon", Role.HANDLER, 14),
    Reminder("remedy_completion", "objection_completion_due", Role.APPLICANT, 3, until=0),
    Reminder("remedy_decision", "objection_due", Role.COORDINATOR, 14),
    Reminder("report", "report_due", Role.APPLICANT, 60),
    Reminder("report", "report_due", Role.APPLICANT, 14),
    Reminder("report", "report_due", Role.APPLICANT, 0),
    Reminder("report", "report_due", Role.APPLICANT, -7, until=60),
    Reminder("recovery", "recovery_due", Role.APPLICANT, 7, until=0),
    Reminder("recovery", "recovery_late", Role.APPLICANT, -1, until=60),
)
"""ux.md section 5. A reminder that was missed is sent late, unless a later one of the same term is due as well."""


def run(make_session: sessionmaker[Session], now: datetime) -> int:
    """Do everything that is due at `now`, each act in a transaction of its own. Returns how many acts were done."""
    done = _transitions(make_session, now) + _terms(make_session, now) + payment_deadlines.run(make_session, now)
    done += signing_answer.end_unsigned(make_session, now)
    with make_session() as session, unit_of_work(session):
        done += remind(session, now) + signing_answer.remind(session, now) + consent.remind(session, now)
        return done + _reminders(session, now.astimezone(AMSTERDAM).date())


def _transitions(make_session: sessionmaker[Session], now: datetime) -> int:
    """Tranches whose window opens or ends: derived from the transitions that the system may do and their term."""
    done = 0
    for transition in FLOWS["tranche"].transitions:
        if Role.SYSTEM not in transition.who or transition.due is None:
            continue
        moment = getattr(Tranche, transition.due)
        with make_session() as session:
            due = select(Tranche.ref).where(Tranche.state.in_(list(transition.source)), moment <= now).order_by(moment)
            refs = session.scalars(due.limit(100)).all()
        done += _each(make_session, tranche.FLOW.kind, refs, transition.name, now)
    return done


def _terms(make_session: sessionmaker[Session], now: datetime) -> int:
    """Cases of which a term ended that a transition of the system waits for: derived from their flows as well."""
    done = 0
    for flow, of_flow, state in _WITH_TERMS:
        for transition in flow.transitions:
            if Role.SYSTEM not in transition.who or transition.due is None:
                continue
            due = of_flow.where(
                Term.name == transition.due,
                Term.ended_on.is_(None),
                Term.due_on < now.astimezone(AMSTERDAM).date(),
                state.in_(list(transition.source)),
            ).order_by(Term.due_on, Term.id)
            with make_session() as session:
                refs = session.scalars(due.limit(100)).all()
            done += _each(make_session, flow.kind, refs, transition.name, now)
    return done


_WITH_TERMS: tuple[tuple[Flow[Any], Select[str], Any], ...] = (
    (
        FLOWS["application"],
        select(Application.ref).join(Term, Term.application_id == Application.id),
        Application.state,
    ),
    *(
        (
            FLOWS[words.kind],
            select(Objection.ref).join(Term, Term.objection_id == Objection.id).where(Objection.profile == profile),
            Objection.state,
        )
        for profile, words in WORDS.items()
    ),
)
"""Flows that have terms, how their cases are found by a term, and the column of their state."""


def _each(make_session: sessionmaker[Session], kind: str, refs: Sequence[str], action: str, now: datetime) -> int:
    """Do one thing to each of these, as the system; return for how many it was still to be done."""
    done = 0
    for ref in refs:
        with make_session() as session:
            try:
                with unit_of_work(session):
                    perform(session, kind, ref, action, actor=SYSTEM, now=now)
                done += 1
            except Refused:  # somebody was first, or the very last moment has not passed yet
                continue
    return done


def _reminders(session: Session, today: date) -> int:
    sent = 0
    for reminder in REMINDERS:
        last_due = today + timedelta(days=reminder.days_before)
        first_due = today - timedelta(days=max(reminder.until, -reminder.days_before))
        rows = session.execute(
            select(Term, Application, Objection)
            .join(Application, Application.id == Term.application_id)
            .outerjoin(Objection, Objection.id == Term.objection_id)
            .where(
                Term.name == reminder.term,
                Term.ended_on.is_(None),
                Term.due_on <= last_due,
                Term.due_on >= first_due,
            )
            .order_by(Term.id)
            .limit(1000)
        )
        for term, app, about in cast("Iterator[tuple[Term, Application, Objection | None]]", rows):
            if _paused(term) or _a_later_one_is_due(reminder, term.due_on, today):
                continue
            said = objection.context(session, about) if about is not None else funds.case_context(session, app)
            context = said | {"due": term.due_on.isoformat()}
            if term.name == "recovery":
                context |= recovery.expected(session, app)
            for person in holders(session, application.scope(session, app), [reminder.to])[reminder.to]:
                sent += write_mail(
                    session,
                    reminder.template,
                    person,
                    key=f"term:{term.id}:{term.due_on.isoformat()}:{reminder.days_before}:{person.id}",
                    application_id=app.id,
                    context=context,
                )
    return sent


def _paused(term: Term) -> bool:
    return any(last is None for _, last in term.pauses)


def _a_later_one_is_due(reminder: Reminder, due_on: date, today: date) -> bool:
    """Whether a newer reminder of the same term is due too: one mail, not three, after days of silence."""
    left = (due_on - today).days
    return any(other.term == reminder.term and left <= other.days_before < reminder.days_before for other in REMINDERS)
