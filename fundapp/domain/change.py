"""A change during the project: the school asks, the coordinator agrees or not (duty to notify, Awb 4:37)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from fundapp.domain.flow import Flow, Look, Mail, Tone, Transition, needs
from fundapp.domain.people import Role
from fundapp.domain.text import Text


class State(StrEnum):
    """Where a change request stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Effect(Enum):
    """What a transition does besides the state."""

    APPLY_CHANGE = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine asks of a change request."""

    state: str
    version: int
    roles: frozenset[Role]


T = Transition[Facts]

FLOW: Flow[Facts] = Flow(
    kind="change_request",
    label=Text("wijzigingsverzoek", "change request"),
    initial=State.REQUESTED,
    looks={
        State.REQUESTED: Look(Text("Wijziging gevraagd", "Change requested"), Tone.WAITING, "question"),
        State.APPROVED: Look(Text("Wijziging goedgekeurd", "Change approved"), Tone.POSITIVE, "check", final=True),
        State.REFUSED: Look(Text("Wijziging niet goedgekeurd", "Change refused"), Tone.NEGATIVE, "cross", final=True),
        State.WITHDRAWN: Look(Text("Verzoek ingetrokken", "Request withdrawn"), Tone.NEUTRAL, "stop", final=True),
    },
    transitions=(
        T(
            name="approve",
            label=Text("Wijziging goedkeuren", "Approve the change"),
            past=Text("goedgekeurd", "approved"),
            tone=Tone.POSITIVE,
            source=frozenset({State.REQUESTED}),
            target=State.APPROVED,
            who=frozenset({Role.COORDINATOR}),
            effects=(Effect.APPLY_CHANGE,),
            mail=(Mail("change_approved", Role.APPLICANT),),
        ),
        T(
            name="refuse",
            label=Text("Wijziging weigeren", "Refuse the change"),
            past=Text("geweigerd", "refused"),
            tone=Tone.NEGATIVE,
            source=frozenset({State.REQUESTED}),
            target=State.REFUSED,
            who=frozenset({Role.COORDINATOR}),
            asks="reason",
            guards=(
                needs(
                    "explanation", Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")
                ),
            ),
            mail=(Mail("change_refused", Role.APPLICANT),),
        ),
        T(
            name="withdraw",
            label=Text("Verzoek intrekken", "Withdraw the request"),
            past=Text("ingetrokken", "withdrawn"),
            tone=Tone.NEGATIVE,
            source=frozenset({State.REQUESTED}),
            target=State.WITHDRAWN,
            who=frozenset({Role.APPLICANT}),
        ),
    ),
)
