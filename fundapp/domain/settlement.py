"""The final amount: from the school's accounts to the last cent, step by step, as finance does it on paper.

eligible cost → share of the fund → never more than the award → co-financing short → minus what was paid → balance.
Sources: Awb 4:46 (lower determination; costs that were not reasonably needed do not count), domain.md section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fundapp.domain.money import WHOLE, euro, share
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text, same


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One budget line in the final accounts. Amounts in cents.

    accepted: what counts; None while finance has not looked: then all that was claimed counts.
    reason: why less counts than was claimed; needed for each cut (ECLI:NL:RBAMS:2021:4087: say *which* costs).
    """

    position: int
    description: str
    budgeted: int
    claimed: int
    accepted: int | None = None
    reason: str = ""

    @property
    def counts(self) -> int:
        """The amount that counts, in cents."""
        return self.claimed if self.accepted is None else self.accepted

    @property
    def cut(self) -> int:
        """What was claimed and does not count, in cents."""
        return self.claimed - self.counts


@dataclass(frozen=True, slots=True)
class SettlementRules:
    """The fund's numbers. share_bp: the fund's share of eligible cost; co_financing_bp: what others must bear."""

    share_bp: int
    co_financing_bp: int = 0


@dataclass(frozen=True, slots=True)
class Calculation:
    """The calculation of a final amount, in cents, each step kept so that the letter can show it.

    balance: what is still to be paid (positive) or to be paid back (negative).
    released: the part of the award that comes free.
    """

    claimed: int
    eligible: int
    by_share: int
    award: int
    co_financing_needed: int
    co_financing_received: int
    co_financing_short: int
    determined: int
    paid: int
    balance: int
    released: int
    limited_by: str
    cut: int

    def as_dict(self) -> dict[str, Any]:
        """Return the steps as plain data, to be kept with the determination."""
        return asdict(self)

    def steps(self) -> list[tuple[Text, int]]:
        """The lines of the calculation in the order of the paper, amounts in cents."""
        rows = [
            (Text("Opgegeven kosten", "Costs claimed"), self.claimed),
            (Text("Kosten die meetellen", "Costs that count"), self.eligible),
            (Text("Aandeel van het fonds", "Share of the fund"), self.by_share),
            (Text("Hoogstens toegekend", "Awarded at most"), self.award),
        ]
        if self.co_financing_short:
            rows.append((Text("Te weinig cofinanciering", "Co-financing short"), -self.co_financing_short))
        rows += [
            (Text("Eindbedrag", "Final amount"), self.determined),
            (Text("Al betaald (voorschot)", "Already paid (advance)"), self.paid),
        ]
        word = (
            Text("Nog te betalen", "Still to be paid") if self.balance >= 0 else Text("Terug te betalen", "To pay back")
        )
        return [*rows, (word, abs(self.balance))]


def calculate(
    lines: Sequence[AccountLine],
    *,
    rules: SettlementRules,
    award: int,
    paid: int,
    co_financing_received: int | None = None,
) -> Calculation:
    """Return the final amount of a case. All amounts in cents.

    co_financing_received: what others really paid; None where the fund does not ask it: the rest of the cost (cost
    minus grant) is then borne by others by definition, and cannot be short.
    """
    eligible = sum(line.counts for line in lines)
    by_share = share(eligible, rules.share_bp)
    before = min(by_share, award)
    needed = share(eligible, rules.co_financing_bp)
    received = eligible - before if co_financing_received is None else co_financing_received
    short = 0 if co_financing_received is None else max(0, needed - received)
    determined = max(0, before - short)
    limited_by = "award" if by_share > award else "share"
    if short:
        limited_by = "co_financing"
    return Calculation(
        claimed=sum(line.claimed for line in lines),
        eligible=eligible,
        by_share=by_share,
        award=award,
        co_financing_needed=needed,
        co_financing_received=received,
        co_financing_short=short,
        determined=determined,
        paid=paid,
        balance=determined - paid,
        released=award - determined,
        limited_by=limited_by,
        cut=sum(line.cut for line in lines),
    )


def line_refusals(lines: Sequence[AccountLine]) -> list[Refusal]:
    """What is wrong with the lines as finance judged them: each cut has a reason, none counts more than was claimed."""
    found: list[Refusal] = []
    for line in lines:
        if line.counts > line.claimed or line.counts < 0:
            found.append(
                Refusal(
                    "accepted_too_high",
                    Text(
                        "Regel {n}: er kan niet meer meetellen dan {claimed}. Pas het bedrag aan.",
                        "Line {n}: no more than {claimed} can count. Change the amount.",
                    ).fill(n=line.position, claimed=same(euro(line.claimed))),
                    field=f"accepted-{line.position}",
                    kind=Kind.INVALID,
                )
            )
        elif line.cut and not line.reason.strip():
            found.append(
                Refusal(
                    "cut_without_reason",
                    Text(
                        "Regel {n}: schrijf op waarom {cut} niet meetelt. De school leest dit.",
                        "Line {n}: write why {cut} does not count. The school reads this.",
                    ).fill(n=line.position, cut=same(euro(line.cut))),
                    field=f"reason-{line.position}",
                    kind=Kind.INVALID,
                )
            )
    return found


def grant(requested: int, *, cost: int, share_bp: int, maximum: int | None) -> int:
    """What an application can be granted at most: min(requested, maximum, share of eligible cost), in cents."""
    return min(requested, share(cost, min(share_bp, WHOLE)), *([maximum] if maximum is not None else []))
