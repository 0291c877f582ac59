"""What a school types, page by page: read, checked, and shown back exactly as it was typed.

The fields follow from the form specification of the fund, so these are no WTForms classes: a `Typed` is what was sent,
and the views below are what the component macros draw. Names of inputs are the fields that refusals name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeVar

from werkzeug.datastructures import MultiDict
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.form_spec import Section, TableQuestion
from fundapp.domain.money import parse_euro, plain_euro
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.web.forms import ActionForm, asked

Typed = MultiDict[str, str]
"""What was sent with a form, or given back after a session that expired."""

Errors = Mapping[str, Sequence[Text]]
"""Field → what is wrong with it."""

MOST_ROWS = 40
MOST_CENTS = 10**9
"""Ten million euro: above it an amount on these pages is a typing mistake."""

MOST_LETTERS = 300
_FEWEST_TABLE_ROWS = 3

T = TypeVar("T")


@asked("response")
class ResponseForm(ActionForm):
    """What the school thinks of an intended decision (zienswijze)."""

    explanation = TextAreaField(
        Text("Wat vindt u van dit voornemen?", "What do you think of this intention?"),
        [
            DataRequired(Text("Schrijf uw reactie op.", "Write your response.")),
            Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most.")),
        ],
        description=Text(
            "Bent u het eens? Schrijf dat dan ook op. Dan hoeven wij niet te wachten.",
            "Do you agree? Then write that as well. Then we need not wait.",
        ),
    )

    def given(self) -> Mapping[str, Any]:
        """The response as `explanation`."""
        return {"explanation": (self.explanation.data or "").replace("\x00", "").strip()}


# --- one field --------------------------------------------------------------------------------------------------------


def invalid(code: str, at: str, nl: str, en: str, **values: object) -> Refusal:
    """A refusal of what was typed in one field."""
    return Refusal(code, Text(nl, en).fill(**values), field=at, kind=Kind.INVALID)


def by_field(refusals: Iterable[Refusal]) -> dict[str, list[Text]]:
    """Return the sentences by the field that they are about; "" for those about the page."""
    found: dict[str, list[Text]] = {}
    for refusal in refusals:
        found.setdefault(refusal.field or "", []).append(refusal.sentence)
    return found


def clean(raw: str, at: str, *, most: int = MOST_LETTERS) -> str:
    """Return a short or long text, trimmed, with plain line ends. Raises Refused at its field."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
    if any(ord(sign) < 32 and sign not in "\t\n" for sign in text):
        raise Refused(
            invalid(
                "strange_signs",
                at,
                "In deze tekst staan tekens die wij niet kunnen bewaren. Typ de tekst opnieuw.",
                "This text has signs that we cannot store. Type the text again.",
            )
        )
    if len(text) > most:
        raise Refused(
            invalid(
                "text_too_long",
                at,
                "Uw antwoord heeft {length} tekens. Er passen er {most}. Maak het korter.",
                "Your answer has {length} characters. The limit is {most}. Make it shorter.",
                length=len(text),
                most=most,
            )
        )
    return text


def amount(raw: str, at: str) -> int | None:
    """Return cents, or None for nothing typed. Raises Refused at its field."""
    if not raw.strip():
        return None
    cents = parse_euro(raw, field=at)
    if cents > MOST_CENTS:
        raise Refused(
            invalid(
                "amount_too_large",
                at,
                "Dit bedrag is te groot. Kijk na of er een cijfer te veel staat.",
                "This amount is too large. Check whether there is a digit too many.",
            )
        )
    return cents


def whole(raw: str, at: str, *, most: int) -> int | None:
    """Return a whole number of at least 1, or None for nothing typed. Raises Refused at its field."""
    text = raw.strip()
    if not text:
        return None
    value = int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    if not 1 <= value <= most:
        raise Refused(
            invalid(
                "not_a_number",
                at,
                "Vul een heel getal in van 1 tot en met {most}.",
                "Enter a whole number from 1 up to {most}.",
                most=most,
            )
        )
    return value


class Reader:
    """Reads field after field and keeps what is wrong, so that all of it is said at once."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def text(self, raw: str, at: str, *, most: int = MOST_LETTERS) -> str:
        """`clean`, or "" where it refuses."""
        return self._read(partial(clean, most=most), raw, at) or ""

    def amount(self, raw: str, at: str) -> int | None:
        """`amount`, or None where it refuses."""
        return self._read(amount, raw, at)

    def whole(self, raw: str, at: str, *, most: int) -> int | None:
        """`whole`, or None where it refuses."""
        return self._read(partial(whole, most=most), raw, at)

    def _read(self, parse: Callable[[str, str], T], raw: str, at: str) -> T | None:
        try:
            return parse(raw, at)
        except Refused as error:
            self.refusals += error.refusals
            return None


# --- questions of the form specification ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Control:
    """One question as the page draws it. kind: of the specification, "long" for a long text, "choices" for several.

    rows: of a table, each a list of controls. only_if: says after which answer it is asked. stored: what somebody else
    saved meanwhile, where that differs from what is typed. place: of a question for a file (`web.upload_slots`).
    """

    kind: str
    name: str
    label: Text
    hint: Text | None
    value: Any
    errors: Sequence[Text]
    optional: bool
    choices: list[tuple[str, Text, Text | None]] = field(default_factory=list)
    max_words: int | None = None
    only_if: Text | None = None
    rows: list[list[Control]] = field(default_factory=list)
    full: bool = False
    stored: Text | str | None = None
    place: Any = None


YES_NO: list[tuple[str, Text, Text | None]] = [
    ("yes", Text("Ja", "Yes"), None),
    ("no", Text("Nee", "No"), None),
]


def raw_answers(section: Section, typed: Typed) -> dict[str, Any]:
    """Return what was typed for the questions of a section, as `validate_answers` reads it."""
    raw: dict[str, Any] = {}
    for question in section.questions:
        if isinstance(question, TableQuestion):
            raw[question.key] = table_rows(question, typed)
        elif question.kind == "choice" and question.multiple:
            raw[question.key] = typed.getlist(question.key)
        elif question.key in typed:
            raw[question.key] = typed[question.key]
    return raw


def table_rows(question: TableQuestion, typed: Typed) -> list[dict[str, str]]:
    """Return the rows of a table as typed, in order, the empty ones between them too."""
    pattern = re.compile(rf"{re.escape(question.key)}\.(\d{{1,3}})\.")
    numbers = [int(match[1]) for name in typed if (match := pattern.match(name))]
    last = min(max(numbers, default=-1), MOST_ROWS - 1)
    return [
        {column.key: typed.get(f"{question.key}.{n}.{column.key}", "") for column in question.columns}
        for n in range(last + 1)
    ]


def controls(
    section: Section,
    answers: Mapping[str, Any],
    typed: Typed | None = None,
    errors: Errors | None = None,
    *,
    compare: bool = False,
    more_rows: str | None = None,
) -> list[Control]:
    """Return the questions of a page, with what was typed, else what is stored.

    compare: say beside each field what is stored where that differs. more_rows: the table that gets an empty row.
    """
    raw = raw_answers(section, typed) if typed is not None else None
    return [
        _control(question, section, answers, raw, errors or {}, compare=compare, more=more_rows == question.key)
        for question in section.questions
    ]


def _control(
    question: Any,
    section: Section,
    answers: Mapping[str, Any],
    raw: Mapping[str, Any] | None,
    errors: Errors,
    *,
    compare: bool,
    more: bool,
) -> Control:
    stored = answers.get(question.key)
    shown = shown_value(question, stored)
    value = shown if raw is None else raw.get(question.key, [] if question.kind == "choice" else "")
    different = compare and question.kind != "file" and (_plain(question, value) != _plain(question, shown))
    many = question.kind == "choice" and question.multiple
    long = question.kind == "text" and question.long
    rows = _table(question, value, errors, more=more) if question.kind == "table" else []
    return Control(
        kind="choices" if many else "long" if long else question.kind,
        name=question.key,
        label=question.label,
        hint=hint_of(question),
        value=value,
        errors=errors.get(question.key, ()),
        optional=not question.required,
        choices=_choices(question),
        max_words=question.max_words if question.kind == "text" else None,
        only_if=_only_if(question, section),
        rows=rows,
        full=question.kind == "table" and len(rows) >= question.max_rows,
        stored=(in_words(question, stored) or Text("niets", "nothing")) if different else None,
    )


def _plain(question: Any, value: Any) -> Any:
    if question.kind == "table":
        return [row for row in value or [] if any(row.values())]
    if isinstance(value, list):
        return sorted(value)
    text = str(value or "").replace("\r\n", "\n").strip()
    if question.kind == "date":
        return [part.lstrip("0") for part in text.split("-")]
    if question.kind == "amount":
        with suppress(Refused):
            return parse_euro(text)
    return text


def shown_value(question: Any, stored: Any) -> Any:
    """Return a stored answer as its field shows it."""
    if stored is None:
        return [] if question.kind == "table" or (question.kind == "choice" and question.multiple) else ""
    match question.kind:
        case "amount":
            return plain_euro(stored)
        case "date":
            return f"{date.fromisoformat(stored):%d-%m-%Y}"
        case "yes_no":
            return "yes" if stored else "no"
        case "number":
            return str(stored)
        case "table":
            return [
                {column.key: str(shown_value(column, row.get(column.key))) for column in question.columns}
                for row in stored
            ]
    return stored


def put_shown(typed: Typed, question: Any, stored: Any) -> None:
    """Replace what was typed for a question by its stored answer, as its fields show it."""
    shown = shown_value(question, stored)
    if question.kind == "table":
        for name in [name for name in typed if name.startswith(f"{question.key}.")]:
            del typed[name]
        typed.update({f"{question.key}.{n}.{key}": value for n, row in enumerate(shown) for key, value in row.items()})
    else:
        typed.setlist(question.key, shown if isinstance(shown, list) else [shown])


def _table(question: TableQuestion, rows: Any, errors: Errors, *, more: bool) -> list[list[Control]]:
    filled = list(rows or [])
    while len(filled) < _FEWEST_TABLE_ROWS or (more and len(filled) < question.max_rows and any(filled[-1].values())):
        filled.append({})
    return [
        [
            Control(
                kind=column.kind,
                name=(name := f"{question.key}.{number}.{column.key}"),
                label=column.label,
                hint=column.hint,
                value=row.get(column.key, ""),
                errors=errors.get(name, ()),
                optional=not column.required,
            )
            for column in question.columns
        ]
        for number, row in enumerate(filled)
    ]


def _choices(question: Any) -> list[tuple[str, Text, Text | None]]:
    if question.kind == "yes_no":
        return YES_NO
    return [(option.key, option.label, option.hint) for option in question.options] if question.kind == "choice" else []


def hint_of(question: Any) -> Text | None:
    """The hint and an example that would do, in one."""
    parts = [question.hint] if question.hint else []
    if question.kind == "text" and not question.long:
        parts.append(
            Text("Hoogstens {n} woorden.", "{n} words at most.").fill(n=question.max_words),
        )
    if question.example:
        parts.append(Text("Bijvoorbeeld: {example}", "For example: {example}").fill(example=question.example))
    return joined(*parts)


def joined(*parts: Text | None) -> Text | None:
    """Return sentences after one another; None where there are none."""
    said = [part for part in parts if part is not None]
    return Text(" ".join(p.nl for p in said), " ".join(p.en for p in said)) if said else None


def _only_if(question: Any, section: Section) -> Text | None:
    if question.show_if is None:
        return None
    before = next(q for q in section.questions if q.key == question.show_if.question)
    answer = in_words(before, question.show_if.equals) or ""
    return Text("Alleen als u bij “{label}” kiest: {answer}.", "Only if you answer “{label}” with: {answer}.").fill(
        label=before.label, answer=answer
    )


def _row_in_words(question: TableQuestion, row: Mapping[str, Any]) -> str:
    return " · ".join(str(in_words(column, row[column.key])) for column in question.columns if column.key in row)


def in_words(question: Any, answer: Any) -> Text | str | None:
    """Return an answer as a person reads it; None where there is none."""
    if answer is None or answer in ("", []):
        return None
    match question.kind:
        case "yes_no":
            return Text("Ja", "Yes") if answer else Text("Nee", "No")
        case "choice":
            labels = {option.key: option.label for option in question.options}
            chosen = [labels[key] for key in (answer if isinstance(answer, list) else [answer]) if key in labels]
            return Text(", ".join(one.nl for one in chosen), ", ".join(one.en for one in chosen))
        case "table":
            return "\n".join(_row_in_words(question, row) for row in answer)
    shown = shown_value(question, answer)
    return f"€ {shown}" if question.kind == "amount" else str(shown)
