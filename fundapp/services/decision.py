"""Advice, decisions and awards: what the flow's effects do when the panel advises and the steering group decides."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, BudgetLine, Contribution, Submission
from fundapp.persistence.decision import Award, Decision
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.register import School, SchoolBoard
from fundapp.persistence.review import Advice
from fundapp.persistence.settlement import FinalReport, ReportContribution, ReportLine
from fundapp.services import ceilings, funds, terms
from fundapp.services.act import Act
from fundapp.services.letters import letter_row
from fundapp.services.payment_scheme import plan_instalments

KIND_OF = {"award": "award", "reject": "reject", "not_consider": "not_consider", "revoke": "revoke"}
"""Transition → kind of decision."""


def newest_advice(session: Session, application_id: int) -> Advice | None:
    """The advice that counts, or None."""
    return session.scalar(
        select(Advice).where(Advice.application_id == application_id).order_by(Advice.id.desc()).limit(1)
    )


_DECLARED = text("""
  SELECT interested FROM interest_declaration WHERE application_id = :application AND person_id = :person
  ORDER BY id DESC LIMIT 1
""")


def declared_interest(session: Session, application_id: int, person_id: int | None) -> bool | None:
    """What this person declared last about this application: an interest, or none; None: nothing."""
    values = {"application": application_id, "person": person_id}
    return cast("bool | None", session.execute(_DECLARED, values).scalar())


def confirmed_account(session: Session, board_number: str) -> BankAccount | None:
    """The account that a board is paid on: the newest that two people confirmed."""
    return session.scalar(
        select(BankAccount)
        .where(BankAccount.board_number == board_number, BankAccount.confirmed_at.is_not(None))
        .order_by(BankAccount.id.desc())
        .limit(1)
    )


def weighted_score(scores: dict[str, int], weights: dict[str, int]) -> Decimal | None:
    """Return the weighted mean of the scores given (1–5), or None when a criterion has none. Weights sum to 100."""
    if not weights or set(scores) < set(weights):
        return None
    total = Decimal(sum(scores[key] * weight for key, weight in weights.items()))
    return (total / sum(weights.values())).quantize(Decimal("0.01"))


# --- effects ----------------------------------------------------------------------------------------------------------


def record_advice(act: Act) -> None:
    """Keep the advice, bound to the version that was read."""
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    outcome = "award" if act.given.get("outcome") == "award" else "reject"
    amount = int(act.given.get("amount_cents") or 0) if outcome == "award" else 0
    if outcome == "award" and not 0 < amount <= act.facts.grantable:
        raise Refused(
            Refusal(
                "advised_amount",
                Text(
                    "Vul een bedrag in dat past bij de aanvraag en de regels van het fonds.",
                    "Enter an amount that fits the application and the rules of the fund.",
                ),
                field="amount",
            )
        )
    scores = {key: int(value) for key, value in dict(act.given.get("scores") or {}).items()}
    score = weighted_score(scores, {c.code: c.weight for c in spec.criteria})
    number = act.session.scalar(select(func.max(Submission.number)).where(Submission.application_id == app.id))
    act.session.add(
        Advice(
            application_id=app.id,
            submission_number=number or 1,
            adviser_id=act.person_id,
            outcome=outcome,
            amount_cents=amount,
            scores=scores,
            score=score,
            reasons=list(act.given.get("reasons") or []),
            explanation=act.text("explanation"),
            at=act.now,
        )
    )
    app.score = score
    act.data["advice"] = {"outcome": outcome, "amount_cents": amount}


def record_decision(act: Act) -> None:
    """Keep the decision; the database refuses one by the adviser."""
    app: Application = act.row
    kind = KIND_OF[act.transition.name]
    advice = newest_advice(act.session, app.id) if kind in ("award", "reject") else None
    amount = int(act.given.get("amount_cents") or 0) if kind == "award" else 0
    reasons = list(act.given.get("reasons") or [])
    decision = Decision(
        application_id=app.id,
        kind=kind,
        decided_by_id=act.person_id,
        advice_id=advice.id if advice else None,
        advised_by_id=advice.adviser_id if advice else None,
        amount_cents=amount,
        reasons=reasons,
        conditions=act.text("conditions"),
        explanation=act.text("explanation"),
        at=act.now,
    )
    act.session.add(decision)
    act.session.flush()
    act.data["decision"] = {"id": decision.id, "kind": kind, "amount_cents": amount, "reasons": reasons}
    act.context |= {
        "amount": amount,
        "reasons": funds.reason_texts(reasons),
        "explanation": act.text("explanation"),
        "conditions": act.text("conditions"),
    }


def commit_funds(act: Act) -> None:
    """Promise the money: the database refuses what is not there. A later cut gives way to an earlier application."""
    app: Application = act.row
    amount = int(act.given["amount_cents"])
    pot = funds.pot_of(act.session, app)
    if amount > act.facts.free_now:
        ceilings.give_way(act, app, pot, amount)
    act.book(ledger.award(amount), tranche_id=app.tranche_id, pot=pot, application_id=app.id)


def freeze_award(act: Act) -> None:
    """Keep name, board and account as they are today; plan the payments; prepare the final accounts; start their term.

    School data change under running cases (domain.md section 3), so the award has its own copy.
    """
    app: Application = act.row
    session = act.session
    spec = funds.spec_of(session, app.fund_version_id)
    amount = int(act.given["amount_cents"])
    account = confirmed_account(session, app.board_number)
    school, board = session.execute(
        select(School, SchoolBoard)
        .join(SchoolBoard, SchoolBoard.number == School.board_number)
        .where(School.code == app.school_code)
    ).one()
    assert account is not None, "a guard asked it"
    decision_id = act.data["decision"]["id"]
    session.add(
        Award(
            application_id=app.id,
            decision_id=decision_id,
            cents=amount,
            awarded_at=act.now,
            school_name=school.name,
            board_number=app.board_number,
            board_name=board.name or account.holder,
            iban=account.iban,
            account_holder=account.holder,
            starts_on=app.starts_on,
            ends_on=app.ends_on,
        )
    )
    terms.end_all(session, app.id, act.today)
    plan_instalments(act, spec, amount)
    _prepare_report(session, app)
    app.decision_due_on = None
    if app.ends_on is not None and spec.accounts_asked().anything:
        terms.start(session, app.id, "report", spec.terms.report.rule(spec.legal_profile), max(app.ends_on, act.today))
    act.context["report_ends_on"] = app.ends_on.isoformat() if app.ends_on else None


def _prepare_report(session: Session, app: Application) -> None:
    """The final accounts start with the budget and the promised co-financing; nothing spent or received yet."""
    session.add(FinalReport(application_id=app.id))
    lines = session.scalars(select(BudgetLine).where(BudgetLine.application_id == app.id).order_by(BudgetLine.position))
    session.add_all(
        ReportLine(
            application_id=app.id,
            position=line.position,
            description=line.description,
            category=line.category,
            budgeted_cents=line.cents,
        )
        for line in lines
    )
    promised = session.scalars(
        select(Contribution).where(Contribution.application_id == app.id).order_by(Contribution.position)
    )
    session.add_all(
        ReportContribution(
            application_id=app.id,
            position=one.position,
            party=one.party,
            party_kind=one.party_kind,
            in_kind=one.in_kind,
            promised_hours=one.hours,
            promised_cents=one.cents,
        )
        for one in promised
    )


LETTER_OF: dict[str, str] = {
    "award": "award",
    "reject": "rejection",
    "not_consider": "not_considered",
    "intend_determination": "determination_intended",
    "determine": "determination",
    "set_last_term": "report_last_term",
    "revoke": "revocation",
}
"""Transition → letter."""


def write_letter(act: Act) -> None:
    """Put the letter in the portal, with its facts frozen; the worker makes the PDF."""
    session: Session = act.session
    app: Application = act.row
    act.case_context = funds.case_context(session, app)
    context = act.case_context | funds.letter_words(session, app) | act.context
    template = LETTER_OF[act.transition.name]
    act.after_journal.append(lambda journal_id: letter_row(app.id, journal_id, template, context, act.now))
