"""F1: what waits for finance. The list of payments on it is the form that makes a batch."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, make_response, redirect, render_template, request

from fundapp.domain.bank_line import return_reason
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.domain.sepa import next_bank_day
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services.payment_due import PAGE, DuePayment, due_payments, held_cases
from fundapp.services.payment_prepare import prepare
from fundapp.services.payment_views import in_fours
from fundapp.services.worklist import open_tasks
from fundapp.web.access import access, staff
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.finance import READERS
from fundapp.web.forms.payments import PrepareForm
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("worklist", __name__)


@bp.get("/financien")
@access(staff(*READERS))
def worklist() -> Response:
    """What waits for finance."""
    form = PrepareForm()
    if not form.execution_on.data:
        form.execution_on.data = f"{next_bank_day(_today()):%d-%m-%Y}"
    return make_response(_show(form))


@bp.post("/betaalruns")
@access(staff(Role.FINANCE))
def prepare_batch() -> Response:
    """Make a batch of the payments that were picked."""
    form = PrepareForm()
    form.earliest = _today()
    day = form.day
    if not form.validate() or day is None:
        return make_response(_show(form), 422)
    chosen = None if form.everything.data else form.instalments.data or []
    try:
        with unit_of_work(db.session(), wake):
            batch = prepare(db.session(), chosen, actor=signed_in(), now=request_now(), execution_on=day)
    except Refused as error:
        form_errors(form, error)
        return make_response(_show(form), STATUS[error.kind])
    notify(
        Text(
            "Betaalrun {ref} staat klaar. Een collega van financiën geeft akkoord en krijgt bericht.",
            "Payment batch {ref} is ready. A colleague of finance approves it and is told.",
        ).fill(ref=batch.ref)
    )
    return make_response(redirect(f"/betaalruns/{batch.ref}", code=303))


def _today() -> date:
    return request_now().astimezone(AMSTERDAM).date()


def _show(form: PrepareForm) -> str:
    """The worklist as a page, with the form that picks payments as it stands."""
    actor, today = signed_in(), _today()
    funds = actor.funds(*READERS)
    found = due_payments(db.session(), funds, today=today, until=next_bank_day(today), after=_after())
    due = found[:PAGE]
    return render_template(
        "pages/finance/worklist.html",
        form=form,
        due=[item for item in due if not item.problems],
        broken=[item for item in due if item.problems],
        more=_more(due[-1]) if len(found) > PAGE else None,
        held=held_cases(db.session(), funds, today=today),
        tasks=open_tasks(db.session(), funds, today),
        in_fours=in_fours,
        return_reason=return_reason,
        may_prepare=actor.has(Role.FINANCE),
        today=today,
    )


def _after() -> tuple[date, int] | None:
    """The payment after which this page begins: `?na=2025-03-14.123`."""
    day, _, number = request.args.get("na", "").partition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None


def _more(last: DuePayment) -> str:
    return f"/financien?na={last.due_on.isoformat()}.{last.instalment_id}"
