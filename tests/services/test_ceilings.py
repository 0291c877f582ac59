"""Ceilings that change: booked, kept with who and why, never below what is bound; a cut touches nobody before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from fundapp.domain.ceiling import Kind, free_for
from fundapp.persistence.journal import Journal
from fundapp.persistence.tranche import CeilingChange
from fundapp.services import ceilings, ledger
from tests.support.cases import NOW
from tests.support.rounds import LONG_AGO, Round, later

RAISED_HALF_WAY: tuple[tuple[str, int, tuple[int, int, int]], ...] = (
    # act, cents → announced, committed, free afterwards
    ("award", 640_000, (1_000_000, 640_000, 360_000)),
    ("award", 500_000, (1_000_000, 640_000, 360_000)),  # refused: 1.400,00 short
    ("ceiling", 1_200_000, (1_200_000, 640_000, 560_000)),
    ("award", 500_000, (1_200_000, 1_140_000, 60_000)),
    ("award", 60_001, (1_200_000, 1_140_000, 60_000)),  # refused: one cent short
    ("ceiling", 1_200_001, (1_200_001, 1_140_000, 60_001)),
    ("award", 60_001, (1_200_001, 1_200_001, 0)),
    ("ceiling", 1_200_000, (1_200_001, 1_200_001, 0)),  # refused: one cent below what is bound
)


def test_a_ceiling_raised_half_way_to_the_cent(session: Session) -> None:
    """Fails for whoever may not, refuses what is not there, and keeps each change with who, when and why."""
    run = Round(session, ceiling=1_000_000)
    for number, (act, cents, stands) in enumerate(RAISED_HALF_WAY):
        at = later(hours=number)
        before = run.stands
        if act == "award":
            app = run.application(cents, came_in=LONG_AGO + timedelta(hours=number))
            if before[3] < cents:
                assert run.refused(run.award, app, cents, at=at) == "ceiling_reached"
            else:
                run.award(app, cents, at=at)
        elif cents < before[0]:
            assert run.refused(run.set_ceiling, cents, at=at) == "ceiling_below_bound"
        else:
            run.set_ceiling(cents, at=at, why=f"Stap {number}.")
        announced, committed, _, free = run.stands
        assert (announced, committed, free) == stands, (number, act)
        run.proved()
    assert [
        (c.kind, c.announced_before, c.announced, c.by, c.reason) for c in ceilings.history(session, run.tranche.id)
    ] == [
        (Kind.ANNOUNCED, 0, 1_000_000, None, ""),
        (Kind.CHANGED, 1_000_000, 1_200_000, "Corrie Leidt", "Stap 2."),
        (Kind.CHANGED, 1_200_000, 1_200_001, "Corrie Leidt", "Stap 5."),
    ]
    row = session.scalars(select(Journal).where(Journal.action == "change_ceiling").order_by(Journal.id)).first()
    assert row is not None
    assert (row.actor_id, row.reason, row.data["ceilings"]) == (
        run.coordinator.id,
        "Stap 2.",
        [{"tranche": run.tranche.id, "pot": "", "kind": "changed", "old": 1_000_000, "new": 1_200_000}],
    )


def test_only_the_coordinator_changes_a_ceiling_and_says_why(session: Session) -> None:
    run = Round(session)
    for actor in (run.finance, run.decider):
        assert run.refused(run.do, "change_ceiling", actor, pot="", cents=1, explanation="x") == "not_yours"
    assert run.refused(run.set_ceiling, 3_500_000, why=" ") == "explanation_missing"
    assert run.refused(run.set_ceiling, 3_000_000) == "same_ceiling"
    assert run.refused(run.set_ceiling, 5, pot="walcheren") == "no_such_ceiling"


def test_a_later_cut_touches_no_earlier_application(session: Session) -> None:
    """Awb 4:27: who came in under 30.000,00 is judged by it; who came in after the cut is not."""
    run = Round(session, ceiling=3_000_000)
    early = run.application(700_000)
    for _ in range(3):
        run.award(run.application(600_000), 600_000)
    run.set_ceiling(2_000_000, at=later(days=1), why="De subsidie van het Rijk is lager.")
    late = run.application(300_000, came_in=later(days=2))
    assert run.stands == (2_000_000, 1_800_000, 0, 200_000)
    assert run.free_for(late) == {"": 200_000}
    assert run.free_for(early) == {"": 1_200_000}

    assert run.refused(run.award, late, 300_000, at=later(days=3)) == "ceiling_reached"
    run.award(early, 700_000, at=later(days=3))
    assert run.stands == (2_000_000, 2_500_000, 0, 0)
    assert run.money.ceiling == 2_500_000  # what the ledger had to put in for it
    change = ceilings.history(session, run.tranche.id)[-1]
    assert (change.kind, change.about, change.old, change.new, change.announced) == (
        Kind.EARLIER,
        early.ref,
        2_000_000,
        2_500_000,
        2_000_000,
    )
    run.proved()


def test_what_comes_back_after_that_is_not_for_who_came_later(session: Session) -> None:
    run = Round(session, ceiling=1_000_000)
    early, as_early = run.application(700_000), run.application(100_000)
    run.set_ceiling(500_000, at=later(days=1))
    run.award(early, 700_000, at=later(days=2))
    late = run.application(100_000, came_in=later(days=3))
    run.cases.book(early, "release", _release(150_000))
    assert run.money.free == 150_000
    assert run.free_for(late) == {"": 0}  # 550.000 of 500.000 are bound
    assert run.free_for(as_early) == {"": 450_000}


def _release(cents: int) -> list[Any]:
    from fundapp.domain.ledger import Account, Movement, Posting

    return [Posting(Movement.RELEASE, Account.COMMITTED, Account.AVAILABLE, cents)]


def test_a_sub_ceiling_has_its_own_history_and_gives_way_as_well(session: Session) -> None:
    run = Round(session, ceiling=3_000_000, sub_ceilings={"walcheren": 1_000_000})
    early = run.application(700_000, region="walcheren")
    run.award(run.application(100_000, region="walcheren"), 100_000)
    assert run.refused(run.set_ceiling, 99_999, pot="walcheren") == "ceiling_below_bound"
    run.set_ceiling(400_000, pot="walcheren", at=later(days=1), why="Minder voor Walcheren.")
    late = run.application(400_000, region="walcheren", came_in=later(days=2))
    assert run.free_for(late) == {"": 2_900_000, "walcheren": 300_000}
    assert run.free_for(early) == {"": 2_900_000, "walcheren": 900_000}
    run.award(early, 700_000, at=later(days=3))
    there = ceilings.standing(session, run.tranche.id)
    assert (there["walcheren"].announced, there["walcheren"].booked, there["walcheren"].free) == (400_000, 800_000, 0)
    assert (there[""].announced, there[""].booked, there[""].free) == (3_000_000, 3_000_000, 2_200_000)
    assert [(c.pot, c.kind) for c in ceilings.history(session, run.tranche.id)[2:]] == [
        ("walcheren", Kind.CHANGED),
        ("walcheren", Kind.EARLIER),
    ]
    run.proved()


@pytest.mark.parametrize("came_in", [-400, 0, 1, 5, 9, 10, 11, 25])
def test_the_database_and_the_rule_say_the_same(session: Session, came_in: int) -> None:
    run = Round(session, ceiling=1_000_000)
    for number, cents in ((1, 600_000), (5, 1_400_000), (10, 300_000), (20, 350_000)):
        run.set_ceiling(cents, at=later(days=number))
    app = run.application(100, came_in=later(days=came_in))
    there = ceilings.standing(session, run.tranche.id)[""]
    held = ceilings.held_by(ceilings.history(session, run.tranche.id), "", app.submitted_at)
    assert run.free_for(app) == {"": free_for(there, held)}


# --- round the product ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(session: Session) -> Round:
    found = Round(session, ceiling=1_000_000)
    found.award(found.application(400_000), 400_000)
    found.set_ceiling(900_000, at=later(days=1))
    found.act(found.application(100), "waitlist", found.decider, explanation="Even wachten.")  # a newer journal row
    return found


def sql(session: Session, statement: str, **values: Any) -> None:
    with session.begin_nested():
        session.execute(text(statement), values)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ceiling_change SET reason = 'iets anders'",
        "UPDATE ceiling_change SET announced_cents = announced_cents + 1",
        "DELETE FROM ceiling_change",
        "TRUNCATE ceiling_change CASCADE",
    ],
)
def test_the_history_of_a_ceiling_is_append_only(session: Session, run: Round, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        sql(session, statement)


COLUMNS = "journal_id, tranche_id, pot, kind, old_cents, new_cents, announced_cents, reason, by_id, at"


@pytest.mark.parametrize(
    ("old", "new", "announced", "why"),
    [
        (900_000, 5_000_000, 5_000_001, "follows"),
        (800_000, 5_000_000, 4_900_000, "follows"),
        (900_000, 900_000, 900_000, "ck_ceiling_change_cents"),
        (900_000, -1, -1, "ck_ceiling_change_cents"),
    ],
)
def test_a_history_that_the_ledger_does_not_bear_out_is_refused(
    session: Session, run: Round, old: int, new: int, announced: int, why: str
) -> None:
    with pytest.raises(IntegrityError, match=why):
        sql(
            session,
            f"INSERT INTO ceiling_change ({COLUMNS}) SELECT max(j.id), :t, '', 'changed', :o, :n, :a, 'x', :p, now() "
            "FROM journal j",
            t=run.tranche.id,
            o=old,
            n=new,
            a=announced,
            p=run.coordinator.id,
        )


@pytest.mark.parametrize("cents", [100, -500_001])
def test_direct_sql_raises_no_ceiling_and_cuts_none_below_what_is_bound(
    session: Session, run: Round, cents: int
) -> None:
    debit, credit = ("ceiling", "available") if cents > 0 else ("available", "ceiling")
    with pytest.raises(IntegrityError, match=r"together with its history|never_below_zero"):
        sql(
            session,
            "INSERT INTO ledger_entry (journal_id, posting, tranche_id, pot, account, movement, cents, at) "
            "SELECT max(j.id), 99, :t, '', a, 'ceiling_set', c, now() FROM journal j, "
            "(VALUES (:d, -abs(:c)), (:k, abs(:c))) v(a, c) GROUP BY a, c",
            t=run.tranche.id,
            d=debit,
            k=credit,
            c=cents,
        )
    assert ledger.verify(session) is None


def test_a_cut_below_what_is_bound_breaks_a_check_of_the_database(session: Session, run: Round) -> None:
    """With its history and all, as somebody would who knows the product."""
    history = (
        f"INSERT INTO ceiling_change ({COLUMNS}) SELECT max(j.id), :t, '', 'changed', 900000, 399999, 399999, 'x', :p, "
        "now() FROM journal j RETURNING journal_id, tranche_id"
    )
    entries = "SELECT journal_id, 99, tranche_id, '', a, 'ceiling_set', c, now() FROM h, (VALUES "
    entries += "('available', -500001), ('ceiling', 500001)) v(a, c)"
    into = "INSERT INTO ledger_entry (journal_id, posting, tranche_id, pot, account, movement, cents, at)"
    with pytest.raises(IntegrityError, match="never_below_zero"):
        sql(session, f"WITH h AS ({history}) {into} {entries}", t=run.tranche.id, p=run.coordinator.id)


def test_room_for_an_earlier_application_is_never_more_than_it_had(session: Session, run: Round) -> None:
    late = run.application(100, came_in=later(days=2))
    session.add(
        CeilingChange(
            journal_id=session.scalars(select(Journal.id).order_by(Journal.id.desc()).limit(1)).one(),
            tranche_id=run.tranche.id,
            kind="earlier",
            old_cents=900_000,
            new_cents=950_000,
            announced_cents=900_000,
            at=NOW,
            application_id=late.id,
        )
    )
    with pytest.raises(IntegrityError, match="a cut gives way only to what the ceiling was"):
        session.flush()
