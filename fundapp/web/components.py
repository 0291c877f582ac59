"""The views behind the component macros: what a field, a list of mistakes or a money bar needs to be drawn.

A macro never looks inside a WTForms field or a refusal; it gets one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Protocol

from wtforms import Field, FieldList, FormField
from wtforms.form import BaseForm

from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text

Words = Text | str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a form. field: the id of the input that it is about, or None when it is about the whole form."""

    field: str | None
    message: Words


def problems(found: object) -> tuple[Problem, ...]:
    """Return the mistakes in any shape that a view may hold, in the order of the page.

    found: None, a WTForms form, a Refused, or an iterable of Problem, Refusal, (field, message) or plain messages.
    """
    if found is None:
        return ()
    if isinstance(found, BaseForm):
        return tuple(_of_form(found))
    if isinstance(found, Refused):
        found = found.refusals
    if isinstance(found, Text | str):
        return (Problem(None, found),)
    if isinstance(found, Mapping):
        return tuple(Problem(name, message) for name, message in found.items())
    assert isinstance(found, Iterable), f"no mistakes can be read from {type(found).__name__}"
    return tuple(_problem(item) for item in found)


def _problem(item: Any) -> Problem:
    if isinstance(item, Problem):
        return item
    if isinstance(item, Refusal):
        return Problem(item.field, item.sentence)
    if isinstance(item, Text | str):
        return Problem(None, item)
    field, message = item
    return Problem(field, message)


def _of_form(form: BaseForm) -> Iterable[Problem]:
    for message in form.form_errors:
        yield Problem(None, message)
    for field in form:
        yield from _of_field(field)


def _of_field(field: Field) -> Iterable[Problem]:
    if isinstance(field, FormField):
        yield from _of_form(field.form)
    elif isinstance(field, FieldList) and field.entries:
        for entry in field.entries:
            yield from _of_field(entry)
        for message in field.errors:
            if isinstance(message, Text | str):
                yield Problem(field.entries[0].id, message)
    elif field.errors:
        yield Problem(field.id, field.errors[0])


class Choice(NamedTuple):
    """One option of a select, radios or checkboxes. id: of its input; hint: a line under the label, or None."""

    id: str
    value: str
    label: Words
    hint: Words | None
    checked: bool


@dataclass(frozen=True, slots=True)
class FieldView:
    """An input as the macros draw it. value: as typed, so that a mistake is shown back unchanged."""

    id: str
    name: str
    label: Words
    hint: Words | None
    value: str
    errors: tuple[Words, ...]
    optional: bool
    choices: tuple[Choice, ...]
    checked: bool

    def described_by(self, hinted: bool = False) -> str:
        """The ids for aria-describedby: the error first, because it is the most urgent. hinted: there is more hint."""
        parts = ([f"{self.id}-error"] if self.errors else []) + ([f"{self.id}-hint"] if self.hint or hinted else [])
        return " ".join(parts)


def field_view(
    field: Any,
    label: Words | None = None,
    hint: Words | None = None,
    value: object = None,
    error: Words | Sequence[Words] | None = None,
    optional: bool | None = None,
    choices: Iterable[Sequence[Any]] = (),
    id: str | None = None,  # noqa: A002  the HTML attribute of that name
) -> FieldView:
    """Return the view of a WTForms field, or of a plain name with its values.

    field: a WTForms field, or the name of the input. Everything else overrides what the field says.
    choices: (value, label) or (value, label, hint) each; a WTForms field has its own, with render_kw={"hint": …}.
    optional: None asks the field's validators; a plain name is required unless told.
    """
    of_wtforms = isinstance(field, Field)
    name = field.name if of_wtforms else str(field)
    identity = id or (field.id if of_wtforms else name)
    if of_wtforms:
        label = label if label is not None else field.label.text
        hint = hint if hint is not None else (field.description or None)
        value = value if value is not None else _typed(field)
        optional = optional if optional is not None else not field.flags.required
    found: Iterable[Words] = (
        (field.errors if of_wtforms else ()) if error is None else [error] if isinstance(error, Text | str) else error
    )
    options = list(choices)
    if of_wtforms and not options and hasattr(field, "iter_choices"):
        options = [(c.value, c.label, c.render_kw.get("hint")) for c in field.iter_choices()]
    chosen = (
        {_written(item) for item in value} if isinstance(value, list | tuple | set | frozenset) else {_written(value)}
    )
    return FieldView(
        id=identity,
        name=name,
        label=label if label is not None else "",
        hint=hint,
        value="" if isinstance(value, list | tuple | set | frozenset) else _written(value),
        errors=tuple(message for message in found if message),
        optional=bool(optional),
        choices=tuple(
            Choice(
                id=identity if number == 0 else f"{identity}-{number}",
                value=_written(option[0]),
                label=option[1],
                hint=option[2] if len(option) > 2 else None,
                checked=_written(option[0]) in chosen,
            )
            for number, option in enumerate(options)
        ),
        checked=value is True,
    )


def _typed(field: Any) -> object:
    """What the user typed, when something was sent; otherwise the value that the field holds."""
    if hasattr(field, "iter_choices") or field.type in {"BooleanField", "FileField", "MultipleFileField"}:
        return field.data
    typed = getattr(field, "_value", None)
    return typed() if callable(typed) else field.data


def _written(value: object) -> str:
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, date):
        return f"{value:%d-%m-%Y}"
    return str(value)


PARTS: tuple[tuple[str, Text], ...] = (
    ("settled_paid", Text("Vastgesteld en betaald", "Settled and paid")),
    ("settled_due", Text("Vastgesteld, nog te betalen", "Settled, still to pay")),
    ("committed_paid", Text("Toegezegd en betaald", "Awarded and paid")),
    ("committed_due", Text("Toegezegd, nog te betalen", "Awarded, still to pay")),
    ("free", Text("Nog vrij", "Still free")),
)
"""The disjoint parts of a tranche, in the order of the bar."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a money bar. cents: its amount; x, width: its place in percent of the bar, as SVG reads it."""

    key: str
    label: Text
    cents: int
    x: str
    width: str


def money_segments(parts: Mapping[str, int]) -> tuple[Segment, ...]:
    """Lay out the parts of a tranche (cents, by the keys of PARTS) on a bar of 100 %; missing parts count as nothing.

    Every amount above zero gets at least 1 % of the bar, so that it can be seen; the table beside it has the numbers.
    """
    amounts = [max(0, parts.get(key, 0)) for key, _ in PARTS]
    whole = sum(amounts)
    widths = [max(100 * amount / whole, 1.0) if amount else 0.0 for amount in amounts] if whole else [0.0] * len(PARTS)
    total = sum(widths) or 1.0
    out: list[Segment] = []
    x = 0.0
    for (key, label), amount, width in zip(PARTS, amounts, widths, strict=True):
        share = 100 * width / total
        out.append(Segment(key, label, parts.get(key, amount), f"{x:.2f}%", f"{share:.2f}%"))
        x += share
    return tuple(out)


class _Step(Protocol):
    """What a waterfall is drawn from (`services.tranche_money.Step`)."""

    @property
    def label(self) -> Text: ...
    @property
    def cents(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def total(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Drop:
    """One row of a waterfall. kind: total, up or down; x, width, until: percent of the width; top: pixels."""

    label: Text
    cents: int
    kind: str
    x: str
    width: str
    until: str
    top: int


DROP_HEIGHT = 54
"""Pixels that one row of a waterfall takes: a line of text and its bar."""


def money_drops(steps: Sequence[_Step]) -> tuple[Drop, ...]:
    """Lay out the steps of a waterfall, one row each, from the least to the most that ever stands in it.

    A step of some money is at least half a percent wide, so that it can be seen; the table beside it has the numbers.
    """
    stands = [0, *(step.start for step in steps), *(step.end for step in steps)]
    least, span = min(stands), (max(stands) - min(stands)) or 1

    def place(cents: int) -> float:
        return 100 * (cents - least) / span

    out: list[Drop] = []
    for number, step in enumerate(steps):
        left, right = sorted((place(step.start), place(step.end)))
        width = max(right - left, 0.5) if step.cents else 0.0
        kind = "total" if step.total else "up" if step.cents >= 0 else "down"
        until = f"{place(step.end):.2f}%"
        left = min(left, 100 - width)
        out.append(Drop(step.label, step.cents, kind, f"{left:.2f}%", f"{width:.2f}%", until, number * DROP_HEIGHT))
    return tuple(out)
