"""Published results: what rounds achieved. Awards only, with what the fund's publication lets be told.

Never a rejection and never a person: a text in which an address, a number or the name of a person of the case stands
is left out. The school must have said that its results may be published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from fundapp.domain.application import State
from fundapp.domain.form_spec import TextQuestion
from fundapp.domain.fund import FundSpec
from fundapp.domain.fund_parts import PublicationField
from fundapp.domain.ledger import Account, Movement
from fundapp.domain.text import Text, same
from fundapp.domain.tranche import State as TrancheState
from fundapp.persistence.application import Application
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import LedgerEntry
from fundapp.persistence.people import Person
from fundapp.persistence.settlement import Determination, FinalReport
from fundapp.persistence.unit_of_work import read_as_one
from fundapp.services.funds import specs_of, tranche_spec
from fundapp.services.publication import personal_data_in

PAGE = 25
_MOST_ROUNDS = 200
_TOLD = (State.AWARDED, State.REPORTED, State.DETERMINATION_INTENDED, State.DETERMINED, State.SETTLED)
"""The states of a case that has money of the fund; a revoked award is not told."""
_PUBLISHED = or_(Tranche.evaluation_published_at.is_not(None), Tranche.state == TrancheState.CLOSED)


@dataclass(frozen=True, slots=True)
class Filter:
    """What the visitor chose: a fund's key, a round's reference, a sub-region's key; "" is everything."""

    fund: str = ""
    tranche: str = ""
    region: str = ""

    def __bool__(self) -> bool:
        return bool(self.fund or self.tranche or self.region)


@dataclass(slots=True)
class Totals:
    """Sums of the ledger, in cents. spent: final amounts. unspent: what was never awarded, and what came back."""

    ceiling: int = 0
    awarded: int = 0
    spent: int = 0
    unspent: int = 0
    projects: int = 0

    def add(self, other: Totals) -> None:
        """Add another sum to this one."""
        for name in ("ceiling", "awarded", "spent", "unspent", "projects"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class PublishedRound:
    """A round that is closed or whose evaluation is published. by_region: awarded cents by sub-region."""

    id: int
    ref: str
    name: Text
    fund: FundSpec
    evaluation: str
    published_at: datetime
    totals: Totals
    by_region: dict[str, int]


@dataclass(frozen=True, slots=True)
class Project:
    """What may be told of one award; None for what may not. cents: the final amount, or the award until then."""

    id: int
    ref: str
    fund: FundSpec
    round_name: Text
    region: Text
    title: str | None
    school: str | None
    awarded: int | None
    cents: int | None
    final: bool
    summary: str | None
    results: str | None

    @property
    def name(self) -> str:
        """How the project is called on a page: its title, else its number."""
        return self.title or self.ref


def published_rounds(session: Session, chosen: Filter = Filter()) -> list[PublishedRound]:
    """Return the published rounds, the newest first, with totals from the ledger. Three statements at most."""
    query = select(Tranche).where(_PUBLISHED)
    rows = session.scalars(
        query.order_by(Tranche.evaluation_published_at.desc(), Tranche.id.desc()).limit(_MOST_ROUNDS)
    ).all()
    specs = specs_of(session, (row.fund_version_id for row in rows))
    totals, regions = _totals(session, [row.id for row in rows], chosen.region)
    return [
        PublishedRound(
            id=row.id,
            ref=row.ref,
            name=tranche_spec(row).name,
            fund=specs[row.fund_version_id],
            evaluation=row.evaluation or "",
            published_at=row.evaluation_published_at or row.closed_at or row.closes_at,
            totals=totals.get(row.id, Totals()),
            by_region=regions.get(row.id, {}),
        )
        for row in rows
    ]


def _totals(
    session: Session, tranche_ids: list[int], region: str
) -> tuple[dict[int, Totals], dict[int, dict[str, int]]]:
    """Sum the ledger of these rounds by round and sub-region; entries of no case belong to the round itself."""
    entry = LedgerEntry
    free = and_(entry.account.in_([Account.AVAILABLE, Account.CARRIED]), entry.movement != Movement.SUB_CEILING_SET)
    given = and_(entry.movement == Movement.AWARD, entry.account == Account.COMMITTED)
    query = (
        select(
            entry.tranche_id,
            Application.sub_region,
            func.coalesce(
                -func.sum(entry.cents).filter(entry.movement == Movement.CEILING_SET, entry.account == Account.CEILING),
                0,
            ),
            func.coalesce(func.sum(entry.cents).filter(given), 0),
            func.coalesce(func.sum(entry.cents).filter(entry.movement == Movement.DETERMINATION, entry.cents > 0), 0),
            func.coalesce(func.sum(entry.cents).filter(free), 0),
            func.count(entry.application_id.distinct()).filter(given),
        )
        .outerjoin(Application, Application.id == entry.application_id)
        .where(entry.tranche_id.in_(tranche_ids))
        .group_by(entry.tranche_id, Application.sub_region)
    )
    totals: dict[int, Totals] = {}
    regions: dict[int, dict[str, int]] = {}
    for row in session.execute(query):
        tranche_id, key = int(row[0]), str(row[1] or "")
        part = Totals(*(int(number) for number in row[2:]))
        if key and part.awarded:
            regions.setdefault(tranche_id, {})[key] = part.awarded
        if region in ("", key):
            totals.setdefault(tranche_id, Totals()).add(part)
    return totals, regions


def sum_of(rounds: Iterable[PublishedRound]) -> Totals:
    """All rounds together."""
    whole = Totals()
    for one in rounds:
        whole.add(one.totals)
    return whole


def chosen_of(rounds: Iterable[PublishedRound], chosen: Filter) -> list[PublishedRound]:
    """The rounds that the filter lets through."""
    return [
        one
        for one in rounds
        if chosen.fund in ("", one.fund.key)
        and chosen.tranche in ("", one.ref)
        and (not chosen.region or chosen.region in one.by_region)
    ]


# --- projects ---------------------------------------------------------------------------------------------------------

_Writer, _Sender = aliased(Person), aliased(Person)


def _query(*where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            Application.id,
            Application.ref,
            Application.title,
            Application.answers["summary"].astext.label("summary"),
            Application.sub_region,
            Application.fund_version_id,
            Tranche.spec["name"].label("round_name"),
            Award.school_name,
            Award.cents.label("awarded"),
            Determination.cents.label("determined"),
            FinalReport.results,
            _Writer.name.label("writer"),
            _Sender.name.label("sender"),
        )
        .join(Tranche, Tranche.id == Application.tranche_id)
        .join(Award, Award.application_id == Application.id)
        .join(FinalReport, FinalReport.application_id == Application.id)
        .outerjoin(Determination, and_(Determination.application_id == Application.id, Determination.kind == "final"))
        .join(_Writer, _Writer.id == Application.created_by_id)
        .outerjoin(_Sender, _Sender.id == FinalReport.submitted_by_id)
        .where(
            _PUBLISHED,
            Application.state.in_(_TOLD),
            FinalReport.may_publish,
            FinalReport.submitted_at.is_not(None),
            *where,
        )
    )


def _chosen(chosen: Filter) -> list[ColumnElement[bool]]:
    pairs = (
        (Application.fund_key, chosen.fund),
        (Tranche.ref, chosen.tranche),
        (Application.sub_region, chosen.region),
    )
    return [column == value for column, value in pairs if value]


def projects(session: Session, chosen: Filter, *, after: int | None = None) -> tuple[list[Project], int | None]:
    """Return a page of projects and the key of the next page (None at the end). Two statements at most."""
    query = _query(*_chosen(chosen), *([] if after is None else [Application.id < after]))
    rows = session.execute(query.order_by(Application.id.desc()).limit(PAGE + 1)).all()
    found = _told(session, rows[:PAGE])
    return found, found[-1].id if len(rows) > PAGE else None


def all_projects(session: Session, chosen: Filter) -> Iterator[Project]:
    """Yield every project that the filter lets through, the newest first; read in parts, for a download."""
    query = _query(*_chosen(chosen)).order_by(Application.id.desc()).execution_options(yield_per=500)
    read_as_one(session)
    for part in session.execute(query).partitions():
        yield from _told(session, part)


def project(session: Session, ref: str) -> Project | None:
    """Return one project, or None when nothing may be told of it."""
    return next(iter(_told(session, session.execute(_query(Application.ref == ref)).all())), None)


def _told(session: Session, rows: Iterable[Row[Any]]) -> list[Project]:
    rows = list(rows)
    specs = specs_of(session, (row.fund_version_id for row in rows))
    return [_tell(row, specs[row.fund_version_id]) for row in rows]


def _tell(row: Row[Any], spec: FundSpec) -> Project:
    """Keep what the fund publishes, and of texts only those without personal data."""
    told = frozenset(spec.publication.fields)
    open_answers = {q.key for q in spec.form.questions() if isinstance(q, TextQuestion) and q.publish}

    def words(field: PublicationField, text: str | None, allowed: bool = True) -> str | None:
        clean = (text or "").strip()
        if field not in told or not allowed or not clean:
            return None
        return None if personal_data_in(clean, (row.writer, row.sender)) else clean

    amount = PublicationField.AMOUNT in told
    region = spec.sub_region(row.sub_region)
    return Project(
        id=row.id,
        ref=row.ref,
        fund=spec,
        round_name=Text(**row.round_name),
        region=region.name if region else same(row.sub_region),
        title=words(PublicationField.TITLE, row.title, "title" in open_answers),
        school=row.school_name if PublicationField.SCHOOL in told else None,
        awarded=row.awarded if amount else None,
        cents=(row.awarded if row.determined is None else row.determined) if amount else None,
        final=row.determined is not None,
        summary=words(PublicationField.SUMMARY, row.summary, "summary" in open_answers),
        results=words(PublicationField.RESULTS, row.results),
    )
