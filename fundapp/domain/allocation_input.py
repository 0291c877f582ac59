"""What an allocation is made from, and the check of it: the first thing that is wrong, with its ref and its field."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text

MAX_CENTS = 2**63 - 1
"""What the database can hold."""


class Method(StrEnum):
    """In which order applications are considered; `pro_rata` considers all at once."""

    ORDER_OF_RECEIPT = "order_of_receipt"
    RANKING = "ranking"
    LOTTERY = "lottery"
    PRIORITY = "priority"
    PRO_RATA = "pro_rata"


class OnOverflow(StrEnum):
    """What happens when an application does not fit whole."""

    STOP = "stop"
    SKIP = "skip"
    PARTIAL = "partial"


def _moment(value: object) -> datetime:
    """Read an ISO 8601 moment with an offset; kept in UTC."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(at, datetime) and at.utcoffset() is not None and 1971 <= at.year <= 2200:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # the same sentence for all that is no moment
    raise PydanticCustomError("moment", "not a moment with an offset")


def _number(value: object) -> Decimal | None:
    """Read a score exactly: a JSON number, or in memory an int, float or Decimal."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= 100 and len(str(value)) <= 110:
        return value
    raise PydanticCustomError("score", "not a number")


Moment = Annotated[datetime, PlainValidator(_moment)]
Score = Annotated[Decimal | None, PlainValidator(_number)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Cents = Annotated[int, Field(ge=0, le=MAX_CENTS)]


class Application(BaseModel):
    """One application. Amounts in cents; complete_at is aware and kept in UTC; priority 1 is the first class."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ref: Name
    amount_cents: Annotated[int, Field(gt=0, le=MAX_CENTS)]
    complete_at: Moment
    score: Score = None
    sub_region: Name | None = None
    priority: Annotated[int, Field(ge=1)] | None = None
    minimum_cents: Cents = 0


class AllocationRequest(BaseModel):
    """A ceiling, the rules and the applications. Building one raises Refused(INVALID) for what does not fit together,
    and pydantic's ValidationError for a value of the wrong kind; `read_request` turns both into Refused.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ceiling_cents: Cents
    sub_ceilings: dict[Name, Cents] = Field(default_factory=dict)
    method: Method = Field(strict=False)
    on_overflow: OnOverflow | None = Field(default=None, strict=False)
    seed: Annotated[str, Field(max_length=1000)]
    applications: tuple[Application, ...] = Field(strict=False)

    @model_validator(mode="before")
    @classmethod
    def _no_sub_ceilings(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("sub_ceilings", ...) is None:
            return {name: value for name, value in data.items() if name != "sub_ceilings"}
        return data

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.on_overflow is None and self.method is not Method.PRO_RATA:
            raise _refused("on_overflow", _MISSING)
        needs_score, needs_priority = self.method is Method.RANKING, self.method is Method.PRIORITY
        for application in self.applications:
            if needs_score and application.score is None:
                raise _refused("score", _MISSING, ref=application.ref)
            if needs_priority and application.priority is None:
                raise _refused("priority", _MISSING, ref=application.ref)
            if self.sub_ceilings and application.sub_region not in self.sub_ceilings:
                raise _refused("sub_region", _NO_SUB_REGION, ref=application.ref)
        counted = Counter(a.ref for a in self.applications)
        if len(counted) < len(self.applications):
            raise _refused("ref", _TWICE, ref=next(ref for ref, n in counted.items() if n > 1))
        return self


def read_request(raw: bytes, *, source: str) -> AllocationRequest:
    """Read the JSON of the contract. Raises Refused(INVALID) that names the ref and the field, or else the source."""
    try:
        data = json.loads(
            raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_pairs
        )
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise _refused(source, _NO_JSON) from error
    if not isinstance(data, dict):
        raise _refused(source, _NO_OBJECT)
    try:
        return AllocationRequest.model_validate(data)
    except ValidationError as error:
        raise _said(error.errors(include_url=False)[0], data) from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, n in Counter(name for name, _ in pairs).items() if n > 1)
        raise _refused(_short(twice), _NAME_TWICE)
    return found


# --- what is wrong, in words ------------------------------------------------------------------------------------------

_MISSING = Text("Vul dit in. Deze verdeling heeft het nodig.", "This is missing. This allocation needs it.")
_TWICE = Text("Elke ref mag één keer voorkomen.", "Each ref may occur once.")
_NAME_TWICE = Text("Deze naam staat er twee keer. Haal er één weg.", "This name occurs twice. Remove one.")
_NO_SUB_REGION = Text("Kies een van de namen in sub_ceilings.", "Choose one of the names in sub_ceilings.")
_NO_JSON = Text("Dit is geen geldige JSON in UTF-8.", "This is not valid JSON in UTF-8.")
_NO_OBJECT = Text("Dit moet een JSON-object zijn, tussen accolades.", "This must be a JSON object, in braces.")
_NOT_POSITIVE = Text("Vul hele centen in, meer dan nul.", "Give whole cents, more than zero.")
_TOO_LOW = Text("Vul een geheel getal in van {ge} of meer.", "Give a whole number of {ge} or more.")
_WRONG: Mapping[str, Text] = {
    "missing": _MISSING,
    "extra_forbidden": Text("Dit veld is niet bekend. Haal het weg.", "This field is unknown. Remove it."),
    "int_type": Text("Vul een geheel getal in, zonder aanhalingstekens.", "Give a whole number, without quotes."),
    "greater_than": _NOT_POSITIVE,
    "greater_than_equal": _TOO_LOW,
    "less_than_equal": Text("Dit bedrag is te groot.", "This amount is too large."),
    "enum": Text("Kies een van deze: {expected}.", "Choose one of these: {expected}."),
    "moment": Text(
        "Vul een moment in met tijdzone, zoals 2022-05-03T10:15:00+02:00.",
        "Give a moment with an offset, such as 2022-05-03T10:15:00+02:00.",
    ),
    "score": Text("Vul een getal in, zonder aanhalingstekens.", "Give a number, without quotes."),
    "string_too_short": Text("Vul een tekst in die niet leeg is.", "Give a text that is not empty."),
    "string_too_long": Text("Deze tekst is te lang.", "This text is too long."),
    "tuple_type": Text("Dit moet een lijst zijn: [ … ].", "This must be a list: [ … ]."),
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
}
_ELSE = Text("Vul een tekst in, tussen aanhalingstekens.", "Give a text, in quotes.")


def _said(error: ErrorDetails, data: dict[str, Any]) -> Refused:
    sentence = _WRONG.get(error["type"], _ELSE).fill(**error.get("ctx", {}))
    match error["loc"]:
        case ("applications", int(index), *rest):
            item = data["applications"][index]
            ref = item.get("ref") if isinstance(item, dict) else None
            named = ref if isinstance(ref, str) and ref and "ref" not in rest else f"nr. {index + 1}"
            return _refused(_short(".".join(map(str, rest)) or "applications"), sentence, ref=named)
        case loc:
            return _refused(_short(".".join(str(part) for part in loc if part != "[key]")), sentence)


def _refused(name: str, sentence: Text, *, ref: str | None = None) -> Refused:
    if ref is not None:
        sentence = Text(f"Aanvraag {_short(ref)}: {sentence.nl}", f"Application {_short(ref)}: {sentence.en}")
    return Refused(Refusal("bad_scenario", sentence, field=name, kind=Kind.INVALID))


def _short(typed: str) -> str:
    """What was typed on one line, printable and not too long."""
    return "".join(c if c.isprintable() else "?" for c in typed)[:60]
