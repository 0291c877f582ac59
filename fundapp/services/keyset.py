"""Lists by key: a page begins after a row, and nothing is counted."""

from __future__ import annotations

from typing import Any

PAGE = 50
"""Rows on one page of a list."""


def newest_first(query: Any, key: Any, before: int | None) -> Any:
    """SQL: the newest rows first, from before this key on; one more than a page, so that the page knows of more."""
    query = query.order_by(key.desc()).limit(PAGE + 1)
    return query if before is None else query.where(key < before)
