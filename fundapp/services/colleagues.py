"""The people of a school let each other in, ask to be let in, and take over from each other. No administrator needed.

What somebody may do with whom stands in `domain.colleagues`. The caller commits. Every act is in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain.colleagues import ACCESS_GIVING, Place, RequestState, capacities_at, last_one, may_give
from fundapp.domain.people import Actor, Capacity, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.colleagues import AccessRequest
from fundapp.persistence.people import Membership, Person, RoleGrant
from fundapp.persistence.register import School, SchoolBoard
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail
from fundapp.services.people import CAPACITIES, actor_by_email, clean_email, person_for

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST = 300
"""Letters of an address or a name at most."""


# --- letting somebody in ----------------------------------------------------------------------------------------------


def invite(
    session: Session, place: Place, *, email: str, name: str, capacity: str, actor: Actor, now: datetime
) -> Person:
    """Let somebody in at a school or board, and mail the invitation; who is there in that role already gets no mail.

    Raises Refused: NOT_FOUND for a place of others; INVALID with every value that does not fit.
    """
    wanted = _capacity(capacity)
    _require(actor, place, wanted or Capacity.DRAFTER)
    address = clean_email(email)
    wrong = []
    if not _ADDRESS.fullmatch(address) or len(address) > MOST:
        wrong.append(_invalid("email", _NO_ADDRESS))
    if not name.strip() or len(name) > MOST:
        wrong.append(_invalid("name", Text("Vul de naam van uw collega in.", "Enter your colleague's name.")))
    if wanted is None:
        wrong.append(_invalid("capacity", _NO_ROLE))
    if wrong or wanted is None:
        raise Refused(*wrong)
    person = person_for(session, address, " ".join(name.split()), language=actor.language, now=now)
    if join(session, person, place, wanted, now=now):
        _note(session, actor, now, person.id, "invite", place, capacity=str(wanted))
        more = {"sender": actor.name, "place": name_of(session, place), "url_path": "/aanvragen"}
        write_mail(session, "colleague_invited", person, key=_key("invited", person.id, place, now), context=more)
    return person


def join(session: Session, person: Person, place: Place, capacity: Capacity, *, now: datetime) -> bool:
    """Make somebody a member in this capacity; False where they are already."""
    held = session.scalar(_live(place).where(Membership.person_id == person.id, Membership.capacity == capacity))
    if held is not None:
        return False
    session.add(
        Membership(
            person_id=person.id,
            board_number=place.board,
            school_code=place.school,
            capacity=str(capacity),
            since=now,
        )
    )
    session.flush()
    return True


# --- roles and leaving ------------------------------------------------------------------------------------------------


def set_roles(
    session: Session, place: Place, person_id: int, wanted: Collection[str], *, actor: Actor, now: datetime
) -> None:
    """Give somebody exactly these roles at a place of the own.

    Raises Refused: NOT_FOUND for a place of others or somebody who is not there; INVALID without a role, or for a role
    that is not one's to give or end.
    """
    person, held = _colleague(session, place, person_id, actor)
    chosen = {capacity for word in wanted if (capacity := _capacity(word)) is not None}
    if not chosen:
        raise Refused(_invalid("capacities", _NO_ROLE_LEFT))
    has = {Capacity(row.capacity) for row in held}
    for capacity in sorted(chosen ^ has):
        _require(actor, place, capacity, own=capacity in has and person_id == actor.id)
    for capacity in sorted(chosen - has):
        join(session, person, place, capacity, now=now)
    for row in held:
        if row.capacity not in chosen:
            row.ended_at = now
    if chosen != has:
        _note(session, actor, now, person_id, "roles", place, roles=sorted(map(str, chosen)))


def end_access(
    session: Session, place: Place, person_id: int, *, successor_id: int | None, actor: Actor, now: datetime
) -> None:
    """End somebody's access at a place; a colleague takes over the applications that they are in charge of.

    Raises Refused: NOT_FOUND as `set_roles`; CONFLICT for the last one there; INVALID where nobody is named who takes
    over what is still going on, or where it is not one's to end.
    """
    person, held = _colleague(session, place, person_id, actor)
    for row in held:
        _require(actor, place, Capacity(row.capacity), own=person_id == actor.id)
    others = session.execute(
        select(Membership.person_id, Membership.board_number, Membership.school_code)
        .where(
            Membership.board_number == place.board,
            Membership.ended_at.is_(None),
            Membership.capacity.in_(ACCESS_GIVING),
        )
        .order_by(Membership.id)
        .with_for_update()
    ).all()
    if last_one(person_id, place, ((who, Place(board, school)) for who, board, school in others)):
        raise Refused(Refusal("last_colleague", _LAST))
    taken_over = _hand_over(session, place, person, successor_id, actor, now)
    for row in held:
        row.ended_at = now
    _note(session, actor, now, person_id, "leave", place, successor=successor_id, applications=taken_over)
    if person_id != actor.id:
        more = {"sender": actor.name, "place": name_of(session, place), "url_path": "/aanvragen"}
        write_mail(session, "access_ended", person, key=_key("ended", person_id, place, now), context=more)


def _hand_over(
    session: Session, place: Place, person: Person, successor_id: int | None, actor: Actor, now: datetime
) -> list[str]:
    """Give what somebody is in charge of here to a colleague; return the references."""
    at = Application.board_number == place.board
    if place.school is not None:
        at &= Application.school_code == place.school
    mine = session.scalars(
        select(Application).where(Application.owner_id == person.id, at).order_by(Application.ref).with_for_update()
    ).all()
    if not mine:
        return []
    if successor_id is None:
        raise Refused(_invalid("successor", _WHO_TAKES_OVER))
    successor = session.get(Person, successor_id)
    held = actor_by_email(session, successor.email) if successor is not None else None
    if successor is None or held is None or successor_id == person.id or not capacities_at(held, place):
        raise Refused(_invalid("successor", _WHO_TAKES_OVER))
    refs = [app.ref for app in mine]
    for app in mine:
        app.owner_id = successor_id
    if successor_id != actor.id:
        more = {"sender": actor.name, "leaver": person.name, "place": name_of(session, place), "refs": refs}
        key = _key("handed_over", person.id, place, now)
        write_mail(session, "handed_over", successor, key=key, context={**more, "url_path": "/aanvragen"})
    return refs


# --- asking to be let in ----------------------------------------------------------------------------------------------


def ask(session: Session, school_code: str, capacity: str, explanation: str, *, actor: Actor, now: datetime) -> None:
    """Ask the people of a school for access; where nobody is there, the programme's coordinator.

    Raises Refused: INVALID with every value that does not fit; CONFLICT for who asked this already or has it.
    """
    wanted = _capacity(capacity)
    school = open_school(session, school_code)
    wrong = []
    if school is None:
        wrong.append(_invalid("school", NO_SCHOOL))
    if wanted is None:
        wrong.append(_invalid("capacity", _NO_ROLE))
    if wrong or school is None or wanted is None:
        raise Refused(*wrong)
    place = Place(school.board_number, school.code)
    if wanted in capacities_at(actor, place):
        raise Refused(Refusal("has_access", _HAS_ACCESS))
    assert actor.id is not None
    asked = select(AccessRequest.id).where(
        AccessRequest.person_id == actor.id,
        AccessRequest.school_code == school.code,
        AccessRequest.capacity == wanted,
        AccessRequest.state == RequestState.OPEN,
    )
    if session.scalar(asked) is not None:
        raise Refused(Refusal("asked_already", _ASKED_ALREADY))
    row = AccessRequest(
        person_id=actor.id,
        school_code=school.code,
        capacity=str(wanted),
        explanation=explanation.strip()[:2000],
        asked_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, actor, now, actor.id, "ask_access", place, capacity=str(wanted))
    context = {
        "asker": actor.name,
        "email": actor.email,
        "place": school.name,
        "what": _words(wanted),
        "url_path": "/collegas",
    }
    for person in _who_answers(session, place, wanted):
        write_mail(session, "access_asked", person, key=f"access_asked:{row.id}:{person.id}", context=context)


def answer(session: Session, request_id: int, *, gives: bool, reason: str, actor: Actor, now: datetime) -> None:
    """Let somebody in who asked, or say no with a reason.

    Raises Refused: NOT_FOUND for a request to others; CONFLICT where it was answered; INVALID for a no without a
    reason, or a role that is not one's to give.
    """
    row = session.get(AccessRequest, request_id, with_for_update=True, populate_existing=True)
    school = session.get(School, row.school_code) if row is not None else None
    if row is None or school is None:
        raise Refused(_NO_REQUEST)
    place, capacity = Place(school.board_number, school.code), Capacity(row.capacity)
    if not actor.has(Role.COORDINATOR) and not capacities_at(actor, place):
        raise Refused(_NO_REQUEST)
    if row.state != RequestState.OPEN:
        raise Refused(Refusal("answered", _ANSWERED))
    if gives:
        _require(actor, place, capacity)
    elif not reason.strip():
        raise Refused(_invalid(f"reason-{request_id}", _WHY_NOT))
    row.state = RequestState.GIVEN if gives else RequestState.REFUSED
    row.answered_at, row.answered_by_id, row.reason = now, actor.id, reason.strip()[:2000]
    person = session.get_one(Person, row.person_id)
    if gives:
        join(session, person, place, capacity, now=now)
    _note(session, actor, now, person.id, "give_access" if gives else "refuse_access", place, capacity=row.capacity)
    context = {"sender": actor.name, "place": school.name, "url_path": "/aanvragen" if gives else "/collegas/toegang"}
    template = "access_given" if gives else "access_refused"
    more = {} if gives else {"explanation": row.reason}
    write_mail(session, template, person, key=f"{template}:{row.id}", context=context | more)


def open_school(session: Session, code: str) -> School | None:
    """The school with this vestigingscode, unless it is closed."""
    school = session.get(School, code.strip().upper()[:20].replace("\x00", ""))
    return None if school is None or school.closed_on is not None else school


_WHO_ANSWERS = text("""
  SELECT DISTINCT p.id FROM membership m JOIN person p ON p.id = m.person_id
  WHERE m.ended_at IS NULL AND p.ended_at IS NULL AND m.board_number = :board
    AND (m.school_code IS NULL OR m.school_code = :school) AND m.capacity = ANY (:capacities)
  ORDER BY p.id LIMIT 20
""")


def _who_answers(session: Session, place: Place, capacity: Capacity) -> Iterable[Person]:
    """Who may say yes: colleagues, those who sign for a role to sign; else the coordinators."""
    fitting = [Capacity.SIGNER] if capacity is Capacity.SIGNER else list(ACCESS_GIVING)
    values = {"board": place.board, "school": place.school, "capacities": [str(c) for c in fitting]}
    found = list(session.scalars(_WHO_ANSWERS, values))
    if not found:
        coordinators = select(RoleGrant.person_id).where(
            RoleGrant.role == Role.COORDINATOR, RoleGrant.ended_at.is_(None)
        )
        found = list(session.scalars(coordinators.distinct()))
    return session.scalars(select(Person).where(Person.id.in_(found), Person.ended_at.is_(None)).order_by(Person.id))


# --- pieces -----------------------------------------------------------------------------------------------------------


def _live(place: Place) -> Any:
    return select(Membership).where(
        Membership.board_number == place.board,
        Membership.school_code.is_not_distinct_from(place.school),
        Membership.ended_at.is_(None),
        Membership.capacity.in_(ACCESS_GIVING),
    )


def _colleague(session: Session, place: Place, person_id: int, actor: Actor) -> tuple[Person, list[Membership]]:
    """Somebody with access at exactly this place, which is the actor's own. Raises Refused(NOT_FOUND)."""
    if not actor.has(Role.COORDINATOR) and not capacities_at(actor, place):
        raise Refused(_NO_COLLEAGUE)
    held = list(session.scalars(_live(place).where(Membership.person_id == person_id).with_for_update()))
    person = session.get(Person, person_id)
    if person is None or not held:
        raise Refused(_NO_COLLEAGUE)
    return person, held


def _require(actor: Actor, place: Place, capacity: Capacity, *, own: bool = False) -> None:
    """own: it is the actor's own role that ends, which is always theirs to end."""
    refusal = None if own else may_give(actor, place, capacity)
    if refusal is not None:
        raise Refused(refusal)


def _capacity(word: str) -> Capacity | None:
    return Capacity(word) if word in ACCESS_GIVING else None


def _words(capacity: Capacity) -> dict[str, str]:
    words = CAPACITIES[capacity]
    return {"nl": words.nl, "en": words.en}


def name_of(session: Session, place: Place) -> str:
    """What people call a place."""
    if place.school is not None:
        return session.scalar(select(School.name).where(School.code == place.school)) or place.school
    return session.scalar(select(SchoolBoard.name).where(SchoolBoard.number == place.board)) or place.board


def _note(
    session: Session, actor: Actor, now: datetime, person_id: int, action: str, place: Place, **more: object
) -> None:
    data: Mapping[str, Any] = {"person": person_id, "board": place.board, "school": place.school, **more}
    note(session, actor, now, kind="person", subject_id=person_id, action=action, data=dict(data))


def _key(what: str, person_id: int, place: Place, now: datetime) -> str:
    return f"{what}:{person_id}:{place.school or place.board}:{now.isoformat()}"


def _invalid(field: str, sentence: Text) -> Refusal:
    return Refusal(f"{field}_wrong", sentence, field=field, kind=Kind.INVALID)


NO_SCHOOL = Text(
    "Deze school kennen wij niet. Vul de vestigingscode in, zoals 99AA00.",
    "We do not know this school. Enter its site code, such as 99AA00.",
)
_NO_ADDRESS = Text("Vul een e-mailadres in, zoals naam@school.nl.", "Enter an e-mail address, such as name@school.nl.")
_NO_ROLE = Text("Kies een rol.", "Choose a role.")
_NO_ROLE_LEFT = Text(
    "Kies minstens één rol. Gaat uw collega weg? Beëindig dan de toegang.",
    "Choose at least one role. Does your colleague leave? Then end the access.",
)
_LAST = Text(
    "Dit is de laatste met toegang. Nodig eerst een collega uit, dan kan die het overnemen.",
    "This is the last one with access. Invite a colleague first, who can then take over.",
)
_WHO_TAKES_OVER = Text(
    "Kies de collega die de aanvragen overneemt.", "Choose the colleague who takes over the applications."
)
_HAS_ACCESS = Text("U hebt deze toegang al. Ga naar uw aanvragen.", "You have this access. Go to your applications.")
_ASKED_ALREADY = Text(
    "U vroeg dit al. U krijgt een mail als er een antwoord is.", "You asked this. You get a mail with the answer."
)
_ANSWERED = Text("Iemand was u voor: er is al geantwoord.", "Somebody was before you: it was answered.")
_WHY_NOT = Text("Schrijf op waarom niet. De vrager leest dit.", "Write why not. The person who asked reads this.")
_NO_COLLEAGUE = Refusal(
    "no_such_colleague",
    Text("Deze collega is er niet (meer). Ga terug naar de lijst.", "This colleague is not here. Go back to the list."),
    kind=Kind.NOT_FOUND,
)
_NO_REQUEST = Refusal(
    "no_such_request",
    Text("Dit verzoek is er niet (meer). Ga terug naar de lijst.", "This request is not here. Go back to the list."),
    kind=Kind.NOT_FOUND,
)
