"""The flow engine: a transition is declared once, as data; everything else is derived from the table.

A `Flow` is the table of one kind of case. `offered` says what a person can do now and why the rest is not offered;
`decide` asks the very same questions when the person does it. Neither touches a database or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Generic, Protocol, TypeVar

from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text


class Tone(StrEnum):
    """How a state or an action looks; a template never compares a state."""

    NEUTRAL = "neutral"
    INFO = "info"
    WAITING = "waiting"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    DECISION = "decision"


class CaseFacts(Protocol):
    """What the engine itself must know of a case; each flow adds what its guards ask."""

    @property
    def state(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def roles(self) -> frozenset[Role]: ...


F = TypeVar("F", bound=CaseFacts)
Given = Mapping[str, Any]
"""What the person filled in, cleaned. None while we only ask whether the action could be offered."""

Guard = Callable[[F, "Given | None"], "Refusal | None"]


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that a transition sends: the name of its template, and the role on the case that must hear of it."""

    template: str
    to: Role


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: its word, tone and icon (icons are named in the components)."""

    label: Text
    tone: Tone
    icon: str
    final: bool = False


@dataclass(frozen=True)
class Transition(Generic[F]):
    """One thing that somebody can do to a case.

    source: the states in which it can be done; target: the state after it, None where it stays.
    who: the roles that may; SYSTEM for what the clock does when the term `due` has ended.
    asks: the name of the form that the person fills in, None where the button is enough.
    guards: asked in order, all of them, each giving a reason or None. effects: what it does besides the state.
    hint: one sentence under the button: what will happen. beside: it may be done beside other such acts in the same
    tranche, because it touches no money; all others wait for each other. reopens: it comes of a new look at a decision,
    the only way out of a final state.
    """

    name: str
    label: Text
    past: Text
    tone: Tone
    source: frozenset[StrEnum]
    target: StrEnum | None
    who: frozenset[Role]
    asks: str | None = None
    guards: tuple[Guard[F], ...] = ()
    effects: tuple[Enum, ...] = ()
    mail: tuple[Mail, ...] = ()
    due: str | None = None
    hint: Text | None = None
    beside: bool = False
    reopens: bool = False


@dataclass(frozen=True)
class Offer(Generic[F]):
    """An action that the person's role may take in this state, and why not now (empty: go ahead)."""

    transition: Transition[F]
    refusals: tuple[Refusal, ...]

    @property
    def open(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.refusals


@dataclass(frozen=True)
class Flow(Generic[F]):
    """The table of one kind of case.

    kind: its name in URLs, journal and database. looks: every state with its look, in the order of the story.
    """

    kind: str
    label: Text
    initial: StrEnum
    looks: Mapping[StrEnum, Look]
    transitions: tuple[Transition[F], ...]
    _by_name: dict[str, Transition[F]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {t.name: t for t in self.transitions}
        if len(by_name) != len(self.transitions):
            raise ValueError(f"flow {self.kind}: two transitions bear the same name")
        object.__setattr__(self, "_by_name", by_name)

    @property
    def states(self) -> tuple[StrEnum, ...]:
        """Every state, in the order of the story."""
        return tuple(self.looks)

    def look(self, state: str) -> Look:
        """How a state is shown. Raises KeyError for a state that this flow does not have."""
        return self.looks[type(self.initial)(state)]

    def transition(self, name: str) -> Transition[F]:
        """Raises Refused(NOT_FOUND) for a name that is not in the table."""
        try:
            return self._by_name[name]
        except KeyError:
            raise Refused(
                Refusal(
                    "unknown_action",
                    Text(
                        "Deze handeling bestaat niet. Ga terug en kies een knop op de pagina.",
                        "There is no such action. Go back and choose a button on the page.",
                    ),
                    kind=Kind.NOT_FOUND,
                )
            ) from None

    def find(self, name: str) -> Transition[F] | None:
        """The transition of that name, or None."""
        return self._by_name.get(name)


def refusals(transition: Transition[F], facts: F, given: Given | None) -> tuple[Refusal, ...]:
    """Ask every guard, and return all reasons against."""
    return tuple(reason for guard in transition.guards if (reason := guard(facts, given)) is not None)


def offered(flow: Flow[F], facts: F) -> Iterator[Offer[F]]:
    """Yield what this person can do now, each with the reasons why not, in the order of the table."""
    for transition in flow.transitions:
        if facts.state in transition.source and facts.roles & transition.who:
            yield Offer(transition, refusals(transition, facts, None))


def decide(flow: Flow[F], name: str, facts: F, given: Given, *, seen: int | None) -> Transition[F]:
    """Return the transition that may be performed now.

    seen: the version of the case that the person looked at; None where nobody looked (the system).
    Raises Refused: NOT_FOUND for an unknown name, FORBIDDEN for somebody who may not, STALE where somebody else was
    first, CONFLICT for the wrong state or a guard's reasons.
    """
    transition = flow.transition(name)
    if not facts.roles & transition.who:
        raise Refused(_not_yours(transition))
    if seen is not None and seen != facts.version:
        raise Refused(stale(flow, facts))
    if facts.state not in transition.source:
        raise Refused(not_now(flow, transition, facts))
    reasons = refusals(transition, facts, given)
    if reasons:
        raise Refused(*reasons)
    return transition


def _not_yours(transition: Transition[Any]) -> Refusal:
    who = sorted(transition.who)
    return Refusal(
        "not_yours",
        Text(
            "“{label}” kan alleen door: {who}. Vraag het aan de coördinator als u dit moet doen.",
            "Only these may choose “{label}”: {who}. Ask the coordinator if you should be able to.",
        ).fill(
            label=transition.label, who=Text(", ".join(r.label.nl for r in who), ", ".join(r.label.en for r in who))
        ),
        kind=Kind.FORBIDDEN,
    )


def stale(flow: Flow[Any], facts: CaseFacts) -> Refusal:
    """The refusal where the case is no longer as the person saw it."""
    return Refusal(
        "stale",
        Text(
            "Iemand anders was u voor. De stand is nu: {state}. Bekijk de pagina opnieuw en kies dan.",
            "Somebody else was first. It now is: {state}. Look at the page again, then choose.",
        ).fill(state=flow.look(facts.state).label),
        kind=Kind.STALE,
    )


def not_now(flow: Flow[Any], transition: Transition[Any], facts: CaseFacts) -> Refusal:
    """The refusal in a state in which this cannot be done."""
    return Refusal(
        "not_now",
        Text(
            "“{label}” kan nu niet: de stand is “{state}”. Bekijk de pagina opnieuw.",
            "“{label}” is not possible now: it is “{state}”. Look at the page again.",
        ).fill(label=transition.label, state=flow.look(facts.state).label),
    )


def diagram(flow: Flow[Any]) -> str:
    """Return the flow as a Mermaid state diagram, in English, for the README and `fundapp flow diagram`.

    What leaves a case in its state stands in a note beside that state, so that the arrows are the way it goes.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {flow.initial}"]
    notes: dict[str, list[str]] = {}
    for t in flow.transitions:
        told = f"{t.label.en} ({', '.join(sorted(r.label.en for r in t.who))})"
        for source in (state for state in flow.states if state in t.source):
            if t.target in (None, source):
                notes.setdefault(source, []).append(f"        {told}")
            else:
                lines.append(f"    {source} --> {t.target}: {told}")
    for state, acts in notes.items():
        lines += [f"    note right of {state}", *acts, "    end note"]
    lines += [f"    {state} --> [*]" for state, look in flow.looks.items() if look.final]
    return "\n".join(lines) + "\n"


def law_breaches(flow: Flow[Any]) -> list[str]:
    """Return every breach of the laws of a table; empty for a good one.

    Every state is reachable; every state that is not final has a way out; a final one has none but by a new look at a
    decision; every source and target is a state of the flow; somebody may do each thing.
    """
    breaches: list[str] = []
    reached = {flow.initial}
    while new := {
        t.target for t in flow.transitions if t.target is not None and t.source & reached and t.target not in reached
    }:
        reached |= new
    for state, look in flow.looks.items():
        ways_out = [
            t.name for t in flow.transitions if state in t.source and t.target not in (None, state) and not t.reopens
        ]
        if state not in reached:
            breaches.append(f"{flow.kind}: state {state} cannot be reached")
        if look.final and ways_out:
            breaches.append(f"{flow.kind}: final state {state} has a way out: {ways_out}")
        if not look.final and not ways_out:
            breaches.append(f"{flow.kind}: state {state} has no way out")
    for t in flow.transitions:
        unknown = ({*t.source} | ({t.target} if t.target else set())) - set(flow.looks)
        if unknown:
            breaches.append(f"{flow.kind}: {t.name} names unknown states {sorted(unknown)}")
        if not t.source or not t.who:
            breaches.append(f"{flow.kind}: {t.name} has no source or nobody to do it")
    return breaches


def needs(name: str, sentence: Text) -> Guard[Any]:
    """A guard: the person must have filled in `name`."""

    def guard(_facts: Any, given: Given | None) -> Refusal | None:
        if given is None or str(given.get(name) or "").strip():
            return None
        return Refusal(f"{name}_missing", sentence, field=name, kind=Kind.INVALID)

    return guard
