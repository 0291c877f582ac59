"""The worked case: the story that the product plays itself, held against every amount of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fundapp.adapters import bank
from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.ledger import Account, Movement
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import PaymentBatch, PaymentOrder
from fundapp.persistence.settlement import Determination, Recovery
from fundapp.services import demo, journal, ledger
from fundapp.services.checklist import blockers

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(database_server: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The story, told once on a database of its own; the tests only read."""
    url = database_server.new()  # type: ignore[attr-defined]  # tests.support.databases.TestServer
    engine = make_engine(url)
    files = ObjectFileStore(tmp_path_factory.mktemp("files").as_uri())
    assert demo.load(session_factory(engine), files, NOW) is True
    assert demo.load(session_factory(engine), files, NOW) is False  # a second time changes nothing
    with session_factory(engine)() as session:
        yield session
    engine.dispose()
    database_server.drop(url)  # type: ignore[attr-defined]  # the same


def app(session: Session, ref: str) -> Application:
    return session.scalars(select(Application).where(Application.ref == ref)).one()


@pytest.mark.parametrize(
    ("ref", "award", "advance", "determined"),
    [
        ("PO-T1-01", 750000, 600000, 750000),
        ("PO-T1-02", 640000, 512000, 588020),
        ("PO-T1-03", 720000, 576000, 513500),
        ("PO-T1-04", 500000, 400000, 461600),
    ],
)
def test_each_case_of_tranche_1_to_the_cent(told: Session, ref: str, award: int, advance: int, determined: int) -> None:
    row = app(told, ref)
    assert row.state == "settled"
    orders = told.scalars(
        select(PaymentOrder.cents).where(PaymentOrder.application_id == row.id).order_by(PaymentOrder.id)
    ).all()
    assert orders[0] == advance
    found = told.scalars(
        select(Determination).where(Determination.application_id == row.id, Determination.kind == "final")
    ).one()
    assert (found.cents, found.calculation["award"]) == (determined, award)
    assert {a: c for a, c in ledger.case_balances(told, row.id).items() if c} == {Account.DETERMINED: determined}


def test_tranche_1_is_closed_with_6868_80_unspent(told: Session) -> None:
    row = told.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
    assert row.state == "closed"
    assert row.closed_by_id != row.proposed_by_id
    balances = {a: c for a, c in ledger.tranche_balances(told, row.id).items() if c}
    assert balances == {Account.CEILING: -3000000, Account.AVAILABLE: 686880, Account.DETERMINED: 2313120}
    moved = dict(
        told.execute(
            select(LedgerEntry.movement, func.sum(LedgerEntry.cents))
            .where(LedgerEntry.tranche_id == row.id, LedgerEntry.account == Account.AVAILABLE)
            .group_by(LedgerEntry.movement)
        ).all()
    )
    assert moved[Movement.CEILING_SET] + moved[Movement.AWARD] == 390000  # never awarded
    assert moved[Movement.RELEASE] + moved[Movement.RECOVERY_RECEIVED] == 296880  # awarded and released
    assert blockers(told, row) == ()


def test_the_last_payment_file_holds_three_credits_of_2876_20(told: Session) -> None:
    batch = told.scalars(select(PaymentBatch).where(PaymentBatch.ref == "BR-2023-001")).one()
    assert batch.state == "booked"
    assert (batch.total_cents, batch.approved_by_id != batch.prepared_by_id) == (287620, True)
    assert batch.file_content is not None
    amounts = batch.file_content.decode().count("<InstdAmt")
    assert amounts == 3
    assert "2876.20" in batch.file_content.decode()
    assert bank.read_statements((demo.DATA / "demo" / "afschrift-2023-03-20.xml").read_bytes())[0].entries


def test_one_recovery_of_625_was_claimed_and_paid_back(told: Session) -> None:
    (found,) = told.scalars(select(Recovery)).all()
    assert (found.cents, found.application_id) == (62500, app(told, "PO-T1-03").id)
    letters = told.scalars(select(Letter.template).where(Letter.application_id == found.application_id)).all()
    assert "recovery" in letters


def test_the_two_of_tranche_2_were_rejected_for_their_reasons(told: Session) -> None:
    reasons = {
        ref: told.scalars(select(Decision.reasons).where(Decision.application_id == app(told, ref).id)).one()
        for ref in ("PO-T2-01", "PO-T2-02")
    }
    assert reasons == {
        "PO-T2-01": ["partner_missing"],
        "PO-T2-02": ["activity_already_started", "co_financing_short"],
    }


def test_the_decision_term_moved_by_exactly_the_days_waited(told: Session) -> None:
    rows = told.execute(
        text(
            "SELECT a.ref, t.due_on FROM term t JOIN application a ON a.id = t.application_id"
            " WHERE t.name = 'decision' AND a.ref LIKE 'PO-T2-%' ORDER BY a.ref"
        )
    )
    waited: dict[str, date] = {row.ref: row.due_on for row in rows}
    assert (waited["PO-T2-01"] - waited["PO-T2-02"]).days == 9  # 5 July to 14 July 2022


def test_the_innovation_fund_is_as_the_story_leaves_it(told: Session) -> None:
    assert [app(told, f"IF-OO-0{n}").state for n in (1, 2, 3)] == ["under_review", "incomplete", "awarded"]


def test_every_proof_holds(told: Session) -> None:
    assert journal.verify(told) is None
    assert ledger.verify(told) is None


def test_nobody_heard_of_somebody_elses_payment(told: Session) -> None:
    rows = told.execute(
        select(OutboxMessage.address, OutboxMessage.context).where(OutboxMessage.template == "payment_sent")
    ).all()
    assert sorted((address.split("@")[1].split(".")[0], context["amount"]) for address, context in rows) == [
        ("kompas", 576000),
        ("ozobot", 150000),
        ("ozobot", 600000),
        ("vuurtoren", 61600),
        ("vuurtoren", 400000),
        ("zeebries", 76020),
        ("zeebries", 512000),
    ]


def test_a_closed_tranche_takes_no_entry_whoever_writes_it(told: Session) -> None:
    row = told.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
    journal_id = told.scalars(select(func.max(Journal.id))).one()
    with pytest.raises(IntegrityError, match="closed"), told.begin_nested():
        told.execute(
            text(
                "INSERT INTO ledger_entry (journal_id, posting, tranche_id, pot, account, movement, cents, at) VALUES"
                " (:j, 99, :t, '', 'available', 'award', -100, now()),"
                " (:j, 99, :t, '', 'committed', 'award', 100, now())"
            ),
            {"j": journal_id, "t": row.id},
        )


def test_the_published_evaluation_names_nobody(told: Session) -> None:
    row = told.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
    assert row.evaluation
    assert not any(account["name"] in row.evaluation for account in demo.accounts())


def test_everything_of_the_story_is_invented() -> None:
    data = demo.story()
    assert all(school["code"].startswith("99") for school in data["schools"])
    assert all(account["email"].endswith(".example.org") for account in demo.accounts())
    assert Path(demo.DATA / "demo" / "voorbeeldbrief.pdf").exists()
