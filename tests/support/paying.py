"""A payment batch that went to the bank, and statements that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.domain import ledger
from fundapp.domain.people import Actor, Role
from fundapp.persistence.application import Application
from fundapp.persistence.payment import Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Recovery
from fundapp.services import journal as journal_service
from fundapp.services import ledger as ledger_service
from fundapp.services.bank import ImportResult, import_statement
from fundapp.services.payment import batch_hash, orders
from fundapp.services.payment_prepare import prepare
from fundapp.services.programme import lead_applicant
from fundapp.services.transitions import perform
from tests.support.camt import Entry, paid, returned, statement
from tests.support.cases import NOW, Cases

OPENING = 10_000_000
OURS = lead_applicant().iban


@dataclass
class Run:
    """A payment batch that went to the bank, with its two people."""

    session: Session
    cases: Cases
    first: Actor
    second: Actor
    apps: list[Application]
    batch: PaymentBatch
    orders: list[PaymentOrder]

    def read(self, *entries: Entry, number: str = "2025-001", opening: int = OPENING) -> ImportResult:
        content = statement(OURS, number, opening=opening, entries=entries)
        return import_statement(self.session, content, actor=self.first, now=NOW)

    def paid(self, number: int) -> Entry:
        order = self.orders[number]
        return paid(order.end_to_end_id, order.cents, order.iban, order.name)

    def returned(self, number: int) -> Entry:
        order = self.orders[number]
        return returned(order.end_to_end_id, order.cents, order.iban, order.name)

    def balances(self, number: int) -> dict[str, int]:
        found = ledger_service.case_balances(self.session, self.apps[number].id)
        return {str(account): cents for account, cents in found.items() if cents}

    def proved(self) -> None:
        assert ledger_service.verify(self.session) is None
        assert journal_service.verify(self.session) is None


def send(session: Session, cases: Cases, apps: Sequence[Application], *, final: bool = False) -> Run:
    """Prepare, approve and send what is due to these applications."""
    names = f"{len(apps)} {final} {session.scalar(select(func.count()).select_from(PaymentBatch))}"
    first, second = (cases.person(f"{word} {names}", Role.FINANCE) for word in ("Fin", "Bo"))
    due = session.scalars(
        select(Instalment.id)
        .where(Instalment.state == "due", Instalment.application_id.in_([a.id for a in apps]))
        .order_by(Instalment.id)
    ).all()
    row = prepare(session, due, actor=first, now=NOW, execution_on=date(2025, 3, 17))
    for action in ("approve", "send"):
        given = {"list_hash": batch_hash(row, orders(session, row))} if action == "approve" else {}
        perform(session, "payment_batch", row.ref, action, actor=second, now=NOW, given=given)
    return Run(session, cases, first, second, list(apps), row, orders(session, row))


def three_schools(session: Session) -> Run:
    """Three schools of three boards; their advances (80 %) are with the bank."""
    cases = Cases(session)
    tranche = cases.tranche(sub_ceilings={"walcheren": 1_000_000})
    apps = []
    for number, (code, name, award) in enumerate(
        (("99AA00", "De Ozobot", 750_000), ("99AB00", "De Zeebries", 640_000), ("99AC00", "Het Kompas", 720_000)), 1
    ):
        app = cases.application(tranche, cases.school(code, name, board=f"9999{number}"))
        cases.awarded(app, award, advance=award * 8 // 10, number=number, holder=f"Stichting {name}")
        apps.append(app)
    return send(session, cases, apps)


def state(session: Session, row: Application | PaymentBatch | Instalment | PaymentOrder) -> str:
    session.refresh(row)
    return row.state


def claims(run: Run) -> list[Recovery]:
    """All three were paid; € 100 is asked back from the second school, € 625 from the third."""
    run.read(*(run.paid(n) for n in range(3)), number="2025-000", opening=OPENING + 1_688_000)
    made = []
    for number, determined in ((1, 502_000), (2, 513_500)):
        app = run.apps[number]
        paid_before = run.balances(number)["paid"]
        postings = ledger.determine(determined, committed=run.balances(number)["committed"], paid=paid_before)
        run.cases.book(app, "determine", postings)
        app.state = "determined"
        made.append(
            Recovery(
                ref=f"TV-{app.ref}",
                application_id=app.id,
                cents=paid_before - determined,
                due_on=date(2025, 4, 25),
                created_at=NOW,
            )
        )
    run.session.add_all(made)
    run.session.flush()
    return made
