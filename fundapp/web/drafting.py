"""Writing an application: one page for each task, drawn from the form of the fund; then the check before sending.

Every page saves with the server's own buttons. What will do is kept, what will not is said at its field, and what was
typed stays on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.condition import Verdict
from fundapp.domain.facts import BudgetLineFacts, Facts
from fundapp.domain.form_spec import PageKind, Section
from fundapp.domain.money import MAX_CENTS, plain_euro
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import draft, funds, uploads
from fundapp.services.application_views import Sheet, school_names, sheet
from fundapp.services.register import search_schools
from fundapp.web.access import Case, access, case
from fundapp.web.answers import summary
from fundapp.web.forms import application_rows as rows
from fundapp.web.forms import new_key
from fundapp.web.forms.application import MOST_ROWS, Reader, Typed, amount, by_field, controls, raw_answers
from fundapp.web.present import clock
from fundapp.web.school_case import already_sent, file_store, is_draft, scanner, school_case
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake

bp = Blueprint("drafting", __name__)

FOUND_AT_ONCE = 8


@bp.get("/aanvragen/<ref>/taak/<section_key>")
@access(case("application"))
def task(ref: str, section_key: str) -> Response:  # noqa: ARG001  (asked by access)
    """Show one task: with what is stored, or with what was typed before a session expired."""
    found = school_case()
    if not is_draft(found):
        return already_sent(found)
    page = Page.of(found, section_key, g.get("returned"))
    if request.args.get("van") == "controle" and page.typed is None:
        page.refusals = page.sheet.problems_of(page.section)
    page.more = request.args.get("rij")
    return page.show()


@bp.post("/aanvragen/<ref>/taak/<section_key>")
@access(case("application"))
def save_task(ref: str, section_key: str) -> Response:
    """Save one task, and stay or go on."""
    found = school_case()
    typed = _after_removal(request.form)
    if not is_draft(found):
        return already_sent(found, typed, 409)
    section = Page.section_of(found, section_key)
    do = request.form.get("do", "save")
    try:
        with unit_of_work(db.session(), wake):
            refusals = _save(ref, section, typed, do)
    except Refused as error:
        if error.code == "already_sent":
            return already_sent(found, typed, 409)
        if error.kind is not Kind.STALE:
            raise
        return _changed_meanwhile(found, section_key, typed, error)
    page = Page.of(found, section_key, typed)
    page.refusals = refusals
    word, _, what = do.partition("-")
    if word == "search":
        page.search = _number(what)
        return page.show(422 if refusals else 200)
    if refusals:
        page.more = what or "1" if word == "add" else None
        return page.show(422)
    return page.go_on(word, what)


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


def _changed_meanwhile(found: Case, section_key: str, typed: Typed, error: Refused) -> Response:
    """Somebody saved in another window: both versions, side by side; the same answers twice are no conflict."""
    page = Page.of(found, section_key, typed, compare=True)
    if not page.differs:
        return page.go_on(request.form.get("do", "save").partition("-")[0], "")
    page.refusals = [Refusal(error.code, error.refusals[0].sentence, kind=Kind.STALE)]
    return page.show(409)


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
            lines = rows.read_costs(_rows(section, typed, spec), spec, reader)
            asked = _asked(typed, app.requested_cents, reader)
            draft.save_budget(session, ref, lines, requested_cents=asked, **who)
        case PageKind.CO_FINANCING:
            own = school_names(session, [app.school_code])[app.school_code]
            draft.save_contributions(session, ref, rows.read_shares(_rows(section, typed, spec), own, reader), **who)
        case PageKind.PARTNERS:
            typed_rows = _rows(section, typed, spec)
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


def _rows(section: Section, typed: Typed, spec: Any) -> list[rows.Row]:
    match section.page:
        case PageKind.BUDGET:
            return rows.rows_typed(typed, "lines", rows.COST_COLUMNS, blank=rows.cost_blank(spec))
        case PageKind.CO_FINANCING:
            return rows.rows_typed(typed, "shares", rows.SHARE_COLUMNS, blank=rows.SHARE_BLANK)
        case PageKind.PARTNERS:
            return rows.rows_typed(typed, "partners", rows.PARTNER_COLUMNS, blank=rows.PARTNER_BLANK)
    return []


def _stored_rows(section: Section, known: Sheet) -> list[rows.Row]:
    match section.page:
        case PageKind.BUDGET:
            return [
                {
                    "category": line.category,
                    "description": line.description,
                    "quantity": str(line.quantity),
                    "price": plain_euro(line.unit_cents) if line.unit_cents else "",
                }
                for line in known.budget
            ]
        case PageKind.CO_FINANCING:
            return [
                {
                    "kind": share.party_kind,
                    "party": share.party,
                    "form": "hours" if share.hours else "goods" if share.in_kind else "money",
                    "amount": plain_euro(share.cents) if share.cents and not share.hours else "",
                    "hours": str(share.hours or ""),
                }
                for share in known.contributions
            ]
        case PageKind.PARTNERS:
            return [
                {"kind": partner.kind, "name": partner.name, "code": partner.school_code or "", "pick": ""}
                for partner in known.partners
            ]
    return []


# --- showing ----------------------------------------------------------------------------------------------------------


@dataclass
class Page:
    """One task as it is shown. more: the table, or the rows, that get an empty one; search: the partner looked up."""

    case: Case
    sheet: Sheet
    section: Section
    typed: Typed | None
    compare: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    more: str | None = None
    search: int | None = None

    @classmethod
    def of(cls, found: Case, section_key: str, typed: Typed | None, *, compare: bool = False) -> Page:
        """Read what the page needs. Raises Refused(NOT_FOUND) for an unknown section."""
        known = sheet(db.session(), found.row)
        return cls(found, known, known.spec.form.section(section_key), typed, compare)

    @staticmethod
    def section_of(found: Case, section_key: str) -> Section:
        """The section, asked before anything is written. Raises Refused(NOT_FOUND)."""
        return funds.spec_of(db.session(), found.row.fund_version_id).form.section(section_key)

    @property
    def rows(self) -> list[rows.Row]:
        """The rows to show: as typed, else as stored; an empty one where there are none, or where one was asked."""
        if self.typed is None:
            filled = _stored_rows(self.section, self.sheet)
        else:
            filled = _rows(self.section, self.typed, self.sheet.spec)
        empty = dict(rows.SHARE_BLANK, **rows.cost_blank(self.sheet.spec))
        if self.section.page is PageKind.PARTNERS:
            empty = dict(rows.PARTNER_BLANK)
        elif self.section.page is PageKind.CO_FINANCING and any(row["kind"] == "own" for row in filled):
            empty["kind"] = "company"
        wanted = self.more is not None and len(filled) < MOST_ROWS
        return [*filled, empty] if not filled or wanted else filled

    @property
    def elsewhere(self) -> list[str]:
        """What is stored in rows now, in words, where that differs from what was typed."""
        if not self.compare or self.typed is None:
            return []
        stored, typed = _stored_rows(self.section, self.sheet), _rows(self.section, self.typed, self.sheet.spec)
        drop = ("pick", "code")
        lines = [[v.strip() for k, v in row.items() if k not in drop] for row in stored]
        if lines == [[v.strip() for k, v in row.items() if k not in drop] for row in typed]:
            return []
        return [" · ".join(part for part in line if part) for line in lines] or ["–"]

    @property
    def differs(self) -> bool:
        """Whether what was typed is something else than what is stored."""
        return bool(self.elsewhere or any(c.stored is not None for c in self.controls) or self._single_differs)

    @property
    def _single_differs(self) -> bool:
        typed: Mapping[str, str] = self.typed or {}
        answers = self.sheet.app.answers
        if self.section.page is PageKind.SIGNING:
            return typed.get("signer_name", "").strip() != str(answers.get("signer_name", ""))
        if self.section.page is PageKind.BUDGET:
            return typed.get("requested", "").strip() not in self._shown_asked
        return False

    @property
    def _shown_asked(self) -> tuple[str, ...]:
        cents = self.sheet.app.requested_cents
        return (plain_euro(cents), str(cents // 100)) if cents else ("", "0", "0,00")

    @property
    def controls(self) -> list[Any]:
        """The questions."""
        return controls(
            self.section,
            self.sheet.app.answers,
            self.typed,
            by_field(self.refusals),
            compare=self.compare,
            more_rows=self.more,
        )

    def show(self, status: int = 200) -> Response:
        """Draw it."""
        errors = by_field(self.refusals)
        page = render_template(
            f"pages/application/{TEMPLATES[self.section.page]}.html",
            ref=self.case.ref,
            app=self.sheet.app,
            sheet=self.sheet,
            section=self.section,
            controls=self.controls,
            rows=self.rows,
            field_errors=errors,
            errors=[(refusal.field, refusal.sentence) for refusal in self.refusals],
            elsewhere=self.elsewhere,
            typed=self.typed or {},
            conflict=self.compare,
            from_check=request.args.get("van") == "controle",
            **self._more(),
        )
        return make_response(page, status)

    def _more(self) -> dict[str, Any]:
        match self.section.page:
            case PageKind.BUDGET:
                return self._budget()
            case PageKind.CO_FINANCING:
                return {"parties": rows.PARTIES, "forms": rows.FORMS_OF_PAYING, "judgement": self._co_financing()}
            case PageKind.PARTNERS:
                return {"partner_kinds": rows.PARTNER_KINDS, "candidates": self._found()}
            case PageKind.DOCUMENTS:
                return {"wanted": self._documents(), "accepted": uploads.ACCEPTED, "most": uploads.LARGEST >> 20}
            case PageKind.SIGNING:
                roles = self.sheet.spec.signer.roles if self.sheet.spec.signer else ()
                return {"signers": [(role, text) for role, text in rows.SIGNERS if role in roles]}
        return {}

    def _budget(self) -> dict[str, Any]:
        spec, app = self.sheet.spec, self.sheet.app
        asked = plain_euro(app.requested_cents) if app.requested_cents else ""
        most = spec.grant_of(MAX_CENTS, cost=self.sheet.eligible_cents)
        counted = {f"lines-{n}" for n, row in enumerate(self.rows, 1) if row.get("description") and row.get("price")}
        wrong = {at.rsplit("-", 1)[0] for at in by_field(self.refusals) if at.startswith("lines-")}
        return {
            "categories": [(category.key, category.name) for category in spec.cost_categories],
            "asked": asked if self.typed is None else self.typed.get("requested", ""),
            "asked_stored": asked or "–" if self.compare and self._single_differs else None,
            "cost": app.cost_cents,
            "most": most,
            "share_bp": spec.grant.share_bp,
            "maximum": spec.maximum_cents,
            "excluded": app.cost_cents - self.sheet.eligible_cents,
            "not_counted": sorted(int(at.split("-")[1]) for at in wrong if at in counted or at.count("-") == 1),
        }

    def _co_financing(self) -> Text | None:
        spec, app = self.sheet.spec, self.sheet.app
        rule = spec.co_financing
        if rule is None:
            return None
        facts = Facts(
            total_cost_cents=app.cost_cents or None,
            eligible_cost_cents=self.sheet.eligible_cents or None,
            requested_cents=app.requested_cents or None,
            budget=tuple(BudgetLineFacts(category=line.category, cents=line.cents) for line in self.sheet.budget),
            contributions=tuple(draft.contribution_facts(one) for one in self.sheet.contributions),
        )
        return rule.check(facts).sentence

    def _found(self) -> dict[int, list[tuple[str, Text]]]:
        """The schools that a search found, by row; the first choice is to leave the name as it is."""
        shown = self.rows
        if self.search is None or not 1 <= self.search <= len(shown):
            return {}
        text = shown[self.search - 1]["name"].replace("\x00", "").strip()
        schools = search_schools(db.session(), text, FOUND_AT_ONCE) if len(text) > 1 else []
        return {
            self.search: [(school.code, same(f"{school.name}, {school.place} ({school.code})")) for school in schools]
        }

    def _documents(self) -> list[dict[str, Any]]:
        needed = {document.code for document in draft.needed_documents(self.sheet.spec, self.sheet.app.answers)}
        return [
            {
                "document": document,
                "needed": document.code in needed,
                "question": self.sheet.spec.form.question(document.only_if) if document.only_if else None,
                "files": [pair for pair in self.sheet.documents if pair[0].kind == document.code],
            }
            for document in self.sheet.spec.documents
        ]

    def go_on(self, word: str, what: str) -> Response:
        """Where to after saving: the next task, the check, or this page again."""
        ref, key = self.case.ref, self.section.key
        if word == "add":
            many = len(_stored_rows(self.section, self.sheet)) + 1
            anchor = what or f"{_prefix_of(self.section)}-{many}"
            return _to("drafting.task", ref=ref, section_key=key, rij=what or "1", _anchor=anchor)
        saved = Text("Opgeslagen om {time}.", "Saved at {time}.").fill(time=same(clock(request_now(), "nl")))
        if current_language() == "en":
            saved = same(f"Saved at {clock(request_now(), 'en')}.")
        notify(saved)
        if word == "check":
            return _to("drafting.check", ref=ref)
        if word == "next":
            keys = [section.key for section in self.sheet.spec.form.sections]
            after = keys[keys.index(key) + 1 :]
            if after:
                return _to("drafting.task", ref=ref, section_key=after[0])
            return _to("drafting.check", ref=ref)
        return _to("drafting.task", ref=ref, section_key=key)


TEMPLATES = {
    PageKind.QUESTIONS: "task",
    PageKind.PARTNERS: "partners",
    PageKind.BUDGET: "budget",
    PageKind.CO_FINANCING: "co_financing",
    PageKind.DOCUMENTS: "documents",
    PageKind.SIGNING: "signing",
}


def _prefix_of(section: Section) -> str:
    return {PageKind.BUDGET: "lines", PageKind.CO_FINANCING: "shares"}.get(section.page, "partners")


def _to(endpoint: str, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, **values), code=303))


# --- the check before sending -----------------------------------------------------------------------------------------

_SENDING = {"submit", "complete"}


@bp.get("/aanvragen/<ref>/controle")
@access(case("application"))
def check(ref: str) -> Response:
    """Show all answers, what is missing, and what each condition of the fund says; then the button to send."""
    found = school_case()
    if not is_draft(found):
        return already_sent(found)
    known = sheet(db.session(), found.row)
    outcomes = draft.outcomes(db.session(), found.row, request_now())
    order = {Verdict.NOT_MET: 0, Verdict.UNKNOWN: 1, Verdict.MET: 2}
    sending = next((offer for offer in found.offers if offer.transition.name in _SENDING), None)
    others = [r.sentence for r in (sending.refusals if sending else ()) if r.code == "outside_window"]
    page = render_template(
        "pages/application/check.html",
        ref=ref,
        app=found.row,
        sheet=known,
        parts=[(section, summary(known, section), known.problems_of(section)) for section in known.spec.form.sections],
        problems_found=[
            (refusal, url_for("drafting.task", ref=ref, section_key=key, van="controle", _anchor=refusal.field))
            for key, refusal in known.problems
        ],
        outcomes=sorted(outcomes, key=lambda o: (order[o.verdict], not o.blocking, o.number)),
        blocked=[o for o in outcomes if o.refuses],
        verdicts=VERDICTS,
        closed=others,
        sending=sending.transition if sending else None,
        seen=found.facts.version,
        request_key=new_key(),
    )
    return make_response(page)


VERDICTS: dict[str, tuple[Text, str, str]] = {
    Verdict.MET: (Text("Voldaan", "Met"), "positive", "check"),
    Verdict.NOT_MET: (Text("Niet voldaan", "Not met"), "negative", "cross"),
    Verdict.UNKNOWN: (Text("Nog niet bekend", "Not known yet"), "waiting", "question"),
}
