"""The ledger and the journal in the database: what it refuses by itself, whoever writes, and what balances say."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain import ledger as books
from fundapp.domain.ledger import Account
from fundapp.domain.people import SYSTEM
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.register import School
from fundapp.services import journal, ledger
from fundapp.services.act import Booking
from fundapp.services.bookings import record
from tests.support.cases import NOW, Cases

CEILING = 1_000_000


@pytest.fixture
def app(session: Session) -> Application:
    """An application of which € 6,000 was awarded, out of € 10,000, and € 7,000 for its sub-region."""
    cases = Cases(session)
    app = cases.application(cases.tranche(ceiling=CEILING, sub_ceilings={"oosterschelde": 700_000}), cases.school())
    cases.awarded(app, 600_000, advance=480_000)
    return app


def sql(session: Session, statement: str, **values: Any) -> None:
    """Run direct SQL, as somebody would who goes round the product; what is refused leaves nothing behind."""
    with session.begin_nested():
        session.execute(text(statement), values)


def an_entry(session: Session) -> LedgerEntry:
    return session.scalars(select(LedgerEntry).order_by(LedgerEntry.id.desc()).limit(1)).one()


COLUMNS = "journal_id, posting, tranche_id, application_id, pot, account, movement, cents, at"
INSERT = f"INSERT INTO ledger_entry ({COLUMNS}) VALUES "


def halves(session: Session, *rows: tuple[str, int], posting: int = 99, tranche: int | None = None) -> None:
    """Insert halves of a posting by direct SQL: (account, cents) each, under the newest journal row."""
    like = an_entry(session)
    case = like.application_id or "NULL"
    values = ", ".join(
        f"({like.journal_id}, {posting}, {tranche if tranche and n else like.tranche_id}, {case}, '', "
        f"'{account}', 'award', {cents}, now())"
        for n, (account, cents) in enumerate(rows)
    )
    sql(session, INSERT + values)


def test_balances_follow_from_the_entries(session: Session, app: Application) -> None:
    assert ledger.tranche_balances(session, app.tranche_id) == {
        Account.CEILING: -CEILING,
        Account.AVAILABLE: 400_000,
        Account.COMMITTED: 600_000,
    }
    assert ledger.tranche_balances(session, app.tranche_id, "oosterschelde") == {
        Account.CEILING: -700_000,
        Account.AVAILABLE: 100_000,
        Account.COMMITTED: 600_000,
    }
    assert ledger.case_balances(session, app.id) == {Account.COMMITTED: 600_000}
    assert ledger.verify(session) is None
    assert journal.verify(session) is None


def test_free_is_the_least_of_ceiling_and_sub_ceiling(session: Session, app: Application) -> None:
    assert ledger.free_in(session, app.tranche_id, []) == 400_000
    assert ledger.free_in(session, app.tranche_id, ["oosterschelde"]) == 100_000
    assert ledger.free_in(session, app.tranche_id + 1, []) == 0


@pytest.mark.parametrize("table", ["ledger_entry", "journal"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET at = now()",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "UPDATE {table} SET id = DEFAULT",
    ],
)
def test_history_is_append_only(session: Session, app: Application, table: str, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"is append-only: correct it with a new row"):
        sql(session, statement.format(table=table))


@pytest.mark.parametrize(
    "table", ["submission", "advice", "decision", "award", "determination", "fund_version", "eligibility_check"]
)
def test_so_are_decisions_and_what_they_rest_on(session: Session, app: Application, table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        sql(session, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    "rows",
    [
        [("available", -100)],
        [("available", -100), ("committed", 99)],
        [("available", -100), ("committed", 100), ("paid", 1)],
    ],
)
def test_an_entry_that_does_not_sum_to_zero_is_refused(
    session: Session, app: Application, rows: list[tuple[str, int]]
) -> None:
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        halves(session, *rows)


def test_a_posting_stays_in_one_tranche(session: Session, app: Application) -> None:
    Cases(session).tranche("PO-T2")  # its entries are the newest now
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        halves(session, ("available", -100), ("committed", 100), tranche=app.tranche_id)


def test_a_posting_cannot_be_added_to(session: Session, app: Application) -> None:
    with pytest.raises(IntegrityError, match="cannot be added to"):
        halves(session, ("available", -100), ("committed", 100), posting=an_entry(session).posting)


@pytest.mark.parametrize("values", ["'available', 'award', 0", "'pocket', 'award', 1", "'available', 'gift', 1"])
def test_only_accounts_and_movements_that_exist(session: Session, app: Application, values: str) -> None:
    like = an_entry(session)
    with pytest.raises(IntegrityError, match="check constraint"):
        sql(session, f"{INSERT} ({like.journal_id}, 99, {like.tranche_id}, NULL, '', {values}, now())")


def test_nothing_is_booked_in_a_closed_tranche(session: Session, app: Application) -> None:
    Cases(session).shut(session.get_one(Tranche, app.tranche_id))
    with pytest.raises(IntegrityError, match="the tranche is closed"):
        halves(session, ("available", -100), ("committed", 100))


@pytest.mark.parametrize(
    ("rows", "guard"),
    [
        ([("available", -400_001), ("committed", 400_001)], "ck_tranche_balance_never_below_zero"),
        ([("committed", -600_001), ("in_transit", 600_001)], "ck_tranche_balance_never_below_zero"),
        ([("receivable", -1), ("available", 1)], "ck_tranche_balance_never_below_zero"),
    ],
)
def test_no_euro_is_spent_twice(session: Session, app: Application, rows: list[tuple[str, int]], guard: str) -> None:
    with pytest.raises(IntegrityError, match=guard):
        halves(session, *rows)
    assert ledger.verify(session) is None


def test_one_case_cannot_spend_what_was_promised_to_another(session: Session, app: Application) -> None:
    cases = Cases(session)
    tranche = session.get_one(Tranche, app.tranche_id)
    other = cases.application(tranche, session.scalars(select(School)).one())
    cases.awarded(other, 100_000, advance=80_000)
    with pytest.raises(IntegrityError, match="ck_case_balance_never_below_zero"), session.begin_nested():
        cases.book(other, "order", books.order_payment(100_001, final=False))


def test_the_sub_ceiling_holds_where_the_ceiling_would_not(session: Session, app: Application) -> None:
    cases = Cases(session)
    with pytest.raises(IntegrityError, match="never_below_zero"), session.begin_nested():
        cases.book(app, "award", books.award(100_001))
    cases.book(app, "award", books.award(100_000))
    assert ledger.free_in(session, app.tranche_id, ["oosterschelde"]) == 0
    assert ledger.free_in(session, app.tranche_id, []) == 300_000


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tranche_balance SET cents = cents + 1 WHERE account = 'available'",
        "UPDATE case_balance SET cents = 0",
        "DELETE FROM tranche_balance",
        "DELETE FROM case_balance",
        "INSERT INTO case_balance (application_id, account, cents) SELECT id, 'paid', 5 FROM application",
        "INSERT INTO tranche_balance (tranche_id, pot, account, cents) SELECT id, 'x', 'paid', 5 FROM tranche",
    ],
)
def test_a_balance_is_only_moved_by_an_entry(session: Session, app: Application, statement: str) -> None:
    with pytest.raises(DBAPIError, match="balances follow from the ledger"):
        sql(session, statement)


def test_money_that_comes_in_and_goes_out_in_one_act_is_summed_first(session: Session, app: Application) -> None:
    """Within one statement the order of the postings does not matter; only what stands at its end."""
    postings = [*books.order_payment(700_000, final=False), *books.award(100_000)]
    record(
        session,
        row=app,
        stream=app.tranche_id,
        action="both",
        actor=SYSTEM,
        now=NOW,
        bookings=[Booking(p, app.tranche_id, "oosterschelde", app.id) for p in postings],
        data={},
    )
    assert ledger.case_balances(session, app.id) == {Account.COMMITTED: 0, Account.IN_TRANSIT: 700_000}
    assert ledger.verify(session) is None
