"""The agreement of who may bind the school: who was asked, what was agreed to, and whether that still stands.

A signature is of a content, not of a moment: it keeps the hash of what was read. As soon as the application says
something else, the signature no longer counts; nothing has to be remembered for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fundapp.domain.conditions import SignerRule
from fundapp.domain.days import day_text
from fundapp.domain.facts import SignatureFacts, SignerRole
from fundapp.domain.flow import Look, Tone
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
        """How the signature at a place stands."""
        one = self.at(place)
        return Standing.NOBODY if one is None else one.standing(self.content)

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
