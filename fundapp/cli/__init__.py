"""The command line: one module for each command, loaded only when that command is asked for.

Each module named here has a click command or group called `command`. Bad input ends in one line on standard error and
exit status 2; a thing that is missing on the machine in one line and exit status 1.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fundapp.domain.refusal import Refusal, Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("fundapp.cli.run", "Start everything: database, broker, worker, scheduler, web."),
    "schools": ("fundapp.cli.schools", "Import the DUO directory of schools."),
    "demo": ("fundapp.cli.demo", "Load the worked example."),
    "generate": ("fundapp.cli.generate", "Make a realistic volume of applications, for measuring."),
    "allocate": ("fundapp.cli.allocate", "Divide a ceiling over applications, as a what-if."),
    "term": ("fundapp.cli.term", "Work out a deadline and why it falls there."),
    "ledger": ("fundapp.cli.ledger", "Re-prove every balance."),
    "journal": ("fundapp.cli.journal", "Re-prove every hash of the journal."),
    "conditions": ("fundapp.cli.conditions", "Judge every condition again."),
    "outbox": ("fundapp.cli.outbox", "See the mails by state; send one again."),
    "payments": ("fundapp.cli.payments", "Payment orders out, bank statements in."),
    "report": ("fundapp.cli.report", "The progress report as a PDF."),
    "people": ("fundapp.cli.people", "Invite a person; make an API token."),
    "receipt": ("fundapp.cli.receipt", "Prove a receipt, or name what differs from it."),
    "retention": ("fundapp.cli.retention", "Remove what the retention terms say must go."),
    "flow": ("fundapp.cli.flow", "Draw the flows, as Mermaid."),
    "backup": ("fundapp.cli.backup", "Write everything to one file: database and files."),
    "restore": ("fundapp.cli.backup:restore", "Put back what a backup holds."),
    "migrate": ("fundapp.cli.processes:migrate", "Bring the database to the newest schema."),
    "web": ("fundapp.cli.processes:web", "Run the web server only."),
    "worker": ("fundapp.cli.processes:worker", "Run a worker only."),
    "beat": ("fundapp.cli.processes:beat", "Run the scheduler only."),
    "mailbox": ("fundapp.cli.processes:mailbox", "Run the local mailbox only."),
}
"""Command → where it is (`module`, or `module:name` where it is not called `command`) and what it does."""


class BadInput(click.ClickException):
    """What was given does not fit; the message names the file, row or field."""

    exit_code = 2


class CannotRun(click.ClickException):
    """Something outside the command is missing or away; the message says what to do."""

    exit_code = 1


def bad_input(sentence: str, *, file: object = None, row: int | None = None, field: str | None = None) -> NoReturn:
    """Stop with one line such as `schools.csv, row 12, POSTCODE: that is no postcode.` and exit status 2."""
    place = [str(file)] if file is not None else []
    place += [f"row {row}"] if row is not None else []
    place += [field] if field else []
    raise BadInput(f"{', '.join(place)}: {sentence}" if place else sentence)


def refusal_line(refusals: Sequence[Refusal]) -> str:
    """All reasons on one line, each with the field that it is about."""
    return " ".join(f"{r.field}: {r.sentence.en}" if r.field else r.sentence.en for r in refusals)


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and says every failure in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command; None for a name that is not in the table."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name or "command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and turn what goes wrong into one line on standard error and an exit status."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.exit(status if isinstance(status, int) else 0)
        except click.exceptions.NoArgsIsHelpError as asked:
            click.echo(asked.format_message())
            sys.exit(2)
        except click.ClickException as error:
            _say(error.format_message())
            sys.exit(error.exit_code)
        except click.Abort:
            _say("Stopped.")
            sys.exit(130)
        except Refused as refused:
            _say(refusal_line(refused.refusals))
            sys.exit(2)


def _say(sentence: str) -> None:
    click.echo(" ".join(sentence.split()), err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Fondsloket: grants for schools, from application to settlement."""


@contextmanager
def connect() -> Iterator[Session]:
    """Yield a session on the database of the settings; close it afterwards. Nothing is committed here.

    Where no database is set and none runs yet, the embedded one runs for as long as the block lasts.
    Raises CannotRun when there is no database to be had.
    """
    from sqlalchemy.exc import OperationalError

    from config import Settings, SettingsError
    from fundapp.adapters.embedded import CannotStart, Postgres
    from fundapp.persistence.db import make_engine, session_factory
    from fundapp.persistence.migrate import upgrade

    try:
        settings = Settings.from_env()
        server = Postgres(settings.local) if settings.embedded_database else None
        if server is not None and server.start():
            upgrade(settings.database_url)
    except (SettingsError, CannotStart) as error:
        raise CannotRun(str(error)) from None
    engine = make_engine(settings.database_url, pool_size=2)
    try:
        with session_factory(engine)() as session:
            yield session
    except OperationalError as error:
        if not error.connection_invalidated and error.statement is not None:
            raise
        raise CannotRun("The database cannot be reached; check DATABASE_URL.") from error
    finally:
        engine.dispose()
        if server is not None:
            server.stop()
