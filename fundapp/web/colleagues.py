"""The people of a school: who is in, letting somebody in, roles, leaving with a hand-over, and asking for access.

Whose place it is follows from membership and is asked by the services; a place of others does not exist here.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.colleagues import ACCESS_GIVING, places_of
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import colleague_views as views
from fundapp.services import colleagues
from fundapp.services.people import CAPACITIES
from fundapp.services.subject import missing
from fundapp.web.access import SIGNED_IN, access
from fundapp.web.forms.application import by_field
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("colleagues", __name__)

ROLES = [(str(capacity), CAPACITIES[capacity]) for capacity in ACCESS_GIVING]
_NUMBER = "<int(max=999999999999999):number>"


def _typed(name: str, most: int = 300) -> str:
    return request.form.get(name, "").replace("\x00", "")[:most]


def _to(endpoint: str, **values: object) -> Response:
    return make_response(redirect(url_for(endpoint, **values), code=303))  # type: ignore[arg-type]  # Flask wants Any


def _status(error: Refused) -> int:
    """Raises the refusal itself where it is about something that is not there."""
    if error.kind is Kind.NOT_FOUND:
        raise error
    return 422 if error.kind is Kind.INVALID else 409


# --- the list ---------------------------------------------------------------------------------------------------------


@bp.get("/collegas")
@access(SIGNED_IN)
def everybody() -> Response:
    """Who has access to one's schools, who asks for it, and the form to let somebody in."""
    return _list(typed=g.get("returned"))


@bp.post("/collegas")
@access(SIGNED_IN)
def invite() -> Response:
    """Let a colleague in."""
    try:
        with unit_of_work(db.session(), wake):
            person = colleagues.invite(
                db.session(),
                views.place_at(_typed("place")),
                email=_typed("email"),
                name=_typed("name"),
                capacity=_typed("capacity"),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        return _list(list(error.refusals), request.form, _status(error))
    notify(
        Text("{name} kan meewerken en krijgt een mail.", "{name} can take part and gets a mail.").fill(name=person.name)
    )
    return _to("colleagues.everybody")


@bp.post(f"/collegas/verzoeken/{_NUMBER}")
@access(SIGNED_IN)
def answer(number: int) -> Response:
    """Let somebody in who asked, or say no."""
    gives = request.form.get("do") == "give"
    try:
        with unit_of_work(db.session(), wake):
            colleagues.answer(
                db.session(),
                number,
                gives=gives,
                reason=_typed(f"reason-{number}", 2000),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        return _list(list(error.refusals), request.form, _status(error))
    notify(Text("Uw antwoord is onderweg.", "Your answer is on its way."))
    return _to("colleagues.everybody")


def _list(refusals: list[Refusal] | None = None, typed: Mapping[str, str] | None = None, status: int = 200) -> Response:
    actor = signed_in()
    places = views.people(db.session(), actor)
    mine = places_of(actor)
    if not mine and not actor.has(Role.COORDINATOR):
        return _to("colleagues.ask_access")
    page = render_template(
        "pages/colleagues/everybody.html",
        places=places,
        choices=[(at.key, at.name) for at in places],
        requests=views.requests(db.session(), actor),
        roles=ROLES,
        typed=typed or {},
        field_errors=by_field(refusals or []),
        errors=refusals or [],
    )
    return make_response(page, status)


# --- one colleague ----------------------------------------------------------------------------------------------------


@bp.get(f"/collegas/<place>/{_NUMBER}")
@access(SIGNED_IN)
def one(place: str, number: int) -> Response:
    """The roles of a colleague, what they are in charge of, and the end of their access."""
    return _one(place, number)


@bp.post(f"/collegas/<place>/{_NUMBER}")
@access(SIGNED_IN)
def change(place: str, number: int) -> Response:
    """Give a colleague other roles, or end their access."""
    session, actor, now = db.session(), signed_in(), request_now()
    ends = request.form.get("do") == "end"
    try:
        with unit_of_work(session, wake):
            if ends:
                chosen = _typed("successor", 15)
                successor = int(chosen) if chosen.isascii() and chosen.isdecimal() else None
                colleagues.end_access(
                    session, views.place_at(place), number, successor_id=successor, actor=actor, now=now
                )
            else:
                roles = request.form.getlist("capacities")
                colleagues.set_roles(session, views.place_at(place), number, roles, actor=actor, now=now)
    except Refused as error:
        return _one(place, number, list(error.refusals), _status(error))
    if ends:
        notify(Text("De toegang is gestopt.", "The access has ended."))
        return _to("colleagues.everybody" if number != actor.id else "applications.own")
    notify(Text("De rollen zijn bewaard.", "The roles are saved."))
    return _to("colleagues.one", place=place, number=number)


def _one(place: str, number: int, refusals: list[Refusal] | None = None, status: int = 200) -> Response:
    actor = signed_in()
    places = views.people(db.session(), actor)
    found = views.colleague_at(places, views.place_at(place), number)
    if found is None:
        raise Refused(missing())
    at, colleague = found
    others = {
        person.id: person.name
        for other in places
        for person in other.people
        if other.place.holds(at.place) and person.id != number
    }
    page = render_template(
        "pages/colleagues/one.html",
        at=at,
        colleague=colleague,
        itself=number == actor.id,
        in_charge=views.in_charge(db.session(), at.place, number),
        others=[(str(who), name) for who, name in others.items()],
        roles=ROLES,
        chosen=request.form.getlist("capacities") if "capacities" in request.form else list(colleague.capacities),
        field_errors=by_field(refusals or []),
        errors=refusals or [],
    )
    return make_response(page, status)


# --- asking for access ------------------------------------------------------------------------------------------------


@bp.get("/collegas/toegang")
@access(SIGNED_IN)
def ask_access() -> Response:
    """Ask the people of a school for access."""
    return _ask_page(typed=g.get("returned"))


@bp.post("/collegas/toegang")
@access(SIGNED_IN)
def send_request() -> Response:
    """Send the request; who has access there answers it."""
    try:
        with unit_of_work(db.session(), wake):
            colleagues.ask(
                db.session(),
                _typed("school"),
                _typed("capacity"),
                _typed("explanation", 2000),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        return _ask_page(list(error.refusals), request.form, _status(error))
    notify(
        Text(
            "Uw vraag is onderweg. U krijgt een mail met het antwoord.",
            "Your request is on its way. A mail tells the answer.",
        )
    )
    return _to("colleagues.ask_access")


def _ask_page(
    refusals: list[Refusal] | None = None, typed: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    page = render_template(
        "pages/colleagues/ask.html",
        waiting=views.own_requests(db.session(), signed_in()),
        roles=ROLES,
        typed=typed or {},
        field_errors=by_field(refusals or []),
        errors=refusals or [],
    )
    return make_response(page, status)
