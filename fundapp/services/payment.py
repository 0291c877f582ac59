"""Payment batches: what is due, a list that one person prepares, and what approving it does to the money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import ledger, payment
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.outside import SepaBatch, SepaOrder
from fundapp.domain.payment import InstalmentState, OrderState, Purpose, State
from fundapp.domain.people import Actor, Role, Scope
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import BankAccount, Instalment, PaymentBatch, PaymentOrder
from fundapp.services.act import Act, Audience, CaseType
from fundapp.services.funds import case_context, pot_of
from fundapp.services.journal import note
from fundapp.services.programme import lead_applicant
from fundapp.services.subject import missing


@dataclass(frozen=True, slots=True)
class DuePayment:
    """One line of the worklist: an instalment that can be paid now. Amount in cents."""

    instalment_id: int
    application_ref: str
    title: str
    name: str
    iban: str
    purpose: Purpose
    cents: int
    due_on: date
    account_changed: bool


def due_payments(session: Session, *, limit: int = 200) -> list[DuePayment]:
    """Return what can be paid, the longest due first. One query."""
    newest = (
        select(BankAccount.board_number, func.max(BankAccount.id).label("id"))
        .where(BankAccount.confirmed_at.is_not(None))
        .group_by(BankAccount.board_number)
        .subquery()
    )
    rows = session.execute(
        select(Instalment, Application.ref, Application.title, Award.iban, BankAccount.iban, BankAccount.holder)
        .join(Application, Application.id == Instalment.application_id)
        .join(Award, Award.application_id == Application.id)
        .outerjoin(newest, newest.c.board_number == Application.board_number)
        .outerjoin(BankAccount, BankAccount.id == newest.c.id)
        .where(Instalment.state == InstalmentState.DUE)
        .order_by(Instalment.due_on, Instalment.id)
        .limit(limit)
    )
    return [
        DuePayment(
            instalment.id,
            ref,
            title,
            holder or "",
            iban or awarded_iban,
            Purpose(instalment.purpose),
            instalment.cents,
            instalment.due_on,
            account_changed=bool(iban) and iban != awarded_iban,
        )
        for instalment, ref, title, awarded_iban, iban, holder in rows
    ]


def prepare(
    session: Session, instalment_ids: Sequence[int], *, actor: Actor, now: datetime, execution_on: date
) -> PaymentBatch:
    """Make a batch of these instalments, for another person to approve.

    Raises Refused when one of them is no longer due, when there are none, or when the person is not of finance.
    """
    if not actor.has(Role.FINANCE):
        raise Refused(_not_finance())
    wanted = {p.instalment_id: p for p in due_payments(session, limit=10_000) if p.instalment_id in set(instalment_ids)}
    if not wanted:
        raise Refused(
            Refusal(
                "nothing_chosen",
                Text("Kies minstens één betaling.", "Choose at least one payment."),
                field="instalments",
                kind=Kind.INVALID,
            )
        )
    locked = session.scalars(
        select(Instalment)
        .where(Instalment.id.in_(wanted), Instalment.state == InstalmentState.DUE)
        .order_by(Instalment.id)
        .with_for_update()
    ).all()
    if len(locked) != len(set(instalment_ids)):
        raise Refused(
            Refusal(
                "no_longer_due",
                Text(
                    "Een van de betalingen staat niet meer open. Bekijk de lijst opnieuw.",
                    "One of the payments is no longer due. Look at the list again.",
                ),
                kind=Kind.STALE,
            )
        )
    batch = PaymentBatch(
        ref=_next_ref(session, now),
        execution_on=execution_on,
        total_cents=sum(i.cents for i in locked),
        prepared_at=now,
        prepared_by_id=actor.id,
    )
    session.add(batch)
    session.flush()
    tranches = dict(
        session.execute(
            select(Application.id, Application.tranche_id).where(Application.id.in_([i.application_id for i in locked]))
        ).all()
    )
    for number, instalment in enumerate(locked, 1):
        line = wanted[instalment.id]
        instalment.state = InstalmentState.ORDERED
        session.add(
            PaymentOrder(
                batch_id=batch.id,
                instalment_id=instalment.id,
                application_id=instalment.application_id,
                tranche_id=tranches[instalment.application_id],
                end_to_end_id=f"{batch.ref}-{number:03d}",
                name=line.name,
                iban=line.iban,
                cents=instalment.cents,
                remittance=f"{line.application_ref} {line.purpose.label.nl}",
            )
        )
    session.flush()
    note(
        session,
        actor,
        now,
        kind="payment_batch",
        subject_id=batch.id,
        action="prepare",
        data={"ref": batch.ref, "total_cents": batch.total_cents, "payments": len(locked)},
    )
    session.flush()
    return batch


def _next_ref(session: Session, now: datetime) -> str:
    year = now.astimezone(AMSTERDAM).year
    session.execute(select(func.pg_advisory_xact_lock(7061939)))
    used = session.scalar(select(func.count()).where(PaymentBatch.ref.startswith(f"BR-{year}-"))) or 0
    return f"BR-{year}-{used + 1:03d}"


def _not_finance() -> Refusal:
    return Refusal(
        "not_yours",
        Text(
            "Alleen financiën kan betalingen klaarzetten. Vraag het aan de coördinator.",
            "Only finance can prepare payments. Ask the coordinator.",
        ),
        kind=Kind.FORBIDDEN,
    )


# --- the flow ---------------------------------------------------------------------------------------------------------


def _find(session: Session, ref: str, lock: bool) -> PaymentBatch:
    if lock:
        tranche_ids = select(PaymentOrder.tranche_id).join(PaymentBatch).where(PaymentBatch.ref == ref)
        session.execute(
            select(Tranche.id).where(Tranche.id.in_(tranche_ids)).order_by(Tranche.id).with_for_update(key_share=True)
        ).all()
    query = select(PaymentBatch).where(PaymentBatch.ref == ref)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    batch = session.scalar(query)
    if batch is None:
        raise Refused(missing())
    return batch


def orders(session: Session, batch: PaymentBatch) -> list[PaymentOrder]:
    """The payments of a batch, in order."""
    return list(
        session.scalars(select(PaymentOrder).where(PaymentOrder.batch_id == batch.id).order_by(PaymentOrder.id))
    )


def batch_hash(found: Sequence[PaymentOrder]) -> str:
    """The hash of exactly this list."""
    return payment.list_hash(payment.OrderLine(o.end_to_end_id, o.name, o.iban, o.cents, o.remittance) for o in found)


def sepa_batch(batch: PaymentBatch, found: Sequence[PaymentOrder], now: datetime) -> SepaBatch:
    """The batch as the bank reads it; the debtor is the lead applicant (penvoerder)."""
    debtor = lead_applicant()
    return SepaBatch(
        batch_id=batch.ref,
        debtor_name=debtor.name,
        debtor_iban=debtor.iban,
        execution_date=batch.execution_on,
        created_at=now,
        orders=tuple(
            SepaOrder(
                end_to_end_id=o.end_to_end_id,
                name=o.name,
                iban=o.iban,
                amount=o.cents,
                remittance=o.remittance,
            )
            for o in found
        ),
    )


def _facts(session: Session, batch: PaymentBatch, actor: Actor, now: datetime) -> payment.Facts:
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    found = orders(session, batch)
    problems = tuple(bank.check_payments(sepa_batch(batch, found, now))) if batch.state == State.PREPARED else ()
    return payment.Facts(
        state=batch.state,
        version=batch.version,
        roles=_roles(actor),
        actor_id=actor.id,
        prepared_by_id=batch.prepared_by_id,
        list_now=batch_hash(found),
        approved_hash=batch.approved_hash,
        file_problems=problems,
        pending=sum(o.state == OrderState.PENDING for o in found),
    )


def _roles(actor: Actor) -> frozenset[Role]:
    if actor.id is None:
        return frozenset({Role.SYSTEM})
    return frozenset({g.role for g in actor.grants if g.role in (Role.FINANCE, Role.COORDINATOR)})


def approve(act: Act) -> None:
    """Book the list as on its way, and write the file for the bank; its bytes are kept, never made again."""
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    batch: PaymentBatch = act.row
    found = orders(act.session, batch)
    for order in found:
        instalment = act.session.get_one(Instalment, order.instalment_id)
        act.book(
            ledger.order_payment(order.cents, final=instalment.purpose == Purpose.FINAL),
            tranche_id=order.tranche_id,
            pot=pot_of(act.session, act.session.get_one(Application, order.application_id)),
            application_id=order.application_id,
        )
    file = bank.write_payments(sepa_batch(batch, found, act.now))
    batch.approved_at = act.now
    batch.approved_by_id = act.person_id
    batch.approved_hash = batch_hash(found)
    batch.file_content = file.content
    batch.file_sha256 = file.sha256
    act.data["file_sha256"] = file.sha256
    act.data["list_hash"] = batch.approved_hash


def release(act: Act) -> None:
    """The batch lapses: its payments return to the worklist."""
    was_approved = act.from_state == State.APPROVED
    for order in orders(act.session, act.row):
        instalment = act.session.get_one(Instalment, order.instalment_id)
        instalment.state = InstalmentState.DUE
        order.state = OrderState.DROPPED
        if was_approved:
            act.book(
                ledger.undo_order(order.cents, final=instalment.purpose == Purpose.FINAL, bounced=False),
                tranche_id=order.tranche_id,
                pot=pot_of(act.session, act.session.get_one(Application, order.application_id)),
                application_id=order.application_id,
            )


def _context(_session: Session, batch: PaymentBatch) -> dict[str, Any]:
    return {"ref": batch.ref, "amount": batch.total_cents, "url_path": f"/betaalruns/{batch.ref}"}


def _audiences(session: Session, batch: PaymentBatch) -> list[Audience]:
    """The schools that are paid: each hears of its own payment only."""
    found = {order.application_id: order for order in orders(session, batch)}
    apps = session.scalars(select(Application).where(Application.id.in_(found)).order_by(Application.id))
    return [
        Audience(
            Scope(app.fund_key, app.sub_region, app.board_number, app.school_code, frozenset(app.boards)),
            app.id,
            case_context(session, app) | {"amount": found[app.id].cents, "iban": found[app.id].iban[-4:]},
        )
        for app in apps
    ]


def _scope(_session: Session, _batch: PaymentBatch) -> Scope:
    return Scope(fund="")


KIND: CaseType[PaymentBatch, payment.Facts] = CaseType(
    flow=payment.FLOW,
    find=_find,
    facts=_facts,
    scope=_scope,
    stream=lambda _batch: 0,
    application_id=lambda _batch: None,
    context=_context,
    audiences=_audiences,
)
