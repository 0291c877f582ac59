"""`fundapp retention run`: remove what the retention terms of the funds say must go."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from fundapp.cli import connect


@click.group("retention")
def command() -> None:
    """Retention terms."""


@command.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def run(dry_run: bool, as_json: bool) -> None:
    """Remove drafts and the personal side of cases whose term is over."""
    from config import Settings
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.domain.people import SYSTEM
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services import retention

    files = ObjectFileStore(Settings.from_env().storage_url)
    with connect() as session, unit_of_work(session):
        done = retention.run(session, files, actor=SYSTEM, now=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(asdict(done) | {"dry_run": dry_run}))
        return
    verb = "Would remove" if dry_run else "Removed"
    click.echo(
        f"{verb} {len(done.drafts)} drafts, the personal data of {len(done.cases)} cases and {done.mails} mails, "
        f"{done.files} files, {done.codes} sign-in codes."
    )
    for ref in (*done.drafts, *done.cases):
        click.echo(f"  {ref}")
