"""Paying takes two people: one prepares a batch, another approves exactly that list; the bank confirms or sends back.

Sources: Awb 4:87, 4:89 and 4:95 (terms, bank transfer, advances); domain.md section 3 (pain.001, camt.053).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum, auto

from fundapp.domain.flow import Flow, Given, Look, Mail, Tone, Transition, needs
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text


class State(StrEnum):
    """Where a payment batch stands."""

    PREPARED = "prepared"
    APPROVED = "approved"
    SENT = "sent"
    BOOKED = "booked"
    CANCELLED = "cancelled"


class OrderState(StrEnum):
    """Where one payment in a batch stands."""

    PENDING = "pending"  # in a batch that the bank has not answered
    PAID = "paid"
    RETURNED = "returned"  # the bank sent it back
    DROPPED = "dropped"  # its batch was cancelled


class InstalmentState(StrEnum):
    """Where one promised payment stands. A payment hold is no state: it ends by itself on its day."""

    WAITING = "waiting"  # for proof, or for the determination
    DUE = "due"
    ORDERED = "ordered"
    PAID = "paid"
    SET_OFF = "set_off"  # paid by what the school owed elsewhere
    DROPPED = "dropped"  # no longer owed


class Condition(StrEnum):
    """What must have happened before an instalment is paid."""

    AWARD = "award"
    DATE = "date"
    PROOF = "proof"
    DETERMINATION = "determination"

    @property
    def label(self) -> Text:
        """When it is paid, in words."""
        return _CONDITIONS[self]


_CONDITIONS = {
    Condition.AWARD: Text("na ons besluit", "after our decision"),
    Condition.DATE: Text("op een afgesproken dag", "on an agreed day"),
    Condition.PROOF: Text("na bewijs", "after proof"),
    Condition.DETERMINATION: Text("na het eindbedrag", "after the final amount"),
}


class Purpose(StrEnum):
    """What a payment is for, which decides the account that it is booked from."""

    ADVANCE = "advance"
    FINAL = "final"

    @property
    def label(self) -> Text:
        """The word on pages."""
        return Text("voorschot", "advance") if self is Purpose.ADVANCE else Text("nabetaling", "final payment")


class Effect(Enum):
    """What a transition does besides the state."""

    APPROVE_BATCH = auto()  # ledger: in transit; the payment file is written and kept
    RELEASE_BATCH = auto()  # the orders go back to the worklist
    TAKE_OUT = auto()  # one payment goes back to the worklist; an approval lapses


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One payment as it is approved: what the hash covers. Amount in cents."""

    end_to_end_id: str
    name: str
    iban: str
    cents: int
    remittance: str


def list_hash(ref: str, execution_on: date, lines: Iterable[OrderLine]) -> str:
    """Return SHA-256 (hexadecimal) of exactly this list: its day of payment and its payments, in their order.

    Any change gives another hash.
    """
    rows: list[list[str | int]] = [[ref, execution_on.isoformat()]]
    rows += [[line.end_to_end_id, line.name, line.iban, line.cents, line.remittance] for line in lines]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards of a payment batch ask.

    list_now: the hash of the list as it stands; file_problems: what the bank would refuse; overtaken: what changed
    since the list was made (another account, a payment hold); pending: payments without an answer of the bank.
    """

    state: str
    version: int
    roles: frozenset[Role]
    actor_id: int | None
    prepared_by_id: int
    list_now: str
    approved_hash: str | None = None
    file_problems: tuple[Refusal, ...] = ()
    overtaken: tuple[Refusal, ...] = ()
    pending: int = 0


def not_the_preparer(facts: Facts, _given: Given | None) -> Refusal | None:
    """Four eyes; the database refuses the same person as well."""
    if facts.prepared_by_id != facts.actor_id:
        return None
    return Refusal(
        "preparer_approves",
        Text(
            "U hebt deze betaalrun klaargezet. Vraag een collega om akkoord te geven.",
            "You prepared this payment batch. Ask a colleague to approve it.",
        ),
    )


def the_list_is_as_seen(facts: Facts, given: Given | None) -> Refusal | None:
    """The second person approves exactly the list on the page."""
    if given is None or given.get("list_hash") == facts.list_now:
        return None
    return Refusal(
        "list_changed",
        Text(
            "De lijst is veranderd sinds u hem opende. Controleer hem opnieuw.",
            "The list has changed since you opened it. Check it again.",
        ),
        kind=Kind.STALE,
    )


def the_bank_will_take_it(facts: Facts, _given: Given | None) -> Refusal | None:
    """Nothing is cut or spelt differently in silence: what the bank would refuse is shown first."""
    return facts.file_problems[0] if facts.file_problems else None


def nothing_overtook_it(facts: Facts, _given: Given | None) -> Refusal | None:
    """An account that was changed meanwhile, or a payment hold, stops a payment that has not left yet."""
    return facts.overtaken[0] if facts.overtaken else None


def the_list_is_as_approved(facts: Facts, _given: Given | None) -> Refusal | None:
    """An approval is for exactly one list; after any change it is worth nothing."""
    if facts.list_now == facts.approved_hash:
        return None
    return Refusal(
        "approval_lapsed",
        Text(
            "De lijst is niet meer die van het akkoord. Laat de betaalrun vervallen en zet hem opnieuw klaar.",
            "The list is no longer the one that was approved. Cancel the batch and prepare it again.",
        ),
        kind=Kind.STALE,
    )


def something_is_left(facts: Facts, _given: Given | None) -> Refusal | None:
    """The last payment is not taken out: then the batch is cancelled."""
    if facts.pending > 1:
        return None
    return Refusal(
        "last_payment",
        Text(
            "Dit is de enige betaling. Laat de hele betaalrun vervallen.",
            "This is the only payment. Cancel the whole batch.",
        ),
    )


def the_bank_has_answered(facts: Facts, _given: Given | None) -> Refusal | None:
    """Each payment was booked or came back."""
    if not facts.pending:
        return None
    return Refusal(
        "bank_has_not_answered",
        Text(
            "De bank heeft nog niet alles verwerkt. Lees het afschrift in.",
            "The bank has not processed everything. Import the statement.",
        ),
    )


T = Transition[Facts]


def _one(*states: State) -> frozenset[StrEnum]:
    return frozenset(states)


_FINANCE = frozenset({Role.FINANCE})

FLOW: Flow[Facts] = Flow(
    kind="payment_batch",
    label=Text("betaalrun", "payment batch"),
    initial=State.PREPARED,
    looks={
        State.PREPARED: Look(Text("Wacht op akkoord", "Waiting for approval"), Tone.WAITING, "clock"),
        State.APPROVED: Look(Text("Akkoord", "Approved"), Tone.POSITIVE, "check"),
        State.SENT: Look(Text("Naar de bank", "Sent to the bank"), Tone.INFO, "sent"),
        State.BOOKED: Look(Text("Verwerkt", "Booked"), Tone.POSITIVE, "done", final=True),
        State.CANCELLED: Look(Text("Vervallen", "Cancelled"), Tone.NEUTRAL, "stop", final=True),
    },
    transitions=(
        T(
            name="approve",
            label=Text("Akkoord geven", "Approve"),
            past=Text("akkoord gegeven", "approved"),
            tone=Tone.POSITIVE,
            source=_one(State.PREPARED),
            target=State.APPROVED,
            who=_FINANCE,
            guards=(not_the_preparer, the_bank_will_take_it, nothing_overtook_it, the_list_is_as_seen),
            effects=(Effect.APPROVE_BATCH,),
            hint=Text(
                "U keurt precies deze lijst goed. Daarna staat het bestand voor de bank klaar.",
                "You approve exactly this list. After that the file for the bank is ready.",
            ),
        ),
        T(
            name="send",
            label=Text("Naar de bank gestuurd", "Mark as sent to the bank"),
            past=Text("naar de bank gestuurd", "sent to the bank"),
            tone=Tone.INFO,
            source=_one(State.APPROVED),
            target=State.SENT,
            who=_FINANCE,
            guards=(nothing_overtook_it, the_list_is_as_approved),
            mail=(Mail("payment_sent", Role.APPLICANT),),
            hint=Text(
                "Kies dit als u het bestand bij de bank hebt ingelezen.",
                "Choose this when you have uploaded the file at the bank.",
            ),
        ),
        T(
            name="book",
            label=Text("Verwerkt door de bank", "Booked by the bank"),
            past=Text("verwerkt door de bank", "booked by the bank"),
            tone=Tone.POSITIVE,
            source=_one(State.APPROVED, State.SENT),  # what the bank booked was sent, whoever forgot to say so
            target=State.BOOKED,
            who=frozenset({Role.SYSTEM}),
            guards=(the_bank_has_answered,),
        ),
        T(
            name="take_out",
            label=Text("Een betaling eruit halen", "Take a payment out"),
            past=Text("een betaling eruit gehaald", "a payment taken out"),
            tone=Tone.WAITING,
            source=_one(State.PREPARED, State.APPROVED),
            target=State.PREPARED,
            who=_FINANCE,
            asks="take_out",
            guards=(something_is_left, needs("explanation", Text("Schrijf op waarom.", "Write why."))),
            effects=(Effect.TAKE_OUT,),
            hint=Text(
                "De betaling komt terug op de werklijst. Een gegeven akkoord vervalt.",
                "The payment returns to the worklist. An approval that was given lapses.",
            ),
        ),
        T(
            name="cancel",
            label=Text("Terugsturen: betaalrun vervalt", "Send back: the batch lapses"),
            past=Text("teruggestuurd en vervallen", "sent back and cancelled"),
            tone=Tone.NEGATIVE,
            source=_one(State.PREPARED, State.APPROVED),
            target=State.CANCELLED,
            who=_FINANCE,
            asks="reason",
            guards=(needs("explanation", Text("Schrijf op waarom.", "Write why.")),),
            effects=(Effect.RELEASE_BATCH,),
            hint=Text(
                "De betalingen komen terug op de werklijst. Wie de run klaarzette, krijgt bericht.",
                "The payments return to the worklist. Who prepared the batch is told.",
            ),
        ),
    ),
)
