"""Free money that goes from a tranche to a later one of the same fund: proposed, and booked in both by another person.

Both tranches are locked, in order of id, before anything of them is read. Amounts in cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from fundapp.domain import carry_over, ledger
from fundapp.domain.application import State as CaseState
from fundapp.domain.carry_over import too_much
from fundapp.domain.ceiling import Ceiling, Kind
from fundapp.domain.flow import Look
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind as RefusalKind
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.tranche import LIVE
from fundapp.domain.tranche import State as TrancheState
from fundapp.persistence.application import Application
from fundapp.persistence.fund import Tranche
from fundapp.persistence.ledger import WHOLE_POT
from fundapp.persistence.tranche import CarryOver
from fundapp.services import ceilings
from fundapp.services.act import Act, CaseType
from fundapp.services.journal import note
from fundapp.services.ledger import tranche_balances
from fundapp.services.subject import lock_tranche, missing
from fundapp.services.tranche import find as find_tranche

_UNDECIDED = [state for state in ceilings.UNDECIDED if state != CaseState.WAITLISTED]
"""The states of an application that may still need free money; who waits in line is offered it, or not."""


def can_go(session: Session, tranche_id: int) -> int:
    """Return how much can leave a tranche now: what is free and no application that is not decided may still need."""
    free = tranche_balances(session, tranche_id).get(ledger.Account.AVAILABLE, 0)
    asked = session.scalar(
        select(func.coalesce(func.sum(Application.requested_cents), 0)).where(
            Application.tranche_id == tranche_id, Application.state.in_(_UNDECIDED)
        )
    )
    return max(0, free - int(asked or 0))


def targets(session: Session, source: Tranche) -> list[Tranche]:
    """The later tranches of the same fund that money can be carried to, the first to open first."""
    return list(
        session.scalars(
            select(Tranche)
            .where(
                Tranche.fund_key == source.fund_key, Tranche.opens_at > source.opens_at, Tranche.state.in_(list(LIVE))
            )
            .order_by(Tranche.opens_at, Tranche.id)
        )
    )


def propose(
    session: Session, source_ref: str, target_ref: str, *, cents: int, reason: str, actor: Actor, now: datetime
) -> CarryOver:
    """Propose to carry free money over. The caller commits.

    Raises Refused: FORBIDDEN for who is not of finance or coordinates, INVALID for what was filled in, CONFLICT where
    it cannot be now.
    """
    source = find_tranche(session, source_ref, lock=True)
    if not actor.has(Role.FINANCE, Role.COORDINATOR, fund=source.fund_key):
        raise Refused(_NOT_YOURS)
    target = next((t for t in targets(session, source) if t.ref == target_ref), None)
    problems = [_INTO_A_LATER_ONE] if target is None else [p for p in (_problem(source, target),) if p]
    if cents <= 0:
        problems.append(_AMOUNT)
    elif not problems and (refusal := too_much(cents, can_go(session, source.id))):
        problems.append(refusal)
    if not reason.strip():
        problems.append(_WHY)
    if not problems and _waits(session, source.id):
        problems.append(_ONE_AT_A_TIME)
    if problems or target is None:
        raise Refused(*problems)
    number = session.scalar(select(func.count()).where(CarryOver.source_id == source.id)) or 0
    row = CarryOver(
        ref=f"OV-{source.ref}-{number + 1}",
        source_id=source.id,
        target_id=target.id,
        cents=cents,
        reason=reason.strip(),
        proposed_at=now,
        proposed_by_id=actor.id,
    )
    session.add(row)
    session.flush()
    data = {"ref": row.ref, "from": source.ref, "to": target.ref, "cents": cents, "reason": row.reason}
    note(session, actor, now, kind="carry_over", subject_id=row.id, action="propose", data=data)
    session.flush()
    return row


def _waits(session: Session, source_id: int) -> bool:
    query = select(CarryOver.id).where(CarryOver.source_id == source_id, CarryOver.state == carry_over.State.PROPOSED)
    return session.scalar(query.limit(1)) is not None


def _problem(source: Tranche, target: Tranche) -> Refusal | None:
    if source.state != TrancheState.RUNNING:
        return _FROM_A_RUNNING_ONE
    return None if target.state in LIVE else _INTO_A_LATER_ONE


# --- as a case --------------------------------------------------------------------------------------------------------


def _find(session: Session, ref: str, lock: bool) -> CarryOver:
    row = session.scalar(select(CarryOver).where(CarryOver.ref == ref))
    if row is None:
        raise Refused(missing())
    if lock:
        for tranche_id in sorted((row.source_id, row.target_id)):
            lock_tranche(session, tranche_id)
        session.refresh(row, with_for_update={"key_share": True})
    return row


def _scope(session: Session, row: CarryOver) -> Scope:
    return Scope(fund=session.get_one(Tranche, row.source_id).fund_key)


def _facts(session: Session, row: CarryOver, actor: Actor, _now: datetime) -> carry_over.Facts:
    source, target = session.get_one(Tranche, row.source_id), session.get_one(Tranche, row.target_id)
    waits = row.state == carry_over.State.PROPOSED
    return carry_over.Facts(
        state=row.state,
        version=row.version,
        roles=roles_on(actor, Scope(fund=source.fund_key)),
        actor_id=actor.id,
        proposed_by_id=row.proposed_by_id,
        cents=row.cents,
        can_go=can_go(session, source.id) if waits else 0,
        problem=_problem(source, target) if waits else None,
    )


def carry(act: Act) -> None:
    """Book it in both tranches, in one journal row: it leaves the one, and raises the ceiling of the other."""
    row: CarryOver = act.row
    act.book(ledger.carry_out(row.cents), tranche_id=row.source_id)
    before = ceilings.standing(act.session, row.target_id).get(WHOLE_POT, Ceiling(0, 0, 0))
    ceilings.move(
        act,
        row.target_id,
        WHOLE_POT,
        Kind.CARRIED,
        row.cents,
        before=before,
        postings=ledger.carry_in(row.cents),
        reason=f"{row.ref}: {row.reason}",
    )
    row.booked_by_id, row.booked_at = act.person_id, act.now
    act.data["carry_over"] = {"ref": row.ref, "cents": row.cents}


def _context(_session: Session, row: CarryOver) -> dict[str, Any]:
    return {"ref": row.ref, "url_path": "/tranches"}


KIND: CaseType[CarryOver, carry_over.Facts] = CaseType(
    flow=carry_over.FLOW,
    find=_find,
    facts=_facts,
    scope=_scope,
    stream=lambda row: row.source_id,
    application_id=lambda _row: None,
    context=_context,
)


# --- for pages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CarryLine:
    """One carry-over, out of a tranche or into it."""

    ref: str
    source: str
    target: str
    cents: int
    state: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    booked_by: str | None
    booked_at: datetime | None

    @property
    def look(self) -> Look:
        """How its state is shown."""
        return carry_over.FLOW.look(self.state)

    @property
    def waits(self) -> bool:
        """Whether a second person has still to say something."""
        return self.state == carry_over.State.PROPOSED


@dataclass(frozen=True, slots=True)
class Standing:
    """What a page about a tranche shows: carry-overs, the newest first; later tranches (ref, name); what may be needed.

    asked: what applications that are not decided ask together.
    """

    carried: tuple[CarryLine, ...]
    targets: tuple[tuple[str, str], ...]
    asked: int


_STANDING = text("""
  SELECT
    (SELECT coalesce(sum(requested_cents), 0) FROM application
     WHERE tranche_id = :tranche AND state = ANY (:undecided)) AS asked,
    (SELECT json_agg(json_build_array(t.ref, t.name) ORDER BY t.opens_at, t.id)
     FROM tranche t JOIN tranche s ON t.fund_key = s.fund_key AND t.opens_at > s.opens_at
     WHERE s.id = :tranche AND t.state = ANY (:live)) AS targets,
    (SELECT json_agg(json_build_array(o.ref, s.ref, t.ref, o.cents, o.state, o.reason, p.name, o.proposed_at, b.name,
                                      o.booked_at) ORDER BY o.id DESC)
     FROM carry_over o JOIN tranche s ON s.id = o.source_id JOIN tranche t ON t.id = o.target_id
     JOIN person p ON p.id = o.proposed_by_id LEFT JOIN person b ON b.id = o.booked_by_id
     WHERE :tranche IN (o.source_id, o.target_id)) AS carried
""")


def standing(session: Session, tranche_id: int) -> Standing:
    """Return what a page about a tranche shows of carrying over. One query."""
    values = {"tranche": tranche_id, "undecided": _UNDECIDED, "live": [str(state) for state in LIVE]}
    row = session.execute(_STANDING, values).one()
    carried: list[list[Any]] = row.carried or []
    lines = tuple(CarryLine(*[*cells[:7], _moment(cells[7]), cells[8], _moment(cells[9])]) for cells in carried)
    return Standing(lines, tuple((ref, name) for ref, name in row.targets or ()), int(row.asked))


def _moment(iso: str | None) -> Any:
    return None if iso is None else datetime.fromisoformat(iso)


# --- refusals ---------------------------------------------------------------------------------------------------------

_NOT_YOURS = Refusal(
    "not_yours",
    Text(
        "Alleen financiën en de programmacoördinator dragen geld over. Vraag het aan hen.",
        "Only finance and the programme coordinator carry money over. Ask them.",
    ),
    kind=RefusalKind.FORBIDDEN,
)
_FROM_A_RUNNING_ONE = Refusal(
    "tranche_not_running",
    Text(
        "Geld overdragen kan als de aanvraagperiode voorbij is en de tranche nog niet dicht is.",
        "Money can be carried over once the window has ended and before the tranche is closed.",
    ),
)
_INTO_A_LATER_ONE = Refusal(
    "no_later_tranche",
    Text(
        "Kies een latere tranche van hetzelfde fonds die bekendgemaakt en niet gesloten is.",
        "Choose a later tranche of the same fund that is announced and not closed.",
    ),
    field="target",
    kind=RefusalKind.INVALID,
)
_AMOUNT = Refusal(
    "amount_missing",
    Text("Vul in hoeveel u overdraagt.", "Enter how much you carry over."),
    field="amount",
    kind=RefusalKind.INVALID,
)
_WHY = Refusal(
    "reason_missing", Text("Schrijf op waarom.", "Write why."), field="explanation", kind=RefusalKind.INVALID
)
_ONE_AT_A_TIME = Refusal(
    "carry_over_waits",
    Text(
        "Er wacht al een overdracht uit deze tranche. Laat een collega die eerst bevestigen of afblazen.",
        "A carry-over out of this tranche waits already. Let a colleague confirm it or call it off first.",
    ),
)
