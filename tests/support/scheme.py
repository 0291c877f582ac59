"""An award of the innovation fund, made as the product makes it: half at once, 30 % after an interim report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.people import Actor, Capacity, Membership, Role
from fundapp.persistence.application import Application, BudgetLine
from fundapp.persistence.interim import InterimReport
from fundapp.persistence.payment import Instalment
from fundapp.persistence.people import Membership as MembershipRow
from fundapp.persistence.register import School
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.services.funds import publish
from fundapp.services.transitions import perform
from tests.support.cases import NOW, Cases


@dataclass
class InParts:
    """An application of which the award is paid in parts, and its people."""

    session: Session
    cases: Cases
    app: Application
    school: Actor
    finance: Actor
    decider: Actor

    @property
    def instalments(self) -> list[Instalment]:
        """All of them, in order."""
        return list(
            self.session.scalars(
                select(Instalment).where(Instalment.application_id == self.app.id).order_by(Instalment.number)
            )
        )

    @property
    def report(self) -> InterimReport:
        """Its interim report."""
        return self.session.scalars(select(InterimReport).where(InterimReport.application_id == self.app.id)).one()

    def do(self, action: str, actor: Actor, *, now: datetime = NOW, **given: object) -> None:
        """One act on the application."""
        perform(self.session, "application", self.app.ref, action, actor=actor, now=now, given=given)

    def judge(self, action: str, actor: Actor, *, now: datetime = NOW, **given: object) -> None:
        """One act on the interim report."""
        perform(self.session, "interim_report", self.report.ref, action, actor=actor, now=now, given=given)


def in_parts(
    session: Session,
    cents: int = 5_999_999,
    *,
    now: datetime = NOW,
    cases: Cases | None = None,
    school: School | None = None,
    member: Actor | None = None,
) -> InParts:
    """Award an application of the innovation fund (cents); school, member: made where not given."""
    cases = cases or Cases(session)
    version = publish(session, load_fund(FUNDS / "innovatiefonds.yaml"), now=now)
    cases.use(version)
    tranche = cases.tranche("IF-T1", ceiling=20_000_000)
    school = school or cases.school("99VA00", "Delta College-demo", board="99995")
    cases.account(school.board_number, number=95, holder="Stichting Delta")
    app = cases.application(
        tranche,
        school,
        state="advised",
        requested_cents=cents,
        cost_cents=cents * 2,
        starts_on=date(2025, 4, 1),
        ends_on=date(2026, 3, 31),
    )
    budget = BudgetLine(
        application_id=app.id, position=1, category="materials", description="Materiaal", unit_cents=cents * 2
    )
    adviser, decider = cases.person("Aad Advies"), cases.person("Sanne Stuur", Role.DECISION_MAKER)
    advice = Advice(
        application_id=app.id,
        submission_number=1,
        adviser_id=adviser.id,
        outcome="award",
        amount_cents=cents,
        scores={},
        reasons=[],
        explanation="Goed plan.",
        at=now,
    )
    declared = InterestDeclaration(application_id=app.id, person_id=decider.id, interested=False, at=now)
    session.add_all([budget, advice, declared])
    session.flush()
    member = member or _member(cases, school)
    found = InParts(session, cases, app, member, cases.person("Fien Filius-If", Role.FINANCE), decider)
    found.do("award", decider, now=now, amount_cents=cents)
    return found


def _member(cases: Cases, school: School) -> Actor:
    person = cases.person("Greet Provoost")
    row = MembershipRow(
        person_id=person.id, board_number=school.board_number, school_code=school.code, capacity="drafter", since=NOW
    )
    cases.session.add(row)
    cases.session.flush()
    member = Membership(school.board_number, school.code, Capacity.DRAFTER)
    return Actor(person.id, person.name, person.email, memberships=frozenset({member}))
