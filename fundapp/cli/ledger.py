"""`fundapp ledger verify`: re-prove every posting and every balance."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """The ledger."""


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def verify(as_json: bool) -> None:
    """Prove that each posting sums to zero, agrees with the journal, and that each balance follows from the entries."""
    from fundapp.cli.proof import prove
    from fundapp.services import ledger

    prove("ledger", ledger.verify, as_json=as_json)
