"""Trying out a division of a tranche (F3): scenarios side by side, the lots to check, and the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request

from fundapp.domain.allocation_input import Method, OnOverflow
from fundapp.domain.money import parse_euro, plain_euro
from fundapp.domain.people import Role
from fundapp.domain.prepared import PREPARERS
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text, same
from fundapp.persistence.fund import Tranche
from fundapp.persistence.scenario import Scenario
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds, prepared, scenario
from fundapp.services.scenario import Candidate, Now, Settings
from fundapp.web.access import access, staff
from fundapp.web.errors import STATUS
from fundapp.web.session import db, notify, request_now, signed_in
from fundapp.web.tranches import READERS, find, kept_from

bp = Blueprint("scenario", __name__)

CHOOSERS = (Role.COORDINATOR, Role.DECISION_MAKER)
MOST_ROWS = 200
"""Applications in the table beside the scenarios."""
EDITABLE = 60
"""Up to so many applications can be left out or changed one by one."""

METHODS = {
    Method.ORDER_OF_RECEIPT: Text("Volgorde van ontvangst", "Order of receipt"),
    Method.RANKING: Text("Rangschikking op score", "Ranking by score"),
    Method.LOTTERY: Text("Loting", "Lottery"),
    Method.PRIORITY: Text("Groepen, daarbinnen loting", "Classes, lots within each"),
    Method.PRO_RATA: Text("Naar verhouding", "Pro rata"),
}
OVERFLOWS = {
    OnOverflow.STOP: Text("Stoppen", "Stop"),
    OnOverflow.SKIP: Text("De volgende die past", "The next one that fits"),
    OnOverflow.PARTIAL: Text("Een deel geven", "Give a part"),
}


@bp.get("/tranches/<ref>/scenario")
@access(staff(*READERS))
def compare(ref: str) -> Response:
    """The scenarios side by side, and the form for another."""
    return _page(find(ref))


@bp.post("/tranches/<ref>/scenario")
@access(staff(*READERS))
def make(ref: str) -> Response:
    """Reckon and keep another scenario."""
    row = find(ref)
    try:
        with unit_of_work(db.session()):
            settings = _settings(row)
            name = (request.form.get("name") or "").strip()[:60] or METHODS[Method(settings.method)].nl
            scenario.make(db.session(), row, name, settings, actor=signed_in(), now=request_now())
    except Refused as refused:
        return _page(find(ref), refused.refusals, STATUS[refused.kind])
    return make_response(redirect(f"/tranches/{ref}/scenario", code=303))


def _settings(row: Tranche) -> Settings:
    """What was filled in. Raises Refused(INVALID) on the field."""
    rules, form = scenario.announced(row), request.form
    method, overflow = form.get("method", rules.method), form.get("on_overflow", rules.on_overflow)
    if method not in list(Method) or overflow not in list(OnOverflow):
        raise Refused(_CHOOSE)
    subs = {name.removeprefix("deel-"): name for name in form if name.startswith("deel-") and form[name].strip()}
    amounts = {name.removeprefix("bedrag-"): name for name in form if name.startswith("bedrag-") and form[name].strip()}
    closed = kept_from(row)
    there = {c.ref: c.cents for c in scenario.candidates(db.session(), row.id) if c.ref not in closed}
    changed = {ref: _cents(name) for ref, name in amounts.items() if ref in there}
    classes = {n.removeprefix("groep-"): int(form[n]) for n in form if n.startswith("groep-") and form[n] in _CLASSES}
    known = {region.key for region in funds.spec_of(db.session(), row.fund_version_id).sub_regions}
    return Settings(
        method=method,
        on_overflow=overflow,
        seed=(form.get("seed") or rules.seed).strip()[:100],
        ceiling=_cents("ceiling") if form.get("ceiling", "").strip() else None,
        sub_ceilings={key: _cents(name) for key, name in subs.items() if key in known},
        asked_too=form.get("asked_too") == "yes",
        out=tuple(sorted(ref for ref in form.getlist("out") if ref in there)),
        amounts={ref: cents for ref, cents in changed.items() if cents != there[ref]},
        classes={ref: number for ref, number in classes.items() if ref in there and number > 1},
    )


def _cents(name: str) -> int:
    return parse_euro(request.form[name].strip(), field=name)


@bp.post("/tranches/<ref>/scenario/<int:number>/<any(opnieuw, weg, kies, klaarzetten):do>")
@access(staff(*READERS))
def act(ref: str, number: int, do: str) -> Response:
    """Reckon again, throw away, choose, or prepare the decisions of the chosen one."""
    row = find(ref) if do in ("opnieuw", "weg") else find(ref, *CHOOSERS)
    session, actor, now = db.session(), signed_in(), request_now()
    made, left = 0, list[prepared.Left]()
    try:
        with unit_of_work(session):
            if do == "opnieuw":
                scenario.again(session, row, number, actor=actor, now=now)
            elif do == "weg":
                scenario.drop(session, row, number)
            elif do == "kies":
                scenario.choose(session, row, number, actor=actor, now=now)
            else:
                rest = "reject" if request.form.get("rest") == "reject" else "waitlist"
                made, left = scenario.prepare(session, row, number, rest=rest, actor=actor, now=now)
    except Refused as refused:
        if refused.kind is Kind.NOT_FOUND:
            raise
        return _page(find(ref), refused.refusals, STATUS[refused.kind])
    if do != "klaarzetten":
        return make_response(redirect(f"/tranches/{ref}/scenario", code=303))
    notify(Text("Klaargezet: {n}.", "Prepared: {n}.").fill(n=same(str(made))))
    if left:
        return make_response(render_template("pages/decision/left.html", tranche=row, made=made, left=left))
    return make_response(redirect(f"/besluiten/{ref}", code=303))


_CLASSES = frozenset("123456789")
_CHOOSE = Refusal(
    "method_missing", Text("Kies hoe u verdeelt.", "Choose how to divide."), field="method", kind=Kind.INVALID
)


def _page(row: Tranche, errors: tuple[Any, ...] = (), status: int = 200) -> Response:
    session, actor = db.session(), signed_in()
    g.back_href = f"/tranches/{row.ref}"
    now = scenario.as_it_stands(session, row)
    closed = kept_from(row)
    open_to = [candidate for candidate in now.candidates if candidate.ref not in closed]
    kept = scenario.shown(scenario.of(session, row))
    rules = scenario.announced(row)
    spec = funds.spec_of(session, row.fund_version_id)
    regions = {region.key: region.name for region in spec.sub_regions}
    page = render_template(
        "pages/tranche/scenario.html",
        tranche=row,
        columns=[_column(one, now, chr(65 + n)) for n, one in enumerate(kept)],
        rows=_rows(kept, open_to),
        cut=len(now.candidates) > MOST_ROWS,
        now=now,
        regions=regions,
        rules=rules,
        form=request.form,
        methods=[(str(value), label) for value, label in METHODS.items()],
        overflows=[(str(value), label) for value, label in OVERFLOWS.items()],
        method_names=METHODS,
        overflow_names=OVERFLOWS,
        editable=open_to if len(now.candidates) <= EDITABLE else (),
        may_choose=actor.has(*CHOOSERS, fund=row.fund_key),
        may_prepare=actor.has(*PREPARERS, fund=row.fund_key),
        plain_euro=plain_euro,
        errors=list(errors) or None,
    )
    return make_response(page, status)


def _column(one: Scenario, now: Now, letter: str) -> dict[str, Any]:
    settings = scenario.settings_of(one)
    whole, part, by_region = scenario.counts(one, {c.ref: c.sub_region for c in now.candidates})
    return {
        "row": one,
        "letter": letter,
        "settings": settings,
        "whole": whole,
        "part": part,
        "by_region": by_region,
        "stale": one.chosen_at is None and scenario.is_stale(one, now),
    }


def _rows(kept: list[Scenario], candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """A row for each application that takes part in one of them: what it gets in each, and why."""
    shares = [{share[0]: share for share in one.shares} for one in kept]
    there = [c for c in candidates if any(c.ref in found for found in shares)]
    return [{"candidate": c, "shares": [found.get(c.ref) for found in shares]} for c in there[:MOST_ROWS]]
