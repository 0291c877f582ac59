"""A school's applications: the list with what to do, beginning one, the task list, the story after it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from fundapp.domain.application import FLOW, State
from fundapp.domain.consent import LOOKS, standing
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application_views as views
from fundapp.services import draft, funds, letters, objection_views, receipt, reuse, review_case, short_lived
from fundapp.services.payment_scheme_views import SchemeLine, scheme
from fundapp.services.precheck import CheckedAnswers
from fundapp.services.quarantine import require_scanned
from fundapp.services.subject import missing
from fundapp.web.access import SIGNED_IN, Case, access, case
from fundapp.web.actions import ActionView, actions_on, lands_on, page_of
from fundapp.web.answers import summary
from fundapp.web.check_token import read_check
from fundapp.web.downloads import download, readable_case
from fundapp.web.forms import BaseForm, new_key
from fundapp.web.school_case import is_draft, picture_of, school_case
from fundapp.web.session import db, request_now, signed_in, wake
from fundapp.web.signing_page import signing_lines

bp = Blueprint("applications", __name__)

REMEMBERED = timedelta(hours=2)
"""How long the key of a form "begin" is known, so that sending it twice begins one application."""


@page_of("application")
def _page_of(ref: str, actor: Actor) -> str:
    if actor.has(Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER, Role.COORDINATOR):
        return f"/beoordelen/{ref}"
    if actor.has(Role.FINANCE):
        return f"/vaststellen/{ref}"
    return url_for("applications.one", ref=ref)


@lands_on("application", "submit", "complete")
def _after_sending(ref: str, _actor: Actor) -> str:
    return url_for("applications.sent", ref=ref)


# --- the list, and beginning one --------------------------------------------------------------------------------------


@bp.get("/aanvragen")
@access(SIGNED_IN)
def own() -> Response:
    """What must be done, the applications of one's schools, and the rounds that are open."""
    after = request.args.get("na", "")
    known = int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else None
    rows, more = views.own_list(db.session(), signed_in(), after=known)
    now = request_now()
    page = render_template(
        "pages/application/own.html",
        rows=rows,
        todo=sorted((row for row in rows if row.todo), key=_urgency) if known is None else [],
        openings=views.openings(db.session(), signed_in(), now) if known is None else [],
        next_href=url_for("applications.own", na=more) if more else None,
        today=now.astimezone(AMSTERDAM).date(),
    )
    return make_response(page)


def _urgency(row: views.ListRow) -> tuple[bool, str]:
    return row.due is None, "" if row.due is None else row.due.isoformat()


@bp.get("/aanvragen/nieuw")
@access(SIGNED_IN)
def ask_new() -> Response:
    """Choose a round and a school."""
    return _new_page(BaseForm(), new_key())


@bp.post("/aanvragen/nieuw")
@access(SIGNED_IN)
def begin() -> Response:
    """Begin a draft; sending the form twice gives the same one."""
    key = request.form.get("request_key", "")[:60].replace("\x00", "")
    tranche_ref, _, school = request.form.get("keuze", "").replace("\x00", "").partition("|")
    if not tranche_ref or not school:
        refusal = Refusal(
            "choice_missing", Text("Kies een ronde.", "Choose a round."), field="keuze", kind=Kind.INVALID
        )
        return _new_page(BaseForm(), key or new_key(), refusal, 422)
    checked = read_check(request.form.get("check", ""))
    try:
        with unit_of_work(db.session(), wake):
            ref, again = _begin(tranche_ref, school, key, checked)
    except Refused as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        return _new_page(BaseForm(), key or new_key(), error.refusals[0], 409)
    return make_response(redirect(url_for("reuse.show" if again else "applications.one", ref=ref), code=303))


def _begin(tranche_ref: str, school: str, key: str, checked: CheckedAnswers | None) -> tuple[str, bool]:
    """Return the reference of the draft, and whether the school applied before.

    The lock on the tranche makes two requests with one key wait.
    """
    session, actor, now = db.session(), signed_in(), request_now()
    name = f"begin:{actor.id}:{key}"
    if key and short_lived.count(session, f"{name}:lock", now=now, lasts=REMEMBERED) > 1:
        before = short_lived.take(session, name, now=now)
        if before is not None:
            short_lived.put(session, name, before, now=now, lasts=REMEMBERED)
            return str(before["ref"]), False
    app = draft.create(session, tranche_ref, school, actor=actor, now=now, checked=checked)
    if key:
        short_lived.put(session, name, {"ref": app.ref}, now=now, lasts=REMEMBERED)
    return app.ref, reuse.earlier_of(session, app) is not None


def _new_page(form: BaseForm, key: str, refusal: Refusal | None = None, status: int = 200) -> Response:
    openings = views.openings(db.session(), signed_in(), request_now())
    token = request.values.get("check", "")
    checked = read_check(token)
    wanted = checked.tranche if checked else request.args.get("ronde")
    choices = [
        (f"{opening.ref}|{code}", opening, name)
        for opening in openings
        if wanted in (None, opening.ref)
        for code, name in opening.schools
    ]
    page = render_template(
        "pages/application/new.html",
        form=None,
        choices=choices,
        chosen=request.form.get("keuze") or (choices[0][0] if len(choices) == 1 else ""),
        request_key=key,
        check=token if checked else "",
        errors=[refusal] if refusal else [],
        token=form,
    )
    return make_response(page, status)


# --- one application --------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>")
@access(case("application"))
def one(ref: str) -> Response:
    """The task list while it is being written, the story afterwards."""
    found = school_case()
    if State(found.row.state) is State.INCOMPLETE:
        return make_response(redirect(url_for("completion.show", ref=ref), code=303))
    return _task_list(found) if is_draft(found) else _story(found)


def _task_list(found: Case) -> Response:
    picture = picture_of(found)
    tasks = [(section, picture.problems_of(section), picture.begun(section)) for section in picture.spec.form.sections]
    closes_at = picture.round.ends_at
    page = render_template(
        "pages/application/tasks.html",
        ref=found.ref,
        app=found.row,
        picture=picture,
        tasks=tasks,
        done=sum(not problems for _, problems, _ in tasks),
        first=next((section for section, problems, _ in tasks if problems), None),
        earlier=reuse.earlier_of(db.session(), found.row),
        closed=request_now() > closes_at,
        days_left=(closes_at.astimezone(AMSTERDAM).date() - request_now().astimezone(AMSTERDAM).date()).days,
        signing=[line for line in signing_lines(picture.signing) if line["one"] is not None],
        partners=[LOOKS[standing(party, picture.consents)] for party in picture.parties],
        to_sign=_to_sign(found),
        actions=[action for action in actions_on(found) if action.name == "withdraw"],
    )
    return make_response(page)


def _to_sign(found: Case) -> ActionView | None:
    """The button to sign, for somebody who may and was asked."""
    return next((action for action in actions_on(found) if action.name == "sign" and action.open), None)


_ELSEWHERE = frozenset({"report", "respond", "respond_to_rejection", "accept_offer", "sign", "decline", "decline_sent"})
"""Actions that have a place of their own on the page: a link (`_links`) or the block about signing."""


def _story(found: Case) -> Response:
    session, app = db.session(), found.row
    state = State(app.state)
    term = views.running_term(session, app)
    today = request_now().astimezone(AMSTERDAM).date()
    looks = objection_views.of_application(session, app)
    signatures = found.facts.signatures
    page = render_template(
        "pages/application/story.html",
        ref=found.ref,
        app=app,
        look=FLOW.look(state),
        events=views.events(session, app),
        todo=views.todo(state, answered=found.facts.response_given),
        next_step=views.NEXT.get(state),
        term=term,
        late=term is not None and term.due_on < today,
        letters=[(row, letters.letter_view(row)) for row in views.letters(session, app)],
        documents=views.documents(session, app),
        payments=[_payment(line) for line in scheme(session, app, today).lines],
        looks=looks,
        links=[*_links(found, state), *_disagree(found, looks)],
        signing=[line for line in signing_lines(signatures) if line["one"] is not None] if signatures else [],
        sign_by=found.facts.signature_due,
        to_sign=_to_sign(found),
        actions=[action for action in actions_on(found) if action.name not in _ELSEWHERE],
    )
    return make_response(page)


def _payment(line: SchemeLine) -> list[Any]:
    """One payment as a row of the table: what, how much (cents), and where it is."""
    look, sentence = line.standing.look.label, line.standing.sentence
    where = Text("{look}. {sentence}", "{look}. {sentence}").fill(look=look, sentence=sentence)
    return [line.what, line.cents, where]


def _links(found: Case, state: State) -> Iterator[tuple[str, Text, bool]]:
    """What the school can do on a page of its own: (address, words, is it what must be done now)."""
    if state is State.AWARDED:
        yield (
            url_for("reporting.accounts", ref=found.ref),
            Text("Verantwoording maken", "Write the final accounts"),
            True,
        )
        yield url_for("changes.all_of", ref=found.ref), Text("Wijziging melden", "Report a change"), False
    if state is State.OFFERED:
        yield f"/application/{found.ref}/accept_offer", Text("Neem het aanbod aan", "Accept the offer"), True
    if found.facts.report is not None:
        yield (
            url_for("reporting.agreed", ref=found.ref),
            Text("Uw afspraken en data", "Your obligations and dates"),
            False,
        )
    if found.facts.receivable:
        yield (
            url_for("recoveries.of_the_school", ref=found.ref),
            Text("Bekijk de terugbetaling", "See the repayment"),
            True,
        )
    if state is State.REJECTION_INTENDED:
        words = (
            Text("Bekijk het voornemen", "See the intention")
            if found.facts.response_given
            else Text("Lezen en reageren", "Read and respond")
        )
        yield url_for("reporting.intention", ref=found.ref), words, True
    if state in (State.DETERMINATION_INTENDED, State.DETERMINED, State.SETTLED) and found.facts.calculation:
        yield url_for("reporting.intention", ref=found.ref), Text("Bekijk het voornemen", "See the intention"), True
    if state in (State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED, State.SETTLED):
        yield url_for("reporting.accounts", ref=found.ref), Text("Uw verantwoording", "Your final accounts"), False
    if found.row.completions_asked:
        yield url_for("completion.show", ref=found.ref), Text("Wat u hebt aangevuld", "What you completed"), False
    yield url_for("messages.of_school", ref=found.ref), Text("Vragen en berichten", "Questions and messages"), False
    yield (
        url_for("applications.answers", ref=found.ref),
        Text("Alles wat u instuurde", "Everything that you sent"),
        False,
    )


def _disagree(found: Case, looks: list[objection_views.Line]) -> Iterator[tuple[str, Text, bool]]:
    """Where the school can say that it disagrees with the decision that holds."""
    words = objection_views.can_be_asked(db.session(), found.row, looks)
    if words is not None:
        yield url_for("objection.ask", ref=found.ref), words.file, False


@bp.get("/aanvragen/<ref>/ingestuurd")
@access(case("application"))
def sent(ref: str) -> Response:
    """The receipt: what was received, when, and what happens next."""
    found = school_case()
    submission = views.newest_submission(db.session(), found.row)
    if submission is None:
        return make_response(redirect(url_for("applications.one", ref=ref), code=303))
    page = render_template(
        "pages/application/sent.html",
        ref=ref,
        app=found.row,
        submission=submission,
        receipt=receipt.of_application(db.session(), found.row).get(submission.number),
        term=views.running_term(db.session(), found.row),
        spec=funds.spec_of(db.session(), found.row.fund_version_id),
    )
    return make_response(page)


@bp.get("/aanvragen/<ref>/antwoorden")
@access(case("application"))
def answers(ref: str) -> Response:
    """Everything that was sent, to read and to print."""
    found = school_case()
    picture = picture_of(found)
    page = render_template(
        "pages/application/answers.html",
        ref=ref,
        app=found.row,
        picture=picture,
        parts=[(section, summary(picture, section)) for section in picture.spec.form.sections],
    )
    return make_response(page)


# --- files and letters ------------------------------------------------------------------------------------------------

_ID = "<int(max=999999999999999):number>"


@bp.get(f"/aanvragen/<ref>/bijlagen/{_ID}")
@access(case("application"))
def attachment(ref: str, number: int) -> Response:  # noqa: ARG001  (asked by access)
    """Download a document: for the school, and for who handles the application once it was sent."""
    found = readable_case()
    if Role.APPLICANT not in found.facts.roles:
        sent = review_case.document(db.session(), found.row, number)
        return download(sent.sha256, sent.file_name, sent.media_type)
    file = next((one for one in views.documents(db.session(), found.row) if one.id == number), None)
    if file is None:
        raise Refused(missing())
    require_scanned(file.scan)
    return download(file.sha256, file.file_name, file.media_type)


@bp.get(f"/aanvragen/<ref>/brieven/{_ID}")
@access(case("application"))
def letter(ref: str, number: int) -> Response:
    """Read a letter; the first time that the school does is kept."""
    found = readable_case()
    with unit_of_work(db.session()):
        row = views.open_letter(db.session(), found.row, number, reader=signed_in(), now=request_now())
    if row is None:
        raise Refused(missing())
    view = letters.letter_view(row)
    built = letters.build(row) if view else None
    back = _page_of(ref, signed_in())
    page = render_template(
        "pages/application/letter.html", ref=ref, row=row, built=built, blocks=view[1] if view else (), back_href=back
    )
    return make_response(page)


@bp.get(f"/aanvragen/<ref>/brieven/{_ID}.pdf")
@access(case("application"))
def letter_pdf(ref: str, number: int) -> Response:
    """Download the PDF of a letter, once it was made."""
    found = readable_case()
    with unit_of_work(db.session()):
        row = views.open_letter(db.session(), found.row, number, reader=signed_in(), now=request_now())
    if row is None or row.pdf_sha256 is None:
        raise Refused(missing())
    return download(row.pdf_sha256, f"{ref}-brief-{number}.pdf", "application/pdf")
