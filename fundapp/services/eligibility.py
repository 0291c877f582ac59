"""Judgements of the conditions, done again: the rules of then, the inputs of then, and the outcome that must follow."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.eligibility import Outcome, evaluate
from fundapp.domain.facts import Facts
from fundapp.persistence.application import EligibilityCheck
from fundapp.services import funds
from fundapp.services.journal import Breach


def replay(session: Session, check: EligibilityCheck) -> list[Outcome]:
    """Judge the stored inputs by the version of the rules that was stored with them."""
    rules = funds.spec_of(session, check.fund_version_id).conditions
    facts = Facts.model_validate_json(json.dumps(check.inputs))
    kept = {outcome["code"] for outcome in check.outcomes}
    return [outcome for outcome in evaluate(rules, facts, moment=check.at) if outcome.code in kept]


def verify(session: Session) -> Breach | None:
    """Judge everything that was ever judged once more; return the first that comes out otherwise, or None.

    Sentences are not compared: the product may say the same more clearly later on.
    """
    query = select(EligibilityCheck).order_by(EligibilityCheck.id).execution_options(yield_per=500)
    with session.scalars(query) as checks:
        return next((breach for check in checks if (breach := _breach(session, check)) is not None), None)


def _breach(session: Session, check: EligibilityCheck) -> Breach | None:
    again = {outcome.code: outcome.judgement for outcome in replay(session, check)}
    for stored in (Outcome.model_validate_json(json.dumps(one)) for one in check.outcomes):
        now = again.get(stored.code)
        if now != stored.judgement:
            verdict = now["verdict"] if now else "nothing"
            what = f"condition {stored.code} now says {verdict}, then {stored.verdict}"
            return Breach(where=f"judgement {check.id} ({check.moment}, {check.at.isoformat()})", what=what)
    return None
