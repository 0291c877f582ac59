"""Pages and acts over HTTP: the product and the floor in turn, on the same database and with the same server."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Sequence
from secrets import token_urlsafe
from typing import Any

from fundapp.services.generate_story import ADVISER, COORDINATOR, DECIDER, HANDLER
from tests.benchmarks.load import Ask, Result, measure
from tests.benchmarks.stage import Stage, World
from tests.benchmarks.table import Figure
from tests.support.queries import count_queries

USUAL = 10_000
SMALL = 1_000
CLIENTS = 8
TURNS = 2
SECONDS = 2.0

Turn = Iterator[Sequence[Ask]]


def in_turn(
    world: World,
    ours: Callable[[], Turn],
    floor: Callable[[], Turn],
    *,
    clients: int,
    most: int = 10**9,
    warm_s: float = 0.5,
) -> tuple[Result, Result]:
    """Measure floor and ours in turn (A B A B); return (ours, floor), each the best of its turns."""
    found: tuple[list[Result], list[Result]] = ([], [])
    for port in (world.ours, world.floor):  # warm: connections, templates, plans
        measure(port, ours() if port == world.ours else floor(), clients=clients, seconds=warm_s, most=most)
    for _ in range(TURNS):
        found[1].append(measure(world.floor, floor(), clients=clients, seconds=SECONDS, most=most))
        found[0].append(measure(world.ours, ours(), clients=clients, seconds=SECONDS, most=most))
    best = [max(results, key=lambda result: result.per_s) for results in found]
    return best[0], best[1]


def compare(
    world: World,
    name: str,
    ours: Callable[[], Turn],
    floor: Callable[[], Turn],
    *,
    goal: float,
    slowest: float | None = None,
) -> list[Figure]:
    """Requests a second with eight clients; where `slowest` is given also the middle time with one."""
    size = f"{world.applications:,}"
    figures = []
    if slowest is not None:
        one, bare = in_turn(world, ours, floor, clients=1)
        figures.append(
            Figure(f"{name}, 1 client ({size})", "p50 ms", one.p50_ms, bare.p50_ms, slowest, more_is_better=False)
        )
    many, bare = in_turn(world, ours, floor, clients=CLIENTS)
    figures.append(Figure(f"{name}, {CLIENTS} clients ({size})", "per s", many.per_s, bare.per_s, goal))
    return figures


def statements(world: World, path: str, cookie: str) -> int:
    """How many SQL statements a page takes, when it is asked for the second time."""
    from fundapp.web.session import db

    client = world.app.test_client(use_cookies=False)
    with world.app.app_context():
        engine = db.engine
    found = 0
    for _ in range(2):
        with count_queries(engine) as asked:
            answer = client.get(path, headers={"Cookie": cookie}, base_url="https://localhost")
        assert answer.status_code == 200, (path, answer.status_code)
        found = len(asked)
    return found


def _refs(world: World, state: str, most: int = 500) -> list[str]:
    """Applications of the fund whose panel advises on each by itself: the other one does so in a meeting."""
    query = """SELECT a.ref FROM application a JOIN fund_version v ON v.id = a.fund_version_id
               WHERE a.state = :state AND NOT coalesce((v.spec->'advice'->>'meets')::boolean, false)
               ORDER BY a.id DESC LIMIT :most"""
    return [row.ref for row in world.rows(query, state=state, most=most)]


# --- reading ----------------------------------------------------------------------------------------------------------


def worklist(stage: Stage) -> list[Figure]:
    """The worklist: its first fifty rows."""
    world = stage.world(USUAL)
    cookie = world.visitor(HANDLER).cookie
    return compare(
        world,
        "worklist",
        lambda: itertools.repeat((Ask("/beoordelen", cookie=cookie),)),
        lambda: itertools.repeat((Ask("/list"),)),
        goal=0.30,
        slowest=3,
    )


def search(stage: Stage) -> list[Figure]:
    """A filter and a search by the first word of a title, in turn."""
    world = stage.world(USUAL)
    cookie = world.visitor(HANDLER).cookie
    paths = ("/beoordelen?tab=loopt&stand=under_review&deelregio=walcheren", "/beoordelen?q=Robots")
    bare = ("/search?q=Wind&state=under_review", "/search?q=Robots&state=submitted")
    return compare(
        world,
        "filter and search",
        lambda: ((Ask(path, cookie=cookie),) for path in itertools.cycle(paths)),
        lambda: ((Ask(path),) for path in itertools.cycle(bare)),
        goal=0.25,
    )


def case(stage: Stage) -> list[Figure]:
    """The page of an application, for staff."""
    world = stage.world(USUAL)
    cookie, refs = world.visitor(DECIDER).cookie, _refs(world, "advised")
    return compare(
        world,
        "application page",
        lambda: ((Ask(f"/beoordelen/{ref}", cookie=cookie),) for ref in itertools.cycle(refs)),
        lambda: ((Ask(f"/case/{ref}"),) for ref in itertools.cycle(refs)),
        goal=0.30,
        slowest=3,
    )


def review(stage: Stage) -> list[Figure]:
    """The page on which a panel advises: the case and the form."""
    world = stage.world(USUAL)
    cookie, refs = world.visitor(ADVISER).cookie, _refs(world, "under_review")
    return compare(
        world,
        "review page",
        lambda: ((Ask(f"/application/{ref}/advise", cookie=cookie),) for ref in itertools.cycle(refs)),
        lambda: ((Ask(f"/case/{ref}"),) for ref in itertools.cycle(refs)),
        goal=0.30,
    )


PAGES: tuple[tuple[str, str, str], ...] = (
    (HANDLER, "/beoordelen", ""),
    (HANDLER, "/beoordelen?tab=loopt&stand=under_review", ""),
    (HANDLER, "/beoordelen?q=Robots", ""),
    (DECIDER, "/beoordelen/{ref}", "advised"),
    (ADVISER, "/application/{ref}/advise", "under_review"),
    (DECIDER, "/application/{ref}/award", "advised"),
    (COORDINATOR, "/tranches/VOL-P1", ""),
    (COORDINATOR, "/tranches/VOL-P1/boekingen?rekening=available", ""),
)


def queries(stage: Stage) -> list[Figure]:
    """SQL statements a page; the one that loads the person is among them."""
    world = stage.world(USUAL)
    figures = []
    for email, path, state in PAGES:
        found = statements(world, _path(world, path, state), world.visitor(email).cookie)
        figures.append(Figure(f"statements: {path}", "number", found, goal=6, more_is_better=False))
    return figures


def _path(world: World, path: str, state: str) -> str:
    return path.format(ref=_refs(world, state, 1)[0]) if state else path


# --- acting -----------------------------------------------------------------------------------------------------------


def decide(stage: Stage) -> list[Figure]:
    """One award: everything that the act writes, and the commit."""
    world = stage.world(USUAL)
    who = world.visitor(DECIDER)
    query = """SELECT a.ref, a.version, v.amount_cents FROM application a
               JOIN advice v ON v.application_id = a.id WHERE a.state = 'advised' ORDER BY a.id"""
    ready = iter(world.rows(query))
    refs = itertools.cycle(_refs(world, "awarded"))

    def award(row: Any) -> Sequence[Ask]:
        form = {
            "csrf_token": who.token,
            "seen": str(row.version),
            "request_key": token_urlsafe(12),
            "amount": f"{row.amount_cents // 100},{row.amount_cents % 100:02d}",
        }
        return (Ask(f"/application/{row.ref}/award", form, who.cookie, wanted=303),)

    many, bare = in_turn(
        world,
        lambda: (award(row) for row in ready),
        lambda: ((Ask(f"/decide/{ref}", {"amount": "100"}, wanted=303),) for ref in refs),
        clients=CLIENTS,
        most=150,
        warm_s=SECONDS,  # each of sixteen connections plans the statements of an act ten times before it keeps a plan
    )
    return [Figure(f"decide (award), {CLIENTS} clients", "per s", many.per_s, bare.per_s, 0.40)]


def submit(stage: Stage) -> list[Figure]:
    """A school saves a page of its draft and sends the application: two forms. The floor: insert, update."""
    world = stage.world(USUAL)
    query = """SELECT a.ref, a.version, a.answers_version, a.fund_version_id, a.answers, p.email FROM application a
               JOIN person p ON p.id = a.created_by_id WHERE a.state = 'draft' ORDER BY a.id LIMIT 700"""
    found = world.rows(query)
    visitors = {email: world.visitor(email) for email in {row.email for row in found}}
    sections = _first_sections(world)
    ready = iter(found)
    numbers = itertools.count()

    def send(row: Any) -> Sequence[Ask]:
        who = visitors[row.email]
        section, questions = sections[row.fund_version_id]
        answers = {key: str(row.answers[key]) for key in questions if key in row.answers}
        hidden = {"csrf_token": who.token, "answers_version": str(row.answers_version), "do": "next"}
        sending = {"csrf_token": who.token, "seen": str(row.version), "request_key": token_urlsafe(12)}
        return (
            Ask(f"/aanvragen/{row.ref}/taak/{section}", answers | hidden, who.cookie, wanted=303),
            Ask(f"/application/{row.ref}/submit", sending, who.cookie, wanted=303),
        )

    many, bare = in_turn(
        world,
        lambda: (send(row) for row in ready),
        lambda: (
            (Ask("/submit", {"ref": f"F{next(numbers)}", "title": "Robots"}, wanted=303),) for _ in itertools.count()
        ),
        clients=CLIENTS,
        most=150,
    )
    return [Figure(f"submit (save a page, send), {CLIENTS} clients", "per s", many.per_s, bare.per_s, 0.28)]


def _first_sections(world: World) -> dict[int, tuple[str, list[str]]]:
    """Of each version of a fund: the first page with nothing but texts, and its questions."""
    from fundapp.domain.form_spec import TextQuestion
    from fundapp.domain.fund import FundSpec

    found = {}
    for row in world.rows("SELECT id, spec FROM fund_version"):
        spec = FundSpec.model_validate(row.spec)
        section = next(
            s for s in spec.form.sections if s.questions and all(isinstance(q, TextQuestion) for q in s.questions)
        )
        found[row.id] = (section.key, [question.key for question in section.questions])
    return found


# --- size -------------------------------------------------------------------------------------------------------------


def _growth(stage: Stage, large: int) -> list[Figure]:
    """The middle time of each page with many applications, divided by that with a thousand."""
    worlds = (stage.world(SMALL), stage.world(large))
    figures = []
    for email, path, state in PAGES:
        times: tuple[list[float], list[float]] = ([], [])
        asks = [Ask(_path(world, path, state), cookie=world.visitor(email).cookie) for world in worlds]
        for _ in range(3):
            for world, ask, found in zip(worlds, asks, times, strict=True):
                result = measure(world.ours, itertools.repeat((ask,)), clients=1, seconds=1)
                found.append(result.p50_ms)
        small, big = (statistics.median(found) for found in times)
        figures.append(Figure(f"p50 {path}: {large:,} ÷ {SMALL:,}", "ms", big, small, 1.2, more_is_better=False))
    return figures


def hundred_thousand(stage: Stage) -> list[Figure]:
    """p50 of each page at 100,000 applications ÷ at 1,000."""
    return _growth(stage, 100_000)


def million(stage: Stage) -> list[Figure]:
    """p50 of each page at 1,000,000 applications ÷ at 1,000; making them takes an hour."""
    return _growth(stage, 1_000_000)
