"""The public pages with the worked case in a real database: what they tell, what they never tell, what they cost."""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.allocation_input import Method, OnOverflow
from fundapp.domain.eligibility import Outcome, evaluate, rejection_reasons
from fundapp.domain.facts import Facts
from fundapp.domain.fund import FundSpec, TrancheSpec
from fundapp.domain.outside import Bullets
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, EligibilityCheck
from fundapp.persistence.decision import Decision, Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.people import Person
from fundapp.persistence.settlement import FinalReport
from fundapp.services.demo import accounts
from fundapp.services.funds import create_tranche, publish, spec_of
from fundapp.services.letters import build
from fundapp.services.precheck import CheckedAnswers
from fundapp.web.check_token import check_token, read_check
from tests.support.queries import count_queries
from tests.support.web import Clock, writing

LOADED = datetime(2025, 3, 14, 11, 0, tzinfo=UTC)
WORDS = {True: "ja", False: "nee", None: "weet-niet"}
FITS: dict[str, bool | None] = {
    "school_type": True,
    "region": True,
    "once_per_round": False,
    "co_financing": True,
    "vo_partner": True,
    "technology_subject": True,
    "not_started": False,
}


@pytest.fixture(scope="module")
def told(database_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application with the worked case, loaded once for this module."""
    from config import Settings
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.persistence.db import make_engine, session_factory
    from fundapp.services.demo import load
    from fundapp.web.app import create_app
    from fundapp.web.session import db

    url, local = database_server.new(), tmp_path_factory.mktemp("local")
    engine = make_engine(url)
    files = local / "files"
    files.mkdir()
    load(session_factory(engine), ObjectFileStore(f"file://{files}"), LOADED)
    engine.dispose()
    environ = {
        "DATABASE_URL": url,
        "FUNDAPP_LOCAL": str(local),
        "SECRET_KEY": "a secret for tests only, long enough",
        "BASE_URL": "http://localhost",
    }
    app = create_app(Settings.from_env(environ), clock=Clock(LOADED), wake=lambda: None)
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()
    database_server.drop(url)


@pytest.fixture
def visitor(told: Flask) -> FlaskClient:
    """A browser without cookies, on the worked case."""
    return told.test_client()


def plain(page: str) -> str:
    """The words of a page: no markup, no style, one space between words."""
    page = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


def asked(answers: dict[str, bool | None], ref: str = "PO-T3") -> str:
    """The address of the outcome of these answers."""
    return f"/check/{ref}?" + "&".join(f"{code}={WORDS[a]}" for code, a in answers.items()) + "&toon-uitslag=1"


PAGES = (
    "/",
    "/fondsen/stimuleringsregeling-po",
    "/fondsen/innovatiefonds",
    "/check/PO-T3",
    "/check/IF-R2",
    "/check/PO-T1",
    asked(FITS),
    "/resultaten",
    "/resultaten?regio=oosterschelde",
    "/resultaten/PO-T1-01",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_asks_little_and_sets_no_cookie(told: Flask, visitor: FlaskClient, path: str) -> None:
    from fundapp.web.session import db

    with told.app_context():
        engine = db.engine
    visitor.get(path)  # a process reads a fund's rules once
    with count_queries(engine) as statements:
        answer = visitor.get(path)
    assert answer.status_code == 200
    assert len(statements) <= 6, statements
    assert len(gzip.compress(answer.data)) <= 14 * 1024
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.text
    assert answer.text.count("<h1") == 1


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_in_english(visitor: FlaskClient, path: str) -> None:
    visitor.set_cookie("taal", "en")
    page = visitor.get(path).text
    assert '<html lang="en">' in page
    words = plain(page.replace("Nederlands", ""))
    assert not re.search(
        r"\b(Bekijk|Wij|Voldoet|uw|Sluit)\b", re.sub(r"(Vier basis|Alle leer|Leerlingen bouwen).*", "", words)
    )


def test_the_language_is_a_link_that_needs_no_session(visitor: FlaskClient) -> None:
    answer = visitor.get("/taal?taal=en&next=/resultaten%3Fregio%3Dwalcheren")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/resultaten?regio=walcheren")
    assert [c.split("=")[0] for c in answer.headers.getlist("Set-Cookie")] == ["taal"]
    assert visitor.get("/taal?taal=xx&next=https://elsewhere.example").headers["Location"] == "/"


# --- home and funds ---------------------------------------------------------------------------------------------------


def test_home_shows_each_open_round_with_its_end_its_maximum_and_what_is_left(visitor: FlaskClient) -> None:
    words = plain(visitor.get("/").text)
    assert "Stimuleringsregeling PO Open Scholen voor basisonderwijs" in words
    assert "Sluit dinsdag 13 mei 2025, 17.00 uur. Nog 60 dagen." in words
    assert "Hoogstens € 7.500,00 U en partners minstens 20% Nog vrij € 40.000,00" in words
    assert "Projecten 4 Regio's 3 Uitgegeven aan projecten € 23.131,20" in words
    assert "Binnenkort open" not in words


def test_home_without_a_counter_keeps_the_card_and_hides_the_number(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    with writing(app) as session:
        publish(session, load_fund(FUNDS / "stimuleringsregeling-po.yaml"), now=clock.now)
        spec = TrancheSpec(
            ref="PO-T9",
            name=Text("Tranche 9", "Tranche 9"),
            fund="stimuleringsregeling-po",
            opens_at=clock.now - timedelta(days=1),
            closes_at=clock.now + timedelta(days=1),
            ceiling_cents=100,
            method=Method.ORDER_OF_RECEIPT,
            on_overflow=OnOverflow.STOP,
            seed="nine",
        )
        create_tranche(session, spec, now=clock.now).state = "open"  # opened without its ceiling in the ledger
    words = plain(client.get("/").text)
    assert "Sluit zaterdag 15 maart 2025, 12.00 uur. Dat is morgen." in words
    assert "Nog vrij" not in words
    assert "Nog vrij" not in plain(client.get("/fondsen/stimuleringsregeling-po").text)


def test_home_with_nothing_yet_says_so(client: FlaskClient) -> None:
    words = plain(client.get("/").text)
    assert "Er is nu geen ronde open." in words
    assert "Nog geen resultaten" in words
    assert "Nog geen resultaten." in plain(client.get("/resultaten").text)


def test_a_round_is_soon_then_open_to_its_last_moment_then_gone(told: Flask, visitor: FlaskClient) -> None:
    clock: Any = told.extensions["clock"]
    with writing(told) as session:
        row = session.scalars(select(Tranche).where(Tranche.ref == "PO-T3")).one()
    for moment, word in (
        (row.opens_at - timedelta(microseconds=1), "Binnenkort open"),
        (row.opens_at, "Nu open"),
        (row.closes_at, "Dat is vandaag."),
        (row.closes_at + timedelta(microseconds=1), "Andere fondsen"),
    ):
        clock.set(moment)
        words = plain(visitor.get("/").text)
        clock.set(LOADED)
        assert word in words, moment


def test_a_fund_page_tells_the_rules_in_its_own_words(visitor: FlaskClient) -> None:
    words = plain(visitor.get("/fondsen/stimuleringsregeling-po").text)
    for sentence in (
        "U en uw partners betalen samen minstens 20% van alle kosten. Uren en spullen tellen mee.",
        "Brief van de vo-school Hierin zegt de school wat zij met u gaat doen. Een halve pagina is genoeg.",
        "Dat duurt hoogstens 22 weken nadat de ronde sluit. Dat is uiterlijk dinsdag 14 oktober 2025.",
        "U krijgt een voorschot: 80% na ons besluit. Het staat binnen 6 weken op uw rekening.",
        "Samenwerking met de vo-school 30%",
        "Tien uur hulp van een bedrijf 10 uur × € 45,00 € 450,00",
        "Hoogstens uit het fonds 80% van € 5.000,00 € 4.000,00",
        "Het fonds betaalt € 4.000,00",
        "stimuleringsregeling @example.org",
    ):
        assert sentence in words, sentence
    assert "Nog vrij € 200.000,00 Vrij voor Walcheren € 73.000,00" in plain(visitor.get("/fondsen/innovatiefonds").text)
    assert visitor.get("/fondsen/bestaat-niet").status_code == 404


def test_a_fund_without_a_round_says_since_when_and_how_to_reach_us(told: Flask, visitor: FlaskClient) -> None:
    clock: Any = told.extensions["clock"]
    clock.set(LOADED + timedelta(days=200))
    words = plain(visitor.get("/fondsen/stimuleringsregeling-po").text)
    clock.set(LOADED)
    assert "Tranche 3 is gesloten sinds dinsdag 13 mei 2025, 17.00 uur." in words
    assert "Doe de check" not in words
    assert "Bel of mail" in words


# --- the check --------------------------------------------------------------------------------------------------------


def _newest(app: Flask) -> EligibilityCheck:
    with writing(app) as session:
        return session.scalars(select(EligibilityCheck).order_by(EligibilityCheck.id.desc()).limit(1)).one()


@pytest.mark.parametrize(
    ("ref", "answers"),
    [
        ("PO-T2-01", FITS | {"vo_partner": False}),
        ("PO-T2-02", FITS | {"not_started": True, "co_financing": False}),
    ],
)
def test_the_check_would_have_told_what_the_rejection_told(
    told: Flask, visitor: FlaskClient, ref: str, answers: dict[str, bool | None]
) -> None:
    words = plain(visitor.get(asked(answers)).text)
    check = _newest(told)
    outcomes = [Outcome.model_validate_json(json.dumps(one)) for one in check.outcomes]
    with writing(told) as session:
        query = select(Decision.reasons).join(Application, Application.id == Decision.application_id)
        rejected_for = session.scalars(query.where(Application.ref == ref, Decision.kind == "reject")).one()
        letters = select(Letter).join(Application, Application.id == Letter.application_id)
        letter = build(session.scalars(letters.where(Application.ref == ref, Letter.template == "rejection")).one())
    assert set(rejection_reasons(outcomes)) == set(rejected_for)
    in_the_letter = next(block.items for block in letter.blocks if isinstance(block, Bullets))
    shown = words.partition("Dit zou in een afwijzing staan")[2]
    assert all(item in shown for item in in_the_letter), "word for word"
    assert shown.count("Het gaat om voorwaarde") == len(in_the_letter) == len(rejected_for)
    for one in outcomes:
        assert not one.refuses or any(f"voorwaarde {one.number} van het fonds ({one.code})" in i for i in in_the_letter)
    assert words.count("Voldoet niet") == len(rejected_for)
    for one in outcomes:
        assert not one.refuses or one.what_would_help.nl in words
    assert "Uw plan past nog niet" in words
    assert "Stel een vraag" in words
    assert "Toch een aanvraag beginnen" in words  # it never blocks


def test_an_outcome_is_kept_without_a_person_and_can_be_judged_again(told: Flask, visitor: FlaskClient) -> None:
    visitor.get(asked(FITS | {"vo_partner": None}))
    check = _newest(told)
    assert (check.application_id, check.moment) == (None, "precheck")
    with writing(told) as session:
        spec = spec_of(session, check.fund_version_id)
    again = evaluate(spec.conditions, Facts.model_validate_json(json.dumps(check.inputs)), moment=check.at)
    asked_codes = {question.code for question in spec.precheck}
    assert [o.model_dump(mode="json") for o in again if o.code in asked_codes] == check.outcomes
    assert [o["verdict"] for o in check.outcomes if o["code"] == "vo_partner"] == ["unknown"]


def test_looking_at_the_questions_and_a_head_request_keep_nothing(told: Flask, visitor: FlaskClient) -> None:
    visitor.get(asked(FITS))
    before = _newest(told).id
    visitor.get("/check/PO-T3")
    assert visitor.head(asked(FITS)).status_code == 200
    assert visitor.get(asked(FITS) + "&pas-aan=1").text.count(" checked") == len(FITS)
    assert _newest(told).id == before


def test_who_leaves_a_question_open_keeps_the_other_answers(told: Flask, visitor: FlaskClient) -> None:
    answer = visitor.get("/check/PO-T3?region=ja&school_type=misschien&toon-uitslag=1")
    assert answer.status_code == 422
    assert "<title>Fout:" in answer.text
    assert '<a href="#school_type">Kies een antwoord bij vraag 1.</a>' in answer.text
    assert '<a href="#region">' not in answer.text
    assert answer.text.count(" checked") == 1


def test_the_answers_travel_signed_to_the_application(told: Flask, visitor: FlaskClient) -> None:
    page = visitor.get(asked(FITS | {"vo_partner": None})).text
    found = re.search(r'href="/aanvragen/nieuw\?check=([^"]+)"', page)
    assert found is not None
    version = _newest(told).fund_version_id
    with told.test_request_context():
        assert read_check(found[1]) == CheckedAnswers("PO-T3", version, FITS | {"vo_partner": None})
        body, signature = found[1].rsplit(".", 1)
        changed = "A" if signature[0] != "A" else "B"  # the first sign: the last one holds bits that nothing reads
        assert read_check(f"{body}.{changed}{signature[1:]}") is None
        assert read_check("nonsense") is None
        assert read_check(check_token("PO-T3", version, {})) is not None


def test_a_round_that_is_over_or_not_announced_has_no_questions(told: Flask, visitor: FlaskClient) -> None:
    closed = visitor.get(asked(FITS, "PO-T1"))
    assert "Deze ronde is gesloten" in closed.text
    assert "Aanvraag beginnen" not in closed.text
    with writing(told) as session:
        session.execute(update(Tranche).where(Tranche.ref == "IF-R2").values(state="prepared"))
    secret = visitor.get("/check/IF-R2").status_code
    with writing(told) as session:
        session.execute(update(Tranche).where(Tranche.ref == "IF-R2").values(state="open"))
    assert secret == 404
    assert visitor.get("/check/XX-1").status_code == 404


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_are_the_ledger_s_and_those_of_awards_only(visitor: FlaskClient) -> None:
    words = plain(visitor.get("/resultaten").text)
    assert "Projecten 4 Toegekend € 26.100,00 Uitgegeven € 23.131,20 Niet gebruikt € 6.868,80 van € 30.000,00" in words
    assert "Walcheren € 6.400,00 Oosterschelde € 12.500,00 Zeeuws-Vlaanderen € 7.200,00" in words
    assert "Licht en geluid De Vuurtoren-demo" in words.replace("School ", "")
    assert "Bruggen bouwen" not in words
    assert "Drones" not in words
    assert "tiny house" not in words


def test_a_filter_narrows_sums_and_projects_and_can_be_cleared(visitor: FlaskClient) -> None:
    words = plain(visitor.get("/resultaten?regio=oosterschelde").text)
    assert "Projecten 2 Toegekend € 12.500,00 Uitgegeven € 12.116,00" in words
    assert "Wind en water" not in words
    nothing = visitor.get("/resultaten?fonds=innovatiefonds").text
    assert "Niets gevonden met deze filters." in nothing
    assert "Wis filters" in nothing


def test_no_page_names_a_person_or_tells_of_a_rejection(visitor: FlaskClient) -> None:
    told = " ".join(visitor.get(path).text for path in (*PAGES, "/resultaten.csv", "/resultaten/PO-T1-04"))
    for row in accounts():
        assert row["name"] not in told
        assert row["email"] not in told
    for ref in ("PO-T2-01", "PO-T2-02", "IF-OO-01", "IF-OO-03", "XX"):
        assert ref not in told
        assert visitor.get(f"/resultaten/{ref}").status_code == 404


def test_a_project_page_holds_what_the_school_lets_be_told(told: Flask, visitor: FlaskClient) -> None:
    words = plain(visitor.get("/resultaten/PO-T1-02").text)
    assert "Wind en water De Zeebries, Walcheren" in words
    assert "Tweehonderd leerlingen maakten een windmolen." in words
    assert "Toegekend € 6.400,00 Eindbedrag € 5.880,20" in words
    with writing(told) as session:
        app_id = session.scalars(select(Application.id).where(Application.ref == "PO-T1-02")).one()
        session.execute(update(FinalReport).where(FinalReport.application_id == app_id).values(may_publish=False))
    hidden, listed = visitor.get("/resultaten/PO-T1-02").status_code, visitor.get("/resultaten").text
    with writing(told) as session:
        session.execute(update(FinalReport).where(FinalReport.application_id == app_id).values(may_publish=True))
    assert hidden == 404
    assert "Wind en water" not in listed


@pytest.mark.parametrize("datum", ["bel 0612345678", "mail jan@school.example", "Bram Faasse deed het"])
def test_a_text_with_personal_data_is_left_out(told: Flask, visitor: FlaskClient, datum: str) -> None:
    with writing(told) as session:
        assert session.scalars(select(Person.name).where(Person.name == "Bram Faasse")).one()
        app_id = session.scalars(select(Application.id).where(Application.ref == "PO-T1-02")).one()
        report = session.get_one(FinalReport, app_id)
        before, report.results = report.results, f"Mooi. {datum}."
    page = visitor.get("/resultaten/PO-T1-02").text + visitor.get("/resultaten.csv").text
    with writing(told) as session:
        session.get_one(FinalReport, app_id).results = before
    assert datum not in page
    assert "Wind en water" in page


def test_the_fund_decides_which_fields_are_told(told: Flask, visitor: FlaskClient) -> None:
    with writing(told) as session:
        row = session.scalars(select(Application).where(Application.ref == "PO-T1-02")).one()
        before, spec = row.fund_version_id, spec_of(session, row.fund_version_id)
        data = spec.model_dump(mode="json")
        data["version"] += 1
        data["publication"]["fields"] = ["title"]
        strict = publish(session, FundSpec.model_validate_json(json.dumps(data)), now=LOADED)
        row.fund_version_id = strict.id
    words = plain(visitor.get("/resultaten/PO-T1-02").text)
    with writing(told) as session:
        session.execute(update(Application).where(Application.ref == "PO-T1-02").values(fund_version_id=before))
    assert "Wind en water" in words
    for secret in ("De Zeebries", "€", "windmolen"):
        assert secret not in words


def test_the_download_is_a_spreadsheet_without_formulas(told: Flask, visitor: FlaskClient) -> None:
    with writing(told) as session:
        session.execute(update(Application).where(Application.ref == "PO-T1-02").values(title="=HYPERLINK(1)"))
    answer = visitor.get("/resultaten.csv", buffered=True)
    with writing(told) as session:
        session.execute(update(Application).where(Application.ref == "PO-T1-02").values(title="Wind en water"))
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert [row["Nummer"] for row in rows] == ["PO-T1-04", "PO-T1-03", "PO-T1-02", "PO-T1-01"]
    assert rows[2]["Project"] == "'=HYPERLINK(1)"
    assert (rows[2]["Toegekend (euro)"], rows[2]["Eindbedrag (euro)"]) == ("6400,00", "5880,20")
    only = visitor.get("/resultaten.csv?regio=walcheren").data.decode("utf-8-sig")
    assert len(only.splitlines()) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\r"])
def test_a_cell_never_begins_as_a_formula(start: str) -> None:
    from fundapp.web.public import _safe

    assert _safe(f"{start}1+1").startswith("'")
    assert _safe("gewoon - tekst") == "gewoon - tekst"


def test_the_template_folder_has_no_page_that_is_never_shown() -> None:
    folder = Path(__file__).resolve().parents[2] / "templates" / "pages" / "public"
    code = "".join(p.read_text() for p in (folder.parents[2] / "fundapp" / "web").glob("*.py"))
    assert [p.name for p in folder.glob("[a-z]*.html") if f"pages/public/{p.name}" not in code] == []
