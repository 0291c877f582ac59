"""Writing an application: one page for each task, drawn from the form of the fund.

Every page saves with the server's own buttons. What will do is kept, what will not is said at its field, and what was
typed stays on the page.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, redirect, request, url_for

from fundapp.domain.form_spec import PageKind, Section
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import draft, draft_reading, funds, uploads
from fundapp.services.application_views import school_names
from fundapp.web.access import Case, access, case
from fundapp.web.draft_page import Page, rows_of, with_chosen
from fundapp.web.forms import application_rows as rows
from fundapp.web.forms.application import Reader, Typed, amount, raw_answers
from fundapp.web.present import clock
from fundapp.web.school_case import already_sent, file_store, is_draft, picture_of, scanner, school_case
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake

bp = Blueprint("drafting", __name__)

AUTOSAVE = "autosave"
"""What the script sends while somebody types, in place of the name of a button."""


@bp.get("/aanvragen/<ref>/taak/<section_key>")
@access(case("application"))
def task(ref: str, section_key: str) -> Response:  # noqa: ARG001  (asked by access)
    """Show one task: with what is stored, or with what was typed before a session expired."""
    found = school_case()
    if not is_draft(found):
        return already_sent(found)
    picture = picture_of(found)
    page = Page(found, picture, picture.spec.form.section(section_key), g.get("returned"))
    if request.args.get("van") == "controle" and page.typed is None:
        page.refusals = picture.problems_of(page.section)
    page.more = request.args.get("rij")
    return page.show()


@bp.post("/aanvragen/<ref>/taak/<section_key>")
@access(case("application"))
def save_task(ref: str, section_key: str) -> Response:
    """Save one task, and stay or go on."""
    found = school_case()
    typed = _after_removal(request.form)
    if not is_draft(found) and request.form.get("do") != AUTOSAVE:
        return already_sent(found, typed, 409)
    picture = picture_of(found)
    section = picture.spec.form.section(section_key)
    typed = with_chosen(typed, section, picture)
    do = request.form.get("do", "save")
    try:
        with unit_of_work(db.session(), wake):
            refusals = _save(ref, section, typed, do)
    except Refused as error:
        if error.kind is Kind.STALE:
            return _changed_meanwhile(found, section, typed, error)
        if error.code == "already_sent" and do != AUTOSAVE:
            return already_sent(found, typed, 409)
        raise
    page = _stored_now(found, section, typed)
    page.refusals = refusals
    if do == AUTOSAVE:
        return _autosaved(page)
    word, _, what = do.partition("-")
    if word == "search":
        page.search = _number(what)
        return page.show(422 if refusals else 200)
    if refusals:
        page.more = what or "1" if word == "add" else None
        return page.show(422)
    return _go_on(page, word, what)


def _after_removal(form: Any) -> Typed:
    """What was typed, without the row whose button "remove" was pressed."""
    typed = Typed(form)
    word, _, what = form.get("do", "").partition("-")
    prefix, _, number = what.partition("-")
    return rows.without(typed, prefix, _number(number)) if word == "remove" and prefix in ROW_PREFIXES else typed


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else -1


def _seen() -> int:
    """The version of the answers on the page; -1, which no version is, where it says none."""
    return _number(request.form.get("answers_version", ""))


def _stored_now(found: Case, section: Section, typed: Typed, *, compare: bool = False) -> Page:
    """The page with what is stored after saving, or what somebody else stored."""
    return Page(found, draft_reading.picture(db.session(), found.row), section, typed, compare)


def _changed_meanwhile(found: Case, section: Section, typed: Typed, error: Refused) -> Response:
    """Somebody saved in another window: both versions, side by side; the same answers twice are no conflict."""
    page = _stored_now(found, section, typed, compare=True)
    do = request.form.get("do", "save")
    if not page.differs:
        return _autosaved(page) if do == AUTOSAVE else _go_on(page, do.partition("-")[0], "")
    if do == AUTOSAVE:
        raise error
    page.refusals = [Refusal(error.code, error.refusals[0].sentence, kind=Kind.STALE)]
    return page.show(409)


def _autosaved(page: Page) -> Response:
    """What the script needs: the version that the next save follows, what to say, and the totals drawn anew."""
    language, wrong = current_language(), len(page.refusals)
    words = [_saved_at().in_(language)]
    if wrong:
        words.append(_STILL_WRONG[wrong == 1].fill(n=wrong).in_(language))
    return jsonify(answers_version=page.case.row.answers_version, saved=" ".join(words), aside=page.totals())


_STILL_WRONG = {
    True: Text("Er klopt nog 1 ding niet.", "1 thing is not right yet."),
    False: Text("Er kloppen nog {n} dingen niet.", "{n} things are not right yet."),
}


def _saved_at() -> Text:
    nl, en = (clock(request_now(), language) for language in ("nl", "en"))
    return Text(f"Opgeslagen om {nl}.", f"Saved at {en}.")


def _go_on(page: Page, word: str, what: str) -> Response:
    """Where to after saving: the next task, the check, or this page again."""
    ref, key = page.case.ref, page.section.key
    if word == "add":
        anchor = what or page.next_row
        return _to("drafting.task", ref=ref, section_key=key, rij=what or "1", _anchor=anchor)
    notify(_saved_at())
    if word == "check":
        return _to("draft_check.show", ref=ref)
    if word == "next":
        keys = [section.key for section in page.picture.spec.form.sections]
        after = keys[keys.index(key) + 1 :]
        if after:
            return _to("drafting.task", ref=ref, section_key=after[0])
        return _to("draft_check.show", ref=ref)
    return _to("drafting.task", ref=ref, section_key=key)


def _to(endpoint: str, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, **values), code=303))


# --- saving -----------------------------------------------------------------------------------------------------------

ROW_PREFIXES = ("lines", "shares", "partners")


def _save(ref: str, section: Section, typed: Typed, do: str) -> list[Refusal]:
    """Save everything on a page that will do; return what will not, each on its field."""
    who: dict[str, Any] = {"actor": signed_in(), "now": request_now()}
    session = db.session()
    app, found = draft.save_section(session, ref, section.key, raw_answers(section, typed), seen=_seen(), **who)
    reader = Reader()
    spec = funds.spec_of(session, app.fund_version_id)
    match section.page:
        case PageKind.BUDGET:
            lines = rows.read_costs(rows_of(section, typed, spec), spec, reader)
            asked = _asked(typed, app.requested_cents, reader)
            draft.save_budget(session, ref, lines, requested_cents=asked, **who)
        case PageKind.CO_FINANCING:
            own = school_names(session, [app.school_code])[app.school_code]
            draft.save_contributions(session, ref, rows.read_shares(rows_of(section, typed, spec), own, reader), **who)
        case PageKind.PARTNERS:
            typed_rows = rows_of(section, typed, spec)
            names = school_names(session, rows.school_codes(typed_rows))
            draft.save_partners(session, ref, rows.read_partners(typed_rows, names, reader), **who)
        case PageKind.SIGNING:
            signer = rows.read_signer(typed, spec, reader)
            if signer is not None:
                draft.save_signer(session, ref, *signer, **who)
        case PageKind.DOCUMENTS:
            _take_documents(ref, app, reader, do)
    return [*found, *reader.refusals]


def _asked(typed: Typed, before: int, reader: Reader) -> int:
    try:
        return amount(typed.get("requested", ""), "requested") or 0
    except Refused as error:
        reader.refusals += error.refusals
        return before


def _take_documents(ref: str, app: Any, reader: Reader, do: str) -> None:
    session, actor, now = db.session(), signed_in(), request_now()
    word, _, what = do.partition("-")
    if word == "detach":
        draft.detach(session, ref, _number(what), actor=actor, now=now)
    spec = funds.spec_of(session, app.fund_version_id)
    for document in spec.documents:
        for sent in request.files.getlist(document.code):
            if not sent.filename:
                continue
            with closing(sent):
                content = sent.stream.read()  # within the limit of the whole request
            try:
                uploads.add_document(
                    session,
                    ref,
                    document.code,
                    sent.filename,
                    content,
                    files=file_store(),
                    scanner=scanner(),
                    actor=actor,
                    now=now,
                )
            except Refused as error:
                if error.kind is not Kind.INVALID:
                    raise
                reader.refusals += error.refusals
