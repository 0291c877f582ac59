"""The parts of a fund besides its conditions and its questions: money, scores, terms, settlement, letters."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from fundapp.domain.accounts import ProofKind
from fundapp.domain.intention import RejectionHearing
from fundapp.domain.money import WHOLE
from fundapp.domain.settlement import Arrangement, Hearing
from fundapp.domain.spec import BasisPoints, Cents, Count, Flag, Key, Spec, TermLength, Words, mistake
from fundapp.domain.term import Length, Profile, TermRule
from fundapp.domain.text import Text


class SubRegion(Spec):
    """A sub-region of the programme."""

    key: Key
    name: Words


class Contact(Spec):
    """Who answers questions: a role, never a person's name, for that changes."""

    role: Words
    email: Annotated[StrictStr, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")]


class Panel(Spec):
    """Who advises or decides. per_sub_region: each sub-region has its own. members: how many must take part (quorum).

    meets: it advises in a meeting only. readers: how many read and score each application first; 0: nobody does so
    alone. reading_days: how long they have. blind: they do not see whose application it is until they have scored.
    """

    name: Words
    per_sub_region: Flag = False
    members: Count = 1
    meets: Flag = False
    readers: Annotated[StrictInt, Field(ge=0, le=9)] = 0
    reading_days: Count = 14
    blind: Flag = False


class DecidingBody(Panel):
    """Who decides. hearing: when the school is heard before its application is rejected."""

    hearing: RejectionHearing = RejectionHearing.OTHER_FACTS


class CostCategory(Spec):
    """A kind of cost. eligible: the fund pays it. needs_quantity: the budget asks number × price."""

    key: Key
    name: Words
    hint: Words | None = None
    eligible: Flag = True
    needs_quantity: Flag = False


class Criterion(Spec):
    """What a plan is scored on. weight: of 100. scores: what 1, 2, 3, 4 and 5 mean, in that order."""

    code: Key
    name: Words
    question: Words
    weight: Annotated[StrictInt, Field(ge=1, le=100)]
    scores: tuple[Words, Words, Words, Words, Words]


class Grant(Spec):
    """The fund's share of the eligible cost. The maximum and minimum stand in the conditions of those kinds."""

    share_bp: BasisPoints


class Proof(Spec):
    """What a school shows before an instalment is paid: how the project goes, or that a milestone was reached.

    name: what it is called. question: what the school must write. due: when it is expected, counted from the award.
    """

    kind: Literal["interim_report", "milestone"]
    name: Words
    question: Words
    due: TermLength


class Instalment(Spec):
    """A part of the advance. when: at the award, on a date, or after proof that was approved."""

    share_bp: Annotated[StrictInt, Field(ge=1, le=WHOLE)]
    when: Literal["award", "date", "proof"]
    date: dt.date | None = None
    proof: Proof | None = None

    @model_validator(mode="after")
    def _what_belongs_to_it(self) -> Self:
        if (self.when == "date") != (self.date is not None):
            raise mistake("een datum hoort bij when: date", "a date belongs to when: date", at="date")
        if (self.when == "proof") != (self.proof is not None):
            raise mistake("proof hoort bij when: proof", "proof belongs to when: proof", at="proof")
        return self


class Advance(Spec):
    """What is paid before the determination, as shares of the award. No instalments: nothing beforehand."""

    instalments: tuple[Instalment, ...]

    @model_validator(mode="after")
    def _at_most_the_whole(self) -> Self:
        if self.share_bp > WHOLE:
            raise mistake("samen is dit meer dan 100%", "together this is more than 100%", at="instalments")
        return self

    @property
    def share_bp(self) -> int:
        """All instalments together."""
        return sum(instalment.share_bp for instalment in self.instalments)


class Settlement(Spec):
    """How the school accounts for the money.

    tier: accountability tier 1 to 3 (Aanwijzingen voor subsidieverstrekking); arrangement: what the school shows.
    explanation_over_bp: a line that differs more than this share of its budget needs an explanation. line_cap_bp: how
    far a line may pass its budget and still count; None: no cap per line. sample_bp: share of the cases looked into.
    signed: somebody who may bind the school signs the accounts. hearing: when the school is heard before the amount is
    fixed. free_shift_bp: how far lines may move from the agreed budget without being asked. recover_from_cents: below
    this amount finance is asked whether it is worth recovering.
    """

    tier: Annotated[StrictInt, Field(ge=1, le=3)]
    arrangement: Arrangement
    proofs: tuple[ProofKind, ...]
    explanation_over_bp: BasisPoints
    line_cap_bp: BasisPoints | None = None
    sample_bp: BasisPoints = WHOLE
    signed: Flag = False
    hearing: Hearing = Hearing.REDUCED
    free_shift_bp: BasisPoints = 0
    recover_from_cents: Cents = 0


class StartEvent(StrEnum):
    """What a term counts from; the day after it is day one."""

    WINDOW_CLOSED = "window_closed"
    SUBMITTED = "submitted"
    COMPLETION_REQUESTED = "completion_requested"
    OFFER_SENT = "offer_sent"
    DECISION_SENT = "decision_sent"
    INTENT_SENT = "intent_sent"
    ACTIVITIES_ENDED = "activities_ended"
    REPORT_MISSING = "report_missing"
    REPORT_RECEIVED = "report_received"
    REMEDY_RECEIVED = "remedy_received"
    REMEDY_TERM_ENDED = "remedy_term_ended"
    TERM_PASSED = "term_passed"


class TermSpec(Spec):
    """A term: its length, what it counts from, whether a request to complete stops it, whether it shifts.

    shifts: None follows the legal profile (awb: as the Algemene termijnenwet says; private: never).
    """

    length: TermLength
    starts: StartEvent
    pausable: Flag = False
    shifts: Flag | None = None

    def rule(self, profile: Profile) -> TermRule:
        """Return how this term is counted under a legal profile."""
        return TermRule(Length.parse(self.length), profile, shifts=self.shifts, pausable=self.pausable)


class CompletionTerm(TermSpec):
    """The term to complete an application; times: how often it may be asked."""

    times: Count = 1


class DecisionTerm(TermSpec):
    """The term to decide. with_advice: its length when a panel advises; extension: what it may be extended by, once."""

    with_advice: TermLength | None = None
    extension: TermLength | None = None

    def rule(self, profile: Profile) -> TermRule:
        """Return how it is counted; a panel advises on every application, so the longer term is the one that runs."""
        return TermRule(Length.parse(self.with_advice or self.length), profile, self.shifts, self.pausable)


class Terms(Spec):
    """Every term of a case; each name is also the name of the running term.

    offer: to answer an offer of money that came free. last_report: how long the term to account runs once more when
    nothing came (Awb 4:44); None where it does not.
    remedy: to ask for a new look at a decision; None where a private fund gives no such right.
    late: within which we promise to decide once a term of ours has passed (Awb 4:14: as short as can be).
    """

    completion: CompletionTerm
    decision: DecisionTerm
    offer: TermSpec = TermSpec(length="4w", starts=StartEvent.OFFER_SENT)
    response: TermSpec
    report: TermSpec
    last_report: TermSpec | None = None
    determination: TermSpec
    payment: TermSpec
    remedy: TermSpec | None
    remedy_decision: DecisionTerm | None
    recovery: TermSpec
    late: TermSpec = TermSpec(length="4w", starts=StartEvent.TERM_PASSED, pausable=True)

    @model_validator(mode="after")
    def _remedy_is_answered(self) -> Self:
        if (self.remedy is None) != (self.remedy_decision is None):
            raise mistake(
                "remedy en remedy_decision horen bij elkaar", "remedy and remedy_decision go together", at="remedy"
            )
        return self


class Duty(Spec):
    """What a school must do in return for the money; stands in the award letter.

    term: the name of the term that says by when, such as report or interim_1. kept_years: how many years after the
    final amount it goes on.
    """

    code: Key
    text: Words
    term: Key | None = None
    kept_years: Count | None = None


class Letters(Spec):
    """The fund's own words in its letters. remedy: only where they differ from those of the legal profile."""

    award: Words
    intended_rejection: Words
    rejection: Words
    not_considered: Words
    intended_determination: Words
    determination: Words
    recovery: Words
    closing: Words
    remedy: Words | None = None


REMEDIES = {
    Profile.AWB: Text(
        "Bent u het niet eens met dit besluit? Bel of mail ons gerust eerst: {email}. U kunt ook bezwaar maken. "
        "Stuur uw bezwaarschrift naar {role}. Doe dat binnen {term} na de dag waarop wij dit besluit verstuurden. "
        "Schrijf erin wie u bent, de datum en om welk besluit het gaat. Schrijf ook waarom u het niet eens bent. Zet "
        "uw handtekening eronder. Is uw bezwaar te laat? Dan kunnen wij het meestal niet meer behandelen.",
        "Do you disagree with this decision? Feel free to call or mail us first: {email}. You can also make an "
        "objection (bezwaar). Send your notice of objection to {role}. Do so within {term} of the day on which we sent "
        "this decision. Write who you are, the date, which decision it is about and why you disagree. Sign it. If your "
        "objection is late, we usually cannot deal with it.",
    ),
    Profile.PRIVATE: Text(
        "Bent u het niet eens met dit besluit? Bel of mail ons gerust eerst: {email}. U kunt ons ook vragen om opnieuw "
        "naar het besluit te kijken (heroverweging). Doe dat binnen {term} na de dag waarop wij dit besluit "
        "verstuurden. Stuur uw verzoek naar {role}. Schrijf erin om welk besluit het gaat en waarom u het er niet mee "
        "eens bent. Iemand die niet over uw aanvraag besliste, kijkt er dan naar.",
        "Do you disagree with this decision? Feel free to call or mail us first: {email}. You can also ask us to look "
        "at the decision again (reconsideration). Do so within {term} of the day on which we sent this decision. Send "
        "your request to {role}. Write which decision it is about and why you disagree. Somebody who did not decide on "
        "your application will then look at it.",
    ),
}
"""How a letter ends that somebody may disagree with (Awb 3:45, 6:5, 6:7): never the words of the other profile."""

NO_REMEDY = Text(
    "Dit besluit is definitief. Hebt u er vragen over? Bel of mail ons gerust: {email}.",
    "This decision is final. Do you have questions about it? Feel free to call or mail us: {email}.",
)


class PublicationField(StrEnum):
    """What may be told about an award."""

    SCHOOL = "school"
    TITLE = "title"
    AMOUNT = "amount"
    SUMMARY = "summary"
    RESULTS = "results"


class Publication(Spec):
    """What is published about awards once a round is closed; never a rejection, never a person."""

    fields: tuple[PublicationField, ...]
    intro: Words


class RetentionYears(Spec):
    """How many years a case is kept after it ended, by how it ended."""

    awarded: Count
    rejected: Count
    not_considered: Count
    withdrawn: Count
    draft: Count


class ExampleLine(Spec):
    """One cost line of the example budget."""

    category: Key
    description: Words
    quantity: Count = 1
    unit_cents: Cents


class ExampleContribution(Spec):
    """One contribution in the example budget."""

    description: Words
    own: Flag = False
    cash_cents: Cents = 0
    goods_cents: Cents = 0
    hours: Annotated[StrictInt, Field(ge=0)] = 0


class ExampleBudget(Spec):
    """A budget that meets the conditions, to show on the fund's page."""

    lines: Annotated[tuple[ExampleLine, ...], Field(min_length=1)]
    contributions: tuple[ExampleContribution, ...]
    requested_cents: Cents

    @property
    def total_cents(self) -> int:
        """All lines together."""
        return sum(line.quantity * line.unit_cents for line in self.lines)


class Known(Spec):
    """A value of the specification that a public source states."""

    path: StrictStr
    source: StrictStr
