"""Places for files: what they take, and what is said of a file that will not do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.upload import LONGEST_NAME, MEGABYTE, MOST_FILES, FileType, Slot, shown_name, size_text, tidy_name

SLOT = Slot("quote", (FileType.PDF, FileType.JPG), 2 * MEGABYTE)


def said(refused: pytest.ExceptionInfo[Refused]) -> str:
    """The Dutch sentence; it is about this place, and tells what to do."""
    (refusal,) = refused.value.refusals
    assert (refusal.field, refusal.kind) == ("quote", Kind.INVALID)
    return refusal.sentence.nl


@pytest.mark.parametrize(
    ("size", "nl", "en"),
    [
        (1, "1 kB", "1 kB"),
        (1024, "1 kB", "1 kB"),
        (1025, "2 kB", "2 kB"),
        (900 * 1024, "900 kB", "900 kB"),
        (MEGABYTE, "1 MB", "1 MB"),
        (10 * MEGABYTE, "10 MB", "10 MB"),
        (10 * MEGABYTE + 1, "10,1 MB", "10.1 MB"),
        (25_000_000, "23,9 MB", "23.9 MB"),
    ],
)
def test_sizes_are_rounded_up(size: int, nl: str, en: str) -> None:
    assert (size_text(size).nl, size_text(size).en) == (nl, en)


def test_size_and_kind_are_named() -> None:
    SLOT.check_size("a.pdf", 2 * MEGABYTE)
    with pytest.raises(Refused) as refused:
        SLOT.check_size("map/grote offerte.pdf", 2 * MEGABYTE + 1)
    assert said(refused) == "Het bestand “grote offerte.pdf” is 2,1 MB. Het mag hoogstens 2 MB zijn. Maak het kleiner."
    with pytest.raises(Refused) as refused:
        SLOT.check_size("leeg.pdf", 0)
    assert "“leeg.pdf” is leeg" in said(refused)
    with pytest.raises(Refused) as refused:
        SLOT.check_type("brief.docx", FileType.DOCX, locked=False)
    assert "Bewaar het als pdf of jpg, zonder macro's" in said(refused)
    with pytest.raises(Refused) as refused:
        SLOT.check_type("geheim.zip", None, locked=True)
    assert "“geheim.zip” zit een wachtwoord" in said(refused)
    assert SLOT.check_type("foto.png", FileType.JPG, locked=False) is FileType.JPG


def test_a_place_fills_up_and_a_question_has_one_file() -> None:
    SLOT.check_room(MOST_FILES - 1)
    with pytest.raises(Refused) as refused:
        SLOT.check_room(MOST_FILES)
    assert "Haal er eerst een weg" in said(refused)
    Slot("quote", (FileType.PDF,), single=True).check_room(1)


def test_what_the_browser_is_told() -> None:
    assert SLOT.accept == ".pdf,.jpg,.jpeg,image/jpeg"
    assert Slot("q", (FileType.PDF,)).accept == ".pdf"


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Brief van de school.PDF", "Brief van de school.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\anna\\brief.docx", "brief.pdf"),
        ("\u202egnp.exe", "gnp.pdf"),
        ("", "bestand.pdf"),
        ("x" * 500, "x" * 100 + ".pdf"),
        ("\ud800.pdf", "bestand.pdf"),
    ],
)
def test_names_of_files_are_tidied(given_name: str, kept: str) -> None:
    assert tidy_name(given_name, FileType.PDF) == kept


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_name_becomes_one_that_can_be_kept_and_shown(given_name: str) -> None:
    kept, shown = tidy_name(given_name, FileType.ODT), shown_name(given_name)
    assert kept.endswith(".odt")
    assert 5 <= len(kept) <= LONGEST_NAME + 4
    assert len(shown) <= 60
    for name in (kept, shown):
        assert name.isprintable()
        assert not set(name) & set("/\\")
        name.encode()
