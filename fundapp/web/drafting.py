"""Writing an application: one page for each task, drawn from the form of the fund.

Every page saves with the server's own buttons. What will do is kept, what will not is said at its field, and what was
typed stays on the page.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from os import SEEK_END
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, jsonify, make_response, redirect, request, url_for

from fundapp.domain.completion import LINES, PARTNERS, REQUESTED, SHARES, SIGNERS, part_of, parts_of, require_open
from fundapp.domain.form_spec import PageKind, Section
from fundapp.domain.fund import FundSpec
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import Slot
from fundapp.persistence.application import Application
from fundapp.persistence.unit_of_work import nothing, unit_of_work
from fundapp.services import draft, draft_reading, partial_uploads, signing, uploads
from fundapp.services.application_views import school_names
from fundapp.web.access import SIGNED_IN, access, case, open_case
from fundapp.web.draft_page import Page, rows_of, with_chosen
from fundapp.web.forms import application_rows as rows
from fundapp.web.forms.application import Reader, Typed, amount, raw_answers
from fundapp.web.present import clock
from fundapp.web.school_case import already_sent, file_store, is_draft, picture_of, scanner, school_case
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake
from fundapp.web.upload_slots import slots_on
from fundapp.web.uploads import room_for_files

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage

bp = Blueprint("drafting", __name__)

AUTOSAVE = "autosave"
"""What the script sends while somebody types, in place of the name of a button."""


@bp.get("/aanvragen/<ref>/taak/<section_key>")
@access(case("application"))
def task(ref: str, section_key: str) -> Response:
    """Show one task: with what is stored, or with what was typed before a session expired."""
    found = school_case()
    if not is_draft(found):
        return already_sent(found)
    picture = picture_of(found)
    section = picture.spec.form.section(section_key)
    if not any(picture.is_open(part.key) for part in parts_of(picture.spec, section)):
        return _to("completion.show", ref)
    page = Page(found.row, picture, section, g.get("returned"))
    if request.args.get("van") == "controle" and page.typed is None:
        page.refusals = picture.problems_of(page.section)
    page.more = request.args.get("rij")
    return page.show()


@bp.post("/aanvragen/<ref>/taak/<section_key>")
@access(SIGNED_IN)
def save_task(ref: str, section_key: str) -> Response:
    """Save one task, and stay or go on. Who may write, and whether it is a draft still, is asked under the lock."""
    typed, do = _after_removal(request.form), request.form.get("do", "save")
    try:
        with unit_of_work(db.session(), wake if do == "ask" else nothing):
            saved = _save(ref, section_key, typed)
    except Refused as error:
        if error.kind is Kind.STALE:
            return _changed_meanwhile(ref, section_key, typed, do, error)
        if error.code == "already_sent" and do != AUTOSAVE:
            return already_sent(open_case("application", ref), typed, 409)
        raise
    if do == AUTOSAVE:
        return _autosaved(saved.page())
    word, _, what = do.partition("-")
    if word == "search":
        page = saved.page()
        page.search = _number(what)
        return page.show(422 if saved.refusals else 200)
    if saved.refusals:
        page = saved.page()
        page.more = what or "1" if word == "add" else None
        return page.show(422)
    if word == "add":
        return _to("drafting.task", ref, section_key, rij=what or "1", _anchor=what or saved.page().next_row)
    return _go_on(ref, saved.spec, section_key, word, saved.open_parts)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved, and what could not be, each on its field."""

    app: Application
    spec: FundSpec
    section: Section
    typed: Typed
    refusals: list[Refusal]
    open_parts: frozenset[str] | None

    def page(self) -> Page:
        """The page with what is stored now."""
        picture = draft_reading.picture(db.session(), self.app)
        return Page(self.app, picture, self.section, self.typed, refusals=self.refusals)


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


def _changed_meanwhile(ref: str, section_key: str, typed: Typed, do: str, error: Refused) -> Response:
    """Somebody saved in another window: both versions, side by side; the same answers twice are no conflict."""
    found = open_case("application", ref)
    picture = picture_of(found)
    section = picture.spec.form.section(section_key)
    page = Page(found.row, picture, section, with_chosen(typed, section, lambda: picture), compare=True)
    if not page.differs:
        if do == AUTOSAVE:
            return _autosaved(page)
        return _go_on(ref, picture.spec, section_key, do.partition("-")[0], picture.open_parts)
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
    return jsonify(answers_version=page.app.answers_version, saved=" ".join(words), aside=page.totals())


_STILL_WRONG = {
    True: Text("Er klopt nog 1 ding niet.", "1 thing is not right yet."),
    False: Text("Er kloppen nog {n} dingen niet.", "{n} things are not right yet."),
}


def _saved_at() -> Text:
    nl, en = (clock(request_now(), language) for language in ("nl", "en"))
    return Text(f"Opgeslagen om {nl}.", f"Saved at {en}.")


_ASKED = Text(
    "De mail is onderweg. Op deze pagina ziet u of er getekend is.",
    "The mail is on its way. This page shows whether it was signed.",
)


def _go_on(ref: str, spec: FundSpec, section_key: str, word: str, is_open: frozenset[str] | None) -> Response:
    """Where to after saving: the next task (that was opened), the check, or this page again."""
    notify(_ASKED if word == "ask" else _saved_at())
    if word not in ("next", "check"):
        return _to("drafting.task", ref, section_key)
    keys = [section.key for section in spec.form.sections]
    after = spec.form.sections[keys.index(section_key) + 1 :] if word == "next" else ()
    for section in after:
        if is_open is None or any(part.key in is_open for part in parts_of(spec, section) if part.key != SIGNERS):
            return _to("drafting.task", ref, section.key)
    return _to("draft_check.show" if is_open is None else "completion.show", ref)


def _to(endpoint: str, ref: str, section_key: str | None = None, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, ref=ref, section_key=section_key, **values), code=303))


# --- saving -----------------------------------------------------------------------------------------------------------

ROW_PREFIXES = ("lines", "shares", "partners")


def _save(ref: str, section_key: str, typed: Typed) -> Saved:
    """Save everything on a page that will do."""
    with draft.writing(db.session(), ref, actor=signed_in(), now=request_now(), seen=_seen()) as page:
        section = page.spec.form.section(section_key)
        _require_open(page, section, typed)
        typed = with_chosen(typed, section, page.picture)
        raw = {key: value for key, value in raw_answers(section, typed).items() if page.is_open(key)}
        found = page.answers(section, raw)
        reader = Reader()
        more = _MORE.get(section.page)
        if more is not None:
            more(page, section, typed, reader)
        _take_files(page, section, typed, reader)
    return Saved(page.app, page.spec, section, typed, [*found, *reader.refusals], page.open_parts)


def _require_open(page: draft.Writing, section: Section, typed: Typed) -> None:
    """Raises Refused for anything of a part that staff did not open, where they asked to complete some."""
    if page.open_parts is None:
        return
    own = [part.key for part in parts_of(page.spec, section)]
    sent = {part_of(name, section) for name in typed}
    for key in own:
        if key in sent or not page.open_parts.intersection(own):
            require_open(page.open_parts, key)


def _save_budget(page: draft.Writing, section: Section, typed: Typed, reader: Reader) -> None:
    if page.is_open(REQUESTED):
        page.requested(_asked(typed, page.app.requested_cents, reader))
    if page.is_open(LINES):
        page.budget(rows.read_costs(rows_of(section, typed, page.spec), page.spec, reader))


def _save_contributions(page: draft.Writing, section: Section, typed: Typed, reader: Reader) -> None:
    if not page.is_open(SHARES):
        return
    page.contributions(rows.read_shares(rows_of(section, typed, page.spec), reader))


def _save_partners(page: draft.Writing, section: Section, typed: Typed, reader: Reader) -> None:
    if not page.is_open(PARTNERS):
        return
    typed_rows = rows_of(section, typed, page.spec)
    names = school_names(page.session, rows.school_codes(typed_rows))
    page.partners(rows.read_partners(typed_rows, names, reader))


def _save_signers(page: draft.Writing, _section: Section, typed: Typed, reader: Reader) -> None:
    if not page.is_open(SIGNERS):
        return
    reader.refusals += signing.write_signers(page, rows.read_signers(typed, page.spec, reader))
    if typed.get("do") == "ask" and not reader.refusals:
        try:
            signing.ask(page)
        except Refused as error:  # what was typed is kept all the same
            reader.refusals += error.refusals


def _asked(typed: Typed, before: int, reader: Reader) -> int:
    try:
        return amount(typed.get("requested", ""), "requested") or 0
    except Refused as error:
        reader.refusals += error.refusals
        return before


def _take_files(page: draft.Writing, section: Section, typed: Typed, reader: Reader) -> None:
    """Take away or stop what a button says, and attach what the form brought; each file that will not do is told."""
    word, _, what = typed.get("do", "").partition("-")
    if word == "detach":
        page.detach(_number(what))
    if word == "stop":
        partial_uploads.cancel(page.session, page.app.ref, what.replace("\x00", ""), actor=page.actor)
    for slot in slots_on(page.spec, section):
        for sent in request.files.getlist(slot.key):
            with closing(sent):
                try:
                    _take_file(page, slot, sent)
                except Refused as error:
                    if error.kind is not Kind.INVALID:
                        raise
                    reader.refusals += error.refusals


def _take_file(page: draft.Writing, slot: Slot, sent: FileStorage) -> None:
    name, size = sent.filename or "", sent.stream.seek(0, SEEK_END)
    if not name and not size:
        return  # nothing was chosen
    slot.check_size(name, size)  # before it is read: a form may bring much more than a place takes
    sent.stream.seek(0)
    uploads.add_document(page, slot.key, name, sent.stream.read(), files=file_store(), scanner=scanner())


@bp.url_value_preprocessor
def _room(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "drafting.save_task":
        room_for_files()


_MORE = {
    PageKind.PARTNERS: _save_partners,
    PageKind.BUDGET: _save_budget,
    PageKind.CO_FINANCING: _save_contributions,
    PageKind.SIGNING: _save_signers,
}
"""What a kind of page saves besides the answers to its questions."""
