"""After the award: the final accounts, what finance intends, and changes that the school asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain import change
from fundapp.domain.application import State
from fundapp.domain.flow import offered
from fundapp.domain.money import plain_euro
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.rejection import REASONS, RejectionCode
from fundapp.domain.text import Text, same
from fundapp.persistence.settlement import FinalReport, ReportLine
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application_views as views
from fundapp.services import change as changing
from fundapp.services import funds, report, short_lived
from fundapp.services.settlement import calculation, report_lines, report_problems
from fundapp.services.subject import missing
from fundapp.web.access import Case, access, case
from fundapp.web.actions import actions_of, lands_on
from fundapp.web.forms import new_key
from fundapp.web.forms.application import Reader, ResponseForm, Typed, by_field
from fundapp.web.present import clock
from fundapp.web.school_case import school_case
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake

bp = Blueprint("reporting", __name__)

REMEMBERED = timedelta(hours=2)
MOST_RESULTS = 6000


# --- the final accounts -----------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/verantwoording")
@access(case("application"))
def accounts(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """The final accounts: to write while the project is awarded, to read afterwards."""
    found = school_case()
    asked_back = request.args.get("van") == "controle"
    refusals = list(report_problems(db.session(), found.row)) if asked_back else []
    return _accounts_page(found, g.get("returned"), refusals)


@bp.post("/aanvragen/<ref>/verantwoording")
@access(case("application"))
def save_accounts(ref: str) -> Response:
    """Save the final accounts as they stand; then stay, or go on to the check."""
    found = school_case()
    typed = Typed(request.form)
    before = _report_of(found)
    reader = Reader()
    lines = report_lines(db.session(), found.row.id)
    stored = {line.position: line for line in lines}
    claimed = {n: reader.amount(typed.get(f"claimed-{n}", ""), f"claimed-{n}") for n in stored}
    explanations = {n: reader.text(typed.get(f"explanation-{n}", ""), f"explanation-{n}", most=1000) for n in stored}
    received = reader.amount(typed.get("co_financing", ""), "co_financing")
    results = reader.text(typed.get("results", ""), "results", most=MOST_RESULTS)
    wrong = by_field(reader.refusals)
    claimed |= {n: line.claimed_cents for n, line in stored.items() if f"claimed-{n}" in wrong}
    explanations |= {n: line.explanation for n, line in stored.items() if f"explanation-{n}" in wrong}
    received = before.co_financing_cents if "co_financing" in wrong else received
    results = before.results if "results" in wrong else results
    try:
        with unit_of_work(db.session(), wake):
            report.save_report(
                db.session(),
                ref,
                claimed=claimed,
                explanations=explanations,
                co_financing_cents=received,
                results=results,
                may_publish=typed.get("may_publish") == "yes",
                actor=signed_in(),
                now=request_now(),
                seen=_moment(typed.get("saved_at", "")),
            )
    except Refused as error:
        if error.kind is not Kind.STALE:
            raise
        return _accounts_page(found, typed, [Refusal(r.code, r.sentence, kind=r.kind) for r in error.refusals], 409)
    if reader.refusals:
        return _accounts_page(found, typed, reader.refusals, 422)
    language = current_language()
    time = same(clock(request_now(), language))
    notify(Text("Opgeslagen om {time}.", "Saved at {time}.").fill(time=time))
    endpoint = "reporting.check_accounts" if typed.get("do") == "next" else "reporting.accounts"
    return make_response(redirect(url_for(endpoint, ref=ref), code=303))


def _moment(given: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _report_of(found: Case) -> FinalReport:
    row = db.session.get(FinalReport, found.row.id)
    if row is None:
        raise Refused(missing())
    return row


def _accounts_page(found: Case, typed: Typed | None, refusals: list[Refusal], status: int = 200) -> Response:
    session, app = db.session(), found.row
    row = _report_of(found)
    spec = funds.spec_of(session, app.fund_version_id)
    lines = report_lines(session, app.id)
    conflict = any(r.kind is Kind.STALE for r in refusals)
    page = render_template(
        "pages/report/accounts.html",
        ref=found.ref,
        app=app,
        editable=State(app.state) is State.AWARDED,
        lines=[_line(line, typed, conflict) for line in lines],
        budgeted=sum(line.budgeted_cents for line in lines),
        claimed=sum(line.claimed_cents or 0 for line in lines),
        asks_co_financing=spec.co_financing is not None,
        co_financing=_shown(typed, "co_financing", row.co_financing_cents),
        results=row.results if typed is None else typed.get("results", ""),
        may_publish=row.may_publish if typed is None else typed.get("may_publish") == "yes",
        stored=row if conflict else None,
        explanation_over_bp=spec.settlement.explanation_over_bp,
        most_results=MOST_RESULTS,
        saved_at=app.changed_at.isoformat(),
        term=views.running_term(session, app),
        field_errors=by_field(refusals),
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)


def _line(line: ReportLine, typed: Typed | None, conflict: bool) -> dict[str, Any]:
    n = line.position
    stored = plain_euro(line.claimed_cents) if line.claimed_cents is not None else ""
    shown = _shown(typed, f"claimed-{n}", line.claimed_cents)
    explained = line.explanation if typed is None else typed.get(f"explanation-{n}", "")
    different = conflict and (shown, explained) != (stored, line.explanation)
    return {
        "row": line,
        "claimed": shown,
        "explanation": explained,
        "stored": " · ".join(part for part in (stored, line.explanation) if part) or "–" if different else None,
    }


def _shown(typed: Typed | None, name: str, cents: int | None) -> str:
    if typed is not None:
        return typed.get(name, "")
    return "" if cents is None else plain_euro(cents)


@bp.get("/aanvragen/<ref>/verantwoording/controle")
@access(case("application"))
def check_accounts(ref: str) -> Response:
    """Read the final accounts once more, see what they come to, and send them."""
    found = school_case()
    session, app = db.session(), found.row
    row = _report_of(found)
    offer = next((offer for offer in found.offers if offer.transition.name == "report"), None)
    if offer is None:
        return make_response(redirect(url_for("reporting.accounts", ref=ref), code=303))
    back = url_for("reporting.accounts", ref=ref, van="controle")
    reckoned = calculation(session, app, award=found.facts.award, paid=found.facts.paid)
    page = render_template(
        "pages/report/check.html",
        ref=ref,
        app=app,
        report=row,
        lines=report_lines(session, app.id),
        problems_found=[(r, f"{back}#{r.field}") for r in found.facts.report_problems],
        steps=[{"label": label, "cents": cents} for label, cents in reckoned.steps()],
        sending=offer.transition,
        seen=found.facts.version,
        request_key=new_key(),
    )
    return make_response(page)


# --- what finance intends ---------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/voornemen")
@access(case("application"))
def intention(ref: str) -> Response:
    """What finance means to determine, step by step, each cut with its reason; and the form to respond.

    Before an award: why the steering group means to reject.
    """
    found = school_case()
    session, app = db.session(), found.row
    sent = views.intended(session, app)
    if sent is None:
        return _rejection_intended(found)
    offer = next((offer for offer in found.offers if offer.transition.name == "respond"), None)
    form = ResponseForm()
    form.fresh(found.facts.version)
    page = render_template(
        "pages/report/intention.html",
        ref=ref,
        app=app,
        sent_at=sent[1],
        steps=[{"label": label, "cents": cents} for label, cents in sent[0].steps()],
        lines=report_lines(session, app.id),
        term=views.running_term(session, app),
        response=views.response(session, app),
        action=offer.transition if offer and not offer.refusals else None,
        form=form,
    )
    return make_response(page)


def _rejection_intended(found: Case) -> Response:
    session, app = db.session(), found.row
    row = views.intended_rejection(session, app)
    if row is None:
        raise Refused(missing())
    offer = next((offer for offer in found.offers if offer.transition.name == "respond_to_rejection"), None)
    form = ResponseForm()
    form.fresh(found.facts.version)
    page = render_template(
        "pages/report/rejection.html",
        ref=found.ref,
        app=app,
        sent_at=row.at,
        reasons=[REASONS[RejectionCode(code)].sentence for code in row.reasons],
        explanation=row.explanation,
        term=views.running_term(session, app),
        response=views.response(session, app),
        action=offer.transition if offer and not offer.refusals else None,
        form=form,
    )
    return make_response(page)


# --- changes ----------------------------------------------------------------------------------------------------------


@lands_on("change_request", "withdraw")
def _after_withdrawal(ref: str, _actor: Actor) -> str:
    return url_for("reporting.changes", ref=ref.rpartition("-W")[0])


@bp.get("/aanvragen/<ref>/wijziging")
@access(case("application"))
def changes(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Ask to shift money between two lines, and see what was asked before."""
    return _changes_page(school_case(), g.get("returned"), [])


@bp.post("/aanvragen/<ref>/wijziging")
@access(case("application"))
def ask_change(ref: str) -> Response:
    """Send the request; sending the form twice asks once."""
    found = school_case()
    typed = Typed(request.form)
    reader = Reader()
    cents = reader.amount(typed.get("amount", ""), "amount")
    explanation = reader.text(typed.get("explanation", ""), "explanation", most=2000)
    if reader.refusals:
        return _changes_page(found, typed, reader.refusals, 422)
    key = f"change:{signed_in().id}:{typed.get('request_key', '')[:60]}".replace("\x00", "")
    try:
        with unit_of_work(db.session(), wake):
            if short_lived.count(db.session(), key, now=request_now(), lasts=REMEMBERED) == 1:
                changing.request_shift(
                    db.session(),
                    ref,
                    source=_position(typed, "source"),
                    target=_position(typed, "target"),
                    cents=cents or 0,
                    explanation=explanation,
                    actor=signed_in(),
                    now=request_now(),
                )
    except Refused as error:
        if error.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
            raise
        return _changes_page(found, typed, list(error.refusals), 422)
    notify(
        Text(
            "Uw wijziging is ingestuurd. U krijgt bericht als de coördinator heeft gekeken.",
            "Your change was sent. You hear from us when the coordinator has looked at it.",
        )
    )
    return make_response(redirect(url_for("reporting.changes", ref=ref), code=303))


def _position(typed: Typed, name: str) -> int:
    given = typed.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 5 else 0


def _changes_page(found: Case, typed: Typed | None, refusals: list[Refusal], status: int = 200) -> Response:
    session, app = db.session(), found.row
    lines = report_lines(session, app.id)
    names = {line.position: line.description for line in lines}
    rows = []
    for row in views.changes(session, app):
        offers = offered(change.FLOW, change.Facts(row.state, row.version, found.facts.roles))
        shift = row.shift
        rows.append(
            {
                "row": row,
                "look": change.FLOW.look(row.state),
                "source": names.get(int(shift["from"]), "–"),
                "target": names.get(int(shift["to"]), "–"),
                "cents": int(shift["cents"]),
                "actions": [a for a in actions_of("change_request", row.ref, row.version, offers) if a.open],
            }
        )
    given: Mapping[str, str] = typed or {}
    page = render_template(
        "pages/report/changes.html",
        ref=found.ref,
        app=app,
        possible=State(app.state) is State.AWARDED and len(lines) > 1,
        choices=[("", Text("Kies een regel", "Choose a line"))]
        + [(str(line.position), same(f"{line.description} (€ {plain_euro(line.budgeted_cents)})")) for line in lines],
        given={name: given.get(name, "") for name in ("source", "target", "amount", "explanation")},
        rows=rows,
        request_key=given.get("request_key") or new_key(),
        field_errors=by_field(refusals),
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)
