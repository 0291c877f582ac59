"""Everything that a school filled in, as rows to read: on the check before sending, and on the case afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fundapp.domain.draft import DraftPicture
from fundapp.domain.form_spec import FileQuestion, PageKind, Question, Section
from fundapp.domain.money import euro
from fundapp.domain.signing import LOOKS
from fundapp.domain.text import Text, same
from fundapp.web.forms.application import in_words
from fundapp.web.forms.application_rows import PARTIES, PARTNER_KINDS, SIGNERS


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. field: the id of its input on the task's page; value: None where nothing was filled in."""

    label: Text
    value: Text | str | None
    field: str


def summary(picture: DraftPicture, section: Section) -> list[Answer]:
    """Return the answers of one task, in the order of its page; questions that are not asked are left out."""
    rows = _ROWS.get(section.page)
    shown = section.shown(picture.answers)
    answers = [Answer(q.label, _answer(picture, q), q.key) for q in shown]
    return [*(rows(picture) if rows else ()), *answers]


def _answer(picture: DraftPicture, question: Question) -> Text | str | None:
    if not isinstance(question, FileQuestion):
        return in_words(question, picture.answers.get(question.key))
    return next((file.file_name for file in picture.usable_documents if file.kind == question.key), None)


def _budget(picture: DraftPicture) -> list[Answer]:
    found = []
    for number, line in enumerate(picture.budget, 1):
        category = picture.spec.category(line.category)
        name = category.name if category else same(line.category)
        times = f"{line.quantity} × {euro(line.unit_cents)} = " if line.quantity > 1 else ""
        value = Text("{name}: {times}{cents}", "{name}: {times}{cents}").fill(
            name=name, times=times, cents=euro(line.cents)
        )
        label = same(line.description) if line.description else Text("Kostenregel {n}", "Cost line {n}")
        found.append(Answer(label if line.description else label.fill(n=number), value, f"lines-{number}"))
    total = euro(picture.cost_cents) if picture.budget else None
    asked = euro(picture.requested_cents) if picture.requested_cents else None
    return [
        *found,
        Answer(Text("Totale kosten", "Total cost"), total, "lines-1"),
        Answer(Text("U vraagt", "You ask for"), asked, "requested"),
    ]


def _co_financing(picture: DraftPicture) -> list[Answer]:
    kinds = dict(PARTIES)
    found = []
    for number, share in enumerate(picture.contributions, 1):
        what = (
            Text("{hours} uur, dat is {cents}", "{hours} hours, which is {cents}").fill(
                hours=share.hours, cents=euro(share.cents)
            )
            if share.hours
            else Text("{cents} aan spullen", "{cents} in goods").fill(cents=euro(share.cents))
            if share.in_kind
            else same(euro(share.cents))
        )
        label = same(share.party) if share.party else kinds.get(share.kind, same(share.kind))
        found.append(Answer(label, what, f"shares-{number}"))
    return found or [Answer(Text("Wie betaalt er mee", "Who pays with you"), None, "shares-1")]


def _partners(picture: DraftPicture) -> list[Answer]:
    kinds: dict[Any, Text] = dict(PARTNER_KINDS)
    found = [
        Answer(
            kinds.get(partner.kind, same(partner.kind)),
            f"{partner.name} ({partner.school_code})" if partner.school_code else partner.name,
            f"partners-{number}",
        )
        for number, partner in enumerate(picture.partners, 1)
    ]
    return found or [Answer(Text("Partners", "Partners"), None, "partners-1")]


def _documents(picture: DraftPicture) -> list[Answer]:
    names = {document.code: _begins(document.name) for document in picture.spec.documents}
    found = [Answer(names.get(file.kind, same(file.kind)), file.file_name, file.kind) for file in picture.documents]
    return found or [Answer(Text("Bijlagen", "Documents"), None, next(iter(names), "main"))]


def _begins(text: Text) -> Text:
    return Text(text.nl[:1].upper() + text.nl[1:], text.en[:1].upper() + text.en[1:])


def _signing(picture: DraftPicture) -> list[Answer]:
    roles: dict[Any, Text] = dict(SIGNERS)
    found = []
    for place in picture.signing.places:
        one = picture.signing.at(place)
        value = None
        if one is not None and one.name:
            stands = LOOKS[picture.signing.standing(place)].label
            value = Text("{name}, {role} ({stands})", "{name}, {role} ({stands})").fill(
                name=one.name, role=_small(roles[one.role]), stands=_small(stands)
            )
        found.append(Answer(Text("Wie tekent", "Who signs"), value, f"signer-{place}-name"))
    return found


def _small(text: Text) -> Text:
    return Text(text.nl[:1].lower() + text.nl[1:], text.en[:1].lower() + text.en[1:])


_ROWS = {
    PageKind.BUDGET: _budget,
    PageKind.CO_FINANCING: _co_financing,
    PageKind.PARTNERS: _partners,
    PageKind.DOCUMENTS: _documents,
    PageKind.SIGNING: _signing,
}
