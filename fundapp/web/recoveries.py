"""What is asked back: the list, one claim with what finance can do, and what the school sees of it."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Role
from fundapp.domain.recovery import State
from fundapp.domain.refusal import Refused
from fundapp.services import recovery_views as views
from fundapp.services.finance_views import funds_of
from fundapp.services.ledger import case_balances
from fundapp.services.programme import lead_applicant
from fundapp.services.subject import missing
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_on, page_of
from fundapp.web.paging import after, case_for, cut
from fundapp.web.school_case import school_case
from fundapp.web.session import db, request_now, signed_in

bp = Blueprint("recoveries", __name__)

READERS = (Role.FINANCE, Role.COORDINATOR)


@page_of("recovery")
def _page_of(ref: str, actor: Actor) -> str:
    if actor.has(*READERS):
        return url_for("recoveries.one", ref=ref)
    return url_for("recoveries.of_the_school", ref=ref.removeprefix("TV-"))


@bp.get("/terugvorderingen")
@access(staff(*READERS))
def recovery_list() -> Response:
    """What was asked back: what came, what is open, until when."""
    everything = request.args.get("toon") == "alle"
    within = funds_of(signed_in(), *READERS)
    rows, more = cut(views.recoveries(db.session(), within, only_open=not everything, before=after()), views.PAGE)
    today = request_now().astimezone(AMSTERDAM).date()
    return make_response(
        render_template("pages/recovery/list.html", rows=rows, more=more, everything=everything, today=today)
    )


@bp.get("/terugvorderingen/<ref>")
@access(case("recovery"))
def one(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """One claim: how it came about, what came in, what was agreed, and what can be done."""
    found = case_for(*READERS)
    view = views.recovery_view(db.session(), found.row, open_cents=found.facts.open)
    return make_response(
        render_template(
            "pages/recovery/case.html",
            view=view,
            facts=found.facts,
            small=found.row.state == State.OPEN and found.facts.open < found.facts.worth_from,
            late=view.next_due is not None and view.next_due < found.facts.today,
            actions=actions_on(found),
        )
    )


@bp.get("/aanvragen/<ref>/terugbetaling")
@access(case("application"))
def of_the_school(ref: str) -> Response:
    """What the school pays back: how much, by when, to which account, and what came in."""
    found = school_case()
    row = views.recovery_of(db.session(), found.row.id)
    if row is None or row.state == State.OPEN:
        raise Refused(missing())
    open_cents = case_balances(db.session(), found.row.id).get(Account.RECEIVABLE, 0)
    view = views.recovery_view(db.session(), row, open_cents=open_cents)
    return make_response(
        render_template("pages/recovery/school.html", ref=ref, app=found.row, view=view, payee=lead_applicant())
    )
