"""Advice, decisions and awards: what the flow's effects do when the panel advises and the steering group decides."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Submission
from fundapp.persistence.decision import Award, Decision, Letter
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.review import Advice
from fundapp.persistence.settlement import FinalReport, ReportContribution, ReportLine
from fundapp.services import ceilings, funds, terms, waitlist
from fundapp.services.act import Act
from fundapp.services.letters import released
from fundapp.services.payment_scheme import plan_instalments
from fundapp.services.scoring import standings

KIND_OF = {
    "award": "award",
    "intend_rejection": "intend_reject",
    "reject": "reject",
    "not_consider": "not_consider",
    "miss_signature": "not_consider",
    "revoke": "revoke",
}
"""Transition → kind of decision."""


_ON_ADVICE = frozenset({"award", "intend_reject", "reject"})

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
    if score is None:  # the panel did not score together: then what its readers gave, each alone
        score = standings(act.session, [app.id])[app.id].mean
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
            conditions=act.text("conditions"),
            at=act.now,
        )
    )
    app.score = score
    act.data["advice"] = {"outcome": outcome, "amount_cents": amount}


def record_decision(act: Act) -> None:
    """Keep the decision; the database refuses one by the adviser."""
    app: Application = act.row
    kind = KIND_OF[act.transition.name]
    advice_id, adviser_id = (act.file.advice or (None, None)) if kind in _ON_ADVICE else (None, None)
    amount = int(act.given.get("amount_cents") or 0) if kind == "award" else 0
    reasons = list(act.given.get("reasons") or [])
    act.rows.add(
        Decision,
        id=act.file.decision_id,
        application_id=app.id,
        kind=kind,
        decided_by_id=act.actor.id,
        advice_id=advice_id,
        advised_by_id=adviser_id,
        amount_cents=amount,
        reasons=reasons,
        conditions=act.text("conditions"),
        explanation=act.text("explanation"),
        at=act.now,
    )
    act.data["decision"] = {"id": act.file.decision_id, "kind": kind, "amount_cents": amount, "reasons": reasons}
    act.context |= {
        "amount": amount,
        "reasons": funds.reason_texts(reasons, funds.spec_of(act.session, app.fund_version_id), act.file.unmet),
        "explanation": act.text("explanation"),
        "conditions": act.text("conditions"),
    }


def commit_funds(act: Act) -> None:
    """Promise the money: the database refuses what is not there. A later cut gives way to an earlier application."""
    app: Application = act.row
    amount = int(act.given["amount_cents"])
    if act.facts.offered:
        waitlist.free_what_is_held(act)
    if amount > act.facts.free_now:
        ceilings.give_way(act, app, act.file.pot, amount - act.facts.offered)
    act.book(ledger.award(amount), tranche_id=app.tranche_id, pot=act.file.pot, application_id=app.id)


def freeze_award(act: Act) -> None:
    """Keep name, board and account as they are today; plan the payments; prepare the final accounts; start their term.

    School data change under running cases (domain.md section 3), so the award has its own copy.
    """
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    amount = int(act.given["amount_cents"])
    assert act.file.account is not None, "a guard asked it"
    iban, holder = act.file.account
    act.rows.add(
        Award,
        application_id=app.id,
        decision_id=act.file.decision_id,
        cents=amount,
        awarded_at=act.now,
        school_name=act.file.school,
        board_number=app.board_number,
        board_name=act.file.board or holder,
        iban=iban,
        account_holder=holder,
        starts_on=app.starts_on,
        ends_on=app.ends_on,
    )
    terms.finish(act)
    plan_instalments(act, spec, amount)
    _prepare_report(act)
    act.change(decision_due_on=None)
    if app.ends_on is not None and spec.accounts_asked().anything:
        terms.begin(act, "report", spec.terms.report.rule(spec.legal_profile), max(app.ends_on, act.today))
    act.context["report_ends_on"] = app.ends_on.isoformat() if app.ends_on else None


def _prepare_report(act: Act) -> None:
    """The final accounts start with the budget and the promised co-financing; nothing spent or received yet."""
    act.rows.add(FinalReport, application_id=act.row.id)
    for line in act.file.budget:
        act.rows.add(
            ReportLine,
            application_id=act.row.id,
            position=line.position,
            description=line.description,
            category=line.category,
            agreed_cents=line.cents,
            budgeted_cents=line.cents,
        )
    for one in act.file.promised:
        act.rows.add(
            ReportContribution,
            application_id=act.row.id,
            position=one.position,
            party=one.party,
            party_kind=one.party_kind,
            in_kind=one.in_kind,
            promised_hours=one.hours,
            promised_cents=one.cents,
        )


LETTER_OF: dict[str, str] = {
    "award": "award",
    "intend_rejection": "rejection_intended",
    "reject": "rejection",
    "not_consider": "not_considered",
    "miss_signature": "not_considered",
    "intend_determination": "determination_intended",
    "determine": "determination",
    "set_last_term": "report_last_term",
    "revoke": "revocation",
    "extend_term": "extension",
    "tell_delay": "delay",
    "tell_late_amount": "delay",
}
"""Transition → letter."""


def write_letter(act: Act) -> None:
    """Put the letter in the portal, with its facts frozen; the worker makes the PDF."""
    app: Application = act.row
    context = (act.case_context or {}) | funds.letter_words(act.session, app) | act.context
    act.rows.add(Letter, **released(app.id, act.journal_id, LETTER_OF[act.transition.name], context, act.now))
