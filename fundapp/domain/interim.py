"""An interim report: what a school shows before an instalment is paid, and who approves it.

It tells how the project goes, or that a milestone was reached; the fund's payment scheme says which, and when it is
expected. Sources: domain.md section 1 (rules 22 and 23).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from fundapp.domain.flow import Flow, Given, Look, Mail, Tone, Transition, needs
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text


class State(StrEnum):
    """Where an interim report stands."""

    ASKED = "asked"
    SENT = "sent"
    APPROVED = "approved"
    LAPSED = "lapsed"


class Effect(Enum):
    """What a transition does besides the state."""

    SEND_INTERIM = auto()  # the words and documents are kept in the journal by their hash; the term ends
    RELEASE_INSTALMENT = auto()  # the instalment can be paid from today
    ASK_AGAIN = auto()  # a new term


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards ask. running: the project still runs, so that there is still something to be paid in advance."""

    state: str
    version: int
    roles: frozenset[Role]
    running: bool
    written: bool


def it_is_written(facts: Facts, _given: Given | None) -> Refusal | None:
    """An empty report proves nothing."""
    if facts.written:
        return None
    return Refusal(
        "interim_empty",
        Text("Schrijf eerst uw verslag.", "Write your report first."),
        field="text",
        kind=Kind.INVALID,
    )


def the_project_runs(facts: Facts, _given: Given | None) -> Refusal | None:
    """After the final accounts there is no advance any more."""
    if facts.running:
        return None
    return Refusal(
        "project_ended",
        Text(
            "Het project is al verantwoord. Een tussentijdse betaling kan niet meer.",
            "The project was accounted for already. There is no payment in between any more.",
        ),
    )


T = Transition[Facts]
_FINANCE = frozenset({Role.FINANCE})
_WHY = needs("explanation", Text("Schrijf op wat er nog moet komen. De school leest dit.", "Write what is missing."))

FLOW: Flow[Facts] = Flow(
    kind="interim_report",
    label=Text("tussenrapportage", "interim report"),
    initial=State.ASKED,
    looks={
        State.ASKED: Look(Text("Nog te schrijven", "To be written"), Tone.WAITING, "pencil"),
        State.SENT: Look(Text("Ingestuurd", "Sent in"), Tone.INFO, "sent"),
        State.APPROVED: Look(Text("Goedgekeurd", "Approved"), Tone.POSITIVE, "check", final=True),
        State.LAPSED: Look(Text("Niet meer nodig", "No longer needed"), Tone.NEUTRAL, "dash", final=True),
    },
    transitions=(
        T(
            name="send",
            label=Text("Insturen", "Send in"),
            past=Text("tussenrapportage ingestuurd", "interim report sent in"),
            tone=Tone.POSITIVE,
            source=frozenset({State.ASKED}),
            target=State.SENT,
            who=frozenset({Role.APPLICANT}),
            guards=(the_project_runs, it_is_written),
            effects=(Effect.SEND_INTERIM,),
            mail=(Mail("interim_in", Role.FINANCE), Mail("interim_received", Role.APPLICANT)),
        ),
        T(
            name="approve",
            label=Text("Goedkeuren", "Approve"),
            past=Text("tussenrapportage goedgekeurd", "interim report approved"),
            tone=Tone.POSITIVE,
            source=frozenset({State.SENT}),
            target=State.APPROVED,
            who=_FINANCE,
            guards=(the_project_runs,),
            effects=(Effect.RELEASE_INSTALMENT,),
            mail=(Mail("interim_approved", Role.APPLICANT),),
            hint=Text(
                "De betaling die hierop wacht, komt dan op de werklijst.",
                "The payment that waits for it then comes on the worklist.",
            ),
        ),
        T(
            name="return",
            label=Text("Terug naar de school", "Return to the school"),
            past=Text("tussenrapportage teruggegeven", "interim report returned"),
            tone=Tone.WAITING,
            source=frozenset({State.SENT}),
            target=State.ASKED,
            who=_FINANCE,
            asks="reason",
            guards=(_WHY,),
            effects=(Effect.ASK_AGAIN,),
            mail=(Mail("interim_returned", Role.APPLICANT),),
        ),
        T(
            name="lapse",
            label=Text("Laten vervallen", "Let it lapse"),
            past=Text("tussenrapportage vervallen", "interim report lapsed"),
            tone=Tone.NEUTRAL,
            source=frozenset({State.ASKED, State.SENT}),
            target=State.LAPSED,
            who=frozenset({Role.SYSTEM}),
        ),
    ),
)
