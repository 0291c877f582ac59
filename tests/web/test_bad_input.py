"""Whatever is sent to a page of an application: never a broken page, never half a row, and a message at its field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from fundapp.domain.form_spec import validate_answers
from fundapp.persistence.application import Application, BudgetLine, Contribution, Partner
from fundapp.services import funds
from tests.support.school import begin, open_round, parsed
from tests.support.web import Cast, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

FUNDS = {"stimuleringsregeling-po": "PO-T9", "innovatiefonds": "IF-T9"}

NASTY = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "1e9",
    "-1",
    "9" * 400,
    "1.20",
    "1,200",
    "12oo",
    "€ 1.200,50",
    "31-2-2025",
    "0001-01-01",
    "99999-1-1",
    "٣٤",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{name} {0} %s %(x)s",
    "\u202egnp.exe",
    "e\u0301" * 50,
    "🤖" * 200,
    "woord " * 3000,
    "x" * 60_000,
    "=1+1",
    "ja",
    "99AA00",
)
TYPED = st.sampled_from(NASTY) | st.text(max_size=60)
"""What somebody, or a program, may send in a field."""

BYTES = st.sampled_from([b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f", b"\x00\x01", "é".encode("latin-1")])
few = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, signed in, with a round of each fund that is open."""
    for fund, ref in FUNDS.items():
        open_round(app, cast, ref, of=fund)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    return client


def fields_of(page: Any) -> list[str]:
    """Every field that a page asks, by name, and a few that it could."""
    form = next(form for form in page.forms if "/taak/" in (form.action or ""))
    names = {one.get("name") for one in form.xpath(".//input | .//textarea | .//select") if one.get("type") != "file"}
    more = {name.replace("-1-", "-2-") for name in names if name}
    return sorted((names | more) - {None, "csrf_token", "answers_version", "do"})


def whole(app: Flask, ref: str) -> int:
    """That what is stored of a draft is whole: every answer reads back, and sums agree. Returns its version."""
    with writing(app) as session:
        row = session.scalars(select(Application).where(Application.ref == ref)).one()
        spec = funds.spec_of(session, row.fund_version_id)
        for section in spec.form.sections:
            asked = {question.key for question in section.questions}
            kept = {key: value for key, value in row.answers.items() if key in asked}
            clean, wrong = validate_answers(section, kept, complete=False)
            assert wrong == (), (section.key, kept)
            assert clean == kept, "what is stored is as it is read"
        mine: list[Any] = [
            session.scalars(select(model).where(model.application_id == row.id)).all()
            for model in (BudgetLine, Contribution, Partner)
        ]
        assert row.cost_cents == sum(line.cents for line in mine[0])
        for rows in mine:
            assert sorted(one.position for one in rows) == list(range(1, len(rows) + 1))
        assert row.title == str(row.answers.get("title") or "")
        return row.answers_version


def check(answer: Any, at: object) -> None:
    """That a page is not broken, and that each mistake leads to the field that it is about."""
    assert answer.status_code in (200, 303, 400, 409, 413, 422), (at, answer.status_code)
    if answer.status_code == 422:
        page = parsed(answer.text)
        links = page.xpath('//*[contains(@class, "error-summary")]//a')
        assert links, at
        ids = set(page.xpath("//@id"))
        for link in links:
            assert link.get("href").removeprefix("#") in ids, (at, link.get("href"))
            assert len(link.text_content()) > 10, at


@pytest.mark.parametrize("fund", FUNDS)
@few
@given(data=st.data())
def test_any_text_in_any_field(app: Flask, anna: FlaskClient, fund: str, data: Any) -> None:
    ref = begin(anna, FUNDS[fund])
    csrf = token(anna)
    with writing(app) as session:
        version = session.scalars(select(Application.fund_version_id).where(Application.ref == ref)).one()
        sections = [section.key for section in funds.spec_of(session, version).form.sections]
    for section in sections:
        path = f"/aanvragen/{ref}/taak/{section}"
        names = fields_of(parsed(anna.get(path).text))
        typed = {name: data.draw(TYPED, label=name) for name in names}
        do = data.draw(st.sampled_from(["save", "next", "autosave", "add", "search-1", "remove-lines-1", "x", "\x00"]))
        seen = whole(app, ref)
        answer = anna.post(path, data={**typed, "do": do, "answers_version": str(seen), "csrf_token": csrf})
        check(answer, (section, do, typed))
        assert whole(app, ref) in (seen, seen + 1)
        assert anna.get(f"{path}?van=controle").status_code == 200
    assert anna.get(f"/aanvragen/{ref}/controle").status_code == 200
    assert anna.get(f"/aanvragen/{ref}").status_code == 200


@few
@given(data=st.data())
def test_bytes_that_are_no_text(app: Flask, anna: FlaskClient, data: Any) -> None:
    """A form in an encoding that is none, a name that is none, a body that says it is something else."""
    ref = begin(anna, "PO-T9")
    csrf = token(anna)
    for section, name in (("project", "title"), ("plan", "planning.0.who"), ("budget", "lines-1-description")):
        path, seen = f"/aanvragen/{ref}/taak/{section}", whole(app, ref)
        value = quote_from_bytes(b"tekst" + data.draw(BYTES))
        more = quote_from_bytes(data.draw(BYTES))
        body = f"csrf_token={csrf}&answers_version={seen}&do=save&{name}={value}&{more}=1&lines-1-price=1"
        kind = data.draw(
            st.sampled_from(
                [
                    "application/x-www-form-urlencoded",
                    "application/x-www-form-urlencoded; charset=utf-16",
                    "multipart/form-data; boundary=x",
                    "application/json",
                    "text/plain",
                ]
            )
        )
        check(anna.post(path, data=body.encode(), content_type=kind), (section, kind, body))
        assert whole(app, ref) in (seen, seen + 1)
        assert anna.get(path).status_code == 200


@few
@given(data=st.data())
def test_any_text_around_an_application(app: Flask, anna: FlaskClient, data: Any) -> None:
    """The address of the check, the form that begins, the offer of earlier answers, a completion, the search."""
    text = data.draw(TYPED)
    csrf = token(anna)
    shown = {"check": text, "ronde": text, "region": text, "na": text, "toon-uitslag": "1"}
    for path in ("/aanvragen/nieuw", "/aanvragen", "/check/PO-T9"):
        assert anna.get(path, query_string=shown).status_code in (200, 400, 422), (path, text)
    typed = {"keuze": f"PO-T9|{text}", "check": text, "request_key": text, "csrf_token": csrf}
    assert anna.post("/aanvragen/nieuw", data=typed).status_code in (303, 404, 409, 422), text
    ref = begin(anna, "PO-T9")
    for path in ("eerder", "uploads"):
        data_ = {"deel": text, "pagina": text, "slot": text, "name": text, "size": text, "stamp": text}
        sent = anna.post(f"/aanvragen/{ref}/{path}", data={**data_, "csrf_token": csrf})
        assert sent.status_code in (200, 303, 404, 409, 422), (path, text)
    whole(app, ref)
