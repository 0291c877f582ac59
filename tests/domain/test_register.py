"""The rules of an import: what is a school, what a file covers, what is new, changed, closed, open again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fundapp.domain.register import (
    FIELD_LABELS,
    PROVINCES,
    RECORD_FIELDS,
    Change,
    KnownSchool,
    Level,
    Origin,
    RegionMap,
    RegisterFile,
    SchoolRecord,
    Sector,
    amsterdam_day,
    compare,
    covered,
    find_duplicate,
    find_fault,
    fold,
    plan_import,
    sub_region_key,
)

REGIONS = RegionMap(names={"walcheren": "Walcheren"}, by_municipality={"0687": "walcheren"})
SCHOOL = SchoolRecord(
    code="99ZA00",
    level=Level.PO,
    board_number="99901",
    name="Het Mozaïek",
    street="Voorbeeldlaan",
    house_number="1",
    postcode="4335 XA",
    place="MIDDELBURG",
    municipality_number="0687",
    municipality_name="MIDDELBURG",
    province="Zeeland",
    denomination="Openbaar",
    website="",
    sub_region="walcheren",
)


def school(code: str, **other: object) -> SchoolRecord:
    return replace(SCHOOL, code=code, **other)  # type: ignore[arg-type]  # the fields' own types


def file(*records: SchoolRecord, sector: Sector = Sector.PRIMARY, lacks: tuple[str, ...] = ()) -> RegisterFile:
    return RegisterFile("file.csv", "0" * 64, sector, frozenset(RECORD_FIELDS) - frozenset(lacks), records)


def known(
    *records: SchoolRecord, closed_on: date | None = None, origin: Origin = Origin.DIRECTORY
) -> dict[str, KnownSchool]:
    return {record.code: KnownSchool(record, closed_on, origin) for record in records}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Het Mozaïek", "het mozaiek"),
        ("'t Zonnetje", "t zonnetje"),
        ("OBS d’n Hoek", "obs dn hoek"),
        ("'s-Heer Arendskerke", "s heer arendskerke"),
        ('Basisschool "Kla4"', "basisschool kla4"),
        ("ÉÉN – Twee", "een twee"),
        ("100%_", "100"),
    ],
)
def test_names_are_folded_to_what_people_type(name: str, key: str) -> None:
    assert fold(name) == key


def test_a_sub_region_has_a_key_in_snake_case() -> None:
    assert sub_region_key("Zeeuws-Vlaanderen") == "zeeuws_vlaanderen"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "99za00"}, "code"),
        ({"code": "99ZA0"}, "code"),
        ({"code": "99ZA00\n"}, "code"),
        ({"code": "99ZB00"}, "code"),
        ({"board_number": "1234"}, "board_number"),
        ({"board_number": ""}, "board_number"),
        ({"board_number": "٣٣٣٣٣"}, "board_number"),
        ({"name": ""}, "name"),
        ({"province": ""}, "province"),
        ({"postcode": "0335 XA"}, "postcode"),
        ({"postcode": "4335XA"}, "postcode"),
        ({"postcode": "4335 SS"}, "postcode"),
        ({"correspondence_postcode": "4335"}, "correspondence_postcode"),
        ({"municipality_number": "68A7"}, "municipality_number"),
    ],
)
def test_a_row_that_is_no_school_is_named_by_its_field(wrong: dict[str, str], field: str) -> None:
    fault = find_fault(replace(SCHOOL, **wrong), "99ZA")  # type: ignore[arg-type]  # the fields' own types
    assert fault is not None
    assert fault.field == field


def test_an_empty_address_is_no_fault() -> None:
    assert find_fault(replace(SCHOOL, street="", house_number="", postcode="", place=""), "99ZA") is None


def test_every_field_that_can_change_has_a_label() -> None:
    assert set(FIELD_LABELS) == set(RECORD_FIELDS) - {"code"} | {"origin"}


def test_a_board_change_is_an_ordinary_change() -> None:
    moved = replace(SCHOOL, board_number="13555")
    assert compare(SCHOOL, moved) == (Change("99ZA00", "board_number", "99901", "13555"),)


def test_new_changed_unchanged() -> None:
    files = [file(school("99ZC00"), school("99ZA00", name="De Zon"), school("99ZB00"))]
    plan = plan_import(known(school("99ZA00"), school("99ZB00")), files, REGIONS)
    assert plan.report.as_dict() == {
        "new": ["99ZC00"],
        "changed": [{"code": "99ZA00", "field": "name", "old": "Het Mozaïek", "new": "De Zon"}],
        "closed": [],
        "reopened": [],
        "unchanged": 1,
        "untouched_demo": [],
    }
    assert [record.name for record in plan.put] == ["De Zon"]


def test_one_address_for_three_schools_is_three_schools() -> None:
    rows = (school("99ZA09"), school("99ZB04"), school("99ZC05"))
    assert plan_import({}, [file(*rows)], REGIONS).report.new == ("99ZA09", "99ZB04", "99ZC05")


def test_the_sub_region_comes_from_the_municipality_and_from_nothing_else() -> None:
    rows = (school("99ZA00", sub_region=None), school("99ZB00", sub_region=None, municipality_number="0716"))
    assert [record.sub_region for record in plan_import({}, [file(*rows)], REGIONS).add] == ["walcheren", None]


def test_a_school_that_is_missing_is_closed_in_its_sector_and_province_only() -> None:
    register = known(
        school("99ZA00"),
        school("99ZB00"),
        school("99ZC00", province="Utrecht"),
        school("99ZD00", level=Level.VO),
        school("99ZE00", level=Level.SBO),
        school("99ZF00", level=Level.MBO),
    )
    assert plan_import(register, [file(school("99ZA00"))], REGIONS).report.closed == ("99ZB00",)


def test_a_national_file_closes_wherever_the_school_is() -> None:
    rows = [
        school(f"99Z{letter}00", province=name.title())
        for letter, name in zip("ABCDEFGHIJKL", sorted(PROVINCES), strict=True)
    ]
    register = known(school("99YA00", province="Onbekend"), school("99YB00", level=Level.VO))
    assert covered([file(*rows)]) == {Sector.PRIMARY: None}
    assert plan_import(register, [file(*rows)], REGIONS).report.closed == ("99YA00",)
    assert plan_import(register, [file(*rows[1:])], REGIONS).report.closed == ()


def test_friesland_is_fryslan() -> None:
    register = known(school("99ZA00", province="Friesland"))
    assert plan_import(register, [file(school("99ZB00", province="Fryslân"))], REGIONS).report.closed == ("99ZA00",)


def test_a_school_in_another_file_of_the_same_call_is_not_closed() -> None:
    register = known(school("99ZA00"))
    special = file(school("99ZA00", level=Level.SBO), sector=Sector.SPECIAL)
    report = plan_import(register, [file(school("99ZB00")), special], REGIONS).report
    assert report.closed == ()
    assert report.changed == (Change("99ZA00", "level", Level.PO, Level.SBO),)


def test_a_closed_school_is_not_closed_again_and_opens_when_it_comes_back() -> None:
    register = known(school("99ZA00"), closed_on=date(2024, 8, 1))
    assert not plan_import(register, [file(school("99ZB00"))], REGIONS).report.closed
    back = plan_import(register, [file(school("99ZA00"))], REGIONS)
    assert back.report.reopened == ("99ZA00",)
    assert back.report.unchanged == 0
    assert [record.code for record in back.put] == ["99ZA00"]


def test_our_own_demo_schools_are_never_closed_or_touched() -> None:
    register = known(school("99AA00"), school("99AB00"), origin=Origin.OWN)
    plan = plan_import(register, [file(school("99AB00", name="Anders"), school("99ZB00"))], REGIONS)
    assert plan.report.closed == ()
    assert plan.report.changed == ()
    assert plan.report.untouched_demo == ("99AB00",)
    assert plan.put == ()


def test_a_school_entered_by_hand_becomes_the_directorys() -> None:
    register = known(school("98ZA00"), origin=Origin.OWN)
    report = plan_import(register, [file(school("98ZA00"))], REGIONS).report
    assert report.changed == (Change("98ZA00", "origin", Origin.OWN, Origin.DIRECTORY),)


def test_a_column_that_a_file_lacks_changes_nothing() -> None:
    register = known(school("99ZA00", correspondence_street="Postbus", structure="HAVO"))
    plan = plan_import(register, [file(school("99ZA00"), lacks=("correspondence_street", "structure"))], REGIONS)
    assert not plan.report.changes_something


def test_a_code_may_stand_in_the_files_once() -> None:
    first, second = file(school("99ZA00")), file(school("99ZB00"), school("99ZA00"))
    assert find_duplicate([first, second]) == (first, second, "99ZA00")
    assert find_duplicate([second]) is None


def test_the_day_of_closing_is_a_day_in_the_netherlands() -> None:
    assert amsterdam_day(datetime(2026, 7, 31, 22, 30, tzinfo=UTC)) == date(2026, 8, 1)
