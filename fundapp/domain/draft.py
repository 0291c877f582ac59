"""One picture of an application as it is being written: all that its school filled in, and what the rules say of it.

It is plain data, loaded once for a request (`services/draft_reading.py`) and passed on: the task list, the pages, the
guards, the conditions and what is frozen at the end all look at the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from fundapp.domain.canonical import digest
from fundapp.domain.completion import part_of
from fundapp.domain.conditions import DocumentRequirement
from fundapp.domain.consent import Consent, Party, confirmed, parties, party_key
from fundapp.domain.eligibility import Outcome, evaluate, form_answers
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
    PayerKind,
    SchoolFacts,
)
from fundapp.domain.form_spec import NumberQuestion, PageKind, Section, validate_answers
from fundapp.domain.fund import FundSpec
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.register import Level
from fundapp.domain.signing import Signature, Signatures
from fundapp.domain.text import Text
from fundapp.domain.upload import ScanState
from fundapp.domain.window import Window


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the budget as typed. unit_cents: the price of one, in cents."""

    category: str
    description: str
    quantity: int
    unit_cents: int

    @property
    def cents(self) -> int:
        """The line's amount."""
        return self.quantity * self.unit_cents


@dataclass(frozen=True, slots=True)
class Share:
    """What one party pays with: money or goods (cents), or hours. kind: own, school, mbo, company or other.

    cents: as it is stored, hours are valued at the fund's rate; as it was typed, 0 for hours.
    """

    party: str
    kind: str
    in_kind: bool
    hours: int | None
    cents: int

    def facts(self) -> ContributionFacts:
        """The same as the conditions look at it."""
        kind = PayerKind(self.kind)
        own = kind is PayerKind.OWN
        if self.hours:
            return ContributionFacts(own=own, kind=kind, hours=self.hours)
        if self.in_kind:
            return ContributionFacts(own=own, kind=kind, goods_cents=self.cents)
        return ContributionFacts(own=own, kind=kind, cash_cents=self.cents)


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """One partner. school_code: where it is a school of the register."""

    kind: str
    name: str
    school_code: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One file. kind: which document of the fund it is, or which question it answers; size in bytes."""

    id: int
    kind: str
    file_name: str
    sha256: str
    size: int
    media_type: str
    scan: ScanState
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """The round that an application is in, with its window. until: a later end for this school, with a reason.

    name: in Dutch, as messages have it; title: as pages say it.
    """

    ref: str
    name: str
    opens_at: datetime
    closes_at: datetime
    until: datetime | None
    title: Text

    @property
    def window(self) -> Window:
        """When this school may send."""
        return Window(self.opens_at, self.closes_at, self.until)

    @property
    def ends_at(self) -> datetime:
        """When the window closes for this school."""
        return self.window.ends_at or self.closes_at


@dataclass(frozen=True, slots=True)
class Applicant:
    """The school that asks, as the register has it. sub_region: None for one that lies in none."""

    code: str
    name: str
    board: str
    board_name: str
    level: str
    sub_region: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was said in the check before signing in. declared: by rule code, whether it is met."""

    at: datetime
    declared: Mapping[str, bool]


@dataclass(frozen=True)
class DraftPicture:
    """All of one application: the rules of its fund, round and school, and what was filled in. Amounts in cents.

    answers: by question key, as the form specification types them; answers_version is raised by every save. sent: how
    often it was sent before. checked: what was said beforehand. open_parts: what may be changed
    (`domain/completion.py`) after staff asked to complete it; None: everything.
    """

    ref: str
    spec: FundSpec
    fund_version_id: int
    round: Round
    school: Applicant
    title: str
    starts_on: date | None
    requested_cents: int
    cost_cents: int
    submitted_at: datetime | None
    sent: int
    answers: Mapping[str, Any]
    answers_version: int
    budget: tuple[CostLine, ...]
    contributions: tuple[Share, ...]
    partners: tuple[PartnerLine, ...]
    documents: tuple[Document, ...]
    signatures: tuple[Signature, ...] = ()
    consents: tuple[Consent, ...] = ()
    checked: Checked | None = None
    open_parts: frozenset[str] | None = None

    @cached_property
    def from_check(self) -> dict[str, bool]:
        """The answers that came along from the check and are still the same, by question key."""
        if self.checked is None:
            return {}
        said = form_answers(self.spec.conditions, self.checked.declared)
        return {question: answer for question, answer in said.items() if self.answers.get(question) == answer}

    @cached_property
    def eligible_cents(self) -> int:
        """The part of the cost that the fund pays its share of."""
        spec = self.spec
        return sum(line.cents for line in self.budget if (c := spec.category(line.category)) is None or c.eligible)

    @cached_property
    def usable_documents(self) -> tuple[Document, ...]:
        """The files that are sent: without those that a scanner had removed."""
        return tuple(document for document in self.asked_documents if document.scan.usable)

    @cached_property
    def asked_documents(self) -> tuple[Document, ...]:
        """The files that the fund asks for: without what came after the award, or whose question is not asked."""
        found = ((document, self.spec.slot(document.kind)) for document in self.documents)
        return tuple(
            document
            for document, slot in found
            if slot is not None and (not slot.single or self.answers.get(document.kind) == document.sha256)
        )

    @cached_property
    def needed_documents(self) -> tuple[DocumentRequirement, ...]:
        """The documents that must be there, given the answers."""
        return tuple(d for d in self.spec.documents if d.only_if is None or self.answers.get(d.only_if) is True)

    @cached_property
    def problems(self) -> tuple[tuple[str, Refusal], ...]:
        """Everything that is missing or wrong: (section key, reason), in the order of the task list.

        What may not be changed any more is nothing that its school could put right.
        """
        return tuple(
            (section.key, refusal)
            for section in self.spec.form.sections
            for refusal in _problems(self, section)
            if self.is_open(part_of(refusal.field or "", section))
        )

    def is_open(self, part: str) -> bool:
        """Whether its school may change a part."""
        return self.open_parts is None or part in self.open_parts

    def problems_of(self, section: Section) -> list[Refusal]:
        """What is missing or wrong on one page."""
        return [refusal for key, refusal in self.problems if key == section.key]

    def begun(self, section: Section) -> bool:
        """Whether anything was filled in on one page."""
        rows: Mapping[PageKind, Sequence[object]] = {
            PageKind.BUDGET: self.budget,
            PageKind.CO_FINANCING: self.contributions,
            PageKind.PARTNERS: self.partners,
            PageKind.DOCUMENTS: self.documents,
            PageKind.SIGNING: self.signatures,
        }
        answered = any(question.key in self.answers for question in section.questions)
        return bool(answered or rows.get(section.page))

    def content(self) -> dict[str, Any]:
        """Everything that is sent, as plain data: what the receipt shows and the hash covers."""
        return {
            "ref": self.ref,
            "fund_version": self.fund_version_id,
            "school": self.school.code,
            "board": self.school.board,
            "title": self.title,
            "requested_cents": self.requested_cents,
            "answers": dict(self.answers),
            "budget": [[line.category, line.description, line.quantity, line.unit_cents] for line in self.budget],
            "contributions": [[c.party, c.kind, c.in_kind, c.hours, c.cents] for c in self.contributions],
            "partners": [[p.kind, p.name, p.school_code] for p in self.partners],
            "documents": [[d.kind, d.file_name, d.sha256] for d in self.usable_documents],
        }

    @cached_property
    def sha256(self) -> str:
        """The hash of the content: what a signature is of."""
        return digest(self.content())

    @cached_property
    def signing(self) -> Signatures:
        """Who must sign, and who did so for exactly this content."""
        return Signatures(self.spec.signer, self.signatures, self.sha256)

    @cached_property
    def parties(self) -> tuple[Party, ...]:
        """The partners, each with what it brings."""
        return parties(self.partners, self.contributions)


# --- what is missing --------------------------------------------------------------------------------------------------


def _problems(picture: DraftPicture, section: Section) -> list[Refusal]:
    asked = {question.key for question in section.questions}
    _, found = validate_answers(section, {k: v for k, v in picture.answers.items() if k in asked})
    more = _MORE_PROBLEMS.get(section.page)
    return [*found, *(more(picture) if more else ())]


def _signing_problems(picture: DraftPicture) -> list[Refusal]:
    return picture.signing.problems()


def _document_problems(picture: DraftPicture) -> list[Refusal]:
    there = {document.kind for document in picture.usable_documents}
    return [
        _missing(
            "document_missing",
            Text("Voeg dit bestand toe: {name}.", "Add this file: {name}.").fill(name=document.name),
            document.code,
        )
        for document in picture.needed_documents
        if document.code not in there
    ]


def _budget_problems(picture: DraftPicture) -> list[Refusal]:
    if not picture.budget:
        sentence = Text("Vul minstens één kostenregel in.", "Enter at least one cost line.")
        return [_missing("budget_empty", sentence, "lines")]
    found = [
        _missing(
            "quantity_missing",
            Text(
                "Kostenregel {n}: beschrijf wat u koopt en vul een prijs in.",
                "Cost line {n}: describe what you buy and enter a price.",
            ).fill(n=number),
            f"lines-{number}",
        )
        for number, line in enumerate(picture.budget, 1)
        if not line.description.strip() or line.unit_cents == 0
    ]
    if picture.requested_cents == 0:
        sentence = Text("Vul in hoeveel u vraagt.", "Enter how much you ask for.")
        found.append(_missing("requested_missing", sentence, "requested"))
    if picture.requested_cents > picture.eligible_cents:
        sentence = Text(
            "U vraagt meer dan het project kost. Pas het gevraagde bedrag of de begroting aan.",
            "You ask for more than the project costs. Change the amount or the budget.",
        )
        found.append(_missing("requested_above_cost", sentence, "requested"))
    return found


def _missing(code: str, sentence: Text, field: str) -> Refusal:
    return Refusal(code, sentence, field=field, kind=Kind.INVALID)


_MORE_PROBLEMS = {
    PageKind.SIGNING: _signing_problems,
    PageKind.BUDGET: _budget_problems,
    PageKind.DOCUMENTS: _document_problems,
}


# --- what the conditions say ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the conditions ask besides the application itself. Amounts in cents.

    free_cents: what can still be awarded to it; board_awarded_cents: what this round already awarded to its board.
    earlier: other applications to the same fund by its board that are open or awarded.
    """

    free_cents: int
    board_awarded_cents: int
    earlier: tuple[EarlierApplication, ...]


def eligibility_facts(picture: DraftPicture, around: Surroundings) -> Facts:
    """What the conditions look at, as it stands now."""
    school = picture.school
    return Facts(
        applicant=ApplicantLevel.SCHOOL,
        schools=(
            SchoolFacts(
                code=school.code,
                board=school.board,
                level=Level(school.level),
                sub_region=school.sub_region or ELSEWHERE,
            ),
        ),
        tranche=picture.round.ref,
        opens_at=picture.round.opens_at,
        closes_at=picture.round.closes_at,
        extension_until=picture.round.until,
        submitted_at=picture.submitted_at,
        starts_on=picture.starts_on,
        requested_cents=picture.requested_cents or None,
        total_cost_cents=picture.cost_cents or None,
        eligible_cost_cents=picture.eligible_cents or None,
        board_awarded_cents=around.board_awarded_cents,
        ceiling_left_cents=around.free_cents,
        contributions=tuple(share.facts() for share in picture.contributions),
        budget=tuple(BudgetLineFacts(category=line.category, cents=line.cents) for line in picture.budget),
        partners=_partners(picture),
        documents=tuple(DocumentFacts(code=document.kind) for document in picture.usable_documents),
        earlier=around.earlier,
        signature=picture.signing.facts(1),
        second_signature=picture.signing.facts(2),
        answers={key: value for key, value in picture.answers.items() if isinstance(value, bool)},
        numbers=_numbers(picture),
    )


def _partners(picture: DraftPicture) -> tuple[PartnerFacts, ...]:
    said = {party.key: confirmed(party, picture.consents) for party in picture.parties}
    return tuple(
        PartnerFacts(kind=PartnerKind(partner.kind), confirmed=said.get(party_key(partner.name)))
        for partner in picture.partners
    )


def _numbers(picture: DraftPicture) -> dict[str, int]:
    keys = (question.key for question in picture.spec.form.questions() if isinstance(question, NumberQuestion))
    return {key: picture.answers[key] for key in keys if key in picture.answers}


def outcomes(picture: DraftPicture, around: Surroundings, now: datetime) -> list[Outcome]:
    """What each condition says of the application as it stands, while it is being written.

    As long as something is missing, what nobody filled in yet is unknown, not absent; there the word counts that was
    given in the check. Once all is there, it is judged as it will be when it is sent.
    """
    facts = eligibility_facts(picture, around)
    if picture.problems:
        rows = ("contributions", "partners", "documents", "budget")
        empty = {name: None for name in rows if not getattr(facts, name)}
        declared = dict(picture.checked.declared) if picture.checked else {}
        facts = facts.model_copy(update={**empty, "declared": declared})
    return evaluate(picture.spec.conditions, facts, moment=now)


def co_financing_sentence(picture: DraftPicture) -> Text | None:
    """What the condition on co-financing says; None where the fund has none."""
    rule = picture.spec.co_financing
    if rule is None:
        return None
    facts = Facts(
        total_cost_cents=picture.cost_cents or None,
        eligible_cost_cents=picture.eligible_cents or None,
        requested_cents=picture.requested_cents or None,
        budget=tuple(BudgetLineFacts(category=line.category, cents=line.cents) for line in picture.budget),
        contributions=tuple(share.facts() for share in picture.contributions),
    )
    return rule.check(facts).sentence
