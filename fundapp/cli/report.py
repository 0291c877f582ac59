"""`fundapp report progress`: the three-column report as a PDF."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from fundapp.cli import connect


@click.group("report")
def command() -> None:
    """Reports."""


@command.command("progress")
@click.argument("period")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF to write.")
def progress(period: str, out: Path) -> None:
    """Write the progress report of PERIOD (such as 2023-12): planned, reached, plans and changes."""
    from fundapp.adapters import documents
    from fundapp.services.progress import build

    with connect() as session:
        report = build(session, period, now=datetime.now(UTC))
    out.write_bytes(documents.report_pdf(report))
    click.echo(f"{out}: {sum(len(section.rows) for section in report.sections)} rows.")
