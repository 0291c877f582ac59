"""The payment scheme of an award: which instalments, how much each, and what each still waits for.

The advance is a share of the award, paid in instalments: at the award, on a date, or after proof. What is left is paid
after the determination. All instalments together are the award, to the cent. Sources: Awb 4:87 (pay within six weeks),
4:95 (advances), domain.md section 1 (rules 22 and 23).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fundapp.domain.days import day_text
from fundapp.domain.flow import Given, Look, Tone
from fundapp.domain.fund_parts import Advance, Proof
from fundapp.domain.money import scale, share
from fundapp.domain.payment import Condition, InstalmentState, Purpose
from fundapp.domain.refusal import Refusal
from fundapp.domain.term import TermRule
from fundapp.domain.term import due as due_by
from fundapp.domain.text import Text, same


@dataclass(frozen=True, slots=True)
class Planned:
    """One instalment of a scheme. cents: its amount. share_bp: its share of the award, None for what is left.

    payable_on: from when it can be paid; due_on: by when. Both None while it waits for proof or the determination.
    proof: what the school must show first.
    """

    number: int
    purpose: Purpose
    condition: Condition
    share_bp: int | None
    cents: int
    payable_on: date | None = None
    due_on: date | None = None
    proof: Proof | None = None


def amounts(advance: Advance, award: int) -> tuple[list[int], int]:
    """Return the cents of each instalment of the advance, and what is left for after the determination.

    The advance as a whole is rounded by the product's one rule; its instalments share it by largest remainder. So they
    sum to the advance exactly, and with the rest to the award.
    """
    total = share(award, advance.share_bp)
    return scale([part.share_bp for part in advance.instalments], total), award - total


def plan(advance: Advance, award: int, *, awarded_on: date, rule: TermRule) -> list[Planned]:
    """Return the instalments of an award (cents), those of zero left out; numbered from 1.

    rule: within which term an amount is paid once it can be (Awb 4:87), under the fund's legal profile.
    """
    parts, rest = amounts(advance, award)
    found = []
    for spec, cents in zip(advance.instalments, parts, strict=True):
        payable, due = None, None
        condition = Condition(spec.when)
        if condition is not Condition.PROOF:
            payable, due = dates(spec.date, awarded_on, rule)
        found.append(Planned(0, Purpose.ADVANCE, condition, spec.share_bp, cents, payable, due, spec.proof))
    found.append(Planned(0, Purpose.FINAL, Condition.DETERMINATION, None, rest))
    return [_numbered(one, number) for number, one in enumerate((one for one in found if one.cents > 0), 1)]


def _numbered(one: Planned, number: int) -> Planned:
    return Planned(number, one.purpose, one.condition, one.share_bp, one.cents, one.payable_on, one.due_on, one.proof)


def dates(agreed: date | None, known_on: date, rule: TermRule) -> tuple[date, date]:
    """Return from when and by when an amount is paid.

    agreed: the day in the decision, if any: then it is paid on that day. known_on: the day on which it became clear
    that it must be paid; the term counts from the day after.
    """
    if agreed is not None and agreed > known_on:
        return agreed, agreed
    return known_on, due_by(rule, known_on).due_on


def spread(cents: Sequence[int], total: int) -> list[int]:
    """Return new amounts for instalments that are not paid yet, so that they sum to `total` (cents, zero or more)."""
    if not cents or not any(cents):
        return [0] * len(cents)
    return scale(cents, total)


# --- where an instalment stands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides where one instalment stands today.

    held_until: the last day of a payment hold on its case. returned: why the bank sent it back last time. proof: what
    the school must show, in words; proof_sent: it did, and nobody has looked yet.
    """

    state: InstalmentState
    condition: Condition
    payable_on: date | None
    due_on: date | None
    held_until: date | None = None
    returned: Text | None = None
    proof: Text | None = None
    proof_sent: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How an instalment is shown, and why it is not paid yet or when it will be. payable: it can be ordered today."""

    look: Look
    sentence: Text
    payable: bool = False


_DONE = {
    InstalmentState.PAID: Standing(Look(Text("Betaald", "Paid"), Tone.POSITIVE, "check"), same("")),
    InstalmentState.ORDERED: Standing(
        Look(Text("Onderweg", "On its way"), Tone.INFO, "sent"),
        Text("De opdracht gaat naar de bank.", "The order goes to the bank."),
    ),
    InstalmentState.SET_OFF: Standing(
        Look(Text("Verrekend", "Set off"), Tone.POSITIVE, "check"),
        Text("Wij hielden dit af van wat u moest terugbetalen.", "We took this off what you had to pay back."),
    ),
    InstalmentState.DROPPED: Standing(
        Look(Text("Vervallen", "Dropped"), Tone.NEUTRAL, "dash"), Text("Dit is niet meer nodig.", "No longer needed.")
    ),
}
_LATER = Look(Text("Nog niet", "Not yet"), Tone.NEUTRAL, "clock")
_HELD = Look(Text("Aangehouden", "On hold"), Tone.WAITING, "lock")


def standing(one: Situation, today: date) -> Standing:
    """Return where an instalment stands on a day, in words."""
    if one.state in _DONE:
        return _DONE[one.state]
    if one.held_until is not None and one.held_until >= today:
        held = Text(
            "Wij betalen niet vóór {day}. Wij zoeken eerst iets uit.",
            "We do not pay before {day}. We are looking into something first.",
        )
        return Standing(_HELD, held.fill(day=day_text(date.fromordinal(one.held_until.toordinal() + 1))))
    if one.payable_on is None or one.due_on is None:
        return Standing(_LATER, _waits_for(one))
    if one.payable_on > today:
        return Standing(_LATER, Text("Wij betalen op {day}.", "We pay on {day}.").fill(day=day_text(one.payable_on)))
    if one.returned is not None:
        look = Look(Text("Teruggekomen", "Returned"), Tone.NEGATIVE, "return")
        back = Text("De bank stuurde de betaling terug: {why}.", "The bank sent the payment back: {why}.")
        return Standing(look, back.fill(why=one.returned), payable=True)
    when = Text("Wij betalen uiterlijk {day}.", "We pay by {day}.").fill(day=day_text(one.due_on))
    if one.due_on < today:
        return Standing(Look(Text("Te laat", "Late"), Tone.NEGATIVE, "alert"), when, payable=True)
    return Standing(Look(Text("Te betalen", "To be paid"), Tone.INFO, "euro"), when, payable=True)


def _waits_for(one: Situation) -> Text:
    if one.condition is Condition.DETERMINATION:
        return Text(
            "Wij betalen dit nadat het eindbedrag vaststaat. Het kan dan minder zijn.",
            "We pay this once the final amount is fixed. It can be less by then.",
        )
    what = one.proof or Text("het bewijs", "the proof")
    if one.proof_sent:
        return Text("Wij bekijken nu: {what}.", "We are looking at: {what}.").fill(what=what)
    return Text("Wij betalen na goedkeuring van: {what}.", "We pay after approval of: {what}.").fill(what=what)


# --- guard: of whatever flow has these facts --------------------------------------------------------------------------


class OrderedFacts(Protocol):
    """in_batch: the payment batch, not approved yet, that a payment to this case is in; None: there is none."""

    @property
    def in_batch(self) -> str | None: ...


def no_payment_in_a_batch(facts: OrderedFacts, _given: Given | None) -> Refusal | None:
    """A final amount is reckoned with what was paid, so nothing may be about to be paid."""
    if facts.in_batch is None:
        return None
    return Refusal(
        "payment_in_batch",
        Text(
            "Een betaling aan deze school staat in betaalrun {batch}. Haal haar daar eerst uit, of betaal eerst.",
            "A payment to this school is in batch {batch}. Take it out first, or pay first.",
        ).fill(batch=same(facts.in_batch)),
    )
