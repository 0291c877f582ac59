"""Tranches: the list, the board with its figures, and the entries behind each of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from fundapp.domain.flow import Offer, refusals
from fundapp.domain.ledger import Movement
from fundapp.domain.ledger_text import MOVEMENTS
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Profile
from fundapp.domain.tranche import FLOW, LIVE, State
from fundapp.persistence.fund import Tranche
from fundapp.services import ceilings, funds, interest, tranche_money, tranche_views
from fundapp.services import tranche as tranches
from fundapp.services.finance_views import funds_of
from fundapp.services.subject import missing
from fundapp.services.tranche_views import PAGE, Filter
from fundapp.web.access import access, staff
from fundapp.web.actions import actions_of, lands_on, page_of
from fundapp.web.paging import after, cut
from fundapp.web.session import db, request_now, signed_in

bp = Blueprint("tranches", __name__)

READERS = (Role.FINANCE, Role.COORDINATOR, Role.DECISION_MAKER)
CLOSERS = (Role.FINANCE, Role.COORDINATOR)
ON_THE_BOARD = frozenset({"announce", "change_ceiling"})
"""The transitions that stand on the board; the others stand on the page about closing."""


@page_of("tranche")
def _page_of(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref}"


@lands_on("tranche", "change_ceiling")
def _after_the_ceiling(ref: str, _actor: Actor) -> str:
    return f"/tranches/{ref}#plafond"


@bp.get("/tranches")
@access(staff(*READERS))
def tranche_list() -> Response:
    """All tranches with what stands in them."""
    rows, more = cut(tranche_views.tranches(db.session(), funds_of(signed_in(), *READERS), before=after()), PAGE)
    moneys = tranche_money.moneys(db.session(), [row.id for row in rows])
    shown = [(row, tranche_views.look_of(row), moneys[row.id]) for row in rows]
    return make_response(render_template("pages/tranche/list.html", rows=shown, more=more))


def find(ref: str, *roles: Role) -> Tranche:
    """The tranche, for people with one of these roles in its fund; for others it does not exist."""
    row = tranches.find(db.session(), ref)
    if not signed_in().has(*(roles or READERS), fund=row.fund_key):
        raise Refused(missing())
    return row


def kept_from(row: Tranche) -> frozenset[str]:
    """The references that this person is not shown, for an interest in them."""
    return interest.kept_from(db.session(), signed_in(), row.fund_key, row.id)


def _ways(row: Tranche) -> dict[str, Any]:
    """Where the references of cases and journal rows lead this person."""
    money = signed_in().has(*CLOSERS, fund=row.fund_key)
    return {"case_path": "/vaststellen/" if money else "/beoordelen/", "may_read_journal": money}


def _year(name: str = "jaar") -> int | None:
    given = request.args.get(name, "")
    return int(given) if given.isdecimal() and len(given) == 4 else None


@bp.get("/tranches/<ref>")
@access(staff(*READERS))
def board(ref: str) -> Response:
    """The money of a tranche: its figures, bar, waterfall, statements, ceilings and cases."""
    row = find(ref)
    session = db.session()
    money, moved = tranche_money.standing(session, row.id)
    year = _year() if _year() in moved.years else None
    whole = tranche_money.statements_of(moved, money)
    statements = whole if year is None else tranche_money.statements_of(moved, money, year)
    rows, more = cut(tranche_views.cases(session, row.id, after=after()), PAGE)
    all_here = more is None and after() is None  # a longer list is added up on the page about closing
    agrees = all(s.agrees for s in whole) and money.adds_up and (not all_here or tranche_views.agree(money, rows))
    kept = kept_from(row)
    spec = funds.spec_of(session, row.fund_version_id)
    return make_response(
        render_template(
            "pages/tranche/board.html",
            tranche=row,
            begun=row.opens_at <= request_now(),
            over=row.closes_at < request_now(),
            look=FLOW.look(row.state),
            money=money,
            figures=tranche_money.figures(money, moved),
            parts=tranche_money.bar_parts(money, moved),
            queries=tranche_money.bar_queries(money),
            statements=statements,
            steps=tranche_money.waterfall(statements[0]),
            year=year,
            years=moved.years,
            changes=[one for one in ceilings.history(session, row.id) if one.about not in kept],
            pot_name=lambda pot: ceilings.pot_name(spec, pot),
            awb=spec.legal_profile is Profile.AWB,
            rows=[one for one in rows if one.ref not in kept],
            more=more,
            agrees=agrees,
            actions=_actions(row) if agrees else [],
            may_close=signed_in().has(*CLOSERS, fund=row.fund_key) and row.state != State.PREPARED,
            live=row.state in LIVE,
            **_ways(row),
        )
    )


def _actions(row: Tranche) -> list[Any]:
    """What can be done here; closing has a page of its own, so its checklist is not asked."""
    facts = tranches.facts(db.session(), row, signed_in(), request_now(), lean=True)
    offers = [
        Offer(transition, refusals(transition, facts, None))
        for transition in FLOW.transitions
        if transition.name in ON_THE_BOARD and row.state in transition.source and facts.roles & transition.who
    ]
    return actions_of("tranche", row.ref, facts.version, offers)


@bp.get("/tranches/<ref>/boekingen")
@access(staff(*READERS))
def entry_list(ref: str) -> Response:
    """The entries behind a figure, and what they are together."""
    row = find(ref)
    args = request.args
    kind = next((m for m in Movement if m == args.get("soort")), None)
    shown = tranche_money.accounts_of(args.get("rekening", ""))
    spec = funds.spec_of(db.session(), row.fund_version_id)
    pot = args.get("deel") if spec.sub_region(args.get("deel", "")) else None
    chosen = Filter(
        accounts=shown[1] if shown else None,
        movement=kind,
        year=_year(),
        pot=pot,
        until=_year("tot"),
        case=args.get("aanvraag") or None,
    )
    kept = kept_from(row)
    if chosen.case in kept:
        raise Refused(missing())
    rows, more = cut(tranche_views.entries(db.session(), row.id, chosen, before=after()), PAGE)
    _, moved = tranche_money.standing(db.session(), row.id)
    return make_response(
        render_template(
            "pages/tranche/entries.html",
            tranche=row,
            rows=[one for one in rows if one.case_ref not in kept],
            more=more,
            kind=kind,
            account=args.get("rekening", "") if shown else "",
            year=chosen.year,
            pot=pot,
            until=chosen.until,
            case=chosen.case,
            together=tranche_views.together(db.session(), row.id, chosen, moved),
            movements=MOVEMENTS,
            accounts=tranche_money.choices(),
            years=moved.years,
            pots=[(region.key, region.name) for region in spec.sub_regions if region.key in _pots(row)],
            **_ways(row),
        )
    )


def _pots(row: Tranche) -> dict[str, int]:
    return row.spec.get("sub_ceilings_cents") or {}
