"""What somebody can try in a world: one function for each act, with two numbers that say on what and how much.

A number picks from whatever is there, so that the same numbers always mean something, whoever was first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.change import Kind
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.ledger import Account
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.recovery import equal_parts
from fundapp.domain.sepa import next_bank_day
from fundapp.domain.signing import SignatureState
from fundapp.persistence.application import Application
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Recovery, ReportLine
from fundapp.persistence.signing import Signature
from fundapp.persistence.tranche import CarryOver
from fundapp.services import carry_over, change, demo, publication
from fundapp.services.ledger import case_balances, tranche_balances
from fundapp.services.payment import batch_hash, orders
from fundapp.services.payment_prepare import prepare
from fundapp.services.transitions import perform
from tests.support.world.people import ADVISER, COORDINATOR, DECIDER, FINANCE, HANDLER, SECOND, STAFF
from tests.support.world.stage import ASKED, SOURCE, TARGET, ref

if TYPE_CHECKING:
    from tests.support.world.play import World

T = TypeVar("T")
STRANGER = 9
"""Who: above this, it is tried by somebody else of the staff than whose task it is."""


class Impossible(Exception):
    """There is nothing here that the act could be about."""


@dataclass(frozen=True)
class Try:
    """One act that is tried. a: on what; b: how much, or in which way; who: above STRANGER, the wrong person.

    chose: what it came to, where the act itself chooses among others.
    """

    world: World
    session: Session
    now: datetime
    a: int
    b: int
    who: int = 0
    chose: list[str] = field(default_factory=list)

    def pick(self, found: Sequence[T], number: int | None = None) -> T:
        """One of these, or Impossible."""
        if not found:
            raise Impossible
        return found[(self.a if number is None else number) % len(found)]

    def by(self, *emails: str) -> Actor:
        """Whose task it is: one of these, or somebody else."""
        found = STAFF[(self.a + self.b) % len(STAFF)] if self.who > STRANGER else emails[self.b % len(emails)]
        return self.world.people[found]

    @property
    def number(self) -> int:
        """Which application it is about."""
        return self.a % len(ASKED)

    @property
    def school(self) -> Actor:
        """Who writes for the school of the application, or for the next one."""
        return self.world.writer(self.number + (self.who > STRANGER))

    @property
    def app(self) -> Application:
        """The application as it stands."""
        return self.session.scalars(select(Application).where(Application.ref == ref(self.number))).one()

    def act(self, action: str, actor: Actor, **given: Any) -> None:
        """Do something to the application."""
        perform(self.session, "application", ref(self.number), action, actor=actor, now=self.now, given=given)

    def to_tranche(self, action: str, actor: Actor, **given: Any) -> None:
        """Do something to the tranche."""
        perform(self.session, "tranche", SOURCE, action, actor=actor, now=self.now, given=given)

    def tell(self, action: str, actor_email: str, **more: Any) -> None:
        """Do what takes more than a button, as the worked case does it."""
        world = self.world
        teller = demo.Storyteller(self.session, world.stage.files, self.now, people=world.people)
        at = f"{self.now.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
        teller.perform({"at": at, "by": actor_email, "ref": ref(self.number), "do": action, **more})

    @property
    def amount(self) -> int:
        """An amount (cents) to award or offer: what was asked, less, a cent too much, or just what is free."""
        asked = ASKED[self.number]
        free = tranche_balances(self.session, self.world.source).get(Account.AVAILABLE, 0)
        return (asked, asked, asked // 2 + 1, asked + 1, max(1, min(asked, free)), free + 1, 1)[self.b % 7]


Act = Callable[[Try], None]
WHY = "Zo is het besproken."


# --- an application ---------------------------------------------------------------------------------------------------


def submit(t: Try) -> None:
    t.act("submit", t.school)


def sign(t: Try) -> None:
    """Who was asked to sign for the school does so."""
    asked = select(Signature.id).where(Signature.application_id == t.app.id, Signature.state == SignatureState.ASKED)
    t.pick(t.session.scalars(asked).all())
    t.tell("sign", t.school.email)


def take_up(t: Try) -> None:
    t.act("take_up", t.by(HANDLER))


def advise(t: Try) -> None:
    actor = t.by(ADVISER)
    scores = {"scores": {}, "outcome": "award", "amount_cents": ASKED[t.number], "explanation": WHY}
    t.act("advise", actor, **scores)


def award(t: Try) -> None:
    t.act("award", t.by(DECIDER), amount_cents=t.amount, explanation=WHY)


def reject(t: Try) -> None:
    t.act("reject", t.by(DECIDER), reasons=["ceiling_reached"], explanation=WHY)


def waitlist(t: Try) -> None:
    t.act("waitlist", t.by(DECIDER), explanation=WHY)


def offer(t: Try) -> None:
    t.act("offer", t.by(COORDINATOR), amount_cents=t.amount)


def accept_offer(t: Try) -> None:
    t.act("accept_offer", t.school)


def decline_offer(t: Try) -> None:
    t.act("decline_offer", t.school, explanation=WHY)


def lapse_offer(t: Try) -> None:
    t.act("lapse_offer", SYSTEM)


def withdraw(t: Try) -> None:
    t.act("withdraw", t.school, explanation=WHY)


def revoke(t: Try) -> None:
    t.act("revoke", t.by(DECIDER), explanation=WHY)


def hold(t: Try) -> None:
    until = t.now.astimezone(AMSTERDAM).date() + timedelta(days=t.b % 40)
    t.act("hold_payments", t.by(FINANCE, SECOND), ends_on=until, explanation=WHY)


def lift_hold(t: Try) -> None:
    t.act("lift_hold", t.by(FINANCE, SECOND), explanation=WHY)


# --- accounts and final amount ----------------------------------------------------------------------------------------

SPENT = (10_000, 9_000, 5_500, 13_000, 0, 8_333, 7_777)
"""How much of each line was spent, in hundredths of a percent."""


def account(t: Try) -> None:
    """Write the accounts and send them."""
    lines = t.session.scalars(
        select(ReportLine).where(ReportLine.application_id == t.app.id).order_by(ReportLine.position)
    ).all()
    part = SPENT[t.b % len(SPENT)]
    claimed = [line.budgeted_cents * part // 10_000 for line in lines]
    writer = t.school.email
    why = dict.fromkeys(range(1, len(lines) + 1), "Het liep anders.")
    came = t.world.received(t.number, t.b)
    t.tell("account", writer, claimed=claimed, received=came, explanations=why, results="Het lukte.")
    t.act("report", t.school)


def set_last_term(t: Try) -> None:
    t.act("set_last_term", t.by(FINANCE, SECOND))


def begin_ex_officio(t: Try) -> None:
    t.act("begin_ex_officio", t.by(SECOND, FINANCE))


def return_report(t: Try) -> None:
    t.act("return_report", t.by(FINANCE, SECOND), explanation=WHY)


def judge(t: Try) -> None:
    """Accept all of it, or half of a line."""
    line = t.session.scalars(select(ReportLine).where(ReportLine.application_id == t.app.id)).first()
    if line is None or not line.claimed_cents:
        raise Impossible
    some = {line.position: line.claimed_cents // 2} if t.b % 2 else {}
    t.tell("judge", t.by(FINANCE, SECOND).email, accepted=some, reasons=dict.fromkeys(some, "Telt half."))


def intend(t: Try) -> None:
    t.act("intend_determination", t.by(FINANCE, SECOND))


def respond(t: Try) -> None:
    t.act("respond", t.school, explanation=WHY)


def determine(t: Try) -> None:
    t.act("determine", t.by(FINANCE, SECOND))


def settle(t: Try) -> None:
    t.act("settle", t.by(FINANCE, SECOND))


# --- changes and recoveries -------------------------------------------------------------------------------------------


def ask_change(t: Try) -> None:
    """Less money, none from some day on, other days, or money on another line: a little or a lot."""
    award = t.session.scalar(select(Award.cents).where(Award.application_id == t.app.id)) or 1
    lower = {"cents": award * (t.b % 5 + 4) // 9}
    kind, asked = (
        (Kind.AMOUNT, lower),
        (Kind.STOP, {"on": "2025-06-01", **lower}),
        (Kind.SHIFT, {"from": 1, "to": 2, "cents": 12_345 if t.b % 2 else award // 2}),
        (Kind.DATES, {"starts_on": "2025-05-01", "ends_on": "2025-08-31"}),
        (Kind.AMOUNT, lower),
    )[t.b % 5]
    change.request(t.session, ref(t.number), kind, asked, explanation=WHY, actor=t.school, now=t.now)


def _to_change(t: Try, action: str, actor: Actor, **given: Any) -> None:
    rows = t.session.scalars(select(ChangeRequest.ref).where(ChangeRequest.state == "requested")).all()
    perform(t.session, "change_request", t.pick(sorted(rows)), action, actor=actor, now=t.now, given=given)


def approve_change(t: Try) -> None:
    _to_change(t, "approve", t.by(COORDINATOR))


def refuse_change(t: Try) -> None:
    _to_change(t, "refuse", t.by(COORDINATOR), explanation=WHY)


def _to_recovery(t: Try, action: str, **given: Any) -> None:
    rows = t.session.scalars(select(Recovery.ref)).all()
    actor = t.by(FINANCE, SECOND)
    perform(t.session, "recovery", t.pick(sorted(rows)), action, actor=actor, now=t.now, given=given)


def claim(t: Try) -> None:
    _to_recovery(t, "claim")


def waive(t: Try) -> None:
    _to_recovery(t, "waive", explanation=WHY)


def agree_schedule(t: Try) -> None:
    rows = sorted(t.session.execute(select(Recovery.ref, Recovery.application_id)).all())
    _, app_id = t.pick(rows)
    open_cents = case_balances(t.session, app_id).get(Account.RECEIVABLE, 0)
    first = t.now.astimezone(AMSTERDAM).date() + timedelta(days=30)
    _to_recovery(t, "agree_schedule", parts=equal_parts(open_cents + (t.b % 5 == 4), t.b % 4 + 2, first))


def set_off(t: Try) -> None:
    """No school here has two projects in two periods: the law never allows it."""
    _to_recovery(t, "set_off", target=ref(t.b % len(ASKED)), amount_cents=1, same_work=True)


def propose_write_off(t: Try) -> None:
    _to_recovery(t, "propose_write_off", explanation=WHY)


def write_off(t: Try) -> None:
    _to_recovery(t, "write_off")


def keep(t: Try) -> None:
    _to_recovery(t, "keep", explanation=WHY)


# --- payments ---------------------------------------------------------------------------------------------------------


def prepare_batch(t: Try) -> None:
    """All that is due, or one of it."""
    day = next_bank_day(t.now.astimezone(AMSTERDAM).date())
    due = t.session.scalars(select(Instalment.id).where(Instalment.state == "due").order_by(Instalment.id)).all()
    chosen = None if t.b % 3 else [t.pick(due)]
    prepare(t.session, chosen, actor=t.by(FINANCE, SECOND), now=t.now, execution_on=day)


def _batch(t: Try, *states: str) -> PaymentBatch:
    return t.pick(
        t.session.scalars(
            select(PaymentBatch).where(PaymentBatch.state.in_(states or ("prepared",))).order_by(PaymentBatch.id)
        ).all()
    )


def _to_batch(t: Try, batch: PaymentBatch, action: str, actor: Actor, **given: Any) -> None:
    perform(t.session, "payment_batch", batch.ref, action, actor=actor, now=t.now, given=given)


def approve_batch(t: Try) -> None:
    """By whoever: the same person is refused. With the list as it is, or another one."""
    batch = _batch(t)
    list_hash = batch_hash(batch, orders(t.session, batch)) if t.b % 9 else "0" * 64
    _to_batch(t, batch, "approve", t.by(SECOND, FINANCE), list_hash=list_hash)


def send_batch(t: Try) -> None:
    _to_batch(t, _batch(t, "approved"), "send", t.by(FINANCE, SECOND))


def cancel_batch(t: Try) -> None:
    _to_batch(t, _batch(t, "prepared", "approved"), "cancel", t.by(SECOND, FINANCE), explanation=WHY)


def take_out(t: Try) -> None:
    batch = _batch(t, "prepared", "approved")
    chosen = t.session.scalars(select(PaymentOrder.id).where(PaymentOrder.batch_id == batch.id)).all()
    _to_batch(t, batch, "take_out", t.by(FINANCE, SECOND), order_id=t.pick(chosen, t.b), explanation=WHY)


# --- the tranche ------------------------------------------------------------------------------------------------------


def change_ceiling(t: Try) -> None:
    """Up, down, to what is bound, or a cent below it; of the whole or of Walcheren."""
    pot = ("", "walcheren")[t.a % 2]
    there = tranche_balances(t.session, t.world.source, pot)
    booked, free = -there[Account.CEILING], there.get(Account.AVAILABLE, 0)
    cents = (booked + 100_001, booked - free, booked - free - 1, booked - free // 2, booked + 1)[t.b % 5]
    t.to_tranche("change_ceiling", t.by(COORDINATOR), pot=pot, cents=cents, explanation=WHY)


def propose_carrying(t: Try) -> None:
    can_go = carry_over.can_go(t.session, t.world.source)
    cents = (can_go, can_go // 3, can_go + 1)[t.b % 3]
    carry_over.propose(t.session, SOURCE, TARGET, cents=cents, reason=WHY, actor=t.by(FINANCE, COORDINATOR), now=t.now)


def _carried(t: Try) -> CarryOver:
    return t.pick(t.session.scalars(select(CarryOver).where(CarryOver.state == "proposed")).all())


def carry(t: Try) -> None:
    actor = t.by(SECOND, COORDINATOR, FINANCE)
    perform(t.session, "carry_over", _carried(t).ref, "book", actor=actor, now=t.now)


def call_off(t: Try) -> None:
    given = {"explanation": WHY}
    perform(t.session, "carry_over", _carried(t).ref, "call_off", actor=t.by(SECOND), now=t.now, given=given)


def publish(t: Try) -> None:
    text = "De scholen leerden er veel van."
    publication.publish_evaluation(t.session, SOURCE, text, actor=t.by(COORDINATOR), now=t.now)


def propose_closing(t: Try) -> None:
    t.to_tranche("propose_closing", t.by(FINANCE, COORDINATOR))


def refuse_closing(t: Try) -> None:
    t.to_tranche("refuse_closing", t.by(SECOND), explanation=WHY)


def close(t: Try) -> None:
    t.to_tranche("close", t.by(SECOND, COORDINATOR, FINANCE))


def propose_reopening(t: Try) -> None:
    t.to_tranche("propose_reopening", t.by(COORDINATOR, FINANCE), explanation=WHY)


def refuse_reopening(t: Try) -> None:
    t.to_tranche("refuse_reopening", t.by(SECOND), explanation=WHY)


def reopen(t: Try) -> None:
    t.to_tranche("reopen", t.by(SECOND, FINANCE))


def _state(t: Try) -> str:
    return t.session.scalars(select(Tranche.state).where(Tranche.id == t.world.source)).one()


def go_on_closing(t: Try) -> None:
    """The next step of closing, or of reopening, whatever that is."""
    {"closing": close, "closed": propose_reopening, "reopening": reopen}.get(_state(t), propose_closing)(t)
