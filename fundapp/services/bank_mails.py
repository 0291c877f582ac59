"""Who hears of what the bank did: a payment that came back is told to who prepared it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.bank_line import return_reason
from fundapp.persistence.application import Application
from fundapp.persistence.payment import PaymentBatch, PaymentOrder
from fundapp.persistence.people import Person
from fundapp.services.outbox import write_mail


def tell_of_bounces(session: Session, order_ids: Collection[int]) -> None:
    """Write one mail for each payment that came back, to who prepared its batch."""
    rows = session.execute(
        select(PaymentOrder, PaymentBatch.ref, Application.ref, Person)
        .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
        .join(Application, Application.id == PaymentOrder.application_id)
        .join(Person, Person.id == PaymentBatch.prepared_by_id)
        .where(PaymentOrder.id.in_(order_ids))
        .order_by(PaymentOrder.id)
    )
    for order, batch_ref, ref, person in rows:
        why = return_reason(order.returned_why or "")
        context = {
            "ref": ref,
            "batch": batch_ref,
            "amount": order.cents,
            "why": {"nl": why.nl, "en": why.en},
            "url_path": "/financien",
        }
        write_mail(session, "payment_bounced", person, key=f"order:{order.id}:bounced", context=context)
