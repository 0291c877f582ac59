"""Fondsloket: grants for schools. `create_app` makes the web application; nothing is imported before it is needed."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from fundapp.web.app import create_app

        return create_app
    raise AttributeError(name)
