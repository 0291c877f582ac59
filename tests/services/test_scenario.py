"""Divisions that are tried out: they touch nothing, say when they are stale, and the chosen one is frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from fundapp.domain.allocation import Outcome, input_sha256, lot
from fundapp.domain.refusal import Refused
from fundapp.persistence.journal import Journal
from fundapp.persistence.prepared import PreparedDecision
from fundapp.persistence.scenario import Scenario
from fundapp.services import journal, scenario
from tests.support.cases import NOW
from tests.support.rounds import Round, later

CENTS = 400_000


@pytest.fixture
def run(session: Session) -> Round:
    """Two and a half times the money of one; two regions, one with a sub-ceiling that holds one."""
    made = Round(session, ceiling=1_000_000, sub_ceilings={"walcheren": CENTS})
    for number, region in enumerate(("walcheren", "oosterschelde", "walcheren", "oosterschelde")):
        made.application(
            CENTS // 2 if number == 2 else CENTS, region=region, score=str(number), came_in=later(days=number - 300)
        )
    return made


def make(run: Round, **changed: Any) -> Scenario:
    settings = replace(scenario.announced(run.tranche), **changed)
    return scenario.make(run.session, run.tranche, "Proef", settings, actor=run.decider, now=NOW)


def given(made: Scenario) -> dict[str, int]:
    return {ref.rpartition("-")[2]: cents for ref, cents, *_ in made.shares}


def refused(run: Round, number: int) -> str:
    with pytest.raises(Refused) as found:
        scenario.choose(run.session, run.tranche, number, actor=run.decider, now=NOW)
    return found.value.code


def test_it_divides_what_is_free_and_touches_nothing(run: Round) -> None:
    before = run.stands
    made = make(run)
    assert given(made) == {"01": CENTS, "02": CENTS, "03": 0, "04": CENTS // 2}
    assert (made.awarded_cents, made.left_cents) == (1_000_000, 0)
    assert run.stands == before
    assert run.session.scalars(select(PreparedDecision)).all() == []
    run.proved()


def test_other_rules_side_by_side(run: Round) -> None:
    assert given(make(run, method="ranking")) == {"04": CENTS, "03": CENTS // 2, "02": CENTS, "01": 0}
    assert sum(given(make(run, method="pro_rata")).values()) == 1_000_000
    assert given(make(run, ceiling=1_600_000, sub_ceilings={"walcheren": 800_000})) == {
        "01": CENTS,
        "02": CENTS,
        "03": CENTS // 2,
        "04": CENTS,
    }
    out = run.tranche.ref + "-01"
    assert given(make(run, out=(out,))) == {"02": CENTS, "03": CENTS // 2, "04": CENTS}
    kept = scenario.shown(scenario.of(run.session, run.tranche))
    assert len(kept) == scenario.SHOWN  # the oldest made place


def test_lots_can_be_redone_by_anybody(run: Round) -> None:
    made = make(run, method="lottery", seed="tranche-2022-2")
    assert [share[5] for share in made.shares] == sorted(share[5] for share in made.shares)
    assert all(share[5] == lot("tranche-2022-2", share[0]) for share in made.shares)


def test_figures_that_changed_are_stale_until_reckoned_again(run: Round) -> None:
    made = make(run)
    assert not scenario.is_stale(made, scenario.as_it_stands(run.session, run.tranche))
    run.set_ceiling(1_040_000)
    assert scenario.is_stale(made, scenario.as_it_stands(run.session, run.tranche))
    assert refused(run, made.id) == "scenario_stale"
    scenario.again(run.session, run.tranche, made.id, actor=run.decider, now=NOW)
    assert not scenario.is_stale(made, scenario.as_it_stands(run.session, run.tranche))
    assert given(made)["04"] == 240_000


def test_the_chosen_one_is_frozen_with_the_hash_of_its_input(run: Round) -> None:
    made = make(run)
    request = scenario.request_of(scenario.as_it_stands(run.session, run.tranche), scenario.settings_of(made))
    scenario.choose(run.session, run.tranche, made.id, actor=run.decider, now=NOW)
    run.session.flush()
    noted = run.session.scalars(select(Journal).where(Journal.action == "choose_scenario")).one()
    assert noted.data["input_sha256"] == made.input_sha256 == input_sha256(request)
    assert journal.verify(run.session) is None
    for change in ("UPDATE scenario SET awarded_cents = 1", "DELETE FROM scenario"):
        with pytest.raises(ProgrammingError, match="changes no more"), run.session.begin_nested():
            run.session.execute(text(change))
    with pytest.raises(Refused, match="scenario_chosen"):
        scenario.again(run.session, run.tranche, made.id, actor=run.decider, now=NOW)


@pytest.mark.parametrize("changed", [{"method": "lottery"}, {"on_overflow": "skip"}, {"seed": "x"}, {"ceiling": 1}])
def test_only_the_division_that_was_announced_can_be_chosen(run: Round, changed: dict[str, Any]) -> None:
    assert refused(run, make(run, **changed).id) == "not_as_announced"


@pytest.mark.parametrize(("rest", "action"), [("waitlist", "waitlist"), ("reject", "reject")])
def test_the_chosen_one_becomes_prepared_decisions(run: Round, rest: str, action: str) -> None:
    made = make(run)
    with pytest.raises(Refused, match="scenario_not_chosen"):
        scenario.prepare(run.session, run.tranche, made.id, rest=rest, actor=run.coordinator, now=NOW)
    scenario.choose(run.session, run.tranche, made.id, actor=run.decider, now=NOW)
    number, left = scenario.prepare(run.session, run.tranche, made.id, rest=rest, actor=run.coordinator, now=NOW)
    assert (number, left) == (4, [])
    rows = run.session.scalars(select(PreparedDecision).order_by(PreparedDecision.application_id)).all()
    assert [(row.action, row.given.get("amount_cents")) for row in rows] == [
        ("award", CENTS),
        ("award", CENTS),
        (action, None),
        ("award", CENTS // 2),
    ]
    part = next(share for share in made.shares if share[2] == Outcome.PARTIAL)
    assert rows[3].given["explanation"] == part[3]  # the school reads why it gets a part


def test_without_candidates_there_is_nothing_to_divide(session: Session) -> None:
    with pytest.raises(Refused, match="no_candidates"):
        make(Round(session))
