"""Closing a tranche and reopening it: the checklist, the closing reports, and the evaluation that goes before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort, make_response, redirect, render_template

from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import FLOW, SHUT, Blocker, State
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import closing_report, closing_views, funds, publication, tranche_money
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_on, lands_on
from fundapp.web.downloads import download
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms.finance import EvaluationForm
from fundapp.web.paging import case_for
from fundapp.web.session import db, notify, request_now, signed_in, wake
from fundapp.web.tranches import CLOSERS, ON_THE_BOARD, READERS, find

bp = Blueprint("tranche_closing", __name__)


@lands_on("tranche", "propose_closing", "refuse_closing", "close", "propose_reopening", "refuse_reopening", "reopen")
def _after_closing(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref}/sluiten"


@bp.get("/tranches/<ref>/sluiten")
@access(case("tranche"))
def closing(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """What must be done before a tranche closes; the closing figures and the reports once it is closed."""
    found = case_for(*CLOSERS)
    row, facts = found.row, found.facts
    figures = None
    if row.state in SHUT:
        figures = tranche_money.closing_figures(*tranche_money.standing(db.session(), row.id))
    runs = row.state in (State.RUNNING, State.CLOSING)
    return make_response(
        render_template(
            "pages/tranche/closing.html",
            tranche=row,
            look=FLOW.look(row.state),
            checks=checks(row.ref, facts.blockers) if runs else [],
            open_count=len(facts.blockers),
            runs=runs,
            figures=figures,
            closings=closing_views.closings(db.session(), row.id),
            actions=[action for action in actions_on(found) if action.name not in ON_THE_BOARD],
        )
    )


@dataclass(frozen=True, slots=True)
class Check:
    """A point of the checklist: what it says when it is done, and where what is open is solved ({about}, {ref})."""

    code: str
    done: Text
    href: str


def _point(code: str, nl: str, en: str, href: str) -> Check:
    return Check(code, Text(nl, en), href)


_CHECKS = (
    _point("case_undecided", "Over alle aanvragen is besloten", "All applications are decided", "/beoordelen/{about}"),
    _point("case_open", "Alle aanvragen zijn afgerond", "All applications are settled", "/vaststellen/{about}"),
    _point(f"{Account.OFFERED}_open", "Er staat geen aanbod open", "No offer stands", "/beoordelen/{about}"),
    _point(
        f"{Account.COMMITTED}_open",
        "Alles wat toegezegd is, is betaald of vrijgevallen",
        "All that was awarded was paid or released",
        "/vaststellen/{about}",
    ),
    _point(
        f"{Account.PAID}_open", "Elk voorschot is vastgesteld", "Every advance was determined", "/vaststellen/{about}"
    ),
    _point(f"{Account.PAYABLE}_open", "Elk eindbedrag is betaald", "Every final amount was paid", "/financien"),
    _point(
        f"{Account.IN_TRANSIT}_open", "De bank heeft alles verwerkt", "The bank processed it all", "/betaalruns/{about}"
    ),
    _point(
        f"{Account.RECEIVABLE}_open", "Alle terugvorderingen zijn klaar", "All recoveries are done", "/terugvorderingen"
    ),
    _point("remedy_open", "Geen school wacht op een nieuwe blik", "No school waits for a new look", "{about}"),
    _point(
        "carry_over_open",
        "Er wacht geen overdracht op een tweede persoon",
        "No carry-over waits for a second person",
        "/tranches/{ref}/vrij-geld",
    ),
    _point(
        "unmatched",
        "Alle bankregels zijn gekoppeld",
        "All bank lines are matched",
        "/bankafschriften/regels/{about}",
    ),
    _point(
        "statement_missing",
        "De afschriften sluiten op elkaar aan",
        "The statements follow on one another",
        "/bankafschriften",
    ),
    _point("bank_differs", "De bank en het grootboek zeggen hetzelfde", "Bank and ledger agree", "/bankafschriften"),
    _point("bank_unseen", "Bij elke betaling hoort een bankregel", "Every payment has a bank line", "/bankafschriften"),
    _point("evaluation", "De evaluatie is gepubliceerd", "The evaluation was published", "/tranches/{ref}/evaluatie"),
    _point("ledger", "Het grootboek sluit", "The ledger balances", "/tranches/{ref}/boekingen"),
)


def checks(ref: str, blockers: tuple[Blocker, ...]) -> list[Mapping[str, object]]:
    """The checklist: what is open on top, by name with the address where it is solved; what is done in a line each."""
    known = {check.code for check in _CHECKS}
    assert all(blocker.code in known for blocker in blockers), "a blocker without its point on the checklist"
    items: list[Mapping[str, object]] = []
    for check in _CHECKS:
        found = [blocker for blocker in blockers if blocker.code == check.code]
        if not found:
            items.append({"label": check.done, "done": True})
        items += [
            {"label": b.sentence, "done": False, "href": check.href.format(about=b.ref or "", ref=ref)} for b in found
        ]
    return sorted(items, key=lambda item: bool(item["done"]))


@bp.get("/tranches/<ref>/slotrapport/<int:number>.<form>")
@access(staff(*CLOSERS))
def report(ref: str, number: int, form: str) -> Response:
    """A closing report as it was made then: of the closing of now, or of an earlier one."""
    row = find(ref, *CLOSERS)
    if form not in closing_report.MEDIA:
        abort(404)
    sha256 = closing_views.report_file(db.session(), row.id, number, form)
    if sha256 is None:
        abort(404)
    return download(sha256, f"slotrapport-{row.ref}-{number}.{form}", closing_report.MEDIA[form])


# --- evaluation -------------------------------------------------------------------------------------------------------


@bp.get("/tranches/<ref>/evaluatie")
@access(staff(*READERS))
def evaluation(ref: str) -> Response:
    """What a tranche achieved: to read, and for the coordinator to write."""
    row = find(ref)
    form = EvaluationForm()
    form.evaluation.data = form.evaluation.data or row.evaluation
    return make_response(_evaluation(row, form))


@bp.post("/tranches/<ref>/evaluatie")
@access(staff(Role.COORDINATOR))
def publish_evaluation(ref: str) -> Response:
    """Publish the evaluation; personal data in it are refused at the field."""
    form = EvaluationForm()
    status = 422
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                publication.publish_evaluation(
                    db.session(), ref, form.evaluation.data or "", actor=signed_in(), now=request_now()
                )
        except Refused as error:
            if not any(refusal.field for refusal in error.refusals):
                raise
            form_errors(form, error)
            status = STATUS[error.kind]
        else:
            notify(Text("De evaluatie is gepubliceerd.", "The evaluation was published."))
            return make_response(redirect(f"/tranches/{ref}/evaluatie", code=303))
    return make_response(_evaluation(find(ref), form), status)


def _evaluation(row: Tranche, form: EvaluationForm) -> str:
    may_write = signed_in().has(Role.COORDINATOR, fund=row.fund_key) and row.state not in SHUT
    spec = funds.spec_of(db.session(), row.fund_version_id)
    return render_template(
        "pages/tranche/evaluation.html", tranche=row, form=form, may_write=may_write, intro=spec.publication.intro
    )
