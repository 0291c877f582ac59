"""Filing an objection or a request for reconsideration: one row against one decision, filed in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fundapp.domain.objection import State
from fundapp.domain.objection_words import WORDS
from fundapp.domain.people import Actor
from fundapp.domain.term import Profile
from fundapp.persistence.objection import Objection
from fundapp.services import objection
from fundapp.services.transitions import perform


def file(
    session: Session,
    ref: str,
    *,
    given: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    request_key: str | None = None,
) -> Objection:
    """File against the decision that holds for an application. The caller commits.

    given: grounds, wants_hearing, and late_reason where the term has passed. Sent twice, it is filed once. Raises
    Refused as `objection.prepare` does, and for what was filled in.
    """
    row = objection.prepare(session, ref, actor=actor, now=now)
    if row.state == State.DRAFT:
        kind = WORDS[Profile(row.profile)].kind
        perform(session, kind, row.ref, "file", actor=actor, now=now, given=given, request_key=request_key)
    return row
