"""Filled-in forms for invented applications: the demo and the volume for measuring. Follows the form specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundapp.domain.conditions import ContentConditionRule
from fundapp.domain.conditions_money import ExcludedCostRule
from fundapp.domain.form_spec import (
    AmountQuestion,
    ChoiceQuestion,
    DateQuestion,
    NumberQuestion,
    Section,
    TableQuestion,
    TextQuestion,
    YesNoQuestion,
)
from fundapp.domain.fund import FundSpec

_TEXT = "Leerlingen ontwerpen en bouwen samen met de techniekschool. Leerkrachten leren mee en houden het daarna vol."
_SHORT = "Bouwen en testen"


def wished_answers(spec: FundSpec) -> dict[str, bool]:
    """The yes/no answers that meet the fund's conditions, by question."""
    rules = [r for r in spec.conditions if isinstance(r, ContentConditionRule | ExcludedCostRule) and r.question]
    return {str(rule.question): rule.wished for rule in rules}


def sample_answers(spec: FundSpec, section: Section, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer to every question of a section: what is given, else something that will do."""
    wished = wished_answers(spec)
    answers: dict[str, Any] = {}
    for question in section.questions:
        if question.show_if is not None and not question.show_if.holds(answers):
            continue
        answers[question.key] = given.get(question.key, _sample(question, wished))
    return answers


def _sample(question: Any, wished: Mapping[str, bool]) -> Any:
    match question:
        case YesNoQuestion():
            return wished.get(question.key, False)
        case ChoiceQuestion():
            first = question.options[0].key
            return [first] if question.multiple else first
        case NumberQuestion():
            return str(max(question.minimum, min(60, question.maximum)))
        case TableQuestion():
            return [{column.key: _sample(column, wished) for column in question.columns}]
        case DateQuestion():
            return "2022-01-10"
        case AmountQuestion():
            return "1.000,00"
        case TextQuestion():
            return _TEXT if question.max_words >= len(_TEXT.split()) else _SHORT
        case _:
            return ""
