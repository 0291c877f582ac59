"""The answers of the check before signing in, as a signed token in an address: nothing of them needs a session.

The page that begins an application reads them, so that a school never answers the same question twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from fundapp.services.precheck import CheckedAnswers

LIVES = timedelta(days=60)
"""As long as somebody may think it over; the application asks again what the token no longer tells."""


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="precheck")


def check_token(tranche: str, fund_version_id: int, answers: Mapping[str, bool | None]) -> str:
    """Return the token for `/aanvragen/nieuw?check=…`."""
    return str(_serializer().dumps([tranche, fund_version_id, dict(answers)]))


def read_check(token: str) -> CheckedAnswers | None:
    """Return what the token says; None when it is not ours, was changed, or is too old."""
    try:
        tranche, version, answers = _serializer().loads(token, max_age=int(LIVES.total_seconds()))
    except (BadData, ValueError):
        return None
    return CheckedAnswers(tranche, version, answers)
