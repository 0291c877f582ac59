"""`fundapp flow diagram [NAME]`: the flows as Mermaid, drawn from the tables that the product runs on."""

from __future__ import annotations

import click

from fundapp.cli import bad_input


@click.group()
def command() -> None:
    """The flows: states, and who may do what in each."""


@command.command("diagram")
@click.argument("name", required=False)
def diagram(name: str | None) -> None:
    """Draw one flow, or all of them, each under its name."""
    from fundapp.domain.flow import diagram
    from fundapp.domain.flows import FLOWS

    if name is None:
        click.echo("\n".join(f"%% {kind}\n{diagram(flow)}" for kind, flow in FLOWS.items()), nl=False)
    elif name in FLOWS:
        click.echo(diagram(FLOWS[name]), nl=False)
    else:
        bad_input(f"there is no such flow; choose one of {', '.join(FLOWS)}.", field=name)
