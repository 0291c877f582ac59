"""What a SEPA payment can carry."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundapp.domain.sepa import foreign_signs, id_fits, is_bank_day, next_bank_day, payee_faults, sepa_text, text_faults
from fundapp.domain.text import Text

examples = settings(derandomize=True, deadline=None, max_examples=300)


@examples
@given(st.text(max_size=90))
def test_a_proposal_can_be_carried_and_is_its_own_proposal(text: str) -> None:
    proposal = sepa_text(text)
    assert foreign_signs(proposal) == ""
    assert sepa_text(proposal) == proposal


@examples
@given(st.text(max_size=160))
def test_a_text_is_taken_as_it_is_or_its_fault_is_told(text: str) -> None:
    told = {fault.code for fault in text_faults("name", Text("De naam", "The name"), text, 70, "field")}
    clean = bool(re.fullmatch(r"[A-Za-z0-9/\-?:().,'+ ]*", text))
    assert ("name_signs" in told) == (not clean)
    assert ("name_long" in told) == (len(text) > 70)
    assert ("name_empty" in told) == (not text.strip())


@pytest.mark.parametrize("reference", ["", "x" * 36, "/A", "A/", "A//B", " A", "Ä", "A\u00a0B"])
def test_a_reference_that_the_bank_refuses(reference: str) -> None:
    assert not id_fits(reference)


def test_a_payee_is_named_and_can_be_paid() -> None:
    assert payee_faults("Stichting De Ozobot", "NL91ABNA0417164300", of="PO-T1-01") == []
    name, iban = payee_faults("Stichting Zoë", "NL91ABNA0417164301", of="PO-T1-01")
    assert "“Stichting Zoe”" in name.sentence.nl
    assert "NL91ABNA0417164301" in iban.sentence.nl


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2025, 4, 17), True),
        (date(2025, 4, 18), False),  # Good Friday
        (date(2025, 4, 19), False),
        (date(2025, 4, 21), False),  # Easter Monday
        (date(2025, 4, 28), True),
        (date(2025, 5, 1), False),  # Labour Day: banks in the Netherlands are open, TARGET is not
        (date(2025, 5, 5), True),  # Liberation Day is no closing day of TARGET
        (date(2025, 12, 26), False),
    ],
)
def test_the_days_on_which_banks_pay(day: date, open_: bool) -> None:
    assert is_bank_day(day) is open_


def test_the_next_day_of_payment_skips_easter() -> None:
    assert next_bank_day(date(2025, 4, 17)) == date(2025, 4, 22)
