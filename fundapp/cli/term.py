"""`fundapp term`: a deadline and why it falls there."""

from __future__ import annotations

import json

import click

from fundapp.domain.days import day_text, parse_day
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.term import Due, Length, Pause, Profile, TermRule, due
from fundapp.domain.text import Text


@click.command("term")
@click.option("--profile", required=True, metavar="awb|private", help="The legal profile of the fund.")
@click.option("--from", "started_on", required=True, metavar="DATE", help="The term counts from the day after it.")
@click.option("--length", required=True, metavar="6w|10d|2m", help="Weeks, days or months (48h: hours).")
@click.option("--pause", "pauses", multiple=True, metavar="DATE..DATE", help="Request..completion; may be repeated.")
@click.option("--extend", metavar="4w", help="Is added to the length.")
@click.option("--shift", is_flag=True, help="Private: the fund's rules shift an end on a day off.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(
    profile: str,
    started_on: str,
    length: str,
    pauses: tuple[str, ...],
    extend: str | None,
    shift: bool,
    as_json: bool,
) -> None:
    """Say when a term ends, and why it ends there."""
    rule = TermRule(
        length=Length.parse(length, field="--length"),
        profile=_profile(profile),
        shifts=True if shift else None,
        extension=Length() if extend is None else Length.parse(extend, field="--extend"),
    )
    found = due(rule, parse_day(started_on, field="--from"), [_pause(typed) for typed in pauses])
    click.echo(_json(found) if as_json else _plain(found))


def _profile(typed: str) -> Profile:
    if typed in tuple(Profile):
        return Profile(typed)
    raise _refused("--profile", typed, Text("Kies awb of private.", "Choose awb or private."))


def _pause(typed: str) -> Pause:
    first, dots, last = typed.partition("..")
    if not dots:
        raise _refused(
            "--pause", typed, Text("Schrijf twee datums met .. ertussen.", "Write two dates with .. between them.")
        )
    pause = Pause(parse_day(first, field="--pause"), parse_day(last, field="--pause"))
    if last.strip() < first.strip():
        raise _refused(
            "--pause", typed, Text("Schrijf eerst het verzoek, dan de aanvulling.", "Write the request first.")
        )
    return pause


def _refused(field: str, typed: str, advice: Text) -> Refused:
    sentence = Text("“{typed}” klopt niet. {advice}", "“{typed}” is not right. {advice}")
    shown = " ".join(typed.split())[:40]
    return Refused(Refusal("bad_option", sentence.fill(typed=shown, advice=advice), field=field, kind=Kind.INVALID))


def _json(found: Due) -> str:
    return json.dumps(
        {
            "due_on": found.due_on.isoformat(),
            "due_at": found.due_at.isoformat(),
            "paused_days": found.paused_days,
            "shifted_days": found.shifted_days,
            "because": [reason.nl for reason in found.because],
        },
        ensure_ascii=False,
    )


def _plain(found: Due) -> str:
    reasons = [f"- {reason.nl}" for reason in found.because]
    return "\n".join([f"{day_text(found.due_on).nl} ({found.due_at.isoformat()})", *reasons])
