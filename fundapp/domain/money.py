"""Euro cents: the only place where money is computed, parsed or split.

Amounts are `int` cents everywhere (BIGINT in the database), never a float. Percentages are basis points:
10 000 is the whole, 8 000 is 80 %. One rounding rule: half a cent goes up, away from zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same

WHOLE = 10_000
"""All of an amount, in basis points."""

MAX_CENTS = 10**13
"""Above a hundred billion euro an amount is a typing mistake."""


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return numerator ÷ denominator in whole cents; half a cent rounds away from zero.

    This is the product's one rounding rule. Raises ZeroDivisionError.
    """
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    quotient, rest = divmod(abs(numerator), abs(denominator))
    return sign * (quotient + (1 if rest * 2 >= abs(denominator) else 0))


def share(cents: int, basis_points: int) -> int:
    """Return `basis_points` of an amount, in cents: share(735025, 8000) == 588020."""
    return divide_half_up(cents * basis_points, WHOLE)


def share_up(cents: int, basis_points: int) -> int:
    """Return the least amount, in cents, that is at least `basis_points` of `cents`: share_up(1001, 2000) == 201.

    For a bound that must be reached: x >= share_up(c, bp) exactly when x * 10 000 >= c * bp.
    """
    return -(-cents * basis_points // WHOLE)


def scale(amounts: Sequence[int], total: int, *, of: int | None = None) -> list[int]:
    """Scale amounts (cents) so that they sum to `total`, by largest remainder; ties go to the earlier amount.

    of: what they sum to now; given by the caller only to save the addition.
    Returns an empty list for no amounts. Raises ZeroDivisionError if all amounts are zero.
    """
    if not amounts:
        return []
    whole = sum(amounts) if of is None else of
    parts = [amount * total // whole for amount in amounts]
    left = total - sum(parts)
    if left:
        by_remainder = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * total % whole), i))
        for i in by_remainder[:left]:
            parts[i] += 1
    return parts


_MOST_DIGITS = 30
"""Leading zeros and all; Python refuses to read thousands of digits."""

_PLAIN = re.compile(r"\d+(?:,\d{1,2})?|\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?", re.ASCII)
_DOUBT = re.compile(r"\d+\.\d{1,2}|\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?", re.ASCII)


def parse_euro(typed: str, *, field: str | None = None) -> int:
    """Read an amount as a Dutch user types it and return cents: "1.200,50", "1200,5", "€ 1.200" and "1200".

    Never guesses: "1.20" and "1,200" mean different things to different people, and "12oo" is not a number.
    Raises Refused(INVALID) with a sentence that shows what was typed and how to write it.
    """
    text = typed.strip().removeprefix("€").replace("\u00a0", " ").strip()
    text = text.removesuffix(",-").removesuffix(",--").strip()
    if _PLAIN.fullmatch(text):
        euros, _, cents = text.replace(".", "").partition(",")
        if len(euros) <= _MOST_DIGITS and (value := int(euros) * 100 + int(cents.ljust(2, "0") or 0)) <= MAX_CENTS:
            return value
        raise _refused("amount_too_large", Text("Dit bedrag is te groot.", "This amount is too large."), field)
    shown = same(typed.strip()[:40])
    if not text:
        sentence = Text(
            "Vul een bedrag in, bijvoorbeeld 1.200,00.", "Enter an amount, for example 1.200,00 (comma for cents)."
        )
    elif _DOUBT.fullmatch(text):
        sentence = Text(
            "Bedoelt u euro's of centen met “{shown}”? Schrijf het zo: 1.200,00.",
            "Is “{shown}” in euros or cents? Write it like this: 1.200,00 (comma for cents).",
        ).fill(shown=shown)
    else:
        sentence = Text(
            "“{shown}” is geen bedrag. Vul alleen cijfers in, bijvoorbeeld 1.200,00.",
            "“{shown}” is not an amount. Use digits only, for example 1.200,00.",
        ).fill(shown=shown)
    raise _refused("not_an_amount", sentence, field)


def _refused(code: str, sentence: Text, field: str | None) -> Refused:
    return Refused(Refusal(code, sentence, field=field, kind=Kind.INVALID))


def plain_euro(cents: int) -> str:
    """Return an amount as a form shows it again: 120050 → "1.200,50"."""
    sign = "-" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    return f"{sign}{euros:,}".replace(",", ".") + f",{rest:02d}"


def euro(cents: int) -> str:
    """Return an amount as a person reads it: 120050 → "€ 1.200,50", -5000 → "−€ 50,00" (no-break space)."""
    return ("−" if cents < 0 else "") + "€\u00a0" + plain_euro(abs(cents))


def decimal_euro(cents: int) -> Decimal:
    """Return an amount in euro with two decimals, for file formats that ask for one."""
    return Decimal(cents).scaleb(-2)
