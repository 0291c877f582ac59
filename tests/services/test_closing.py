"""Closing the worked case: the report accounts for every cent, two people reopen, and the first report stays."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters import documents, spreadsheet
from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Refused
from fundapp.persistence.db import make_engine, session_factory
from fundapp.persistence.fund import Tranche
from fundapp.persistence.tranche import Closing, Reopening
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import closing_report, closing_views, demo, journal, ledger
from fundapp.services.people import actor_by_email
from fundapp.services.transitions import perform
from tests.support.cases import NOW, Cases
from tests.support.paying import OPENING, three_schools
from tests.support.pdf import ReadPdf

LOADED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(fresh_database: str, tmp_path: Path) -> Iterator[tuple[sessionmaker[Session], ObjectFileStore]]:
    """The worked case, told to its end: tranche 1 is closed."""
    engine = make_engine(fresh_database)
    files = ObjectFileStore((tmp_path / "files").as_uri())
    demo.load(session_factory(engine), files, LOADED)
    yield session_factory(engine), files
    engine.dispose()


def person(session: Session, name: str) -> Actor:
    found = actor_by_email(session, f"{name}@stoz.example.org")
    assert found is not None
    return found


def act(session: Session, action: str, name: str, **given: str) -> None:
    perform(session, "tranche", "PO-T1", action, actor=person(session, name), now=LOADED, given=given)


def code(session: Session, action: str, name: str, **given: str) -> str:
    with pytest.raises(Refused) as refused, session.begin_nested():
        act(session, action, name, **given)
    return refused.value.code


def sheet(content: bytes, name: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in load_workbook(io.BytesIO(content))[name].iter_rows(min_row=2)]


def test_the_report_accounts_for_every_cent(world: tuple[sessionmaker[Session], ObjectFileStore]) -> None:
    make_session, files = world
    assert closing_report.render_pending(make_session, documents, spreadsheet, files) == 1
    assert closing_report.render_pending(make_session, documents, spreadsheet, files) == 0
    with make_session() as session:
        row = session.scalars(select(Closing)).one()
        assert row.failure is None
        pdf, xlsx = files.get(row.pdf_sha256 or ""), files.get(row.xlsx_sha256 or "")
        (line,) = closing_views.closings(session, row.tranche_id)
        assert (line.number, line.made, line.proposed_by, line.closed_by) == (1, True, "Fatima", "Gijs") or line.made
    read = ReadPdf(pdf)
    assert "SlotrapportPO-T1" in read.text
    for words in ("€23.131,20", "€6.868,80", "€30.000,00", "€3.900,00", "€2.343,80", "€625,00", "Cofinanciering"):
        assert words in read.text, words
    assert {"H1", "Table", "TH", "TD"} <= set(read.tags)
    assert "pdfuaid:part" in read.metadata
    assert b'"unspent": 686880' in read.attachment("data.json")

    summary = {row[0]: row[1] for row in sheet(xlsx, "Samenvatting")}
    assert summary["Vastgesteld en betaald"] + summary["Niet besteed"] + summary["Afgeboekt"] == summary["Plafond"]
    assert (summary["Niet besteed"], summary["waarvan nooit toegekend"]) == (6868.8, 3900)
    cases = {row[0]: row[1:] for row in sheet(xlsx, "Aanvragen")}
    assert cases["PO-T1-03"][3:] == [7200, 7200, 5760, 0, 5135, 1440, 625, 0, cases["PO-T1-03"][-1]]
    assert round(sum(row[7] for row in cases.values()), 2) == 23131.2
    parties = sheet(xlsx, "Cofinanciering")
    assert {row[0] for row in parties} <= {"De scholen zelf", "Bedrijven", "Andere scholen", "Anderen", "Mbo-scholen"}
    entries = sheet(xlsx, "Boekingen")
    assert round(sum(row[11] for row in entries), 2) == 0
    assert round(sum(row[11] for row in entries if row[10] == "vrij"), 2) == 6868.8


def test_the_facts_name_co_financing_by_kind_and_company(
    world: tuple[sessionmaker[Session], ObjectFileStore],
) -> None:
    with world[0]() as session:
        facts = session.scalars(select(Closing.facts)).one()
        told = demo.story()["applications"]
    shares = [share for sheet in told if sheet["ref"].startswith("PO-T1") for share in sheet["contributions"]]
    companies = {share["party"] for share in shares if share["kind"] == "company"}
    assert {party[1] for party in facts["co_financing"]["parties"] if party[0] == "company"} == companies
    together = sum(cash + in_kind for _, cash, in_kind in facts["co_financing"]["kinds"])
    assert together == sum(cash + in_kind for _, _, cash, in_kind, _ in facts["co_financing"]["parties"])
    assert together > 0


def test_two_people_reopen_it_and_the_first_report_stays(
    world: tuple[sessionmaker[Session], ObjectFileStore],
) -> None:
    make_session, files = world
    closing_report.render_pending(make_session, documents, spreadsheet, files)
    with make_session() as session, unit_of_work(session):
        tranche = session.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
        assert code(session, "propose_reopening", "fatima", explanation=" ") == "explanation_missing"
        act(session, "propose_reopening", "fatima", explanation="Een factuur is dubbel geteld.")
        assert tranche.state == "reopening"
        with pytest.raises(IntegrityError, match="the tranche is closed"), session.begin_nested():
            Cases(session).book(_case(session), "award", _award())
        assert code(session, "reopen", "fatima") == "proposer_reopens"
        act(session, "refuse_reopening", "gijs", explanation="Eerst uitzoeken.")
        assert tranche.state == "closed"
        act(session, "propose_reopening", "gijs", explanation="Een factuur is dubbel geteld.")
        act(session, "reopen", "corrie")
        assert (tranche.state, tranche.closed_at, tranche.closed_by_id) == ("running", None, None)
        undone = session.scalars(select(Reopening)).one()
        assert (undone.reason, undone.proposed_by_id) == ("Een factuur is dubbel geteld.", person(session, "gijs").id)
        act(session, "propose_closing", "fatima")
        act(session, "close", "corrie")
    assert closing_report.render_pending(make_session, documents, spreadsheet, files) == 1
    with make_session() as session:
        second, first = closing_views.closings(session, tranche.id)
        assert (first.number, first.reason, second.number, second.reopened_at) == (
            1,
            "Een factuur is dubbel geteld.",
            2,
            None,
        )
        assert first.made
        assert second.made
        assert first.sha256 != second.sha256
        sha256 = closing_views.report_file(session, tranche.id, 2, "pdf")
        assert "heropend" in ReadPdf(files.get(sha256 or "")).text
        assert ledger.verify(session) is None
        assert journal.verify(session) is None


def _case(session: Session) -> Any:
    from fundapp.persistence.application import Application

    return session.scalars(select(Application).where(Application.ref == "PO-T1-01")).one()


def _award() -> Any:
    from fundapp.domain.ledger import award

    return award(100)


# --- the checklist ----------------------------------------------------------------------------------------------------


def test_each_blocker_is_named_with_what_it_is_about(session: Session) -> None:
    from fundapp.services.checklist import blockers

    run = three_schools(session)
    run.read(run.paid(0), run.paid(1))
    tranche = session.get_one(Tranche, run.apps[0].tranche_id)
    waiting = run.cases.application(tranche, run.cases.school("99AF00", "Zee", board="99996"), state="waitlisted")
    found = {(b.code, b.ref) for b in blockers(session, tranche)}
    assert {
        ("case_open", run.apps[0].ref),
        ("case_undecided", waiting.ref),
        ("committed_open", run.apps[0].ref),
        ("paid_open", run.apps[1].ref),
        ("in_transit_open", run.batch.ref),
        ("evaluation", None),
    } <= found
    assert not {code for code, _ in found} & {"bank_differs", "bank_unseen", "ledger", "unmatched"}


def test_a_bank_line_that_differs_from_the_ledger_blocks(session: Session) -> None:
    from fundapp.services.checklist import blockers

    run = three_schools(session)
    run.read(*(run.paid(n) for n in range(3)), opening=OPENING)
    tranche = session.get_one(Tranche, run.apps[0].tranche_id)
    session.execute(text("UPDATE bank_line SET cents = cents - 1 WHERE application_id = :a"), {"a": run.apps[1].id})
    (found,) = [b for b in blockers(session, tranche) if b.code == "bank_differs"]
    assert "€ 5.120,01" in found.sentence.nl.replace("\u00a0", " ")
    session.execute(text("DELETE FROM bank_line WHERE application_id = :a"), {"a": run.apps[1].id})
    (unseen,) = [b for b in blockers(session, tranche) if b.code == "bank_unseen"]
    assert "€ 5.120,00" in unseen.sentence.nl.replace("\u00a0", " ")


def test_a_ledger_that_was_tampered_with_blocks(session: Session) -> None:
    from fundapp.services.checklist import blockers

    cases = Cases(session)
    tranche = cases.tranche()
    session.execute(text("ALTER TABLE tranche_balance DISABLE TRIGGER USER"))
    session.execute(text("UPDATE tranche_balance SET cents = cents + 1 WHERE account = 'available'"))
    session.execute(text("ALTER TABLE tranche_balance ENABLE TRIGGER USER"))
    assert [b.code for b in blockers(session, tranche)] == ["evaluation", "ledger"]


# --- round the product ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE tranche SET state = 'closed', proposed_by_id = :p, closed_by_id = :p", "two_people_close"),
        ("UPDATE tranche SET state = 'closed'", "closed_by_people"),
        ("UPDATE tranche SET state = 'reopening', proposed_by_id = :p", "closed_by_people"),
    ],
)
def test_the_database_refuses_one_person_or_nobody(session: Session, statement: str, why: str) -> None:
    cases = Cases(session)
    cases.tranche()
    with pytest.raises(IntegrityError, match=why), session.begin_nested():
        session.execute(text(statement), {"p": cases.person("Alleen").id})


@pytest.mark.parametrize("state", ["running", "open", "closing"])
def test_a_closed_tranche_is_not_opened_by_direct_sql(session: Session, state: str) -> None:
    cases = Cases(session)
    cases.shut(cases.tranche())
    with pytest.raises(IntegrityError, match="reopened by two people"), session.begin_nested():
        session.execute(text("UPDATE tranche SET state = :s"), {"s": state})
    session.execute(text("UPDATE tranche SET state = 'reopening', reopening_by_id = proposed_by_id"))
    with pytest.raises(IntegrityError, match="two_people_reopen"), session.begin_nested():
        session.execute(text("UPDATE tranche SET state = :s, reopened_by_id = reopening_by_id"), {"s": state})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE closing SET facts = '{}'",
        "UPDATE closing SET pdf_sha256 = 'x'",
        "UPDATE closing SET closed_at = now()",
        "DELETE FROM closing",
        "TRUNCATE closing CASCADE",
    ],
)
def test_a_closing_and_its_files_are_kept(session: Session, statement: str) -> None:
    cases = Cases(session)
    tranche = cases.tranche()
    one, two = cases.person("Een"), cases.person("Twee")
    session.add(
        Closing(
            tranche_id=tranche.id,
            number=1,
            journal_id=session.execute(text("SELECT max(id) FROM journal")).scalar_one(),
            closed_at=NOW,
            proposed_by_id=one.id,
            closed_by_id=two.id,
            facts={"a": 1},
            pdf_sha256="a" * 64,
        )
    )
    session.flush()
    session.execute(text("UPDATE closing SET xlsx_sha256 = 'b'"))  # what is made later is added once
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(statement))
