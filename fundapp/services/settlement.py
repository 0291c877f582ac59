"""Final accounts and the final amount: what the flow's effects do when a school accounts and finance determines."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.settlement import AccountLine, Calculation, calculate
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Letter
from fundapp.persistence.settlement import Determination, FinalReport, IntentResponse, Recovery, ReportLine
from fundapp.services import funds, terms
from fundapp.services.act import Act, Follow
from fundapp.services.letters import released
from fundapp.services.payment_scheme import drop_instalments, plan_final_payment


def report_lines(session: Session, application_id: int) -> list[ReportLine]:
    """The lines of the final accounts, in order."""
    return list(
        session.scalars(
            select(ReportLine).where(ReportLine.application_id == application_id).order_by(ReportLine.position)
        )
    )


def account_lines(rows: list[ReportLine]) -> list[AccountLine]:
    """The lines as the domain reckons with them."""
    return [
        AccountLine(r.position, r.description, r.budgeted_cents, r.claimed_cents or 0, r.accepted_cents, r.reason)
        for r in rows
    ]


def accounts_of(session: Session, application_id: int) -> tuple[list[AccountLine], int | None]:
    """Return the lines as the domain reckons with them, and the co-financing that came in (cents). One statement."""
    found = session.execute(
        select(ReportLine, FinalReport.co_financing_cents)
        .join(FinalReport, FinalReport.application_id == ReportLine.application_id)
        .where(ReportLine.application_id == application_id)
        .order_by(ReportLine.position)
    ).all()
    return account_lines([line for line, _ in found]), found[0][1] if found else None


def calculation(session: Session, app: Application, *, award: int, paid: int) -> Calculation:
    """Reckon the final amount from the accounts as they are judged now (cents)."""
    return reckon(session, app, *accounts_of(session, app.id), award=award, paid=paid)


def reckon(
    session: Session, app: Application, lines: list[AccountLine], co_financing: int | None, *, award: int, paid: int
) -> Calculation:
    """Reckon the final amount from these lines (cents)."""
    rules = funds.spec_of(session, app.fund_version_id).settlement_rules
    return calculate(lines, rules=rules, award=award, paid=paid, co_financing_received=co_financing)


def report_problems(session: Session, app: Application) -> tuple[Refusal, ...]:
    """What is missing in the final accounts, each on its field."""
    report = session.get(FinalReport, app.id)
    found = [
        Refusal(
            "claim_missing",
            Text(
                "Vul bij “{line}” in wat u hebt uitgegeven. Niets uitgegeven? Vul 0 in.",
                "Enter what you spent on “{line}”. Nothing? Enter 0.",
            ).fill(line=row.description),
            field=f"claimed-{row.position}",
            kind=Kind.INVALID,
        )
        for row in report_lines(session, app.id)
        if row.claimed_cents is None
    ]
    if report is None or not report.results.strip():
        found.append(
            Refusal(
                "results_missing",
                Text("Schrijf op wat het project opleverde.", "Write what the project achieved."),
                field="results",
                kind=Kind.INVALID,
            )
        )
    return tuple(found)


# --- effects ----------------------------------------------------------------------------------------------------------


def receive_report(act: Act) -> None:
    """The accounts are in: their term ends, ours begins."""
    app: Application = act.row
    report = act.session.get_one(FinalReport, app.id)
    report.submitted_at = act.now
    report.submitted_by_id = act.person_id
    lines = report_lines(act.session, app.id)
    for line in lines:
        line.accepted_cents, line.reason = None, ""
    act.data["report"] = [[line.position, line.claimed_cents] for line in lines]
    terms.end_all(act.session, app.id, act.today, "report")
    spec = funds.spec_of(act.session, app.fund_version_id)
    term = terms.start(
        act.session, app.id, "determination", spec.terms.determination.rule(spec.legal_profile), act.today
    )
    act.context["due"] = term.due_on.isoformat()


def _record(act: Act, kind: str) -> Calculation:
    app: Application = act.row
    reckoned: Calculation = act.facts.calculation
    act.session.add(
        Determination(
            application_id=app.id,
            kind=kind,
            cents=reckoned.determined,
            calculation=reckoned.as_dict(),
            by_id=act.person_id,
            at=act.now,
        )
    )
    lines = account_lines(report_lines(act.session, app.id))
    act.data["determination"] = {"kind": kind, "cents": reckoned.determined, "cut": reckoned.cut}
    act.context |= {
        "amount": reckoned.determined,
        "balance": reckoned.balance,
        "steps": [[step.nl, step.en, cents] for step, cents in reckoned.steps()],
        "lines": [[line.description, line.budgeted, line.claimed, line.counts, line.reason] for line in lines],
        "cuts": [[line.description, line.cut, line.reason] for line in lines if line.cut],
    }
    return reckoned


def intend(act: Act) -> None:
    """Send what finance means to determine; the school has a term to respond (zienswijze)."""
    _record(act, "intended")
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    term = terms.start(act.session, app.id, "response", spec.terms.response.rule(spec.legal_profile), act.today)
    act.context["due"] = term.due_on.isoformat()


def record_response(act: Act) -> None:
    """Keep what the school says."""
    app: Application = act.row
    act.session.add(
        IntentResponse(application_id=app.id, text=act.text("explanation"), by_id=act.person_id, at=act.now)
    )
    terms.end_all(act.session, app.id, act.today, "response")


def determine(act: Act) -> None:
    """Fix the final amount: book it, and plan the final payment or claim back what was paid too much."""
    app: Application = act.row
    reckoned = _record(act, "final")
    act.book(
        ledger.determine(reckoned.determined, committed=act.facts.award - act.facts.paid, paid=act.facts.paid),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    terms.end_all(act.session, app.id, act.today)
    if reckoned.balance > 0:
        spec = funds.spec_of(act.session, app.fund_version_id)
        act.context["due"] = plan_final_payment(act, spec, reckoned.balance).isoformat()
        return
    drop_instalments(act)
    if reckoned.balance < 0:
        claim_back(act, -reckoned.balance)
    else:
        act.follow.append(Follow("application", app.ref, "settle"))


def claim_back(act: Act, cents: int) -> None:
    """Ask back what was paid too much: the claim, its letter and its term (Awb 4:57, 4:95)."""
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    term = terms.start(act.session, app.id, "recovery", spec.terms.recovery.rule(spec.legal_profile), act.today)
    recovery = Recovery(ref=f"TV-{app.ref}", application_id=app.id, cents=cents, due_on=term.due_on, created_at=act.now)
    act.session.add(recovery)
    act.data["recovery"] = {"ref": recovery.ref, "cents": cents}
    act.context |= {"recovery": cents, "recovery_ref": recovery.ref, "due": term.due_on.isoformat()}
    about = act.case_context or funds.case_context(act.session, app)
    context = about | funds.letter_words(act.session, app) | act.context
    letter = released(app.id, act.journal_id, "recovery", context, act.now)
    act.after_journal.append(lambda _journal_id: Letter(**letter))  # after the letter of the decision itself


def revoke_funds(act: Act) -> None:
    """Release what was promised; what was paid already is asked back (Awb 4:48, 4:57)."""
    app: Application = act.row
    committed = act.facts.award - act.facts.paid
    act.book(
        ledger.determine(0, committed=committed, paid=act.facts.paid),
        tranche_id=app.tranche_id,
        pot=funds.pot_of(act.session, app),
        application_id=app.id,
    )
    drop_instalments(act)
    if act.facts.paid:
        claim_back(act, act.facts.paid)


def still_paid_in_advance(balances: ledger.Balances) -> tuple[int, int]:
    """Return (award as it stands, paid in advance) of a case that is not determined, in cents."""
    paid = balances.get(Account.PAID, 0)
    return balances.get(Account.COMMITTED, 0) + balances.get(Account.IN_TRANSIT, 0) + paid, paid
