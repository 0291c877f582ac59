"""Intended rejections: what the school can respond to, and on which grounds it was heard."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.intention import Grounds
from fundapp.persistence.application import Application
from fundapp.services import funds, terms
from fundapp.services.act import Act
from fundapp.services.decision import record_decision

_GROUNDS = text("""
  SELECT (SELECT json_agg(o->>'rejection_reason') FROM jsonb_array_elements(c.outcomes) o
       WHERE o->>'verdict' = 'not_met') AS own,
    (SELECT reasons FROM decision WHERE application_id = :id AND kind = 'intend_reject' ORDER BY id DESC LIMIT 1)
    AS intended
  FROM (SELECT coalesce((SELECT outcomes FROM eligibility_check WHERE application_id = :id ORDER BY id DESC LIMIT 1),
    '[]') AS outcomes) c
""")


def grounds(session: Session, app: Application) -> Grounds:
    """What the school's own answers show by the conditions of the fund, and what it was heard on last."""
    row = session.execute(_GROUNDS, {"id": app.id}).one()
    return Grounds(frozenset(row.own or ()), frozenset(row.intended or ()))


# --- effects ----------------------------------------------------------------------------------------------------------


def intend(act: Act) -> None:
    """Keep the grounds as a decision is kept; the school has a term to respond (zienswijze, Awb 4:7)."""
    record_decision(act)
    terms.finish(act, "response")
    spec = funds.spec_of(act.session, act.row.fund_version_id)
    term = terms.begin(act, "response", spec.terms.response.rule(spec.legal_profile), act.today)
    act.context["due"] = term.due_on.isoformat()


def end_response(act: Act) -> None:
    """Nothing is intended any more."""
    terms.finish(act, "response")
