"""The life of a tranche: announced, open for applications, being settled, closed to the cent by two people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from fundapp.domain.flow import Flow, Given, Look, Tone, Transition, needs
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where a tranche stands."""

    PREPARED = "prepared"
    ANNOUNCED = "announced"
    OPEN = "open"
    RUNNING = "running"
    CLOSING = "closing"
    CLOSED = "closed"


PUBLIC = frozenset({State.ANNOUNCED, State.OPEN, State.RUNNING, State.CLOSING, State.CLOSED})
"""What the public may see."""


class Effect(Enum):
    """What a transition does besides the state."""

    SET_CEILING = auto()
    RECORD_PROPOSAL = auto()
    RECORD_CLOSING = auto()


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that must be done before a tranche can close; `ref` is the case whose screen it is done on."""

    code: str
    sentence: Text
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards of a tranche ask. `blockers` is the closing checklist's open part."""

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    now: datetime
    opens_at: datetime
    closes_at: datetime
    blockers: tuple[Blocker, ...] = ()
    proposed_by_id: int | None = None


def it_is_time_to_open(facts: Facts, _given: Given | None) -> Refusal | None:
    """The clock opens the window; the announcement told when."""
    if facts.now >= facts.opens_at:
        return None
    return Refusal("too_early", Text("Het is nog niet zover.", "It is not time yet."))


def the_window_has_ended(facts: Facts, _given: Given | None) -> Refusal | None:
    """The closing moment itself is still in time (domain/term.py)."""
    if facts.now > facts.closes_at:
        return None
    return Refusal("window_runs", Text("De aanvraagperiode loopt nog.", "The application window is still open."))


def nothing_blocks_closing(facts: Facts, _given: Given | None) -> Refusal | None:
    """A tranche closes only when everything adds up."""
    if not facts.blockers:
        return None
    return Refusal(
        "tranche_not_ready",
        Text(
            "De tranche kan nog niet dicht: {n} punt(en) open. {first}",
            "The tranche cannot close yet: {n} item(s) open. {first}",
        ).fill(n=same(str(len(facts.blockers))), first=facts.blockers[0].sentence),
    )


def not_the_proposer(facts: Facts, _given: Given | None) -> Refusal | None:
    """Two people close a tranche; the database refuses the same one as well."""
    if facts.proposed_by_id is None or facts.proposed_by_id != facts.actor_id:
        return None
    return Refusal(
        "proposer_closes",
        Text(
            "U stelde voor om deze tranche te sluiten. Laat een collega dit bevestigen.",
            "You proposed to close this tranche. Let a colleague confirm it.",
        ),
    )


T = Transition[Facts]


def _one(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


FLOW: Flow[Facts] = Flow(
    kind="tranche",
    label=Text("tranche", "tranche"),
    initial=State.PREPARED,
    looks={
        State.PREPARED: Look(Text("In voorbereiding", "Being prepared"), Tone.NEUTRAL, "draft"),
        State.ANNOUNCED: Look(Text("Aangekondigd", "Announced"), Tone.INFO, "clock"),
        State.OPEN: Look(Text("Open", "Open"), Tone.POSITIVE, "check"),
        State.RUNNING: Look(Text("Loopt", "Running"), Tone.INFO, "running"),
        State.CLOSING: Look(Text("Sluiten voorgesteld", "Closing proposed"), Tone.WAITING, "progress"),
        State.CLOSED: Look(Text("Gesloten", "Closed"), Tone.DECISION, "done", final=True),
    },
    transitions=(
        T(
            name="announce",
            label=Text("Bekendmaken", "Announce"),
            past=Text("bekendgemaakt", "announced"),
            tone=Tone.POSITIVE,
            source=_one(State.PREPARED),
            target=State.ANNOUNCED,
            who=frozenset({Role.COORDINATOR}),
            effects=(Effect.SET_CEILING,),
            hint=Text(
                "Het plafond en de verdeling staan dan vast (Awb 4:26 en 4:27).",
                "The ceiling and the distribution are then fixed (Awb 4:26 and 4:27).",
            ),
        ),
        T(
            name="open",
            label=Text("Openen", "Open"),
            past=Text("geopend", "opened"),
            tone=Tone.POSITIVE,
            source=_one(State.ANNOUNCED),
            target=State.OPEN,
            who=frozenset({Role.SYSTEM}),
            guards=(it_is_time_to_open,),
            due="opens_at",
        ),
        T(
            name="end_window",
            label=Text("Aanvraagperiode beëindigen", "End the application window"),
            past=Text("aanvraagperiode beëindigd", "application window ended"),
            tone=Tone.NEUTRAL,
            source=_one(State.OPEN),
            target=State.RUNNING,
            who=frozenset({Role.SYSTEM}),
            guards=(the_window_has_ended,),
            due="closes_at",
        ),
        T(
            name="propose_closing",
            label=Text("Sluiten voorstellen", "Propose closing"),
            past=Text("sluiten voorgesteld", "closing proposed"),
            tone=Tone.DECISION,
            source=_one(State.RUNNING),
            target=State.CLOSING,
            who=frozenset({Role.FINANCE, Role.COORDINATOR}),
            guards=(nothing_blocks_closing,),
            effects=(Effect.RECORD_PROPOSAL,),
            hint=Text("Een collega bevestigt het.", "A colleague confirms it."),
        ),
        T(
            name="refuse_closing",
            label=Text("Niet sluiten", "Do not close"),
            past=Text("niet gesloten", "not closed"),
            tone=Tone.WAITING,
            source=_one(State.CLOSING),
            target=State.RUNNING,
            who=frozenset({Role.FINANCE, Role.COORDINATOR}),
            asks="reason",
            guards=(needs("explanation", Text("Schrijf op waarom.", "Write why.")),),
        ),
        T(
            name="close",
            label=Text("Tranche sluiten", "Close the tranche"),
            past=Text("gesloten", "closed"),
            tone=Tone.DECISION,
            source=_one(State.CLOSING),
            target=State.CLOSED,
            who=frozenset({Role.FINANCE, Role.COORDINATOR}),
            guards=(not_the_proposer, nothing_blocks_closing),
            effects=(Effect.RECORD_CLOSING,),
            hint=Text("Daarna kan er geen cent meer worden geboekt.", "After this not a cent can be booked any more."),
        ),
    ),
)
