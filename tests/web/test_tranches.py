"""The money board, the entries behind each figure, ceilings that change, the evaluation and the checklist."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.services.tranche_money import Closing, bar_parts, closing_figures, standing, unallocated_words
from fundapp.web.session import db
from tests.support.cases import Cases
from tests.support.queries import count_queries
from tests.support.web import Cast, Clock, post, sign_in, writing


@pytest.fixture
def tranche_id(app: Flask, cast: Cast) -> int:
    """PO-T1, ceiling 30.000,00: 7.200,00 awarded, 5.760,00 paid, determined at 5.135,00; 625,00 to come back."""
    with writing(app) as session:
        cases = Cases(session)
        tranche = cases.tranche(sub_ceilings={"walcheren": 1_000_000})
        row = cases.application(tranche, session.get_one(School, "99AA00"))
        cases.awarded(row, 720_000, advance=576_000).state = "paid"
        cases.book(
            row, "pay", [*ledger.order_payment(576_000, final=False), *ledger.confirm_payment(576_000, final=False)]
        )
        cases.book(row, "determine", ledger.determine(513_500, committed=144_000, paid=576_000))
        row.state = "determined"
        return tranche.id


def as_person(app: Flask, person: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, person.email)
    return client


def do(app: Flask, client: FlaskClient, action: str, **more: str) -> int:
    with writing(app) as session:
        seen = session.scalars(select(Tranche.version)).one()
    fields = {"seen": str(seen), "request_key": f"{action}-{seen}-0123456789abcdef", **more}
    return post(client, f"/tranche/PO-T1/{action}", fields).status_code


def euros(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\u00a0", " ")


def finish(app: Flask) -> None:
    """The school pays back and the case is settled."""
    with writing(app) as session:
        row = session.scalars(select(Application)).one()
        Cases(session).book(row, "receive", ledger.receive(62_500))
        row.state = "settled"


def test_who_sees_the_money(app: Flask, cast: Cast, tranche_id: int) -> None:
    see = {"finance", "second_finance", "coordinator", "decision_maker"}
    for name, person in cast.everybody().items():
        client = as_person(app, person)
        for page in ("/tranches", "/tranches/PO-T1", "/tranches/PO-T1/boekingen", "/tranches/PO-T1/evaluatie"):
            assert client.get(page).status_code == (200 if name in see else 403), (name, page)
        closing = client.get("/tranches/PO-T1/sluiten").status_code
        assert closing == (200 if name in see - {"decision_maker"} else 404), name


def test_the_board_says_what_the_ledger_says(app: Flask, cast: Cast, tranche_id: int) -> None:
    client = as_person(app, cast.finance)
    page = euros(client, "/tranches/PO-T1")
    assert "verschillen" not in page
    for amount in ("€ 30.000,00", "−€ 7.200,00", "€ 1.440,00", "€ 24.240,00", "€ 5.135,00", "−€ 625,00", "€ 10.000,00"):
        assert amount in page, amount
    with app.app_context():
        engine = db.engine
    for path in ("/tranches", "/tranches/PO-T1", "/tranches/PO-T1/boekingen", "/tranches/PO-T1/sluiten"):
        with count_queries(engine) as asked:
            client.get(path)
        assert len(asked) <= 6, (path, asked)


def test_the_board_says_when_schools_could_or_can_apply(app: Flask, cast: Cast, tranche_id: int, clock: Clock) -> None:
    with writing(app) as session:
        row = session.get_one(Tranche, tranche_id)
        row.opens_at, row.closes_at = clock.now + timedelta(minutes=10), clock.now + timedelta(minutes=30)
    client = as_person(app, cast.finance)
    for said in (
        "Scholen kunnen aanvragen van vrijdag",
        "Scholen kunnen aanvragen tot vrijdag",
        "Aanvragen kon tot vrijdag",
    ):
        assert said in client.get("/tranches/PO-T1").text
        clock.advance(minutes=20)


def test_a_table_that_differs_from_the_ledger_is_told(app: Flask, cast: Cast, tranche_id: int) -> None:
    with writing(app) as session:
        session.execute(text("ALTER TABLE case_balance DISABLE TRIGGER USER"))
        session.execute(text("UPDATE case_balance SET cents = cents + 1 WHERE account = 'determined'"))
    assert "Het grootboek en deze tabellen verschillen" in euros(as_person(app, cast.finance), "/tranches/PO-T1")


def test_a_figure_leads_to_its_entries(app: Flask, cast: Cast, tranche_id: int) -> None:
    client = as_person(app, cast.finance)
    assert "/tranches/PO-T1/boekingen?soort=release" in client.get("/tranches/PO-T1").text
    page = euros(client, "/tranches/PO-T1/boekingen?soort=release")
    assert "€ 1.440,00" in page
    assert "€ 7.200,00" not in page


def test_money_on_its_way_stays_in_the_bar(app: Flask, cast: Cast, tranche_id: int) -> None:
    with writing(app) as session:
        cases = Cases(session)
        tranche = session.get_one(Tranche, tranche_id)
        row = cases.application(tranche, session.get_one(School, "99AB00"))
        cases.awarded(row, 500_000, advance=400_000)
        cases.book(row, "order", ledger.order_payment(400_000, final=False))
        money, moved = standing(session, tranche_id)
        parts = bar_parts(money, moved)
        assert parts["committed_due"] == 500_000
        cases.book(row, "pay", ledger.confirm_payment(400_000, final=False))
        cases.book(row, "determine", ledger.determine(450_000, committed=100_000, paid=400_000))
        cases.book(row, "order", ledger.order_payment(50_000, final=True))
        cases.book(row, "undo", ledger.undo_order(50_000, final=True, bounced=True))
        cases.book(row, "order", ledger.order_payment(50_000, final=True))
        money, moved = standing(session, tranche_id)
        parts = bar_parts(money, moved)
        assert (parts["committed_due"], parts["settled_due"], parts["settled_paid"]) == (0, 50_000, 913_500)
        assert sum(parts.values()) + money.of(Account.RECEIVABLE) == money.ceiling


def test_personal_data_are_refused_at_the_field(app: Flask, cast: Cast, tranche_id: int) -> None:
    client = as_person(app, cast.coordinator)
    wrong = post(client, "/tranches/PO-T1/evaluatie", {"evaluation": "Dank aan Anna Akkerman voor de robots."})
    assert wrong.status_code == 422
    assert 'href="#evaluation"' in wrong.text
    assert "Dank aan Anna Akkerman voor de robots." in wrong.text
    assert post(client, "/tranches/PO-T1/evaluatie", {"evaluation": " "}).status_code == 422
    assert post(as_person(app, cast.finance), "/tranches/PO-T1/evaluatie", {"evaluation": "x"}).status_code == 403
    assert post(client, "/tranches/PO-T1/evaluatie", {"evaluation": "Vier scholen bouwden robots."}).status_code == 303
    assert "Gepubliceerd" in client.get("/tranches/PO-T1/evaluatie").text


def test_the_checklist_names_each_blocker_and_leads_to_it(app: Flask, cast: Cast, tranche_id: int) -> None:
    one = as_person(app, cast.finance)
    page = euros(one, "/tranches/PO-T1/sluiten")
    assert "PO-T1-01 is nog niet afgerond" in page
    assert 'href="/vaststellen/PO-T1-01"' in page
    assert "PO-T1-01: er staat nog € 625,00 open (nog terug te ontvangen)" in page
    assert 'href="/terugvorderingen"' in page
    assert 'href="/tranches/PO-T1/evaluatie"' in page
    assert "Alle bankregels zijn gekoppeld" in page
    assert "In het grootboek staat € 5.760,00 waar geen bankregel bij hoort" in page
    assert do(app, one, "propose_closing") == 409


def test_each_figure_opens_the_entries_that_make_it(app: Flask, cast: Cast, tranche_id: int) -> None:
    client = as_person(app, cast.finance)
    page = client.get("/tranches/PO-T1").text
    figures = re.findall(r'href="(/tranches/PO-T1/boekingen[^"]*)">([^<]+)<span', page)
    assert len(figures) > 15
    year = client.get("/tranches/PO-T1?jaar=2025").text
    figures += re.findall(r'href="(/tranches/PO-T1/boekingen[^"]*tot=[^"]*)">([^<]+)<span', year)
    assert {"tot=2024", "tot=2025"} <= {href.rpartition("amp;")[2] for href, _ in figures}
    assert sum("aanvraag=PO-T1-01" in href for href, _ in figures) == 3
    for href, amount in dict(figures).items():
        opened = client.get(html.unescape(href)).text
        cents = amount.replace("−", "")
        if "rekening=ceiling" in href:  # the source of all the rest stands with a minus
            cents = f"−{cents}"
            amount = f"−{amount}"
        together = re.search(r"samen <strong>([^<]+)</strong>", opened)
        assert together, href
        assert together[1] == amount, href


def test_the_board_shows_a_year_with_its_opening(app: Flask, cast: Cast, tranche_id: int) -> None:
    client = as_person(app, cast.finance)
    whole = client.get("/tranches/PO-T1").text
    assert 'href="/tranches/PO-T1?jaar=2024#verloop"' in whole
    page = euros(client, "/tranches/PO-T1?jaar=2025")
    assert "Beginstand 1-1-2025" in page
    assert "Vrij geld in 2025: van € 30.000,00 naar € 24.240,00" in page
    assert 'href="/tranches/PO-T1/boekingen?soort=award&amp;rekening=available&amp;jaar=2025"' in page
    assert "Beginstand</th>" in euros(client, "/tranches/PO-T1?jaar=1999")


def test_the_waterfall_tells_its_numbers(app: Flask, cast: Cast, tranche_id: int) -> None:
    page = euros(as_person(app, cast.finance), "/tranches/PO-T1")
    drawn = page[page.index('<svg class="drops"') : page.index("</figure>", page.index('<svg class="drops"'))]
    assert 'role="img"' in drawn
    told = re.search(r"<desc[^>]*>([^<]+)</desc>", drawn)
    assert told
    assert told[1] == "Plafond: € 30.000,00; Toegekend: −€ 7.200,00; Vrijgevallen: € 1.440,00; Nog vrij: € 24.240,00."
    assert "style=" not in drawn


def test_the_coordinator_changes_a_ceiling_and_the_board_says_who_and_why(
    app: Flask, cast: Cast, tranche_id: int
) -> None:
    client = as_person(app, cast.coordinator)
    assert "/tranche/PO-T1/change_ceiling" in client.get("/tranches/PO-T1").text
    assert "/tranche/PO-T1/change_ceiling" not in as_person(app, cast.finance).get("/tranches/PO-T1").text
    asked = euros(client, "/tranche/PO-T1/change_ceiling")
    assert "Hele tranche" in asked
    assert "Walcheren" in asked
    low = {"pot": "heel", "amount": "5.759,99", "explanation": "Minder geld."}
    assert do(app, client, "change_ceiling", **low) == 409
    assert do(app, client, "change_ceiling", **{**low, "amount": "12oo"}) == 422
    assert do(app, client, "change_ceiling", **{**low, "amount": "20.000,00"}) == 303
    assert do(app, client, "change_ceiling", pot="walcheren", amount="12.000,00", explanation="Meer vraag.") == 303
    page = euros(client, "/tranches/PO-T1")
    history = page[page.index("Welk plafond gold wanneer") :]
    for words in ("€ 30.000,00", "€ 20.000,00", "Minder geld.", "€ 12.000,00", "Meer vraag.", "Corrie Coppoolse"):
        assert words in history, words
    assert "(Awb 4:27)" in history


def test_the_closing_figures_add_up_both_ways(app: Flask, cast: Cast, tranche_id: int) -> None:
    finish(app)
    with writing(app) as session:
        figures = closing_figures(*standing(session, tranche_id))
    assert figures == Closing(
        ceiling=3_000_000,
        awarded=720_000,
        determined=513_500,
        written_off=0,
        unspent=2_486_500,
        carried=0,
        unallocated=2_280_000,
        released=206_500,
        received_back=62_500,
    )
    assert figures.adds_up


def test_released_money_that_was_awarded_again_has_its_own_name() -> None:
    assert [unallocated_words(cents)[0].nl for cents in (0, -143_999)] == ["Nooit toegekend", "Opnieuw toegekend"]
