"""Every kind of condition that a scheme can set, name by name: typed, with parameters, explained in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from fundapp.domain.condition import Verdict
from fundapp.domain.conditions import Rule
from fundapp.domain.eligibility import explanation_of, quoted, rejection_reasons
from fundapp.domain.facts import (
    ELSEWHERE,
    BudgetLineFacts,
    ContributionFacts,
    DocumentFacts,
    EarlierApplication,
    Facts,
    PayerKind,
    SchoolFacts,
    SignatureFacts,
    SignerRole,
)
from fundapp.domain.register import Level
from fundapp.domain.rejection import RejectionCode
from tests.domain.test_eligibility import PO, SCHOOL, complete, judge, rule, verdict

PARAMETERS: dict[str, dict[str, Any]] = {
    "applicant": {"levels": ["po"]},
    "region": {"sub_regions": ["oosterschelde"], "area": {"nl": "Zeeland", "en": "Zeeland"}},
    "membership": {"boards": ["99001"], "body": {"nl": "het centrum", "en": "the centre"}},
    "once_only": {"per": "school", "within": "tranche"},
    "window": {},
    "maximum": {"cents": 750_000},
    "minimum": {"cents": 100_000},
    "ceiling": {},
    "co_financing": {"share_bp": 2000, "in_kind": True, "hourly_rate_cents": 4500},
    "documents": {
        "required": [{"code": "plan", "name": {"nl": "plan", "en": "plan"}, "why": {"nl": "Nodig.", "en": "Needed."}}]
    },
    "partners": {"any_of": ["vo"]},
    "content_condition": {"question": "lasting", "label": {"nl": "blijvend", "en": "lasting"}},
    "excluded_cost": {"categories": ["building"], "label": {"nl": "verbouwen", "en": "building work"}},
    "start_date": {"not_before": "submission"},
    "signer": {"roles": ["school_leader"]},
}
"""A set of parameters for every kind of condition that a scheme asks of an applicant."""

BROKEN: dict[str, dict[str, Any]] = {
    "applicant": {"schools": (SchoolFacts(code="99AA00", level=Level.VO),)},
    "region": {"schools": (SchoolFacts(code="99AA00", sub_region=ELSEWHERE),)},
    "membership": {"schools": (SchoolFacts(code="99AA00", board="99002"),)},
    "once_only": {
        "earlier": (EarlierApplication(ref="PO-1", tranche="PO-T2", school="99AA00", board="9", awarded=True),)
    },
    "window": {"submitted_at": datetime(2022, 8, 1, tzinfo=UTC)},
    "maximum": {"requested_cents": 750_001},
    "minimum": {"requested_cents": 99_999},
    "ceiling": {"ceiling_left_cents": 0},
    "co_financing": {"contributions": ()},
    "documents": {"documents": ()},
    "partners": {"partners": ()},
    "content_condition": {"answers": {"lasting": False}},
    "excluded_cost": {"budget": (BudgetLineFacts(category="building", cents=1),)},
    "start_date": {"starts_on": date(2022, 5, 2)},
    "signer": {"signature": SignatureFacts(role=SignerRole.SCHOOL_LEADER, agreed=False)},
}
"""Facts that break each of them, in an application that is right otherwise."""


def test_the_kinds_are_all_there() -> None:
    kinds = {model.model_fields["kind"].annotation.__args__[0] for model in get_args(get_args(Rule)[0])}
    assert kinds == set(PARAMETERS) == set(BROKEN)


@pytest.mark.parametrize("kind", PARAMETERS)
@pytest.mark.parametrize("blocking", [True, False])
def test_a_kind_is_met_or_not_says_so_in_both_languages_and_blocks_only_where_it_should(
    kind: str, blocking: bool
) -> None:
    one = rule(kind, blocking=blocking, **PARAMETERS[kind])
    good = complete(documents=(DocumentFacts(code="plan"),))
    assert verdict(one, good) is Verdict.MET
    assert verdict(one, Facts()) in (Verdict.UNKNOWN, *([Verdict.MET] if kind == "window" else []))
    broken = judge(one, good.model_copy(update=BROKEN[kind]))
    assert broken.verdict is Verdict.NOT_MET
    assert broken.refuses is blocking
    for text in (broken.sentence, broken.what_would_help, explanation_of(one)):
        assert text.nl.strip()
        assert text.en.strip()
        assert "{" not in text.nl + text.en
    assert len(rejection_reasons([broken])) == int(blocking)


@pytest.mark.parametrize(
    ("left", "right"), [("99001", Verdict.MET), ("99002", Verdict.NOT_MET), (None, Verdict.UNKNOWN)]
)
def test_a_board_takes_part_already(left: str | None, right: Verdict) -> None:
    one = rule("membership", **PARAMETERS["membership"])
    assert verdict(one, Facts(schools=(SCHOOL, SchoolFacts(code="99AB00", board=left)))) is right


def test_a_maximum_for_each_unit_grows_with_the_number_that_is_given() -> None:
    one = rule("maximum", cents=10_000, per="unit", question="pupils", unit={"nl": "leerling", "en": "pupil"})
    assert verdict(one, Facts(requested_cents=500_000, numbers={"pupils": 50})) is Verdict.MET
    assert verdict(one, Facts(requested_cents=500_001, numbers={"pupils": 50})) is Verdict.NOT_MET
    assert verdict(one, Facts(requested_cents=1)) is Verdict.UNKNOWN
    assert "€ 100,00 per leerling" in explanation_of(one).nl.replace("\u00a0", " ")
    with pytest.raises(ValidationError):
        rule("maximum", cents=10_000, per="unit")


def test_a_minimum_for_each_school_and_for_the_board() -> None:
    schools = (SCHOOL, SchoolFacts(code="99AB00"))
    each = rule("minimum", cents=100_000, per="school")
    assert verdict(each, Facts(requested_cents=200_000, schools=schools)) is Verdict.MET
    assert verdict(each, Facts(requested_cents=199_999, schools=schools)) is Verdict.NOT_MET
    board = rule("minimum", cents=100_000, per="board")
    assert verdict(board, Facts(requested_cents=60_000, board_awarded_cents=40_000)) is Verdict.MET
    assert verdict(board, Facts(requested_cents=60_000, board_awarded_cents=0)) is Verdict.NOT_MET
    assert verdict(board, Facts(requested_cents=60_000)) is Verdict.UNKNOWN


def test_co_financing_by_companies_only() -> None:
    one = rule("co_financing", share_bp=1000, in_kind=True, hourly_rate_cents=6000, by=["company"])
    own = ContributionFacts(own=True, kind=PayerKind.OWN, cash_cents=100_000)
    company = ContributionFacts(kind=PayerKind.COMPANY, hours=20)
    facts = Facts(total_cost_cents=1_200_000, contributions=(own,))
    assert "Bedrijven betalen samen € 0,00" in judge(one, facts).sentence.nl.replace("\u00a0", " ")
    assert verdict(one, facts.model_copy(update={"contributions": (own, company)})) is Verdict.MET


def test_once_in_a_calendar_year_of_amsterdam() -> None:
    one = rule("once_only", per="board", within="year")
    before = EarlierApplication(ref="PO-1", tranche="PO-T1", school="99AB00", board="99001", awarded=True)
    new_year = datetime(2021, 12, 31, 23, 30, tzinfo=UTC)  # half past midnight in Amsterdam
    for sent_on, expected in ((date(2021, 12, 31), Verdict.MET), (date(2022, 1, 1), Verdict.NOT_MET)):
        earlier = (before.model_copy(update={"sent_on": sent_on}),)
        assert verdict(one, complete(earlier=earlier, submitted_at=new_year)) is expected


def test_a_rejection_quotes_the_condition_by_number_and_code_and_none_that_was_met() -> None:
    reason = RejectionCode.ACTIVITY_ALREADY_STARTED
    text = quoted(PO.conditions, reason, {"not_started"}).nl
    assert text.startswith("U bent met de activiteit begonnen voordat dat mocht.")
    assert "voorwaarde 11 van het fonds (not_started): “U hebt nog niets besteld" in text
    assert "voorwaarde" not in quoted(PO.conditions, reason, set()).nl, "two conditions lead to it"
    assert "(vo_partner)" in quoted(PO.conditions, RejectionCode.PARTNER_MISSING, set()).nl, "only one does"
    assert quoted(PO.conditions, RejectionCode.RANKED_TOO_LOW, set()).nl.count("voorwaarde") == 0
