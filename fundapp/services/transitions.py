"""`perform`: the only writer of a state. One act is one transaction: state, journal, ledger and outbox together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.flow import Given, Offer, decide, offered
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.journal import Journal
from fundapp.services.act import Act, Audience, CaseType
from fundapp.services.bookings import as_data, write_entries
from fundapp.services.effects import HANDLERS
from fundapp.services.journal import record
from fundapp.services.kinds import KINDS
from fundapp.services.outbox import addressed
from fundapp.services.subject import missing


@dataclass(frozen=True, slots=True)
class Done:
    """What was done. repeated: the same form had been sent before; nothing was done again."""

    kind: str
    ref: str
    action: str
    state: str
    repeated: bool = False


def case_type(kind: str) -> CaseType[Any, Any]:
    """Raises Refused(NOT_FOUND) for a kind that does not exist."""
    try:
        return KINDS[kind]
    except KeyError:
        raise Refused(missing()) from None


def look(session: Session, kind: str, ref: str, *, actor: Actor, now: datetime) -> tuple[Any, Any, list[Offer[Any]]]:
    """Return a case, its facts and what this person can do, for a page. Raises Refused(NOT_FOUND)."""
    case = case_type(kind)
    row = case.find(session, ref, False)
    facts = case.facts(session, row, actor, now)
    if not facts.roles:
        raise Refused(missing())
    return row, facts, list(offered(case.flow, facts))


def perform(
    session: Session,
    kind: str,
    ref: str,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    given: Given | None = None,
    seen: int | None = None,
    request_key: str | None = None,
) -> Done:
    """Do one thing to one case. The caller commits (`unit_of_work`).

    Lock the tranche, then the case → compare versions → load facts → ask the domain → effects → state, journal, ledger,
    outbox. now: an aware moment, the server's own receipt time. seen: the version on the page. request_key: of the
    form; the same key does the same thing once, however often it is sent.
    Raises Refused; then nothing may be committed.
    """
    case = case_type(kind)
    row = _locked(case, session, ref, action)
    if seen is None and (before := _done_before(session, request_key, kind, row.id, action)) is not None:
        return Done(kind, ref, action, before, repeated=True)
    facts = case.facts(session, row, actor, now)
    if not facts.roles:
        raise Refused(missing())
    try:
        transition = decide(case.flow, action, facts, given or {}, seen=seen)
    except Refused:  # what was done raised the version, so a form that was sent before is refused here
        if (before := _done_before(session, request_key, kind, row.id, action)) is not None:
            return Done(kind, ref, action, before, repeated=True)
        raise
    act = Act(session, row, facts, transition, given or {}, actor, now, from_state=row.state)
    try:
        with session.no_autoflush:
            for effect in transition.effects:
                HANDLERS[effect](act)
            _write(case, act, kind, request_key)
    except IntegrityError as error:
        raise readable(error) from error
    for follow_kind, follow_ref, follow_action in act.follow:
        perform(session, follow_kind, follow_ref, follow_action, actor=SYSTEM, now=now)
    return Done(kind, ref, action, row.state)


def _locked(case: CaseType[Any, Any], session: Session, ref: str, action: str) -> Any:
    transition = case.flow.find(action)
    if transition is not None and transition.beside and case.find_beside is not None:
        return case.find_beside(session, ref)
    return case.find(session, ref, True)


def _done_before(session: Session, key: str | None, kind: str, subject_id: int, action: str) -> str | None:
    if key is None:
        return None
    done = session.execute(
        select(Journal.kind, Journal.subject_id, Journal.action, Journal.to_state).where(Journal.request_key == key)
    ).one_or_none()
    if done is None:
        return None
    if (done.kind, done.subject_id, done.action) != (kind, subject_id, action):
        raise Refused(
            Refusal(
                "form_used",
                Text(
                    "Dit formulier is al gebruikt. Open de pagina opnieuw.",
                    "This form was used already. Open the page again.",
                ),
            )
        )
    return str(done.to_state)


def _write(case: CaseType[Any, Any], act: Act, kind: str, request_key: str | None) -> None:
    """Write state, journal, ledger and outbox."""
    row, session = act.row, act.session
    on_version = row.version
    if act.transition.target is not None:
        row.state = str(act.transition.target)
    row.version = on_version + 1
    if act.bookings:
        act.data["ledger"] = as_data(act.bookings)
    session.flush()
    journal_id = record(
        session,
        {
            "stream": case.stream(row),
            "at": act.now,
            "actor_id": act.actor.id,
            "kind": kind,
            "subject_id": row.id,
            "action": act.transition.name,
            "from_state": act.from_state,
            "to_state": row.state,
            "on_version": on_version,
            "reason": act.text("explanation"),
            "data": act.data,
            "request_key": request_key,
        },
        _mails(case, act) if act.transition.mail else [],
    )
    session.add_all([make(journal_id) for make in act.after_journal])
    session.flush()  # a ceiling's history goes before its entries: the database holds them together
    write_entries(session, journal_id, act.bookings, act.now)


def _mails(case: CaseType[Any, Any], act: Act) -> list[dict[str, Any]]:
    session, row = act.session, act.row
    said = {"explanation": act.text("explanation")} if act.text("explanation") else {}
    if case.audiences is not None:
        audiences = case.audiences(session, row)
    else:
        about = act.case_context or case.context(session, row)
        audiences = [Audience(case.scope(session, row), case.application_id(row), about)]
    return [
        mail
        for number, audience in enumerate(audiences)
        for mail in addressed(
            session,
            act.transition.mail,
            scope=audience.scope,
            application_id=audience.application_id,
            context=audience.context | said | act.context,
            about=f":{audience.application_id}" if number else "",
        )
    ]


_SENTENCES = {
    "ck_tranche_balance_never_below_zero": (
        "ceiling_reached",
        Text(
            "Er is niet genoeg geld vrij in de tranche. Misschien was iemand u net voor. Bekijk de pagina opnieuw.",
            "Not enough money is free in the tranche. Somebody may have been just before you. Look at the page again.",
        ),
    ),
    "ck_case_balance_never_below_zero": (
        "more_than_promised",
        Text(
            "Dit is meer dan er nog voor deze aanvraag staat. Bekijk de pagina opnieuw.",
            "This is more than is left for this application. Look at the page again.",
        ),
    ),
    "ck_ledger_entry_tranche_closed": (
        "tranche_closed",
        Text(
            "De tranche is gesloten. Er kan niets meer in worden geboekt.",
            "The tranche is closed. Nothing can be booked in it any more.",
        ),
    ),
    "ck_decision_adviser_does_not_decide": (
        "adviser_decides",
        Text(
            "U gaf het advies over deze aanvraag. Laat iemand anders van de stuurgroep besluiten.",
            "You gave the advice on this application. Let somebody else of the steering group decide.",
        ),
    ),
    "ck_recovery_two_people_write_off": (
        "proposer_writes_off",
        Text(
            "U stelde zelf voor om dit af te boeken. Vraag een collega om akkoord.",
            "You proposed this write-off yourself. Ask a colleague to agree.",
        ),
    ),
    "uq_journal_request_key": (
        "sent_twice",
        Text("Dit formulier is al verwerkt. Open de pagina opnieuw.", "This form was processed. Open the page again."),
    ),
    "uq_payment_order_live_instalment": (
        "already_ordered",
        Text(
            "Deze betaling staat al in een andere betaalrun. Bekijk de lijst opnieuw.",
            "This payment is in another batch already. Look at the list again.",
        ),
    ),
}


def readable(error: IntegrityError) -> Exception:
    """Return what the database refused as a sentence; an unknown refusal stays the error that it is."""
    diagnosis = getattr(error.orig, "diag", None)
    known = _SENTENCES.get(getattr(diagnosis, "constraint_name", None) or "")
    return Refused(Refusal(*known)) if known else error
