"""Letters in words: every template, both legal profiles, nothing left open, nothing that was typed taken for a sign."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fundapp.adapters.fund_file import FUNDS, load_fund
from fundapp.domain.outside import Amounts, Bullets, Facts, Heading, Paragraph, Signature
from fundapp.domain.refusal import Refused
from fundapp.domain.rejection import REASONS, RejectionCode
from fundapp.domain.term import Profile
from fundapp.services import letter_text
from fundapp.services.letter_text import TEMPLATES, LetterFault, fill_in, parse, put_into_words, trace
from fundapp.services.letters import build, letter_row, letter_view, released

NOW = datetime(2025, 3, 14, 16, 0, tzinfo=UTC)
FUND = load_fund(FUNDS / "stimuleringsregeling-po.yaml")
INTENTIONS = ("rejection_intended", "determination_intended")
OF_A_RECOVERY = ("recovery", "recovery_schedule", "recovery_set_off")
DECISIONS = (
    "award",
    "rejection",
    "not_considered",
    "determination",
    "revocation",
    "change_approved",
    "change_refused",
    *OF_A_RECOVERY,
)
OF_AN_OBJECTION = ("objection_received", "objection_completion", "hearing", "objection_extension", "objection_decision")
LETTERS = (
    *INTENTIONS,
    *DECISIONS,
    "recovery_written_off",
    "report_last_term",
    "extension",
    "delay",
    *OF_AN_OBJECTION,
)


def facts(profile: str = "awb", **more: Any) -> dict[str, Any]:
    """All that any letter may say; the worked case of the project Het Kompas."""
    spec = FUND.under(Profile(profile))
    reason = REASONS[RejectionCode.PARTNER_MISSING]
    return {
        "ref": "PO-T1-03",
        "title": "Lasrobot",
        "school": "Het Kompas-demo",
        "board": "Stichting Kompas Demo",
        "fund": spec.name.nl,
        "tranche": "Ronde 1",
        "profile": profile,
        "contact": {"name": spec.contact.role.nl, "email": "fondsen@example.org", "phone": "0118 000 000"},
        "remedy": {"nl": spec.remedy.nl, "en": spec.remedy.en},
        "amount": 513_500,
        "balance": -62_500,
        "recovery": 62_500,
        "recovery_ref": "TV-PO-T1-03",
        "recovery_small": False,
        "set_off": 20_000,
        "target": "PO-T2-03",
        "left": 42_500,
        "parts": [[1, 31_250, "2025-05-01"], [2, 31_250, "2025-06-01"]],
        "due": "2025-04-25",
        "was_due": "2025-03-01",
        "change_ref": "PO-T1-03-W1",
        "asked_on": "2025-02-01",
        "consequences": [
            [{"nl": "Einde", "en": "End"}, {"nl": "1 maart", "en": "1 March"}, {"nl": "1 mei", "en": "1 May"}],
            [{"nl": "Nieuwe partner", "en": "New partner"}, None, {"nl": "Delta College", "en": "Delta College"}],
            [{"nl": "Partner stopt", "en": "Partner leaves"}, {"nl": "Bedrijf A", "en": "Company A"}, None],
        ],
        "old_due": "2025-03-28",
        "what": {"nl": "ons besluit", "en": "our decision"},
        "term": "decision",
        "objection_ref": "PO-T1-03-B1",
        "against": {"nl": "de afwijzing", "en": "the rejection"},
        "decided_on": "2025-03-14",
        "filed_on": "2025-03-20",
        "complete_by": "2025-04-03",
        "hearing_on": "2025-04-10",
        "hearing_time": "13.30 uur",
        "place": "Raadhuis Goes-demo",
        "outcome": "partly_founded",
        "of": "reject",
        "old_amount": 0,
        "result": {"nl": "Deels gegrond" if profile == "awb" else "Besluit deels herzien", "en": "Partly"},
        "advice": "Ken een deel toe.",
        "deviation": "Wij kennen meer toe.",
        "dismissal": None,
        "heard": True,
        "duties": [{"nl": "Deel uw lessen.", "en": "Share."}],
        "explanation": "Het plan gaat niet over techniek.",
        "conditions": "Werk samen met een vo-school.",
        "report_ends_on": "2025-02-28",
        "reasons": [{"code": str(reason.code), "nl": reason.sentence.nl, "en": reason.sentence.en}],
        "steps": [["Opgegeven kosten", "Costs claimed", 689_875], ["Terug te betalen", "To pay back", 62_500]],
        "lines": [["Lasrobot", 600_000, 641_875, 641_875, ""], ["Lunch", 0, 48_000, 0, "Dit is geen techniek."]],
        "sender": {"name": "Techniekfonds", "payer": "Stichting Penvoerder Demo", "iban": "NL13TEST0123456789"},
        "cuts": [["Lunch", 48_000, "Dit is geen techniek."]],
        "left_out": [["Verbouwing", 10_000, "Dit fonds betaalt deze soort kosten niet."]],
        "moves": [["Lunch", "Lasrobot", 5_000, "Dit was een bout."]],
        "received": [["Het Kompas-demo", 180_000, 128_375]],
        "short": 0,
        "fixed": False,
        "ex_officio": False,
        **more,
    }


def words_of(template: str, context: dict[str, Any]) -> str:
    title, blocks = put_into_words(template, context)
    return "\n".join([title, *(text for block in blocks for text in _texts(asdict(block)))])


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []


def test_every_letter_that_an_act_writes_has_a_template() -> None:
    from fundapp.services import change
    from fundapp.services.decision import LETTER_OF
    from fundapp.services.objection_acts import LETTERS as OF_ACTS

    of_acts = {*LETTER_OF.values(), *change.LETTER_OF.values(), *OF_A_RECOVERY, "recovery_written_off"}
    assert of_acts | set(OF_ACTS.values()) == set(LETTERS)
    shared = {path.stem for path in TEMPLATES.glob("[!_]*.txt")}
    for profile in ("awb", "private"):
        assert shared | {path.stem for path in (TEMPLATES / profile).glob("*.txt")} == set(LETTERS)


@pytest.mark.parametrize("template", DECISIONS)
def test_a_decision_under_the_awb_names_objection_its_term_and_where_to_send_it(template: str) -> None:
    words = words_of(template, facts("awb"))
    assert "bezwaar" in words
    assert "6 weken" in words
    assert f"Stuur uw bezwaarschrift naar {FUND.contact.role.nl}" in words


@pytest.mark.parametrize("template", LETTERS)
def test_a_private_fund_never_speaks_of_objection(template: str) -> None:
    words = words_of(template, facts("private")).lower()
    assert "bezwaar" not in words
    assert template in OF_AN_OBJECTION or ("heroverweging" in words) == (template in DECISIONS)


@pytest.mark.parametrize("template", INTENTIONS)
def test_an_intended_decision_asks_for_a_response_and_names_no_remedy(template: str) -> None:
    words = words_of(template, facts())
    assert "vrijdag 25 april 2025" in words
    assert "zienswijze" in words
    assert "bezwaar" not in words


def test_an_intended_rejection_gives_its_grounds() -> None:
    words = words_of("rejection_intended", facts())
    assert REASONS[RejectionCode.PARTNER_MISSING].sentence.nl in words
    assert "Het plan gaat niet over techniek." in words


def test_an_intended_amount_names_what_does_not_count() -> None:
    words = words_of("determination_intended", facts())
    assert "Lunch: € 480,00 telt niet mee. Dit is geen techniek." in words.replace("\u00a0", " ")


@pytest.mark.parametrize("template", LETTERS)
def test_sources_are_never_printed(template: str) -> None:
    words = words_of(template, facts())
    assert "bron:" not in words
    assert "Awb" not in words
    assert "[" not in words


@pytest.mark.parametrize("profile", ["awb", "private"])
@pytest.mark.parametrize("template", LETTERS)
def test_every_sentence_rests_on_a_rule_of_its_own_profile(template: str, profile: str) -> None:
    context = facts(profile, fund_key="stimuleringsregeling-po")
    parts = [part for part in trace(fill_in(template, context), profile) if part.kind != "heading"]
    assert [part.sentences for part in parts if not part.source] == [("Geacht bestuur,",)]
    assert len(parts) > 3
    assert all(("Awb" in part.source) == (profile == "awb") for part in parts[1:] if "afwijzings" not in part.source)
    said = [sentence for part in parts for sentence in part.sentences]
    printed = words_of(template, context).replace("\n", " ")
    assert all(sentence in printed for sentence in said)


def test_a_fund_and_a_profile_may_have_a_letter_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("award", "awb/award", "some-fund/award"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.txt").write_text(f"@title {name}\n\nTekst. [bron: a | b]\n", "utf-8")
    monkeypatch.setattr(letter_text, "TEMPLATES", tmp_path)
    letter_text._environment.cache_clear()
    try:
        assert put_into_words("award", {"profile": "private", "fund_key": "x"})[0] == "award"
        assert put_into_words("award", {"profile": "awb", "fund_key": "x"})[0] == "awb/award"
        assert put_into_words("award", {"profile": "awb", "fund_key": "some-fund"})[0] == "some-fund/award"
    finally:
        letter_text._environment.cache_clear()


@pytest.mark.parametrize(
    ("template", "gap", "named"),
    [
        ("award", {"amount": None}, "het bedrag is leeg"),
        (
            "award",
            {"contact": {"name": "a", "email": "b@example.org", "phone": ""}},
            "het telefoonnummer van het fonds",
        ),
        ("rejection", {"reasons": None}, "de reden is leeg"),
        ("revocation", {"explanation": ""}, "de toelichting is leeg"),
        ("recovery", {"recovery_ref": ""}, "het kenmerk van de terugbetaling is leeg"),
        ("recovery", {"due": None}, "de uiterste dag is leeg"),
    ],
)
def test_an_empty_value_blocks_the_release_with_its_name(template: str, gap: dict[str, Any], named: str) -> None:
    context = facts(**gap)
    with pytest.raises(Refused) as refused:
        released(1, 2, template, context, NOW)
    assert named in refused.value.refusals[0].sentence.nl
    assert released(1, 2, template, facts(), NOW)["template"] == template


@pytest.mark.parametrize("template", LETTERS)
def test_sentences_are_short_and_plain(template: str) -> None:
    _, blocks = put_into_words(template, facts("private", remedy={"nl": "Bel ons.", "en": "Call us."}))
    running = [b.text for b in blocks if isinstance(b, Paragraph)]
    running += [item for b in blocks if isinstance(b, Bullets) for item in b.items]
    sentences = [s for text in running for s in re.split(r"(?<=[.?!:])\s", text)]
    assert max(len(s.split()) for s in sentences) <= 20
    assert sum(len(s.split()) for s in sentences) / len(sentences) <= 15
    assert not re.search(r"\b(conform|middels|dienen? te|indien)\b", " ".join(running).lower())


@pytest.mark.parametrize(
    ("template", "gap", "where"),
    [
        ("award", "amount", "award.txt, line"),
        ("rejection", "reasons", "rejection.txt, line"),
        ("recovery", "recovery_ref", "recovery.txt, line"),
        ("determination", "steps", "_calculation.txt, line"),
        ("revocation", "explanation", "revocation.txt, line"),
        ("award", "ref", "award.txt, line"),
    ],
)
@pytest.mark.parametrize("empty", [True, False])
def test_a_letter_with_a_gap_is_not_made(template: str, gap: str, where: str, empty: bool) -> None:
    context = facts()
    if empty:
        context[gap] = None
    else:
        del context[gap]
    with pytest.raises(LetterFault, match=re.escape(where)):
        put_into_words(template, context)


def test_an_unknown_letter_is_a_fault() -> None:
    with pytest.raises(LetterFault, match="no such template"):
        put_into_words("no_such_letter", facts())


def test_what_somebody_typed_is_only_ever_text() -> None:
    typed = "# Kop\n- punt | streep\n= 1 | 2\n@title Anders\n[bron: niets] {{ ref }} \ue000\ue001"
    title, blocks = put_into_words("revocation", facts(explanation=typed))
    assert title == "Uw toekenning PO-T1-03 is ingetrokken"
    assert [b.text for b in blocks if isinstance(b, Paragraph)][2:7] == [
        "# Kop",
        "- punt | streep",
        "= 1 | 2",
        "@title Anders",
        "[bron: niets] {{ ref }}",
    ]
    _, blocks = put_into_words("determination", facts(lines=[["A | B", 1, 2, 3, ""]], title="- x | y"))
    tables = [b for b in blocks if isinstance(b, Amounts)]
    assert tables[1].rows == (("A | B", (1, 2, 3)),)
    assert ("Project", "- x | y") in next(b for b in blocks if isinstance(b, Facts)).rows


def test_lines_become_blocks() -> None:
    title, blocks = parse(
        """@title Titel
        # Kop
        Een zin [bron: Awb 4:46],
        en verder.

        - a
        - b
        1. c
        2. d
        |: Feiten
        | Naam | Waarde
        =: Bedragen | Post | Begroot | Telt mee
        = Robot | 100 |
        == Totaal | 100 | 0
        ~ Met groet,
        ~ Iemand
        """,
        "proef",
    )
    assert title == "Titel"
    assert blocks == (
        Heading("Kop"),
        Paragraph("Een zin, en verder."),
        Bullets(("a", "b")),
        Bullets(("c", "d"), numbered=True),
        Facts("Feiten", (("Naam", "Waarde"),)),
        Amounts("Bedragen", ("Post", "Begroot", "Telt mee"), (("Robot", (100, None)),), (("Totaal", (100, 0)),)),
        Signature("Met groet,", ("Iemand",)),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Geen titel",
        "@title Alleen een titel",
        "@title A\n| los | feit",
        "@title A\n=: T | a | b\n= x | 1 | 2",
        "@title A\n=: T | a | b\n= x | y",
    ],
)
def test_a_template_that_is_wrong_is_named(text: str) -> None:
    with pytest.raises(LetterFault, match=r"^proef\.txt: "):
        parse(text, "proef")


def test_a_letter_says_who_sends_it_and_keeps_its_facts() -> None:
    row = letter_row(1, 2, "recovery", facts(), NOW)
    letter = build(row)
    assert letter.title == "Terugbetaling voor PO-T1-03"
    assert letter.dateline == "vrijdag 14 maart 2025"
    assert letter.recipient == ("Stichting Kompas Demo", "Het Kompas-demo")
    assert ("Rekening", row.context["sender"]["iban"]) in next(
        b for b in letter.blocks if isinstance(b, Facts) and b.title == "Gegevens voor uw betaling"
    ).rows
    assert letter.attached is not None
    assert letter.attached["recovery"] == 62_500


def test_the_page_shows_the_same_blocks() -> None:
    row = letter_row(1, 2, "award", facts(), NOW)
    view = letter_view(row)
    assert view is not None
    assert view[0] == build(row).title
    assert tuple(block for _, block in view[1]) == build(row).blocks
    assert letter_view(letter_row(1, 2, "award", {}, NOW)) is None


@pytest.mark.parametrize(
    ("balance", "words"), [(76_020, "U krijgt nog"), (0, "precies het eindbedrag"), (-1, "vragen wij terug")]
)
def test_the_final_amount_says_what_it_means(balance: int, words: str) -> None:
    assert words in words_of("determination", facts(balance=balance))


def test_a_final_amount_without_accounts_says_that_nothing_came() -> None:
    assert "Wij kregen geen verantwoording van u." in words_of("determination", facts(ex_officio=True))
    assert "Wij kregen geen verantwoording van u" in words_of("determination_intended", facts(ex_officio=True))
    assert "U kreeg een vast bedrag." in words_of("determination", facts(fixed=True, cuts=[]))


def test_the_calculation_tells_what_was_moved_left_out_and_short() -> None:
    words = words_of("determination", facts(short=12_345)).replace("\u00a0", " ")
    assert "€ 50,00 van Lunch naar Lasrobot: Dit was een bout." in words
    assert "Verbouwing: € 100,00 telt niet mee. Dit fonds betaalt deze soort kosten niet." in words
    assert "U en uw partners betaalden € 123,45 te weinig mee." in words


def test_a_change_says_what_was_and_what_becomes() -> None:
    _, blocks = put_into_words("change_approved", facts())
    rows = next(b for b in blocks if isinstance(b, Facts) and b.title == "Dit verandert er").rows
    assert rows == (
        ("Einde", "was 1 maart; wordt 1 mei"),
        ("Nieuwe partner", "wordt Delta College"),
        ("Partner stopt", "was Bedrijf A"),
    )


def test_the_funds_own_words_and_duties_stand_in_its_letters() -> None:
    own: dict[str, Any] = {"words": {"award": {"nl": "Van harte."}}, "duties": [{"nl": "Deel uw lessen."}]}
    words = words_of("award", facts(**own))
    assert "Van harte." in words
    assert "Deel uw lessen." in words
