"""A new look at a decision that a school disagrees with: objection (Awb) or, for a private fund, reconsideration.

Here: where it stands, what is known of it, and the guards. `objection_words.py` has the words of each law,
`objection_flow.py` the two flows.
Sources: Awb 6:5 to 6:9 and 6:11 (how, when, too late), 6:6 (a chance to complete), 6:14 (receipt), 6:21 (withdrawal),
7:2, 7:3, 7:5 and 7:7 (hearing), 7:10 (term), 7:11 and 7:12 (outcome with its reasons), 10:3 (somebody else decides).
For a private fund the same holds by its own rules, of which `terms.remedy` and `terms.remedy_decision` are part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum, auto

from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.decision_term import Deciding
from fundapp.domain.flow import Given, Guard
from fundapp.domain.money import euro
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.term import Length, Profile
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where it stands."""

    DRAFT = "draft"  # only while it is being filed
    RECEIVED = "received"
    INCOMPLETE = "incomplete"
    HEARING_PLANNED = "hearing_planned"
    HEARD = "heard"
    ADVISED = "advised"
    FOUNDED = "founded"
    PARTLY_FOUNDED = "partly_founded"
    UNFOUNDED = "unfounded"
    INADMISSIBLE = "inadmissible"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What is decided; each is a state in which it ends."""

    FOUNDED = "founded"
    PARTLY_FOUNDED = "partly_founded"
    UNFOUNDED = "unfounded"
    INADMISSIBLE = "inadmissible"


CHANGES = frozenset({Outcome.FOUNDED, Outcome.PARTLY_FOUNDED})
"""Outcomes that put another decision in the place of the first one."""

RUNNING = (State.RECEIVED, State.INCOMPLETE, State.HEARING_PLANNED, State.HEARD, State.ADVISED)
"""States in which it waits for a decision."""


class Against(StrEnum):
    """What kind of decision somebody disagrees with."""

    AWARD = "award"
    REJECT = "reject"
    NOT_CONSIDER = "not_consider"
    REVOKE = "revoke"
    DETERMINE = "determine"


class Waiver(StrEnum):
    """Why nobody is heard (Awb 7:3)."""

    INADMISSIBLE = "inadmissible"
    UNFOUNDED = "unfounded"
    NOT_WANTED = "not_wanted"
    NO_ANSWER = "no_answer"
    GRANTED = "granted"


class Dismissal(StrEnum):
    """Why it is not dealt with: too late (6:11), not complete (6:6), or nothing to decide."""

    LATE = "late"
    INCOMPLETE = "incomplete"
    NO_INTEREST = "no_interest"


class Effect(Enum):
    """What a transition does besides the state."""

    FILE = auto()  # keep what was written, start the term, set the amount at stake apart
    ASK_COMPLETION = auto()
    RECEIVE_COMPLETION = auto()
    END_COMPLETION = auto()
    EXTEND_TERM = auto()
    AGREE_LONGER = auto()
    ANNOUNCE_DELAY = auto()
    PLAN_HEARING = auto()
    RECORD_HEARING = auto()
    WAIVE_HEARING = auto()
    RECORD_ADVICE = auto()
    RECORD_DECISION = auto()  # the new decision points to the old one
    FREE_RESERVE = auto()
    CARRY_OUT = auto()  # the application changes in the same transaction
    END_TERMS = auto()
    WRITE_LETTER = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards ask. Amounts in cents; today: the Amsterdam date.

    against: the kind of decision; problem: why nothing can be filed against it. remedy_due: the last day to file.
    late: it was filed after that, or would be now. late_reason: what the school wrote of that. involved: who prepared
    or took the first decision; first_decider: who took it. interested: an interest of this person, declared or shown by
    the register; None: not answered yet by somebody who must. old: what the first decision gave; most: the most that
    can be given. reserved: what is set apart for it; free: what the tranche still has for it besides. shut: the tranche
    is closed. account_known: where the board is paid.
    """

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    now: datetime
    profile: Profile
    against: Against
    remedy_due: date | None = None
    problem: Refusal | None = None
    late: bool = False
    late_reason: str = ""
    involved: frozenset[int] = field(default_factory=frozenset)
    first_decider: int | None = None
    interested: bool | None = None
    hearing_at: datetime | None = None
    completion_due: date | None = None
    completion_missed: bool = False
    deciding: Deciding | None = None
    extendable: Length | None = None
    adviser_id: int | None = None
    advised: Outcome | None = None
    advised_cents: int = 0
    old: int = 0
    most: int = 0
    reserved: int = 0
    free: int = 0
    shut: bool = False
    account_known: bool = True

    @property
    def today(self) -> date:
        """The date in Amsterdam."""
        return self.now.astimezone(AMSTERDAM).date()

    @property
    def at_stake(self) -> int:
        """How much more the school could get."""
        return max(0, self.most - self.old)

    @property
    def names_an_amount(self) -> bool:
        """Whether a founded outcome is an amount; not where the application is taken into consideration after all."""
        return self.against is not Against.NOT_CONSIDER


# --- filing -----------------------------------------------------------------------------------------------------------


def there_is_something_to_object_to(facts: Facts, _given: Given | None) -> Refusal | None:
    """One new look at each decision."""
    return facts.problem


def lateness_is_explained(facts: Facts, given: Given | None) -> Refusal | None:
    """Awb 6:11: too late is no reason not to deal with it where the school could not help it; so it is asked."""
    if given is None or not facts.late or str(given.get("late_reason") or "").strip():
        return None
    return Refusal(
        "late_without_reason",
        Text(
            "De laatste dag was {due}. Schrijf op waarom u later bent.",
            "The last day was {due}. Write why you are later.",
        ).fill(due=day_text(facts.remedy_due) if facts.remedy_due else ""),
        field="late_reason",
        kind=Kind.INVALID,
    )


def completion_term_is_over(facts: Facts, _given: Given | None) -> Refusal | None:
    """The clock goes on without what was asked, once the last day has passed."""
    if facts.completion_due is not None and facts.today > facts.completion_due:
        return None
    return Refusal("completion_runs", Text("De school mag nog aanvullen.", "The school may still complete it."))


# --- hearing ----------------------------------------------------------------------------------------------------------

NOTICE = {Profile.AWB: timedelta(days=11), Profile.PRIVATE: timedelta(days=1)}
"""How long before a hearing it is announced. Awb 7:4: until ten days before it the school may send documents."""


def hearing_is_announced_in_time(facts: Facts, given: Given | None) -> Refusal | None:
    """A moment that is far enough away."""
    if given is None:
        return None
    at = given.get("hearing_at")
    if not isinstance(at, datetime):
        return Refusal(
            "hearing_moment",
            Text("Vul een dag en een tijd in.", "Enter a day and a time."),
            field="day",
            kind=Kind.INVALID,
        )
    first = facts.today + NOTICE[facts.profile]
    if at.astimezone(AMSTERDAM).date() >= first:
        return None
    return Refusal(
        "hearing_too_soon",
        Text(
            "Dat is te snel: de school moet zich kunnen voorbereiden. Kies {day} of later.",
            "That is too soon: the school must be able to prepare. Choose {day} or later.",
        ).fill(day=day_text(first)),
        field="day",
        kind=Kind.INVALID,
    )


def hearing_has_been_held(facts: Facts, _given: Given | None) -> Refusal | None:
    """A report is made afterwards (Awb 7:7)."""
    if facts.hearing_at is None or facts.now >= facts.hearing_at:
        return None
    return Refusal(
        "hearing_still_to_come",
        Text(
            "Het gesprek is pas op {day}. Maak het verslag daarna.",
            "The meeting is on {day}. Write the report afterwards.",
        ).fill(day=day_text(facts.hearing_at.astimezone(AMSTERDAM).date())),
    )


# --- who --------------------------------------------------------------------------------------------------------------


def no_interest_in_it(facts: Facts, _given: Given | None) -> Refusal | None:
    """Nobody judges who has an interest in the application."""
    if facts.interested is None:
        return Refusal(
            "interest_unanswered",
            Text(
                "Zeg eerst of u een belang hebt bij deze aanvraag. De vraag staat op de pagina van de aanvraag.",
                "First say whether you have an interest in this application. The question is on its page.",
            ),
            kind=Kind.FORBIDDEN,
        )
    if not facts.interested:
        return None
    return Refusal(
        "conflict_of_interest",
        Text(
            "U hebt een belang bij deze aanvraag. Laat iemand anders dit doen.",
            "You have an interest in this application. Let somebody else do this.",
        ),
        kind=Kind.FORBIDDEN,
    )


def not_involved_before(facts: Facts, _given: Given | None) -> Refusal | None:
    """Awb 7:5: who hears and advises had no part in the first decision; the database refuses who took it as well."""
    if facts.actor_id not in facts.involved:
        return None
    return Refusal(
        "involved_before",
        Text(
            "U werkte mee aan het eerste besluit. Laat iemand doen die daar niet bij was.",
            "You had a part in the first decision. Let somebody do this who had none.",
        ),
    )


def not_the_first_decider(facts: Facts, _given: Given | None) -> Refusal | None:
    """Awb 10:3, third paragraph: who took the first decision does not take this one. The database refuses it too."""
    if facts.first_decider is None or facts.first_decider != facts.actor_id:
        return None
    return Refusal(
        "first_decider",
        Text(
            "U nam het eerste besluit. Laat iemand anders van de stuurgroep beslissen.",
            "You took the first decision. Let somebody else of the steering group decide.",
        ),
    )


def not_its_adviser(facts: Facts, _given: Given | None) -> Refusal | None:
    """Advice and decision are two acts by two people; the database refuses the same one as well."""
    if facts.adviser_id is None or facts.adviser_id != facts.actor_id:
        return None
    return Refusal(
        "adviser_decides",
        Text(
            "U gaf hierover advies. Laat iemand anders van de stuurgroep beslissen.",
            "You gave the advice on this. Let somebody else of the steering group decide.",
        ),
    )


# --- outcome ----------------------------------------------------------------------------------------------------------


def deviation_explained(outcome: Outcome) -> Guard[Facts]:
    """Make the guard that asks why, where the decision differs from the advice (Awb 7:13, seventh paragraph)."""

    def guard(facts: Facts, given: Given | None) -> Refusal | None:
        if given is None or facts.advised is None or str(given.get("deviation") or "").strip():
            return None
        cents = int(given.get("amount_cents") or 0)
        if facts.advised is outcome and (outcome not in CHANGES or cents == facts.advised_cents):
            return None
        return Refusal(
            "deviation_without_reason",
            Text(
                "Dit wijkt af van het advies. Schrijf op waarom. De school leest dit in de brief.",
                "This differs from the advice. Write why. The school reads it in the letter.",
            ),
            field="deviation",
            kind=Kind.INVALID,
        )

    return guard


def amount_problem(facts: Facts, outcome: Outcome, cents: int) -> Refusal | None:
    """Why this amount does not fit an outcome: more than before, all that is possible where it is wholly founded."""
    if outcome not in CHANGES or not facts.names_an_amount:
        return None
    if outcome is Outcome.FOUNDED and facts.at_stake and cents != facts.most:
        words = Text("Helemaal gelijk is {most}. Vul dat in.", "Wholly right is {most}. Enter that.")
        return _amount("not_the_whole", words.fill(most=same(euro(facts.most))))
    if outcome is Outcome.PARTLY_FOUNDED and facts.at_stake and not facts.old < cents < facts.most:
        words = Text(
            "Deels gelijk ligt tussen {old} en {most}. Vul zo'n bedrag in.",
            "Partly right lies between {old} and {most}. Enter such an amount.",
        )
        return _amount("not_a_part", words.fill(old=same(euro(facts.old)), most=same(euro(facts.most))))
    if not facts.at_stake and cents != facts.old:
        words = Text("Het bedrag kan niet hoger. Laat {old} staan.", "The amount cannot be higher. Leave {old}.")
        return _amount("no_more", words.fill(old=same(euro(facts.old))))
    return None


def _amount(code: str, sentence: Text) -> Refusal:
    return Refusal(code, sentence, field="amount", kind=Kind.INVALID)


def amount_fits(outcome: Outcome) -> Guard[Facts]:
    """Make the guard on the amount."""

    def guard(facts: Facts, given: Given | None) -> Refusal | None:
        return None if given is None else amount_problem(facts, outcome, int(given.get("amount_cents") or 0))

    return guard


def money_is_there(facts: Facts, given: Given | None) -> Refusal | None:
    """What is set apart, and what is free besides. Awb 4:25, third paragraph: the ceiling of the first decision counts,
    so where others got the money since, the ceiling is raised first."""
    if given is None:
        return None
    more = int(given.get("amount_cents") or 0) - facts.old if facts.names_an_amount else 0
    if more <= 0:
        return None
    if facts.shut:
        return Refusal(
            "tranche_closed",
            Text(
                "De tranche is gesloten. Laat financiën hem eerst heropenen.",
                "The tranche is closed. Let finance reopen it first.",
            ),
        )
    if more <= facts.reserved + facts.free:
        return None
    return Refusal(
        "no_money_left",
        Text(
            "Er is {there}, en dit kost {more}. Het plafond van toen telt. Laat de coördinator het plafond verhogen.",
            "There is {there}, and this costs {more}. The ceiling of then counts. Let the coordinator raise it.",
        ).fill(there=same(euro(facts.reserved + facts.free)), more=same(euro(more))),
        field="amount",
    )


def board_can_be_paid(facts: Facts, _given: Given | None) -> Refusal | None:
    """Money goes to the board's account, so there must be one."""
    if facts.account_known or not facts.at_stake:
        return None
    return Refusal(
        "no_bank_account",
        Text(
            "Van dit schoolbestuur is geen rekeningnummer bekend. Vraag financiën om het in te vullen.",
            "No bank account is known for this school board. Ask finance to enter it.",
        ),
    )


def dismissal_is_right(facts: Facts, given: Given | None) -> Refusal | None:
    """Too late only where it was; not complete only after a chance to complete it (Awb 6:6)."""
    if given is None:
        return None
    reason = given.get("reason")
    if reason == Dismissal.LATE and not facts.late:
        return _reason("not_late", Text("De school was op tijd.", "The school was in time."))
    if reason == Dismissal.INCOMPLETE and not facts.completion_missed:
        return _reason(
            "no_chance_to_complete",
            Text("Vraag de school eerst om aan te vullen.", "Ask the school to complete it first."),
        )
    if reason not in set(Dismissal):
        return _reason("reason_missing", Text("Kies een reden.", "Choose a reason."))
    return None


def _reason(code: str, sentence: Text) -> Refusal:
    return Refusal(code, sentence, field="reason", kind=Kind.INVALID)
