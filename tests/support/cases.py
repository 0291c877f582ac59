"""Cases in a real database, made the short way: a fund, a tranche with money, schools, people, awards.

All people and schools are invented. The money goes through the ledger, so that its proofs hold for these cases too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain import ledger
from fundapp.domain.ceiling import Ceiling, Kind
from fundapp.domain.fund import FundSpec
from fundapp.domain.ledger import Posting
from fundapp.domain.people import SYSTEM, Actor, Grant, Role
from fundapp.domain.register import fold
from fundapp.domain.sepa import sepa_text
from fundapp.domain.term import Profile
from fundapp.domain.tranche import FLOW as TRANCHES
from fundapp.persistence.application import Application, Submission
from fundapp.persistence.decision import Award, Decision
from fundapp.persistence.fund import FundVersion, Tranche
from fundapp.persistence.payment import BankAccount, Instalment
from fundapp.persistence.people import Person, RoleGrant
from fundapp.persistence.register import School, SchoolBoard, SubRegion
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.persistence.signing import Signature
from fundapp.services.act import Act, Booking
from fundapp.services.bookings import record
from fundapp.services.ceilings import move
from fundapp.services.funds import pot_of, publish
from tests.support.camt import example_iban

NOW = datetime(2025, 3, 14, 12, 0, tzinfo=UTC)
ANNOUNCED = datetime(2024, 1, 2, 12, 0, tzinfo=UTC)
"""When the ceiling of every tranche here was announced."""
SUB_REGIONS = {
    "walcheren": "Walcheren",
    "oosterschelde": "Oosterschelde",
    "zeeuws_vlaanderen": "Zeeuws-Vlaanderen",
}


@cache
def _spec(profile: Profile) -> FundSpec:
    return load_fund(FUNDS / "stimuleringsregeling-po.yaml").under(profile)


def sign(session: Session, app: Application, *, at: datetime = NOW) -> Signature:
    """The head of the school agrees to what was sent last, in place of who agreed before."""
    sent = select(Submission.sha256).where(Submission.application_id == app.id).order_by(Submission.number.desc())
    session.execute(update(Signature).where(Signature.application_id == app.id).values(state="replaced"))
    row = Signature(
        application_id=app.id,
        role="school_leader",
        name="Lea Directeur",
        email="lea.directeur@example.org",
        state="signed",
        asked_at=at,
        answered_at=at,
        sha256=session.scalar(sent.limit(1)) or "",
    )
    session.add(row)
    session.flush()
    return row


class Cases:
    """Makes rows in one session; nothing is committed. Each method flushes, so that ids are there."""

    def __init__(self, session: Session, *, profile: Profile = Profile.AWB) -> None:
        self.session = session
        self.profile = profile
        self._numbers = count(1 + (session.scalar(select(func.count()).select_from(Person)) or 0))
        self._version: FundVersion | None = None
        for key, name in SUB_REGIONS.items():
            if session.get(SubRegion, key) is None:
                session.add(SubRegion(key=key, name=name))
        session.flush()

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def person(self, name: str, *roles: Role) -> Actor:
        """A person with these roles in every fund; name: "Fin de Boer" → fin.de.boer@example.org."""
        email = f"{name.lower().replace(' ', '.')}@example.org"
        row: Person = self._add(Person(email=email, name=name, created_at=NOW))
        self.session.add_all(RoleGrant(person_id=row.id, role=str(role), granted_at=NOW) for role in roles)
        self.session.flush()
        return Actor(row.id, name, email, grants=frozenset(Grant(role) for role in roles))

    @property
    def version(self) -> FundVersion:
        """A published fund: the one for primary education that the product comes with."""
        if self._version is None:
            self._version = publish(self.session, _spec(self.profile), now=NOW)
        return self._version

    def use(self, version: FundVersion) -> None:
        """From now on cases are of this fund."""
        self._version = version

    def tranche(
        self,
        ref: str = "PO-T1",
        *,
        ceiling: int = 3_000_000,
        sub_ceilings: dict[str, int] | None = None,
        state: str = "running",
    ) -> Tranche:
        """A tranche with its ceiling booked (cents)."""
        row: Tranche = self._add(
            Tranche(
                ref=ref,
                name=f"Ronde {ref}",
                fund_key=self.version.fund_key,
                fund_version_id=self.version.id,
                state=state,
                opens_at=datetime(2024, 1, 8, 8, 0, tzinfo=UTC),
                closes_at=datetime(2024, 3, 1, 16, 0, tzinfo=UTC),
                spec={"sub_ceilings_cents": sub_ceilings or {}},
            )
        )
        self._announce(row, {"": ceiling, **(sub_ceilings or {})})
        return row

    def _announce(self, row: Tranche, amounts: dict[str, int]) -> None:
        """Book the ceilings with their history, as the announcement does."""
        act = Act(self.session, row, None, TRANCHES.transition("announce"), {}, SYSTEM, ANNOUNCED)
        for pot, cents in amounts.items():
            postings = ledger.set_sub_ceiling(cents) if pot else ledger.set_ceiling(cents)
            if cents:
                move(act, row.id, pot, Kind.ANNOUNCED, cents, before=Ceiling(0, 0, 0), postings=postings)
        record(
            self.session,
            row=row,
            stream=row.id,
            action="announce",
            actor=SYSTEM,
            now=ANNOUNCED,
            bookings=act.bookings,
            data=act.data,
            kind="tranche",
            besides=act.after_journal,
        )

    def shut(self, tranche: Tranche) -> None:
        """Close a tranche the short way: only its state, and the two people that the database asks."""
        first, second = (self.person(f"Sluiter {word} {next(self._numbers)}") for word in ("een", "twee"))
        tranche.proposed_by_id, tranche.closed_by_id = first.id, second.id
        tranche.state, tranche.closed_at = "closed", NOW
        self.session.flush()

    def school(
        self, code: str = "99AA00", name: str = "De Ozobot", *, board: str = "99990", region: str = "oosterschelde"
    ) -> School:
        """An invented school, and its board if that is not there yet."""
        if self.session.get(SchoolBoard, board) is None:
            self._add(SchoolBoard(number=board, name=f"Stichting {name}"))
        row: School = self._add(
            School(
                code=code,
                level="po",
                board_number=board,
                name=name,
                name_key=fold(name),
                province="Zeeland",
                sub_region=region,
            )
        )
        return row

    def account(self, board: str = "99990", *, number: int = 1, holder: str = "Stichting De Ozobot") -> BankAccount:
        """A board's account, confirmed by a second person."""
        first, second = (self.person(f"Rekening {word} {next(self._numbers)}") for word in ("een", "twee"))
        row: BankAccount = self._add(
            BankAccount(
                board_number=board,
                iban=example_iban(number),
                holder=holder,
                sepa_name=sepa_text(holder),
                contact_name="Ria Rekening",
                contact_email=f"rekening{number}@bestuur.example.org",
                entered_at=NOW,
                entered_by_id=first.id,
                called_name="Ria Rekening",
                called_number="0118 123 456",
                called_at=NOW,
                confirmed_at=NOW,
                confirmed_by_id=second.id,
            )
        )
        return row

    def application(self, tranche: Tranche, school: School, *, state: str = "draft", **more: Any) -> Application:
        """An application of a school, in any state; without the money and the decisions that belong to it."""
        author = self.person(f"Aanvrager {next(self._numbers)}")
        number = tranche.next_number
        tranche.next_number += 1
        row: Application = self._add(
            Application(
                ref=f"{tranche.ref}-{number:02d}",
                tranche_id=tranche.id,
                fund_key=tranche.fund_key,
                fund_version_id=tranche.fund_version_id,
                school_code=school.code,
                board_number=school.board_number,
                boards=[school.board_number],
                sub_region=school.sub_region,
                state=state,
                answers={},
                created_at=NOW,
                created_by_id=author.id,
                changed_at=NOW,
                **{"title": "Techniek in de klas", **more},
            )
        )
        if state != "draft":
            sign(self.session, row)
        return row

    def no_interest(self, *people: Actor) -> None:
        """These people say that they have no interest in any of the applications there are."""
        applications = self.session.scalars(select(Application.id)).all()
        self.session.add_all(
            InterestDeclaration(application_id=one, person_id=person.id, interested=False, at=NOW)
            for person in people
            for one in applications
        )
        self.session.flush()

    def awarded(
        self, app: Application, cents: int, *, advance: int, number: int = 1, holder: str = "Stichting De Ozobot"
    ) -> Instalment:
        """Award an application (cents): advice, decision, award, ledger and an advance that is due now."""
        adviser, decider = (self.person(f"{word} {next(self._numbers)}") for word in ("Adviseur", "Beslisser"))
        advice: Advice = self._add(
            Advice(
                application_id=app.id,
                submission_number=1,
                adviser_id=adviser.id,
                outcome="award",
                amount_cents=cents,
                scores={},
                reasons=[],
                explanation="Goed plan.",
                at=NOW,
            )
        )
        decision: Decision = self._add(
            Decision(
                application_id=app.id,
                kind="award",
                decided_by_id=decider.id,
                advice_id=advice.id,
                advised_by_id=adviser.id,
                amount_cents=cents,
                reasons=[],
                at=NOW,
            )
        )
        account = self.session.scalars(
            select(BankAccount).where(BankAccount.board_number == app.board_number).order_by(BankAccount.id.desc())
        ).first() or self.account(app.board_number, number=number, holder=holder)
        self._add(
            Award(
                application_id=app.id,
                decision_id=decision.id,
                cents=cents,
                awarded_at=NOW,
                school_name="De Ozobot",
                board_number=app.board_number,
                board_name=account.holder,
                iban=account.iban,
                account_holder=account.holder,
            )
        )
        app.state = "awarded"
        self.book(app, "award", ledger.award(cents))
        return self.instalment(app, advance)

    def instalment(self, app: Application, cents: int, *, purpose: str = "advance") -> Instalment:
        """A payment that is due."""
        row: Instalment = self._add(
            Instalment(
                application_id=app.id,
                number=next(self._numbers),
                purpose=purpose,
                condition="determination" if purpose == "final" else "award",
                cents=cents,
                payable_on=date(2025, 3, 14),
                due_on=date(2025, 3, 14),
            )
        )
        return row

    def book(self, app: Application, action: str, postings: Iterable[Posting]) -> int:
        """Book postings of an application, in the pot of its sub-region; return the journal id."""
        pot = pot_of(self.session, app)
        return self._record(app, app.tranche_id, action, [Booking(p, app.tranche_id, pot, app.id) for p in postings])

    def _record(self, row: Any, stream: int, action: str, bookings: list[Booking], *, kind: str = "application") -> int:
        system = Actor(id=None, name="", email="")
        return record(
            self.session,
            row=row,
            stream=stream,
            action=action,
            actor=system,
            now=NOW,
            bookings=bookings,
            data={},
            kind=kind,
        )
