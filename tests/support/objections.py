"""A decision that a school disagrees with, and the people who look at it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.objection_words import WORDS
from fundapp.domain.people import Actor, Role
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.objection import Objection
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.review import InterestDeclaration
from fundapp.services.letters import letter_view
from fundapp.services.objection_filing import file
from fundapp.services.transitions import perform
from tests.support.cases import NOW
from tests.support.rounds import Round

WHOLE = 500_000


class Disagreement(Round):
    """A round in which one application was decided on. NOW is the moment of that decision."""

    def __init__(self, session: Session, *, profile: Profile = Profile.AWB, ceiling: int = 1_000_000) -> None:
        super().__init__(session, ceiling=ceiling, profile=profile)
        self.words = WORDS[profile]
        self.app = self.application(WHOLE)
        self.school = self.member(self.app)
        self.fresh = self.cases.person("Nora Nieuw", Role.COORDINATOR)
        self.second_decider = self.cases.person("Tweede Dekker", Role.DECISION_MAKER)
        self.handler = self.cases.person("Hanna Herder", Role.HANDLER)
        self.judge(self.second_decider, self.handler)

    def judge(self, *people: Actor) -> None:
        """These people say that they have no interest in it."""
        self.session.add_all(
            InterestDeclaration(application_id=self.app.id, person_id=one.id, interested=False, at=NOW)
            for one in people
        )
        self.session.flush()

    def reject(self) -> None:
        self.act(self.app, "reject", self.decider, reasons=["ranked_too_low"], explanation="Te laag in de rangorde.")

    def file(self, *, at: datetime | None = None, **given: Any) -> Objection:
        """The school files, the day after the decision unless it says otherwise."""
        said = {"grounds": "Wij zijn het er niet mee eens.", "wants_hearing": True} | given
        return file(self.session, self.app.ref, given=said, actor=self.school, now=at or NOW + timedelta(days=1))

    def step(self, row: Objection, action: str, actor: Actor, *, days: int = 2, **given: Any) -> None:
        """Do something to it, so many days after the decision."""
        at = NOW + timedelta(days=days)
        perform(self.session, self.words.kind, row.ref, action, actor=actor, now=at, given=given)
        self.session.expire_all()

    def to_advice(self, row: Objection, outcome: str, cents: int = 0, *, days: int = 20) -> None:
        """Nobody is heard, and somebody advises who had no part in the decision."""
        self.step(row, "waive_hearing", self.fresh, days=days, waiver="not_wanted", explanation="De school wil niet.")
        self.step(
            row, "advise", self.fresh, days=days, outcome=outcome, amount_cents=cents, explanation="Dit is waarom."
        )

    def decide(self, row: Objection, action: str, actor: Actor | None = None, *, days: int = 25, **given: Any) -> None:
        """Somebody else of the steering group decides."""
        self.step(row, action, actor or self.second_decider, days=days, **{"explanation": "Zo besluiten wij."} | given)

    def letters(self) -> dict[str, str]:
        """Every letter of the case by template, in words."""
        rows = self.session.scalars(select(Letter).where(Letter.application_id == self.app.id).order_by(Letter.id))
        return {row.template: str(letter_view(row)).replace("\u00a0", " ") for row in rows}

    def mailed(self, person: Actor) -> list[str]:
        """Which mails somebody was sent, in order."""
        query = select(OutboxMessage.template).where(OutboxMessage.person_id == person.id)
        return list(self.session.scalars(query.order_by(OutboxMessage.id)))

    def decisions(self) -> list[Decision]:
        """Every decision on the application, the oldest first."""
        query = select(Decision).where(Decision.application_id == self.app.id).order_by(Decision.id)
        return list(self.session.scalars(query))

    def reload(self) -> Application:
        """The application as it is now."""
        self.session.expire_all()
        return self.session.get_one(Application, self.app.id)
