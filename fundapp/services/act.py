"""What one act is made of while it is being performed: the case, the person, and all that it will write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.flow import CaseFacts, Flow, Given, Transition
from fundapp.domain.ledger import Posting
from fundapp.domain.people import Actor, Role, Scope
from fundapp.persistence.rows import Hold, Rows
from fundapp.services.dossier import Dossier


class CaseRow(Protocol):
    """What every case has in the database."""

    id: Any
    ref: Any
    state: Any
    version: Any


R = TypeVar("R", bound=CaseRow)
F = TypeVar("F", bound=CaseFacts)


@dataclass(frozen=True, slots=True)
class Seen(Generic[R, F]):
    """A case and its facts as they were read, unlocked; with its dossier where that was read as well."""

    row: R
    facts: F
    dossier: Dossier | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a case once it is locked."""

    id: int
    version: int


@dataclass(frozen=True)
class Beforehand(Generic[R, F]):
    """How a case is read before it is locked, so that the lock is held for the writing alone.

    see: the case and its facts, in one statement. steady: whether all that was read, and matters for what was given,
    can only change together with the version of the case; then it is written as decided if that version still holds
    (hold). Otherwise the locks come first. lock: the tranche, then the case; for an act that may be done `beside`
    others, the lock on the tranche is shared. dossier: what its effects need, and who must hear of it as these roles.
    words: what mails and letters may say, by the dossier. see and lock raise Refused(NOT_FOUND).
    """

    see: Callable[[Session, str, Actor, datetime], Seen[R, F]]
    steady: Callable[[R, F, Given], bool]
    hold: Callable[[R], Hold]
    lock: Callable[[Session, str, bool], Held]
    dossier: Callable[[Session, R, frozenset[Role]], Dossier]
    words: Callable[[Session, R, Dossier], dict[str, Any]]


@dataclass(frozen=True)
class CaseType(Generic[R, F]):
    """How the engine reaches one kind of case.

    find: by reference; with lock=True it locks the tranche first, then the case (always in that order, so that no two
    acts wait for each other). Raises Refused(NOT_FOUND).
    facts: what the flow's guards ask, for one person at one moment. scope: what roles on it are decided from.
    stream: its chain in the journal (a tranche's id, or 0). application_id: the application it belongs to, if any.
    context: what its mails and letters may say; plain data, frozen with the message.
    audiences: the applications whose people hear of an act; where absent, those of the case itself.
    beforehand: how it is read before it is locked, where that is possible.
    """

    flow: Flow[F]
    find: Callable[[Session, str, bool], R]
    facts: Callable[[Session, R, Actor, datetime], F]
    scope: Callable[[Session, R], Scope]
    stream: Callable[[R], int]
    application_id: Callable[[R], int | None]
    context: Callable[[Session, R], dict[str, Any]]
    audiences: Callable[[Session, R], list[Audience]] | None = None
    beforehand: Beforehand[R, F] | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Whose people hear of an act, about which application, and what the message may say."""

    scope: Scope
    application_id: int | None
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Booking:
    """A posting with its place: the tranche, the pot of its sub-ceiling ("" for none), and the application if any."""

    posting: Posting
    tranche_id: int
    pot: str
    application_id: int | None


class Follow(NamedTuple):
    """An act of the system that comes with another one, in its transaction. given: what its guards and effects read."""

    kind: str
    ref: str
    action: str
    given: Given = MappingProxyType({})


@dataclass
class Act:
    """One act under way. Handlers of effects read it and add to it; `perform` writes it all in one transaction.

    row: the case. hold: what must be locked, and as it was, when it is written; None: it is locked already. journal_id:
    the journal row that will tell of it. dossier: what was read of an application beforehand (`file`). rows: what will
    be written, in one statement with all that a handler adds to the session. data: what the journal keeps besides.
    context: what the mails and letters may say besides the case's own. after_journal: makes rows that point to the
    journal row. follow: acts of the system that come with it. case_context: what messages may say
    of the case, where that is known.
    """

    session: Session
    row: Any
    facts: Any
    transition: Transition[Any]
    given: Given
    actor: Actor
    now: datetime
    hold: Hold | None = None
    journal_id: int = 0
    dossier: Dossier | None = None
    rows: Rows = field(default_factory=Rows)
    bookings: list[Booking] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    after_journal: list[Callable[[int], object]] = field(default_factory=list)
    follow: list[Follow] = field(default_factory=list)
    from_state: str = ""
    case_context: dict[str, Any] | None = None

    @property
    def today(self) -> date:
        """The date in Amsterdam."""
        return self.now.astimezone(AMSTERDAM).date()

    @property
    def person_id(self) -> int:
        """Who acts. Only for acts that the system never does."""
        assert self.actor.id is not None
        return self.actor.id

    @property
    def file(self) -> Dossier:
        """The dossier of the application. Only for acts on applications."""
        assert self.dossier is not None
        return self.dossier

    def change(self, **columns: Any) -> None:
        """Change columns of the case's own row, with its state and version; the row in hand shows it at once."""
        self.rows.change(type(self.row), self.row.id, **columns)
        for name, value in columns.items():
            set_committed_value(self.row, name, value)

    def text(self, name: str) -> str:
        """What the person filled in, as text; "" where nothing."""
        return str(self.given.get(name) or "").strip()

    def book(
        self, postings: Iterable[Posting], *, tranche_id: int, pot: str = "", application_id: int | None = None
    ) -> None:
        """Add postings, to be written with the act."""
        self.bookings += [Booking(posting, tranche_id, pot, application_id) for posting in postings]


Handler = Callable[[Act], None]
Handlers = Mapping[Enum, Handler]
