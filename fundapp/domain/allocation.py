"""Dividing a ceiling over applications: five orders, three ways of handling what does not fit, and the reasons.

Pure: the same request gives the same allocation, byte for byte. Sources: Kaderbesluit subsidies I en M articles 8 and 9
(order of receipt with lots within a day, ranking, pro rata); Awb article 4:25 (a ceiling is never passed).

Choices that the contract leaves open:

- An application that fits neither its sub-ceiling nor the ceiling did not fit the ceiling, so it closes everything;
  under `partial` it still gets no more than the smaller of the two has left.
- A priority is 1 or more. `null` counts as absent for score, sub_region, priority and sub_ceilings.
- `on_overflow` may be absent for `pro_rata`, where it plays no part.

`input_sha256` is the SHA-256 of the request as UTF-8 JSON with sorted keys, no spaces and no escapes beyond what JSON
needs; every field is there, absent ones as null or their default; applications are sorted by ref, a moment is the
number of microseconds since 1970 in UTC, a score is a string in full without trailing zeros.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from fundapp.domain.allocation_input import AllocationRequest, Application, Method, OnOverflow
from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.money import euro, scale
from fundapp.domain.text import Text, same

_quoted: Callable[[str], str] = json.encoder.encode_basestring  # what JSONEncoder(ensure_ascii=False) uses


class Outcome(StrEnum):
    """What an application gets: all, a part (more than zero, less than asked), or nothing."""

    AWARDED = "awarded"
    PARTIAL = "partial"
    NOT_AWARDED = "not_awarded"


class Share(NamedTuple):
    """What one application gets. position: from 1, in the order considered."""

    position: int
    ref: str
    amount_cents: int
    outcome: Outcome
    order: Text
    finding: Text

    @property
    def reason(self) -> Text:
        """Why it stood where it stood, and why it gets what it gets."""
        return _joined(self.order, self.finding)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The outcome, in the order considered. Amounts in cents; left_cents is what the ceiling has left."""

    allocations: tuple[Share, ...]
    awarded_cents: int
    left_cents: int
    input_sha256: str

    def as_json(self) -> str:
        """Return the JSON of the contract, one allocation on a line, reasons in Dutch."""
        lines = (
            f'{{"position": {s.position}, "ref": {_quoted(s.ref)}, "amount_cents": {s.amount_cents}, '
            f'"outcome": "{s.outcome}", "reason": {_quoted(f"{s.order.nl} {s.finding.nl}")}}}'
            for s in self.allocations
        )
        return (
            '{"allocations": [\n'
            + ",\n".join(lines)
            + f'\n], "awarded_cents": {self.awarded_cents}, "left_cents": {self.left_cents}, '
            + f'"input_sha256": "{self.input_sha256}"}}'
        )


def allocate(request: AllocationRequest) -> Allocation:
    """Divide the ceiling of a request over its applications."""
    with _uncollected():
        shares = tuple(_pro_rata(request) if request.method is Method.PRO_RATA else _one_by_one(request))
        awarded = sum(s.amount_cents for s in shares)
        return Allocation(shares, awarded, request.ceiling_cents - awarded, input_sha256(request))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put off garbage collection: there are no circles here, and looking for them took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def lot(seed: str, ref: str) -> str:
    """Return the lot of an application: anyone can redo it. The smallest comes first."""
    return sha256(f"{seed}|{ref}".encode()).hexdigest()


# --- the order --------------------------------------------------------------------------------------------------------

_BY_MOMENT = Text("Volgorde: het moment waarop de aanvraag compleet was.", "Order: when the application was complete.")
_BY_LOT = Text("Volgorde: loting.", "Order: by lot.")


def _ordered(request: AllocationRequest, purse: _Purse) -> Iterator[tuple[Application, Text]]:
    """Yield each application with why it stands there; order of receipt looks at what the purse has left."""
    seed = f"{request.seed}|"

    def by_lot(a: Application) -> str:
        return sha256((seed + a.ref).encode()).hexdigest()

    if request.method is Method.ORDER_OF_RECEIPT:
        yield from _by_receipt(request, purse, by_lot)
    elif request.method is Method.RANKING:
        found = _by_moment_then_lot(request)
        found.sort(key=_score, reverse=True)  # stable, and exact: a minus sign would round a long score
        for score, equals in groupby(found, key=_score):
            why = Text("Volgorde: score {score}.", "Order: score {score}.").fill(score=_plain(score))
            yield from ((a, why) for a in equals)
    elif request.method is Method.PRIORITY:
        for priority, equals in groupby(sorted(request.applications, key=_priority), key=_priority):
            why = Text("Volgorde: groep {n}, daarbinnen loting.", "Order: class {n}, by lot within it.").fill(
                n=priority
            )
            yield from ((a, why) for a in sorted(equals, key=by_lot))
    else:
        yield from ((a, _BY_LOT) for a in sorted(request.applications, key=by_lot))


def _score(application: Application) -> Decimal:
    assert application.score is not None  # the request was checked
    return application.score


def _priority(application: Application) -> int:
    assert application.priority is not None  # the request was checked
    return application.priority


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000


def _instant(application: Application) -> int:
    """Microseconds since 1970: sorts a hundred thousand applications faster than their moments do."""
    return (application.complete_at - _EPOCH) // _MICROSECOND


def _amsterdam_day(hour: int) -> date:
    """The day in Amsterdam of an hour since 1970; the offset there has been in whole hours all that time."""
    return (_EPOCH + timedelta(hours=hour)).astimezone(AMSTERDAM).date()


def _by_moment_then_lot(request: AllocationRequest) -> list[Application]:
    seed = request.seed
    return [a for _, _, a in sorted((_instant(a), lot(seed, a.ref), a) for a in request.applications)]


def _by_receipt(
    request: AllocationRequest, purse: _Purse, by_lot: Callable[[Application], str]
) -> Iterator[tuple[Application, Text]]:
    """By Amsterdam day; lots within a day of which the sum is more than what is left when that day begins."""
    by_moment = sorted((_instant(a), a.ref, a) for a in request.applications)  # a ref is unique: no further
    day_of = lru_cache(maxsize=None)(_amsterdam_day)
    for day, group in groupby(by_moment, key=lambda row: day_of(row[0] // _HOUR)):
        that_day = [a for _, _, a in group]
        if purse.holds(that_day):
            yield from ((a, _BY_MOMENT) for a in that_day)
            continue
        why = Text(
            "Volgorde: loting onder de aanvragen van {day}.", "Order: by lot among the applications of {day}."
        ).fill(day=day_text(day))
        yield from ((a, why) for a in sorted(that_day, key=by_lot))


# --- one by one -------------------------------------------------------------------------------------------------------

_FITS = Text("Het hele bedrag past.", "The whole amount fits.")
_CLOSED = Text("Het plafond is bereikt door een eerdere aanvraag.", "An earlier application reached the ceiling.")
_SUB_CLOSED = Text(
    "Het deelplafond van {sub} is bereikt door een eerdere aanvraag.",
    "An earlier application reached the sub-ceiling of {sub}.",
)
_LEFT = Text("Er was nog {left} van het plafond.", "There was {left} of the ceiling left.")
_SUB_LEFT = Text(
    "Er was nog {left} van het deelplafond van {sub}.", "There was {left} of the sub-ceiling of {sub} left."
)
_PART = Text("De aanvraag krijgt wat er over was.", "The application gets what was left.")
_NOTHING = Text("Dat is te weinig voor het hele bedrag.", "That is too little for the whole amount.")
_TOO_LITTLE = Text("Dat is minder dan het minimum van {minimum}.", "That is less than the minimum of {minimum}.")


@lru_cache(maxsize=256)  # thousands in a row meet the same closed door
def _sub_closed(sub: str) -> Text:
    return _SUB_CLOSED.fill(sub=sub)


@lru_cache(maxsize=256)
def _too_little(room: int, sub: str | None, minimum: int | None = None) -> Text:
    why = _NOTHING if minimum is None else _TOO_LITTLE.fill(minimum=same(euro(minimum)))
    return _joined(_left_text(room, sub), why)


def _left_text(room: int, sub: str | None) -> Text:
    return (_LEFT if sub is None else _SUB_LEFT).fill(left=same(euro(room)), sub=sub)


@dataclass(slots=True)
class _Purse:
    """What is left while the money is handed out, and what is closed."""

    left: int
    sub_left: dict[str, int]
    on_overflow: OnOverflow
    closed: bool = False
    closed_subs: set[str] = field(default_factory=set)

    def holds(self, applications: Iterable[Application]) -> bool:
        """Whether what is left, of the ceiling and of each sub-ceiling, closed or not, covers all of these."""
        total, by_sub = 0, dict.fromkeys(self.sub_left, 0)
        for application in applications:
            total += application.amount_cents
            if application.sub_region in by_sub:
                by_sub[application.sub_region] += application.amount_cents
        return total <= self.left and all(asked <= self.sub_left[sub] for sub, asked in by_sub.items())

    def give(self, application: Application) -> tuple[int, Text]:
        """Hand out what an application gets, close what it closes, and say why."""
        if self.closed:
            return 0, _CLOSED
        sub, asked, room = application.sub_region, application.amount_cents, self.left
        if sub is not None and sub in self.sub_left:
            if sub in self.closed_subs:
                return 0, _sub_closed(sub)
            room = min(room, self.sub_left[sub])
        if asked <= room:
            self._take(sub, asked)
            return asked, _FITS
        return self._overflow(application, room)

    def _overflow(self, application: Application, room: int) -> tuple[int, Text]:
        sub = application.sub_region
        at_ceiling = room == self.left
        if self.on_overflow is not OnOverflow.SKIP:
            if application.amount_cents > self.left:
                self.closed = True
            elif sub is not None:
                self.closed_subs.add(sub)
        limit = None if at_ceiling else sub
        if self.on_overflow is not OnOverflow.PARTIAL or room == 0:
            return 0, _too_little(room, limit)
        if room < application.minimum_cents:
            return 0, _too_little(room, limit, application.minimum_cents)
        self._take(sub, room)
        return room, _joined(_left_text(room, limit), _PART)

    def _take(self, sub: str | None, cents: int) -> None:
        self.left -= cents
        if sub in self.sub_left:
            self.sub_left[sub] -= cents


def _one_by_one(request: AllocationRequest) -> Iterator[Share]:
    assert request.on_overflow is not None  # the request was checked
    purse = _Purse(request.ceiling_cents, dict(request.sub_ceilings), request.on_overflow)
    for position, (application, why) in enumerate(_ordered(request, purse), start=1):
        cents, finding = purse.give(application)
        yield _share(position, application, cents, why, finding)


def _joined(first: Text, second: Text) -> Text:
    return Text(f"{first.nl} {second.nl}", f"{first.en} {second.en}")


def _share(position: int, application: Application, cents: int, order: Text, finding: Text) -> Share:
    if cents == application.amount_cents:
        outcome = Outcome.AWARDED
    else:
        outcome = Outcome.PARTIAL if cents else Outcome.NOT_AWARDED
    return Share(position, application.ref, cents, outcome, order, finding)


# --- pro rata ---------------------------------------------------------------------------------------------------------

_SCALED_TO_SUB = Text(
    "Het deelplafond van {sub} is naar verhouding verdeeld.", "The sub-ceiling of {sub} was divided in proportion."
)
_SCALED = Text("Het plafond is naar verhouding verdeeld.", "The ceiling was divided in proportion.")


def _pro_rata(request: AllocationRequest) -> Iterator[Share]:
    """First each sub-region within its sub-ceiling, then all within the ceiling."""
    ordered = _by_moment_then_lot(request)
    cents = [a.amount_cents for a in ordered]
    reasons = [_FITS] * len(ordered)
    of_sub: dict[str, list[int]] = {sub: [] for sub in request.sub_ceilings}
    for index, application in enumerate(ordered):
        if application.sub_region in of_sub:
            of_sub[application.sub_region].append(index)
    for sub, indices in of_sub.items():
        asked = sum(cents[i] for i in indices)
        if asked > request.sub_ceilings[sub]:
            why = _SCALED_TO_SUB.fill(sub=sub)
            parts = scale([cents[i] for i in indices], request.sub_ceilings[sub], of=asked)
            for i, part in zip(indices, parts, strict=True):
                cents[i], reasons[i] = part, why
    together = sum(cents)
    if together > request.ceiling_cents:
        cents = scale(cents, request.ceiling_cents, of=together)
        seen: dict[Text, Text] = {}
        reasons = [_SCALED if why is _FITS else seen.setdefault(why, _joined(why, _SCALED)) for why in reasons]
    for position, (application, part, why) in enumerate(zip(ordered, cents, reasons, strict=True), start=1):
        yield _share(position, application, part, _BY_MOMENT, why)


# --- the hash of the input --------------------------------------------------------------------------------------------

_EXACT = Context(prec=200)


@lru_cache(maxsize=4096)
def _plain(score: Decimal) -> str:
    """A score in full, without trailing zeros and without rounding: 4.20 → "4.2", 1e2 → "100"."""
    return format(score.normalize(_EXACT), "f") if score else "0"


def input_sha256(request: AllocationRequest) -> str:
    """Return the hash of a request, as the module describes: the same for every way to write the same request."""
    rows = ",".join(map(_canonical, sorted(request.applications, key=attrgetter("ref"))))
    rest = {
        "ceiling_cents": request.ceiling_cents,
        "method": request.method,
        "on_overflow": request.on_overflow,
        "seed": request.seed,
        "sub_ceilings": request.sub_ceilings,
    }
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(f'{{"applications":[{rows}],{text[1:]}'.encode()).hexdigest()


def _canonical(a: Application) -> str:
    """One application as `json.dumps` would write it with sorted keys; by hand, for there may be a hundred thousand."""
    priority = "null" if a.priority is None else a.priority
    score = "null" if a.score is None else f'"{_plain(a.score)}"'
    sub = "null" if a.sub_region is None else _quoted(a.sub_region)
    return (
        f'{{"amount_cents":{a.amount_cents},"complete_at":{_instant(a)},"minimum_cents":{a.minimum_cents},'
        f'"priority":{priority},"ref":{_quoted(a.ref)},"score":{score},"sub_region":{sub}}}'
    )
