"""F4: payment batches, as the second person must check them, and the file for the bank."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template

from fundapp.domain.payment import FLOW, State
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.persistence.payment import PaymentBatch
from fundapp.services import payment_views
from fundapp.services.keyset import PAGE
from fundapp.services.subject import missing
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_on, page_of
from fundapp.web.finance import READERS
from fundapp.web.paging import after, case_for, cut
from fundapp.web.session import db, signed_in

bp = Blueprint("payments", __name__)

_STEPS = (
    (State.PREPARED, Text("Klaargezet", "Prepared")),
    (State.APPROVED, Text("Akkoord", "Approved")),
    (State.SENT, Text("Naar de bank", "At the bank")),
    (State.BOOKED, Text("Verwerkt", "Booked")),
)


@page_of("payment_batch")
def _page_of(ref: str, _actor: Actor) -> str:
    return f"/betaalruns/{ref}"


@bp.get("/betaalruns")
@access(staff(*READERS))
def batch_list() -> Response:
    """The batches of one's funds, the newest first."""
    found = payment_views.batches(db.session(), signed_in().funds(*READERS), before=after())
    rows, more = cut(found, PAGE)
    return make_response(render_template("pages/finance/batches.html", rows=rows, more=more))


@bp.get("/betaalruns/<ref>")
@access(case("payment_batch"))
def batch(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """A batch as the second person must check it."""
    found = case_for(*READERS)
    row, facts = found.row, found.facts
    lines, more = cut(payment_views.batch_orders(db.session(), row.id, after=after()), payment_views.ORDERS)
    people = payment_views.names(db.session(), row.prepared_by_id, row.approved_by_id)
    actions = actions_on(found)
    approve = next((a for a in actions if a.name == "approve" and a.open), None)
    return make_response(
        render_template(
            "pages/finance/batch.html",
            batch=row,
            facts=facts,
            look=FLOW.look(row.state),
            steps=_steps(row.state),
            lines=lines,
            more=more,
            totals=payment_views.batch_totals(db.session(), row.id),
            prepared_by=people.get(row.prepared_by_id, ""),
            approved_by=people.get(row.approved_by_id or 0, ""),
            prepared_by_you=row.prepared_by_id == signed_in().id,
            approve=approve,
            actions=[a for a in actions if a is not approve],
            has_file=_has_file(row, facts),
            may_fetch=Role.FINANCE in facts.roles,
        )
    )


def _steps(state: str) -> list[dict[str, Any]]:
    order = [step for step, _ in _STEPS]
    at = order.index(State(state)) if state in order else -1
    last = len(order) - 1
    return [
        {"label": label, "state": "done" if n < at or n == at == last else "now" if n == at else "next"}
        for n, (_, label) in enumerate(_STEPS)
    ]


def _has_file(row: PaymentBatch, facts: Any) -> bool:
    """Whether there is a file that may go to the bank: approved, and nothing overtook it before it was sent."""
    return row.file_content is not None and row.state != State.CANCELLED and not facts.overtaken


@bp.get("/betaalruns/<ref>/bestand")
@access(case("payment_batch"))
def batch_file(ref: str) -> Response:
    """The file for the bank: the very bytes that were approved."""
    found = case_for(Role.FINANCE)
    if found.facts.overtaken:
        raise Refused(*found.facts.overtaken)
    if not _has_file(found.row, found.facts):
        raise Refused(missing())
    response = make_response(bytes(found.row.file_content))
    response.headers["Content-Type"] = "application/xml"
    response.headers["Content-Disposition"] = f'attachment; filename="{ref}.xml"'
    response.headers["Cache-Control"] = "no-store"
    return response
