"""The specification of a fund, and the two funds that the product comes with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from fundapp.adapters.fund_file import load_funds
from fundapp.domain.conditions_money import CoFinancingRule
from fundapp.domain.eligibility import evaluate
from fundapp.domain.facts import BudgetLineFacts, ContributionFacts, Facts
from fundapp.domain.fund import FundSpec, TrancheSpec, leaves
from fundapp.domain.fund_parts import NO_REMEDY, REMEDIES, Advance
from fundapp.domain.rejection import REASONS, Ending, RejectionCode
from fundapp.domain.settlement import Arrangement, SettlementRules
from fundapp.domain.term import Length, Profile

FUNDS = {fund.key: fund for fund in load_funds()}
PO, IF = FUNDS["stimuleringsregeling-po"], FUNDS["innovatiefonds"]
both = pytest.mark.parametrize("fund", list(FUNDS.values()), ids=list(FUNDS))


def as_data(fund: FundSpec = PO) -> dict[str, Any]:
    """A fund as data that may be changed."""
    data: dict[str, Any] = fund.model_dump(mode="json")
    return data


def texts_of(fund: FundSpec) -> dict[str, dict[str, str]]:
    """Every text of a fund by its path."""
    return {path: value for path, value in leaves(as_data(fund)) if isinstance(value, dict) and value}


# --- what the funds say -----------------------------------------------------------------------------------------------


def test_the_primary_scheme_grants_what_the_worked_case_says() -> None:
    awards = [(750_000, 937_500), (640_000, 800_000), (720_000, 900_000), (500_000, 625_000)]
    assert [PO.grant_of(requested, cost=cost) for requested, cost in awards] == [750_000, 640_000, 720_000, 500_000]
    assert PO.grant_of(900_000, cost=2_000_000) == 750_000
    assert PO.grant_of(750_000, cost=800_000) == 640_000
    assert (PO.maximum_cents, PO.minimum_cents, PO.advance.share_bp) == (750_000, 0, 8000)
    assert PO.settlement_rules == SettlementRules(
        share_bp=8000, co_financing_bp=2000, co_financing_base="total_cost", arrangement=Arrangement.ACTUAL_COST
    )
    assert PO.terms.report.length == "13w"


def test_the_innovation_fund_has_the_bounds_of_the_worked_case() -> None:
    assert (IF.maximum_cents, IF.minimum_cents) == (6_000_000, 500_000)
    assert isinstance(IF.co_financing, CoFinancingRule)
    assert IF.co_financing.share_bp == 1000
    assert IF.grant_of(3_800_000, cost=4_250_000) == 3_800_000
    assert IF.advice.per_sub_region


@both
def test_the_example_budget_meets_the_conditions(fund: FundSpec) -> None:
    example = fund.example_budget
    assert example is not None
    eligible = sum(
        line.quantity * line.unit_cents
        for line in example.lines
        if (category := fund.category(line.category)) is not None and category.eligible
    )
    facts = Facts(
        requested_cents=example.requested_cents,
        total_cost_cents=example.total_cents,
        eligible_cost_cents=eligible,
        budget=tuple(BudgetLineFacts(category=x.category, cents=x.quantity * x.unit_cents) for x in example.lines),
        contributions=tuple(
            ContributionFacts(own=c.own, cash_cents=c.cash_cents, goods_cents=c.goods_cents, hours=c.hours)
            for c in example.contributions
        ),
    )
    outcomes = {o.code: o for o in evaluate(fund.conditions, facts, moment=datetime(2027, 1, 1, tzinfo=UTC))}
    wanted = {"maximum", "co_financing"} | ({"minimum"} if "minimum" in outcomes else set())
    assert {code for code in wanted if outcomes[code].verdict != "met"} == set()
    assert fund.grant_of(example.requested_cents, cost=eligible) == example.requested_cents
    assert fund.co_financing is not None
    paid = sum(fund.co_financing.worth(c) for c in facts.contributions or ())
    assert example.requested_cents + paid == example.total_cents  # the budget closes


@both
def test_every_value_is_known_from_a_source_or_marked_as_assumed(fund: FundSpec) -> None:
    own = ("key", "version", "known", "assumed")
    unmarked = [
        path
        for path, _ in leaves(as_data(fund))
        if path.split(".")[0] not in own and not fund.is_assumed(path) and fund.source_of(path) is None
    ]
    assert unmarked == []
    assert fund.source_of("sub_regions.walcheren.name") == "Update STOZ, december 2023"
    assert fund.is_assumed("grant.share_bp")
    assert not fund.is_assumed("version")


def test_a_longer_path_goes_before_a_shorter_one() -> None:
    assert PO.source_of("conditions.vo_partner.any_of.0") == "huisvandetechniek.nl/sterk-techniekonderwijs-zeeland"
    assert PO.is_assumed("conditions.vo_partner.minimum")


@both
def test_names_on_which_other_parts_rely(fund: FundSpec) -> None:
    for key in ("title", "summary", "starts_on", "ends_on"):
        assert fund.form.question(key) is not None, key
    assert [s.page.value for s in fund.form.sections if s.page != "questions"] == [
        "partners",
        "budget",
        "co_financing",
        "documents",
        "signing",
    ]
    assert [r.key for r in fund.sub_regions] == ["walcheren", "oosterschelde", "zeeuws_vlaanderen"]
    assert fund.contact.email.endswith("@example.org")


# --- the words --------------------------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """The sentences of a text; a mail address is not the end of one."""
    return [part for part in re.split(r"(?<=[.?!:;])\s+|\n", text) if part.strip()]


def too_long(texts: dict[str, str]) -> dict[str, str]:
    """Dutch sentences of more than 20 words."""
    return {path: s for path, text in texts.items() for s in sentences(text) if len(s.split()) > 20}


_DIFFICULT = re.compile(
    r"\b(conform|middels|dienen|dient|indien|teneinde|omtrent|derhalve|je|jij|jouw)\b", re.IGNORECASE
)


def dutch() -> dict[str, str]:
    """All Dutch sentences of the funds and of what they share."""
    found = {f"{f.key}.{path}": text["nl"] for f in FUNDS.values() for path, text in texts_of(f).items()}
    found |= {f"reason.{r.code}": r.sentence.nl for r in REASONS.values()}
    return found | {f"remedy.{p}": t.nl for p, t in REMEDIES.items()} | {"remedy.none": NO_REMEDY.nl}


def test_dutch_is_plain() -> None:
    assert too_long(dutch()) == {}
    assert {path: text for path, text in dutch().items() if _DIFFICULT.search(text)} == {}
    lengths = [len(sentence.split()) for text in dutch().values() for sentence in sentences(text)]
    assert sum(lengths) / len(lengths) <= 15


@both
def test_both_languages_end_alike(fund: FundSpec) -> None:
    odd = {p: t for p, t in texts_of(fund).items() if t["nl"][-1] != t["en"][-1] and (t["nl"] + t["en"]).count("?")}
    assert odd == {}


def test_a_private_fund_never_says_bezwaar_and_an_awb_fund_does() -> None:
    private = PO.under(Profile.PRIVATE)
    for fund in (IF, private):
        everything = fund.model_dump_json() + fund.remedy.nl + fund.remedy.en
        assert "bezwaar" not in everything.casefold()
        assert "objection" not in everything.casefold()
        assert "heroverweging" in fund.remedy.nl
    assert "bezwaar" in PO.remedy.nl
    assert "6 weken" in PO.remedy.nl
    assert "6 weeks" in PO.remedy.en
    assert "heroverweging" not in PO.remedy.nl
    assert "bezwaar" not in " ".join(r.sentence.nl + r.label.nl for r in REASONS.values())


@pytest.mark.parametrize(("language", "word"), [("nl", "Bezwaarschrift"), ("en", "An objection")])
def test_the_word_is_refused_wherever_a_private_fund_writes_it(language: str, word: str) -> None:
    data = as_data(IF)
    data["criteria"][1]["scores"][2] = {"nl": "Goed.", "en": "Good."} | {language: f"{word} mag."}
    with pytest.raises(ValidationError) as caught:
        FundSpec.model_validate(data)
    assert caught.value.errors()[0]["ctx"]["at"] == f"criteria.region.scores.2.{language}"


def test_a_private_fund_may_give_no_second_look() -> None:
    data = as_data(IF)
    data["terms"] |= {"remedy": None, "remedy_decision": None}
    assert FundSpec.model_validate(data).remedy.nl.startswith("Dit besluit is definitief.")
    with pytest.raises(ValidationError, match="under the Awb"):
        FundSpec.model_validate(data | {"legal_profile": "awb"})


def test_every_reason_has_a_sentence_and_its_ending() -> None:
    assert set(REASONS) == set(RejectionCode)
    assert {code for code, reason in REASONS.items() if reason.ending is not Ending.REJECTED} == {
        RejectionCode.NOT_COMPLETED_IN_TIME,
        RejectionCode.WITHDRAWN,
    }
    assert all("{" not in reason.sentence.nl + reason.sentence.en for reason in REASONS.values())


# --- terms ------------------------------------------------------------------------------------------------------------


@both
def test_every_term_can_be_counted(fund: FundSpec) -> None:
    for name in type(fund.terms).model_fields:
        term = getattr(fund.terms, name)
        assert term.rule(fund.legal_profile).length, name
        assert Length.parse(term.length)


def test_a_term_follows_the_profile_unless_the_fund_says_otherwise() -> None:
    assert PO.terms.remedy is not None
    assert PO.terms.remedy.rule(PO.legal_profile).shifts is None
    assert IF.terms.remedy is not None
    assert IF.terms.remedy.rule(IF.legal_profile).shifts is True


# --- version, hash, round trip ----------------------------------------------------------------------------------------


@both
def test_a_fund_survives_json_and_keeps_its_hash(fund: FundSpec) -> None:
    again = FundSpec.model_validate_json(fund.model_dump_json())
    assert again == fund
    assert again.sha256 == fund.sha256 == FundSpec.model_validate(as_data(fund)).sha256
    assert FundSpec.model_validate(as_data(fund) | {"version": 2}).sha256 != fund.sha256


def test_a_fund_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        PO.key = "other"  # type: ignore[misc]  # frozen: that is what is tested


# --- what does not fit ------------------------------------------------------------------------------------------------


def _break_weights(data: dict[str, Any]) -> None:
    data["criteria"][0]["weight"] += 1


def _break_region(data: dict[str, Any]) -> None:
    data["conditions"][1]["sub_regions"].append("texel")


def _break_question(data: dict[str, Any]) -> None:
    next(c for c in data["conditions"] if c["code"] == "lasting")["question"] = "title"


def _break_category(data: dict[str, Any]) -> None:
    next(c for c in data["conditions"] if c["code"] == "eligible_costs")["categories"] = ["yachts"]


def _break_document(data: dict[str, Any]) -> None:
    next(c for c in data["conditions"] if c["code"] == "documents")["required"][0]["only_if"] = "nothing"


def _break_example(data: dict[str, Any]) -> None:
    data["example_budget"]["lines"][0]["category"] = "yachts"


def _break_code(data: dict[str, Any]) -> None:
    data["conditions"].append(data["conditions"][0])


def _break_mark(data: dict[str, Any]) -> None:
    data["assumed"].append("grant.share")


def _break_source(data: dict[str, Any]) -> None:
    data["known"].append({"path": "conditions.nothing", "source": "x"})


def _break_advance(data: dict[str, Any]) -> None:
    data["advance"]["instalments"] *= 2


def _break_term(data: dict[str, Any]) -> None:
    data["terms"]["report"]["length"] = "13 weken"


def _break_scores(data: dict[str, Any]) -> None:
    data["criteria"][0]["scores"].pop()


def _break_minimum(data: dict[str, Any]) -> None:
    rule = next(c for c in data["conditions"] if c["code"] == "maximum")
    data["conditions"].append(rule | {"code": "minimum", "kind": "minimum", "cents": 750_001})
    del data["conditions"][-1]["per"]


@pytest.mark.parametrize(
    "damage",
    [
        _break_weights,
        _break_region,
        _break_question,
        _break_category,
        _break_document,
        _break_example,
        _break_code,
        _break_mark,
        _break_source,
        _break_advance,
        _break_term,
        _break_scores,
        _break_minimum,
    ],
)
def test_parts_that_do_not_fit_together_are_refused(damage: Callable[[dict[str, Any]], None]) -> None:
    data = as_data()
    FundSpec.model_validate(data)
    damage(data)
    with pytest.raises(ValidationError):
        FundSpec.model_validate(data)


def test_a_dated_instalment_has_a_date() -> None:
    Advance.model_validate({"instalments": [{"share_bp": 5000, "when": "date", "date": "2027-09-01"}]})
    with pytest.raises(ValidationError):
        Advance.model_validate({"instalments": [{"share_bp": 5000, "when": "date"}]})
    with pytest.raises(ValidationError):
        Advance.model_validate({"instalments": [{"share_bp": 5000, "when": "award", "date": "2027-09-01"}]})


def test_a_round() -> None:
    data: dict[str, Any] = {
        "ref": "PO-T2",
        "name": {"nl": "Tranche 2", "en": "Tranche 2"},
        "fund": PO.key,
        "opens_at": "2022-04-01T00:00:00+02:00",
        "closes_at": "2022-07-01T23:59:59+02:00",
        "ceiling_cents": 2_000_000,
        "sub_ceilings_cents": {"walcheren": 730_000, "oosterschelde": 730_000, "zeeuws_vlaanderen": 540_000},
        "method": "order_of_receipt",
        "on_overflow": "partial",
        "seed": "tranche-2022-2",
    }
    tranche = TrancheSpec.model_validate(data)
    assert TrancheSpec.model_validate_json(tranche.model_dump_json()) == tranche
    for wrong in (
        {"closes_at": "2022-04-01T00:00:00+02:00"},
        {"opens_at": "2022-04-01T00:00:00"},
        {"ceiling_cents": 1.5},
        {"method": "first"},
        {"ref": "T2"},
        {"colour": "red"},
    ):
        with pytest.raises(ValidationError):
            TrancheSpec.model_validate(data | wrong)
