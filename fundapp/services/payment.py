"""Payment batches as cases: what stands in the way of one, and what approving or cancelling it does to the money."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fundapp.domain import ledger, payment
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.outside import SepaBatch, SepaOrder
from fundapp.domain.payment import InstalmentState, OrderState, Purpose, State
from fundapp.domain.people import Actor, Role, Scope
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.payment import Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.people import Person
from fundapp.services.act import Act, Audience, CaseType
from fundapp.services.funds import case_context, pot_of
from fundapp.services.outbox import write_mail
from fundapp.services.payment_due import newest_account
from fundapp.services.payment_hold import is_held
from fundapp.services.programme import lead_applicant
from fundapp.services.subject import missing


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
    """The payments of a batch, in order; not those that were taken out."""
    return list(
        session.scalars(
            select(PaymentOrder)
            .where(PaymentOrder.batch_id == batch.id, PaymentOrder.state != OrderState.DROPPED)
            .order_by(PaymentOrder.id)
            .execution_options(populate_existing=True)
        )
    )


def batch_hash(batch: PaymentBatch, found: Sequence[PaymentOrder]) -> str:
    """The hash of exactly this list."""
    lines = (payment.OrderLine(o.end_to_end_id, o.name, o.iban, o.cents, o.remittance) for o in found)
    return payment.list_hash(batch.ref, batch.execution_on, lines)


def sepa_batch(batch: PaymentBatch, found: Sequence[PaymentOrder], now: datetime) -> SepaBatch:
    """The batch as the bank reads it; the debtor is the lead applicant (penvoerder)."""
    debtor = lead_applicant()
    return SepaBatch(
        batch_id=batch.ref,
        debtor_name=debtor.name,
        debtor_iban=debtor.iban,
        execution_date=batch.execution_on,
        created_at=now,
        orders=tuple(SepaOrder(o.end_to_end_id, o.name, o.iban, o.cents, o.remittance) for o in found),
    )


def _facts(session: Session, batch: PaymentBatch, actor: Actor, now: datetime) -> payment.Facts:
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    found = orders(session, batch)
    problems = tuple(bank.check_payments(sepa_batch(batch, found, now))) if batch.state == State.PREPARED else ()
    waits = batch.state in (State.PREPARED, State.APPROVED) and actor.id is not None
    return payment.Facts(
        state=batch.state,
        version=batch.version,
        roles=roles_on_batch(actor, batch.fund_keys),
        actor_id=actor.id,
        prepared_by_id=batch.prepared_by_id,
        list_now=batch_hash(batch, found),
        approved_hash=batch.approved_hash,
        file_problems=problems,
        overtaken=tuple(_overtaken(session, batch, now)) if waits else (),
        pending=sum(o.state == OrderState.PENDING for o in found),
    )


def roles_on_batch(actor: Actor, fund_keys: Collection[str]) -> frozenset[Role]:
    """What somebody is towards a batch: only who has a role in every fund that it pays for."""
    if actor.id is None:
        return frozenset({Role.SYSTEM})
    return frozenset(
        role
        for role in (Role.FINANCE, Role.COORDINATOR)
        if (funds := actor.funds(role)) is None or (fund_keys and funds >= set(fund_keys))
    )


def _overtaken(session: Session, batch: PaymentBatch, now: datetime) -> Iterator[Refusal]:
    """What changed since the list was made: the account of a board, or a payment hold."""
    account = newest_account(Application.board_number).lateral()
    held = is_held(Application.id, now.astimezone(AMSTERDAM).date())
    changed = (account.c.iban != PaymentOrder.iban) | (account.c.sepa_name != PaymentOrder.name)
    rows = session.execute(
        select(Application.ref, held.label("held"))
        .join(PaymentOrder, PaymentOrder.application_id == Application.id)
        .join(account, changed | held)
        .where(PaymentOrder.batch_id == batch.id, PaymentOrder.state == OrderState.PENDING)
        .order_by(PaymentOrder.id)
    )
    for ref, is_on_hold in rows:
        yield Refusal(
            "held_since" if is_on_hold else "account_since", (_HELD if is_on_hold else _CHANGED).fill(ref=same(ref))
        )


_HELD = Text(
    "De betaling voor {ref} is intussen aangehouden. Haal die eruit.",
    "The payment for {ref} was put on hold meanwhile. Take it out.",
)
_CHANGED = Text(
    "De rekening voor {ref} is intussen gewijzigd. Haal die betaling eruit en zet haar opnieuw klaar.",
    "The account for {ref} was changed meanwhile. Take that payment out and prepare it again.",
)


def approve(act: Act) -> None:
    """Book the list as on its way, and write the file for the bank; its bytes are kept, never made again."""
    from fundapp.adapters import bank  # lxml is heavy: not before it is needed

    batch: PaymentBatch = act.row
    found = orders(act.session, batch)
    for order, app, final in _with_cases(act.session, found):
        _book(act, order, app, ledger.order_payment(order.cents, final=final))
    file = bank.write_payments(sepa_batch(batch, found, act.now))
    batch.approved_at = act.now
    batch.approved_by_id = act.person_id
    batch.approved_hash = batch_hash(batch, found)
    batch.file_content = file.content
    batch.file_sha256 = file.sha256
    act.data["file_sha256"] = file.sha256
    act.data["list_hash"] = batch.approved_hash


def _with_cases(session: Session, found: Sequence[PaymentOrder]) -> list[tuple[PaymentOrder, Application, bool]]:
    """Each payment with its application, and whether it is paid out of the final amount. Three statements."""
    tranches = session.scalars(select(Tranche).where(Tranche.id.in_({order.tranche_id for order in found}))).all()
    cases = {
        app.id: app
        for app in session.scalars(
            select(Application).where(Application.id == func.any([order.application_id for order in found]))
        )
    }
    purposes = dict(
        session.execute(
            select(Instalment.id, Instalment.purpose).where(
                Instalment.id == func.any([order.instalment_id for order in found])
            )
        ).all()
    )
    assert tranches or not found, "held on to: `pot_of` finds them without asking again"
    return [(o, cases[o.application_id], purposes[o.instalment_id] == Purpose.FINAL) for o in found]


def _book(act: Act, order: PaymentOrder, app: Application, postings: list[ledger.Posting]) -> None:
    act.book(postings, tranche_id=order.tranche_id, pot=pot_of(act.session, app), application_id=app.id)


def release(act: Act) -> None:
    """The batch lapses: its payments return to the worklist, and who prepared it hears why."""
    batch: PaymentBatch = act.row
    found = orders(act.session, batch)
    if act.from_state == State.APPROVED:
        _undo(act, found)
    _back_to_the_worklist(act.session, found)
    context = batch_context(batch) | {"explanation": act.text("explanation"), "sender": act.actor.name}
    if act.actor.id != batch.prepared_by_id:
        person = act.session.get_one(Person, batch.prepared_by_id)
        write_mail(act.session, "batch_returned", person, key=f"batch:{batch.id}:returned", context=context)


def take_out(act: Act) -> None:
    """One payment returns to the worklist. An approval was of another list, so it lapses, and so does its file."""
    batch: PaymentBatch = act.row
    found = orders(act.session, batch)
    chosen = [order for order in found if order.id == act.given.get("order_id")]
    if not chosen:
        raise Refused(Refusal("no_such_payment", _NO_SUCH, field="order_id", kind=Kind.INVALID))
    if act.from_state == State.APPROVED:
        _undo(act, found)
    _back_to_the_worklist(act.session, chosen)
    batch.total_cents -= chosen[0].cents
    batch.approved_at = batch.approved_by_id = batch.approved_hash = None
    batch.file_content = batch.file_sha256 = None
    act.data["taken_out"] = {"end_to_end_id": chosen[0].end_to_end_id, "cents": chosen[0].cents}


_NO_SUCH = Text("Kies een betaling uit deze betaalrun.", "Choose a payment of this batch.")


def _undo(act: Act, found: Sequence[PaymentOrder]) -> None:
    for order, app, final in _with_cases(act.session, found):
        _book(act, order, app, ledger.undo_order(order.cents, final=final, bounced=False))


def _back_to_the_worklist(session: Session, found: Sequence[PaymentOrder]) -> None:
    for state, model, ids in (
        (InstalmentState.DUE, Instalment, [order.instalment_id for order in found]),
        (OrderState.DROPPED, PaymentOrder, [order.id for order in found]),
    ):
        session.execute(update(model).where(model.id == func.any(ids)).values(state=state))


def batch_context(batch: PaymentBatch) -> dict[str, Any]:
    """What mails may say of a batch."""
    return {"ref": batch.ref, "amount": batch.total_cents, "url_path": f"/betaalruns/{batch.ref}"}


def _audiences(session: Session, batch: PaymentBatch) -> list[Audience]:
    """The schools that are paid: each hears of its own payments only."""
    found: dict[int, list[PaymentOrder]] = {}
    for order in orders(session, batch):
        found.setdefault(order.application_id, []).append(order)
    apps = session.scalars(select(Application).where(Application.id == func.any(list(found))).order_by(Application.id))
    return [
        Audience(
            Scope(app.fund_key, app.sub_region, app.board_number, app.school_code, frozenset(app.boards)),
            app.id,
            case_context(session, app)
            | {"amount": sum(order.cents for order in found[app.id]), "iban": found[app.id][0].iban[-4:]},
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
    context=lambda _session, batch: batch_context(batch),
    audiences=_audiences,
)
