"""What a fund is: one frozen specification that everything else reads its rules from.

A specification is data (a YAML file, later the coordinator's editor), versioned and hashed: a case keeps the version it
began with. The real rulebooks are not public, so a specification says of its values which are known and which assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Self, TypeVar

from pydantic import AwareDatetime, Field, StrictStr, field_validator, model_validator

from fundapp.domain.accounts import Asked
from fundapp.domain.allocation_input import Method, OnOverflow
from fundapp.domain.canonical import digest
from fundapp.domain.condition import LEVEL_NAMES, OR, RuleBase, listed
from fundapp.domain.conditions import (
    ContentConditionRule,
    DocumentRequirement,
    DocumentsRule,
    PartnersRule,
    Rule,
    SignerRule,
)
from fundapp.domain.conditions_money import CoFinancingRule, ExcludedCostRule, MaximumRule, MinimumRule
from fundapp.domain.conditions_who import ApplicantRule, RegionRule
from fundapp.domain.eligibility import PrecheckQuestion, precheck_questions
from fundapp.domain.form_spec import FileQuestion, FormSpec, NumberQuestion, YesNoQuestion
from fundapp.domain.fund_parts import (
    NO_REMEDY,
    REMEDIES,
    Advance,
    Contact,
    CostCategory,
    Criterion,
    DecidingBody,
    Duty,
    ExampleBudget,
    Grant,
    Known,
    Letters,
    Panel,
    Publication,
    RetentionYears,
    Settlement,
    SubRegion,
    Terms,
)
from fundapp.domain.intention import RejectionHearing
from fundapp.domain.register import Level
from fundapp.domain.settlement import Hearing, SettlementRules, grant
from fundapp.domain.spec import Cents, Count, Key, Slug, Spec, Words, mistake
from fundapp.domain.term import Length, Profile
from fundapp.domain.text import Text
from fundapp.domain.upload import FileType, Slot

_R = TypeVar("_R", bound=RuleBase)

_NOT_PRIVATE = {"nl": ("bezwaar",), "en": ("objection",)}
"""Words of the Awb that a private fund must not use: they promise a right that is not there."""

_ONE_AT_MOST = frozenset(
    {"applicant", "region", "window", "ceiling", "minimum", "co_financing", "documents", "start_date", "signer"}
)


class FundSpec(Spec):
    """All rules of a fund. Amounts in cents, shares in basis points, texts in both languages.

    reference_prefix: how its cases are numbered ("PO" in PO-T1-01). assumed: dotted paths of values that no source
    states, shown as such to the coordinator; known: paths with their public source. A path covers all below it; the
    longest one counts. Items of a list are named by their key or code, else by their place from 0.
    """

    key: Slug
    version: Count
    name: Words
    short_name: Words
    purpose: Words
    for_whom: Words
    programme: Words
    reference_prefix: Annotated[StrictStr, Field(pattern=r"^[A-Z]{2,6}$")]
    legal_profile: Profile
    sub_regions: Annotated[tuple[SubRegion, ...], Field(min_length=1)]
    contact: Contact
    advice: Panel
    decision: DecidingBody
    conditions: Annotated[tuple[Rule, ...], Field(min_length=1)]
    form: FormSpec
    cost_categories: Annotated[tuple[CostCategory, ...], Field(min_length=1)]
    example_budget: ExampleBudget | None = None
    criteria: tuple[Criterion, ...]
    grant: Grant
    advance: Advance
    settlement: Settlement
    terms: Terms
    duties: tuple[Duty, ...]
    letters: Letters
    publication: Publication
    retention_years: RetentionYears
    known: tuple[Known, ...] = ()
    assumed: tuple[StrictStr, ...] = ()

    @field_validator("criteria")
    @classmethod
    def _weights_are_whole(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        total = sum(criterion.weight for criterion in criteria)
        if criteria and total != 100:
            raise mistake(
                f"de gewichten zijn samen {total}; dat moet 100 zijn",
                f"the weights sum to {total}; they must sum to 100",
            )
        return criteria

    @field_validator("conditions", "criteria", "cost_categories", "sub_regions", "duties")
    @classmethod
    def _names_are_unique(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        for name, times in Counter(getattr(item, "code", None) or item.key for item in items).items():
            if times > 1:
                raise mistake(f"“{name}” staat er {times} keer", f"“{name}” occurs {times} times", at=str(name))
        return items

    @field_validator("conditions")
    @classmethod
    def _kinds_that_stand_alone(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        for kind, times in Counter(rule.kind for rule in rules).items():
            if times > 1 and kind in _ONE_AT_MOST:
                raise mistake(
                    f"er is al een voorwaarde van de soort {kind}", f"there is already a condition of the kind {kind}"
                )
        return rules

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        checks = (
            self._check_conditions,
            self._check_example,
            self._check_profile,
            self._check_proofs,
            self._check_marks,
        )
        for check in checks:
            check()
        return self

    def _check_conditions(self) -> None:
        regions = {region.key for region in self.sub_regions}
        categories = {category.key for category in self.cost_categories}
        asked = {question.key for question in self.form.questions() if isinstance(question, YesNoQuestion)}
        counted = {question.key for question in self.form.questions() if isinstance(question, NumberQuestion)}
        for rule in self.conditions:
            at = f"conditions.{rule.code}"
            if isinstance(rule, RegionRule):
                _all_known(rule.sub_regions, regions, f"{at}.sub_regions")
            if isinstance(rule, ExcludedCostRule):
                _all_known(rule.categories, categories, f"{at}.categories")
            if isinstance(rule, ContentConditionRule | ExcludedCostRule) and rule.question:
                _all_known([rule.question], asked, f"{at}.question")
            if isinstance(rule, MaximumRule) and rule.question:
                _all_known([rule.question], counted, f"{at}.question")
            if isinstance(rule, DocumentsRule):
                for document in rule.required:
                    if self.form.question(document.code) is not None:
                        raise mistake(
                            f"“{document.code}” is al de sleutel van een vraag",
                            f"“{document.code}” is the key of a question already",
                            at=f"{at}.required.{document.code}",
                        )
                    _all_known([document.only_if] if document.only_if else [], asked, f"{at}.required.{document.code}")
        if self.maximum_cents is not None and self.minimum_cents > self.maximum_cents:
            raise mistake("het minimum is hoger dan het maximum", "the minimum is above the maximum", at="conditions")

    def _check_example(self) -> None:
        categories = {category.key for category in self.cost_categories}
        for number, line in enumerate(self.example_budget.lines if self.example_budget else ()):
            _all_known([line.category], categories, f"example_budget.lines.{number}.category")

    def _check_profile(self) -> None:
        if self.legal_profile is Profile.AWB:
            self._check_awb()
            return
        for path, value in leaves(self.model_dump(mode="json")):
            for language, words in _NOT_PRIVATE.items():
                if isinstance(value, dict) and any(word in value[language].casefold() for word in words):
                    raise mistake(
                        f"een privaat fonds gebruikt het woord “{words[0]}” niet; schrijf heroverweging",
                        f"a private fund does not use the word “{words[0]}”; write reconsideration",
                        at=f"{path}.{language}",
                    )

    def _check_proofs(self) -> None:
        """Aanwijzingen voor subsidieverstrekking nr 8, 9: below € 25,000 (tier 1) no interim report is asked."""
        if self.legal_profile is not Profile.AWB or self.settlement.tier > 1:
            return
        for number, part in enumerate(self.advance.instalments):
            if part.proof is not None and part.proof.kind == "interim_report":
                raise mistake(
                    "bij arrangement 1 vraagt een fonds onder de Awb geen tussenrapportage",
                    "under the Awb a fund of tier 1 asks no interim report",
                    at=f"advance.instalments.{number}.proof",
                )

    def _check_awb(self) -> None:
        if self.terms.remedy is None:
            raise mistake(
                "onder de Awb is er altijd een termijn voor bezwaar",
                "under the Awb there is always a term for objection",
                at="terms.remedy",
            )
        if self.terms.last_report is None:
            raise mistake(
                "onder de Awb krijgt de school eerst een laatste termijn (artikel 4:44)",
                "under the Awb the school gets a last term first (article 4:44)",
                at="terms.last_report",
            )
        if self.decision.hearing is RejectionHearing.NEVER:
            raise mistake(
                "onder de Awb wordt de school gehoord voor een afwijzing op andere gegevens (artikel 4:7)",
                "under the Awb the school is heard before a rejection on other facts (article 4:7)",
                at="decision.hearing",
            )
        if self.settlement.hearing is not Hearing.REDUCED:
            raise mistake(
                "onder de Awb wordt de school gehoord bij elke verlaging (artikel 4:12, tweede lid)",
                "under the Awb the school is heard before any reduction (article 4:12, second paragraph)",
                at="settlement.hearing",
            )

    def _check_marks(self) -> None:
        data = self.model_dump(mode="json")
        paths = {prefix for path, _ in leaves(data) for prefix in _prefixes(path)}
        for number, path in enumerate(self.assumed):
            _all_known([path], paths, f"assumed.{number}")
        for number, mark in enumerate(self.known):
            _all_known([mark.path], paths, f"known.{number}.path")

    # --- what the rest of the product asks of a fund ------------------------------------------------------------------

    @cached_property
    def sha256(self) -> str:
        """The hash of the specification as canonical JSON: sorted keys, no spaces, UTF-8."""
        return canonical_sha256(self)

    def _one(self, kind: type[_R]) -> _R | None:
        return next((rule for rule in self.conditions if isinstance(rule, kind)), None)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The kinds of schools that may apply; empty where no condition says so."""
        rule = self._one(ApplicantRule)
        return rule.levels if rule else ()

    @property
    def levels_text(self) -> Text:
        """The kinds of schools that may apply, in words."""
        return listed((LEVEL_NAMES[level] for level in self.levels or LEVEL_NAMES), last=OR)

    @property
    def co_financing(self) -> CoFinancingRule | None:
        """The condition on co-financing, which also values hours; None where the fund asks none."""
        return self._one(CoFinancingRule)

    @property
    def signer(self) -> SignerRule | None:
        """Who must agree."""
        return self._one(SignerRule)

    @property
    def partners(self) -> tuple[PartnersRule, ...]:
        """The conditions on partners."""
        return tuple(rule for rule in self.conditions if isinstance(rule, PartnersRule))

    @property
    def documents(self) -> tuple[DocumentRequirement, ...]:
        """The documents that the conditions ask for."""
        rule = self._one(DocumentsRule)
        return rule.required if rule else ()

    def slot(self, key: str) -> Slot | None:
        """Return the place for files with this name: a document that is required, or a question for a file; or None."""
        question = self.form.question(key)
        if isinstance(question, FileQuestion):
            return question.slot
        return Slot(key, tuple(FileType)) if any(document.code == key for document in self.documents) else None

    @property
    def maximum_cents(self) -> int | None:
        """The most that one application can get, in cents; None where nothing says so."""
        amounts = [r.cents for r in self.conditions if isinstance(r, MaximumRule) and r.per == "application"]
        return min(amounts, default=None)

    @property
    def minimum_cents(self) -> int:
        """The least that can be asked, in cents."""
        rule = self._one(MinimumRule)
        return rule.cents if rule and rule.per == "application" else 0

    def grant_of(self, requested: int, *, cost: int) -> int:
        """What can be granted at most, in cents: min(requested, maximum, share of the eligible cost)."""
        return grant(requested, cost=cost, share_bp=self.grant.share_bp, maximum=self.maximum_cents)

    @property
    def settlement_rules(self) -> SettlementRules:
        """The numbers that the final calculation needs."""
        rules = SettlementRules(
            self.grant.share_bp, arrangement=self.settlement.arrangement, line_cap_bp=self.settlement.line_cap_bp
        )
        rule = self.co_financing
        return replace(rules, co_financing_bp=rule.share_bp, co_financing_base=rule.base) if rule else rules

    def accounts_asked(self, *, requested: bool = False) -> Asked:
        """What the final accounts must hold. requested: a school with a fixed amount was asked to show what it did."""
        return Asked(
            arrangement=self.settlement.arrangement,
            proofs=self.settlement.proofs,
            explanation_over_bp=self.settlement.explanation_over_bp,
            co_financing=self.co_financing is not None,
            signed=self.settlement.signed,
            requested=requested,
        )

    @property
    def precheck(self) -> tuple[PrecheckQuestion, ...]:
        """The questions that can be asked before signing in."""
        return precheck_questions(self.conditions)

    def condition(self, code: str) -> Rule | None:
        """Return the condition with this code, or None."""
        return next((rule for rule in self.conditions if rule.code == code), None)

    def category(self, key: str) -> CostCategory | None:
        """Return the cost category with this key, or None."""
        return next((category for category in self.cost_categories if category.key == key), None)

    def sub_region(self, key: str) -> SubRegion | None:
        """Return the sub-region with this key, or None."""
        return next((region for region in self.sub_regions if region.key == key), None)

    @property
    def remedy(self) -> Text:
        """What a letter says to whoever disagrees with a decision, in the words of the legal profile."""
        term = self.terms.remedy
        words = NO_REMEDY if term is None else self.letters.remedy or REMEDIES[self.legal_profile]
        length = Length.parse(term.length).text if term else Text("", "")
        return words.fill(term=length, role=self.contact.role, email=self.contact.email)

    def under(self, profile: Profile) -> FundSpec:
        """Return the same fund under another legal profile. Raises pydantic.ValidationError where words do not fit."""
        return FundSpec.model_validate(self.model_dump() | {"legal_profile": profile})

    def _mark_of(self, path: str) -> str | Known | None:
        marks: dict[str, str | Known] = {mark.path: mark for mark in self.known}
        marks |= {assumed: assumed for assumed in self.assumed}
        longest = max(_prefixes(path) & marks.keys(), key=len, default=None)
        return marks[longest] if longest else None

    def source_of(self, path: str) -> str | None:
        """Return the public source of the value at a dotted path, or None where no source states it."""
        mark = self._mark_of(path)
        return mark.source if isinstance(mark, Known) else None

    def is_assumed(self, path: str) -> bool:
        """Whether the value at a dotted path is an assumption ("aanname")."""
        return isinstance(self._mark_of(path), str)


class TrancheSpec(Spec):
    """A round of a fund: when it is open and how its money is divided.

    ref: its reference, which begins those of its cases ("PO-T1" in PO-T1-01). sub_ceilings_cents: by sub-region; empty:
    none. seed: for the lots; published with the round, so that anyone can redo the draw.
    """

    ref: Annotated[StrictStr, Field(pattern=r"^[A-Z]{2,6}-[A-Z0-9]{1,8}$")]
    name: Words
    fund: Slug
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    ceiling_cents: Cents
    sub_ceilings_cents: dict[Key, Cents] = Field(default_factory=dict)
    method: Method
    on_overflow: OnOverflow
    seed: Annotated[StrictStr, Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens_at >= self.closes_at:
            raise mistake("de ronde sluit voordat hij opent", "the round closes before it opens", at="closes_at")
        return self


# --- paths into a specification ---------------------------------------------------------------------------------------


def name_in_list(item: Any, number: int) -> str:
    """Return how a path names an item of a list: by its key or code, else by its place from 0."""
    name = (item.get("code") or item.get("key")) if isinstance(item, dict) else None
    return str(name or number)


def leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a specification as data with its dotted path; a bilingual text is one value."""
    if isinstance(data, dict) and set(data) != {"nl", "en"}:
        children: Iterable[tuple[str, Any]] = data.items()
    elif isinstance(data, list) and data:
        children = [(name_in_list(item, number), item) for number, item in enumerate(data)]
    else:
        yield path, data
        return
    for name, value in children:
        yield from leaves(value, f"{path}.{name}" if path else name)


def _prefixes(path: str) -> set[str]:
    parts = path.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def _all_known(names: Iterable[str], known: set[str], at: str) -> None:
    for name in names:
        if name not in known:
            raise mistake(f"“{name}” bestaat niet in dit fonds", f"“{name}” does not exist in this fund", at=at)


def canonical_sha256(spec: Spec) -> str:
    """Return the SHA-256 (hex) of a specification as canonical JSON: sorted keys, no spaces, UTF-8."""
    return digest(spec.model_dump(mode="json"))
