"""One picture of the final accounts of a case: what the school wrote, what finance made of it, and what the rules say.

It is plain data, loaded once for a request (`services/report_reading.py`) and passed on: the school's pages, the
guards, the page of finance, the calculation and the letters all look at the same picture. Amounts in cents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from fundapp.domain import accounts
from fundapp.domain.accounts import Asked, ProofKind
from fundapp.domain.canonical import digest
from fundapp.domain.facts import ContributionFacts
from fundapp.domain.fund import FundSpec
from fundapp.domain.refusal import Refusal
from fundapp.domain.settlement import AccountLine, Calculation, calculate, line_refusals
from fundapp.domain.upload import ScanState


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file with the accounts: of a line (position), or about the whole project (kind). size in bytes."""

    id: int
    position: int | None
    kind: str | None
    file_name: str
    sha256: str
    size: int
    media_type: str
    scan: ScanState
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the accounts, as it is stored."""

    position: int
    description: str
    category: str
    agreed: int
    budgeted: int
    claimed: int | None
    explanation: str
    no_evidence: str
    moved: int
    accepted: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one party promised and what came of it; hours where it is work. kind: own, school, mbo, company or other."""

    position: int
    party: str
    kind: str
    in_kind: bool
    promised_hours: int | None
    promised: int
    received_hours: int | None
    received: int | None

    @property
    def by_hours(self) -> bool:
        """Whether it is work, counted in hours."""
        return self.promised_hours is not None

    def facts(self) -> ContributionFacts:
        """What came, as the fund's condition on co-financing looks at it."""
        own = self.kind == "own"
        if self.by_hours:
            return ContributionFacts(own=own, hours=self.received_hours or 0)
        if self.in_kind:
            return ContributionFacts(own=own, goods_cents=self.received or 0)
        return ContributionFacts(own=own, cash_cents=self.received or 0)


@dataclass(frozen=True, slots=True)
class Move:
    """An amount that finance moved from one line to another (positions), and why."""

    source: int
    target: int
    cents: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class ReportPicture:
    """All of the final accounts of one case.

    award: what it was lowered to during the project; None: it was not. terms: the last day of each term that runs, by
    name; last_term: that to account is the last chance.
    """

    spec: FundSpec
    lines: Sequence[Line]
    contributions: Sequence[Contribution]
    evidence: Sequence[Evidence]
    moves: Sequence[Move]
    results: str
    may_publish: bool
    award: int | None
    asked_at: datetime | None
    last_term: bool
    ex_officio: bool
    signed_at: datetime | None
    signed_by: str | None
    signed_sha256: str | None
    submitted_at: datetime | None
    terms: Mapping[str, date] = field(default_factory=dict)

    @cached_property
    def asked(self) -> Asked:
        """What the fund asks of these accounts."""
        return self.spec.accounts_asked(requested=self.asked_at is not None)

    @property
    def budgeted(self) -> int:
        """All lines of the budget together."""
        return sum(line.budgeted for line in self.lines)

    @property
    def claimed(self) -> int:
        """All that the school says it spent."""
        return sum(line.claimed or 0 for line in self.lines)

    def files_of(self, position: int) -> list[Evidence]:
        """The files that are bound to a line, also those that turned out to have a virus."""
        return [one for one in self.evidence if one.position == position]

    def proofs_of(self, position: int) -> list[Evidence]:
        """The files of a line that count as proof."""
        return [one for one in self.files_of(position) if one.scan.usable]

    def files_about(self, kind: ProofKind) -> list[Evidence]:
        """The files of one kind about the whole project."""
        return [one for one in self.evidence if one.kind == kind]

    # --- what the school must still do --------------------------------------------------------------------------------

    @cached_property
    def content(self) -> str:
        """The hash of all that the school wrote: what a signature is of."""
        return digest(
            {
                "lines": [[li.position, li.claimed, li.explanation, li.no_evidence] for li in self.lines],
                "received": [[c.position, c.received_hours, c.received] for c in self.contributions],
                "files": sorted([one.position or 0, one.kind or "", one.sha256] for one in self.evidence),
                "results": self.results,
                "may_publish": self.may_publish,
            }
        )

    @property
    def signed(self) -> bool:
        """Whether somebody signed exactly this."""
        return self.signed_sha256 == self.content

    @cached_property
    def problems(self) -> tuple[Refusal, ...]:
        """Everything that is missing before it can be sent, each on its field."""
        reported = [
            accounts.ReportedLine(
                li.position,
                li.description,
                li.budgeted,
                li.claimed,
                li.explanation,
                len(self.proofs_of(li.position)),
                li.no_evidence,
            )
            for li in self.lines
        ]
        received = [accounts.Received(c.position, c.party, c.promised, c.received) for c in self.contributions]
        files = frozenset(ProofKind(one.kind) for one in self.evidence if one.kind and one.scan.usable)
        return accounts.problems(accounts.Report(reported, received, self.results, files, self.signed), self.asked)

    # --- what it comes to ---------------------------------------------------------------------------------------------

    @cached_property
    def account_lines(self) -> list[AccountLine]:
        """The lines as the calculation reckons with them."""
        rules = self.spec.settlement_rules
        return [
            AccountLine(
                position=li.position,
                description=li.description,
                budgeted=li.budgeted,
                claimed=li.claimed or 0,
                accepted=li.accepted,
                reason=li.reason,
                moved=li.moved,
                cap=rules.cap_of(li.budgeted),
                eligible=(category := self.spec.category(li.category)) is None or category.eligible,
            )
            for li in self.lines
        ]

    @cached_property
    def line_problems(self) -> tuple[Refusal, ...]:
        """What is wrong in the lines as finance judged them."""
        return tuple(line_refusals(self.account_lines))

    @property
    def received(self) -> int | None:
        """What others paid with, as the fund counts it; None where it asks none, or the school did not say."""
        rule = self.spec.co_financing
        if rule is None or not self.asked.costs:
            return None
        if self.ex_officio or any(c.received is None for c in self.contributions):
            return None
        return sum(rule.worth(c.facts()) for c in self.contributions)

    def calculation(self, *, held: int, paid: int) -> Calculation:
        """Reckon the final amount. held: what is reserved for the case; paid: what the school has of it."""
        return calculate(
            self.account_lines,
            rules=self.spec.settlement_rules,
            award=held if self.award is None else min(held, self.award),
            paid=paid,
            held=held,
            co_financing_received=self.received,
        )

    def as_sent(self) -> dict[str, Any]:
        """What the journal keeps of the accounts when they are sent."""
        return {
            "sha256": self.content,
            "lines": [[li.position, li.claimed] for li in self.lines],
            "received": [[c.position, c.received] for c in self.contributions],
        }
