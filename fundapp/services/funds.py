"""Funds and tranches as use cases: published versions, the specification of a case, and what messages may say of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from fundapp.domain.canonical import digest as canonical_digest
from fundapp.domain.eligibility import quoted
from fundapp.domain.fund import FundSpec, TrancheSpec
from fundapp.domain.people import SYSTEM, Actor
from fundapp.domain.rejection import RejectionCode
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Fund, FundVersion, Tranche
from fundapp.persistence.register import School, SchoolBoard
from fundapp.services.journal import note
from fundapp.services.programme import programme

_specs: WeakKeyDictionary[Engine, dict[int, FundSpec]] = WeakKeyDictionary()
"""Published versions never change, so a process keeps those it has read, by database."""


def spec_of(session: Session, fund_version_id: int) -> FundSpec:
    """Return the rules of one published version."""
    found = _known(session).get(fund_version_id)
    return found if found is not None else specs_of(session, [fund_version_id])[fund_version_id]


def specs_of(session: Session, fund_version_ids: Iterable[int]) -> dict[int, FundSpec]:
    """Return the rules of several published versions, by id; those not yet read come in one statement.

    Raises KeyError for a version that does not exist.
    """
    wanted, known = set(fund_version_ids), _known(session)
    if new := wanted - known.keys():
        rows = session.execute(select(FundVersion.id, FundVersion.spec).where(FundVersion.id.in_(new)))
        known.update({number: FundSpec.model_validate(data) for number, data in rows})
    return {number: known[number] for number in wanted}


def _known(session: Session) -> dict[int, FundSpec]:
    return _specs.setdefault(session.get_bind().engine, {})


@lru_cache(maxsize=256)
def _tranche_spec(canonical: str) -> TrancheSpec:
    return TrancheSpec.model_validate_json(canonical)


def tranche_spec(row: Tranche) -> TrancheSpec:
    """Return what was announced about a tranche."""
    return _tranche_spec(json.dumps(row.spec, sort_keys=True))


def pot_of(session: Session, app: Application) -> str:
    """The pot that an award of this application also touches: its sub-region where that has a sub-ceiling, else ""."""
    spec = session.get_one(Tranche, app.tranche_id).spec  # who books has locked it, so it is there
    return app.sub_region if app.sub_region in (spec.get("sub_ceilings_cents") or {}) else ""


def publish(session: Session, spec: FundSpec, *, now: datetime, actor: Actor = SYSTEM) -> FundVersion:
    """Publish a fund's rules as its next version; the same rules again give the version that is there."""
    fund = session.get(Fund, spec.key)
    if fund is None:
        fund = Fund(key=spec.key, name_nl=spec.name.nl, name_en=spec.name.en)
        session.add(fund)
        session.flush()
    fund.name_nl, fund.name_en = spec.name.nl, spec.name.en
    newest = session.scalar(
        select(FundVersion).where(FundVersion.fund_key == spec.key).order_by(FundVersion.number.desc()).limit(1)
    )
    if newest is not None and newest.sha256 == spec.sha256:
        return newest
    version = FundVersion(
        fund_key=spec.key,
        number=(newest.number if newest else 0) + 1,
        spec=spec.model_dump(mode="json"),
        sha256=spec.sha256,
        published_at=now,
        published_by_id=actor.id,
    )
    session.add(version)
    session.flush()
    note(
        session,
        actor,
        now,
        kind="fund",
        subject_id=version.id,
        action="publish",
        data={"fund": spec.key, "number": version.number, "sha256": spec.sha256},
    )
    return version


def create_tranche(
    session: Session, spec: TrancheSpec, *, now: datetime, actor: Actor = SYSTEM, version: FundVersion | None = None
) -> Tranche:
    """Prepare a tranche under the fund's newest version, or the one given. It is announced by its own transition."""
    if version is None:
        version = session.scalars(
            select(FundVersion).where(FundVersion.fund_key == spec.fund).order_by(FundVersion.number.desc()).limit(1)
        ).one()
    row = Tranche(
        ref=spec.ref,
        name=spec.name.nl,
        fund_key=spec.fund,
        fund_version_id=version.id,
        opens_at=spec.opens_at,
        closes_at=spec.closes_at,
        spec=spec.model_dump(mode="json"),
    )
    session.add(row)
    session.flush()
    note(session, actor, now, kind="tranche", subject_id=row.id, action="prepare", data={"ref": row.ref})
    return row


def open_tranches(session: Session, now: datetime) -> list[Tranche]:
    """Return the announced tranches whose window has not ended, the first to close first."""
    return list(
        session.scalars(
            select(Tranche)
            .where(Tranche.state.in_(["announced", "open"]), Tranche.closes_at >= now)
            .order_by(Tranche.closes_at, Tranche.id)
        )
    )


def reason_texts(codes: Iterable[str], spec: FundSpec, unmet: Collection[str]) -> list[dict[str, str]]:
    """Return rejection reasons as plain data for messages: code, nl, en; each quotes the condition behind it.

    unmet: the codes of the conditions that were not met when they were judged last.
    """
    found = [(code, quoted(spec.conditions, RejectionCode(code), unmet)) for code in codes]
    return [{"code": code, "nl": text.nl, "en": text.en} for code, text in found]


def digest(content: dict[str, Any]) -> str:
    """SHA-256 (hexadecimal) of data as canonical JSON: sorted keys, no spaces, UTF-8."""
    return canonical_digest(content)


def case_context(session: Session, app: Application) -> dict[str, Any]:
    """What mails and letters may say of an application; plain data, frozen with the message."""
    row = session.execute(
        select(School.name, SchoolBoard.name, Tranche.name)
        .select_from(School)
        .join(SchoolBoard, SchoolBoard.number == app.board_number)
        .join(Tranche, Tranche.id == app.tranche_id)
        .where(School.code == app.school_code)
    ).one()
    return context_of(app, spec_of(session, app.fund_version_id), school=row[0], board=row[1] or "", tranche=row[2])


def context_of(app: Application, spec: FundSpec, *, school: str, board: str, tranche: str) -> dict[str, Any]:
    """The same, where the names of school, board and tranche are known."""
    return {
        "ref": app.ref,
        "title": app.title,
        "school": school,
        "board": board,
        "fund": spec.name.nl,
        "fund_en": spec.name.en,
        "fund_key": spec.key,
        "tranche": tranche,
        "profile": str(spec.legal_profile),
        "requested": app.requested_cents,
        "contact": {"name": spec.contact.role.nl, "email": spec.contact.email, "phone": programme().contact.phone},
        "remedy": {"nl": spec.remedy.nl, "en": spec.remedy.en},
        "url_path": f"/aanvragen/{app.ref}",
    }


def letter_words(session: Session, app: Application) -> dict[str, Any]:
    """What letters may say besides `case_context`: the fund's own words, and the duties that come with its money."""
    spec = spec_of(session, app.fund_version_id)
    return {
        "words": spec.letters.model_dump(mode="json", exclude_none=True),
        "duties": [{"nl": duty.text.nl, "en": duty.text.en} for duty in spec.duties],
    }
