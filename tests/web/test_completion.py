"""A school completes its application: only what staff opened, old and new side by side, a receipt, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fundapp.domain.completion import opened, part_of, parts, proposed
from fundapp.persistence.application import Application, Attachment, Submission
from fundapp.persistence.journal import Journal
from fundapp.services import draft
from fundapp.services.transitions import perform
from tests.domain.test_eligibility import IF, PO
from tests.support.cases import Cases
from tests.support.school import PAGES, begin, complete, open_round, parsed, save, send, summary, upload
from tests.support.web import Cast, Clock, post, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

REF = "PO-T9-01"
OPENED = ["pupils", "partners_pay", "partner_letter"]


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, after she sent an application."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    assert begin(client, "PO-T9") == REF
    complete(client, REF)
    assert send(client, REF).status_code == 303
    return client


def ask(app: Flask, cast: Cast, clock: Clock, fields: list[str]) -> None:
    """Let the handler open these parts."""
    with writing(app) as session:
        Cases(session).no_interest(cast.handler)
        given = {"explanation": "Wie betaalt er mee?", "fields": fields}
        perform(session, "application", REF, "ask_completion", actor=cast.handler, now=clock.now, given=given)


def row(app: Flask) -> Application:
    with writing(app) as session:
        return session.scalars(select(Application).where(Application.ref == REF)).one()


def text_of(client: FlaskClient, path: str) -> str:
    return words(parsed(client.get(path, follow_redirects=True).text))


def words(page: Any) -> str:
    return " ".join(" ".join(page.itertext()).split())


def test_staff_choose_the_parts_that_the_conditions_look_at(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    with writing(app) as session:
        Cases(session).no_interest(cast.handler)
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    page = parsed(handler.get(f"/application/{REF}/ask_completion").text)
    offered = page.xpath('//input[@name="fields"]/@value')
    assert offered == [part.key for part in parts(PO)]
    assert {"title", "lines", "requested", "shares", "partners", "partner_letter"} <= set(offered)
    legends = [one.text_content().strip() for one in page.xpath('//fieldset[.//input[@name="fields"]]/legend')]
    assert legends[1:3] == ["Uw project", "Uw plan"]
    assert page.xpath('//input[@name="fields"][@checked]') == [], "all conditions are met"


def test_what_hangs_on_a_part_is_opened_with_it() -> None:
    assert opened(PO, ["partners_pay"]) == {"partners_pay", "co_financing_letter", "signing"}
    assert opened(PO, ["lasting"]) == {"lasting", "lasting_how", "signing"}
    assert opened(PO, ["lines"]) == {"lines", "requested", "signing"}
    assert opened(IF, ["buys_equipment"]) == {"buys_equipment", "quote", "signing"}
    assert proposed(PO, {"co_financing", "vo_partner", "not_started", "start_date"}) == (
        "starts_on",
        "partners",
        "already_ordered",
        "shares",
    )
    budget, plan = PO.form.section("budget"), PO.form.section("plan")
    assert [part_of(field, budget) for field in ("lines-2-price", "lines-3", "requested", "already_ordered")] == [
        "lines",
        "lines",
        "requested",
        "already_ordered",
    ]
    assert part_of("planning.0.who", plan) == "planning"
    assert part_of("signer-1-name", PO.form.section("signing")) == "signing"


def test_only_the_opened_parts_are_there_with_what_was_sent_before(
    app: Flask, cast: Cast, clock: Clock, anna: FlaskClient
) -> None:
    ask(app, cast, clock, OPENED)
    page = text_of(anna, f"/aanvragen/{REF}")
    assert "Wij missen nog iets in uw aanvraag Wie betaalt er mee?" in page
    assert "Stuur uw aanvulling in tot en met vrijdag 28 maart 2025" in page
    assert "Niet veranderd" in page
    task = parsed(anna.get(f"/aanvragen/{REF}/taak/project").text)
    shown = set(task.xpath("//main//form//*[@name]/@name")) - {"csrf_token", "answers_version", "do"}
    assert shown == {"pupils"}
    assert "Dit stuurde u eerder in: 60" in words(task)
    places = parsed(anna.get(f"/aanvragen/{REF}/taak/documents").text).xpath('//input[@type="file"]/@name')
    assert places == ["partner_letter", "co_financing_letter"], "the second hangs on an answer that was opened"
    closed = anna.get(f"/aanvragen/{REF}/taak/plan")
    assert closed.headers["Location"].endswith(f"/aanvragen/{REF}/aanvulling")
    for path in ("/controle", ""):
        assert anna.get(f"/aanvragen/{REF}{path}").headers["Location"].endswith("/aanvulling")
    onward = save(anna, REF, "project", {"pupils": "75"}, "next")
    assert onward.headers["Location"].endswith("/taak/co_financing"), "the next page with something that was opened"


@pytest.mark.parametrize(
    ("section", "typed"),
    [
        ("project", {"title": "Iets anders"}),
        ("project", {"pupils": "75", "title": "Iets anders"}),
        ("plan", {"planning.0.activity": "Iets anders"}),
        ("plan", {}),
        ("budget", {"lines-1-price": "1"}),
        ("budget", {"requested": "1"}),
        ("co_financing", {"partners_pay": "yes", "shares-1-amount": "1"}),
        ("partners", {"partners-1-name": "Iemand anders"}),
    ],
)
def test_the_server_refuses_everything_else(
    app: Flask, cast: Cast, clock: Clock, anna: FlaskClient, section: str, typed: dict[str, Any]
) -> None:
    ask(app, cast, clock, OPENED)
    before = row(app)
    for do in ("save", "autosave"):
        data = {**typed, "do": do, "answers_version": str(before.answers_version)}
        answer = post(anna, f"/aanvragen/{REF}/taak/{section}", data)
        assert answer.status_code == 409, answer.text
        assert "Dit onderdeel kunt u nu niet veranderen" in answer.text
    after = row(app)
    assert (after.answers, after.answers_version, after.title) == (before.answers, before.answers_version, before.title)


def test_the_services_refuse_it_too(app: Flask, cast: Cast, clock: Clock, anna: FlaskClient) -> None:
    from fundapp.domain.draft import CostLine
    from fundapp.domain.refusal import Refused

    ask(app, cast, clock, ["pupils"])
    with writing(app) as session:
        attachment = session.scalars(select(Attachment)).one()
    tries: tuple[Callable[[draft.Writing], object], ...] = (
        lambda page: page.answers(page.spec.form.section("project"), {"title": "Iets anders"}),
        lambda page: page.budget([CostLine("travel", "Bus", 1, 1)]),
        lambda page: page.requested(1),
        lambda page: page.contributions([]),
        lambda page: page.partners([]),
        lambda page: page.attach("partner_letter", "x.pdf", attachment.sha256),
    )
    for attempt in tries:
        with (
            pytest.raises(Refused, match="not_opened"),
            writing(app) as session,
            draft.writing(session, REF, actor=cast.anna, now=clock.now) as page,
        ):
            attempt(page)
    with writing(app) as session, draft.writing(session, REF, actor=cast.anna, now=clock.now) as page:
        page.detach(attachment.id)
    with writing(app) as session:
        assert session.get(Attachment, attachment.id) is not None
    sent = anna.post(
        f"/aanvragen/{REF}/uploads",
        data={"slot": "partner_letter", "name": "a.pdf", "size": "9", "stamp": "1", "csrf_token": token(anna)},
    )
    assert sent.status_code == 409


def test_old_and_new_for_school_and_staff(app: Flask, cast: Cast, clock: Clock, anna: FlaskClient) -> None:
    ask(app, cast, clock, OPENED)
    assert save(anna, REF, "project", {"pupils": "75"}).status_code == 303
    wrong = save(anna, REF, "project", {"pupils": "heel veel"})
    assert [field for field, _ in summary(wrong)] == ["pupils"]
    save(anna, REF, "co_financing", {"partners_pay": "yes"})
    page = text_of(anna, f"/aanvragen/{REF}/aanvulling")
    assert "Hoeveel leerlingen doen mee?" in page
    assert "Voeg dit bestand toe: toezegging van wie meebetaalt" in page, "a document that the new answer asks for"
    assert "Aanvulling insturen" not in page
    assert upload(anna, REF, "co_financing_letter", name="toezegging.pdf").status_code == 303
    page = text_of(anna, f"/aanvragen/{REF}/aanvulling")
    assert "Zo stuurde u het in 60" in page
    assert "Zo staat het er nu 75" in page
    answer = send(anna, REF)
    assert answer.headers["Location"].endswith("/ingestuurd")
    assert "Wij hebben uw aanvulling ontvangen" in text_of(anna, f"/aanvragen/{REF}/ingestuurd")
    after = text_of(anna, f"/aanvragen/{REF}/aanvulling")
    for words in ("Wat u hebt aangevuld", "Wie betaalt er mee?", "60", "75", "toezegging.pdf"):
        assert words in after
    assert "Wat u hebt aangevuld" in anna.get(f"/aanvragen/{REF}").text
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    page = text_of(handler, f"/beoordelen/{REF}")
    assert "Wat de school veranderde" in page
    assert "De school mocht dit aanpassen:" in page
    assert "Beoordeeld bij de aanvulling, op vrijdag 14 maart 2025" in page
    with writing(app) as session:
        first, second = session.scalars(select(Submission).order_by(Submission.number)).all()
    assert (first.content["answers"]["pupils"], second.content["answers"]["pupils"]) == (60, 75)
    same = {k: v for k, v in second.content["answers"].items() if k not in ("pupils", "partners_pay")}
    assert same.items() <= first.content["answers"].items()


def test_a_late_completion_is_taken_and_marked(app: Flask, cast: Cast, clock: Clock, anna: FlaskClient) -> None:
    ask(app, cast, clock, ["pupils"])
    clock.set(clock.now + timedelta(days=20))
    sign_in(anna, cast.anna.email)
    assert "U kunt nog insturen. Wij zien dan dat het later is." in text_of(anna, f"/aanvragen/{REF}/aanvulling")
    save(anna, REF, "project", {"pupils": "75"})
    assert send(anna, REF).status_code == 303
    with writing(app) as session:
        assert session.scalars(select(Journal.data).where(Journal.action == "complete")).one()["late"] is True
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    assert "aangevuld, na de laatste dag" in text_of(handler, f"/beoordelen/{REF}")


def test_before_and_without_a_completion_the_page_is_not_there(anna: FlaskClient) -> None:
    assert anna.get(f"/aanvragen/{REF}/aanvulling").headers["Location"].endswith(f"/aanvragen/{REF}")
    assert PAGES["project"]["pupils"] == "60"
