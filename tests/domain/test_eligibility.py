"""The conditions: boundaries to the cent, unknown is never no, the same for ever."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.condition import Verdict
from fundapp.domain.conditions import Rule
from fundapp.domain.eligibility import (
    Outcome,
    evaluate,
    precheck,
    precheck_facts,
    precheck_questions,
    refusals,
    rejection_reasons,
    unanswered,
)
from fundapp.domain.facts import (
    ELSEWHERE,
    ApplicantLevel,
    BudgetLineFacts,
    ContributionFacts,
    DocumentFacts,
    EarlierApplication,
    Facts,
    PartnerFacts,
    PartnerKind,
    SchoolFacts,
    SignatureFacts,
    SignerRole,
)
from fundapp.domain.register import Level
from fundapp.domain.rejection import RejectionCode

PO = load_fund(FUNDS / "stimuleringsregeling-po.yaml")
IF = load_fund(FUNDS / "innovatiefonds.yaml")
NOON = datetime(2022, 5, 3, 10, 0, tzinfo=UTC)
RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
CENTS = st.integers(min_value=0, max_value=10**11)
slow = settings(derandomize=True, deadline=None, max_examples=150)


def rule(kind: str, **parameters: Any) -> Rule:
    """A rule of one kind with plain words."""
    words = {"nl": "Zo is het: {bound}.", "en": "It is so: {bound}."}
    return RULE.validate_python(
        {
            "code": "rule",
            "kind": kind,
            "explanation": words,
            "what_would_help": words,
            "rejection_reason": "over_maximum",
            **parameters,
        }
    )


def judge(one: Rule, facts: Facts, moment: datetime = NOON) -> Outcome:
    """The outcome of a single rule."""
    (outcome,) = evaluate([one], facts, moment=moment)
    return outcome


def verdict(one: Rule, facts: Facts, moment: datetime = NOON) -> Verdict:
    """What a single rule says."""
    return judge(one, facts, moment).verdict


MAXIMUM = rule("maximum", cents=750_000)
CO_FINANCING = rule("co_financing", share_bp=2000, in_kind=True, hourly_rate_cents=4500)
SCHOOL = SchoolFacts(code="99AA00", board="99001", level=Level.PO, sub_region="oosterschelde")


def complete(**changes: Any) -> Facts:
    """An application that meets every condition of the primary scheme."""
    facts = Facts(
        applicant=ApplicantLevel.SCHOOL,
        schools=(SCHOOL,),
        tranche="PO-T2",
        opens_at=datetime(2022, 4, 1, tzinfo=UTC),
        closes_at=datetime(2022, 7, 1, 21, 59, tzinfo=UTC),
        submitted_at=NOON,
        starts_on=date(2022, 9, 1),
        requested_cents=750_000,
        total_cost_cents=937_500,
        eligible_cost_cents=937_500,
        ceiling_left_cents=2_000_000,
        contributions=(ContributionFacts(own=True, cash_cents=187_500),),
        budget=(BudgetLineFacts(category="teaching_materials", cents=937_500),),
        partners=(PartnerFacts(kind=PartnerKind.VO),),
        documents=(DocumentFacts(code="partner_letter"),),
        earlier=(),
        signature=SignatureFacts(role=SignerRole.SCHOOL_LEADER, agreed=True),
        answers={
            "technology_subject": True,
            "lasting": True,
            "already_ordered": False,
            "other_funding": False,
            "partners_pay": False,
        },
    )
    return facts.model_copy(update=changes)


# --- the worked case --------------------------------------------------------------------------------------------------


def test_a_good_application_meets_every_condition() -> None:
    outcomes = evaluate(PO.conditions, complete(), moment=NOON)
    assert [o.code for o in outcomes if o.verdict is not Verdict.MET] == []
    assert [o.number for o in outcomes] == list(range(1, len(PO.conditions) + 1))


def test_the_missing_partner_of_the_worked_case_is_the_one_reason() -> None:
    outcomes = evaluate(PO.conditions, complete(partners=()), moment=NOON)
    assert rejection_reasons(outcomes) == (RejectionCode.PARTNER_MISSING,)
    (outcome,) = refusals(outcomes)
    assert outcome.sentence.nl == (
        "In uw aanvraag ontbreekt een school voor voortgezet onderwijs. Nodig: 1, genoemd: 0."
    )


def test_the_second_rejection_of_the_worked_case_has_two_reasons() -> None:
    facts = complete(
        contributions=(ContributionFacts(own=True, cash_cents=75_000),),  # 8 % of 9,375.00
        answers=complete().answers | {"already_ordered": True},
    )
    outcomes = evaluate(PO.conditions, facts, moment=NOON)
    assert rejection_reasons(outcomes) == (RejectionCode.CO_FINANCING_SHORT, RejectionCode.ACTIVITY_ALREADY_STARTED)
    short = refusals(outcomes)[0]
    assert short.code == "co_financing"
    assert (short.actual, short.bound) == (75_000, 187_500)
    assert short.sentence.nl.startswith("U en uw partners betalen samen €\u00a0750,00 (8%). Nodig is 20%")
    assert "Er mist nog €\u00a01.125,00." in short.sentence.nl


def test_the_innovation_case_with_ten_point_six_per_cent_is_enough() -> None:
    co_financing = IF.co_financing
    assert co_financing is not None
    facts = Facts(total_cost_cents=4_250_000, contributions=(ContributionFacts(cash_cents=450_000),))
    outcome = judge(co_financing, facts)
    assert outcome.verdict is Verdict.MET
    assert "10,58%" in outcome.sentence.nl


# --- boundaries -------------------------------------------------------------------------------------------------------


@slow
@given(CENTS, st.integers(min_value=-2, max_value=2))
def test_maximum_and_minimum_turn_at_the_cent(bound: int, step: int) -> None:
    facts = Facts(requested_cents=max(0, bound + step))
    asked = facts.requested_cents or 0
    assert (verdict(rule("maximum", cents=bound), facts) is Verdict.MET) == (asked <= bound)
    assert (verdict(rule("minimum", cents=bound), facts) is Verdict.MET) == (asked >= bound)
    left = facts.model_copy(update={"ceiling_left_cents": bound})
    assert (verdict(rule("ceiling"), left) is Verdict.MET) == (asked <= bound)


@slow
@given(st.integers(min_value=1, max_value=10**11), st.integers(min_value=0, max_value=10_000), st.data())
def test_co_financing_is_compared_exactly(base: int, share_bp: int, data: st.DataObject) -> None:
    around = base * share_bp // 10_000
    paid = max(0, around + data.draw(st.integers(min_value=-2, max_value=2)))
    one = rule("co_financing", share_bp=share_bp, in_kind=True, hourly_rate_cents=0)
    outcome = judge(one, Facts(total_cost_cents=base, contributions=(ContributionFacts(cash_cents=paid),)))
    assert (outcome.verdict is Verdict.MET) == (paid * 10_000 >= base * share_bp)


@slow
@given(CENTS, CENTS, CENTS)
def test_more_money_never_makes_co_financing_worse(base: int, paid: int, more: int) -> None:
    def says(cents: int) -> Verdict:
        return verdict(CO_FINANCING, Facts(total_cost_cents=base, contributions=(ContributionFacts(cash_cents=cents),)))

    order = [Verdict.NOT_MET, Verdict.UNKNOWN, Verdict.MET]
    assert order.index(says(paid + more)) >= order.index(says(paid))


@slow
@given(CENTS, CENTS)
def test_asking_less_never_breaks_the_maximum(asked: int, less: int) -> None:
    if verdict(MAXIMUM, Facts(requested_cents=asked)) is Verdict.MET:
        assert verdict(MAXIMUM, Facts(requested_cents=max(0, asked - less))) is Verdict.MET


def test_hours_count_for_the_rate_of_the_fund_and_only_where_in_kind_is_allowed() -> None:
    facts = Facts(total_cost_cents=100_000, contributions=(ContributionFacts(hours=4, goods_cents=2_000),))
    outcome = judge(CO_FINANCING, facts)  # 4 × 45.00 + 20.00 = 200.00 of 1,000.00
    assert (outcome.verdict, outcome.actual, outcome.bound) == (Verdict.MET, 20_000, 20_000)
    cash_only = rule("co_financing", share_bp=2000, in_kind=False, hourly_rate_cents=4500)
    assert judge(cash_only, facts).actual == 0
    not_own = rule("co_financing", share_bp=2000, in_kind=True, hourly_rate_cents=4500, own_counts=False)
    own = Facts(total_cost_cents=100_000, contributions=(ContributionFacts(own=True, cash_cents=99_000),))
    assert judge(not_own, own).actual == 0


def test_a_percentage_that_is_just_short_is_not_shown_as_enough() -> None:
    facts = Facts(total_cost_cents=1_000_000, contributions=(ContributionFacts(cash_cents=199_999),))
    outcome = judge(CO_FINANCING, facts)
    assert outcome.verdict is Verdict.NOT_MET
    assert "19,99%" in outcome.sentence.nl
    assert "€\u00a00,01" in outcome.sentence.nl


def test_a_maximum_per_school_grows_with_the_schools_and_per_board_counts_what_it_has() -> None:
    two = (SCHOOL, SCHOOL.model_copy(update={"code": "99AB00"}))
    per_school = rule("maximum", cents=500_000, per="school")
    assert verdict(per_school, Facts(requested_cents=1_000_000, schools=two)) is Verdict.MET
    assert verdict(per_school, Facts(requested_cents=1_000_001, schools=two)) is Verdict.NOT_MET
    assert verdict(per_school, Facts(requested_cents=1)) is Verdict.UNKNOWN
    per_board = rule("maximum", cents=500_000, per="board")
    assert verdict(per_board, Facts(requested_cents=200_000, board_awarded_cents=300_000)) is Verdict.MET
    assert verdict(per_board, Facts(requested_cents=200_000, board_awarded_cents=300_001)) is Verdict.NOT_MET
    assert verdict(per_board, Facts(requested_cents=200_000)) is Verdict.UNKNOWN


# --- who, where, when -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([Level.PO], Verdict.MET),
        ([Level.SO_VSO, Level.SBO], Verdict.MET),
        ([Level.VO], Verdict.NOT_MET),
        ([Level.PO, Level.VO], Verdict.NOT_MET),
        ([None, Level.VO], Verdict.NOT_MET),
        ([Level.PO, None], Verdict.UNKNOWN),
        ([], Verdict.UNKNOWN),
    ],
)
def test_every_school_must_be_of_the_right_kind(levels: list[Level | None], expected: Verdict) -> None:
    schools = tuple(SchoolFacts(code=f"99AA0{n}", level=level) for n, level in enumerate(levels))
    assert verdict(PO.conditions[0], Facts(schools=schools)) is expected


def test_a_person_is_not_a_school() -> None:
    assert verdict(PO.conditions[0], Facts(applicant=ApplicantLevel.PERSON, schools=(SCHOOL,))) is Verdict.NOT_MET


@pytest.mark.parametrize(
    ("region", "expected"),
    [("walcheren", Verdict.MET), (ELSEWHERE, Verdict.NOT_MET), (None, Verdict.UNKNOWN)],
)
def test_a_school_lies_in_the_region(region: str | None, expected: Verdict) -> None:
    facts = Facts(schools=(SchoolFacts(code="99AA00", sub_region=region),))
    assert verdict(PO.conditions[1], facts) is expected


def test_once_only_looks_at_this_school_and_this_round() -> None:
    def earlier(tranche: str, school: str) -> EarlierApplication:
        return EarlierApplication(ref=f"{tranche}-01", tranche=tranche, school=school, board="99001", awarded=True)

    one = PO.conditions[2]
    facts = Facts(schools=(SCHOOL,), tranche="PO-T2")
    assert verdict(one, facts) is Verdict.UNKNOWN
    others = (earlier("PO-T1", "99AA00"), earlier("PO-T2", "99AB00"))
    assert verdict(one, facts.model_copy(update={"earlier": others})) is Verdict.MET
    outcome = judge(one, facts.model_copy(update={"earlier": (*others, earlier("PO-T2", "99AA00"))}))
    assert outcome.verdict is Verdict.NOT_MET
    assert "PO-T2-01" in outcome.sentence.nl
    per_board = rule("once_only", per="board", within="fund")
    assert verdict(per_board, facts.model_copy(update={"earlier": others})) is Verdict.NOT_MET


def test_the_window_ends_belong_to_it_and_an_extension_helps() -> None:
    one = rule("window")
    opens, closes = NOON, NOON + timedelta(days=1)
    facts = Facts(opens_at=opens, closes_at=closes)
    tick = timedelta(microseconds=1)
    assert verdict(one, facts, opens - tick) is Verdict.NOT_MET
    assert verdict(one, facts, opens) is Verdict.MET
    assert verdict(one, facts, closes) is Verdict.MET
    assert verdict(one, facts, closes + tick) is Verdict.NOT_MET
    extended = facts.model_copy(update={"extension_until": closes + timedelta(hours=1)})
    assert verdict(one, extended, closes + tick) is Verdict.MET
    received = facts.model_copy(update={"submitted_at": closes})
    assert verdict(one, received, closes + timedelta(days=30)) is Verdict.MET
    assert verdict(one, Facts(), NOON) is Verdict.UNKNOWN


def test_the_start_is_counted_in_amsterdam_days() -> None:
    late = datetime(2022, 7, 1, 22, 30, tzinfo=UTC)  # 2 July in Amsterdam
    one = rule("start_date", not_before="submission")
    assert verdict(one, Facts(starts_on=date(2022, 7, 1)), late) is Verdict.NOT_MET
    assert verdict(one, Facts(starts_on=date(2022, 7, 2)), late) is Verdict.MET
    award = rule("start_date", not_before="award")
    assert verdict(award, Facts(starts_on=date(2022, 7, 2)), late) is Verdict.UNKNOWN
    assert verdict(award, Facts(starts_on=date(2022, 7, 1)), late) is Verdict.NOT_MET
    decided = Facts(starts_on=date(2022, 9, 1), awarded_on=date(2022, 9, 2))
    assert verdict(award, decided, late) is Verdict.NOT_MET


# --- with whom, with what ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([True], Verdict.MET), ([None], Verdict.UNKNOWN), ([False], Verdict.NOT_MET), ([False, None], Verdict.UNKNOWN)],
)
def test_a_partner_that_must_confirm(answers: list[bool | None], expected: Verdict) -> None:
    one = rule("partners", any_of=["company", "mbo"], confirmed=True)
    partners = tuple(PartnerFacts(kind=PartnerKind.MBO, confirmed=answer) for answer in answers)
    assert verdict(one, Facts(partners=partners)) is expected


def test_a_partner_who_declined_does_not_count_and_another_kind_neither() -> None:
    one = rule("partners", any_of=["vo"])
    declined = PartnerFacts(kind=PartnerKind.VO, confirmed=False)
    company = PartnerFacts(kind=PartnerKind.COMPANY)
    assert verdict(one, Facts(partners=(declined, company))) is Verdict.NOT_MET
    assert verdict(one, Facts()) is Verdict.UNKNOWN


def test_documents_per_school_and_only_where_needed() -> None:
    def document(code: str, **more: Any) -> dict[str, Any]:
        words = {"nl": code, "en": code}
        return {"code": code, "name": words, "why": words, **more}

    one = rule(
        "documents", required=[document("plan"), document("brin", per="school"), document("quote", only_if="buys")]
    )
    two = (SCHOOL, SCHOOL.model_copy(update={"code": "99AB00"}))
    plan, first, second, quote = (
        DocumentFacts(code="plan"),
        DocumentFacts(code="brin", school="99AA00"),
        DocumentFacts(code="brin", school="99AB00"),
        DocumentFacts(code="quote"),
    )

    def says(given: tuple[DocumentFacts, ...] | None, answers: dict[str, bool]) -> Verdict:
        return verdict(one, Facts(schools=two, documents=given, answers=answers))

    assert says((plan, first, second), {"buys": False}) is Verdict.MET
    assert says((plan, first), {"buys": False}) is Verdict.NOT_MET
    assert says((plan, first, second), {"buys": True}) is Verdict.NOT_MET
    assert says((plan, first, second, quote), {"buys": True}) is Verdict.MET
    assert says((plan, first, second), {}) is Verdict.UNKNOWN
    assert says(None, {"buys": False}) is Verdict.UNKNOWN


def test_excluded_costs_by_category_and_by_answer() -> None:
    label = {"nl": "verbouwen", "en": "building"}
    by_category = rule("excluded_cost", categories=["building"], label=label)
    lines = (BudgetLineFacts(category="building", cents=48_000), BudgetLineFacts(category="other", cents=1))
    outcome = judge(by_category, Facts(budget=lines))
    assert (outcome.verdict, outcome.actual) == (Verdict.NOT_MET, 48_000)
    assert verdict(by_category, Facts(budget=lines[1:])) is Verdict.MET
    assert verdict(by_category, Facts()) is Verdict.UNKNOWN
    both = rule("excluded_cost", categories=["building"], question="ordered", label=label)
    assert verdict(both, Facts(budget=lines[1:], answers={"ordered": True})) is Verdict.NOT_MET
    assert verdict(both, Facts(budget=lines[1:])) is Verdict.UNKNOWN
    with pytest.raises(ValidationError):
        rule("excluded_cost", label=label)


def test_who_signed() -> None:
    one = rule("signer", roles=["board"])
    yes = SignatureFacts(role=SignerRole.BOARD, agreed=True)
    assert verdict(one, Facts(signature=yes)) is Verdict.MET
    assert verdict(one, Facts(signature=yes.model_copy(update={"agreed": False}))) is Verdict.NOT_MET
    assert verdict(one, Facts(signature=yes.model_copy(update={"agreed": None}))) is Verdict.UNKNOWN
    assert verdict(one, Facts()) is Verdict.UNKNOWN
    other = SignatureFacts(role=SignerRole.SCHOOL_LEADER, agreed=True)
    assert verdict(one, Facts(signature=other)) is Verdict.NOT_MET


# --- unknown, precheck, replay ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [PO, IF], ids=lambda spec: str(spec.key))
def test_nothing_known_means_nothing_refused(spec: Any) -> None:
    outcomes = evaluate(spec.conditions, Facts(), moment=NOON)
    assert {o.verdict for o in outcomes} == {Verdict.UNKNOWN}
    assert refusals(outcomes) == []
    assert len(unanswered(outcomes)) == sum(rule.blocking for rule in spec.conditions)


@pytest.mark.parametrize("spec", [PO, IF], ids=lambda spec: str(spec.key))
def test_five_to_seven_questions_come_before_signing_in(spec: Any) -> None:
    questions = precheck_questions(spec.conditions)
    assert 5 <= len(questions) <= 7
    assert all(q.question.nl.endswith("?") and "{" not in q.question.nl + q.explanation.nl for q in questions)


@slow
@given(st.data())
def test_an_answer_that_is_not_known_never_refuses(data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([PO, IF]))
    asked = {q.code: spec.condition(q.code) for q in spec.precheck}
    answers = {code: data.draw(st.sampled_from([True, False, None])) for code in asked}
    outcomes = precheck(spec.conditions, answers, moment=NOON)
    assert [o.code for o in outcomes] == list(asked)
    for outcome in outcomes:
        rule_ = asked[outcome.code]
        assert rule_ is not None
        assert rule_.precheck is not None
        expected = {None: Verdict.UNKNOWN, rule_.precheck.wished: Verdict.MET}.get(
            answers[outcome.code], Verdict.NOT_MET
        )
        assert outcome.verdict is expected
        assert outcome.source == ("facts" if answers[outcome.code] is None else "declared")


def test_an_answer_to_a_question_that_is_gone_is_left_out() -> None:
    assert precheck_facts(PO.conditions, {"gone": True, "window": True}) == Facts()


def test_a_fact_goes_before_the_applicants_own_word() -> None:
    facts = Facts(partners=(), declared={"vo_partner": True})
    outcomes = {o.code: o for o in evaluate(PO.conditions, facts, moment=NOON)}
    assert outcomes["vo_partner"].verdict is Verdict.NOT_MET
    assert outcomes["vo_partner"].source == "facts"


def test_facts_and_outcomes_survive_json_and_a_replay_says_the_same() -> None:
    facts = complete(contributions=(ContributionFacts(cash_cents=1, hours=3),), awarded_on=date(2022, 8, 1))
    stored = facts.model_dump_json()
    again = Facts.model_validate_json(stored)
    assert again == facts
    first = evaluate(PO.conditions, facts, moment=NOON)
    second = evaluate(PO.conditions, again, moment=NOON)
    assert first == second
    assert [Outcome.model_validate_json(o.model_dump_json()) for o in first] == first


@slow
@given(
    st.one_of(st.none(), CENTS),
    st.one_of(st.none(), CENTS),
    st.one_of(st.none(), st.lists(CENTS, max_size=3)),
    st.dictionaries(st.sampled_from(["technology_subject", "lasting", "already_ordered"]), st.booleans()),
)
def test_any_facts_are_judged_without_a_crash_and_round_trip(
    asked: int | None, cost: int | None, paid: list[int] | None, answers: dict[str, bool]
) -> None:
    facts = Facts(
        requested_cents=asked,
        total_cost_cents=cost,
        contributions=None if paid is None else tuple(ContributionFacts(cash_cents=cents) for cents in paid),
        answers=answers,
    )
    outcomes = evaluate(PO.conditions, facts, moment=NOON)
    assert evaluate(PO.conditions, Facts.model_validate_json(facts.model_dump_json()), moment=NOON) == outcomes
    assert all("{" not in o.sentence.nl + o.sentence.en + o.what_would_help.nl for o in outcomes)


def test_a_moment_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        evaluate(PO.conditions, Facts(), moment=datetime(2022, 5, 3))  # noqa: DTZ001 -- naive on purpose


@pytest.mark.parametrize("cents", [True, 1.0, "750000", -1])
def test_an_amount_is_a_whole_number_of_cents(cents: object) -> None:
    with pytest.raises(ValidationError):
        Facts.model_validate({"requested_cents": cents})


def test_a_rule_cannot_ask_for_a_word_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="cannot be filled in"):
        rule("maximum", cents=1, explanation={"nl": "Hoogstens {bound.__class__}.", "en": "At most {bound}."})
