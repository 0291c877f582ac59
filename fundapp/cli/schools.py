"""`fundapp schools import FILE…`: bring the school register up to date with DUO's directory files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from fundapp.adapters.register import read_file
from fundapp.cli import connect
from fundapp.domain.register import FIELD_LABELS, Change, ImportReport

MOST_LISTED = 100


@click.group()
def command() -> None:
    """The register of schools."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would change; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def import_(files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Import DUO directory files as published: primary, secondary, special.

    All files are imported together or not at all. A school that is in none of them is closed when a file covers it:
    same sector, and a province that occurs in the file (all twelve provinces: the whole country).
    """
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services.register import import_files

    read = [read_file(path) for path in files]
    with connect() as session, unit_of_work(session):
        report = import_files(session, read, dry_run=dry_run, now=datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(summary(report, dry_run=dry_run)))


def summary(report: ImportReport, *, dry_run: bool) -> list[str]:
    """Return the lines that a person reads: what happened to which school, then the counts."""
    lines = _listed("new", report.new)
    lines += [_change_line(change) for change in report.changed]
    lines += _listed("closed", report.closed)
    lines += _listed("reopened", report.reopened)
    lines += [f"left      {code}  a school of our own, not DUO's" for code in report.untouched_demo]
    counts = ", ".join(f"{number} {what}" for what, number in report.counts.items())
    return [*lines, f"{counts}.{' Dry run: nothing was written.' if dry_run else ''}"]


def _listed(what: str, codes: Sequence[str]) -> list[str]:
    lines = [f"{what:<10}{code}" for code in codes[:MOST_LISTED]]
    if len(codes) > MOST_LISTED:
        lines.append(f"{what:<10}and {len(codes) - MOST_LISTED} more; --json names them all")
    return lines


def _change_line(change: Change) -> str:
    old, new = change.old or "(empty)", change.new or "(empty)"
    return f"changed   {change.code}  {FIELD_LABELS[change.field].en}: {old} → {new}"
