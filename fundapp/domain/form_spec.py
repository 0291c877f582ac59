"""The questions of a fund: what is asked, when it is asked, and whether an answer will do.

A form is a row of sections; each is one task of the school and one page. Some pages are of their own kind (budget,
co-financing, partners, documents, signing): their sections hold an introduction and perhaps a few questions.
Answers are JSON values: text, choice and file → str (a file: the SHA-256 of the stored document), several choices →
list[str], date → "2025-03-14", amount → int cents, number → int, yes/no → bool, table → list of {column: value}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from fundapp.domain.days import read_day
from fundapp.domain.money import parse_euro
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.spec import Count, Flag, Key, Spec, Words, mistake
from fundapp.domain.text import Text
from fundapp.domain.upload import LARGEST_MB, MEGABYTE, MOST_MB, FileType, Slot

Answer = str | int | bool | list[str] | list[dict[str, str | int]]
Answers = dict[str, Answer]
"""Answers by question key, ready to be stored as JSON. A question without an answer has no key."""

_LETTERS_PER_WORD = 15
"""A text may be as long as its words allow; one endless "word" is not a text."""


def _no(code: str, field: str, nl: str, en: str, **values: object) -> Refused:
    return Refused(Refusal(code, Text(nl, en).fill(**values), field=field, kind=Kind.INVALID))


def _typed(raw: object, field: str) -> str:
    """Return what was typed, trimmed, with plain line ends. Raises Refused when it is not text."""
    if not isinstance(raw, str):
        raise _no("not_a_text", field, "Vul hier een tekst in.", "Enter a text here.")
    if any(ord(sign) < 32 and sign not in "\t\r\n" for sign in raw):
        raise _no(
            "strange_signs",
            field,
            "In deze tekst staan tekens die wij niet kunnen bewaren. Typ de tekst opnieuw.",
            "This text has signs that we cannot store. Type the text again.",
        )
    return raw.replace("\r\n", "\n").replace("\r", "\n").strip()


class ShowIf(Spec):
    """A question is asked only after this answer to an earlier question of the same section."""

    question: Key
    equals: StrictBool | StrictStr

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        """Return whether the question is asked, given the answers of its section so far."""
        answer = answers.get(self.question)
        return self.equals in answer if isinstance(answer, list) else answer == self.equals


class _Question(Spec):
    """What every kind of question has.

    label: the question itself; hint: one sentence above the field; example: an answer that would do.
    publish: the answer may appear with the published results; personal: it is about a person and never does.
    """

    key: Key
    label: Words
    hint: Words | None = None
    example: Words | None = None
    required: Flag = True
    show_if: ShowIf | None = None
    publish: Flag = False
    personal: Flag = False

    def read(self, raw: object) -> Answer | None:
        """Return the answer, or None where nothing was answered. Raises Refused(INVALID) on this question's field."""
        raise NotImplementedError

    def how(self) -> Text:
        """What to do when a required answer is missing."""
        return Text("Beantwoord de vraag “{label}”.", "Answer the question “{label}”.").fill(label=self.label)


class TextQuestion(_Question):
    """Free text, at most `max_words` words; `long` asks for a larger field."""

    kind: Literal["text"]
    max_words: Count = 50
    long: Flag = False

    def read(self, raw: object) -> str | None:
        text = _typed(raw, self.key)
        words = len(text.split())
        if words > self.max_words:
            raise _no(
                "too_many_words",
                self.key,
                "Uw antwoord heeft {words} woorden. Er passen er {bound}. Maak het {over} woorden korter.",
                "Your answer has {words} words. The limit is {bound}. Make it {over} words shorter.",
                words=words,
                bound=self.max_words,
                over=words - self.max_words,
            )
        if len(text) > self.max_words * _LETTERS_PER_WORD:
            raise _no(
                "text_too_long",
                self.key,
                "Uw antwoord heeft {length} tekens. Er passen er {bound}. Maak het korter.",
                "Your answer has {length} characters. The limit is {bound}. Make it shorter.",
                length=len(text),
                bound=self.max_words * _LETTERS_PER_WORD,
            )
        return text or None


class Option(Spec):
    """One answer to choose."""

    key: Key
    label: Words
    hint: Words | None = None


class ChoiceQuestion(_Question):
    """One of the options, or several where `multiple`."""

    kind: Literal["choice"]
    options: Annotated[tuple[Option, ...], Field(min_length=2)]
    multiple: Flag = False

    def read(self, raw: object) -> str | list[str] | None:
        chosen = list(raw) if isinstance(raw, list | tuple) else [raw]
        chosen = [one for one in chosen if one != ""]
        known = {option.key for option in self.options}
        too_many = len(chosen) > 1 and not self.multiple
        if too_many or any(not isinstance(one, str) or one not in known for one in chosen):
            raise _no(
                "not_an_option", self.key, "Kies een van de antwoorden in de lijst.", "Choose an answer from the list."
            )
        if not chosen:
            return None
        return [option.key for option in self.options if option.key in chosen] if self.multiple else str(chosen[0])


class DateQuestion(_Question):
    """A calendar date, typed as 14-3-2025 or 2025-03-14."""

    kind: Literal["date"]

    def read(self, raw: object) -> str | None:
        if isinstance(raw, date):
            return raw.isoformat()[:10]
        text = _typed(raw, self.key)
        if not text:
            return None
        return read_day(text, field=self.key).isoformat()


class AmountQuestion(_Question):
    """An amount in euro; the answer is in cents."""

    kind: Literal["amount"]

    def read(self, raw: object) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool):
            raw = f"{raw // 100},{raw % 100:02d}" if raw >= 0 else str(raw)
        text = _typed(raw, self.key)
        return parse_euro(text, field=self.key) if text else None


class NumberQuestion(_Question):
    """A whole number, such as a number of pupils."""

    kind: Literal["number"]
    minimum: Annotated[int, Field(ge=0)] = 0
    maximum: Count = 100_000

    def read(self, raw: object) -> int | None:
        text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else _typed(raw, self.key)
        if not text:
            return None
        plain = text.replace(".", "") if re.fullmatch(r"\d{1,3}(\.\d{3})+", text, re.ASCII) else text
        value = int(plain) if re.fullmatch(r"\d{1,9}", plain, re.ASCII) else None
        if value is None or not self.minimum <= value <= self.maximum:
            raise _no(
                "not_a_number",
                self.key,
                "Vul een heel getal in van {low} tot en met {high}.",
                "Enter a whole number from {low} up to {high}.",
                low=self.minimum,
                high=self.maximum,
            )
        return value


_YES_NO = {"ja": True, "yes": True, "true": True, "nee": False, "no": False, "false": False}


class YesNoQuestion(_Question):
    """Yes or no."""

    kind: Literal["yes_no"]

    def read(self, raw: object) -> bool | None:
        if isinstance(raw, bool):
            return raw
        text = _typed(raw, self.key).lower()
        if text and text not in _YES_NO:
            raise _no("not_yes_or_no", self.key, "Kies ja of nee.", "Choose yes or no.")
        return _YES_NO.get(text)


_SHA256 = re.compile(r"[0-9a-f]{64}")


class FileQuestion(_Question):
    """One file that answers the question; documents that a rule requires are not questions but documents.

    types: the kinds that are taken; max_mb: how large it may be, in megabytes. The answer is the SHA-256 of a stored
    file: what was uploaded decides on it, never what a form says. A file is never published.
    """

    kind: Literal["file"]
    types: Annotated[tuple[FileType, ...], Field(min_length=1)] = tuple(FileType)
    max_mb: Annotated[StrictInt, Field(ge=1, le=MOST_MB)] = LARGEST_MB

    @model_validator(mode="after")
    def _stays_with_us(self) -> Self:
        if self.publish:
            raise mistake("een bestand wordt nooit gepubliceerd", "a file is never published", at="publish")
        return self

    @property
    def slot(self) -> Slot:
        """Where its file goes."""
        return Slot(self.key, self.types, self.max_mb * MEGABYTE, single=True)

    def read(self, raw: object) -> str | None:
        text = _typed(raw, self.key)
        if text and not _SHA256.fullmatch(text):
            raise _no("not_a_file", self.key, "Kies een bestand.", "Choose a file.")
        return text or None

    def how(self) -> Text:
        return Text("Voeg een bestand toe bij “{label}”.", "Add a file at “{label}”.").fill(label=self.label)


Column = Annotated[TextQuestion | DateQuestion | AmountQuestion | NumberQuestion, Field(discriminator="kind")]


class TableQuestion(_Question):
    """Rows of the same columns, such as a planning. Empty rows are dropped."""

    kind: Literal["table"]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    max_rows: Count = 12

    def read(self, raw: object) -> list[dict[str, str | int]] | None:
        if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
            raise _no("not_a_table", self.key, "Vul de tabel in, regel voor regel.", "Fill in the table, row by row.")
        rows: list[dict[str, str | int]] = []
        refusals: list[Refusal] = []
        for number, row in enumerate(raw):
            clean, wrong = _read_all(self.columns, row, complete=any(row.values()))
            refusals += [Refusal(r.code, r.sentence, f"{self.key}.{number}.{r.field}", r.kind) for r in wrong]
            if clean:
                rows.append({key: value for key, value in clean.items() if isinstance(value, str | int)})
        if len(rows) > self.max_rows:
            nl, en = "Er passen {bound} regels in deze tabel.", "This table has room for {bound} rows."
            raise _no("too_many_rows", self.key, nl, en, bound=self.max_rows)
        if refusals:
            raise Refused(*refusals)
        return rows or None


Question = Annotated[
    TextQuestion
    | ChoiceQuestion
    | DateQuestion
    | AmountQuestion
    | NumberQuestion
    | YesNoQuestion
    | FileQuestion
    | TableQuestion,
    Field(discriminator="kind"),
]


class PageKind(StrEnum):
    """What the page of a section holds besides its questions."""

    QUESTIONS = "questions"
    PARTNERS = "partners"
    BUDGET = "budget"
    CO_FINANCING = "co_financing"
    DOCUMENTS = "documents"
    SIGNING = "signing"


class Section(Spec):
    """One task of the school: one subject, one page."""

    key: Key
    title: Words
    summary: Words
    intro: Words | None = None
    page: PageKind = PageKind.QUESTIONS
    questions: tuple[Question, ...] = ()

    @model_validator(mode="after")
    def _questions_fit(self) -> Self:
        if self.page is PageKind.QUESTIONS and not self.questions:
            raise mistake("dit onderdeel heeft geen vragen", "this section has no questions", at="questions")
        earlier: dict[str, Question] = {}
        for question in self.questions:
            at = f"questions.{question.key}"
            if question.key in earlier:
                raise mistake("deze sleutel staat er twee keer", "this key occurs twice", at=at)
            if question.show_if is not None and not _can_answer(earlier, question.show_if):
                raise mistake(
                    "dit verwijst niet naar een eerdere vraag in dit onderdeel, of naar een antwoord dat niet kan",
                    "this does not refer to an earlier question of this section, or to an answer that cannot be given",
                    at=f"{at}.show_if",
                )
            earlier[question.key] = question
        return self

    def shown(self, answers: Mapping[str, Answer]) -> tuple[Question, ...]:
        """Return the questions that are asked, given the answers so far. A hidden question hides what hangs on it."""
        visible: dict[str, Answer] = {}
        asked: list[Question] = []
        for question in self.questions:
            if question.show_if is None or question.show_if.holds(visible):
                asked.append(question)
                if question.key in answers:
                    visible[question.key] = answers[question.key]
        return tuple(asked)


def _can_answer(earlier: Mapping[str, Question], condition: ShowIf) -> bool:
    question = earlier.get(condition.question)
    if isinstance(question, YesNoQuestion):
        return isinstance(condition.equals, bool)
    if isinstance(question, ChoiceQuestion):
        return condition.equals in {option.key for option in question.options}
    return False


class FormSpec(Spec):
    """All sections, in the order of the task list. Question keys are unique in the whole form."""

    sections: Annotated[tuple[Section, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_are_unique(self) -> Self:
        seen: set[str] = set()
        for section in self.sections:
            for key in [f"sections.{section.key}", *(q.key for q in section.questions)]:
                if key in seen:
                    at = f"sections.{section.key}" if key.startswith("sections.") else f"sections.{section.key}.{key}"
                    raise mistake("deze sleutel staat er twee keer", "this key occurs twice", at=at)
                seen.add(key)
        return self

    def section(self, key: str) -> Section:
        """Return the section with this key. Raises Refused(NOT_FOUND)."""
        for section in self.sections:
            if section.key == key:
                return section
        sentence = Text(
            "Dit onderdeel bestaat niet. Ga terug naar de takenlijst.", "No such task. Go back to the list."
        )
        raise Refused(Refusal("section_unknown", sentence, kind=Kind.NOT_FOUND))

    def questions(self) -> Iterator[Question]:
        """Yield every question, in order."""
        for section in self.sections:
            yield from section.questions

    def question(self, key: str) -> Question | None:
        """Return the question with this key, or None."""
        return next((question for question in self.questions() if question.key == key), None)


def validate_answers(
    section: Section, raw: Mapping[str, object], *, complete: bool = True
) -> tuple[Answers, tuple[Refusal, ...]]:
    """Read what was typed or sent for one section.

    raw: by question key, as a form or the API gives it; only question keys (a token or a button is not an answer).
    complete: False for a draft that is saved half-way: then a missing answer is no mistake.
    Returns the answers that will do (also when others will not; hidden questions are dropped), and every mistake in
    the order of the questions: Kind.INVALID, `field` is the question key (in a table: key.row.column).
    """
    clean, refusals = _read_all(section.questions, raw, complete=complete)
    known = {question.key for question in section.questions}
    for key in raw:
        if key not in known:
            sentence = Text("Deze vraag hoort niet bij dit onderdeel.", "This question is not part of this section.")
            refusals.append(Refusal("question_unknown", sentence, field=str(key)[:60], kind=Kind.INVALID))
    return clean, tuple(refusals)


def _read_all(
    questions: Iterable[Question | Column], raw: Mapping[str, object], *, complete: bool
) -> tuple[Answers, list[Refusal]]:
    clean: Answers = {}
    refusals: list[Refusal] = []
    for question in questions:
        if question.show_if is not None and not question.show_if.holds(clean):
            continue
        value = raw.get(question.key)
        try:
            answer = None if value is None else question.read(value)
        except Refused as refused:
            refusals += refused.refusals
            continue
        if answer is not None:
            clean[question.key] = answer
        elif complete and question.required:
            refusals.append(Refusal("answer_missing", question.how(), field=question.key, kind=Kind.INVALID))
    return clean, refusals
