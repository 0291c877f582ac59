"""A school applies: through the pages, with mistakes on the way, and nobody else sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from fundapp.persistence.application import Application, Attachment, BudgetLine, Submission
from fundapp.persistence.register import School
from tests.support import school
from tests.support.school import PAGES, PDF, begin, complete, open_round, parsed, save, send, upload, version
from tests.support.web import Cast, post, sign_in, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture
def anna(app: Flask, cast: Cast) -> FlaskClient:
    """Anna's browser, signed in, with a round that is open."""
    open_round(app, cast)
    client = app.test_client()
    sign_in(client, cast.anna.email)
    return client


def row(app: Flask, ref: str) -> Application:
    with writing(app) as session:
        return session.scalars(select(Application).where(Application.ref == ref)).one()


def test_from_nothing_to_sent(app: Flask, anna: FlaskClient) -> None:
    """The whole way, page by page, with a mistake on each kind of page."""
    page = anna.get("/aanvragen").text
    assert "U hebt nog geen aanvraag" in page
    assert "Begin een aanvraag" in page
    assert "De Ozobot" in anna.get("/aanvragen/nieuw").text
    ref = begin(anna, "PO-T9")
    assert "0 van de 7 onderdelen" in anna.get(f"/aanvragen/{ref}").text

    wrong = save(anna, ref, "project", PAGES["project"] | {"pupils": "zestig", "starts_on": "morgen"})
    assert wrong.status_code == 422
    assert [at for at, _ in school.summary(wrong)] == ["starts_on", "pupils"]
    assert 'value="zestig"' in wrong.text
    assert "<title>Fout:" in wrong.text
    assert row(app, ref).title == "Robots in groep 7", "what will do is kept"
    onward = save(anna, ref, "project", PAGES["project"], "next")
    assert onward.headers["Location"].endswith("/taak/plan")

    assert save(anna, ref, "plan", PAGES["plan"]).status_code == 303
    assert save(anna, ref, "partners", PAGES["partners"]).status_code == 303
    wrong = save(anna, ref, "budget", PAGES["budget"] | {"lines-2-price": "12oo"})
    assert school.summary(wrong) == [
        ("lines-2-price", "“12oo” is geen bedrag. Vul alleen cijfers in, bijvoorbeeld 1.200,00.")
    ]
    assert 'value="12oo"' in wrong.text
    assert "Kostenregel 2 telt nog niet mee" in wrong.text
    assert save(anna, ref, "budget", PAGES["budget"]).status_code == 303
    assert "€\xa03.120,00" in anna.get(f"/aanvragen/{ref}/taak/budget").text
    page = anna.get(f"/aanvragen/{ref}/taak/co_financing").text
    assert "Er mist nog €\xa0780,00" in page
    assert save(anna, ref, "co_financing", PAGES["co_financing"]).status_code == 303

    page = anna.get(f"/aanvragen/{ref}/controle").text
    assert "Voeg dit bestand toe: brief van de vo-school" in page
    assert "Vul in wie er namens de school tekent" in page
    assert "Aanvraag insturen" not in page
    assert save(anna, ref, "signing", PAGES["signing"]).status_code == 303
    assert upload(anna, ref, "partner_letter").status_code == 303
    page = anna.get(f"/aanvragen/{ref}/controle").text
    assert "Aanvraag insturen" in page
    assert "kan het fonds u geen geld geven" not in page

    answer = send(anna, ref)
    assert answer.headers["Location"] == f"/aanvragen/{ref}/ingestuurd", answer.text
    assert ref in anna.get(f"/aanvragen/{ref}/ingestuurd").text
    story = anna.get(f"/aanvragen/{ref}").text
    assert "Ingestuurd door Anna Akkerman" in story
    assert "U hoeft nu niets te doen" in story
    back = anna.get(f"/aanvragen/{ref}/taak/project")
    assert "Al ingestuurd" in back.text
    late = post(anna, f"/aanvragen/{ref}/taak/project", {"title": "Toch anders", "answers_version": "1"})
    assert late.status_code == 409
    assert "Toch anders" in late.text


def test_what_is_not_met_is_said_before_sending(anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    complete(anna, ref)
    save(anna, ref, "co_financing", PAGES["co_financing"] | {"shares-1-amount": "1,00"})
    page = anna.get(f"/aanvragen/{ref}/controle").text
    assert "kan het fonds u geen geld geven" in page
    assert "Er mist nog" in page
    assert "Aanvraag insturen" in page, "sending stays the school's choice"


def test_beginning_twice_begins_once(app: Flask, anna: FlaskClient) -> None:
    assert begin(anna, "PO-T9") == begin(anna, "PO-T9")
    with writing(app) as session:
        assert len(session.scalars(select(Application)).all()) == 1


def test_sending_twice_sends_once(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    complete(anna, ref)
    page = parsed(anna.get(f"/aanvragen/{ref}/controle").text)
    form = next(f for f in page.forms if f.action.endswith("/submit"))
    first, second = (post(anna, form.action, dict(form.form_values())) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    with writing(app) as session:
        assert len(session.scalars(select(Submission)).all()) == 1


def test_two_windows(app: Flask, anna: FlaskClient) -> None:
    """The second to save sees both versions, keeps what was typed, and may then replace the first."""
    ref = begin(anna, "PO-T9")
    old = version(anna, ref, "project")
    save(anna, ref, "project", {"title": "Van de eerste"})
    path, typed = f"/aanvragen/{ref}/taak/project", {"title": "Van de tweede", "answers_version": old}
    second = post(anna, path, typed)
    assert second.status_code == 409
    assert "Van de eerste" in second.text
    assert 'value="Van de tweede"' in second.text
    assert row(app, ref).title == "Van de eerste"
    shown = parsed(second.text).xpath('//input[@name="answers_version"]/@value')[0]
    assert post(anna, path, typed | {"answers_version": shown}).status_code == 303
    assert row(app, ref).title == "Van de tweede"
    assert post(anna, path, typed | {"answers_version": old}).status_code == 303, "the same twice is no conflict"


def test_two_windows_with_cost_lines(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    old = version(anna, ref, "budget")
    save(anna, ref, "budget", PAGES["budget"])
    mine = PAGES["budget"] | {"lines-1-description": "Iets anders", "answers_version": old}
    second = post(anna, f"/aanvragen/{ref}/taak/budget", mine)
    assert second.status_code == 409
    assert "Robotpakketten · 10 · 240,00" in second.text
    assert 'value="Iets anders"' in second.text


def test_cost_lines_come_and_go_without_script(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    more = save(anna, ref, "budget", PAGES["budget"], "add")
    assert more.headers["Location"].endswith("rij=1#lines-3")
    page = anna.get(f"/aanvragen/{ref}/taak/budget?rij=1").text
    assert 'name="lines-3-price"' in page
    assert save(anna, ref, "budget", PAGES["budget"], "remove-lines-1").status_code == 303
    with writing(app) as session:
        assert [line.description for line in session.scalars(select(BudgetLine))] == ["Training"]


def test_a_row_of_the_table_that_is_wrong_keeps_the_rest(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    save(anna, ref, "plan", PAGES["plan"])
    wrong = save(anna, ref, "plan", PAGES["plan"] | {"planning.1.activity": "Alleen wat"})
    assert [at for at, _ in school.summary(wrong)] == ["planning.1.period", "planning.1.who"]
    assert 'value="Alleen wat"' in wrong.text
    assert row(app, ref).answers["planning"] == [{"activity": "Bouwen", "period": "najaar", "who": "Anna"}]


def test_a_partner_is_looked_up_in_the_register(app: Flask, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    typed = {"partners-1-kind": "po", "partners-1-name": "De Zee"}
    found = save(anna, ref, "partners", typed, "search-1")
    assert 'value="99AB00"' in found.text
    assert save(anna, ref, "partners", typed | {"partners-1-pick": "99AB00"}).status_code == 303
    assert row(app, ref).boards == ["99990", "99991"]
    assert "De Zeebries" in anna.get(f"/aanvragen/{ref}/taak/partners").text
    wrong = save(anna, ref, "partners", {"partners-1-kind": "po", "partners-1-name": "99ZZ99"})
    assert [at for at, _ in school.summary(wrong)] == ["partners-1-name"]


def test_documents(app: Flask, anna: FlaskClient) -> None:
    """Judged by content, stored once, downloaded as a file, removed again."""
    ref = begin(anna, "PO-T9")
    wrong = upload(anna, ref, "partner_letter", b"MZ\x90\x00 not a letter", "brief.pdf")
    assert wrong.status_code == 422
    assert "Bewaar het als pdf, jpg, png, docx, xlsx of odt" in school.summary(wrong)[0][1]
    large = upload(anna, ref, "partner_letter", PDF + b"\0" * 10 * 1024 * 1024, "groot.pdf")
    assert "“groot.pdf” is 10,1 MB. Het mag hoogstens 10 MB zijn" in school.summary(large)[0][1]
    for _ in range(2):
        assert upload(anna, ref, "partner_letter", PDF, "Brief.pdf").status_code == 303
    with writing(app) as session:
        found = session.scalars(select(Attachment)).one()
    page = anna.get(f"/aanvragen/{ref}/taak/documents").text
    assert "Brief.pdf" in page
    assert "Niet op virussen gecontroleerd" in page
    answer = anna.get(f"/aanvragen/{ref}/bijlagen/{found.id}")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"] == "attachment; filename=\"Brief.pdf\"; filename*=UTF-8''Brief.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    save(anna, ref, "documents", {}, f"detach-{found.id}")
    assert anna.get(f"/aanvragen/{ref}/bijlagen/{found.id}").status_code == 404


def test_everything_of_another_school_is_not_there(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    ref = begin(anna, "PO-T9")
    complete(anna, ref)
    with writing(app) as session:
        file_id = session.scalars(select(Attachment.id)).one()
    paths = ["", "/taak/project", "/controle", "/ingestuurd", "/antwoorden", f"/bijlagen/{file_id}", "/brieven/1"]
    paths += ["/brieven/1.pdf", "/verantwoording", "/verantwoording/controle", "/voornemen", "/wijziging"]
    paths += ["/wijziging/verschuiving", "/verplichtingen", "/terugbetaling", "/bewijs/1"]
    stranger = app.test_client()
    sign_in(stranger, cast.stranger.email)
    csrf = token(stranger)
    for path in paths:
        assert stranger.get(f"/aanvragen/{ref}{path}").status_code == 404, path
    for path in ("/taak/project", "/verantwoording", "/wijziging/verschuiving"):
        answer = stranger.post(f"/aanvragen/{ref}{path}", data={"title": "Gekaapt", "csrf_token": csrf})
        assert answer.status_code == 404, path
    assert ref not in stranger.get("/aanvragen").text
    taken = post(stranger, "/aanvragen/nieuw", {"keuze": "PO-T9|99AA00", "request_key": "k"})
    assert taken.status_code == 404
    handler = app.test_client()
    sign_in(handler, cast.handler.email)
    assert handler.get(f"/aanvragen/{ref}/bijlagen/{file_id}").status_code == 404, "a draft is the school's own"
    assert handler.get(f"/aanvragen/{ref}/taak/project").status_code == 404
    send(anna, ref)
    for path in (f"/aanvragen/{ref}/bijlagen/{file_id}", f"/beoordelen/{ref}/bijlagen/{file_id}"):
        assert handler.get(path).status_code == 403, "who judges says first whether there is an interest"
    for said, status in (("no", 200), ("yes", 403)):
        assert post(handler, f"/beoordelen/{ref}/belang", {"interest": said}).status_code == 303
        for path in (f"/aanvragen/{ref}/bijlagen/{file_id}", f"/beoordelen/{ref}/bijlagen/{file_id}"):
            assert handler.get(path).status_code == status, (path, said)


def test_pages_ask_as_often_for_much_as_for_little(app: Flask, cast: Cast, anna: FlaskClient) -> None:
    from fundapp.web.session import db
    from tests.support.queries import count_queries

    with app.app_context():
        engine = db.engine
    refs = [begin(anna, "PO-T9")]
    paths = ["/aanvragen", *(f"/aanvragen/{refs[0]}{p}" for p in ("", "/taak/budget", "/taak/partners", "/controle"))]

    def counts() -> list[int]:
        found = []
        for path in paths:
            with count_queries(engine) as statements:
                assert anna.get(path).status_code == 200
            found.append(len(statements))
        return found

    counts()
    before = counts()
    lines = {f"lines-{n}-{k}": v for n in range(1, 30) for k, v in (("description", "Iets"), ("price", "10"))}
    partners = {f"partners-{n}-name": f"Partner {n}" for n in range(1, 20)}
    save(anna, refs[0], "budget", lines)
    save(anna, refs[0], "partners", partners)
    for number in range(12):
        post(anna, "/aanvragen/nieuw", {"keuze": "PO-T9|99AA00", "request_key": f"more {number}"})
    assert counts() == before
    assert max(before) <= 30


_TYPED = st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["\x00", "1e9", "-1", "9" * 30, "€ 1.200,50", "<b>", "{name}", "%s", "31-2-2025", "0001-01-01", "٣", "1" * 5000]
)


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_nothing_typed_breaks_a_page(anna: FlaskClient, data: Any) -> None:
    """Arbitrary text in every field: saved or refused, never a broken page, and shown back when refused."""
    ref = begin(anna, "PO-T9")
    csrf = token(anna)
    for section, known in PAGES.items():
        typed = {name: data.draw(_TYPED, label=name) for name in known}
        seen = version(anna, ref, section)
        do = data.draw(st.sampled_from(["save", "next", "add", "add-planning", "search-1", "remove-lines-1", "x"]))
        answer = anna.post(
            f"/aanvragen/{ref}/taak/{section}",
            data={**typed, "do": do, "answers_version": seen, "csrf_token": csrf},
        )
        assert answer.status_code in (200, 303, 422), (section, typed, answer.text)
        assert anna.get(f"/aanvragen/{ref}/taak/{section}?van=controle").status_code == 200
    assert anna.get(f"/aanvragen/{ref}/controle").status_code == 200
    assert anna.get(f"/aanvragen/{ref}").status_code == 200


@pytest.mark.parametrize("path", ["/taak/nergens", "/bijlagen/99999999", "/brieven/99999999", "/voornemen"])
def test_what_is_not_there_is_not_found(anna: FlaskClient, path: str) -> None:
    ref = begin(anna, "PO-T9")
    assert anna.get(f"/aanvragen/{ref}{path}").status_code == 404
    assert anna.get(f"/aanvragen/{ref}/ingestuurd").status_code == 303


def test_a_closed_school_or_round_cannot_begin(app: Flask, anna: FlaskClient) -> None:
    answer = post(anna, "/aanvragen/nieuw", {"request_key": "k"})
    assert answer.status_code == 422
    assert post(anna, "/aanvragen/nieuw", {"keuze": "PO-T8|99AA00"}).status_code == 404
    with writing(app) as session:
        assert session.get_one(School, "99AA00").closed_on is None
