"""The minutes of a meeting as PDF: made by the worker from what was recorded, once the meeting is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.days import moment_text
from fundapp.domain.money import euro
from fundapp.domain.outside import Block, Bullets, Facts, Heading, Letter, Paragraph
from fundapp.persistence.application import StoredDocument
from fundapp.persistence.panel import Meeting
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services.ports import Documents, FileStore
from fundapp.services.programme import programme

_OUTCOMES = {"award": "Advies: toekennen", "reject": "Advies: afwijzen", "kept": "Aangehouden"}


def build(data: Mapping[str, Any]) -> Letter:
    """Return the minutes, as they were frozen at the closing (`meeting.minutes`), ready to be set. Always in Dutch."""
    held, closed = (datetime.fromisoformat(data[name]) for name in ("held_at", "closed_at"))
    contact = programme().contact
    blocks: list[Block] = [
        Facts(
            "Vergadering",
            (
                ("Commissie", data["panel"]),
                ("Ronde", f"{data['tranche']} ({data['ref']})"),
                ("Wanneer", moment_text(held).nl),
                ("Waar", data["place"] or "–"),
                ("Aanwezig", ", ".join(data["present"])),
                ("Afwezig", ", ".join(data["absent"]) or "–"),
                ("Nodig voor een advies", f"{data['quorum']} leden"),
            ),
        )
    ]
    for number, item in enumerate(data["items"], 1):
        blocks += _item(number, item)
    if data["remarks"]:
        blocks += [
            Heading("Verder besproken"),
            *(Paragraph(line) for line in data["remarks"].splitlines() if line.strip()),
        ]
    return Letter(
        title=f"Notulen {data['ref']}, {moment_text(held).nl}",
        language="nl",
        made_at=closed,
        dateline=f"Vastgesteld op {moment_text(closed).nl}",
        sender_name=data["fund"],
        sender_lines=(contact.email,),
        recipient=(),
        references=(("Ronde", data["ref"]),),
        blocks=tuple(blocks),
    )


def _item(number: int, item: Mapping[str, Any]) -> list[Block]:
    amount = f" {euro(item['amount_cents'])}" if item["amount_cents"] else ""
    rows = [("School", item["school"]), ("Gevraagd", euro(item["asked_cents"]))]
    if item["score"] is not None:
        rows.append(("Score", f"{item['score'].replace('.', ',')} van 5, door {item['readers']} lezers"))
    rows.append(("Uitkomst", f"{_OUTCOMES[item['outcome']]}{amount}"))
    found: list[Block] = [Heading(f"{number}. {item['ref']} {item['title']}"), Facts("Aanvraag", tuple(rows))]
    found += [Paragraph(line) for line in item["explanation"].splitlines() if line.strip()]
    if item["voted"]:
        found.append(Bullets((f"Deden mee: {', '.join(item['voted'])}",)))
    if item["left"]:
        found.append(Bullets((f"Deed niet mee vanwege een belang: {', '.join(item['left'])}",)))
    return found


def render_pending(session_factory: Callable[[], Session], documents: Documents, files: FileStore) -> int:
    """Make the PDF of every closed meeting that has none; return how many were made. Safe to run twice, or by two."""
    with session_factory() as session:
        waiting = session.scalars(
            select(Meeting.id).where(Meeting.closed_at.is_not(None), Meeting.minutes_sha256.is_(None))
        ).all()
    made = 0
    for meeting_id in waiting:
        with session_factory() as session, unit_of_work(session):
            made += _render(session, meeting_id, documents, files)
    return made


def _render(session: Session, meeting_id: int, documents: Documents, files: FileStore) -> bool:
    row = session.get(Meeting, meeting_id, with_for_update={"skip_locked": True})
    if row is None or row.minutes is None or row.minutes_sha256 is not None or row.closed_at is None:
        return False
    pdf = documents.letter_pdf(build(row.minutes))
    stored = files.put(pdf)
    if session.get(StoredDocument, stored.sha256) is None:
        session.add(
            StoredDocument(
                sha256=stored.sha256,
                size=stored.size,
                media_type="application/pdf",
                scan="clean",
                stored_at=row.closed_at,
            )
        )
        session.flush()
    row.minutes_sha256 = stored.sha256
    return True
