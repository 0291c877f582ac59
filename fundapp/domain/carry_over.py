"""Free money of a tranche that goes to a later one of the same fund: one person proposes it, another books it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from fundapp.domain.flow import Flow, Given, Look, Tone, Transition, needs
from fundapp.domain.money import euro
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where a carry-over stands."""

    PROPOSED = "proposed"
    BOOKED = "booked"
    REFUSED = "refused"


class Effect(Enum):
    """What a transition does besides the state."""

    CARRY_OVER = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards ask. cents: the amount; can_go: how much can leave the source now; problem: why nothing can."""

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    proposed_by_id: int
    cents: int
    can_go: int
    problem: Refusal | None = None


def not_the_proposer(facts: Facts, _given: Given | None) -> Refusal | None:
    """Two people carry money over; the database refuses the same one as well."""
    if facts.proposed_by_id != facts.actor_id:
        return None
    return Refusal(
        "proposer_carries",
        Text(
            "U stelde deze overdracht voor. Laat een collega haar bevestigen.",
            "You proposed this carry-over. Let a colleague confirm it.",
        ),
    )


def both_tranches_live(facts: Facts, _given: Given | None) -> Refusal | None:
    """Neither is closed, or about to be."""
    return facts.problem


def the_money_is_free(facts: Facts, _given: Given | None) -> Refusal | None:
    """What applications that wait for a decision may still need stays where it is."""
    return too_much(facts.cents, facts.can_go)


def too_much(cents: int, can_go: int) -> Refusal | None:
    """Return why so much cannot leave a tranche, or None."""
    if cents <= can_go:
        return None
    return Refusal(
        "not_enough_free",
        Text(
            "Er kan nu hoogstens {most} weg. Andere aanvragen wachten nog op een besluit of een aanbod.",
            "At most {most} can leave now. Other applications still wait for a decision or an offer.",
        ).fill(most=same(euro(can_go))),
        field="amount",
    )


T = Transition[Facts]
_WHO = frozenset({Role.FINANCE, Role.COORDINATOR})

FLOW: Flow[Facts] = Flow(
    kind="carry_over",
    label=Text("overdracht", "carry-over"),
    initial=State.PROPOSED,
    looks={
        State.PROPOSED: Look(Text("Voorgesteld", "Proposed"), Tone.WAITING, "progress"),
        State.BOOKED: Look(Text("Overgedragen", "Carried over"), Tone.POSITIVE, "done", final=True),
        State.REFUSED: Look(Text("Gaat niet door", "Called off"), Tone.NEUTRAL, "stop", final=True),
    },
    transitions=(
        T(
            name="book",
            label=Text("Overdracht bevestigen", "Confirm the carry-over"),
            past=Text("geld overgedragen", "money carried over"),
            tone=Tone.DECISION,
            source=frozenset({State.PROPOSED}),
            target=State.BOOKED,
            who=_WHO,
            guards=(not_the_proposer, both_tranches_live, the_money_is_free),
            effects=(Effect.CARRY_OVER,),
            hint=Text(
                "Het bedrag gaat van de ene tranche naar het plafond van de andere.",
                "The amount goes from one tranche to the ceiling of the other.",
            ),
        ),
        T(
            name="call_off",
            label=Text("Niet overdragen", "Call it off"),
            past=Text("overdracht afgeblazen", "carry-over called off"),
            tone=Tone.WAITING,
            source=frozenset({State.PROPOSED}),
            target=State.REFUSED,
            who=_WHO,
            asks="staff_reason",
            guards=(needs("explanation", Text("Schrijf op waarom.", "Write why.")),),
        ),
    ),
)
