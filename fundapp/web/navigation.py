"""The main menu: which items a person sees. An item whose page does not exist is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException

from fundapp.domain.people import Capacity, Role
from fundapp.domain.text import Text
from fundapp.web.session import known_actor


@dataclass(frozen=True, slots=True)
class Item:
    """One item. roles: staff who see it; none: members of a school. under: other addresses that belong to it."""

    href: str
    label: Text
    roles: frozenset[Role]
    under: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a page belongs to it."""
        return any(path == place or path.startswith(f"{place}/") for place in (self.href, *self.under))


_REVIEW = frozenset({Role.HANDLER, Role.ADVISER, Role.DECISION_MAKER, Role.COORDINATOR})
_MONEY = frozenset({Role.FINANCE, Role.COORDINATOR})
_PROGRAMME = frozenset({Role.COORDINATOR})

MENU = (
    Item("/aanvragen", Text("Uw aanvragen", "Your applications"), frozenset()),
    Item("/collegas", Text("Collega's", "Colleagues"), frozenset()),
    Item("/beoordelen", Text("Beoordelen", "Review"), _REVIEW),
    Item("/lezen", Text("Lezen en scoren", "Read and score"), frozenset({Role.ADVISER})),
    Item("/vergaderingen", Text("Vergaderingen", "Meetings"), _REVIEW),
    Item("/heroverwegingen", Text("Heroverwegingen", "New looks"), _REVIEW),
    Item(
        "/besluiten",
        Text("Besluiten", "Decisions"),
        frozenset({Role.HANDLER, Role.DECISION_MAKER, Role.COORDINATOR}),
    ),
    Item(
        "/financien",
        Text("Financiën", "Finance"),
        _MONEY,
        under=("/betaalruns", "/bankafschriften", "/terugvorderingen", "/rekeningen", "/exports", "/vaststellen"),
    ),
    Item("/tranches", Text("Tranches", "Tranches"), _MONEY | {Role.DECISION_MAKER}),
    Item("/programma", Text("Programma", "Programme"), _PROGRAMME),
    Item("/rapportages", Text("Rapportages", "Reports"), _PROGRAMME),
    Item("/maillog", Text("Mails", "Mail"), _PROGRAMME),
    Item("/beheer/mensen", Text("Mensen", "People"), _PROGRAMME),
)


def init_app(app: Flask) -> None:
    """Keep the items that lead somewhere."""
    adapter = app.url_map.bind("localhost")
    kept = []
    for item in MENU:
        try:
            adapter.match(item.href, method="GET")
        except HTTPException:
            continue
        kept.append(item)
    app.extensions["menu"] = tuple(kept)


def items() -> list[tuple[str, Text, bool]]:
    """Return (address, label, is this the page) for the person of this request; nothing for a visitor."""
    actor = known_actor()
    if actor is None:
        return []
    menu = cast("tuple[Item, ...]", current_app.extensions["menu"])
    roles, path = {grant.role for grant in actor.grants}, request.path
    of_school = any(m.capacity is not Capacity.EMPLOYEE for m in actor.memberships)
    return [
        (item.href, item.label, item.holds(path)) for item in menu if (roles & item.roles if item.roles else of_school)
    ]
