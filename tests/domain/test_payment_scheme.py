"""The payment scheme: every cent of an award is in one instalment, and each says what it waits for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.fund_parts import Advance, Instalment
from fundapp.domain.money import share
from fundapp.domain.payment import Condition, InstalmentState, Purpose
from fundapp.domain.payment_scheme import Situation, amounts, dates, plan, spread, standing
from fundapp.domain.term import Length, Profile, TermRule
from fundapp.domain.text import Text

DAY = date(2025, 3, 14)
SIX_WEEKS = TermRule(Length(weeks=6), Profile.PRIVATE, pausable=False)
PROOF = {
    "kind": "interim_report",
    "name": {"nl": "verslag halverwege", "en": "report halfway"},
    "question": {"nl": "Hoe gaat het?", "en": "How is it going?"},
    "due": "6m",
}
examples = settings(derandomize=True, deadline=None, max_examples=200)


def advance(*parts: tuple[int, str]) -> Advance:
    more: dict[str, dict[str, Any]] = {"award": {}, "date": {"date": date(2025, 9, 1)}, "proof": {"proof": PROOF}}
    return Advance.model_validate({"instalments": [{"share_bp": bp, "when": when} | more[when] for bp, when in parts]})


shares = st.lists(st.integers(1, 4_000), max_size=6).filter(lambda found: sum(found) <= 10_000)
whens = st.sampled_from(["award", "date", "proof"])
schemes = shares.flatmap(lambda found: st.tuples(*[st.tuples(st.just(bp), whens) for bp in found])).map(
    lambda parts: advance(*parts)
)
awards = st.integers(1, 10**9)


@examples
@given(schemes, awards)
def test_the_instalments_sum_to_the_advance_and_to_the_award(scheme: Advance, award: int) -> None:
    parts, rest = amounts(scheme, award)
    assert sum(parts) == share(award, scheme.share_bp)
    assert sum(parts) + rest == award
    planned = plan(scheme, award, awarded_on=DAY, rule=SIX_WEEKS)
    assert sum(one.cents for one in planned) == award
    assert all(one.cents > 0 for one in planned)
    assert [one.number for one in planned] == list(range(1, len(planned) + 1))


@examples
@given(schemes, awards)
def test_no_instalment_is_a_cent_off_its_share(scheme: Advance, award: int) -> None:
    parts, _ = amounts(scheme, award)
    for part, cents in zip(scheme.instalments, parts, strict=True):
        assert abs(cents - award * part.share_bp / 10_000) < 1.5


@examples
@given(st.lists(st.integers(1, 10**7), max_size=6), st.integers(0, 10**8))
def test_what_is_spread_again_sums_to_what_is_left(before: list[int], total: int) -> None:
    after = spread(before, total)
    assert len(after) == len(before)
    assert sum(after) == (total if before else 0)
    assert all(cents >= 0 for cents in after)


def test_thirds_of_an_award_are_paid_to_the_cent() -> None:
    scheme = advance((3_333, "award"), (3_333, "proof"), (3_334, "date"))
    planned = plan(scheme, 1_000_000_01, awarded_on=DAY, rule=SIX_WEEKS)
    assert [one.cents for one in planned] == [33_330_000, 33_330_000, 33_340_001]
    assert [one.condition for one in planned] == [Condition.AWARD, Condition.PROOF, Condition.DATE]


def test_each_condition_has_its_dates() -> None:
    planned = plan(
        advance((5_000, "award"), (1_000, "date"), (2_000, "proof")), 6_000_000, awarded_on=DAY, rule=SIX_WEEKS
    )
    assert [(one.payable_on, one.due_on) for one in planned] == [
        (DAY, date(2025, 4, 25)),
        (date(2025, 9, 1), date(2025, 9, 1)),
        (None, None),
        (None, None),
    ]
    assert [(one.purpose, one.cents) for one in planned][-1] == (Purpose.FINAL, 1_200_000)
    assert planned[2].proof is not None


def test_a_day_that_was_past_at_the_award_is_paid_within_the_term() -> None:
    assert dates(DAY - timedelta(days=1), DAY, SIX_WEEKS) == (DAY, date(2025, 4, 25))
    assert dates(None, DAY, SIX_WEEKS) == (DAY, date(2025, 4, 25))


def test_under_the_awb_the_term_of_six_weeks_shifts_past_a_holiday() -> None:
    awb = TermRule(Length(weeks=6), Profile.AWB, pausable=False)
    assert dates(None, date(2025, 3, 10), awb) == (date(2025, 3, 10), date(2025, 4, 22))  # 21 April: Easter Monday


@pytest.mark.parametrize(
    ("one", "tone", "payable", "says"),
    [
        (Situation(InstalmentState.PAID, Condition.AWARD, DAY, DAY), "positive", False, ""),
        (Situation(InstalmentState.ORDERED, Condition.AWARD, DAY, DAY), "info", False, "naar de bank"),
        (Situation(InstalmentState.DUE, Condition.AWARD, DAY, date(2025, 4, 25)), "info", True, "25 april"),
        (Situation(InstalmentState.DUE, Condition.AWARD, DAY, date(2025, 3, 13)), "negative", True, "13 maart"),
        (
            Situation(InstalmentState.DUE, Condition.DATE, date(2025, 9, 1), date(2025, 9, 1)),
            "neutral",
            False,
            "1 september",
        ),
        (Situation(InstalmentState.WAITING, Condition.DETERMINATION, None, None), "neutral", False, "eindbedrag"),
        (
            Situation(InstalmentState.WAITING, Condition.PROOF, None, None, proof=Text("het verslag", "the report")),
            "neutral",
            False,
            "goedkeuring van: het verslag",
        ),
        (
            Situation(
                InstalmentState.WAITING, Condition.PROOF, None, None, proof=Text("het verslag", ""), proof_sent=True
            ),
            "neutral",
            False,
            "Wij bekijken nu: het verslag",
        ),
        (
            Situation(
                InstalmentState.DUE, Condition.AWARD, DAY, DAY, returned=Text("de rekening is opgeheven", "closed")
            ),
            "negative",
            True,
            "opgeheven",
        ),
        (Situation(InstalmentState.DUE, Condition.AWARD, DAY, DAY, held_until=DAY), "waiting", False, "15 maart"),
        (
            Situation(InstalmentState.DUE, Condition.AWARD, DAY, DAY, held_until=date(2025, 3, 13)),
            "info",
            True,
            "14 maart",
        ),
    ],
)
def test_where_an_instalment_stands(one: Situation, tone: str, payable: bool, says: str) -> None:
    found = standing(one, DAY)
    assert (found.look.tone, found.payable) == (tone, payable)
    assert says in found.sentence.nl
    assert bool(found.sentence.nl) == bool(found.sentence.en)


@pytest.mark.parametrize("wrong", [{"when": "proof"}, {"when": "award", "proof": PROOF}, {"when": "date"}])
def test_a_condition_without_what_belongs_to_it_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Instalment.model_validate({"share_bp": 5_000} | wrong)


def test_a_fund_of_tier_1_under_the_awb_asks_no_interim_report() -> None:
    spec = load_fund(FUNDS / "stimuleringsregeling-po.yaml")
    asked = {"instalments": [{"share_bp": 5_000, "when": "proof", "proof": PROOF}]}
    with pytest.raises(ValidationError, match="interim report"):
        type(spec).model_validate(spec.model_dump() | {"advance": asked})
