"""`fundapp generate`: a realistic volume of applications, for measuring."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import click

from fundapp.cli import connect


def _tell(applications: int) -> Callable[[int], None]:
    """Return what tells how far it is: a line for each tenth, on standard error."""
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done * 10 // applications > told:
            told = done * 10 // applications
            click.echo(f"{done:,} of {applications:,} applications", err=True)

    return tell


@click.command("generate")
@click.option("--applications", type=click.IntRange(min=1, max=5_000_000), required=True, help="How many to make.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same applications.")
def command(applications: int, seed: int) -> None:
    """Make applications in all states, with invented schools, a full history and money that adds up."""
    from sqlalchemy.orm import sessionmaker

    from config import Settings
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.services import generate

    begun = time.monotonic()
    with connect() as session:
        make_session = sessionmaker(session.get_bind(), expire_on_commit=False)
        files = ObjectFileStore(Settings.from_env().storage_url)
        done = generate.generate(
            make_session,
            files,
            applications=applications,
            seed=seed,
            now=datetime.now(UTC),
            progress=_tell(applications),
        )
        found = generate.states(session)
    click.echo(f"{done:,} applications made in {time.monotonic() - begun:.0f} s.")
    for state, number in found.items():
        click.echo(f"  {state:<24}{number:>10,}")
