"""The payment file as an independent reader sees it, and everything that keeps it from being written."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sepaxml
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from fundapp.adapters import bank
from fundapp.domain.outside import SepaBatch, SepaOrder
from fundapp.domain.refusal import Refused
from fundapp.services.ports import BankFile
from tests.support.camt import example_iban

PORT: BankFile = bank
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}

ORDERS = (
    SepaOrder("PO-T1-01-2", "Stichting De Ozobot", example_iban(1), 150_000, "PO-T1-01 eindafrekening"),
    SepaOrder("PO-T1-02-2", "Stichting De Zeebries", example_iban(2), 76_020, "PO-T1-02 eindafrekening"),
    SepaOrder("PO-T1-04-2", "Stichting De Vuurtoren-demo", example_iban(4), 61_600, "PO-T1-04 eindafrekening"),
)
BATCH = SepaBatch(
    batch_id="RUN-2025-007",
    created_at=datetime(2025, 3, 13, 9, 30, tzinfo=UTC),
    execution_date=date(2025, 3, 14),
    debtor_name="Stichting Techniekfonds Voorbeeld",
    debtor_iban=example_iban(99),
    orders=ORDERS,
)


def values(content: bytes, path: str) -> list[str]:
    found = etree.fromstring(content).xpath(path + "/text()", namespaces=NS)
    assert isinstance(found, list)
    return [str(value) for value in found]


def one(order: SepaOrder) -> SepaBatch:
    return replace(BATCH, orders=(order,))


def test_three_credits_of_the_worked_case() -> None:
    file = PORT.write_payments(BATCH)
    assert (file.count, file.total) == (3, 287_620)
    assert file.sha256 == hashlib.sha256(file.content).hexdigest()
    expected = {
        "//p:GrpHdr/p:MsgId": ["RUN-2025-007"],
        "//p:GrpHdr/p:CreDtTm": ["2025-03-13T10:30:00+01:00"],
        "//p:GrpHdr/p:NbOfTxs": ["3"],
        "//p:GrpHdr/p:CtrlSum": ["2876.20"],
        "//p:PmtInf/p:PmtInfId": ["RUN-2025-007"],
        "//p:PmtInf/p:PmtMtd": ["TRF"],
        "//p:PmtInf/p:BtchBookg": ["true"],
        "//p:PmtInf/p:CtrlSum": ["2876.20"],
        "//p:PmtTpInf/p:SvcLvl/p:Cd": ["SEPA"],
        "//p:ReqdExctnDt/p:Dt": ["2025-03-14"],
        "//p:Dbtr/p:Nm": [BATCH.debtor_name],
        "//p:DbtrAcct/p:Id/p:IBAN": [BATCH.debtor_iban],
        "//p:DbtrAgt/p:FinInstnId/p:Othr/p:Id": ["NOTPROVIDED"],
        "//p:PmtInf/p:ChrgBr": ["SLEV"],
        "//p:CdtTrfTxInf/p:PmtId/p:EndToEndId": [order.end_to_end_id for order in ORDERS],
        "//p:CdtTrfTxInf/p:Amt/p:InstdAmt": ["1500.00", "760.20", "616.00"],
        "//p:Cdtr/p:Nm": [order.name for order in ORDERS],
        "//p:CdtrAcct/p:Id/p:IBAN": [order.iban for order in ORDERS],
        "//p:RmtInf/p:Ustrd": [order.remittance for order in ORDERS],
    }
    assert {path: values(file.content, path) for path in expected} == expected


def test_file_follows_the_official_schema_and_the_schema_bites() -> None:
    xsd = etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"))
    content = PORT.write_payments(BATCH).content
    assert xsd.validate(etree.fromstring(content))
    assert not xsd.validate(etree.fromstring(content.replace(b"<ChrgBr>SLEV", b"<ChrgBr>MINE")))


def test_equal_batches_give_equal_bytes() -> None:
    assert PORT.write_payments(BATCH) == PORT.write_payments(replace(BATCH))


def test_bic_single_booking_and_small_amounts() -> None:
    orders = tuple(replace(ORDERS[0], end_to_end_id=f"E{cents}", amount=cents) for cents in (1, 10, 99, 100))
    batch = replace(BATCH, debtor_bic="TESTNL2A", one_booking=False, orders=orders)
    content = PORT.write_payments(batch).content
    assert values(content, "//p:DbtrAgt/p:FinInstnId/p:BICFI") == ["TESTNL2A"]
    assert values(content, "//p:DbtrAgt/p:FinInstnId/p:Othr/p:Id") == []
    assert values(content, "//p:BtchBookg") == ["false"]
    assert values(content, "//p:InstdAmt") == ["0.01", "0.10", "0.99", "1.00"]
    assert values(content, "//p:GrpHdr/p:CtrlSum") == ["2.10"]


@pytest.mark.parametrize(
    ("batch", "code", "field"),
    [
        (replace(BATCH, orders=()), "payments_none", None),
        (replace(BATCH, batch_id="x" * 36), "payment_reference", None),
        (replace(BATCH, debtor_name="Stichting & Co"), "debtor_name_signs", None),
        (replace(BATCH, debtor_name="x" * 71), "debtor_name_long", None),
        (replace(BATCH, debtor_iban="NL00TEST0000000001"), "payment_own_iban", None),
        (replace(BATCH, debtor_bic="ING"), "payment_own_bic", None),
        (replace(BATCH, orders=(ORDERS[0], ORDERS[0])), "payment_twice", "PO-T1-01-2"),
        (one(replace(ORDERS[0], end_to_end_id="/A")), "payment_reference", "/A"),
        (one(replace(ORDERS[0], end_to_end_id="A/")), "payment_reference", "A/"),
        (one(replace(ORDERS[0], end_to_end_id="A//B")), "payment_reference", "A//B"),
        (one(replace(ORDERS[0], end_to_end_id="")), "payment_reference", ""),
        (one(replace(ORDERS[0], end_to_end_id="A_B")), "payment_reference", "A_B"),
        (one(replace(ORDERS[0], name="Stichting Zoë")), "payment_name_signs", "PO-T1-01-2"),
        (one(replace(ORDERS[0], name="Stichting\nOzobot")), "payment_name_signs", "PO-T1-01-2"),
        (one(replace(ORDERS[0], name=" ")), "payment_name_empty", "PO-T1-01-2"),
        (one(replace(ORDERS[0], name="x" * 71)), "payment_name_long", "PO-T1-01-2"),
        (one(replace(ORDERS[0], remittance="x" * 141)), "payment_remittance_long", "PO-T1-01-2"),
        (one(replace(ORDERS[0], remittance="€ 5")), "payment_remittance_signs", "PO-T1-01-2"),
        (one(replace(ORDERS[0], iban=example_iban(1)[:-1] + "9")), "payment_iban", "PO-T1-01-2"),
        (one(replace(ORDERS[0], amount=0)), "payment_amount", "PO-T1-01-2"),
        (one(replace(ORDERS[0], amount=-5)), "payment_amount", "PO-T1-01-2"),
        (one(replace(ORDERS[0], amount=100_000_000_000)), "payment_amount", "PO-T1-01-2"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_order_named(batch: SepaBatch, code: str, field: str | None) -> None:
    assert [(fault.code, fault.field) for fault in PORT.check_payments(batch)] == [(code, field)]
    with pytest.raises(Refused):
        PORT.write_payments(batch)


def test_all_faults_are_told_at_once_and_a_spelling_is_proposed() -> None:
    orders = (replace(ORDERS[0], name="Zoë & Søn", iban="x"), replace(ORDERS[1], remittance=""))
    with pytest.raises(Refused) as caught:
        PORT.write_payments(replace(BATCH, orders=orders))
    assert [refusal.code for refusal in caught.value.refusals] == [
        "payment_name_signs",
        "payment_iban",
        "payment_remittance_empty",
    ]
    assert "“Zoe + Son”" in caught.value.refusals[0].sentence.nl


def test_seventy_signs_are_not_cut() -> None:
    name = "Stichting " + "x" * 60
    assert values(PORT.write_payments(one(replace(ORDERS[0], name=name))).content, "//p:Cdtr/p:Nm") == [name]


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=60))
def test_a_proposed_text_is_always_acceptable(text: str) -> None:
    proposal = PORT.sepa_text(text)
    assert PORT.sepa_text(proposal) == proposal
    faults = PORT.check_payments(one(replace(ORDERS[0], name=proposal)))
    assert {fault.code for fault in faults} <= {"payment_name_empty", "payment_name_long"}
