"""`fundapp payments export` and `import`: the bank's files as a person and as a program meet them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from fundapp.cli import cli
from fundapp.domain.people import Role
from fundapp.persistence.payment import BankStatement, PaymentBatch
from fundapp.services.payment import batch_hash, orders
from fundapp.services.payment_prepare import prepare
from fundapp.services.programme import lead_applicant
from fundapp.services.transitions import perform
from tests.support.camt import Entry, example_iban, paid, received, statement
from tests.support.cases import NOW, Cases

OURS = lead_applicant().iban


@dataclass
class Bank:
    """A batch of one payment of € 6,000 that waits for approval, and the two people of finance."""

    engine: Engine
    ref: str
    end_to_end_id: str
    folder: Path
    run: Callable[..., Result]

    def do(self, action: str) -> bytes | None:
        with Session(self.engine) as session:
            batch = session.scalars(select(PaymentBatch)).one()
            approver = Cases(session).person(f"Bo {action}", Role.FINANCE)
            given = {"list_hash": batch_hash(batch, orders(session, batch)), "explanation": "Zo is het."}
            perform(session, "payment_batch", self.ref, action, actor=approver, now=NOW, given=given)
            session.commit()
            return batch.file_content

    def file(self, *entries: Entry) -> str:
        path = self.folder / "statement.xml"
        path.write_bytes(statement(OURS, "2025-001", opening=1_000_000, entries=entries))
        return str(path)

    def read(self, *entries: Entry, json: bool = False) -> Result:
        return self.run("import", self.file(*entries), *(["--json"] if json else []))

    def payment(self) -> Entry:
        return paid(self.end_to_end_id, 600_000, example_iban(1), "Stichting De Ozobot")


@pytest.fixture
def bank(fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bank]:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    engine = create_engine(fresh_database)
    with Session(engine) as session:
        cases = Cases(session)
        app = cases.application(cases.tranche(), cases.school())
        instalment = cases.awarded(app, 750_000, advance=600_000)
        batch = prepare(
            session,
            [instalment.id],
            actor=cases.person("Fin", Role.FINANCE),
            now=NOW,
            execution_on=date(2025, 3, 17),
        )
        end_to_end_id = orders(session, batch)[0].end_to_end_id
        ref = batch.ref
        session.commit()
    yield Bank(
        engine, ref, end_to_end_id, tmp_path, lambda *words: CliRunner().invoke(cli, ["payments", *map(str, words)])
    )
    engine.dispose()


def test_the_file_that_was_approved_is_given_byte_for_byte(bank: Bank) -> None:
    content = bank.do("approve")
    assert content is not None
    out = bank.folder / "out.xml"
    result = bank.run("export", bank.ref, "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_bytes() == content
    assert bank.run("export", bank.ref).stdout_bytes == content
    bank.do("send")
    assert bank.run("export", bank.ref).stdout_bytes == content


def test_a_batch_without_approval_has_no_file(bank: Bank) -> None:
    result = bank.run("export", bank.ref)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{bank.ref}: this batch is prepared; it has a file once a second person has approved it.\n"
    bank.do("approve")
    bank.do("cancel")
    assert bank.run("export", bank.ref).exit_code == 2


def test_an_unknown_batch_and_a_place_that_cannot_be_written(bank: Bank) -> None:
    assert bank.run("export", "BR-1999-001").stderr == "BR-1999-001: there is no such payment batch.\n"
    bank.do("approve")
    result = bank.run("export", bank.ref, "--out", bank.folder / "no" / "such" / "folder.xml")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_statement_tells_what_it_did(bank: Bank) -> None:
    bank.do("approve")
    bank.do("send")
    result = bank.read(bank.payment(), received(500, example_iban(9), "Bank", "rente"))
    assert result.exit_code == 0
    first, second, last = result.stdout.splitlines()
    assert first == "payment       −€\u00a06.000,00  PO-T1-01"
    assert second.startswith("open          €\u00a05,00  ")
    assert last == "1 matched, 1 left to a person, 0 gaps."
    again = bank.read(bank.payment(), received(500, example_iban(9), "Bank", "rente"))
    assert again.stdout.splitlines() == ["already read  2025-001", "0 matched, 0 left to a person, 0 gaps."]
    with Session(bank.engine) as session:
        assert session.scalars(select(PaymentBatch.state)).one() == "booked"


def test_json_is_for_programs(bank: Bank) -> None:
    bank.do("approve")
    found = json.loads(bank.read(bank.payment(), json=True).stdout)
    (only,) = found["statements"]
    assert (only["statement_id"], only["already_read"]) == ("2025-001", False)
    assert [(line["cents"], line["matched_as"], line["applications"]) for line in only["lines"]] == [
        (-600_000, "payment", ["PO-T1-01"])
    ]
    assert found["gaps"] == []


@pytest.mark.parametrize("cut", [0, 300])
def test_what_cannot_be_read_is_one_line_and_nothing_is_written(bank: Bank, cut: int) -> None:
    path = Path(bank.file(bank.payment()))
    path.write_bytes(path.read_bytes()[:cut])
    result = bank.run("import", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path}: ")
    assert result.stderr.endswith("Nothing was imported.\n")
    assert len(result.stderr.splitlines()) == 1
    assert bank.run("import", bank.folder / "nowhere.xml").exit_code == 2
    with Session(bank.engine) as session:
        assert session.scalar(select(func.count()).select_from(BankStatement)) == 0
