"""`fundapp demo load`: the worked example, from the first application to a tranche that is closed to the cent."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from fundapp.cli import connect


@click.group("demo")
def command() -> None:
    """The worked example."""


@command.command("load")
def load() -> None:
    """Load it. A second time changes nothing."""
    from sqlalchemy.orm import sessionmaker

    from config import Settings
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.services import demo

    with connect() as session:
        make_session = sessionmaker(session.get_bind(), expire_on_commit=False)
        files = ObjectFileStore(Settings.from_env().storage_url)
        loaded = demo.load(make_session, files, datetime.now(UTC))
    click.echo("The worked example is loaded." if loaded else "The worked example was loaded before.")
