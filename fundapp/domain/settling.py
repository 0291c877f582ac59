"""From the end of a project to its final amount: what stands in the way of each step.

Sources: Awb 4:7 and 4:12 (hearing), 4:44 (a last term, then ex officio), 4:46 (lower determination), 4:95 (advances).
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from fundapp.domain.days import day_text
from fundapp.domain.flow import Given
from fundapp.domain.money import euro
from fundapp.domain.refusal import Refusal
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import Calculation, must_be_heard
from fundapp.domain.text import Text, same


class ProjectFacts(Protocol):
    """What these guards ask of an application that was awarded. Amounts in cents.

    report: its final accounts; None before the award. amount_intended: whether an intended final amount stands.
    response_given: the school answered what was intended last; response_due: the last day to do so, while it runs.
    """

    @property
    def today(self) -> date: ...
    @property
    def ends_on(self) -> date | None: ...
    @property
    def in_transit(self) -> int: ...
    @property
    def outstanding(self) -> int: ...
    @property
    def report(self) -> ReportPicture | None: ...
    @property
    def calculation(self) -> Calculation | None: ...
    @property
    def amount_intended(self) -> bool: ...
    @property
    def response_given(self) -> bool: ...
    @property
    def response_due(self) -> date | None: ...


def _asked(facts: ProjectFacts) -> bool:
    return facts.report is not None and facts.report.asked.anything


def _due(facts: ProjectFacts, name: str) -> date | None:
    return None if facts.report is None else facts.report.terms.get(name)


# --- accounting -------------------------------------------------------------------------------------------------------


def report_is_ready(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """The first thing that is missing in the final accounts."""
    problems = facts.report.problems if facts.report is not None else ()
    return problems[0] if problems else None


def proof_was_not_asked_yet(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """With a fixed amount the school shows something only when it is asked, and once (Aanwijzingen nr 8)."""
    if not _asked(facts):
        return None
    return Refusal(
        "already_asked",
        Text(
            "De school stuurt al een verantwoording. U hoeft er niet om te vragen.",
            "The school sends final accounts already. You need not ask for them.",
        ),
    )


def report_is_late(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """Awb 4:44, third paragraph: when nothing came in time, a term can be set."""
    last = _due(facts, "report")
    if facts.report is not None and facts.report.last_term and last is not None:
        return Refusal(
            "last_term_given",
            Text(
                "U gaf de school al een laatste termijn, tot en met {due}.",
                "You gave the school a last term already, up to and including {due}.",
            ).fill(due=day_text(last)),
        )
    return _report_term_is_over(facts)


def ex_officio_is_allowed(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """Awb 4:44, fourth paragraph: ex officio only after the last term; a fixed amount once the project is over."""
    if not _asked(facts):
        if facts.ends_on is None or facts.today > facts.ends_on:
            return None
        return Refusal(
            "project_runs",
            Text("Het project loopt nog tot en met {day}.", "The project runs up to and including {day}.").fill(
                day=day_text(facts.ends_on)
            ),
        )
    if (running := _report_term_is_over(facts)) is not None:
        return running
    if facts.report is None or facts.report.last_term or facts.report.spec.terms.last_report is None:
        return None
    return Refusal(
        "last_term_first",
        Text(
            "Geef de school eerst een laatste termijn. Dat moet voordat u ambtshalve vaststelt.",
            "Give the school a last term first. That must come before you determine ex officio.",
        ),
    )


def _report_term_is_over(facts: ProjectFacts) -> Refusal | None:
    due = _due(facts, "report")
    if due is None:
        return Refusal(
            "no_report_term",
            Text(
                "Voor dit project loopt geen termijn om te verantwoorden.",
                "No term to account runs for this project.",
            ),
        )
    return None if facts.today > due else _still_runs(due)


def _still_runs(due: date) -> Refusal:
    return Refusal(
        "report_term_runs",
        Text(
            "De school mag nog verantwoorden tot en met {due}.",
            "The school may still account up to and including {due}.",
        ).fill(due=day_text(due)),
    )


# --- determining ------------------------------------------------------------------------------------------------------


def no_payment_under_way(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """A final amount is reckoned with what was really paid, so the bank must have answered."""
    if not facts.in_transit:
        return None
    return Refusal(
        "payment_under_way",
        Text(
            "Er is nog {amount} onderweg naar de school. Lees eerst het bankafschrift in.",
            "{amount} is still on its way to the school. Import the bank statement first.",
        ).fill(amount=same(euro(facts.in_transit))),
    )


def lines_are_judged(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """Each cut needs a reason (ECLI:NL:RBAMS:2021:4087)."""
    problems = facts.report.line_problems if facts.report is not None else ()
    return problems[0] if problems else None


def something_is_reduced(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """An intended decision is for an amount on which the fund's profile lets the school be heard."""
    if facts.calculation is None or facts.report is None:
        return None
    if must_be_heard(facts.calculation, facts.report.spec.settlement.hearing):
        return None
    return Refusal(
        "nothing_cut",
        Text(
            "U nam alle kosten van de school over. Stel het eindbedrag meteen vast.",
            "You accepted all the school's costs. Determine the final amount straight away.",
        ),
    )


def school_was_heard(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """Awb 4:7: hear the applicant before deciding on figures that differ from his; not skipped for 4:46(2)."""
    reckoned, report = facts.calculation, facts.report
    if reckoned is None or report is None or not must_be_heard(reckoned, report.spec.settlement.hearing):
        return None
    if not facts.amount_intended:
        return Refusal("intend_first", _intend_first(reckoned))
    last = facts.response_due
    if facts.response_given or last is None or facts.today > last:
        return None
    return Refusal(
        "response_term_runs",
        Text(
            "De school mag nog reageren tot en met {due}. Wacht op de reactie of op die dag.",
            "The school may respond up to and including {due}. Wait for the response or for that day.",
        ).fill(due=last.strftime("%d-%m-%Y")),
    )


def _intend_first(reckoned: Calculation) -> Text:
    if reckoned.cut:
        return Text(
            "U accepteert {cut} niet. Stuur eerst een voornemen, zodat de school kan reageren.",
            "You do not accept {cut}. Send an intended decision first, so that the school can respond.",
        ).fill(cut=same(euro(reckoned.cut)))
    return Text(
        "Er is {short} te weinig cofinanciering. Stuur eerst een voornemen, zodat de school kan reageren.",
        "Co-financing is {short} short. Send an intended decision first, so that the school can respond.",
    ).fill(short=same(euro(reckoned.co_financing_short)))


def not_responded_yet(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """One response to an intended decision."""
    if not facts.response_given:
        return None
    return Refusal(
        "already_responded",
        Text("U hebt al gereageerd. U hoeft niets meer te doen.", "You have responded already. Nothing more to do."),
    )


def nothing_outstanding(facts: ProjectFacts, _given: Given | None) -> Refusal | None:
    """Settled means: every cent was paid, received or given up."""
    if not facts.outstanding:
        return None
    return Refusal(
        "money_outstanding",
        Text(
            "Er staat nog {amount} open. Lees het bankafschrift in.",
            "{amount} is still outstanding. Import the bank statement.",
        ).fill(amount=same(euro(facts.outstanding))),
    )
