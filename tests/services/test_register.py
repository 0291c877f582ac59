"""The register in a real database: import, close, reopen, find, search."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from fundapp.adapters.register import DATA, read_file
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.register import SECTOR_OF, Change, ImportReport, Level, RegisterFile
from fundapp.persistence.register import RegisterImport, School, SchoolBoard, SubRegion
from fundapp.services.register import find_school, import_files, save_sub_regions, search_schools

INVENTED = Path(__file__).resolve().parents[1] / "data" / "register"
ZEELAND = [
    DATA / "bo-vestigingen-zeeland-2026-08.csv",
    DATA / "vo-vestigingen-zeeland-2026.csv",
    DATA / "sbo-so-vso-vestigingen-zeeland-2026.csv",
]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def files(*names: str | Path) -> list[RegisterFile]:
    return [read_file(INVENTED / name) for name in names]


def run(session: Session, *names: str | Path, dry_run: bool = False, now: datetime = NOW) -> ImportReport:
    return import_files(session, files(*names), dry_run=dry_run, now=now)


def found(session: Session, code: str) -> School:
    school = find_school(session, code)
    assert school is not None
    return school


def test_zeeland_comes_in_whole_and_a_second_time_changes_nothing(session: Session) -> None:
    first = run(session, *ZEELAND)
    assert (len(first.new), first.changed, first.closed) == (258, (), ())
    second = run(session, *ZEELAND)
    assert second.counts == {"new": 0, "changed": 0, "closed": 0, "reopened": 0, "unchanged": 258}
    assert session.scalar(select(func.count()).select_from(RegisterImport)) == 1


def test_every_school_of_zeeland_has_the_sub_region_of_its_municipality(session: Session) -> None:
    run(session, *ZEELAND)
    counts = Counter((s.sub_region, SECTOR_OF[Level(s.level)].value) for s in session.scalars(select(School)))
    assert counts == {  # counted apart, from the region columns of the files
        ("walcheren", "po"): 47,
        ("walcheren", "vo"): 15,
        ("walcheren", "so"): 6,
        ("oosterschelde", "po"): 99,
        ("oosterschelde", "vo"): 15,
        ("oosterschelde", "so"): 14,
        ("zeeuws_vlaanderen", "po"): 44,
        ("zeeuws_vlaanderen", "vo"): 11,
        ("zeeuws_vlaanderen", "so"): 7,
    }
    assert {region.key: region.name for region in session.scalars(select(SubRegion))} == {
        "walcheren": "Walcheren",
        "oosterschelde": "Oosterschelde",
        "zeeuws_vlaanderen": "Zeeuws-Vlaanderen",
    }


def test_schools_at_one_address_stay_apart(session: Session) -> None:
    run(session, *ZEELAND)
    for codes in (("03XS09", "16YC04", "20CP05"), ("00AQ03", "25FX03", "31JW02")):
        schools = [found(session, code) for code in codes]
        assert len({(s.street, s.house_number, s.place) for s in schools}) == 1
        assert len({s.name for s in schools}) == 3


def test_years_of_change_are_told_field_by_field(session: Session) -> None:
    run(session, "primary-2021-windows1252.csv", now=datetime(2021, 9, 1, tzinfo=UTC))
    report = run(session, "primary-2026.csv")
    assert report.new == ("99ZD00",)
    assert report.closed == ("99ZE00",)
    assert report.changed == (
        Change("99ZA00", "board_number", "99900", "99901"),
        Change("99ZB00", "name", "De Oude Zon – 's-Heer", "'t Zonnetje"),
    )
    assert report.unchanged == 1
    assert found(session, "99ZA00").board_number == "99901"
    assert session.get(SchoolBoard, "99900") is not None
    assert found(session, "99ZE00").closed_on == date(2026, 11, 23)
    minutes = session.scalars(select(RegisterImport).order_by(RegisterImport.id.desc())).first()
    assert minutes is not None
    assert minutes.at == NOW
    assert minutes.counts == {"new": 1, "changed": 2, "closed": 1, "reopened": 0, "unchanged": 1}
    assert minutes.report == report.as_dict()
    assert minutes.files[0]["name"] == "primary-2026.csv"
    assert minutes.files[0]["provinces"] == ["zeeland"]
    assert len(minutes.files[0]["sha256"]) == 64


def test_a_school_that_comes_back_is_open_again(session: Session) -> None:
    run(session, "primary-2021-windows1252.csv")
    run(session, "primary-2026.csv")
    report = run(session, "primary-2021-windows1252.csv")
    assert report.reopened == ("99ZE00",)
    assert report.closed == ("99ZD00",)
    assert found(session, "99ZE00").closed_on is None


def test_the_old_and_the_new_shape_of_one_edition_say_the_same(session: Session) -> None:
    run(session, "primary-2026.csv", "secondary-2026.csv", "special-2026.csv")
    report = run(session, "primary-2026-comma-bom.csv", "secondary-2021-windows1252.csv")
    assert not report.changes_something
    assert report.unchanged == 6


def test_texts_are_kept_as_duo_writes_them(session: Session) -> None:
    run(session, "primary-2026.csv")
    assert found(session, "99ZA00").name == "Het Mozaïek"
    assert found(session, "99ZB00").name == "'t Zonnetje"
    assert found(session, "99ZC00").name == 'OBS d\'n Hoek "Zuid"'
    empty = found(session, "99ZC00")
    assert (empty.street, empty.house_number, empty.postcode, empty.website) == ("", "", "", "")


def test_a_dry_run_tells_and_writes_nothing(session: Session) -> None:
    assert len(run(session, "primary-2026.csv", dry_run=True).new) == 4
    for table in (School, SchoolBoard, SubRegion, RegisterImport):
        assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_sub_region_that_people_set_survives_an_import(session: Session) -> None:
    run(session, "primary-2021-windows1252.csv")
    school = found(session, "99ZA00")
    school.sub_region_override = "oosterschelde"
    session.flush()
    run(session, "primary-2026.csv")
    school = found(session, "99ZA00")
    assert (school.board_number, school.sub_region) == ("99901", "walcheren")
    assert school.effective_sub_region == "oosterschelde"


def test_a_demo_school_of_our_own_is_left_alone(session: Session) -> None:
    save_sub_regions(session)
    session.add(SchoolBoard(number="99990", name="Stichting Demo"))
    session.flush()
    session.add_all(
        School(
            code=code,
            level="po",
            board_number="99990",
            name="De Ozobot",
            name_key="de ozobot",
            province="Zeeland",
            sub_region="oosterschelde",
        )
        for code in ("99AA00", "99ZA00")
    )
    session.flush()
    report = run(session, "primary-2026.csv")
    assert report.untouched_demo == ("99ZA00",)
    assert report.closed == ()
    for code in ("99AA00", "99ZA00"):
        assert (found(session, code).name, found(session, code).closed_on) == ("De Ozobot", None)


def test_one_code_in_two_files_is_refused(session: Session) -> None:
    with pytest.raises(Refused, match=r"99ZA00 is in .*primary-2026\.csv too") as refused:
        run(session, "primary-2026.csv", "primary-2026-comma-bom.csv")
    assert refused.value.kind is Kind.INVALID
    assert session.scalar(select(func.count()).select_from(School)) == 0


def test_an_import_takes_a_handful_of_statements(session: Session) -> None:
    seen: list[str] = []
    connection = session.connection()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    run(session, *ZEELAND)
    event.remove(connection, "before_cursor_execute", note)
    assert len(seen) < 12


def test_schools_are_found_by_code(session: Session) -> None:
    run(session, "primary-2026.csv")
    assert found(session, " 99za00 ").code == "99ZA00"
    assert find_school(session, "99ZZ99") is None


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("het moz", ["99ZA00"]),
        ("HET MOZAÏ", ["99ZA00"]),
        ("'t zon", ["99ZB00"]),
        ("t zon", ["99ZB00"]),
        ("Zierik", ["99ZD00", "99ZB00"]),
        ("99zb", ["99ZB00"]),
        ("zonnetje", []),
        ("%", []),
        ("_et", []),
    ],
)
def test_search_is_by_the_beginning_of_name_place_or_code(session: Session, typed: str, codes: list[str]) -> None:
    run(session, "primary-2026.csv")
    assert [school.code for school in search_schools(session, typed, 10)] == codes


def test_search_goes_on_after_the_last_one_and_hides_closed_schools(session: Session) -> None:
    run(session, "primary-2021-windows1252.csv")
    run(session, "primary-2026.csv")
    first = search_schools(session, "", 3)
    rest = search_schools(session, "", 3, after=first[-1])
    assert [s.code for s in (*first, *rest)] == ["99ZA00", "99ZC00", "99ZD00", "99ZB00"]
    assert [s.code for s in search_schools(session, "de laatste", 3)] == []
    assert [s.code for s in search_schools(session, "de laatste", 3, with_closed=True)] == ["99ZE00"]


def test_a_prefix_is_looked_up_in_an_index(session: Session) -> None:
    run(session, *ZEELAND)
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.execute(text("EXPLAIN SELECT * FROM school WHERE name_key LIKE 'het%'")).scalars().all()
    assert any("ix_school_name_key" in line for line in plan)
