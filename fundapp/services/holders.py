"""Who holds a role on a case: the same question as `domain.people.roles_on`, asked of everybody at once."""

# ruff: noqa: S608  (the pieces of these statements are our own enumerations)
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from fundapp.domain.people import JUDGES, STAFF_ROLES, Capacity, Role, Scope
from fundapp.persistence.people import one_of


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a role on a case, and how to write to that person."""

    id: int
    email: str
    name: str
    language: str


def who(roles: Iterable[Role]) -> str:
    """SQL: who holds these roles at a `place`, which has the columns fund, sub_region, board, school and boards.

    boards: those whose people do not judge: the applicant's and the partners'.
    """
    wanted = sorted(set(roles) - {Role.SYSTEM})
    granted, by_membership = [r for r in wanted if r in STAFF_ROLES], [r for r in wanted if r not in STAFF_ROLES]
    parts = [_GRANTED.format(roles=one_of("g.role", granted))] if granted else []
    parts += [_OF_THE_SCHOOL.format(role=role, fitting=_FITTING[role]) for role in by_membership]
    return " UNION ".join(parts) or _NOBODY


_GRANTED = f"""
  SELECT p.id, p.email, p.name, p.language, g.role
  FROM role_grant g JOIN person p ON p.id = g.person_id
  WHERE g.ended_at IS NULL AND p.ended_at IS NULL AND {{roles}}
    AND (g.fund_key IS NULL OR g.fund_key = place.fund) AND (g.sub_region IS NULL OR g.sub_region = place.sub_region)
    AND NOT ({one_of("g.role", JUDGES)} AND EXISTS (
      SELECT FROM membership w
      WHERE w.person_id = p.id AND w.ended_at IS NULL AND w.board_number = ANY (place.boards)))
"""
_OF_THE_SCHOOL = """
  SELECT p.id, p.email, p.name, p.language, '{role}'
  FROM membership m JOIN person p ON p.id = m.person_id
  WHERE m.ended_at IS NULL AND p.ended_at IS NULL AND {fitting}
    AND m.board_number = place.board AND (m.school_code IS NULL OR m.school_code = place.school)
"""
_FITTING = {
    Role.APPLICANT: f"m.capacity <> '{Capacity.EMPLOYEE}'",
    Role.SIGNER: f"m.capacity = '{Capacity.SIGNER}'",
}
_NOBODY = "SELECT id, email, name, language, '' FROM person WHERE false"


def holders(session: Session, scope: Scope, roles: Iterable[Role]) -> dict[Role, list[Holder]]:
    """Return who holds these roles on a case, in one query; a role that nobody holds has an empty list.

    The system is nobody to write to: its list is always empty.
    """
    wanted = frozenset(roles)
    place = {
        "fund": scope.fund,
        "sub_region": scope.sub_region,
        "board": scope.board,
        "school": scope.school,
        "boards": sorted(scope.boards | ({scope.board} if scope.board else set())),
    }
    return by_role(wanted, session.execute(_query(wanted), place))


@cache
def _query(roles: frozenset[Role]) -> TextClause:
    return text(f"""
      SELECT who.* FROM (
        SELECT CAST(:fund AS text) AS fund, CAST(:sub_region AS text) AS sub_region, CAST(:board AS text) AS board,
          CAST(:school AS text) AS school, CAST(:boards AS text[]) AS boards) place
      CROSS JOIN LATERAL ({who(roles)}) who (id, email, name, language, role) ORDER BY who.id
    """)


def by_role(wanted: Iterable[Role], rows: Iterable[Sequence[Any]]) -> dict[Role, list[Holder]]:
    """Sort what `who` finds by role; a role that nobody holds has an empty list."""
    found: dict[Role, list[Holder]] = {role: [] for role in wanted}
    for number, email, name, language, role in rows:
        found[Role(role)].append(Holder(number, email, name, language))
    return found
