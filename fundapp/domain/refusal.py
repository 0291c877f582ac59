"""How the product says no: a code for programs, a sentence for people, and where the mistake is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fundapp.domain.text import Text


class Kind(StrEnum):
    """What sort of no it is; the web maps each to one HTTP status, the command line to one exit status."""

    FORBIDDEN = "forbidden"  # this person may never do this
    NOT_FOUND = "not_found"  # it does not exist, or this person may not know that it does
    CONFLICT = "conflict"  # not now: the state or the facts do not allow it
    STALE = "stale"  # somebody else was first
    INVALID = "invalid"  # what was typed or sent is wrong


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why something cannot be done.

    code: stable, snake_case, quoted in letters, logs and the API.
    sentence: what is wrong and what to do next, for the person who reads it.
    field: the name of the input that it is about, or None.
    """

    code: str
    sentence: Text
    field: str | None = None
    kind: Kind = Kind.CONFLICT


class Refused(Exception):
    """Raised by rules and use cases; mapped to a page, JSON or an exit status in one place each.

    refusals: never empty; all the reasons found, so that a user does not meet them one by one.
    """

    def __init__(self, *refusals: Refusal) -> None:
        assert refusals, "a refusal needs a reason"
        super().__init__("; ".join(f"{r.code}: {r.sentence.en}" for r in refusals))
        self.refusals: tuple[Refusal, ...] = refusals

    @property
    def kind(self) -> Kind:
        """The kind of the first reason, which decides the status."""
        return self.refusals[0].kind

    @property
    def code(self) -> str:
        """The code of the first reason."""
        return self.refusals[0].code
