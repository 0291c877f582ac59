"""An application as the engine reads it: the row with all that its guards ask, in one statement; and its lock."""

# ruff: noqa: S608  (the pieces of these statements are constants of the product)
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from fundapp.domain.application import IN_LINE, State
from fundapp.domain.decision_term import Deciding as DecidingTerm
from fundapp.domain.ledger import Account, Balances
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Refused
from fundapp.persistence.application import Application
from fundapp.persistence.people import one_of
from fundapp.persistence.rows import Hold
from fundapp.services.act import Held
from fundapp.services.ceilings import FREE_FOR
from fundapp.services.draft_reading import SIGNATURES
from fundapp.services.subject import missing
from fundapp.services.waitlist import AHEAD

_OF_A_TERM = {
    "decision": frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.ADVISED, State.REJECTION_INTENDED}) | IN_LINE,
    "determination": frozenset({State.REPORTED, State.DETERMINATION_INTENDED}),
}
"""Terms of ours, and the states in which they run."""
BEFORE_DECISION = frozenset({State.UNDER_REVIEW, State.ADVISED, State.REJECTION_INTENDED}) | IN_LINE
INTENDED = frozenset({State.REJECTION_INTENDED, State.DETERMINATION_INTENDED})
OFFERED = frozenset({State.OFFERED, State.OFFER_ACCEPTED})
IN_PROJECT = frozenset({State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED, State.REVOKED})

_FREE = (
    FREE_FOR.replace(":tranche", "application.tranche_id")
    .replace(":region", "application.sub_region")
    .replace(":submitted", "application.submitted_at")
)
_TERM_OF_OURS = """
  (SELECT jsonb_build_array(due_on, jsonb_path_exists(pauses, '$[*][1] ? (@ == null)'),
          round > 1 OR jsonb_path_exists(rule, '$.extension.* ? (@ > 0)'))
   FROM term WHERE application_id = application.id AND name = '{name}' AND ended_on IS NULL
   ORDER BY round DESC LIMIT 1)
"""
_RUNNING = " ".join(
    f"WHEN {one_of('application.state', states)} THEN {_TERM_OF_OURS.format(name=name)}"
    for name, states in _OF_A_TERM.items()
)
_KNOWN = f"""
  jsonb_build_object(
    'interest', (SELECT interested FROM interest_declaration
                 WHERE application_id = application.id AND person_id = :person ORDER BY id DESC LIMIT 1),
    'completion_due', CASE WHEN {one_of("application.state", (State.SUBMITTED, State.INCOMPLETE))} THEN (
       SELECT due_on FROM term WHERE application_id = application.id AND name = 'completion' AND ended_on IS NULL
       ORDER BY round DESC LIMIT 1) END,
    'signing', CASE WHEN application.state = '{State.SUBMITTED}' THEN ({SIGNATURES}) END,
    'meeting', CASE WHEN application.state = '{State.UNDER_REVIEW}' THEN (
       SELECT m.id FROM meeting_item i JOIN meeting m ON m.id = i.meeting_id
       WHERE i.application_id = application.id AND m.closed_at IS NULL ORDER BY m.held_at LIMIT 1) END,
    'term', CASE {_RUNNING} END,
    'deciding', CASE WHEN {one_of("application.state", BEFORE_DECISION)} THEN jsonb_build_object(
       'advice', (SELECT jsonb_build_array(adviser_id, outcome, amount_cents) FROM advice
                  WHERE application_id = application.id ORDER BY id DESC LIMIT 1),
       'budget', (SELECT jsonb_agg(jsonb_build_array(category, quantity * unit_cents)) FROM budget_line
                  WHERE application_id = application.id),
       'free', (SELECT jsonb_object_agg(pot, jsonb_build_array(cents, now)) FROM ({_FREE}) free),
       'account_known', EXISTS (SELECT FROM bank_account
                                WHERE board_number = application.board_number AND confirmed_at IS NOT NULL)) END,
    'balances', CASE WHEN {one_of("application.state", IN_PROJECT)} THEN (
       SELECT jsonb_object_agg(account, cents) FROM case_balance WHERE application_id = application.id) END,
    'ahead', CASE WHEN application.state = '{State.WAITLISTED}' THEN ({AHEAD}) END,
    'offer', CASE WHEN {one_of("application.state", OFFERED)} THEN jsonb_build_array(
       (SELECT cents FROM case_balance WHERE application_id = application.id AND account = '{Account.OFFERED}'),
       (SELECT due_on FROM offer WHERE application_id = application.id AND outcome IS NULL)) END,
    'response', CASE WHEN {one_of("application.state", INTENDED)} THEN (
       SELECT jsonb_build_array(
         EXISTS (SELECT FROM intent_response r WHERE r.application_id = application.id AND r.round = t.round),
         CASE WHEN t.ended_on IS NULL THEN t.due_on END)
       FROM term t WHERE t.application_id = application.id AND t.name = 'response' ORDER BY t.round DESC LIMIT 1) END,
    'waited', CASE WHEN application.state = '{State.REJECTION_INTENDED}' THEN EXISTS (
       SELECT FROM journal WHERE kind = 'application' AND subject_id = application.id AND action = 'waitlist') END)
"""
"""SQL: what the guards ask in the state that the application is in, and no more; of one person where it is of one."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a decision asks. advice: who gave it, its outcome and amount (cents).

    budget: category and cents of each line. free: what can still be awarded (cents), in the tranche under "" and in the
    pot of the sub-region if there is one. free_now: the least that the ledger has in these.
    """

    advice: tuple[int, str, int] | None
    budget: tuple[tuple[str, int], ...]
    free: dict[str, int]
    free_now: int
    account_known: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What was read beside an application. interest: what the person declared last; None: nothing.

    signing: who signs what was sent, as `draft_reading.signed` takes it; None where that is over.
    meeting: the open meeting that has it on the agenda, while it waits for advice.
    ahead: who is earlier on the waiting list and could be offered money. offer: what is held for it (cents), and the
    last day to answer while that is open. response: whether the school responded to what was intended last, and until
    when it may. waited: whether an application that may be rejected was on the waiting list before.
    term: the term of ours that runs.
    """

    interest: bool | None
    completion_due: date | None
    signing: list[Any] | None
    meeting: int | None
    deciding: Deciding | None
    balances: Balances
    ahead: str | None
    offer: tuple[int, date | None]
    response: tuple[bool, date | None]
    waited: bool
    term: DecidingTerm | None


def _known(found: dict[str, Any]) -> Known:
    deciding, response = found["deciding"], found["response"] or (False, None)
    held, answer_by = found["offer"] or (0, None)
    return Known(
        interest=found["interest"],
        completion_due=_day(found["completion_due"]),
        signing=found["signing"],
        meeting=found["meeting"],
        deciding=None
        if deciding is None
        else Deciding(
            advice=tuple(deciding["advice"]) if deciding["advice"] else None,
            budget=tuple((category, cents) for category, cents in deciding["budget"] or ()),
            free={pot: cents for pot, (cents, _) in (deciding["free"] or {}).items()},
            free_now=min((now for _, now in (deciding["free"] or {}).values()), default=0),
            account_known=deciding["account_known"],
        ),
        balances={Account(account): cents for account, cents in (found["balances"] or {}).items()},
        ahead=found["ahead"],
        offer=(held or 0, _day(answer_by)),
        response=(response[0], _day(response[1])),
        waited=bool(found["waited"]),
        term=DecidingTerm(date.fromisoformat(term[0]), *term[1:]) if (term := found["term"]) else None,
    )


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


_WITH_KNOWN = select(
    Application, text(f"SELECT {_KNOWN} AS known").columns(known=JSONB()).scalar_subquery()
).execution_options(populate_existing=True)
_SEE = _WITH_KNOWN.where(Application.ref == bindparam("ref"))
_SEE_MANY = _WITH_KNOWN.where(Application.ref == bindparam("refs", type_=ARRAY(Text())).any_())
_AGAIN = text(f"SELECT {_KNOWN} AS known FROM application WHERE id = :id").columns(known=JSONB())


def read(session: Session, ref: str, actor: Actor) -> tuple[Application, Known]:
    """Return an application with all that is known of it, in one statement. Raises Refused(NOT_FOUND)."""
    found = session.execute(_SEE, {"ref": ref, "person": actor.id}).one_or_none()
    if found is None:
        raise Refused(missing())
    return found[0], _known(found[1])


def read_many(session: Session, refs: Iterable[str], actor: Actor) -> list[tuple[Application, Known]]:
    """Return applications with all that is known of them, in one statement; those that do not exist are left out."""
    rows = session.execute(_SEE_MANY, {"refs": list(refs), "person": actor.id})
    return [(app, _known(known)) for app, known in rows]


def known_of(session: Session, app: Application, actor: Actor) -> Known:
    """Return what is known of an application that was read before."""
    return _known(session.execute(_AGAIN, {"id": app.id, "person": actor.id}).scalar_one())


_TRANCHE = "t AS MATERIALIZED (SELECT id FROM tranche WHERE id = {which} FOR {strength})"
"""The row of the tranche comes out of its own step, locked, before the application can be joined to it and locked."""
_HELD = f"""
  {_TRANCHE.format(which=":in_tranche", strength="NO KEY UPDATE")},
  held AS MATERIALIZED (
    SELECT a.id FROM t JOIN application a ON a.tranche_id = t.id
    WHERE a.id = :application AND a.version = :on_version FOR NO KEY UPDATE OF a)
"""


def hold(app: Application) -> Hold:
    """What writing on an application waits for: the tranche, then the application in the version that was read."""
    return Hold(_HELD, {"in_tranche": app.tranche_id, "application": app.id, "on_version": app.version})


_LOCK = f"""
  WITH {_TRANCHE.replace("{which}", "(SELECT tranche_id FROM application WHERE ref = :ref)")}
  SELECT a.id, a.version FROM t JOIN application a ON a.tranche_id = t.id WHERE a.ref = :ref FOR NO KEY UPDATE OF a
"""
_ALONE = text(_LOCK.format(strength="NO KEY UPDATE"))
_BESIDE = text(_LOCK.format(strength="SHARE"))


def lock(session: Session, ref: str, beside: bool) -> Held:
    """Lock the tranche, shared with others who touch no money (`beside`) or not; then the application.

    Raises Refused(NOT_FOUND).
    """
    held = session.execute(_BESIDE if beside else _ALONE, {"ref": ref}).one_or_none()
    if held is None:
        raise Refused(missing())
    return Held(held.id, held.version)
