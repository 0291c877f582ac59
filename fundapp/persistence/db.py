"""The engine, the base of all tables, and the column types that every table shares.

One dialect: PostgreSQL. Moments are stored in UTC (`timestamptz`), amounts as whole cents (`bigint`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Engine,
    Identity,
    MetaData,
    Text,
    TypeDecorator,
    create_engine,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker


class Moment(TypeDecorator[datetime]):
    """An aware moment, in UTC on its way out. A naive one is refused on its way in: it could mean anything."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Raise ValueError for a moment without an offset."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC."""
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own name for it)
        str: Text(),
        datetime: Moment(),
        date: Date(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: JSONB(),
    }


Id = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
"""A surrogate key."""

Cents = Annotated[int, mapped_column(BigInteger)]
"""An amount in whole euro cents."""


def engine_options(pool_size: int = 8) -> dict[str, Any]:
    """Return the options of every engine.

    Every session runs in UTC, and gives up waiting for a lock after ten seconds rather than holding a page for ever.
    """
    return {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_pre_ping": False,
        "pool_recycle": 1800,
        "connect_args": {
            "options": "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=120s",
        },
    }


READS = "fundapp_reads"
"""The execution option of an engine that `reading_options` describe."""


def reading_options(pool_size: int = 8) -> dict[str, Any]:
    """Return the options of an engine that mostly reads: each statement stands by itself, and none can write.

    That saves the two statements around each reading, and keeps what the driver prepared, which it throws away at a
    rollback: planning was most of what a page cost the database. Only a `unit_of_work` begins one that writes.
    """
    options = engine_options(pool_size)
    options["connect_args"]["options"] += " -c default_transaction_read_only=on"
    return options | {
        "isolation_level": "AUTOCOMMIT",
        "pool_use_lifo": True,  # the connection that just worked: it has prepared what the next page asks
        "skip_autocommit_rollback": True,
        "execution_options": {READS: True},
    }


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """Return an engine on a PostgreSQL URL (`postgresql+psycopg://…`), for one process; see `engine_options`."""
    return create_engine(url, **engine_options(pool_size))


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Return a maker of sessions that keep what they loaded after a commit."""
    return sessionmaker(engine, expire_on_commit=False)
