"""Letters and reports: what a reader, a screen reader and a computer find in the PDF."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fundapp.adapters import documents
from fundapp.domain.outside import Amounts, Letter, Paragraph, Report, ReportRow, ReportSection
from fundapp.services.ports import Documents
from tests.support.letters import LETTER, report
from tests.support.pdf import ReadPdf

PORT: Documents = documents


def test_letter_is_tagged_titled_and_in_its_language() -> None:
    pdf = ReadPdf(PORT.letter_pdf(LETTER))
    assert b"/Lang(nl-NL)" in pdf.catalog
    assert b"/Marked true" in pdf.catalog
    assert b"/DisplayDocTitle true" in pdf.catalog
    assert f">{LETTER.title}<" in pdf.metadata
    assert "<pdfuaid:part>1<" in pdf.metadata
    assert "pdfaid" not in pdf.metadata
    assert pdf.tags.count("Table") == 2
    assert pdf.tags.count("TH") == 4
    assert pdf.tags.count("H1") == 4
    assert pdf.tags.count("LI") == 7
    assert pdf.tags.count("Caption") == 2


def test_all_words_of_the_letter_are_in_it() -> None:
    text = ReadPdf(PORT.letter_pdf(LETTER)).text
    for expected in ("TechniekfondsVoorbeeld", "PO-T1-02", "€5.880,20", "€7.350,25", "pagina1van2", "J.Jansen"):
        assert expected in text


def test_facts_for_computers_ride_along_in_pdf_a3() -> None:
    facts = {"case": "PO-T1-02", "determined_cents": 588_020, "name": "Zoë \u200b🎉"}
    pdf = ReadPdf(PORT.letter_pdf(replace(LETTER, attached=facts)))
    assert json.loads(pdf.attachment("data.json")) == facts
    for expected in ("<pdfaid:part>3<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<"):
        assert expected in pdf.metadata


@pytest.mark.parametrize("attached", [None, {"case": "PO-T1-02"}])
def test_equal_letters_are_equal_bytes(attached: dict[str, object] | None) -> None:
    letter = replace(LETTER, attached=attached)
    assert PORT.letter_pdf(letter) == PORT.letter_pdf(letter)
    assert PORT.letter_pdf(letter) != PORT.letter_pdf(replace(letter, made_at=letter.made_at.replace(year=2024)))


def test_english_letter() -> None:
    pdf = ReadPdf(PORT.letter_pdf(replace(LETTER, language="en")))
    assert b"/Lang(en-GB)" in pdf.catalog
    assert "page1of2" in pdf.text


@pytest.mark.parametrize(
    "typed",
    [
        '#panic("x")',
        "$x^2$ *vet* _schuin_ `code`",
        "@kenmerk <label> // weg /* weg */",
        '#read("/etc/passwd")',
        "\\ ] }",
    ],
)
def test_what_people_type_is_text(typed: str) -> None:
    letter = replace(LETTER, title=typed, sender_name=typed, recipient=(typed,), blocks=(Paragraph(typed),))
    assert ReadPdf(PORT.letter_pdf(letter)).text.count("".join(typed.split())) >= 4


def test_a_sign_without_a_shape_never_stops_a_letter() -> None:
    odd = "Feest 🎉 met 漢字\x00\u202e en \ufefftab\tZoë"
    content = PORT.letter_pdf(replace(LETTER, blocks=(Paragraph(odd),), attached={"text": odd}))
    assert "Feest□met□□entabZoë" in ReadPdf(content).text


def test_a_letter_without_title_or_with_a_crooked_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="title"):
        PORT.letter_pdf(replace(LETTER, title=" "))
    with pytest.raises(ValueError, match="2 amounts under 1 columns"):
        PORT.letter_pdf(replace(LETTER, blocks=(Amounts("x", ("Post", "Bedrag"), (("a", (1, 2)),)),)))


def test_a_bare_letter_is_a_letter() -> None:
    bare = Letter("Brief", "nl", LETTER.made_at, "14 maart 2025", "Fonds", (), (), (), ())
    assert len(ReadPdf(PORT.letter_pdf(bare)).pages) == 1


def test_report_has_its_rows_label_and_page_numbers() -> None:
    pdf = ReadPdf(PORT.report_pdf(report(40)))
    assert pdf.size[0] > pdf.size[1]
    text, pages = pdf.text, len(pdf.pages)
    assert text.count("Techniekdag") == 40
    assert text.count("INTERN") == pages
    assert all(f"pagina{page}van{pages}" in text for page in range(1, pages + 1))
    assert text.count("Gepland") > 4, "the heading returns on the next page"
    assert text.count("nietingevuld") == sum(
        (not row.reached) + (not row.plans_and_changes) + (row.status is None)
        for section in report(40).sections
        for row in section.rows
    )
    assert pdf.tags.count("Table") == 4


def test_report_with_an_empty_section_and_a_very_long_cell() -> None:
    long = ReportRow("1", "Veel tekst. " * 900, "", "")
    odd = replace(report(), sections=(ReportSection("Leeg", ()), ReportSection("Lang", (long,))), language="en")
    assert isinstance(odd, Report)
    pdf = ReadPdf(PORT.report_pdf(odd))
    assert len(pdf.pages) > 1
    assert "leftempty" in pdf.text
