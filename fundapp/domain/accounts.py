"""The final accounts as a school writes them: what must be there before they can be sent, line by line.

Sources: Awb 4:45 (the recipient shows that the activities took place and accounts for cost and income), domain.md
section 2.5 and section 1, rules 10 and 11. Amounts in cents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.money import WHOLE, divide_half_up, euro, scale
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.settlement import Arrangement
from fundapp.domain.spec import percent_text
from fundapp.domain.text import Text, same


class ProofKind(StrEnum):
    """What shows that money was spent or work was done."""

    INVOICE = "invoice"
    PAYMENT = "payment"
    HOURS = "hours"
    ACTIVITY_REPORT = "activity_report"
    FINANCIAL_REPORT = "financial_report"
    AUDITOR = "auditor"


OF_A_LINE = frozenset({ProofKind.INVOICE, ProofKind.PAYMENT, ProofKind.HOURS})
"""Proofs that belong to a line; the others are about the whole project. The activity report may also be written."""

PROOF_NAMES = {
    ProofKind.INVOICE: Text("facturen", "invoices"),
    ProofKind.PAYMENT: Text("betaalbewijzen", "proofs of payment"),
    ProofKind.HOURS: Text("urenstaten", "time sheets"),
    ProofKind.ACTIVITY_REPORT: Text("verslag van de activiteiten", "activity report"),
    ProofKind.FINANCIAL_REPORT: Text("financieel verslag", "financial report"),
    ProofKind.AUDITOR: Text("verklaring van een accountant", "auditor's statement"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fund asks of final accounts.

    explanation_over_bp: a line that differs more than this share of its budget needs an explanation. co_financing:
    whether others must pay with. signed: whether somebody who may bind the school signs first. requested: whether a
    school with a fixed amount was asked to show what it did.
    """

    arrangement: Arrangement
    proofs: tuple[ProofKind, ...]
    explanation_over_bp: int
    co_financing: bool
    signed: bool
    requested: bool = False

    @property
    def costs(self) -> bool:
        """Whether the school says what it spent."""
        return self.arrangement is Arrangement.ACTUAL_COST

    @property
    def anything(self) -> bool:
        """Whether the school accounts at all; for a fixed amount only on request."""
        return self.arrangement is not Arrangement.FIXED or self.requested

    @property
    def of_a_line(self) -> tuple[ProofKind, ...]:
        """The proofs that each line needs."""
        return tuple(proof for proof in self.proofs if proof in OF_A_LINE) if self.costs else ()

    @property
    def of_the_whole(self) -> tuple[ProofKind, ...]:
        """The files about the whole project that are needed; what the school did, it may also write on the page."""
        wanted = {ProofKind.FINANCIAL_REPORT, ProofKind.AUDITOR}
        if not self.costs:
            wanted = {ProofKind.ACTIVITY_REPORT}
        return tuple(proof for proof in self.proofs if proof in wanted)


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """One line as the school filled it in. claimed: None while it is not. files: how many are bound to it."""

    position: int
    description: str
    budgeted: int
    claimed: int | None
    explanation: str = ""
    files: int = 0
    no_evidence: str = ""

    @property
    def difference(self) -> int:
        """More (or, below zero, less) than budgeted."""
        return (self.claimed or 0) - self.budgeted


@dataclass(frozen=True, slots=True)
class Received:
    """What one party really paid with. promised: as in the plan. given: None while it is not filled in."""

    position: int
    party: str
    promised: int
    given: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a school wrote. files: those about the whole project, by kind. signed: by who may, as it stands now."""

    lines: Sequence[ReportedLine]
    received: Sequence[Received]
    results: str
    files: frozenset[ProofKind]
    signed: bool


def differs_much(budgeted: int, claimed: int, over_bp: int) -> bool:
    """Whether a line differs by more than this share of its budget: exactly the share is not more."""
    return abs(claimed - budgeted) * WHOLE > over_bp * budgeted


def bounds(budgeted: int, over_bp: int) -> tuple[int, int]:
    """Return the least and the most that can be spent on a line without an explanation, in cents."""
    margin = over_bp * budgeted // WHOLE
    return budgeted - margin, budgeted + margin


def difference_text(budgeted: int, claimed: int) -> Text:
    """How much more or less than budgeted, in euro and in percent: "€ 450,00 (25%) minder"."""
    difference = abs(claimed - budgeted)
    much = Text("meer", "more") if claimed > budgeted else Text("minder", "less")
    if not budgeted:
        return Text("{amount} {much}", "{amount} {much}").fill(amount=same(euro(difference)), much=much)
    percent = percent_text(divide_half_up(difference * WHOLE, budgeted))
    return Text("{amount} ({percent}) {much}", "{amount} ({percent}) {much}").fill(
        amount=same(euro(difference)), percent=percent, much=much
    )


def problems(report: Report, asked: Asked) -> tuple[Refusal, ...]:
    """Everything that is missing in final accounts, each on its field, in the order of the page."""
    if not asked.anything:
        return (
            Refusal(
                "nothing_asked",
                Text(
                    "U hoeft geen verantwoording te sturen. U krijgt een vast bedrag.",
                    "You need not send final accounts. You get a fixed amount.",
                ),
            ),
        )
    found = [refusal for line in report.lines for refusal in _line_problems(line, asked)] if asked.costs else []
    if asked.costs and asked.co_financing:
        found += [_received_missing(row) for row in report.received if row.given is None]
    if not report.results.strip():
        found.append(
            _missing(
                "results_missing",
                "results",
                "Schrijf op wat het project opleverde.",
                "Write what the project achieved.",
            )
        )
    found += [
        Refusal(
            "file_missing",
            Text("Voeg dit bestand toe: {name}.", "Add this file: {name}.").fill(name=PROOF_NAMES[proof]),
            field=f"file-{proof}",
            kind=Kind.INVALID,
        )
        for proof in asked.of_the_whole
        if proof not in report.files
    ]
    if not found and asked.signed and not report.signed:
        found.append(
            _missing(
                "signature_missing",
                "signature",
                "De verantwoording is nog niet ondertekend. Vraag iemand die voor uw school mag tekenen.",
                "The final accounts have not been signed. Ask somebody who may sign for your school.",
            )
        )
    return tuple(found)


def _line_problems(line: ReportedLine, asked: Asked) -> Iterator[Refusal]:
    n = line.position
    if line.claimed is None:
        yield Refusal(
            "claim_missing",
            Text(
                "Vul bij “{line}” in wat u hebt uitgegeven. Niets uitgegeven? Vul 0 in.",
                "Enter what you spent on “{line}”. Nothing? Enter 0.",
            ).fill(line=line.description),
            field=f"claimed-{n}",
            kind=Kind.INVALID,
        )
        return
    if asked.of_a_line and line.claimed and not line.files and not line.no_evidence.strip():
        yield Refusal(
            "evidence_missing",
            Text(
                "Voeg bij “{line}” een bewijs toe, of schrijf op waarom dat er niet is.",
                "Add proof for “{line}”, or write why there is none.",
            ).fill(line=line.description),
            field=f"evidence-{n}",
            kind=Kind.INVALID,
        )
    over = differs_much(line.budgeted, line.claimed, asked.explanation_over_bp)
    if over and not line.explanation.strip():
        yield Refusal(
            "explanation_missing",
            Text(
                "“{line}”: u gaf {difference} uit dan begroot. Boven {bound} verschil is uitleg nodig.",
                "“{line}”: you spent {difference} than budgeted. A difference over {bound} needs an explanation.",
            ).fill(
                line=line.description,
                difference=difference_text(line.budgeted, line.claimed),
                bound=percent_text(asked.explanation_over_bp),
            ),
            field=f"explanation-{n}",
            kind=Kind.INVALID,
        )


def _received_missing(row: Received) -> Refusal:
    return Refusal(
        "received_missing",
        Text(
            "Vul in hoeveel “{party}” echt meebetaalde. Niets? Vul 0 in.",
            "Enter how much “{party}” really paid. Nothing? Enter 0.",
        ).fill(party=row.party),
        field=f"received-{row.position}",
        kind=Kind.INVALID,
    )


def _missing(code: str, field: str, nl: str, en: str) -> Refusal:
    return Refusal(code, Text(nl, en), field=field, kind=Kind.INVALID)


def parts_of_a_fixed_amount(budget: Sequence[int], award: int) -> list[int]:
    """Divide a fixed amount over the lines of the budget, to the cent: what each part of the plan is worth."""
    if not sum(budget):
        return [award if n == 0 else 0 for n in range(len(budget))]
    return scale(budget, award)
