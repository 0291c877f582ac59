"""The consent of partners: the page on which a school asks for it, and the page on which a partner answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.application import State
from fundapp.domain.consent import LOOKS, ConsentState, Party, consent_of, standing, strangers
from fundapp.domain.draft import DraftPicture
from fundapp.domain.money import euro
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import consent, funds
from fundapp.services.mail_link import Purpose, correspondent
from fundapp.web import by_mail
from fundapp.web.access import PUBLIC, access, case
from fundapp.web.by_mail import Door
from fundapp.web.forms.application import by_field
from fundapp.web.forms.application_rows import PARTNER_KINDS
from fundapp.web.school_case import picture_of, school_case
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("consent", __name__)

FORMS_OF_PAYING = {
    "money": Text("Geld", "Money"),
    "goods": Text("Spullen", "Goods"),
    "hours": Text("{hours} uur × {rate}", "{hours} hours × {rate}"),
}


# --- the school asks --------------------------------------------------------------------------------------------------


@bp.get("/aanvragen/<ref>/toestemming")
@access(case("application"))
def partners(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Every partner with what it brings, how its consent stands, and the form to ask for it."""
    return _partners_page(typed=g.get("returned"))


@bp.post("/aanvragen/<ref>/toestemming")
@access(case("application"))
def ask(ref: str) -> Response:
    """Ask one partner, or ask again."""
    found = school_case()
    key = request.form.get("party", "")
    try:
        with unit_of_work(db.session(), wake):
            consent.ask(db.session(), ref, key, _typed("name"), _typed("email"), actor=signed_in(), now=request_now())
    except Refused as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        return _partners_page(list(error.refusals), request.form, 422 if error.kind is Kind.INVALID else 409)
    notify(Text("De mail is onderweg. Hier ziet u het antwoord.", "The mail is on its way. You see the answer here."))
    return make_response(redirect(url_for("consent.partners", ref=found.ref), code=303))


def _typed(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "")[:200]


def _partners_page(
    refusals: list[Refusal] | None = None, typed: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    found = school_case()
    picture = picture_of(found)
    asked = (typed or {}).get("party")
    number = next((n for n, party in enumerate(picture.parties, 1) if party.key == asked), 0)
    refusals = [replace(r, field=f"party-{number}-{r.field}" if r.field else None) for r in refusals or ()]
    page = render_template(
        "pages/consent/partners.html",
        ref=found.ref,
        app=found.row,
        lines=[consent_line(picture, party) for party in picture.parties],
        strangers=strangers(picture.partners, picture.contributions),
        section_keys=section_keys(picture),
        askable=State(found.row.state) in consent.ASKABLE,
        field_errors=by_field(refusals),
        errors=refusals,
        typed=typed or {},
    )
    return make_response(page, status)


def section_keys(picture: DraftPicture) -> dict[str, str]:
    """Page kind → the task of that kind, for links between pages."""
    return {str(section.page): section.key for section in picture.spec.form.sections}


def consent_line(picture: DraftPicture, party: Party) -> dict[str, Any]:
    """One partner for a page: what it brings in words, and how its consent stands."""
    return {
        "party": party,
        "kind": dict[Any, Text](PARTNER_KINDS).get(party.kind, same(party.kind)),
        "brings": brings(picture, party),
        "look": LOOKS[standing(party, picture.consents)],
        "one": consent_of(party, picture.consents),
    }


def brings(picture: DraftPicture, party: Party) -> list[dict[str, Any]]:
    """What a partner brings, as rows of a calculation (cents)."""
    rule = picture.spec.co_financing
    rate = same(euro(rule.hourly_rate_cents)) if rule else same("–")
    return [
        {"label": FORMS_OF_PAYING[one.form].fill(hours=one.hours or 0, rate=rate), "cents": one.cents}
        for one in party.brings
    ]


# --- a partner answers ------------------------------------------------------------------------------------------------


def _door(token: str) -> Door:
    link = by_mail.link_of(token, Purpose.CONSENT)
    row, app = consent.asked(db.session(), link.id)
    if row.state != ConsentState.ASKED and not by_mail.is_open(link):
        raise by_mail.Closed(by_mail.over(consent.answered(row).sentence))
    context = funds.case_context(db.session(), app)
    return Door(
        token,
        link,
        correspondent(db.session(), row.email, row.name),
        Text("Doet u mee?", "Do you take part?"),
        Text(
            "{school} vraagt geld aan bij {fund}, en noemt {party} als partner.",
            "{school} applies for money from {fund}, and names {party} as a partner.",
        ).fill(school=context["school"], fund=Text(context["fund"], context["fund_en"]), party=row.party),
        context,
    )


@bp.errorhandler(by_mail.Closed)
def _closed(error: by_mail.Closed) -> Response:
    return error.response


@bp.get("/toestemming/<token>")
@access(PUBLIC)
def read(token: str) -> Response:
    """The door, or behind it what the application says of this partner."""
    door = _door(token)
    return _page(door) if by_mail.is_open(door.link) else by_mail.knock(door)


@bp.get("/toestemming/<token>/code")
@access(PUBLIC)
def ask_code(token: str) -> Response:
    """Ask for the code of the mail."""
    return by_mail.ask_code(_door(token))


@bp.post("/toestemming/<token>/code")
@access(PUBLIC)
def send_code(token: str) -> Response:
    """Mail a code."""
    return by_mail.send_code(_door(token))


@bp.post("/toestemming/<token>/bewijs")
@access(PUBLIC)
def use_code(token: str) -> Response:
    """Open the door."""
    return by_mail.use_code(_door(token))


@bp.post("/toestemming/<token>")
@access(PUBLIC)
def answer(token: str) -> Response:
    """Say yes, or no with a reason."""
    door = _door(token)
    if not by_mail.is_open(door.link):
        return by_mail.knock(door)
    explanation = request.form.get("explanation", "").replace("\x00", "")[:4000]
    try:
        with unit_of_work(db.session(), wake):
            consent.answer(
                db.session(),
                door.link.id,
                agrees=request.form.get("do") == "agree",
                name=_typed("name"),
                explanation=explanation,
                sha256=_typed("sha256"),
                now=request_now(),
            )
    except Refused as error:
        return _page(door, list(error.refusals), request.form, 422 if error.kind is Kind.INVALID else 409)
    return make_response(redirect(door.path, code=303))


def _page(
    door: Door, refusals: list[Refusal] | None = None, typed: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    found = consent.reading(db.session(), door.link.id)
    if not found.open or found.party is None:
        reason = consent.answered(found.row).sentence
        page = render_template("pages/consent/done.html", reading=found, row=found.row, reason=reason)
        return make_response(page, status)
    page = render_template(
        "pages/consent/read.html",
        door=door,
        reading=found,
        picture=found.picture,
        party=found.party,
        brings=brings(found.picture, found.party),
        about=found.picture.answers.get("summary"),
        together=found.picture.answers.get("cooperation"),
        typed=typed or {},
        field_errors=by_field(refusals or []),
        errors=list(refusals or ()),
        form=None,
    )
    return make_response(page, status)
