"""What every template can say: both languages, amounts, dates and times, icons, and the views behind the components.

`install` puts it into a Jinja environment, for one language. It knows no request.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from jinja2 import Environment

from fundapp.domain.days import AMSTERDAM, MONTHS, SHORT_MONTHS, SHORT_WEEKDAYS, WEEKDAYS
from fundapp.domain.money import euro, plain_euro
from fundapp.domain.text import Language, Text
from fundapp.domain.upload import size_text
from fundapp.web import components
from fundapp.web.icons import icon


def day_of(when: date | datetime) -> date:
    """Return the calendar day in Amsterdam. Raises ValueError for a datetime without a time zone."""
    if isinstance(when, datetime):
        return _local(when).date()
    return when


def _local(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown")
    return when.astimezone(AMSTERDAM)


def long_date(when: date | datetime, language: Language) -> str:
    """Return "vrijdag 14 maart 2025" / "Friday 14 March 2025"."""
    day = day_of(when)
    return f"{WEEKDAYS[day.weekday()].in_(language)} {day.day} {MONTHS[day.month - 1].in_(language)} {day.year}"


def short_date(when: date | datetime, language: Language) -> str:
    """Return "vr 14 mrt 2025" / "Fri 14 Mar 2025", for narrow columns and timelines."""
    day = day_of(when)
    weekday, month = SHORT_WEEKDAYS[day.weekday()], SHORT_MONTHS[day.month - 1]
    return f"{weekday.in_(language)} {day.day} {month.in_(language)} {day.year}"


def clock(when: datetime, language: Language) -> str:
    """Return "17.00 uur" / "5:00 pm"."""
    local = _local(when)
    if language == "nl":
        return f"{local.hour}.{local.minute:02d} uur"
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'am' if local.hour < 12 else 'pm'}"


def long_moment(when: datetime, language: Language) -> str:
    """Return "vrijdag 14 maart 2025, 17.00 uur" / "Friday 14 March 2025, 5:00 pm"."""
    return f"{long_date(when, language)}, {clock(when, language)}"


def short_moment(when: datetime, language: Language) -> str:
    """Return "vr 14 mrt 2025, 17.00 uur" / "Fri 14 Mar 2025, 5:00 pm"."""
    return f"{short_date(when, language)}, {clock(when, language)}"


def percent(basis_points: int) -> str:
    """Return basis points as a person reads them: 8000 → "80%", 1250 → "12,5%"."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole},{rest:02d}".rstrip("0").rstrip(",") + "%"


def install(env: Environment, language: Language) -> None:
    """Register the globals and filters of every template, for one language."""

    def say(text: object) -> str:
        """A Text in the reader's language; markup and plain strings as they are; None as nothing."""
        if isinstance(text, Text):
            return text.in_(language)
        if isinstance(text, str):
            return text
        return "" if text is None else str(text)

    def localised(format_: Callable[[datetime, Language], str]) -> Callable[[datetime | None], str]:
        return lambda when: "–" if when is None else format_(when, language)

    def amount(cents: int | None) -> str:
        return "–" if cents is None else euro(cents)

    env.globals.update(
        t=lambda nl, en: nl if language == "nl" else en,
        say=say,
        icon=icon,
        problems=components.problems,
        field_view=components.field_view,
        money_segments=components.money_segments,
        money_drops=components.money_drops,
        current_language=lambda: language,
    )
    env.filters.update(
        say=say,
        euro=amount,
        plain_euro=plain_euro,
        percent=percent,
        file_size=size_text,
        date_nl=localised(long_date),
        date_short=localised(short_date),
        moment=localised(long_moment),
        moment_short=localised(short_moment),
        clock=localised(clock),
    )
