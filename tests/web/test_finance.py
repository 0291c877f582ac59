"""Finance by test client on a real database: from a payment that is due to the bank file and the final amount."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from fundapp.domain import ledger
from fundapp.domain.ledger import Account
from fundapp.domain.people import Actor
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Fund
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import BankAccount, Instalment, PaymentBatch, PaymentOrder
from fundapp.persistence.people import Person, RoleGrant
from fundapp.persistence.settlement import FinalReport, ReportContribution, ReportLine
from fundapp.services import journal
from fundapp.services.ledger import case_balances, verify
from fundapp.services.payment_views import in_fours
from fundapp.services.programme import lead_applicant
from fundapp.web.session import db
from tests.support.camt import Entry, Line, example_iban, paid, received, returned, statement
from tests.support.cases import Cases
from tests.support.queries import count_queries
from tests.support.web import NOON, Cast, Clock, post, sign_in, writing

PAGES = ("/financien", "/betaalruns", "/bankafschriften", "/rekeningen", "/terugvorderingen")


@dataclass(frozen=True)
class World:
    """Two awarded cases of PO-T1 whose advances are due: 6.000,00 and 5.760,00."""

    first: int
    second: int
    second_id: int


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    with writing(app) as session:
        cases = Cases(session)
        tranche = cases.tranche()
        school, other = cases.school("99AC00", "Het Kompas"), cases.school("99AD00", "De Vuurtoren", board="99993")
        first = cases.awarded(cases.application(tranche, school), 750_000, advance=600_000)
        app_row = cases.application(tranche, other)
        second = cases.awarded(app_row, 720_000, advance=576_000, number=2, holder="Stichting De Vuurtoren")
        return World(first.id, second.id, app_row.id)


def as_person(app: Flask, person: Actor) -> FlaskClient:
    client = app.test_client()
    sign_in(client, person.email)
    return client


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def approve(client: FlaskClient, ref: str, *, list_hash: str | None = None) -> int:
    page = client.get(f"/betaalruns/{ref}").text
    fields = {"seen": "1", "request_key": "a" * 20, "list_hash": list_hash or hidden(page, "list_hash")}
    return post(client, f"/payment_batch/{ref}/approve", fields).status_code


def prepared(app: Flask, cast: Cast, *instalments: int) -> tuple[FlaskClient, str]:
    client = as_person(app, cast.finance)
    answer = post(client, "/betaalruns", {"instalments": list(instalments), "execution_on": "17-03-2025"})
    assert answer.status_code == 303, answer.text
    return client, answer.headers["Location"].rpartition("/")[2]


@pytest.mark.parametrize("page", PAGES)
def test_only_finance_and_the_coordinator_come_in(app: Flask, cast: Cast, world: World, page: str) -> None:
    for name, person in cast.everybody().items():
        expected = 200 if name in ("finance", "second_finance", "coordinator") else 403
        assert as_person(app, person).get(page).status_code == expected, name
    assert app.test_client().get(page).status_code == 303


def test_the_coordinator_reads_and_does_not_pay(app: Flask, cast: Cast, world: World) -> None:
    client = as_person(app, cast.coordinator)
    assert "Betaalrun klaarzetten" not in client.get("/financien").text
    assert post(client, "/betaalruns", {"instalments": [world.first], "execution_on": "17-03-2025"}).status_code == 403


def test_a_batch_needs_a_choice_and_a_day_that_has_not_passed(app: Flask, cast: Cast, world: World) -> None:
    client = as_person(app, cast.finance)
    nothing = post(client, "/betaalruns", {"execution_on": "17-03-2025"})
    assert nothing.status_code == 422
    assert "Kies minstens één betaling." in nothing.text
    past = post(client, "/betaalruns", {"instalments": [world.first], "execution_on": "01-03-2025"})
    assert past.status_code == 422
    assert "Deze dag is voorbij" in past.text
    assert 'value="01-03-2025"' in past.text


def test_from_worklist_to_paid(app: Flask, cast: Cast, world: World) -> None:
    one, ref = prepared(app, cast, world.first, world.second)
    assert "Vraag een collega om akkoord" in one.get(f"/betaalruns/{ref}").text
    assert one.get(f"/betaalruns/{ref}/bestand").status_code == 404
    with writing(app) as session:
        orders = session.scalars(select(PaymentOrder).order_by(PaymentOrder.id)).all()
    refused = post(one, f"/payment_batch/{ref}/approve", {"seen": "1", "request_key": "b" * 20, "list_hash": "x"})
    assert refused.status_code == 409

    two = as_person(app, cast.second_finance)
    assert "€ 11.760,00" in two.get(f"/betaalruns/{ref}").text.replace("\u00a0", " ")
    assert approve(two, ref, list_hash="0" * 64) == 409
    assert approve(two, ref) == 303
    file = two.get(f"/betaalruns/{ref}/bestand")
    assert file.headers["Content-Disposition"] == f'attachment; filename="{ref}.xml"'
    with writing(app) as session:
        batch = session.scalars(select(PaymentBatch)).one()
        assert batch.file_sha256 == hashlib.sha256(file.data).hexdigest()
    assert file.data.count(b"<CdtTrfTxInf>") == 2
    assert post(two, f"/payment_batch/{ref}/send", {"seen": "2", "request_key": "c" * 20}).status_code == 303

    entries = [paid(o.end_to_end_id, o.cents, o.iban, o.name) for o in orders]
    content = statement(lead_applicant().iban, "2025-001", opening=5_000_000, entries=entries)
    answer = two.post(
        "/bankafschriften",
        data={
            "statement": (io.BytesIO(content), "camt.xml"),
            "csrf_token": hidden(two.get("/hulp").text, "csrf_token"),
        },
    )
    assert answer.status_code == 303, answer.text
    assert "Gekoppeld: 2" in two.get("/bankafschriften").text
    with writing(app) as session:
        assert session.scalars(select(PaymentBatch)).one().state == "booked"
        assert session.get_one(Instalment, world.first).state == "paid"
        assert case_balances(session, world.second_id)[Account.PAID] == 576_000
        assert journal.verify(session) is None
        assert verify(session) is None


def test_what_came_back_is_on_the_worklist_and_not_chosen_by_itself(app: Flask, cast: Cast, world: World) -> None:
    one, ref = prepared(app, cast, world.first)
    two = as_person(app, cast.second_finance)
    approve(two, ref)
    with writing(app) as session:
        order = session.scalars(select(PaymentOrder)).one()
    back = [returned(order.end_to_end_id, order.cents, order.iban, order.name)]
    assert read(two, statement(lead_applicant().iban, "2025-001", opening=5_000_000, entries=back)).status_code == 303
    page = one.get("/financien").text
    assert "de rekening is opgeheven (AC04)" in page
    assert "Wat terugkwam, staat uit" in page
    assert re.search(rf'value="{world.second}" checked', page)
    assert re.search(rf'value="{world.first}">', page)
    assert re.search(r'href="/financien"[^>]*aria-current', one.get("/betaalruns").text)


def test_a_cancelled_batch_gives_its_payments_back(app: Flask, cast: Cast, world: World) -> None:
    client, ref = prepared(app, cast, world.first)
    fields = {"seen": "1", "request_key": "d" * 20, "explanation": "Verkeerde rekening."}
    assert post(client, f"/payment_batch/{ref}/cancel", fields).status_code == 303
    assert f'value="{world.first}"' in client.get("/financien").text


def test_a_changed_account_is_marked(app: Flask, cast: Cast, world: World) -> None:
    with writing(app) as session:
        Cases(session).account("99993", number=77, holder="Stichting De Vuurtoren")
    client, ref = prepared(app, cast, world.second)
    assert "Rekening gewijzigd" in client.get(f"/betaalruns/{ref}").text


ACCOUNT = {
    "board": "99990",
    "iban": in_fours(example_iban(55)),
    "holder": "Stichting De Ozobot",
    "contact_name": "Nel Nieuw",
    "contact_email": "nel@bestuur.example.org",
}
CALL = {
    "called_name": "Ria Rekening",
    "called_number": "0118 123 456",
    "called_on": "14-03-2025",
    "called_at": "12.00",
    "called_back": "yes",
}


def test_two_people_and_a_call_make_an_account_count(app: Flask, cast: Cast, world: World) -> None:
    one, two = as_person(app, cast.finance), as_person(app, cast.second_finance)
    wrong = post(one, "/rekeningen", ACCOUNT | {"iban": "NL00 TEST 1"})
    assert wrong.status_code == 422
    assert "Dit is geen IBAN" in wrong.text
    assert 'value="NL00 TEST 1"' in wrong.text
    assert "Dit bestuur kennen wij niet" in post(one, "/rekeningen", ACCOUNT | {"board": "12345"}).text
    spelled = post(one, "/rekeningen", ACCOUNT | {"holder": "Stichting Zoë"})
    assert spelled.status_code == 422
    assert "“Stichting Zoe”" in spelled.text
    assert post(one, "/rekeningen", ACCOUNT).status_code == 303
    with writing(app) as session:
        row = session.scalars(select(BankAccount).where(BankAccount.confirmed_at.is_(None))).one()
    path = f"/rekeningen/{row.id}/bevestigen"
    assert path in two.get("/financien").text
    assert "U vulde deze rekening zelf in" in one.get(path).text
    assert post(one, path, CALL).status_code == 422
    assert "Bel het bestuur" in post(two, path, {**CALL, "called_back": ""}).text
    assert "Vul in wie u hebt gesproken" in post(two, path, {**CALL, "called_name": ""}).text
    future = post(two, path, {**CALL, "called_at": "23.59"})
    assert future.status_code == 422
    assert 'value="23.59"' in future.text
    assert post(two, path, CALL).status_code == 303
    with writing(app) as session:
        assert session.get_one(BankAccount, row.id).confirmed_by_id == cast.second_finance.id
        told = session.scalars(select(OutboxMessage.address).where(OutboxMessage.template == "account_changed")).all()
        assert {"nel@bestuur.example.org", "rekening1@bestuur.example.org"} <= set(told)
    assert "Ria Rekening (0118 123 456)" in two.get("/rekeningen").text


def test_an_account_that_is_wrong_is_taken_off_the_list(app: Flask, cast: Cast, world: World) -> None:
    one, two = as_person(app, cast.finance), as_person(app, cast.second_finance)
    post(one, "/rekeningen", ACCOUNT)
    with writing(app) as session:
        row = session.scalars(select(BankAccount).where(BankAccount.confirmed_at.is_(None))).one()
    assert post(two, f"/rekeningen/{row.id}/weigeren", {"reason": ""}).status_code == 422
    assert post(two, f"/rekeningen/{row.id}/weigeren", {"reason": "Het bestuur weet van niets."}).status_code == 303
    assert "Er wacht geen rekening" in two.get("/rekeningen").text


def read(client: FlaskClient, content: bytes) -> TestResponse:
    csrf = hidden(client.get("/hulp").text, "csrf_token")
    return client.post("/bankafschriften", data={"statement": (io.BytesIO(content), "a.xml"), "csrf_token": csrf})


def test_a_line_that_fits_nothing_is_judged_by_people(app: Flask, cast: Cast, world: World) -> None:
    one, two = as_person(app, cast.finance), as_person(app, cast.second_finance)
    entries = [
        received(1_250, "NL69TEST0000000001", "Bakker", "koffie"),
        Entry((Line(-250, remittance="Kosten maart"),), "COSTS"),
    ]
    assert read(one, statement(lead_applicant().iban, "2025-002", opening=0, entries=entries)).status_code == 303
    links = sorted(set(re.findall(r"/bankafschriften/regels/\d+", one.get("/bankafschriften").text)))
    assert "Waarom een mens moet kijken" in one.get(links[0]).text
    assert post(one, links[0], {}).status_code == 422
    unknown = post(one, links[0], {"category": "case", "reference": "TV-ONBEKEND"})
    assert unknown.status_code == 422
    assert 'value="TV-ONBEKEND"' in unknown.text
    assert post(one, links[0], {"category": "interest"}).status_code == 303, "money that came in: one person"
    assert post(one, links[1], {"category": "bank_costs"}).status_code == 303
    assert "Wacht op akkoord" in one.get("/bankafschriften").text, "money that left: two people"
    resolution = hidden(one.get(links[1]).text, "resolution")
    decision = {"resolution": resolution, "do": "accept"}
    assert post(one, f"{links[1]}/besluit", decision).status_code == 409
    assert "Voorstel van Fien Filius" in two.get(links[1]).text
    assert post(two, f"{links[1]}/besluit", decision).status_code == 303
    assert "Alle bankregels zijn gekoppeld" in one.get("/bankafschriften").text
    assert read(one, b"<x/>").status_code == 422


def test_who_pays_for_one_fund_sees_and_pays_that_fund_only(app: Flask, cast: Cast, world: World) -> None:
    with writing(app) as session:
        session.add(Fund(key="ander-fonds", name_nl="Ander fonds", name_en="Other fund"))
        session.flush()
        grant = RoleGrant(role="finance", fund_key="ander-fonds", granted_at=NOON)
        person = Person(email="een.fonds@example.org", name="Een Fonds", created_at=NOON)
        session.add(person)
        session.flush()
        grant.person_id = person.id
        session.add(grant)
    _, ref = prepared(app, cast, world.first)
    client = app.test_client()
    sign_in(client, "een.fonds@example.org")
    page = client.get("/financien").text
    assert "Geen open taken" in page
    assert "/bankafschriften" not in page
    assert client.get(f"/betaalruns/{ref}").status_code == 404
    assert client.get(f"/betaalruns/{ref}/bestand").status_code == 404
    assert ref not in client.get("/betaalruns").text
    assert client.get("/bankafschriften").status_code == 403
    assert "Stichting De Ozobot" not in client.get("/rekeningen").text
    assert post(client, "/rekeningen", ACCOUNT).status_code == 422
    chosen = {"instalments": [world.second], "execution_on": "17-03-2025"}
    assert post(client, "/betaalruns", chosen).status_code == 409
    fields = {"seen": "1", "request_key": "z" * 20, "list_hash": "0" * 64}
    assert post(client, f"/payment_batch/{ref}/approve", fields).status_code == 404


# --- the final amount -------------------------------------------------------------------------------------------------


@pytest.fixture
def reported(app: Flask, cast: Cast) -> str:
    """PO-T1-01: awarded 5.000,00, 4.000,00 paid, 6.250,00 claimed, of which 480,00 was bought too early."""
    with writing(app) as session:
        cases = Cases(session)
        tranche = cases.tranche()
        from fundapp.persistence.register import School

        row = cases.application(tranche, session.get_one(School, "99AA00"))
        instalment = cases.awarded(row, 500_000, advance=400_000)
        instalment.state = "paid"
        cases.book(
            row, "pay", [*ledger.order_payment(400_000, final=False), *ledger.confirm_payment(400_000, final=False)]
        )
        session.add(FinalReport(application_id=row.id, results="Het lukte.", submitted_at=cases.version.published_at))
        for n, (what, budgeted, claimed) in enumerate([("Robots", 500_000, 577_000), ("Koffers", 125_000, 48_000)], 1):
            session.add(
                ReportLine(
                    application_id=row.id,
                    position=n,
                    description=what,
                    category="materials",
                    budgeted_cents=budgeted,
                    claimed_cents=claimed,
                )
            )
        session.add(
            ReportContribution(
                application_id=row.id,
                position=1,
                party="",
                party_kind="own",
                in_kind=False,
                promised_cents=125_000,
                received_cents=154_000,
            )
        )
        row.state = "reported"
        return row.ref


JUDGED = {"accepted-1": "5.770,00", "reason-1": "", "accepted-2": "0", "reason-2": "Gekocht voor de start."}


def test_a_cut_needs_a_reason_and_nothing_typed_is_lost(app: Flask, cast: Cast, reported: str) -> None:
    client = as_person(app, cast.finance)
    answer = post(client, f"/vaststellen/{reported}", {**JUDGED, "reason-2": " ", "reason-1": "Getypt en bewaard"})
    assert answer.status_code == 422
    assert 'href="#reason-2"' in answer.text
    assert "Getypt en bewaard" in answer.text
    doubtful = post(client, f"/vaststellen/{reported}", {**JUDGED, "accepted-1": "12oo"})
    assert 'href="#accepted-1"' in doubtful.text
    assert 'value="12oo"' in doubtful.text
    assert post(as_person(app, cast.coordinator), f"/vaststellen/{reported}", JUDGED).status_code == 404


def test_judge_intend_respond_determine(app: Flask, cast: Cast, reported: str, clock: Clock) -> None:
    client = as_person(app, cast.finance)
    assert post(client, f"/vaststellen/{reported}", JUDGED).status_code == 303
    page = client.get(f"/vaststellen/{reported}").text.replace("\u00a0", " ")
    assert "€ 4.616,00" in page
    assert "Stuur eerst een voornemen" in page

    def do(who: FlaskClient, action: str, **more: str) -> int:
        with writing(app) as session:
            seen = session.scalars(select(Application.version).where(Application.ref == reported)).one()
        fields = {"seen": str(seen), "request_key": f"key-of-{action}-0123456789", **more}
        return post(who, f"/application/{reported}/{action}", fields).status_code

    assert do(client, "determine") == 409
    assert do(client, "intend_determination") == 303
    assert "De school mag reageren tot en met" in client.get(f"/vaststellen/{reported}").text
    assert do(as_person(app, cast.anna), "respond", explanation="Akkoord, dat klopt.") == 303
    assert "Akkoord, dat klopt." in client.get(f"/vaststellen/{reported}").text
    assert do(client, "determine") == 303
    with writing(app) as session:
        row = session.scalars(select(Application).where(Application.ref == reported)).one()
        assert row.state == "determined"
        assert case_balances(session, row.id)[Account.PAYABLE] == 61_600
        assert verify(session) is None
    assert "€ 616,00" in client.get("/financien").text.replace("\u00a0", " ")


def test_what_was_paid_too_much_becomes_a_recovery(app: Flask, cast: Cast, reported: str) -> None:
    client = as_person(app, cast.finance)
    with writing(app) as session:
        for line in session.scalars(select(ReportLine)):
            line.claimed_cents = 200_000
    fields = {"seen": "1", "request_key": "e" * 20}
    assert post(client, f"/application/{reported}/determine", fields).status_code == 303
    page = client.get("/terugvorderingen").text.replace("\u00a0", " ")
    assert f"TV-{reported}" in page
    assert "€ 800,00" in page


def test_a_stranger_does_not_see_the_accounts(app: Flask, cast: Cast, reported: str) -> None:
    for person in (cast.stranger, cast.anna, cast.adviser):
        assert as_person(app, person).get(f"/vaststellen/{reported}").status_code == 404


def test_lists_ask_as_often_for_many_as_for_one(app: Flask, cast: Cast, world: World, reported_many: None) -> None:
    client = as_person(app, cast.finance)
    with app.app_context():
        engine = db.engine
    for page in PAGES:
        with count_queries(engine) as asked:
            assert client.get(page).status_code == 200
        assert len(asked) <= 6, (page, asked)


@pytest.mark.parametrize("state", ["awarded", "reported", "determination_intended", "determined"])
def test_the_accounts_ask_as_often_for_1_3_and_50_lines(app: Flask, cast: Cast, reported: str, state: str) -> None:
    client = as_person(app, cast.finance)
    with app.app_context():
        engine = db.engine
    with writing(app) as session:
        case = session.scalars(select(Application)).one()
        case.state = state
        for line in session.scalars(select(ReportLine).where(ReportLine.position > 1)):
            session.delete(line)
    page = f"/vaststellen/{reported}"
    client.get(page)
    counts = []
    for lines in (1, 3, 50):
        with writing(app) as session:
            there = session.scalars(select(func.count()).select_from(ReportLine)).one()
            session.add_all(
                ReportLine(
                    application_id=case.id,
                    position=n,
                    description="Robots",
                    category="materials",
                    budgeted_cents=500_000,
                    claimed_cents=500_000,
                )
                for n in range(there + 1, lines + 1)
            )
        with count_queries(engine) as asked:
            assert client.get(page).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2] <= 6, "\n".join(asked)


@pytest.fixture
def reported_many(app: Flask, world: World) -> None:
    with writing(app) as session:
        cases = Cases(session)
        for n in range(12):
            cases.account("99990", number=100 + n)
