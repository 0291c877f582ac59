"""Directory files in every shape that DUO has given them, and every way in which a file does not fit."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from fundapp.adapters.register import DATA, parse, read_file, read_regions
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.register import Level, SchoolRecord, Sector

INVENTED = Path(__file__).resolve().parents[1] / "data" / "register"
PRIMARY = (INVENTED / "primary-2026.csv").read_text("utf-8")
SPECIAL = (INVENTED / "special-2026.csv").read_text("utf-8")
HEADER, FIRST = PRIMARY.splitlines()[:2]


def by_code(name: str) -> dict[str, SchoolRecord]:
    return {record.code: record for record in read_file(INVENTED / name).records}


def test_commas_quotes_and_a_byte_order_mark_make_no_difference() -> None:
    assert by_code("primary-2026-comma-bom.csv") == by_code("primary-2026.csv")


def test_the_shape_of_2021_is_read_as_the_shape_of_2026() -> None:
    assert by_code("secondary-2021-windows1252.csv") == by_code("secondary-2026.csv")
    old = by_code("primary-2021-windows1252.csv")
    assert old["99ZA00"].name == "Het Mozaïek"
    assert old["99ZB00"].name == "De Oude Zon – 's-Heer"
    assert old["99ZC00"].street == old["99ZC00"].website == old["99ZB00"].correspondence_place == ""


def test_the_telephone_number_is_not_kept() -> None:
    assert "0000-000000" in (INVENTED / "primary-2021-windows1252.csv").read_text("cp1252")
    assert "0000-000000" not in repr(read_file(INVENTED / "primary-2021-windows1252.csv"))


def test_the_columns_tell_the_sector() -> None:
    assert read_file(INVENTED / "primary-2026.csv").sector is Sector.PRIMARY
    assert {r.level for r in by_code("secondary-2026.csv").values()} == {Level.VO}
    special = by_code("special-2026.csv")
    assert (special["99XA00"].level, special["99XB01"].level) == (Level.SBO, Level.SO_VSO)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("bo-vestigingen-zeeland-2026-08.csv", 190),
        ("vo-vestigingen-zeeland-2026.csv", 41),
        ("sbo-so-vso-vestigingen-zeeland-2026.csv", 27),
    ],
)
def test_the_files_of_zeeland_fit(name: str, rows: int) -> None:
    file = read_file(DATA / name)
    assert len(file.records) == rows
    assert file.provinces == {"zeeland"}


def test_a_municipality_number_without_its_zeros_is_the_same_number() -> None:
    short = parse("short.csv", PRIMARY.replace(";0687;", ";687;").encode())
    assert short.records[0].municipality_number == "0687"


def test_a_file_without_postal_addresses_says_that_it_lacks_them() -> None:
    columns = [n for n, column in enumerate(HEADER.split(";")) if "CORRESPONDENTIE" not in column]
    rows = [";".join(row.split(";")[n] for n in columns) for row in (HEADER, FIRST)]
    given = parse("short.csv", "\n".join(rows).encode()).given
    assert "correspondence_street" not in given
    assert "street" in given


def test_every_municipality_of_the_region_has_a_sub_region() -> None:
    regions = read_regions()
    assert len(regions.by_municipality) == 13
    assert regions.of("0687") == "walcheren"
    assert regions.of("0716") == "oosterschelde"  # Tholen, whose ONDERWIJSGEBIED is not Zeeland
    assert regions.of("0363") is None


def changed(old: str, new: str, text: str = PRIMARY) -> bytes:
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "f.csv: is empty."),
        (b" \r\n\r\n", "f.csv: is empty."),
        (codecs.BOM_UTF8, "f.csv: is empty."),
        (HEADER.encode(), "f.csv, row 1: has no school at all."),
        (b"PK\x03\x04\n\x00\x00", "f.csv, row 2: is not a text file."),
        (PRIMARY.encode("utf-16"), "f.csv, row 1: is not a text file."),
        (b"%PDF-1.7\n", "f.csv, row 1: the column INSTELLINGSCODE is missing."),
        (changed("POSTCODE;", "POSTKODE;"), "f.csv, row 1: the column POSTCODE is missing."),
        (changed("VAKANTIEREGIO", "DENOMINATIE"), "f.csv, row 1: the column DENOMINATIE is there twice."),
        (changed("VAKANTIEREGIO", "MBO SOORT"), "f.csv, row 1: unknown column 'MBO SOORT'."),
        (changed("VAKANTIEREGIO", "ONDERWIJSSTRUCTUUR", SPECIAL), "columns of special and of secondary education"),
        (changed("99ZA00;", "99ZA00;;"), "f.csv, row 2: 31 fields, the header has 30."),
        (changed("Het Mozaïek;", ""), "f.csv, row 2: 29 fields, the header has 30."),
        (changed("99ZA00;", "99za00;"), "f.csv, row 2, VESTIGINGSCODE: '99za00': not a site code"),
        (changed("99ZA;", "99ZB;"), "f.csv, row 2, VESTIGINGSCODE: '99ZA00': does not begin with"),
        (changed("99901", "9990"), "f.csv, row 2, BEVOEGD GEZAG NUMMER: '9990': not a number of five digits"),
        (changed("4301 XA", "4301XA"), "f.csv, row 3, POSTCODE: '4301XA': not a postcode"),
        (changed("Het Mozaïek", " "), "f.csv, row 2, VESTIGINGSNAAM: '': is empty"),
        (changed("Het Mozaïek", "Het Moza\ufffdek"), "f.csv, row 2, VESTIGINGSNAAM: a character that is not a letter"),
        (changed("Het Mozaïek", '"Het\nMozaïek"'), "f.csv, row 3, VESTIGINGSNAAM: a character that is not a letter"),
        (changed("Het Mozaïek", '"Het Mozaïek'), "the quotation marks do not match"),
        (f"{PRIMARY}{FIRST}\n".encode(), "f.csv, row 6, VESTIGINGSCODE: 99ZA00 is in the file twice."),
        (changed("SBAO;", "MBO;", SPECIAL), "f.csv, row 2, SOORT PRIMAIR ONDERWIJS: unknown kind 'MBO'."),
        (PRIMARY.encode().replace(b"zonnetje", b"").replace(b"Zonnetje", b"Zonn\xebtje"), "f.csv, row 3: characters"),
        (PRIMARY.encode("cp1252").replace(b"Ons", b"\x81ns"), "f.csv, row 5: characters that are not UTF-8"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_place(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        parse("f.csv", content)
    (refusal,) = refused.value.refusals
    assert sentence in refusal.sentence.en
    assert refusal.sentence.en.endswith("Nothing was imported.")
    assert refusal.kind is Kind.INVALID


def test_the_refusal_uses_the_files_own_column_name() -> None:
    old = (INVENTED / "primary-2021-windows1252.csv").read_bytes()
    with pytest.raises(Refused, match="VESTIGINGSNUMMER"):
        parse("old.csv", old.replace(b"99ZA00", b"00"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "schools.csv"):
        with pytest.raises(Refused, match=r": cannot be read \(.*\)\. Nothing was imported"):
            read_file(path)
