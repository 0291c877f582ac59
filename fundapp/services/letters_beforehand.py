"""The letters of an act before it is done: as the act itself would make them, with the values of this very case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fundapp.domain.flow import decide
from fundapp.domain.flows import FLOWS
from fundapp.domain.people import Actor
from fundapp.persistence.decision import Letter
from fundapp.services.letters import letter_row
from fundapp.services.transitions import rehearse, see


def of(
    session: Session,
    kind: str,
    ref: str,
    action: str,
    *,
    given: Mapping[str, Any],
    seen: int,
    actor: Actor,
    now: datetime,
) -> list[Letter]:
    """Return the letters that an act would send now, in no session. The caller rolls back.

    Raises Refused as the act itself would: who may not, the wrong moment, a value that a letter lacks.
    """
    decide(FLOWS[kind], action, see(session, kind, ref, actor=actor, now=now).facts, given, seen=seen)
    act = rehearse(session, kind, ref, action, actor=actor, now=now, given=given)
    rows = [Letter(**values) for values in act.rows.new.get(Letter, [])]
    return [letter_row(row.application_id, row.journal_id, row.template, row.context, now) for row in rows]
