"""A payment hold: for a reason and until a day, nothing is paid to a case. It ends by itself.

Source: Awb 4:56 (on serious suspicion payment stops, for thirteen weeks at most after the notice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from fundapp.domain.days import day_text
from fundapp.domain.flow import Given
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.term import Profile
from fundapp.domain.text import Text, same

LONGEST = {Profile.AWB: 13 * 7, Profile.PRIVATE: 26 * 7}
"""Days of hold on one case, all holds together. Under the Awb the law says so (4:56); for a private fund it is ours."""


@dataclass(frozen=True, slots=True)
class Hold:
    """From a day up to and including another. ended_on: the day on which somebody lifted it."""

    starts_on: date
    ends_on: date
    ended_on: date | None = None

    def days(self) -> int:
        """How many days it counts."""
        last = self.ends_on if self.ended_on is None else min(self.ends_on, self.ended_on)
        return max(0, (last - self.starts_on).days + 1)


def held_until(holds: Sequence[Hold], today: date) -> date | None:
    """Return the last day of the hold that runs today, or None."""
    running = [h.ends_on for h in holds if h.ended_on is None and h.starts_on <= today <= h.ends_on]
    return max(running, default=None)


def latest_end(holds: Sequence[Hold], today: date, profile: Profile) -> date:
    """Return the last day that a hold which begins today may have; before today where no days are left."""
    left = LONGEST[profile] - sum(hold.days() for hold in holds)
    return today + timedelta(days=left - 1)


# --- guards: of whatever flow has these facts -------------------------------------------------------------------------


class HoldFacts(Protocol):
    """What the guards ask. today: the Amsterdam date. hold_open: a hold that nobody ended yet, its last day or not."""

    @property
    def today(self) -> date: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def holds(self) -> tuple[Hold, ...]: ...
    @property
    def hold_open(self) -> bool: ...


def no_hold_runs(facts: HoldFacts, _given: Given | None) -> Refusal | None:
    """One payment hold at a time."""
    until = held_until(facts.holds, facts.today)
    if until is None:
        return None
    return Refusal(
        "already_held",
        Text(
            "De betalingen zijn al aangehouden tot en met {day}. Hef dat eerst op.",
            "Payments are on hold already, up to and including {day}. Lift that first.",
        ).fill(day=day_text(until)),
    )


def the_hold_may_last(facts: HoldFacts, given: Given | None) -> Refusal | None:
    """Awb 4:56: thirteen weeks at most, all holds on the case together."""
    if given is None:
        return None
    return end_refusal(given.get("ends_on"), facts.holds, facts.today, facts.profile)


def a_hold_runs(facts: HoldFacts, _given: Given | None) -> Refusal | None:
    """There is something to lift."""
    if held_until(facts.holds, facts.today) is not None:
        return None
    return Refusal(
        "not_held",
        Text(
            "De betalingen zijn niet aangehouden. U hoeft niets te doen.",
            "Payments are not on hold. There is nothing to do.",
        ),
    )


def the_hold_is_over(facts: HoldFacts, _given: Given | None) -> Refusal | None:
    """The clock ends a hold after its last day."""
    if facts.hold_open and held_until(facts.holds, facts.today) is None:
        return None
    return Refusal(
        "hold_runs",
        Text("De aanhouding loopt nog. Wacht tot de laatste dag.", "The hold still runs. Wait for its last day."),
    )


def end_refusal(ends_on: date | None, holds: Sequence[Hold], today: date, profile: Profile) -> Refusal | None:
    """Return why a hold from today cannot end on this day, or None."""
    if ends_on is None:
        return _refusal("hold_end_missing", _NO_DATE)
    if ends_on < today:
        return _refusal(
            "hold_end_past", Text("Deze dag is voorbij. Kies een dag vanaf vandaag.", "This day has passed.")
        )
    latest = latest_end(holds, today, profile)
    if ends_on <= latest:
        return None
    source = same(" (artikel 4:56 Awb)") if profile is Profile.AWB else same("")
    weeks = LONGEST[profile] // 7
    if latest < today:
        used = Text(
            "De betaling lag al {weeks} weken stil. Langer mag niet{source}. Betaal, of trek de toekenning in.",
            "Payment was on hold for {weeks} weeks. That is the limit{source}. Pay, or revoke the award.",
        )
        return _refusal("hold_used_up", used.fill(weeks=weeks, source=source))
    late = Text(
        "Aanhouden mag samen hoogstens {weeks} weken{source}. Kies een dag tot en met {day}.",
        "A hold may last {weeks} weeks in all{source}. Choose a day up to and including {day}.",
    )
    return _refusal("hold_too_long", late.fill(weeks=weeks, source=source, day=day_text(latest)))


_NO_DATE = Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025.")
_PAST = Text("Deze dag is voorbij. Kies vandaag of later.", "This day has passed. Choose today or later.")


def _refusal(code: str, sentence: Text) -> Refusal:
    return Refusal(code, sentence, field="ends_on", kind=Kind.INVALID)
