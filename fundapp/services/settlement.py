"""Final accounts and the final amount: what the flow's effects do when a school accounts and finance determines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.accounts import parts_of_a_fixed_amount
from fundapp.domain.application import State
from fundapp.domain.fund import FundSpec
from fundapp.domain.ledger import Account
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import Calculation
from fundapp.persistence.application import Application
from fundapp.persistence.settlement import Determination, FinalReport, IntentResponse, LineMove, ReportLine
from fundapp.services import funds, recovery, report_reading, terms
from fundapp.services.act import Act, Follow
from fundapp.services.payment_scheme import drop_instalments, plan_final_payment

UNACCOUNTED = "Niet verantwoord."
"""Why a line does not count when the school sent nothing, until finance knows better."""


_OWN = "Uw school"
"""What a letter calls the school's own share, which needs no name on the page."""


def report_lines(session: Session, application_id: int) -> list[ReportLine]:
    """The lines of the final accounts, in order."""
    return list(
        session.scalars(
            select(ReportLine).where(ReportLine.application_id == application_id).order_by(ReportLine.position)
        )
    )


def project_facts(session: Session, app: Application, balances: ledger.Balances) -> dict[str, Any]:
    """What the guards ask of a case that was awarded: its money, its final accounts and what these come to."""
    paid = balances.get(Account.PAID, 0)
    held = balances.get(Account.COMMITTED, 0) + balances.get(Account.IN_TRANSIT, 0) + paid
    report = report_reading.picture(session, app)
    lowered = report.award if report is not None else None
    judged = report is not None and app.state in (State.REPORTED, State.DETERMINATION_INTENDED)
    return {
        "ends_on": app.ends_on,
        "held": held,
        "award": held if lowered is None else min(held, lowered),
        "paid": paid,
        "in_transit": balances.get(Account.IN_TRANSIT, 0),
        "receivable": balances.get(Account.RECEIVABLE, 0),
        "outstanding": ledger.outstanding(balances),
        "report": report,
        "calculation": report.calculation(held=held, paid=paid) if report is not None and judged else None,
        "profile": funds.spec_of(session, app.fund_version_id).legal_profile,
    }


def _spec(act: Act) -> FundSpec:
    app: Application = act.row
    return funds.spec_of(act.session, app.fund_version_id)


def _picture(act: Act) -> ReportPicture:
    report: ReportPicture = act.facts.report
    return report


# --- accounting -------------------------------------------------------------------------------------------------------


def ask_report(act: Act) -> None:
    """Ask a school with a fixed amount to show what it did; its term to do so starts."""
    app: Application = act.row
    act.session.get_one(FinalReport, app.id).asked_at = act.now
    spec = _spec(act)
    started = max(act.today, app.ends_on) if app.ends_on else act.today
    term = terms.start(act.session, app.id, "report", spec.terms.report.rule(spec.legal_profile), started)
    act.context["due"] = term.due_on.isoformat()


def set_last_term(act: Act) -> None:
    """Nothing came in time: the term to account runs once more, for the last time (Awb 4:44, third paragraph)."""
    act.session.get_one(FinalReport, act.row.id).last_term = True
    act.context |= {"due": _account_again(act), "was_due": _picture(act).terms["report"].isoformat()}


def _account_again(act: Act) -> str:
    """Give the school the fund's last term from today; return its last day."""
    spec = _spec(act)
    rule = (spec.terms.last_report or spec.terms.completion).rule(spec.legal_profile)
    terms.end_all(act.session, act.row.id, act.today, "report")
    return terms.start(act.session, act.row.id, "report", rule, act.today).due_on.isoformat()


def receive_report(act: Act) -> None:
    """The accounts are in: their term ends, ours begins."""
    app: Application = act.row
    report = act.session.get_one(FinalReport, app.id)
    report.submitted_at = act.now
    report.submitted_by_id = act.person_id
    report.ex_officio = False
    act.data["report"] = _picture(act).as_sent()
    _not_judged(act)
    if not _picture(act).asked.costs:
        _claim_the_fixed_amount(act)
    _our_turn(act)


def begin_ex_officio(act: Act) -> None:
    """Nothing came: finance judges what it knows (Awb 4:44, fourth paragraph).

    Of a fixed amount everything counts until finance says what was not done; of cost nothing, until it knows better.
    """
    app: Application = act.row
    act.session.get_one(FinalReport, app.id).ex_officio = True
    _not_judged(act)
    if _picture(act).asked.costs:
        for line in report_lines(act.session, app.id):
            line.claimed_cents = line.budgeted_cents
            if line.claimed_cents:
                line.accepted_cents, line.reason = 0, UNACCOUNTED
    else:
        _claim_the_fixed_amount(act)
    _our_turn(act)


def _claim_the_fixed_amount(act: Act) -> None:
    lines = report_lines(act.session, act.row.id)
    parts = parts_of_a_fixed_amount([line.budgeted_cents for line in lines], act.facts.award)
    for line, part in zip(lines, parts, strict=True):
        line.claimed_cents = part


def _not_judged(act: Act) -> None:
    """What finance made of earlier accounts no longer counts; the journal keeps it."""
    for line in report_lines(act.session, act.row.id):
        line.accepted_cents, line.reason, line.moved_cents = None, "", 0
    act.session.execute(delete(LineMove).where(LineMove.application_id == act.row.id))


def _our_turn(act: Act) -> None:
    app: Application = act.row
    terms.end_all(act.session, app.id, act.today, "report")
    spec = _spec(act)
    rule = spec.terms.determination.rule(spec.legal_profile)
    term = terms.start(act.session, app.id, "determination", rule, act.today)
    act.context["due"] = term.due_on.isoformat()


def return_report(act: Act) -> None:
    """The school's turn again: our term ends, and it gets time to send better accounts (or, late, its first ones)."""
    app: Application = act.row
    report = act.session.get_one(FinalReport, app.id)
    if report.ex_officio:
        report.ex_officio = False
        values = {"claimed_cents": None, "accepted_cents": None, "reason": ""}
        act.session.execute(update(ReportLine).where(ReportLine.application_id == app.id).values(**values))
    report.last_term = False
    terms.end_all(act.session, app.id, act.today, "determination", "response")
    act.context["due"] = _account_again(act)


# --- determining ------------------------------------------------------------------------------------------------------


def _record(act: Act, kind: str) -> Calculation:
    app: Application = act.row
    reckoned: Calculation = act.facts.calculation
    report = _picture(act)
    act.session.add(
        Determination(
            application_id=app.id,
            kind=kind,
            cents=reckoned.determined,
            calculation=reckoned.as_dict(),
            ex_officio=report.ex_officio,
            by_id=act.person_id,
            at=act.now,
        )
    )
    act.data["determination"] = {
        "kind": kind,
        "cents": reckoned.determined,
        "cut": reckoned.cut,
        "ex_officio": report.ex_officio,
    }
    act.context |= _told(report, reckoned)
    return reckoned


def _told(report: ReportPicture, reckoned: Calculation) -> dict[str, Any]:
    """What mails and letters may say of a calculation: plain data, amounts in cents."""
    names = {line.position: line.description for line in report.lines}
    left_out = [
        [line.description, line.by_rule, why.nl]
        for line in report.account_lines
        if (why := line.rule_reason) is not None
    ]
    return {
        "amount": reckoned.determined,
        "balance": reckoned.balance,
        "short": reckoned.co_financing_short,
        "fixed": reckoned.fixed,
        "ex_officio": report.ex_officio,
        "steps": [[step.nl, step.en, cents] for step, cents in reckoned.steps()],
        "lines": [[li.description, li.budgeted, li.base, li.counts, li.reason] for li in report.account_lines],
        "cuts": [[li.description, li.cut, li.reason] for li in report.account_lines if li.cut],
        "left_out": left_out,
        "moves": [[names[m.source], names[m.target], m.cents, m.reason] for m in report.moves],
        "received": []
        if report.received is None
        else [[one.party or _OWN, one.promised, one.received or 0] for one in report.contributions],
    }


def intend(act: Act) -> None:
    """Send what finance means to determine; the school has a term to respond (zienswijze)."""
    _record(act, "intended")
    app: Application = act.row
    spec = _spec(act)
    term = terms.start(act.session, app.id, "response", spec.terms.response.rule(spec.legal_profile), act.today)
    act.context["due"] = term.due_on.isoformat()


def record_response(act: Act) -> None:
    """Keep what the school says of what was intended last."""
    rounds = sum(term.name == "response" for term in act.file.terms)
    act.rows.add(
        IntentResponse,
        application_id=act.row.id,
        round=rounds,
        text=act.text("explanation"),
        by_id=act.person_id,
        at=act.now,
    )
    terms.finish(act, "response")


def determine(act: Act) -> None:
    """Fix the final amount: book it, and plan the final payment or claim back what was paid too much."""
    app: Application = act.row
    reckoned = _record(act, "final")
    act.book(
        ledger.determine(reckoned.determined, committed=act.facts.held - act.facts.paid, paid=act.facts.paid),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    terms.end_all(act.session, app.id, act.today)
    if reckoned.balance > 0:
        act.context["due"] = plan_final_payment(act, _spec(act), reckoned.balance).isoformat()
        return
    drop_instalments(act)
    if reckoned.balance < 0:
        recovery.open_claim(act, app, -reckoned.balance)
    else:
        act.follow.append(Follow("application", app.ref, "settle"))


def revoke_funds(act: Act) -> None:
    """Release what was promised; what was paid already is asked back (Awb 4:48, 4:57)."""
    app: Application = act.row
    act.book(
        ledger.determine(0, committed=act.facts.held - act.facts.paid, paid=act.facts.paid),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    drop_instalments(act)
    if act.facts.paid:
        recovery.open_claim(act, app, act.facts.paid)
    else:
        act.context |= {"recovery": 0, "recovery_small": False}
