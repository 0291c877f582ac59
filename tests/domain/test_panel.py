"""The panel's rules: who is given what, what scores come to, and when a meeting may advise."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.panel import (
    Reviewer,
    Seat,
    ToAssign,
    may_advise,
    may_be_assigned,
    propose,
    ranking,
    room,
    so_far,
    standing,
    weighted,
)

BOARDS = [f"0090{n}" for n in range(4)]
WEIGHTS = {"innovation": 30, "region": 25, "cooperation": 20, "feasible": 25}


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[Reviewer], list[ToAssign], int]:
    cases = [
        ToAssign(n, f"IF-1-{n:02d}", board := draw(st.sampled_from(BOARDS)), frozenset({board}))
        for n in range(1, draw(st.integers(1, 12)) + 1)
    ]
    reviewers = [
        Reviewer(
            100 + n,
            f"Lezer {n}",
            frozenset(draw(st.sets(st.sampled_from(BOARDS), max_size=2))),
            frozenset(draw(st.sets(st.sampled_from([case.application_id for case in cases]), max_size=2))),
            draw(st.integers(0, 5)),
        )
        for n in range(draw(st.integers(0, 6)))
    ]
    return reviewers, cases, draw(st.integers(1, 3))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(rounds())
def test_proposals_respect_interests_and_fill_what_can_be_filled(
    found: tuple[list[Reviewer], list[ToAssign], int],
) -> None:
    reviewers, cases, each = found
    by_id = {reviewer.person_id: reviewer for reviewer in reviewers}
    proposed = propose(reviewers, cases, each)
    for case in cases:
        readers = [one.person_id for one in proposed if one.application_id == case.application_id]
        able = [one for one in reviewers if one.may_read(case)]
        assert len(set(readers)) == len(readers) == min(each, len(able))
        assert all(may_be_assigned(by_id[one], case) is None for one in readers)
    assert proposed == propose(reviewers, cases, each), "the same input, the same answer"


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 3))
def test_the_load_is_balanced_where_everybody_may_read_everything(people: int, many: int, each: int) -> None:
    reviewers = [Reviewer(n, f"Lezer {n}") for n in range(people)]
    cases = [ToAssign(n, f"IF-1-{n:02d}", BOARDS[n % 4], frozenset()) for n in range(many)]
    given_to = [one.person_id for one in propose(reviewers, cases, each)]
    loads = [given_to.count(n) for n in range(people)]
    assert max(loads) - min(loads) <= 1


def test_cases_of_one_board_are_spread() -> None:
    reviewers = [Reviewer(1, "Een"), Reviewer(2, "Twee")]
    cases = [ToAssign(n, f"IF-1-{n}", BOARDS[0] if n < 3 else BOARDS[1], frozenset()) for n in range(1, 5)]
    found = {one.application_id: one.person_id for one in propose(reviewers, cases, 1)}
    assert found[1] != found[2]
    assert found[3] != found[4]


def test_who_works_for_a_partner_cannot_be_given_it() -> None:
    case = ToAssign(1, "IF-1-01", "00901", frozenset({"00901", "00907"}))
    refusal = may_be_assigned(Reviewer(1, "Bo Jansse", frozenset({"00907"})), case)
    assert refusal is not None
    assert "Bo Jansse werkt bij" in refusal.sentence.nl
    assert may_be_assigned(Reviewer(1, "Bo Jansse", barred=frozenset({1})), case) is not None


def test_scores_are_weighted_to_the_hundredth() -> None:
    scores = {"innovation": 4, "region": 2, "cooperation": 3, "feasible": 4}
    assert weighted(scores, WEIGHTS) == Decimal("3.30")
    assert weighted({"innovation": 4}, WEIGHTS) is None
    assert so_far({"innovation": 4, "region": 2}, WEIGHTS) == Decimal("3.09")
    assert so_far({}, WEIGHTS) is None


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(WEIGHTS)), st.integers(1, 5), min_size=4))
def test_a_weighted_score_lies_between_its_parts(scores: dict[str, int]) -> None:
    found = weighted(scores, WEIGHTS)
    assert found is not None
    assert min(scores.values()) <= found <= max(scores.values())


def test_a_wide_spread_is_named() -> None:
    assert standing([Decimal("2.00"), Decimal("4.00")]).wide
    assert not standing([Decimal("3.80"), Decimal("4.60")]).wide
    assert standing([Decimal("3.80"), Decimal("4.60")]).mean == Decimal("4.20")
    assert standing([]).mean is None


def test_the_ranking_draws_the_line_where_the_money_ends() -> None:
    cases = [
        (1, "IF-1-01", 1_200_000, standing([Decimal("4.20")])),
        (2, "IF-1-02", 950_000, standing([Decimal("3.90")])),
        (3, "IF-1-03", 1_800_000, standing([Decimal("3.10")])),
        (4, "IF-1-04", 100, standing([])),
    ]
    found = ranking(reversed(cases), 3_800_000)
    assert [(one.application_id, one.left_cents, one.fits) for one in found] == [
        (1, 2_600_000, True),
        (2, 1_650_000, True),
        (3, -150_000, False),
        (4, -150_100, False),
    ]


SEATS = [Seat(n, f"Lid {n}", True, frozenset({7}) if n == 1 else frozenset()) for n in range(1, 4)]


def test_an_interest_counts_for_no_quorum() -> None:
    other = room(SEATS, 8, 3)
    assert (other.short, may_advise(other, 1)) == (0, None)
    own = room(SEATS, 7, 3)
    assert [seat.person_id for seat in own.leaves] == [1]
    refusal = may_advise(own, 2)
    assert refusal is not None
    assert refusal.code == "no_quorum"
    assert "Lid 1 doet niet mee" in refusal.sentence.nl


@pytest.mark.parametrize("person", [1, 99, None])
def test_only_who_takes_part_records_the_advice(person: int | None) -> None:
    refusal = may_advise(room(SEATS, 7, 2), person)
    assert refusal is not None
    assert refusal.code == "not_in_the_room"
