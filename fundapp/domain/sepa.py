"""What a SEPA payment can carry: its signs, lengths and days. What does not fit is shown, and never cut in silence.

Sources: EPC217-08 (SEPA character set), EPC132-08 (credit transfer guidelines), the calendar of TARGET (ECB).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from stdnum import iban as stdnum_iban

from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text, same

LONGEST_ID = 35
LONGEST_NAME = 70
LONGEST_REMITTANCE = 140
HIGHEST = 99_999_999_999
"""Cents: 999,999,999.99 euro is the most that one SEPA credit transfer can carry."""

_FOREIGN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {
        "&": "+",
        "’": "'",
        "‘": "'",
        "“": "'",
        "”": "'",
        '"': "'",
        "–": "-",
        "—": "-",
        "_": "-",
        "@": "(at)",
        "€": "EUR",
    }
)


def sepa_text(text: str) -> str:
    """Return how a text would look in the SEPA character set: "Zoë & Co" → "Zoe + Co". A proposal, cut nowhere."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.translate(_SPELLED)) if not unicodedata.combining(c))
    return " ".join(_FOREIGN.sub(" ", plain).split())


def foreign_signs(text: str) -> str:
    """Return the signs of a text that no SEPA payment can carry, each once, in order."""
    return "".join(dict.fromkeys(_FOREIGN.findall(text)))


def id_fits(reference: str) -> bool:
    """Whether a reference can go to the bank: 1 to 35 signs, without // and without / or a space at either end."""
    return (
        0 < len(reference) <= LONGEST_ID
        and not _FOREIGN.search(reference)
        and reference == reference.strip()
        and not reference.startswith("/")
        and not reference.endswith("/")
        and "//" not in reference
    )


def text_faults(code: str, what: Text, text: str, longest: int, field: str | None) -> Iterator[Refusal]:
    """Yield what keeps a text out of a payment file. what: how the sentence names it: "De naam bij BR-1-001"."""
    if not text.strip():
        yield _fault(f"{code}_empty", _EMPTY.fill(what=what), field)
    if foreign := foreign_signs(text):
        shown = {"signs": same(repr(foreign)[1:-1]), "proposal": same(sepa_text(text))}
        yield _fault(f"{code}_signs", _SIGNS.fill(what=what, **shown), field)
    if len(text) > longest:
        yield _fault(f"{code}_long", _LONG.fill(what=what, length=len(text), longest=longest), field)


def payee_faults(name: str, iban: str, *, of: str) -> list[Refusal]:
    """Return what keeps the bank from paying this name on this account. of: what it belongs to, such as "PO-T1-01"."""
    found = list(text_faults("payment_name", NAME.fill(id=same(of)), name, LONGEST_NAME, of))
    if not stdnum_iban.is_valid(iban):
        found.append(_fault("payment_iban", IBAN.fill(id=same(of), shown=same(iban)), of))
    return found


NAME = Text("De naam bij betaling {id}", "The name of payment {id}")
IBAN = Text(
    "Het rekeningnummer “{shown}” bij betaling {id} klopt niet. Vraag de school om het juiste nummer.",
    "Account number “{shown}” of payment {id} is wrong. Ask the school for the right number.",
)
_EMPTY = Text("{what} is leeg. Vul die in.", "{what} is empty. Fill it in.")
_SIGNS = Text(
    "{what} bevat tekens die de bank niet aanneemt: {signs}. Kies een schrijfwijze zonder, zoals “{proposal}”.",
    "{what} has signs that the bank does not accept: {signs}. Choose a spelling without, such as “{proposal}”.",
)
_LONG = Text(
    "{what} telt {length} tekens; de bank neemt er {longest} aan. Maak de tekst korter.",
    "{what} has {length} signs; the bank accepts {longest}. Make the text shorter.",
)


def _fault(code: str, sentence: Text, field: str | None) -> Refusal:
    return Refusal(code, sentence, field=field, kind=Kind.INVALID)


# --- days -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _closed(year: int) -> frozenset[date]:
    from holidays import financial_holidays  # half a second, so only for who asks

    return frozenset(financial_holidays("ECB", years=year))


def is_bank_day(day: date) -> bool:
    """Whether banks carry out payments on a day: no Saturday, Sunday or closing day of TARGET."""
    return day.weekday() < 5 and day not in _closed(day.year)


def next_bank_day(day: date) -> date:
    """Return the first day after this one on which banks pay."""
    day += timedelta(days=1)
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day
