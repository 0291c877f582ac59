"""After the project: the final accounts of a school with their evidence, signed and sent; and the intended amount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.accounts import PROOF_NAMES, ProofKind
from fundapp.domain.application import State
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.rejection import REASONS, RejectionCode
from fundapp.domain.report import ReportPicture
from fundapp.domain.text import Text, same
from fundapp.domain.upload import LARGEST_MB, FileType, Slot
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application_views as views
from fundapp.services import obligations, report, report_reading
from fundapp.services.quarantine import require_scanned
from fundapp.services.subject import missing
from fundapp.web.access import Case, access, case, current_case
from fundapp.web.actions import page_url
from fundapp.web.downloads import download, readable_case
from fundapp.web.forms import new_key
from fundapp.web.forms.application import Reader, ResponseForm, Typed, by_field
from fundapp.web.forms.reporting import (
    FORMS,
    MOST_RESULTS,
    PARTY_KINDS,
    contribution_views,
    file_kinds,
    line_views,
    read_accounts,
    try_to,
)
from fundapp.web.present import clock
from fundapp.web.school_case import file_store, scanner, school_case
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake

bp = Blueprint("reporting", __name__)

_WHOLE = "<int(max=999999999999999):number>"


def picture_of(found: Case) -> ReportPicture:
    """The final accounts of this case: as they were read for access, else read now. Raises Refused(NOT_FOUND)."""
    known = found.facts.report or report_reading.picture(db.session(), found.row)
    if known is None:
        raise Refused(missing())
    return known


# --- writing ----------------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/verantwoording")
@access(case("application"))
def accounts(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """The final accounts: to write while the project is awarded, to read afterwards."""
    found = school_case()
    picture = picture_of(found)
    asked_back = request.args.get("van") == "controle"
    return _accounts_page(found, picture, g.get("returned"), list(picture.problems) if asked_back else [])


@bp.post("/aanvragen/<ref>/verantwoording")
@access(case("application"))
def save_accounts(ref: str) -> Response:
    """Save the final accounts as they stand, with the files that came along; then stay, or go on to the check."""
    found = school_case()
    typed, do = Typed(request.form), request.form.get("do", "save")
    reader = Reader()
    written = read_accounts(typed, picture_of(found), reader)
    session, actor, now = db.session(), signed_in(), request_now()
    try:
        with unit_of_work(session, wake):
            seen = _moment(typed.get("saved_at", ""))
            report.save_report(session, ref, written, actor=actor, now=now, seen=seen)
            if do.startswith("remove-"):
                report.remove_evidence(session, ref, _number(do.removeprefix("remove-")), actor=actor, now=now)
            _take_files(ref, picture_of(found), reader)
    except Refused as error:
        if error.kind is not Kind.STALE:
            raise
        told = [Refusal(r.code, r.sentence, kind=r.kind) for r in error.refusals]
        return _accounts_page(found, _read_again(found), typed, told, 409)
    if reader.refusals:
        return _accounts_page(found, _read_again(found), typed, reader.refusals, 422)
    time = same(clock(now, current_language()))
    notify(Text("Opgeslagen om {time}.", "Saved at {time}.").fill(time=time))
    endpoint = "reporting.check_accounts" if do == "next" else "reporting.accounts"
    return make_response(redirect(url_for(endpoint, ref=ref), code=303))


def _read_again(found: Case) -> ReportPicture:
    now = report_reading.picture(db.session(), found.row)
    if now is None:
        raise Refused(missing())
    return now


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else 0


def _moment(given: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _take_files(ref: str, picture: ReportPicture, reader: Reader) -> None:
    """Keep every file that was sent with its line, or as what it is about the whole project."""
    places: list[tuple[str, int | None, ProofKind | None]] = [
        (f"evidence-{line.position}", line.position, None) for line in picture.lines
    ]
    places += [(f"file-{kind}", None, kind) for kind, _ in file_kinds(picture)]
    for name, position, kind in places:
        for sent in request.files.getlist(name):
            if not sent.filename:
                continue
            with closing(sent):
                content = sent.stream.read()  # within the limit of the whole request
            try_to(
                reader,
                report.add_evidence,
                db.session(),
                ref,
                position=position,
                kind=kind,
                file_name=sent.filename,
                content=content,
                files=file_store(),
                scanner=scanner(),
                actor=signed_in(),
                now=request_now(),
            )


def _accounts_page(
    found: Case, picture: ReportPicture, typed: Typed | None, refusals: list[Refusal], status: int = 200
) -> Response:
    conflict = any(r.kind is Kind.STALE for r in refusals)
    errors = by_field(refusals)
    given: Mapping[str, str] = typed or {}
    page = render_template(
        "pages/report/accounts.html",
        ref=found.ref,
        app=found.row,
        picture=picture,
        editable=State(found.row.state) is State.AWARDED and picture.asked.anything,
        nothing_asked=State(found.row.state) is State.AWARDED and not picture.asked.anything,
        lines=line_views(picture, typed, errors, compare=conflict),
        contributions=contribution_views(picture, typed) if picture.asked.co_financing else [],
        files=[(kind, PROOF_NAMES[kind], there) for kind, there in file_kinds(picture)],
        joined={name: given.get(f"joined-{name}", "") for name in ("party", "kind", "form", "amount")},
        party_kinds=PARTY_KINDS,
        forms=FORMS,
        results=picture.results if typed is None else typed.get("results", ""),
        may_publish=picture.may_publish if typed is None else typed.get("may_publish") == "yes",
        stored_results=picture.results if conflict else None,
        place=Slot("evidence", tuple(FileType)),
        most_mb=LARGEST_MB,
        most_results=MOST_RESULTS,
        saved_at=found.row.changed_at.isoformat(),
        due=picture.terms.get("report"),
        field_errors=errors,
        errors=[(refusal.field, refusal.sentence) for refusal in refusals],
    )
    return make_response(page, status)


@bp.get(f"/aanvragen/<ref>/bewijs/{_WHOLE}")
@access(case("application"))
def evidence(ref: str, number: int) -> Response:  # noqa: ARG001  (asked by access)
    """Download a file that came with the accounts: for the school, and for who judges them once they were sent."""
    found = readable_case()
    ours = Role.APPLICANT in found.facts.roles
    if not ours and not found.facts.roles & {Role.FINANCE, Role.COORDINATOR}:
        raise Refused(missing())
    picture = picture_of(found)
    file = next((one for one in picture.evidence if one.id == number), None)
    if file is None or not (ours or picture.submitted_at is not None):
        raise Refused(missing())
    require_scanned(file.scan)
    return download(file.sha256, file.file_name, file.media_type)


# --- checking, signing, sending ---------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/verantwoording/controle")
@access(case("application"))
def check_accounts(ref: str) -> Response:
    """Read the final accounts once more, see what they come to, sign where the fund asks it, and send them."""
    found = school_case()
    picture = picture_of(found)
    offer = next((offer for offer in found.offers if offer.transition.name == "report"), None)
    if offer is None:
        return make_response(redirect(url_for("reporting.accounts", ref=ref), code=303))
    back = url_for("reporting.accounts", ref=ref, van="controle")
    unsigned = [problem for problem in picture.problems if problem.code == "signature_missing"]
    missing_yet = [problem for problem in picture.problems if problem not in unsigned]
    reckoned = picture.calculation(held=found.facts.held, paid=found.facts.paid) if picture.asked.costs else None
    page = render_template(
        "pages/report/check.html",
        ref=ref,
        app=found.row,
        picture=picture,
        problems_found=[(problem, f"{back}#{problem.field}" if problem.field else back) for problem in missing_yet],
        steps=[{"label": label, "cents": cents} for label, cents in reckoned.steps()] if reckoned else [],
        award=found.facts.award,
        unsigned=bool(unsigned),
        may_sign=Role.SIGNER in found.facts.roles,
        sending=offer.transition,
        seen=found.facts.version,
        request_key=new_key(),
    )
    return make_response(page)


def _about_signing(ref: str, act: Callable[[], object], done: Text) -> Response:
    school_case()
    with unit_of_work(db.session(), wake):
        act()
    notify(done)
    return make_response(redirect(url_for("reporting.check_accounts", ref=ref), code=303))


@bp.post("/aanvragen/<ref>/verantwoording/tekenen")
@access(case("application"))
def sign_accounts(ref: str) -> Response:
    """Sign exactly what was on the page."""
    content = request.form.get("content", "")
    return _about_signing(
        ref,
        lambda: report.sign(db.session(), ref, content=content, actor=signed_in(), now=request_now()),
        Text("U hebt de verantwoording ondertekend.", "You signed the final accounts."),
    )


@bp.post("/aanvragen/<ref>/verantwoording/handtekening-vragen")
@access(case("application"))
def ask_signature(ref: str) -> Response:
    """Ask by mail who may sign."""
    return _about_signing(
        ref,
        lambda: report.ask_signature(db.session(), ref, actor=signed_in()),
        Text("Wij hebben een mail gestuurd aan wie mag tekenen.", "We sent a mail to those who may sign."),
    )


# --- what was agreed --------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/verplichtingen")
@access(case("application"))
def agreed(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """What the school agreed to, and by when: for the school, and for who pays and runs the programme."""
    found = current_case()
    if not found.facts.roles & {Role.APPLICANT, Role.FINANCE, Role.COORDINATOR}:
        raise Refused(missing())
    picture = picture_of(found)
    page = render_template(
        "pages/report/agreed.html",
        ref=found.ref,
        app=found.row,
        rows=obligations.obligations(db.session(), found.row, picture),
        today=found.facts.today,
        back_href=page_url("application", found.ref, signed_in()),
    )
    return make_response(page)


# --- what finance intends ---------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/voornemen")
@access(case("application"))
def intention(ref: str) -> Response:
    """What finance means to determine, step by step, each cut with its reason; and the form to respond.

    Before an award: why the steering group means to reject.
    """
    found = school_case()
    session, app = db.session(), found.row
    sent = views.intended(session, app)
    if sent is None:
        return _rejection_intended(found)
    picture = picture_of(found)
    offer = next((offer for offer in found.offers if offer.transition.name == "respond"), None)
    form = ResponseForm()
    form.fresh(found.facts.version)
    page = render_template(
        "pages/report/intention.html",
        ref=ref,
        app=app,
        picture=picture,
        sent_at=sent[1],
        steps=[{"label": label, "cents": cents} for label, cents in sent[0].steps()],
        due=picture.terms.get("response"),
        response=views.response(session, app),
        action=offer.transition if offer and not offer.refusals else None,
        form=form,
    )
    return make_response(page)


def _rejection_intended(found: Case) -> Response:
    session, app = db.session(), found.row
    row = views.intended_rejection(session, app)
    if row is None:
        raise Refused(missing())
    offer = next((offer for offer in found.offers if offer.transition.name == "respond_to_rejection"), None)
    form = ResponseForm()
    form.fresh(found.facts.version)
    page = render_template(
        "pages/report/rejection.html",
        ref=found.ref,
        app=app,
        sent_at=row.at,
        reasons=[REASONS[RejectionCode(code)].sentence for code in row.reasons],
        explanation=row.explanation,
        term=views.running_term(session, app),
        response=views.response(session, app),
        action=offer.transition if offer and not offer.refusals else None,
        form=form,
    )
    return make_response(page)
