"""Sending a file piece by piece, so that a broken connection costs one piece: begin, add, look, finish or cancel.

A file on its way belongs to one person and one application, and is forgotten a day after its last piece.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from fundapp.domain.completion import require_open
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Attachment
from fundapp.persistence.upload import PartialUpload, UploadPart
from fundapp.services import draft, uploads
from fundapp.services.ports import FileStore, Scanner

LASTS = timedelta(days=1)
MOST_AT_ONCE = 20
"""Files that one person may have on their way."""
LARGEST_PIECE = 1024 * 1024
SWEPT_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A file on its way. arrived: the bytes that are here; size: all of them."""

    token: str
    slot: str
    file_name: str
    size: int
    arrived: int

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return self.arrived == self.size

    @property
    def percent(self) -> int:
        """How much is here, rounded down."""
        return self.arrived * 100 // self.size


def begin(
    session: Session, ref: str, slot_key: str, file_name: str, size: int, stamp: str, *, actor: Actor, now: datetime
) -> OnItsWay:
    """Begin to send a file, or go on with one that broke off: the same name, size and stamp in the same place.

    Raises Refused as `draft.filing` and `uploads.slot_of` do; INVALID for a size that the place does not take, and
    where too much is on its way.
    """
    with draft.filing(session, ref, actor=actor, now=now) as page:
        slot = uploads.slot_of(page.spec, slot_key)
        require_open(page.open_parts, slot_key)
        slot.check_size(file_name, size)
        _sweep(session, now)
        name, mark = (_storable(text)[:250] for text in (file_name, stamp))
        mine = session.scalars(_of(page.app, actor, now)).all()
        for row in mine:
            if (row.slot, row.file_name, row.size, row.stamp) == (slot_key, name, size, mark):
                row.expires_at = now + LASTS
                return _view(session, row)
        if len(mine) >= MOST_AT_ONCE:
            nl = "Er zijn al {most} bestanden onderweg. Wacht tot die klaar zijn, of stop er een."
            en = "{most} files are on their way already. Wait until they are done, or stop one."
            raise slot.no("uploads_too_many", nl, en, "", most=MOST_AT_ONCE)
        row = PartialUpload(
            token=secrets.token_urlsafe(18),
            application_id=page.app.id,
            person_id=actor.id,
            slot=slot_key,
            file_name=name,
            size=size,
            stamp=mark,
            expires_at=now + LASTS,
        )
        session.add(row)
    return OnItsWay(row.token, row.slot, row.file_name, row.size, 0)


def _storable(text: str) -> str:
    """What PostgreSQL can keep of a text."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _of(app: Application, actor: Actor, now: datetime) -> Select[PartialUpload]:
    return (
        select(PartialUpload)
        .where(
            PartialUpload.application_id == app.id,
            PartialUpload.person_id == actor.id,
            PartialUpload.expires_at > now,
        )
        .order_by(PartialUpload.expires_at, PartialUpload.token)
    )


def _sweep(session: Session, now: datetime) -> None:
    """Forget a few that nobody went on with; their pieces go with them."""
    expired = select(PartialUpload.token).where(PartialUpload.expires_at <= now).limit(SWEPT_AT_ONCE)
    session.execute(delete(PartialUpload).where(PartialUpload.token.in_(expired.with_for_update(skip_locked=True))))


def on_their_way(session: Session, app: Application, *, actor: Actor, now: datetime) -> list[OnItsWay]:
    """Return what this person began to send for an application and did not finish."""
    arrived = func.coalesce(func.sum(func.length(UploadPart.content)), 0)
    rows = session.execute(
        _of(app, actor, now)
        .with_only_columns(
            PartialUpload.token, PartialUpload.slot, PartialUpload.file_name, PartialUpload.size, arrived
        )
        .outerjoin(UploadPart, UploadPart.token == PartialUpload.token)
        .group_by(PartialUpload.token)
    )
    return [OnItsWay(*row) for row in rows]


def look(session: Session, ref: str, token: str, *, actor: Actor, now: datetime) -> OnItsWay:
    """Return how far a file is. Raises Refused(NOT_FOUND) for one that is gone or somebody else's."""
    return _view(session, _mine(session, ref, token, actor=actor, now=now, lock=False))


def add(session: Session, ref: str, token: str, start: int, piece: bytes, *, actor: Actor, now: datetime) -> OnItsWay:
    """Add the piece that begins at `start`; return how far the file is.

    A piece that begins elsewhere than where the last one ended changes nothing: the answer says where to go on, so a
    piece that is sent twice, or in two windows, does no harm.
    Raises Refused: as `look` does; INVALID for a piece that is too large or goes past the end.
    """
    row = _mine(session, ref, token, actor=actor, now=now)
    before = _view(session, row)
    if start != before.arrived or not piece:
        return before
    if len(piece) > LARGEST_PIECE or start + len(piece) > row.size:
        sentence = Text(
            "Dit stuk van het bestand past niet. Kies het bestand opnieuw.",
            "This piece of the file does not fit. Choose the file again.",
        )
        raise Refused(Refusal("piece_too_large", sentence, field=row.slot, kind=Kind.INVALID))
    session.add(UploadPart(token=token, start=start, content=piece))
    row.expires_at = now + LASTS
    session.flush()
    return OnItsWay(token, row.slot, row.file_name, row.size, start + len(piece))


def finish(
    session: Session, ref: str, token: str, *, files: FileStore, scanner: Scanner, actor: Actor, now: datetime
) -> Attachment:
    """Attach a file of which all is here. Raises Refused as `look` and `uploads.add_document` do."""
    row = _mine(session, ref, token, actor=actor, now=now)
    pieces: Sequence[bytes] = session.scalars(
        select(UploadPart.content).where(UploadPart.token == token).order_by(UploadPart.start)
    ).all()
    content = b"".join(pieces)
    assert len(content) == row.size, "finish comes after the last piece"
    with draft.filing(session, ref, actor=actor, now=now) as page:
        attachment = uploads.add_document(page, row.slot, row.file_name, content, files=files, scanner=scanner)
        session.delete(row)
    return attachment


def cancel(session: Session, ref: str, token: str, *, actor: Actor) -> None:
    """Forget a file on its way; one that is gone is no error."""
    found = select(Application.id).where(Application.ref == ref).scalar_subquery()
    session.execute(
        delete(PartialUpload).where(
            PartialUpload.token == token, PartialUpload.person_id == actor.id, PartialUpload.application_id == found
        )
    )


def _mine(session: Session, ref: str, token: str, *, actor: Actor, now: datetime, lock: bool = True) -> PartialUpload:
    query = (
        select(PartialUpload)
        .join(Application, Application.id == PartialUpload.application_id)
        .where(
            PartialUpload.token == token,
            PartialUpload.person_id == actor.id,
            PartialUpload.expires_at > now,
            Application.ref == ref,
        )
        .execution_options(populate_existing=True)
    )
    row = session.scalar(query.with_for_update(of=PartialUpload) if lock else query)
    if row is None:
        sentence = Text(
            "Wij hebben dit bestand niet meer. Kies het opnieuw.", "We no longer have this file. Choose it again."
        )
        raise Refused(Refusal("upload_gone", sentence, kind=Kind.NOT_FOUND))
    return row


def _view(session: Session, row: PartialUpload) -> OnItsWay:
    arrived = session.scalar(
        select(func.coalesce(func.sum(func.length(UploadPart.content)), 0)).where(UploadPart.token == row.token)
    )
    return OnItsWay(row.token, row.slot, row.file_name, row.size, arrived or 0)
