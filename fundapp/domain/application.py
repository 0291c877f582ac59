"""The life of an application, from draft to settled: its states, and who may do what in each.

Sources: domain.md sections 2.2 (Awb), 2.3 and 7; the words are those of its section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum, auto

from fundapp.domain.after_remedy import after_a_new_decision, no_remedy_runs
from fundapp.domain.decision_term import Deciding, by_what_the_rules_allow, it_is_late, it_may_be_extended
from fundapp.domain.draft import DraftPicture
from fundapp.domain.flow import Flow, Given, Guard, Look, Mail, Tone, Transition, needs
from fundapp.domain.intention import (
    Grounds,
    RejectionHearing,
    heard_on_these_grounds,
    hearing_is_asked,
    not_past_the_line,
    response_is_in,
)
from fundapp.domain.money import euro
from fundapp.domain.payment_hold import Hold, a_hold_runs, no_hold_runs, the_hold_is_over, the_hold_may_last
from fundapp.domain.payment_scheme import no_payment_in_a_batch
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import Calculation
from fundapp.domain.settling import (
    ex_officio_is_allowed,
    lines_are_judged,
    no_payment_under_way,
    not_responded_yet,
    nothing_outstanding,
    proof_was_not_asked_yet,
    report_is_late,
    report_is_ready,
    school_was_heard,
    something_is_reduced,
)
from fundapp.domain.signing import (
    Signatures,
    fund_ends_it_unsigned,
    school_signed,
    signature_term_is_over,
    somebody_was_asked,
    unsigned_in_time,
    what_was_read_still_stands,
)
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
    REJECTION_INTENDED = "rejection_intended"
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
    JUDGE_AGAIN = auto()  # the conditions, as things stand when it is checked for completeness
    ASK_COMPLETION = auto()  # stop the decision term, start the completion term
    RECEIVE_COMPLETION = auto()  # freeze it again, let the decision term run on
    END_TERMS = auto()
    RECORD_ADVICE = auto()
    INTEND_REJECTION = auto()  # keep the grounds, start the school's term to respond
    RECORD_DECISION = auto()
    COMMIT_FUNDS = auto()
    FREEZE_AWARD = auto()  # name, board and account as they are today; advances; the report term
    ASK_REPORT = auto()  # of a school with a fixed amount: show what you did
    SET_LAST_TERM = auto()
    RECEIVE_REPORT = auto()
    RETURN_REPORT = auto()
    BEGIN_EX_OFFICIO = auto()
    INTEND_DETERMINATION = auto()
    RECORD_RESPONSE = auto()
    END_RESPONSE = auto()  # nothing is intended any more, so there is nothing to respond to
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
    ASK_SIGNATURES = auto()  # of who has not signed what is sent; the term to do so starts
    RECORD_SIGNATURE = auto()
    RECORD_REFUSAL = auto()  # who was asked to sign says no
    TAKE_BACK = auto()  # as if it had never been sent


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the guards of an application ask. Amounts in cents; `today` is the Amsterdam date.

    draft: all that was filled in, while the school can still change it; for who writes for the school.
    conflict_declared: what somebody who judges declared last: an interest, or none; None: nothing, or no judge.
    window_refusal: why the application window is not open for this applicant; None: it is.
    signatures: who signs, held against what is written or was sent last; signature_due: the last day to sign.
    problems: what is missing or wrong in the application as it stands. A condition that is not met is among them only
    where the fund says that it blocks sending.
    ends_on: the last day of the project. held: what is reserved for the case; award: the most that it can get; paid:
    what the school has of it; receivable: what it must pay back. report: the final accounts, after the award.
    in_batch: the payment batch, not approved yet, that one of its payments is in. holds: the payment holds it had;
    hold_open: one that nobody ended yet.
    free_in: what can still be awarded, by the ceiling that held when it came in (Awb 4:27): in the tranche under "",
    and in the pot of its sub-region if it has one. free_now: the least that the ledger has in these. grantable: the
    most that the fund's formula allows. offered: what is held for it after an offer; free_in and free_now count it.
    hearing: when the fund hears a school before it rejects. grounds: gives what the school's own answers show, and what
    it was heard on; read when asked. intended: an intended rejection stands. came_from_the_line: it waited before.
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
    signatures: Signatures | None = None
    signature_due: date | None = None
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
    held: int = 0
    award: int = 0
    paid: int = 0
    in_transit: int = 0
    in_batch: str | None = None
    receivable: int = 0
    outstanding: int = 0
    ends_on: date | None = None
    report: ReportPicture | None = None
    calculation: Calculation | None = None
    hearing: RejectionHearing = RejectionHearing.NEVER
    grounds: Callable[[], Grounds] = Grounds
    came_from_the_line: bool = False
    response_given: bool = False
    response_due: date | None = None
    profile: Profile = Profile.PRIVATE
    holds: tuple[Hold, ...] = ()
    hold_open: bool = False
    remedy: str | None = None
    deciding: Deciding | None = None
    extendable: Length | None = None

    @property
    def intended(self) -> bool:
        """Whether an intended rejection stands."""
        return self.state == State.REJECTION_INTENDED

    @property
    def amount_intended(self) -> bool:
        """Whether an intended final amount stands."""
        return self.state == State.DETERMINATION_INTENDED

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
    """Awb 4:5(1)c: refuse to consider it only after the applicant had the chance to complete it.

    Where nobody signed, the term that the fund gives for it was that chance.
    """
    if unsigned_in_time(facts):
        return None
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


def _states(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


def _who(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_REASON_FOR_SCHOOL = Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")
_WHY_NOT = Text("Schrijf op waarom niet. De school leest dit.", "Write why not. The school reads this.")
_SIGNED_IN = (State.DRAFT, State.SUBMITTED, State.INCOMPLETE)
_HANDLED = (
    State.SUBMITTED,
    State.INCOMPLETE,
    State.UNDER_REVIEW,
    State.ADVISED,
    State.WAITLISTED,
    State.REJECTION_INTENDED,
)
_REJECTING = (
    no_conflict_declared,
    not_the_adviser,
    needs("reasons", Text("Kies minstens één reden.", "Choose at least one reason.")),
)

_AWAITING = _states(
    State.SUBMITTED, State.UNDER_REVIEW, State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED, State.REJECTION_INTENDED
)
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
        State.REJECTION_INTENDED: Look(Text("Voornemen tot afwijzing", "Rejection intended"), Tone.WAITING, "question"),
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
            effects=(Effect.RECEIVE, Effect.ASK_SIGNATURES),
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
            guards=(no_conflict_declared, school_signed),
            effects=(Effect.JUDGE_AGAIN,),
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
            effects=(Effect.JUDGE_AGAIN, Effect.ASK_COMPLETION),
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
            effects=(Effect.RECEIVE_COMPLETION, Effect.ASK_SIGNATURES),
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
            name="sign",
            label=Text("Akkoord geven", "Agree"),
            past=Text("akkoord gegeven", "agreed"),
            tone=Tone.DECISION,
            source=_states(*_SIGNED_IN),
            target=None,
            who=_who(Role.SIGNER, Role.SYSTEM),
            asks="signature",
            guards=(somebody_was_asked, what_was_read_still_stands),
            effects=(Effect.RECORD_SIGNATURE,),
            mail=(Mail("signed", Role.APPLICANT),),
            hint=Text("U leest eerst de hele aanvraag.", "You read the whole application first."),
            beside=True,
        ),
        T(
            name="decline",
            label=Text("Niet akkoord", "Do not agree"),
            past=Text("niet akkoord", "not agreed"),
            tone=Tone.NEGATIVE,
            source=_states(State.DRAFT, State.INCOMPLETE),
            target=None,
            who=_who(Role.SIGNER, Role.SYSTEM),
            asks="refuse_signature",
            guards=(somebody_was_asked, needs("explanation", _WHY_NOT)),
            effects=(Effect.RECORD_REFUSAL,),
            mail=(Mail("sign_declined", Role.APPLICANT),),
            hint=Text("De aanvraag blijft een concept.", "The application stays a draft."),
            beside=True,
        ),
        T(
            name="decline_sent",
            label=Text("Niet akkoord", "Do not agree"),
            past=Text("niet akkoord; terug naar concept", "not agreed; back to draft"),
            tone=Tone.NEGATIVE,
            source=_states(State.SUBMITTED),
            target=State.DRAFT,
            who=_who(Role.SIGNER, Role.SYSTEM),
            asks="refuse_signature",
            guards=(somebody_was_asked, needs("explanation", _WHY_NOT)),
            effects=(Effect.RECORD_REFUSAL, Effect.TAKE_BACK),
            mail=(Mail("sign_declined", Role.APPLICANT), Mail("taken_back", Role.HANDLER)),
            hint=Text("De aanvraag gaat terug naar concept.", "The application goes back to draft."),
            beside=True,
        ),
        T(
            name="miss_signature",
            label=Text("Niet op tijd getekend", "Not signed in time"),
            past=Text("niet op tijd getekend", "not signed in time"),
            tone=Tone.NEGATIVE,
            source=_states(State.SUBMITTED),
            target=State.NOT_CONSIDERED,
            who=_who(Role.SYSTEM),
            guards=(signature_term_is_over, fund_ends_it_unsigned),
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
            source=_states(State.ADVISED, State.REJECTION_INTENDED),
            target=State.UNDER_REVIEW,
            who=_who(Role.DECISION_MAKER),
            asks="reason",
            guards=(
                no_conflict_declared,
                not_the_adviser,
                not_past_the_line,
                response_is_in,
                needs(
                    "explanation", Text("Schrijf op wat de commissie moet bekijken.", "Write what the panel must do.")
                ),
            ),
            effects=(Effect.END_RESPONSE,),
            mail=(Mail("advice_wanted", Role.ADVISER),),
        ),
        T(
            name="award",
            label=Text("Toekennen", "Award"),
            past=Text("toegekend", "awarded"),
            tone=Tone.POSITIVE,
            source=_states(State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED, State.REJECTION_INTENDED),
            target=State.AWARDED,
            who=_who(Role.DECISION_MAKER),
            asks="award",
            guards=(
                no_conflict_declared,
                not_the_adviser,
                first_in_line,
                not_past_the_line,
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
            source=_states(State.ADVISED, State.REJECTION_INTENDED),
            target=State.WAITLISTED,
            who=_who(Role.DECISION_MAKER),
            asks="reason",
            guards=(no_conflict_declared, not_the_adviser, response_is_in, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.END_RESPONSE,),
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
            name="intend_rejection",
            label=Text("Voornemen tot afwijzing sturen", "Send intended rejection"),
            past=Text("voornemen tot afwijzing gestuurd", "intended rejection sent"),
            tone=Tone.WAITING,
            source=_states(State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED, State.REJECTION_INTENDED),
            target=State.REJECTION_INTENDED,
            who=_who(Role.DECISION_MAKER),
            asks="rejection",
            guards=(*_REJECTING, hearing_is_asked, response_is_in, deviation_explained("reject")),
            effects=(Effect.END_OFFER, Effect.INTEND_REJECTION, Effect.WRITE_LETTER),
            mail=(Mail("rejection_intended", Role.APPLICANT),),
            hint=Text(
                "De school kan reageren voordat u besluit. De beslistermijn loopt door.",
                "The school can respond before you decide. The decision term runs on.",
            ),
        ),
        T(
            name="respond_to_rejection",
            label=Text("Reageren op het voornemen", "Respond to the intended decision"),
            past=Text("gereageerd op het voornemen", "responded to the intended decision"),
            tone=Tone.INFO,
            source=_states(State.REJECTION_INTENDED),
            target=None,
            who=_who(Role.APPLICANT),
            asks="response",
            guards=(not_responded_yet, needs("explanation", Text("Schrijf uw reactie op.", "Write your response."))),
            effects=(Effect.RECORD_RESPONSE,),
            mail=(Mail("rejection_response_in", Role.DECISION_MAKER),),
        ),
        T(
            name="reject",
            label=Text("Afwijzen", "Reject"),
            past=Text("afgewezen", "rejected"),
            tone=Tone.NEGATIVE,
            source=_states(State.ADVISED, State.WAITLISTED, State.OFFER_ACCEPTED, State.REJECTION_INTENDED),
            target=State.REJECTED,
            who=_who(Role.DECISION_MAKER),
            asks="rejection",
            guards=(*_REJECTING, response_is_in, heard_on_these_grounds, deviation_explained("reject")),
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
            name="ask_report",
            label=Text("Om een verslag vragen", "Ask for a report"),
            past=Text("om een verslag gevraagd", "asked for a report"),
            tone=Tone.WAITING,
            source=_states(State.AWARDED),
            target=None,
            who=_who(Role.FINANCE),
            asks="reason",
            guards=(proof_was_not_asked_yet, needs("explanation", _REASON_FOR_SCHOOL)),
            effects=(Effect.ASK_REPORT,),
            mail=(Mail("report_asked", Role.APPLICANT),),
            hint=Text(
                "De school krijgt een vast bedrag. Zij laat alleen iets zien als u erom vraagt.",
                "The school gets a fixed amount. It shows something only when you ask.",
            ),
        ),
        T(
            name="set_last_term",
            label=Text("Laatste termijn geven", "Give a last term"),
            past=Text("laatste termijn gegeven", "last term given"),
            tone=Tone.WAITING,
            source=_states(State.AWARDED),
            target=None,
            who=_who(Role.FINANCE),
            guards=(report_is_late,),
            effects=(Effect.SET_LAST_TERM, Effect.WRITE_LETTER),
            mail=(Mail("report_last_term", Role.APPLICANT),),
            hint=Text(
                "Komt er dan nog niets? Dan kunt u ambtshalve vaststellen.",
                "If nothing comes by then, you can determine ex officio.",
            ),
        ),
        T(
            name="begin_ex_officio",
            label=Text("Ambtshalve vaststellen", "Determine ex officio"),
            past=Text("ambtshalve vaststelling begonnen", "ex officio determination begun"),
            tone=Tone.DECISION,
            source=_states(State.AWARDED),
            target=State.REPORTED,
            who=_who(Role.FINANCE),
            guards=(ex_officio_is_allowed, no_payment_under_way),
            effects=(Effect.BEGIN_EX_OFFICIO,),
            hint=Text(
                "U vult in welke kosten u kent. Een vast bedrag telt helemaal mee.",
                "You enter which costs you know of. A fixed amount counts in full.",
            ),
        ),
        T(
            name="return_report",
            label=Text("Verantwoording teruggeven", "Return the accounts"),
            past=Text("verantwoording teruggegeven", "accounts returned"),
            tone=Tone.WAITING,
            source=_states(State.REPORTED, State.DETERMINATION_INTENDED),
            target=State.AWARDED,
            who=_who(Role.FINANCE),
            asks="reason",
            guards=(needs("explanation", _REASON_FOR_SCHOOL),),
            effects=(Effect.RETURN_REPORT,),
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
            guards=(
                no_remedy_runs,
                no_payment_in_a_batch,
                no_payment_under_way,
                lines_are_judged,
                something_is_reduced,
            ),
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
