"""Money that came free: where it came from, who is in line for it, and what goes to a later tranche."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template

from fundapp.domain.ledger import Account, Movement
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import State
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import carry_over, ceilings, tranche_money, waitlist
from fundapp.web.access import access, staff
from fundapp.web.actions import lands_on, page_of
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms.tranche import CarryForm
from fundapp.web.session import db, notify, request_now, signed_in, wake
from fundapp.web.tranches import CLOSERS, READERS, find, kept_from

bp = Blueprint("reallocation", __name__)


@page_of("carry_over")
def _page_of(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref.removeprefix('OV-').rpartition('-')[0]}/vrij-geld"


@lands_on("application", "offer")
def _after_the_offer(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref.rpartition('-')[0]}/vrij-geld"


@bp.get("/tranches/<ref>/vrij-geld")
@access(staff(*READERS))
def free_money(ref: str) -> Response:
    """What is free, the waiting list in order, and what was carried over."""
    return make_response(_page(find(ref), CarryForm()))


@bp.post("/tranches/<ref>/vrij-geld")
@access(staff(*CLOSERS))
def propose(ref: str) -> Response:
    """Propose to carry free money over; a mistake is told at its field."""
    row = find(ref, *CLOSERS)
    form, status = CarryForm(), 422
    form.offer(carry_over.standing(db.session(), row.id).targets)
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                carry_over.propose(
                    db.session(),
                    ref,
                    form.target.data or "",
                    cents=form.amount.cents or 0,
                    reason=form.explanation.data or "",
                    actor=signed_in(),
                    now=request_now(),
                )
        except Refused as error:
            form_errors(form, error)
            status = STATUS[error.kind]
        else:
            notify(Text("Voorgesteld. Een collega bevestigt het.", "Proposed. A colleague confirms it."))
            return make_response(redirect(f"/tranches/{ref}/vrij-geld", code=303))
    return make_response(_page(find(ref), form), status)


def _page(row: Tranche, form: CarryForm) -> str:
    session, actor = db.session(), signed_in()
    money, moved = tranche_money.standing(session, row.id)
    changes, carrying = ceilings.history(session, row.id), carry_over.standing(session, row.id)
    free = {pot.key: pot.free for pot in (money, *money.pots)}
    form.offer(carrying.targets)
    runs, kept = row.state == State.RUNNING, kept_from(row)
    may_carry = runs and actor.has(*CLOSERS, fund=row.fund_key)
    return render_template(
        "pages/tranche/free.html",
        tranche=row,
        money=money,
        sources=_sources(money, moved),
        line=[
            one
            for one in waitlist.line(session, row, ceilings.as_they_stand(changes, free), changes)
            if one.ref not in kept
        ],
        may_offer=actor.has(Role.COORDINATOR, fund=row.fund_key),
        carried=carrying.carried,
        may_confirm=actor.has(*CLOSERS, fund=row.fund_key),
        form=form if may_carry else None,
        can_go=max(0, money.free - carrying.asked),
    )


def _sources(money: tranche_money.Money, moved: tranche_money.Movements) -> list[dict[str, Any]]:
    """Why money is free: never awarded, released, come back; less what is offered and what was carried over."""

    def free(movement: Movement) -> int:
        return moved.sum(movement=movement, accounts={Account.AVAILABLE})

    found = [
        (Text("Plafond", "Ceiling"), money.ceiling, "rekening=ceiling"),
        (Text("Toegekend", "Awarded"), free(Movement.AWARD), "soort=award&rekening=available"),
        (Text("Vrijgevallen", "Released"), free(Movement.RELEASE), "soort=release&rekening=available"),
        (
            Text("Teruggekregen", "Received back"),
            free(Movement.RECOVERY_RECEIVED),
            "soort=recovery_received&rekening=available",
        ),
        (Text("Verrekend", "Set off"), free(Movement.SET_OFF), "soort=set_off&rekening=available"),
        (Text("Aangeboden aan de wachtlijst", "Offered to the waiting list"), -money.of("offered"), "rekening=offered"),
        (Text("Overgedragen", "Carried over"), -money.of("carried"), "rekening=carried"),
        (Text("Nu vrij", "Free now"), money.free, "rekening=available"),
    ]
    last = len(found) - 1
    return [
        {"label": label, "cents": cents, "query": query}
        for n, (label, cents, query) in enumerate(found)
        if cents or n in (0, last)
    ]
