"""What an earlier application said is offered, answer by answer or page by page, and taken over only where ticked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fundapp.persistence.application import Application, Attachment, BudgetLine, Contribution, Partner
from tests.support.school import begin, complete, open_round, parsed, send, summary
from tests.support.web import Cast, Clock, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, after her school sent an application."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    ref = begin(client, "PO-T9")
    complete(client, ref)
    assert send(client, ref).status_code == 303
    return client


def again(client: FlaskClient) -> str:
    """Begin the next one; it leads to the offer."""
    answer = post(client, "/aanvragen/nieuw", {"keuze": "PO-T9|99AA00", "request_key": "again"})
    assert answer.headers["Location"].endswith("/eerder")
    return answer.headers["Location"].split("/")[2]


def answers(app: Flask, ref: str) -> dict[str, object]:
    with writing(app) as session:
        return dict(session.scalars(select(Application.answers).where(Application.ref == ref)).one())


def offered(client: FlaskClient, ref: str) -> list[str]:
    found: list[str] = parsed(client.get(f"/aanvragen/{ref}/eerder").text).xpath('//input[@name="deel"]/@value')
    return found


def test_everything_that_fits_is_offered_and_nothing_is_ticked_or_taken(app: Flask, anna: FlaskClient) -> None:
    ref = again(anna)
    page = parsed(anna.get(f"/aanvragen/{ref}/eerder").text)
    keys = page.xpath('//input[@name="deel"]/@value')
    assert {"title", "planning", "partners", "cooperation", "lines", "requested", "shares", "already_ordered"} <= set(
        keys
    )
    assert "partner_letter" not in keys, "a file is of one application only"
    assert page.xpath("//input[@type='checkbox'][@checked]") == []
    assert "10 × € 240,00" in page.text_content().replace("\u00a0", " ")
    assert answers(app, ref) == {}
    assert "PO-T9-01" in anna.get(f"/aanvragen/{ref}").text, "the offer stays on the task list"


def test_one_answer_one_page_and_no_more(app: Flask, anna: FlaskClient) -> None:
    ref = again(anna)
    assert post(anna, f"/aanvragen/{ref}/eerder", {"deel": ["title"], "pagina": ["budget"]}).status_code == 303
    assert set(answers(app, ref)) == {"title", "already_ordered", "other_funding"}
    with writing(app) as session:
        row = session.scalars(select(Application).where(Application.ref == ref)).one()
        lines = session.scalars(select(BudgetLine).where(BudgetLine.application_id == row.id)).all()
        assert (row.title, row.requested_cents, row.cost_cents, len(lines)) == (
            "Robots in groep 7",
            312_000,
            390_000,
            2,
        )
        assert session.scalars(select(Partner).where(Partner.application_id == row.id)).all() == []
    assert not {"title", "lines", "requested"} & set(offered(anna, ref))
    post(anna, f"/aanvragen/{ref}/eerder", {"deel": ["summary"], "pagina": ["partners", "co_financing"]})
    assert set(answers(app, ref)) >= {"title", "summary", "cooperation", "partners_pay"}
    with writing(app) as session:
        row = session.scalars(select(Application).where(Application.ref == ref)).one()
        assert [p.name for p in session.scalars(select(Partner).where(Partner.application_id == row.id))] == [
            "Delta College"
        ]
        shares = session.scalars(select(Contribution).where(Contribution.application_id == row.id)).all()
        assert [share.cents for share in shares] == [78_000]
        assert session.scalars(select(Attachment).where(Attachment.application_id == row.id)).all() == []


def test_nothing_chosen_or_something_else_is_asked_about(app: Flask, anna: FlaskClient) -> None:
    ref = again(anna)
    for typed in ({}, {"deel": ["partner_letter"]}, {"deel": ["x"], "pagina": ["y"]}):
        answer = post(anna, f"/aanvragen/{ref}/eerder", typed)
        assert answer.status_code == 422
        assert summary(answer) == [("deel", "Kies wat u wilt overnemen.")]
    assert answers(app, ref) == {}


def test_a_day_that_passed_is_not_offered(clock: Clock, cast: Cast, anna: FlaskClient) -> None:
    assert {"starts_on", "ends_on"} <= set(offered(anna, again(anna)))
    clock.set(clock.now + timedelta(days=200))
    sign_in(anna, cast.anna.email)
    found = offered(anna, "PO-T9-02")
    assert "starts_on" not in found
    assert "ends_on" in found


def test_a_first_application_and_another_school_get_no_offer(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    stranger = app.test_client()
    sign_in(stranger, cast.stranger.email)
    ref = begin(stranger, "PO-T9", "99AB00")
    assert stranger.get(f"/aanvragen/{ref}/eerder").headers["Location"].endswith(ref)
    assert "overnemen" not in stranger.get(f"/aanvragen/{ref}").text
    mine = again(anna)
    assert stranger.get(f"/aanvragen/{mine}/eerder").status_code == 404
    assert post(stranger, f"/aanvragen/{mine}/eerder", {"deel": ["title"]}).status_code == 404
    assert anna.get("/aanvragen/PO-T9-01/eerder").headers["Location"].endswith("PO-T9-01"), "what was sent is closed"
