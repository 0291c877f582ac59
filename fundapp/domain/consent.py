"""The consent of a partner: what it promises, whether it was asked, and whether its yes is of what stands there now.

A partner is known by its name within one application; what it pays with is what the page on co-financing says under
the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from fundapp.domain.canonical import digest
from fundapp.domain.flow import Look, Tone
from fundapp.domain.register import fold
from fundapp.domain.text import Text


class ConsentState(StrEnum):
    """What is kept of one consent."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    REPLACED = "replaced"


class Standing(StrEnum):
    """How a partner's consent stands towards what the application says of it now."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GIVEN = "given"
    LAPSED = "lapsed"
    REFUSED = "refused"


LOOKS = {
    Standing.NOT_ASKED: Look(Text("Nog niet gevraagd", "Not asked yet"), Tone.NEUTRAL, "draft"),
    Standing.ASKED: Look(Text("Gevraagd, wacht op antwoord", "Asked, waiting for the answer"), Tone.WAITING, "clock"),
    Standing.GIVEN: Look(Text("Doet mee", "Takes part"), Tone.POSITIVE, "check"),
    Standing.LAPSED: Look(
        Text("Vervallen: de bijdrage is veranderd", "Lapsed: the contribution changed"), Tone.WAITING, "alert"
    ),
    Standing.REFUSED: Look(Text("Doet niet mee", "Does not take part"), Tone.NEGATIVE, "cross"),
}
"""How each standing is shown."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What was asked of one partner and what it answered. key: `party_key` of its name.

    name, email: of the person who was asked. sha256: of the promise that was answered. by: the name that the answer was
    given under. explanation: why not.
    """

    id: int
    key: str
    name: str
    email: str
    state: ConsentState
    asked_at: datetime
    answered_at: datetime | None = None
    sha256: str | None = None
    by: str = ""
    explanation: str = ""

    def standing(self, promise: str) -> Standing:
        """How it stands towards the promise with this hash. A no stands until the partner is asked again."""
        if self.state is ConsentState.GIVEN and self.sha256 != promise:
            return Standing.LAPSED
        return Standing(str(self.state))


class ShareLike(Protocol):
    """What one party pays with."""

    @property
    def party(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def in_kind(self) -> bool: ...
    @property
    def hours(self) -> int | None: ...
    @property
    def cents(self) -> int: ...


class PartnerLike(Protocol):
    """Who takes part."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that a partner brings. hours: where it is work, valued at the fund's rate; cents: what it is worth."""

    form: str  # money | goods | hours
    cents: int
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A partner with all that it brings."""

    key: str
    name: str
    kind: str
    brings: tuple[Promise, ...]

    @property
    def sha256(self) -> str:
        """The hash of what is promised: another kind, hour or cent is another promise."""
        return digest(self.content())

    @property
    def cents(self) -> int:
        """All that it brings together, in cents."""
        return sum(one.cents for one in self.brings)

    def content(self) -> dict[str, Any]:
        """What is promised, as plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "brings": sorted([one.form, one.cents, one.hours or 0] for one in self.brings),
        }


def party_key(name: str) -> str:
    """How a partner is known within an application: its name, however it is spelled."""
    return fold(name)


def parties(partners: Iterable[PartnerLike], shares: Sequence[ShareLike]) -> tuple[Party, ...]:
    """Return the partners of an application with what each brings, in order; a name that comes twice is one partner."""
    found: dict[str, Party] = {}
    for partner in partners:
        key = party_key(partner.name)
        if key and key not in found:
            brings = tuple(_promise(share) for share in shares if _pays(share) and party_key(share.party) == key)
            found[key] = Party(key, partner.name, partner.kind, brings)
    return tuple(found.values())


def strangers(partners: Iterable[PartnerLike], shares: Iterable[ShareLike]) -> tuple[str, ...]:
    """Return who pays with but is no partner: such a promise nobody is asked to confirm."""
    known = {party_key(partner.name) for partner in partners}
    names = {party_key(s.party): s.party for s in shares if _pays(s) and party_key(s.party)}
    return tuple(name for key, name in names.items() if key not in known)


def _pays(share: ShareLike) -> bool:
    return share.kind != "own"


def _promise(share: ShareLike) -> Promise:
    if share.hours:
        return Promise("hours", share.cents, share.hours)
    return Promise("goods" if share.in_kind else "money", share.cents)


def standing(party: Party, consents: Iterable[Consent]) -> Standing:
    """How the consent of a partner stands."""
    one = consent_of(party, consents)
    return Standing.NOT_ASKED if one is None else one.standing(party.sha256)


def consent_of(party: Party, consents: Iterable[Consent]) -> Consent | None:
    """What was asked of a partner last, or None."""
    return next((one for one in consents if one.key == party.key), None)


def confirmed(party: Party, consents: Iterable[Consent]) -> bool | None:
    """Whether a partner takes part, by its own word; None while it has not said so of what stands there now."""
    return {Standing.GIVEN: True, Standing.REFUSED: False}.get(standing(party, consents))
