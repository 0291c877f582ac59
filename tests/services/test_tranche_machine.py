"""Anybody may try anything on a tranche, in any order and at once; after each step it still adds up to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.support.databases import TestServer
from tests.support.world import checks
from tests.support.world.acts import Act
from tests.support.world.play import ACTS, OF_LATER, OF_PAYING, OF_THE_TRANCHE, Seed, World, early, late, usual
from tests.support.world.stage import Stage

NUMBERS = st.integers(0, 30)
WHO = st.integers(0, 10)
TRIES = st.tuples(st.sampled_from(sorted(ACTS)), NUMBERS, NUMBERS, WHO)

HAPPENS = {
    "submit",
    "award",
    "award refused",
    "waitlist",
    "reject",
    "approve_batch",
    "approve_batch refused",
    "send_batch",
    "statement_of",
    "account",
    "determine",
    "schools_pay_back",
    "carry",
    "publish",
    "close",
    "close refused",
    "reopen",
}
"""What no set of plays goes without."""


class Play(RuleBasedStateMachine):
    """One play on a copy of the stage. What is drawn never depends on what happened, so that it can be played again."""

    stage: ClassVar[Stage]
    seeds: ClassVar[Sequence[Seed]]
    tally: ClassVar[Counter[str]]
    world: World

    @initialize(from_the_start=st.booleans(), steps=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=16, max_size=16))
    def begin(self, from_the_start: bool, steps: list[tuple[int, int]]) -> None:
        self._stack = ExitStack()
        seed = self.seeds[0 if from_the_start else 1]
        self.world = World.on(self.stage, self._stack.enter_context(self.stage.copy(seed.url)), seed)
        self._stack.callback(self.world.close)
        self.what_usually_comes_next(steps)

    def what_usually_comes_next(self, steps: list[tuple[int, int]]) -> None:
        for a, b in steps:
            self.world.attempt(usual, a, b)
        self._check()

    @rule(steps=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=8, max_size=12))
    def work_goes_on(self, steps: list[tuple[int, int]]) -> None:
        self.what_usually_comes_next(steps)

    @rule(tries=st.lists(TRIES, min_size=1, max_size=3))
    def anything(self, tries: list[tuple[str, int, int, int]]) -> None:
        for name, a, b, who in tries:
            self.world.attempt(ACTS[name], a, b, who)
            self._check()

    @rule(tries=st.lists(st.tuples(st.sampled_from(OF_PAYING), NUMBERS, NUMBERS), min_size=1, max_size=4))
    def somebody_pays(self, tries: list[tuple[Act, int, int]]) -> None:
        for act, a, b in tries:
            self.world.attempt(act, a, b)
            self._check()

    @rule(tries=st.lists(st.tuples(st.sampled_from(OF_LATER), NUMBERS, NUMBERS), min_size=1, max_size=4))
    def something_changes_or_is_asked_back(self, tries: list[tuple[Act, int, int]]) -> None:
        for act, a, b in tries:
            self.world.attempt(act, a, b)
            self._check()

    @rule(tries=st.lists(st.tuples(st.sampled_from(OF_THE_TRANCHE), NUMBERS, NUMBERS), min_size=1, max_size=4))
    def somebody_moves_the_tranche(self, tries: list[tuple[Act, int, int]]) -> None:
        for act, a, b in tries:
            self.world.attempt(act, a, b)
            self._check()

    @rule(steps=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=4), tried=TRIES)
    def several_at_once(self, steps: list[tuple[int, int]], tried: tuple[str, int, int, int]) -> None:
        self.world.at_once([*((usual, a, b, 0) for a, b in steps), (ACTS[tried[0]], *tried[1:])])
        self._check()

    @rule(name=st.sampled_from(["award", "offer", "prepare_batch", "approve_batch", "determine", "close"]), a=NUMBERS)
    def the_same_at_once(self, name: str, a: int) -> None:
        """Four people press the same button."""
        self.world.at_once([(ACTS[name], a, b, 0) for b in range(1, 5)])
        self._check()

    @rule(number=st.integers(1, 45))
    def days_pass(self, number: int) -> None:
        self.world.days(number)
        self._check()

    @rule(number=st.integers(0, 60))
    def somebody_goes_round_the_product(self, number: int) -> None:
        checks.attack(self.world, number)
        self._check()

    def _check(self) -> None:
        try:
            checks.check(self.world)
        except AssertionError as error:
            error.add_note("What was tried:\n" + "\n".join(self.world.log))
            raise

    def teardown(self) -> None:
        try:
            self.world.wind_up()
            self._check()
            self.world.reopen()
            self._check()
            checks.proved(self.world)
            type(self).tally += self.world.tally
        finally:
            self._stack.close()


def test_a_tranche_adds_up_whatever_anybody_does(database_server: TestServer, tmp_path: Path) -> None:
    stage = Stage(database_server, tmp_path)
    Play.stage, Play.seeds, Play.tally = stage, (early(stage), late(stage)), Counter()
    how: Any = settings(
        derandomize=True,
        deadline=None,
        max_examples=4,
        stateful_step_count=12,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Play, settings=how)
    missed = HAPPENS - set(Play.tally)
    assert not missed, f"the plays have grown poor: nobody did {sorted(missed)}"
