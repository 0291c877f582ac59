"""The term rules against a second, slower way of counting, and the window to the microsecond."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.days import AMSTERDAM, day_text, holidays_of, is_working_day, moment_text
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.term import Length, Pause, Profile, RunningTerm, TermRule, Window, due, is_open

DAY = timedelta(days=1)
repeatable = settings(derandomize=True, deadline=None, max_examples=200)

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
calendar_lengths = st.one_of(
    st.builds(Length, weeks=st.integers(1, 30)),
    st.builds(Length, days=st.integers(1, 120)),
    st.builds(Length, months=st.integers(1, 14)),
)
profiles = st.sampled_from(Profile)
short = st.integers(0, 40).map(lambda n: n * DAY)


@st.composite
def terms(draw: st.DrawFn) -> tuple[TermRule, date, list[Pause]]:
    start = draw(days)
    rule = TermRule(draw(calendar_lengths), draw(profiles), draw(st.sampled_from([None, True, False])))
    asked = draw(st.lists(st.tuples(short, short), max_size=4))
    return rule, start, [Pause(start + a, start + a + b) for a, b in asked]


# --- holidays, against the old rule for Easter ------------------------------------------------------------------------


def easter(year: int) -> date:
    """Gauss's rule as Butcher wrote it; not how the product knows."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def law(year: int) -> set[date]:
    """Atw article 3, counted by hand."""
    royal = date(year, 4, 27) if year >= 2014 else date(year, 4, 30)
    royal -= DAY * (royal.weekday() == calendar.SUNDAY)
    fixed = {date(year, 1, 1), date(year, 5, 5), date(year, 12, 25), date(year, 12, 26), royal}
    return fixed | {easter(year) + n * DAY for n in (-2, 1, 39, 50)}


@pytest.mark.parametrize("year", range(1990, 2101))
def test_the_holidays_are_those_of_article_3(year: int) -> None:
    assert set(holidays_of(year)) == law(year)


def test_easter_in_years_that_anyone_can_look_up() -> None:
    assert [easter(y) for y in (2016, 2024, 2025, 2027)] == [
        date(2016, 3, 27),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2027, 3, 28),
    ]


def test_years_of_which_the_holidays_are_not_known_are_refused_not_guessed() -> None:
    with pytest.raises(ValueError, match="1965"):
        holidays_of(1965)


def test_a_bridge_day_of_a_royal_decree_can_be_given() -> None:
    rule = TermRule(Length(weeks=2), Profile.AWB)
    assert due(rule, date(2024, 4, 26)).due_on == date(2024, 5, 10)
    assert due(rule, date(2024, 4, 26), also_closed=frozenset({date(2024, 5, 10)})).due_on == date(2024, 5, 13)


# --- a second way of counting -----------------------------------------------------------------------------------------


def walked(rule: TermRule, start: date, pauses: list[Pause]) -> date:
    """Walk day by day. Only for terms in days or weeks, with every request made before the last day."""
    left, day = rule.length.days + 7 * rule.length.weeks, start
    ran = []
    while left:
        day += DAY
        if not any(p.requested_on < day <= (p.completed_on or day) for p in pauses):
            left -= 1
            ran.append(day)
    limit = rule.length.days > 90 or rule.length.weeks > 12
    private = rule.profile is Profile.PRIVATE
    if rule.shifts is False or (private and rule.shifts is None) or (limit and not private):
        return day

    def works(d: date) -> bool:
        return d.weekday() < calendar.SATURDAY and d not in law(d.year)

    working = sum(works(d) for d in ran)
    needed = 2 if rule.length.weeks or rule.length.days >= 3 else 0
    while not works(day) or working < needed:
        day += DAY
        working += works(day)
    return day


@repeatable
@given(terms())
def test_walking_day_by_day_gives_the_same_date(term: tuple[TermRule, date, list[Pause]]) -> None:
    rule, start, pauses = term
    if not rule.length.months:
        first_end = start + (rule.length.days + 7 * rule.length.weeks) * DAY
        pauses = [p for p in pauses if p.requested_on < first_end]
        assert due(rule, start, pauses).due_on == walked(rule, start, pauses)


@repeatable
@given(terms())
def test_the_end_moves_only_forward_and_lands_on_a_working_day(term: tuple[TermRule, date, list[Pause]]) -> None:
    rule, start, pauses = term
    found = due(rule, start, pauses)
    assert found.shifted_days >= 0
    assert found.unshifted_on == rule.length.last_day(start) + found.paused_days * DAY
    if found.shifted_days:
        assert is_working_day(found.due_on)
    if rule.shifts is False or (rule.profile is Profile.PRIVATE and rule.shifts is None):
        assert found.shifted_days == 0
    elif rule.profile is Profile.PRIVATE or not rule.length.past_article_4:
        assert is_working_day(found.due_on)
    assert found.due_at.astimezone(AMSTERDAM).isoformat()[:19] == f"{found.due_on}T23:59:59"
    assert all(reason.nl and reason.en and "{" not in reason.nl + reason.en for reason in found.because)


@repeatable
@given(terms(), short, short)
def test_one_more_pause_never_brings_the_end_nearer(
    term: tuple[TermRule, date, list[Pause]], after: timedelta, lasts: timedelta
) -> None:
    rule, start, pauses = term
    more = [*pauses, Pause(start + after, start + after + lasts)]
    assert due(rule, start, more).unshifted_on >= due(rule, start, pauses).unshifted_on
    assert due(rule, start, list(reversed(more))) == due(rule, start, more)
    assert due(rule, start, [*more, *more]).due_on == due(rule, start, more).due_on


@repeatable
@given(terms(), st.integers(1, 5))
def test_more_weeks_never_bring_the_end_nearer_before_shifting(
    term: tuple[TermRule, date, list[Pause]], weeks: int
) -> None:
    rule, start, pauses = term
    assert due(rule.extended(Length(weeks=weeks)), start, pauses).unshifted_on > due(rule, start, pauses).unshifted_on


def test_a_term_that_cannot_pause_says_so() -> None:
    found = due(
        TermRule(Length(weeks=6), Profile.AWB, pausable=False),
        date(2024, 1, 8),
        [Pause(date(2024, 1, 15), date(2024, 1, 25))],
    )
    assert (found.due_on, found.paused_days) == (date(2024, 2, 19), 0)
    assert any("kan niet stilstaan" in reason.nl for reason in found.because)


@pytest.mark.parametrize(
    ("rule", "pauses"),
    [
        (TermRule(Length(), Profile.AWB), []),
        (TermRule(Length(weeks=6), Profile.AWB), [Pause(date(2024, 1, 15))]),
        (TermRule(Length(weeks=6), Profile.AWB), [Pause(date(2024, 1, 15), date(2024, 1, 14))]),
        (TermRule(Length(weeks=6), Profile.AWB), [Pause(date(2024, 1, 15), date(9999, 12, 31))]),
        (TermRule(Length(weeks=9999), Profile.AWB), []),
    ],
)
def test_what_cannot_be_counted_is_refused(rule: TermRule, pauses: list[Pause]) -> None:
    with pytest.raises(Refused) as refused:
        due(rule, date(2024, 1, 8), pauses)
    assert refused.value.kind is Kind.INVALID


def test_a_due_covers_its_whole_last_second() -> None:
    found = due(TermRule(Length(weeks=6), Profile.AWB), date(2024, 1, 8))
    midnight = datetime(2024, 2, 20, tzinfo=AMSTERDAM)
    assert found.in_time(midnight.astimezone(UTC) - timedelta(microseconds=1))
    assert not found.in_time(midnight)


def test_words() -> None:
    assert day_text(date(2025, 3, 14)).nl == "vrijdag 14 maart 2025"
    assert moment_text(datetime(2025, 3, 14, 16, 5, tzinfo=UTC)).nl == "vrijdag 14 maart 2025, 17.05 uur"
    assert moment_text(datetime(2025, 3, 14, 16, 5, tzinfo=UTC)).en == "Friday 14 March 2025, 17:05"
    assert Length(months=2, days=1).text.nl == "2 maanden en 1 dag"
    assert Length(weeks=1, hours=1).text.en == "1 week and 1 hour"


# --- a term that runs -------------------------------------------------------------------------------------------------

SIX_WEEKS = RunningTerm(date(2024, 1, 8), TermRule(Length(weeks=6), Profile.AWB))


def test_a_running_term_counts_down() -> None:
    standing = SIX_WEEKS.standing(date(2024, 2, 9))
    assert (standing.paused, standing.days_left, standing.due.due_on) == (False, 10, date(2024, 2, 19))
    assert standing.sentence.nl == "De termijn loopt tot en met maandag 19 februari 2024."
    assert SIX_WEEKS.standing(date(2024, 2, 21)).days_left == -2


@pytest.mark.parametrize("today", [date(2024, 1, 15), date(2024, 1, 16), date(2024, 3, 29), date(2024, 12, 31)])
def test_an_open_pause_keeps_the_days_that_were_left(today: date) -> None:
    paused = RunningTerm(SIX_WEEKS.started_on, SIX_WEEKS.rule, (Pause(date(2024, 1, 15)),)).standing(today)
    assert (paused.paused, paused.days_left) == (True, 35)
    assert paused.due.unshifted_on == today + 35 * DAY
    assert paused.sentence.nl == "De termijn staat stil. Nog over: 35 dagen."


def test_an_open_pause_after_the_end_stops_nothing() -> None:
    late = RunningTerm(SIX_WEEKS.started_on, SIX_WEEKS.rule, (Pause(date(2024, 2, 20)),)).standing(date(2024, 3, 1))
    assert (late.paused, late.days_left, late.due.due_on) == (False, -11, date(2024, 2, 19))


def test_an_open_pause_beside_a_closed_one() -> None:
    pauses = (Pause(date(2024, 1, 15), date(2024, 1, 25)), Pause(date(2024, 1, 20)))
    standing = RunningTerm(SIX_WEEKS.started_on, SIX_WEEKS.rule, pauses).standing(date(2024, 2, 1))
    assert (standing.paused, standing.days_left) == (True, 35)


def test_a_request_in_the_future_does_not_pause_yet() -> None:
    later = RunningTerm(SIX_WEEKS.started_on, SIX_WEEKS.rule, (Pause(date(2024, 1, 20)),))
    assert not later.standing(date(2024, 1, 19)).paused


@repeatable
@given(terms(), short)
def test_what_an_open_pause_promises_comes_true(term: tuple[TermRule, date, list[Pause]], later: timedelta) -> None:
    rule, start, _ = term
    asked = start + DAY
    today = asked + later
    open_ = RunningTerm(start, rule, (Pause(asked),)).standing(today)
    closed = due(rule, start, [Pause(asked, today)])
    if open_.paused:
        assert open_.due == closed
        assert closed.unshifted_on == today + open_.days_left * DAY


# --- windows ----------------------------------------------------------------------------------------------------------

TICK = timedelta(microseconds=1)
OPENS = datetime(2022, 4, 1, 9, tzinfo=AMSTERDAM)
CLOSES = datetime(2022, 7, 1, 17, tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(OPENS - TICK, False), (OPENS, True), (CLOSES - TICK, True), (CLOSES, True), (CLOSES + TICK, False)],
)
def test_both_ends_belong_to_the_window(at: datetime, expected: bool) -> None:
    assert is_open(OPENS, CLOSES, at) is expected
    assert is_open(OPENS, CLOSES, at.astimezone(UTC)) is expected
    assert Window(OPENS, CLOSES).is_open(at) is expected


def test_the_reason_names_the_moment() -> None:
    window = Window(OPENS, CLOSES)
    before, after = window.closed_because(OPENS - TICK), window.closed_because(CLOSES + TICK)
    assert before is not None
    assert before.nl == "Dit gaat open op vrijdag 1 april 2022, 09.00 uur."
    assert after is not None
    assert after.en == "This closed on Friday 1 July 2022, 17:00."
    assert window.closed_because(CLOSES) is None


def test_an_extension_moves_the_end_only_forward() -> None:
    later = CLOSES + timedelta(hours=4)
    assert is_open(OPENS, CLOSES, later, extension_until=later)
    assert not is_open(OPENS, CLOSES, later + TICK, extension_until=later)
    assert is_open(OPENS, CLOSES, CLOSES, extension_until=OPENS)


def test_a_rolling_window_has_no_end() -> None:
    assert is_open(OPENS, None, CLOSES + 1000 * DAY)
    assert is_open(None, CLOSES, OPENS - 1000 * DAY)
    assert is_open(OPENS, None, CLOSES + DAY, extension_until=CLOSES)


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first = datetime(2024, 10, 27, 2, 30, tzinfo=AMSTERDAM)
    second = first.replace(fold=1)
    assert not is_open(OPENS, first, second)
    assert is_open(OPENS, second, first)
    assert not is_open(second, None, first)
    assert Window(OPENS, first, second).ends_at is second


def test_summer_time_begins() -> None:
    closes = datetime(2024, 3, 31, 3, 0, tzinfo=AMSTERDAM)  # an hour after 01:00 UTC there is none between 2 and 3
    assert is_open(OPENS, closes, datetime(2024, 3, 31, 1, 0, tzinfo=UTC))
    assert not is_open(OPENS, closes, datetime(2024, 3, 31, 1, 0, 0, 1, tzinfo=UTC))


def test_a_naive_moment_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="offset"):
        is_open(OPENS, CLOSES, datetime(2022, 5, 1))  # noqa: DTZ001  (naive on purpose)
