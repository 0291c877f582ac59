"""Reading and signing an application: by mail without an account, or in the portal; and what the school sees of it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.signing import LOOKS, SignatureState
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, signing_answer
from fundapp.services.mail_link import Purpose, correspondent
from fundapp.services.signing_answer import Reading
from fundapp.web import by_mail
from fundapp.web.access import PUBLIC, access, case
from fundapp.web.by_mail import Door
from fundapp.web.downloads import download
from fundapp.web.forms.application import by_field
from fundapp.web.forms.signing import SignForm  # noqa: F401  (registers what the flow asks)
from fundapp.web.school_case import picture_of, school_case
from fundapp.web.session import db, request_now, wake
from fundapp.web.signing_page import content_of, signing_section

bp = Blueprint("signing", __name__)


# --- by mail ----------------------------------------------------------------------------------------------------------


def _door(token: str) -> Door:
    """The door of a link. Raises Closed for a link with nothing behind it."""
    link = by_mail.link_of(token, Purpose.SIGNATURE)
    row, app = signing_answer.asked(db.session(), link.id)
    if row.state != SignatureState.ASKED and not by_mail.is_open(link):
        raise by_mail.Closed(by_mail.over(signing_answer.answered(row).sentence))
    context = funds.case_context(db.session(), app)
    return Door(
        token,
        link,
        correspondent(db.session(), row.email, row.name),
        Text("Wilt u deze aanvraag goedkeuren?", "Will you agree to this application?"),
        Text(
            "{school} vraagt geld aan bij {fund}. U bent genoemd als wie er namens de school tekent.",
            "{school} applies for money from {fund}. You were named as who signs for the school.",
        ).fill(school=context["school"], fund=Text(context["fund"], context["fund_en"])),
        context,
    )


@bp.errorhandler(by_mail.Closed)
def _closed(error: by_mail.Closed) -> Response:
    return error.response


@bp.get("/akkoord/<token>")
@access(PUBLIC)
def read(token: str) -> Response:
    """The door, or behind it the whole application with the question."""
    door = _door(token)
    return _page(door) if by_mail.is_open(door.link) else by_mail.knock(door)


@bp.get("/akkoord/<token>/code")
@access(PUBLIC)
def ask_code(token: str) -> Response:
    """Ask for the code of the mail."""
    return by_mail.ask_code(_door(token))


@bp.post("/akkoord/<token>/code")
@access(PUBLIC)
def send_code(token: str) -> Response:
    """Mail a code."""
    return by_mail.send_code(_door(token))


@bp.post("/akkoord/<token>/bewijs")
@access(PUBLIC)
def use_code(token: str) -> Response:
    """Open the door."""
    return by_mail.use_code(_door(token))


@bp.post("/akkoord/<token>")
@access(PUBLIC)
def answer(token: str) -> Response:
    """Sign, or say why not."""
    door = _door(token)
    if not by_mail.is_open(door.link):
        return by_mail.knock(door)
    explanation = request.form.get("explanation", "").replace("\x00", "")[:4000]
    try:
        with unit_of_work(db.session(), wake):
            if request.form.get("do") == "decline":
                signing_answer.decline(db.session(), door.link.id, explanation, now=request_now())
            else:
                sha256 = request.form.get("sha256", "")
                signing_answer.sign(db.session(), door.link.id, sha256, now=request_now())
    except Refused as error:
        status = 422 if error.kind is Kind.INVALID else 409
        return _page(door, list(error.refusals), explanation, status)
    return make_response(redirect(door.path, code=303))


@bp.get("/akkoord/<token>/bijlagen/<int(max=999999999999999):number>")
@access(PUBLIC)
def attachment(token: str, number: int) -> Response:
    """Download a document of the application that is signed."""
    door = _door(token)
    if not by_mail.is_open(door.link):
        return by_mail.knock(door)
    found = signing_answer.reading(db.session(), door.link.id, request_now())
    file = next((one for one in found.picture.documents if one.id == number), None)
    if file is None or not found.open:
        abort(404)
    return download(file.sha256, file.file_name, file.media_type)


def _page(door: Door, refusals: list[Refusal] | None = None, typed: str = "", status: int = 200) -> Response:
    found = signing_answer.reading(db.session(), door.link.id, request_now())
    if not found.open:
        return make_response(_after(found), 200 if not refusals else status)
    page = render_template(
        "pages/signing/read.html",
        door=door,
        reading=found,
        documents_at=f"{door.path}/bijlagen/",
        explanation=typed,
        field_errors=by_field(refusals or []),
        errors=list(refusals or ()),
        form=None,
        **content_of(found.picture),
    )
    return make_response(page, status)


def _after(found: Reading) -> str:
    """Thanks, and what was signed."""
    one = next((s for s in found.signatures.found if s.id == found.row.id), None)
    return render_template(
        "pages/signing/done.html",
        reading=found,
        row=found.row,
        look=LOOKS[one.standing(found.signatures.content)] if one else None,
        agreed=found.row.state == SignatureState.SIGNED,
        reason=signing_answer.answered(found.row).sentence,
    )


# --- for the school itself -----------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/akkoord")
@access(case("application"))
def preview(ref: str) -> Response:
    """What who signs gets to read, for the school itself."""
    found = school_case()
    page = render_template(
        "pages/signing/preview.html",
        ref=ref,
        app=found.row,
        section_key=signing_section(picture_of(found)),
        documents_at=f"/aanvragen/{ref}/bijlagen/",
        **content_of(picture_of(found)),
    )
    return make_response(page)
