"""People: who somebody is, signing in by a mailed code, invitations, and the end of access."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.orm import Session

from fundapp.domain.people import STAFF_ROLES, Actor, Capacity, Grant, Membership, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Language, Text
from fundapp.persistence import people as rows
from fundapp.persistence.fund import Fund
from fundapp.persistence.register import School, SubRegion
from fundapp.services import short_lived
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail

CODE_LASTS = timedelta(minutes=15)
TRIES = 5
CODES_PER_ADDRESS = 5
CODES_PER_CALLER = 60  # a school's people share one address
COUNTED_OVER = timedelta(hours=1)
SIGNED_OUT_LASTS = timedelta(hours=13)
"""Longer than any session lives."""

# Who somebody is


_ACTOR = """
  SELECT p.id, p.name, p.email, p.language, p.session_epoch, p.single_keys,
    (SELECT json_agg(json_build_array(g.role, g.fund_key, g.sub_region))
       FROM role_grant g WHERE g.person_id = p.id AND g.ended_at IS NULL) AS grants,
    (SELECT json_agg(json_build_array(m.board_number, m.school_code, m.capacity))
       FROM membership m WHERE m.person_id = p.id AND m.ended_at IS NULL) AS memberships
  FROM person p
"""
_BY_ID = text(
    _ACTOR
    + """ WHERE p.id = :id AND p.session_epoch = :epoch AND p.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM short_lived s WHERE s.key = :ended AND s.expires_at > :now)"""
)
_BY_EMAIL = text(_ACTOR + " WHERE p.email = :email AND p.ended_at IS NULL")
_BY_NUMBER = text(_ACTOR + " WHERE p.id = :id AND p.ended_at IS NULL")
_BY_TOKEN = text(
    _ACTOR
    + """ JOIN api_token t ON t.person_id = p.id
    WHERE t.token_hash = :token AND t.ended_at IS NULL AND p.ended_at IS NULL"""
)


def load_actor(session: Session, person_id: int, *, epoch: int, session_id: str, now: datetime) -> Actor | None:
    """Return a person with all live grants and memberships, in one statement.

    None for somebody who is gone, whose sessions were all ended (another epoch), or who signed out of this one.
    """
    values = {"id": person_id, "epoch": epoch, "ended": _signed_out_key(session_id), "now": now}
    return _actor(session.connection().execute(_BY_ID, values).mappings().one_or_none())


def actor_by_email(session: Session, email: str) -> Actor | None:
    """Return the person with this address (in any case), or None."""
    return _actor(session.execute(_BY_EMAIL, {"email": clean_email(email)}).mappings().one_or_none())


def actor_by_id(session: Session, person_id: int) -> Actor | None:
    """Return a person by id, for what the worker does in their name; None for somebody who is gone."""
    return _actor(session.execute(_BY_NUMBER, {"id": person_id}).mappings().one_or_none())


def actor_by_token(session: Session, token: str) -> Actor | None:
    """Return the person for whom a program holds this API token, or None."""
    return _actor(session.execute(_BY_TOKEN, {"token": _token_hash(token)}).mappings().one_or_none())


def _actor(row: RowMapping | None) -> Actor | None:
    if row is None:
        return None
    return Actor(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        language=cast("Language", row["language"]),
        grants=frozenset(Grant(Role(role), fund, region) for role, fund, region in row["grants"] or ()),
        memberships=frozenset(Membership(b, school, Capacity(c)) for b, school, c in row["memberships"] or ()),
        single_keys=row["single_keys"],
    )


def clean_email(given: str) -> str:
    """An address as it is stored: without spaces around it, in small letters."""
    return given.strip().lower()


# Signing in


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """Somebody who proved to be the owner of an address. epoch: that their sessions must have."""

    actor: Actor
    epoch: int


def request_code(
    session: Session, email: str, *, ticket: str, caller: str, secret: str, verder: str, now: datetime
) -> None:
    """Mail a code of six digits and a link to this address, if it is somebody's; the caller commits.

    An address that nobody has gets the same answer after the same work, so that nobody learns who has access.
    ticket: a secret of the browser that asks: the code works only there. caller: its network address; only a keyed hash
    is kept, for an hour. verder: the path to go on to after the link of the mail, or "".
    Raises Refused(INVALID): too many codes for this address or from this caller.
    """
    address = clean_email(email)
    for name, most in ((f"address:{address}", CODES_PER_ADDRESS), (f"caller:{caller}", CODES_PER_CALLER)):
        key = f"codes:{_keyed(secret, name)}"
        if short_lived.count(session, key, now=now, lasts=COUNTED_OVER) > most:
            raise Refused(_TOO_MANY)
    code, link_token = f"{secrets.randbelow(1_000_000):06d}", secrets.token_urlsafe(24)
    actor = actor_by_email(session, address)
    hashes = {
        "ticket_hash": _keyed(secret, f"ticket:{ticket}"),
        "code_hash": _code_hash(secret, ticket, code),
        "link_hash": _keyed(secret, f"link:{link_token}"),
    }
    if actor is None:
        for name in ("code", "mail"):  # as many writes as for a known address
            short_lived.put(session, f"nobody:{name}:{secrets.token_hex(8)}", hashes, now=now, lasts=CODE_LASTS)
        return
    path = f"/inloggen/link/{link_token}" + (f"?verder={quote(verder)}" if verder else "")
    _write_code(session, actor, hashes, code, path, now)


def _write_code(
    session: Session, actor: Actor, hashes: Mapping[str, str], code: str, url_path: str, now: datetime
) -> None:
    person = session.get_one(rows.Person, actor.id)
    session.add(rows.SignInCode(person_id=person.id, expires_at=now + CODE_LASTS, created_at=now, **hashes))
    write_mail(
        session,
        "sign_in_code",
        person,
        key=f"sign_in_code:{hashes['ticket_hash'][:32]}",
        context={"code": code, "url_path": url_path, "expires_at": now + CODE_LASTS},
    )
    session.flush()


def redeem_code(session: Session, code: str, *, ticket: str, secret: str, now: datetime) -> SignedInPerson:
    """Return who the code signs in, and use it up; the caller commits, also after a refusal (the try counts).

    Raises Refused(INVALID) for a code that is wrong, old, used, or tried too often: one sentence for all of these.
    """
    digits = re.sub(r"\D", "", code)
    row = session.execute(
        select(rows.SignInCode)
        .where(rows.SignInCode.ticket_hash == _keyed(secret, f"ticket:{ticket}"))
        .with_for_update()
    ).scalar_one_or_none()
    right = hmac.compare_digest(row.code_hash if row else "-", _code_hash(secret, ticket, digits))
    if row is None or row.used_at is not None or row.expires_at <= now or row.tries >= TRIES:
        raise Refused(_WRONG_CODE)
    row.tries += 1
    if not right:
        raise Refused(_WRONG_CODE)
    return _use(session, row, now)


def redeem_link(session: Session, token: str, *, secret: str, now: datetime) -> SignedInPerson:
    """Return who the link of the mail signs in, and use it up. Raises Refused(INVALID) as `redeem_code`."""
    row = session.execute(
        select(rows.SignInCode).where(rows.SignInCode.link_hash == _keyed(secret, f"link:{token}")).with_for_update()
    ).scalar_one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise Refused(_OLD_LINK)
    return _use(session, row, now)


def _use(session: Session, row: rows.SignInCode, now: datetime) -> SignedInPerson:
    """Use up this code and every other one that the person asked for."""
    session.execute(
        update(rows.SignInCode)
        .where(rows.SignInCode.person_id == row.person_id, rows.SignInCode.used_at.is_(None))
        .values(used_at=now)
    )
    person = session.get_one(rows.Person, row.person_id)
    actor = actor_by_email(session, person.email)
    if actor is None:
        raise Refused(_WRONG_CODE)
    return SignedInPerson(actor, person.session_epoch)


def sign_out(session: Session, session_id: str, *, now: datetime) -> None:
    """End one session, so that a copy of its cookie is worth nothing; the caller commits."""
    short_lived.put(session, _signed_out_key(session_id), {}, now=now, lasts=SIGNED_OUT_LASTS)


def end_all_sessions(session: Session, person_id: int) -> None:
    """End every session of a person, on every device; the caller commits."""
    session.execute(
        update(rows.Person).where(rows.Person.id == person_id).values(session_epoch=rows.Person.session_epoch + 1)
    )


def _signed_out_key(session_id: str) -> str:
    return f"signed-out:{session_id}"


def _keyed(secret: str, value: str) -> str:
    return hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()


def _code_hash(secret: str, ticket: str, code: str) -> str:
    return _keyed(secret, f"code:{ticket}:{code}")


_TOO_MANY = Refusal(
    "too_many_codes",
    Text(
        "U vroeg te veel codes aan. Gebruik de code uit de laatste mail, of wacht een uur.",
        "You asked for too many codes. Use the code in the last mail, or wait an hour.",
    ),
    field="email",
    kind=Kind.INVALID,
)
_WRONG_CODE = Refusal(
    "wrong_code",
    Text(
        "Deze code werkt niet. Kijk of u de laatste code hebt, of vraag een nieuwe code aan.",
        "This code does not work. Check that you have the last one, or ask for a new code.",
    ),
    field="code",
    kind=Kind.INVALID,
)
_NO_SUCH_PERSON = Refusal(
    "no_such_person",
    Text(
        "Deze persoon is er niet (meer). Ga terug naar de lijst.",
        "This person is not here (any more). Go back to the list.",
    ),
    kind=Kind.NOT_FOUND,
)
_OLD_LINK = Refusal(
    "old_link",
    Text(
        "Deze link werkt niet meer. Vraag een nieuwe code aan.",
        "This link no longer works. Ask for a new code.",
    ),
    kind=Kind.INVALID,
)

# Who has access


@dataclass(frozen=True, slots=True)
class Invitation:
    """What somebody is invited to be: staff (role, perhaps one fund and sub-region) or a school's (capacity, school).

    school: a vestigingscode.
    """

    email: str
    name: str = ""
    role: Role | None = None
    fund: str | None = None
    sub_region: str | None = None
    school: str | None = None
    capacity: Capacity | None = None
    language: Language = "nl"


def invite(session: Session, invitation: Invitation, *, actor: Actor, now: datetime) -> int:
    """Give somebody access, note it in the journal and mail an invitation; return the person's id. The caller commits.

    Somebody who has this access already gets it once, without a second mail.
    Raises Refused(INVALID) with every value that does not fit.
    """
    address = clean_email(invitation.email)
    board = _check(session, invitation, address)
    person = person_for(session, address, invitation.name, language=invitation.language, now=now)
    data: dict[str, Any] = {"person": person.id}
    if invitation.role is not None:
        new = _grant(session, person.id, invitation, actor, now)
        data |= {"role": str(invitation.role), "fund": invitation.fund, "sub_region": invitation.sub_region}
    else:
        assert invitation.capacity is not None
        assert board is not None
        new = _join(session, person.id, board, invitation, now)
        data |= {"school": invitation.school, "capacity": str(invitation.capacity)}
    if new:
        note(session, actor, now, kind="person", subject_id=person.id, action="invite", data=data)
        session.flush()
        write_mail(
            session,
            "invited",
            person,
            key=f"invitation:{person.id}:{now.isoformat()}",
            context={"sender": actor.name, "url_path": "/inloggen"},
        )
    return person.id


def _check(session: Session, invitation: Invitation, address: str) -> str | None:
    """Raise Refused with all that is wrong; return the board of the school, if there is one."""
    wrong: list[Refusal] = []
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        wrong.append(_wrong("email", "Vul een e-mailadres in, zoals naam@school.nl.", "Enter an e-mail address."))
    if (invitation.role is None) == (invitation.school is None):
        wrong.append(_wrong("role", "Kies een rol, of een school.", "Choose a role, or a school."))
    if invitation.role is not None and invitation.role not in STAFF_ROLES:
        wrong.append(
            _wrong(
                "role",
                "Deze rol volgt uit een school. Vul de school in.",
                "This role follows from a school. Fill in the school.",
            )
        )
    if invitation.fund is not None and session.get(Fund, invitation.fund) is None:
        wrong.append(
            _wrong(
                "fund",
                "Dit fonds bestaat niet. Kies een fonds uit de lijst.",
                "There is no such fund. Choose one from the list.",
            )
        )
    if invitation.sub_region is not None and session.get(SubRegion, invitation.sub_region) is None:
        wrong.append(
            _wrong(
                "sub_region",
                "Deze subregio bestaat niet. Kies er een uit de lijst.",
                "There is no such sub-region. Choose one.",
            )
        )
    board: str | None = None
    if invitation.school is not None:
        board = session.scalar(select(School.board_number).where(School.code == invitation.school))
        if board is None:
            wrong.append(
                _wrong(
                    "school",
                    "Deze school kennen wij niet. Vul de vestigingscode in, zoals 99AA00.",
                    "We do not know this school. Enter its site code, such as 99AA00.",
                )
            )
        if invitation.capacity is None:
            wrong.append(
                _wrong(
                    "capacity",
                    "Kies wat deze persoon voor de school doet.",
                    "Choose what this person does for the school.",
                )
            )
    if wrong:
        raise Refused(*wrong)
    return board


def _wrong(field: str, nl: str, en: str) -> Refusal:
    return Refusal(f"{field}_wrong", Text(nl, en), field=field, kind=Kind.INVALID)


def person_for(session: Session, address: str, name: str, *, language: Language, now: datetime) -> rows.Person:
    """Return the person with this address, made where there is none; one who left is back."""
    person = session.execute(select(rows.Person).where(rows.Person.email == address)).scalar_one_or_none()
    if person is None:
        person = rows.Person(email=address, name=name.strip() or address.partition("@")[0], language=language)
        person.created_at = now
        session.add(person)
    person.ended_at = None
    session.flush()
    return person


def _grant(session: Session, person_id: int, invitation: Invitation, actor: Actor, now: datetime) -> bool:
    grant = rows.RoleGrant
    held = session.scalar(
        select(grant.id).where(
            grant.person_id == person_id,
            grant.role == invitation.role,
            grant.fund_key.is_not_distinct_from(invitation.fund),
            grant.sub_region.is_not_distinct_from(invitation.sub_region),
            grant.ended_at.is_(None),
        )
    )
    if held is not None:
        return False
    session.add(
        grant(
            person_id=person_id,
            role=str(invitation.role),
            fund_key=invitation.fund,
            sub_region=invitation.sub_region,
            granted_at=now,
            granted_by_id=actor.id,
        )
    )
    return True


def _join(session: Session, person_id: int, board: str, invitation: Invitation, now: datetime) -> bool:
    member = rows.Membership
    held = session.scalar(
        select(member.id).where(
            member.person_id == person_id,
            member.school_code == invitation.school,
            member.capacity == invitation.capacity,
            member.ended_at.is_(None),
        )
    )
    if held is not None:
        return False
    session.add(
        member(
            person_id=person_id,
            board_number=board,
            school_code=invitation.school,
            capacity=str(invitation.capacity),
            since=now,
        )
    )
    return True


def end(session: Session, person_id: int, *, actor: Actor, now: datetime) -> None:
    """End all access of a person, at once; note it in the journal. The caller commits.

    Raises Refused: NOT_FOUND; CONFLICT for the last coordinator.
    """
    person = session.get(rows.Person, person_id)
    if person is None or person.ended_at is not None:
        raise Refused(_NO_SUCH_PERSON)
    coordinators = set(
        session.scalars(
            select(rows.RoleGrant.person_id)
            .where(rows.RoleGrant.role == Role.COORDINATOR, rows.RoleGrant.ended_at.is_(None))
            .with_for_update()
        )
    )
    if coordinators == {person_id}:
        raise Refused(
            Refusal(
                "last_coordinator",
                Text(
                    "Dit is de laatste coördinator. Nodig eerst een andere coördinator uit.",
                    "This is the last coordinator. Invite another coordinator first.",
                ),
            )
        )
    for table in (rows.RoleGrant, rows.Membership, rows.ApiToken):
        session.execute(
            update(table).where(table.person_id == person_id, table.ended_at.is_(None)).values(ended_at=now)
        )
    person.ended_at = now
    end_all_sessions(session, person_id)
    note(session, actor, now, kind="person", subject_id=person_id, action="end", data={})


def set_language(session: Session, person_id: int, language: Language) -> None:
    """Keep the language that a person reads; the caller commits."""
    session.execute(update(rows.Person).where(rows.Person.id == person_id).values(language=language))


def set_single_keys(session: Session, person_id: int, *, on: bool) -> None:
    """Keep whether a key by itself does something on pages; the caller commits."""
    session.execute(update(rows.Person).where(rows.Person.id == person_id).values(single_keys=on))


def make_token(session: Session, email: str, *, now: datetime) -> str:
    """Return a new API token for a program that acts as this person; only its hash is kept. The caller commits.

    Raises Refused(INVALID) when nobody has this address.
    """
    actor = actor_by_email(session, email)
    if actor is None:
        raise Refused(
            _wrong(
                "email",
                "Niemand heeft dit adres. Nodig de persoon eerst uit.",
                "Nobody has this address. Invite the person first.",
            )
        )
    token = f"fl_{secrets.token_urlsafe(32)}"
    session.add(rows.ApiToken(person_id=actor.id, token_hash=_token_hash(token), created_at=now))
    return token


def _token_hash(token: str) -> str:
    """A plain hash is enough: the token has 256 random bits, so nobody can guess it from the hash."""
    return hashlib.sha256(token.encode()).hexdigest()


# Pages


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person in the list. access: what they may do, a line each."""

    id: int
    name: str
    email: str
    access: tuple[Text, ...]


_LIST = text(
    _ACTOR + " WHERE p.ended_at IS NULL AND (p.name, p.id) > (:name, :after) ORDER BY p.name, p.id LIMIT :most"
)


def people_page(session: Session, *, after: tuple[str, int] = ("", 0), most: int = 50) -> list[PersonLine]:
    """Return people with live access by name, from after this (name, id) on; one statement."""
    found = session.execute(_LIST, {"name": after[0], "after": after[1], "most": most}).mappings()
    return [line_of(actor) for row in found if (actor := _actor(row)) is not None]


def line(session: Session, person_id: int) -> PersonLine:
    """Return one person with live access. Raises Refused(NOT_FOUND)."""
    person = session.get(rows.Person, person_id)
    actor = actor_by_email(session, person.email) if person is not None else None
    if actor is None:
        raise Refused(_NO_SUCH_PERSON)
    return line_of(actor)


def line_of(actor: Actor) -> PersonLine:
    """Return a person as a list shows them."""
    assert actor.id is not None
    access = [
        Text("{role}: {where}", "{role}: {where}").fill(
            role=grant.role.label,
            where=" ".join(part for part in (grant.fund, grant.sub_region) if part)
            or Text("alle fondsen", "all funds"),
        )
        for grant in sorted(actor.grants, key=lambda g: (g.role, g.fund or "", g.sub_region or ""))
    ]
    access += [
        Text("school {code}: {what}", "school {code}: {what}").fill(
            code=m.school or m.board, what=CAPACITIES[m.capacity]
        )
        for m in sorted(actor.memberships, key=lambda m: (m.board, m.school or "", m.capacity))
    ]
    return PersonLine(actor.id, actor.name, actor.email, tuple(access))


CAPACITIES = {
    Capacity.DRAFTER: Text("schrijft aanvragen", "writes applications"),
    Capacity.SIGNER: Text("mag tekenen voor de school", "may sign for the school"),
    Capacity.FINANCE: Text("doet de administratie", "keeps the books"),
    Capacity.EMPLOYEE: Text("werkt daar (geen toegang)", "works there (no access)"),
}
"""What each capacity is called on pages."""
