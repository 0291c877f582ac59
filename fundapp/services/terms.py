"""The running terms of a case: started, paused, resumed, ended; the due date is derived, kept and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain.term import Due, Length, Pause, RunningTerm, Standing, TermRule
from fundapp.persistence.application import Term
from fundapp.services.act import Act

_RULE = TypeAdapter(TermRule)


OF_AN_OBJECTION = frozenset({"remedy_decision", "remedy_completion"})
"""Terms that belong to an objection: they run on when the application ends."""


def start(
    session: Session,
    application_id: int,
    name: str,
    rule: TermRule,
    started_on: date,
    *,
    objection_id: int | None = None,
) -> Term:
    """Start a term that counts from the day after `started_on`; a second one of the same name is its next round."""
    rounds = session.scalar(
        select(func.count()).select_from(Term).where(Term.application_id == application_id, Term.name == name)
    )
    term = _fresh(application_id, name, rule, started_on, rounds or 0)
    term.objection_id = objection_id
    session.add(term)
    return term


def begin(act: Act, name: str, rule: TermRule, started_on: date) -> Term:
    """The same as `start`, by the dossier of the case."""
    term = _fresh(act.row.id, name, rule, started_on, sum(term.name == name for term in act.file.terms))
    act.file.terms.append(term)
    act.session.add(term)
    return term


def _fresh(application_id: int, name: str, rule: TermRule, started_on: date, rounds: int) -> Term:
    term = Term(
        application_id=application_id,
        name=name,
        round=rounds + 1,
        started_on=started_on,
        rule=_RULE.dump_python(rule, mode="json"),
        pauses=[],
    )
    _keep(term, RunningTerm(started_on, rule).standing(started_on).due)
    return term


def live(session: Session, application_id: int, *names: str) -> dict[str, Term]:
    """Return the running terms of an application by name; not those of an objection."""
    query = select(Term).where(
        Term.application_id == application_id, Term.ended_on.is_(None), Term.objection_id.is_(None)
    )
    if names:
        query = query.where(Term.name.in_(names))
    return {term.name: term for term in session.scalars(query.order_by(Term.round))}


def of_objection(session: Session, objection_id: int, name: str) -> Term | None:
    """Return the running term of an objection, or None."""
    query = select(Term).where(Term.objection_id == objection_id, Term.name == name, Term.ended_on.is_(None))
    return session.scalar(query.order_by(Term.round.desc()).limit(1))


def running(term: Term) -> RunningTerm:
    """The term as the domain reckons with it."""
    pauses = tuple(
        Pause(date.fromisoformat(first), date.fromisoformat(last) if last else None) for first, last in term.pauses
    )
    return RunningTerm(term.started_on, _RULE.validate_python(term.rule), pauses)


def standing(term: Term, today: date) -> Standing:
    """Where the term stands today."""
    return running(term).standing(today)


def pause(term: Term, on: date) -> None:
    """The clock stands still from the day after `on` (Awb 4:15)."""
    term.pauses = [*term.pauses, [on.isoformat(), None]]
    _reckon(term, on)


def resume(term: Term, on: date) -> None:
    """The clock runs again after `on`: the days waited are added, each day once."""
    term.pauses = [[first, last or on.isoformat()] for first, last in term.pauses]
    _reckon(term, on)


def end(term: Term, on: date) -> None:
    """The term has done its work."""
    if any(last is None for _, last in term.pauses):
        resume(term, on)
    term.ended_on = on


def end_all(session: Session, application_id: int, on: date, *names: str) -> None:
    """End the running terms of a case: all, or those named."""
    for term in live(session, application_id, *names).values():
        end(term, on)


def finish(act: Act, *names: str) -> None:
    """The same as `end_all`, by the dossier of the case."""
    for term in act.file.terms:
        if term.ended_on is None and (term.name in names if names else term.name not in OF_AN_OBJECTION):
            stood_still = any(last is None for _, last in term.pauses)
            end(term, act.today)
            moved = ("pauses", "due_on", "due_at", "because") if stood_still else ()
            act.rows.change(Term, term.id, **{column: getattr(term, column) for column in (*moved, "ended_on")})


def extended_to(session: Session, application_id: int, name: str, lengths: Sequence[Length], today: date) -> list[date]:
    """Return the last day that a running term would have if it were longer by each of these. Empty where none runs."""
    term = live(session, application_id, name).get(name)
    return [] if term is None else longer(term, lengths, today)


def longer(term: Term, lengths: Sequence[Length], today: date) -> list[date]:
    """Return the last day that a term would have if it were longer by each of these."""
    now = running(term)
    return [replace(now, rule=now.rule.extended(by)).standing(today).due.due_on for by in lengths]


def extend(act: Act, name: str, by: Length) -> tuple[date, date]:
    """Add to the length of a running term of the act's case. Returns its last day before, and now."""
    term = _running_of(act, name)
    old = term.due_on
    lengthen(term, by, act.today)
    changed = ("rule", "due_on", "due_at", "because")
    act.rows.change(Term, term.id, **{column: getattr(term, column) for column in changed})
    return old, term.due_on


def lengthen(term: Term, by: Length, today: date) -> None:
    """Add to the length of a term."""
    term.rule = _RULE.dump_python(_RULE.validate_python(term.rule).extended(by), mode="json")
    _reckon(term, today)


def renew(act: Act, name: str, rule: TermRule) -> tuple[date, date]:
    """End a running term of the act's case, and start its next round today. Returns the last day before, and now."""
    old = _running_of(act, name).due_on
    finish(act, name)
    return old, begin(act, name, rule, act.today).due_on


def _running_of(act: Act, name: str) -> Term:
    return next(term for term in act.file.terms if term.name == name and term.ended_on is None)


def _reckon(term: Term, today: date) -> None:
    _keep(term, running(term).standing(today).due)


def _keep(term: Term, due: Due) -> None:
    term.due_on = due.due_on
    term.due_at = due.due_at
    term.because = [_plain(asdict(text)) for text in due.because]


def _plain(text: dict[str, Any]) -> dict[str, str]:
    return {"nl": str(text["nl"]), "en": str(text["en"])}
