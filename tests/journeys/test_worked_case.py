"""The worked case, played by its people through the pages: from the first application to the last cent.

The story and its amounts are those of fundapp/data/demo/worked_case.yaml; each chapter is a point that the product must
pass. Everything runs for real: the server, the worker, the broker, the database, the mail server and the browsers.
"""

from __future__ import annotations

from typing import Any

import pytest

from fundapp.services.demo import story
from tests.journeys.conftest import Town
from tests.journeys.paperwork import LETTER, advise, open_case, write_application

pytestmark = pytest.mark.browser

SHEETS: dict[str, Any] = {sheet["ref"]: sheet for sheet in story()["applications"]}
T1 = ("PO-T1-01", "PO-T1-02", "PO-T1-03", "PO-T1-04")

ANNA, BRAM, CARLA, DAAN = (
    "anna@ozobot.example.org",
    "bram@zeebries.example.org",
    "carla@kompas.example.org",
    "daan@vuurtoren.example.org",
)
ELS, FRITS = "els@schelp.example.org", "frits@golfbreker.example.org"
HANNA, PIM, SANNE = "hanna@stoz.example.org", "pim@stoz.example.org", "sanne@stoz.example.org"
FATIMA, GIJS, CORRIE = "fatima@stoz.example.org", "gijs@stoz.example.org", "corrie@stoz.example.org"


def test_the_worked_case(town: Town) -> None:
    a_school_applies(town)
    three_more_apply(town)


# --- 1. A school applies and hears that it was received ---------------------------------------------------------------


def a_school_applies(town: Town) -> None:
    town.at("2021-10-05 10:15")
    anna = town.visitor(ANNA)
    anna.open("/aanvragen").see("Nieuwe aanvraag beginnen", "Sluit maandag 1 november 2021, 17.00 uur")
    anna.follow("Begin een aanvraag").see("De Ozobot").press("Begin deze aanvraag")
    anna.see("PO-T1-01", "Nog 27 dagen.", "0 van de 7 onderdelen zijn af.").follow("Verder met: Uw project")

    anna.fill("Hoe heet uw project?", "Robots in groep 7 en 8")
    anna.fill("Wat gaat u doen?", SHEETS["PO-T1-01"]["answers"]["summary"])
    anna.fill("Wanneer begint het project?", "10-1-2022").fill("Wanneer is het project klaar?", "31-10-2022")
    anna.choose("Welke groepen doen mee?", "Groep 7 en 8").fill("Hoeveel leerlingen doen mee?", "60")
    anna.press("Opslaan en verder").see("Opgeslagen om 10.15 uur.")

    anna.choose("Gaat uw project over wetenschap en techniek in de klas?", "Ja")
    anna.fill("Wat kunnen leerlingen straks wat zij nu niet kunnen?", "Een robot bouwen en uitleggen hoe hij werkt.")
    anna.fill("Wat", "Bouwen", part="Regel 1").fill("Wanneer", "voorjaar 2022", part="Regel 1")
    anna.fill("Wie", "Groep 7 en 8", part="Regel 1")
    anna.choose("Houdt techniek na het project een vaste plek op uw school?", "Ja")
    anna.fill("Hoe zorgt u daarvoor?", "De lessen komen in ons jaarplan.")
    anna.fill("Hoe deelt u wat u leert met andere scholen?", "Twee scholen kijken een keer mee.")
    anna.press("Opslaan en verder")

    anna.pick("Wat is het?", "School voor voortgezet onderwijs", part="Partner 1")
    anna.fill("Naam", "Delta College-demo", part="Partner 1").press("Zoek deze school", part="Partner 1")
    anna.choose("Welke school bedoelt u?", "Delta College-demo, Goes-demo (99VA00)")
    anna.fill("Wat doet u samen met de vo-school?", "Leerlingen van het vmbo helpen bij het programmeren.")
    anna.press("Opslaan en verder")

    lines = (
        ("Lesmateriaal", "Robotsets", "15", "425,00"),
        ("Ingehuurde kennis", "Training van het team", "3", "600,00"),
        ("Overleg met de vo-school", "Overleg over de leerlijn", "10", "120,00"),
    )
    for number, (kind, description, quantity, price) in enumerate(lines, 1):
        part = f"Kostenregel {number}"
        if number > 1:
            anna.press("Kostenregel toevoegen")
        anna.pick("Soort kosten", kind, part=part).fill("Omschrijving", description, part=part)
        anna.fill("Aantal", quantity, part=part).fill("Prijs per stuk", price, part=part)
    anna.choose("Hebt u voor dit project al iets besteld, of bent u al begonnen?", "Nee")
    anna.choose("Krijgt u voor dezelfde kosten al ander publiek geld?", "Nee")
    anna.fill("Hoeveel vraagt u aan het fonds?", "7.500,00").press("Opslaan")
    anna.row("Totale kosten", "€ 9.375,00").row("Hoogstens uit het fonds", "€ 7.500,00")
    anna.row("U vraagt", "€ 7.500,00").see("Dit past binnen de regels.").press("Opslaan en verder")

    anna.see("Er mist nog € 1.875,00.").pick("Van wie?", "Uw eigen school", part="Bijdrage 1")
    anna.choose("Waarmee?", "Geld", part="Bijdrage 1")
    anna.fill("Bedrag (bij geld of spullen)", "1.875,00", part="Bijdrage 1")
    anna.choose("Betaalt een ander dan uw school mee?", "Nee").press("Opslaan en verder")
    anna.attach("Bestand kiezen", LETTER, part="Brief van de vo-school").press("Opslaan en verder")
    anna.choose("Wie is akkoord met deze aanvraag?", "De schoolleider")
    anna.fill("Naam van die persoon", "Ruud de Nooijer").press("Opslaan en verder")

    town.at("2021-10-05 11:00")
    anna.see("Controleer uw antwoorden", "voorbeeldbrief.pdf").see_not("Niet voldaan", "Wat u nog moet invullen")
    anna.press("Aanvraag insturen").see("Uw aanvraag is ingestuurd", "Uw nummer is PO-T1-01")
    anna.see("Ontvangen op dinsdag 5 oktober 2021, 11.00 uur.", "de onafhankelijke adviescommissie")
    mail = town.mailed(ANNA, "Wij hebben uw aanvraag PO-T1-01")
    assert "U stuurde de aanvraag “Robots in groep 7 en 8” in op dinsdag 5 oktober 2021, 11.00 uur." in mail
    assert f"{town.site}/aanvragen/PO-T1-01" in mail
    anna.follow("Volg uw aanvraag").see("Ingestuurd", "voorbeeldbrief.pdf")


def three_more_apply(town: Town) -> None:
    for email, ref, written, sent in (
        (BRAM, "PO-T1-02", "2021-10-12 09:00", "2021-10-12 10:30"),
        (CARLA, "PO-T1-03", "2021-10-20 13:00", "2021-10-20 15:45"),
        (DAAN, "PO-T1-04", "2021-10-28 19:30", "2021-10-28 20:10"),
    ):
        town.at(written)
        school = town.visitor(email)
        write_application(school, SHEETS[ref])
        town.at(sent)
        school.press("Aanvraag insturen").see(f"Uw nummer is {ref}")
        town.mailed(email, f"Wij hebben uw aanvraag {ref}")
