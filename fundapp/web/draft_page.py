"""One task of a draft as it is shown: the questions of its page and what its kind adds, as stored or as typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flask import Response, make_response, render_template, request

from fundapp.domain import consent
from fundapp.domain.completion import parts_of
from fundapp.domain.draft import DraftPicture, co_financing_sentence
from fundapp.domain.flow import Look
from fundapp.domain.form_spec import PageKind, Section
from fundapp.domain.fund import FundSpec
from fundapp.domain.money import MAX_CENTS, plain_euro
from fundapp.domain.refusal import Refusal
from fundapp.domain.text import Text, same
from fundapp.persistence.application import Application
from fundapp.services import partial_uploads
from fundapp.services.application_views import versions_sent
from fundapp.services.register import search_schools
from fundapp.services.sent import lines_of
from fundapp.web.forms import application_rows as rows
from fundapp.web.forms.application import MOST_ROWS, Control, Typed, by_field, controls, joined, put_shown
from fundapp.web.school_case import scanner
from fundapp.web.session import db, request_now, signed_in
from fundapp.web.signing_page import signing_lines, within
from fundapp.web.upload_slots import SlotView, has_slots, slots_of

FOUND_AT_ONCE = 8


def rows_of(section: Section, typed: Typed, spec: FundSpec) -> list[rows.Row]:
    """Return the rows of a page as they were typed."""
    match section.page:
        case PageKind.BUDGET:
            return rows.rows_typed(typed, "lines", rows.COST_COLUMNS, blank=rows.cost_blank(spec))
        case PageKind.CO_FINANCING:
            return rows.rows_typed(typed, "shares", rows.SHARE_COLUMNS, blank=rows.SHARE_BLANK)
        case PageKind.PARTNERS:
            return rows.rows_typed(typed, "partners", rows.PARTNER_COLUMNS, blank=rows.PARTNER_BLANK)
    return []


def _stored_rows(section: Section, known: DraftPicture) -> list[rows.Row]:
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
                    "kind": share.kind,
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


def with_chosen(typed: Typed, section: Section, picture: Callable[[], DraftPicture]) -> Typed:
    """Return what was typed, but what is stored where that was chosen: a tick `take-FIELD` or `take-rows`.

    picture: reads what is stored, where anything was chosen.
    """
    chosen = {name.removeprefix("take-") for name in typed if name.startswith("take-")}
    if not chosen:
        return typed
    known, mixed = picture(), Typed(typed)
    for question in section.questions:
        if question.key in chosen:
            put_shown(mixed, question, known.answers.get(question.key))
    if "requested" in chosen:
        mixed["requested"] = plain_euro(known.requested_cents) if known.requested_cents else ""
    for one in known.signatures:
        if f"signer-{one.place}" in chosen:
            mixed[f"signer-{one.place}-name"], mixed[f"signer-{one.place}-email"] = one.name, one.email
    if "rows" in chosen and section.page in _PREFIXES:
        prefix = _PREFIXES[section.page]
        for name in [name for name in mixed if name.startswith(f"{prefix}-")]:
            del mixed[name]
        for number, row in enumerate(_stored_rows(section, known), 1):
            mixed.update({f"{prefix}-{number}-{column}": value for column, value in row.items()})
    return mixed


@dataclass
class Page:
    """One task as it is shown. more: the table, or the rows, that get an empty one; search: the partner looked up."""

    app: Application
    picture: DraftPicture
    section: Section
    typed: Typed | None
    compare: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    more: str | None = None
    search: int | None = None

    @property
    def rows(self) -> list[rows.Row]:
        """The rows to show: as typed, else as stored; an empty one where there are none, or where one was asked."""
        if self.typed is None:
            filled = _stored_rows(self.section, self.picture)
        else:
            filled = rows_of(self.section, self.typed, self.picture.spec)
        empty = dict(rows.SHARE_BLANK, **rows.cost_blank(self.picture.spec))
        if self.section.page is PageKind.PARTNERS:
            empty = dict(rows.PARTNER_BLANK)
        elif self.section.page is PageKind.CO_FINANCING and any(row["kind"] == "own" for row in filled):
            empty["kind"] = "company"
        wanted = self.more is not None and len(filled) < MOST_ROWS
        return [*filled, empty] if not filled or wanted else filled

    @property
    def next_row(self) -> str:
        """The anchor of the row that comes after those that are stored."""
        return (
            f"{_PREFIXES.get(self.section.page, self.section.key)}-{len(_stored_rows(self.section, self.picture)) + 1}"
        )

    @property
    def elsewhere(self) -> list[str]:
        """What is stored in rows now, in words, where that differs from what was typed."""
        if not self.compare or self.typed is None:
            return []
        stored, typed = _stored_rows(self.section, self.picture), rows_of(self.section, self.typed, self.picture.spec)
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
        if self.section.page is PageKind.SIGNING:
            return any(line["stored"] for line in self._signers())
        if self.section.page is PageKind.BUDGET:
            return typed.get("requested", "").strip() not in self._shown_asked
        return False

    @property
    def _shown_asked(self) -> tuple[str, ...]:
        cents = self.picture.requested_cents
        return (plain_euro(cents), str(cents // 100)) if cents else ("", "0", "0,00")

    @cached_property
    def places(self) -> dict[str, SlotView]:
        """The places for files on this page."""
        if not has_slots(self.section):
            return {}
        rest = partial_uploads.on_their_way(db.session(), self.app, actor=signed_in(), now=request_now())
        found = slots_of(self.picture, self.section, rest)
        return {key: view for key, view in found.items() if self.picture.is_open(key)}

    @property
    def controls(self) -> list[Control]:
        """The questions."""
        found = controls(
            self.section,
            self.picture.answers,
            self.typed,
            by_field(self.refusals),
            compare=self.compare,
            more_rows=self.more,
        )
        return [self._completed(one) for one in found if self.picture.is_open(one.name)]

    @cached_property
    def before(self) -> dict[str, tuple[Text, ...]]:
        """What was sent before, by part, where only some parts may be changed."""
        if self.picture.open_parts is None:
            return {}
        (sent, *_) = versions_sent(db.session(), self.app, self.picture.spec)
        found = ((part.key, lines_of(sent, part.key)) for part in parts_of(self.picture.spec, self.section))
        return {key: lines or (Text("Niets", "Nothing"),) for key, lines in found if self.picture.is_open(key)}

    def _completed(self, control: Control) -> Control:
        if control.kind == "file":
            return replace(control, place=self.places[control.name])
        if control.name in self.picture.from_check:
            return replace(control, hint=joined(control.hint, FROM_CHECK))
        return control

    def show(self, status: int = 200) -> Response:
        """Draw it."""
        errors = by_field(self.refusals)
        page = render_template(
            f"pages/application/{TEMPLATES[self.section.page]}.html",
            ref=self.app.ref,
            app=self.app,
            picture=self.picture,
            section=self.section,
            controls=self.controls,
            rows=self.rows,
            field_errors=errors,
            errors=[(refusal.field, refusal.sentence) for refusal in self.refusals],
            elsewhere=self.elsewhere,
            typed=self.typed or {},
            conflict=self.compare,
            autosave=self.section.page is not PageKind.DOCUMENTS,
            from_check=request.args.get("van") == "controle",
            places=self.places,
            scanned=bool(self.places) and scanner().present,
            before=self.before,
            is_open=self.picture.is_open,
            completing=self.picture.open_parts is not None,
            **self._more(),
        )
        return make_response(page, status)

    def totals(self) -> str | None:
        """Draw only what the amounts of this page come to; None for a page without amounts."""
        if self.section.page not in WITH_TOTALS:
            return None
        template = f"pages/application/_{TEMPLATES[self.section.page]}_totals.html"
        return render_template(template, app=self.app, picture=self.picture, **self._more())

    def _more(self) -> dict[str, Any]:
        match self.section.page:
            case PageKind.BUDGET:
                return self._budget()
            case PageKind.CO_FINANCING:
                return {
                    "parties": rows.PARTIES,
                    "forms": rows.FORMS_OF_PAYING,
                    "judgement": co_financing_sentence(self.picture),
                }
            case PageKind.PARTNERS:
                return {"partner_kinds": rows.PARTNER_KINDS, "candidates": self._found(), "consents": self._consents()}
            case PageKind.SIGNING:
                return {"signers": self._signers(), "within": within(self.picture.spec)}
        return {}

    def _consents(self) -> dict[str, Look]:
        """How the consent of each stored partner stands, by its name as it is typed."""
        picture = self.picture
        looks = {party.key: consent.LOOKS[consent.standing(party, picture.consents)] for party in picture.parties}
        names = [row.get("name", "") for row in self.rows]
        return {name: looks[key] for name in names if (key := consent.party_key(name)) in looks}

    def _signers(self) -> list[dict[str, Any]]:
        """Who signs, place by place: what is typed or stored, how it stands, and what the other window stored."""
        found = []
        for line in signing_lines(self.picture.signing):
            at, one = f"signer-{line['place']}", line["one"]
            stored = {"name": one.name, "email": one.email, "role": str(one.role)} if one else {}
            shown = {
                key: stored.get(key, "") if self.typed is None else self.typed.get(f"{at}-{key}", "")
                for key in ("role", "name", "email")
            }
            differs = self.compare and any(shown[key].strip() != stored.get(key, "") for key in ("name", "email"))
            roles = self.picture.signing.roles(line["place"])
            found.append(
                {
                    **line,
                    "at": at,
                    "shown": shown | {"role": shown["role"] or str(roles[0])},
                    "roles": [(role, text) for role, text in rows.SIGNERS if role in roles],
                    "stored": f"{one.name}, {one.email}" if differs and one else ("–" if differs else None),
                }
            )
        return found

    def _budget(self) -> dict[str, Any]:
        picture, spec = self.picture, self.picture.spec
        asked = plain_euro(picture.requested_cents) if picture.requested_cents else ""
        most = spec.grant_of(MAX_CENTS, cost=picture.eligible_cents)
        counted = {f"lines-{n}" for n, row in enumerate(self.rows, 1) if row.get("description") and row.get("price")}
        wrong = {at.rsplit("-", 1)[0] for at in by_field(self.refusals) if at.startswith("lines-")}
        return {
            "categories": [(category.key, category.name) for category in spec.cost_categories],
            "asked": asked if self.typed is None else self.typed.get("requested", ""),
            "asked_stored": asked or "–" if self.compare and self._single_differs else None,
            "cost": picture.cost_cents,
            "most": most,
            "share_bp": spec.grant.share_bp,
            "maximum": spec.maximum_cents,
            "excluded": picture.cost_cents - picture.eligible_cents,
            "not_counted": sorted(int(at.split("-")[1]) for at in wrong if at in counted or at.count("-") == 1),
        }

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


FROM_CHECK = Text(
    "Dit zei u in de check. Klopt het nog? Anders past u het hier aan.",
    "You said this in the check. Is it still right? Otherwise change it here.",
)

TEMPLATES = {
    PageKind.QUESTIONS: "task",
    PageKind.PARTNERS: "partners",
    PageKind.BUDGET: "budget",
    PageKind.CO_FINANCING: "co_financing",
    PageKind.DOCUMENTS: "documents",
    PageKind.SIGNING: "signing",
}


WITH_TOTALS = {PageKind.BUDGET, PageKind.CO_FINANCING}
_PREFIXES = {PageKind.BUDGET: "lines", PageKind.CO_FINANCING: "shares", PageKind.PARTNERS: "partners"}
