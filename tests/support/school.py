"""A school that applies through the pages, as its browser does: an open round, and something for every field."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lxml import html
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.support.web import NOON, Cast, post, token, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

PAGES: dict[str, dict[str, Any]] = {
    "project": {
        "title": "Robots in groep 7",
        "summary": "Groep 7 en 8 bouwen acht weken lang robots met de vo-school.",
        "starts_on": "1-9-2025",
        "ends_on": "30-6-2026",
        "groups": ["upper"],
        "pupils": "60",
    },
    "plan": {
        "technology_subject": "yes",
        "goals": "Elke leerling bouwt een rijdende robot.",
        "planning.0.activity": "Bouwen",
        "planning.0.period": "najaar",
        "planning.0.who": "Anna",
        "lasting": "yes",
        "lasting_how": "Het staat in het schoolplan.",
        "sharing": "Wij zetten de lessen online.",
    },
    "partners": {
        "cooperation": "Twee docenten van de vo-school geven les bij ons.",
        "partners-1-kind": "vo",
        "partners-1-name": "Delta College",
    },
    "budget": {
        "already_ordered": "no",
        "other_funding": "no",
        "lines-1-category": "teaching_materials",
        "lines-1-description": "Robotpakketten",
        "lines-1-quantity": "10",
        "lines-1-price": "240,00",
        "lines-2-category": "hired_expertise",
        "lines-2-description": "Training",
        "lines-2-quantity": "20",
        "lines-2-price": "75",
        "requested": "3.120,00",
    },
    "co_financing": {
        "partners_pay": "no",
        "shares-1-kind": "own",
        "shares-1-form": "money",
        "shares-1-amount": "780,00",
    },
    "signing": {
        "signer-1-role": "school_leader",
        "signer-1-name": "Lea Directeur",
        "signer-1-email": "lea@ozobot.example.org",
    },
}
"""Section → what makes it complete, for the fund for primary education."""


def open_round(
    app: Flask,
    cast: Cast,
    ref: str = "PO-T9",
    *,
    signer: Mapping[str, Any] | None = None,
    of: str = "stimuleringsregeling-po",
) -> str:
    """Announce a round that opened ten days ago and closes in thirty; return its reference.

    of: which fund. signer: what this fund asks otherwise of who signs, by parameter of its condition.
    """
    from fundapp.adapters.fund_file import FUNDS, load_fund
    from fundapp.domain.fund import FundSpec, TrancheSpec
    from fundapp.services import funds
    from fundapp.services.transitions import perform

    with writing(app) as session:
        fund = load_fund(FUNDS / f"{of}.yaml")
        if signer is not None:
            changed = [r.model_copy(update=signer) if r.kind == "signer" else r for r in fund.conditions]
            fund = FundSpec.model_validate(fund.model_copy(update={"conditions": tuple(changed)}).model_dump())
        version = funds.publish(session, fund, now=NOON)
        spec = TrancheSpec.model_validate(
            {
                "ref": ref,
                "name": {"nl": "Voorjaar 2025", "en": "Spring 2025"},
                "fund": version.fund_key,
                "opens_at": NOON - timedelta(days=10),
                "closes_at": NOON + timedelta(days=30),
                "ceiling_cents": 3_000_000,
                "method": "order_of_receipt",
                "on_overflow": "partial",
                "seed": "voorjaar",
            }
        )
        funds.create_tranche(session, spec, now=NOON - timedelta(days=20), version=version)
        session.flush()
        before = NOON - timedelta(days=15)
        perform(session, "tranche", ref, "announce", actor=cast.coordinator, now=before)
    return ref


def begin(client: FlaskClient, tranche: str, school: str = "99AA00") -> str:
    """Begin a draft through the page; return its reference."""
    answer = post(client, "/aanvragen/nieuw", {"keuze": f"{tranche}|{school}", "request_key": "begin"})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].split("/")[2]


def version(client: FlaskClient, ref: str, section: str) -> str:
    """The version of the answers on the page of a task."""
    found = re.search(r'name="answers_version" value="(\d+)"', client.get(f"/aanvragen/{ref}/taak/{section}").text)
    assert found is not None, f"the page {section} has no version"
    return found[1]


def save(client: FlaskClient, ref: str, section: str, data: dict[str, Any], do: str = "save") -> TestResponse:
    """Fill in a task and press a button."""
    typed = {**data, "do": do, "answers_version": version(client, ref, section)}
    return post(client, f"/aanvragen/{ref}/taak/{section}", typed)


def upload(client: FlaskClient, ref: str, document: str, content: bytes = PDF, name: str = "brief.pdf") -> TestResponse:
    """Send one document."""
    path = f"/aanvragen/{ref}/taak/documents"
    known = {"do": "save", "answers_version": version(client, ref, "documents"), "csrf_token": token(client)}
    file = FileStorage(io.BytesIO(content), name)
    boundary, body = encode_multipart({**known, document: file})  # in memory: the client leaves temporary files open
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def parsed(text: str) -> Any:
    """A page as a tree; lxml's types say less than its pages hold."""
    return html.fromstring(text)


def complete(client: FlaskClient, ref: str, pages: Mapping[str, dict[str, Any]] = PAGES) -> None:
    """Fill in everything."""
    for section, data in pages.items():
        answer = save(client, ref, section, data)
        assert answer.status_code == 303, (section, answer.text)
    assert upload(client, ref, "partner_letter").status_code == 303


def send(client: FlaskClient, ref: str) -> TestResponse:
    """Press the button on the check page."""
    page = parsed(client.get(f"/aanvragen/{ref}/controle", follow_redirects=True).text)
    form = next(f for f in page.forms if f.action.endswith(("/submit", "/complete")))
    return post(client, form.action, dict(form.form_values()))


def summary(answer: TestResponse) -> list[tuple[str, str]]:
    """The list of mistakes of a page: (field that it leads to, sentence)."""
    page = parsed(answer.text)
    return [
        (a.get("href", "").lstrip("#"), a.text_content())
        for a in page.xpath('//*[contains(@class, "error-summary")]//a')
    ]


def sign(app: Flask, ref: str, *, at: datetime = NOON) -> None:
    """Everybody who was asked to sign agrees, as if by mail."""
    from sqlalchemy import select

    from fundapp.persistence.application import Application
    from fundapp.persistence.signing import Signature
    from fundapp.services import signing_answer

    with writing(app) as session:
        waiting = session.scalars(
            select(Signature.id)
            .join(Application, Application.id == Signature.application_id)
            .where(Application.ref == ref, Signature.state == "asked")
        ).all()
        for number in waiting:
            read = signing_answer.reading(session, number, at)
            signing_answer.sign(session, number, read.signatures.content, now=at)
