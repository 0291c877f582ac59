"""On which grounds a school is heard before its application is rejected (Awb 4:7)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.intention import RejectionHearing, to_hear_on
from fundapp.domain.rejection import REASONS, Ending, RejectionCode
from fundapp.domain.term import Profile

PO = load_fund(FUNDS / "stimuleringsregeling-po.yaml")
REASONS_GIVEN = ["partner_missing", "co_financing_short", "ceiling_reached"]


@pytest.mark.parametrize(
    ("hearing", "own", "expected"),
    [
        (RejectionHearing.NEVER, [], []),
        (RejectionHearing.OTHER_FACTS, [], ["partner_missing", "co_financing_short"]),
        (RejectionHearing.OTHER_FACTS, ["co_financing_short"], ["partner_missing"]),
        (RejectionHearing.OTHER_FACTS, ["co_financing_short", "partner_missing"], []),
        (RejectionHearing.ALWAYS, ["co_financing_short", "partner_missing"], REASONS_GIVEN),
    ],
)
def test_what_the_school_stated_itself_and_what_is_no_fact_about_it_needs_no_hearing(
    hearing: RejectionHearing, own: list[str], expected: list[str]
) -> None:
    assert to_hear_on(REASONS_GIVEN, hearing, frozenset(own)) == expected


def test_money_and_rank_are_no_facts_about_a_school() -> None:
    """Golden: which grounds rest on facts that a school may see differently."""
    rejecting = [reason for reason in REASONS.values() if reason.ending is Ending.REJECTED]
    assert {str(reason.code) for reason in rejecting if not reason.judged} == {
        RejectionCode.OUTSIDE_WINDOW,
        RejectionCode.ALREADY_AWARDED,
        RejectionCode.UNDER_MINIMUM,
        RejectionCode.OVER_MAXIMUM,
        RejectionCode.CEILING_REACHED,
        RejectionCode.RANKED_TOO_LOW,
    }


def _with(hearing: str, profile: Profile) -> dict[str, object]:
    data = PO.model_dump(mode="json")
    return data | {"legal_profile": str(profile), "decision": data["decision"] | {"hearing": hearing}}


def test_under_the_awb_a_fund_cannot_leave_the_hearing_out() -> None:
    with pytest.raises(ValidationError, match="article 4:7"):
        type(PO).model_validate(_with("never", Profile.AWB))
    private = type(PO).model_validate(_with("never", Profile.PRIVATE))
    assert private.decision.hearing is RejectionHearing.NEVER
