"""Pages for the panel: who reads what, scoring, meetings with a projector, minutes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from wtforms.fields.choices import SelectChoice

from fundapp.domain.panel import HIGHEST, LOWEST, so_far
from fundapp.domain.people import JUDGES, Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.panel import Meeting
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import interest, meeting, panel, review_case, scoring
from fundapp.services.meeting import MeetingView
from fundapp.services.review_views import choices
from fundapp.services.subject import missing
from fundapp.services.transitions import look
from fundapp.web.access import Case, access, case, current_case, staff
from fundapp.web.downloads import download
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms import new_key
from fundapp.web.forms.panel import ClosingForm, ItemForm, PlanForm
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("panel", __name__)

MEETERS = (Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER, Role.COORDINATOR)


def _to(endpoint: str, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, **values), code=303))


def _whole(given: str | None) -> int:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 10 else -1


# --- who reads what ---------------------------------------------------------------------------------------------------


@bp.get("/rondes/<ref>/lezers")
@access(staff(Role.HANDLER))
def readers(ref: str) -> Response:
    """Deal out the applications of a round: as proposed, or by hand."""
    return _readers(ref)


def _readers(ref: str, errors: list[Refusal] | None = None, status: int = 200) -> Response:
    session = db.session()
    tranche = panel.tranche_for(session, ref, signed_in(), Role.HANDLER)
    found = panel.board(session, tranche, signed_in(), after=max(0, _whole(request.args.get("na"))))
    names = {reviewer.person_id: reviewer.name for reviewer in found.reviewers}
    proposed: dict[int, list[Any]] = {}
    for one in panel.proposals(found):
        proposed.setdefault(one.application_id, []).append((one, names[one.person_id]))
    page = render_template(
        "pages/panel/readers.html",
        ref=ref,
        tranche=tranche,
        board=found,
        proposed=proposed,
        people=[(str(one.person_id), f"{one.name} ({one.load})") for one in found.reviewers],
        errors=errors,
        typed=request.form,
        next_href=f"/rondes/{ref}/lezers?na={found.cases[-1].id}" if found.more else None,
    )
    return make_response(page, status)


@bp.post("/rondes/<ref>/lezers")
@access(staff(Role.HANDLER))
def deal(ref: str) -> Response:
    """Give applications to readers: what was proposed and ticked, or one person for all that were ticked."""
    session, actor = db.session(), signed_in()
    tranche = panel.tranche_for(session, ref, actor, Role.HANDLER)
    if request.form.get("do") == "by_hand":
        person = _whole(request.form.get("person"))
        wishes = [panel.Wish(_whole(one), person) for one in request.form.getlist("case")]
        if person < 0 or not wishes:
            mistake = Text(
                "Kies een lezer en vink minstens één aanvraag aan.", "Choose a reader and tick an application."
            )
            return _readers(ref, [Refusal("nothing_chosen", mistake, "person", Kind.INVALID)], 422)
    else:
        pairs = [tick.partition("-") for tick in request.form.getlist("proposal")]
        wishes = [panel.Wish(_whole(one), _whole(person)) for one, _, person in pairs]
        known = {(one.application_id, one.person_id): one.because for one in _proposed(ref)}
        wishes = [
            panel.Wish(w.application_id, w.person_id, known.get((w.application_id, w.person_id), panel.BY_HAND))
            for w in wishes
        ]
        if not wishes:
            mistake = Text("Vink minstens één voorstel aan.", "Tick at least one proposal.")
            return _readers(ref, [Refusal("nothing_chosen", mistake, "proposals", Kind.INVALID)], 422)
    with unit_of_work(session, wake):
        given, refused = panel.assign(session, tranche, wishes, actor=actor, now=request_now())
    if refused:
        return _readers(ref, refused, 409)
    notify(
        Text("{n} keer gegeven. De lezers krijgen een mail.", "Given {n} times. The readers get a mail.").fill(n=given)
    )
    return _to("panel.readers", ref=ref)


def _proposed(ref: str) -> list[Any]:
    tranche = panel.tranche_for(db.session(), ref, signed_in(), Role.HANDLER)
    return panel.proposals(panel.board(db.session(), tranche, signed_in()))


@bp.post("/rondes/<ref>/lezers/<int:assignment_id>/stop")
@access(staff(Role.HANDLER))
def take_away(ref: str, assignment_id: int) -> Response:
    """Take an application away from a reader, with a reason."""
    session = db.session()
    tranche = panel.tranche_for(session, ref, signed_in(), Role.HANDLER)
    try:
        with unit_of_work(session):
            reason = request.form.get("because", "")[:500]
            panel.end(session, assignment_id, tranche, because=reason, actor=signed_in(), now=request_now())
    except Refused as error:
        if error.kind is not Kind.INVALID:
            raise
        return _readers(ref, list(error.refusals), 422)
    return _to("panel.readers", ref=ref)


# --- reading and scoring ----------------------------------------------------------------------------------------------


@bp.get("/lezen")
@access(staff(Role.ADVISER))
def reading() -> str:
    """What was given to this person to read: what is open first."""
    return _reading()


def _reading(errors: list[Refusal] | None = None) -> str:
    rows = scoring.to_read(db.session(), signed_in())
    todo = [row for row in rows if row.open]
    return render_template(
        "pages/panel/reading.html",
        todo=todo,
        rest=[row for row in rows if not row.open],
        asked=[row for row in todo if row.asks_interest],
        today=request_now(),
        errors=errors,
    )


@bp.post("/lezen/belangen")
@access(staff(Role.ADVISER))
def declare_interests() -> Response:
    """Keep what this person says about an interest in what they are to read; what was left open is asked again."""
    session, actor = db.session(), signed_in()
    asked = [row.ref for row in scoring.to_read(session, actor) if row.asks_interest]
    said = {ref: request.form.get(f"interest-{ref}") for ref in asked}
    answers = {ref: answer == "yes" for ref, answer in said.items() if answer in ("yes", "no")}
    if asked and not answers:
        mistake = Text("Kies bij minstens één aanvraag nee of ja.", "Choose no or yes for one application at least.")
        return make_response(
            _reading([Refusal("interest_missing", mistake, f"interest-{asked[0]}", Kind.INVALID)]), 422
        )
    with unit_of_work(session, wake):
        interest.declare_many(session, answers, actor=actor, now=request_now())
    notify(Text("Bewaard.", "Saved."))
    return _to("panel.reading")


def _sheet_of(found: Case) -> scoring.Sheet:
    own = scoring.sheet(db.session(), found.row, signed_in())
    scoring.require_reader(own, found.facts.roles)
    return own


@bp.get("/beoordelen/<ref>/score")
@access(case("application"))
def score(ref: str) -> Response:
    """Read an application and give each criterion a score; first the question about an interest."""
    found = current_case()
    own = _sheet_of(found)
    if not interest.known(found.row, found.facts).open:
        return make_response(redirect(url_for("review.show", ref=ref), code=303))
    return _score_page(found, own, typed=g.get("returned"))


def _score_page(
    found: Case, sheet: scoring.Sheet, *, typed: Any = None, errors: list[Refusal] | None = None, status: int = 200
) -> Response:
    session, actor = db.session(), signed_in()
    view = review_case.load(session, found.row)
    before, after, place = scoring.neighbours(rows := scoring.to_read(session, actor), found.ref)
    scores = dict(sheet.scores) if typed is None else _scores(typed)
    weights = {criterion.code: criterion.weight for criterion in view.spec.criteria}
    shown = scoring.may_see_others(found.row, sheet)
    page = render_template(
        "pages/panel/score.html",
        ref=found.ref,
        app=found.row,
        case=view,
        sheet=sheet,
        scores=scores,
        notes=sheet.notes if typed is None else {c: typed.get(f"note_{c}", "") for c in weights},
        remark=sheet.remark if typed is None else typed.get("remark", ""),
        so_far=so_far(scores, weights),
        errors=errors,
        field_errors={refusal.field: refusal.sentence for refusal in errors or ()},
        others=scoring.others(session, found.row, actor) if shown else None,
        blind=view.spec.advice.blind and not sheet.sent,
        open=found.row.state in scoring.OPEN,
        before=before,
        after=after,
        place=place,
        many=len(rows),
    )
    return make_response(page, status)


def _scores(form: Any) -> dict[str, int]:
    found = {name.removeprefix("score_"): _whole(value) for name, value in form.items() if name.startswith("score_")}
    return {code: value for code, value in found.items() if LOWEST <= value <= HIGHEST}


@bp.post("/beoordelen/<ref>/score")
@access(case("application"))
def save_score(ref: str) -> Response:
    """Keep the scores; the button says whether they are finished, and where to go on."""
    found, form = current_case(), request.form
    interest.require(interest.known(found.row, found.facts))
    do = form.get("do", "later")
    view = review_case.load(db.session(), found.row)
    notes = {c.code: form.get(f"note_{c.code}", "").strip()[:2000] for c in view.spec.criteria}
    try:
        with unit_of_work(db.session()):
            scoring.save(
                db.session(),
                found.row,
                view.spec,
                scores=_scores(form),
                notes=notes,
                remark=form.get("remark", "").strip()[:4000],
                send=do in ("next", "abstain"),
                abstain=do == "abstain",
                number=_whole(form.get("number")),
                seen=_whole(form.get("version")),
                actor=signed_in(),
                roles=found.facts.roles,
                now=request_now(),
            )
    except Refused as error:
        if error.kind not in (Kind.INVALID, Kind.STALE):
            raise
        return _score_page(found, _sheet_of(found), typed=form, errors=list(error.refusals), status=STATUS[error.kind])
    notify(Text("Bewaard.", "Saved."))
    if do == "later":
        return _to("panel.score", ref=ref)
    following = scoring.next_open(scoring.to_read(db.session(), signed_in()), ref)
    return _to("panel.score", ref=following.ref) if following else _to("panel.reading")


# --- meetings ---------------------------------------------------------------------------------------------------------


@bp.get("/vergaderingen")
@access(staff(*MEETERS))
def meetings() -> Response:
    """All meetings, and the form to plan one."""
    return _meetings(PlanForm())


def _meetings(form: PlanForm, status: int = 200) -> Response:
    session, actor = db.session(), signed_in()
    plans = actor.has(Role.HANDLER)
    if plans:
        form.tranche.choices = _rounds()
    page = render_template(
        "pages/panel/meetings.html",
        rows=meeting.meetings(session, actor),
        rounds=sorted({str(choice.value).partition("|")[0] for choice in form.tranche.choices}) if plans else (),
        form=form if plans else None,
        plan_form=form,
    )
    return make_response(page, status)


def _rounds() -> list[Any]:
    actor = signed_in()
    found = choices(db.session(), actor)
    rounds = [r for r in found.rounds if r.ref and actor.has(Role.HANDLER, fund=r.fund)]
    regions = {"": Text("alle deelregio's", "all sub-regions"), **{k: same(n) for k, n in found.sub_regions.items()}}
    mine = {r.fund: panel.region_of(actor, r.fund) for r in rounds}
    return [
        SelectChoice(f"{r.ref}|{key}", Text(f"{r.ref} {r.name}, {name.nl}", f"{r.ref} {r.name}, {name.en}"))
        for r in rounds
        for key, name in regions.items()
        if mine[r.fund] in (None, key)
    ]


@bp.post("/vergaderingen")
@access(staff(Role.HANDLER))
def plan() -> Response:
    """Plan a meeting."""
    form = PlanForm()
    form.tranche.choices = _rounds()
    if not form.validate() or form.held_at is None:
        return _meetings(form, 422)
    ref, _, region = str(form.tranche.data).partition("|")
    session, actor = db.session(), signed_in()
    tranche = panel.tranche_for(session, ref, actor, Role.HANDLER)
    try:
        with unit_of_work(session):
            planned = meeting.plan(
                session,
                tranche,
                region=region or None,
                held_at=form.held_at,
                place=(form.place.data or "").strip(),
                actor=actor,
                now=request_now(),
            )
    except Refused as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        form_errors(form, error)
        return _meetings(form, STATUS[error.kind])
    return _to("panel.held", meeting_id=planned.id)


def _found(meeting_id: int) -> MeetingView:
    row = meeting.find(db.session(), meeting_id, signed_in())
    return meeting.view(db.session(), row, signed_in())


def _runs(view: MeetingView) -> bool:
    return signed_in().has(Role.HANDLER, Role.ADVISER, fund=view.tranche.fund_key) and not view.closed


@bp.get("/vergaderingen/<int:meeting_id>")
@access(staff(*MEETERS))
def held(meeting_id: int) -> Response:
    """The agenda: who is there, the ranking, what is advised."""
    return _held(_found(meeting_id))


def _held(view: MeetingView, form: ClosingForm | None = None, errors: Any = None, status: int = 200) -> Response:
    page = render_template(
        "pages/panel/meeting.html",
        view=view,
        meeting=view.meeting,
        runs=_runs(view),
        closing=form or ClosingForm(),
        errors=errors,
    )
    return make_response(page, status)


@bp.post("/vergaderingen/<int:meeting_id>/aanwezig")
@access(staff(Role.HANDLER, Role.ADVISER))
def presence(meeting_id: int) -> Response:
    """Say who is there."""
    there = [_whole(one) for one in request.form.getlist("present")]
    return _change(
        meeting_id,
        lambda: meeting.set_present(
            db.session(), meeting_id, there, seen=_seen(), actor=signed_in(), now=request_now()
        ),
    )


@bp.post("/vergaderingen/<int:meeting_id>/sluiten")
@access(staff(Role.HANDLER, Role.ADVISER))
def close(meeting_id: int) -> Response:
    """Close the meeting; the minutes are final."""
    form = ClosingForm()
    if not form.validate():
        return _held(_found(meeting_id), form, status=422)
    remarks = (form.remarks.data or "").strip()
    return _change(
        meeting_id,
        lambda: meeting.close(
            db.session(), meeting_id, remarks=remarks, seen=_seen(), actor=signed_in(), now=request_now()
        ),
        form,
    )


@bp.post("/vergaderingen/<int:meeting_id>/scherm")
@access(staff(Role.HANDLER, Role.ADVISER))
def screen(meeting_id: int) -> Response:
    """Put an item, or the ranking, on the projector."""
    wanted = request.form.get("ref") or None
    return _change(meeting_id, lambda: meeting.show(db.session(), meeting_id, wanted, actor=signed_in()))


def _seen() -> int:
    return _whole(request.form.get("version"))


def _change(meeting_id: int, act: Any, form: ClosingForm | None = None) -> Response:
    try:
        with unit_of_work(db.session(), wake):
            act()
    except Refused as error:
        if error.kind in (Kind.NOT_FOUND, Kind.FORBIDDEN):
            raise
        return _held(_found(meeting_id), form, errors=list(error.refusals), status=STATUS[error.kind])
    return _to("panel.held", meeting_id=meeting_id)


@bp.get("/vergaderingen/<int:meeting_id>/advies/<ref>")
@access(staff(*MEETERS))
def item(meeting_id: int, ref: str) -> Response:
    """One item: scores, who takes part, and the form for the advice."""
    form = ItemForm()
    return _item(meeting_id, ref, form)


def _item(meeting_id: int, ref: str, form: ItemForm, status: int = 200) -> Response:
    session, actor, now = db.session(), signed_in(), request_now()
    view = _found(meeting_id)
    one = view.item(ref)
    if one.hidden:
        raise Refused(_LEAVE)
    row, facts, offers = look(session, "application", ref, actor=actor, now=now)
    if facts.roles & JUDGES and not interest.known(row, facts).open:
        return make_response(redirect(url_for("review.show", ref=ref), code=303))
    form.prepare(row, facts)
    if request.method == "GET" and not form.amount.data:
        form.amount.propose(facts.grantable)
    form.fresh(row.version)
    advises = any(offer.transition.name == "advise" for offer in offers)
    page = render_template(
        "pages/panel/item.html",
        view=view,
        item=one,
        form=form,
        given=() if one.scores_hidden else scoring.others(session, row, None),
        criteria=view.spec.criteria,
        records=_runs(view) and advises and one.open,
        meeting=view.meeting,
    )
    return make_response(page, status)


@bp.post("/vergaderingen/<int:meeting_id>/advies/<ref>")
@access(staff(Role.ADVISER))
def record(meeting_id: int, ref: str) -> Response:
    """Record the advice on one item."""
    session, actor, now = db.session(), signed_in(), request_now()
    form = ItemForm()
    if _found(meeting_id).item(ref).hidden:
        raise Refused(_LEAVE)
    row, facts, _ = look(session, "application", ref, actor=actor, now=now)
    form.prepare(row, facts)
    if not form.validate():
        return _item(meeting_id, ref, form, 422)
    try:
        with unit_of_work(session, wake):
            meeting.record(
                session,
                meeting_id,
                ref,
                form.given(),
                seen=_whole(form.seen.data),
                request_key=form.request_key.data or new_key(),
                actor=actor,
                now=now,
            )
    except Refused as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        form_errors(form, error)
        return _item(meeting_id, ref, form, STATUS[error.kind])
    notify(Text("Vastgelegd.", "Recorded."))
    return _to("panel.held", meeting_id=meeting_id)


@bp.get("/vergaderingen/<int:meeting_id>/projector")
@access(staff(*MEETERS))
def projector(meeting_id: int) -> str:
    """What everybody in the room sees: the ranking, or the item that is discussed. Renews itself."""
    return render_template("pages/panel/projector.html", view=_found(meeting_id), meeting_id=meeting_id)


@bp.get("/vergaderingen/<int:meeting_id>/notulen.pdf")
@access(staff(*MEETERS))
def minutes(meeting_id: int) -> Response:
    """The minutes; while the worker has not made them, the page of the meeting says so."""
    row: Meeting = meeting.find(db.session(), meeting_id, signed_in())
    view = _found(meeting_id)
    if any(one.hidden for one in view.items):
        raise Refused(_LEAVE)
    if row.minutes_sha256 is None:
        raise Refused(missing())
    return download(row.minutes_sha256, f"notulen-{view.tranche.ref}-{row.id}.pdf", "application/pdf")


_LEAVE = Refusal(
    "conflict_of_interest",
    Text(
        "U hebt een belang bij deze aanvraag. U bent er bij dit punt niet bij en ziet de inhoud niet.",
        "You have an interest in this application. You leave for this item and do not see its content.",
    ),
    kind=Kind.FORBIDDEN,
)
