"""The check before signing in goes along: its answers into the draft, its judgement into the record."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from fundapp.domain.fund import FundSpec
from fundapp.persistence.application import Application, EligibilityCheck
from fundapp.persistence.fund import FundVersion, Tranche
from fundapp.services import eligibility, funds
from tests.support.school import complete, open_round, parsed, send
from tests.support.web import NOON, Cast, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

ANSWERS = {
    "school_type": "ja",
    "region": "ja",
    "once_per_round": "nee",
    "co_financing": "ja",
    "vo_partner": "weet-niet",
    "technology_subject": "ja",
    "not_started": "nee",
}


@pytest.fixture
def visitor(app: Flask, cast: Cast) -> FlaskClient:
    """Somebody who has not signed in, with a round that is open."""
    open_round(app, cast)
    return app.test_client()


def start_of(visitor: FlaskClient, answers: dict[str, str]) -> str:
    """Do the check; return where "begin an application" leads."""
    address = "&".join(f"{code}={word}" for code, word in answers.items())
    page = visitor.get(f"/check/PO-T9?{address}&toon-uitslag=1").text
    found = re.search(r'href="(/aanvragen/nieuw\?check=[^"]+)"', page)
    assert found is not None, page
    return found[1]


def begin_from(visitor: FlaskClient, cast: Cast, start: str) -> str:
    """Follow that link, sign in on the way, press the button; return the reference of the draft."""
    asked_in = visitor.get(start)
    assert asked_in.status_code == 303
    verder = parsed(visitor.get(asked_in.headers["Location"]).text).xpath('//input[@name="verder"]/@value')[0]
    landed = sign_in(visitor, cast.anna.email, verder)
    page = visitor.get(landed.headers["Location"])
    assert "Uw antwoorden uit de check gaan mee" in page.text
    form = next(f for f in parsed(page.text).forms if f.action == "/aanvragen/nieuw")
    answer = post(visitor, form.action, dict(form.form_values()))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rsplit("/", 1)[-1]


def test_the_answers_stand_in_the_draft_and_say_where_they_come_from(
    app: Flask, cast: Cast, visitor: FlaskClient
) -> None:
    ref = begin_from(visitor, cast, start_of(visitor, ANSWERS))
    with writing(app) as session:
        answers = session.scalars(select(Application.answers).where(Application.ref == ref)).one()
    assert answers == {"technology_subject": True, "already_ordered": False}
    assert "Antwoorden uit de check staan al in uw aanvraag: 2." in visitor.get(f"/aanvragen/{ref}").text
    for section, question, value in (("plan", "technology_subject", "yes"), ("budget", "already_ordered", "no")):
        page = parsed(visitor.get(f"/aanvragen/{ref}/taak/{section}").text)
        assert page.xpath(f'//input[@name="{question}"][@checked]/@value') == [value]
        hint = page.xpath(f'//input[@name="{question}"]/ancestor::fieldset[1]/div[@class="hint"]')[0].text_content()
        assert "Dit zei u in de check" in hint
    changed = post(
        visitor,
        f"/aanvragen/{ref}/taak/budget",
        {"already_ordered": "yes", "do": "save", "answers_version": "1"},
    )
    assert changed.status_code == 303
    assert "Dit zei u in de check" not in visitor.get(f"/aanvragen/{ref}/taak/budget").text


def test_the_check_counts_while_facts_are_missing_and_not_when_it_is_sent(
    app: Flask, cast: Cast, visitor: FlaskClient
) -> None:
    ref = begin_from(visitor, cast, start_of(visitor, ANSWERS | {"co_financing": "nee"}))
    page = " ".join(visitor.get(f"/aanvragen/{ref}/controle").text.split())
    assert "U zegt dat u hieraan niet voldoet. U en uw partners betalen samen minstens 20%" in page
    assert "Wij weten nog niet met wie u samenwerkt" in page, "what nobody filled in is unknown, not absent"
    complete(visitor, ref)
    page = visitor.get(f"/aanvragen/{ref}/controle").text
    assert "U zegt dat" not in page
    assert send(visitor, ref).status_code == 303
    with writing(app) as session:
        sent = session.scalars(select(EligibilityCheck).order_by(EligibilityCheck.id.desc()).limit(1)).one()
    assert sent.moment == "submit"
    assert sent.inputs["declared"] == {}
    assert {outcome["source"] for outcome in sent.outcomes} == {"facts"}


def test_every_judgement_can_be_done_again_after_the_rules_changed(
    app: Flask, cast: Cast, visitor: FlaskClient
) -> None:
    ref = begin_from(visitor, cast, start_of(visitor, ANSWERS))
    complete(visitor, ref)
    send(visitor, ref)
    with writing(app) as session:
        tranche = session.scalars(select(Tranche).where(Tranche.ref == "PO-T9")).one()
        data = funds.spec_of(session, tranche.fund_version_id).model_dump(mode="json")
        rule = next(one for one in data["conditions"] if one["code"] == "co_financing")
        rule["share_bp"] = 9000
        funds.publish(session, FundSpec.model_validate(data), now=NOON)
        assert len(session.scalars(select(FundVersion)).all()) == 2
        checks = session.scalars(select(EligibilityCheck).order_by(EligibilityCheck.id)).all()
        assert [(c.moment, c.application_id is None) for c in checks] == [
            ("precheck", True),
            ("precheck", False),
            ("submit", False),
        ]
        for check in checks:
            assert [o.model_dump(mode="json") for o in eligibility.replay(session, check)] == check.outcomes
        assert eligibility.verify(session) is None
        forged = json.dumps(checks[2].outcomes).replace('"verdict": "met"', '"verdict": "not_met"', 1)
        session.execute(text("ALTER TABLE eligibility_check DISABLE TRIGGER ALL"))
        session.execute(
            update(EligibilityCheck).where(EligibilityCheck.id == checks[2].id).values(outcomes=json.loads(forged))
        )
        session.expire_all()
        breach = eligibility.verify(session)
        session.rollback()
    assert breach is not None
    assert "condition school_type now says met, then not_met" in breach.what


def test_an_answer_to_a_question_that_changed_is_asked_again(app: Flask, cast: Cast, visitor: FlaskClient) -> None:
    start = start_of(visitor, ANSWERS)
    with writing(app) as session:
        tranche = session.scalars(select(Tranche).where(Tranche.ref == "PO-T9")).one()
        data = funds.spec_of(session, tranche.fund_version_id).model_dump(mode="json")
        rule = next(one for one in data["conditions"] if one["code"] == "not_started")
        rule["precheck"]["question"] = {"nl": "Hebt u al iets betaald?", "en": "Have you paid anything yet?"}
        tranche.fund_version_id = funds.publish(session, FundSpec.model_validate(data), now=NOON).id
    ref = begin_from(visitor, cast, start)
    with writing(app) as session:
        answers = session.scalars(select(Application.answers).where(Application.ref == ref)).one()
    assert answers == {"technology_subject": True}


def test_a_token_that_is_not_ours_begins_an_empty_draft(app: Flask, cast: Cast, visitor: FlaskClient) -> None:
    sign_in(visitor, cast.anna.email)
    assert "gaan mee" not in visitor.get("/aanvragen/nieuw?check=verzonnen").text
    typed = {"keuze": "PO-T9|99AA00", "request_key": "k", "check": "verzonnen"}
    ref = post(visitor, "/aanvragen/nieuw", typed).headers["Location"].rsplit("/", 1)[-1]
    with writing(app) as session:
        assert session.scalars(select(Application.answers).where(Application.ref == ref)).one() == {}
