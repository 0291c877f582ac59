"""An invented letter and an invented report, for tests and for looking at."""

from __future__ import annotations

from datetime import UTC, datetime

from fundapp.domain.outside import (
    Amounts,
    Bullets,
    Facts,
    Flag,
    Heading,
    Letter,
    Paragraph,
    Report,
    ReportRow,
    ReportSection,
    Signature,
)

LETTER = Letter(
    title="Eindbedrag voor PO-T1-02: 3D-printen op school",
    language="nl",
    made_at=datetime(2025, 3, 14, 16, 0, tzinfo=UTC),
    dateline="14 maart 2025",
    sender_name="Techniekfonds Voorbeeld",
    sender_lines=("Voorbeeldkade 1", "4331 XX Voorbeeldstad", "loket@fonds.example", "0100 – 00 00 00"),
    recipient=("Stichting De Zeebries", "t.a.v. mevrouw L. van der Zee", "Duinweg 2", "4300 XX Voorbeelddorp"),
    references=(("Ons kenmerk", "PO-T1-02"), ("School", "De Zeebries (99AB00)"), ("Behandeld door", "J. Jansen")),
    blocks=(
        Paragraph("Beste mevrouw Van der Zee,"),
        Paragraph(
            "Op 3 maart 2025 kregen wij uw verantwoording voor het project “3D-printen op school”. Wij hebben die "
            "bekeken. In deze brief leest u wat het eindbedrag is en hoe wij dat hebben berekend."
        ),
        Heading("Ons besluit"),
        Paragraph("Het eindbedrag is € 5.880,20. U kreeg al € 5.120,00. Wij betalen u daarom nog € 760,20."),
        Facts(
            "De gegevens van uw aanvraag",
            (
                ("Fonds", "Fonds Techniekonderwijs, tranche 1"),
                ("Aanvrager", "Stichting De Zeebries"),
                ("Besluit tot toekenning", "12 april 2024"),
                ("Looptijd", "1 mei 2024 tot en met 31 januari 2025"),
            ),
        ),
        Heading("Zo hebben wij gerekend"),
        Amounts(
            "Kosten die meetellen, per post",
            ("Post", "Begroot", "Uitgegeven", "Telt mee"),
            (
                ("3D-printers", (450_000, 412_500, 412_500)),
                ("Materiaal", (200_000, 182_525, 182_525)),
                ("Scholing van leraren", (150_000, 140_000, 140_000)),
                ("Onvoorzien", (None, None, 0)),
            ),
            (("Totaal", (800_000, 735_025, 735_025)), ("Eindbedrag (80 %)", (None, None, 588_020))),
        ),
        Heading("Wat gebeurt er nu?"),
        Bullets(
            (
                "Wij maken € 760,20 over op de rekening van uw bestuur, eindigend op 0002.",
                "U hoeft niets te doen.",
                "Bewaar uw bonnen en facturen tot 1 april 2032.",
            )
        ),
        Heading("Bent u het niet eens met dit besluit?"),
        Paragraph(
            "Bel ons gerust: vaak komen wij er samen uit. U kunt ook binnen zes weken na de datum van deze brief een "
            "bezwaarschrift sturen (artikel 6:7 van de Algemene wet bestuursrecht). Zet daarin:"
        ),
        Bullets(
            ("uw naam en adres;", "de datum;", "tegen welk besluit u bezwaar maakt;", "waarom u bezwaar maakt."),
            numbered=True,
        ),
        Signature("Met vriendelijke groet,", ("J. Jansen", "Voorzitter stuurgroep", "namens Techniekfonds Voorbeeld")),
    ),
)

_FLAGS = (Flag("Op schema", "positive"), Flag("Vertraagd", "attention"), Flag("Gestopt", "negative"), None)


def report(rows: int = 40) -> Report:
    """A report with so many rows in four sections, some of their cells empty."""
    made = [
        ReportRow(
            number=f"{section + 1}.{row + 1}",
            planned=f"Techniekdag {row + 1} voor groep 7 en 8, samen met drie bedrijven uit de streek.",
            reached="" if row % 4 == 1 else "De dag was op 14 november. 132 leerlingen deden mee; 9 bedrijven hielpen.",
            plans_and_changes="" if row % 5 == 3 else "In het voorjaar een tweede ronde.\nEr komt een busdienst.",
            status=_FLAGS[row % 4],
        )
        for section in range(4)
        for row in range(rows // 4)
    ]
    titles = ("Instroom", "Docenten en onderwijs", "Samen met bedrijven", "Regionale samenwerking")
    sections = tuple(
        ReportSection(title, tuple(made[n * (rows // 4) : (n + 1) * (rows // 4)])) for n, title in enumerate(titles)
    )
    return Report(
        title="Voortgangsrapportage Oosterschelde",
        subtitle="Periode 1 september tot en met 31 december 2025 (verzonnen gegevens)",
        language="nl",
        made_at=datetime(2026, 1, 15, 9, 0, tzinfo=UTC),
        classification="Intern",
        columns=("Gepland", "Bereikt", "Plannen en wijzigingen"),
        sections=sections,
    )
