"""Money that is asked back (terugvordering): the claim, its term, instalments, set-off, and giving it up.

What is still open is never kept here: it stands in the ledger's account `receivable`. Sources: Awb 4:57 (recover; set
off only for the same recipient, the same activities and another period; five years), 4:86, 4:87 and 4:95 (decision,
term), 4:93 (set-off is told), 4:94 (deferral); domain.md section 1, rule 27.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum, auto
from itertools import pairwise

from fundapp.domain.days import day_text
from fundapp.domain.flow import Flow, Given, Look, Mail, Tone, Transition, needs
from fundapp.domain.money import euro, scale
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.term import Length
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where a claim stands."""

    OPEN = "open"  # too small to be asked back without a thought, or about to be
    CLAIMED = "claimed"
    WRITE_OFF_PROPOSED = "write_off_proposed"
    CLEARED = "cleared"
    WRITTEN_OFF = "written_off"
    WAIVED = "waived"


DONE = frozenset({State.CLEARED, State.WRITTEN_OFF, State.WAIVED})
"""Nothing is asked any more. A case may have a later claim, after a new look at a decision."""


class Effect(Enum):
    """What a transition does besides the state."""

    CLAIM = auto()  # the term, the letter
    AGREE_SCHEDULE = auto()
    SET_OFF = auto()
    PROPOSE_WRITE_OFF = auto()
    KEEP = auto()
    WRITE_OFF = auto()  # ledger
    FINISH = auto()  # the term ends; the case may be settled by it


MOST_PARTS = 36
"""Three years of monthly instalments."""

YEARS = 5
"""Awb 4:57, fourth paragraph: until five years after the final amount."""


# --- instalments ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment of what is paid back. cents: more than nothing."""

    number: int
    cents: int
    due_on: date


@dataclass(frozen=True, slots=True)
class PartStanding:
    """An instalment with what came in for it (cents)."""

    part: Part
    received: int

    @property
    def open(self) -> int:
        """What is still to come for it."""
        return self.part.cents - self.received


def equal_parts(cents: int, number: int, first: date, *, months: int = 1) -> tuple[Part, ...]:
    """Divide an amount (cents) into so many instalments that sum to it exactly; the odd cents come first.

    first: the day of the first one; the others follow every so many months, on the same day or a month's last.
    """
    return tuple(
        Part(n, share, first if n == 1 else Length(months=months * (n - 1)).last_day(first))
        for n, share in enumerate(scale([1] * number, cents), 1)
    )


def standing(parts: Sequence[Part], received: int) -> tuple[PartStanding, ...]:
    """Return each instalment with what came in for it: whatever was received (cents) goes to the oldest first."""
    found = []
    for part in parts:
        taken = min(part.cents, received)
        received -= taken
        found.append(PartStanding(part, taken))
    return tuple(found)


def next_due(parts: Sequence[Part], received: int) -> date | None:
    """By when the next amount must be in; None when all of it is."""
    return next((one.part.due_on for one in standing(parts, received) if one.open), None)


def schedule_refusals(parts: Sequence[Part], open_cents: int, today: date) -> list[Refusal]:
    """Why these instalments cannot be agreed for what is still open (cents); empty: they can."""
    found: list[Refusal] = []
    if not 2 <= len(parts) <= min(MOST_PARTS, max(open_cents, 2)):
        found.append(
            _invalid(
                "parts_number",
                "number",
                "Kies 2 tot en met {most} termijnen.",
                "Choose 2 to {most} instalments.",
                most=min(MOST_PARTS, open_cents),
            )
        )
    elif any(part.cents <= 0 for part in parts):
        found.append(
            _invalid("part_empty", "by_hand", "Elke termijn is meer dan nul.", "Each instalment is more than nothing.")
        )
    elif (total := sum(part.cents for part in parts)) != open_cents:
        found.append(
            _invalid(
                "parts_sum",
                "by_hand",
                "De termijnen zijn samen {total}. Er staat {open} open. Maak het precies gelijk.",
                "The instalments are {total} together. {open} is open. Make it exactly equal.",
                total=euro(total),
                open=euro(open_cents),
            )
        )
    days = [part.due_on for part in parts]
    if days and (days[0] < today or any(a >= b for a, b in pairwise(days))):
        found.append(
            _invalid(
                "parts_days",
                "first",
                "Elke termijn valt later dan de vorige, en de eerste niet vóór {today}.",
                "Each instalment is later than the one before, and the first not before {today}.",
                today=day_text(today),
            )
        )
    return found


# --- set-off ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """When a project runs; None: not known."""

    starts_on: date | None
    ends_on: date | None

    def overlaps(self, other: Period) -> bool:
        """Whether two periods may share a day: nothing that is known keeps them apart."""
        apart = (
            self.ends_on is not None and other.starts_on is not None and self.ends_on < other.starts_on,
            other.ends_on is not None and self.starts_on is not None and other.ends_on < self.starts_on,
        )
        return not any(apart)


@dataclass(frozen=True, slots=True)
class SetOffTarget:
    """Another award of the same recipient of which something is still to be paid (cents)."""

    ref: str
    board: str
    fund: str
    period: Period
    payable: int


def set_off_refusals(
    target: SetOffTarget | None, *, board: str, fund: str, period: Period, cents: int, open_cents: int, same_work: bool
) -> list[Refusal]:
    """Why a claim cannot be set off against this award (Awb 4:57, third paragraph); empty: it can.

    same_work: somebody stated that it is money for the same activities; a system cannot see that.
    """
    if target is None or target.payable <= 0:
        return [
            _invalid(
                "nothing_to_set_off",
                "target",
                "Bij deze aanvraag staat niets klaar om te betalen. Kies een andere.",
                "Nothing is due to be paid for this application. Choose another.",
            )
        ]
    found: list[Refusal] = []
    if target.board != board:
        found.append(
            _invalid(
                "other_recipient",
                "target",
                "Dit is een ander bestuur. Verrekenen mag alleen met geld voor hetzelfde bestuur.",
                "This is another board. Set-off is allowed only with money for the same board.",
            )
        )
    if target.fund != fund or not same_work:
        found.append(
            _invalid(
                "other_activities",
                "same_work",
                "Verrekenen mag alleen met geld voor dezelfde activiteiten. Kijk dat na en zet het vinkje.",
                "Set-off is allowed only with money for the same activities. Check that, and tick the box.",
            )
        )
    if period.overlaps(target.period):
        found.append(
            _invalid(
                "same_period",
                "target",
                "Deze projecten lopen (deels) tegelijk. Verrekenen mag alleen met een ander tijdvak.",
                "These projects run (partly) at the same time. Set-off needs another period.",
            )
        )
    most = min(open_cents, target.payable)
    if not 0 < cents <= most:
        found.append(
            _invalid(
                "set_off_amount",
                "amount",
                "U kunt hoogstens {most} verrekenen. Vul een bedrag in dat past.",
                "You can set off {most} at most. Enter an amount that fits.",
                most=euro(most),
            )
        )
    return found


def _invalid(code: str, field: str, nl: str, en: str, **values: object) -> Refusal:
    shown = {name: value if isinstance(value, Text) else same(str(value)) for name, value in values.items()}
    return Refusal(code, Text(nl, en).fill(**shown), field=field, kind=Kind.INVALID)


# --- the flow ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards of a claim ask. Amounts in cents; `today` is the Amsterdam date.

    open: what is still to be received, by the ledger. worth_from: below this the fund asks whether recovering is worth
    it. proposed_by_id: who proposed to write it off. determined_on: the day of the final amount (or of the revocation).
    targets: what it may be set off against, by reference. board, fund, period: of the case that it belongs to.
    """

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    today: date
    cents: int
    open: int
    worth_from: int
    determined_on: date
    board: str
    fund: str
    period: Period
    targets: tuple[SetOffTarget, ...] = ()
    proposed_by_id: int | None = None

    def target(self, ref: str) -> SetOffTarget | None:
        """The award with this reference that it may be set off against."""
        return next((one for one in self.targets if one.ref == ref), None)


def within_five_years(facts: Facts, _given: Given | None) -> Refusal | None:
    """Awb 4:57, fourth paragraph."""
    last = Length(months=12 * YEARS).last_day(facts.determined_on)
    if facts.today <= last:
        return None
    return Refusal(
        "five_years",
        Text(
            "Terugvragen kon tot en met {last}: vijf jaar na het eindbedrag. Schrijf het bedrag af.",
            "It could be asked back up to and including {last}: five years. Write it off.",
        ).fill(last=day_text(last)),
    )


def a_small_amount(facts: Facts, _given: Given | None) -> Refusal | None:
    """Only below the fund's threshold may one person let it be."""
    if facts.open < facts.worth_from:
        return None
    return Refusal(
        "not_small",
        Text(
            "Dit is {bound} of meer. Vraag het terug, of laat twee mensen het afboeken.",
            "This is {bound} or more. Ask it back, or let two people write it off.",
        ).fill(bound=same(euro(facts.worth_from))),
    )


def something_is_open(facts: Facts, _given: Given | None) -> Refusal | None:
    """There must be something left to ask for."""
    if facts.open > 0:
        return None
    return Refusal("nothing_open", Text("Er staat niets meer open.", "Nothing is open any more."))


def nothing_is_open(facts: Facts, _given: Given | None) -> Refusal | None:
    """Cleared means: to the last cent."""
    if not facts.open:
        return None
    return Refusal(
        "still_open",
        Text("Er staat nog {open} open.", "{open} is still open.").fill(open=same(euro(facts.open))),
    )


def the_schedule_fits(facts: Facts, given: Given | None) -> Refusal | None:
    """The instalments sum to what is open, to the cent."""
    if given is None:
        return None
    return next(iter(schedule_refusals(tuple(given.get("parts") or ()), facts.open, facts.today)), None)


def the_law_allows_set_off(facts: Facts, given: Given | None) -> Refusal | None:
    """Same recipient, same activities, other period (Awb 4:57, third paragraph)."""
    if given is None:
        if facts.targets:
            return None
        return Refusal(
            "no_set_off",
            Text(
                "Dit bestuur krijgt van ons geen ander geld waarmee u mag verrekenen.",
                "This board gets no other money from us that it could be set off against.",
            ),
        )
    found = set_off_refusals(
        facts.target(str(given.get("target") or "")),
        board=facts.board,
        fund=facts.fund,
        period=facts.period,
        cents=int(given.get("amount_cents") or 0),
        open_cents=facts.open,
        same_work=bool(given.get("same_work")),
    )
    return found[0] if found else None


def not_the_proposer(facts: Facts, _given: Given | None) -> Refusal | None:
    """Two people write off; the database refuses the same one as well."""
    if facts.proposed_by_id is None or facts.proposed_by_id != facts.actor_id:
        return None
    return Refusal(
        "proposer_writes_off",
        Text(
            "U stelde zelf voor om dit af te boeken. Vraag een collega om akkoord.",
            "You proposed this write-off yourself. Ask a colleague to agree.",
        ),
    )


def _states(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


_FINANCE = frozenset({Role.FINANCE})
_WHY = needs("explanation", Text("Schrijf op waarom.", "Write why."))

T = Transition[Facts]

FLOW: Flow[Facts] = Flow(
    kind="recovery",
    label=Text("terugvordering", "recovery"),
    initial=State.OPEN,
    looks={
        State.OPEN: Look(Text("Nog niet gevraagd", "Not asked yet"), Tone.WAITING, "question"),
        State.CLAIMED: Look(Text("Teruggevraagd", "Asked back"), Tone.WAITING, "return"),
        State.WRITE_OFF_PROPOSED: Look(Text("Afboeken voorgesteld", "Write-off proposed"), Tone.WAITING, "clock"),
        State.CLEARED: Look(Text("Voldaan", "Cleared"), Tone.POSITIVE, "done", final=True),
        State.WRITTEN_OFF: Look(Text("Afgeboekt", "Written off"), Tone.NEUTRAL, "stop", final=True),
        State.WAIVED: Look(Text("Niet teruggevraagd", "Not asked back"), Tone.NEUTRAL, "dash", final=True),
    },
    transitions=(
        T(
            name="claim",
            label=Text("Verzoek versturen", "Send the request"),
            past=Text("teruggevraagd", "asked back"),
            tone=Tone.DECISION,
            source=_states(State.OPEN),
            target=State.CLAIMED,
            who=frozenset({Role.FINANCE, Role.SYSTEM}),
            guards=(something_is_open, within_five_years),
            effects=(Effect.CLAIM,),
            mail=(Mail("recovery_claimed", Role.APPLICANT),),
            hint=Text("De school krijgt een brief met de termijn.", "The school gets a letter with the term."),
        ),
        T(
            name="waive",
            label=Text("Niet terugvragen", "Do not ask back"),
            past=Text("niet teruggevraagd", "not asked back"),
            tone=Tone.NEGATIVE,
            source=_states(State.OPEN),
            target=State.WAIVED,
            who=_FINANCE,
            asks="reason",
            guards=(a_small_amount, _WHY),
            effects=(Effect.WRITE_OFF, Effect.FINISH),
            mail=(Mail("recovery_waived", Role.APPLICANT),),
            hint=Text(
                "Het bedrag is zo klein dat terugvragen niet hoeft. De school mag het houden.",
                "The amount is so small that it need not be asked back. The school may keep it.",
            ),
        ),
        T(
            name="agree_schedule",
            label=Text("Betaling in termijnen afspreken", "Agree instalments"),
            past=Text("termijnen afgesproken", "instalments agreed"),
            tone=Tone.INFO,
            source=_states(State.CLAIMED),
            target=None,
            who=_FINANCE,
            asks="schedule",
            guards=(something_is_open, the_schedule_fits),
            effects=(Effect.AGREE_SCHEDULE,),
            mail=(Mail("recovery_schedule", Role.APPLICANT),),
            hint=Text(
                "Samen precies het bedrag dat openstaat. De school krijgt een brief.",
                "Together exactly what is open. The school gets a letter.",
            ),
        ),
        T(
            name="set_off",
            label=Text("Verrekenen met een andere betaling", "Set off against another payment"),
            past=Text("verrekend", "set off"),
            tone=Tone.DECISION,
            source=_states(State.CLAIMED),
            target=None,
            who=_FINANCE,
            asks="set_off",
            guards=(something_is_open, within_five_years, the_law_allows_set_off),
            effects=(Effect.SET_OFF,),
            mail=(Mail("recovery_set_off", Role.APPLICANT),),
            hint=Text(
                "Dit mag alleen bij hetzelfde bestuur, dezelfde activiteiten en een ander tijdvak.",
                "Only for the same board, the same activities and another period.",
            ),
        ),
        T(
            name="propose_write_off",
            label=Text("Afboeken voorstellen", "Propose a write-off"),
            past=Text("afboeken voorgesteld", "write-off proposed"),
            tone=Tone.NEGATIVE,
            source=_states(State.CLAIMED),
            target=State.WRITE_OFF_PROPOSED,
            who=_FINANCE,
            asks="reason",
            guards=(something_is_open, _WHY),
            effects=(Effect.PROPOSE_WRITE_OFF,),
            hint=Text("Een collega moet akkoord geven.", "A colleague must agree."),
        ),
        T(
            name="keep",
            label=Text("Niet afboeken", "Do not write off"),
            past=Text("niet afgeboekt", "not written off"),
            tone=Tone.NEUTRAL,
            source=_states(State.WRITE_OFF_PROPOSED),
            target=State.CLAIMED,
            who=_FINANCE,
            asks="reason",
            guards=(_WHY,),
            effects=(Effect.KEEP,),
        ),
        T(
            name="write_off",
            label=Text("Afboeken", "Write off"),
            past=Text("afgeboekt", "written off"),
            tone=Tone.DECISION,
            source=_states(State.WRITE_OFF_PROPOSED),
            target=State.WRITTEN_OFF,
            who=_FINANCE,
            guards=(not_the_proposer, something_is_open),
            effects=(Effect.WRITE_OFF, Effect.FINISH),
            mail=(Mail("recovery_written_off", Role.APPLICANT),),
            hint=Text("Dit kunt u niet terugdraaien. De school krijgt een brief.", "This cannot be undone."),
        ),
        T(
            name="clear",
            label=Text("Voldaan", "Cleared"),
            past=Text("voldaan", "cleared"),
            tone=Tone.POSITIVE,
            source=_states(State.OPEN, State.CLAIMED, State.WRITE_OFF_PROPOSED),
            target=State.CLEARED,
            who=frozenset({Role.SYSTEM}),
            guards=(nothing_is_open,),
            effects=(Effect.FINISH,),
        ),
    ),
)
