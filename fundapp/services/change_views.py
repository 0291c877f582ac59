"""What the pages about changes show: what is asked, what it would do, who asked. A constant number of queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain import change
from fundapp.domain.change import KINDS, Consequence, Kind
from fundapp.domain.flow import Look
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.people import Person
from fundapp.persistence.register import School

PAGE = 50
"""Rows on one page of a list."""


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change request that waits."""

    ref: str
    school: str
    title: str
    created_at: datetime
    kind: str

    @property
    def what(self) -> Text:
        """What it is about."""
        return KINDS[Kind(self.kind)].label


def waiting_changes(session: Session, funds: Collection[str] | None) -> list[ChangeLine]:
    """Return the change requests that wait, the oldest first. funds: None for all. One query."""
    query = (
        select(ChangeRequest.ref, School.name, Application.title, ChangeRequest.created_at, ChangeRequest.kind)
        .join(Application, Application.id == ChangeRequest.application_id)
        .join(School, School.code == Application.school_code)
        .where(ChangeRequest.state == change.State.REQUESTED)
        .order_by(ChangeRequest.id)
        .limit(PAGE)
    )
    if funds is not None:
        query = query.where(Application.fund_key.in_(funds))
    return [ChangeLine(*row) for row in session.execute(query)]


def consequences_of(row: ChangeRequest) -> list[Consequence]:
    """What would be different, as the school saw it when it asked."""
    return [
        Consequence(*(None if part is None else Text(**part) for part in one))  # type: ignore[arg-type]  # the first is never None
        for one in row.consequences
    ]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change request in full. consequences: as things stand now, where it waits; else as they were asked."""

    row: ChangeRequest
    application_ref: str
    title: str
    school: str
    asked_by: str
    consequences: list[Consequence]

    @property
    def what(self) -> change.ChangeKind:
        """Its kind."""
        return KINDS[Kind(self.row.kind)]

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return change.FLOW.look(self.row.state)


def change_view(session: Session, row: ChangeRequest, facts: change.Facts) -> ChangeView:
    """Return what a change request is about: reckoned anew where it can still be done. One query."""
    school, asked_by = session.execute(
        select(School.name, Person.name)
        .select_from(Application)
        .join(School, School.code == Application.school_code)
        .join(Person, Person.id == row.created_by_id)
        .where(Application.id == row.application_id)
    ).one()
    found = consequences_of(row)
    if facts.project is not None and not facts.problems:
        found = KINDS[Kind(row.kind)].consequences(facts.project, row.asked)
    return ChangeView(row, row.application.ref, row.application.title, school, asked_by, found)


def changes_of(session: Session, application_id: int) -> list[ChangeRequest]:
    """The changes that were asked for an application, the newest first. One query."""
    query = select(ChangeRequest).where(ChangeRequest.application_id == application_id)
    return list(session.scalars(query.order_by(ChangeRequest.id.desc()).limit(PAGE)))
