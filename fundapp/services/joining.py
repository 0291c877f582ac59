"""Somebody of a school who has no account yet: who they are, for which school, and the mail that proves the address.

Nothing is stored of a person before the button in the mail is pressed. The first one of a school whose address is at
the school's own domain (the register has its website) is in at once; others are let in by the people there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from fundapp.domain.colleagues import Place, mailbox_of_school
from fundapp.domain.people import Capacity
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Language, Text
from fundapp.services import colleagues, short_lived
from fundapp.services.outbox import Outsider, write_mail
from fundapp.services.people import (
    CODES_PER_ADDRESS,
    CODES_PER_CALLER,
    COUNTED_OVER,
    SignedInPerson,
    actor_by_email,
    clean_email,
    keyed,
    person_for,
)

LASTS = timedelta(days=1)
"""How long the button in the mail works."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody fills in. school: a vestigingscode."""

    name: str
    email: str
    school: str
    capacity: str
    explanation: str
    language: Language


def announce(session: Session, one: Newcomer, *, caller: str, secret: str, now: datetime) -> None:
    """Mail a button to the address; the same for an address that we know. The caller commits.

    caller: the network address of who asks; only a keyed hash is kept. Raises Refused(INVALID) with all that is wrong.
    """
    address = clean_email(one.email)
    school = colleagues.open_school(session, one.school)
    wrong = []
    if not one.name.strip():
        wrong.append(colleagues.invalid("name", Text("Vul uw naam in.", "Enter your name.")))
    if not colleagues.ADDRESS.fullmatch(address):
        wrong.append(colleagues.invalid("email", colleagues.NO_ADDRESS))
    if school is None:
        wrong.append(colleagues.invalid("school", colleagues.NO_SCHOOL))
    if colleagues.capacity_of(one.capacity) is None:
        wrong.append(colleagues.invalid("capacity", colleagues.NO_ROLE))
    if wrong or school is None:
        raise Refused(*wrong)
    for name, most in ((f"joins:{address}", CODES_PER_ADDRESS), (f"joiner:{caller}", CODES_PER_CALLER)):
        if short_lived.count(session, f"codes:{keyed(secret, name)}", now=now, lasts=COUNTED_OVER) > most:
            raise Refused(colleagues.invalid("email", _TOO_MANY))
    token = secrets.token_urlsafe(24)
    kept = {
        "name": " ".join(one.name.split()),
        "email": address,
        "school": school.code,
        "capacity": one.capacity,
        "explanation": one.explanation.strip(),
        "language": one.language,
    }
    short_lived.put(session, _key(token, secret), kept, now=now, lasts=LASTS)
    context = {"place": school.name, "url_path": f"/aanmelden/{token}", "expires_at": now + LASTS}
    to = Outsider(address, kept["name"], one.language)
    write_mail(session, "join", to, key=f"join:{keyed(secret, token)[:32]}", context=context)


def confirm(session: Session, token: str, *, secret: str, now: datetime) -> tuple[SignedInPerson, bool]:
    """Use up the button: the person exists from now on and is signed in. True: they are in; False: it is being asked.

    Raises Refused(INVALID) for a button that is old or was used. The caller commits.
    """
    kept = short_lived.take(session, _key(token, secret), now=now)
    school = colleagues.open_school(session, kept["school"]) if kept else None
    if kept is None or school is None:
        raise Refused(Refusal("old_button", _OLD, kind=Kind.INVALID))
    person = person_for(session, kept["email"], kept["name"], language=kept["language"], now=now)
    place, capacity = Place(school.board_number, school.code), Capacity(kept["capacity"])
    actor = actor_by_email(session, person.email)
    assert actor is not None
    inside = True
    if (
        capacity is not Capacity.SIGNER
        and mailbox_of_school(person.email, school.website)
        and colleagues.nobody_there(session, place)
    ):
        colleagues.join(session, person, place, capacity, now=now)
        colleagues.tell(session, actor, now, person.id, "join_first", place, capacity=str(capacity))
    else:
        try:
            colleagues.ask(session, school.code, capacity, kept["explanation"], actor=actor, now=now)
            inside = False
        except Refused as error:  # they have it, or asked it before: then it is enough that they are signed in
            inside = error.refusals[0].code == "has_access"
    found = actor_by_email(session, person.email)
    assert found is not None
    return SignedInPerson(found, person.session_epoch), inside


def _key(token: str, secret: str) -> str:
    return f"join:{keyed(secret, token)}"


_TOO_MANY = Text(
    "Wij mailden u al vaak. Gebruik de laatste mail, of wacht een uur.",
    "We mailed you often. Use the last mail, or wait an hour.",
)
_OLD = Text("Deze knop werkt niet meer. Meld u opnieuw aan.", "This button no longer works. Sign up again.")
