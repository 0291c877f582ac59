"""The life of a tranche: announced, open for applications, being settled, closed to the cent by two people.

Its ceiling can change while it lives, and what is closed can be reopened by two people with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from fundapp.domain.ceiling import Ceiling
from fundapp.domain.flow import Flow, Given, Look, Tone, Transition, needs
from fundapp.domain.money import euro
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text, same


class State(StrEnum):
    """Where a tranche stands."""

    PREPARED = "prepared"
    ANNOUNCED = "announced"
    OPEN = "open"
    RUNNING = "running"
    CLOSING = "closing"
    CLOSED = "closed"
    REOPENING = "reopening"


SHUT = frozenset({State.CLOSED, State.REOPENING})
"""Nothing can be booked: the database refuses it."""

LIVE = frozenset({State.ANNOUNCED, State.OPEN, State.RUNNING})
"""Its ceiling can change, and money can be carried into it."""

PUBLIC = frozenset(State) - {State.PREPARED}
"""What the public may see."""


class Effect(Enum):
    """What a transition does besides the state."""

    SET_CEILING = auto()
    CHANGE_CEILING = auto()
    RECORD_PROPOSAL = auto()
    RECORD_CLOSING = auto()
    PROPOSE_REOPENING = auto()
    RECORD_REOPENING = auto()


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that must be done before a tranche can close.

    code: the point of the checklist. ref: what it is about, for the address of the screen on which it is done.
    """

    code: str
    sentence: Text
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards of a tranche ask.

    blockers: the closing checklist's open part. ceilings: gives them by pot, "" for the whole; read when asked.
    reopening_by_id: who proposed to reopen it.
    """

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    now: datetime
    opens_at: datetime
    closes_at: datetime
    blockers: tuple[Blocker, ...] = ()
    proposed_by_id: int | None = None
    reopening_by_id: int | None = None
    ceilings: Callable[[], Mapping[str, Ceiling]] = dict


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


def not_the_reopener(facts: Facts, _given: Given | None) -> Refusal | None:
    """Two people reopen a tranche as well."""
    if facts.reopening_by_id is None or facts.reopening_by_id != facts.actor_id:
        return None
    return Refusal(
        "proposer_reopens",
        Text(
            "U stelde voor om deze tranche te heropenen. Laat een collega dit bevestigen.",
            "You proposed to reopen this tranche. Let a colleague confirm it.",
        ),
    )


def the_ceiling_changes(facts: Facts, given: Given | None) -> Refusal | None:
    """Another amount than now, for the whole or for a sub-region that has a sub-ceiling."""
    if given is None:
        return None
    ceiling = facts.ceilings().get(str(given.get("pot") or ""))
    if ceiling is None:
        return Refusal(
            "no_such_ceiling",
            Text("Kies welk plafond u wijzigt.", "Choose which ceiling you change."),
            field="pot",
            kind=Kind.INVALID,
        )
    if int(given.get("cents") or 0) != ceiling.announced:
        return None
    return Refusal(
        "same_ceiling",
        Text(
            "Dit plafond is nu al {now}. Vul een ander bedrag in.",
            "This ceiling is {now} already. Enter another amount.",
        ).fill(now=same(euro(ceiling.announced))),
        field="amount",
        kind=Kind.INVALID,
    )


def what_is_bound_stays_covered(facts: Facts, given: Given | None) -> Refusal | None:
    """A ceiling is never below what is awarded, offered or carried away; the database refuses it as well."""
    if given is None:
        return None
    ceiling = facts.ceilings().get(str(given.get("pot") or ""))
    if ceiling is None or int(given.get("cents") or 0) >= ceiling.least:
        return None
    return Refusal(
        "ceiling_below_bound",
        Text(
            "Van dit plafond is {bound} al vergeven. Vul {bound} of meer in.",
            "Of this ceiling {bound} is bound already. Enter {bound} or more.",
        ).fill(bound=same(euro(ceiling.least))),
        field="amount",
    )


T = Transition[Facts]

_CLOSERS = frozenset({Role.FINANCE, Role.COORDINATOR})
_WHY = needs("explanation", Text("Schrijf op waarom.", "Write why."))


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
        State.CLOSED: Look(Text("Gesloten", "Closed"), Tone.DECISION, "done"),
        State.REOPENING: Look(Text("Heropenen voorgesteld", "Reopening proposed"), Tone.WAITING, "progress"),
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
            name="change_ceiling",
            label=Text("Plafond wijzigen", "Change the ceiling"),
            past=Text("plafond gewijzigd", "ceiling changed"),
            tone=Tone.DECISION,
            source=frozenset(LIVE),
            target=None,
            who=frozenset({Role.COORDINATOR}),
            asks="ceiling",
            guards=(the_ceiling_changes, what_is_bound_stays_covered, _WHY),
            effects=(Effect.CHANGE_CEILING,),
            hint=Text(
                "Een verlaging geldt niet voor aanvragen die al binnen zijn.",
                "A cut does not hold for applications that are in already.",
            ),
        ),
        T(
            name="propose_closing",
            label=Text("Sluiten voorstellen", "Propose closing"),
            past=Text("sluiten voorgesteld", "closing proposed"),
            tone=Tone.DECISION,
            source=_one(State.RUNNING),
            target=State.CLOSING,
            who=_CLOSERS,
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
            who=_CLOSERS,
            asks="staff_reason",
            guards=(_WHY,),
        ),
        T(
            name="close",
            label=Text("Tranche sluiten", "Close the tranche"),
            past=Text("gesloten", "closed"),
            tone=Tone.DECISION,
            source=_one(State.CLOSING),
            target=State.CLOSED,
            who=_CLOSERS,
            guards=(not_the_proposer, nothing_blocks_closing),
            effects=(Effect.RECORD_CLOSING,),
            hint=Text("Daarna kan er geen cent meer worden geboekt.", "After this not a cent can be booked any more."),
        ),
        T(
            name="propose_reopening",
            label=Text("Heropenen voorstellen", "Propose reopening"),
            past=Text("heropenen voorgesteld", "reopening proposed"),
            tone=Tone.DECISION,
            source=_one(State.CLOSED),
            target=State.REOPENING,
            who=_CLOSERS,
            asks="staff_reason",
            guards=(_WHY,),
            effects=(Effect.PROPOSE_REOPENING,),
            hint=Text(
                "Een collega bevestigt het. Het slotrapport van nu blijft bewaard.",
                "A colleague confirms it. The closing report of now is kept.",
            ),
        ),
        T(
            name="refuse_reopening",
            label=Text("Niet heropenen", "Do not reopen"),
            past=Text("niet heropend", "not reopened"),
            tone=Tone.WAITING,
            source=_one(State.REOPENING),
            target=State.CLOSED,
            who=_CLOSERS,
            asks="staff_reason",
            guards=(_WHY,),
        ),
        T(
            name="reopen",
            label=Text("Tranche heropenen", "Reopen the tranche"),
            past=Text("heropend", "reopened"),
            tone=Tone.DECISION,
            source=_one(State.REOPENING),
            target=State.RUNNING,
            who=_CLOSERS,
            guards=(not_the_reopener,),
            effects=(Effect.RECORD_REOPENING,),
            hint=Text("Daarna kan er weer worden geboekt.", "After this entries can be made again."),
        ),
    ),
)
