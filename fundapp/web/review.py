"""Pages for those who take in, advise and decide: the worklist, the case, its files and letters, and interests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup, escape

from fundapp.domain.application import FLOW
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.money import euro
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Language, Text
from fundapp.persistence.decision import Letter
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import interest, review_case, review_views, saved_filters, sent
from fundapp.services.interest import Interest
from fundapp.services.letters import letter_view
from fundapp.services.messages import OF_THE_FUND
from fundapp.services.review_views import FIRST, MOST_COUNTED, PAGE, UNDECIDED, Choices, Filters, Row, Tab
from fundapp.services.subject import missing
from fundapp.web.access import Case, access, case, current_case, staff
from fundapp.web.actions import actions_on
from fundapp.web.downloads import download
from fundapp.web.errors import STATUS
from fundapp.web.forms import review as _forms  # noqa: F401  (registers the forms)
from fundapp.web.icons import icon
from fundapp.web.present import short_date
from fundapp.web.session import current_language, db, notify, request_now, signed_in, wake

bp = Blueprint("review", __name__)

HEADS = (
    Text("Nummer", "Reference"),
    Text("Titel", "Title"),
    Text("School", "School"),
    Text("Deelregio", "Sub-region"),
    Text("Stand", "State"),
    Text("Gevraagd", "Asked"),
    Text("Besluit vóór of op", "Decide by"),
)
LATE = Text("te laat", "late")
ASKED = ("tab", "stand", "fonds", "ronde", "deelregio", "q")
"""What the address of a list says; it goes along to the pages of its applications, for the next and the one before."""

SOON_DAYS = 7
"""A decision that is due within so many days is marked."""

TABS = {
    Tab.MINE: Text("Voor u", "For you"),
    Tab.RUNNING: Text("Loopt", "Running"),
    Tab.DONE: Text("Afgerond", "Done"),
}


# The worklist


@lru_cache(maxsize=64)
def _tag(state: str, language: Language) -> Markup:
    """The tag of a state, drawn once: a list has fifty."""
    look = FLOW.look(state)
    return Markup('<span class="tag tone-{}">{}{}</span>').format(look.tone, icon(look.icon), look.label.in_(language))


@lru_cache(maxsize=4)
def _row_format(language: Language) -> str:  # noqa: ARG001  (what is drawn follows the page's language)
    """The row of the list, with places for what differs."""
    return render_template("pages/review/_row.html", heads=HEADS)


def _drawn(rows: list[Row], around: str, today: date, language: Language) -> Markup:
    """Return the rows of the list. Everything that people typed is escaped here. around: the list, as a query."""
    draw, way = _row_format(language).format, escape(around)
    return Markup("".join(draw(*_cells(row, today, language), way) for row in rows))  # noqa: S704


def _cells(row: Row, today: date, language: Language) -> tuple[str, ...]:
    due, warning = "–", ""
    if row.due_on is not None:
        due = short_date(row.due_on, language)
        left = (row.due_on - today).days
        if row.state in UNDECIDED and left < 0:
            warning = f' <strong class="warn warn-late">{LATE.in_(language)}</strong>'
        elif row.state in UNDECIDED and left <= SOON_DAYS:
            warning = f' <strong class="warn">{_days_left(left, language)}</strong>'
    return (
        row.ref,
        escape(row.title or "–"),
        escape(row.school),
        escape(row.sub_region),
        _tag(row.state, language),
        euro(row.requested_cents),
        due,
        warning,
    )


def _days_left(left: int, language: Language) -> str:
    if left == 0:
        return "vandaag" if language == "nl" else "today"
    return f"nog {left} {'dag' if left == 1 else 'dagen'}" if language == "nl" else f"{left} day(s) left"


def _filters(choices: Choices) -> Filters:
    """What the address asks for; what does not exist, or is not this person's, is not asked."""
    asked = request.args
    state, fund, region = asked.get("stand"), asked.get("fonds"), asked.get("deelregio")
    tranche = next((r for r in choices.rounds if r.ref is not None and r.ref == asked.get("ronde")), None)
    return Filters(
        state=state if state in review_views.RUNNING | review_views.DONE else None,
        fund=tranche.fund if tranche else fund if fund in choices.funds else None,
        tranche=tranche.id if tranche else None,
        sub_region=region if region in choices.sub_regions else None,
    )


def _typed(name: str) -> str:
    """What stands in the address, without signs that no text has."""
    return "".join(c for c in request.args.get(name, "")[:100] if c.isprintable()).strip()


def _key(typed: str) -> tuple[str, int]:
    """Read a key as `_next` writes it; anything else is the first page."""
    due, _, number = typed.partition(".")
    if len(due) == 10 and due.replace("-", "").isdecimal() and number.isdecimal() and len(number) < 19:
        try:
            request_now().fromisoformat(due)
        except ValueError:
            return FIRST
        return due, int(number)
    return FIRST


def _asked(given: Mapping[str, str], **changed: str | None) -> str:
    """The list that an address asks for, as a query: "?tab=loopt&fonds=…", or nothing."""
    kept = {k: v[:100] for k, v in given.items() if k in ASKED and v}
    asked = {k: v for k, v in (kept | changed).items() if v}
    return f"?{urlencode(asked)}" if asked else ""


def _address(**changed: str | None) -> str:
    return "/beoordelen" + _asked(request.args, **changed)


@bp.get("/beoordelen")
@access(staff())
def worklist() -> str:
    """What waits for this person, what runs, what is done."""
    return _list()


def _list(errors: list[Refusal] | None = None) -> str:
    actor, session, language = signed_in(), db.session(), current_language()
    choices = review_views.choices(session, actor)
    funds, filters = choices.funds, _filters(choices)
    wanted = _typed("q")
    tab = next((t for t in Tab if t == request.args.get("tab")), _first_tab(actor))
    after = _key(request.args.get("na", ""))
    if wanted:
        found = review_views.search(session, actor, wanted, funds, filters)
    else:
        found = review_views.worklist(session, actor, tab, funds, filters, after=after)
    counts = review_views.counts(session, actor, funds, filters)
    rows, more = found[:PAGE], len(found) > PAGE
    around = _asked(request.args)
    today = request_now().astimezone(AMSTERDAM).date()
    return render_template(
        "pages/review/list.html",
        rows=_drawn(rows, around, today, language),
        heads=HEADS,
        more=more,
        wanted=wanted,
        tab=tab,
        tabs=[
            (_address(tab=t, q=None), label, _shown(counts[t]), t is tab and not wanted) for t, label in TABS.items()
        ],
        next_href=_address(na=f"{rows[-1].key}.{rows[-1].id}") if more and not wanted else None,
        first_href=_address() if after != FIRST else None,
        begin_href=f"/beoordelen/{rows[0].ref}{around}" if rows and tab is Tab.MINE and not wanted else None,
        filters=filters,
        filtered=filters != Filters(),
        choices=_options(choices),
        asked=request.args,
        around=around,
        saved=[(one, f"?{one.query}" == around) for one in choices.saved],
        may_save=bool(wanted or filters != Filters()),
        errors=errors,
    )


def _shown(count: int) -> str:
    return f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else str(count)


@bp.post("/beoordelen/filters")
@access(staff())
def save_filter() -> Response:
    """Keep the filter of the list under a name."""
    query = _asked(request.args)
    try:
        with unit_of_work(db.session()):
            saved_filters.save(
                db.session(),
                request.form.get("name", ""),
                query.removeprefix("?"),
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        return make_response(_list(list(error.refusals)), STATUS[error.kind])
    notify(Text("Uw filter is bewaard.", "Your filter was saved."))
    return make_response(redirect(f"/beoordelen{query}", code=303))


@bp.post("/beoordelen/filters/<int:filter_id>/weg")
@access(staff())
def forget_filter(filter_id: int) -> Response:
    """Remove one of one's own filters."""
    with unit_of_work(db.session()):
        saved_filters.forget(db.session(), filter_id, actor=signed_in())
    notify(Text("Het filter is verwijderd.", "The filter was removed."))
    return make_response(redirect(_address(), code=303))


def _first_tab(actor: Actor) -> Tab:
    return Tab.MINE if any(review_views.ACTS.get(grant.role) for grant in actor.grants) else Tab.RUNNING


def _options(choices: Choices) -> dict[str, list[tuple[str, Any]]]:
    """The options of the filter."""
    states = [(str(s), look.label) for s, look in FLOW.looks.items() if s != FLOW.initial]
    rounds = [(r.ref, f"{r.ref} {r.name}") for r in choices.rounds if r.ref]
    return {
        "fonds": [("", Text("Alle fondsen", "All funds")), *choices.funds.items()],
        "ronde": [("", Text("Alle rondes", "All rounds")), *rounds],
        "deelregio": [("", Text("Alle deelregio's", "All sub-regions")), *choices.sub_regions.items()],
        "stand": [("", Text("Elke stand", "Any state")), *states],
    }


@bp.get("/beoordelen/volgende")
@access(staff())
def following() -> Response:
    """Go on to the next application of the list that one came from; to the list when there is none."""
    return _beside(back=False)


@bp.get("/beoordelen/vorige")
@access(staff())
def preceding() -> Response:
    """Go back to the one before it; to the list from the first."""
    return _beside(back=True)


def _beside(*, back: bool) -> Response:
    session, actor, ref = db.session(), signed_in(), _typed("na")
    choices = review_views.choices(session, actor)
    filters, wanted = _filters(choices), _typed("q")
    if wanted:
        refs = [row.ref for row in review_views.search(session, actor, wanted, choices.funds, filters)[:PAGE]]
        at = refs.index(ref) + (-1 if back else 1) if ref in refs else 0
        found = refs[at] if 0 <= at < len(refs) else None
    else:
        tab = next((t for t in Tab if t == request.args.get("tab")), _first_tab(actor))
        found = review_views.beside(session, actor, ref, tab, choices.funds, filters, back=back)
    around = _asked(request.args)
    return make_response(redirect(f"/beoordelen/{found}{around}" if found else f"/beoordelen{around}", code=303))


# The case


def _open(found: Case) -> None:
    interest.require(interest.known(found.row, found.facts))


@bp.get("/beoordelen/<ref>")
@access(case("application"))
def show(ref: str) -> str:
    """The case, or first the question about an interest in it."""
    found = current_case()
    where = interest.known(found.row, found.facts)
    if not where.open:
        return _ask_interest(found, where)
    view = review_case.load(db.session(), found.row)
    return render_template(
        "pages/review/case.html",
        ref=ref,
        app=found.row,
        facts=found.facts,
        case=view,
        look=FLOW.look(found.row.state),
        actions=actions_on(found),
        changes=sent.changes(view.before, view.sent) if view.before else (),
        around=_asked(request.args),
        beside=_asked(request.args, na=ref),
        judges=where is Interest.NONE,
        writes=bool(found.facts.roles & OF_THE_FUND),
        undecided=found.row.state in UNDECIDED,
    )


def _ask_interest(found: Case, where: Interest, errors: Any = None) -> str:
    return render_template(
        "pages/review/interest.html",
        ref=found.ref,
        around=_asked(request.args),
        beside=_asked(request.args, na=found.ref),
        app=found.row,
        look=FLOW.look(found.row.state),
        school=review_case.school_of(db.session(), found.row),
        declared=where is Interest.DECLARED,
        answered=where is Interest.NONE,
        errors=errors,
    )


@bp.get("/beoordelen/<ref>/belang")
@access(case("application"))
def interest_page(ref: str) -> str:  # noqa: ARG001
    """Declare an interest, also later."""
    found = current_case()
    where = interest.known(found.row, found.facts)
    if where is Interest.NOT_ASKED:
        raise Refused(missing())
    return _ask_interest(found, where)


@bp.post("/beoordelen/<ref>/belang")
@access(case("application"))
def declare_interest(ref: str) -> Response:
    """Keep the answer, and go to the case."""
    found, answer = current_case(), request.form.get("interest")
    if answer not in ("yes", "no"):
        where = interest.known(found.row, found.facts)
        mistake = Refusal("interest_missing", Text("Kies ja of nee.", "Choose yes or no."), "interest", Kind.INVALID)
        return make_response(_ask_interest(found, where, [mistake]), 422)
    with unit_of_work(db.session(), wake):
        interest.declare(
            db.session(),
            found.row,
            interested=answer == "yes",
            actor=signed_in(),
            roles=found.facts.roles,
            now=request_now(),
        )
    return make_response(redirect(url_for("review.show", ref=ref) + _asked(request.args), code=303))


@bp.get("/beoordelen/<ref>/brieven/<int:letter_id>")
@access(case("application"))
def letter(ref: str, letter_id: int) -> str:
    """A letter as the school has it."""
    found = current_case()
    _open(found)
    row = db.session().get(Letter, letter_id)
    if row is None or row.application_id != found.row.id:
        raise Refused(missing())
    return render_template("pages/review/letter.html", ref=ref, letter=row, view=letter_view(row))


@bp.get("/beoordelen/<ref>/bijlagen/<int:attachment_id>")
@access(case("application"))
def document(ref: str, attachment_id: int) -> Response:  # noqa: ARG001
    """A document that was sent, to keep: never shown by the browser as a page of ours."""
    found = current_case()
    _open(found)
    row = review_case.document(db.session(), found.row, attachment_id)
    return download(row.sha256, row.file_name, row.media_type)
