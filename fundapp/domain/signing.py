"""The agreement of who may bind the school: who was asked, what was agreed to, and whether that still stands.

A signature is of a content, not of a moment: it keeps the hash of what was read. As soon as the application says
something else, the signature no longer counts; nothing has to be remembered for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from fundapp.domain.conditions import SignerRule
from fundapp.domain.days import day_text
from fundapp.domain.facts import SignatureFacts, SignerRole
from fundapp.domain.flow import Given, Look, Tone
from fundapp.domain.money import euro
from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text, same


class SignatureState(StrEnum):
    """What is kept of one signature."""

    NAMED = "named"  # the school said who signs; nothing was asked yet
    ASKED = "asked"
    SIGNED = "signed"
    DECLINED = "declined"
    REPLACED = "replaced"  # asked anew, or somebody else signs


class Standing(StrEnum):
    """How a signature stands towards the application as it is now."""

    NOBODY = "nobody"
    NAMED = "named"
    ASKED = "asked"
    SIGNED = "signed"
    LAPSED = "lapsed"
    DECLINED = "declined"


LOOKS = {
    Standing.NOBODY: Look(Text("Nog niemand genoemd", "Nobody named yet"), Tone.NEUTRAL, "draft"),
    Standing.NAMED: Look(Text("Nog niet gevraagd", "Not asked yet"), Tone.NEUTRAL, "draft"),
    Standing.ASKED: Look(Text("Gevraagd, wacht op antwoord", "Asked, waiting for the answer"), Tone.WAITING, "clock"),
    Standing.SIGNED: Look(Text("Akkoord", "Agreed"), Tone.POSITIVE, "check"),
    Standing.LAPSED: Look(
        Text("Vervallen: de aanvraag is veranderd", "Lapsed: the application changed"), Tone.WAITING, "alert"
    ),
    Standing.DECLINED: Look(Text("Niet akkoord", "Not agreed"), Tone.NEGATIVE, "cross"),
}
"""How each standing is shown."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature that counts or is waited for. place: 1, or 2 for the second signer of a fund that asks one.

    sha256: of the content that was agreed to. explanation: why not, where the answer was no.
    """

    id: int
    place: int
    role: SignerRole
    name: str
    email: str
    state: SignatureState
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    sha256: str | None = None
    explanation: str = ""

    def standing(self, content: str) -> Standing:
        """How it stands towards the content with this hash."""
        if self.state is SignatureState.SIGNED and self.sha256 != content:
            return Standing.LAPSED
        return Standing(str(self.state))


@dataclass(frozen=True)
class Signatures:
    """All that a fund's rule asks of who signs, held against one content (its hash). found: those that count."""

    rule: SignerRule | None
    found: tuple[Signature, ...]
    content: str

    @property
    def places(self) -> tuple[int, ...]:
        """The places that the fund asks to be filled."""
        if self.rule is None:
            return ()
        return (1, 2) if self.rule.second else (1,)

    def roles(self, place: int) -> tuple[SignerRole, ...]:
        """Who may sign at a place."""
        assert self.rule is not None
        return self.rule.roles if place == 1 else self.rule.second

    def at(self, place: int) -> Signature | None:
        """The signature at a place, or None."""
        return next((one for one in self.found if one.place == place), None)

    def standing(self, place: int) -> Standing:
        """How the signature at a place stands. Without a name or an address it is nobody's yet."""
        one = self.at(place)
        return Standing.NOBODY if one is None or not (one.name and one.email) else one.standing(self.content)

    @property
    def complete(self) -> bool:
        """Whether everybody whom the fund asks agreed to exactly this content."""
        return all(self.standing(place) is Standing.SIGNED for place in self.places)

    @property
    def asked(self) -> tuple[Signature, ...]:
        """Those whose answer is waited for, in order."""
        return tuple(one for one in self.found if one.state is SignatureState.ASKED and one.place in self.places)

    def facts(self, place: int) -> SignatureFacts | None:
        """What the conditions look at: agreed is None while there is no answer that counts."""
        one = self.at(place)
        if one is None:
            return None
        agreed = {Standing.SIGNED: True, Standing.DECLINED: False}.get(one.standing(self.content))
        return SignatureFacts(role=one.role, agreed=agreed)

    def problems(self) -> list[Refusal]:
        """What stands in the way of sending the application, each at its field on the page of the agreement."""
        found: list[Refusal] = []
        for place in self.places:
            standing = self.standing(place)
            if standing is Standing.NOBODY:
                found.append(_problem("signer_missing", _WHO if place == 1 else _WHO_ELSE, place))
            elif standing is Standing.DECLINED:
                found.append(_problem("signer_declined", _ASK_AGAIN.fill(name=self._name(place)), place))
            elif standing is not Standing.SIGNED and self.rule is not None and self.rule.within is None:
                found.append(_problem("not_signed", _SIGN_FIRST.fill(name=self._name(place)), place))
        return found

    def _name(self, place: int) -> Text:
        one = self.at(place)
        return same(one.name if one else "–")

    def missing(self, due: date | None, today: date) -> Refusal | None:
        """Why who handles the application cannot go on; None where everybody agreed. due: the last day to sign."""
        if self.complete:
            return None
        if due is None or today > due:
            return Refusal("not_signed_in_time", _TOO_LATE)
        return Refusal("not_signed", _WAIT.fill(due=day_text(due)))


_WHO = Text("Vul in wie er namens de school tekent.", "Enter who signs for the school.")
_WHO_ELSE = Text("Vul in wie er ook tekent.", "Enter who signs as well.")
_ASK_AGAIN = Text(
    "{name} is niet akkoord. Pas de aanvraag aan en vraag opnieuw om akkoord.",
    "{name} does not agree. Change the application and ask for the agreement again.",
)
_SIGN_FIRST = Text(
    "{name} moet nog tekenen. Vraag om akkoord voordat u de aanvraag instuurt.",
    "{name} has yet to sign. Ask for the agreement before you send the application.",
)
_WAIT = Text(
    "De school moet nog tekenen. Dat mag tot en met {due}. Wacht tot er getekend is.",
    "The school has yet to sign. It may do so up to and including {due}. Wait until it has signed.",
)
_TOO_LATE = Text(
    "De school tekende niet op tijd. Vraag om aanvulling of kies “niet in behandeling”.",
    "The school did not sign in time. Ask for completion, or decide not to consider it.",
)


def _problem(code: str, sentence: Text, place: int) -> Refusal:
    return Refusal(code, sentence, field=f"signer-{place}-name", kind=Kind.INVALID)


def same_address(signatures: Iterable[Signature], email: str, place: int) -> Signature | None:
    """The signature at another place that has this address too: two agreements come from two mailboxes."""
    return next((one for one in signatures if one.place != place and one.email == email), None)


def declarations(school: str, own_cents: int) -> list[Text]:
    """What somebody says with an agreement, besides that the application may be sent. own_cents: the school's share."""
    said = [
        Text("U mag namens {school} tekenen.", "You may sign for {school}."),
        Text("De aanvraag is naar waarheid ingevuld.", "The application is filled in truthfully."),
    ]
    if own_cents:
        said.append(
            Text("De school betaalt zelf {own} mee.", "The school itself pays {own}.").fill(own=same(euro(own_cents)))
        )
    said.append(
        Text(
            "Krijgt de school geld? Dan houdt zij zich aan de regels van het fonds.",
            "If the school gets money, it keeps to the rules of the fund.",
        )
    )
    return [text.fill(school=school) for text in said]


# --- guards of the flow of an application -----------------------------------------------------------------------------


class SigningFacts(Protocol):
    """What these guards ask of a case. signature_due: the last day to sign after sending in."""

    @property
    def signatures(self) -> Signatures | None: ...
    @property
    def signature_due(self) -> date | None: ...
    @property
    def today(self) -> date: ...


def unsigned_in_time(facts: SigningFacts) -> bool:
    """Whether the term to sign has passed and somebody did not."""
    return (
        facts.signatures is not None
        and not facts.signatures.complete
        and facts.signature_due is not None
        and facts.today > facts.signature_due
    )


def school_signed(facts: SigningFacts, _given: Given | None) -> Refusal | None:
    """Who binds the school agreed to exactly what was sent (domain.md section 1, rule 15)."""
    return None if facts.signatures is None else facts.signatures.missing(facts.signature_due, facts.today)


def somebody_was_asked(facts: SigningFacts, given: Given | None) -> Refusal | None:
    """There is a question to answer, and it is the one that the person answers."""
    asked = facts.signatures.asked if facts.signatures is not None else ()
    if any(given is None or one.place == given.get("place") for one in asked):
        return None
    return Refusal(
        "nobody_was_asked",
        Text(
            "Er is nu niets om te tekenen. Misschien is er al geantwoord. Bekijk de aanvraag.",
            "There is nothing to sign now. Perhaps it was answered already. Look at the application.",
        ),
    )


def what_was_read_still_stands(facts: SigningFacts, given: Given | None) -> Refusal | None:
    """A signature is of the content that the person saw."""
    if given is None or facts.signatures is None or given.get("sha256") == facts.signatures.content:
        return None
    return Refusal(
        "content_changed",
        Text(
            "De aanvraag is net veranderd. Lees hem opnieuw en kies dan.",
            "The application was changed just now. Read it again, then choose.",
        ),
        kind=Kind.STALE,
    )


def signature_term_is_over(facts: SigningFacts, _given: Given | None) -> Refusal | None:
    """The clock acts only when the last day has passed."""
    if unsigned_in_time(facts):
        return None
    return Refusal(
        "signature_term_runs",
        Text("De school mag nog tekenen. Wacht daarop.", "The school may still sign. Wait for it."),
    )


def fund_ends_it_unsigned(facts: SigningFacts, _given: Given | None) -> Refusal | None:
    """Whether the fund ends an application that nobody signed in time, or leaves it to who handles it."""
    rule = facts.signatures.rule if facts.signatures is not None else None
    if rule is not None and rule.missed == "not_considered":
        return None
    return Refusal(
        "handler_decides",
        Text(
            "Bij dit fonds beslist de behandelaar wat er gebeurt als niemand tekent.",
            "At this fund the case handler decides what happens where nobody signs.",
        ),
    )
