"""The life of an application, from draft to settled: its states, and who may do what in each.

Sources: domain.md sections 2.2 (Awb), 2.3 and 7; the words are those of its section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum, auto

from fundapp.domain.decision_term import Deciding, by_what_the_rules_allow, it_is_late, it_may_be_extended
from fundapp.domain.draft import DraftPicture
from fundapp.domain.flow import Flow, Given, Guard, Look, Mail, Tone, Transition, needs
from fundapp.domain.money import euro
from fundapp.domain.payment_hold import Hold, a_hold_runs, no_hold_runs, the_hold_is_over, the_hold_may_last
from fundapp.domain.payment_scheme import no_payment_in_a_batch
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.settlement import Calculation
from fundapp.domain.term import Length, Profile
from fundapp.domain.text import Text, same
from fundapp.domain.waitlist import first_in_line, the_offer_is_over, the_offer_stands


class State(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    INCOMPLETE = "incomplete"
    UNDER_REVIEW = "under_review"
    ADVISED = "advised"
    WAITLISTED = "waitlisted"
    OFFERED = "offered"
    OFFER_ACCEPTED = "offer_accepted"
    AWARDED = "awarded"
    REPORTED = "reported"
    DETERMINATION_INTENDED = "determination_intended"
    DETERMINED = "determined"
    SETTLED = "settled"
    REJECTED = "rejected"
    NOT_CONSIDERED = "not_considered"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


IN_LINE = frozenset({State.WAITLISTED, State.OFFERED, State.OFFER_ACCEPTED})
"""The states of an application that waits for money to come free."""


class Effect(Enum):
    """What a transition does besides the state; each has one handler, or the product does not start."""

    RECEIVE = auto()  # freeze what was sent, judge the conditions, start the decision term
    ASK_COMPLETION = auto()  # stop the decision term, start the completion term
    RECEIVE_COMPLETION = auto()  # freeze it again, let the decision term run on
    END_TERMS = auto()
    RECORD_ADVICE = auto()
    RECORD_DECISION = auto()
    COMMIT_FUNDS = auto()
    FREEZE_AWARD = auto()  # name, board and account as they are today; advances; the report term
    RECEIVE_REPORT = auto()
    INTEND_DETERMINATION = auto()
    RECORD_RESPONSE = auto()
    DETERMINE = auto()  # ledger, final payment or recovery
    REVOKE_FUNDS = auto()
    WRITE_LETTER = auto()
    MAKE_OFFER = auto()  # hold free money for somebody on the waiting list; the term to answer starts
    ACCEPT_OFFER = auto()
    END_OFFER = auto()  # what was held is free
    EXTEND_TERM = auto()
    ANNOUNCE_DELAY = auto()  # the term of ours that passed goes on under a new date
    AWARD_AFTER_REMEDY = auto()  # these follow the decision on an objection, in its transaction
    RAISE_AFTER_REMEDY = auto()
    RESTORE_AFTER_REMEDY = auto()
    CONSIDER_AFTER_REMEDY = auto()
    DETERMINE_AFTER_REMEDY = auto()
    HOLD_PAYMENTS = auto()
    END_HOLD = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the guards of an application ask. Amounts in cents; `today` is the Amsterdam date.

    draft: all that was filled in, while the school can still change it; for who writes for the school.
    conflict_declared: what somebody who judges declared last: an interest, or none; None: nothing, or no judge.
    window_refusal: why the application window is not open for this applicant; None: it is.
    problems: what is missing or wrong in the application as it stands. A condition that is not met is among them only
    where the fund says that it blocks sending.
    report_problems: the same for the final accounts. line_problems: what is wrong in the lines as finance judged them.
    in_batch: the payment batch, not approved yet, that one of its payments is in. holds: the payment holds it had;
    hold_open: one that nobody ended yet.
    free_in: what can still be awarded, by the ceiling that held when it came in (Awb 4:27): in the tranche under "",
    and in the pot of its sub-region if it has one. free_now: the least that the ledger has in these. grantable: the
    most that the fund's formula allows. offered: what is held for it after an offer; free_in and free_now count it.
    ahead: who is earlier on the waiting list and could be offered money. deciding: the term of ours that runs, to
    decide or to determine; extendable: by how much the fund's rules let the first be extended, once.
    remedy: the reference of an objection that was not decided yet.
    """

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    today: date
    draft: DraftPicture | None = None
    window_refusal: Refusal | None = None
    problems: tuple[Refusal, ...] = ()
    completions_asked: int = 0
    completions_allowed: int = 1
    completion_due: date | None = None
    conflict_declared: bool | None = None
    panel_meets: bool = False
    meeting_id: int | None = None
    adviser_id: int | None = None
    advised_outcome: str | None = None
    advised_cents: int | None = None
    requested: int = 0
    grantable: int = 0
    free_in: Mapping[str, int] = field(default_factory=dict)
    free_now: int = 0
    ahead: str | None = None
    offered: int = 0
    offer_due: date | None = None
    account_known: bool = True
    award: int = 0
    paid: int = 0
    in_transit: int = 0
    in_batch: str | None = None
    outstanding: int = 0
    report_problems: tuple[Refusal, ...] = ()
    line_problems: tuple[Refusal, ...] = ()
    calculation: Calculation | None = None
    response_given: bool = False
    response_due: date | None = None
    profile: Profile = Profile.PRIVATE
    holds: tuple[Hold, ...] = ()
    hold_open: bool = False
    remedy: str | None = None
    deciding: Deciding | None = None
    extendable: Length | None = None

    @property
    def free(self) -> int:
        """What can still be awarded, the sub-ceiling counted in."""
        return min(self.free_in.values(), default=0)


def window_is_open(facts: Facts, _given: Given | None) -> Refusal | None:
    """The one deadline rule (domain/term.py), asked by page, save, submit, API and job alike."""
    return facts.window_refusal


def nothing_is_missing(facts: Facts, _given: Given | None) -> Refusal | None:
    """The first thing that is missing; the page lists them all."""
    return facts.problems[0] if facts.problems else None


def completion_can_be_asked(facts: Facts, _given: Given | None) -> Refusal | None:
    """How often the fund lets an application be completed (domain.md section 1, rule 20)."""
    if facts.completions_asked < facts.completions_allowed:
        return None
    return Refusal(
        "completion_already_asked",
        Text(
            "De school kreeg al {n} keer de kans om aan te vullen. Neem de aanvraag in behandeling of neem het besluit "
            "“niet in behandeling”.",
            "The school was asked to complete it {n} time(s) already. Take it up, or decide not to consider it.",
        ).fill(n=facts.completions_asked),
    )


def chance_to_complete_is_over(facts: Facts, _given: Given | None) -> Refusal | None:
    """Awb 4:5(1)c: refuse to consider it only after the applicant had the chance to complete it."""
    if not facts.completions_asked:
        return Refusal(
            "no_chance_to_complete",
            Text(
                "Vraag de school eerst om aan te vullen. Dat moet voordat u “niet in behandeling” kiest.",
                "Ask the school to complete it first. That must come before “not considered”.",
            ),
        )
    if facts.state == State.INCOMPLETE and facts.completion_due is not None and facts.today <= facts.completion_due:
        return Refusal(
            "completion_term_runs",
            Text(
                "De school mag nog aanvullen tot en met {due}. Wacht tot die dag voorbij is.",
                "The school may still complete it up to and including {due}. Wait until that day has passed.",
            ).fill(due=facts.completion_due.strftime("%d-%m-%Y")),
        )
    return None


def no_conflict_declared(facts: Facts, _given: Given | None) -> Refusal | None:
    """Somebody who declared an interest does not judge; the register's conflicts take the role away altogether."""
    if facts.conflict_declared is None:
        return Refusal(
            "interest_unanswered",
            Text(
                "Zeg eerst of u een belang hebt bij deze aanvraag. De vraag staat op de pagina van de aanvraag.",
                "First say whether you have an interest in this application. The question is on its page.",
            ),
            kind=Kind.FORBIDDEN,
        )
    if not facts.conflict_declared:
        return None
    return Refusal(
        "conflict_of_interest",
        Text(
            "U hebt een belang bij deze aanvraag gemeld. Laat iemand anders dit doen.",
            "You declared an interest in this application. Let somebody else do this.",
        ),
        kind=Kind.FORBIDDEN,
    )


def advised_in_a_meeting(facts: Facts, given: Given | None) -> Refusal | None:
    """Where the fund's panel meets, its advice is recorded in a meeting, where the quorum is counted."""
    if not facts.panel_meets or (given is not None and given.get("meeting_id") == facts.meeting_id is not None):
        return None
    if facts.meeting_id is None:
        return Refusal(
            "no_meeting",
            Text(
                "Deze commissie geeft advies in een vergadering. Vraag de behandelaar om er een te plannen.",
                "This panel advises in a meeting. Ask the case handler to plan one.",
            ),
        )
    return Refusal(
        "in_the_meeting",
        Text(
            "Deze aanvraag staat op de agenda van een vergadering. Leg het advies daar vast.",
            "This application is on the agenda of a meeting. Record the advice there.",
        ),
    )


def not_the_adviser(facts: Facts, _given: Given | None) -> Refusal | None:
    """Advice and decision are two acts by two people; the database refuses the same one as well."""
    if facts.adviser_id is None or facts.adviser_id != facts.actor_id:
        return None
    return Refusal(
        "adviser_decides",
        Text(
            "U gaf het advies over deze aanvraag. Laat iemand anders van de stuurgroep besluiten.",
            "You gave the advice on this application. Let somebody else of the steering group decide.",
        ),
    )


def within_ceiling(facts: Facts, given: Given | None) -> Refusal | None:
    """Awb 4:25: refuse for so far as the ceiling would be passed."""
    asked = facts.advised_cents or 0 if given is None else int(given.get("amount_cents") or 0)
    if asked <= facts.free and (given is None or asked > 0):
        return None
    if given is not None and asked <= 0:
        return Refusal(
            "amount_missing",
            Text("Vul in hoeveel u toekent.", "Enter how much you award."),
            field="amount",
            kind=Kind.INVALID,
        )
    return Refusal(
        "ceiling_reached",
        Text(
            "Er is nog {free} vrij. Dat is {short} te weinig voor {asked}. Ken minder toe of zet de aanvraag op de "
            "wachtlijst.",
            "{free} is left. That is {short} too little for {asked}. Award less, or put it on the waiting list.",
        ).fill(free=same(euro(facts.free)), short=same(euro(asked - facts.free)), asked=same(euro(asked))),
        field="amount",
    )


def within_the_formula(facts: Facts, given: Given | None) -> Refusal | None:
    """An award is never more than was asked, nor than the fund's formula allows."""
    asked = 0 if given is None else int(given.get("amount_cents") or 0)
    if asked <= facts.grantable:
        return None
    return Refusal(
        "above_the_maximum",
        Text(
            "Volgens de regels van het fonds kan hoogstens {most} worden toegekend. Vul een lager bedrag in.",
            "The fund's rules allow {most} at most. Enter a lower amount.",
        ).fill(most=same(euro(facts.grantable))),
        field="amount",
        kind=Kind.INVALID,
    )


def deviation_explained(outcome: str) -> Guard[Facts]:
    """Make the guard that asks a reason where the decision differs from the advice."""

    def guard(facts: Facts, given: Given | None) -> Refusal | None:
        if given is None or str(given.get("explanation") or "").strip():
            return None
        same_outcome = facts.advised_outcome == outcome
        same_amount = outcome != "award" or int(given.get("amount_cents") or 0) == facts.advised_cents
        if same_outcome and same_amount:
            return None
        return Refusal(
            "deviation_without_reason",
            Text(
                "Dit wijkt af van het advies. Schrijf op waarom. De school leest dit in de brief.",
                "This differs from the advice. Write why. The school reads it in the letter.",
            ),
            field="explanation",
            kind=Kind.INVALID,
        )

    return guard


def account_is_known(facts: Facts, _given: Given | None) -> Refusal | None:
    """Money goes to the board's account, so there must be one when it is promised."""
    if facts.account_known:
        return None
    return Refusal(
        "no_bank_account",
        Text(
            "Van dit schoolbestuur is geen rekeningnummer bekend. Vraag financiën om het in te vullen.",
            "No bank account is known for this school board. Ask finance to enter it.",
        ),
    )


def report_is_ready(facts: Facts, _given: Given | None) -> Refusal | None:
    """The first thing that is missing in the final accounts."""
    return facts.report_problems[0] if facts.report_problems else None


def no_payment_under_way(facts: Facts, _given: Given | None) -> Refusal | None:
    """A final amount is reckoned with what was really paid, so the bank must have answered."""
    if not facts.in_transit:
        return None
    return Refusal(
        "payment_under_way",
        Text(
            "Er is nog {amount} onderweg naar de school. Lees eerst het bankafschrift in.",
            "{amount} is still on its way to the school. Import the bank statement first.",
        ).fill(amount=same(euro(facts.in_transit))),
    )


def lines_are_judged(facts: Facts, _given: Given | None) -> Refusal | None:
    """Each cut needs a reason (ECLI:NL:RBAMS:2021:4087)."""
    return facts.line_problems[0] if facts.line_problems else None


def something_was_cut(facts: Facts, _given: Given | None) -> Refusal | None:
    """An intended decision is for costs that finance did not accept; the school's own figures need no hearing."""
    if facts.calculation is None or facts.calculation.cut > 0:
        return None
    return Refusal(
        "nothing_cut",
        Text(
            "U nam alle kosten van de school over. Stel het eindbedrag meteen vast.",
            "You accepted all the school's costs. Determine the final amount straight away.",
        ),
    )


def school_was_heard(facts: Facts, _given: Given | None) -> Refusal | None:
    """Awb 4:7: hear the applicant before deciding on figures that differ from his; not skipped for 4:46(2)."""
    if facts.calculation is None or facts.calculation.cut == 0:
        return None
    if facts.state != State.DETERMINATION_INTENDED:
        return Refusal(
            "intend_first",
            Text(
                "U accepteert {cut} niet. Stuur eerst een voornemen, zodat de school kan reageren.",
                "You do not accept {cut}. Send an intended decision first, so that the school can respond.",
            ).fill(cut=same(euro(facts.calculation.cut))),
        )
    if facts.response_given or (facts.response_due is not None and facts.today > facts.response_due):
        return None
    due = "" if facts.response_due is None else facts.response_due.strftime("%d-%m-%Y")
    return Refusal(
        "response_term_runs",
        Text(
            "De school mag nog reageren tot en met {due}. Wacht op de reactie of op die dag.",
            "The school may respond up to and including {due}. Wait for the response or for that day.",
        ).fill(due=due),
    )


def not_responded_yet(facts: Facts, _given: Given | None) -> Refusal | None:
    """One response to an intended decision."""
    if not facts.response_given:
        return None
    return Refusal(
        "already_responded",
        Text("U hebt al gereageerd. U hoeft niets meer te doen.", "You have responded already. Nothing more to do."),
    )


def no_remedy_runs(facts: Facts, _given: Given | None) -> Refusal | None:
    """What may still become another amount is not settled, nor taken away."""
    if facts.remedy is None:
        return None
    return Refusal(
        "remedy_runs",
        Text(
            "De school is het niet eens met het besluit ({ref}). Wacht tot daarover is beslist.",
            "The school disagrees with the decision ({ref}). Wait until that has been decided.",
        ).fill(ref=same(facts.remedy)),
    )


def after_a_new_decision(_facts: Facts, given: Given | None) -> Refusal | None:
    """It follows a decision that came in the place of another one, never by itself."""
    if given is None or given.get("decision_id"):
        return None
    return Refusal(
        "no_new_decision",
        Text(
            "Dit gebeurt vanzelf na een nieuw besluit. U hoeft niets te doen.",
            "This follows a new decision by itself. There is nothing to do.",
        ),
    )


def nothing_outstanding(facts: Facts, _given: Given | None) -> Refusal | None:
    """Settled means: every cent was paid, received or given up."""
    if not facts.outstanding:
        return None
    return Refusal(
        "money_outstanding",
        Text(
            "Er staat nog {amount} open. Lees het bankafschrift in.",
            "{amount} is still outstanding. Import the bank statement.",
        ).fill(amount=same(euro(facts.outstanding))),
    )


def _states(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


def _who(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_REASON_FOR_SCHOOL = Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")
_HANDLED = (State.SUBMITTED, State.INCOMPLETE, State.UNDER_REVIEW, State.ADVISED, State.WAITLISTED)

_AWAITING = _states(State.SUBMITTED, State.UNDER_REVIEW, State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED)
"""States in which the term to decide runs on."""

PAYING = _states(State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED)
"""States in which something may still be paid."""

T = Transition[Facts]


def _after_remedy(name: str, past: Text, source: frozenset[StrEnum], target: State | None, effect: Effect) -> T:
    return T(
        name=name,
        label=past,
        past=past,
        tone=Tone.POSITIVE,
        source=source,
        target=target,
        who=_who(Role.SYSTEM),
        guards=(after_a_new_decision,),
        effects=(effect,),
        reopens=True,
    )


_AFTER_REMEDY = (
    _after_remedy(
        "award_after_all",
        Text("na heroverweging toch toegekend", "awarded after reconsideration"),
        _states(State.REJECTED),
        State.AWARDED,
        Effect.AWARD_AFTER_REMEDY,
    ),
    _after_remedy(
        "raise_award",
        Text("toekenning herzien na heroverweging", "award changed after reconsideration"),
        _states(State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED),
        None,
        Effect.RAISE_AFTER_REMEDY,
    ),
    _after_remedy(
        "restore_award",
        Text("na heroverweging geldt de toekenning weer", "award holds again after reconsideration"),
        _states(State.REVOKED),
        State.AWARDED,
        Effect.RESTORE_AFTER_REMEDY,
    ),
    _after_remedy(
        "consider_after_all",
        Text("na heroverweging toch behandeld", "considered after reconsideration"),
        _states(State.NOT_CONSIDERED),
        State.SUBMITTED,
        Effect.CONSIDER_AFTER_REMEDY,
    ),
    _after_remedy(
        "determine_anew",
        Text("eindbedrag herzien na heroverweging", "final amount changed after reconsideration"),
        _states(State.DETERMINED, State.SETTLED),
        State.DETERMINED,
        Effect.DETERMINE_AFTER_REMEDY,
    ),
)

FLOW: Flow[Facts] = Flow(
    kind="application",
    label=Text("aanvraag", "application"),
    initial=State.DRAFT,
    looks={
        State.DRAFT: Look(Text("Concept", "Draft"), Tone.NEUTRAL, "draft"),
        State.SUBMITTED: Look(Text("Ingestuurd", "Submitted"), Tone.INFO, "sent"),
        State.INCOMPLETE: Look(Text("Aanvulling nodig", "More information needed"), Tone.WAITING, "question"),
        State.UNDER_REVIEW: Look(Text("Wordt beoordeeld", "Under review"), Tone.INFO, "clock"),
        State.ADVISED: Look(Text("Advies gegeven", "Advised"), Tone.INFO, "agenda"),
        State.WAITLISTED: Look(Text("Op de wachtlijst", "On the waiting list"), Tone.WAITING, "clock"),
        State.OFFERED: Look(Text("Geld aangeboden", "Money offered"), Tone.WAITING, "question"),
        State.OFFER_ACCEPTED: Look(Text("Aanbod aangenomen", "Offer accepted"), Tone.INFO, "agenda"),
        State.AWARDED: Look(Text("Toegekend", "Awarded"), Tone.POSITIVE, "check"),
        State.REPORTED: Look(Text("Verantwoording ingestuurd", "Accounts sent"), Tone.INFO, "progress"),
        State.DETERMINATION_INTENDED: Look(
            Text("Voornemen eindbedrag", "Final amount intended"), Tone.WAITING, "question"
        ),
        State.DETERMINED: Look(Text("Eindbedrag vast", "Final amount determined"), Tone.DECISION, "euro"),
        State.SETTLED: Look(Text("Afgerond", "Settled"), Tone.POSITIVE, "done", final=True),
        State.REJECTED: Look(Text("Afgewezen", "Rejected"), Tone.NEGATIVE, "cross", final=True),
        State.NOT_CONSIDERED: Look(Text("Niet in behandeling", "Not considered"), Tone.NEUTRAL, "dash", final=True),
        State.WITHDRAWN: Look(Text("Ingetrokken", "Withdrawn"), Tone.NEUTRAL, "stop", final=True),
        State.REVOKED: Look(Text("Toekenning ingetrokken", "Award revoked"), Tone.NEGATIVE, "stop", final=True),
    },
    transitions=(
        T(
            name="submit",
            label=Text("Aanvraag insturen", "Submit application"),
            past=Text("ingestuurd", "submitted"),
            tone=Tone.POSITIVE,
            source=_states(State.DRAFT),
            target=State.SUBMITTED,
            who=_who(Role.APPLICANT),
            guards=(window_is_open, nothing_is_missing),
            effects=(Effect.RECEIVE,),
            mail=(Mail("received", Role.APPLICANT), Mail("new_application", Role.HANDLER)),
            hint=Text(
                "Daarna kunt u de aanvraag niet meer veranderen.", "After this you cannot change the application."
            ),
            beside=True,
        ),
        T(
            name="take_up",
            label=Text("In behandeling nemen", "Take up"),
            past=Text("in behandeling genomen", "taken up"),
            tone=Tone.POSITIVE,
            source=_states(State.SUBMITTED),
            target=State.UNDER_REVIEW,
            who=_who(Role.HANDLER),
            guards=(no_conflict_declared,),
            mail=(Mail("taken_up", Role.APPLICANT), Mail("advice_wanted", Role.ADVISER)),
            hint=Text(
                "De aanvraag is compleet. De adviescommissie krijgt bericht.",
                "The application is complete. The advisory panel is told.",
            ),
        ),
        T(
            name="ask_completion",
            label=Text("Aanvulling vragen", "Ask for completion"),
            past=Text("om aanvulling gevraagd", "asked to be completed"),
            tone=Tone.WAITING,
            source=_states(State.SUBMITTED),
            target=State.INCOMPLETE,
            who=_who(Role.HANDLER),
            asks="completion",
            guards=(no_conflict_declared, completion_can_be_asked, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.ASK_COMPLETION,),
            mail=(Mail("completion_asked", Role.APPLICANT),),
            hint=Text("De beslistermijn staat dan stil.", "The decision term stands still meanwhile."),
        ),
        T(
            name="complete",
            label=Text("Aanvulling insturen", "Send completion"),
            past=Text("aangevuld", "completed"),
            tone=Tone.POSITIVE,
            source=_states(State.INCOMPLETE),
            target=State.SUBMITTED,
            who=_who(Role.APPLICANT),
            guards=(nothing_is_missing,),
            effects=(Effect.RECEIVE_COMPLETION,),
            mail=(Mail("completion_received", Role.APPLICANT), Mail("completion_in", Role.HANDLER)),
            beside=True,
        ),
        T(
            name="not_consider",
            label=Text("Niet in behandeling nemen", "Decide not to consider"),
            past=Text("niet in behandeling genomen", "not considered"),
            tone=Tone.NEGATIVE,
            source=_states(State.INCOMPLETE, State.SUBMITTED),
            target=State.NOT_CONSIDERED,
            who=_who(Role.HANDLER),
            asks="refusal",
            guards=(no_conflict_declared, chance_to_complete_is_over, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.RECORD_DECISION, Effect.END_TERMS, Effect.WRITE_LETTER),
            mail=(Mail("not_considered", Role.APPLICANT),),
        ),
        T(
            name="advise",
            label=Text("Advies vastleggen", "Record advice"),
            past=Text("advies gegeven", "advised"),
            tone=Tone.INFO,
            source=_states(State.UNDER_REVIEW),
            target=State.ADVISED,
            who=_who(Role.ADVISER),
            asks="advice",
            guards=(
                no_conflict_declared,
                advised_in_a_meeting,
                needs("explanation", Text("Schrijf op waarom.", "Write why.")),
            ),
            effects=(Effect.RECORD_ADVICE,),
            mail=(Mail("advised", Role.DECISION_MAKER),),
        ),
        T(
            name="return_to_panel",
            label=Text("Terug naar de commissie", "Return to the panel"),
            past=Text("teruggegeven aan de commissie", "returned to the panel"),
            tone=Tone.WAITING,
            source=_states(State.ADVISED),
            target=State.UNDER_REVIEW,
            who=_who(Role.DECISION_MAKER),
            asks="reason",
            guards=(
                no_conflict_declared,
                not_the_adviser,
                needs(
                    "explanation", Text("Schrijf op wat de commissie moet bekijken.", "Write what the panel must do.")
                ),
            ),
            mail=(Mail("advice_wanted", Role.ADVISER),),
        ),
        T(
            name="award",
            label=Text("Toekennen", "Award"),
            past=Text("toegekend", "awarded"),
            tone=Tone.POSITIVE,
            source=_states(State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED),
            target=State.AWARDED,
            who=_who(Role.DECISION_MAKER),
            asks="award",
            guards=(
                no_conflict_declared,
                not_the_adviser,
                first_in_line,
                account_is_known,
                within_the_formula,
                within_ceiling,
                deviation_explained("award"),
            ),
            effects=(
                Effect.RECORD_DECISION,
                Effect.COMMIT_FUNDS,
                Effect.FREEZE_AWARD,
                Effect.WRITE_LETTER,
            ),
            mail=(Mail("awarded", Role.APPLICANT),),
        ),
        T(
            name="waitlist",
            label=Text("Op de wachtlijst zetten", "Put on the waiting list"),
            past=Text("op de wachtlijst gezet", "put on the waiting list"),
            tone=Tone.WAITING,
            source=_states(State.ADVISED),
            target=State.WAITLISTED,
            who=_who(Role.DECISION_MAKER),
            asks="reason",
            guards=(no_conflict_declared, not_the_adviser, needs("explanation", _REASON_FOR_SCHOOL)),
            mail=(Mail("waitlisted", Role.APPLICANT),),
        ),
        T(
            name="offer",
            label=Text("Vrij geld aanbieden", "Offer free money"),
            past=Text("geld aangeboden", "money offered"),
            tone=Tone.POSITIVE,
            source=_states(State.WAITLISTED),
            target=State.OFFERED,
            who=_who(Role.COORDINATOR),
            asks="offer",
            guards=(first_in_line, account_is_known, within_the_formula, within_ceiling),
            effects=(Effect.MAKE_OFFER,),
            mail=(Mail("offered", Role.APPLICANT),),
            hint=Text(
                "Het geld blijft apart tot de school antwoordt of de termijn voorbij is.",
                "The money is set apart until the school answers or the term is over.",
            ),
        ),
        T(
            name="accept_offer",
            label=Text("Aanbod aannemen", "Accept the offer"),
            past=Text("aanbod aangenomen", "offer accepted"),
            tone=Tone.DECISION,
            source=_states(State.OFFERED),
            target=State.OFFER_ACCEPTED,
            who=_who(Role.APPLICANT),
            guards=(the_offer_stands,),
            effects=(Effect.ACCEPT_OFFER,),
            mail=(Mail("offer_accepted", Role.DECISION_MAKER),),
            hint=Text("De stuurgroep neemt daarna het besluit.", "The steering group then decides."),
        ),
        T(
            name="decline_offer",
            label=Text("Aanbod afslaan", "Decline the offer"),
            past=Text("aanbod afgeslagen", "offer declined"),
            tone=Tone.NEGATIVE,
            source=_states(State.OFFERED),
            target=State.WAITLISTED,
            who=_who(Role.APPLICANT),
            asks="reason",
            effects=(Effect.END_OFFER,),
            mail=(Mail("offer_ended", Role.COORDINATOR),),
            hint=Text(
                "Uw aanvraag blijft op de wachtlijst, achteraan.", "Your application stays on the waiting list, last."
            ),
        ),
        T(
            name="lapse_offer",
            label=Text("Aanbod verlopen", "Offer lapsed"),
            past=Text("aanbod verlopen", "offer lapsed"),
            tone=Tone.WAITING,
            source=_states(State.OFFERED),
            target=State.WAITLISTED,
            who=_who(Role.SYSTEM),
            guards=(the_offer_is_over,),
            effects=(Effect.END_OFFER,),
            mail=(Mail("offer_lapsed", Role.APPLICANT), Mail("offer_ended", Role.COORDINATOR)),
            due="offer",
        ),
        T(
            name="reject",
            label=Text("Afwijzen", "Reject"),
            past=Text("afgewezen", "rejected"),
            tone=Tone.NEGATIVE,
            source=_states(State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED),
            target=State.REJECTED,
            who=_who(Role.DECISION_MAKER),
            asks="rejection",
            guards=(
                no_conflict_declared,
                not_the_adviser,
                needs("reasons", Text("Kies minstens één reden.", "Choose at least one reason.")),
                deviation_explained("reject"),
            ),
            effects=(Effect.RECORD_DECISION, Effect.END_OFFER, Effect.END_TERMS, Effect.WRITE_LETTER),
            mail=(Mail("rejected", Role.APPLICANT),),
        ),
        T(
            name="withdraw",
            label=Text("Aanvraag intrekken", "Withdraw application"),
            past=Text("ingetrokken", "withdrawn"),
            tone=Tone.NEGATIVE,
            source=_states(State.DRAFT, *_HANDLED, State.OFFERED, State.OFFER_ACCEPTED),
            target=State.WITHDRAWN,
            who=_who(Role.APPLICANT),
            asks="reason",
            effects=(Effect.END_OFFER, Effect.END_TERMS),
            mail=(Mail("withdrawn", Role.APPLICANT),),
            hint=Text("Dit kunt u niet terugdraaien.", "This cannot be undone."),
        ),
        T(
            name="extend_term",
            label=Text("Beslistermijn verlengen", "Extend the term to decide"),
            past=Text("beslistermijn verlengd", "term to decide extended"),
            tone=Tone.WAITING,
            source=_AWAITING,
            target=None,
            who=_who(Role.HANDLER),
            asks="term_extension",
            guards=(
                no_conflict_declared,
                it_may_be_extended,
                by_what_the_rules_allow,
                needs("explanation", _REASON_FOR_SCHOOL),
            ),
            effects=(Effect.EXTEND_TERM, Effect.WRITE_LETTER),
            mail=(Mail("term_extended", Role.APPLICANT),),
            hint=Text(
                "De school krijgt meteen een brief met de nieuwe datum.",
                "The school gets a letter with the new date at once.",
            ),
            beside=True,
        ),
        T(
            name="tell_delay",
            label=Text("Vertraging melden", "Tell of the delay"),
            past=Text("nieuwe datum gemeld: het besluit is te laat", "new date told: the decision is late"),
            tone=Tone.WAITING,
            source=_AWAITING,
            target=None,
            who=_who(Role.SYSTEM),
            guards=(it_is_late,),
            effects=(Effect.ANNOUNCE_DELAY, Effect.WRITE_LETTER),
            mail=(Mail("decision_delayed", Role.APPLICANT), Mail("decision_late", Role.HANDLER)),
            due="decision",
            beside=True,
        ),
        T(
            name="report",
            label=Text("Verantwoording insturen", "Send final accounts"),
            past=Text("verantwoording ingestuurd", "final accounts sent"),
            tone=Tone.POSITIVE,
            source=_states(State.AWARDED),
            target=State.REPORTED,
            who=_who(Role.APPLICANT),
            guards=(report_is_ready,),
            effects=(Effect.RECEIVE_REPORT,),
            mail=(Mail("report_received", Role.APPLICANT), Mail("report_in", Role.FINANCE)),
        ),
        T(
            name="return_report",
            label=Text("Verantwoording teruggeven", "Return the accounts"),
            past=Text("verantwoording teruggegeven", "accounts returned"),
            tone=Tone.WAITING,
            source=_states(State.REPORTED),
            target=State.AWARDED,
            who=_who(Role.FINANCE),
            asks="reason",
            guards=(needs("explanation", _REASON_FOR_SCHOOL),),
            mail=(Mail("report_returned", Role.APPLICANT),),
        ),
        T(
            name="intend_determination",
            label=Text("Voornemen sturen", "Send intended decision"),
            past=Text("voornemen gestuurd", "intended decision sent"),
            tone=Tone.WAITING,
            source=_states(State.REPORTED),
            target=State.DETERMINATION_INTENDED,
            who=_who(Role.FINANCE),
            guards=(no_remedy_runs, no_payment_in_a_batch, no_payment_under_way, lines_are_judged, something_was_cut),
            effects=(Effect.INTEND_DETERMINATION, Effect.WRITE_LETTER),
            mail=(Mail("determination_intended", Role.APPLICANT),),
            hint=Text(
                "De school kan reageren voordat u het eindbedrag vaststelt.",
                "The school can respond before you determine the final amount.",
            ),
        ),
        T(
            name="respond",
            label=Text("Reageren op het voornemen", "Respond to the intended decision"),
            past=Text("gereageerd op het voornemen", "responded to the intended decision"),
            tone=Tone.INFO,
            source=_states(State.DETERMINATION_INTENDED),
            target=None,
            who=_who(Role.APPLICANT),
            asks="response",
            guards=(not_responded_yet, needs("explanation", Text("Schrijf uw reactie op.", "Write your response."))),
            effects=(Effect.RECORD_RESPONSE,),
            mail=(Mail("response_in", Role.FINANCE),),
        ),
        T(
            name="determine",
            label=Text("Eindbedrag vaststellen", "Determine the final amount"),
            past=Text("eindbedrag vastgesteld", "final amount determined"),
            tone=Tone.DECISION,
            source=_states(State.REPORTED, State.DETERMINATION_INTENDED),
            target=State.DETERMINED,
            who=_who(Role.FINANCE),
            guards=(no_remedy_runs, no_payment_in_a_batch, no_payment_under_way, lines_are_judged, school_was_heard),
            effects=(Effect.DETERMINE, Effect.WRITE_LETTER),
            mail=(Mail("determined", Role.APPLICANT),),
        ),
        T(
            name="tell_late_amount",
            label=Text("Vertraging melden", "Tell of the delay"),
            past=Text("nieuwe datum gemeld: het eindbedrag is te laat", "new date told: the final amount is late"),
            tone=Tone.WAITING,
            source=_states(State.REPORTED, State.DETERMINATION_INTENDED),
            target=None,
            who=_who(Role.SYSTEM),
            guards=(it_is_late,),
            effects=(Effect.ANNOUNCE_DELAY, Effect.WRITE_LETTER),
            mail=(Mail("decision_delayed", Role.APPLICANT), Mail("decision_late", Role.FINANCE)),
            due="determination",
        ),
        T(
            name="settle",
            label=Text("Afronden", "Settle"),
            past=Text("afgerond", "settled"),
            tone=Tone.POSITIVE,
            source=_states(State.DETERMINED),
            target=State.SETTLED,
            who=_who(Role.SYSTEM, Role.FINANCE),
            guards=(nothing_outstanding,),
            effects=(Effect.END_TERMS,),
            mail=(Mail("settled", Role.APPLICANT),),
        ),
        T(
            name="revoke",
            label=Text("Toekenning intrekken", "Revoke the award"),
            past=Text("toekenning ingetrokken", "award revoked"),
            tone=Tone.NEGATIVE,
            source=_states(State.AWARDED),
            target=State.REVOKED,
            who=_who(Role.DECISION_MAKER),
            asks="reason",
            guards=(
                no_conflict_declared,
                no_remedy_runs,
                no_payment_in_a_batch,
                no_payment_under_way,
                needs("explanation", _REASON_FOR_SCHOOL),
            ),
            effects=(Effect.RECORD_DECISION, Effect.END_TERMS, Effect.REVOKE_FUNDS, Effect.WRITE_LETTER),
            mail=(Mail("revoked", Role.APPLICANT),),
        ),
        *_AFTER_REMEDY,
        T(
            name="hold_payments",
            label=Text("Betalingen aanhouden", "Hold payments"),
            past=Text("betalingen aangehouden", "payments put on hold"),
            tone=Tone.NEGATIVE,
            source=PAYING,
            target=None,
            who=_who(Role.FINANCE),
            asks="payment_hold",
            guards=(no_hold_runs, the_hold_may_last, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.HOLD_PAYMENTS,),
            mail=(Mail("payment_held", Role.APPLICANT),),
            hint=Text(
                "Er wordt niets betaald tot en met de dag die u kiest. Daarna gaat het vanzelf verder.",
                "Nothing is paid up to and including the day that you choose. After that it goes on by itself.",
            ),
        ),
        T(
            name="lift_hold",
            label=Text("Aanhouding opheffen", "Lift the hold"),
            past=Text("aanhouding opgeheven", "payment hold lifted"),
            tone=Tone.POSITIVE,
            source=PAYING,
            target=None,
            who=_who(Role.FINANCE),
            asks="reason",
            guards=(a_hold_runs, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.END_HOLD,),
            mail=(Mail("payment_resumed", Role.APPLICANT),),
        ),
        T(
            name="end_hold",
            label=Text("Aanhouding eindigt", "The hold ends"),
            past=Text("aanhouding geëindigd", "payment hold ended"),
            tone=Tone.INFO,
            source=PAYING,
            target=None,
            who=_who(Role.SYSTEM),
            guards=(the_hold_is_over,),
            effects=(Effect.END_HOLD,),
            mail=(Mail("payment_resumed", Role.APPLICANT), Mail("hold_ended", Role.FINANCE)),
        ),
    ),
)
