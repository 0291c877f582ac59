"""Volume, third part: a pattern copied for many applications, by COPY into the product's own tables.

The database's triggers number and chain the journal and move the balances, as for any other row. A payment run or a
meeting of the pattern becomes one for all copies that are written together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.adapters import bank
from fundapp.persistence.payment import PaymentBatch, PaymentOrder
from fundapp.services.generate_rows import NUMBERED, Line, Pattern, Run, escaped
from fundapp.services.generate_story import Applicant
from fundapp.services.payment import batch_hash, sepa_batch


@dataclass(frozen=True, slots=True)
class Copy:
    """What one copy has of its own."""

    ref: str
    title: str
    who: Applicant
    author_id: int


def copy_many(session: Session, pattern: Pattern, copies: Sequence[Copy], *, batch_numbers: Mapping[int, int]) -> None:
    """Write the copies, all together; the caller commits.

    batch_numbers: year → how many payment runs of it there are by now (`payment._next_ref` counts them as well).
    """
    shared, own = _numbers(session, pattern, len(copies))
    shared["copies"] = len(copies)
    taken = dict(batch_numbers)
    values = [_values(copy, numbers) for copy, numbers in zip(copies, own, strict=True)]
    for number, value in enumerate(values, 1):
        value["place"] = number
    for run_number, run in enumerate(pattern.runs):
        year = run.batch["ref"].split("-")[1]
        taken[int(year)] = taken.get(int(year), 0) + 1
        _fill_run(run, run_number, f"BR-{year}-{taken[int(year)]:03d}", shared, values)
    for meeting_id, (told, item) in pattern.minutes.items():
        items = [json.loads(item % value) for value in values]
        shared[f"minutes_{meeting_id}"] = escaped(json.dumps(json.loads(told) | {"items": items}))
    for value in values:
        value |= {key: item for key, item in shared.items() if key not in value}
        for place, content in pattern.contents:
            value[place] = hashlib.sha256((content % value).encode()).hexdigest()
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor:
        for name, (columns, lines) in pattern.tables.items():
            with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as target:
                for block in _blocks(lines, shared, values):
                    target.write(block)


def _blocks(lines: Sequence[Line], shared: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The rows in the order in which things happened: each step for all copies, then the next step."""
    for line in lines:
        if line.once:
            yield line.template % shared
        else:
            template = line.template
            yield "".join([template % value for value in values])


def _numbers(session: Session, pattern: Pattern, copies: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """New ids for all copies, rising in the order of the rows: those of payment runs, and those of each copy."""
    shared: dict[str, Any] = {}
    own: list[dict[str, Any]] = [{} for _ in range(copies)]
    for table in NUMBERED:
        once, each = pattern.once_ids.get(table, []), pattern.ids.get(table, [])
        ids = iter(_next_ids(session, table, len(once) + len(each) * copies))
        for old in sorted([*once, *each]):
            if old in once:
                shared[f"{table}_{old}"] = next(ids)
            else:
                for numbers in own:
                    numbers[f"{table}_{old}"] = next(ids)
    for numbers in own:
        numbers["app"] = numbers[f"application_{pattern.ids['application'][0]}"]
    return shared, own


def _next_ids(session: Session, table: str, count: int) -> Iterable[int]:
    sequence = f"pg_get_serial_sequence('{table}', 'id')"
    return session.scalars(text(f"SELECT nextval({sequence}) FROM generate_series(1, :count)"), {"count": count})  # noqa: S608  (our own names)


def _values(copy: Copy, numbers: dict[str, Any]) -> dict[str, Any]:
    who = copy.who
    return numbers | {
        "ref": copy.ref,
        "title": copy.title,
        "code": who.code,
        "school": who.school,
        "board": who.board,
        "board_name": who.board_name,
        "iban": who.iban,
        "email": who.email,
        "name": who.name,
        "author": copy.author_id,
    }


def _fill_run(run: Run, number: int, ref: str, shared: dict[str, Any], values: list[dict[str, Any]]) -> None:
    """Make one payment run of all copies: its orders, its total, the file for the bank, and what approving it did."""
    old = run.batch["id"]
    per_case = len(run.orders)
    found: list[PaymentOrder] = []
    for index, value in enumerate(values):
        for place, order in enumerate(run.orders):
            position = index * per_case + place + 1
            value[f"order{number}_{place}"] = f"{ref}-{position:03d}"
            value[f"line{number}_{place}"] = f"AF-{ref}/{position}"
            found.append(
                PaymentOrder(
                    end_to_end_id=f"{ref}-{position:03d}",
                    name=value["board_name"],
                    iban=value["iban"],
                    cents=order["cents"],
                    remittance=f"{value['ref']} {order['remittance'].partition(' ')[2]}",
                )
            )
    batch = PaymentBatch(ref=ref, execution_on=run.batch["execution_on"])
    approved_at: datetime = run.batch["approved_at"]
    file = bank.write_payments(sepa_batch(batch, found, approved_at))
    total = sum(order.cents for order in found)
    shared |= {
        f"batch{number}": ref,
        f"statement{number}": f"AF-{ref}",
        f"statement_hash{number}": hashlib.sha256(ref.encode()).hexdigest(),
        f"list_hash{number}": batch_hash(batch, found),
        f"file_hash{number}": file.sha256,
        f"total_{old}": total,
        f"file_{old}": "\\\\x" + file.content.hex(),
    }
    _journal_of_run(run, number, shared, values, payments=len(found), total=total)


def _journal_of_run(
    run: Run, number: int, shared: dict[str, Any], values: list[dict[str, Any]], *, payments: int, total: int
) -> None:
    """The journal of a run tells of all its payments; postings are numbered through."""
    mine = run.ledger
    postings = [[*row[:1], value["app"], *row[2:]] for value in values for row in mine]
    ref = shared[f"batch{number}"]
    for index, value in enumerate(values):
        for place in range(1, len(mine) + 1):
            value[f"posting_{run.approved_in}_{place}"] = index * len(mine) + place
    hashes = {"file_sha256": shared[f"file_hash{number}"], "list_hash": shared[f"list_hash{number}"]}
    prepared = {"ref": ref, "total_cents": total, "payments": payments}
    for journal_id, action in run.journal.items():
        data = {"prepare": prepared, "approve": hashes | {"ledger": postings}}.get(action, {})
        shared[f"data_{journal_id}"] = escaped(json.dumps(data, ensure_ascii=False))
