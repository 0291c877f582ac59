"""What a school sent, put into words by the specification of its fund; and what differs between two versions of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from fundapp.domain.completion import LINES, PARTNERS, REQUESTED, SHARES, Part
from fundapp.domain.consent import Party, parties
from fundapp.domain.days import day_text
from fundapp.domain.draft import PartnerLine, Share
from fundapp.domain.form_spec import (
    AmountQuestion,
    ChoiceQuestion,
    DateQuestion,
    FileQuestion,
    PageKind,
    Question,
    TableQuestion,
    YesNoQuestion,
)
from fundapp.domain.fund import FundSpec
from fundapp.domain.money import WHOLE, divide_half_up, euro
from fundapp.domain.text import Text, same

YES, NO = Text("Ja", "Yes"), Text("Nee", "No")

PARTY_NAMES = {
    "own": Text("de school zelf", "the school itself"),
    "school": Text("school", "school"),
    "po": Text("basisschool", "primary school"),
    "vo": Text("vo-school", "secondary school"),
    "mbo": Text("mbo-school", "vocational college"),
    "company": Text("bedrijf", "company"),
    "other": Text("andere partij", "other party"),
}


class Answer(NamedTuple):
    """A question with its answer; a table has its columns and rows instead of a value, a file its document."""

    key: str
    label: Text
    value: Text
    long: bool = False
    columns: tuple[Text, ...] = ()
    rows: tuple[tuple[Text, ...], ...] = ()
    document: DocumentView | None = None


class SectionView(NamedTuple):
    """One section of the form with its answers; page: what else belongs to it."""

    key: str
    title: Text
    page: PageKind
    answers: tuple[Answer, ...]


class CostView(NamedTuple):
    """A line of the budget; amounts in cents. eligible: the fund pays its share of it."""

    category: Text
    description: str
    quantity: int
    unit_cents: int
    eligible: bool

    @property
    def cents(self) -> int:
        """The line's amount."""
        return self.quantity * self.unit_cents


class ShareView(NamedTuple):
    """What one party pays with, in cents; hours are valued at the fund's rate."""

    party: str
    kind: Text
    form: Text
    cents: int


class PartnerView(NamedTuple):
    """Who takes part."""

    name: str
    kind: Text
    school_code: str | None


class DocumentView(NamedTuple):
    """A file that was sent. key: of the document or the question; kind: that in words.

    id: of the attachment, None where the school has taken it away since.
    """

    key: str
    kind: Text
    file_name: str
    sha256: str
    id: int | None


class Change(NamedTuple):
    """Something that differs between two versions. before, after: as lines of text; empty: it was not there."""

    what: Text
    before: tuple[Text, ...]
    after: tuple[Text, ...]


@dataclass(frozen=True)
class Sent:
    """One version that was sent. content: as `DraftPicture.content` froze it. stored: (kind, name, sha256) → id."""

    spec: FundSpec
    content: Mapping[str, Any]
    number: int
    received_at: datetime
    stored: Mapping[tuple[str, str, str], int]

    @property
    def requested_cents(self) -> int:
        """What is asked, in cents."""
        return int(self.content["requested_cents"])

    @cached_property
    def sections(self) -> tuple[SectionView, ...]:
        """Every section, with the questions that were asked."""
        answers = self.content["answers"]
        return tuple(
            SectionView(s.key, s.title, s.page, tuple(self._answer(q) for q in s.shown(answers) if q.key in answers))
            for s in self.spec.form.sections
        )

    def _answer(self, question: Question) -> Answer:
        if not isinstance(question, FileQuestion):
            return _answer(question, self.content["answers"][question.key])
        document = next((one for one in self.files if one.key == question.key), None)
        return Answer(question.key, question.label, same(document.file_name if document else "–"), document=document)

    @cached_property
    def budget(self) -> tuple[CostView, ...]:
        """The budget, in order."""
        return tuple(
            CostView(
                category=found.name if (found := self.spec.category(key)) else same(key),
                description=description,
                quantity=quantity,
                unit_cents=unit,
                eligible=found is None or found.eligible,
            )
            for key, description, quantity, unit in self.content["budget"]
        )

    @property
    def cost_cents(self) -> int:
        """The whole budget, in cents."""
        return sum(line.cents for line in self.budget)

    @property
    def eligible_cents(self) -> int:
        """The part that the fund pays its share of, in cents."""
        return sum(line.cents for line in self.budget if line.eligible)

    @cached_property
    def contributions(self) -> tuple[ShareView, ...]:
        """Who pays with, in order."""
        return tuple(
            ShareView(party, PARTY_NAMES.get(kind, same(kind)), _form(in_kind, hours), cents)
            for party, kind, in_kind, hours, cents in self.content["contributions"]
        )

    @property
    def contributed_cents(self) -> int:
        """All contributions together, in cents."""
        return sum(share.cents for share in self.contributions)

    @property
    def contributed_bp(self) -> int:
        """The contributions as a share of the whole cost, in basis points; 0 without costs."""
        return divide_half_up(self.contributed_cents * WHOLE, self.cost_cents) if self.cost_cents else 0

    @property
    def partners(self) -> tuple[PartnerView, ...]:
        """Who takes part."""
        return tuple(
            PartnerView(name, PARTY_NAMES.get(kind, same(kind)), code) for kind, name, code in self.content["partners"]
        )

    @cached_property
    def files(self) -> tuple[DocumentView, ...]:
        """All files that were sent: the documents, and the answers to questions for a file."""
        names = {document.code: document.name for document in self.spec.documents}
        names |= {question.key: question.label for question in self.spec.form.questions()}
        return tuple(
            DocumentView(kind, names.get(kind, same(kind)), name, sha, self.stored.get((kind, name, sha)))
            for kind, name, sha in self.content["documents"]
        )

    @property
    def documents(self) -> tuple[DocumentView, ...]:
        """The documents that were sent."""
        return tuple(file for file in self.files if self.spec.form.question(file.key) is None)

    @property
    def parties(self) -> tuple[Party, ...]:
        """The partners, each with what it brings."""
        partners = [PartnerLine(*partner) for partner in self.content["partners"]]
        return parties(partners, [Share(*share) for share in self.content["contributions"]])


def _form(in_kind: bool, hours: int | None) -> Text:
    if hours:
        return Text("{n} uur", "{n} hours").fill(n=hours)
    return Text("in natura", "in kind") if in_kind else Text("geld", "money")


def _answer(question: Question, value: Any) -> Answer:
    if isinstance(question, TableQuestion):
        return Answer(
            question.key,
            question.label,
            same(""),
            columns=tuple(column.label for column in question.columns),
            rows=tuple(tuple(_words(c, row.get(c.key)) for c in question.columns) for row in value),
        )
    return Answer(question.key, question.label, _words(question, value), long=getattr(question, "long", False))


def _words(question: Any, value: Any) -> Text:
    """An answer as a person reads it."""
    if value is None:
        return same("–")
    if isinstance(question, YesNoQuestion):
        return YES if value else NO
    if isinstance(question, ChoiceQuestion):
        chosen = [o.label for o in question.options if o.key in (value if isinstance(value, list) else [value])]
        return Text("; ".join(t.nl for t in chosen), "; ".join(t.en for t in chosen))
    if isinstance(question, DateQuestion):
        return day_text(date.fromisoformat(value))
    return same(euro(value) if isinstance(question, AmountQuestion) else str(value))


# --- two versions side by side ----------------------------------------------------------------------------------------


def changes(before: Sent, after: Sent) -> tuple[Change, ...]:
    """Return all that differs, in the order of the form."""
    found = [
        Change(question.label, _lines(old, question), _lines(new, question))
        for question in after.spec.form.questions()
        if not isinstance(question, FileQuestion)  # among the documents
        and (old := before.content["answers"].get(question.key)) != (new := after.content["answers"].get(question.key))
    ]
    for what, lines in _LISTS:
        old_lines, new_lines = lines(before), lines(after)
        gone, come = Counter(old_lines) - Counter(new_lines), Counter(new_lines) - Counter(old_lines)
        if gone or come:
            found.append(Change(what, tuple(gone.elements()), tuple(come.elements())))
    return tuple(found)


def sides(before: Sent, after: Sent, parts: Iterable[Part]) -> tuple[Change, ...]:
    """Return these parts in both versions, also those that are the same."""
    return tuple(Change(part.label, lines_of(before, part.key), lines_of(after, part.key)) for part in parts)


def lines_of(sent: Sent, part: str) -> tuple[Text, ...]:
    """Return one part of an application (`domain/completion.py`) as lines of text; empty where it is not there."""
    if part in _LINES_OF:
        return tuple(_LINES_OF[part](sent))
    question = sent.spec.form.question(part)
    if question is None or isinstance(question, FileQuestion):
        return tuple(same(file.file_name) for file in sent.files if file.key == part)
    return _lines(sent.content["answers"].get(part), question)


def _lines(value: Any, question: Question) -> tuple[Text, ...]:
    if value is None:
        return ()
    answer = _answer(question, value)
    if not answer.columns:
        return (answer.value,)
    return tuple(Text(" · ".join(c.nl for c in row), " · ".join(c.en for c in row)) for row in answer.rows)


def _requested(sent: Sent) -> list[Text]:
    return [same(euro(sent.requested_cents))]


def _costs(sent: Sent) -> list[Text]:
    return [
        Text("{category}: {what}, {n} × {unit} = {all}", "{category}: {what}, {n} × {unit} = {all}").fill(
            category=line.category,
            what=line.description,
            n=line.quantity,
            unit=euro(line.unit_cents),
            all=euro(line.cents),
        )
        for line in sent.budget
    ]


def _shares(sent: Sent) -> list[Text]:
    return [
        Text("{party}, {form}: {cents}", "{party}, {form}: {cents}").fill(
            party=share.party, form=share.form, cents=euro(share.cents)
        )
        for share in sent.contributions
    ]


def _partners(sent: Sent) -> list[Text]:
    return [Text("{name} ({kind})", "{name} ({kind})").fill(name=p.name, kind=p.kind) for p in sent.partners]


def _documents(sent: Sent) -> list[Text]:
    return [
        Text("{kind}: {name} ({sha})", "{kind}: {name} ({sha})").fill(kind=d.kind, name=d.file_name, sha=d.sha256[:8])
        for d in sent.files
    ]


_LISTS = (
    (Text("Gevraagd bedrag", "Amount asked"), _requested),
    (Text("Begroting", "Budget"), _costs),
    (Text("Bijdragen", "Contributions"), _shares),
    (Text("Partners", "Partners"), _partners),
    (Text("Bijlagen", "Documents"), _documents),
)

_LINES_OF: dict[str, Callable[[Sent], list[Text]]] = {
    REQUESTED: _requested,
    LINES: _costs,
    SHARES: _shares,
    PARTNERS: _partners,
}
