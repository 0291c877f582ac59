"""Before a rejection: on which grounds the school is heard first, and whether it was.

A rejection that rests on facts about the school which differ from what the school gave itself is announced first, so
that the school can respond (Awb 4:7; 4:12, second paragraph: also for grants). What the school's own answers show, and
what is no fact about the school at all (the money is spent, others ranked higher), needs no hearing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from fundapp.domain.days import day_text
from fundapp.domain.flow import Given
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.rejection import REASONS, RejectionCode
from fundapp.domain.text import Text


class RejectionHearing(StrEnum):
    """When a fund hears the school before it rejects. other_facts: as Awb 4:7 says; always: before every rejection."""

    NEVER = "never"
    OTHER_FACTS = "other_facts"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Grounds:
    """Codes of reasons. own: those that what the school sent shows by itself; intended: those it was heard on."""

    own: frozenset[str] = frozenset()
    intended: frozenset[str] = frozenset()


def to_hear_on(reasons: Iterable[str], hearing: RejectionHearing, own: frozenset[str]) -> list[str]:
    """Return the codes on which the school must be heard before an application is rejected for these reasons."""
    if hearing is RejectionHearing.NEVER:
        return []
    if hearing is RejectionHearing.ALWAYS:
        return list(reasons)
    return [code for code in reasons if REASONS[RejectionCode(code)].judged and code not in own]


class Heard(Protocol):
    """What the guards below ask of the facts of an application."""

    @property
    def today(self) -> date: ...
    @property
    def hearing(self) -> RejectionHearing: ...
    @property
    def grounds(self) -> Callable[[], Grounds]: ...
    @property
    def intended(self) -> bool: ...
    @property
    def came_from_the_line(self) -> bool: ...
    @property
    def response_given(self) -> bool: ...
    @property
    def response_due(self) -> date | None: ...


def hearing_is_asked(facts: Heard, _given: Given | None) -> Refusal | None:
    """A fund whose rules ask no hearing rejects straight away."""
    if facts.hearing is not RejectionHearing.NEVER:
        return None
    return Refusal(
        "no_hearing",
        Text(
            "Dit fonds vraagt geen voornemen. Wijs de aanvraag meteen af.",
            "This fund asks no intended decision. Reject the application straight away.",
        ),
    )


def response_is_in(facts: Heard, _given: Given | None) -> Refusal | None:
    """While an intended rejection stands, nothing is decided before the school responded or its term is over."""
    if not facts.intended or facts.response_given:
        return None
    if facts.response_due is None or facts.today > facts.response_due:
        return None
    return Refusal(
        "response_term_runs",
        Text(
            "De school mag nog reageren tot en met {due}. Wacht op de reactie of op die dag.",
            "The school may respond up to and including {due}. Wait for the response or for that day.",
        ).fill(due=day_text(facts.response_due)),
    )


def heard_on_these_grounds(facts: Heard, given: Given | None) -> Refusal | None:
    """Awb 4:7: no rejection on facts that the school could not respond to."""
    if given is None:
        return None
    grounds = facts.grounds()
    unheard = to_hear_on(list(given.get("reasons") or ()), facts.hearing, grounds.own)
    if facts.intended:
        unheard = [code for code in unheard if code not in grounds.intended]
    if not unheard:
        return None
    return Refusal(
        "intend_first",
        Text(
            "De school kon nog niet reageren op: {grounds}. Kies daarvoor eerst “Voornemen tot afwijzing sturen”.",
            "The school could not respond yet to: {grounds}. First choose “Send intended rejection” for that.",
        ).fill(grounds=grounds_in_words(unheard)),
        field="reasons",
        kind=Kind.INVALID,
    )


def not_past_the_line(facts: Heard, _given: Given | None) -> Refusal | None:
    """Who came from the waiting list goes back to it: an intended rejection is no way past the others."""
    if not facts.intended or not facts.came_from_the_line:
        return None
    return Refusal(
        "back_to_the_line",
        Text(
            "Deze aanvraag kwam van de wachtlijst. Zet haar daar eerst terug, dan houdt zij haar plaats.",
            "This application came from the waiting list. Put it back there first; it keeps its place.",
        ),
    )


def grounds_in_words(codes: Iterable[str]) -> Text:
    """Return the grounds as one text, by their labels."""
    labels = [REASONS[RejectionCode(code)].label for code in codes]
    return Text("; ".join(label.nl for label in labels), "; ".join(label.en for label in labels))
