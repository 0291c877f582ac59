"""`fundapp conditions verify`: judge everything that was judged once more."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """The conditions of the funds."""


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def verify(as_json: bool) -> None:
    """Prove that each stored judgement follows from its own rules and inputs, also after the rules have changed."""
    from fundapp.cli.proof import prove
    from fundapp.services import eligibility

    prove("record of judgements", eligibility.verify, as_json=as_json)
