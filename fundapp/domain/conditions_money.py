"""The conditions about money: how much, from whom, and for what."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from fundapp.domain.condition import AND, PAYER_NAMES, Finding, RuleBase, found, listed, unknown
from fundapp.domain.facts import ContributionFacts, Facts, PayerKind
from fundapp.domain.money import WHOLE, euro, share_up
from fundapp.domain.spec import BasisPoints, Cents, Flag, Key, Words, mistake, percent_text
from fundapp.domain.text import Text, same

Per = Literal["application", "school", "board"]
"""What an amount is counted over: one application, each school in it, or all that its board gets in the round."""

_NO_AMOUNT = (
    "Wij weten nog niet hoeveel u vraagt. Vul eerst uw begroting in.",
    "We do not know yet how much you ask. Fill in your budget first.",
)


def _asked(facts: Facts, per: str, units: int | None) -> tuple[int, int] | None:
    """What is asked in all (cents), and how often the bound counts; None while that is not known."""
    before = facts.board_awarded_cents if per == "board" else 0
    if facts.requested_cents is None or before is None or not units:
        return None
    return facts.requested_cents + before, units


class MaximumRule(RuleBase):
    """The most that can be asked: per application, each school in it, the board within the round, or each unit.

    A unit is whatever a number question of the form counts: pupils, teachers, days. question: its key; unit: what one
    is called.
    """

    kind: Literal["maximum"]
    cents: Cents
    per: Per | Literal["unit"] = "application"
    question: Key | None = None
    unit: Words | None = None

    @model_validator(mode="after")
    def _counts_units(self) -> Self:
        if (self.per == "unit") != (self.question is not None and self.unit is not None):
            raise mistake(
                "question en unit horen bij per: unit, en alleen daarbij",
                "question and unit belong to per: unit, and to nothing else",
                at="per",
            )
        return self

    def bound_text(self) -> Text:
        each = Text("{amount} per {unit}", "{amount} for each {unit}") if self.unit else Text("{amount}", "{amount}")
        return each.fill(amount=euro(self.cents), unit=self.unit or same(""))

    def _units(self, facts: Facts) -> int | None:
        if self.question is not None:
            return facts.numbers.get(self.question)
        return len(facts.schools or ()) if self.per == "school" else 1

    def check(self, facts: Facts) -> Finding:
        found_ = _asked(facts, self.per, self._units(facts))
        if found_ is None:
            return unknown(*_NO_AMOUNT, self.cents)
        actual, units = found_
        bound = self.cents * units
        return found(
            actual <= bound,
            Text("U vraagt {actual}. Het maximum is {bound}.", "You ask for {actual}. The maximum is {bound}."),
            Text(
                "U vraagt {actual}. Dat is {over} boven het maximum van {bound}.",
                "You ask for {actual}. That is {over} over the maximum of {bound}.",
            ),
            actual,
            bound,
        ).filled(actual=euro(actual), bound=euro(bound), over=euro(actual - bound))


class MinimumRule(RuleBase):
    """The least that can be asked: per application, for each school in it, or by the board within the round."""

    kind: Literal["minimum"]
    cents: Cents
    per: Per = "application"

    def bound_text(self) -> Text:
        return same(euro(self.cents))

    def check(self, facts: Facts) -> Finding:
        found_ = _asked(facts, self.per, len(facts.schools or ()) if self.per == "school" else 1)
        if found_ is None:
            return unknown(*_NO_AMOUNT, self.cents)
        actual, units = found_
        bound = self.cents * units
        return found(
            actual >= bound,
            Text("U vraagt {actual}. Het minimum is {bound}.", "You ask for {actual}. The minimum is {bound}."),
            Text(
                "U vraagt {actual}. Dat is {short} onder het minimum van {bound}.",
                "You ask for {actual}. That is {short} under the minimum of {bound}.",
            ),
            actual,
            bound,
        ).filled(actual=euro(actual), bound=euro(bound), short=euro(bound - actual))


class CeilingRule(RuleBase):
    """Whether the round still holds what is asked (subsidieplafond). Usually a warning: others may withdraw."""

    kind: Literal["ceiling"]

    def check(self, facts: Facts) -> Finding:
        left, asked = facts.ceiling_left_cents, facts.requested_cents
        if left is None or asked is None:
            return unknown(
                "Wij weten nog niet of er genoeg geld over is.",
                "We do not know yet whether enough money is left.",
                left,
            )
        return found(
            asked <= left,
            Text("Er is nog {left} over in deze ronde.", "There is still {left} left in this round."),
            Text(
                "U vraagt {asked}. Er is nog {left} over in deze ronde.",
                "You ask for {asked}. There is still {left} left in this round.",
            ),
            asked,
            left,
        ).filled(asked=euro(asked), left=euro(left))


_EVERYBODY = Text("U en uw partners", "You and your partners")


class CoFinancingRule(RuleBase):
    """What the school and its partners pay themselves, as a share of a base; work counts as hours × rate.

    base: total_cost, eligible_cost or requested. own_counts: the applicant's own money counts too. by: the parties
    whose contribution counts; empty: everybody's. in_kind: hours (× rate) and goods (at replacement cost) count.
    Compared in whole cents: paid × 10 000 ≥ base × share_bp.
    """

    kind: Literal["co_financing"]
    share_bp: BasisPoints
    base: Literal["total_cost", "eligible_cost", "requested"] = "total_cost"
    own_counts: Flag = True
    by: tuple[PayerKind, ...] = ()
    in_kind: Flag
    hourly_rate_cents: Cents

    def bound_text(self) -> Text:
        return percent_text(self.share_bp)

    def worth(self, contribution: ContributionFacts) -> int:
        """What a contribution counts for, in cents: money, and where the rule allows it goods and hours × rate."""
        if (contribution.own and not self.own_counts) or (self.by and contribution.kind not in self.by):
            return 0
        in_kind = contribution.goods_cents + contribution.hours * self.hourly_rate_cents
        return contribution.cash_cents + (in_kind if self.in_kind else 0)

    def check(self, facts: Facts) -> Finding:
        base = {
            "total_cost": facts.total_cost_cents,
            "eligible_cost": facts.eligible_cost_cents,
            "requested": facts.requested_cents,
        }[self.base]
        if not base or facts.contributions is None:
            return unknown(
                "Wij weten nog niet wie er meebetaalt. Vul in hoeveel geld en hoeveel uren iedereen bijdraagt.",
                "We do not know yet who pays with you. Fill in how much money and how many hours everybody adds.",
                self.share_bp,
            )
        paid = sum(self.worth(one) for one in facts.contributions)
        needed = share_up(base, self.share_bp)
        texts: dict[str, Text | str] = {
            "who": listed((PAYER_NAMES[kind] for kind in self.by), last=AND) if self.by else _EVERYBODY,
            "paid": euro(paid),
            "actual": percent_text(min(paid * WHOLE // base, 100 * WHOLE)),
            "bound": percent_text(self.share_bp),
            "needed": euro(needed),
            "short": euro(needed - paid),
        }
        return found(
            paid >= needed,
            Text(
                "{who} betalen samen {paid}. Dat is {actual}; nodig is {bound}.",
                "{who} pay {paid} together. That is {actual}; {bound} is needed.",
            ),
            Text(
                "{who} betalen samen {paid} ({actual}). Nodig is {bound}: {needed}. Er mist nog {short}.",
                "{who} pay {paid} together ({actual}). {bound} is needed: {needed}. {short} lacks.",
            ),
            paid,
            needed,
        ).filled(**texts)


class ExcludedCostRule(RuleBase):
    """Costs that the fund does not pay: by category, by a yes/no question of the form, or both.

    label: what is excluded, in a few words. wished: the answer to the question that meets the rule.
    """

    kind: Literal["excluded_cost"]
    categories: tuple[Key, ...] = ()
    question: Key | None = None
    wished: Flag = False
    label: Words

    @model_validator(mode="after")
    def _excludes_something(self) -> Self:
        if not self.categories and self.question is None:
            raise mistake(
                "vul categories in, of question, of allebei",
                "fill in categories, or question, or both",
                at="categories",
            )
        return self

    def bound_text(self) -> Text:
        return self.label

    @property
    def form_answer(self) -> tuple[Key, bool] | None:
        return None if self.question is None or self.categories else (self.question, self.wished)

    def check(self, facts: Facts) -> Finding:
        excluded = [line for line in facts.budget or () if line.category in self.categories]
        answer = facts.answers.get(self.question) if self.question else None
        wrong_answer = answer is not None and answer != self.wished
        no_budget = bool(self.categories) and facts.budget is None
        no_answer = self.question is not None and answer is None
        if not excluded and not wrong_answer and (no_budget or no_answer):
            finding = unknown(
                "Wij weten nog niet of uw aanvraag hiervan vrij is: {label}.",
                "We do not know yet whether your application is free of this: {label}.",
                _bound_of(self),
            )
            return finding.filled(label=self.label)
        cents = sum(line.cents for line in excluded)
        amount = Text(" ({cents})", " ({cents})").fill(cents=euro(cents)) if excluded else same("")
        return found(
            not excluded and not wrong_answer,
            Text("Uw aanvraag is hiervan vrij: {label}.", "Your application is free of this: {label}."),
            Text(
                "Dit staat wel in uw aanvraag en mag niet: {label}{amount}.",
                "This is in your application and is not allowed: {label}{amount}.",
            ),
            cents if excluded else answer,
            _bound_of(self),
        ).filled(label=self.label, amount=amount)


def _bound_of(rule: ExcludedCostRule) -> int | bool:
    return 0 if rule.categories else rule.wished
