"""What a school may change when it is asked to complete its application: the parts that staff open, and no others.

A part is a question, the rows of a page, the amount that is asked, or a document. Opening one also opens what hangs on
it: a question that is asked only after an answer, a document that is needed only after an answer. Who signs is never
closed: an agreement lapses with the smallest change, so it can always be asked again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fundapp.domain.conditions import DocumentsRule, PartnersRule, Rule, StartDateRule
from fundapp.domain.conditions_money import CoFinancingRule, ExcludedCostRule, MaximumRule, MinimumRule
from fundapp.domain.form_spec import PageKind, Section
from fundapp.domain.fund import FundSpec
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text

LINES, REQUESTED, SHARES, PARTNERS, SIGNERS = "lines", "requested", "shares", "partners", "signing"
"""The parts that are no question: rows of the budget, the amount asked, who pays with, partners, who agrees."""

_OF_PAGE: dict[PageKind, tuple[tuple[str, Text], ...]] = {
    PageKind.BUDGET: (
        (LINES, Text("De kostenregels", "The cost lines")),
        (REQUESTED, Text("Het bedrag dat de school vraagt", "The amount that the school asks")),
    ),
    PageKind.CO_FINANCING: ((SHARES, Text("De bijdragen", "The contributions")),),
    PageKind.PARTNERS: ((PARTNERS, Text("De partners", "The partners")),),
    PageKind.SIGNING: ((SIGNERS, Text("Wie akkoord is", "Who agrees")),),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an application. key: of the question or document, or one of the names above."""

    key: str
    section: str
    label: Text


def parts_of(spec: FundSpec, section: Section) -> tuple[Part, ...]:
    """Return the parts of one page, in its order."""
    found = [(key, label) for key, label in _OF_PAGE.get(section.page, ())]
    if section.page is PageKind.DOCUMENTS:
        found += [(document.code, _begins(document.name)) for document in spec.documents]
    found += [(question.key, question.label) for question in section.questions]
    return tuple(Part(key, section.key, label) for key, label in found)


def parts(spec: FundSpec) -> tuple[Part, ...]:
    """Return every part that staff can open, in the order of the form."""
    found = (part for section in spec.form.sections for part in parts_of(spec, section))
    return tuple(part for part in found if part.key != SIGNERS)


def _begins(text: Text) -> Text:
    return Text(text.nl[:1].upper() + text.nl[1:], text.en[:1].upper() + text.en[1:])


def part_of(field: str, section: Section) -> str:
    """Return the part that a field of a page belongs to: "planning.0.who" to "planning", "lines-2-price" to "lines"."""
    head = field.partition(".")[0]
    if any(question.key == head for question in section.questions):
        return head
    if section.page is PageKind.SIGNING and field.startswith("signer"):
        return SIGNERS
    return field.partition("-")[0]


def opened(spec: FundSpec, chosen: Collection[str]) -> frozenset[str]:
    """Return the parts that are open when these are: with what hangs on them."""
    found = {*chosen, SIGNERS}
    if LINES in found:
        found.add(REQUESTED)  # fewer costs may leave the amount too high
    for question in spec.form.questions():  # in order: what hangs on a question comes after it
        if question.show_if is not None and question.show_if.question in found:
            found.add(question.key)
    found |= {document.code for document in spec.documents if document.only_if in found}
    return frozenset(found)


def proposed(spec: FundSpec, unmet: Collection[str]) -> tuple[str, ...]:
    """Return the parts that the conditions look at which are not met (by code): what staff most likely opens."""
    wanted = {key for rule in spec.conditions if rule.code in unmet for key in _looks_at(rule)}
    return tuple(part.key for part in parts(spec) if part.key in wanted)


def _looks_at(rule: Rule) -> Iterable[str]:
    if rule.form_answer is not None:
        return (rule.form_answer[0],)
    match rule:
        case PartnersRule():
            return (PARTNERS,)
        case CoFinancingRule():
            return (SHARES,)
        case DocumentsRule():
            return tuple(document.code for document in rule.required)
        case MaximumRule() | MinimumRule():
            return (REQUESTED,)
        case ExcludedCostRule():
            return (LINES,)
        case StartDateRule():
            return ("starts_on",)
    return ()


def require_open(is_open: frozenset[str] | None, key: str) -> None:
    """Raises Refused (CONFLICT, on its field) where a part is closed. is_open: None where everything may change."""
    if is_open is not None and key not in is_open:
        raise Refused(
            Refusal(
                "not_opened",
                Text(
                    "Dit onderdeel kunt u nu niet veranderen. Wij vroegen alleen om de onderdelen bij uw aanvulling.",
                    "You cannot change this part now. We only asked for the parts that your completion shows.",
                ),
                field=key,
                kind=Kind.CONFLICT,
            )
        )


def require_parts(spec: FundSpec, chosen: Collection[str]) -> None:
    """Raises Refused (INVALID) where nothing is chosen, or something that the application does not have."""
    known = {part.key for part in parts(spec)}
    if not chosen or not set(chosen) <= known:
        raise Refused(
            Refusal(
                "fields_missing",
                Text(
                    "Kies minstens één onderdeel dat de school mag aanpassen.",
                    "Choose at least one part that the school may change.",
                ),
                field="fields",
                kind=Kind.INVALID,
            )
        )
