"""`perform`: the only writer of a state. One act is one transaction: state, journal, ledger and outbox together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.flow import Given, Offer, Transition, decide, offered
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.rows import Rows, gather, next_id, write
from fundapp.services.act import Act, Audience, CaseType, Seen
from fundapp.services.bookings import as_data, entries
from fundapp.services.effects import HANDLERS
from fundapp.services.holders import holders
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
    found = see(session, kind, ref, actor=actor, now=now)
    return found.row, found.facts, list(offered(case_type(kind).flow, found.facts))


def see(session: Session, kind: str, ref: str, *, actor: Actor, now: datetime) -> Seen[Any, Any]:
    """Return a case and its facts, unlocked. Raises Refused(NOT_FOUND), also for who has no role on it."""
    case = case_type(kind)
    if case.beforehand is not None:
        return known_to(case.beforehand.see(session, ref, actor, now))
    row = case.find(session, ref, False)
    return known_to(Seen(row, case.facts(session, row, actor, now)))


def known_to(found: Seen[Any, Any]) -> Seen[Any, Any]:
    """Raises Refused(NOT_FOUND) for who has no role on a case."""
    if not found.facts.roles:
        raise Refused(missing())
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody asks `perform` to do."""

    session: Session
    case: CaseType[Any, Any]
    kind: str
    ref: str
    action: str
    actor: Actor
    now: datetime
    given: Given
    seen: int | None
    request_key: str | None
    along: Callable[[Act], None] | None = None


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
    looked: Seen[Any, Any] | None = None,
    along: Callable[[Act], None] | None = None,
) -> Done:
    """Do one thing to one case. The caller commits (`unit_of_work`).

    Look → ask the domain → effects → in one statement: lock the tranche, then the case, compare versions, write state,
    journal, ledger and outbox. Where more can change than the version tells, the locks come first.
    now: an aware moment, the server's own receipt time. seen: the version on the page. request_key: of the form; the
    same key does the same thing once, however often it is sent. looked: the case as `see` returned it just now.
    along: adds rows of the caller's own, to be written with the act.
    Raises Refused; then nothing may be committed.
    """
    asked = _Asked(session, case_type(kind), kind, ref, action, actor, now, given or {}, seen, request_key, along)
    act = _ahead(asked, looked)
    if act is None or (isinstance(act, Act) and not _carried_out(asked, act)):
        act = _locked(asked)
        if isinstance(act, Act):
            _carried_out(asked, act)
    if isinstance(act, Done):
        return act
    for follow in act.follow:
        perform(session, follow.kind, follow.ref, follow.action, actor=SYSTEM, now=now, given=follow.given)
    return Done(kind, ref, action, act.row.state)


def rehearse(session: Session, kind: str, ref: str, action: str, *, actor: Actor, now: datetime, given: Given) -> Act:
    """Do all that `perform` does but write it, to see what would be written; whether it may be done is not asked.

    The caller rolls back. Raises Refused: NOT_FOUND, or what the effects refuse.
    """
    asked = _Asked(session, case_type(kind), kind, ref, action, actor, now, given, None, None)
    found = see(session, kind, ref, actor=actor, now=now)
    act = _act(asked, found, asked.case.flow.transition(action))
    with session.no_autoflush:
        for effect in act.transition.effects:
            HANDLERS[effect](act)
    return act


def _ahead(asked: _Asked, looked: Seen[Any, Any] | None) -> Act | Done | None:
    """Decide before anything is locked, to be held when it is written; None for a case where that would not do."""
    beforehand = asked.case.beforehand
    if beforehand is None:
        return None
    found = looked or see(asked.session, asked.kind, asked.ref, actor=asked.actor, now=asked.now)
    if not beforehand.steady(found.row, found.facts, asked.given):
        return None
    try:
        act = _decided(asked, found)
    except Refused:
        if (done := _done_before(asked, found.row.id)) is not None:
            return done
        raise
    act.hold = beforehand.hold(found.row)
    return act


def _locked(asked: _Asked) -> Act | Done:
    """Lock the case, then look and decide."""
    session, beforehand = asked.session, asked.case.beforehand
    if beforehand is None:
        row = asked.case.find(session, asked.ref, True)
        if (done := _done_before(asked, row.id)) is not None:
            return done
        return _decided(asked, known_to(Seen(row, asked.case.facts(session, row, asked.actor, asked.now))))
    transition = asked.case.flow.find(asked.action)
    held = beforehand.lock(session, asked.ref, transition is not None and transition.beside)
    if held.version != asked.seen and (done := _done_before(asked, held.id)) is not None:
        return done
    return _decided(asked, see(session, asked.kind, asked.ref, actor=asked.actor, now=asked.now))


def _decided(asked: _Asked, found: Seen[Any, Any]) -> Act:
    """Raises Refused where the domain does."""
    return _act(asked, found, decide(asked.case.flow, asked.action, found.facts, asked.given, seen=asked.seen))


def _act(asked: _Asked, found: Seen[Any, Any], transition: Transition[Any]) -> Act:
    act = Act(asked.session, found.row, found.facts, transition, asked.given, asked.actor, asked.now)
    act.from_state = found.row.state
    if (beforehand := asked.case.beforehand) is None:
        act.journal_id = next_id(asked.session, Journal)
        return act
    roles = frozenset(mail.to for mail in transition.mail)
    act.dossier = found.dossier or beforehand.dossier(asked.session, found.row, roles)
    act.case_context = beforehand.words(asked.session, found.row, act.dossier)
    act.journal_id = act.dossier.journal_id
    return act


def _carried_out(asked: _Asked, act: Act) -> bool:
    """Do it; False where somebody was first, and then nothing was written."""
    try:
        with act.session.no_autoflush:
            for effect in act.transition.effects:
                HANDLERS[effect](act)
            if asked.along is not None:
                asked.along(act)
            return _write(asked, act)
    except IntegrityError as error:
        raise readable(error) from error


def _done_before(asked: _Asked, subject_id: int) -> Done | None:
    """What the same form did, where it was sent before. Raises Refused where it did something else."""
    if asked.request_key is None:
        return None
    done = asked.session.execute(_BY_KEY, {"key": asked.request_key}).one_or_none()
    if done is None:
        return None
    if (done.kind, done.subject_id, done.action) != (asked.kind, subject_id, asked.action):
        raise Refused(_FORM_USED)
    return Done(asked.kind, asked.ref, asked.action, done.to_state, repeated=True)


_BY_KEY = select(Journal.kind, Journal.subject_id, Journal.action, Journal.to_state).where(
    Journal.request_key == bindparam("key")
)
_FORM_USED = Refusal(
    "form_used",
    Text("Dit formulier is al gebruikt. Open de pagina opnieuw.", "This form was used already. Open the page again."),
)


def _write(asked: _Asked, act: Act) -> bool:
    """Write state, journal, ledger and outbox, with all that the effects added; False where it is not held."""
    row, rows, on_version = act.row, act.rows, act.row.version
    act.change(version=on_version + 1)
    if act.transition.target is not None:
        act.change(state=str(act.transition.target))
    if act.bookings:
        act.data["ledger"] = as_data(act.bookings)
    rows.add(
        Journal,
        id=act.journal_id,
        stream=asked.case.stream(row),
        at=act.now,
        actor_id=act.actor.id,
        kind=asked.kind,
        subject_id=row.id,
        action=act.transition.name,
        from_state=act.from_state,
        to_state=row.state,
        on_version=on_version,
        reason=act.text("explanation"),
        data=act.data,
        request_key=asked.request_key,
    )
    for mail in _mails(asked.case, act):
        rows.add(OutboxMessage, **mail)
    act.session.add_all([make(act.journal_id) for make in act.after_journal])
    gather(act.session, rows)
    if act.after_journal and act.bookings:  # a ceiling's history goes before its entries: the database compares them
        if not write(act.session, rows, act.hold):
            return False
        rows = Rows()
    for entry in entries(act.journal_id, act.bookings, act.now):
        rows.add(LedgerEntry, **entry)
    return write(act.session, rows, act.hold)


def _mails(case: CaseType[Any, Any], act: Act) -> list[dict[str, Any]]:
    """The mails of an act, to the people of its case or of all the cases that it is about."""
    mails = act.transition.mail
    if not mails:
        return []
    session, row = act.session, act.row
    said = {"explanation": act.text("explanation")} if act.text("explanation") else {}
    if case.audiences is not None:
        audiences = case.audiences(session, row)
    else:
        about = act.case_context or case.context(session, row)
        audiences = [Audience(case.scope(session, row), case.application_id(row), about)]
    wanted = [mail.to for mail in mails]
    found: dict[str, dict[str, Any]] = {}
    for number, audience in enumerate(audiences):
        found |= addressed(
            mails,
            act.dossier.holders if act.dossier else holders(session, audience.scope, wanted),
            journal_id=act.journal_id,
            application_id=audience.application_id,
            context=audience.context | said | act.context,
            about=f":{audience.application_id}" if number else "",
        )
    return list(found.values())


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
    "ck_objection_not_involved_before": (
        "involved_before",
        Text(
            "U werkte mee aan het eerste besluit. Laat iemand doen die daar niet bij was.",
            "You had a part in the first decision. Let somebody do this who had none.",
        ),
    ),
    "ck_objection_decided_by_another": (
        "first_decider",
        Text(
            "U nam het eerste besluit of gaf hierover advies. Laat iemand anders van de stuurgroep beslissen.",
            "You took the first decision or advised on this. Let somebody else of the steering group decide.",
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
