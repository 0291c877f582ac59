"""The worklist of staff: which applications wait for this person, which go on, which are done.

What waits for whom follows from the flow. Each list is a few short walks along an index (one for each state, fund and
sub-region that the person may see), merged: as fast with a million applications as with a thousand.
"""

# ruff: noqa: S608  (the pieces of these statements are constants of this module)
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from fundapp.domain.application import FLOW, Effect
from fundapp.domain.money import parse_euro
from fundapp.domain.people import JUDGES, STAFF_ROLES, Actor, Role
from fundapp.domain.refusal import Refused
from fundapp.domain.register import fold
from fundapp.domain.text import Text
from fundapp.persistence.application import DUE

PAGE = 50
FIRST = ("0001-01-01", 0)
"""The key before the first row."""
MOST_COUNTED = 100
"""A tab counts no further than this, so that a count costs the same however much there is."""


class Tab(StrEnum):
    """Which part of the worklist."""

    MINE = "voor-u"
    RUNNING = "loopt"
    DONE = "afgerond"


_ASK_FOR_NOBODY = frozenset({Effect.REVOKE_FUNDS, Effect.EXTEND_TERM})
ACTS: dict[Role, frozenset[str]] = {
    role: frozenset(
        str(state)
        for t in FLOW.transitions
        if role in t.who and _ASK_FOR_NOBODY.isdisjoint(t.effects)
        for state in t.source
    )
    for role in sorted(STAFF_ROLES)
}
"""Role → the states in which it has something to do. Taking back an award, or more time, asks for nobody."""

DONE = frozenset(str(state) for state, look in FLOW.looks.items() if look.final)
RUNNING = frozenset(map(str, FLOW.states)) - DONE - {str(FLOW.initial)}
UNDECIDED = frozenset(map(str, FLOW.transition("withdraw").source)) - {str(FLOW.initial)}
"""Sent and not decided: the school can still take it back, and the decision term runs."""


class Row(NamedTuple):
    """One line of the worklist. due_on: the day on which the decision must be there; asked in cents."""

    id: int
    key: str
    ref: str
    title: str
    school: str
    sub_region: str
    state: str
    requested_cents: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the person asked to see; None: everything. tranche: its id."""

    state: str | None = None
    fund: str | None = None
    tranche: int | None = None
    sub_region: str | None = None


class Branch(NamedTuple):
    """One walk: a state of a fund, in one sub-region or all (None). guarded: without what the person may not judge."""

    state: str
    fund: str
    sub_region: str | None
    guarded: bool


class Round(NamedTuple):
    """One choice of the filter: a tranche with its fund."""

    fund: str
    fund_nl: str
    fund_en: str
    id: int | None
    ref: str | None
    name: str | None


def works_for(actor: Actor, fund: str) -> bool:
    """Whether a fund is within the grants of this person."""
    return any(grant.fund in (None, fund) for grant in actor.grants)


class Saved(NamedTuple):
    """A choice of the list that the person keeps. query: as it stands in the address."""

    id: int
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filter offers: the rounds of the funds that this person works for, and the sub-regions by key.

    saved: the person's own filters, by name.
    """

    rounds: tuple[Round, ...]
    sub_regions: dict[str, str]
    saved: tuple[Saved, ...] = ()

    @property
    def funds(self) -> dict[str, Text]:
        """The funds by key, with their names."""
        return {r.fund: Text(r.fund_nl, r.fund_en) for r in self.rounds}


_CHOICES = text("""
  SELECT (SELECT json_agg(json_build_array(key, name_nl, name_en, id, ref, name)) FROM (
      SELECT f.key, f.name_nl, f.name_en, t.id, t.ref, t.name FROM fund f
      LEFT JOIN tranche t ON t.fund_key = f.key AND t.state <> 'prepared'
      ORDER BY f.key, t.opens_at DESC, t.id LIMIT 200) found),
    (SELECT json_object_agg(key, name ORDER BY name) FROM sub_region),
    (SELECT json_agg(json_build_array(id, name, query) ORDER BY lower(name), id) FROM saved_filter
     WHERE person_id = :person)
""")


def choices(session: Session, actor: Actor) -> Choices:
    """Return what this person can choose between, in one statement."""
    rounds, regions, saved = session.connection().execute(_CHOICES, {"person": actor.id}).one()
    mine = (Round(*row) for row in rounds or () if works_for(actor, row[0]))
    granted = {grant.sub_region for grant in actor.grants}
    return Choices(
        rounds=tuple(mine),
        sub_regions={k: n for k, n in (regions or {}).items() if None in granted or k in granted},
        saved=tuple(Saved(*row) for row in saved or ()),
    )


def states_of(role: Role, tab: Tab | None) -> frozenset[str]:
    """The states that a role sees on a tab; None: on all of them."""
    if tab is None:
        return RUNNING | DONE
    return {Tab.MINE: ACTS[role], Tab.RUNNING: RUNNING, Tab.DONE: DONE}[tab]


def branches(actor: Actor, tab: Tab | None, funds: Iterable[str], filters: Filters = Filters()) -> list[Branch]:
    """Return the walks that make up a list, none of them within another."""
    found = {
        Branch(state, fund, region, grant.role in JUDGES)
        for grant in actor.grants
        for fund in funds
        if grant.fund in (None, fund) and filters.fund in (None, fund)
        for region in _regions(grant.sub_region, filters.sub_region)
        for state in states_of(grant.role, tab)
        if filters.state in (None, state)
    }
    return sorted((branch for branch in found if not _wider(branch) & found), key=lambda b: (*b[:2], b[2] or "", b[3]))


def _wider(branch: Branch) -> set[Branch]:
    """The walks that this one lies within."""
    places, guards = {branch.sub_region, None}, {branch.guarded, False}
    return {Branch(branch.state, branch.fund, place, guard) for place in places for guard in guards} - {branch}


def _regions(granted: str | None, wished: str | None) -> Iterator[str | None]:
    if granted is None or wished is None or granted == wished:
        yield granted or wished


_MAY = """
  a.submitted_at IS NOT NULL AND NOT (b.guarded AND (a.boards && CAST(:boards AS text[]) OR a.id = ANY (ARRAY(
    SELECT application_id FROM interest_declaration WHERE person_id = :person AND interested))))
"""
_WITHIN = "(b.sub_region IS NULL OR a.sub_region = b.sub_region)"
_BRANCHES = """unnest(CAST(:states AS text[]), CAST(:funds AS text[]), CAST(:regions AS text[]),
  CAST(:guards AS bool[])) AS b (state, fund, sub_region, guarded)"""
_COLUMNS = f"""
  SELECT a.id, CAST({DUE} AS text), a.ref, a.title, s.name, coalesce(r.name, a.sub_region), a.state,
         a.requested_cents, a.decision_due_on
  FROM found JOIN application a ON a.id = found.id
  JOIN school s ON s.code = a.school_code LEFT JOIN sub_region r ON r.key = a.sub_region
"""


def _walk(these: str, where: str, back: bool) -> str:
    """The rows of some branches in the order of an index: these chooses the branches, where the index."""
    beyond, down = ("<", "DESC") if back else (">", "ASC")
    return f"""
      SELECT c.due, c.id FROM b CROSS JOIN LATERAL (
        SELECT {DUE} AS due, a.id FROM application a
        WHERE a.state = b.state AND a.fund_key = b.fund AND {where} AND {_MAY}
          AND ({DUE}, a.id) {beyond} (CAST(:due AS date), CAST(:after AS bigint))
        ORDER BY {DUE} {down}, a.id {down} LIMIT :most) c
      WHERE {these}
    """


def _list(*walks: tuple[str, str], back: bool) -> TextClause:
    down = "DESC" if back else "ASC"
    union = " UNION ALL ".join(_walk(these, where, back) for these, where in walks)
    return text(f"""
      WITH b AS MATERIALIZED (SELECT * FROM {_BRANCHES}),
        found AS (SELECT DISTINCT due, id FROM ({union}) w ORDER BY due {down}, id {down} LIMIT :most)
      {_COLUMNS} ORDER BY found.due {down}, found.id {down}
    """)


_EVERYWHERE = {back: _list(("true", "true"), back=back) for back in (False, True)}
_IN_REGIONS = {
    back: _list(
        ("b.sub_region IS NULL", "true"), ("b.sub_region IS NOT NULL", "a.sub_region = b.sub_region"), back=back
    )
    for back in (False, True)
}
_IN_TRANCHE = {back: _list(("true", f"a.tranche_id = :tranche AND {_WITHIN}"), back=back) for back in (False, True)}


def _counts(where: str) -> TextClause:
    """How many there are on each tab, no further than :most: short walks, and no more of them than it takes."""
    return text(f"""
      WITH b AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:tabs AS text[]), CAST(:states AS text[]), CAST(:funds AS text[]),
          CAST(:regions AS text[]), CAST(:guards AS bool[])) AS b (tab, state, fund, sub_region, guarded))
      SELECT t.tab, (SELECT count(DISTINCT id) FROM (
        SELECT c.id FROM b CROSS JOIN LATERAL (
          SELECT a.id FROM application a
          WHERE a.state = b.state AND a.fund_key = b.fund AND {where} AND {_WITHIN} AND {_MAY} LIMIT :most) c
        WHERE b.tab = t.tab LIMIT :together) found)
      FROM (SELECT DISTINCT tab FROM b) t
    """)


_COUNTS = _counts("true")
_COUNTS_IN_TRANCHE = _counts("a.tranche_id = :tranche")
_HERE = f"EXISTS (SELECT FROM b WHERE a.state = b.state AND a.fund_key = b.fund AND {_WITHIN} AND {_MAY})"
_SEARCH = text(f"""
  WITH b AS MATERIALIZED (SELECT * FROM {_BRANCHES}), found AS (
    (SELECT a.id FROM application a WHERE a.ref LIKE :ref AND {_HERE} ORDER BY a.ref USING ~<~ LIMIT :most)
    UNION
    (SELECT a.id FROM application a WHERE lower(a.title) LIKE :title AND {_HERE}
     ORDER BY lower(a.title) USING ~<~ LIMIT :most)
    UNION
    (SELECT c.id FROM (SELECT id FROM person WHERE lower(name) LIKE :title
                       ORDER BY lower(name) USING ~<~ LIMIT :most) p
     CROSS JOIN LATERAL (
       SELECT a.id FROM application a WHERE a.created_by_id = p.id AND {_HERE} ORDER BY a.id DESC LIMIT :most) c
     LIMIT :most)
    UNION
    (SELECT a.id FROM application a WHERE a.requested_cents = CAST(:cents AS bigint) AND {_HERE}
     ORDER BY a.id DESC LIMIT :most)
    UNION
    (SELECT c.id FROM (SELECT code, board_number FROM school WHERE code LIKE :code OR name_key LIKE :name
                       ORDER BY name_key, code LIMIT :most) s
     CROSS JOIN LATERAL (
       SELECT a.id FROM application a
       WHERE a.board_number = s.board_number AND a.school_code = s.code AND {_HERE}
       ORDER BY a.id DESC LIMIT :most) c
     LIMIT :most))
  {_COLUMNS} WHERE (CAST(:tranche AS bigint) IS NULL OR a.tranche_id = :tranche) ORDER BY found.id DESC LIMIT :most
""")


def _values(actor: Actor, walks: list[Branch], most: int) -> dict[str, object]:
    return {
        "states": [b.state for b in walks],
        "funds": [b.fund for b in walks],
        "regions": [b.sub_region for b in walks],
        "guards": [b.guarded for b in walks],
        "boards": sorted(actor.boards),
        "person": actor.id,
        "most": most,
    }


def worklist(
    session: Session,
    actor: Actor,
    tab: Tab,
    funds: Iterable[str],
    filters: Filters = Filters(),
    *,
    after: tuple[str, int] = FIRST,
    most: int = PAGE,
    back: bool = False,
) -> list[Row]:
    """Return one page of a tab, and one row more where there is a next page.

    In the order of the decision term; what has none comes last. after: key and id of the last row before. back: what
    comes before that row, the nearest first.
    """
    walks = branches(actor, tab, funds, filters)
    if not walks:
        return []
    values = _values(actor, walks, most + 1) | {"due": after[0], "after": after[1]}
    if filters.tranche is not None:
        values |= {"tranche": filters.tranche}
        return [Row(*row) for row in session.connection().execute(_IN_TRANCHE[back], values)]
    query = _IN_REGIONS if any(walk.sub_region for walk in walks) else _EVERYWHERE
    return [Row(*row) for row in session.connection().execute(query[back], values)]


def counts(session: Session, actor: Actor, funds: Iterable[str], filters: Filters = Filters()) -> dict[Tab, int]:
    """Return how many applications stand on each tab, MOST_COUNTED at most, in one statement."""
    funds = list(funds)
    walks = [(tab, walk) for tab in Tab for walk in branches(actor, tab, funds, filters)]
    none = dict.fromkeys(Tab, 0)
    if not walks:
        return none
    values = _values(actor, [walk for _, walk in walks], MOST_COUNTED) | {"tabs": [tab for tab, _ in walks]}
    places = {(tab, walk.state, walk.fund) for tab, walk in walks}
    apart = len(places) == len(walks) or all(walk.sub_region for _, walk in walks)
    values["together"] = MOST_COUNTED if apart else MOST_COUNTED * len(walks)  # walks may meet the same application
    query = _COUNTS
    if filters.tranche is not None:
        query, values = _COUNTS_IN_TRANCHE, values | {"tranche": filters.tranche}
    rows = session.connection().execute(query, values)
    return none | {Tab(tab): min(found, MOST_COUNTED) for tab, found in rows}


def search(
    session: Session,
    actor: Actor,
    wanted: str,
    funds: Iterable[str],
    filters: Filters = Filters(),
) -> list[Row]:
    """Return the newest applications whose reference, title, school or writer begins with what is wanted.

    Where that is an amount, also those that ask exactly so much. 51 where there are more than a page. On all tabs:
    who searches does not know where it stands.
    """
    walks = branches(actor, None, funds, filters)
    typed = " ".join(wanted.split())
    if not walks or not typed:
        return []
    values = _values(actor, walks, PAGE + 1) | {
        "ref": _begins(typed.upper()),
        "title": _begins(typed.lower()),
        "code": _begins(typed.upper()),
        "name": _begins(fold(typed) or typed),
        "cents": _cents(typed),
        "tranche": filters.tranche,
    }
    return [Row(*row) for row in session.connection().execute(_SEARCH, values)]


def _cents(typed: str) -> int | None:
    try:
        return parse_euro(typed)
    except Refused:
        return None


def _begins(typed: str) -> str:
    return typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


_KEY = text(f"SELECT CAST({DUE} AS text), id FROM application WHERE ref = :ref")


def beside(
    session: Session, actor: Actor, ref: str, tab: Tab, funds: Iterable[str], filters: Filters, *, back: bool = False
) -> str | None:
    """Return the reference that comes after this one in the order of a list, from the top again at its end.

    back: the one before it; None where it is the first.
    """
    here = session.execute(_KEY, {"ref": ref}).one_or_none()
    places = [(here[0], here[1])] if here else []
    for place in places if back else [*places, FIRST]:
        for row in worklist(session, actor, tab, funds, filters, after=place, most=1, back=back):
            if row.ref != ref:
                return row.ref
    return None
