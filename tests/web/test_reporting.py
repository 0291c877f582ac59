"""After the award: letters, final accounts, the intended amount, changes; all through the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from fundapp.domain.change import Kind
from fundapp.persistence.application import Application
from fundapp.persistence.change import ChangeRequest
from fundapp.persistence.decision import Letter
from fundapp.persistence.settlement import FinalReport, IntentResponse, ReportLine
from fundapp.web.forms.change import FIELDS
from tests.support.cases import Cases
from tests.support.school import begin, complete, open_round, parsed, send, sign, summary
from tests.support.web import Cast, Clock, post, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

REF = "PO-T9-01"


def act(app: Flask, clock: Clock, name: str, by: object, **given_: object) -> None:
    """Somebody of the fund does their part."""
    from fundapp.services.transitions import perform

    with writing(app) as session:
        perform(session, "application", REF, name, actor=by, now=clock.now, given=given_)  # type: ignore[arg-type]


def award(app: Flask, cast: Cast, clock: Clock) -> None:
    """From sent to awarded: € 3.120,00."""
    with writing(app) as session:
        cases = Cases(session)
        cases.account("99990")
        cases.no_interest(cast.handler, cast.adviser, cast.decision_maker)
    sign(app, REF, at=clock.now)
    act(app, clock, "take_up", cast.handler)
    scores = {"cooperation": 4, "lasting": 4, "pupils": 4, "sharing": 4}
    advice = {"outcome": "award", "amount_cents": 312_000, "scores": scores, "reasons": []}
    act(app, clock, "advise", cast.adviser, explanation="Goed plan.", **advice)
    act(app, clock, "award", cast.decision_maker, amount_cents=312_000, conditions="", explanation="")


def awarded_case(app: Flask, cast: Cast, clock: Clock) -> FlaskClient:
    """Anna's browser, with an application that was awarded."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    assert begin(client, "PO-T9") == REF
    complete(client, REF)
    assert send(client, REF).status_code == 303
    award(app, cast, clock)
    return client


@pytest.fixture
def anna(app: Flask, cast: Cast, clock: Clock) -> FlaskClient:
    return awarded_case(app, cast, clock)


ACCOUNTS = {
    "claimed-1": "2.500,00",
    "no_evidence-1": "De leverancier stuurt de factuur na.",
    "claimed-2": "1.500,00",
    "no_evidence-2": "De urenlijst ligt op school.",
    "received-1": "880,00",
    "results": "De robots rijden.",
    "may_publish": "yes",
}
PATH = f"/aanvragen/{REF}/verantwoording"


def saved_at(client: FlaskClient) -> str:
    return str(parsed(client.get(PATH).text).xpath('//input[@name="saved_at"]/@value')[0])


def send_accounts(client: FlaskClient) -> None:
    post(client, PATH, ACCOUNTS | {"saved_at": saved_at(client)})
    page = parsed(client.get(f"{PATH}/controle").text)
    form = next(f for f in page.forms if f.action.endswith("/report"))
    assert post(client, form.action, dict(form.form_values())).status_code == 303


def test_the_letter_is_read_in_the_portal_and_that_is_kept_once(
    app: Flask, cast: Cast, clock: Clock, anna: FlaskClient
) -> None:
    assert "Lees de brief" in anna.get(f"/aanvragen/{REF}").text
    with writing(app) as session:
        number = session.scalars(select(Letter.id)).one()
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    page = f"/aanvragen/{REF}/brieven/{number}"
    assert handler.get(page).status_code == 200
    with writing(app) as session:
        assert session.get_one(Letter, number).opened_at is None, "only the school's own reading counts"
    first = clock.now
    assert "3.120,00" in anna.get(page).text
    clock.advance(hours=1)
    anna.get(page)
    with writing(app) as session:
        assert session.get_one(Letter, number).opened_at == first
    assert anna.get(f"{page}.pdf").status_code == 404, "not made yet"
    from fundapp.adapters import documents
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.persistence.db import session_factory
    from fundapp.services.letters import render_pending
    from fundapp.web.session import db

    with app.app_context():
        files = ObjectFileStore(app.extensions["settings"].storage_url)
        assert render_pending(session_factory(db.engine), documents, files) >= 1
    pdf = anna.get(f"{page}.pdf")
    assert pdf.data.startswith(b"%PDF")
    assert pdf.headers["Content-Disposition"].startswith("attachment")


def test_accounts_with_mistakes_then_sent(app: Flask, anna: FlaskClient) -> None:
    wrong = post(anna, PATH, ACCOUNTS | {"claimed-2": "12oo", "saved_at": saved_at(anna)})
    assert wrong.status_code == 422
    assert [at for at, _ in summary(wrong)] == ["claimed-2"]
    assert 'value="12oo"' in wrong.text
    with writing(app) as session:
        lines = session.scalars(select(ReportLine).order_by(ReportLine.position)).all()
        assert [line.claimed_cents for line in lines] == [250_000, None], "what will do is kept"
    page = anna.get(f"{PATH}/controle").text
    assert "Vul bij “Training” in wat u hebt uitgegeven" in page
    assert "Verantwoording insturen" not in page
    send_accounts(anna)
    story = anna.get(f"/aanvragen/{REF}").text
    assert "Verantwoording ingestuurd door Anna Akkerman" in story
    assert "De robots rijden." in anna.get(PATH).text
    late = post(anna, PATH, ACCOUNTS)
    assert late.status_code == 409


def test_accounts_in_two_windows(app: Flask, anna: FlaskClient, clock: Clock) -> None:
    old = saved_at(anna)
    clock.advance(minutes=1)
    post(anna, PATH, ACCOUNTS | {"results": "Van de eerste", "saved_at": old})
    second = post(anna, PATH, ACCOUNTS | {"results": "Van de tweede", "saved_at": old})
    assert second.status_code == 409
    assert "Van de eerste" in second.text
    assert "Van de tweede" in second.text
    with writing(app) as session:
        assert session.scalars(select(FinalReport.results)).one() == "Van de eerste"


def test_the_intended_amount_and_the_response(app: Flask, cast: Cast, clock: Clock, anna: FlaskClient) -> None:
    send_accounts(anna)
    from fundapp.services.report import judge_lines

    with writing(app) as session:
        kept = {1: 200_000, 2: 150_000}
        reasons = {1: "De tweede factuur ontbreekt."}
        judge_lines(session, REF, accepted=kept, reasons=reasons, actor=cast.finance, now=clock.now)
    act(app, clock, "intend_determination", cast.finance)
    page = anna.get(f"/aanvragen/{REF}/voornemen").text
    assert "De tweede factuur ontbreekt." in page
    assert "€\xa0500,00" in page
    form = next(f for f in parsed(page).forms if f.action.endswith("/respond"))
    empty = post(anna, form.action, dict(form.form_values()))
    assert empty.status_code == 422
    answer = post(anna, form.action, dict(form.form_values()) | {"explanation": "De factuur zit erbij."})
    assert answer.status_code == 303, answer.text
    page = anna.get(f"/aanvragen/{REF}/voornemen").text
    assert "De factuur zit erbij." in page
    assert "/respond" not in page
    with writing(app) as session:
        assert len(session.scalars(select(IntentResponse)).all()) == 1


def test_a_change_is_asked_once(app: Flask, anna: FlaskClient) -> None:
    every, path = f"/aanvragen/{REF}/wijziging", f"/aanvragen/{REF}/wijziging/verschuiving"
    wrong = post(anna, path, {"source": "1", "target": "1", "amount": "1.20", "explanation": ""})
    assert "Bedoelt u euro" in summary(wrong)[0][1]
    wrong = post(anna, path, {"source": "1", "target": "1", "amount": "500", "explanation": "x", "request_key": "a"})
    assert [at for at, _ in summary(wrong)] == ["source"]
    data = {"source": "1", "target": "2", "amount": "500", "explanation": "Meer training", "request_key": "a"}
    check = post(anna, path, data).text.replace("\u00a0", " ")
    assert "€ 1.900,00" in check
    assert "De coördinator kijkt hiernaar" in check
    data["do"] = "send"
    for _ in range(2):
        assert post(anna, path, data).status_code == 303
    with writing(app) as session:
        assert [r.ref for r in session.scalars(select(ChangeRequest))] == [f"{REF}-W1"]
    page = anna.get(every).text
    assert "Wijziging gevraagd" in page
    form = parsed(anna.get(f"/change_request/{REF}-W1/withdraw").text).forms
    withdraw = next(f for f in form if f.action.endswith("/withdraw"))
    answer = post(anna, withdraw.action, dict(withdraw.form_values()))
    assert answer.headers["Location"] == every


def test_who_waits_too_long_is_told(app: Flask, anna: FlaskClient, clock: Clock) -> None:
    send_accounts(anna)
    clock.advance(days=200)
    with writing(app) as session:
        session.execute(update(Application).values(changed_at=clock.now))
    sign_in(anna, "anna.akkerman@example.org")
    assert "Dit duurt langer" in anna.get(f"/aanvragen/{REF}").text


_TYPED = st.text(max_size=40) | st.sampled_from(["\x00", "9" * 5000, "-1", "€ 1.200,50", "9" * 12, "٣", "NaN"])


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_nothing_typed_breaks_a_page(anna: FlaskClient, data: st.DataObject) -> None:
    csrf = token(anna)
    names = ["claimed-1", "claimed-2", "explanation-1", "no_evidence-2", "received-1", "joined-party", "joined-amount"]
    names += ["joined-form", "joined-kind", "results", "may_publish", "do", "saved_at"]
    answer = anna.post(PATH, data={name: data.draw(_TYPED) for name in names} | {"csrf_token": csrf})
    assert answer.status_code in (303, 409, 422)
    for kind in Kind:
        typed = {name: data.draw(_TYPED) for name in (*FIELDS, "request_key", "do")} | {"csrf_token": csrf}
        answer = anna.post(f"/aanvragen/{REF}/wijziging/{kind}", data=typed)
        assert answer.status_code in (200, 303, 422), kind
    for path in ("verantwoording", "verantwoording/controle", "wijziging", ""):
        assert anna.get(f"/aanvragen/{REF}/{path}".rstrip("/")).status_code == 200
