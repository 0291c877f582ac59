"""The head of a school signs by mail: exactly what stands there, once, in time, and nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import sessionmaker

from fundapp.domain.facts import SignerRole
from fundapp.domain.people import Capacity
from fundapp.persistence.application import Application, EligibilityCheck, Submission, Term
from fundapp.persistence.db import make_engine
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.journal import Journal
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.people import Membership
from fundapp.persistence.signing import Signature
from fundapp.services import deadlines
from fundapp.services.mail_link import Link, Purpose, token_of
from tests.support.by_mail import link_to, open_door
from tests.support.school import PAGES, begin, complete, open_round, parsed, save, send, summary
from tests.support.web import NOON, Cast, Clock, mailed, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

LEA = "lea@ozobot.example.org"
REF = "PO-T9-01"
SIGNING = PAGES["signing"]


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, with an application that is complete and names who signs."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    assert begin(client, "PO-T9") == REF
    complete(client, REF)
    return client


@pytest.fixture
def lea(app: Flask) -> FlaskClient:
    """A browser of somebody without an account."""
    return app.test_client()


def signatures(app: Flask) -> list[Signature]:
    with writing(app) as session:
        return list(session.scalars(select(Signature).order_by(Signature.id)))


def application(app: Flask) -> Application:
    with writing(app) as session:
        return session.scalars(select(Application).where(Application.ref == REF)).one()


def ask(anna: FlaskClient) -> str:
    """Ask for the agreement before sending; return the link of the mail."""
    answer = save(anna, REF, "signing", SIGNING, "ask")
    assert answer.status_code == 303, answer.text
    return link_to(anna.application, LEA, "sign_asked")


def agree(client: FlaskClient, path: str, email: str = LEA) -> Any:
    open_door(client, path, email)
    return post(client, path, _form(client.get(path).text, "agree"))


def _form(page: str, do: str) -> dict[str, str]:
    sha256 = re.search(r'name="sha256" value="(\w+)"', page)
    assert sha256 is not None, page
    return {"do": do, "sha256": sha256[1]}


def clock_runs(app: Flask, clock: Clock) -> int:
    engine = make_engine(str(app.config["SQLALCHEMY_DATABASE_URI"]))
    try:
        return deadlines.run(sessionmaker(engine, expire_on_commit=False), clock.now)
    finally:
        engine.dispose()


def templates(app: Flask, address: str) -> list[str]:
    with writing(app) as session:
        query = select(OutboxMessage.template).where(OutboxMessage.address == address).order_by(OutboxMessage.id)
        return list(session.scalars(query))


def test_asked_read_signed_and_sent(app: Flask, anna: FlaskClient, lea: FlaskClient, wakes: list[str]) -> None:
    wakes.clear()
    path = ask(anna)
    assert wakes == ["wake"]
    assert "Gevraagd, wacht op antwoord" in anna.get(f"/aanvragen/{REF}/taak/signing").text

    door = lea.get(path).text
    assert "Stuur mij een code" in door
    assert "Robots in groep 7" not in door, "nothing is shown in front of the door"
    open_door(lea, path, LEA)
    page = lea.get(path).text
    for words in (
        "Robots in groep 7",
        "Groep 7 en 8 bouwen acht weken lang robots",
        "€\xa03.120,00",
        "€\xa0780,00",
        "Elke leerling bouwt een rijdende robot.",
        "Robotpakketten",
        "Delta College",
        "brief.pdf",
        "U mag namens De Ozobot tekenen.",
        "De school betaalt zelf €\xa0780,00 mee.",
    ):
        assert words in page, words
    href = next(a.get("href") for a in parsed(page).iter("a") if "/bijlagen/" in (a.get("href") or ""))
    assert lea.get(href).headers["Content-Type"] == "application/pdf"

    answer = post(lea, path, _form(page, "agree"))
    assert answer.headers["Location"] == path
    assert "U gaf al akkoord." in lea.get(path).text
    (row,) = signatures(app)
    assert (row.state, row.name, row.email, row.answered_at) == ("signed", "Lea Directeur", LEA, NOON)
    assert mailed(app, "anna.akkerman@example.org", "signed")["signer"] == "Lea Directeur"

    assert send(anna, REF).status_code == 303
    with writing(app) as session:
        assert session.scalars(select(Submission.sha256)).one() == row.sha256, "what was sent is what was signed"
        assert session.scalars(select(Term.name)).all() == ["decision"], "no term to sign"
        told = session.scalars(select(Journal).where(Journal.action == "sign")).one()
        assert (told.actor_id, told.data["signature"]["sha256"]) == (None, row.sha256)
    assert "sign_asked" in templates(app, LEA)
    assert templates(app, LEA).count("sign_asked") == 1, "nobody is asked twice for the same content"


def test_opening_the_link_signs_nothing(app: Flask, anna: FlaskClient, lea: FlaskClient) -> None:
    """As a mail scanner does: it opens every address, and presses no button."""
    path = ask(anna)
    for _ in range(3):
        assert lea.get(path).status_code == 200
        assert lea.head(path).status_code == 200
        assert lea.get(f"{path}/code").status_code == 303
    assert post(lea, path, {"do": "agree", "sha256": "x"}).status_code == 200, "the door, not an answer"
    assert signatures(app)[0].state == "asked"


def test_a_change_after_the_signature_makes_it_lapse_and_asks_anew(
    app: Flask, anna: FlaskClient, lea: FlaskClient, clock: Clock
) -> None:
    agree(lea, ask(anna))
    save(anna, REF, "budget", PAGES["budget"] | {"requested": "3.000,00"})
    assert "Vervallen: de aanvraag is veranderd" in anna.get(f"/aanvragen/{REF}").text
    check = anna.get(f"/aanvragen/{REF}/controle").text
    assert "Wij mailen meteen wie er tekent: Lea Directeur." in check
    save(anna, REF, "budget", PAGES["budget"])
    assert "Vervallen" not in anna.get(f"/aanvragen/{REF}").text, "what was signed stands there again"

    save(anna, REF, "budget", PAGES["budget"] | {"requested": "3.000,00"})
    clock.advance(minutes=5)
    send(anna, REF)
    old, new = signatures(app)
    assert (old.state, new.state) == ("replaced", "asked")
    assert mailed(app, LEA, "sign_asked")["amount"] == 300_000
    path = link_to(app, LEA, "sign_asked")
    agree(lea, path)
    with writing(app) as session:
        assert session.get_one(Signature, new.id).sha256 == session.scalars(select(Submission.sha256)).one()
        assert session.scalars(select(Term.name).where(Term.ended_on.is_(None))).all() == ["decision"]
        moments = session.scalars(select(EligibilityCheck.moment).order_by(EligibilityCheck.id)).all()
        assert list(moments) == ["submit", "sign"], "the conditions are judged with the signature"


def test_what_changes_while_it_is_read_is_read_again(app: Flask, anna: FlaskClient, lea: FlaskClient) -> None:
    path = ask(anna)
    open_door(lea, path, LEA)
    form = _form(lea.get(path).text, "agree")
    save(anna, REF, "project", PAGES["project"] | {"title": "Robots in groep 6"})
    answer = post(lea, path, form)
    assert answer.status_code == 409
    assert "De aanvraag is net veranderd." in answer.text
    assert "Robots in groep 6" in answer.text
    assert post(lea, path, _form(answer.text, "agree")).status_code == 303


def test_no_with_a_reason_keeps_the_draft(app: Flask, anna: FlaskClient, lea: FlaskClient) -> None:
    path = ask(anna)
    open_door(lea, path, LEA)
    wrong = post(lea, path, {"do": "decline"})
    assert wrong.status_code == 422
    assert summary(wrong) == [("explanation", "Schrijf op waarom niet. De school leest dit.")]
    assert post(lea, path, {"do": "decline", "explanation": "Te duur."}).status_code == 303
    assert "Te duur." in lea.get(path).text
    assert application(app).state == "draft"
    assert mailed(app, "anna.akkerman@example.org", "sign_declined")["explanation"] == "Te duur."
    page = anna.get(f"/aanvragen/{REF}/taak/signing").text
    assert "Niet akkoord" in page
    assert "Te duur." in page
    assert "vraag opnieuw om akkoord" in anna.get(f"/aanvragen/{REF}/controle").text
    ask(anna)
    assert [row.state for row in signatures(app)] == ["replaced", "asked"]


def test_no_after_sending_takes_it_back(app: Flask, anna: FlaskClient, lea: FlaskClient, cast: Cast) -> None:
    send(anna, REF)
    path = link_to(app, LEA, "sign_asked")
    assert mailed(app, LEA, "sign_asked")["due"] == "2025-03-28", "two weeks"
    open_door(lea, path, LEA)
    assert "Teken vóór of op vrijdag 28 maart 2025" in lea.get(path).text
    assert post(lea, path, {"do": "decline", "explanation": "Nog niet."}).status_code == 303
    row = application(app)
    assert (row.state, row.submitted_at, row.complete_at, row.decision_due_on) == ("draft", None, None, None)
    assert mailed(app, cast.handler.email, "taken_back")["ref"] == REF
    with writing(app) as session:
        assert session.scalars(select(Term).where(Term.ended_on.is_(None))).all() == []
    ask(anna)
    agree(lea, link_to(app, LEA, "sign_asked"))
    assert send(anna, REF).status_code == 303
    assert application(app).submitted_at == NOON


def test_without_a_signature_it_is_not_taken_up(app: Flask, anna: FlaskClient, lea: FlaskClient, cast: Cast) -> None:
    send(anna, REF)
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    assert post(handler, f"/beoordelen/{REF}/belang", {"interest": "no"}).status_code == 303
    take_up = f"/application/{REF}/take_up"
    page = post(handler, take_up, {"seen": "2", "request_key": "a"})
    assert page.status_code == 409
    assert "De school moet nog tekenen. Dat mag tot en met vrijdag 28 maart 2025." in page.text
    agree(lea, link_to(app, LEA, "sign_asked"))
    assert post(handler, take_up, {"seen": "3", "request_key": "b"}).status_code == 303


def test_reminders_stop_at_the_answer(app: Flask, anna: FlaskClient, lea: FlaskClient, clock: Clock) -> None:
    send(anna, REF)
    for day in range(1, 20):
        clock.set(NOON + timedelta(days=day))
        clock_runs(app, clock)
    assert templates(app, LEA) == ["sign_asked", "sign_reminder", "sign_reminder", "sign_reminder"]
    assert "signature_due" in templates(app, "anna.akkerman@example.org")
    assert templates(app, "hanna.herder@example.org").count("signature_missed") == 1
    path = link_to(app, LEA, "sign_reminder")
    agree(lea, path)  # late, and still in time: the handler has not decided
    clock.advance(days=2)
    clock_runs(app, clock)
    assert templates(app, LEA)[-1] == "mailbox_code"


def test_not_signed_in_time_the_handler_may_end_it(app: Flask, anna: FlaskClient, cast: Cast, clock: Clock) -> None:
    """What the fund for primary education says: who handles the case decides."""
    send(anna, REF)
    clock.set(NOON + timedelta(days=15))
    clock_runs(app, clock)
    assert application(app).state == "submitted"
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    assert post(handler, f"/beoordelen/{REF}/belang", {"interest": "no"}).status_code == 303
    given = {"seen": "2", "request_key": "a", "explanation": "Niemand tekende.", "reasons": "not_completed_in_time"}
    answer = post(handler, f"/application/{REF}/not_consider", given)
    assert answer.status_code == 303, answer.text
    assert application(app).state == "not_considered"


def test_a_fund_may_end_it_by_itself(app: Flask, cast: Cast, clock: Clock) -> None:
    open_round(app, cast, signer={"missed": "not_considered"})
    anna = app.test_client()
    sign_in(anna, cast.anna.email)
    begin(anna, "PO-T9")
    complete(anna, REF)
    send(anna, REF)
    clock.set(NOON + timedelta(days=14))
    clock_runs(app, clock)
    assert application(app).state == "submitted", "the last day counts"
    clock.advance(days=1)
    clock_runs(app, clock)
    assert application(app).state == "not_considered"
    with writing(app) as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.kind, decision.decided_by_id) == ("not_consider", None)
        assert session.scalars(select(Letter.template)).one() == "not_considered"
    assert "not_considered" in templates(app, cast.anna.email)


def test_a_fund_may_ask_the_signature_before_sending(app: Flask, cast: Cast, lea: FlaskClient) -> None:
    open_round(app, cast, signer={"within": None})
    anna = app.test_client()
    sign_in(anna, cast.anna.email)
    begin(anna, "PO-T9")
    complete(anna, REF)
    assert "Lea Directeur moet nog tekenen." in anna.get(f"/aanvragen/{REF}/controle").text
    agree(lea, ask(anna))
    assert send(anna, REF).status_code == 303


def test_two_signatures_come_from_two_people(app: Flask, cast: Cast, lea: FlaskClient) -> None:
    open_round(app, cast, signer={"second": (SignerRole.BOARD,)})
    anna = app.test_client()
    sign_in(anna, cast.anna.email)
    begin(anna, "PO-T9")
    complete_with = {"signer-2-role": "board", "signer-2-name": "Bo Bestuur", "signer-2-email": LEA}
    wrong = save(anna, REF, "signing", SIGNING | complete_with)
    assert summary(wrong) == [("signer-2-email", "Twee handtekeningen komen van twee mensen. Vul een ander adres in.")]
    bo = "bo@stichting.example.org"
    PAGES_TWO = SIGNING | complete_with | {"signer-2-email": bo}  # noqa: N806
    complete(anna, REF, PAGES | {"signing": PAGES_TWO})
    save(anna, REF, "signing", PAGES_TWO, "ask")
    agree(lea, link_to(app, LEA, "sign_asked"))
    assert "Bo Bestuur" in anna.get(f"/aanvragen/{REF}/controle").text
    second = app.test_client()
    agree(second, link_to(app, bo, "sign_asked"), bo)
    assert [row.state for row in signatures(app)] == ["signed", "signed"]
    assert send(anna, REF).status_code == 303
    with writing(app) as session:
        found = session.scalars(select(EligibilityCheck.outcomes)).one()
        signer = next(one for one in found if one["code"] == "signer")
        assert (signer["verdict"], signer["actual"]) == ("met", "school_leader,board")


def test_a_signer_with_an_account_signs_in_the_portal(app: Flask, anna: FlaskClient, cast: Cast) -> None:
    save(anna, REF, "signing", SIGNING | {"signer-1-name": "Sietse Sinke", "signer-1-email": cast.signer.email}, "ask")
    sietse = app.test_client()
    sign_in(sietse, cast.signer.email)
    assert "U wordt gevraagd om te tekenen" in sietse.get(f"/aanvragen/{REF}").text
    page = sietse.get(f"/application/{REF}/sign")
    assert "U mag namens De Ozobot tekenen." in page.text
    form = next(f for f in parsed(page.text).forms if (f.action or "").endswith("/sign"))
    answer = post(sietse, f"/application/{REF}/sign", dict(form.form_values()))
    assert answer.headers["Location"] == f"/aanvragen/{REF}", answer.text
    (row,) = signatures(app)
    assert (row.state, row.person_id, row.name) == ("signed", cast.signer.id, "Sietse Sinke")
    assert anna.get(f"/application/{REF}/sign").status_code == 403, "who may not sign does not"


def test_a_signer_in_the_portal_may_say_no(app: Flask, anna: FlaskClient, cast: Cast) -> None:
    ask(anna)
    sietse = app.test_client()
    sign_in(sietse, cast.signer.email)
    page = sietse.get(f"/application/{REF}/decline")
    form = next(f for f in parsed(page.text).forms if (f.action or "").endswith("/decline"))
    values = dict(form.form_values()) | {"explanation": "Eerst overleggen."}
    assert post(sietse, f"/application/{REF}/decline", values).status_code == 303
    assert signatures(app)[0].explanation == "Eerst overleggen."


def test_nobody_names_oneself(app: Flask, anna: FlaskClient, cast: Cast) -> None:
    wrong = save(anna, REF, "signing", SIGNING | {"signer-1-email": cast.anna.email})
    assert wrong.status_code == 422
    assert "u bent niet tekenbevoegd" in wrong.text
    with writing(app) as session:
        session.add(
            Membership(
                person_id=cast.anna.id, board_number="99990", school_code="99AA00", capacity=str(Capacity.SIGNER)
            )
        )
    assert save(anna, REF, "signing", SIGNING | {"signer-1-email": cast.anna.email}).status_code == 303


def test_asking_waits_for_the_rest(app: Flask, cast: Cast) -> None:
    open_round(app, cast)
    anna = app.test_client()
    sign_in(anna, cast.anna.email)
    begin(anna, "PO-T9")
    wrong = save(anna, REF, "signing", SIGNING, "ask")
    assert wrong.status_code == 422
    assert "Maak eerst dit af: Uw project;" in wrong.text
    assert signatures(app)[0].state == "named", "who signs is kept all the same"


def test_somebody_is_not_asked_for_ever(anna: FlaskClient, clock: Clock) -> None:
    for _ in range(3):
        ask(anna)
        clock.advance(minutes=1)
    assert "U vroeg dit vandaag al 3 keer." in save(anna, REF, "signing", SIGNING, "ask").text


def test_somebody_else_signs(app: Flask, anna: FlaskClient, lea: FlaskClient) -> None:
    path = ask(anna)
    save(anna, REF, "signing", SIGNING | {"signer-1-email": "nieuw@ozobot.example.org"})
    page = lea.get(path)
    assert "Er is niets meer te tekenen." in page.text
    assert "Robots" not in page.text


@pytest.mark.parametrize(
    ("purpose", "secret", "days", "status"),
    [
        (Purpose.SIGNATURE, "a secret for tests only, long enough", 1, 200),
        (Purpose.CONSENT, "a secret for tests only, long enough", 1, 404),
        (Purpose.SIGNATURE, "another secret", 1, 404),
        (Purpose.SIGNATURE, "a secret for tests only, long enough", -1, 410),
    ],
)
def test_a_link_is_signed_for_one_purpose_and_expires(
    app: Flask, anna: FlaskClient, lea: FlaskClient, purpose: Purpose, secret: str, days: int, status: int
) -> None:
    ask(anna)
    (row,) = signatures(app)
    token = token_of(Link(purpose, row.id, NOON + timedelta(days=days)), secret)
    assert lea.get(f"/akkoord/{token}").status_code == status


def test_a_code_opens_one_door_in_one_browser(app: Flask, anna: FlaskClient, lea: FlaskClient, clock: Clock) -> None:
    path = ask(anna)
    post(lea, f"{path}/code")
    code = mailed(app, LEA, "mailbox_code")["code"]
    other = app.test_client()
    assert post(other, f"{path}/bewijs", {"code": code}).headers["Location"] == path, "nobody asked for it there"
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert post(lea, f"{path}/bewijs", {"code": wrong}).status_code == 422
    assert post(lea, f"{path}/bewijs", {"code": code}).status_code == 422, "five tries"
    open_door(lea, path, LEA)
    clock.advance(minutes=61)
    assert "Stuur mij een code" in lea.get(path).text, "the proof lasts an hour"
    for _ in range(4):
        post(lea, f"{path}/code")
    assert post(lea, f"{path}/code").status_code == 429 or post(lea, f"{path}/code").status_code == 429


def test_another_school_sees_nothing(app: Flask, anna: FlaskClient, cast: Cast) -> None:
    ask(anna)
    vera = app.test_client()
    sign_in(vera, cast.stranger.email)
    for path in (f"/aanvragen/{REF}/akkoord", f"/application/{REF}/sign", f"/application/{REF}/decline"):
        assert vera.get(path).status_code == 404, path
    assert post(vera, f"/application/{REF}/sign", {"seen": "1", "sha256": "x"}).status_code == 404


def test_an_answer_cannot_be_altered_in_the_database(app: Flask, anna: FlaskClient, lea: FlaskClient) -> None:
    agree(lea, ask(anna))
    for change in ("UPDATE signature SET sha256 = 'x'", "UPDATE signature SET name = 'x'", "DELETE FROM signature"):
        with pytest.raises(ProgrammingError, match="answer"), writing(app) as session:
            session.execute(text(change))


def test_the_preview_is_what_is_read(anna: FlaskClient) -> None:
    page = anna.get(f"/aanvragen/{REF}/akkoord").text
    assert "U mag namens De Ozobot tekenen." in page
    assert "Elke leerling bouwt een rijdende robot." in page
