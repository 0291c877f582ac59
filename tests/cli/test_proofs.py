"""`fundapp ledger verify` and `journal verify` against somebody who owns the database and switches its guards off."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from fundapp.cli import cli
from fundapp.domain import ledger
from tests.support.cases import Cases

Run = Callable[..., Result]

GUARDED = ("journal", "ledger_entry", "tranche_balance", "case_balance", "journal_head")


@pytest.fixture
def engine(fresh_database: str) -> Engine:
    """A database in which two applications were awarded and one was paid and determined."""
    engine = create_engine(fresh_database)
    with Session(engine) as session:
        cases = Cases(session)
        tranche = cases.tranche(sub_ceilings={"oosterschelde": 2_000_000})
        for code, board in (("99AA00", "99991"), ("99AB00", "99992")):
            app = cases.application(tranche, cases.school(code, f"School {code}", board=board))
            cases.awarded(app, 750_000, advance=600_000)
            cases.book(app, "order", ledger.order_payment(600_000, final=False))
            cases.book(app, "payment_confirmed", ledger.confirm_payment(600_000, final=False))
            cases.book(app, "determine", ledger.determine(700_000, committed=150_000, paid=600_000))
        session.commit()
    engine.dispose()
    return engine


@pytest.fixture
def verify(engine: Engine, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    return lambda what, *words: CliRunner().invoke(cli, [what, "verify", *words])


def tamper(engine: Engine, *statements: str) -> None:
    """Change history as the owner of the database, every trigger switched off."""
    with engine.begin() as connection:
        for table in GUARDED:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, statement
        for table in GUARDED:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
    engine.dispose()


def one(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        found = connection.execute(text(query)).scalar_one()
    engine.dispose()
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("what", ["ledger", "journal"])
def test_what_nobody_touched_is_proved(verify: Run, what: str) -> None:
    result = verify(what)
    assert (result.exit_code, result.stdout) == (0, f"OK: the {what} is proved.\n")
    assert json.loads(verify(what, "--json").stdout) == {"ok": True, "breach": None}


MIDDLE = "(SELECT id FROM journal WHERE stream > 0 ORDER BY id OFFSET 3 LIMIT 1)"
LAST = "(SELECT max(id) FROM journal WHERE stream > 0)"
BOTH_HALVES = "(SELECT journal_id, posting FROM ledger_entry WHERE movement = 'payment' ORDER BY id LIMIT 1)"


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (f"UPDATE journal SET reason = 'other' WHERE id = {MIDDLE}", "altered"),
        (f"UPDATE journal SET at = at + interval '1 microsecond' WHERE id = {MIDDLE}", "altered"),
        (f"UPDATE journal SET actor_id = 1 WHERE id = {MIDDLE}", "altered"),
        (f"UPDATE journal SET data = jsonb_set(data, '{{ledger,0,6}}', '1') WHERE id = {MIDDLE}", "altered"),
        (f"UPDATE journal SET hash = sha256('x') WHERE id = {MIDDLE}", "altered"),
    ],
)
def test_an_altered_row_of_the_journal_is_named(engine: Engine, verify: Run, statement: str, what: str) -> None:
    row = one(engine, f"SELECT {MIDDLE}")
    tamper(engine, statement)
    result = verify("journal")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"WRONG: journal row {row} (stream ")
    assert result.stderr.endswith(f": {what}.\n")
    breach = json.loads(verify("journal", "--json").stdout)
    assert breach["ok"] is False
    assert breach["breach"]["what"] == what


def test_a_row_that_was_altered_with_its_hash_breaks_the_next_link(engine: Engine, verify: Run) -> None:
    row = one(engine, f"SELECT id FROM journal WHERE stream > 0 AND id > {MIDDLE} ORDER BY id LIMIT 1")
    tamper(
        engine,
        f"UPDATE journal SET reason = 'other' WHERE id = {MIDDLE}",
        f"UPDATE journal j SET hash = journal_digest(prev_hash, j) WHERE id = {MIDDLE}",
    )
    assert verify("journal").stderr.startswith(f"WRONG: journal row {row} (stream ")
    assert "not linked" in verify("journal").stderr


def test_a_row_that_is_gone_from_the_middle_is_seen_at_the_next(engine: Engine, verify: Run) -> None:
    row = one(engine, f"SELECT id FROM journal WHERE stream > 0 AND id > {MIDDLE} ORDER BY id LIMIT 1")
    tamper(engine, f"DELETE FROM journal WHERE id = {MIDDLE}")
    result = verify("journal")
    assert result.exit_code == 1
    assert f"journal row {row} " in result.stderr
    assert "WRONG: " in verify("ledger").stderr


def test_a_row_that_is_gone_from_the_end_is_seen_by_the_head(engine: Engine, verify: Run) -> None:
    number = one(engine, f"SELECT seq FROM journal WHERE id = {LAST}")
    tamper(engine, f"DELETE FROM journal WHERE id = {LAST}")
    result = verify("journal")
    assert result.exit_code == 1
    assert f"after number {number - 1}: missing at the end" in result.stderr


def test_who_takes_back_the_head_as_well_leaves_entries_without_a_row(engine: Engine, verify: Run) -> None:
    entry = one(engine, f"SELECT min(id) FROM ledger_entry WHERE journal_id = {LAST}")
    tamper(
        engine,
        "UPDATE journal_head h SET seq = j.seq - 1, hash = j.prev_hash "
        f"FROM journal j WHERE j.id = {LAST} AND h.stream = j.stream",
        f"DELETE FROM journal WHERE id = {LAST}",
    )
    assert verify("journal").exit_code == 0
    result = verify("ledger")
    assert result.exit_code == 1
    assert f"WRONG: ledger entry {entry} (journal row " in result.stderr


def test_a_row_that_was_slipped_in_is_named(engine: Engine, verify: Run) -> None:
    tamper(
        engine,
        "INSERT INTO journal "
        "(stream, seq, at, kind, subject_id, action, to_state, on_version, reason, data, prev_hash, hash) "
        "SELECT stream, seq + 1, at, kind, subject_id, 'award', to_state, on_version, '', '{}', hash, sha256('x') "
        f"FROM journal WHERE id = {LAST}",
    )
    result = verify("journal")
    assert result.exit_code == 1
    assert f"journal row {one(engine, 'SELECT max(id) FROM journal')} " in result.stderr


@pytest.mark.parametrize(
    ("statements", "what"),
    [
        (
            [f"UPDATE ledger_entry SET cents = cents + 1 WHERE (journal_id, posting) = {BOTH_HALVES} AND cents > 0"],
            "a posting does not sum to zero",
        ),
        (
            [f"UPDATE ledger_entry SET cents = cents * 2 WHERE (journal_id, posting) = {BOTH_HALVES}"],
            "an entry differs from the journal, or the journal's is missing",
        ),
        (
            [f"UPDATE ledger_entry SET at = at + interval '1 day' WHERE (journal_id, posting) = {BOTH_HALVES}"],
            "an entry differs from the journal, or the journal's is missing",
        ),
        (
            [f"UPDATE ledger_entry SET movement = 'bounce' WHERE (journal_id, posting) = {BOTH_HALVES} AND cents > 0"],
            "an entry differs from the journal, or the journal's is missing",
        ),
        (
            [
                f"UPDATE ledger_entry SET application_id = NULL WHERE (journal_id, posting) = {BOTH_HALVES}",
            ],
            "an entry differs from the journal, or the journal's is missing",
        ),
    ],
)
def test_an_altered_entry_is_named(engine: Engine, verify: Run, statements: list[str], what: str) -> None:
    entry = one(engine, f"SELECT min(id) FROM ledger_entry WHERE (journal_id, posting) = {BOTH_HALVES}")
    tamper(engine, *statements)
    result = verify("ledger")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"WRONG: ledger entry {entry}")
    assert result.stderr.endswith(f": {what}.\n")
    assert verify("journal").exit_code == 0


def test_half_a_posting_that_is_gone_is_named(engine: Engine, verify: Run) -> None:
    entry = one(engine, f"SELECT max(id) FROM ledger_entry WHERE (journal_id, posting) = {BOTH_HALVES}")
    tamper(engine, f"DELETE FROM ledger_entry WHERE (journal_id, posting) = {BOTH_HALVES} AND cents < 0")
    assert f"ledger entry {entry}: a posting does not sum to zero" in verify("ledger").stderr


@pytest.mark.parametrize(
    "which", [BOTH_HALVES, "(SELECT journal_id, posting FROM ledger_entry ORDER BY id DESC LIMIT 1)"]
)
def test_a_posting_that_is_gone_is_named_by_its_row_of_the_journal(engine: Engine, verify: Run, which: str) -> None:
    journal = one(engine, f"SELECT journal_id FROM {which} p")
    tamper(engine, f"DELETE FROM ledger_entry WHERE (journal_id, posting) = {which}")
    result = verify("ledger")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"WRONG: journal row {journal}, posting ")


def test_a_posting_that_was_added_is_named_even_where_the_balances_agree(engine: Engine, verify: Run) -> None:
    """Nobody needs to switch a guard off for this one: it is the journal that does not know the posting."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ledger_entry "
                "(journal_id, posting, tranche_id, application_id, pot, account, movement, cents, at) "
                "SELECT journal_id, 99, tranche_id, application_id, '', v.account, 'award', v.cents, at "
                "FROM ledger_entry, (VALUES ('available', -500), ('committed', 500)) v(account, cents) "
                "WHERE id = (SELECT max(id) FROM ledger_entry)"
            )
        )
    engine.dispose()
    result = verify("ledger")
    assert result.exit_code == 1
    assert ", posting 99): an entry differs from the journal" in result.stderr


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE tranche_balance SET cents = cents + 1 WHERE account = 'available' AND pot = ''", "tranche 1, pot ''"),
        ("UPDATE tranche_balance SET cents = 0 WHERE pot = 'oosterschelde'", "tranche 1, pot 'oosterschelde'"),
        ("DELETE FROM tranche_balance WHERE account = 'payable'", "account payable"),
        ("UPDATE case_balance SET cents = cents + 1 WHERE account = 'determined'", "account determined"),
        ("DELETE FROM case_balance WHERE account = 'determined'", "account determined"),
        (
            "INSERT INTO case_balance (application_id, account, cents) VALUES (1, 'written_off', 7)",
            "account written_off",
        ),
    ],
)
def test_a_changed_balance_is_named(engine: Engine, verify: Run, statement: str, where: str) -> None:
    tamper(engine, statement)
    result = verify("ledger")
    assert result.exit_code == 1
    assert where in result.stderr
    assert "balance differs from its entries" in result.stderr
