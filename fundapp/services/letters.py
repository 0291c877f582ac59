"""Letters: a row that is written with the act, put into words and made into a PDF by the worker.

A value that is missing blocks the act that writes the letter (`released`), with a sentence that names it. A template at
fault does not: that letter shows up as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain import outside
from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.letter import value_name
from fundapp.domain.outside import Amounts, Block, Bullets, Facts, Heading, Paragraph, Signature
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.decision import Letter
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services.letter_text import EmptyValue, LetterFault, Traced, fill_in, put_into_words, trace
from fundapp.services.ports import Documents, FileStore
from fundapp.services.programme import programme


def letter_row(
    application_id: int, journal_id: int, template: str, context: Mapping[str, Any], now: datetime
) -> Letter:
    """Return the letter to be written with an act, as `letter_values` has it."""
    return Letter(**letter_values(application_id, journal_id, template, context, now))


def letter_values(
    application_id: int, journal_id: int, template: str, context: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return the letter to be written with an act: in the portal from `now` on, its facts frozen (Awb 2:17, 3:41).

    context: plain data, as JSON has it; who sends it and who is paid is added, as they are today.
    """
    ours = programme()
    sender = {"name": ours.brand, "payer": ours.lead_applicant.name, "iban": ours.lead_applicant.iban}
    return {
        "application_id": application_id,
        "journal_id": journal_id,
        "template": template,
        "context": {**context, "sender": sender},
        "sent_at": now,
    }


def released(
    application_id: int, journal_id: int, template: str, context: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return the letter to be written with an act, once it can be put into words.

    Raises Refused where a value that it must say is empty, with the name of that value.
    """
    values = letter_values(application_id, journal_id, template, context, now)
    try:
        fill_in(template, values["context"])
    except EmptyValue as gap:
        raise Refused(
            Refusal(
                "letter_value_empty",
                Text(
                    "De brief kan nog niet weg: {value} is leeg. Vul dat eerst in, of vraag de coördinator.",
                    "The letter cannot go yet: {value} is empty. Fill that in first, or ask the coordinator.",
                ).fill(value=value_name(gap.name)),
            )
        ) from gap
    except LetterFault:
        pass  # a template to be repaired; the worker notes what is wrong with it, and the letter can be made again
    return values


def traced(row: Letter) -> tuple[Traced, ...]:
    """Return the sentences of a letter with the rule that each rests on. Raises LetterFault."""
    return trace(fill_in(row.template, row.context), str(row.context.get("profile") or ""))


def build(row: Letter) -> outside.Letter:
    """Return a letter in words, in Dutch: that is the legal text. Raises LetterFault."""
    facts = row.context
    title, blocks = put_into_words(row.template, facts)
    try:
        contact, sender = facts["contact"], facts["sender"]
        return outside.Letter(
            title=title,
            language="nl",
            made_at=row.sent_at,
            dateline=day_text(row.sent_at.astimezone(AMSTERDAM).date()).nl,
            sender_name=sender["name"],
            sender_lines=(sender["payer"], contact["email"], contact["phone"]),
            recipient=tuple(line for line in (facts["board"], facts["school"]) if line),
            references=(("Ons kenmerk", facts["ref"]), ("Behandeld door", contact["name"])),
            blocks=blocks,
            attached={**facts, "letter": row.template, "sent_at": row.sent_at.isoformat()},
        )
    except KeyError as error:
        raise LetterFault(f"the letter's facts have no {error}") from error


_KINDS: dict[type[Block], str] = {
    Heading: "heading",
    Paragraph: "paragraph",
    Bullets: "bullets",
    Facts: "facts",
    Amounts: "amounts",
    Signature: "signature",
}


def letter_view(row: Letter) -> tuple[str, list[tuple[str, Block]]] | None:
    """Return title and blocks with their kinds, for `components/letter_blocks.html`; None while it cannot be built."""
    try:
        letter = build(row)
    except LetterFault:
        return None
    return letter.title, [(_KINDS[type(block)], block) for block in letter.blocks]


def render_pending(session_factory: Callable[[], Session], documents: Documents, files: FileStore) -> int:
    """Make the PDF of every letter that has none; return how many were made. Safe to run twice, or by two at once.

    A letter at fault keeps its reason in `failure` and does not stop the others. A file store that is away raises: the
    letter is tried again the next time.
    """
    with session_factory() as session:
        waiting = session.scalars(
            select(Letter.id).where(Letter.pdf_sha256.is_(None), Letter.failure.is_(None)).order_by(Letter.id)
        ).all()
    made = 0
    for letter_id in waiting:
        with session_factory() as session, unit_of_work(session):
            made += _render(session, letter_id, documents, files)
    return made


def _render(session: Session, letter_id: int, documents: Documents, files: FileStore) -> bool:
    row = session.scalar(
        select(Letter)
        .where(Letter.id == letter_id, Letter.pdf_sha256.is_(None), Letter.failure.is_(None))
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return False
    try:
        pdf = documents.letter_pdf(build(row))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one letter, the next one must go on
        row.failure = f"{type(error).__name__}: {error}"[:1000]
        return False
    row.pdf_sha256 = files.put(pdf).sha256
    return True


def try_again(session: Session, letter_id: int) -> None:
    """Let a failed letter be made again, after its template was repaired. Its facts stay as they were."""
    session.get_one(Letter, letter_id, with_for_update=True).failure = None
