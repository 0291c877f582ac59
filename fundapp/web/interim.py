"""Interim reports: the school writes and sends one; finance reads it, and approves it or gives it back."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.interim import FLOW, State
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import FileType, ScanState, Slot
from fundapp.persistence.application import Application
from fundapp.persistence.payment import Instalment
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import interim
from fundapp.services.quarantine import require_scanned
from fundapp.services.transitions import perform
from fundapp.web.access import Case, access, case
from fundapp.web.actions import actions_on, page_of
from fundapp.web.downloads import download
from fundapp.web.errors import STATUS
from fundapp.web.forms import new_key
from fundapp.web.paging import case_for
from fundapp.web.school_case import file_store, scanner
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("interim", __name__)


@page_of("interim_report")
def _page_of(ref: str, _actor: Actor) -> str:
    return url_for("interim.report", ref=ref)


@bp.get("/tussenrapportages/<ref>")
@access(case("interim_report"))
def report(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """One interim report: to write for the school, to judge for finance, to read for both."""
    found = case_for(Role.APPLICANT, Role.FINANCE, Role.COORDINATOR)
    kept = g.get("returned")
    return _page(found, str(kept["text"]) if kept is not None and "text" in kept else found.row.text, [])


@bp.post("/tussenrapportages/<ref>")
@access(case("interim_report"))
def save(ref: str) -> Response:
    """Save what was written, with a document; then stay, or send it in."""
    found = case_for(Role.APPLICANT)
    text = request.form.get("text", "").replace("\r\n", "\n").replace("\x00", "")
    sending = request.form.get("do") == "send"
    try:
        with unit_of_work(db.session(), wake):
            _save(ref, text)
            if sending:
                seen = request.form.get("seen", "")
                perform(
                    db.session(),
                    FLOW.kind,
                    ref,
                    "send",
                    actor=signed_in(),
                    now=request_now(),
                    seen=int(seen) if seen.isdecimal() and len(seen) < 10 else 0,
                    request_key=request.form.get("request_key") or None,
                )
    except Refused as error:
        if error.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
            raise
        return _page(found, text, list(error.refusals), STATUS[error.kind])
    if sending:
        notify(_SENT)
    else:
        notify(Text("Opgeslagen.", "Saved."))
    return make_response(redirect(url_for("interim.report", ref=ref), code=303))


_SENT = Text(
    "Ingestuurd. U krijgt een mail als wij hebben gekeken.", "Sent in. You get a mail when we have looked at it."
)


@bp.get("/tussenrapportages/<ref>/bijlagen/<int(max=999999999999999):number>")
@access(case("interim_report"))
def document(ref: str, number: int) -> Response:  # noqa: ARG001  (asked by access)
    """Download one of its documents."""
    found = case_for(Role.APPLICANT, Role.FINANCE, Role.COORDINATOR)
    attachment, stored = interim.document(db.session(), found.row, number)
    require_scanned(ScanState(stored.scan))
    return download(attachment.sha256, attachment.file_name, stored.media_type)


def _save(ref: str, text: str) -> None:
    session, actor, now = db.session(), signed_in(), request_now()
    interim.save(session, ref, text, actor=actor, now=now)
    gone = request.form.get("remove", "")
    if gone.isdecimal() and len(gone) < 19:
        interim.remove_document(session, ref, int(gone), actor=actor)
    file = request.files.get("document")
    if file is not None and file.filename:
        interim.add_document(
            session, ref, file.filename, file.read(), files=file_store(), scanner=scanner(), actor=actor, now=now
        )


def _page(found: Case, text: str, refusals: list[Refusal], status: int = 200) -> Response:
    row, roles = found.row, found.facts.roles
    app = db.session.get_one(Application, row.application_id)
    writes = Role.APPLICANT in roles and row.state == State.ASKED and found.facts.running
    page = render_template(
        "pages/interim/report.html",
        ref=found.ref,
        report=row,
        proof=interim.proof_of(row),
        app=app,
        look=FLOW.look(row.state),
        instalment=db.session.get_one(Instalment, row.instalment_id),
        documents=interim.documents(db.session(), row),
        writes=writes,
        text=text,
        longest=interim.LONGEST_TEXT,
        accepted=Slot("document", tuple(FileType)).accepted,
        seen=found.facts.version,
        request_key=request.form.get("request_key") or new_key(),
        staff=Role.APPLICANT not in roles,
        actions=[action for action in actions_on(found) if action.name != "send"],
        by_field={refusal.field: refusal.sentence for refusal in refusals},
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)
