"""`fundapp receipt verify FILE`: prove a receipt, or name what differs from it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fundapp.cli import bad_input, connect

if TYPE_CHECKING:
    from fundapp.services.receipt_check import Proof

LARGEST = 50 * 1024 * 1024


@click.group("receipt")
def command() -> None:
    """Receipts of what schools sent."""


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def verify(file: Path, as_json: bool) -> None:
    """Prove that FILE is the receipt that was made, and that all it attests is still stored as it was sent.

    Ends with 0 when everything is as it was, with 1 and a line for each part, answer or file that is not.
    """
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.cli.processes import settings_or_stop
    from fundapp.domain.receipt import Signer
    from fundapp.services import receipt_check

    try:
        content = file.read_bytes() if file.stat().st_size <= LARGEST else b""
    except OSError as error:
        bad_input(f"cannot be read: {error.strerror}.", file=file)
    settings = settings_or_stop()
    with connect() as session:
        store, signer = ObjectFileStore(settings.storage_url), Signer.of(settings.secret_key)
        proof = receipt_check.verify(session, store, signer, content)
    if proof is None:
        bad_input("is not a receipt that Fondsloket made.", file=file)
    if as_json:
        found = {
            "ok": proof.proved,
            "ref": proof.ref,
            "number": proof.number,
            "received_at": proof.received_at.isoformat() if proof.received_at else None,
            "differences": [asdict(one) for one in proof.differences],
            "notes": proof.notes,
        }
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _say(proof, file)
    if not proof.proved:
        raise click.exceptions.Exit(1)


def _say(proof: Proof, file: Path) -> None:
    name = f"receipt {proof.number} of {proof.ref}"
    if proof.proved and proof.received_at is not None:
        click.echo(
            f"OK: {file} is {name}, received {proof.received_at.isoformat(timespec='seconds')}; nothing differs."
        )
    for one in proof.differences:
        click.echo(f"WRONG: {name}: {one.where}: {one.what}.", err=True)
    for note in proof.notes:
        click.echo(note, err=not proof.proved)
