"""The check before signing in: anonymous answers, judged by the round's own rules, and kept so that they can be redone.

Nothing about a person is stored: only the version of the rules, the answers as facts, and the outcomes. Who goes on to
apply takes the answers along; the draft then says where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from fundapp.domain.eligibility import Outcome, form_answers, precheck, precheck_facts
from fundapp.domain.fund import FundSpec
from fundapp.persistence.application import Application, EligibilityCheck
from fundapp.services import funds

MOMENT = "precheck"
"""What `EligibilityCheck.moment` says of these."""


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """What was answered: by rule code yes, no or None ("I do not know"); for which round, under which rules."""

    tranche: str
    fund_version_id: int
    answers: Mapping[str, bool | None]


def judge(
    session: Session,
    spec: FundSpec,
    fund_version_id: int,
    answers: Mapping[str, bool | None],
    *,
    now: datetime,
    application_id: int | None = None,
) -> list[Outcome]:
    """Judge the answers and keep the judgement; the caller commits.

    answers: by rule code; yes, no, or None for "I do not know". application_id: of the draft that they went into.
    """
    outcomes = precheck(spec.conditions, answers, moment=now)
    facts = precheck_facts(spec.conditions, answers).model_copy(update={"submitted_at": now})
    session.add(
        EligibilityCheck(
            application_id=application_id,
            fund_version_id=fund_version_id,
            moment=MOMENT,
            at=now,
            inputs=facts.model_dump(mode="json"),
            outcomes=[outcome.model_dump(mode="json") for outcome in outcomes],
        )
    )
    return outcomes


def carry(session: Session, app: Application, checked: CheckedAnswers, *, now: datetime) -> None:
    """Put what was answered in the check into a draft that begins, and keep that it came from there.

    An answer counts only while the round still asks the same question in the same words; another one is asked again.
    """
    spec = funds.spec_of(session, app.fund_version_id)
    asked = {q.code: q.question for q in spec.precheck}
    try:
        before = {q.code: q.question for q in funds.spec_of(session, checked.fund_version_id).precheck}
    except KeyError:  # rules that no longer exist
        return
    same = {code: answer for code, answer in checked.answers.items() if asked.get(code, 0) == before.get(code, 1)}
    if not any(answer is not None for answer in same.values()):
        return
    judge(session, spec, app.fund_version_id, same, now=now, application_id=app.id)
    declared = precheck_facts(spec.conditions, same).declared
    app.answers = {**app.answers, **form_answers(spec.conditions, declared)}
