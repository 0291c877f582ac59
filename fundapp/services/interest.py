"""Conflict of interest: who may open a case to judge it. One rule for the page, the files, the forms and the list.

Two things keep somebody away. What the register shows (their board applies, or is a partner) takes every judging role
away (`domain.people.roles_on`): for them the case does not exist. What they declare themselves closes its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW, Facts
from fundapp.domain.people import JUDGES, STAFF_ROLES, Actor, Role, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.review import InterestDeclaration
from fundapp.services.application import scope
from fundapp.services.decision import declared_interest
from fundapp.services.journal import note
from fundapp.services.scoring import set_aside
from fundapp.services.subject import missing

ACTION = "declare_interest"
"""How the journal calls it."""


class Interest(Enum):
    """Where somebody stands towards the content of a case."""

    NOT_ASKED = auto()  # does not judge: nothing to declare
    UNANSWERED = auto()
    NONE = auto()
    DECLARED = auto()

    @property
    def open(self) -> bool:
        """Whether the content may be shown."""
        return self in (Interest.NOT_ASKED, Interest.NONE)


def seen_by_staff(app: Application, roles: frozenset[Role]) -> None:
    """Raises Refused(NOT_FOUND) for whoever has no granted role on the case left, and for what was never sent."""
    if not roles & STAFF_ROLES or app.submitted_at is None or app.state == FLOW.initial:
        raise Refused(missing())


def standing(session: Session, app: Application, actor: Actor, roles: frozenset[Role]) -> Interest:
    """What this person declared last about this case. Raises Refused(NOT_FOUND) as `seen_by_staff`."""
    return _standing(app, roles, declared_interest(session, app.id, actor.id) if roles & JUDGES else None)


def known(app: Application, facts: Facts) -> Interest:
    """The same for whom these facts were loaded, without asking again."""
    return _standing(app, facts.roles, facts.conflict_declared)


def _standing(app: Application, roles: frozenset[Role], declared: bool | None) -> Interest:
    seen_by_staff(app, roles)
    if not roles & JUDGES:
        return Interest.NOT_ASKED
    if declared is None:
        return Interest.UNANSWERED
    return Interest.DECLARED if declared else Interest.NONE


def require_open(session: Session, app: Application, actor: Actor, roles: frozenset[Role]) -> None:
    """Raises Refused: NOT_FOUND as `standing`, FORBIDDEN while the content is closed for this person."""
    require(standing(session, app, actor, roles))


def require(where: Interest) -> None:
    """Raises Refused(FORBIDDEN) while the content is closed for somebody who stands there."""
    if not where.open:
        raise Refused(_CLOSED[where])


_KEPT = text("""
  SELECT ref FROM application WHERE tranche_id = :tranche AND (
    board_number = ANY (CAST(:boards AS text[])) OR boards && CAST(:boards AS text[])
    OR id = ANY (ARRAY(SELECT application_id FROM interest_declaration WHERE person_id = :person AND interested)))
""")


def kept_from(session: Session, actor: Actor, fund: str, tranche_id: int) -> frozenset[str]:
    """Return the references in a tranche that lists leave out for this person: they judge, and have an interest.

    Nothing is left out for who also runs or pays in the fund: that is another task.
    """
    if not actor.has(*JUDGES, fund=fund) or actor.has(*STAFF_ROLES - JUDGES, fund=fund):
        return frozenset()
    values = {"tranche": tranche_id, "boards": sorted(actor.boards), "person": actor.id}
    return frozenset(session.scalars(_KEPT, values))


def declare(
    session: Session, app: Application, *, interested: bool, actor: Actor, roles: frozenset[Role], now: datetime
) -> None:
    """Keep what this person declares, and note it in the journal, where the coordinator reads it.

    An interest can be declared later too; it is not taken back. Raises Refused: NOT_FOUND as `standing`, FORBIDDEN for
    somebody who does not judge, CONFLICT where an interest stands already.
    """
    before = standing(session, app, actor, roles)
    if before is Interest.NOT_ASKED:
        raise Refused(_NOT_ASKED)
    if before is Interest.DECLARED:
        if interested:
            return
        raise Refused(_STANDS)
    if before is Interest.NONE and not interested:
        return
    if interested:
        set_aside(session, app, actor, now)
    session.add(InterestDeclaration(application_id=app.id, person_id=actor.id, interested=interested, at=now))
    data = {"interested": interested, "ref": app.ref}
    note(session, actor, now, kind=FLOW.kind, subject_id=app.id, action=ACTION, data=data)
    session.flush()


def declare_many(session: Session, answers: Mapping[str, bool], *, actor: Actor, now: datetime) -> None:
    """Keep what this person declares about several applications, by reference: True for an interest.

    Raises Refused as `declare` does.
    """
    found = session.scalars(select(Application).where(Application.ref.in_(answers)).order_by(Application.id)).all()
    if len(found) != len(answers):
        raise Refused(missing())
    for app in found:
        roles = roles_on(actor, scope(session, app))
        declare(session, app, interested=answers[app.ref], actor=actor, roles=roles, now=now)


_CLOSED = {
    Interest.UNANSWERED: Refusal(
        "interest_unanswered",
        Text(
            "Zeg eerst of u een belang hebt bij deze aanvraag. De vraag staat op de pagina van de aanvraag.",
            "First say whether you have an interest in this application. The question is on its page.",
        ),
        kind=Kind.FORBIDDEN,
    ),
    Interest.DECLARED: Refusal(
        "interest_declared",
        Text(
            "U hebt een belang bij deze aanvraag gemeld. Daarom blijft de inhoud voor u dicht.",
            "You declared an interest in this application. So its content stays closed to you.",
        ),
        kind=Kind.FORBIDDEN,
    ),
}
_NOT_ASKED = Refusal(
    "no_judge",
    Text(
        "U beoordeelt deze aanvraag niet. U hoeft geen belang te melden.",
        "You do not judge this application. There is nothing to declare.",
    ),
    kind=Kind.FORBIDDEN,
)
_STANDS = Refusal(
    "interest_stands",
    Text(
        "U meldde eerder een belang. Dat blijft staan. Vraag de coördinator als dat niet klopt.",
        "You declared an interest before. It stands. Ask the coordinator if that is wrong.",
    ),
)
