"""Bank statements: what is read, what is recognised the second time, and what is refused as a whole."""

from __future__ import annotations

import pytest

from fundapp.adapters import bank
from fundapp.domain.outside import Statement
from fundapp.domain.refusal import Kind, Refused
from fundapp.services.ports import BankFile
from tests.support import camt
from tests.support.camt import example_iban

PORT: BankFile = bank
OURS = example_iban(99)
OZOBOT, ZEEBRIES, KOMPAS, VUURTOREN = (example_iban(number) for number in (1, 2, 3, 4))
PAID = [
    camt.paid("PO-T1-01-2", 150_000, OZOBOT, "Stichting De Ozobot"),
    camt.paid("PO-T1-02-2", 76_020, ZEEBRIES, "Stichting De Zeebries"),
    camt.paid("PO-T1-04-2", 61_600, VUURTOREN, "Stichting De Vuurtoren-demo"),
]
RECOVERED = camt.received(62_500, KOMPAS, "Stichting Het Kompas-demo", "PO-T1-03 terugbetaling")


def read(**changes: object) -> Statement:
    settings: dict[str, object] = {"opening": 1_000_000, "entries": [*PAID, RECOVERED], **changes}
    return PORT.read_statement(camt.statement(OURS, "2025-061", **settings))  # type: ignore[arg-type]  # by name


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as caught:
        PORT.read_statement(content)
    assert caught.value.kind is Kind.INVALID
    [one] = caught.value.refusals
    assert one.sentence.nl
    assert one.sentence.en
    return one.code


@pytest.mark.parametrize("version", ["02", "08"])
def test_payments_and_a_recovery(version: str) -> None:
    statement = read(version=version)
    assert (statement.statement_id, statement.iban) == ("2025-061", OURS)
    assert (statement.opening, statement.closing) == (1_000_000, 1_000_000 - 287_620 + 62_500)
    assert [entry.amount for entry in statement.entries] == [-150_000, -76_020, -61_600, 62_500]
    first, last = statement.entries[0], statement.entries[-1]
    assert first.key == read(version="02").entries[0].key, "the same entry, whatever the version"
    assert first.payments[0].key.startswith(f"{first.key}/")
    assert first.booked_on.isoformat() == "2025-03-14"
    assert (first.reversal, first.bank_reference, first.batch_id) == (False, "REF-PO-T1-01-2", None)
    [payment] = first.payments
    assert (payment.end_to_end_id, payment.amount) == ("PO-T1-01-2", -150_000)
    assert (payment.counterparty_iban, payment.counterparty_name) == (OZOBOT, "Stichting De Ozobot")
    [payment] = last.payments
    assert (payment.end_to_end_id, payment.remittance) == (None, "PO-T1-03 terugbetaling")
    assert (payment.counterparty_iban, payment.counterparty_name) == (KOMPAS, "Stichting Het Kompas-demo")


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_is_opened_into_its_payments(version: str) -> None:
    [entry] = read(version=version, entries=[camt.batch("RUN-2025-007", PAID)]).entries
    assert (entry.amount, entry.batch_id) == (-287_620, "RUN-2025-007")
    assert [(p.end_to_end_id, p.amount) for p in entry.payments] == [
        ("PO-T1-01-2", -150_000),
        ("PO-T1-02-2", -76_020),
        ("PO-T1-04-2", -61_600),
    ]
    assert len({payment.key for payment in entry.payments}) == 3


def test_a_batch_without_details_keeps_its_number() -> None:
    [entry] = read(entries=[camt.batch("RUN-2025-007", PAID, details=False)]).entries
    assert (entry.batch_id, entry.amount, len(entry.payments)) == ("RUN-2025-007", -287_620, 1)


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_payment_that_came_back_has_its_reason_and_the_school(version: str) -> None:
    back = camt.returned("PO-T1-02-2", 76_020, ZEEBRIES, "Stichting De Zeebries", reason="AC04")
    entry = read(version=version, entries=[*PAID, back]).entries[-1]
    [payment] = entry.payments
    assert (entry.amount, entry.reversal) == (76_020, True)
    assert (payment.return_reason, payment.end_to_end_id, payment.counterparty_iban) == ("AC04", "PO-T1-02-2", ZEEBRIES)


def test_only_booked_entries_count() -> None:
    statement = read(entries=[PAID[0], camt.pending(PAID[1])])
    assert (len(statement.entries), statement.pending) == (1, 1)


def test_overdrawn_account() -> None:
    assert read(opening=-5_000, entries=[]).closing == -5_000


def test_the_same_file_twice_has_the_same_keys_and_twins_differ() -> None:
    twins = [
        camt.Entry((camt.Line(-100),), "SAME"),
        camt.Entry((camt.Line(-100),), "SAME"),
        camt.Entry((camt.Line(5),)),
    ]
    keys = [entry.key for entry in read(entries=twins).entries]
    assert keys == [entry.key for entry in read(entries=twins).entries]
    assert len(set(keys)) == 3


def test_several_statements() -> None:
    content = camt.document([camt.stmt(OURS, "1", 0, []), camt.stmt(OURS, "2", 0, [RECOVERED])], "08")
    assert [statement.statement_id for statement in PORT.read_statements(content)] == ["1", "2"]
    assert refusal(content) == "statement_several"


GOOD = camt.statement(OURS, "2025-061", opening=1_000_000, entries=PAID)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "statement_unreadable"),
        (b"PK\x03\x04 a zip", "statement_unreadable"),
        (GOOD[: len(GOOD) // 2], "statement_unreadable"),
        (GOOD.replace(b"camt.053.001.08", b"camt.052.001.08"), "statement_wrong_kind"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.99"), "statement_wrong_kind"),
        (b"<html><body>Log in</body></html>", "statement_wrong_kind"),
        (camt.document([], "08"), "statement_none"),
        (camt.statement(OURS, "1", opening=0, entries=PAID, currency="USD"), "statement_currency"),
        (camt.statement(OURS, "1", opening=0, entries=PAID, closing=1), "statement_balance"),
        (camt.statement(OURS, "1", opening=0, entries=[camt.Entry(PAID[0].lines * 2, amount=-1)]), "statement_sum"),
        (GOOD.replace(b"<Cd>CLBD</Cd>", b"<Cd>ITBD</Cd>"), "statement_no_balance"),
        (GOOD.replace(b">760.20</Amt>", b">760.30</Amt>", 1), "statement_sum"),
        (GOOD.replace(b">760.20</Amt>", b">760.30</Amt>"), "statement_balance"),
        (GOOD.replace(b">760.20</Amt>", b">760.201</Amt>"), "statement_amount"),
        (GOOD.replace(b">760.20</Amt>", b">-760.20</Amt>"), "statement_amount"),
        (GOOD.replace(b">760.20</Amt>", b">1e3</Amt>"), "statement_amount"),
        (GOOD.replace(b">DBIT<", b">MINE<", 1), "statement_amount"),
        (GOOD.replace(b"2025-03-14</Dt></BookgDt>", b"2025-02-30</Dt></BookgDt>"), "statement_date"),
        (GOOD.replace(OURS.encode(), b""), "statement_incomplete"),
    ],
)
def test_what_is_wrong_is_refused_whole(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_a_removed_entry_is_noticed() -> None:
    start, end = GOOD.index(b"<Ntry>"), GOOD.index(b"</Ntry>") + len(b"</Ntry>")
    assert refusal(GOOD[:start] + GOOD[end:]) == "statement_balance"


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "dtd",
    [
        f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE Document [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document [<!ENTITY l9 SYSTEM "http://127.0.0.1:1/x">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:1/x.dtd">',
        "<!DOCTYPE Document>",
    ],
)
def test_hostile_xml_is_refused_unread(dtd: str) -> None:
    body = GOOD.decode().split("\n", 1)[1]
    if "l9" in dtd:
        body = body.replace("<Id>2025-061</Id>", "<Id>&l9;</Id>")
    assert refusal((dtd + body).encode()) in {"statement_dtd", "statement_unreadable"}


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert refusal(b"<" * (20 * 1024 * 1024 + 1)) == "statement_too_large"
