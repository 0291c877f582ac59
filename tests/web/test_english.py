"""English for all of applying: every page in English holds no Dutch, and says something else than its Dutch twin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from fundapp.persistence.fund import Tranche
from fundapp.services.transitions import perform
from tests.support.cases import Cases
from tests.support.school import PAGES, begin, complete, open_round, parsed, save, send
from tests.support.web import Cast, Clock, post, sign_in, writing

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

WORDS = """
de het een en van u uw wij ons onze niet voor naar zijn wordt worden kunt kan moet dit deze dat als ook bij op om nog
geen wat hoe waar wanneer welke meer alle dan maar heeft hebt ingestuurd aanvraag aanvragen vraagt opslaan verder terug
klaar begonnen bedrag kosten begroting bijlagen ronde voorwaarden antwoord antwoorden controleer verwijder toevoegen
kies vul dag dagen uur maart maandag vrijdag
"""
DUTCH = frozenset(re.findall(r"\w+", WORDS)) - {"van"}
"""Words that Dutch sentences have and English ones have not."""

ENGLISH: dict[str, dict[str, Any]] = {
    "project": PAGES["project"] | {"title": "Robots in year 7", "summary": "Pupils build robots with a college."},
    "plan": PAGES["plan"]
    | {
        "goals": "Every pupil builds a robot.",
        "planning.0.activity": "Building",
        "planning.0.period": "autumn",
        "planning.0.who": "Anna",
        "lasting_how": "It is part of our plan.",
        "sharing": "We put the lessons online.",
    },
    "partners": PAGES["partners"] | {"cooperation": "Two teachers teach here."},
    "budget": PAGES["budget"] | {"lines-1-description": "Robot sets", "lines-2-description": "Training"},
    "signing": {k: "Lea" if "name" in k else v for k, v in PAGES["signing"].items()},
}

ROUND = "Voorjaar"  # what the round of the tests is called in Dutch
NAMES = ("De Ozobot", "Stichting De Ozobot", "Delta College", "Anna Akkerman", "Techniekfondsen Zeeland", "brief.pdf")
"""Names of our own data, which are the same in every language."""


def texts(page: str) -> list[str]:
    """All that somebody reads or hears of a page: its text, labels and messages for the script; without our names."""
    tree = parsed(page)
    for gone in tree.xpath('//script | //style | //svg | //*[@lang="nl"] | //*[contains(@class, "language")]'):
        if gone.getparent() is not None:
            gone.drop_tree()
    found = [*tree.itertext(), *tree.xpath("//@aria-label | //@alt | //@title | //@placeholder")]
    found += tree.xpath("//@*[starts-with(name(), 'data-')]")
    for number, text in enumerate(found):
        for name in NAMES:
            text = text.replace(name, " ")
        found[number] = " ".join(text.split())
    return [text for text in found if text and not text.startswith("/")]


def dutch_in(page: str) -> list[str]:
    """The texts of a page in which Dutch words stand, or the Dutch name of the round."""
    words = {text: set(re.findall(r"[a-zà-ÿ']+", text.lower())) for text in texts(page)}
    return [text for text, said in words.items() if said & (DUTCH | {ROUND.lower()})]


def in_english(client: FlaskClient) -> None:
    assert post(client, "/taal", {"taal": "en", "next": "/hulp"}).status_code == 303


def crawl(client: FlaskClient, paths: list[str]) -> dict[str, list[str]]:
    """Every one of these pages in English: path → the Dutch on it."""
    found = {}
    for path in paths:
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code in (200, 422), (path, answer.status_code)
        assert '<html lang="en"' in answer.text, path
        if dutch := dutch_in(answer.text):
            found[path] = dutch
    return found


CHECK = "&".join(
    f"{code}={word}"
    for code, word in {
        "school_type": "ja",
        "region": "nee",
        "once_per_round": "nee",
        "co_financing": "weet-niet",
        "vo_partner": "nee",
        "technology_subject": "ja",
        "not_started": "ja",
    }.items()
)
PUBLIC = [
    "/",
    "/fondsen/stimuleringsregeling-po",
    "/check/PO-T9",
    "/check/PO-T9?toon-uitslag=1",
    f"/check/PO-T9?{CHECK}&toon-uitslag=1",
    "/inloggen",
    "/hulp",
    "/privacy",
    "/toegankelijkheid",
]


def test_before_signing_in(app: Flask, cast: Cast, client: FlaskClient) -> None:
    open_round(app, cast)
    in_english(client)
    assert crawl(client, PUBLIC) == {}


def test_the_check_would_see_dutch(client: FlaskClient) -> None:
    assert len(dutch_in(client.get("/hulp").text)) > 5


def test_from_the_first_page_to_a_completion(app: Flask, cast: Cast, clock: Clock, client: FlaskClient) -> None:
    open_round(app, cast)
    sign_in(client, cast.anna.email)
    in_english(client)
    assert crawl(client, ["/aanvragen", "/aanvragen/nieuw", "/aanvragen/nieuw?ronde=PO-T9"]) == {}
    ref = begin(client, "PO-T9")
    at = f"/aanvragen/{ref}"
    tasks = [f"{at}/taak/{section}" for section in (*PAGES, "documents")]
    empty = [
        at,
        f"{at}/akkoord",
        f"{at}/toestemming",
        *tasks,
        *(f"{path}?van=controle" for path in tasks),
        f"{at}/controle",
    ]
    assert crawl(client, empty) == {}
    wrong = {
        "project": {"pupils": "many", "starts_on": "tomorrow", "title": "word " * 40},
        "plan": {"planning.0.activity": "x", "lasting": "maybe"},
        "partners": {"partners-1-kind": "vo", "partners-1-name": "99ZZ99"},
        "budget": {"lines-1-price": "12oo", "lines-1-quantity": "0", "requested": "1.20"},
        "co_financing": {"shares-1-kind": "company", "shares-1-amount": "x", "shares-1-hours": "-1"},
    }
    said: dict[str, list[str]] = {}
    for section, typed in wrong.items():
        answer = save(client, ref, section, typed)
        assert answer.status_code == 422, section
        said |= {section: found} if (found := dutch_in(answer.text)) else {}
    assert said == {}
    complete(client, ref)
    for section, typed in ENGLISH.items():
        assert save(client, ref, section, typed).status_code == 303, section
    save(client, ref, "co_financing", PAGES["co_financing"] | {"shares-1-amount": "1,00"})
    assert crawl(client, [at, *tasks, f"{at}/controle"]) == {}
    save(client, ref, "co_financing", PAGES["co_financing"])
    assert send(client, ref).status_code == 303
    sent = [
        at,
        f"{at}/ingestuurd",
        f"{at}/antwoorden",
        f"{at}/taak/project",
        f"/application/{ref}/withdraw",
        "/aanvragen",
    ]
    assert crawl(client, sent) == {}
    with writing(app) as session:
        Cases(session).no_interest(cast.handler)
        given = {"explanation": "Who pays with you?", "fields": ["pupils", "lines", "partner_letter", "shares"]}
        perform(session, "application", ref, "ask_completion", actor=cast.handler, now=clock.now, given=given)
        assert session.scalars(select(Tranche.spec["name"]["en"].as_string())).one() == "Spring 2025"
    completing = [f"{at}/aanvulling", *(f"{at}/taak/{s}" for s in ("project", "budget", "co_financing", "documents"))]
    assert crawl(client, completing) == {}
    closed = post(client, f"{at}/taak/project", {"title": "Other", "do": "save", "answers_version": "1"})
    assert dutch_in(closed.text) == []
    save(client, ref, "project", {"pupils": "75"})
    assert send(client, ref).status_code == 303
    assert crawl(client, [f"{at}/aanvulling", f"{at}/ingestuurd", at]) == {}
    again = post(client, "/aanvragen/nieuw", {"keuze": "PO-T9|99AA00", "request_key": "again"})
    assert crawl(client, [again.headers["Location"], again.headers["Location"].removesuffix("/eerder")]) == {}
