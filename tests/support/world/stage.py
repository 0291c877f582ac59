"""The stage of a world: one database, made once and copied for every play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.review import InterestDeclaration
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import demo
from tests.support.databases import TestServer
from tests.support.world.people import JUDGES, SCHOOLS

BEGIN = datetime(2025, 3, 14, 12, 0, tzinfo=AMSTERDAM)
"""The round is open; it closes six weeks later."""
ANNOUNCED = "2025-02-01 09:00"
CEILING = 2_400_001
WALCHEREN = 1_100_000
SOURCE, TARGET = "PO-T1", "PO-T2"

ASKED = (750_000, 640_001, 720_000, 499_999, 600_000, 333_333)
"""What each school asks (cents): together more than there is."""
DRAFTS = 2
"""The last schools have not sent theirs yet; the others were advised on."""


def story() -> dict[str, Any]:
    """The schools and people of the worked case, with a round of their own."""
    told = demo.story()
    tranche = {
        "fund": "stimuleringsregeling-po",
        "method": "order_of_receipt",
        "on_overflow": "partial",
        "seed": "wereld",
    }
    return {
        "boards": told["boards"],
        "schools": told["schools"],
        "tranches": [
            tranche
            | {
                "ref": SOURCE,
                "name": {"nl": "Ronde 1", "en": "Round 1"},
                "opens_at": "2025-03-01 09:00",
                "closes_at": "2025-04-25 17:00",
                "ceiling_cents": CEILING,
                "sub_ceilings_cents": {"walcheren": WALCHEREN},
            },
            tranche
            | {
                "ref": TARGET,
                "name": {"nl": "Ronde 2", "en": "Round 2"},
                "opens_at": "2025-12-01 09:00",
                "closes_at": "2026-02-01 17:00",
                "ceiling_cents": 1_000_000,
            },
        ],
        "applications": [_sheet(number) for number in range(len(ASKED))],
        "acts": list(_acts()),
    }


def ref(number: int) -> str:
    """The reference of an application, by its place in ASKED."""
    return f"{SOURCE}-{number + 1:02d}"


def whole_cost(number: int) -> int:
    """What the project costs (cents): the fund pays four fifths of it."""
    return -(-ASKED[number] * 5 // 4)


def promised_by_others(number: int) -> int:
    """What the school itself pays (cents)."""
    return whole_cost(number) - ASKED[number]


def _sheet(number: int) -> dict[str, Any]:
    code, _ = SCHOOLS[number]
    asked, whole = ASKED[number], whole_cost(number)
    return {
        "ref": ref(number),
        "school": code,
        "signer": "Lea Directeur",
        "signer_email": f"lea.{number}@example.org",
        "starts_on": "2025-05-01",
        "ends_on": "2025-06-30",
        "answers": {"title": f"Project {number}", "summary": "Leerlingen bouwen samen met de vmbo-school."},
        "requested": asked,
        "budget": [
            ["teaching_materials", "Robotsets", 1, whole * 2 // 3],
            ["hired_expertise", "Lessen", 1, whole - whole * 2 // 3],
        ],
        "contributions": [
            {"party": "De school", "kind": "own", "in_kind": False, "hours": None, "cents": promised_by_others(number)}
        ],
        "partners": [{"kind": "vo", "name": "Delta College-demo", "school_code": "99VA00"}],
        "documents": ["partner_letter"],
    }


def _acts() -> Iterator[dict[str, Any]]:
    yield {"at": "2025-03-01 09:00", "kind": "tranche", "ref": SOURCE, "do": "open"}
    for number, (_, writer) in enumerate(SCHOOLS):
        yield {"at": f"2025-03-02 1{number}:00", "by": writer, "ref": ref(number), "do": "write"}
    for number, (_, writer) in enumerate(SCHOOLS[:-DRAFTS]):
        yield {"at": f"2025-03-03 1{number}:00", "by": writer, "ref": ref(number), "do": "submit"}
        yield {"at": f"2025-03-03 1{number}:30", "ref": ref(number), "do": "sign"}
        yield {"at": f"2025-03-04 1{number}:00", "by": "hanna@stoz.example.org", "ref": ref(number), "do": "take_up"}
        advice = {"outcome": "award", "amount_cents": ASKED[number], "score": 4, "explanation": "Goed plan."}
        yield {
            "at": f"2025-03-05 1{number}:00",
            "by": "pim@stoz.example.org",
            "ref": ref(number),
            "do": "advise",
            "given": advice,
        }


class Stage:
    """A database with the round as it stands at BEGIN; each play gets a copy."""

    def __init__(self, server: TestServer, home: Path) -> None:
        self.server = server
        self.files = ObjectFileStore((home / "files").as_uri())
        self.people: dict[str, Actor] = {}
        self.url = server.new()
        engine = make_engine(self.url)
        with session_factory(engine)() as session, unit_of_work(session):
            teller = demo.Storyteller(session, self.files, BEGIN)
            teller.play(story())
            self.people = teller.people
            _no_interests(session, self.people)
        engine.dispose()

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database, gone at the end."""
        url = self.server.copy_of(url)
        try:
            yield url
        finally:
            self.server.drop(url)


def _no_interests(session: Session, people: dict[str, Actor]) -> None:
    """Who judges said of every application that they have no interest in it, also of those that are still to come."""
    rows = session.scalars(select(Application.id)).all()
    session.add_all(
        InterestDeclaration(application_id=one, person_id=people[email].id, interested=False, at=BEGIN)
        for one in rows
        for email in JUDGES
    )
