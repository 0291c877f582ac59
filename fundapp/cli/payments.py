"""`fundapp payments export RUN` and `fundapp payments import FILE`: the bank's files, out and in."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fundapp.cli import bad_input, connect
from fundapp.domain.money import euro
from fundapp.domain.refusal import Refused

if TYPE_CHECKING:
    from fundapp.services.bank import ImportResult


@click.group()
def command() -> None:
    """Payment orders out, bank statements in."""


@command.command("export")
@click.argument("run", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of standard output.")
def export(run: str, out: Path | None) -> None:
    """Give the payment file (pain.001.001.09) of a batch such as BR-2025-001, byte for byte as it was approved."""
    from sqlalchemy import select

    from fundapp.persistence.payment import PaymentBatch

    with connect() as session:
        batch = session.scalar(select(PaymentBatch).where(PaymentBatch.ref == run))
        if batch is None:
            bad_input("there is no such payment batch.", field=run)
        if batch.state not in ("approved", "sent", "booked") or batch.file_content is None:
            bad_input(f"this batch is {batch.state}; it has a file once a second person has approved it.", field=run)
        content = batch.file_content
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        bad_input(f"cannot be written: {error.strerror}.", file=out)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def import_(file: Path, as_json: bool) -> None:
    """Read a bank statement (camt.053) and book what it says. A statement that was read before changes nothing."""
    from fundapp.domain.people import SYSTEM
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services.bank import import_statement

    try:
        content = file.read_bytes()
    except OSError as error:
        bad_input(f"cannot be read: {error.strerror}.", file=file)
    with connect() as session:
        try:
            with unit_of_work(session):
                result = import_statement(session, content, actor=SYSTEM, now=datetime.now(UTC))
        except Refused as refused:
            bad_input(f"{refused.refusals[0].sentence.en} Nothing was imported.", file=file)
    click.echo(json.dumps(as_data(result), ensure_ascii=False, indent=2) if as_json else "\n".join(summary(result)))


def as_data(result: ImportResult) -> dict[str, Any]:
    """Return the result as plain data; amounts in cents."""
    return {
        "statements": [
            {
                "statement_id": statement.statement_id,
                "already_read": statement.already_read,
                "lines": [
                    {
                        "key": line.key,
                        "cents": line.cents,
                        "matched_as": line.matched_as,
                        "applications": list(line.refs),
                        "why": line.why.en if line.why else None,
                    }
                    for line in statement.lines
                ],
            }
            for statement in result.statements
        ],
        "gaps": [
            {"account": gap.account, "statement_id": gap.statement_id, "opening_cents": gap.opening}
            for gap in result.gaps
        ],
    }


def summary(result: ImportResult) -> list[str]:
    """Return the lines that a person reads."""
    lines = [f"already read  {s.statement_id}" for s in result.statements if s.already_read]
    for line in result.lines:
        if line.matched_as is not None:
            lines.append(f"{line.matched_as:<14}{euro(line.cents)}  {', '.join(line.refs)}")
        else:
            lines.append(f"open          {euro(line.cents)}  {line.why.en if line.why else ''}")
    lines += [f"gap           {gap.sentence.en}" for gap in result.gaps]
    matched = len(result.lines) - len(result.unmatched)
    return [*lines, f"{matched} matched, {len(result.unmatched)} left to a person, {len(result.gaps)} gaps."]
