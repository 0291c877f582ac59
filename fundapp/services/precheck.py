"""The check before signing in: anonymous answers, judged by the round's own rules, and kept so that they can be redone.

Nothing about a person is stored: only the version of the rules, the answers as facts, and the outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from fundapp.domain.eligibility import Outcome, precheck, precheck_facts
from fundapp.domain.fund import FundSpec
from fundapp.persistence.application import EligibilityCheck

MOMENT = "precheck"
"""What `EligibilityCheck.moment` says of these."""


def judge(
    session: Session, spec: FundSpec, fund_version_id: int, answers: Mapping[str, bool | None], *, now: datetime
) -> list[Outcome]:
    """Judge the answers and keep the judgement; the caller commits.

    answers: by rule code; yes, no, or None for "I do not know".
    """
    outcomes = precheck(spec.conditions, answers, moment=now)
    facts = precheck_facts(spec.conditions, answers).model_copy(update={"submitted_at": now})
    session.add(
        EligibilityCheck(
            application_id=None,
            fund_version_id=fund_version_id,
            moment=MOMENT,
            at=now,
            inputs=facts.model_dump(mode="json"),
            outcomes=[outcome.model_dump(mode="json") for outcome in outcomes],
        )
    )
    return outcomes
