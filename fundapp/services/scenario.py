"""Trying out how a tranche could be divided: side by side, without touching anything; the chosen one is frozen.

A scenario keeps the hash of all that it was reckoned from. Where the same question gives another hash now, its figures
are stale. What is chosen must be the division that was announced (Awb 4:26): the method, the lots and the ceilings of
the round, over all that was advised; then it can be prepared as decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fundapp.domain.allocation import Outcome, allocate, input_sha256, lot
from fundapp.domain.allocation_input import AllocationRequest, Application, Method, OnOverflow
from fundapp.domain.people import Actor
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.fund import Tranche
from fundapp.persistence.scenario import Scenario
from fundapp.services import funds, prepared, tranche_money
from fundapp.services.journal import note
from fundapp.services.prepared import Left
from fundapp.services.subject import missing

SHOWN = 3
"""Scenarios side by side, besides the one that was chosen."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is tried out. Amounts in cents; None: what is free now. asked_too: those without advice, for what they ask.

    out: references that do not take part; amounts, classes: by reference, where they differ.
    """

    method: str
    on_overflow: str
    seed: str
    ceiling: int | None = None
    sub_ceilings: dict[str, int] = field(default_factory=dict)
    asked_too: bool = False
    out: tuple[str, ...] = ()
    amounts: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)

    @property
    def as_announced(self) -> bool:
        """Whether it asks nothing besides what was announced; method and lots apart."""
        return not (self.ceiling is not None or self.sub_ceilings or self.asked_too or self.out or self.amounts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application that could get money. cents: what was advised, else asked."""

    ref: str
    school: str
    sub_region: str
    cents: int
    complete_at: datetime
    score: Decimal | None
    advised: bool


_CANDIDATES = text("""
  SELECT (SELECT max(at) FROM journal WHERE stream = :tranche) AS changed_at, c.*
  FROM (SELECT 1) always LEFT JOIN (
  SELECT a.id, a.ref, s.name AS school, a.sub_region, coalesce(v.amount_cents, a.requested_cents) AS cents,
    coalesce(a.complete_at, a.submitted_at) AS complete_at, a.score, a.state = 'advised' AS advised
  FROM application a JOIN school s ON s.code = a.school_code
  LEFT JOIN LATERAL (SELECT outcome, amount_cents FROM advice WHERE application_id = a.id
                     ORDER BY id DESC LIMIT 1) v ON a.state = 'advised'
  WHERE a.tranche_id = :tranche AND a.submitted_at IS NOT NULL
    AND (a.state = 'advised' AND v.outcome = 'award' OR a.state IN ('submitted', 'under_review'))
    AND coalesce(v.amount_cents, a.requested_cents) > 0
  ) c ON true ORDER BY c.id
""")


def candidates(session: Session, tranche_id: int) -> list[Candidate]:
    """Return who was advised to get money, and who still has to be advised on. One statement."""
    return _read(session, tranche_id)[0]


def _read(session: Session, tranche_id: int) -> tuple[list[Candidate], datetime | None]:
    """The candidates, and when anything of the tranche last changed."""
    rows = session.execute(_CANDIDATES, {"tranche": tranche_id}).all()
    found = [
        Candidate(r.ref, r.school, r.sub_region, r.cents, r.complete_at, r.score, r.advised) for r in rows if r.ref
    ]
    return found, rows[0].changed_at


@dataclass(frozen=True, slots=True)
class Now:
    """What a scenario is reckoned from: who could get money, what is free (cents), when anything last changed."""

    candidates: tuple[Candidate, ...]
    free: int
    pots: dict[str, int]
    regions: tuple[str, ...]
    minimum: int
    changed_at: datetime | None


def as_it_stands(session: Session, row: Tranche) -> Now:
    """Read it, in two statements."""
    found, changed_at = _read(session, row.id)
    money, _ = tranche_money.standing(session, row.id)
    spec = funds.spec_of(session, row.fund_version_id)
    return Now(
        candidates=tuple(found),
        free=max(0, money.free),
        pots={pot.key: max(0, pot.free) for pot in money.pots},
        regions=tuple(region.key for region in spec.sub_regions),
        minimum=spec.minimum_cents,
        changed_at=changed_at,
    )


def request_of(now: Now, settings: Settings) -> AllocationRequest:
    """Return the request that a scenario asks. Raises Refused with the reference and the field that do not fit."""
    ceiling = now.free if settings.ceiling is None else settings.ceiling
    pots = now.pots | settings.sub_ceilings
    regions = {*now.regions, *(c.sub_region for c in now.candidates)}
    subs = {region: pots.get(region, ceiling) for region in sorted(regions)} if pots else {}
    asked = [c for c in now.candidates if (c.advised or settings.asked_too) and c.ref not in settings.out]
    return AllocationRequest(
        ceiling_cents=ceiling,
        sub_ceilings=subs,
        method=Method(settings.method),
        on_overflow=OnOverflow(settings.on_overflow),
        seed=settings.seed,
        applications=tuple(
            Application(
                ref=c.ref,
                amount_cents=(cents := settings.amounts.get(c.ref, c.cents)),
                complete_at=c.complete_at,
                score=c.score,
                sub_region=c.sub_region if subs else None,
                priority=settings.classes.get(c.ref, 1) if settings.method == Method.PRIORITY else None,
                minimum_cents=min(cents, now.minimum),
            )
            for c in asked
        ),
    )


def announced(row: Tranche) -> Settings:
    """How the round is divided, as it was announced."""
    spec = row.spec
    return Settings(
        method=spec.get("method", Method.ORDER_OF_RECEIPT.value),
        on_overflow=spec.get("on_overflow", OnOverflow.PARTIAL.value),
        seed=spec.get("seed", row.ref),
    )


def settings_of(scenario: Scenario) -> Settings:
    """The settings of a scenario that was kept."""
    return Settings(**scenario.settings | {"out": tuple(scenario.settings["out"])})


def _reckon(scenario: Scenario, now: Now, settings: Settings) -> None:
    request = request_of(now, settings)
    found = allocate(request)
    scenario.input_sha256 = found.input_sha256
    scenario.shares = [
        [s.ref, s.amount_cents, str(s.outcome), s.reason.nl, s.reason.en, lot(settings.seed, s.ref)]
        for s in found.allocations
    ]
    scenario.awarded_cents, scenario.left_cents = found.awarded_cents, found.left_cents


def make(session: Session, row: Tranche, name: str, settings: Settings, *, actor: Actor, now: datetime) -> Scenario:
    """Reckon and keep a scenario; the oldest that was not chosen makes place. Raises Refused where nobody takes part,
    or as `request_of`.
    """
    there = as_it_stands(session, row)
    assert actor.id is not None
    made = Scenario(
        tranche_id=row.id, name=name, settings=asdict(settings), made_by_id=actor.id, made_at=now, shares=[]
    )
    _reckon(made, there, settings)
    if not made.shares:
        raise Refused(_NOBODY)
    for old in [one for one in of(session, row) if one.chosen_at is None][SHOWN - 1 :]:
        session.delete(old)
    session.add(made)
    session.flush()
    return made


def of(session: Session, row: Tranche) -> list[Scenario]:
    """The scenarios of a tranche, the newest first."""
    return list(session.scalars(select(Scenario).where(Scenario.tranche_id == row.id).order_by(Scenario.id.desc())))


def one(session: Session, row: Tranche, number: int) -> Scenario:
    """One of them, locked. Raises Refused(NOT_FOUND)."""
    query = select(Scenario).where(Scenario.id == number, Scenario.tranche_id == row.id).with_for_update()
    found = session.scalar(query)
    if found is None:
        raise Refused(missing())
    return found


def is_stale(scenario: Scenario, now: Now) -> bool:
    """Whether the same question would be reckoned from other figures now."""
    try:
        return input_sha256(request_of(now, settings_of(scenario))) != scenario.input_sha256
    except Refused:
        return True


def again(session: Session, row: Tranche, number: int, *, actor: Actor, now: datetime) -> None:
    """Reckon a scenario again, from what stands now. Raises Refused for one that was chosen, or as `request_of`."""
    found = _open(session, row, number)
    _reckon(found, as_it_stands(session, row), settings_of(found))
    assert actor.id is not None
    found.made_by_id, found.made_at = actor.id, now


def drop(session: Session, row: Tranche, number: int) -> None:
    """Throw a scenario away. Raises Refused for one that was chosen."""
    session.delete(_open(session, row, number))


def _open(session: Session, row: Tranche, number: int) -> Scenario:
    found = one(session, row, number)
    if found.chosen_at is not None:
        raise Refused(_CHOSEN)
    return found


def choose(session: Session, row: Tranche, number: int, *, actor: Actor, now: datetime) -> None:
    """Freeze a scenario, with the hash of what it was reckoned from, and note it in the journal.

    Raises Refused: STALE where its figures changed, CONFLICT where it is not the division that was announced.
    """
    session.execute(select(Tranche.id).where(Tranche.id == row.id).with_for_update(key_share=True))
    found = _open(session, row, number)
    settings, rules = settings_of(found), announced(row)
    same = (settings.method, settings.on_overflow, settings.seed) == (rules.method, rules.on_overflow, rules.seed)
    if not same or not settings.as_announced:
        raise Refused(_OTHER_RULES)
    if is_stale(found, as_it_stands(session, row)):
        raise Refused(_STALE)
    found.chosen_by_id, found.chosen_at = actor.id, now
    data = {"scenario": found.id, "name": found.name, "input_sha256": found.input_sha256, "cents": found.awarded_cents}
    note(session, actor, now, kind="tranche", subject_id=row.id, action="choose_scenario", data=data)


def prepare(
    session: Session, row: Tranche, number: int, *, rest: str, actor: Actor, now: datetime
) -> tuple[int, list[Left]]:
    """Prepare the decisions of the chosen scenario. rest: what happens to who gets nothing, "waitlist" or "reject".

    Return how many, and those that cannot be prepared, with why. Raises Refused for one that was not chosen.
    """
    found = one(session, row, number)
    if found.chosen_at is None:
        raise Refused(_NOT_CHOSEN)
    reason = "ranked_too_low" if found.settings["method"] == Method.RANKING else "ceiling_reached"
    wanted: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for ref, cents, outcome, why, _, _ in found.shares:
        if outcome == Outcome.NOT_AWARDED:
            given: dict[str, Any] = {"explanation": why}
            wanted[ref] = ("reject", given | {"reasons": [reason]}) if rest == "reject" else ("waitlist", given)
        else:
            explanation = why if outcome == Outcome.PARTIAL else ""
            wanted[ref] = ("award", {"amount_cents": cents, "conditions": "", "explanation": explanation})
    return prepared.prepare_many(session, row, wanted, actor=actor, now=now)


def counts(scenario: Scenario, of_region: Mapping[str, str]) -> tuple[int, int, dict[str, int]]:
    """Return how many get all, how many a part, and how many get money by sub-region."""
    whole = sum(share[2] == Outcome.AWARDED for share in scenario.shares)
    part = sum(share[2] == Outcome.PARTIAL for share in scenario.shares)
    by_region: dict[str, int] = {}
    for ref, cents, *_ in scenario.shares:
        if cents and ref in of_region:
            by_region[of_region[ref]] = by_region.get(of_region[ref], 0) + 1
    return whole, part, by_region


def shown(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Which stand side by side: the newest that was chosen, and the newest others; the oldest first."""
    chosen = [s for s in scenarios if s.chosen_at is not None][:1]
    return sorted(chosen + [s for s in scenarios if s.chosen_at is None][:SHOWN], key=lambda s: s.id)


_NOBODY = Refusal(
    "no_candidates",
    Text("Er doet geen enkele aanvraag mee.", "No application takes part."),
    kind=Kind.INVALID,
)
_CHOSEN = Refusal(
    "scenario_chosen",
    Text(
        "Deze verdeling is gekozen en verandert niet meer. Maak een nieuwe.",
        "This distribution was chosen and changes no more. Make a new one.",
    ),
)
_NOT_CHOSEN = Refusal(
    "scenario_not_chosen",
    Text("Kies deze verdeling eerst.", "First choose this distribution."),
)
_STALE = Refusal(
    "scenario_stale",
    Text("De cijfers zijn veranderd. Reken opnieuw en kies dan.", "The figures changed. Reckon again, then choose."),
    kind=Kind.STALE,
)
_OTHER_RULES = Refusal(
    "not_as_announced",
    Text(
        "Kies alleen de verdeling die is bekendgemaakt: die methode, die loting, dat plafond, alle adviezen.",
        "Choose only the distribution that was announced: its method, its lots, its ceiling, all advice.",
    ),
)
