"""The public pages: what is open, what a fund asks, the check before signing in, and the results.

None of them needs a session: who only reads gets no cookie.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, make_response, render_template, request, stream_with_context
from werkzeug.datastructures import MultiDict

from fundapp.domain.condition import Verdict
from fundapp.domain.conditions import DocumentsRule, WindowRule
from fundapp.domain.conditions_money import CeilingRule
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.eligibility import Outcome, PrecheckQuestion, explanation_of, precheck, rejection_texts
from fundapp.domain.fund import FundSpec
from fundapp.domain.money import decimal_euro
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import precheck as prechecks
from fundapp.services import results
from fundapp.services.fund_steps import steps_of
from fundapp.services.public_views import Round, coming_rounds, example_of, find_round, fund_view, newest_funds
from fundapp.web.access import PUBLIC, access
from fundapp.web.check_token import check_token
from fundapp.web.components import Problem
from fundapp.web.session import current_language, db, request_now

bp = Blueprint("public", __name__)

ANSWERS = {"ja": True, "nee": False, "weet-niet": None}
SHOW, CHANGE = "toon-uitslag", "pas-aan"
"""Names in the address that no rule can have: its code holds no hyphen."""


@bp.get("/")
@access(PUBLIC)
def home() -> str:
    """The open rounds, those that come, the other funds, and what earlier rounds achieved."""
    now = request_now()
    rounds = coming_rounds(db.session(), now)
    shown = {r.fund.key for r in rounds}
    published = results.published_rounds(db.session())
    return render_template(
        "pages/public/home.html",
        open=[r for r in rounds if r.phase == "open"],
        soon=sorted((r for r in rounds if r.phase == "soon"), key=lambda r: r.tranche.opens_at),
        others=[spec for spec in newest_funds(db.session()) if spec.key not in shown],
        published=published,
        totals=results.sum_of(published),
        regions=len({key for one in published for key in one.by_region}),
        days_left=lambda r: _days_left(r.tranche.closes_at, now),
    )


def _days_left(until: datetime, now: datetime) -> Text:
    days = (until.astimezone(AMSTERDAM).date() - now.astimezone(AMSTERDAM).date()).days
    if days < 1:
        return Text("Dat is vandaag.", "That is today.")
    if days == 1:
        return Text("Dat is morgen.", "That is tomorrow.")
    return Text("Nog {n} dagen.", "{n} days left.").fill(n=days)


@bp.get("/fondsen/<key>")
@access(PUBLIC)
def fund(key: str) -> str:
    """What the fund is for, what it asks, and how it goes."""
    now = request_now()
    view = fund_view(db.session(), key, now)
    window = view.current.tranche if view.current else None
    return render_template(
        "pages/public/fund.html",
        spec=view.spec,
        view=view,
        conditions=_conditions(view.spec),
        steps=steps_of(view.spec, window),
        example=example_of(view.spec),
        days_left=_days_left(window.closes_at, now) if window else None,
    )


@dataclass(frozen=True, slots=True)
class Conditions:
    """The rules in the coordinator's words: those that the check asks, the others, and those that only warn."""

    asked: list[Text]
    further: list[Text]
    hints: list[Text]


def _conditions(spec: FundSpec) -> Conditions:
    found = Conditions([], [], [])
    for rule in spec.conditions:
        if isinstance(rule, DocumentsRule | WindowRule | CeilingRule):
            continue  # the page shows the documents, the dates and what is left
        group = found.hints if not rule.blocking else found.asked if rule.precheck else found.further
        group.append(explanation_of(rule))
    return found


# --- the check before signing in --------------------------------------------------------------------------------------

_ORDER = {Verdict.NOT_MET: 0, Verdict.UNKNOWN: 1, Verdict.MET: 2}


@bp.get("/check/<ref>")
@access(PUBLIC)
def check(ref: str) -> Response:
    """Ask the questions or, when they are in the address, say what the rules make of the answers.

    The address holds the answers, so the page can be opened again, shared, and gone back from. It needs no session.
    """
    found = find_round(db.session(), ref, request_now())
    questions = found.fund.precheck
    given = {q.code: request.args[q.code] for q in questions if request.args.get(q.code) in ANSWERS}
    if found.phase == "ended" or SHOW not in request.args or CHANGE in request.args:
        return _ask(found, questions, given)
    mistakes = [Problem(q.code, _unanswered(number)) for number, q in enumerate(questions, 1) if q.code not in given]
    if mistakes:
        return _ask(found, questions, given, mistakes)
    return _outcome(found, questions, {code: ANSWERS[word] for code, word in given.items()})


def _unanswered(number: int) -> Text:
    return Text("Kies een antwoord bij vraag {n}.", "Choose an answer to question {n}.").fill(n=number)


def _ask(
    found: Round, questions: tuple[PrecheckQuestion, ...], given: dict[str, str], mistakes: list[Problem] | None = None
) -> Response:
    page = render_template(
        "pages/public/precheck.html",
        round=found,
        questions=questions,
        given=given,
        errors=mistakes,
        wrong={problem.field: problem.message for problem in mistakes or ()},
        show=SHOW,
    )
    return make_response(page, 422 if mistakes else 200)


def _outcome(found: Round, questions: tuple[PrecheckQuestion, ...], answers: dict[str, bool | None]) -> Response:
    now = request_now()
    if request.method == "HEAD":  # asks for nothing to be judged
        outcomes = precheck(found.fund.conditions, answers, moment=now)
    else:
        with unit_of_work(db.session()):
            outcomes = prechecks.judge(db.session(), found.fund, found.fund_version_id, answers, now=now)
    rules = {q.code: q.explanation for q in questions}
    ordered = sorted(outcomes, key=lambda one: _ORDER[one.verdict])
    token = check_token(found.ref, found.fund_version_id, answers)
    page = render_template(
        "pages/public/precheck_outcome.html",
        round=found,
        outcomes=ordered,
        rules=rules,
        not_met=_of(ordered, Verdict.NOT_MET),
        unknown=_of(ordered, Verdict.UNKNOWN),
        rejection=rejection_texts(found.fund.conditions, outcomes),
        start=f"/aanvragen/nieuw?check={token}",
        change=f"{request.path}?{urlencode({**request.args.to_dict(), CHANGE: '1'})}",
    )
    response = make_response(page)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _of(outcomes: list[Outcome], verdict: Verdict) -> list[Outcome]:
    return [one for one in outcomes if one.verdict is verdict]


# --- results ----------------------------------------------------------------------------------------------------------


def _address(path: str, args: dict[str, str]) -> str:
    return f"{path}?{urlencode(args)}" if args else path


def _filter(args: MultiDict[str, str]) -> results.Filter:
    return results.Filter(args.get("fonds", ""), args.get("ronde", ""), args.get("regio", ""))


@bp.get("/resultaten")
@access(PUBLIC)
def all_results() -> str:
    """What the rounds achieved: their evaluations, the sums of the ledger, and the projects."""
    chosen = _filter(request.args)
    rounds = results.published_rounds(db.session(), chosen)
    shown = results.chosen_of(rounds, chosen)
    after = request.args.get("na", type=int)
    found, following = results.projects(db.session(), chosen, after=after) if shown else ([], None)
    funds = {one.fund.key: one.fund for one in reversed(rounds)}
    regions = {region.key: region.name for spec in funds.values() for region in spec.sub_regions}
    args = {name: value for name, value in request.args.items() if name in ("fonds", "ronde", "regio") and value}
    by_region = {key: sum(one.by_region.get(key, 0) for one in shown) for key in regions}
    return render_template(
        "pages/public/results.html",
        chosen=chosen,
        rounds=rounds,
        shown=shown,
        totals=results.sum_of(shown),
        by_region=[(regions[key], cents) for key, cents in by_region.items() if not chosen.region],
        most=max(by_region.values(), default=0),
        projects=found,
        following=_address("/resultaten", {**args, "na": str(following)}) if following else None,
        first=_address("/resultaten", args) if after is not None else None,
        download=_address("/resultaten.csv", args),
        funds=funds,
        regions=regions,
        next_close=min((r.tranche.closes_at for r in coming_rounds(db.session(), request_now())), default=None)
        if not rounds
        else None,
    )


@bp.get("/resultaten/<ref>")
@access(PUBLIC)
def result(ref: str) -> str:
    """One project, as far as it may be told."""
    found = results.project(db.session(), ref)
    if found is None:
        abort(404)
    return render_template("pages/public/result.html", project=found)


_COLUMNS = (
    Text("Nummer", "Number"),
    Text("Fonds", "Fund"),
    Text("Ronde", "Round"),
    Text("Regio", "Region"),
    Text("Project", "Project"),
    Text("School", "School"),
    Text("Toegekend (euro)", "Awarded (euro)"),
    Text("Eindbedrag (euro)", "Final amount (euro)"),
    Text("Samenvatting", "Summary"),
    Text("Resultaat", "Result"),
)


@bp.get("/resultaten.csv")
@access(PUBLIC)
def results_csv() -> Response:
    """The same projects as a file for a spreadsheet: semicolons, UTF-8 with a mark, cells that are never formulas."""
    lines = _csv(_filter(request.args))
    response = Response(stream_with_context(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="resultaten.csv"'
    return response


def _csv(chosen: results.Filter) -> Iterator[str]:
    language = current_language()
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")

    def line(*cells: str | None) -> str:
        writer.writerow([_safe(cell or "") for cell in cells])
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield "\ufeff" + line(*(column.in_(language) for column in _COLUMNS))
    for one in results.all_projects(db.session(), chosen):
        yield line(
            one.ref,
            one.fund.name.in_(language),
            one.round_name.in_(language),
            one.region.in_(language),
            one.title,
            one.school,
            _amount(one.awarded),
            _amount(one.cents) if one.final else "",
            one.summary,
            one.results,
        )


def _amount(cents: int | None) -> str:
    return "" if cents is None else str(decimal_euro(cents)).replace(".", ",")


def _safe(cell: str) -> str:
    """A cell that a spreadsheet would read as a formula gets a quote before it."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and cell else cell
