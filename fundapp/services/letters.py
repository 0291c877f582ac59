"""Letters: the row that is written with the act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fundapp.persistence.decision import Letter


def letter_row(
    application_id: int, journal_id: int, template: str, context: Mapping[str, Any], now: datetime
) -> Letter:
    """Return the letter to be written with an act: in the portal from `now` on, its facts frozen (Awb 2:17, 3:41)."""
    return Letter(
        application_id=application_id,
        journal_id=journal_id,
        template=template,
        context=dict(context),
        sent_at=now,
    )
