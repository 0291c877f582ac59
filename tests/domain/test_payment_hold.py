"""Payment holds: thirteen weeks at most under the Awb, all of them together, and they end by themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.payment_hold import LONGEST, Hold, end_refusal, held_until, latest_end
from fundapp.domain.term import Profile

TODAY = date(2025, 3, 14)
examples = settings(derandomize=True, deadline=None, max_examples=200)
days = st.integers(-400, 0)
past = st.builds(
    lambda start, length, lifted: Hold(
        TODAY + timedelta(days=start),
        TODAY + timedelta(days=min(start + length, -1)),
        TODAY + timedelta(days=start + lifted) if lifted is not None and lifted <= length else None,
    ),
    st.integers(-400, -100),
    st.integers(0, 60),
    st.none() | st.integers(0, 60),
)


def test_thirteen_weeks_counted_from_the_first_day() -> None:
    assert latest_end([], TODAY, Profile.AWB) == date(2025, 6, 12)
    assert end_refusal(date(2025, 6, 12), [], TODAY, Profile.AWB) is None
    refused = end_refusal(date(2025, 6, 13), [], TODAY, Profile.AWB)
    assert refused is not None
    assert "artikel 4:56 Awb" in refused.sentence.nl
    assert "donderdag 12 juni 2025" in refused.sentence.nl
    assert end_refusal(date(2025, 6, 13), [], TODAY, Profile.PRIVATE) is None


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("ends_on", [None, TODAY - timedelta(days=1)])
def test_an_end_is_needed_and_lies_ahead(profile: Profile, ends_on: date | None) -> None:
    refused = end_refusal(ends_on, [], TODAY, profile)
    assert refused is not None
    assert refused.field == "ends_on"


@examples
@given(st.lists(past, max_size=4), st.sampled_from(list(Profile)))
def test_all_holds_together_never_pass_the_limit(before: list[Hold], profile: Profile) -> None:
    latest = latest_end(before, TODAY, profile)
    used = sum(hold.days() for hold in before)
    if latest >= TODAY:
        assert end_refusal(latest, before, TODAY, profile) is None
        assert used + Hold(TODAY, latest).days() == LONGEST[profile]
    refused = end_refusal(max(latest, TODAY - timedelta(days=1)) + timedelta(days=1), before, TODAY, profile)
    assert refused is not None


def test_a_hold_counts_on_its_last_day_and_not_after() -> None:
    hold = Hold(TODAY, TODAY + timedelta(days=10))
    assert held_until([hold], TODAY) == hold.ends_on
    assert held_until([hold], hold.ends_on) == hold.ends_on
    assert held_until([hold], hold.ends_on + timedelta(days=1)) is None
    assert held_until([Hold(TODAY, hold.ends_on, ended_on=TODAY)], TODAY) is None


def test_a_lifted_hold_counts_the_days_that_it_ran() -> None:
    assert Hold(TODAY, TODAY + timedelta(days=10), TODAY + timedelta(days=2)).days() == 3
    assert Hold(TODAY, TODAY + timedelta(days=10), TODAY + timedelta(days=20)).days() == 11
