"""Preparing a payment batch: a list of what is due, for another person to approve."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.payment import InstalmentState
from fundapp.domain.people import Actor, Role, Scope
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.sepa import is_bank_day
from fundapp.domain.text import Text
from fundapp.persistence.payment import Instalment, PaymentBatch, PaymentOrder
from fundapp.services.holders import Holder, holders
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail
from fundapp.services.payment import batch_context
from fundapp.services.payment_due import DuePayment, choose, why_not


def prepare(
    session: Session, instalment_ids: Collection[int] | None, *, actor: Actor, now: datetime, execution_on: date
) -> PaymentBatch:
    """Make a batch of these instalments, or (None) of all that the bank can pay, for another person to approve.

    Raises Refused: FORBIDDEN for who is not of finance; INVALID for a day on which banks do not pay, for an empty list
    and for what the bank would refuse; CONFLICT for what is held or not due yet; STALE for what is no longer due.
    """
    if not actor.has(Role.FINANCE):
        raise Refused(_not_finance())
    if not is_bank_day(execution_on):
        raise Refused(Refusal("no_bank_day", _NO_BANK_DAY, field="execution_on", kind=Kind.INVALID))
    lines = _chosen(session, instalment_ids, actor=actor, now=now, execution_on=execution_on)
    batch = PaymentBatch(
        ref=_next_ref(session, now),
        fund_keys=sorted({line.fund_key for line in lines}),
        execution_on=execution_on,
        total_cents=sum(line.cents for line in lines),
        prepared_at=now,
        prepared_by_id=actor.id,
    )
    session.add(batch)
    session.flush()
    _write_orders(session, batch, lines)
    data = {"ref": batch.ref, "total_cents": batch.total_cents, "payments": len(lines)}
    note(session, actor, now, kind="payment_batch", subject_id=batch.id, action="prepare", data=data)
    _tell_second_person(session, batch, len(lines), actor)
    session.flush()
    return batch


def _chosen(
    session: Session, instalment_ids: Collection[int] | None, *, actor: Actor, now: datetime, execution_on: date
) -> list[DuePayment]:
    """The payments of the list, locked. Of "all", those that the bank would refuse stay on the worklist."""
    today = now.astimezone(AMSTERDAM).date()
    wanted = None if instalment_ids is None else set(instalment_ids)
    found = choose(session, actor.funds(Role.FINANCE), wanted, today=today, until=execution_on)
    if wanted is None:
        found = [line for line in found if not line.problems]
    elif left := wanted - {line.instalment_id for line in found}:
        raise Refused(why_not(session, left, today=today, until=execution_on))
    if not found:
        raise Refused(Refusal("nothing_chosen", _NOTHING, field="instalments", kind=Kind.INVALID))
    if problems := [problem for line in found for problem in line.problems]:
        raise Refused(*(Refusal(p.code, p.sentence, field="instalments", kind=p.kind) for p in problems))
    return found


def _write_orders(session: Session, batch: PaymentBatch, lines: Sequence[DuePayment]) -> None:
    session.execute(
        insert(PaymentOrder),
        [
            {
                "batch_id": batch.id,
                "instalment_id": line.instalment_id,
                "application_id": line.application_id,
                "tranche_id": line.tranche_id,
                "end_to_end_id": f"{batch.ref}-{number:03d}",
                "name": line.name,
                "iban": line.iban,
                "cents": line.cents,
                "remittance": line.remittance,
            }
            for number, line in enumerate(lines, 1)
        ],
    )
    session.execute(
        update(Instalment)
        .where(Instalment.id == func.any([line.instalment_id for line in lines]))
        .values(state=InstalmentState.ORDERED)
    )


def _next_ref(session: Session, now: datetime) -> str:
    year = now.astimezone(AMSTERDAM).year
    session.execute(select(func.pg_advisory_xact_lock(7061939)))
    used = session.scalar(select(func.count()).where(PaymentBatch.ref.startswith(f"BR-{year}-"))) or 0
    return f"BR-{year}-{used + 1:03d}"


def _tell_second_person(session: Session, batch: PaymentBatch, count: int, actor: Actor) -> None:
    context = batch_context(batch) | {"payments": count, "sender": actor.name}
    for person in finance_of(session, batch.fund_keys):
        if person.id != actor.id:
            write_mail(session, "batch_ready", person, key=f"batch:{batch.id}:ready:{person.id}", context=context)


def finance_of(session: Session, fund_keys: Collection[str]) -> list[Holder]:
    """Who pays for all of these funds."""
    found = [{h.id: h for h in holders(session, Scope(fund), [Role.FINANCE])[Role.FINANCE]} for fund in fund_keys]
    return [person for key, person in found[0].items() if all(key in one for one in found)] if found else []


def _not_finance() -> Refusal:
    return Refusal(
        "not_yours",
        Text(
            "Alleen financiën kan betalingen klaarzetten. Vraag het aan de coördinator.",
            "Only finance can prepare payments. Ask the coordinator.",
        ),
        kind=Kind.FORBIDDEN,
    )


_NOTHING = Text("Kies minstens één betaling.", "Choose at least one payment.")
_NO_BANK_DAY = Text(
    "Op deze dag betalen banken niet. Kies een werkdag.", "Banks do not pay on this day. Choose a working day."
)
