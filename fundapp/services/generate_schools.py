"""Volume: invented schools (99xx), each with a board, a bank account, and somebody who writes for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from string import ascii_uppercase

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from fundapp.domain.people import Actor
from fundapp.domain.register import fold
from fundapp.persistence.payment import BankAccount
from fundapp.persistence.people import Membership, Person
from fundapp.persistence.register import School, SchoolBoard
from fundapp.services.generate_story import FIRST_BOARD, Applicant, invented_iban, plan

REGIONS = ("walcheren", "oosterschelde", "zeeuws_vlaanderen")
LEVELS = {"stimuleringsregeling-po": "po", "innovatiefonds": "vo"}
APPLICATIONS_A_SCHOOL = 25
MOST_SCHOOLS = 8000


def invent_schools(
    session: Session, random: Random, applications: int, now: datetime, staff: dict[str, Actor]
) -> dict[tuple[str, int], list[tuple[Applicant, int]]]:
    """Invented schools of both levels in each sub-region, each with a board and somebody who writes for it."""
    number = min(MOST_SCHOOLS, max(12, applications // APPLICATIONS_A_SCHOOL))
    since = now - timedelta(days=500)
    first, second = sorted(actor.id for actor in staff.values() if actor.id is not None)[:2]
    words = plan()["words"]
    made: dict[tuple[str, int], list[Applicant]] = {}
    for index in range(number):
        fund = list(LEVELS)[index % 2]
        region = (index // 2) % 3
        letters = ascii_uppercase
        name = f"{random.choice(words['school'])}-demo {index + 1}"
        person = f"{random.choice(words['first'])} {random.choice(words['last'])}"
        who = Applicant(
            code=f"99{letters[6 + index // 2600]}{letters[index // 100 % 26]}{index % 100:02d}",
            school=name,
            place=f"{REGIONS[region].replace('_', '-').title()}-demo",
            level=LEVELS[fund],
            region=REGIONS[region],
            board=f"{FIRST_BOARD + index:05d}",
            board_name=f"Stichting {name}",
            iban=invented_iban(1_000_000 + index),
            email=f"{person.lower().replace(' ', '.')}.{index + 1}@meting.example.org",
            name=person,
        )
        made.setdefault((fund, region), []).append(who)
    everybody = [who for group in made.values() for who in group]
    ids = _write_schools(session, everybody, since, (first, second))
    return {key: [(who, ids[who.email]) for who in group] for key, group in made.items()}


def _write_schools(session: Session, found: list[Applicant], since: datetime, by: tuple[int, int]) -> dict[str, int]:
    session.execute(insert(SchoolBoard), [{"number": who.board, "name": who.board_name} for who in found])
    session.execute(
        insert(School),
        [
            {
                "code": who.code,
                "level": who.level,
                "board_number": who.board,
                "name": who.school,
                "name_key": fold(who.school),
                "place": who.place,
                "place_key": fold(who.place),
                "province": "Zeeland",
                "sub_region": who.region,
            }
            for who in found
        ],
    )
    session.execute(
        insert(BankAccount),
        [
            {
                "board_number": who.board,
                "iban": who.iban,
                "holder": who.board_name,
                "sepa_name": who.board_name,
                "called_name": "Administratie",
                "called_number": "0118 000 000",
                "called_at": since,
                "entered_at": since,
                "entered_by_id": by[0],
                "confirmed_at": since,
                "confirmed_by_id": by[1],
            }
            for who in found
        ],
    )
    session.execute(insert(Person), [{"email": who.email, "name": who.name, "created_at": since} for who in found])
    emails = [who.email for who in found]
    ids: dict[str, int] = dict(session.execute(select(Person.email, Person.id).where(Person.email.in_(emails))).all())
    session.execute(
        insert(Membership),
        [
            {"person_id": ids[who.email], "board_number": who.board, "capacity": "signer", "since": since}
            for who in found
        ],
    )
    return ids
