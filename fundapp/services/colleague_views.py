"""What the page of colleagues reads: who is at one's places, who asks to be let in, what somebody is in charge of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.colleagues import ACCESS_GIVING, Place, places_of
from fundapp.domain.people import Actor, Capacity, Role
from fundapp.domain.text import Text
from fundapp.services.people import CAPACITIES

SHOWN = 300


class Colleague(NamedTuple):
    """Somebody at a place."""

    id: int
    name: str
    email: str
    capacities: frozenset[Capacity]

    @property
    def does(self) -> tuple[Text, ...]:
        """Their roles in words."""
        return tuple(CAPACITIES[capacity] for capacity in ACCESS_GIVING if capacity in self.capacities)


class AtPlace(NamedTuple):
    """A school, or a board with all its schools, with its people. key: names it in an address."""

    place: Place
    name: str
    people: tuple[Colleague, ...]

    @property
    def key(self) -> str:
        """Such as 99990 or 99990-99AA00."""
        return key_of(self.place)


class Asked(NamedTuple):
    """Somebody who asks to be let in."""

    id: int
    name: str
    email: str
    school: str
    what: Text
    explanation: str
    asked_at: datetime


class InCharge(NamedTuple):
    """An application that somebody is in charge of."""

    ref: str
    title: str


def key_of(place: Place) -> str:
    """Name a place in an address."""
    return place.board if place.school is None else f"{place.board}-{place.school}"


def place_at(key: str) -> Place:
    """Return the place that an address names, whether it exists or not."""
    board, _, school = key.replace("\x00", "").partition("-")
    return Place(board, school or None)


_PEOPLE = text("""
  SELECT m.board_number, m.school_code, coalesce(s.name, b.name, m.board_number) AS place, p.id, p.name, p.email,
    array_agg(m.capacity) AS capacities
  FROM membership m JOIN person p ON p.id = m.person_id JOIN school_board b ON b.number = m.board_number
  LEFT JOIN school s ON s.code = m.school_code
  WHERE m.ended_at IS NULL AND p.ended_at IS NULL AND m.capacity <> 'employee'
    AND (m.board_number = ANY (:boards) OR m.board_number = ANY (:over)
         AND (m.school_code IS NULL OR m.school_code = ANY (:schools)))
  GROUP BY m.board_number, m.school_code, s.name, b.name, p.id
  ORDER BY m.board_number, m.school_code NULLS FIRST, p.name, p.id LIMIT :most
""")


def people(session: Session, actor: Actor) -> list[AtPlace]:
    """Return everybody with access to the places of somebody: boards first; one statement."""
    mine = places_of(actor)
    values = {
        "boards": [place.board for place in mine if place.school is None],
        "over": sorted({place.board for place in mine}),
        "schools": [place.school for place in mine if place.school is not None],
        "most": SHOWN,
    }
    found: dict[Place, tuple[str, list[Colleague]]] = {}
    for row in session.execute(_PEOPLE, values):
        _, there = found.setdefault(Place(row.board_number, row.school_code), (row.place, []))
        there.append(Colleague(row.id, row.name, row.email, frozenset(map(Capacity, row.capacities))))
    return [AtPlace(place, name, tuple(there)) for place, (name, there) in found.items()]


def colleague_at(places: Sequence[AtPlace], place: Place, person_id: int) -> tuple[AtPlace, Colleague] | None:
    """Find somebody in what `people` returned."""
    for at in places:
        for one in at.people:
            if at.place == place and one.id == person_id:
                return at, one
    return None


_ASKED = text("""
  SELECT r.id, p.name, p.email, s.name AS school, r.capacity, r.explanation, r.asked_at
  FROM access_request r JOIN person p ON p.id = r.person_id JOIN school s ON s.code = r.school_code
  WHERE r.state = 'open' AND (:everywhere OR r.school_code = ANY (:schools) OR s.board_number = ANY (:boards))
  ORDER BY r.id LIMIT :most
""")
_MINE = text("""
  SELECT r.id, p.name, p.email, s.name AS school, r.capacity, r.explanation, r.asked_at
  FROM access_request r JOIN person p ON p.id = r.person_id JOIN school s ON s.code = r.school_code
  WHERE r.state = 'open' AND r.person_id = :person ORDER BY r.id LIMIT :most
""")


def requests(session: Session, actor: Actor) -> list[Asked]:
    """Return the open requests that somebody may answer; a coordinator those of every school."""
    mine = places_of(actor)
    values = {
        "everywhere": actor.has(Role.COORDINATOR),
        "boards": [place.board for place in mine if place.school is None],
        "schools": [place.school for place in mine if place.school is not None],
        "most": SHOWN,
    }
    return [_asked(row) for row in session.execute(_ASKED, values)]


def own_requests(session: Session, actor: Actor) -> list[Asked]:
    """Return the open requests of somebody's own."""
    return [_asked(row) for row in session.execute(_MINE, {"person": actor.id, "most": SHOWN})]


def _asked(row: Sequence[object]) -> Asked:
    number, name, email, school, capacity, explanation, asked_at = row
    assert isinstance(number, int)
    assert isinstance(asked_at, datetime)
    what = CAPACITIES[Capacity(str(capacity))]
    return Asked(number, str(name), str(email), str(school), what, str(explanation), asked_at)


_IN_CHARGE = text("""
  SELECT ref, title FROM application
  WHERE owner_id = :person AND board_number = :board AND (CAST(:school AS text) IS NULL OR school_code = :school)
  ORDER BY id DESC LIMIT :most
""")


def in_charge(session: Session, place: Place, person_id: int) -> list[InCharge]:
    """Return the applications that somebody is in charge of at a place, the newest first."""
    values = {"person": person_id, "board": place.board, "school": place.school, "most": SHOWN}
    return [InCharge(ref, title or "") for ref, title in session.execute(_IN_CHARGE, values)]
