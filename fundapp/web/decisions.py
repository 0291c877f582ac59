"""Decisions prepared beforehand: what stands ready in a round, the letter of each, and their release together."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request

from fundapp.domain.application import FLOW
from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Role
from fundapp.domain.prepared import PREPARERS, State
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.decision import Letter
from fundapp.persistence.fund import Tranche
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, letters, letters_beforehand, prepared, tranche_money, tranche_views
from fundapp.services.finance_views import funds_of
from fundapp.services.letter_text import LetterFault, Traced
from fundapp.services.subject import missing
from fundapp.web.access import access, case, staff
from fundapp.web.actions import instead, page_url
from fundapp.web.errors import STATUS
from fundapp.web.paging import after, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake
from fundapp.web.tranches import find

bp = Blueprint("decisions", __name__)

PAGE = 50
SHOWN_WRONG = 100
ACTION_NAMES = {name: FLOW.transition(name).label for name in ("award", "waitlist", "intend_rejection", "reject")}


@bp.get("/besluiten")
@access(staff(*PREPARERS))
def rounds() -> str:
    """The rounds, each with the way to its decisions."""
    rows, more = cut(tranche_views.tranches(db.session(), funds_of(signed_in(), *PREPARERS), before=after()), PAGE)
    return render_template(
        "pages/decision/rounds.html", rows=[(row, tranche_views.look_of(row)) for row in rows], more=more
    )


@bp.get("/besluiten/<ref>")
@access(staff(*PREPARERS))
def stack(ref: str) -> str:
    """What stands ready in a round."""
    row = find(ref, *PREPARERS)
    session = db.session()
    rows, more = cut(prepared.lines(session, tranche_id=row.id, after=after(), limit=PAGE), PAGE)
    ready = prepared.stack(session, row.id)
    money, _ = tranche_money.standing(session, row.id)
    return render_template(
        "pages/decision/stack.html",
        tranche=row,
        rows=rows,
        more=more,
        ready=ready,
        free=money.free,
        names=ACTION_NAMES,
        may_release=signed_in().has(Role.DECISION_MAKER, fund=row.fund_key),
        releases=prepared.releases(session, tranche_id=row.id),
        regions=_regions(row),
    )


def _regions(row: Tranche) -> dict[str, Text]:
    spec = funds.spec_of(db.session(), row.fund_version_id)
    return {region.key: region.name for region in spec.sub_regions}


@bp.post("/besluiten/<ref>/klaarzetten")
@access(staff(*PREPARERS))
def prepare_all(ref: str) -> Response:
    """Prepare the advice of the panel for every application that was advised."""
    row = find(ref, *PREPARERS)
    with unit_of_work(db.session()):
        made, left = prepared.prepare_by_advice(db.session(), row, actor=signed_in(), now=request_now())
    notify(Text("Klaargezet: {n}.", "Prepared: {n}.").fill(n=same(str(made))))
    if not left:
        return make_response(redirect(f"/besluiten/{ref}", code=303))
    return make_response(render_template("pages/decision/left.html", tranche=row, made=made, left=left))


@instead("prepare")
def _prepare(kind: str, ref: str, action: str, given: Any, seen: int) -> Response:
    """What was filled in becomes a prepared decision."""
    if kind != FLOW.kind:
        raise Refused(missing())
    with unit_of_work(db.session()):
        prepared.prepare(db.session(), ref, action, given, actor=signed_in(), now=request_now(), seen=seen)
    notify(Text("{ref} staat klaar.", "{ref} is prepared.").fill(ref=same(ref)))
    return make_response(redirect(f"/besluiten/aanvraag/{ref}/brief", code=303))


# --- one application --------------------------------------------------------------------------------------------------


@bp.get("/besluiten/aanvraag/<ref>/brief")
@access(case("application"))
def letter(ref: str) -> Response:
    """The letter that would go out, with the values of this very case, and the rule behind each sentence."""
    session = db.session()
    made: Letter | None = None
    why: tuple[Any, ...] = ()
    try:
        with unit_of_work(session):
            ready, made = prepared.letter_of(session, ref, actor=signed_in(), now=request_now())
            action, number, tranche_id = ready.action, ready.id, ready.tranche_id
            session.expunge_all()
            raise _Enough
    except _Enough:
        pass
    except Refused as refused:
        if refused.code.startswith("interest_"):  # the page of the application asks for it, or says that it is closed
            return make_response(redirect(f"/beoordelen/{ref}", code=303))
        if refused.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
            raise
        action, number, tranche_id, why = "", 0, 0, refused.refusals
    following = prepared.lines(session, tranche_id=tranche_id, after=number, limit=1)[:1] if number else []
    page = render_template(
        "pages/decision/letter.html",
        ref=ref,
        tranche_ref=ref.rpartition("-")[0],
        name=ACTION_NAMES.get(action),
        letter=made,
        view=letters.letter_view(made) if made else None,
        rules=_rules(made),
        why=why,
        following=following[0].ref if following else None,
    )
    return make_response(page, STATUS[Kind.CONFLICT] if why else 200)


@instead("letter")
def letter_first(kind: str, ref: str, action: str, given: Any, seen: int) -> Response:
    """The letters that an act would send, with what was filled in; from there it is sent, or changed."""
    session = db.session()
    made: list[Letter] = []
    try:
        with unit_of_work(session):
            actor, now = signed_in(), request_now()
            made = letters_beforehand.of(session, kind, ref, action, given=given, seen=seen, actor=actor, now=now)
            session.expunge_all()
            raise _Enough
    except _Enough:
        pass
    transition = FLOWS[kind].transition(action)
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_KEPT]
    page = render_template(
        "pages/decision/beforehand.html",
        ref=ref,
        transition=transition,
        letters=[(one, letters.letter_view(one), _rules(one)) for one in made],
        kept=kept,
        href=request.path,
        back_href=page_url(kind, ref, signed_in()),
    )
    return make_response(page)


_NOT_KEPT = frozenset({"csrf_token", "do"})


class _Enough(Exception):
    """What was to be seen was seen: nothing of it is kept."""


def _rules(made: Letter | None) -> tuple[Traced, ...]:
    if made is None:
        return ()
    try:
        return letters.traced(made)
    except LetterFault:
        return ()


@bp.post("/besluiten/aanvraag/<ref>/eruit")
@access(case("application"))
def take_out(ref: str) -> Response:
    """What stood ready goes."""
    with unit_of_work(db.session()):
        prepared.take_out(db.session(), ref, actor=signed_in(), now=request_now())
    notify(Text("{ref} staat niet meer klaar.", "{ref} is no longer prepared.").fill(ref=same(ref)))
    return make_response(redirect(f"/besluiten/{ref.rpartition('-')[0]}", code=303))


# --- the release ------------------------------------------------------------------------------------------------------


@bp.get("/besluiten/<ref>/vrijgeven")
@access(staff(Role.DECISION_MAKER))
def look_first(ref: str) -> Response:
    """Everything once more before it is released: what it does, what would be refused, who has an interest."""
    return _release_page(find(ref, Role.DECISION_MAKER))


def _release_page(row: Tranche, errors: tuple[Any, ...] = (), status: int = 200) -> Response:
    session = db.session()
    judged = prepared.judge(session, row, actor=signed_in(), now=request_now())
    ready = prepared.stack(session, row.id)
    rows, more = cut(prepared.lines(session, tranche_id=row.id, after=after(), limit=PAGE), PAGE)
    page = render_template(
        "pages/decision/release.html",
        tranche=row,
        ready=ready,
        judged=judged,
        others=ready.total - len(judged.rows),
        wrong=judged.wrong[:SHOWN_WRONG],
        rows=rows,
        more=more,
        asked=[(asked, same(asked)) for asked in judged.asked],
        names=ACTION_NAMES,
        regions=_regions(row),
        errors=list(errors) or None,
        ticked=request.form.getlist("interested"),
    )
    return make_response(page, status)


@bp.post("/besluiten/<ref>/vrijgeven")
@access(staff(Role.DECISION_MAKER))
def release(ref: str) -> Response:
    """Release; the worker takes the decisions, and the page that follows shows how far it is."""
    row = find(ref, Role.DECISION_MAKER)
    try:
        with unit_of_work(db.session(), wake):
            made = prepared.release(
                db.session(),
                row,
                actor=signed_in(),
                now=request_now(),
                mark=request.form.get("mark", ""),
                no_interest=request.form.get("no_interest") == "yes",
                interested=request.form.getlist("interested"),
            )
            address = f"/besluiten/vrijgaven/{made.ref}"
    except Refused as refused:
        if refused.code == "nothing_ready":
            g.back_href = f"/besluiten/{ref}"
            raise
        return _release_page(find(ref, Role.DECISION_MAKER), refused.refusals, STATUS[refused.kind])
    return make_response(redirect(address, code=303))


@bp.get("/besluiten/vrijgaven/<ref>")
@access(staff(*PREPARERS))
def progress(ref: str) -> str:
    """How far a release is; each refusal with what to do."""
    session = db.session()
    found = next(iter(prepared.releases(session, ref=ref)), None)
    if found is None:
        raise Refused(missing())
    row = find(found.tranche, *PREPARERS)
    refused = prepared.lines(session, release_id=found.id, state=State.REFUSED, limit=SHOWN_WRONG)
    rows, more = cut(prepared.lines(session, release_id=found.id, after=after(), limit=PAGE), PAGE)
    return render_template(
        "pages/decision/progress.html",
        tranche=row,
        release=found,
        refused=refused[:SHOWN_WRONG],
        rows=rows,
        more=more,
        names=ACTION_NAMES,
    )
