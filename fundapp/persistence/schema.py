"""All tables together, for migrations and for the test that they agree with the models."""

from __future__ import annotations

from fundapp.persistence import (
    application,
    change,
    colleagues,
    consent,
    decision,
    export,
    fund,
    interim,
    journal,
    ledger,
    message,
    outbox,
    panel,
    payment,
    people,
    prepared,
    progress,
    receipt,
    register,
    review,
    settlement,
    short_lived,
    signing,
    tranche,
    upload,
    waitlist,
)
from fundapp.persistence.db import Base

TABLES = (
    application,
    change,
    colleagues,
    consent,
    decision,
    export,
    fund,
    interim,
    journal,
    ledger,
    message,
    outbox,
    panel,
    payment,
    people,
    prepared,
    progress,
    receipt,
    register,
    review,
    settlement,
    short_lived,
    signing,
    tranche,
    upload,
    waitlist,
)

metadata = Base.metadata
