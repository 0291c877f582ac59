"""Ten payments as two people of finance make them, in a real browser: how many pages each sees; nothing is typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fundapp.persistence.payment import Instalment, PaymentBatch, PaymentOrder
from fundapp.services.ledger import verify
from fundapp.services.programme import lead_applicant
from tests.support.camt import paid, statement
from tests.support.cases import Cases
from tests.support.web import Cast, sign_in_browser, writing

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Browser, Page, Response

pytestmark = pytest.mark.browser

PREPARER_SEES, APPROVER_SEES = 5, 3


class Seen:
    """The pages that somebody saw. Nothing is typed on them: there is nothing here that could."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pages: list[str] = []
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        asked = response.request
        if asked.resource_type == "document" and response.status == 200 and "attachment" not in str(response.headers):
            self.pages.append(re.sub(r"^https?://[^/]+", "", response.url))

    def press(self, name: str) -> None:
        """Press the one button of this name; no page on the way asks for an IBAN."""
        assert self.page.locator("[name*=iban]").count() == 0
        self.page.get_by_role("button", name=re.compile(name)).click()
        self.page.wait_for_load_state()


@pytest.fixture
def ten(app: Flask, cast: Cast) -> int:
    """Ten schools of ten boards, whose advances are due; what they come to in cents."""
    with writing(app) as session:
        cases = Cases(session)
        tranche = cases.tranche(ceiling=20_000_000)
        total = 0
        for n in range(10):
            board = f"992{n:02d}"
            school = cases.school(f"99K{chr(65 + n)}00", f"School {n}", board=board)
            award = 750_000 + n
            advance = award * 8 // 10
            cases.awarded(
                cases.application(tranche, school), award, advance=advance, number=200 + n, holder=f"Stichting {n}"
            )
            total += advance
        return total


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_ten_payments_from_the_worklist_to_the_bank(
    browser: Browser, live_server: str, app: Flask, cast: Cast, ten: int, tmp_path: Path, scripts: bool
) -> None:
    one, two = (
        Seen(browser.new_context(locale="nl-NL", java_script_enabled=scripts, accept_downloads=True).new_page())
        for _ in range(2)
    )
    for seen, person in ((one, cast.finance), (two, cast.second_finance)):
        sign_in_browser(seen.page, live_server, app, person.email)
        seen.page.wait_for_load_state()
        seen.pages.clear()

    one.page.goto(f"{live_server}/financien")
    one.press("^Betaalrun klaarzetten")
    (ref,) = re.findall(r"/betaalruns/(BR-\d+-\d+)$", one.page.url)
    prepared = len(one.pages)

    two.page.goto(f"{live_server}/betaalruns/{ref}")  # the link in the mail
    assert two.page.locator("table tbody tr").count() == 10
    two.press("^Akkoord")
    with two.page.expect_download() as download:
        two.page.get_by_role("link", name="Bestand ophalen").click()
    file = tmp_path / "file.xml"
    download.value.save_as(file)
    two.press("Naar de bank gestuurd")

    with writing(app) as session:
        orders = session.scalars(select(PaymentOrder).order_by(PaymentOrder.id)).all()
        assert (len(orders), sum(order.cents for order in orders)) == (10, ten)
        assert file.read_bytes() == session.scalars(select(PaymentBatch.file_content)).one()
        told = [paid(order.end_to_end_id, order.cents, order.iban, order.name) for order in orders]
    answer = tmp_path / "afschrift.xml"
    answer.write_bytes(statement(lead_applicant().iban, "2025-001", opening=90_000_000, entries=told))
    one.page.goto(f"{live_server}/bankafschriften")
    one.page.set_input_files("input[type=file]", answer)
    one.press("[Ii]nlezen")

    with writing(app) as session:
        assert session.scalars(select(PaymentBatch.state)).one() == "booked"
        assert set(session.scalars(select(Instalment.state))) == {"paid"}
        assert verify(session) is None
    assert prepared == 2, one.pages
    assert len(one.pages) <= PREPARER_SEES, one.pages
    assert len(two.pages) <= APPROVER_SEES, two.pages
    for seen in (one, two):
        seen.page.context.close()
