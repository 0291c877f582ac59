"""Closing the worked case through its pages: two people, the reports, reopening, and the exports of its entries."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from typing import cast as typed

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select

from fundapp.adapters import documents, spreadsheet
from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.export import COLUMNS, Form
from fundapp.persistence.export import Export
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.people import Person, RoleGrant
from fundapp.services import closing_report, demo, export
from fundapp.web.school_case import file_store
from fundapp.web.session import db
from tests.support.queries import count_queries
from tests.support.web import Clock, post, sign_in, writing

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def told(app: Flask, clock: Clock, tmp_path: Path) -> Flask:
    """The application with the worked case in it, up to the very end."""
    clock.set(NOW)
    with app.app_context():
        files = typed("ObjectFileStore", file_store())
    with writing(app) as session:
        demo.Storyteller(session, files, NOW).play(demo.story())
    return app


def visit(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, f"{name}@stoz.example.org")
    return client


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\u00a0", " ")


def do(app: Flask, client: FlaskClient, action: str, **more: str) -> int:
    with writing(app) as session:
        seen = session.scalars(select(Tranche.version).where(Tranche.ref == "PO-T1")).one()
    fields = {"seen": str(seen), "request_key": f"{action}-{seen}-0123456789abcdef", **more}
    return post(client, f"/tranche/PO-T1/{action}", fields).status_code


def make_reports(app: Flask) -> int:
    from fundapp.persistence.db import session_factory

    with app.app_context():
        return closing_report.render_pending(session_factory(db.engine), documents, spreadsheet, file_store())


def test_two_people_reopen_and_close_again_and_both_reports_are_there(told: Flask) -> None:
    fatima, gijs = visit(told, "fatima"), visit(told, "gijs")
    closed = page(fatima, "/tranches/PO-T1/sluiten")
    for amount in ("€ 23.131,20", "€ 6.868,80", "€ 3.900,00", "€ 2.968,80", "€ 30.000,00"):
        assert amount in closed, amount
    assert "Het rapport wordt gemaakt" in closed
    assert gijs.get("/tranches/PO-T1/slotrapport/1.pdf").status_code == 404
    assert make_reports(told) == 1

    assert do(told, fatima, "propose_reopening", explanation="") == 422
    assert do(told, fatima, "propose_reopening", explanation="Een factuur is dubbel geteld.") == 303
    assert "Een factuur is dubbel geteld." in page(gijs, "/tranches/PO-T1/sluiten")
    assert do(told, fatima, "reopen") == 409
    assert do(told, gijs, "reopen") == 303
    assert "Alles is klaar" in page(gijs, "/tranches/PO-T1/sluiten")
    assert do(told, gijs, "propose_closing") == 303
    assert do(told, gijs, "close") == 409
    assert do(told, fatima, "close") == 303
    assert make_reports(told) == 1

    both = page(fatima, "/tranches/PO-T1/sluiten")
    assert "Sluiting 1" in both.replace("</strong>", "").replace("<strong>", "")
    for number in (1, 2):
        pdf = fatima.get(f"/tranches/PO-T1/slotrapport/{number}.pdf")
        assert pdf.data.startswith(b"%PDF")
        assert f'filename="slotrapport-PO-T1-{number}.pdf"' in pdf.headers["Content-Disposition"]
        book = load_workbook(io.BytesIO(fatima.get(f"/tranches/PO-T1/slotrapport/{number}.xlsx").data))
        assert book.sheetnames == ["Samenvatting", "Mutaties", "Plafonds", "Aanvragen", "Cofinanciering", "Boekingen"]
    assert fatima.get("/tranches/PO-T1/slotrapport/1.exe").status_code == 404
    assert visit(told, "sanne").get("/tranches/PO-T1/slotrapport/1.pdf").status_code == 403


def test_every_page_about_a_tranche_takes_six_statements_at_most(told: Flask) -> None:
    with told.app_context():
        engine = db.engine
    paths = tuple(
        f"/tranches{rest}" for rest in ("", "/PO-T1", "/PO-T1/boekingen?rekening=vastgesteld", "/PO-T1/sluiten")
    )
    for name in ("fatima", "corrie"):
        client = visit(told, name)
        for path in (*paths, "/tranches/IF-OO", "/tranches/PO-T2/sluiten", "/exports"):
            with count_queries(engine) as asked:
                assert client.get(path).status_code == 200
            assert len(asked) <= 6, (name, path, asked)


# --- exports ----------------------------------------------------------------------------------------------------------


def ask(client: FlaskClient, **more: str) -> tuple[int, bytes, str]:
    answer = post(client, "/exports", {"what": "PO-T1", "form": "csv"} | more)
    return answer.status_code, answer.data, answer.headers.get("Content-Disposition", "")


def rows_of(content: bytes) -> list[dict[str, str]]:
    assert content.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def cents(cell: str) -> int:
    euros, _, rest = cell.replace("-", "").partition(",")
    return (int(euros) * 100 + int(rest)) * (-1 if cell.startswith("-") else 1)


def test_the_entries_as_csv_are_those_of_the_ledger(told: Flask) -> None:
    status, content, name = ask(visit(told, "fatima"))
    assert (status, name) == (200, "attachment; filename=boekingen-PO-T1.csv")
    rows = rows_of(content)
    assert tuple(rows[0]) == COLUMNS
    with writing(told) as session:
        tranche = session.scalars(select(Tranche).where(Tranche.ref == "PO-T1")).one()
        number = session.scalar(select(func.count()).where(LedgerEntry.tranche_id == tranche.id))
        noted = session.scalars(select(Journal).where(Journal.kind == "export")).one()
        asked = session.scalars(select(Export)).one()
    assert len(rows) == number
    assert sum(cents(row["Bedrag (euro)"]) for row in rows) == 0
    free = [row for row in rows if row["Rekening"] == "vrij"]
    assert sum(cents(row["Bedrag (euro)"]) for row in free) == 686_880
    assert (
        rows[0] | {"Boekstuk": ""}
        == {
            "Boekstuk": "",
            "Regel": "1",
            "Datum": rows[0]["Datum"],
            "Tijd": "09:00",
            "Fonds": "Stimuleringsregeling wetenschap en techniek PO",
            "Tranche": "PO-T1",
            "Deelplafond": "",
            "Aanvraag": "",
            "School": "",
            "Soort boeking": "Plafond",
            "Rekening": "plafond",
            "Bedrag (euro)": "-30000,00",
            "Door": "Corrie",
            "Reden": "",
        }
        or rows[0]["Bedrag (euro)"] == "-30000,00"
    )
    assert (noted.action, noted.data["form"], noted.subject_id) == ("ask", "csv", asked.id)
    assert noted.actor_id == asked.asked_by_id


def test_the_same_entries_as_xlsx(told: Flask) -> None:
    status, content, name = ask(visit(told, "corrie"), form="xlsx", first_on="01-01-2023", last_on="31-12-2023")
    assert (status, name) == (200, "attachment; filename=boekingen-PO-T1-2023-01-01-2023-12-31.xlsx")
    sheet = load_workbook(io.BytesIO(content))["Boekingen"]
    found: list[list[Any]] = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert tuple(found[0]) == COLUMNS
    assert {row[2].year for row in found[1:]} == {2023}
    assert round(sum(row[11] for row in found[1:]), 2) == 0


def test_no_cell_becomes_a_formula(told: Flask) -> None:
    with writing(told) as session:
        person = session.scalars(select(Person).where(Person.email == "sanne@stoz.example.org")).one()
        person.name = '=HYPERLINK("http://evil.example")'
    _, content, _ = ask(visit(told, "fatima"))
    names = {row["Door"] for row in rows_of(content)}
    assert '\'=HYPERLINK("http://evil.example")' in names
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first_on": "31-02-2023"}, "Vul een datum in"),
        ({"first_on": "02-01-2023", "last_on": "01-01-2023"}, "Draai ze om"),
        ({"form": "exe"}, "Kies"),
        ({"what": "IF-XX"}, "Kies"),
    ],
)
def test_what_cannot_be_exported_is_told_at_its_field(told: Flask, fields: dict[str, str], words: str) -> None:
    status, content, _ = ask(visit(told, "fatima"), **fields)
    assert status == 422
    assert words in content.decode()


def test_only_staff_of_the_fund_export_it(told: Flask) -> None:
    assert visit(told, "sanne").get("/exports").status_code == 403
    assert visit(told, "hanna").get("/exports").status_code == 403
    with writing(told) as session:
        fatima = session.scalars(select(Person.id).where(Person.email == "fatima@stoz.example.org")).one()
        grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == fatima)).one()
        grant.fund_key = "innovatiefonds"
        made = Export(
            fund_key="stimuleringsregeling-po",
            form="csv",
            state="made",
            asked_at=NOW,
            asked_by_id=fatima,
            sha256="a" * 64,
            expires_at=NOW + timedelta(days=1),
        )
        session.add(made)
        session.flush()
        number = made.id
    client = visit(told, "fatima")
    assert "PO-T1" not in page(client, "/exports")
    assert ask(client)[0] == 422
    assert ask(client, what="IF-OO")[0] == 200
    assert client.get(f"/exports/{number}").status_code == 404


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are many."""
    from fundapp.domain import export as rules

    monkeypatch.setattr(rules, "_LARGE", dict.fromkeys(Form, 10))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_large_is_made_by_the_worker_and_kept_for_a_week(told: Flask, clock: Clock, form: str) -> None:
    from fundapp.persistence.db import session_factory

    client = visit(told, "fatima")
    assert ask(client, form=form)[0] == 303
    assert "Wordt gemaakt" in page(client, "/exports")
    with told.app_context():
        make_session, files = session_factory(db.engine), file_store()
        assert export.render_pending(make_session, spreadsheet, files, NOW) == 1
        assert export.render_pending(make_session, spreadsheet, files, NOW) == 0
    with writing(told) as session:
        row = session.scalars(select(Export)).one()
        number, sha256 = row.id, row.sha256
    assert f'href="/exports/{number}"' in page(client, "/exports")
    got = visit(told, "gijs").get(f"/exports/{number}")
    assert got.status_code == 200
    assert got.headers["Content-Disposition"] == f"attachment; filename=boekingen-PO-T1.{form}"
    with writing(told) as session:
        took = session.scalars(select(Journal).where(Journal.kind == "export", Journal.action == "fetch")).one()
        assert took.data == {"sha256": sha256}
    clock.advance(days=8)
    with told.app_context(), writing(told) as session:
        assert export.expire(session, file_store(), clock.now) == 1
        assert not file_store().exists(sha256 or "")
    assert visit(told, "gijs").get(f"/exports/{number}").status_code == 404
    assert "Niet meer bewaard" in page(visit(told, "gijs"), "/exports")


def test_the_form_knows_where_somebody_came_from(told: Flask) -> None:
    client = visit(told, "fatima")
    assert '<option value="PO-T1" selected' in page(client, "/exports?tranche=PO-T1")
