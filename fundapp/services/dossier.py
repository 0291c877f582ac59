"""All that the effects of an act on an application need, read in one statement before anything is locked."""

# ruff: noqa: S608  (the pieces of these statements are constants of the product)
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import DateTime, TextualSelect, text
from sqlalchemy.orm import Session

from fundapp.domain.people import Role
from fundapp.persistence.application import Term
from fundapp.persistence.decision import Decision
from fundapp.persistence.journal import Journal
from fundapp.persistence.rows import drawn
from fundapp.services.holders import Holder, by_role, who


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One line of the budget. Amount in cents."""

    position: int
    category: str
    description: str
    cents: int


@dataclass(frozen=True, slots=True)
class PromisedShare:
    """What somebody said to pay with: hours where it is work, and what that is worth (cents)."""

    position: int
    party: str
    party_kind: str
    in_kind: bool
    hours: int | None
    cents: int


@dataclass(slots=True)
class Dossier:
    """What is stored around an application. Terms are in no session: `terms` keeps what an act changes in them.

    pot: what an award also touches: the sub-region where that has a sub-ceiling, else "". advice: the newest one (id,
    adviser). unmet: the codes of the conditions that were not met when they were judged last. account: where the board
    is paid (IBAN, holder): the newest that two people confirmed. decision_id and journal_id: drawn for the act.
    holders: who must hear of it, by role.
    """

    school: str
    board: str
    tranche_ref: str
    tranche: str
    closes_at: datetime
    pot: str
    advice: tuple[int, int] | None
    account: tuple[str, str] | None
    budget: tuple[BudgetRow, ...]
    promised: tuple[PromisedShare, ...]
    unmet: tuple[str, ...]
    terms: list[Term]
    decision_id: int
    journal_id: int
    holders: dict[Role, list[Holder]]


_DOSSIER = f"""
  SELECT a.id, s.name AS school, coalesce(b.name, '') AS board, t.ref, t.name AS tranche, t.closes_at,
    CASE WHEN jsonb_exists(t.spec->'sub_ceilings_cents', a.sub_region) THEN a.sub_region ELSE '' END AS pot,
    (SELECT json_build_array(id, adviser_id) FROM advice
       WHERE application_id = a.id ORDER BY id DESC LIMIT 1) AS advice,
    (SELECT json_build_array(iban, holder) FROM bank_account WHERE board_number = a.board_number
       AND confirmed_at IS NOT NULL ORDER BY id DESC LIMIT 1) AS account,
    (SELECT json_agg(json_build_array(position, category, description, quantity * unit_cents) ORDER BY position)
       FROM budget_line WHERE application_id = a.id) AS budget,
    (SELECT json_agg(json_build_array(position, party, party_kind, in_kind, hours, cents) ORDER BY position)
       FROM contribution WHERE application_id = a.id) AS promised,
    (SELECT json_agg(json_build_object('id', id, 'name', name, 'round', round, 'started_on', started_on, 'rule', rule,
       'pauses', pauses, 'due_on', due_on, 'ended_on', ended_on) ORDER BY round, id)
       FROM term WHERE application_id = a.id) AS terms,
    (SELECT jsonb_path_query_array(outcomes, '$[*] ? (@.verdict == "not_met").code') FROM eligibility_check
       WHERE application_id = a.id ORDER BY id DESC LIMIT 1) AS unmet,
    {drawn(Decision)} AS decision_id, {drawn(Journal)} AS journal_id,
    (SELECT json_agg(json_build_array(w.id, w.email, w.name, w.language, w.role) ORDER BY w.id)
       FROM ({{who}}) w (id, email, name, language, role)) AS who
  FROM application a
  JOIN tranche t ON t.id = a.tranche_id
  JOIN school s ON s.code = a.school_code
  JOIN school_board b ON b.number = a.board_number
  CROSS JOIN LATERAL (
    SELECT a.fund_key AS fund, a.sub_region, a.board_number AS board, a.school_code AS school,
      a.boards || a.board_number AS boards) place
  WHERE a.id {{wanted}}
"""


@cache
def _statement(roles: frozenset[Role], wanted: str) -> TextualSelect:
    filled = text(_DOSSIER.format(who=who(roles), wanted=wanted))
    return filled.columns(closes_at=DateTime(timezone=True))


def read(session: Session, application_id: int, roles: frozenset[Role]) -> Dossier:
    """Return the dossier of an application. roles: whose holders must hear of the act."""
    row = session.execute(_statement(roles, "= :id"), {"id": application_id}).one()
    return _dossier(row, roles)


def read_many(session: Session, application_ids: Iterable[int], roles: frozenset[Role]) -> dict[int, Dossier]:
    """Return the dossiers of applications by id, in one statement."""
    rows = session.execute(_statement(roles, "= ANY (:ids)"), {"ids": list(application_ids)})
    return {row.id: _dossier(row, roles) for row in rows}


def _dossier(row: Any, wanted: frozenset[Role]) -> Dossier:
    return Dossier(
        school=row.school,
        board=row.board,
        tranche_ref=row.ref,
        tranche=row.tranche,
        closes_at=row.closes_at,
        pot=row.pot,
        advice=tuple(row.advice) if row.advice else None,
        account=tuple(row.account) if row.account else None,
        budget=tuple(BudgetRow(*line) for line in row.budget or ()),
        promised=tuple(PromisedShare(*share) for share in row.promised or ()),
        unmet=tuple(row.unmet or ()),
        terms=[_term(term) for term in row.terms or ()],
        decision_id=row.decision_id,
        journal_id=row.journal_id,
        holders=by_role(wanted, row.who or ()),
    )


def _term(found: dict[str, Any]) -> Term:
    ended = found["ended_on"]
    return Term(
        **found
        | {
            "started_on": date.fromisoformat(found["started_on"]),
            "due_on": date.fromisoformat(found["due_on"]),
            "ended_on": date.fromisoformat(ended) if ended else None,
        }
    )
