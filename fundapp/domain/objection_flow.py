"""The two flows of a new look at a decision: the same steps, each in the words of its own law.

Sources: as `objection.py` has them.
"""

from __future__ import annotations

from enum import StrEnum

from fundapp.domain.decision_term import by_what_the_rules_allow, it_is_late, it_may_be_extended
from fundapp.domain.flow import Flow, Look, Mail, Tone, Transition, needs
from fundapp.domain.objection import (
    CHANGES,
    RUNNING,
    Effect,
    Facts,
    Outcome,
    State,
    amount_fits,
    board_can_be_paid,
    completion_term_is_over,
    deviation_explained,
    dismissal_is_right,
    hearing_has_been_held,
    hearing_is_announced_in_time,
    lateness_is_explained,
    money_is_there,
    no_interest_in_it,
    not_involved_before,
    not_its_adviser,
    not_the_first_decider,
    there_is_something_to_object_to,
)
from fundapp.domain.objection_words import WORDS, Words
from fundapp.domain.people import Role
from fundapp.domain.text import Text

T = Transition[Facts]


def _states(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


_RUNS = _states(*RUNNING)
_SCHOOL = frozenset({Role.APPLICANT})
_OFFICE = frozenset({Role.COORDINATOR, Role.HANDLER})
_ADVISERS = frozenset({Role.COORDINATOR, Role.HANDLER, Role.ADVISER})
_DECIDERS = frozenset({Role.DECISION_MAKER})
_CLOCK = frozenset({Role.SYSTEM})
_FOR_SCHOOL = needs("explanation", Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this."))
_TOLD = (Mail("objection_decided", Role.APPLICANT), Mail("objection_ended", Role.COORDINATOR))


def _looks(words: Words) -> dict[StrEnum, Look]:
    hearing = Text("{what} gepland", "{what} planned").fill(what=_capital(words.hearing))
    return {
        State.DRAFT: Look(Text("Nog niet ingediend", "Not filed yet"), Tone.NEUTRAL, "draft"),
        State.RECEIVED: Look(Text("Ontvangen", "Received"), Tone.INFO, "sent"),
        State.INCOMPLETE: Look(Text("Aanvulling nodig", "More information needed"), Tone.WAITING, "question"),
        State.HEARING_PLANNED: Look(hearing, Tone.INFO, "agenda"),
        State.HEARD: Look(Text("Klaar voor advies", "Ready for advice"), Tone.INFO, "progress"),
        State.ADVISED: Look(Text("Advies gegeven", "Advised"), Tone.INFO, "agenda"),
        State.FOUNDED: Look(words.looks[State.FOUNDED], Tone.POSITIVE, "check", final=True),
        State.PARTLY_FOUNDED: Look(words.looks[State.PARTLY_FOUNDED], Tone.POSITIVE, "check", final=True),
        State.UNFOUNDED: Look(words.looks[State.UNFOUNDED], Tone.NEGATIVE, "cross", final=True),
        State.INADMISSIBLE: Look(words.looks[State.INADMISSIBLE], Tone.NEUTRAL, "dash", final=True),
        State.WITHDRAWN: Look(Text("Ingetrokken", "Withdrawn"), Tone.NEUTRAL, "stop", final=True),
    }


def _capital(text: Text) -> Text:
    return Text(text.nl[:1].upper() + text.nl[1:], text.en[:1].upper() + text.en[1:])


def _intake(words: Words) -> tuple[T, ...]:
    return (
        T(
            name="file",
            label=words.file,
            past=Text("ingediend", "filed"),
            tone=Tone.POSITIVE,
            source=_states(State.DRAFT),
            target=State.RECEIVED,
            who=_SCHOOL,
            guards=(
                there_is_something_to_object_to,
                needs(
                    "grounds",
                    Text("Schrijf op waarom u het er niet mee eens bent.", "Write why you disagree."),
                ),
                lateness_is_explained,
            ),
            effects=(Effect.FILE, Effect.WRITE_LETTER),
            mail=(Mail("objection_received", Role.APPLICANT), Mail("objection_in", Role.COORDINATOR)),
        ),
        T(
            name="ask_completion",
            label=Text("Aanvulling vragen", "Ask for completion"),
            past=Text("om aanvulling gevraagd", "asked to be completed"),
            tone=Tone.WAITING,
            source=_states(State.RECEIVED),
            target=State.INCOMPLETE,
            who=_OFFICE,
            asks="reason",
            guards=(no_interest_in_it, _FOR_SCHOOL),
            effects=(Effect.ASK_COMPLETION, Effect.WRITE_LETTER),
            mail=(Mail("objection_completion_asked", Role.APPLICANT),),
            hint=Text("De beslistermijn staat dan stil.", "The term to decide stands still meanwhile."),
        ),
        T(
            name="complete",
            label=Text("Aanvulling insturen", "Send completion"),
            past=Text("aangevuld", "completed"),
            tone=Tone.POSITIVE,
            source=_states(State.INCOMPLETE),
            target=State.RECEIVED,
            who=_SCHOOL,
            asks="objection_completion",
            guards=(needs("explanation", Text("Schrijf uw aanvulling op.", "Write your completion.")),),
            effects=(Effect.RECEIVE_COMPLETION,),
            mail=(Mail("objection_completed", Role.COORDINATOR),),
        ),
        T(
            name="end_completion",
            label=Text("Zonder aanvulling verder", "Go on without completion"),
            past=Text("aanvulling bleef uit", "no completion came"),
            tone=Tone.WAITING,
            source=_states(State.INCOMPLETE),
            target=State.RECEIVED,
            who=_CLOCK,
            guards=(completion_term_is_over,),
            effects=(Effect.END_COMPLETION,),
            mail=(Mail("objection_not_completed", Role.COORDINATOR),),
            due="remedy_completion",
        ),
    )


def _hearing(words: Words) -> tuple[T, ...]:
    meeting = words.hearing
    return (
        T(
            name="plan_hearing",
            label=Text("{what} plannen", "Plan the {what}").fill(what=Text(_capital(meeting).nl, meeting.en)),
            past=Text("{what} gepland", "{what} planned").fill(what=meeting),
            tone=Tone.INFO,
            source=_states(State.RECEIVED, State.HEARING_PLANNED),
            target=State.HEARING_PLANNED,
            who=_OFFICE,
            asks="hearing",
            guards=(
                no_interest_in_it,
                hearing_is_announced_in_time,
                needs("place", Text("Vul in waar het is.", "Enter where it is.")),
            ),
            effects=(Effect.PLAN_HEARING, Effect.WRITE_LETTER),
            mail=(Mail("hearing_planned", Role.APPLICANT),),
        ),
        T(
            name="record_hearing",
            label=Text("Verslag maken", "Write the report"),
            past=Text("verslag van het horen gemaakt", "report of the hearing written"),
            tone=Tone.INFO,
            source=_states(State.HEARING_PLANNED),
            target=State.HEARD,
            who=_ADVISERS,
            asks="hearing_report",
            guards=(
                no_interest_in_it,
                not_involved_before,
                hearing_has_been_held,
                needs("present", Text("Vul in wie erbij waren.", "Enter who were there.")),
                needs("report", Text("Schrijf op wat er is gezegd.", "Write what was said.")),
            ),
            effects=(Effect.RECORD_HEARING,),
            mail=(Mail("hearing_reported", Role.APPLICANT),),
        ),
        T(
            name="waive_hearing",
            label=Text("Afzien van horen", "Go without hearing"),
            past=Text("afgezien van horen", "went without hearing"),
            tone=Tone.WAITING,
            source=_states(State.RECEIVED, State.HEARING_PLANNED),
            target=State.HEARD,
            who=_OFFICE,
            asks="hearing_waiver",
            guards=(
                no_interest_in_it,
                needs("waiver", Text("Kies waarom.", "Choose why.")),
                _FOR_SCHOOL,
            ),
            effects=(Effect.WAIVE_HEARING,),
            mail=(Mail("hearing_waived", Role.APPLICANT),),
        ),
        T(
            name="advise",
            label=Text("Advies vastleggen", "Record advice"),
            past=Text("advies gegeven", "advised"),
            tone=Tone.INFO,
            source=_states(State.HEARD),
            target=State.ADVISED,
            who=_ADVISERS,
            asks="objection_advice",
            guards=(
                no_interest_in_it,
                not_involved_before,
                needs("outcome", Text("Kies wat u adviseert.", "Choose what you advise.")),
                needs("explanation", Text("Schrijf op waarom.", "Write why.")),
            ),
            effects=(Effect.RECORD_ADVICE,),
            mail=(Mail("objection_advised", Role.DECISION_MAKER),),
        ),
    )


def _terms() -> tuple[T, ...]:
    return (
        T(
            name="extend_term",
            label=Text("Beslistermijn verlengen", "Extend the term to decide"),
            past=Text("beslistermijn verlengd", "term to decide extended"),
            tone=Tone.WAITING,
            source=_RUNS,
            target=None,
            who=_OFFICE,
            asks="objection_extension",
            guards=(no_interest_in_it, it_may_be_extended, by_what_the_rules_allow, _FOR_SCHOOL),
            effects=(Effect.EXTEND_TERM, Effect.WRITE_LETTER),
            mail=(Mail("objection_extended", Role.APPLICANT),),
            hint=Text(
                "De school krijgt meteen een brief met de nieuwe datum.",
                "The school gets a letter with the new date at once.",
            ),
        ),
        T(
            name="agree_longer",
            label=Text("Langer in overleg", "Longer by agreement"),
            past=Text("langere termijn afgesproken", "longer term agreed"),
            tone=Tone.WAITING,
            source=_RUNS,
            target=None,
            who=_OFFICE,
            asks="objection_agreement",
            guards=(
                no_interest_in_it,
                needs(
                    "agreed",
                    Text("Dit mag alleen als de school instemt.", "This is possible only if the school agrees."),
                ),
                _FOR_SCHOOL,
            ),
            effects=(Effect.AGREE_LONGER, Effect.WRITE_LETTER),
            mail=(Mail("objection_extended", Role.APPLICANT),),
            hint=Text("Alleen als de school ermee instemt.", "Only where the school agrees."),
        ),
        T(
            name="tell_delay",
            label=Text("Vertraging melden", "Tell of the delay"),
            past=Text("nieuwe datum gemeld: de beslissing is te laat", "new date told: the decision is late"),
            tone=Tone.WAITING,
            source=_RUNS,
            target=None,
            who=_CLOCK,
            guards=(it_is_late,),
            effects=(Effect.ANNOUNCE_DELAY, Effect.WRITE_LETTER),
            mail=(Mail("decision_delayed", Role.APPLICANT), Mail("decision_late", Role.COORDINATOR)),
            due="remedy_decision",
        ),
    )


def _decide(words: Words, outcome: Outcome, name: str, tone: Tone) -> T:
    changes = outcome in CHANGES
    return T(
        name=name,
        label=words.outcomes[outcome],
        past=Text("beslist: {what}", "decided: {what}").fill(what=words.looks[State(outcome)]),
        tone=tone,
        source=_states(State.ADVISED)
        if outcome is not Outcome.INADMISSIBLE
        else _states(State.RECEIVED, State.HEARD, State.ADVISED),
        target=State(outcome),
        who=_DECIDERS,
        asks="objection_dismissal" if outcome is Outcome.INADMISSIBLE else f"objection_{outcome}",
        guards=(
            no_interest_in_it,
            not_the_first_decider,
            not_its_adviser,
            *((board_can_be_paid, amount_fits(outcome), money_is_there) if changes else ()),
            *((dismissal_is_right,) if outcome is Outcome.INADMISSIBLE else ()),
            deviation_explained(outcome),
            _FOR_SCHOOL,
        ),
        effects=(
            Effect.RECORD_DECISION,
            Effect.FREE_RESERVE,
            Effect.END_TERMS,
            *((Effect.CARRY_OUT,) if changes else ()),
            Effect.WRITE_LETTER,
        ),
        mail=_TOLD,
    )


def _flow(words: Words) -> Flow[Facts]:
    return Flow(
        kind=words.kind,
        label=words.noun,
        initial=State.DRAFT,
        looks=_looks(words),
        transitions=(
            *_intake(words),
            *_hearing(words),
            _decide(words, Outcome.FOUNDED, "declare_founded", Tone.POSITIVE),
            _decide(words, Outcome.PARTLY_FOUNDED, "declare_partly_founded", Tone.POSITIVE),
            _decide(words, Outcome.UNFOUNDED, "declare_unfounded", Tone.NEGATIVE),
            _decide(words, Outcome.INADMISSIBLE, "declare_inadmissible", Tone.NEGATIVE),
            *_terms(),
            T(
                name="withdraw",
                label=Text("Intrekken", "Withdraw"),
                past=Text("ingetrokken", "withdrawn"),
                tone=Tone.NEGATIVE,
                source=_RUNS,
                target=State.WITHDRAWN,
                who=_SCHOOL,
                effects=(Effect.FREE_RESERVE, Effect.END_TERMS),
                mail=(Mail("objection_withdrawn", Role.APPLICANT), Mail("objection_ended", Role.COORDINATOR)),
                hint=Text("Dit kunt u niet terugdraaien.", "This cannot be undone."),
            ),
        ),
    )


FLOWS = {profile: _flow(words) for profile, words in WORDS.items()}
"""Legal profile → its flow."""
