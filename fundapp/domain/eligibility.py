"""Whether an application meets the conditions of its fund, and why: explainable, and the same for ever.

A judgement is a function of the rules (a version of the fund), the facts and a moment. All three are stored with the
outcomes, so that anybody can do it again. The same rules give the check before signing in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from fundapp.domain.condition import Finding, RuleBase, Value, Verdict
from fundapp.domain.facts import Facts
from fundapp.domain.rejection import REASONS, RejectionCode
from fundapp.domain.spec import Key, Spec, Words
from fundapp.domain.text import Text

if TYPE_CHECKING:
    from fundapp.domain.conditions import Rule


class Outcome(Spec):
    """What one rule says about one application; JSON-serialisable.

    number: the place of the rule in the fund's list, from 1, as letters quote it. sentence: with the actual value and
    the bound filled in. source: "facts", or "declared" where only the applicant's own word was there.
    """

    number: int
    code: Key
    kind: str
    verdict: Verdict
    blocking: bool
    sentence: Words
    what_would_help: Words
    actual: Value
    bound: Value
    rejection_reason: RejectionCode
    source: Literal["facts", "declared"]

    @property
    def judgement(self) -> dict[str, object]:
        """All of it but the words."""
        return self.model_dump(mode="json", exclude={"sentence", "what_would_help"})

    @property
    def refuses(self) -> bool:
        """Whether it stands in the way of an award. Unknown does not."""
        return self.blocking and self.verdict is Verdict.NOT_MET


class PrecheckQuestion(Spec):
    """One yes/no question that can be answered before signing in; `code` is the rule's."""

    code: Key
    question: Words
    hint: Words | None
    explanation: Words


def evaluate(rules: Iterable[Rule], facts: Facts, *, moment: datetime) -> list[Outcome]:
    """Judge every rule, in order. moment: aware; used where the facts hold no moment of receipt.

    Never raises for facts that are missing: the rule then says "unknown". Raises ValueError for a naive moment.
    """
    if moment.utcoffset() is None:
        raise ValueError("a moment needs an offset")
    if facts.submitted_at is None:
        facts = facts.model_copy(update={"submitted_at": moment})
    return [_outcome(number, rule, facts) for number, rule in enumerate(rules, start=1)]


def _outcome(number: int, rule: Rule, facts: Facts) -> Outcome:
    finding = rule.check(facts)
    own_word = finding.verdict is Verdict.UNKNOWN and rule.code in facts.declared
    if own_word:
        finding = _declared(rule, finding, holds=facts.declared[rule.code])
    return Outcome(
        number=number,
        code=rule.code,
        kind=rule.kind,
        verdict=finding.verdict,
        blocking=rule.blocking,
        sentence=finding.sentence,
        what_would_help=rule.what_would_help.fill(bound=rule.bound_text()),
        actual=finding.actual,
        bound=finding.bound,
        rejection_reason=rule.rejection_reason,
        source="declared" if own_word else "facts",
    )


def _declared(rule: RuleBase, finding: Finding, *, holds: bool) -> Finding:
    sentence = (
        Text("U zegt dat u hieraan voldoet. {rule}", "You say that you meet this. {rule}")
        if holds
        else Text("U zegt dat u hieraan niet voldoet. {rule}", "You say that you do not meet this. {rule}")
    )
    verdict = Verdict.MET if holds else Verdict.NOT_MET
    return finding._replace(verdict=verdict, sentence=sentence.fill(rule=explanation_of(rule)), actual=None)


def explanation_of(rule: RuleBase) -> Text:
    """Return the rule in the coordinator's words, its bound filled in."""
    return rule.explanation.fill(bound=rule.bound_text())


def refusals(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes that stand in the way of an award: blocking and not met."""
    return [outcome for outcome in outcomes if outcome.refuses]


def unanswered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the blocking outcomes that nobody can judge yet."""
    return [outcome for outcome in outcomes if outcome.blocking and outcome.verdict is Verdict.UNKNOWN]


def rejection_reasons(outcomes: Iterable[Outcome]) -> tuple[RejectionCode, ...]:
    """Return the reasons to reject that the outcomes give, each once, in the order of the rules."""
    return tuple(dict.fromkeys(outcome.rejection_reason for outcome in refusals(outcomes)))


def quoted(rules: Sequence[Rule], reason: RejectionCode, unmet: Collection[str]) -> Text:
    """What a rejection says of a reason: its sentence, and the condition behind it by number and code.

    unmet: the codes of the conditions that are not met. Where several conditions lead to the reason and none of these
    is known not to be met, the sentence stands alone: a letter quotes no condition that was met.
    """
    behind = [(number, rule) for number, rule in enumerate(rules, start=1) if rule.rejection_reason is reason]
    broken = [(number, rule) for number, rule in behind if rule.code in unmet]
    text = REASONS[reason].sentence
    for number, rule in broken or (behind if len(behind) == 1 else ()):
        text = _QUOTE.fill(before=text, n=str(number), code=rule.code, rule=explanation_of(rule))
    return text


_QUOTE = Text(
    "{before} Het gaat om voorwaarde {n} van het fonds ({code}): “{rule}”",
    "{before} This is condition {n} of the fund ({code}): “{rule}”",
)


def rejection_texts(rules: Sequence[Rule], outcomes: Sequence[Outcome]) -> list[Text]:
    """Return what a rejection on these outcomes would say, reason by reason."""
    unmet = {outcome.code for outcome in refusals(outcomes)}
    return [quoted(rules, reason, unmet) for reason in rejection_reasons(outcomes)]


def precheck_questions(rules: Iterable[Rule]) -> tuple[PrecheckQuestion, ...]:
    """Return the yes/no questions that can be asked before signing in, in the order of the rules."""
    asked = []
    for rule in rules:
        if rule.precheck is not None:
            bound, hint = rule.bound_text(), rule.precheck.hint
            asked.append(
                PrecheckQuestion(
                    code=rule.code,
                    question=rule.precheck.question.fill(bound=bound),
                    hint=hint.fill(bound=bound) if hint else None,
                    explanation=explanation_of(rule),
                )
            )
    return tuple(asked)


def precheck_facts(rules: Iterable[Rule], answers: Mapping[str, bool | None]) -> Facts:
    """Turn the answers of the check into facts. answers: by rule code; True is yes, None or absent is "I do not know".

    A code that is not asked is left out: an old link must not break the page.
    """
    declared = {}
    for rule in rules:
        answer = answers.get(rule.code)
        if rule.precheck is not None and answer is not None:
            declared[rule.code] = answer == rule.precheck.wished
    return Facts(declared=declared)


def form_answers(rules: Iterable[Rule], declared: Mapping[str, bool]) -> dict[str, bool]:
    """Turn what was said in the check into answers of the form, by question key: the same fact is not asked twice.

    declared: by rule code, whether the applicant says that it is met (`precheck_facts`).
    """
    found = {}
    for rule in rules:
        if rule.form_answer is not None and rule.code in declared:
            question, wished = rule.form_answer
            found[question] = wished if declared[rule.code] else not wished
    return found


def precheck(rules: Sequence[Rule], answers: Mapping[str, bool | None], *, moment: datetime) -> list[Outcome]:
    """Judge the rules that are asked before signing in by the answers: met, not met, or unknown ("ask us")."""
    asked = {rule.code for rule in rules if rule.precheck is not None}
    outcomes = evaluate(rules, precheck_facts(rules, answers), moment=moment)
    return [outcome for outcome in outcomes if outcome.code in asked]
