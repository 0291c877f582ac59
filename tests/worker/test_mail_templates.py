"""Every mail that anything sends can be said: in both languages, as text and as HTML, in plain words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jinja2 import TemplateError, UndefinedError
from markupsafe import escape

from config import ROOT
from fundapp.domain.flows import FLOWS
from fundapp.domain.text import LANGUAGES, Language
from fundapp.services.mail_link import path_of
from fundapp.web.mails import FOLDER, NAMES, Mails

BASE = "https://fonds.example.org"
SECRET = "a secret"
MAILS = Mails(BASE, SECRET)

CASE: dict[str, Any] = {
    "name": "Anouk de Vries",
    "ref": "IF-2026-0007",
    "title": "Robots in groep 7 & 8",
    "school": "De Ozobot",
    "board": "Stichting Ozobot",
    "fund": "Innovatiefonds",
    "fund_en": "Innovation fund",
    "tranche": "Tranche 1",
    "profile": "private",
    "contact": {"name": "het loket", "email": "loket@example.org", "phone": "0118-123456"},
    "url_path": "/aanvragen/IF-2026-0007",
}
DUE = {"due": "2026-12-11"}
LATE = {"old_due": "2026-11-11", "what": {"nl": "ons besluit", "en": "our decision"}}
MOMENT = {"moment": "2026-11-20T15:04:00+00:00"}
AMOUNT = {"amount": 1234567}
WHY = {"explanation": "Stuur de begroting.\r\nEn <b>het plan</b>."}
PROOF = {"proof": {"nl": "voortgangsrapportage halverwege", "en": "progress report halfway"}}
READING = {
    "name": "Anouk",
    "fund": "Stimuleringsregeling",
    "fund_en": "Incentive scheme",
    "tranche": "Voorjaar 2026",
    "refs": ["IF-1-01", "IF-1-02"],
    "url_path": "/lezen",
} | DUE
LOOK = CASE | {
    "objection_ref": "IF-2026-0007-H1",
    "request": {"nl": "uw verzoek om heroverweging", "en": "your request for reconsideration"},
    "noun": {"nl": "heroverweging", "en": "reconsideration"},
    "meeting": {"nl": "gesprek", "en": "meeting"},
    "against": {"nl": "de toekenning", "en": "the award"},
    "url_path": "/heroverwegingen/IF-2026-0007-H1",
}
CLAIM = {"recovery": 50000, "recovery_ref": "TV-IF-2026-0007", "iban": "NL13TEST0123456789", "payer": "Stichting Demo"}
REASONS = {"reasons": [{"nl": "Het doel is niet duidelijk.", "en": "The aim is not clear."}]}

LET_IN = {"name": "Anouk", "sender": "Bram", "place": "De Ozobot", "url_path": "/collegas"}
WRITES = {"nl": "schrijft aanvragen", "en": "writes applications"}

LINK = {"purpose": "signature", "id": 12, "until": 1798761600}
"""A link as a mail freezes it; its token is made when the mail is put into words."""


def path(context: dict[str, Any]) -> str:
    """Where the button of a mail leads."""
    return path_of(context["link"], SECRET) if "link" in context else str(context["url_path"])


SAMPLES: dict[str, dict[str, Any]] = {
    "received": CASE | DUE | MOMENT,
    "receipt": CASE,
    "file_removed": CASE | {"file_name": "Offerte.pdf", "sent": False},
    "new_application": CASE | DUE | MOMENT,
    "taken_up": CASE,
    "advice_wanted": CASE,
    "completion_asked": CASE | DUE | WHY,
    "completion_received": CASE | DUE | MOMENT,
    "completion_in": CASE | DUE | MOMENT,
    "not_considered": CASE | REASONS | WHY,
    "reading_given": READING,
    "reading_due": READING,
    "advised": CASE,
    "awarded": CASE | AMOUNT | REASONS | WHY,
    "waitlisted": CASE,
    "offered": CASE | DUE | AMOUNT,
    "offer_due": CASE | DUE,
    "offer_lapsed": CASE,
    "offer_accepted": CASE | AMOUNT,
    "offer_ended": CASE | AMOUNT,
    "rejection_intended": CASE | REASONS | WHY | DUE,
    "rejection_response_in": CASE,
    "rejected": CASE | REASONS | WHY,
    "withdrawn": CASE,
    "report_received": CASE | DUE,
    "report_in": CASE | DUE,
    "report_returned": CASE,
    "determination_intended": CASE | DUE | AMOUNT,
    "response_in": CASE,
    "report_asked": CASE | DUE | WHY,
    "report_last_term": CASE | DUE,
    "report_to_sign": CASE | {"asked_by": "Bram de Boer"},
    "determined": CASE | AMOUNT | {"balance": -50000, "recovery": 50000, "recovery_small": False},
    "recovery_claimed": CASE | DUE | CLAIM,
    "recovery_due": CASE | DUE | CLAIM,
    "recovery_late": CASE | DUE | CLAIM,
    "recovery_schedule": CASE | DUE | CLAIM | {"parts": [[1, 25000, "2026-12-11"], [2, 25000, "2027-01-11"]]},
    "recovery_set_off": CASE | CLAIM | {"set_off": 20000, "left": 30000, "target": "IF-2027-0001"},
    "recovery_waived": CASE | CLAIM,
    "recovery_written_off": CASE | CLAIM,
    "settled": CASE,
    "revoked": CASE | REASONS | WHY,
    "payment_sent": CASE | AMOUNT | {"iban": "4300"},
    "payment_bounced": CASE | AMOUNT | {"batch": "BR-2026-001", "why": {"nl": "de rekening is weg", "en": "closed"}},
    "payment_held": CASE | DUE | WHY,
    "payment_resumed": CASE,
    "hold_ended": CASE,
    "account_changed": {
        "name": "Anouk de Vries",
        "board": "Stichting Ozobot",
        "iban": "4300",
        "old_iban": "7712",
        "contact": CASE["contact"],
        "url_path": "/hulp",
    },
    "batch_ready": {"name": "Anouk", "ref": CASE["ref"], "payments": 10, "sender": "Bram", "url_path": "/betaalruns/1"}
    | AMOUNT,
    "batch_returned": {"name": "Anouk", "ref": CASE["ref"], "sender": "Bram", "url_path": "/betaalruns/1"} | WHY,
    "interim_in": CASE | PROOF,
    "interim_received": CASE | PROOF,
    "interim_approved": CASE | PROOF | AMOUNT | DUE,
    "interim_returned": CASE | PROOF | WHY | DUE,
    "interim_due": CASE | PROOF | AMOUNT | DUE,
    "change_asked": CASE | {"change_ref": "W-1", "what": {"nl": "Andere data", "en": "Other dates"}},
    "change_recorded": CASE | {"change_ref": "W-1"},
    "change_approved": CASE | {"change_ref": "W-1"},
    "change_refused": CASE | {"change_ref": "W-1"},
    "report_due": CASE | DUE,
    "completion_due": CASE | DUE,
    "decision_late_soon": CASE | DUE,
    "mailbox_code": CASE | {"code": "123456", "link": LINK},
    "sign_asked": CASE | AMOUNT | {"asker": "Anouk de Vries", "due": "2026-12-11", "link": LINK},
    "sign_reminder": CASE | {"due": None, "link": LINK},
    "signed": CASE | {"signer": "Lea Directeur"},
    "sign_declined": CASE | {"signer": "Lea Directeur"} | WHY,
    "taken_back": CASE,
    "signature_due": CASE | DUE,
    "signature_missed": CASE | DUE,
    "consent_asked": CASE | {"asker": "Anouk de Vries", "partner": "Bedrijf Demo", "link": LINK},
    "consent_reminder": CASE | {"partner": "Bedrijf Demo", "link": LINK},
    "consent_given": CASE | {"partner": "Bedrijf Demo", "by": "Jan Bouwman"},
    "consent_refused": CASE | {"partner": "Bedrijf Demo", "by": "Jan Bouwman"} | WHY,
    "term_extended": CASE | DUE | WHY,
    "decision_delayed": CASE | DUE | LATE,
    "decision_late": CASE | DUE | LATE,
    "objection_received": LOOK | DUE,
    "objection_in": LOOK | DUE,
    "objection_completion_asked": LOOK | WHY | {"complete_by": "2026-12-11"},
    "objection_completion_due": LOOK | DUE,
    "objection_completed": LOOK | DUE,
    "objection_not_completed": LOOK | DUE,
    "objection_extended": LOOK | DUE | WHY,
    "objection_due": LOOK | DUE,
    "hearing_planned": LOOK | {"hearing_at": "2026-12-11T12:30:00+00:00", "place": "Raadhuis Goes-demo"},
    "hearing_reported": LOOK,
    "hearing_waived": LOOK | WHY | {"waiver": {"nl": "De school wil niet", "en": "The school does not want to"}},
    "objection_advised": LOOK,
    "objection_decided": LOOK,
    "objection_ended": LOOK,
    "objection_withdrawn": LOOK,
    "sign_in_code": {"name": "Anouk", "code": "123 456", "url_path": "/inloggen/link/abc?verder=/aanvragen&taal=nl"},
    "message_in": CASE | WHY | {"sender": "Bram"},
    "message_of_fund": CASE | WHY | {"sender": "Hanna"},
    "join": LET_IN,
    "colleague_invited": LET_IN,
    "access_asked": LET_IN | {"asker": "Bram", "email": "bram@example.org", "what": WRITES},
    "access_given": LET_IN,
    "access_refused": LET_IN | WHY,
    "access_ended": LET_IN,
    "handed_over": LET_IN | {"leaver": "Chris", "refs": ["IF-1-01", "IF-1-02"]},
    "invited": {"name": "Anouk", "sender": "Bram", "url_path": "/inloggen"},
}


def words(markup: str) -> str:
    """What a reader sees of HTML, in one line."""
    body = re.sub(r"(?s)<head>.*</head>|<[^>]+>", " ", markup)
    return " ".join(body.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").split())


def declared() -> set[str]:
    """Every mail that a flow names."""
    return {mail.template for flow in FLOWS.values() for step in flow.transitions for mail in step.mail}


def written_by_services() -> set[str]:
    """Every mail that the code writes without a flow."""
    named = re.compile(r'(?:write_mail|mail)\([\w\s,.]*,\s*"(\w+)"|Reminder\("\w+", "(\w+)"')
    found = (named.findall(path.read_text()) for path in (ROOT / "fundapp").rglob("*.py"))
    return {name for hits in found for pair in hits for name in pair if name}


def test_every_mail_that_is_sent_has_a_template_and_every_template_a_sample() -> None:
    assert declared() <= set(NAMES)
    assert written_by_services() <= set(NAMES)
    assert set(NAMES) == SAMPLES.keys()
    assert {"received", "rejected", "sign_in_code"} <= set(NAMES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", NAMES)
def test_a_mail_says_the_same_as_text_and_as_html(template: str, language: Language) -> None:
    context = SAMPLES[template]
    mail = MAILS(template, language, context)
    url = BASE + path(context)
    assert mail.subject
    assert "\n" not in mail.subject
    assert mail.text.startswith(f"{'Beste' if language == 'nl' else 'Dear'} {context['name']},\n")
    assert mail.text.count(url) == 1, "the bare address, once"
    assert f'lang="{language}"' in mail.html
    assert mail.html.count(f'href="{escape(url)}"') == 2, "the button and the bare address"
    as_read = " ".join(mail.text.replace(f":\n{url}", f" {url}").replace("\n- ", "\n").split())
    assert as_read == words(mail.html).replace(" .", ".").replace(" ,", ",")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", NAMES)
def test_a_subject_names_the_case_and_neither_amount_nor_verdict(template: str, language: Language) -> None:
    subject = MAILS(template, language, SAMPLES[template]).subject
    assert ("ref" not in SAMPLES[template]) or CASE["ref"] in subject
    assert "€" not in subject
    assert not re.search(r"toegekend|afgewezen|wachtlijst|award|reject|refus|waiting|revok", subject, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", NAMES)
def test_a_private_fund_never_promises_an_objection(template: str, language: Language) -> None:
    mail = MAILS(template, language, SAMPLES[template])
    assert not re.search(r"bezwaar|objection", mail.subject + mail.text + mail.html, re.IGNORECASE)


@pytest.mark.parametrize("template", NAMES)
def test_dutch_is_plain(template: str) -> None:
    text = MAILS(template, "nl", SAMPLES[template]).text
    assert not re.search(r"\b(conform|middels|dienen|indien)\b", text)
    for sentence in re.split(r"[.?!:]\s|\n\n", text):
        assert len(sentence.split()) <= 20, sentence


def test_what_people_typed_is_text_in_html_too() -> None:
    mail = MAILS("completion_asked", "nl", SAMPLES["completion_asked"])
    assert "<p>En &lt;b&gt;het plan&lt;/b&gt;.</p>" in mail.html
    assert "Stuur de begroting.\n\nEn <b>het plan</b>." in mail.text


def test_a_missing_value_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(UndefinedError, match="due"):
        MAILS("received", "nl", CASE | MOMENT)
    with pytest.raises(TemplateError):
        MAILS("no_such_mail", "nl", CASE)


def test_the_skeletons_are_no_mails() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {f"{name}.txt" for name in NAMES} == {
        "_text.txt",
        "_page.html",
        "_explanation.txt",
    }
