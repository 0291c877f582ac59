"""What the panel does in the story of the demo: declare, read, score, meet. Each act goes through the use cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW
from fundapp.domain.people import JUDGES, Actor, roles_on
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.panel import Meeting
from fundapp.services import application, funds, interest, meeting, panel, scoring

Act = Mapping[str, Any]


class Story(Protocol):
    """What these acts need of whoever tells the story. meetings: name in the story → id."""

    session: Session
    people: dict[str, Actor]
    meetings: dict[str, int]

    def moment(self, at: str) -> datetime:
        """Return a moment of the story."""


def _app(story: Story, ref: str) -> Application:
    return story.session.scalars(select(Application).where(Application.ref == ref)).one()


def _ids(story: Story, emails: list[str]) -> list[int]:
    return [number for email in emails if (number := story.people[email].id) is not None]


def no_interest(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    """Who judges says first that they have no interest; once is enough."""
    app = _app(story, act["ref"])
    roles = roles_on(actor, application.scope(story.session, app))
    if not roles & JUDGES or app.state == FLOW.initial:
        return
    if interest.standing(story.session, app, actor, roles) is interest.Interest.UNANSWERED:
        interest.declare(story.session, app, interested=False, actor=actor, roles=roles, now=at)


def _assign(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    app = _app(story, act["ref"])
    tranche = story.session.get_one(Tranche, app.tranche_id)
    wishes = [panel.Wish(app.id, person_id) for person_id in _ids(story, act["to"])]
    given, refused = panel.assign(story.session, tranche, wishes, actor=actor, now=at)
    assert given == len(wishes), refused


def _score(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    """A reader gives each criterion a score, in the fund's order."""
    no_interest(story, act, actor, at)
    app = _app(story, act["ref"])
    spec = funds.spec_of(story.session, app.fund_version_id)
    scoring.save(
        story.session,
        app,
        spec,
        scores={criterion.code: score for criterion, score in zip(spec.criteria, act["scores"], strict=True)},
        notes={},
        remark=act["remark"],
        send=True,
        number=scoring.sheet(story.session, app, actor).number,
        seen=0,
        actor=actor,
        roles=roles_on(actor, application.scope(story.session, app)),
        now=at,
    )


def _plan_meeting(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    """Plan a meeting on what is with the panel; `present`: who is there, once it is held."""
    tranche = story.session.scalars(select(Tranche).where(Tranche.ref == act["tranche"])).one()
    held_at = story.moment(act["held_at"])
    planned = meeting.plan(
        story.session, tranche, region=act["region"], held_at=held_at, place=act["place"], actor=actor, now=at
    )
    story.meetings[act["name"]] = planned.id
    if "present" in act:
        there = _ids(story, act["present"])
        meeting.set_present(story.session, planned.id, there, seen=planned.version, actor=actor, now=held_at)


def _advise(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    no_interest(story, act, actor, at)
    meeting.record(
        story.session,
        story.meetings[act["meeting"]],
        act["ref"],
        act["given"],
        seen=_app(story, act["ref"]).version,
        request_key=None,
        actor=actor,
        now=at,
    )


def _close_meeting(story: Story, act: Act, actor: Actor, at: datetime) -> None:
    held = story.session.get_one(Meeting, story.meetings[act["meeting"]])
    meeting.close(story.session, held.id, remarks=act["remarks"], seen=held.version, actor=actor, now=at)


ACTS: dict[str, Callable[[Story, Act, Actor, datetime], None]] = {
    "no_interest": no_interest,
    "assign": _assign,
    "score": _score,
    "plan_meeting": _plan_meeting,
    "advise_in_meeting": _advise,
    "close_meeting": _close_meeting,
}
"""The act as the story calls it → what is done."""
