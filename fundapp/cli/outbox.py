"""`fundapp outbox status` and `fundapp outbox retry ID`: see the mails by state; send one again that got stuck."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from fundapp.cli import connect

MOST_LISTED = 100


@click.group()
def command() -> None:
    """The mails that must go out."""


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def status(as_json: bool) -> None:
    """Count the mails by state, and list those that wait for a person: dead or uncertain."""
    from fundapp.services import outbox

    with connect() as session:
        found = outbox.status(session, limit=MOST_LISTED)
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        return
    for state, number in found.counts.items():
        click.echo(f"{state:<10}{number:>8}")
    if found.oldest_due is not None:
        click.echo(f"Due since {found.oldest_due.isoformat(timespec='seconds')}.")
    for mail in found.stuck:
        click.echo(f"{mail.state:<10}{mail.id:>8}  {mail.template} to {mail.address}: {mail.error}")
    if (more := found.counts["dead"] + found.counts["uncertain"] - len(found.stuck)) > 0:
        click.echo(f"and {more} more")


@command.command("retry")
@click.argument("message_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def retry(message_id: int, as_json: bool) -> None:
    """Put a mail that is dead or uncertain back in the queue. An uncertain one may arrive twice."""
    from fundapp.domain.people import SYSTEM
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services import outbox

    with connect() as session, unit_of_work(session):
        outbox.retry(session, message_id, actor=SYSTEM, now=datetime.now(UTC))
    if as_json:
        click.echo(json.dumps({"id": message_id, "state": "queued"}))
    else:
        click.echo(f"Mail {message_id} is queued again.")
