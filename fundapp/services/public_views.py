"""What the public pages show of rounds: which are open, what is left in them, and an example of a budget.

Read models: a fixed number of statements, however many rounds there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from fundapp.domain.fund import FundSpec, TrancheSpec
from fundapp.domain.fund_parts import SubRegion
from fundapp.domain.ledger import Account
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import PUBLIC, State
from fundapp.domain.window import is_open
from fundapp.persistence.fund import FundVersion, Tranche
from fundapp.persistence.ledger import WHOLE_POT, TrancheBalance
from fundapp.services.funds import specs_of, tranche_spec

Phase = Literal["soon", "open", "ended"]

_RECENT = 20


@dataclass(frozen=True, slots=True)
class Round:
    """A round as the public sees it. free: what is left by pot ("" is the whole; a sub-region where it has its own).

    free_cents: what is left in cents; None where nobody knows, and then nothing is said of it.
    """

    ref: str
    phase: Phase
    fund: FundSpec
    fund_version_id: int
    tranche: TrancheSpec
    free: dict[str, int]

    @property
    def free_cents(self) -> int | None:
        """What is left in the round as a whole, in cents; None when that is not known."""
        return self.free.get(WHOLE_POT)

    @property
    def free_by_region(self) -> tuple[tuple[SubRegion, int], ...]:
        """What is left for each sub-region with a sub-ceiling: never more than the whole has left."""
        if (whole := self.free_cents) is None:
            return ()
        return tuple((r, min(whole, self.free[r.key])) for r in self.fund.sub_regions if r.key in self.free)


def _phase(row: Tranche, now: datetime) -> Phase:
    """By the window, which is what counts when something is sent in; the state follows within a minute."""
    if row.state not in (State.ANNOUNCED, State.OPEN) or now > row.closes_at:
        return "ended"
    return "open" if is_open(row.opens_at, row.closes_at, now) else "soon"


def _rounds(session: Session, now: datetime, *where: ColumnElement[bool], newest_first: bool = False) -> list[Round]:
    """Two statements: the rounds with what is left, and the rules that were not read before."""
    order = Tranche.closes_at.desc() if newest_first else Tranche.closes_at
    chosen = select(Tranche.id).where(Tranche.state.in_(PUBLIC), *where).order_by(order, Tranche.id).limit(_RECENT)
    query = (
        select(Tranche, TrancheBalance.pot, TrancheBalance.cents)
        .outerjoin(
            TrancheBalance,
            (TrancheBalance.tranche_id == Tranche.id) & (TrancheBalance.account == Account.AVAILABLE),
        )
        .where(Tranche.id.in_(chosen))
        .order_by(order, Tranche.id)
    )
    free: dict[int, dict[str, int]] = {}
    rows: dict[int, Tranche] = {}
    for row, pot, cents in session.execute(query):
        rows[row.id] = row
        free.setdefault(row.id, {})
        if pot is not None:
            free[row.id][pot] = cents
    specs = specs_of(session, (row.fund_version_id for row in rows.values()))
    return [
        Round(
            ref=row.ref,
            phase=_phase(row, now),
            fund=specs[row.fund_version_id],
            fund_version_id=row.fund_version_id,
            tranche=tranche_spec(row),
            free=free[row.id],
        )
        for row in rows.values()
    ]


def coming_rounds(session: Session, now: datetime) -> list[Round]:
    """Return the rounds that are open or announced, the first to close first."""
    return [r for r in _rounds(session, now, Tranche.closes_at >= now) if r.phase != "ended"]


def find_round(session: Session, ref: str, now: datetime) -> Round:
    """Return one round that the public may see. Raises Refused(NOT_FOUND)."""
    found = _rounds(session, now, Tranche.ref == ref)
    if not found:
        raise Refused(
            Refusal(
                "round_unknown",
                Text("Deze ronde bestaat niet. Kijk op de beginpagina.", "There is no such round. See the home page."),
                kind=Kind.NOT_FOUND,
            )
        )
    return found[0]


def newest_funds(session: Session, keys: Iterable[str] | None = None) -> list[FundSpec]:
    """Return the newest rules of every fund, or of these, by name. Two statements at most."""
    query = select(FundVersion.id).ext(distinct_on(FundVersion.fund_key))
    if keys is not None:
        query = query.where(FundVersion.fund_key.in_(list(keys)))
    ids = session.scalars(query.order_by(FundVersion.fund_key, FundVersion.number.desc())).all()
    return sorted(specs_of(session, ids).values(), key=lambda spec: spec.short_name.nl)


@dataclass(frozen=True, slots=True)
class FundView:
    """A fund with its rounds. current: the open round, else the next one; None when there is none.

    spec: the rules of the current round, else the newest. ended: the last round that ended, if any.
    """

    spec: FundSpec
    current: Round | None
    others: tuple[Round, ...]
    ended: Round | None


def fund_view(session: Session, key: str, now: datetime) -> FundView:
    """Return a fund for its page. Raises Refused(NOT_FOUND). Four statements at most."""
    rounds = _rounds(session, now, Tranche.fund_key == key, newest_first=True)
    coming = sorted((r for r in rounds if r.phase != "ended"), key=lambda r: (r.phase != "open", r.tranche.closes_at))
    ended = next((r for r in rounds if r.phase == "ended"), None)
    newest = newest_funds(session, [key])
    if not newest:
        raise Refused(
            Refusal(
                "fund_unknown",
                Text("Dit fonds bestaat niet. Kijk op de beginpagina.", "There is no such fund. See the home page."),
                kind=Kind.NOT_FOUND,
            )
        )
    current = coming[0] if coming else None
    return FundView(current.fund if current else newest[0], current, tuple(coming[1:]), ended)


# --- the example budget -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExampleView:
    """The example budget worked out by the fund's own rules; amounts in cents.

    lines: (kind of cost, description, quantity, price of one, amount). contributions: (who, hours, worth).
    """

    lines: tuple[tuple[Text, Text, int, int, int], ...]
    contributions: tuple[tuple[Text, int, int], ...]
    total: int
    eligible: int
    contributed: int
    requested: int
    by_share: int
    grant: int


def example_of(spec: FundSpec) -> ExampleView | None:
    """Work out the example budget; None where the fund has none."""
    example = spec.example_budget
    if example is None:
        return None
    lines: list[tuple[Text, Text, int, int, int]] = []
    eligible = 0
    for line in example.lines:
        category = spec.category(line.category)
        assert category is not None, "a specification with an unknown category is not published"
        amount = line.quantity * line.unit_cents
        eligible += amount if category.eligible else 0
        lines.append((category.name, line.description, line.quantity, line.unit_cents, amount))
    rate = spec.co_financing.hourly_rate_cents if spec.co_financing else 0
    paid = tuple((c.description, c.hours, c.cash_cents + c.goods_cents + c.hours * rate) for c in example.contributions)
    return ExampleView(
        lines=tuple(lines),
        contributions=paid,
        total=example.total_cents,
        eligible=eligible,
        contributed=sum(worth for _, _, worth in paid),
        requested=example.requested_cents,
        by_share=spec.grant_of(eligible, cost=eligible),
        grant=spec.grant_of(example.requested_cents, cost=eligible),
    )
