"""Recoveries as cases: opened by a final amount, asked back in a letter, paid in instalments, set off or given up.

What is open is read from the ledger, never kept. The bank's receipts are booked by `bank_booking`, which tells it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import ledger, recovery
from fundapp.domain.application import State as CaseState
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.ledger import Account
from fundapp.domain.payment import InstalmentState, Purpose
from fundapp.domain.people import SYSTEM, Actor, Scope, roles_on
from fundapp.domain.recovery import DONE, Part, Period, SetOffTarget, State
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Length, TermRule, due
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import Instalment
from fundapp.persistence.settlement import Recovery, RecoveryPart
from fundapp.services import funds, terms
from fundapp.services.act import Act, CaseType, Follow
from fundapp.services.ledger import case_balances
from fundapp.services.letters import released
from fundapp.services.programme import lead_applicant
from fundapp.services.subject import missing

ASKED = frozenset({State.CLAIMED, State.WRITE_OFF_PROPOSED})
"""The states in which the school was asked to pay."""

_DAY = timedelta(days=1)


# --- a claim begins ---------------------------------------------------------------------------------------------------


def open_claim(act: Act, app: Application, cents: int) -> None:
    """Open a claim for what was paid too much (cents); it is asked back at once, unless the fund calls it small."""
    spec = funds.spec_of(act.session, app.fund_version_id)
    rule = spec.terms.recovery.rule(spec.legal_profile)
    earlier = act.session.scalar(select(func.count()).where(Recovery.application_id == app.id)) or 0
    ref = f"TV-{app.ref}" + (f"-{earlier + 1}" if earlier else "")
    small = cents < spec.settlement.recover_from_cents
    due_on = due(rule, act.today).due_on
    act.session.add(Recovery(ref=ref, application_id=app.id, cents=cents, due_on=due_on, created_at=act.now))
    act.data["recovery"] = {"ref": ref, "cents": cents}
    act.context |= {"recovery": cents, "recovery_ref": ref, "recovery_small": small}
    if not small:
        act.follow.append(Follow(recovery.FLOW.kind, ref, "claim"))


# --- as a case --------------------------------------------------------------------------------------------------------


def live_claim(session: Session, application_id: int) -> Recovery | None:
    """Return the claim on a case that is not done, or None."""
    query = select(Recovery).where(Recovery.application_id == application_id, Recovery.state.not_in(sorted(DONE)))
    return session.scalar(query)


def became_less(act: Act, app: Application, left: int) -> None:
    """A new look at a decision made a claim smaller: `left` (cents) is still asked back; nothing left clears it."""
    row = live_claim(act.session, app.id)
    if row is None:
        return
    if not left:
        act.follow.append(Follow(recovery.FLOW.kind, row.ref, "clear"))
    elif row.state in ASKED:
        _roll_on(act.session, row, app, left, act.today)


def _application(session: Session, row: Recovery) -> Application:
    return session.get_one(Application, row.application_id)


def _find(session: Session, ref: str, lock: bool) -> Recovery:
    """Return a claim. lock: every tranche in which it could move money, in order of id; then the claim."""
    query = select(Recovery).where(Recovery.ref == ref)
    if lock:
        board = (
            select(Application.board_number)
            .join(Recovery, Recovery.application_id == Application.id)
            .where(Recovery.ref == ref)
            .scalar_subquery()
        )
        payable = select(Instalment.application_id).where(Instalment.state == InstalmentState.DUE)
        own = select(Recovery.application_id).where(Recovery.ref == ref)
        tranches = select(Application.tranche_id).where(
            Application.board_number == board, Application.id.in_(payable.union(own))
        )
        session.execute(
            select(Tranche.id).where(Tranche.id.in_(tranches)).order_by(Tranche.id).with_for_update(key_share=True)
        ).all()
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise Refused(missing())
    return row


def _scope(session: Session, row: Recovery) -> Scope:
    app = _application(session, row)
    return Scope(app.fund_key, app.sub_region, app.board_number, app.school_code, frozenset(app.boards))


def _facts(session: Session, row: Recovery, actor: Actor, now: datetime) -> recovery.Facts:
    app = _application(session, row)
    spec = funds.spec_of(session, app.fund_version_id)
    claimed = row.state == State.CLAIMED
    return recovery.Facts(
        state=row.state,
        version=row.version,
        roles=roles_on(actor, _scope(session, row)),
        actor_id=actor.id,
        today=now.astimezone(AMSTERDAM).date(),
        cents=row.cents,
        open=case_balances(session, row.application_id).get(Account.RECEIVABLE, 0),
        worth_from=spec.settlement.recover_from_cents,
        determined_on=row.created_at.astimezone(AMSTERDAM).date(),
        board=app.board_number,
        fund=app.fund_key,
        period=Period(app.starts_on, app.ends_on),
        targets=tuple(set_off_targets(session, app)) if claimed else (),
        proposed_by_id=row.proposed_by_id,
    )


def set_off_targets(session: Session, app: Application) -> list[SetOffTarget]:
    """Return the other awards of this board and fund of which something can be paid now."""
    rows = session.execute(
        select(
            Application.ref,
            Application.board_number,
            Application.fund_key,
            Application.starts_on,
            Application.ends_on,
            func.sum(Instalment.cents),
        )
        .join(Instalment, Instalment.application_id == Application.id)
        .where(
            Application.board_number == app.board_number,
            Application.fund_key == app.fund_key,
            Application.id != app.id,
            Instalment.state == InstalmentState.DUE,
        )
        .group_by(Application.id)
        .order_by(Application.id)
    )
    return [SetOffTarget(ref, board, fund, Period(a, b), int(cents)) for ref, board, fund, a, b, cents in rows]


def _context(session: Session, row: Recovery) -> dict[str, Any]:
    app = _application(session, row)
    return funds.case_context(session, app) | {
        "recovery_ref": row.ref,
        "url_path": f"/aanvragen/{app.ref}/terugbetaling",
    }


KIND: CaseType[Recovery, recovery.Facts] = CaseType(
    flow=recovery.FLOW,
    find=_find,
    facts=_facts,
    scope=_scope,
    stream=lambda _row: 0,
    application_id=lambda row: row.application_id,
    context=_context,
)


# --- effects ----------------------------------------------------------------------------------------------------------


def claim(act: Act) -> None:
    """Ask it back: the term, and the letter with the decision to do so (Awb 4:57, 4:86, 4:87)."""
    row: Recovery = act.row
    app = _application(act.session, row)
    spec = funds.spec_of(act.session, app.fund_version_id)
    rule = spec.terms.recovery.rule(spec.legal_profile)
    term = terms.start(act.session, app.id, "recovery", rule, act.today)
    row.due_on = term.due_on
    part = RecoveryPart(
        application_id=app.id,
        round=_last_round(act.session, app.id) + 1,
        number=1,
        cents=act.facts.open,
        due_on=term.due_on,
    )
    act.session.add(part)
    act.context |= {"recovery": act.facts.open, "due": term.due_on.isoformat()}
    _letter(act, app, "recovery")


def agree_schedule(act: Act) -> None:
    """Pay back in instalments (Awb 4:94): they replace what was agreed before, for exactly what is open."""
    row: Recovery = act.row
    app = _application(act.session, row)
    agreed: tuple[Part, ...] = tuple(act.given["parts"])
    last = _last_round(act.session, app.id)
    act.session.add_all(
        RecoveryPart(application_id=app.id, round=last + 1, number=part.number, cents=part.cents, due_on=part.due_on)
        for part in agreed
    )
    _expect(act.session, row, app, agreed[0].due_on, act.today)
    told = [[part.number, part.cents, part.due_on.isoformat()] for part in agreed]
    act.data["parts"] = told
    act.context |= {"recovery": act.facts.open, "parts": told, "due": agreed[0].due_on.isoformat()}
    _letter(act, app, "recovery_schedule")


def _last_round(session: Session, application_id: int) -> int:
    query = select(func.max(RecoveryPart.round)).where(RecoveryPart.application_id == application_id)
    return session.scalar(query) or 0


def set_off(act: Act) -> None:
    """Pay one case with what the other owes, without the bank; both are told (Awb 4:57 paragraph 3, 4:93)."""
    session, row = act.session, act.row
    app = _application(session, row)
    cents = int(act.given["amount_cents"])
    target = session.scalars(select(Application).where(Application.ref == str(act.given["target"]))).one()
    act.book(
        ledger.set_off_received(cents),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(session, app),
        application_id=app.id,
    )
    for part, final in _take(session, target, cents):
        act.book(
            ledger.set_off_paid(part, final=final),
            tranche_id=target.tranche_id,
            pot=funds.pot_of(session, target),
            application_id=target.id,
        )
    _may_settle(act, target, cents)
    left = act.facts.open - cents
    if left:
        _roll_on(session, row, app, left, act.today)
    else:
        act.follow.append(Follow(recovery.FLOW.kind, row.ref, "clear"))
    act.data["set_off"] = {"with": target.ref, "cents": cents}
    act.context |= {"set_off": cents, "target": target.ref, "left": left, "explanation": act.text("explanation")}
    _letter(act, app, "recovery_set_off")


def _take(session: Session, target: Application, cents: int) -> list[tuple[int, bool]]:
    """Take an amount from what is due to be paid, the oldest first: (cents, whether it is the final payment) each."""
    due = session.scalars(
        select(Instalment)
        .where(Instalment.application_id == target.id, Instalment.state == InstalmentState.DUE)
        .order_by(Instalment.due_on, Instalment.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    number = session.scalar(select(func.max(Instalment.number)).where(Instalment.application_id == target.id)) or 0
    taken = []
    for instalment in due:
        part = min(cents, instalment.cents)
        if not part:
            break
        cents -= part
        taken.append((part, instalment.purpose == Purpose.FINAL))
        if part == instalment.cents:
            instalment.state = InstalmentState.SET_OFF
        else:
            number += 1
            instalment.cents -= part
            session.add(_like(instalment, number, part))
    assert cents == 0, "a guard asked what is due"
    return taken


def _like(instalment: Instalment, number: int, cents: int) -> Instalment:
    """A payment with the same terms, of which so much (cents) was set off."""
    kept = {
        column.key: getattr(instalment, column.key)
        for column in Instalment.__table__.columns
        if column.key not in ("id", "number", "cents", "state")
    }
    return Instalment(**kept, number=number, cents=cents, state=InstalmentState.SET_OFF)


def propose_write_off(act: Act) -> None:
    """Who proposes, so that somebody else agrees."""
    act.row.proposed_by_id = act.person_id


def keep(act: Act) -> None:
    """The proposal is off."""
    act.row.proposed_by_id = None


def write_off(act: Act) -> None:
    """Give up what is open: the money is not free again, it is lost to the fund."""
    row: Recovery = act.row
    app = _application(act.session, row)
    row.written_off_by_id = act.person_id
    act.book(
        ledger.write_off(act.facts.open),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    act.context["recovery"] = act.facts.open
    if row.proposed_by_id is not None:
        _letter(act, app, "recovery_written_off")


def finish(act: Act) -> None:
    """Nothing is asked any more: the term ends, and the case may be settled by it."""
    row: Recovery = act.row
    app = _application(act.session, row)
    terms.end_all(act.session, app.id, act.today, "recovery")
    _may_settle(act, app, sum(booking.posting.cents for booking in act.bookings))


def _may_settle(act: Act, app: Application, cents: int) -> None:
    """Settle a case of which this act takes away the last that was outstanding (cents, not written yet)."""
    if app.state == CaseState.DETERMINED and ledger.outstanding(case_balances(act.session, app.id)) == cents:
        act.follow.append(Follow("application", app.ref, "settle"))


def _letter(act: Act, app: Application, template: str) -> None:
    act.case_context = act.case_context or _context(act.session, act.row)
    context = act.case_context | funds.letter_words(act.session, app) | act.context
    act.rows.add(Letter, **released(app.id, act.journal_id, template, context, act.now))


# --- what is expected when --------------------------------------------------------------------------------------------


def schedule(session: Session, application_id: int) -> tuple[Part, ...]:
    """Return the instalments that were agreed last; for a claim without any, the whole of it as one."""
    rows = session.execute(
        select(RecoveryPart.round, RecoveryPart.number, RecoveryPart.cents, RecoveryPart.due_on)
        .where(RecoveryPart.application_id == application_id)
        .order_by(RecoveryPart.round.desc(), RecoveryPart.number)
    ).all()
    return tuple(Part(row.number, row.cents, row.due_on) for row in rows if row.round == rows[0].round)


def received_for(parts: Sequence[Part], open_cents: int) -> int:
    """What came in since these instalments were agreed, given what is open now (cents)."""
    return sum(part.cents for part in parts) - open_cents


def _expect(session: Session, row: Recovery, app: Application, due_on: date, today: date) -> None:
    """Let the running term end on the day on which the next amount is due."""
    if row.due_on == due_on and "recovery" in terms.live(session, app.id, "recovery"):
        return
    spec = funds.spec_of(session, app.fund_version_id)
    terms.end_all(session, app.id, today, "recovery")
    session.flush()
    rule = TermRule(Length(days=1), spec.legal_profile, shifts=False, pausable=False)
    terms.start(session, app.id, "recovery", rule, due_on - _DAY)
    row.due_on = due_on


def _roll_on(session: Session, row: Recovery, app: Application, open_cents: int, today: date) -> None:
    parts = schedule(session, app.id)
    if parts and (following := recovery.next_due(parts, received_for(parts, open_cents))) is not None:
        _expect(session, row, app, following, today)


def received(session: Session, app: Application, *, now: datetime) -> None:
    """The bank booked something of this case: what is expected moves on, and a claim that is paid is cleared.

    Called after the entries are written, under the tranche's lock.
    """
    from fundapp.services.transitions import perform  # which knows this module's effects

    row = live_claim(session, app.id)
    if row is None:
        return
    open_cents = case_balances(session, app.id).get(Account.RECEIVABLE, 0)
    if not open_cents:
        perform(session, recovery.FLOW.kind, row.ref, "clear", actor=SYSTEM, now=now)
    elif row.state in ASKED:
        _roll_on(session, row, app, open_cents, now.astimezone(AMSTERDAM).date())
        session.flush()


def expected(session: Session, app: Application) -> dict[str, Any]:
    """What a reminder may say: what must be paid back next (cents), under which reference, to which account."""
    row = session.scalars(
        select(Recovery).where(Recovery.application_id == app.id).order_by(Recovery.id.desc()).limit(1)
    ).one()
    open_cents = case_balances(session, app.id).get(Account.RECEIVABLE, 0)
    parts = schedule(session, app.id)
    standing = recovery.standing(parts, received_for(parts, open_cents))
    following = next((one.open for one in standing if one.open), open_cents)
    ours = lead_applicant()
    return {
        "recovery": following,
        "recovery_ref": row.ref,
        "iban": ours.iban,
        "payer": ours.name,
        "url_path": f"/aanvragen/{app.ref}/terugbetaling",
    }
