"""Whether something is open: the one deadline function for page, save, submit, API and job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from fundapp.domain.days import moment_text
from fundapp.domain.text import Text


def is_open(
    opens_at: datetime | None, closes_at: datetime | None, at: datetime, extension_until: datetime | None = None
) -> bool:
    """Whether a moment falls in a window: the one answer for page, save, submit, API and job.

    Both ends belong to it: what is received exactly at `closes_at` is in time, a microsecond later is not.
    None: no beginning, or no end. extension_until: a later end for one applicant; an earlier one takes nothing away.
    All moments are aware (UTC or any offset); compared as instants, so the hour that comes twice in October is two
    different hours. Raises ValueError for a naive moment: that is a mistake in the caller.
    """
    return Window(opens_at, closes_at, extension_until).is_open(at)


def _instant(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError("a moment needs an offset")
    return at.astimezone(UTC)  # two moments in one zone would be compared by the clock on the wall


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when something may be sent in; see `is_open` for the ends."""

    opens_at: datetime | None
    closes_at: datetime | None
    extension_until: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """The last moment for this applicant, or None when there is no end."""
        if self.closes_at is None or self.extension_until is None:
            return self.closes_at
        return max(self.closes_at, self.extension_until, key=_instant)

    def is_open(self, at: datetime) -> bool:
        """Whether the window is open at an aware moment."""
        return self.closed_because(at) is None

    def closed_because(self, at: datetime) -> Text | None:
        """Say why it is not open at an aware moment, with the moment that matters; None when it is open."""
        now = _instant(at)
        if self.opens_at is not None and now < _instant(self.opens_at):
            return Text("Dit gaat open op {moment}.", "This opens on {moment}.").fill(moment=moment_text(self.opens_at))
        end = self.ends_at
        if end is not None and now > _instant(end):
            return Text("Dit is gesloten sinds {moment}.", "This closed on {moment}.").fill(moment=moment_text(end))
        return None
