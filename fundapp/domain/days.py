"""Days in the Netherlands: how they are written, and which of them are no working days.

Source of the holidays: Algemene termijnenwet (Atw) article 3.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIRST_YEAR, LAST_YEAR = 1966, 2100
"""The years whose holidays are known: outside them nobody may take a day for a working day."""

WEEKDAYS = (
    Text("maandag", "Monday"),
    Text("dinsdag", "Tuesday"),
    Text("woensdag", "Wednesday"),
    Text("donderdag", "Thursday"),
    Text("vrijdag", "Friday"),
    Text("zaterdag", "Saturday"),
    Text("zondag", "Sunday"),
)
MONTHS = (
    Text("januari", "January"),
    Text("februari", "February"),
    Text("maart", "March"),
    Text("april", "April"),
    Text("mei", "May"),
    Text("juni", "June"),
    Text("juli", "July"),
    Text("augustus", "August"),
    Text("september", "September"),
    Text("oktober", "October"),
    Text("november", "November"),
    Text("december", "December"),
)
SHORT_WEEKDAYS = tuple(Text(day.nl[:2], day.en[:3]) for day in WEEKDAYS)
SHORT_MONTHS = tuple(Text("mrt" if month.nl == "maart" else month.nl[:3], month.en[:3]) for month in MONTHS)


def day_text(day: date) -> Text:
    """Return a day in words: "dinsdag 21 mei 2024"."""
    return Text("{weekday} {day} {month} {year}", "{weekday} {day} {month} {year}").fill(
        weekday=WEEKDAYS[day.weekday()], day=day.day, month=MONTHS[day.month - 1], year=day.year
    )


def moment_text(at: datetime) -> Text:
    """Return an aware moment in words, Amsterdam time: "vrijdag 14 maart 2025, 17.00 uur"."""
    local = at.astimezone(AMSTERDAM)
    return Text("{day}, {hour:02d}.{minute:02d} uur", "{day}, {hour:02d}:{minute:02d}").fill(
        day=day_text(local.date()), hour=local.hour, minute=local.minute
    )


def parse_day(typed: str, *, field: str) -> date:
    """Read a day written as 2024-05-21. Raises Refused(INVALID) that names `field`."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed.strip()):
        try:
            return date.fromisoformat(typed.strip())
        except ValueError:
            pass  # the 31st of February gets the sentence below
    sentence = Text(
        "“{typed}” is geen datum. Schrijf jaar, maand en dag, bijvoorbeeld 2024-05-21.",
        "“{typed}” is not a date. Write year, month and day, for example 2024-05-21.",
    ).fill(typed=same(" ".join(typed.split())[:40]))
    raise Refused(Refusal("not_a_day", sentence, field=field, kind=Kind.INVALID))


_ISO = re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})", re.ASCII)
_DUTCH = re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>\d{1,2})[-/. ](?P<y>\d{4})", re.ASCII)


def read_day(typed: str, *, field: str) -> date:
    """Read a day as people type it: 14-3-2025, 14/3/2025 or 2025-03-14. Raises Refused(INVALID) that names `field`."""
    text = typed.strip()
    match = _DUTCH.fullmatch(text) or _ISO.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        return date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError as error:
        sentence = Text(
            "“{shown}” is geen datum. Schrijf de datum zo: 14-3-2025.",
            "“{shown}” is not a date. Write the date like this: 14-3-2025.",
        ).fill(shown=same(text[:40]))
        raise Refused(Refusal("not_a_date", sentence, field=field, kind=Kind.INVALID)) from error


@lru_cache(maxsize=64)
def holidays_of(year: int) -> dict[date, Text]:
    """Return the generally recognised holidays of Atw article 3, Good Friday included, with their names.

    Raises ValueError outside FIRST_YEAR to LAST_YEAR.
    The library keeps 5 May for every fifth year among the public days; the law names it every year.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the holidays of {year} are not known")
    from holidays import country_holidays  # half a second, so only for who asks

    kinds = ("public", "optional")
    dutch = country_holidays("NL", years=year, categories=kinds, language="nl")
    english = country_holidays("NL", years=year, categories=kinds, language="en_US")
    found = {day: Text(name, english[day]) for day, name in dutch.items() if day.weekday() != 6 or day.month in (1, 12)}
    return {**found, date(year, 5, 5): Text("Bevrijdingsdag", "Liberation Day")}


def is_working_day(day: date, also_closed: frozenset[date] = frozenset()) -> bool:
    """Whether a day is no Saturday, Sunday or holiday of Atw article 3, nor one of the bridge days in `also_closed`."""
    return day.weekday() < 5 and day not in also_closed and day not in holidays_of(day.year)
