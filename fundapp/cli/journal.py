"""`fundapp journal verify`: re-prove every hash of the journal."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """The journal."""


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def verify(as_json: bool) -> None:
    """Prove that no row of the journal was altered, removed or added: each has its hash and its link to the last."""
    from fundapp.cli.proof import prove
    from fundapp.services import journal

    prove("journal", journal.verify, as_json=as_json)
