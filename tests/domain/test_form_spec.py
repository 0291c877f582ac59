"""The questions of a fund and what counts as an answer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fundapp.domain.form_spec import Answers, FormSpec, Section, validate_answers
from fundapp.domain.money import plain_euro
from fundapp.domain.refusal import Kind, Refused

slow = settings(derandomize=True, deadline=None, max_examples=150)


def words(text: str) -> dict[str, str]:
    """A text that reads the same in both languages."""
    return {"nl": text, "en": text}


def question(key: str, kind: str, **more: Any) -> dict[str, Any]:
    """A question as data."""
    return {"key": key, "kind": kind, "label": words(key), **more}


def section(*questions: dict[str, Any], **more: Any) -> Section:
    """A section with these questions."""
    data = {"key": "plan", "title": words("Plan"), "summary": words("Plan"), "questions": list(questions), **more}
    return Section.model_validate(data)


def answer(raw: object, kind: str, **more: Any) -> tuple[Answers, list[str]]:
    """The answer to one question, and the codes of the mistakes."""
    clean, refusals = validate_answers(section(question("q", kind, **more)), {"q": raw})
    assert all(r.kind is Kind.INVALID and r.field == "q" for r in refusals)
    return clean, [r.code for r in refusals]


SHA256 = "0a" * 32
OPTIONS = [{"key": "a", "label": words("A")}, {"key": "b", "label": words("B")}]


@pytest.mark.parametrize(
    ("kind", "more", "raw", "expected"),
    [
        ("text", {}, "  twee\r\nregels ", "twee\nregels"),
        ("text", {"max_words": 3}, "een twee drie", "een twee drie"),
        ("choice", {"options": OPTIONS}, "b", "b"),
        ("choice", {"options": OPTIONS, "multiple": True}, ["b", "a", "b"], ["a", "b"]),
        ("choice", {"options": OPTIONS, "multiple": True}, "b", ["b"]),
        ("date", {}, "14-3-2025", "2025-03-14"),
        ("date", {}, "14/03/2025", "2025-03-14"),
        ("date", {}, "2025-03-14", "2025-03-14"),
        ("date", {}, date(2025, 3, 14), "2025-03-14"),
        ("amount", {}, "1.200,50", 120_050),
        ("amount", {}, 120_050, 120_050),
        ("number", {}, "1.200", 1200),
        ("number", {}, 0, 0),
        ("yes_no", {}, "ja", True),
        ("yes_no", {}, False, False),
        ("file", {}, SHA256, SHA256),
    ],
)
def test_answers_that_will_do(kind: str, more: dict[str, Any], raw: object, expected: object) -> None:
    assert answer(raw, kind, **more) == ({"q": expected}, [])


@pytest.mark.parametrize(
    ("kind", "more", "raw", "code"),
    [
        ("text", {"max_words": 3}, "een twee drie vier", "too_many_words"),
        ("text", {"max_words": 1}, "x" * 16, "text_too_long"),
        ("text", {}, "nul\x00", "strange_signs"),
        ("text", {}, 3, "not_a_text"),
        ("text", {}, "   ", "answer_missing"),
        ("text", {}, None, "answer_missing"),
        ("choice", {"options": OPTIONS}, "c", "not_an_option"),
        ("choice", {"options": OPTIONS}, ["a", "b"], "not_an_option"),
        ("choice", {"options": OPTIONS}, "", "answer_missing"),
        ("choice", {"options": OPTIONS, "multiple": True}, [], "answer_missing"),
        ("date", {}, "31-2-2025", "not_a_date"),
        ("date", {}, "morgen", "not_a_date"),
        ("amount", {}, "1.20", "not_an_amount"),
        ("amount", {}, -5, "not_an_amount"),
        ("amount", {}, True, "not_a_text"),
        ("number", {"minimum": 1}, "0", "not_a_number"),
        ("number", {}, "1,5", "not_a_number"),
        ("number", {}, "²", "not_a_number"),
        ("yes_no", {}, "misschien", "not_yes_or_no"),
        ("file", {}, "brief.pdf", "not_a_file"),
        ("file", {}, SHA256.upper(), "not_a_file"),
        ("file", {}, "", "answer_missing"),
        ("table", {"columns": [question("c", "text")]}, "x", "not_a_table"),
    ],
)
def test_answers_that_will_not_do_say_so_on_their_field(
    kind: str, more: dict[str, Any], raw: object, code: str
) -> None:
    assert answer(raw, kind, **more) == ({}, [code])


def test_a_draft_may_be_half_full_but_not_wrong() -> None:
    form = section(question("a", "text"), question("b", "date"), question("c", "text", required=False))
    assert validate_answers(form, {"a": "", "b": ""}, complete=False) == ({}, ())
    clean, refusals = validate_answers(form, {"a": "goed", "b": "fout"}, complete=False)
    assert clean == {"a": "goed"}
    assert [(r.field, r.code) for r in refusals] == [("b", "not_a_date")]


def test_all_mistakes_come_at_once_in_the_order_of_the_questions() -> None:
    form = section(question("a", "text"), question("b", "date"), question("c", "yes_no"))
    _, refusals = validate_answers(form, {"c": "?", "b": "x", "zz": "1"})
    assert [r.field for r in refusals] == ["a", "b", "c", "zz"]


def test_a_hidden_question_is_neither_asked_nor_kept() -> None:
    shown = {"question": "a", "equals": True}
    form = section(
        question("a", "yes_no"),
        question("b", "choice", options=OPTIONS, show_if=shown),
        question("c", "text", show_if={"question": "b", "equals": "b"}),
    )
    assert validate_answers(form, {"a": "nee", "b": "b", "c": "tekst"}) == ({"a": False}, ())
    assert [q.key for q in form.shown({"a": False, "b": "b"})] == ["a"]
    assert [q.key for q in form.shown({"a": True, "b": "b"})] == ["a", "b", "c"]
    _, refusals = validate_answers(form, {"a": "ja", "b": "b"})
    assert [r.field for r in refusals] == ["c"]


def test_a_table_drops_empty_rows_and_names_the_cell_that_is_wrong() -> None:
    columns = [question("what", "text"), question("when", "date"), question("cost", "amount", required=False)]
    form = section(question("t", "table", columns=columns, max_rows=2))
    row = {"what": "Bouwen", "when": "1-9-2027", "cost": "1,50"}
    clean, refusals = validate_answers(form, {"t": [row, {"what": "", "when": ""}]})
    assert clean == {"t": [{"what": "Bouwen", "when": "2027-09-01", "cost": 150}]}
    assert refusals == ()
    _, refusals = validate_answers(form, {"t": [row, {"what": "Bouwen", "when": "ooit"}]})
    assert [r.field for r in refusals] == ["t.1.when"]
    _, refusals = validate_answers(form, {"t": [row] * 3})
    assert [r.code for r in refusals] == ["too_many_rows"]


@slow
@given(st.integers(min_value=0, max_value=10**13))
def test_an_amount_survives_being_shown_and_typed_again(cents: int) -> None:
    assert answer(plain_euro(cents), "amount") == ({"q": cents}, [])


@slow
@given(st.dictionaries(st.sampled_from("abcdefg"), st.one_of(st.none(), st.text(), st.integers(), st.booleans())))
def test_whatever_is_sent_answers_that_are_kept_will_do_again(raw: dict[str, object]) -> None:
    form = section(
        question("a", "text", max_words=4),
        question("b", "choice", options=OPTIONS),
        question("c", "date"),
        question("d", "amount"),
        question("e", "number"),
        question("f", "yes_no"),
        question("g", "text", show_if={"question": "f", "equals": True}),
    )
    clean, _ = validate_answers(form, raw, complete=False)
    again, refusals = validate_answers(form, clean, complete=False)
    assert again == clean
    assert refusals == ()


@pytest.mark.parametrize(
    "questions",
    [
        [],
        [question("a", "text"), question("a", "date")],
        [question("a", "text", show_if={"question": "b", "equals": True}), question("b", "yes_no")],
        [question("a", "yes_no"), question("b", "text", show_if={"question": "a", "equals": "ja"})],
        [question("a", "text"), question("b", "text", show_if={"question": "a", "equals": "x"})],
        [question("a", "choice", options=OPTIONS[:1])],
        [question("A b", "text")],
        [question("a", "rating")],
        [question("a", "text", color="red")],
        [question("a", "text", label={"nl": "Alleen Nederlands"})],
    ],
)
def test_a_form_that_cannot_work_is_refused(questions: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        section(*questions)


def test_keys_are_unique_in_the_whole_form() -> None:
    one = {"key": "one", "title": words("x"), "summary": words("x"), "questions": [question("a", "text")]}
    with pytest.raises(ValidationError):
        FormSpec.model_validate({"sections": [one, one | {"key": "two"}]})
    with pytest.raises(ValidationError):
        FormSpec.model_validate({"sections": [one, one | {"questions": [question("b", "text")]}]})


def test_an_unknown_section_says_where_to_go() -> None:
    one = {"key": "one", "title": words("x"), "summary": words("x"), "questions": [question("a", "text")]}
    form = FormSpec.model_validate({"sections": [one]})
    assert form.section("one").key == "one"
    assert form.question("a") is not None
    assert form.question("b") is None
    with pytest.raises(Refused) as caught:
        form.section("two")
    assert caught.value.kind is Kind.NOT_FOUND
