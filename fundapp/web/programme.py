"""The coordinator: rounds and lateness, the rules of the funds, mails, the journal."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy import select

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import FLOW as TRANCHES
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import change_views, funds, journal, ledger, outbox, programme_views, tranche_money
from fundapp.services.finance_views import funds_of
from fundapp.services.fund_sentences import chapters
from fundapp.services.programme_views import KINDS, MAIL_STATES, MAILS, PAGE
from fundapp.services.subject import missing
from fundapp.web.access import access, staff
from fundapp.web.paging import after, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("programme", __name__)

READERS = (Role.COORDINATOR, Role.FINANCE)


@bp.get("/programma")
@access(staff(Role.COORDINATOR))
def overview() -> Response:
    """The rounds that run, what is late, and what waits for the coordinator."""
    session, within = db.session(), funds_of(signed_in(), Role.COORDINATOR)
    rounds = programme_views.running_tranches(session, within)
    ids = [row.id for row in rounds]
    moneys = tranche_money.moneys(session, ids)
    funnels = programme_views.funnels(session, ids)
    return make_response(
        render_template(
            "pages/programme/overview.html",
            rounds=[(row, TRANCHES.look(row.state), moneys[row.id], funnels[row.id]) for row in rounds],
            late=programme_views.late_cases(session, within, request_now().astimezone(AMSTERDAM).date()),
            changes=change_views.waiting_changes(session, within),
            now=request_now(),
        )
    )


# --- funds ------------------------------------------------------------------------------------------------------------


@bp.get("/beheer/fondsen")
@access(staff(Role.COORDINATOR, Role.FINANCE, Role.DECISION_MAKER))
def fund_list() -> Response:
    """The funds, with the version that counts now."""
    return make_response(render_template("pages/programme/funds.html", rows=programme_views.fund_lines(db.session())))


@bp.get("/beheer/fondsen/<key>")
@access(staff(Role.COORDINATOR, Role.FINANCE, Role.DECISION_MAKER))
def fund(key: str) -> Response:
    """Every rule of a fund as a sentence, with a mark on what is assumed."""
    found = programme_views.fund_lines(db.session(), key)
    if not found:
        raise Refused(missing())
    spec = funds.spec_of(db.session(), found[0].version_id)
    return make_response(
        render_template("pages/programme/fund.html", fund=found[0], spec=spec, chapters=chapters(spec))
    )


# --- mails ------------------------------------------------------------------------------------------------------------


@bp.get("/maillog")
@access(staff(Role.COORDINATOR))
def mail_list() -> Response:
    """Mails, the newest first."""
    state = request.args.get("stand")
    state = state if state in MAIL_STATES else None
    rows, more = cut(programme_views.mails(db.session(), state=state, before=after()), MAILS)
    return make_response(
        render_template("pages/programme/mails.html", rows=rows, more=more, state=state, states=MAIL_STATES)
    )


@bp.post("/maillog/<int:message_id>/opnieuw")
@access(staff(Role.COORDINATOR))
def retry_mail(message_id: int) -> Response:
    """Put a mail that did not go back in the queue."""
    with unit_of_work(db.session(), wake):
        outbox.retry(db.session(), message_id, actor=signed_in(), now=request_now())
    notify(Text("De mail staat weer in de wachtrij.", "The mail is in the queue again."))
    return make_response(redirect("/maillog", code=303))


# --- the journal ------------------------------------------------------------------------------------------------------


@bp.get("/logboek")
@access(staff(*READERS))
def journal_list() -> Response:
    """Who did what, the newest first: everything, or of one tranche or kind."""
    kind = request.args.get("soort")
    kind = kind if kind in KINDS else None
    rounds = db.session.execute(select(Tranche.id, Tranche.ref).order_by(Tranche.ref).limit(200)).all()
    by_ref = {ref: tranche_id for tranche_id, ref in rounds}
    tranche_ref = request.args.get("tranche", "")
    rows, more = cut(
        programme_views.journal(db.session(), kind=kind, stream=by_ref.get(tranche_ref), before=after()), PAGE
    )
    return make_response(
        render_template(
            "pages/programme/journal.html",
            rows=rows,
            more=more,
            kind=kind or "",
            kinds=KINDS,
            tranche_ref=tranche_ref if tranche_ref in by_ref else "",
            tranche_refs=sorted(by_ref),
        )
    )


@bp.post("/logboek/controle")
@access(staff(*READERS))
def verify() -> Response:
    """Prove the journal's chains and the ledger's sums anew; tell the first thing that is wrong."""
    breach = journal.verify(db.session()) or ledger.verify(db.session())
    if breach is None:
        notify(
            Text(
                "Gecontroleerd: het logboek is ongeschonden en het grootboek klopt tot op de cent.",
                "Checked: the journal is intact and the ledger is right to the cent.",
            )
        )
    else:
        notify(
            Text(
                "Er klopt iets niet: {what} ({where}). Boek niets meer en bel de beheerder.",
                "Something is wrong: {what} ({where}). Book nothing more and call the administrator.",
            ).fill(what=breach.what, where=breach.where),
            "error",
        )
    return make_response(redirect("/logboek", code=303))
