"""The product with invented data, for tests that only look: filled as use would fill it, or with nothing in it yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from fundapp.persistence.unit_of_work import unit_of_work
from tests.support.web import Clock, actor, kept_templates

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.databases import TestServer
    from tests.support.tour import Tour

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MANY = 240
"""Applications: enough for a list of fifty rows and more, and for each state of the flow."""


@contextmanager
def site(server: TestServer, folder: Path) -> Iterator[Flask]:
    """Yield an application on a database of its own, with nothing in it."""
    from config import Settings
    from fundapp.web.app import create_app
    from fundapp.web.session import db

    url = server.new()
    environment = {
        "DATABASE_URL": url,
        "FUNDAPP_LOCAL": str(folder),
        "SECRET_KEY": "a secret for tests only, long enough",
        "BASE_URL": "http://localhost",
    }
    app = create_app(Settings.from_env(environment), clock=Clock(NOW), wake=lambda: None)
    app.testing = True
    app.jinja_env.bytecode_cache = kept_templates()
    yield app
    with app.app_context():
        db.engine.dispose()
    server.drop(url)


def example(app: Flask) -> None:
    """Load the invented example."""
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.persistence.db import make_engine, session_factory
    from fundapp.services import demo

    settings = app.extensions["settings"]
    engine = make_engine(settings.database_url)
    demo.load(session_factory(engine), ObjectFileStore(settings.storage_url), NOW)
    engine.dispose()


def fill(app: Flask) -> None:
    """Load the invented example, and a volume of applications in every state beside it."""
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.persistence.db import make_engine, session_factory
    from fundapp.services import generate

    example(app)
    settings = app.extensions["settings"]
    engine, files = make_engine(settings.database_url), ObjectFileStore(settings.storage_url)
    generate.generate(session_factory(engine), files, applications=MANY, seed=1, now=NOW)
    with session_factory(engine)() as session, unit_of_work(session):
        _wait_for_finance(session)
        _wait_for_release(session)
    engine.dispose()


def _wait_for_finance(session: Session) -> None:
    """An account to be called back, and a line of the bank that nobody knows."""
    from fundapp.services.bank import import_statement
    from fundapp.services.bank_account import Entry, enter_account
    from fundapp.services.programme import lead_applicant
    from tests.support import camt

    fatima = actor(session, "fatima@stoz.example.org")
    name = "Stichting Demo Oosterschelde"
    entry = Entry("00901", camt.example_iban(77), name, "Ad Ministratie", "administratie@oosterschelde.example.org")
    enter_account(session, entry, actor=fatima, now=NOW)
    unknown = camt.Entry((camt.Line(12345, name="Onbekend", remittance="Zonder kenmerk"),), "REF-1")
    content = camt.statement(lead_applicant().iban, "2026-900", opening=0, entries=[unknown])
    import_statement(session, content, actor=fatima, now=NOW)


def _wait_for_release(session: Session) -> None:
    """Decisions that stand ready, others that were released, and a division that is tried out."""
    from fundapp.persistence.fund import Tranche
    from fundapp.services import prepared, scenario
    from fundapp.services.generate_story import DECIDER

    decider = actor(session, DECIDER)
    for ref in ("VOL-P2", "VOL-I2"):
        tranche = session.query(Tranche).filter_by(ref=ref).one()
        made = scenario.make(session, tranche, "Proef", scenario.announced(tranche), actor=decider, now=NOW)
        first, *_ = made.shares
        given = {"amount_cents": first[1], "conditions": "", "explanation": ""}
        prepared.prepare(session, first[0], "award", given, actor=decider, now=NOW)
        mark = prepared.stack(session, tranche.id).mark
        prepared.release(session, tranche, actor=decider, now=NOW, mark=mark, no_interest=True)
        prepared.prepare_by_advice(session, tranche, actor=decider, now=NOW)


def begin(session: Session) -> None:
    """Write what stands there on the first day: the funds, and people without any work; the caller commits."""
    from fundapp.adapters.fund_file import load_funds
    from fundapp.domain.people import STAFF_ROLES
    from fundapp.persistence.people import Person, RoleGrant
    from fundapp.services import funds
    from fundapp.services.register import save_sub_regions

    save_sub_regions(session)
    for spec in load_funds():
        funds.publish(session, spec, now=NOW)
    for role in sorted(STAFF_ROLES):
        person = Person(email=f"{role}@example.org", name=role.label.nl.title(), created_at=NOW)
        session.add(person)
        session.flush()
        session.add(RoleGrant(person_id=person.id, role=role, granted_at=NOW))


def people(tour: Tour) -> list[tuple[str, list[str]]]:
    """Who goes round, and where each begins: everybody of the example, and one school of each fund of the volume."""
    from fundapp.services.generate_story import DOMAIN
    from tests.support.tour import VISITOR

    everybody = tour.people()
    writers = [one for one in everybody if one.endswith(f"@{DOMAIN}") and "." in one.partition("@")[0]]
    found = [VISITOR, *(one for one in everybody if not one.endswith(f"@{DOMAIN}")), *writers[:2]]
    return [(one, ["/", *BESIDE.get(one, ())]) for one in found]


BESIDE = {
    "-": ["/inloggen/code", "/aanmelden/verstuurd"],
    "anna@ozobot.example.org": ["/aanvragen/PO-T1-01/ingestuurd"],
    "greet@deltacollege.example.org": ["/aanvragen/IF-OO-03/verantwoording/controle"],
}
"""Pages that somebody lands on after sending a form."""
