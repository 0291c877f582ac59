"""What every condition of a fund has, and what it says: met, not met or unknown, with a sentence.

Unknown is an answer of its own: what nobody has said yet is never a "no".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, NamedTuple

from fundapp.domain.facts import Facts, PartnerKind, PayerKind, SignerRole
from fundapp.domain.register import Level
from fundapp.domain.rejection import RejectionCode
from fundapp.domain.spec import Flag, Key, Spec, Words, placeholders
from fundapp.domain.text import Text, same

Value = int | str | bool | None
"""An actual value or a bound as data: cents, a count, a key, a list of keys joined by commas, an ISO moment."""

BoundedWords = Annotated[Words, placeholders("bound")]
"""Words in which `{bound}` stands for the rule's own bound, so that a number is written once."""


class Verdict(StrEnum):
    """What a rule says."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """What one rule found."""

    verdict: Verdict
    sentence: Text
    actual: Value = None
    bound: Value = None

    def filled(self, **values: Text | str) -> Finding:
        """Return the same finding with its sentence filled in."""
        return self._replace(sentence=self.sentence.fill(**values))


def found(met: bool, yes: Text, no: Text, actual: Value = None, bound: Value = None) -> Finding:
    return Finding(Verdict.MET, yes, actual, bound) if met else Finding(Verdict.NOT_MET, no, actual, bound)


def unknown(nl: str, en: str, bound: Value = None) -> Finding:
    return Finding(Verdict.UNKNOWN, Text(nl, en), None, bound)


def keys(found: Iterable[str]) -> str:
    return ",".join(found)


def listed(texts: Iterable[Text], *, last: Text) -> Text:
    """Join names into a list: "een mbo-school of een bedrijf". last: the word before the last one, as "of", "or"."""

    def joined(words: list[str], word: str) -> str:
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {word} {words[-1]}"

    all_texts = list(texts)
    return Text(joined([t.nl for t in all_texts], last.nl), joined([t.en for t in all_texts], last.en))


OR = Text("of", "or")
AND = Text("en", "and")

LEVEL_NAMES = {
    Level.PO: Text("basisschool", "primary school"),
    Level.SBO: Text("school voor speciaal basisonderwijs", "special primary school"),
    Level.SO: Text("school voor speciaal onderwijs", "special school"),
    Level.VSO: Text("school voor voortgezet speciaal onderwijs", "special secondary school"),
    Level.SO_VSO: Text("school voor (voortgezet) speciaal onderwijs", "special primary and secondary school"),
    Level.VO: Text("school voor voortgezet onderwijs", "secondary school"),
    Level.MBO: Text("mbo-school", "vocational college"),
}

PARTNER_NAMES = {
    PartnerKind.PO: Text("een basisschool", "a primary school"),
    PartnerKind.VO: Text("een school voor voortgezet onderwijs", "a secondary school"),
    PartnerKind.MBO: Text("een mbo-school", "a vocational college"),
    PartnerKind.COMPANY: Text("een bedrijf", "a company"),
    PartnerKind.OTHER: Text("een andere organisatie", "another organisation"),
}

PAYER_NAMES = {
    PayerKind.OWN: Text("De school zelf", "The school itself"),
    PayerKind.SCHOOL: Text("Andere scholen", "Other schools"),
    PayerKind.MBO: Text("Mbo-scholen", "Vocational colleges"),
    PayerKind.COMPANY: Text("Bedrijven", "Companies"),
    PayerKind.OTHER: Text("Andere organisaties", "Other organisations"),
}

SIGNER_NAMES = {
    SignerRole.SCHOOL_LEADER: Text("de schoolleider", "the head of the school"),
    SignerRole.BOARD: Text("het schoolbestuur", "the school board"),
}


class Precheck(Spec):
    """How a rule is asked before signing in: one yes/no question. wished: the answer that meets the rule."""

    question: BoundedWords
    hint: BoundedWords | None = None
    wished: Flag = True


class RuleBase(Spec):
    """What every rule has.

    code: stable within the fund. blocking: not met means no award; else it is a warning. explanation and
    what_would_help: the coordinator's words, `{bound}` filled in. precheck: None where it is not asked beforehand.
    """

    code: Key
    blocking: Flag = True
    explanation: BoundedWords
    what_would_help: BoundedWords
    rejection_reason: RejectionCode
    precheck: Precheck | None = None

    def bound_text(self) -> Text:
        """The rule's bound in words."""
        return same("")

    @property
    def form_answer(self) -> tuple[Key, bool] | None:
        """The one yes/no question of the form that decides on the rule, and the answer that meets it; else None."""
        return None

    def check(self, facts: Facts) -> Finding:
        """Judge the facts. Pure: the same facts give the same finding for ever."""
        raise NotImplementedError
