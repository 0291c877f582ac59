"""Alembic's way in: one PostgreSQL database, all tables of the product."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from fundapp.persistence import schema

config = context.config


def run() -> None:
    """Run the migrations in one transaction, under a lock, so that two starts at once do not both migrate."""
    engine = create_engine(config.attributes["database_url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=schema.metadata, compare_type=True)
        with context.begin_transaction():
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7061938)")
            context.run_migrations()


run()
