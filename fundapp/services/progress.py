"""The progress report as a document."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.days import MONTHS
from fundapp.domain.outside import Flag, Report, ReportRow, ReportSection
from fundapp.domain.outside import Tone as PrintTone
from fundapp.domain.progress import COLUMNS, RowFlag
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.progress import ProgressRow
from fundapp.services.programme import programme

_TONES: dict[RowFlag, PrintTone] = {
    RowFlag.NEW: "attention",
    RowFlag.CHANGED: "attention",
    RowFlag.FINISHED: "positive",
    RowFlag.RUNNING: "neutral",
    RowFlag.MERGED: "neutral",
}


def build(session: Session, period: str, *, now: datetime) -> Report:
    """Return the report of a period ("2023-12") in three columns, in Dutch.

    Raises Refused(INVALID) for a period that is not one, or that has no rows; it then says which do.
    """
    rows = session.scalars(
        select(ProgressRow).where(ProgressRow.period == period).order_by(ProgressRow.part_position, ProgressRow.number)
    ).all()
    if not rows:
        raise Refused(_no_rows(session, period))
    sections = [
        ReportSection(
            part,
            tuple(
                ReportRow(
                    str(row.number),
                    row.planned,
                    row.reached,
                    row.plans,
                    Flag(RowFlag(row.flag).label.nl, _TONES[RowFlag(row.flag)]),
                )
                for row in members
            ),
        )
        for part, members in groupby(rows, key=lambda row: row.part)
    ]
    year, month = period.split("-")
    return Report(
        title=f"Voortgangsrapportage {MONTHS[int(month) - 1].nl} {year}",
        subtitle=programme().name.nl,
        language="nl",
        made_at=now,
        classification=programme().classification,
        columns=(COLUMNS[0].nl, COLUMNS[1].nl, COLUMNS[2].nl),
        sections=sections,
    )


def _no_rows(session: Session, period: str) -> Refusal:
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period, re.ASCII) is None:
        sentence = Text(
            "“{period}” is geen periode. Schrijf bijvoorbeeld 2023-12.",
            "“{period}” is not a period. Write for example 2023-12.",
        )
        return Refusal("not_a_period", sentence.fill(period=same(period[:20])), field="PERIOD", kind=Kind.INVALID)
    known = session.scalars(select(ProgressRow.period).distinct().order_by(ProgressRow.period)).all()
    return Refusal(
        "no_rows",
        Text(
            "Van {period} zijn er geen regels. Wel van: {known}.",
            "There are no rows for {period}. There are for: {known}.",
        ).fill(period=same(period), known=same(", ".join(known) or "–")),
        field="PERIOD",
        kind=Kind.INVALID,
    )
