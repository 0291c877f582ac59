"""Receipts made as the worker makes them, for tests of the pages and of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flask import Flask

    from config import Settings


def make_receipts(app: Flask) -> int:
    """Make what waits, with the settings and the clock of the application; return how many."""
    from sqlalchemy.orm import sessionmaker

    from fundapp.adapters import documents
    from fundapp.adapters.files import ObjectFileStore
    from fundapp.domain.receipt import Signer
    from fundapp.services import receipt
    from fundapp.web.session import db

    settings = cast("Settings", app.extensions["settings"])
    with app.app_context():
        sessions = sessionmaker(db.engine, expire_on_commit=False)
    return receipt.render_pending(
        sessions,
        documents,
        ObjectFileStore(settings.storage_url),
        Signer.of(settings.secret_key),
        now=app.extensions["clock"](),
    )
