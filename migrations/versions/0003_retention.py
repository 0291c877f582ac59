"""Retention: what the terms say must go can go, and nothing else; the journal and the ledger stay.

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Only the retention use case sets this, for its own transaction; journal and ledger never yield.
    op.execute("""
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME IN ('submission', 'eligibility_check', 'intent_response') AND TG_LEVEL = 'ROW'
     AND current_setting('fundapp.retention', true) = 'on' THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
""")


def downgrade() -> None:
    raise NotImplementedError("Money and journal are append-only: restore a backup instead.")
