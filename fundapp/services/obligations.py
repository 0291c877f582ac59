"""What a school agreed to when it took the money, and by when: the fund's duties beside the terms that run now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.report import ReportPicture
from fundapp.domain.term import Length
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Decision
from fundapp.persistence.settlement import Determination


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


def obligations(session: Session, app: Application, picture: ReportPicture) -> list[Obligation]:
    """Return what was agreed, what has a day first. Two statements."""
    determined = session.scalar(
        select(Determination.at).where(Determination.application_id == app.id, Determination.kind == "final")
    )
    conditions = session.scalar(
        select(Decision.conditions).where(Decision.application_id == app.id, Decision.kind == "award")
    )
    sent = picture.submitted_at is not None and "report" not in picture.terms
    found = []
    told = set()
    for duty in picture.spec.duties:
        if duty.term == "report" and not picture.asked.anything:
            continue
        if duty.term is not None:
            told.add(duty.term)
            by = picture.terms.get(duty.term)
            found.append(Obligation(duty.text, by, done=duty.term == "report" and sent))
        elif duty.kept_years is not None:
            found.append(Obligation(duty.text, note=_kept(determined, duty.kept_years)))
        else:
            found.append(Obligation(duty.text))
    running = [(name, by) for name, by in picture.terms.items() if name in _RUNNING and name not in told]
    found += [Obligation(_RUNNING[name], by) for name, by in running]
    if conditions:
        found.append(Obligation(same(conditions), note=Text("Voorwaarde in ons besluit", "Condition in our decision")))
    return sorted(found, key=lambda one: (one.done, one.by is None, one.by or date.max))


def _kept(determined: datetime | None, years: int) -> Text:
    if determined is None:
        return Text("{years} jaar na het eindbedrag", "{years} years after the final amount").fill(years=years)
    last = Length(months=12 * years).last_day(determined.astimezone(AMSTERDAM).date())
    return Text("tot {last}", "until {last}").fill(last=day_text(last))
