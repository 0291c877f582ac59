"""All tables together, for migrations and for the test that they agree with the models."""

from __future__ import annotations

from fundapp.persistence.db import Base

metadata = Base.metadata
