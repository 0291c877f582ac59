"""What a school agreed to when it took the money, and by when: the fund's duties beside the terms that run now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import DateTime, text
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.report import ReportPicture
from fundapp.domain.term import Length
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing that was agreed. by: its last day, None where it always holds. note: until when, in words."""

    text: Text
    by: date | None = None
    note: Text | None = None
    done: bool = False

    def late(self, today: date) -> bool:
        """Whether its day has passed and it was not done."""
        return not self.done and self.by is not None and self.by < today


_RUNNING = {
    "report": Text("Uw verantwoording insturen", "Send your final accounts"),
    "response": Text("Reageren op het voornemen, als u dat wilt", "Respond to the intended decision, if you want to"),
    "recovery": Text("Te veel ontvangen geld terugbetalen", "Pay back what was received too much"),
}
"""What each running term asks of the school."""


_AGREED = text("""
  SELECT
    (SELECT at FROM determination WHERE application_id = :id AND kind = 'final') AS determined,
    (SELECT conditions FROM decision WHERE application_id = :id AND kind = 'award' ORDER BY id DESC LIMIT 1) AS besides,
    (SELECT json_object_agg(name, json_build_array(due_on, ended_on IS NOT NULL)) FROM (
       SELECT DISTINCT ON (name) name, due_on, ended_on FROM term WHERE application_id = :id
       ORDER BY name, round DESC) t) AS terms
""").columns(determined=DateTime(timezone=True))


def obligations(session: Session, app: Application, picture: ReportPicture) -> list[Obligation]:
    """Return what was agreed, what has a day first. One statement."""
    row = session.execute(_AGREED, {"id": app.id}).one()
    terms = {name: (date.fromisoformat(by), ended) for name, (by, ended) in (row.terms or {}).items()}
    found, told = [], set()
    for duty in picture.spec.duties:
        if duty.term == "report" and not picture.asked.anything:
            continue
        if duty.term in terms:
            told.add(duty.term)
            by, ended = terms[duty.term]
            done = ended and (duty.term != "report" or picture.submitted_at is not None)
            found.append(Obligation(duty.text, None if done else by, done=done))
        elif duty.kept_years is not None:
            found.append(Obligation(duty.text, note=_kept(row.determined, duty.kept_years)))
        else:
            found.append(Obligation(duty.text))
    running = [(name, by) for name, (by, ended) in terms.items() if name in _RUNNING and name not in told and not ended]
    found += [Obligation(_RUNNING[name], by) for name, by in running]
    if row.besides:
        found.append(Obligation(same(row.besides), note=Text("Voorwaarde in ons besluit", "Condition in our decision")))
    return sorted(found, key=lambda one: (one.done, one.by is None, one.by or date.max))


def _kept(determined: datetime | None, years: int) -> Text:
    if determined is None:
        return Text("{years} jaar na het eindbedrag", "{years} years after the final amount").fill(years=years)
    last = Length(months=12 * years).last_day(determined.astimezone(AMSTERDAM).date())
    return Text("tot {last}", "until {last}").fill(last=day_text(last))
