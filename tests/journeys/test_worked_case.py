"""The worked case, played by its people through the pages: from the first application to the last cent.

The story and its amounts are those of fundapp/data/demo/worked_case.yaml; each chapter is a point that the product must
pass. Everything runs for real: the server, the worker, the broker, the database, the mail server and the browsers.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from fundapp.adapters.embedded import wait_until
from fundapp.services.demo import accounts, story
from tests.journeys.banking import (
    OURS,
    assert_the_bank_can_read,
    bank_statement,
    credits_of,
    money,
    pay,
    read_statement,
)
from tests.journeys.cast import ANNA, BRAM, CARLA, CORRIE, DAAN, ELS, FATIMA, FRITS, GIJS, HANNA, PIM, SANNE, SHEETS, T1
from tests.journeys.conftest import Town
from tests.journeys.paperwork import LETTER, account, advise, agree, open_case, signing, tick_reasons, write_application
from tests.support.camt import received
from tests.support.pdf import ReadPdf
from tests.support.school import PDF

pytestmark = pytest.mark.browser


def test_the_worked_case(town: Town) -> None:
    a_school_applies(town)
    three_more_apply(town)
    tranche_1_is_decided(town)
    the_advances_are_paid(town)
    two_more_apply_for_tranche_2(town)
    the_clock_stops_for_exactly_the_days_waited(town)
    two_are_rejected(town)
    the_schools_account(town)
    three_final_amounts(town)
    one_cut_intended_heard_and_determined(town)
    file = three_credits_and_a_recovery(town)
    the_bank_settles_all(town, file)
    the_evaluation_names_nobody(town)
    two_people_close_the_tranche(town)
    everybody_reads_the_results(town)


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
    signing(anna, SHEETS["PO-T1-01"], "Opslaan en om akkoord vragen")
    anna.see("De mail is onderweg.", "Gevraagd, wacht op antwoord")
    agree(town, "PO-T1-01")
    anna.open("/aanvragen/PO-T1-01/taak/signing").see("Akkoord").press("Opslaan en verder")

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
        mail = town.mailed(email, f"Wij hebben uw aanvraag {ref}")
        assert "Het akkoord van uw schoolleiding ontbreekt nog." in mail
        agree(town, ref)
        town.mailed(email, f"Getekend: {ref}")


# --- The steering group decides, the advances are paid ----------------------------------------------------------------

AWARDS = dict(zip(T1, ("€ 7.500,00", "€ 6.400,00", "€ 7.200,00", "€ 5.000,00"), strict=True))
ADVANCES = dict(zip(T1, ("€ 6.000,00", "€ 5.120,00", "€ 5.760,00", "€ 4.000,00"), strict=True))


def tranche_1_is_decided(town: Town) -> None:
    town.at("2021-11-03 09:30")
    hanna = town.visitor(HANNA)
    for ref in T1:
        open_case(hanna, ref).act("In behandeling nemen").see("Wordt beoordeeld")
    town.at("2021-11-18 14:00")
    pim = town.visitor(PIM)
    for ref in T1:
        advise(pim, ref, 4, "Een sterk plan met een echte rol voor de techniekschool.")
    town.at("2021-12-02 11:00")
    sanne = town.visitor(SANNE)
    for ref, award in AWARDS.items():
        open_case(sanne, ref).follow("Toekennen").see(f"De commissie adviseerde {award}.")
        sanne.press("Toekennen").see("Toegekend", award)
    mail = town.mailed(ANNA, "Besluit over uw aanvraag PO-T1-01")
    assert "€ 7.500,00" in mail
    anna = town.visitor(ANNA).open("/aanvragen/PO-T1-01").see("Toegekend").follow("Lees de brief")
    anna.see("Toekenning voor uw aanvraag PO-T1-01", "hoogstens € 7.500,00", "bezwaar")


def the_advances_are_paid(town: Town) -> None:
    file = pay(town, "2021-12-06 10:00", "2021-12-07 10:00", "BR-2021-001", "€ 20.880,00")
    assert [cents for _, cents, _, _ in credits_of(file)] == [600000, 512000, 576000, 400000]
    town.mailed(CARLA, "Betaling voor PO-T1-03 onderweg")
    town.at("2021-12-09 09:00")
    read_statement(town, bank_statement("2021-12-08", 10_000_000, file, date(2021, 12, 8)))
    town.visitor(FATIMA).see("Ingelezen: 4 regels. Gekoppeld: 4. Nog te bekijken: 0.")
    daan = town.visitor(DAAN).open("/aanvragen/PO-T1-04")
    daan.row("Voorschot", ADVANCES["PO-T1-04"], "Betaald")


# --- 2. The clock stops while the school completes its application ----------------------------------------------------


def two_more_apply_for_tranche_2(town: Town) -> None:
    town.at("2022-06-20 15:00")
    els = town.visitor(ELS)
    write_application(els, SHEETS["PO-T2-01"])
    town.at("2022-06-21 16:00")
    frits = town.visitor(FRITS)
    write_application(frits, SHEETS["PO-T2-02"])
    frits.see("Zo kan het fonds u geen geld geven", "mag niet: spullen die al besteld zijn")
    frits.see("U en uw partners betalen samen € 600,00 (8%). Nodig is 20%: € 1.500,00. Er mist nog € 900,00.")
    town.at("2022-06-28 16:30")
    frits.press("Aanvraag insturen").see("Uw nummer is PO-T2-02")
    town.at("2022-07-01 23:40")
    els.press("Aanvraag insturen").see("Ontvangen op vrijdag 1 juli 2022, 23.40 uur.")
    for ref in ("PO-T2-02", "PO-T2-01"):
        agree(town, ref)


def the_clock_stops_for_exactly_the_days_waited(town: Town) -> None:
    town.at("2022-07-04 10:00")
    hanna = town.visitor(HANNA)
    open_case(hanna, "PO-T2-02").act("In behandeling nemen")
    town.at("2022-07-05 10:00")
    els = town.visitor(ELS).open("/aanvragen/PO-T2-01").see("Uiterlijk: vrijdag 2 december 2022")
    open_case(hanna, "PO-T2-01").row("Besluit vóór of op", "2 dec 2022").follow("Aanvulling vragen")
    hanna.see("De beslistermijn staat dan stil.")
    hanna.fill("Wat moet de school aanvullen?", "Voeg een brief toe van een vo-school waarin staat wat u samen doet.")
    hanna.choose("Bijlagen", "Brief van de vo-school")  # beside the parts that the conditions proposed
    hanna.press("Aanvulling vragen").see("Aanvulling nodig", "Staat stil.")
    mail = town.mailed(ELS, "Wij hebben nog iets nodig voor PO-T2-01")
    assert "Voeg een brief toe van een vo-school waarin staat wat u samen doet." in mail
    assert "vóór of op dinsdag 19 juli 2022" in mail

    town.at("2022-07-14 20:05")  # nine days later
    els.open("/aanvragen/PO-T2-01").see("Wij missen nog iets in uw aanvraag", "tot en met dinsdag 19 juli 2022")
    letter = {"name": "brief-delta-college.pdf", "mimeType": "application/pdf", "buffer": PDF}
    els.follow("Aanpassen Brief van de vo-school")
    els.attach("Nog een bestand kiezen", letter, part="Brief van de vo-school").press("Opslaan en verder")
    els.see("Zo stuurde u het in", "Zo staat het er nu", "brief-delta-college.pdf").press("Aanvulling insturen")
    town.mailed(ELS, "Wij hebben uw aanvulling op PO-T2-01")
    els.open("/aanvragen/PO-T2-01").see("Uiterlijk: zondag 11 december 2022")
    open_case(hanna, "PO-T2-01").row("Besluit vóór of op", "11 dec 2022").see("Wat de school veranderde")
    hanna.row("Bijlagen", "brief-delta-college.pdf")
    hanna.unfold("Waarom die dag?").see("9 dagen")
    open_case(hanna, "PO-T2-02").row("Besluit vóór of op", "2 dec 2022")  # nobody waited for this one
    open_case(hanna, "PO-T2-01").see("De school moet nog tekenen. Dat mag tot en met donderdag 28 juli 2022.")
    agree(town, "PO-T2-01")  # the letter came after the first agreement, so that one lapsed


# --- 3. Two rejections, with reasons and the remedy of the law --------------------------------------------------------

PARTNER = "U werkt niet samen met de partner die dit fonds vraagt."
STARTED = "U bent met de activiteit begonnen voordat dat mocht. Een bestelling telt ook als begin."
SHORT = "U en uw partners betalen samen te weinig mee (cofinanciering)."


def two_are_rejected(town: Town) -> None:
    town.at("2022-07-15 10:00")
    open_case(town.visitor(HANNA), "PO-T2-01").act("In behandeling nemen")
    town.at("2022-08-30 14:00")
    pim = town.visitor(PIM)
    advise(pim, "PO-T2-01", 2, "Er is geen activiteit samen met een vo-school.", ("Partner ontbreekt",))
    both = ("Activiteit al begonnen", "Te weinig cofinanciering")
    advise(pim, "PO-T2-02", 2, "De drones zijn al besteld. De eigen bijdrage is 8% en dat moet 20% zijn.", both)
    town.at("2022-09-08 11:00")
    sanne = town.visitor(SANNE)
    for ref, reasons in (("PO-T2-01", ("Partner ontbreekt",)), ("PO-T2-02", both)):
        open_case(sanne, ref).follow("Afwijzen")
        tick_reasons(sanne, "Waarom wijst u af?", reasons)
        sanne.press("Afwijzen").see("Afgewezen", *reasons)
    for email, ref, given, others in (
        (ELS, "PO-T2-01", (PARTNER,), (STARTED, SHORT)),
        (FRITS, "PO-T2-02", (STARTED, SHORT), (PARTNER,)),
    ):
        mail = town.mailed(email, f"Besluit over uw aanvraag {ref}")
        assert all(sentence in mail for sentence in given)
        school = town.visitor(email).open(f"/aanvragen/{ref}").see("Afgewezen").follow("Lees de brief")
        school.see(f"Besluit over uw aanvraag {ref}", "U krijgt geen geld voor deze aanvraag.", *given)
        school.see("U kunt ook bezwaar maken.", "binnen 6 weken na de dag waarop wij dit besluit verstuurden")
        school.see_not(*others, "heroverweging")


# --- 4. Four final accounts; one cost of 480.00 does not count --------------------------------------------------------

REPORTS = {act["ref"]: act for act in story()["acts"] if act["do"] == "account"}


def the_schools_account(town: Town) -> None:
    for at, email, ref, total in (
        ("2022-12-12 16:00", ANNA, "PO-T1-01", "€ 9.612,40"),
        ("2023-01-09 10:00", BRAM, "PO-T1-02", "€ 7.350,25"),
        ("2023-01-16 12:00", CARLA, "PO-T1-03", "€ 6.418,75"),
        ("2023-01-20 17:00", DAAN, "PO-T1-04", "€ 6.250,00"),
    ):
        town.at(at)
        school = town.visitor(email)
        lines = [line[1] for line in SHEETS[ref]["budget"]]
        parties = [
            share["party"] or "Uw school" if share["hours"] is None else f"{share['party']} (aantal uren)"
            for share in SHEETS[ref]["contributions"]
        ]
        account(school, REPORTS[ref], lines, parties)
        school.row("Opgegeven kosten", total).press("Verantwoording insturen").see("Verantwoording ingestuurd")
        town.mailed(email, f"Wij hebben uw verantwoording {ref}")


def three_final_amounts(town: Town) -> None:
    town.at("2023-02-07 10:00")
    fatima = town.visitor(FATIMA).open("/financien").row("PO-T1-04", "De Vuurtoren-demo")
    for ref, counts, final, paid_before, balance in (
        ("PO-T1-01", "€ 9.612,40", "€ 7.500,00", "€ 6.000,00", ("Nog te betalen", "€ 1.500,00")),
        ("PO-T1-02", "€ 7.350,25", "€ 5.880,20", "€ 5.120,00", ("Nog te betalen", "€ 760,20")),
        ("PO-T1-03", "€ 6.418,75", "€ 5.135,00", "€ 5.760,00", ("Terug te betalen", "€ 625,00")),
    ):
        fatima.open(f"/vaststellen/{ref}").press("Opslaan en opnieuw rekenen")
        fatima.row("Kosten die meetellen", counts).row("Eindbedrag", final).row("Al betaald", paid_before)
        fatima.row(*balance).act("Eindbedrag vaststellen").see("Eindbedrag vast")
    for email, ref, final in ((ANNA, "PO-T1-01", "€ 7.500,00"), (BRAM, "PO-T1-02", "€ 5.880,20")):
        assert final in town.mailed(email, f"Eindbedrag voor {ref}")
    town.visitor(BRAM).open("/aanvragen/PO-T1-02").follow("Eindbedrag voor PO-T1-02")
    town.visitor(BRAM).see("Wij stellen het eindbedrag vast op € 5.880,20.", "U krijgt nog € 760,20.")


WHY = "Een factuur van € 480,00 is van voor de start van het project."


def one_cut_intended_heard_and_determined(town: Town) -> None:
    town.at("2023-02-08 09:00")
    fatima = town.visitor(FATIMA).open("/vaststellen/PO-T1-04")
    fatima.fill("Telt mee, regel 1: Meetapparatuur", "3.520,00")
    fatima.press("Opslaan en opnieuw rekenen", status=422).see(
        "schrijf op waarom € 480,00 niet meetelt."
    )  # never without a reason
    fatima.fill("Reden, regel 1: Meetapparatuur", WHY).press("Opslaan en opnieuw rekenen")
    fatima.see("Niet meegeteld: € 480,00").row("Kosten die meetellen", "€ 5.770,00").row("Eindbedrag", "€ 4.616,00")
    fatima.see("Stuur eerst een voornemen, zodat de school kan reageren.").act("Voornemen sturen")
    fatima.see("De school mag nog reageren tot en met 22-02-2023.")
    mail = town.mailed(DAAN, "Uw reactie gevraagd: PO-T1-04")
    assert "€ 4.616,00" in mail
    town.at("2023-02-15 20:00")
    daan = town.visitor(DAAN).open("/aanvragen/PO-T1-04").follow("Voornemen voor het eindbedrag van PO-T1-04")
    daan.see("Dit is nog geen besluit.", f"Meetapparatuur: € 480,00 telt niet mee. {WHY}").see_not("bezwaar")
    daan.open("/aanvragen/PO-T1-04").follow("Bekijk het voornemen")
    daan.row("Meetapparatuur", "€ 4.000,00", "€ 3.520,00", "€ 480,00", WHY)
    daan.fill("Wat vindt u van dit voornemen?", "Wij begrijpen het. De eerste meters kochten wij al in december.")
    daan.press("Reactie insturen").see("De eerste meters kochten wij al in december.")
    town.mailed(FATIMA, "Reactie binnen: PO-T1-04")
    town.at("2023-02-22 09:00")
    fatima.open("/vaststellen/PO-T1-04").see("De eerste meters kochten wij al in december.")
    fatima.act("Eindbedrag vaststellen").row("Eindbedrag", "€ 4.616,00").row("Nog te betalen", "€ 616,00")
    assert "€ 4.616,00" in town.mailed(DAAN, "Eindbedrag voor PO-T1-04")


# --- 5. A payment file of three credits, and a recovery ---------------------------------------------------------------


def three_credits_and_a_recovery(town: Town) -> bytes:
    file = pay(town, "2023-03-01 10:00", "2023-03-02 10:00", "BR-2023-001", "€ 2.876,20")
    assert_the_bank_can_read(file)
    assert [(cents, account, name) for _, cents, account, name in credits_of(file)] == [
        (150000, "NL69TEST0000000001", "Stichting Demo Oosterschelde"),
        (76020, "NL42TEST0000000002", "Stichting Demo Walcheren"),
        (61600, "NL85TEST0000000004", "Stichting De Vuurtoren-demo"),
    ]
    carla = town.visitor(CARLA).open("/aanvragen/PO-T1-03").follow("Terugbetaling voor PO-T1-03")
    carla.see("Betaal € 625,00 terug.").row("Omschrijving", "TV-PO-T1-03").row("Rekening", OURS[:4])
    town.visitor(FATIMA).open("/terugvorderingen").row("TV-PO-T1-03", "Het Kompas-demo", "€ 625,00", "€ 625,00")
    town.queue.send_task("letters")  # what the scheduler sends
    assert wait_until(lambda: "Download de brief (PDF)" in carla.open(carla.path).text, 30)
    assert "TV-PO-T1-03" in ReadPdf(carla.download("Download de brief (PDF)")).text
    return file


# --- 6. The bank statement settles all, once --------------------------------------------------------------------------


def the_bank_settles_all(town: Town, file: bytes) -> None:
    town.at("2023-03-21 09:00")
    back = received(62500, "NL15TEST0000000003", "Stichting Demo Zeeuws-Vlaanderen", "TV-PO-T1-03")
    content = bank_statement(
        "2023-03-20", 7_912_000, file, date(2023, 3, 3), replace(back, booked_on=date(2023, 3, 20))
    )
    read_statement(town, content)
    fatima = town.visitor(FATIMA).see("Ingelezen: 4 regels. Gekoppeld: 4. Nog te bekijken: 0.")
    settled = money(town)
    assert settled == (*settled[:1], "€ 0,00")
    read_statement(town, content)
    fatima.see("Dit was al ingelezen. Er is niets veranderd.")
    assert money(town) == settled
    fatima.open("/terugvorderingen").see("Geen open terugvorderingen.")
    for email, ref in zip((ANNA, BRAM, CARLA, DAAN), T1, strict=True):
        town.visitor(email).open(f"/aanvragen/{ref}").see("Afgerond")
        town.mailed(email, f"Uw project {ref} is afgerond")


# --- 8. The evaluation is public, and names nobody --------------------------------------------------------------------

EVALUATION = next(act["text"] for act in story()["acts"] if act["do"] == "publish")


def the_evaluation_names_nobody(town: Town) -> None:
    town.at("2023-12-11 10:00")
    town.visitor(FATIMA).open("/tranches/PO-T1/sluiten").see("Nog 1 punt open.")
    corrie = town.visitor(CORRIE).open("/tranches/PO-T1/evaluatie")
    corrie.fill("Wat leverde deze ronde op?", f"{EVALUATION} Met dank aan Anna de Wit.")
    corrie.press("Evaluatie publiceren", status=422).see("In de tekst staan persoonsgegevens: “Anna de Wit”.")
    town.passer_by().open("/resultaten").see_not("Met dank aan")
    corrie.fill("Wat leverde deze ronde op?", EVALUATION).press("Evaluatie publiceren").see("Gepubliceerd")


# --- 7. Two people close the tranche; 6,868.80 was not spent ----------------------------------------------------------


def two_people_close_the_tranche(town: Town) -> None:
    town.at("2023-12-12 10:00")
    fatima = town.visitor(FATIMA).open("/tranches/PO-T1/sluiten").see("Alles is klaar.")
    fatima.act("Sluiten voorstellen")
    assert fatima.page.get_by_role("link", name="Tranche sluiten").count() == 0  # not by who proposed it
    town.at("2023-12-13 10:00")
    gijs = town.visitor(GIJS).open("/tranches/PO-T1/sluiten").act("Tranche sluiten")
    gijs.see("Gesloten op woensdag 13 december 2023, 10.00 uur.")
    gijs.row("Vastgesteld en betaald", "€ 23.131,20").row("Niet besteed", "€ 6.868,80").row("Plafond", "€ 30.000,00")
    gijs.row("Nooit toegekend", "€ 3.900,00").row("Toegekend en vrijgevallen", "€ 2.968,80")


def everybody_reads_the_results(town: Town) -> None:
    reader = town.passer_by().open("/resultaten").see(EVALUATION)
    reader.row("Projecten", "4").row("Uitgegeven", "€ 23.131,20").row("Niet gebruikt", "€ 6.868,80")
    for ref in T1:
        reader.open("/resultaten").follow(SHEETS[ref]["answers"]["title"]).see(REPORTS[ref]["results"])
        reader.see_not(*NAMES)
    reader.open("/resultaten").see_not(*NAMES)


NAMES = [person["name"] for person in accounts()] + [sheet["signer"] for sheet in story()["applications"]]
