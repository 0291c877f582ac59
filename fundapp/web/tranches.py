"""Tranches: the money board, the entries behind each figure, the evaluation, and closing for good."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from fundapp.domain.ledger import Account, Movement
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import FLOW, Blocker, State
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, publication, tranche_views
from fundapp.services import tranche as tranches
from fundapp.services.finance_views import funds_of
from fundapp.services.subject import missing
from fundapp.services.tranche_views import MOVEMENTS, PAGE
from fundapp.services.transitions import look
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_of, actions_on, lands_on, page_of
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms import tranche as forms
from fundapp.web.forms.finance import EvaluationForm
from fundapp.web.paging import after, case_for, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("tranches", __name__)

READERS = (Role.FINANCE, Role.COORDINATOR, Role.DECISION_MAKER)
CLOSERS = (Role.FINANCE, Role.COORDINATOR)
BOARD = frozenset({forms.CEILING})
"""What the transitions ask that stand on the board; the others stand on the page about closing."""


@page_of("tranche")
def _page_of(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref}"


@lands_on("tranche", "propose_closing", "refuse_closing", "close")
def _after_closing(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref}/sluiten"


@bp.get("/tranches")
@access(staff(*READERS))
def tranche_list() -> Response:
    """All tranches with what stands in them."""
    rows, more = cut(tranche_views.tranches(db.session(), funds_of(signed_in(), *READERS), before=after()), PAGE)
    moneys = tranche_views.moneys(db.session(), [row.id for row in rows])
    shown = [(row, tranche_views.look_of(row), moneys[row.id]) for row in rows]
    return make_response(render_template("pages/tranche/list.html", rows=shown, more=more))


def _find(ref: str) -> Tranche:
    """The tranche, for people with a role in its fund; for others it does not exist."""
    row = tranches.find(db.session(), ref)
    if not signed_in().has(*READERS, fund=row.fund_key):
        raise Refused(missing())
    return row


@bp.get("/tranches/<ref>")
@access(staff(*READERS))
def board(ref: str) -> Response:
    """The money of a tranche: the bar, the statements, the cases."""
    row = _find(ref)
    session = db.session()
    money = tranche_views.moneys(session, [row.id])[row.id]
    sums = tranche_views.movement_sums(session, row.id)
    statements = tranche_views.statements_of(sums, money.balances)
    rows, more = cut(tranche_views.cases(session, row.id, after=after()), PAGE)
    agrees = (
        all(s.agrees for s in statements)
        and money.adds_up
        and tranche_views.agree(money, tranche_views.case_sums(session, row.id))
    )
    return make_response(
        render_template(
            "pages/tranche/board.html",
            tranche=row,
            begun=row.opens_at <= request_now(),
            over=row.closes_at < request_now(),
            look=FLOW.look(row.state),
            money=money,
            parts=tranche_views.bar_parts(money, sums),
            statements=statements,
            rows=rows,
            more=more,
            agrees=agrees,
            actions=_preparing(row),
            may_close=signed_in().has(*CLOSERS, fund=row.fund_key) and row.state != State.PREPARED,
        )
    )


def _preparing(row: Tranche) -> list[Any]:
    """What can be done before a round runs; closing has a page of its own."""
    if row.state != State.PREPARED:
        return []
    _, facts, offers = look(db.session(), "tranche", row.ref, actor=signed_in(), now=request_now())
    return actions_of("tranche", row.ref, facts.version, offers)


@bp.get("/tranches/<ref>/boekingen")
@access(staff(*READERS))
def entry_list(ref: str) -> Response:
    """The entries behind a figure: of one kind, or all."""
    row = _find(ref)
    kind = next((m for m in Movement if m == request.args.get("soort")), None)
    rows, more = cut(tranche_views.entries(db.session(), row.id, movement=kind, before=after()), PAGE)
    return make_response(
        render_template("pages/tranche/entries.html", tranche=row, rows=rows, more=more, kind=kind, movements=MOVEMENTS)
    )


# --- closing ----------------------------------------------------------------------------------------------------------


@bp.get("/tranches/<ref>/sluiten")
@access(case("tranche"))
def closing(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """What must be done before a tranche closes, and the closing figures once it is closed."""
    found = case_for(*CLOSERS)
    row, facts = found.row, found.facts
    figures = None
    if row.state == State.CLOSED:
        money = tranche_views.moneys(db.session(), [row.id])[row.id]
        figures = tranche_views.closing_figures(money, tranche_views.movement_sums(db.session(), row.id))
    runs = row.state in (State.RUNNING, State.CLOSING)
    return make_response(
        render_template(
            "pages/tranche/closing.html",
            tranche=row,
            look=FLOW.look(row.state),
            checks=_checks(row.ref, facts.blockers) if runs else [],
            open_count=len(facts.blockers),
            runs=runs,
            figures=figures,
            actions=[action for action in actions_on(found) if action.asks not in BOARD],
        )
    )


_CHECKS = (
    ("case_open", Text("Alle aanvragen zijn afgerond", "All applications are settled"), "/tranches/{ref}"),
    (
        f"{Account.COMMITTED}_open",
        Text("Alles wat toegezegd is, is betaald of vrijgevallen", "All that was awarded was paid or released"),
        "/financien",
    ),
    (f"{Account.PAID}_open", Text("Elk voorschot is vastgesteld", "Every advance was determined"), "/financien"),
    (f"{Account.PAYABLE}_open", Text("Elk eindbedrag is betaald", "Every final amount was paid"), "/financien"),
    (
        f"{Account.IN_TRANSIT}_open",
        Text("De bank heeft alles verwerkt", "The bank processed it all"),
        "/bankafschriften",
    ),
    (
        f"{Account.RECEIVABLE}_open",
        Text("Alle terugvorderingen zijn klaar", "All recoveries are done"),
        "/terugvorderingen",
    ),
    ("unmatched", Text("Alle bankregels zijn gekoppeld", "All bank lines are matched"), "/bankafschriften"),
    ("evaluation", Text("De evaluatie is gepubliceerd", "The evaluation was published"), "/tranches/{ref}/evaluatie"),
    ("ledger", Text("Het grootboek sluit", "The ledger balances"), "/logboek"),
)
"""The closing checklist: the code of what blocks it, what it says when it is done, the screen on which it is done."""


def _checks(ref: str, blockers: tuple[Blocker, ...]) -> list[dict[str, Any]]:
    """Every item of the checklist: what is done by its name, what blocks by each blocker with its own screen."""
    items: list[dict[str, Any]] = []
    known = {code for code, _, _ in _CHECKS}
    for code, label, href in _CHECKS:
        found = [b for b in blockers if b.code == code]
        if not found:
            items.append({"label": label, "done": True})
        for blocker in found:
            own = f"/vaststellen/{blocker.ref}" if blocker.ref else href.format(ref=ref)
            items.append({"label": blocker.sentence, "done": False, "href": own})
    return items + [
        {"label": b.sentence, "done": False, "href": "/bankafschriften"} for b in blockers if b.code not in known
    ]


# --- evaluation -------------------------------------------------------------------------------------------------------


@bp.get("/tranches/<ref>/evaluatie")
@access(staff(*READERS))
def evaluation(ref: str) -> Response:
    """What a tranche achieved: to read, and for the coordinator to write."""
    row = _find(ref)
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
    return make_response(_evaluation(_find(ref), form), status)


def _evaluation(row: Tranche, form: EvaluationForm) -> str:
    may_write = signed_in().has(Role.COORDINATOR, fund=row.fund_key) and row.state != State.CLOSED
    spec = funds.spec_of(db.session(), row.fund_version_id)
    return render_template(
        "pages/tranche/evaluation.html", tranche=row, form=form, may_write=may_write, intro=spec.publication.intro
    )
