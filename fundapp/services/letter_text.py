"""How the text of a letter is written: a Jinja template whose lines become the blocks of a letter.

    @title text           the subject line, once
    # text                a heading
    - text                a bullet; bullets in a row are one list
    1. text               the same, numbered (any number)
    |: title              a table of facts begins
    | name | value        a row of it
    =: title | a | b      a table of amounts begins; a, b: the names of its columns, the label's first
    = label | cents | …   a row of it
    == label | cents | …  a total; an empty cell stays visibly empty
    ~ text                the signature; its first line is the closing
    anything else         running text; the lines up to an empty one are one paragraph

`[bron: Awb 4:46]` names the rule that the sentences before it rest on; `[bron: Awb 4:46 | terms.report]` names one for
each legal profile: the law, and what the rules of a private fund call it. It is never printed: `trace` shows it to who
checks a letter before it goes out. A value that is filled in is only ever text: signs of the list above that somebody
typed do nothing, and a new line in it begins a new paragraph. A value that is missing or empty is a fault, so that no
letter goes out with a gap.

A fund or a legal profile may have a letter of its own: `<fund>/award.txt` goes before `awb/award.txt`, and that before
`award.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, UndefinedError

from fundapp.domain.days import day_text
from fundapp.domain.money import euro
from fundapp.domain.outside import Amounts, Block, Bullets, Facts, Heading, Paragraph, Signature

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "letters"


class LetterFault(Exception):
    """A letter that cannot be put into words; the message says where and why, for who keeps the templates."""


class EmptyValue(LetterFault):
    """A letter in which a value is missing or empty. name: as the template has it, such as "contact.phone"."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


_VALUE, _BREAK, _BAR, _BRACKET = "\ue000", "\ue001", "\ue002", "\ue003"
_MARKS = re.compile(f"[{_VALUE}{_BREAK}{_BAR}{_BRACKET}]")
_AS_TYPED = str.maketrans({_VALUE: None, _BAR: "|", _BRACKET: "["})
_SOURCE = re.compile(r"\s*\[bron:([^\]]*)\]")
_USED = re.compile(r"\{\{-?\s*(.+?)\s*-?\}\}|\{%-? for .+? in (.+?) -?%\}")
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-ZÀ-Ý“‘(€0-9])")
_NUMBERED = re.compile(r"\d+\.\s+(.*)")


def _as_value(value: object) -> object:
    """What Jinja puts in the text: a string is marked as a value, so that no line of it is read as a block."""
    if value is None or value == "":
        raise UndefinedError("a value is empty")
    if not isinstance(value, str):
        return value
    plain = _MARKS.sub("", value).replace("|", _BAR).replace("[", _BRACKET).strip()
    return _VALUE + re.sub(r"\s*[\r\n]+\s*", _BREAK, plain)


def _date(iso: str) -> str:
    return day_text(date.fromisoformat(iso[:10])).nl


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=_as_value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,  # or the line after an include would run on
        autoescape=False,  # noqa: S701 - the text becomes blocks, not HTML
    )
    environment.filters |= {"euro": euro, "date": _date}
    return environment


def put_into_words(template: str, context: Mapping[str, Any]) -> tuple[str, tuple[Block, ...]]:
    """Return the title and the blocks of a letter. Raises LetterFault for a gap, a wrong value or a wrong template."""
    return parse(fill_in(template, context), template)


def fill_in(template: str, context: Mapping[str, Any]) -> str:
    """Return the text of a letter with its values, not yet blocks. Raises LetterFault; EmptyValue for a gap."""
    names = [f"{context.get('fund_key')}/{template}", f"{context.get('profile')}/{template}", template]
    try:
        return _environment().select_template([f"{name}.txt" for name in names]).render(context)
    except TemplateNotFound as error:
        raise LetterFault(f"{error}: no such template") from error
    except (TemplateError, ValueError, TypeError, AttributeError) as error:
        place, line = _place(error, template)
        if (name := _empty_in(line, context)) is not None:
            raise EmptyValue(f"{place}: {name} is empty", name) from error
        raise LetterFault(f"{place}: {error}") from error


def _empty_in(line: str, context: Mapping[str, Any]) -> str | None:
    """The first value that a line of a template uses and that is missing or empty, as the template calls it."""
    for used in _USED.findall(line):
        name = next(part for part in used if part).partition("|")[0].strip("() ")
        value = _environment().compile_expression(name)(**context)
        if value is None or value == "":
            return str(name)
    return None


def _place(error: BaseException, template: str) -> tuple[str, str]:
    """The line of the template that was being filled: where it stands, and its text."""
    place, line, frame = f"{template}.txt", "", error.__traceback__
    while frame is not None:
        path = Path(frame.tb_frame.f_code.co_filename)
        if path.is_relative_to(TEMPLATES):
            place = f"{path.relative_to(TEMPLATES)}, line {frame.tb_lineno}"
            line = path.read_text("utf-8").splitlines()[frame.tb_lineno - 1]
        frame = frame.tb_next
    return place, line


def parse(text: str, name: str) -> tuple[str, tuple[Block, ...]]:
    """Return title and blocks of a filled template. Raises LetterFault."""
    titles: list[str] = []
    blocks: list[Block] = []
    for group in _groups(_SOURCE.sub("", text)):
        kind, lines = group[0][0], [rest for _, rest in group]
        try:
            if kind == "@title ":
                titles += [_plain(line) for line in lines]
            else:
                blocks += _blocks(kind, lines, group)
        except ValueError as error:
            raise LetterFault(f"{name}.txt: {error}") from error
    if len(titles) != 1 or not blocks:
        raise LetterFault(f"{name}.txt: a letter has one title and some text")
    return titles[0], tuple(blocks)


@dataclass(frozen=True, slots=True)
class Traced:
    """Sentences of a letter with the rule that they rest on; source: "" where they rest on none, as a greeting does."""

    kind: str
    sentences: tuple[str, ...]
    source: str


TRACED = {"": "paragraph", "- ": "bullets", "1. ": "bullets", "# ": "heading"}
"""Kinds of lines that hold sentences."""


def trace(text: str, profile: str) -> tuple[Traced, ...]:
    """Return the sentences of a filled template, in order, each with its source under a legal profile."""
    found: list[Traced] = []
    for group in _groups(text):
        kind = group[0][0]
        if kind not in TRACED:
            continue
        lines = [line for _, line in group]
        for part in [" ".join(lines)] if kind == "" else lines:
            found += _traced(TRACED[kind], part, profile)
    return tuple(found)


def _traced(kind: str, part: str, profile: str) -> Iterator[Traced]:
    """What stands before a source rests on it."""
    words = _SOURCE.split(part)  # text, source, text, source, …, text
    for said, sources in zip(words[::2], [*words[1::2], ""], strict=True):
        if plain := _plain(said):
            first, _, second = sources.partition(" | ")
            source = (second or first) if profile == "private" else first
            yield Traced(kind, tuple(_SENTENCE.split(plain)), _plain(source))


Line = tuple[str, str]
"""What kind of line it is, and the rest of it."""

_STARTS = ("@title ", "# ", "- ", "|: ", "| ", "=: ", "== ", "= ", "~ ")
_SAME_GROUP = {"|: ": {"| "}, "=: ": {"= ", "== "}, "- ": {"- "}, "1. ": {"1. "}, "~ ": {"~ "}, "": {""}}


def _line(line: str) -> Line:
    for start in _STARTS:
        if line.startswith(start):
            return start, line.removeprefix(start).strip()
    if match := _NUMBERED.fullmatch(line):
        return "1. ", match[1]
    return "", line


def _groups(text: str) -> Iterator[list[Line]]:
    group: list[Line] = []
    for raw in text.splitlines():
        line = _line(raw.strip())
        if group and line[1] and line[0] in _SAME_GROUP.get(group[0][0], set()):
            group.append(line)
            continue
        if group:
            yield group
        group = [line] if line[1] else []
    if group:
        yield group


def _blocks(kind: str, lines: list[str], group: list[Line]) -> list[Block]:
    match kind:
        case "# ":
            return [Heading(_plain(lines[0]))]
        case "- " | "1. ":
            return [Bullets(tuple(map(_plain, lines)), numbered=kind == "1. ")]
        case "|: ":
            return [Facts(_plain(lines[0]), tuple(_fact(line) for line in lines[1:]))]
        case "=: ":
            return [_amounts(group)]
        case "~ ":
            closing, *rest = map(_plain, lines)
            return [Signature(closing, tuple(rest))]
        case "":
            parts = " ".join(lines).split(_BREAK)
            return [Paragraph(words) for part in parts if (words := _plain(part))]
    raise ValueError(f"a row without its table: {kind}{_plain(lines[0])}")


def _plain(text: str) -> str:
    return " ".join(text.replace(_BREAK, " ").translate(_AS_TYPED).split())


def _cells(line: str) -> list[str]:
    return [_plain(cell) for cell in line.split("|")]


def _fact(line: str) -> tuple[str, str]:
    name, value = _cells(line)
    return name, value


def _amounts(group: list[Line]) -> Amounts:
    title, *columns = _cells(group[0][1])
    rows: dict[str, list[tuple[str, tuple[int | None, ...]]]] = {"= ": [], "== ": []}
    for kind, line in group[1:]:
        label, *cells = _cells(line)
        if len(cells) != len(columns) - 1:
            raise ValueError(f"“{label}” has {len(cells)} amounts for {len(columns) - 1} columns")
        rows[kind].append((label, tuple(int(cell) if cell else None for cell in cells)))
    return Amounts(title, tuple(columns), tuple(rows["= "]), tuple(rows["== "]))
