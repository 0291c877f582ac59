"""Finance: the worklist, and the final amount of a case."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from fundapp.domain.application import FLOW, State
from fundapp.domain.people import Role
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import Calculation
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import finance_views, report, report_reading
from fundapp.web.access import Case, access, case
from fundapp.web.actions import actions_on, page_url
from fundapp.web.forms.settlement import LinesForm, MoveForm, checks_of
from fundapp.web.paging import case_for
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("finance", __name__)

READERS = (Role.FINANCE, Role.COORDINATOR)
_JUDGING = frozenset({State.REPORTED, State.DETERMINATION_INTENDED})


@bp.get("/vaststellen/<ref>")
@access(case("application"))
def settlement(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """The final accounts of a case, the calculation and what can be done."""
    found = case_for(*READERS)
    return make_response(_settlement(found, _lines_form(found), MoveForm()))


@bp.post("/vaststellen/<ref>")
@access(case("application"))
def judge(ref: str) -> Response:
    """Save what counts per line; a mistake is told at its field and nothing typed is lost."""
    found = case_for(Role.FINANCE)
    form = _lines_form(found)
    if form.read():
        with unit_of_work(db.session(), wake):
            _, form.mistakes = report.judge_lines(
                db.session(),
                ref,
                accepted=form.accepted,
                reasons=form.reasons,
                actor=signed_in(),
                now=request_now(),
            )
    if form.mistakes:
        return make_response(_settlement(found, form, MoveForm()), 422)
    notify(Text("De regels zijn opgeslagen en het eindbedrag is opnieuw berekend.", "Saved, and reckoned anew."))
    return make_response(redirect(request.path, code=303))


@bp.post("/vaststellen/<ref>/verplaatsen")
@access(case("application"))
def move(ref: str) -> Response:
    """Move cost that the school put on the wrong line to another."""
    found = case_for(Role.FINANCE)
    form = MoveForm(sent=True)
    if form.read():
        with unit_of_work(db.session(), wake):
            form.mistakes = report.move_cost(
                db.session(),
                ref,
                source=form.source,
                target=form.target,
                cents=form.cents,
                reason=form.reason,
                actor=signed_in(),
                now=request_now(),
            )
    if form.mistakes:
        return make_response(_settlement(found, _lines_form(found, sent=False), form), 422)
    notify(Text("Verplaatst. Het eindbedrag is opnieuw berekend.", "Moved. The final amount was reckoned anew."))
    return make_response(redirect(f"/vaststellen/{ref}", code=303))


def _picture(found: Case) -> ReportPicture | None:
    return found.facts.report or report_reading.picture(db.session(), found.row)


def _lines_form(found: Case, *, sent: bool = True) -> LinesForm:
    picture = _picture(found)
    return LinesForm(picture.account_lines if picture is not None else [], sent=sent)


def _settlement(found: Case, form: LinesForm, moving: MoveForm) -> str:
    app, facts, picture = found.row, found.facts, _picture(found)
    decided = finance_views.decided(db.session(), app.id)
    final = decided.determination("final")
    reckoned = facts.calculation
    if reckoned is None and final is not None:
        reckoned = Calculation(**final.calculation)
    actions = sorted(actions_on(found), key=lambda action: action.asks is not None)  # to return them comes last
    at_once = [a for a in actions if a.name == "determine" and a.open and reckoned is not None]
    return render_template(
        "pages/finance/settlement.html",
        app=app,
        decided=decided,
        picture=picture,
        lines_form=form,
        moving=moving,
        errors=[*form.mistakes, *moving.mistakes],
        reckoned=reckoned,
        nothing_yet=picture is None or app.state == State.AWARDED,
        checks=checks_of(picture, reckoned) if picture is not None and app.state != State.AWARDED else [],
        look=FLOW.look(app.state),
        may_judge=app.state in _JUDGING and Role.FINANCE in facts.roles,
        at_once=at_once[0] if at_once else None,
        actions=[action for action in actions if action not in at_once],
        case_href=page_url("application", app.ref, signed_in()),
    )
