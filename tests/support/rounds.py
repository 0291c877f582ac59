"""A round under way: who coordinates, decides and keeps the books; applications that were advised or wait in line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.term import Profile
from fundapp.persistence.application import Application, BudgetLine
from fundapp.persistence.fund import Tranche
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.services import application_reading, ceilings, journal, ledger, tranche_money, waitlist
from fundapp.services.transitions import perform
from tests.support.cases import NOW, Cases

LONG_AGO = datetime(2024, 2, 1, 9, 0, tzinfo=UTC)
"""When the applications here came in: after the ceiling was announced."""


@dataclass
class Round:
    """One tranche that runs, and who works on it. Amounts in cents."""

    session: Session
    ceiling: int = 3_000_000
    sub_ceilings: dict[str, int] | None = None
    method: str = "order_of_receipt"
    on_overflow: str = "partial"
    profile: Profile = Profile.AWB
    cases: Cases = field(init=False)
    tranche: Tranche = field(init=False)

    def __post_init__(self) -> None:
        self.cases = Cases(self.session, profile=self.profile)
        self.tranche = self.cases.tranche(ceiling=self.ceiling, sub_ceilings=self.sub_ceilings)
        rules = {"method": self.method, "seed": "PO-T1", "on_overflow": self.on_overflow}
        self.tranche.spec = self.tranche.spec | rules
        self.coordinator = self.cases.person("Corrie Leidt", Role.COORDINATOR)
        self.decider = self.cases.person("Dirk Sluit", Role.DECISION_MAKER)
        self.finance = self.cases.person("Fien Telt", Role.FINANCE)
        self.second = self.cases.person("Gerrit Telt", Role.FINANCE)
        self.adviser = self.cases.person("Ada Vies", Role.ADVISER)
        self.schools = 0

    def application(
        self,
        cents: int,
        *,
        state: str = "advised",
        region: str = "oosterschelde",
        came_in: datetime = LONG_AGO,
        score: str | None = None,
        account: bool = True,
    ) -> Application:
        """An application of a school of its own that asks `cents`, and was advised as much."""
        number = self.schools
        self.schools += 1
        board = f"99{number:03d}"
        school = self.cases.school(
            f"99{chr(65 + number // 26)}{chr(65 + number % 26)}00", f"School {number}", board=board, region=region
        )
        if account:
            self.cases.account(board, number=number + 1)
        app = self.cases.application(
            self.tranche,
            school,
            state=state,
            requested_cents=cents,
            submitted_at=came_in,
            complete_at=came_in,
            score=None if score is None else Decimal(score),
        )
        line = BudgetLine(
            application_id=app.id, position=1, category="teaching_materials", description="Robots", unit_cents=2 * cents
        )
        advice = Advice(
            application_id=app.id,
            submission_number=1,
            adviser_id=self.adviser.id,
            outcome="award",
            amount_cents=cents,
            scores={},
            reasons=[],
            explanation="Goed plan.",
            at=NOW,
        )
        none = InterestDeclaration(application_id=app.id, person_id=self.decider.id, interested=False, at=NOW)
        self.session.add_all([line, advice, none])
        self.session.flush()
        return app

    def member(self, app: Application) -> Actor:
        """Somebody who writes for the school of an application."""
        from fundapp.persistence.people import Membership
        from fundapp.services.people import actor_by_email

        email = f"lid.{app.school_code.lower()}@example.org"
        if (known := actor_by_email(self.session, email)) is not None:
            return known
        row = Membership(
            person_id=self.cases.person(f"Lid {app.school_code}").id,
            board_number=app.board_number,
            school_code=app.school_code,
            capacity="drafter",
            since=LONG_AGO,
        )
        self.session.add(row)
        self.session.flush()
        found = actor_by_email(self.session, email)
        assert found is not None
        return found

    def do(self, action: str, actor: Actor, *, at: datetime = NOW, **given: Any) -> None:
        """Do something to the tranche."""
        perform(self.session, "tranche", self.tranche.ref, action, actor=actor, now=at, given=given)

    def act(self, app: Application, action: str, actor: Actor, *, at: datetime = NOW, **given: Any) -> None:
        """Do something to an application."""
        perform(self.session, "application", app.ref, action, actor=actor, now=at, given=given)

    def award(self, app: Application, cents: int, *, at: datetime = NOW) -> None:
        """The steering group awards."""
        self.act(app, "award", self.decider, at=at, amount_cents=cents, explanation="Zoals besproken.")

    def set_ceiling(
        self, cents: int, *, pot: str = "", at: datetime = NOW, why: str = "Besluit van de stuurgroep."
    ) -> None:
        """The coordinator announces another ceiling."""
        self.do("change_ceiling", self.coordinator, at=at, pot=pot, cents=cents, explanation=why)

    def refused(self, *act: Any, **more: Any) -> str:
        """Try an act that must be refused; return the code."""
        try:
            with self.session.begin_nested():
                act[0](*act[1:], **more)
        except Refused as refused:
            return refused.code
        raise AssertionError("it was not refused")

    @property
    def money(self) -> tranche_money.Money:
        """What stands in the tranche."""
        return tranche_money.standing(self.session, self.tranche.id)[0]

    def free_for(self, app: Application) -> dict[str, int]:
        """What can be awarded to an application, by pot, as the engine reads it."""
        _, known = application_reading.read(self.session, app.ref, self.decider)
        assert known.deciding is not None
        return known.deciding.free

    def ahead(self, app: Application) -> str | None:
        """Who stands before an application on the waiting list, as the engine reads it."""
        return application_reading.read(self.session, app.ref, self.decider)[1].ahead

    @property
    def line(self) -> list[waitlist.InLine]:
        """The waiting list."""
        there, changes = ceilings.by_pot(self.session, self.tranche), ceilings.history(self.session, self.tranche.id)
        return waitlist.line(self.session, self.tranche, there, changes)

    @property
    def stands(self) -> tuple[int, int, int, int]:
        """The announced ceiling, and what is committed, offered and free."""
        announced = ceilings.standing(self.session, self.tranche.id)[""].announced
        return announced, self.money.of("committed"), self.money.of("offered"), self.money.free

    def proved(self) -> None:
        """Ledger and journal hold."""
        assert ledger.verify(self.session) is None
        assert ledger.verify(self.session, self.tranche.id) is None
        assert journal.verify(self.session) is None


def later(**by: int) -> datetime:
    """A moment after NOW."""
    return NOW + timedelta(**by)
