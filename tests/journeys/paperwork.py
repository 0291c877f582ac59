"""What people fill in, page by page, from the sheets of the worked case (fundapp/data/demo/worked_case.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundapp.domain.money import plain_euro
from fundapp.services.demo import DATA
from fundapp.services.mail_link import Purpose
from tests.journeys.cast import SHEETS
from tests.journeys.conftest import Town
from tests.support.visitor import Visitor

LETTER = DATA / "demo" / "voorbeeldbrief.pdf"

_SECONDARY, _COMPANY = "School voor voortgezet onderwijs", "Bedrijf"
_COST = {
    "teaching_materials": "Lesmateriaal",
    "hired_expertise": "Ingehuurde kennis",
    "talks_with_vo": "Overleg met de vo-school",
    "travel": "Vervoer en bezoek",
}


def day(iso: str) -> str:
    """A day as somebody types it: 10-1-2022."""
    year, month, number = (int(part) for part in iso.split("-"))
    return f"{number}-{month}-{year}"


def write_application(school: Visitor, sheet: Mapping[str, Any]) -> None:
    """Write a whole application of the fund for primary education, up to the check."""
    school.open(f"/aanvragen/nieuw?ronde={sheet['ref'].rpartition('-')[0]}").press("Begin deze aanvraag")
    school.see(sheet["ref"], "0 van de 7 onderdelen zijn af.").follow("Verder met: Uw project")
    project(school, sheet)
    plan(school)
    partners(school, sheet["partners"])
    budget(school, sheet)
    co_financing(school, sheet["contributions"])
    documents(school, sheet["documents"])
    signing(school, sheet)


def project(school: Visitor, sheet: Mapping[str, Any]) -> None:
    """The page “Uw project”."""
    school.fill("Hoe heet uw project?", sheet["answers"]["title"])
    school.fill("Wat gaat u doen?", sheet["answers"]["summary"])
    school.fill("Wanneer begint het project?", day(sheet["starts_on"]))
    school.fill("Wanneer is het project klaar?", day(sheet["ends_on"]))
    school.choose("Welke groepen doen mee?", "Groep 7 en 8").fill("Hoeveel leerlingen doen mee?", "60")
    school.press("Opslaan en verder")


def plan(school: Visitor) -> None:
    """The page “Uw plan”."""
    school.choose("Gaat uw project over wetenschap en techniek in de klas?", "Ja")
    school.fill("Wat kunnen leerlingen straks wat zij nu niet kunnen?", "Iets bouwen dat het doet, en dat uitleggen.")
    school.fill("Wat", "Bouwen", part="Regel 1").fill("Wanneer", "Voorjaar", part="Regel 1")
    school.fill("Wie", "Groep 7 en 8", part="Regel 1")
    school.choose("Houdt techniek na het project een vaste plek op uw school?", "Ja")
    school.fill("Hoe zorgt u daarvoor?", "Het staat in ons schoolplan.")
    school.fill("Hoe deelt u wat u leert met andere scholen?", "Wij zetten de lessen online.")
    school.press("Opslaan en verder")


def partners(school: Visitor, found: list[dict[str, Any]]) -> None:
    """The page “Met wie werkt u samen?”."""
    for number, partner in enumerate(found, 1):
        part = f"Partner {number}"
        if number > 1:
            school.press("Partner toevoegen")
        school.pick("Wat is het?", _SECONDARY if partner["kind"] == "vo" else _COMPANY, part=part)
        school.fill("Naam", partner["name"], part=part)
        if partner.get("school_code"):
            school.press("Zoek deze school", part=part)
            school.choose("Welke school bedoelt u?", f"{partner['name']}, Goes-demo ({partner['school_code']})")
    school.fill("Wat doet u samen met de vo-school?", "Twee docenten geven les bij ons, elke week.")
    school.press("Opslaan en verder")


def budget(school: Visitor, sheet: Mapping[str, Any]) -> None:
    """The page “Begroting”."""
    for number, (category, description, quantity, cents) in enumerate(sheet["budget"], 1):
        part = f"Kostenregel {number}"
        if number > 1:
            school.press("Kostenregel toevoegen")
        school.pick("Soort kosten", _COST[category], part=part).fill("Omschrijving", description, part=part)
        school.fill("Aantal", str(quantity), part=part).fill("Prijs per stuk", plain_euro(cents), part=part)
    school.fill("Hoeveel vraagt u aan het fonds?", plain_euro(sheet["requested"]))
    ordered = sheet["answers"].get("already_ordered", False)
    school.choose("Hebt u voor dit project al iets besteld, of bent u al begonnen?", "Ja" if ordered else "Nee")
    if ordered:
        school.fill("Wat hebt u al besteld of gedaan?", sheet["answers"]["already_ordered_what"])
    school.choose("Krijgt u voor dezelfde kosten al ander publiek geld?", "Nee")
    school.press("Opslaan en verder")


def co_financing(school: Visitor, shares: list[dict[str, Any]]) -> None:
    """The page “Wie betaalt er mee?”."""
    for number, share in enumerate(shares, 1):
        part = f"Bijdrage {number}"
        if number > 1:
            school.press("Bijdrage toevoegen")
        own = share["kind"] == "own"
        school.pick("Van wie?", "Uw eigen school" if own else "Een bedrijf", part=part)
        school.fill("Naam", "" if own else share["party"], part=part)
        if share["hours"]:
            school.choose("Waarmee?", "Uren", part=part)
            school.fill("Aantal uren (bij uren)", str(share["hours"]), part=part)
        else:
            school.choose("Waarmee?", "Geld", part=part)
            school.fill("Bedrag (bij geld of spullen)", plain_euro(share["cents"]), part=part)
    others = any(share["kind"] != "own" for share in shares)
    school.choose("Betaalt een ander dan uw school mee?", "Ja" if others else "Nee")
    school.press("Opslaan en verder")


def documents(school: Visitor, kinds: list[str]) -> None:
    """The page “Bijlagen”."""
    parts = {"partner_letter": "Brief van de vo-school", "co_financing_letter": "Toezegging van wie meebetaalt"}
    for kind in kinds:
        school.attach("Bestand kiezen", LETTER, part=parts[kind])
    school.press("Opslaan en verder")


def signing(school: Visitor, sheet: Mapping[str, Any], button: str = "Opslaan en verder") -> None:
    """The page “Akkoord van de schoolleiding”."""
    part = "Wie tekent er namens de school?"
    school.fill("Naam", sheet["signer"], part=part).fill("E-mailadres", sheet["signer_email"], part=part)
    school.press(button)


def agree(town: Town, ref: str) -> None:
    """The head of the school reads the application that the mail leads to, and signs it."""
    sheet = SHEETS[ref]
    subject = f"Wilt u deze aanvraag goedkeuren? {ref}"
    leader = town.by_link(sheet["signer_email"], subject, Purpose.SIGNATURE)
    leader.see(sheet["answers"]["title"], "Met uw akkoord zegt u").press("Akkoord geven")
    leader.see("Bedankt voor uw antwoord", "U gaf al akkoord.").leave()
    del town.visitors[sheet["signer_email"]]


def open_case(judge: Visitor, ref: str) -> Visitor:
    """Go to a case; say that there is no interest in it, where that was not said yet."""
    judge.open(f"/beoordelen/{ref}")
    if "Voordat u de aanvraag opent" in judge.text:
        judge.choose("Hebt u een belang bij deze aanvraag?", "Nee").press("Bevestigen")
    return judge


CRITERIA = ("Samenwerking met de vo-school", "Blijvend effect", "Wat leerlingen leren", "Delen met anderen")


def advise(panel: Visitor, ref: str, score: int, explanation: str, reasons: tuple[str, ...] = ()) -> None:
    """Give the advice of the panel: to award what the rules allow, or to reject for reasons."""
    open_case(panel, ref).follow("Advies vastleggen")
    for name, weight in zip(CRITERIA, (30, 30, 25, 15), strict=True):
        panel.choose(f"{name} · telt {weight}% mee", str(score))
    panel.choose("Wat adviseert de commissie?", "Afwijzen" if reasons else "Toekennen")
    panel.fill("Toelichting", explanation)
    if reasons:
        tick_reasons(panel, "Waarom afwijzen?", reasons)
    panel.press("Advies vastleggen").see("Gelukt")


def tick_reasons(judge: Visitor, question: str, reasons: tuple[str, ...]) -> None:
    """Choose these reasons and no others, also where the page proposed some."""
    group = judge.page.get_by_role("group", name=question)
    if not group.is_visible():
        judge.unfold("Bij afwijzen")
    for box in group.get_by_role("checkbox").all():
        words = box.locator("xpath=../label").inner_text()
        box.set_checked(any(words.startswith(reason) for reason in reasons))


def account(school: Visitor, act: Mapping[str, Any], lines: list[str], parties: list[str]) -> None:
    """Write the final accounts of the story: what was spent and its proof, who paid with; up to the check.

    lines: the cost lines; parties: who promised to pay with, as the page calls them.
    """
    school.open(f"/aanvragen/{act['ref']}/verantwoording")
    for n, (line, cents) in enumerate(zip(lines, act["claimed"], strict=True), 1):
        school.fill("Uitgegeven", plain_euro(cents), part=line)
        if n in act.get("no_evidence", {}):
            school.unfold("Geen bewijs bij deze regel?", part=line)
            school.fill("Waarom is er geen bewijs?", act["no_evidence"][n], part=line)
        else:
            school.attach("Bewijs kiezen", LETTER, part=line)
        if n in act.get("explanations", {}):
            school.unfold("Veel meer of minder uitgegeven?", part=line)
            school.fill("Toelichting", act["explanations"][n], part=line)
    for party, received in zip(parties, act["received"], strict=True):
        school.fill(party, str(received) if "uren" in party else plain_euro(received))
    school.fill("Wat leverde het project op?", act["results"])
    school.tick("Deze tekst mag bij de resultaten op deze website staan").press("Opslaan en controleren")
