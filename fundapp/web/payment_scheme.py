"""The payment scheme of a case, for its school and for finance: what is paid when, and why something is not yet."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, url_for

from fundapp.domain.application import State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.services.payment_scheme_views import scheme
from fundapp.services.subject import missing
from fundapp.web.access import access, case, current_case
from fundapp.web.actions import actions_on, page_url
from fundapp.web.session import db, request_now, signed_in

bp = Blueprint("payment_scheme", __name__)

_HOLDING = frozenset({"hold_payments", "lift_hold"})


@bp.get("/aanvragen/<ref>/betalingen")
@access(case("application"))
def payments(ref: str) -> Response:
    """All payments of an award, in order, each with where it stands."""
    found = current_case()
    if not found.facts.roles & {Role.APPLICANT, Role.FINANCE, Role.COORDINATOR}:
        raise Refused(missing())
    shown = scheme(db.session(), found.row, request_now().astimezone(AMSTERDAM).date())
    if not shown.lines:
        raise Refused(missing())
    staff = Role.APPLICANT not in found.facts.roles
    actions = [action for action in actions_on(found) if action.name in _HOLDING and action.open]
    page = render_template(
        "pages/payment/scheme.html",
        ref=ref,
        app=found.row,
        scheme=shown,
        staff=staff,
        determined=found.row.state in (State.DETERMINED, State.SETTLED),
        actions=actions if staff else [],
        back_href=page_url("application", ref, signed_in()) if staff else url_for("applications.one", ref=ref),
    )
    return make_response(page)
