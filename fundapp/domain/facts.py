"""What is known about an application when its conditions are judged.

Everything is optional: None means that nobody knows yet, and a rule that needs it then says "unknown", never "no".
Facts are stored as JSON with each judgement, so that it can be replayed years later.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, StrictBool

from fundapp.domain.register import Level
from fundapp.domain.spec import Cents, Flag, Key, Spec

ELSEWHERE = "elsewhere"
"""The sub-region of a school that lies in none of the fund's: known, and outside."""


class ApplicantLevel(StrEnum):
    """Who asks."""

    SCHOOL = "school"
    BOARD = "board"
    PERSON = "person"


class PartnerKind(StrEnum):
    """What a partner is."""

    PO = "po"
    VO = "vo"
    MBO = "mbo"
    COMPANY = "company"
    OTHER = "other"


class PayerKind(StrEnum):
    """Who contributes money, goods or hours."""

    OWN = "own"
    SCHOOL = "school"
    MBO = "mbo"
    COMPANY = "company"
    OTHER = "other"


class SignerRole(StrEnum):
    """In what position somebody agreed to the application."""

    SCHOOL_LEADER = "school_leader"
    BOARD = "board"


class SchoolFacts(Spec):
    """One school (site) that asks. sub_region: a key of the fund's, or ELSEWHERE."""

    code: str
    board: str | None = None
    level: Level | None = None
    sub_region: str | None = None


class PartnerFacts(Spec):
    """One partner. confirmed: whether the partner said so himself; None: not asked or not answered yet."""

    kind: PartnerKind
    confirmed: StrictBool | None = None


class BudgetLineFacts(Spec):
    """One cost line: its category (a key of the fund's cost categories) and its amount in cents."""

    category: Key
    cents: Cents


class ContributionFacts(Spec):
    """What one party contributes: money, goods (value in cents) and hours of work.

    own: by the applicant itself; kind: what the party is. Hours are valued at the rate of the fund, so no amount is
    given for them.
    """

    own: Flag = False
    kind: PayerKind | None = None
    cash_cents: Cents = 0
    goods_cents: Cents = 0
    hours: int = Field(default=0, ge=0, le=100_000, strict=True)


class EarlierApplication(Spec):
    """Another application to the same fund, by a school that asks or its board, that is open or awarded.

    sent_on: the day on which it was sent (Amsterdam).
    """

    ref: str
    tranche: str
    school: str
    board: str
    awarded: Flag
    sent_on: date | None = None


class SignatureFacts(Spec):
    """The answer of who was asked to agree; agreed is None while there is none."""

    role: SignerRole
    agreed: StrictBool | None = None


class DocumentFacts(Spec):
    """A document that is there: its code, and the school that it is about where each school gives one."""

    code: Key
    school: str | None = None


class Facts(Spec):
    """All that the rules look at. Amounts in cents; moments are aware.

    schools: every school that asks, the lead applicant first. tranche: the reference of the round.
    opens_at, closes_at, extension_until: the round's window and a later end for this applicant.
    submitted_at: the server's moment of receipt; None while it is a draft: a judgement then takes its own
    moment. starts_on: the first day of the activity.
    second_signature: of who must sign as well, where the fund asks two.
    ceiling_left_cents: what the round can still award to this application (the smaller of ceiling and sub-ceiling).
    board_awarded_cents: what this round already awarded to the board of the lead applicant.
    answers: yes/no answers by question key; numbers: the whole numbers that were answered.
    declared: by rule code, what the applicant himself said in the check before signing in; it counts only where no fact
    is known, and a real judgement leaves it empty.
    """

    applicant: ApplicantLevel | None = None
    schools: tuple[SchoolFacts, ...] | None = None
    tranche: str | None = None
    opens_at: AwareDatetime | None = None
    closes_at: AwareDatetime | None = None
    extension_until: AwareDatetime | None = None
    submitted_at: AwareDatetime | None = None
    awarded_on: date | None = None
    starts_on: date | None = None
    requested_cents: Cents | None = None
    total_cost_cents: Cents | None = None
    eligible_cost_cents: Cents | None = None
    board_awarded_cents: Cents | None = None
    ceiling_left_cents: Cents | None = None
    contributions: tuple[ContributionFacts, ...] | None = None
    budget: tuple[BudgetLineFacts, ...] | None = None
    partners: tuple[PartnerFacts, ...] | None = None
    documents: tuple[DocumentFacts, ...] | None = None
    earlier: tuple[EarlierApplication, ...] | None = None
    signature: SignatureFacts | None = None
    second_signature: SignatureFacts | None = None
    answers: dict[Key, StrictBool] = Field(default_factory=dict)
    numbers: dict[Key, Annotated[int, Field(ge=0, strict=True)]] = Field(default_factory=dict)
    declared: dict[Key, StrictBool] = Field(default_factory=dict)
