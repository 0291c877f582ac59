"""What an earlier application said, to be taken over into a draft: answer by answer, or a page at once."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from fundapp.domain.application import State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import draft, reuse
from fundapp.web.access import Case, access, case
from fundapp.web.components import Problem
from fundapp.web.school_case import picture_of, school_case
from fundapp.web.session import db, notify, request_now, signed_in

bp = Blueprint("reuse", __name__)


@bp.get("/aanvragen/<ref>/eerder")
@access(case("application"))
def show(ref: str) -> Response:  # noqa: ARG001  (asked by access)
    """Offer what can be taken over; where there is nothing, the task list."""
    return _page(school_case())


def _offers(found: Case) -> tuple[reuse.Earlier | None, tuple[reuse.Offer, ...]]:
    earlier = reuse.earlier_of(db.session(), found.row) if State(found.row.state) is State.DRAFT else None
    if earlier is None:
        return None, ()
    return earlier, reuse.offers(earlier, picture_of(found), request_now().astimezone(AMSTERDAM).date())


def _page(found: Case, problem: Text | None = None, status: int = 200) -> Response:
    earlier, offered = _offers(found)
    if earlier is None or not offered:
        return make_response(redirect(url_for("applications.one", ref=found.ref), code=303))
    sections = picture_of(found).spec.form.sections
    page = render_template(
        "pages/application/reuse.html",
        ref=found.ref,
        app=found.row,
        earlier=earlier,
        groups=[(s, here) for s in sections if (here := [one for one in offered if one.part.section == s.key])],
        chosen=request.form.getlist("deel"),
        whole=request.form.getlist("pagina"),
        errors=[Problem("deel", problem)] if problem else None,
    )
    return make_response(page, status)


@bp.post("/aanvragen/<ref>/eerder")
@access(case("application"))
def take(ref: str) -> Response:
    """Take over what was ticked, and nothing else."""
    found = school_case()
    earlier, offered = _offers(found)
    pages, ticked = set(request.form.getlist("pagina")), set(request.form.getlist("deel"))
    chosen = [one.part.key for one in offered if one.part.key in ticked or one.part.section in pages]
    if earlier is None or not chosen:
        return _page(found, Text("Kies wat u wilt overnemen.", "Choose what you want to take over."), 422)
    try:
        with (
            unit_of_work(db.session()),
            draft.writing(db.session(), ref, actor=signed_in(), now=request_now()) as page,
        ):
            reuse.take(page, earlier, chosen)
    except Refused as error:
        return _page(found, error.refusals[0].sentence, 409)
    notify(
        Text("Overgenomen: {n}. Kijk na of alles nog klopt.", "Taken over: {n}. Check that all is still right.").fill(
            n=len(chosen)
        )
    )
    return make_response(redirect(url_for("applications.one", ref=ref), code=303))
