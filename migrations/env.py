"""Alembic's way in: one PostgreSQL database, all tables of the product."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from fundapp.persistence import schema
from fundapp.persistence.db import Moment

config = context.config


def render(kind: str, item: object, _autogen: object) -> str | bool:
    """Write our own column types as plain ones: a migration does not import the product."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def run() -> None:
    """Run the migrations in one transaction, under a lock, so that two starts at once do not both migrate."""
    engine = create_engine(config.attributes["database_url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=schema.metadata, compare_type=True, render_item=render)
        with context.begin_transaction():
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7061938)")
            context.run_migrations()


run()
