"""The coordinator's pages: rounds, change requests, the rules of a fund, mails and the journal."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from fundapp.domain.people import Actor
from fundapp.persistence.application import Application, Term
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.register import School
from fundapp.persistence.settlement import FinalReport, ReportLine
from fundapp.services.fund_sentences import chapters
from fundapp.services.funds import spec_of
from fundapp.web.session import db
from tests.support.cases import NOW, Cases
from tests.support.queries import count_queries
from tests.support.web import Cast, post, sign_in, writing

KEY = "stimuleringsregeling-po"


@pytest.fixture
def change(app: Flask, cast: Cast) -> str:
    """A change request that waits: 400,00 from line 1 to line 2; and a case of which the decision is late."""
    with writing(app) as session:
        cases = Cases(session)
        tranche = cases.tranche()
        row = cases.application(tranche, session.get_one(School, "99AA00"))
        cases.awarded(row, 500_000, advance=400_000)
        session.add(FinalReport(application_id=row.id))
        for n, (what, cents) in enumerate([("Robots", 500_000), ("Koffers", 125_000)], 1):
            session.add(
                ReportLine(application_id=row.id, position=n, description=what, category="m", budgeted_cents=cents)
            )
        late = cases.application(tranche, session.get_one(School, "99AB00"), state="under_review")
        session.add(
            Term(
                application_id=late.id,
                name="decision",
                started_on=date(2025, 1, 1),
                rule={},
                pauses=[],
                due_on=date(2025, 3, 1),
                due_at=NOW,
                because=[],
            )
        )
        request = ChangeRequest(
            ref=f"{row.ref}-W1",
            application_id=row.id,
            kind="verschuiving",
            asked={"from": 1, "to": 2, "cents": 40_000},
            consequences=[
                [same("Robots"), same("€ 5.000,00"), same("€ 4.600,00")],
                [same("Koffers"), same("€ 1.250,00"), same("€ 1.650,00")],
            ],
            explanation="De robots waren goedkoper.",
            created_at=NOW,
            created_by_id=cast.anna.id,
        )
        session.add(request)
        session.flush()
        return request.ref


def same(words: str) -> dict[str, str]:
    return {"nl": words, "en": words}


def as_person(app: Flask, person: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, person.email)
    return client


def test_who_comes_in_where(app: Flask, cast: Cast, change: str) -> None:
    may = {
        "/programma": {"coordinator"},
        "/maillog": {"coordinator"},
        "/logboek": {"coordinator", "finance", "second_finance"},
        "/beheer/fondsen": {"coordinator", "finance", "second_finance", "decision_maker"},
        f"/beheer/fondsen/{KEY}": {"coordinator", "finance", "second_finance", "decision_maker"},
    }
    for name, person in cast.everybody().items():
        client = as_person(app, person)
        for page, roles in may.items():
            assert client.get(page).status_code == (200 if name in roles else 403), (name, page)
        expected = 200 if name in ("coordinator", "finance", "second_finance") else 404
        assert client.get(f"/wijzigingen/{change}").status_code == expected, name


def test_the_overview_tells_what_is_late_and_what_waits(app: Flask, cast: Cast, change: str) -> None:
    client = as_person(app, cast.coordinator)
    page = client.get("/programma").text
    assert "PO-T1-02" in page
    assert ">13<" in page  # days late on 14 March
    assert f'href="/wijzigingen/{change}"' in page
    with app.app_context():
        engine = db.engine
    for path in ("/programma", f"/wijzigingen/{change}", f"/beheer/fondsen/{KEY}", "/maillog", "/logboek"):
        with count_queries(engine) as asked:
            client.get(path)
        assert len(asked) <= 6, (path, asked)


def test_a_change_is_seen_and_approved(app: Flask, cast: Cast, change: str) -> None:
    client = as_person(app, cast.coordinator)
    page = client.get(f"/wijzigingen/{change}").text.replace("\u00a0", " ")
    assert "De robots waren goedkoper." in page
    assert "<del>€ 5.000,00</del>" in page
    assert "<ins>€ 4.600,00</ins>" in page
    fields = {"seen": "1", "request_key": "f" * 20}
    assert post(as_person(app, cast.finance), f"/change_request/{change}/approve", fields).status_code == 403
    assert post(client, f"/change_request/{change}/approve", fields).status_code == 303
    with writing(app) as session:
        lines = session.scalars(select(ReportLine.budgeted_cents).order_by(ReportLine.position)).all()
    assert lines == [460_000, 165_000]
    assert "Wijziging goedgekeurd" in client.get(f"/wijzigingen/{change}").text


def test_every_rule_of_a_fund_is_a_sentence_with_its_mark(app: Flask, cast: Cast, change: str) -> None:
    with writing(app) as session:
        spec = spec_of(session, Cases(session).version.id)
    found = chapters(spec)
    assert {rule.path.split(".")[1] for rule in found[1].sentences} == {rule.code for rule in spec.conditions}
    for chapter in found:
        for rule in chapter.sentences:
            assert rule.text.nl.strip(), rule.path
            assert rule.text.en.strip(), rule.path
            assert "{" not in rule.text.nl, rule.path
    assumed = sum(rule.assumed for chapter in found for rule in chapter.sentences)
    page = as_person(app, cast.coordinator).get(f"/beheer/fondsen/{KEY}").text
    assert page.count("aanname</span>") == assumed > 20
    assert spec.sha256 in page
    assert "huisvandetechniek.nl" in page


def test_a_mail_that_died_is_sent_again(app: Flask, cast: Cast, change: str) -> None:
    client = as_person(app, cast.coordinator)
    with writing(app) as session:
        mail = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).first()
        assert mail is not None
        mail.state, mail.error = "dead", "550 no such user"
        number = mail.id
    assert "550 no such user" in client.get("/maillog?stand=dead").text
    assert post(client, f"/maillog/{number}/opnieuw").status_code == 303
    with writing(app) as session:
        assert session.get_one(OutboxMessage, number).state == "queued"
    assert post(client, f"/maillog/{number}/opnieuw").status_code == 409
    assert post(as_person(app, cast.finance), f"/maillog/{number}/opnieuw").status_code == 403


def test_the_journal_is_read_filtered_and_proved(app: Flask, cast: Cast, change: str) -> None:
    client = as_person(app, cast.coordinator)
    post(client, f"/change_request/{change}/approve", {"seen": "1", "request_key": "g" * 20})
    assert change in client.get("/logboek?soort=change_request").text
    assert change not in client.get("/logboek?soort=tranche").text
    assert "PO-T1-01" in client.get("/logboek?tranche=PO-T1").text
    assert "ongeschonden" in post(client, "/logboek/controle", follow_redirects=True).text
    with writing(app) as session:
        session.execute(text("ALTER TABLE journal DISABLE TRIGGER USER"))
        session.execute(text("UPDATE journal SET reason = 'anders' WHERE kind = 'change_request'"))
    assert "Er klopt iets niet" in post(client, "/logboek/controle", follow_redirects=True).text


def test_a_list_goes_on_by_key(app: Flask, cast: Cast, change: str) -> None:
    with writing(app) as session:
        cases = Cases(session)
        row = session.scalars(select(Application).order_by(Application.id)).first()
        assert row is not None
        for n in range(60):
            cases.book(row, f"act-{n}", [])
    client = as_person(app, cast.coordinator)
    first = client.get("/logboek?tranche=PO-T1").text
    assert "Act-59" in first or "Act 59" in first or "act-59" in first.lower()
    link = first[first.index('rel="next" href="') + 17 :].split('"')[0].replace("&amp;", "&")
    second = client.get(link).text.lower()
    assert "act-9" in second
    assert "act-59" not in second
