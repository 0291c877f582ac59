"""Funds as YAML: a mistake names file, line and field in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from fundapp.adapters.fund_file import FUNDS, load_fund, load_funds
from fundapp.domain.refusal import Kind, Refusal, Refused

GOOD = (FUNDS / "stimuleringsregeling-po.yaml").read_text(encoding="utf-8")


def refused(tmp_path: Path, text: str | bytes) -> tuple[Refusal, ...]:
    """What is said of a file with this text."""
    path = tmp_path / "fonds.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(Refused) as caught:
        load_fund(path)
    for refusal in caught.value.refusals:
        assert refusal.kind is Kind.INVALID
        for sentence in (refusal.sentence.nl, refusal.sentence.en):
            assert sentence.startswith("fonds.yaml")
            assert "\n" not in sentence
    return caught.value.refusals


def line_of(text: str, part: str) -> int:
    """The line (from 1) where something stands."""
    return text[: text.index(part)].count("\n") + 1


def test_the_funds_of_the_product_load() -> None:
    assert [fund.key for fund in load_funds()] == ["innovatiefonds", "stimuleringsregeling-po"]


@pytest.mark.parametrize(
    ("old", "new", "field", "dutch"),
    [
        ("\nlegal_profile: awb", "\nlegal_profile: wet", "legal_profile", "moet een van deze zijn: 'awb' or 'private'"),
        ("\nkey: stim", "\nkleur: rood\nkey: stim", "kleur", "bestaat niet; kijk of het goed gespeld is"),
        ("cents: 750000 #", "cents: '750000' #", "conditions.maximum.cents", "moet een heel getal zijn"),
        ("cents: 750000 #", "cent: 750000 #", "conditions.maximum.cents", "ontbreekt"),
        (
            "    wished: true\n    label: {nl: wet",
            "    wished: ja\n    label: {nl: wet",
            "conditions.technology_subject.wished",
            "moet true of false zijn",
        ),
        ("weight: 25", "weight: 30", "criteria", "de gewichten zijn samen 105; dat moet 100 zijn"),
        ("share_bp: 8000 # 80%", "share_bp: 12000", "grant.share_bp", "is hoger dan 10000"),
        ("kind: once_only", "kind: twice_only", "conditions.once_per_round", "is geen soort die er is"),
        (
            "sub_regions: [walcheren, ",
            "sub_regions: [texel, ",
            "conditions.region.sub_regions",
            "“texel” bestaat niet in dit fonds",
        ),
        (
            "          max_words: 12\n",
            "          max_words: 0\n",
            "form.sections.project.questions.title.max_words",
            "is lager dan 1",
        ),
        (
            "{length: 13w, starts: act",
            "{length: 13 weken, starts: act",
            "terms.report.length",
            "heeft niet de goede vorm",
        ),
        (
            "  role: {nl: de programmacoördinator, en",
            "  role: {en",
            "contact.role",
            "hier hoort een tekst in twee talen",
        ),
        ("  - grant\n", "  - geld\n", "assumed.13", "“geld” bestaat niet in dit fonds"),
        (
            "nl: Elke school vraagt per ronde één keer aan.",
            "nl: Hoogstens {maximum}.",
            "conditions.once_per_round.explanation.nl",
            "{maximum} kan hier niet ingevuld worden",
        ),
    ],
)
def test_a_mistake_names_its_field_and_line(tmp_path: Path, old: str, new: str, field: str, dutch: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    refusals = refused(tmp_path, text)
    found = next((r for r in refusals if r.field == field), None)
    assert found is not None, [r.sentence.nl for r in refusals]
    assert f": {field}: {dutch}" in found.sentence.nl
    assert ", regel " in found.sentence.nl


def test_the_line_is_where_the_mistake_stands(tmp_path: Path) -> None:
    text = GOOD.replace("cents: 750000 #", "cents: veel #", 1)
    (refusal,) = refused(tmp_path, text)
    assert f"regel {line_of(text, 'cents: veel')}:" in refusal.sentence.nl
    assert f"line {line_of(text, 'cents: veel')}:" in refusal.sentence.en


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("cents: 750000 #", "cents: veel #").replace("tier: 1", "tier: 7")
    assert [r.field for r in refused(tmp_path, text)] == ["conditions.maximum.cents", "settlement.tier"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("key: [een", "geen geldige YAML"),
        ("key: a\nkey: b", "“key” occurs twice"),
        (b"key: \xff", "geen geldige YAML"),
        ("- een\n- lijst", "fonds.yaml"),
        ("", "fonds.yaml"),
        ("key: .nan", "is geen fonds"),
        ("key: !!python/object/apply:os.system [true]", "geen geldige YAML"),
        ("a: &a {b: *a}", "fonds.yaml"),
        ("? [1, 2]\n: x", "fonds.yaml"),
        ("key: x\n--- \nkey: y", "geen geldige YAML"),
    ],
)
def test_what_is_no_fund_at_all(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert any(words in refusal.sentence.nl for refusal in refused(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        load_fund(tmp_path / "fonds.yaml")


def test_yes_and_no_stay_words_and_a_clock_time_is_no_number(tmp_path: Path) -> None:
    text = GOOD.replace(
        "nl: Alleen scholen in {bound} kunnen aanvragen. Elke regio heeft een eigen programma.", "nl: no"
    )
    path = tmp_path / "fonds.yaml"
    path.write_text(text, encoding="utf-8")
    rule = load_fund(path).condition("region")
    assert rule is not None
    assert rule.what_would_help.nl == "no"
    (refusal,) = refused(tmp_path, GOOD.replace("cents: 750000 #", "cents: 9:00 #"))
    assert "heel getal" in refusal.sentence.nl


def test_two_files_with_one_fund(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(Refused, match=r"b\.yaml: key: fund “stimuleringsregeling-po” is in two files"):
        load_funds(tmp_path)
