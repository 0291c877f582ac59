"""What a founded objection does to the application: awarded, restored, considered or determined after all.

These acts follow the decision on the objection in the same transaction; the money that was set apart is free again by
then, and the tranche is still locked. Amounts in cents.
"""

from __future__ import annotations

from typing import Any

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.settlement import Determination
from fundapp.services import ceilings, decision, funds, recovery, terms
from fundapp.services.act import Act
from fundapp.services.ledger import case_balances
from fundapp.services.payment_scheme import plan_final_payment, replan_instalments, resume_instalments


def _amount(act: Act) -> int:
    return int(act.given["amount_cents"])


def _book(act: Act, postings: list[ledger.Posting], needed: int) -> None:
    """Book it; where others took the money under a ceiling that was cut since, the ceiling gives way (Awb 4:25, 4:27).

    needed: what it takes from the free money.
    """
    app: Application = act.row
    if needed > 0:
        ceilings.give_way(act, app, act.file.pot, needed)
    act.book(postings, tranche_id=app.tranche_id, pot=act.file.pot, application_id=app.id)


def _told(act: Act, **more: Any) -> None:
    act.data["remedy"] = {"decision": act.given["decision_id"], **more}


def award(act: Act) -> None:
    """It was rejected, and is awarded after all."""
    amount = _amount(act)
    _book(act, ledger.award(amount), amount)
    act.file.decision_id = int(act.given["decision_id"])
    decision.freeze_award(act)
    _told(act, amount_cents=amount)


def raise_award(act: Act) -> None:
    """It was awarded, for less than it should have been."""
    app: Application = act.row
    kept = act.session.get_one(Award, app.id)
    amount = _amount(act)
    more = amount - kept.cents
    _book(act, ledger.award(more), more)
    act.rows.change(Award, app.id, cents=amount, decision_id=int(act.given["decision_id"]))
    if more:
        replan_instalments(act, app.id, amount)
    _told(act, amount_cents=amount, old_cents=amount - more)


def restore(act: Act) -> None:
    """It was revoked, and holds after all: what was asked back is not, what was released is promised anew."""
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    amount = _amount(act)
    asked_back = case_balances(act.session, app.id).get(Account.RECEIVABLE, 0)
    kept = min(amount, asked_back)
    _book(act, ledger.restore(amount, receivable=asked_back), amount - kept)
    act.rows.change(Award, app.id, cents=amount, decision_id=int(act.given["decision_id"]))
    recovery.became_less(act, app, asked_back - kept)
    resume_instalments(act, spec, amount, paid=kept)
    if app.ends_on is not None:
        terms.begin(act, "report", spec.terms.report.rule(spec.legal_profile), max(app.ends_on, act.today))
    _told(act, amount_cents=amount, no_longer_asked_back=kept)


def consider(act: Act) -> None:
    """It was not considered, and is after all; the term to decide begins today."""
    app: Application = act.row
    spec = funds.spec_of(act.session, app.fund_version_id)
    term = terms.begin(act, "decision", spec.terms.decision.rule(spec.legal_profile), act.today)
    act.change(decision_due_on=term.due_on)
    _told(act)


def determine(act: Act) -> None:
    """The final amount is higher after all: first what is asked back becomes less, then the rest is paid."""
    app: Application = act.row
    old = act.session.get_one(Determination, int(act.given["determination_id"]))
    amount = _amount(act)
    more = amount - old.cents
    balances = case_balances(act.session, app.id)
    asked_back = balances.get(Account.RECEIVABLE, 0)
    kept = min(more, asked_back)
    _book(act, ledger.determine_more(more, receivable=asked_back), more - kept)
    balance = int(old.calculation["balance"]) + more
    act.session.add(
        Determination(
            application_id=app.id,
            kind="final",
            cents=amount,
            calculation=old.calculation | {"determined": amount, "balance": balance, "limited_by": "remedy"},
            by_id=int(act.given["by_id"]),
            at=act.now,
            replaces_id=old.id,
        )
    )
    _told(act, amount_cents=amount, old_cents=old.cents)
    payable = balances.get(Account.PAYABLE, 0) + more - kept
    if payable:
        plan_final_payment(act, funds.spec_of(act.session, app.fund_version_id), payable)
    recovery.became_less(act, app, asked_back - kept)
