"""The final amount: from the school's accounts to the last cent, step by step, as finance does it on paper.

eligible cost → share of the fund → never more than the award → co-financing short → minus what was paid → balance.
Sources: Awb 4:46 (lower determination; costs that were not reasonably needed do not count), domain.md sections 2.5
(the three arrangements) and 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from fundapp.domain.money import WHOLE, euro, share
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.spec import percent_text
from fundapp.domain.text import Text, same


class Arrangement(StrEnum):
    """How a school accounts for the money (Aanwijzingen voor subsidieverstrekking, nr 7, 12 and 15)."""

    FIXED = "fixed"  # a fixed amount, determined ex officio after the project; proof only when it is asked
    ACTIVITY_REPORT = "activity_report"  # a fixed amount; the school reports on what it did, not on what it spent
    ACTUAL_COST = "actual_cost"  # what was really spent, line by line


class Hearing(StrEnum):
    """When a school is heard before its final amount is fixed (Awb 4:7, 4:12 paragraph 2)."""

    NEVER = "never"  # only a private rulebook can say so
    CUT = "cut"  # when costs that the school claimed do not count
    REDUCED = "reduced"  # then, and when it fell short of what it had to do: co-financing


CoFinancingBase = Literal["total_cost", "eligible_cost", "requested"]


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One budget line in the final accounts. Amounts in cents.

    accepted: what counts; None while finance has not looked: then all counts that the fund's rules allow.
    reason: why less counts; needed for each cut (ECLI:NL:RBAMS:2021:4087: say *which* costs). moved: what finance moved
    to this line from others (or, below zero, away). cap: the most of this line that the rules let count; None: no cap.
    eligible: whether the fund pays this kind of cost at all.
    """

    position: int
    description: str
    budgeted: int
    claimed: int
    accepted: int | None = None
    reason: str = ""
    moved: int = 0
    cap: int | None = None
    eligible: bool = True

    @property
    def base(self) -> int:
        """What stands on this line, in cents: what was claimed, with what was moved."""
        return self.claimed + self.moved

    @property
    def allowed(self) -> int:
        """The most that can count by the fund's rules, in cents."""
        if not self.eligible:
            return 0
        return self.base if self.cap is None else min(self.base, self.cap)

    @property
    def by_rule(self) -> int:
        """What the fund's rules leave out, in cents, whoever judges it."""
        return self.base - self.allowed

    @property
    def counts(self) -> int:
        """The amount that counts, in cents."""
        return self.allowed if self.accepted is None else self.accepted

    @property
    def cut(self) -> int:
        """What the rules allow and finance does not accept, in cents."""
        return self.allowed - self.counts

    def judged(self, accepted: int, reason: str) -> AccountLine:
        """The same line with what finance accepts (cents); where only the rules leave something out, they say why."""
        why = self.rule_reason
        given = reason.strip() or (why.nl if why is not None and accepted == self.allowed else "")
        return replace(self, accepted=accepted, reason=given)

    @property
    def rule_reason(self) -> Text | None:
        """Why the rules leave part of this line out; None where they do not."""
        if not self.by_rule:
            return None
        if not self.eligible:
            return Text("Dit fonds betaalt deze soort kosten niet.", "This fund does not pay this kind of cost.")
        return Text(
            "Van deze post telt hoogstens {cap} mee. Dat staat in de regels van het fonds.",
            "At most {cap} of this line counts. The rules of the fund say so.",
        ).fill(cap=same(euro(self.cap or 0)))


@dataclass(frozen=True, slots=True)
class SettlementRules:
    """The fund's numbers.

    share_bp: the fund's share of eligible cost. co_financing_bp: what others must bear, of which base. line_cap_bp: how
    far a line may pass its budget and still count; None: no cap.
    """

    share_bp: int
    co_financing_bp: int = 0
    co_financing_base: CoFinancingBase = "eligible_cost"
    arrangement: Arrangement = Arrangement.ACTUAL_COST
    line_cap_bp: int | None = None

    @property
    def fixed(self) -> bool:
        """Whether the amount does not depend on what was spent."""
        return self.arrangement is not Arrangement.ACTUAL_COST

    def cap_of(self, budgeted: int) -> int | None:
        """Return the most of a line that can count, in cents; None where there is no cap."""
        if self.line_cap_bp is None or self.fixed:
            return None
        return budgeted + share(budgeted, self.line_cap_bp)


@dataclass(frozen=True, slots=True)
class Calculation:
    """The calculation of a final amount, in cents, each step kept so that the letter can show it.

    award: the most that it can be. held: what stands reserved for the case, paid or not. balance: what is still to be
    paid (positive) or to be paid back (negative). released: what comes free of what was reserved.
    """

    claimed: int
    by_rule: int
    cut: int
    eligible: int
    share_bp: int
    by_share: int
    award: int
    co_financing_needed: int
    co_financing_received: int
    co_financing_short: int
    determined: int
    paid: int
    held: int
    balance: int
    released: int
    limited_by: str
    fixed: bool = False

    @property
    def free_at_once(self) -> int:
        """What comes free on the day itself, in cents; the rest once the school has paid it back."""
        return self.released + min(0, self.balance)

    def as_dict(self) -> dict[str, Any]:
        """Return the steps as plain data, to be kept with the determination."""
        return asdict(self)

    def steps(self) -> list[tuple[Text, int]]:
        """The lines of the calculation in the order of the paper, amounts in cents; what is taken off is negative."""
        rows = self._fixed_steps() if self.fixed else self._cost_steps()
        rows += [
            (Text("Eindbedrag", "Final amount"), self.determined),
            (Text("Al betaald (voorschot)", "Already paid (advance)"), self.paid),
        ]
        word = (
            Text("Nog te betalen", "Still to be paid") if self.balance >= 0 else Text("Terug te betalen", "To pay back")
        )
        return [*rows, (word, abs(self.balance))]

    def _fixed_steps(self) -> list[tuple[Text, int]]:
        rows = [(Text("Vast bedrag", "Fixed amount"), self.award)]
        if self.cut:
            rows.append((Text("Niet uitgevoerd", "Not carried out"), self.determined - self.award))
        return rows

    def _cost_steps(self) -> list[tuple[Text, int]]:
        rows = [(Text("Opgegeven kosten", "Costs claimed"), self.claimed)]
        if self.by_rule:
            rows.append((Text("Buiten de regels van het fonds", "Outside the fund's rules"), -self.by_rule))
        if self.cut:
            rows.append((Text("Niet geaccepteerd", "Not accepted"), -self.cut))
        rows += [
            (Text("Kosten die meetellen", "Costs that count"), self.eligible),
            (
                Text("Aandeel van het fonds ({share})", "Share of the fund ({share})").fill(
                    share=percent_text(self.share_bp)
                ),
                self.by_share,
            ),
            (Text("Hoogstens toegekend", "Awarded at most"), self.award),
        ]
        if self.co_financing_short:
            rows.append(
                (
                    Text(
                        "Te weinig cofinanciering ({received} van {needed})",
                        "Co-financing short ({received} of {needed})",
                    ).fill(
                        received=same(euro(self.co_financing_received)), needed=same(euro(self.co_financing_needed))
                    ),
                    -self.co_financing_short,
                )
            )
        return rows


def calculate(
    lines: Sequence[AccountLine],
    *,
    rules: SettlementRules,
    award: int,
    paid: int,
    held: int | None = None,
    co_financing_received: int | None = None,
) -> Calculation:
    """Return the final amount of a case. All amounts in cents.

    award: the most that it can be. held: what is reserved for the case; None: the award. co_financing_received: what
    others really paid; None where the fund does not ask it: the rest of the cost (cost minus grant) is then borne by
    others by definition, and cannot be short.
    """
    held = award if held is None else held
    eligible = sum(line.counts for line in lines)
    cut = sum(line.cut for line in lines)
    share_bp = WHOLE if rules.fixed else rules.share_bp
    by_share = share(eligible, share_bp)
    before = min(by_share, award)
    base = {
        "eligible_cost": eligible,
        "total_cost": sum(line.base for line in lines) - cut,
        "requested": before,
    }[rules.co_financing_base]
    needed = 0 if rules.fixed else share(base, rules.co_financing_bp)
    received = base - before if co_financing_received is None else co_financing_received
    short = 0 if co_financing_received is None else max(0, needed - received)
    determined = max(0, before - short)
    limited_by = "award" if by_share > award else "share"
    if short:
        limited_by = "co_financing"
    return Calculation(
        claimed=sum(line.claimed for line in lines),
        by_rule=sum(line.by_rule for line in lines),
        cut=cut,
        eligible=eligible,
        share_bp=share_bp,
        by_share=by_share,
        award=award,
        co_financing_needed=needed,
        co_financing_received=received,
        co_financing_short=short,
        determined=determined,
        paid=paid,
        held=held,
        balance=determined - paid,
        released=held - determined,
        limited_by=limited_by,
        fixed=rules.fixed,
    )


def must_be_heard(calculation: Calculation, hearing: Hearing) -> bool:
    """Whether the school is heard before this amount is fixed (Awb 4:7: on figures that differ from its own)."""
    if hearing is Hearing.NEVER:
        return False
    return calculation.cut > 0 or (hearing is Hearing.REDUCED and calculation.co_financing_short > 0)


# --- judging the lines ------------------------------------------------------------------------------------------------


def line_refusals(lines: Sequence[AccountLine]) -> list[Refusal]:
    """What is wrong with the lines as finance judged them: a cut without a reason, or more than the rules let count."""
    found: list[Refusal] = []
    for line in lines:
        if line.counts > line.allowed or line.counts < 0:
            found.append(_too_high(line))
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


def _too_high(line: AccountLine) -> Refusal:
    words = Text(
        "Regel {n}: er kan niet meer meetellen dan {most}. Pas het bedrag aan.",
        "Line {n}: no more than {most} can count. Change the amount.",
    ).fill(n=line.position, most=same(euro(line.allowed)))
    if line.rule_reason is not None:
        words = Text("{words} {why}", "{words} {why}").fill(words=words, why=line.rule_reason)
    code = "accepted_over_cap" if 0 <= line.counts <= line.base else "accepted_too_high"
    return Refusal(code, words, field=f"accepted-{line.position}", kind=Kind.INVALID)


def move_refusals(lines: Sequence[AccountLine], source: int, target: int, cents: int, reason: str) -> list[Refusal]:
    """Why an amount (cents) cannot be moved from one line of the accounts to another (positions); empty: it can."""
    known = {line.position: line for line in lines}
    found: list[Refusal] = []
    if source not in known or target not in known or source == target:
        found.append(
            _invalid("lines_unknown", "target", "Kies twee verschillende regels.", "Choose two different lines.")
        )
    elif not 0 < cents <= known[source].base:
        found.append(
            Refusal(
                "move_too_large",
                Text(
                    "Op regel {n} staat {base}. Vul een bedrag in dat daarin past.",
                    "Line {n} holds {base}. Enter an amount that fits.",
                ).fill(n=source, base=same(euro(known[source].base))),
                field="amount",
                kind=Kind.INVALID,
            )
        )
    if not reason.strip():
        found.append(
            _invalid(
                "reason_missing",
                "why",
                "Schrijf op waarom u dit verplaatst. De school leest dit.",
                "Write why you move this. The school reads it.",
            )
        )
    return found


def _invalid(code: str, field: str, nl: str, en: str) -> Refusal:
    return Refusal(code, Text(nl, en), field=field, kind=Kind.INVALID)


def grant(requested: int, *, cost: int, share_bp: int, maximum: int | None) -> int:
    """What an application can be granted at most: min(requested, maximum, share of eligible cost), in cents."""
    return min(requested, share(cost, min(share_bp, WHOLE)), *([maximum] if maximum is not None else []))
