"""What all parts of a fund specification are made of: frozen models, bilingual text, money, terms, codes.

A specification is data that a coordinator writes. So nothing is coerced ("750000" is not a number of cents), nothing
unknown is accepted, and every mistake carries a sentence in both languages.
"""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

from fundapp.domain.money import MAX_CENTS, WHOLE
from fundapp.domain.text import LANGUAGES, Text


class Spec(BaseModel):
    """A frozen piece of a specification; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def mistake(nl: str, en: str, at: str = "") -> PydanticCustomError:
    """Return (to be raised in a validator) a mistake with a sentence in both languages.

    at: dotted path, below the model that found it, of the value that is wrong.
    """
    return PydanticCustomError("fund_mistake", "{en}", {"nl": nl, "en": en, "at": at})


def _bilingual(value: Any) -> Any:
    if isinstance(value, Text):
        return value
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        raise mistake(
            "hier hoort een tekst in twee talen: nl en en", "a text in two languages is expected here: nl and en"
        )
    for language in LANGUAGES:
        words = value[language]
        if not isinstance(words, str) or not words.strip():
            raise mistake(
                f"de tekst bij {language} is leeg of geen tekst (zet hem tussen aanhalingstekens)",
                f"the text at {language} is empty or not a text (put it in quotes)",
                at=language,
            )
    return Text(nl=value["nl"].strip(), en=value["en"].strip())


Words = Annotated[Text, BeforeValidator(_bilingual)]
"""A `Text` in a specification: `{nl: …, en: …}`, both filled in."""


def placeholders(*names: str) -> AfterValidator:
    """Return a check that a `Text` has no other `{placeholder}` than these, and each spelled plainly."""

    def check(text: Text) -> Text:
        for language in LANGUAGES:
            try:
                used = [part[1:] for part in Formatter().parse(text.in_(language)) if part[1] is not None]
            except ValueError as error:
                raise mistake("een accolade is niet gesloten", "a curly bracket is not closed", at=language) from error
            for name, form, how in used:
                if name not in names or form or how:
                    allowed = ", ".join(f"{{{n}}}" for n in names) or "–"
                    raise mistake(
                        f"{{{name}}} kan hier niet ingevuld worden; wel: {allowed}",
                        f"{{{name}}} cannot be filled in here; these can: {allowed}",
                        at=language,
                    )
        return text

    return AfterValidator(check)


Key = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""A name for programs: lower case, digits, underscores."""

Slug = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
"""A name for programs that also stands in addresses: lower case, digits, hyphens."""

Cents = Annotated[StrictInt, Field(ge=0, le=MAX_CENTS)]
BasisPoints = Annotated[StrictInt, Field(ge=0, le=WHOLE)]
"""A share: 8 000 is 80 %."""

Count = Annotated[StrictInt, Field(ge=1, le=100_000)]
Flag = StrictBool

TermLength = Annotated[StrictStr, Field(pattern=r"^[1-9]\d{0,3}[dwm]$")]
"""The length of a term in days, weeks or months: "10d", "13w", "2m"; read by `domain.term.Length.parse`."""


def percent_text(basis_points: int) -> Text:
    """Return a share as people write it: 8000 → "80%", 1060 → "10,6%" and "10.6%"."""
    whole, rest = divmod(basis_points, 100)
    decimals = f"{rest:02d}".rstrip("0")
    return Text(f"{whole},{decimals}%", f"{whole}.{decimals}%") if decimals else Text(f"{whole}%", f"{whole}%")
