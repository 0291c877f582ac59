"""Volume for measuring: many applications in all states, with a history, money that adds up, and invented schools only.

Each kind of application is played once by the product itself and then copied (`generate_story`, `generate_rows`), so
what stands in the database is what use would have written. The same seed gives the same applications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from fundapp.adapters.fund_file import load_funds
from fundapp.domain.fund import TrancheSpec
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.register import fold
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, StoredDocument
from fundapp.persistence.fund import Fund, FundVersion, Tranche
from fundapp.persistence.outbox import OutboxMessage
from fundapp.persistence.payment import PaymentBatch
from fundapp.persistence.people import Person, RoleGrant
from fundapp.persistence.register import School, SchoolBoard
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import funds
from fundapp.services.demo import DATA, moment
from fundapp.services.generate_copies import Copy, copy_many
from fundapp.services.generate_rows import Pattern, Reader
from fundapp.services.generate_schools import LEVELS, REGIONS, invent_schools
from fundapp.services.generate_story import (
    COORDINATOR,
    PARTNER_BOARD,
    PARTNER_CODE,
    Applicant,
    Player,
    enrol,
    mark,
    plan,
)
from fundapp.services.people import actor_by_email
from fundapp.services.ports import FileStore
from fundapp.services.register import save_sub_regions
from fundapp.services.transitions import perform

AT_ONCE = 250
"""How many copies are written in one transaction."""


Kind = tuple[str, str, int]
"""A round, a path and a sub-region."""


@dataclass(frozen=True, slots=True)
class Batch:
    """So many applications of one kind: a round, a path through the flow, and a sub-region."""

    wave: dict[str, Any]
    path: str
    region: int
    number: int


def generate(
    make_session: sessionmaker[Session],
    files: FileStore,
    *,
    applications: int,
    seed: int,
    now: datetime,
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """Write so many applications, in batches that are each committed; return how many there are.

    progress: is told after each batch how many there are. Raises Refused where the rounds for measuring are there
    already: a database holds one volume.
    """
    random = Random(seed)  # noqa: S311  (nothing here is secret)
    batches = shares(applications)
    with make_session() as session:
        with unit_of_work(session):
            _example_document(session, files, now)
            staff = _set_stage(session, now, batches)
        patterns = _play(session, files, now, staff, batches)
    with make_session() as session:
        with unit_of_work(session):
            schools = invent_schools(session, random, applications, now, staff)
        numbers = {wave["ref"]: count(1) for wave in plan()["rounds"]}
        done = 0
        for batch in batches:
            for size in _pieces(batch.number):
                with unit_of_work(session):
                    copies = list(_copies(random, batch, schools[batch.wave["fund"], batch.region], size, numbers))
                    copy_many(session, patterns[_kind(batch)], copies, batch_numbers=_batch_numbers(session))
                done += size
                progress(done)
        with unit_of_work(session):
            for ref, number in numbers.items():
                session.execute(update(Tranche).where(Tranche.ref == ref).values(next_number=next(number)))
            for wave in plan()["rounds"]:
                if wave["closes"] < 0:
                    end = moment(f"{wave['closes']:+d}d 09:01", now)
                    perform(session, "tranche", wave["ref"], "end_window", actor=SYSTEM, now=end)
            session.execute(text("ANALYZE"))
    return done


def shares(applications: int) -> list[Batch]:
    """Divide a number over rounds, paths and sub-regions by the mixes; the largest remainders get what is left."""
    found = [
        (wave, path, region, wave["share"] * weight / sum(mix.values()))
        for wave in plan()["rounds"]
        for mix in [plan()["mixes"][wave["mix"]]]
        for path, weight in mix.items()
        for region in range(len(REGIONS))
    ]
    total = sum(weight for *_, weight in found)
    exact = [applications * weight / total for *_, weight in found]
    numbers = [int(part) for part in exact]
    by_remainder = sorted(range(len(found)), key=lambda i: (numbers[i] - exact[i], i))
    for i in by_remainder[: applications - sum(numbers)]:
        numbers[i] += 1
    return [Batch(*row[:3], number) for row, number in zip(found, numbers, strict=True) if number]


def _kind(batch: Batch) -> Kind:
    return batch.wave["ref"], batch.path, batch.region


def _pieces(number: int) -> list[int]:
    whole, rest = divmod(number, AT_ONCE)
    return [AT_ONCE] * whole + ([rest] if rest else [])


def _set_stage(session: Session, now: datetime, batches: list[Batch]) -> dict[str, Actor]:
    """Funds, staff, the partner school and the rounds, each with a ceiling that its awards fit in."""
    refs = [wave["ref"] for wave in plan()["rounds"]]
    if session.scalar(select(func.count()).where(Tranche.ref.in_(refs))):
        raise Refused(
            Refusal(
                "volume_is_there",
                Text(
                    "De aanvragen om te meten staan er al. Begin met een lege database.",
                    "The applications for measuring are there already. Begin with an empty database.",
                ),
            )
        )
    begin = now - timedelta(days=500)
    save_sub_regions(session)
    for spec in load_funds():
        if session.get(Fund, spec.key) is None:
            funds.publish(session, spec, now=begin)
    staff = {row["email"]: _employee(session, row, begin) for row in plan()["staff"]}
    session.add(SchoolBoard(number=PARTNER_BOARD, name="Stichting Techniek-demo"))
    session.flush()
    name = "Techniekcollege-demo"
    session.add(
        School(
            code=PARTNER_CODE,
            level="vo",
            board_number=PARTNER_BOARD,
            name=name,
            name_key=fold(name),
            sub_region=REGIONS[0],
        )
    )
    session.flush()
    for wave in plan()["rounds"]:
        _round(session, wave, now, staff[COORDINATOR], batches)
    return staff


def _example_document(session: Session, files: FileStore, now: datetime) -> None:
    """The one file that all invented applications have as every document."""
    stored = files.put((DATA / "demo" / "voorbeeldbrief.pdf").read_bytes())
    if session.get(StoredDocument, stored.sha256) is None:
        session.add(
            StoredDocument(
                sha256=stored.sha256, size=stored.size, media_type="application/pdf", scan="not_scanned", stored_at=now
            )
        )
        session.flush()


def _employee(session: Session, row: dict[str, str], since: datetime) -> Actor:
    actor = actor_by_email(session, row["email"])
    if actor is None:
        person = Person(email=row["email"], name=row["name"], created_at=since)
        session.add(person)
        session.flush()
        session.add(RoleGrant(person_id=person.id, role=row["role"], granted_at=since))
        session.flush()
        actor = actor_by_email(session, row["email"])
    assert actor is not None
    return actor


def _round(session: Session, wave: dict[str, Any], now: datetime, coordinator: Actor, batches: list[Batch]) -> None:
    sheets = plan()["sheets"][wave["fund"]]
    opens, closes = (moment(f"{wave[name]:+d}d 09:00", now) for name in ("opens", "closes"))
    asked = [
        sum(b.number * sheets[i]["requested"] for b in batches if b.wave is wave and b.region == i) for i in range(3)
    ]
    spec = TrancheSpec.model_validate(
        {
            "ref": wave["ref"],
            "name": {"nl": wave["name"], "en": wave["name"]},
            "fund": wave["fund"],
            "opens_at": opens,
            "closes_at": closes,
            "ceiling_cents": sum(asked) + max(sheet["requested"] for sheet in sheets),
            "sub_ceilings_cents": {
                region: cents + sheet["requested"] for region, cents, sheet in zip(REGIONS, asked, sheets, strict=True)
            },
            "method": "order_of_receipt",
            "on_overflow": "partial",
            "seed": wave["ref"],
        }
    )
    before = opens - timedelta(days=12)
    version = session.scalars(
        select(FundVersion).where(FundVersion.fund_key == spec.fund).order_by(FundVersion.number.desc()).limit(1)
    ).one()
    funds.create_tranche(session, spec, now=before, actor=coordinator, version=version)
    session.flush()
    perform(session, "tranche", spec.ref, "announce", actor=coordinator, now=before)
    perform(session, "tranche", spec.ref, "open", actor=SYSTEM, now=opens)


def _play(
    session: Session, files: FileStore, now: datetime, staff: dict[str, Actor], batches: list[Batch]
) -> dict[Kind, Pattern]:
    """Play one application of each kind, read it, and undo it. Paths that begin alike are played as one so far."""
    patterns: dict[Kind, Pattern] = {}
    for wave in plan()["rounds"]:
        for region in range(len(REGIONS)):
            wanted = [b.path for b in batches if b.wave is wave and b.region == region]
            if wanted:
                found = _play_round(session, files, now, staff, wave, region, wanted)
                patterns |= {(wave["ref"], path, region): pattern for path, pattern in found.items()}
    return patterns


def _play_round(
    session: Session,
    files: FileStore,
    now: datetime,
    staff: dict[str, Actor],
    wave: dict[str, Any],
    region: int,
    wanted: list[str],
) -> dict[str, Pattern]:
    who = mark(REGIONS[region], LEVELS[wave["fund"]])
    by = sorted(actor.id for actor in staff.values() if actor.id is not None)
    paths = {name: [tuple(step) for step in plan()["paths"][name]] for name in wanted}
    found: dict[str, Pattern] = {}
    try:
        author = enrol(session, who, since=now - timedelta(days=500), confirmed_by=(by[0], by[1]))
        player = Player(session, files, now, staff=staff | {who.email: author}, who=who)
        ref = player.begin(wave, plan()["sheets"][wave["fund"]][region])

        def walk(names: list[str], depth: int) -> None:
            for name in names:
                if len(paths[name]) == depth:
                    found[name] = _read(session, ref, who, author)
            branches = dict.fromkeys(paths[name][depth] for name in names if len(paths[name]) > depth)
            for branch in branches:
                with session.begin_nested() as undo:
                    player.play_step(ref, *branch)
                    walk([name for name in names if paths[name][depth : depth + 1] == [branch]], depth + 1)
                    undo.rollback()
                session.expire_all()

        walk(wanted, 0)
    finally:
        session.rollback()
    return found


def _read(session: Session, ref: str, who: Applicant, author: Actor) -> Pattern:
    assert author.id is not None
    others = OutboxMessage.person_id.is_distinct_from(author.id)  # staff would have them all; who signs is invented
    session.execute(delete(OutboxMessage).where(others))
    session.execute(_MAIL_WENT)
    session.execute(_LETTER_MADE)
    app = session.scalars(
        select(Application).where(Application.ref == ref).execution_options(populate_existing=True)
    ).one()
    return Reader(session, app, who, author.id).read()


_MAIL_WENT = text("""
  UPDATE outbox_message o SET state = 'sent', created_at = j.at, sent_at = j.at, next_try_at = j.at
  FROM journal j WHERE j.id = o.journal_id AND o.state = 'queued'
""")
"""Mails of long ago were sent; nobody is to get them now."""

_LETTER_MADE = text("UPDATE letter SET pdf_sha256 = (SELECT min(sha256) FROM stored_document) WHERE pdf_sha256 IS NULL")
"""The worker is not to make a hundred thousand letters: the example stands in their place."""


def _copies(
    random: Random, batch: Batch, schools: list[tuple[Applicant, int]], size: int, numbers: dict[str, Any]
) -> Iterator[Copy]:
    words = plan()["words"]
    for _ in range(size):
        who, author_id = random.choice(schools)
        title = f"{random.choice(words['subject'])} {random.choice(words['place'])}"
        number = next(numbers[batch.wave["ref"]])
        yield Copy(ref=f"{batch.wave['ref']}-{number:05d}", title=title, who=who, author_id=author_id)


def _batch_numbers(session: Session) -> dict[int, int]:
    """Payment runs so far, by year."""
    year = func.split_part(PaymentBatch.ref, "-", 2)
    return {int(key): number for key, number in session.execute(select(year, func.count()).group_by(year))}


def states(session: Session) -> dict[str, int]:
    """How many applications stand in each state."""
    rows = session.execute(select(Application.state, func.count()).group_by(Application.state))
    return dict(sorted(rows.all()))
