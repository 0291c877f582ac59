"""The engine and the laws of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.flow import Flow, Given, Look, Tone, Transition, decide, diagram, law_breaches, needs, offered
from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


@dataclass(frozen=True)
class Facts:
    state: str = "red"
    version: int = 3
    roles: frozenset[Role] = frozenset({Role.HANDLER})
    busy: tuple[Refusal, ...] = field(default=())


def not_busy(facts: Facts, _given: Given | None) -> Refusal | None:
    return facts.busy[0] if facts.busy else None


GO = Transition[Facts](
    name="go",
    label=Text("Gaan", "Go"),
    past=Text("gegaan", "gone"),
    tone=Tone.POSITIVE,
    source=frozenset({Light.RED}),
    target=Light.GREEN,
    who=frozenset({Role.HANDLER}),
    guards=(not_busy, needs("why", Text("Waarom?", "Why?"))),
)
BREAK = replace(GO, name="break", source=frozenset({Light.GREEN}), target=Light.BROKEN, guards=())
LIGHT: Flow[Facts] = Flow(
    kind="light",
    label=Text("licht", "light"),
    initial=Light.RED,
    looks={
        Light.RED: Look(Text("Rood", "Red"), Tone.NEGATIVE, "stop"),
        Light.GREEN: Look(Text("Groen", "Green"), Tone.POSITIVE, "check"),
        Light.BROKEN: Look(Text("Stuk", "Broken"), Tone.NEUTRAL, "cross", final=True),
    },
    transitions=(GO, BREAK),
)
BUSY = Refusal("busy", Text("Bezig.", "Busy."))


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in refused.value.refusals]


def test_what_is_offered_is_what_can_be_done() -> None:
    offers = list(offered(LIGHT, Facts()))
    assert [(o.transition.name, o.open) for o in offers] == [("go", True)]
    assert decide(LIGHT, "go", Facts(), {"why": "green wave"}, seen=3) is GO


def test_a_guard_gives_the_same_reason_to_the_page_and_to_the_act() -> None:
    facts = Facts(busy=(BUSY,))
    (offer,) = offered(LIGHT, facts)
    assert offer.refusals == (BUSY,)
    with pytest.raises(Refused) as refused:
        decide(LIGHT, "go", facts, {"why": "x"}, seen=3)
    assert refused.value.refusals == (BUSY,)


def test_all_reasons_come_at_once() -> None:
    with pytest.raises(Refused) as refused:
        decide(LIGHT, "go", Facts(busy=(BUSY,)), {"why": "  "}, seen=3)
    assert codes(refused) == ["busy", "why_missing"]


@pytest.mark.parametrize(
    ("facts", "action", "seen", "kind"),
    [
        (Facts(), "fly", 3, Kind.NOT_FOUND),
        (Facts(roles=frozenset({Role.FINANCE})), "go", 3, Kind.FORBIDDEN),
        (Facts(), "go", 2, Kind.STALE),
        (Facts(state="green"), "go", 3, Kind.CONFLICT),
    ],
)
def test_each_sort_of_no(facts: Facts, action: str, seen: int, kind: Kind) -> None:
    with pytest.raises(Refused) as refused:
        decide(LIGHT, action, facts, {"why": "x"}, seen=seen)
    assert refused.value.kind is kind


def test_the_system_has_seen_nothing_and_is_not_stale() -> None:
    assert decide(LIGHT, "go", Facts(version=99), {"why": "x"}, seen=None) is GO


def test_two_transitions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        replace(LIGHT, transitions=(GO, GO))


@pytest.mark.parametrize(
    ("transitions", "breach"),
    [
        ((GO,), "state broken cannot be reached"),
        ((GO, BREAK, replace(BREAK, name="mend", source=frozenset({Light.BROKEN}), target=Light.RED)), "has a way out"),
        ((replace(GO, target=Light.BROKEN), BREAK), "state green cannot be reached"),
        ((GO, replace(BREAK, target=None)), "state green has no way out"),
        ((replace(GO, who=frozenset()), BREAK), "nobody to do it"),
    ],
)
def test_a_breach_of_the_laws_is_found(transitions: tuple[Transition[Facts], ...], breach: str) -> None:
    assert any(breach in found for found in law_breaches(replace(LIGHT, transitions=transitions)))


def test_a_good_table_breaks_no_law() -> None:
    assert law_breaches(LIGHT) == []


@pytest.mark.parametrize("kind", FLOWS)
def test_our_tables_keep_the_laws(kind: str) -> None:
    assert law_breaches(FLOWS[kind]) == []


@pytest.mark.parametrize("kind", FLOWS)
def test_every_word_of_a_flow_is_there_in_both_languages(kind: str) -> None:
    flow = FLOWS[kind]
    words: list[Text] = [flow.label, *(look.label for look in flow.looks.values())]
    for t in flow.transitions:
        words += [t.label, t.past, *([t.hint] if t.hint else [])]
    assert all(word.nl.strip() and word.en.strip() for word in words)


@pytest.mark.parametrize("kind", FLOWS)
def test_the_clock_and_people_never_share_a_deadline(kind: str) -> None:
    for t in FLOWS[kind].transitions:
        assert t.due is None or t.who == {Role.SYSTEM}


def test_the_diagram_holds_every_transition() -> None:
    drawn = diagram(LIGHT)
    assert "red --> green: Go (case handler)" in drawn
    assert "broken --> [*]" in drawn


@settings(derandomize=True, deadline=None)
@given(
    state=st.sampled_from(Light),
    roles=st.frozensets(st.sampled_from(Role)),
    action=st.sampled_from(["go", "break", "other"]),
    filled=st.dictionaries(st.sampled_from(["why"]), st.text(max_size=5)),
    seen=st.sampled_from([None, 2, 3]),
)
def test_decide_only_does_what_was_offered(
    state: Light, roles: frozenset[Role], action: str, filled: dict[str, Any], seen: int | None
) -> None:
    facts = Facts(state=state, roles=roles)
    try:
        done = decide(LIGHT, action, facts, filled, seen=seen)
    except Refused:
        return
    assert done.name in {o.transition.name for o in offered(LIGHT, facts) if o.open}
    assert facts.roles & done.who


def test_a_text_is_filled_in_both_languages() -> None:
    assert Text("{a} is {b}", "{b} is {a}").fill(a=same("x"), b=Text("ja", "yes")) == Text("x is ja", "yes is x")
