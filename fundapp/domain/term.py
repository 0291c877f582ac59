"""Terms and windows: when something is due, why it falls there, and whether it is still open.

Stored in UTC, decided in Europe/Amsterdam; the clock is always an argument. Sources: Algemene wet bestuursrecht (Awb)
article 4:15 (pause), Algemene termijnenwet (Atw) articles 1 to 4 (shift).

Choices that the law or the contract leaves open:

- A term in months ends on the day with the same number, or on the last day of a shorter month. Length and extension
  are added first, so that 31 January + 1 month + 1 month is 31 March.
- A pause counts when the request was made on or before the last day of the term as it then ran (not yet shifted). A
  later request finds a term that is over and adds nothing. Days up to and including the start are not in the term.
- A length of mixed units passes the limit of article 4 when the shares of the three limits add up to more than one
  (8 weeks + 1 month is exactly the limit).
- Article 2 counts the working days on which the clock ran.
- Under `private`, `shifts=True` is the fund's own rule, so article 4 does not limit it; a term in hours never shifts.
- Bridge days that a royal decree names (Atw article 3, third paragraph) are not known here: pass them as `also_closed`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from fundapp.domain.days import AMSTERDAM, FIRST_YEAR, LAST_YEAR, day_text, holidays_of, is_working_day
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.window import Window, is_open

_DAY = timedelta(days=1)
_LAST_DAY = date(LAST_YEAR - 1, 12, 31).toordinal()

__all__ = [
    "AMSTERDAM",
    "Due",
    "Length",
    "Pause",
    "Profile",
    "RunningTerm",
    "Standing",
    "TermRule",
    "Window",
    "due",
    "is_open",
]

# --- length -----------------------------------------------------------------------------------------------------------


class Profile(StrEnum):
    """The legal profile of a fund: a public body's decision (Awb, Atw), or a private rulebook."""

    AWB = "awb"
    PRIVATE = "private"


_UNITS = {"m": "months", "w": "weeks", "d": "days", "h": "hours"}
_UNIT_NAMES = (
    ("months", ("maand", "maanden"), ("month", "months")),
    ("weeks", ("week", "weken"), ("week", "weeks")),
    ("days", ("dag", "dagen"), ("day", "days")),
    ("hours", ("uur", "uur"), ("hour", "hours")),
)


@dataclass(frozen=True, slots=True)
class Length:
    """How long a term is, in the units in which it was set; each zero or more."""

    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0

    @classmethod
    def parse(cls, typed: str, *, field: str = "length") -> Length:
        """Read "6w", "10d", "2m" or "48h". Raises Refused(INVALID) that names `field`."""
        match = re.fullmatch(r"([0-9]{1,4})([mwdh])", typed.strip())
        if match is None or int(match[1]) == 0:
            raise _refused(
                "not_a_length",
                field,
                "“{typed}” is geen lengte. Schrijf bijvoorbeeld 6w, 10d of 2m.",
                "“{typed}” is not a length. Write for example 6w, 10d or 2m.",
                typed=typed,
            )
        return cls(**{_UNITS[match[2]]: int(match[1])})

    def __add__(self, other: Length) -> Length:
        return Length(
            self.months + other.months, self.weeks + other.weeks, self.days + other.days, self.hours + other.hours
        )

    def __bool__(self) -> bool:
        return bool(self.months or self.weeks or self.days or self.hours)

    @property
    def text(self) -> Text:
        """In words: "6 weken", "2 maanden en 1 dag"."""
        parts = [(getattr(self, name), nl, en) for name, nl, en in _UNIT_NAMES if getattr(self, name)]
        return Text(
            " en ".join(f"{n} {nl[n != 1]}" for n, nl, _ in parts),
            " and ".join(f"{n} {en[n != 1]}" for n, _, en in parts),
        )

    @property
    def past_article_4(self) -> bool:
        """Whether Atw article 4 leaves it out: in hours, or more than 90 days, 12 weeks or 3 months."""
        return self.hours > 0 or self.days * 2 + self.weeks * 15 + self.months * 60 > 180

    def last_day(self, started_on: date) -> date:
        """Return the last day of a term of this length that counts from the day after `started_on`; hours left out.

        Raises Refused(INVALID) when that lies beyond the calendar.
        """
        years, month = divmod(started_on.month - 1 + self.months, 12)
        year = started_on.year + years
        if not FIRST_YEAR <= started_on.year <= year < LAST_YEAR:
            raise _too_far()
        day = min(started_on.day, monthrange(year, month + 1)[1])
        return _later(date(year, month + 1, day), self.weeks * 7 + self.days)


def _later(day: date, days: int) -> date:
    if day.toordinal() + days > _LAST_DAY:
        raise _too_far()
    return day + timedelta(days=days)


def _too_far() -> Refused:
    return _refused(
        "too_far",
        "from",
        "Deze termijn valt buiten de jaren {first} tot {last}. Kies een andere datum of lengte.",
        "This term lies outside the years {first} to {last}. Choose another date or length.",
        first=FIRST_YEAR,
        last=LAST_YEAR,
    )


def _refused(code: str, field: str, nl: str, en: str, **values: object) -> Refused:
    shown = {name: " ".join(str(value).split())[:40] for name, value in values.items()}
    return Refused(Refusal(code, Text(nl, en).fill(**shown), field=field, kind=Kind.INVALID))


# --- a term -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TermRule:
    """How a term is counted.

    shifts: None follows the profile (awb: as the Atw says; private: never); True: the fund's rules shift it;
    False: nothing shifts it, as for a term that no law sets.
    pausable: whether a request to complete stops the clock; if not, pauses add nothing.
    extension: what was added to the length, if anything.
    """

    length: Length
    profile: Profile
    shifts: bool | None = None
    pausable: bool = True
    extension: Length = Length()

    def extended(self, by: Length) -> TermRule:
        """Return the same rule with more length."""
        return replace(self, extension=self.extension + by)


@dataclass(frozen=True, slots=True, order=True)
class Pause:
    """The clock stands still from the day after the request up to and including the completion.

    completed_on: None while it lasts; only a RunningTerm knows what to do with that.
    """

    requested_on: date
    completed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When a term ends and why. due_at is the last second of due_on in Amsterdam (of the last hour, for hours)."""

    due_on: date
    due_at: datetime
    paused_days: int
    shifted_days: int
    because: tuple[Text, ...]

    @property
    def unshifted_on(self) -> date:
        """The last day as counted, before any shift."""
        return self.due_on - timedelta(days=self.shifted_days)

    def in_time(self, at: datetime) -> bool:
        """Whether a moment falls within the term: all of its last second included."""
        return is_open(None, self.due_at + timedelta(microseconds=999_999), at)


def due(
    rule: TermRule, started_on: date, pauses: Iterable[Pause] = (), *, also_closed: frozenset[date] = frozenset()
) -> Due:
    """Return when a term that counts from the day after `started_on` ends, with a reason for every step.

    Raises Refused(INVALID) for an empty length, a pause that ends before it begins or has no end, or a day beyond
    the calendar.
    """
    length = rule.length + rule.extension
    if not length:
        raise _refused("no_length", "length", "Geef een lengte van meer dan nul.", "Give a length above zero.")
    because = [
        Text("De termijn van {length} telt vanaf {day}.", "The term of {length} counts from {day}.").fill(
            length=rule.length.text, day=day_text(started_on + _DAY)
        )
    ]
    if rule.extension:
        because.append(
            Text("Verlenging met {more}: samen {all}.", "Extended by {more}: {all} together.").fill(
                more=rule.extension.text, all=length.text
            )
        )
    counted_end, stopped = _with_pauses(rule, length, started_on, pauses, because)
    ends_at = _end_of(length, started_on, len(stopped))
    landed = _shifted(rule, length, started_on, stopped, counted_end, also_closed, because)
    shifted_days = (landed - counted_end).days
    if shifted_days:
        ends_at = _last_second(landed)
    return Due(landed, ends_at, len(stopped), shifted_days, tuple(because))


def _last_second(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), AMSTERDAM)


def _end_of(length: Length, started_on: date, paused_days: int) -> datetime:
    """The last second of the term as counted. Hours are real hours, also in the night that the clock changes."""
    day = _later(length.last_day(started_on), paused_days)
    if not length.hours:
        return _last_second(day)
    midnight = datetime.combine(day + _DAY, time(), AMSTERDAM).astimezone(UTC)
    return (midnight + timedelta(hours=length.hours, seconds=-1)).astimezone(AMSTERDAM)


def _with_pauses(
    rule: TermRule, length: Length, started_on: date, pauses: Iterable[Pause], because: list[Text]
) -> tuple[date, frozenset[date]]:
    """Return the last day as counted and the days on which the clock stood still; each day once."""
    stopped: set[date] = set()
    end = _end_of(length, started_on, 0).date()
    for pause in sorted(pauses, key=lambda p: (p.requested_on, p.completed_on or date.max)):
        first, last = pause.requested_on, pause.completed_on
        if not rule.pausable:
            because.append(Text("Deze termijn kan niet stilstaan.", "This term cannot be paused."))
            break
        if last is None or last < first:
            raise _refused(
                "not_a_pause",
                "pause",
                "{first}..{last} eindigt niet of te vroeg. Schrijf eerst het verzoek, dan de aanvulling.",
                "{first}..{last} does not end, or too early. Write the request first, then the completion.",
                first=first,
                last=last or "",
            )
        _later(last, 0)
        if first > end:
            because.append(
                Text(
                    "Het verzoek van {day} kwam na het einde. De termijn stond niet stil.",
                    "The request of {day} came after the end. It did not pause the term.",
                ).fill(day=day_text(first))
            )
            continue
        new = {day for day in _days(max(first, started_on) + _DAY, last) if day not in stopped}
        stopped |= new
        end = _end_of(length, started_on, len(stopped)).date()
        because.append(_pause_text(rule.profile, pause, len(new)))
    return end, frozenset(stopped)


def _pause_text(profile: Profile, pause: Pause, days: int) -> Text:
    assert pause.completed_on is not None
    if not days:
        return Text("Het verzoek van {day} voegt geen dagen toe.", "The request of {day} adds no days.").fill(
            day=day_text(pause.requested_on)
        )
    source = Text(" (artikel 4:15 Awb)", " (article 4:15 Awb)") if profile is Profile.AWB else Text("", "")
    return Text(
        "De termijn stond stil tussen {asked} en {done}: {days} erbij{source}.",
        "The term was paused between {asked} and {done}: {days} added{source}.",
    ).fill(
        asked=day_text(pause.requested_on),
        done=day_text(pause.completed_on),
        days=Length(days=days).text,
        source=source,
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _shifted(
    rule: TermRule,
    length: Length,
    started_on: date,
    stopped: frozenset[date],
    end: date,
    also_closed: frozenset[date],
    because: list[Text],
) -> date:
    """Return the last day after Atw articles 1 and 2, and say which of them moved it, or why none may."""
    own_rule = rule.profile is Profile.PRIVATE
    if rule.shifts is False or (own_rule and rule.shifts is None):
        because.append(
            Text("Deze termijn schuift niet op bij een vrije dag.", "This term does not move for a day off.")
        )
        return end
    if length.hours or (length.past_article_4 and not own_rule):
        because.append(
            Text(
                "Deze termijn staat in uren of is te lang om op te schuiven (artikel 4 Algemene termijnenwet).",
                "This term is in hours or too long to move (article 4 Algemene termijnenwet).",
            )
        )
        return end
    source = (
        Text(
            "regels van het fonds, zoals artikel {n} Algemene termijnenwet",
            "rules of the fund, as in article {n} Algemene termijnenwet",
        )
        if own_rule
        else Text("artikel {n} Algemene termijnenwet", "article {n} Algemene termijnenwet")
    )
    landed = end
    while not is_working_day(landed, also_closed):
        because.append(_moved_text(landed, source))
        landed += _DAY
    if length.months or length.weeks or length.days >= 3:
        lacking = _lacking_working_days(started_on, landed, stopped, also_closed)
        for _ in range(lacking):
            landed += _DAY
            while not is_working_day(landed, also_closed):
                landed += _DAY
        if lacking:
            because.append(
                Text(
                    "De termijn moet twee werkdagen hebben: nu tot en met {day} ({source}).",
                    "The term must hold two working days: now up to and including {day} ({source}).",
                ).fill(day=day_text(landed), source=source.fill(n="2"))
            )
    if landed == end:
        because.append(
            Text("De laatste dag is een werkdag: {day}.", "The last day is a working day: {day}.").fill(
                day=day_text(end)
            )
        )
    return landed


def _moved_text(day: date, source: Text) -> Text:
    holiday = holidays_of(day.year).get(day)
    if holiday is None:
        return Text(
            "Het einde valt op {day}. De termijn schuift een dag op ({source}).",
            "The end falls on {day}. The term moves by a day ({source}).",
        ).fill(day=day_text(day), source=source.fill(n="1"))
    return Text(
        "Het einde valt op {day} ({holiday}). De termijn schuift een dag op ({source}).",
        "The end falls on {day} ({holiday}). The term moves by a day ({source}).",
    ).fill(day=day_text(day), holiday=holiday, source=source.fill(n=Text("1 en 3", "1 and 3")))


def _lacking_working_days(started_on: date, end: date, stopped: frozenset[date], also_closed: frozenset[date]) -> int:
    """How many of the two working days of Atw article 2 a term still lacks."""
    lacking = 2
    for day in _days(started_on + _DAY, end):
        if day not in stopped and is_working_day(day, also_closed):
            lacking -= 1
            if lacking == 0:
                break
    return lacking


# --- a term that runs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a term stands on a day.

    due: as known now; while paused, as if the completion came on that day.
    days_left: counted days after that day, before any shift; below zero when the term is over.
    """

    due: Due
    paused: bool
    days_left: int
    sentence: Text


@dataclass(frozen=True, slots=True)
class RunningTerm:
    """The term of a case: its start, its rule and its pauses, of which the last may have no end yet."""

    started_on: date
    rule: TermRule
    pauses: tuple[Pause, ...] = ()

    def standing(self, as_of: date, *, also_closed: frozenset[date] = frozenset()) -> Standing:
        """Return where the term stands on `as_of` (an Amsterdam day). Raises Refused as `due` does."""
        known = [p for p in self.pauses if p.requested_on <= as_of or p.completed_on is not None]
        closed = [p if p.completed_on is not None else Pause(p.requested_on, max(as_of, p.requested_on)) for p in known]
        now = due(self.rule, self.started_on, closed, also_closed=also_closed)
        days_left = (now.unshifted_on - max(as_of, self.started_on)).days
        # A request after the end stops nothing: the end as counted then lies before that request.
        paused = self.rule.pausable and any(
            p.completed_on is None and p.requested_on <= now.unshifted_on for p in known
        )
        if paused:
            sentence = Text("De termijn staat stil. Nog over: {left}.", "The term is paused, with {left} left.")
        else:
            sentence = Text("De termijn loopt tot en met {day}.", "The term runs up to and including {day}.")
        left = Length(days=days_left).text if days_left > 0 else Text("geen dag", "no day")
        return Standing(now, paused, days_left, sentence.fill(left=left, day=day_text(now.due_on)))
