"""Whatever statements tell the bank's entries, in whatever order they are read: each entry is booked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.payment import BankLine, BankStatement
from fundapp.services.bank import ImportResult, import_statement
from fundapp.services.bank_gaps import gaps
from tests.support.camt import Entry, received, statement
from tests.support.cases import NOW
from tests.support.paying import OPENING, OURS, Run, three_schools


@pytest.fixture
def run(session: Session) -> Run:
    """Three schools of three boards; their advances (80 %) are with the bank."""
    return three_schools(session)


def told(run: Run) -> list[Entry]:
    """What the bank did in three days: a payment, interest, a payment, a bounce, a payment, and interest again."""
    first = run.paid(0).booked_on
    interest = received(125, "", "Bank", "rente")
    days = (
        (run.paid(0), 0),
        (interest, 0),
        (run.paid(1), 1),
        (run.returned(1), 1),
        (run.paid(2), 2),
        (replace(interest, reference="IN-rente-2"), 2),
    )
    return [replace(entry, booked_on=first + timedelta(days=day)) for entry, day in days]


def read(run: Run, entries: Sequence[Entry], begin: int, end: int, name: str, version: str = "08") -> ImportResult:
    """A statement of the entries from one up to another, with the balances that the account then had."""
    opening = OPENING + sum(entry.sum for entry in entries[:begin])
    content = statement(OURS, name, opening=opening, entries=entries[begin:end], version=version)
    return import_statement(run.session, content, actor=run.first, now=NOW)


def counted(session: Session) -> list[int]:
    return [session.scalar(select(func.count()).select_from(t)) or 0 for t in (Journal, LedgerEntry, BankLine)]


def outcome(run: Run) -> list[object]:
    run.session.expire_all()
    run.proved()
    lines = run.session.execute(
        select(BankLine.cents, BankLine.matched_as, func.count()).group_by(BankLine.cents, BankLine.matched_as)
    ).all()
    return [[run.balances(n) for n in range(3)], sorted((c, m or "", n) for c, m, n in lines)]


def test_statements_that_overlap_book_each_entry_once(run: Run) -> None:
    entries = told(run)
    assert len(read(run, entries, 0, 4, "A").lines) == 4
    result = read(run, entries, 2, 6, "B")
    assert [line.cents for line in result.lines] == [entries[4].sum, entries[5].sum]
    assert result.gaps == ()
    before = counted(run.session)
    for begin, end in ((0, 6), (1, 3), (4, 6)):
        assert read(run, entries, begin, end, f"C{begin}{end}").lines == ()
    assert counted(run.session) == before
    assert gaps(run.session) == ()


def test_the_same_period_in_the_other_version_changes_nothing(run: Run) -> None:
    entries = told(run)
    read(run, entries, 0, 6, "A", "02")
    before = counted(run.session)
    assert read(run, entries, 0, 6, "A", "08").lines == ()
    assert read(run, entries, 0, 6, "B", "08").lines == ()
    assert counted(run.session) == before


def test_the_same_statement_shuffled_changes_nothing(run: Run) -> None:
    entries = told(run)
    read(run, entries, 0, 6, "A")
    before = counted(run.session)
    result = read(run, [*reversed(entries)], 0, 6, "A")
    assert [s.already_read for s in result.statements] == [True]
    assert counted(run.session) == before


def test_the_number_of_a_statement_may_come_again_next_year(run: Run) -> None:
    entries = told(run)
    read(run, entries, 0, 2, "1")
    assert len(read(run, entries, 2, 6, "1").lines) == 4
    assert run.session.scalar(select(func.count()).select_from(BankStatement)) == 2


def test_two_alike_on_one_day_in_two_statements_are_two(run: Run) -> None:
    """Without a reference of the bank they look the same; but the second statement goes on where the first ended."""
    costs = Entry((), "", amount=-250, details=False)
    content = [statement(OURS, name, opening=opening, entries=[costs]) for name, opening in (("A", 1_000), ("B", 750))]
    for file in content:
        assert len(import_statement(run.session, file, actor=run.first, now=NOW).lines) == 1
    for file in content:
        assert import_statement(run.session, file, actor=run.first, now=NOW).lines == ()
    whole = statement(OURS, "C", opening=1_000, entries=[costs, costs])
    assert import_statement(run.session, whole, actor=run.first, now=NOW).lines == ()
    assert gaps(run.session) == ()


periods = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 6)).map(lambda pair: (min(pair[0], pair[1] - 1), pair[1])),
    min_size=1,
    max_size=6,
)


@settings(
    derandomize=True,
    deadline=None,
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(periods=periods, versions=st.lists(st.sampled_from(["02", "08"]), min_size=7, max_size=7))
def test_any_statements_in_any_order_come_to_the_same(
    run: Run, periods: list[tuple[int, int]], versions: list[str]
) -> None:
    """Statements of any periods, and then one of all of it, book what that one alone books; the order is no matter,
    but that what came back cannot come back before it was paid."""
    entries = told(run)
    with run.session.begin_nested() as alone:
        read(run, entries, 0, 6, "whole")
        expected = outcome(run)
        alone.rollback()
    with run.session.begin_nested() as piecemeal:
        for number, ((begin, end), version) in enumerate(zip(sorted(periods), versions, strict=False)):
            read(run, entries, begin, end, f"part {number}", version)
        read(run, entries, 0, 6, "whole", versions[-1])
        assert outcome(run) == expected
        assert gaps(run.session) == ()
        piecemeal.rollback()
    run.session.expire_all()
