"""`fundapp people`: give somebody access, or a program a token."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from fundapp.cli import bad_input, connect
from fundapp.domain.people import STAFF_ROLES, SYSTEM, Capacity, Role

ROLES = tuple(sorted({str(role) for role in STAFF_ROLES | {Role.APPLICANT}} | {str(c) for c in Capacity}))


@click.group()
def command() -> None:
    """Invite a person; make an API token."""


@command.command()
@click.argument("email")
@click.option(
    "--role", required=True, type=click.Choice(ROLES), help="What the person may do; with --school: for that school."
)
@click.option("--fund", help="The key of one fund; without it: all funds.")
@click.option("--sub-region", help="The key of one sub-region; without it: all.")
@click.option("--school", help="The vestigingscode of a school, such as 99AA00.")
@click.option("--name", default="", help="The person's name.")
@click.option("--language", default="nl", type=click.Choice(["nl", "en"]), help="Of the mails.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
def invite(
    email: str,
    role: str,
    fund: str | None,
    sub_region: str | None,
    school: str | None,
    name: str,
    language: str,
    as_json: bool,
) -> None:
    """Give EMAIL access, and write the mail that says so."""
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services import people

    invitation = people.Invitation(
        email=email,
        name=name,
        role=None if school else _staff_role(role),
        fund=fund,
        sub_region=sub_region,
        school=school.upper() if school else None,
        capacity=_capacity(role) if school else None,
        language="en" if language == "en" else "nl",
    )
    with connect() as session, unit_of_work(session):
        person_id = people.invite(session, invitation, actor=SYSTEM, now=datetime.now(UTC))
    address = people.clean_email(email)
    if as_json:
        click.echo(json.dumps({"person": person_id, "email": address, "role": role, "fund": fund, "school": school}))
    else:
        click.echo(f"{address} now is {role}{f' of {school.upper()}' if school else ''} and gets a mail.")


@command.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
def token(email: str, as_json: bool) -> None:
    """Make an API token with which a program acts as EMAIL. It is shown once."""
    from fundapp.persistence.unit_of_work import unit_of_work
    from fundapp.services import people

    with connect() as session, unit_of_work(session):
        made = people.make_token(session, email, now=datetime.now(UTC))
    click.echo(json.dumps({"email": people.clean_email(email), "token": made}) if as_json else made)


def _staff_role(word: str) -> Role:
    if word not in {str(role) for role in STAFF_ROLES}:
        bad_input(f"{word} is something one is for a school; add --school CODE.", field="--school")
    return Role(word)


def _capacity(word: str) -> Capacity:
    if word == Role.APPLICANT:
        return Capacity.DRAFTER
    if word not in {str(capacity) for capacity in Capacity}:
        bad_input(f"{word} is nothing one can be for a school; leave --school out.", field="--school")
    return Capacity(word)
