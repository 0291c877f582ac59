"""Finance: the worklist, the final amount of a case, and what is asked back."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from fundapp.domain.application import FLOW, State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Role
from fundapp.domain.settlement import Calculation
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds
from fundapp.services.finance_views import PAGE, Accounts, final_accounts, funds_of, recoveries
from fundapp.services.report import judge_lines
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_on, page_url
from fundapp.web.forms.finance import LinesForm
from fundapp.web.paging import after, case_for, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("finance", __name__)

READERS = (Role.FINANCE, Role.COORDINATOR)
_JUDGING = frozenset({State.REPORTED, State.DETERMINATION_INTENDED})


@bp.get("/vaststellen/<ref>")
@access(case("application"))
def settlement(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """The final accounts of a case, the calculation and what can be done."""
    found = case_for(*READERS)
    accounts = final_accounts(db.session(), found.row.id)
    return make_response(_settlement(accounts, LinesForm(accounts.lines)))


@bp.post("/vaststellen/<ref>")
@access(case("application"))
def judge(ref: str) -> Response:
    """Save what counts per line; a mistake is told at its field and nothing typed is lost."""
    found = case_for(Role.FINANCE)
    accounts = final_accounts(db.session(), found.row.id)
    form = LinesForm(accounts.lines)
    if form.read():
        with unit_of_work(db.session(), wake):
            _, form.mistakes = judge_lines(
                db.session(),
                ref,
                accepted=form.accepted,
                reasons=form.reasons,
                actor=signed_in(),
                now=request_now(),
            )
    if form.mistakes:
        return make_response(_settlement(accounts, form), 422)
    notify(Text("De regels zijn opgeslagen en het eindbedrag is opnieuw berekend.", "Saved, and reckoned anew."))
    return make_response(redirect(request.path, code=303))


def _settlement(accounts: Accounts, form: LinesForm) -> str:
    found = case_for(*READERS)
    app, facts = found.row, found.facts
    final = accounts.determination("final")
    reckoned = facts.calculation
    if reckoned is None and final is not None:
        reckoned = Calculation(**final.calculation)
    spec = funds.spec_of(db.session(), app.fund_version_id)
    return render_template(
        "pages/finance/settlement.html",
        app=app,
        accounts=accounts,
        lines_form=form,
        errors=form.mistakes,
        reckoned=reckoned,
        nothing_yet=not accounts.lines or app.state == State.AWARDED,
        rules=spec.settlement_rules,
        explain_over=spec.settlement.explanation_over_bp,
        look=FLOW.look(app.state),
        may_judge=app.state in _JUDGING and Role.FINANCE in facts.roles,
        actions=sorted(actions_on(found), key=lambda action: action.asks is not None),  # to return them comes last
        case_href=page_url("application", app.ref, signed_in()),
    )


@bp.get("/terugvorderingen")
@access(staff(*READERS))
def recovery_list() -> Response:
    """What was asked back: what came, what is open, until when."""
    everything = request.args.get("toon") == "alle"
    rows, more = cut(
        recoveries(db.session(), funds_of(signed_in(), *READERS), only_open=not everything, before=after()), PAGE
    )
    today = request_now().astimezone(AMSTERDAM).date()
    return make_response(
        render_template("pages/finance/recoveries.html", rows=rows, more=more, everything=everything, today=today)
    )
