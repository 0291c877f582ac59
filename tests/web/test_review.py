"""The pages of intake, advice and decision: who sees what, interests, forms that lose nothing, few statements."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page
from sqlalchemy import func, select

from config import Settings
from fundapp.adapters.files import ObjectFileStore
from fundapp.domain.people import Capacity
from fundapp.persistence.application import Application, Attachment, BudgetLine
from fundapp.persistence.decision import Decision
from fundapp.persistence.fund import Tranche
from fundapp.persistence.journal import Journal
from fundapp.persistence.people import Membership
from fundapp.persistence.register import School
from fundapp.persistence.review import Advice, InterestDeclaration
from fundapp.web.session import db
from tests.support.cases import Cases
from tests.support.probe import probe
from tests.support.queries import count_queries
from tests.support.review import DUE, freeze, sent
from tests.support.web import NOON, Cast, post, sign_in, sign_in_browser, writing

REF = "PO-T1-01"
CASE = f"/beoordelen/{REF}"
LETTER = b"%PDF-"
SHA = hashlib.sha256(LETTER).hexdigest()


@pytest.fixture
def cases(app: Flask, cast: Cast) -> Cases:
    """A tranche with one application that was sent by 99AA00, and its letter in the file store."""
    settings: Settings = app.extensions["settings"]
    ObjectFileStore(settings.storage_url).put(LETTER)
    with writing(app) as session:
        made = Cases(session)
        tranche = made.tranche(sub_ceilings={"oosterschelde": 500000})
        school = session.get_one(School, "99AA00")
        made.account("99990")
        sent(made, tranche, school, decision_due_on=DUE, document=SHA)
    return made


def row(app: Flask, model: Any = Application) -> Any:
    with writing(app) as session:
        return session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()


def put(app: Flask, state: str, **more: Any) -> None:
    with writing(app) as session:
        found = session.scalars(select(Application)).one()
        found.state = state
        for name, value in more.items():
            setattr(found, name, value)


def advise(app: Flask, cast: Cast, *, outcome: str = "award", cents: int = 400000) -> None:
    """The panel has advised."""
    put(app, "advised")
    with writing(app) as session:
        session.add(
            Advice(
                application_id=session.scalars(select(Application.id)).one(),
                submission_number=1,
                adviser_id=cast.adviser.id,
                outcome=outcome,
                amount_cents=cents if outcome == "award" else 0,
                scores={},
                reasons=[] if outcome == "award" else ["partner_missing"],
                explanation="Wij vonden dit.",
                at=NOON,
            )
        )


def without_interest(app: Flask, *people: Any) -> None:
    with writing(app) as session:
        for app_id in session.scalars(select(Application.id)).all():
            for person in people:
                session.add(InterestDeclaration(application_id=app_id, person_id=person.id, interested=False, at=NOON))


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|request_key)" value="([^"]*)"', page))


@pytest.mark.parametrize(
    ("who", "list_status", "case_status"),
    [
        ("anna", 403, 404),
        ("stranger", 403, 404),
        ("handler", 200, 200),
        ("adviser", 200, 200),
        ("decision_maker", 200, 200),
        ("finance", 200, 200),
        ("coordinator", 200, 200),
    ],
)
def test_staff_only(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases, who: str, list_status: int, case_status: int
) -> None:
    without_interest(app, cast.handler, cast.adviser, cast.decision_maker)
    sign_in(client, cast.everybody()[who].email)
    assert client.get("/beoordelen?tab=loopt").status_code == list_status
    assert client.get(CASE).status_code == case_status
    assert client.get(f"{CASE}/bijlagen/1").status_code == case_status
    assert client.get("/beoordelen/PO-T9-99").status_code == 404


def test_a_draft_is_nobodys_business(client: FlaskClient, app: Flask, cast: Cast, cases: Cases) -> None:
    put(app, "draft", submitted_at=None)
    sign_in(client, cast.coordinator.email)
    assert client.get(CASE).status_code == 404
    assert REF not in client.get("/beoordelen?tab=loopt").text


def test_the_list_shows_what_waits_and_how_long(client: FlaskClient, cast: Cast, cases: Cases) -> None:
    sign_in(client, cast.handler.email)
    page = client.get("/beoordelen").text
    for shown in (REF, "De Ozobot", "Oosterschelde", "Ingestuurd", "€ 4.000,00", "do 20 mrt 2025", "nog 6 dagen"):
        assert shown in page.replace("\xa0", " "), shown
    assert REF in client.get("/beoordelen?q=techniek").text
    assert REF not in client.get("/beoordelen?stand=advised&tab=loopt").text
    for odd in (
        "tab=x",
        "na=2025-99-99.1",
        "na=9999-12-31.99999999999999999999",
        "ronde=x&fonds=x&deelregio=x",
        "q=%00",
        "na=٣",
    ):
        assert client.get(f"/beoordelen?{odd}").status_code == 200, odd


def test_the_content_opens_after_the_question(client: FlaskClient, app: Flask, cast: Cast, cases: Cases) -> None:
    sign_in(client, cast.handler.email)
    closed = client.get(CASE).text
    assert "Hebt u een belang" in closed
    assert "Robotsets" not in closed
    assert client.get(f"{CASE}/bijlagen/1").status_code == 403
    assert client.get(f"/application/{REF}/ask_completion").status_code == 403
    assert post(client, f"{CASE}/belang", {}).status_code == 422
    assert post(client, f"{CASE}/belang", {"interest": "no"}).headers["Location"] == CASE
    page = client.get(CASE).text
    assert "Robotsets" in page
    assert "robots&lt;/b&gt;" in page.replace("robots</b>", "broken")
    assert row(app, Journal).action == "declare_interest"


def test_a_declared_interest_closes_page_files_and_acts(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    put(app, "under_review")
    sign_in(client, cast.adviser.email)
    post(client, f"{CASE}/belang", {"interest": "yes"})
    page = client.get(CASE).text
    assert "voor u dicht" in page
    assert "Robotsets" not in page
    assert REF not in client.get("/beoordelen").text
    assert client.get(f"{CASE}/bijlagen/1").status_code == 403
    assert client.get(f"/application/{REF}/advise").status_code in (403, 409)
    assert post(client, f"{CASE}/belang", {"interest": "no"}).status_code == 409


def test_a_conflict_in_the_register_hides_it_everywhere(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    put(app, "under_review")
    with writing(app) as session:
        session.add(
            Membership(person_id=cast.adviser.id, board_number="99990", capacity=str(Capacity.EMPLOYEE), since=NOON)
        )
    sign_in(client, cast.adviser.email)
    for tab in ("voor-u", "loopt", "afgerond"):
        assert REF not in client.get(f"/beoordelen?tab={tab}").text
    assert CASE not in client.get(f"/beoordelen?q={REF}").text
    for path in (CASE, f"{CASE}/belang", f"{CASE}/bijlagen/1", f"{CASE}/brieven/1", f"/application/{REF}/advise"):
        assert client.get(path).status_code == 404, path


def test_a_document_is_a_download_and_only_what_was_sent(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    sign_in(client, cast.coordinator.email)
    answer = client.get(f"{CASE}/bijlagen/1")
    assert (answer.data, answer.headers["X-Content-Type-Options"]) == (LETTER, "nosniff")
    assert answer.headers["Content-Disposition"].startswith(
        "attachment; filename=\"Brief _vo_.pdf\"; filename*=UTF-8''Brief%20"
    )
    with writing(app) as session:
        found = session.scalars(select(Application)).one()
        session.add(Attachment(application_id=found.id, kind="other", file_name="later.pdf", sha256=SHA, added_at=NOON))
    assert client.get(f"{CASE}/bijlagen/2").status_code == 404


def test_old_and_new_stand_side_by_side(client: FlaskClient, app: Flask, cast: Cast, cases: Cases) -> None:
    with writing(app) as session:
        found = session.scalars(select(Application)).one()
        found.answers = found.answers | {"pupils": 80}
        session.scalars(select(BudgetLine)).one().quantity = 8
        session.flush()
        freeze(session, found, NOON, number=2)
        found.answers = found.answers | {"title": "Nog niet verstuurd"}
    sign_in(client, cast.coordinator.email)
    page = client.get(CASE).text.replace("\xa0", " ")
    assert "Nog niet verstuurd" not in page
    assert "<del>60</del>" in page
    assert "<ins>80</ins>" in page
    assert "<del>Lesmateriaal: Robotsets, 10 × € 500,00 = € 5.000,00</del>" in page
    assert "<ins>Lesmateriaal: Robotsets, 8 × € 500,00 = € 4.000,00</ins>" in page


def test_advice(client: FlaskClient, app: Flask, cast: Cast, cases: Cases) -> None:
    put(app, "under_review")
    without_interest(app, cast.adviser)
    sign_in(client, cast.adviser.email)
    url = f"/application/{REF}/advise"
    page = client.get(url).text
    assert 'value="4.000,00"' in page
    codes = re.findall(r'name="(score_\w+)" value="5"', page)
    assert codes
    typed = hidden(page) | {"outcome": "award", "amount": "12oo", "explanation": "Sterk “plan”.", codes[0]: "4"}
    answer = post(client, url, typed)
    assert answer.status_code == 422
    assert 'value="12oo"' in answer.text
    assert "Sterk “plan”." in answer.text
    assert f'name="{codes[0]}" value="4" checked' in answer.text
    assert "Geef een score voor" in answer.text
    assert "Kies minstens één reden." in post(client, url, typed | {"outcome": "reject", "amount": ""}).text
    assert "hoogstens € 4.000,00" in post(client, url, typed | {"amount": "4.000,01"}).text
    good = typed | dict.fromkeys(codes, "4") | {"amount": "3.500"}
    assert post(client, url, good).headers["Location"] == CASE
    kept = row(app, Advice)
    assert (kept.outcome, kept.amount_cents, str(kept.score)) == ("award", 350000, "4.00")
    page = client.get(CASE).text
    assert "Gelukt: advies gegeven." in page
    assert f"/beoordelen/volgende?na={REF}" in page
    assert client.get(f"/beoordelen/volgende?na={REF}").headers["Location"] == "/beoordelen"


def test_award_is_proposed_as_advised_and_a_difference_needs_a_reason(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    advise(app, cast)
    without_interest(app, cast.decision_maker)
    sign_in(client, cast.decision_maker.email)
    url = f"/application/{REF}/award"
    page = client.get(url).text.replace("\xa0", " ")
    for shown in ('value="4.000,00"', "€ 30.000,00", "€ 5.000,00", "Wij vonden dit."):
        assert shown in page, shown
    typed = hidden(page) | {"amount": "3.000,00", "explanation": "", "conditions": "Deel de lessen."}
    answer = post(client, url, typed)
    assert answer.status_code == 422
    assert "Dit wijkt af van het advies." in answer.text
    assert "Deel de lessen." in answer.text
    assert 'value="3.000,00"' in answer.text
    assert post(client, url, typed | {"explanation": "Een deel is al betaald."}).status_code == 303
    kept = row(app, Decision)
    assert (kept.kind, kept.amount_cents, kept.conditions) == ("award", 300000, "Deel de lessen.")


def test_rejection_proposes_the_reasons_of_the_conditions_and_the_panel(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    advise(app, cast, outcome="reject")
    without_interest(app, cast.decision_maker)
    sign_in(client, cast.decision_maker.email)
    url = f"/application/{REF}/reject"
    page = client.get(url).text
    assert 'value="partner_missing" checked' in page
    assert 'value="not_completed_in_time"' not in page
    typed = hidden(page) | {"explanation": "Helaas."}
    answer = post(client, url, typed)
    assert answer.status_code == 422
    assert "Kies minstens één reden." in answer.text
    assert "Helaas." in answer.text
    unheard = post(client, url, typed | {"reasons": ["partner_missing", "under_minimum"]})
    assert unheard.status_code == 422  # the school named a partner: it is heard before that is held against it
    assert "De school kon nog niet reageren op: Partner ontbreekt." in unheard.text
    assert post(client, url, typed | {"reasons": ["ranked_too_low", "under_minimum"]}).status_code == 303
    assert row(app, Decision).reasons == ["ranked_too_low", "under_minimum"]


def test_completion_and_refusal(client: FlaskClient, app: Flask, cast: Cast, cases: Cases) -> None:
    without_interest(app, cast.handler)
    sign_in(client, cast.handler.email)
    url = f"/application/{REF}/ask_completion"
    page = client.get(url).text
    assert ">\n- " in page  # the conditions that are not met, to quote
    assert post(client, url, hidden(page) | {"explanation": " ", "fields": ["lines"]}).status_code == 422
    nothing = post(client, url, hidden(page) | {"explanation": "Stuur de begroting."})
    assert nothing.status_code == 422
    assert '<a href="#fields">Kies minstens één onderdeel' in nothing.text
    assert post(client, url, hidden(page) | {"explanation": "x", "fields": ["iets anders"]}).status_code == 422
    typed = {"explanation": "Stuur de begroting.", "fields": ["lines"]}
    assert post(client, url, hidden(page) | typed).status_code == 303
    assert (row(app).completion_request, row(app).completion_fields) == ("Stuur de begroting.", ["lines"])
    put(app, "submitted")
    url = f"/application/{REF}/not_consider"
    page = client.get(url).text
    assert "Stuur de begroting." in page
    assert "niet compleet" in page
    assert post(client, url, hidden(page) | {"explanation": "Er kwam niets."}).status_code == 303
    assert row(app, Decision).reasons == ["not_completed_in_time"]
    assert "Niet in behandeling genomen" in client.get(CASE).text


def test_statements_are_few_and_as_many_at_1_3_and_50_rows(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases
) -> None:
    sign_in(client, cast.coordinator.email)
    with app.app_context():
        engine = db.engine
    paths = ("/beoordelen?tab=loopt", "/beoordelen?q=techniek", "/beoordelen?tab=loopt&ronde=PO-T1", CASE)
    client.get(paths[0])
    counts: dict[int, list[int]] = {}
    for rows in (1, 3, 50):
        with writing(app) as session:
            made, first = Cases(session), session.scalars(select(Application).order_by(Application.id)).first()
            assert first is not None
            tranche, school = session.scalars(select(Tranche)).one(), session.get_one(School, "99AA00")
            while tranche.next_number <= rows:
                sent(made, tranche, school)
        counts[rows] = []
        for path in paths:
            with count_queries(engine) as asked:
                assert client.get(path).status_code == 200
            counts[rows].append(len(asked))
    assert counts[1] == counts[3] == counts[50]
    assert max(counts[1]) <= 4


@pytest.mark.parametrize("action", ["award", "reject", "waitlist", "return_to_panel"])
def test_the_form_of_a_decision_asks_as_often_for_1_3_and_50_lines(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases, action: str
) -> None:
    advise(app, cast)
    without_interest(app, cast.decision_maker)
    sign_in(client, cast.decision_maker.email)
    with app.app_context():
        engine = db.engine
    url, counts = f"/application/{REF}/{action}", []
    client.get(url)
    for lines in (1, 3, 50):
        with writing(app) as session:
            there = session.scalars(select(func.count()).select_from(BudgetLine)).one()
            number = session.scalars(select(Application.id)).one()
            session.add_all(
                BudgetLine(application_id=number, position=n, category="materials", description="x", unit_cents=100)
                for n in range(there + 1, lines + 1)
            )
        with count_queries(engine) as asked:
            assert client.get(url).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2] <= 3, "\n".join(asked)


@pytest.mark.parametrize(("state", "most"), [("submitted", 3), ("under_review", 3), ("advised", 3), ("waitlisted", 3)])
def test_a_judge_opens_a_case_with_few_statements(
    client: FlaskClient, app: Flask, cast: Cast, cases: Cases, state: str, most: int
) -> None:
    advise(app, cast)
    put(app, state)
    without_interest(app, cast.decision_maker)
    sign_in(client, cast.decision_maker.email)
    client.get(CASE)
    with app.app_context():
        engine = db.engine
    with count_queries(engine) as asked:
        assert client.get(CASE).status_code == 200
    assert len(asked) <= most, "\n".join(asked)


@pytest.mark.browser
def test_in_a_browser_every_page_passes_the_probe(
    page: Page, app: Flask, live_server: str, cast: Cast, cases: Cases, tmp_path: Path
) -> None:
    advise(app, cast)
    without_interest(app, cast.decision_maker)
    sign_in_browser(page, live_server, app, cast.decision_maker.email)
    for path in ("/beoordelen", CASE, f"{CASE}/belang", f"/application/{REF}/award", f"/application/{REF}/reject"):
        assert probe(page, live_server + path) == []
