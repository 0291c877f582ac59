"""Who holds a role on a case: the same question as `domain.people.roles_on`, asked of everybody at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.people import JUDGES, STAFF_ROLES, Capacity, Role, Scope

_HOLDERS = text("""
  SELECT p.id, p.email, p.name, p.language, g.role FROM person p JOIN role_grant g ON g.person_id = p.id
  WHERE p.ended_at IS NULL AND g.ended_at IS NULL AND g.role = ANY(:staff)
    AND (g.fund_key IS NULL OR g.fund_key = :fund) AND (g.sub_region IS NULL OR g.sub_region = :sub_region)
    AND NOT (g.role = ANY(:judges) AND EXISTS (
      SELECT FROM membership w
      WHERE w.person_id = p.id AND w.board_number = ANY(:boards) AND w.ended_at IS NULL))
  UNION
  SELECT p.id, p.email, p.name, p.language, r.role
  FROM membership m JOIN person p ON p.id = m.person_id JOIN unnest(CAST(:of_school AS text[])) AS r (role)
    ON m.capacity = :signer OR r.role = :applicant AND m.capacity <> :employee
  WHERE p.ended_at IS NULL AND m.ended_at IS NULL AND m.board_number = :board
    AND (m.school_code IS NULL OR m.school_code = :school)
  ORDER BY id
""").bindparams(judges=sorted(JUDGES), signer=Capacity.SIGNER, applicant=Role.APPLICANT, employee=Capacity.EMPLOYEE)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a role on a case, and how to write to that person."""

    id: int
    email: str
    name: str
    language: str


def holders(session: Session, scope: Scope, roles: Iterable[Role]) -> dict[Role, list[Holder]]:
    """Return who holds these roles on a case, in one query; a role that nobody holds has an empty list.

    The system is nobody to write to: its list is always empty.
    """
    found: dict[Role, list[Holder]] = {role: [] for role in roles}
    values = {
        "staff": [str(role) for role in found if role in STAFF_ROLES],
        "of_school": [str(role) for role in found if role in (Role.APPLICANT, Role.SIGNER)],
        "fund": scope.fund,
        "sub_region": scope.sub_region,
        "board": scope.board,
        "school": scope.school,
        "boards": sorted(scope.boards | ({scope.board} if scope.board else set())),
    }
    for row in session.execute(_HOLDERS, values):
        found[Role(row.role)].append(Holder(row.id, row.email, row.name, row.language))
    return found
