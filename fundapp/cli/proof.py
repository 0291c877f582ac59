"""What the two proofs, of the ledger and of the journal, say on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from fundapp.cli import connect

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from fundapp.services.journal import Breach


def prove(name: str, verify: Callable[[Session], Breach | None], *, as_json: bool) -> None:
    """Say OK and end with exit status 0, or name the first thing that is wrong and end with 1."""
    with connect() as session:
        breach = verify(session)
    if as_json:
        found = None if breach is None else {"what": breach.what, "where": breach.where}
        click.echo(json.dumps({"ok": breach is None, "breach": found}))
    elif breach is None:
        click.echo(f"OK: the {name} is proved.")
    else:
        click.echo(f"WRONG: {breach.where}: {breach.what}.", err=True)
    if breach is not None:
        raise click.exceptions.Exit(1)
