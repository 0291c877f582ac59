"""Who may open what: every view says it in one word, and one function asks it before the view runs.

A view that says nothing is a mistake: the application does not start. What somebody may *do* with a case is asked by
the flow itself; here is only asked who may see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, request

from fundapp.domain.flow import Offer
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.web.session import current_actor, db, request_now, signed_in

V = TypeVar("V", bound=Callable[..., Any])


class SignInFirst(Exception):
    """Nobody is signed in where somebody must be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may open a view. roles: any of these, for staff; kind: a case of which the person has a role."""

    name: str
    roles: frozenset[Role] = frozenset()
    kind: str | None = None
    argument: str = "ref"


@dataclass(frozen=True, slots=True)
class Case:
    """The case that a page is about, loaded once for access and view alike."""

    kind: str
    ref: str
    row: Any
    facts: Any
    offers: tuple[Offer[Any], ...]


PUBLIC = Rule("public")
SIGNED_IN = Rule("signed_in")


def staff(*roles: Role) -> Rule:
    """Staff with one of these roles in any fund; any role where none is named."""
    return Rule("staff", frozenset(roles))


def case(kind: str, argument: str = "ref") -> Rule:
    """Everybody who has a role on the case whose reference is this argument of the URL; for others it does not exist.

    The view finds it in `current_case()`.
    """
    return Rule("case", kind=kind, argument=argument)


def access(rule: Rule) -> Callable[[V], V]:
    """State who may open a view; under `@bp.get(...)`."""

    def state(view: V) -> V:
        view.access = rule  # type: ignore[attr-defined]  # functions take attributes
        return view

    return state


def current_case() -> Case:
    """The case of this page, on views with `@access(case(kind))`."""
    found = g.case
    assert isinstance(found, Case)
    return found


def check() -> None:
    """Ask the rule of the view that this request is for; before everything else that looks at the request.

    Raises SignInFirst; Refused FORBIDDEN, or NOT_FOUND for a case of somebody else.
    """
    if request.endpoint is None or request.endpoint == "static":
        return
    view = current_app.view_functions[request.endpoint]
    rule = getattr(view, "access", None)
    if rule is None:
        abort(403)
    if rule is PUBLIC:
        return
    actor = current_actor()
    if actor is None:
        raise SignInFirst
    if rule.name == "staff" and not (actor.has(*rule.roles) if rule.roles else actor.is_staff):
        raise Refused(_not_for_you(rule))
    if rule.kind is not None:
        g.case = open_case(rule.kind, str((request.view_args or {})[rule.argument]))


def open_case(kind: str, ref: str) -> Case:
    """Return a case that this person has a role on, on a view that asks for it late. Raises Refused(NOT_FOUND)."""
    from fundapp.services.transitions import look

    row, facts, offers = look(db.session(), kind, ref, actor=signed_in(), now=request_now())
    return Case(kind, ref, row, facts, tuple(offers))


def _not_for_you(rule: Rule) -> Refusal:
    who = sorted(rule.roles)
    return Refusal(
        "not_for_you",
        Text(
            "Deze pagina is voor: {who}. Moet u hier ook bij kunnen? Vraag het aan de coördinator.",
            "This page is for: {who}. Should you have access too? Ask the coordinator.",
        ).fill(
            who=Text(", ".join(r.label.nl for r in who), ", ".join(r.label.en for r in who))
            if who
            else Text("medewerkers van het fonds", "staff of the fund")
        ),
        kind=Kind.FORBIDDEN,
    )


def unstated(app: Flask) -> list[str]:
    """The endpoints whose view says nothing about access; none but `static`, which are files for everybody."""
    return sorted(name for name, view in app.view_functions.items() if not hasattr(view, "access") and name != "static")
