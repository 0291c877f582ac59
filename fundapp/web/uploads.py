"""Files sent by a script, piece by piece: begin, add, look, stop. Without the script a form sends them whole.

Everything answers JSON: how far the file is, or a refusal as problem details that names the place of the file. Who may
write in the application is asked under its lock; what is on its way belongs to one person.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import RequestEntityTooLarge

from fundapp.domain.refusal import Kind, Refused
from fundapp.persistence.application import Application
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import draft_reading, partial_uploads
from fundapp.services.partial_uploads import LARGEST_PIECE, OnItsWay
from fundapp.web.access import SIGNED_IN, access
from fundapp.web.school_case import file_store, scanner
from fundapp.web.session import db, request_now, signed_in, wake
from fundapp.web.upload_slots import slots_of

bp = Blueprint("uploads", __name__)

MEGABYTE = 1024 * 1024
LARGEST_FORM = 100 * MEGABYTE
"""Files that a form sends in one go; what is larger than its place takes is refused there, by name and size."""

_ONE = "/aanvragen/<ref>/uploads/<token>"


@bp.post("/aanvragen/<ref>/uploads")
@access(SIGNED_IN)
def begin(ref: str) -> Response:
    """Begin to send a file, or go on with one that broke off: where it goes, its name, size (bytes) and stamp."""
    told = request.form
    with unit_of_work(db.session()):
        found = partial_uploads.begin(
            db.session(),
            ref,
            told.get("slot", ""),
            told.get("name", ""),
            _whole(told.get("size", "")),
            told.get("stamp", ""),
            actor=signed_in(),
            now=request_now(),
        )
    return _on_its_way(ref, found, 201)


@bp.get(_ONE)
@access(SIGNED_IN)
def look(ref: str, token: str) -> Response:
    """Say how far a file is."""
    return _on_its_way(ref, partial_uploads.look(db.session(), ref, token, actor=signed_in(), now=request_now()))


@bp.put(_ONE)
@access(SIGNED_IN)
def add(ref: str, token: str) -> Response:
    """Add the piece that begins at `?from=`; with the last one the file is judged, scanned and attached."""
    if (request.content_length or 0) > LARGEST_PIECE:
        raise RequestEntityTooLarge
    piece = request.get_data(cache=False)
    who: dict[str, Any] = {"actor": signed_in(), "now": request_now()}
    with unit_of_work(db.session()):
        found = partial_uploads.add(db.session(), ref, token, _whole(request.args.get("from", "")), piece, **who)
    return _finished(ref, found) if found.complete else _on_its_way(ref, found)


def _finished(ref: str, found: OnItsWay) -> Response:
    try:
        with unit_of_work(db.session(), wake):
            partial_uploads.finish(
                db.session(),
                ref,
                found.token,
                files=file_store(),
                scanner=scanner(),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        if error.kind is Kind.INVALID:  # it will never do: nothing of it is kept
            with unit_of_work(db.session()):
                partial_uploads.cancel(db.session(), ref, found.token, actor=signed_in())
        raise
    return jsonify(done=True, slot=found.slot, html=_files(ref, found.slot))


@bp.delete(_ONE)
@access(SIGNED_IN)
def stop(ref: str, token: str) -> Response:
    """Stop sending a file; what is here of it is forgotten."""
    with unit_of_work(db.session()):
        partial_uploads.cancel(db.session(), ref, token, actor=signed_in())
    return make_response("", 204)


def _on_its_way(ref: str, found: OnItsWay, status: int = 200) -> Response:
    address = url_for("uploads.look", ref=ref, token=found.token)
    return make_response(jsonify(done=False, url=address, arrived=found.arrived, size=found.size), status)


def _files(ref: str, key: str) -> str:
    """Draw what is in one place now."""
    app = db.session().scalars(select(Application).where(Application.ref == ref)).one()
    picture = draft_reading.picture(db.session(), app)
    rest = partial_uploads.on_their_way(db.session(), app, actor=signed_in(), now=request_now())
    for section in picture.spec.form.sections:
        if (view := slots_of(picture, section, rest).get(key)) is not None:
            return render_template("pages/application/_files.html", ref=ref, view=view)
    return ""


def _whole(typed: str) -> int:
    """A number of bytes; -1, which nothing has, for anything else."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 16 else -1


def room_for_files() -> None:
    """Let this request bring files, up to `LARGEST_FORM`; asked before anything reads it."""
    request.max_content_length = max(LARGEST_FORM, current_app.config["MAX_CONTENT_LENGTH"] or 0)
