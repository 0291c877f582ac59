"""Who holds a role on a case: the same question as `domain.people.roles_on`, asked of everybody at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, and_, exists, literal, or_, select, union
from sqlalchemy.orm import Session

from fundapp.domain.people import JUDGES, STAFF_ROLES, Capacity, Role, Scope
from fundapp.persistence.people import Membership, Person, RoleGrant


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
    queries: list[Select[int, str, str, str, str]] = []
    if staff := found.keys() & STAFF_ROLES:
        queries.append(_granted(scope, staff))
    if scope.board is not None:
        queries += [_of_the_school(scope, role) for role in (Role.APPLICANT, Role.SIGNER) if role in found]
    if queries:
        found_once = union(*queries) if len(queries) > 1 else queries[0].distinct()
        for row in sorted(session.execute(found_once), key=lambda row: row.id):
            found[Role(row.role)].append(Holder(row.id, row.email, row.name, row.language))
    return found


def _granted(scope: Scope, roles: set[Role]) -> Select[int, str, str, str, str]:
    boards = scope.boards | ({scope.board} if scope.board else set())
    works_there = exists().where(
        Membership.person_id == Person.id, Membership.board_number.in_(boards), Membership.ended_at.is_(None)
    )
    return (
        select(Person.id, Person.email, Person.name, Person.language, RoleGrant.role)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            Person.ended_at.is_(None),
            RoleGrant.ended_at.is_(None),
            RoleGrant.role.in_(sorted(roles)),
            or_(RoleGrant.fund_key.is_(None), RoleGrant.fund_key == scope.fund),
            or_(RoleGrant.sub_region.is_(None), RoleGrant.sub_region == scope.sub_region),
            ~and_(RoleGrant.role.in_(sorted(JUDGES)), works_there),
        )
    )


def _of_the_school(scope: Scope, role: Role) -> Select[int, str, str, str, str]:
    fitting = (
        Membership.capacity == Capacity.SIGNER if role is Role.SIGNER else Membership.capacity != Capacity.EMPLOYEE
    )
    return (
        select(Person.id, Person.email, Person.name, Person.language, literal(role.value).label("role"))
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Person.ended_at.is_(None),
            Membership.ended_at.is_(None),
            Membership.board_number == scope.board,
            or_(Membership.school_code.is_(None), Membership.school_code == scope.school),
            fitting,
        )
    )
