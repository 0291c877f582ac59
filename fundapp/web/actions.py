"""The one route for every action of every flow: `POST /<kind>/<ref>/<action>`.

A GET on the same address asks first: it shows what will happen, and the form that the transition asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for

from fundapp.domain.flow import Offer, Tone, Transition, decide
from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Actor
from fundapp.domain.prepared import ACTIONS as PREPARABLE
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services.transitions import look, perform, see
from fundapp.web.access import SIGNED_IN, Case, access
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms import FORMS, ActionForm, new_key
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("actions", __name__)

_KINDS = ", ".join(f'"{kind}"' for kind in sorted(FLOWS))
_ASKS_FIRST = frozenset({Tone.NEGATIVE, Tone.DECISION})

PageOf = Callable[[str, Actor], str]
PAGES: dict[str, PageOf] = {}
"""Kind → the address of a case's page for this person, from its reference."""


def page_of(kind: str) -> Callable[[PageOf], PageOf]:
    """Register where a case of this kind stands: `(ref, actor) -> URL`."""

    def register(find: PageOf) -> PageOf:
        PAGES[kind] = find
        return find

    return register


Instead = Callable[[str, str, str, Any, int], Response]
INSTEAD: dict[str, Instead] = {}
"""What a second button of a form says in `do` → what to do with what was filled in, instead of the act itself:
`(kind, ref, action, given, seen) -> answer`. It may raise Refused as the act does."""


def instead(name: str) -> Callable[[Instead], Instead]:
    """Register what a second button does."""

    def register(do: Instead) -> Instead:
        INSTEAD[name] = do
        return do

    return register


LANDINGS: dict[tuple[str, str], PageOf] = {}
"""(kind, action) → where somebody lands after it, for acts after which that is not the page of the case."""


def lands_on(kind: str, *actions: str) -> Callable[[PageOf], PageOf]:
    """Register where somebody lands after these actions: `(ref, actor) -> URL`."""

    def register(find: PageOf) -> PageOf:
        LANDINGS.update({(kind, action): find for action in actions})
        return find

    return register


def page_url(kind: str, ref: str, actor: Actor) -> str:
    """The address of the page of a case, for this person; the home page for a kind without pages."""
    find = PAGES.get(kind)
    return find(ref, actor) if find is not None else "/"


@dataclass(frozen=True, slots=True)
class ActionView:
    """One button, or why it is not there, as the component `action_panel` draws it.

    method: "get" for a page that asks first. seen and request_key go with a button that acts at once.
    """

    name: str
    label: Text
    tone: str
    href: str
    hint: Text | None
    asks: str | None
    reasons: list[Text]
    method: str
    seen: int
    request_key: str

    @property
    def open(self) -> bool:
        """Whether it can be done now."""
        return not self.reasons


def asks_first(transition: Transition[Any]) -> bool:
    """Whether a page stands between the button and the act: to fill in a form, to see a letter, or to think twice."""
    return transition.asks is not None or transition.tone in _ASKS_FIRST or writes_letter(transition)


def writes_letter(transition: Transition[Any]) -> bool:
    """Whether a letter goes out with it, which can be seen beforehand."""
    return any(effect.name == "WRITE_LETTER" for effect in transition.effects)


def actions_of(kind: str, ref: str, version: int, offers: Iterable[Offer[Any]]) -> list[ActionView]:
    """Return what this person can do with a case, for `ui.action_panel`."""
    base = url_for("actions.ask", kind=kind, ref=ref, action="-").removesuffix("-")
    return [
        ActionView(
            name=offer.transition.name,
            label=offer.transition.label,
            tone=str(offer.transition.tone),
            href=base + offer.transition.name,
            hint=offer.transition.hint,
            asks=offer.transition.asks,
            reasons=[refusal.sentence for refusal in offer.refusals],
            method="get" if asks_first(offer.transition) else "post",
            seen=version,
            request_key=new_key(),
        )
        for offer in offers
    ]


def actions_on(case: Case) -> list[ActionView]:
    """Return what this person can do with the case of a page with `@access(case(kind))`."""
    return actions_of(case.kind, case.ref, case.facts.version, case.offers)


@bp.get(f"/<any({_KINDS}):kind>/<ref>/<action>")
@access(SIGNED_IN)
def ask(kind: str, ref: str, action: str) -> Response:
    """Show what will happen and what is asked."""
    actor = signed_in()
    row, facts, offers = look(db.session(), kind, ref, actor=actor, now=request_now())
    transition = FLOWS[kind].transition(action)
    g.back_href = page_url(kind, ref, actor)
    offer = next((o for o in offers if o.transition.name == action), None)
    if offer is None:
        decide(FLOWS[kind], action, facts, {}, seen=None)  # says why
    elif offer.refusals:
        raise Refused(*offer.refusals)
    form = _form(kind, transition)
    form.prepare(row, facts)
    form.fresh(facts.version)
    return _show(kind, ref, transition, form, row, facts)


@bp.post(f"/<any({_KINDS}):kind>/<ref>/<action>")
@access(SIGNED_IN)
def act(kind: str, ref: str, action: str) -> Response:
    """Do it: once, on the version that the person saw, and go on to the page of the case."""
    actor = signed_in()
    transition = FLOWS[kind].transition(action)
    form = _form(kind, transition)
    looked = None
    if transition.asks is not None:
        looked = see(db.session(), kind, ref, actor=actor, now=request_now())
        form.prepare(looked.row, looked.facts)
        if not form.validate():
            return _show(kind, ref, transition, form, looked.row, looked.facts, status=422)
    seen = _number(form.seen.data)
    if seen is None:
        raise Refused(_INCOMPLETE)
    if request.form.get("do") == "edit":
        if looked is None:
            return make_response(redirect(request.path, code=303))
        return _show(kind, ref, transition, form, looked.row, looked.facts)
    instead = INSTEAD.get(request.form.get("do", ""))
    try:
        if instead is not None:
            return instead(kind, ref, action, form.given(), seen)
        with unit_of_work(db.session(), wake):
            perform(
                db.session(),
                kind,
                ref,
                action,
                actor=actor,
                now=request_now(),
                given=form.given(),
                seen=seen,
                request_key=form.request_key.data or None,
                looked=looked,
            )
    except Refused as error:
        g.back_href = page_url(kind, ref, actor)
        if error.kind in (Kind.FORBIDDEN, Kind.NOT_FOUND) or transition.asks is None:
            raise
        now_there = see(db.session(), kind, ref, actor=actor, now=request_now())
        form_errors(form, error)
        if error.kind is Kind.STALE:
            form.seen.data = str(now_there.facts.version)  # the page shows what changed; sending again is a choice
        return _show(kind, ref, transition, form, now_there.row, now_there.facts, status=STATUS[error.kind])
    notify(Text("Gelukt: {past}.", "Done: {past}.").fill(past=transition.past))
    landing = LANDINGS.get((kind, action))
    return make_response(redirect(landing(ref, actor) if landing else page_url(kind, ref, actor), code=303))


def _form(kind: str, transition: Transition[Any]) -> ActionForm:
    """The form that a transition asks for; one that only sends hidden fields along is called "kind.action"."""
    return FORMS.get(transition.asks or f"{kind}.{transition.name}", ActionForm)()


def _show(
    kind: str, ref: str, transition: Transition[Any], form: ActionForm, row: Any, facts: Any, status: int = 200
) -> Response:
    page = render_template(
        form.template,
        kind=kind,
        ref=ref,
        transition=transition,
        form=form,
        row=row,
        facts=facts,
        look=FLOWS[kind].look(facts.state),
        href=request.path,
        has_letter=writes_letter(transition) and signed_in().is_staff,
        can_wait=kind == "application" and transition.name in PREPARABLE,
        back_href=page_url(kind, ref, signed_in()),
    )
    return make_response(page, status)


_INCOMPLETE = Refusal(
    "form_incomplete",
    Text("Dit formulier is niet heel. Open de pagina opnieuw.", "This form is not whole. Open the page again."),
    kind=Kind.INVALID,
)


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isdecimal() else None
