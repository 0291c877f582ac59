"""The closing report: the facts that account for every cent of a tranche, frozen when it closes.

Facts are plain data; `closing_words` puts them into a letter and into sheets, and the worker makes the files once.
domain.md sections 2.6 (co-financing as kind and cash by company, to be reported upward) and 7. Amounts in cents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from fundapp.domain import application
from fundapp.domain.export import Form
from fundapp.domain.ledger import Account, Movement
from fundapp.persistence.application import Application, Contribution
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.people import Person
from fundapp.persistence.tranche import CarryOver, Closing, Reopening
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import ceilings, funds, ledger_rows, tranche_money
from fundapp.services.closing_words import letter_of, sheets_of
from fundapp.services.ports import Documents, FileStore, Spreadsheets
from fundapp.services.programme import programme

MEDIA = {"pdf": "application/pdf", "xlsx": Form.XLSX.media_type}
"""The files of a report and their media types."""

_CASES = text("""
  SELECT a.ref, coalesce(w.school_name, s.name) AS school, a.sub_region, a.state, a.requested_cents AS asked,
    coalesce(sum(e.cents) FILTER (WHERE e.movement = 'award' AND e.account = 'committed'), 0) AS awarded,
    coalesce(sum(e.cents) FILTER (WHERE e.movement = 'payment' AND e.cents > 0), 0) AS paid,
    coalesce(sum(e.cents) FILTER (WHERE e.movement = 'bounce' AND e.cents > 0), 0) AS came_back,
    coalesce(sum(e.cents) FILTER (WHERE e.account = 'determined'), 0) AS determined,
    coalesce(sum(e.cents) FILTER (WHERE e.movement = 'release' AND e.account = 'available'), 0) AS released,
    coalesce(sum(e.cents) FILTER (WHERE e.movement = 'recovery_received' AND e.account = 'available'), 0) AS received,
    coalesce(sum(e.cents) FILTER (WHERE e.account = 'written_off'), 0) AS written_off,
    (SELECT (d.calculation->>'co_financing_received')::bigint FROM determination d
     WHERE d.application_id = a.id AND d.kind = 'final') AS co_financing
  FROM application a
  JOIN school s ON s.code = a.school_code
  LEFT JOIN award w ON w.application_id = a.id
  LEFT JOIN ledger_entry e ON e.application_id = a.id AND e.tranche_id = a.tranche_id
  WHERE a.tranche_id = :tranche AND a.state <> 'draft'
  GROUP BY a.id, w.school_name, s.name ORDER BY a.id
""")

Facts = dict[str, Any]


def facts_of(session: Session, row: Tranche, *, number: int, closed_by: str) -> Facts:
    """Return all that the report of a closing says, as plain data. number: of the closing; the tranche is locked."""
    money, moved = tranche_money.standing(session, row.id)
    spec = funds.spec_of(session, row.fund_version_id)
    figures = tranche_money.closing_figures(money, moved)
    proposer = session.get(Person, row.proposed_by_id) if row.proposed_by_id else None
    return {
        "ref": row.ref,
        "name": row.name,
        "fund": {"key": spec.key, "name": spec.name.nl},
        "contact": {"email": spec.contact.email, "name": spec.contact.role.nl},
        "sender": {"name": programme().brand, "payer": programme().lead_applicant.name},
        "number": number,
        "opens_at": row.opens_at.isoformat(),
        "closes_at": row.closes_at.isoformat(),
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "proposed_by": proposer.name if proposer else "",
        "closed_by": closed_by,
        "figures": asdict(figures) | {"adds_up": figures.adds_up},
        "statements": [
            {
                "title": statement.title.nl,
                "closing_label": statement.closing_label.nl,
                "rows": [[line.label.nl, line.cents] for line in statement.rows],
                "closing": statement.closing,
            }
            for statement in tranche_money.statements_of(moved, money)
        ],
        "pots": [
            {
                "name": ceilings.pot_name(spec, pot.key).nl,
                "ceiling": pot.ceiling,
                "awarded": -moved.sum(movement=Movement.AWARD, accounts=_FREE, pot=pot.key),
                "determined": pot.of("determined"),
                "free": pot.free,
            }
            for pot in (money, *money.pots)
        ],
        "ceilings": [
            change | {"name": ceilings.pot_name(spec, str(change["pot"])).nl}
            for change in ceilings.as_data(ceilings.history(session, row.id))
        ],
        "cases": _cases(session, row.id),
        "co_financing": _co_financing(session, row.id),
        "carried": _carried(session, row.id),
        "earlier": _earlier(session, row.id),
    }


_FREE = frozenset({Account.AVAILABLE})


def _cases(session: Session, tranche_id: int) -> list[Facts]:
    found = []
    for row in session.execute(_CASES, {"tranche": tranche_id}).mappings():
        state = application.FLOW.look(row["state"]).label.nl
        found.append({key: int(v) if key in _NUMBERS and v is not None else v for key, v in row.items()})
        found[-1]["state"] = state
    return found


_NUMBERS = frozenset(
    ("asked", "awarded", "paid", "came_back", "determined", "released", "received", "written_off", "co_financing")
)


def _co_financing(session: Session, tranche_id: int) -> Facts:
    """What others promised to bear of the awards: by kind, and by who it is (cash and in kind)."""
    row = Contribution
    found = session.execute(
        select(row.party_kind, row.party, row.in_kind, func.sum(row.cents), func.sum(func.coalesce(row.hours, 0)))
        .join(Award, Award.application_id == row.application_id)
        .join(Application, Application.id == row.application_id)
        .where(Application.tranche_id == tranche_id)
        .group_by(row.party_kind, row.party, row.in_kind)
        .order_by(row.party_kind, row.party, row.in_kind)
    )
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    parties: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for kind, party, in_kind, cents, hours in found:
        kinds[kind][in_kind] += int(cents)
        name = party if kind != "own" else ""
        parties[kind, name][in_kind] += int(cents)
        parties[kind, name][2] += int(hours)
    return {
        "kinds": [[kind, cash, in_kind] for kind, (cash, in_kind) in kinds.items()],
        "parties": [[kind, name, cash, in_kind, hours] for (kind, name), (cash, in_kind, hours) in parties.items()],
    }


def _carried(session: Session, tranche_id: int) -> list[Facts]:
    """Money that went to a later tranche, or came from an earlier one."""
    source, target = aliased(Tranche), aliased(Tranche)
    rows = session.execute(
        select(CarryOver.ref, CarryOver.cents, CarryOver.booked_at, CarryOver.reason, source.ref, target.ref)
        .join(source, source.id == CarryOver.source_id)
        .join(target, target.id == CarryOver.target_id)
        .where(CarryOver.state == "booked", (CarryOver.source_id == tranche_id) | (CarryOver.target_id == tranche_id))
        .order_by(CarryOver.id)
    )
    return [
        {"ref": r[0], "cents": r[1], "at": r[2].isoformat() if r[2] else None, "reason": r[3], "from": r[4], "to": r[5]}
        for r in rows
    ]


def _earlier(session: Session, tranche_id: int) -> list[Facts]:
    """The closings that were undone, and why."""
    proposer, confirmer = aliased(Person), aliased(Person)
    rows = session.execute(
        select(Closing.number, Closing.closed_at, Reopening.at, Reopening.reason, proposer.name, confirmer.name)
        .join(Reopening, Reopening.closing_id == Closing.id)
        .join(proposer, proposer.id == Reopening.proposed_by_id)
        .join(confirmer, confirmer.id == Reopening.by_id)
        .where(Closing.tranche_id == tranche_id)
        .order_by(Closing.number)
    )
    return [
        {
            "number": r[0],
            "closed_at": r[1].isoformat(),
            "reopened_at": r[2].isoformat(),
            "reason": r[3],
            "by": [r[4], r[5]],
        }
        for r in rows
    ]


# --- the files, in the worker -----------------------------------------------------------------------------------------


def render_pending(
    make_session: Callable[[], Session], documents: Documents, spreadsheets: Spreadsheets, files: FileStore
) -> int:
    """Make the files of every closing that has none; return how many were made. Safe to run twice, or by two at once.

    A report at fault keeps its reason in `failure`. A file store that is away raises: it is tried again the next time.
    """
    with make_session() as session:
        waiting = session.scalars(
            select(Closing.id).where(Closing.pdf_sha256.is_(None), Closing.failure.is_(None)).order_by(Closing.id)
        ).all()
    made = 0
    for closing_id in waiting:
        with make_session() as session, unit_of_work(session):
            made += _render(session, closing_id, documents, spreadsheets, files)
    return made


def _render(
    session: Session, closing_id: int, documents: Documents, spreadsheets: Spreadsheets, files: FileStore
) -> bool:
    row = session.scalar(
        select(Closing)
        .where(Closing.id == closing_id, Closing.pdf_sha256.is_(None), Closing.failure.is_(None))
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return False
    scope = ledger_rows.Scope(tranche_id=row.tranche_id, journal_to=row.journal_id)
    try:
        pdf = documents.letter_pdf(letter_of(row.facts, row.closed_at))
        title = f"Slotrapport {row.facts['ref']}"
        book = spreadsheets.workbook(
            sheets_of(row.facts, ledger_rows.rows(session, scope)), title=title, made_at=row.closed_at
        )
        content = b"".join(book)
    except Exception as error:  # noqa: BLE001 - a report at fault must not stop the next one
        row.failure = f"{type(error).__name__}: {error}"[:1000]
        return False
    row.xlsx_sha256 = files.put(content).sha256
    row.pdf_sha256 = files.put(pdf).sha256
    return True
