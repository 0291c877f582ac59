"""`fundapp generate`: a realistic volume of applications, for measuring."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from fundapp.cli import connect


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
        with click.progressbar(length=applications, label="Applications", file=click.get_text_stream("stderr")) as bar:
            done = generate.generate(
                make_session,
                files,
                applications=applications,
                seed=seed,
                now=datetime.now(UTC),
                progress=lambda number: bar.update(number - bar.pos),
            )
        found = generate.states(session)
    click.echo(f"{done:,} applications made in {time.monotonic() - begun:.0f} s.")
    for state, number in found.items():
        click.echo(f"  {state:<24}{number:>10,}")
