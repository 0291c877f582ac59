"""Funds as YAML files: read, checked, and every mistake told in one line that names file, line and field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fundapp.domain.fund import FundSpec, name_in_list
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text

FUNDS = Path(__file__).parent.parent / "data" / "funds"
"""The funds that the product comes with."""


class _Loader(yaml.SafeLoader):
    """YAML without its traps: a key twice is a mistake, `no` and `on` are words, `9:00` is not a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"“{name}” occurs twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


_PLAIN = {
    "tag:yaml.org,2002:bool": re.compile(r"^(?:true|false)$"),
    "tag:yaml.org,2002:int": re.compile(r"^-?(?:0|[1-9][0-9]*)$"),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, _PLAIN.get(tag, pattern)) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

_WHAT: Mapping[str, tuple[str, str]] = {
    "missing": ("ontbreekt", "is missing"),
    "extra_forbidden": ("bestaat niet; kijk of het goed gespeld is", "does not exist; check the spelling"),
    "int_type": ("moet een heel getal zijn, zonder aanhalingstekens", "must be a whole number, without quotes"),
    "bool_type": ("moet true of false zijn", "must be true or false"),
    "string_type": ("moet een tekst zijn", "must be a text"),
    "string_pattern_mismatch": ("heeft niet de goede vorm ({pattern})", "does not have the right form ({pattern})"),
    "less_than_equal": ("is hoger dan {le}", "is more than {le}"),
    "greater_than_equal": ("is lager dan {ge}", "is less than {ge}"),
    "too_short": ("heeft te weinig regels: minstens {min_length}", "has too few items: at least {min_length}"),
    "too_long": ("heeft te veel regels: hoogstens {max_length}", "has too many items: at most {max_length}"),
    "enum": ("moet een van deze zijn: {expected}", "must be one of these: {expected}"),
    "literal_error": ("moet een van deze zijn: {expected}", "must be one of these: {expected}"),
    "union_tag_invalid": ("is geen soort die er is: {expected_tags}", "is not a kind that exists: {expected_tags}"),
    "union_tag_not_found": ("heeft geen kind (soort)", "has no kind"),
    "fund_mistake": ("{nl}", "{en}"),
}


def load_fund(path: Path) -> FundSpec:
    """Read a fund from a YAML file (UTF-8).

    Raises Refused(INVALID) with one refusal for each mistake, one line each: file, line, dotted path, what is wrong.
    `field` is the dotted path, in which items of a list go by their key or code.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 -- _Loader is a SafeLoader
    except OSError as error:
        raise Refused(_refusal(path, "", None, "kan niet gelezen worden", "cannot be read")) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(_refusal(path, "", _line_of(error), *_yaml_mistake(error))) from error
    try:
        return FundSpec.model_validate_json(json.dumps(data, allow_nan=False))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise Refused(_refusal(path, "", None, "is geen fonds", "is not a fund")) from error
        found = [_mistake_in(path, tree, data, details) for details in error.errors(include_url=False)]
        raise Refused(*found) from error


def load_funds(folder: Path = FUNDS) -> tuple[FundSpec, ...]:
    """Read every fund in a folder (*.yaml), by file name.

    Raises Refused(INVALID) for a file that does not fit, or for two files with the same fund.
    """
    funds: dict[str, FundSpec] = {}
    for path in sorted(folder.glob("*.yaml")):
        fund = load_fund(path)
        if fund.key in funds:
            nl, en = f"fonds “{fund.key}” staat in twee bestanden", f"fund “{fund.key}” is in two files"
            raise Refused(_refusal(path, "key", None, nl, en))
        funds[fund.key] = fund
    return tuple(funds.values())


def _mistake_in(path: Path, tree: yaml.Node | None, data: Any, details: ErrorDetails) -> Refusal:
    steps = list(_steps(data, details["loc"]))
    context = details.get("ctx", {})
    field = ".".join(name for name, _ in steps)
    if context.get("at"):
        field = f"{field}.{context['at']}".lstrip(".")
    nl, en = _WHAT.get(details["type"], (details["msg"], details["msg"]))
    if details["type"] in _WHAT:
        shown = {name: " ".join(str(value).split())[:300] for name, value in context.items()}
        nl, en = nl.format_map(shown), en.format_map(shown)
    return _refusal(path, field, _line(tree, field), nl, en)


def _steps(data: Any, loc: Sequence[int | str]) -> Iterator[tuple[str, Any]]:
    """Yield each step of a location by name. pydantic puts the kind of a rule or question between: that is no step."""
    for step in loc:
        if isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
            yield name_in_list(data, step), data
        elif isinstance(data, dict) and step != data.get("kind"):
            data = data.get(str(step))
            yield str(step), data
        elif not isinstance(data, dict):
            yield str(step), None


def _line(node: yaml.Node | None, field: str) -> int | None:
    """Return the line (from 1) of the value at a dotted path, or of the last step towards it that is there."""
    if node is None:
        return None
    line = node.start_mark.line
    for step in field.split(".") if field else ():
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line + 1


def _child(node: yaml.Node, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            names = {k.value: v.value for k, v in item.value} if isinstance(item, yaml.MappingNode) else {}
            if name_in_list(names, number) == step:
                return item.start_mark.line, item
    return None


def _line_of(error: Exception) -> int | None:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark is not None else None


def _yaml_mistake(error: Exception) -> tuple[str, str]:
    problem = " ".join(str(getattr(error, "problem", None) or type(error).__name__).split())
    return f"is geen geldige YAML: {problem}", f"is not valid YAML: {problem}"


def _refusal(path: Path, field: str, line: int | None, nl: str, en: str) -> Refusal:
    where_nl = f"{path.name}, regel {line}" if line else path.name
    where_en = f"{path.name}, line {line}" if line else path.name
    middle = f": {field}" if field else ""
    return Refusal(
        "fund_invalid", Text(f"{where_nl}{middle}: {nl}.", f"{where_en}{middle}: {en}."), field or None, Kind.INVALID
    )
