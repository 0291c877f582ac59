"""What the database itself refuses about payments: a list that is altered after it was made or approved.

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ORDERS = """
CREATE FUNCTION payment_order_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - '{state,paid_on,returned_on,returned_why}'::text[])
                        = (to_jsonb(OLD) - '{state,paid_on,returned_on,returned_why}'::text[]) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a payment order is kept as it was prepared: drop it and prepare another one'
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER payment_order_kept BEFORE UPDATE OR DELETE ON payment_order
  FOR EACH ROW EXECUTE FUNCTION payment_order_kept();
"""

BATCHES = """
CREATE FUNCTION payment_batch_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state IN ('approved', 'sent', 'booked') AND NEW.state IN ('approved', 'sent', 'booked')
     AND (to_jsonb(NEW) - '{state,version}'::text[]) <> (to_jsonb(OLD) - '{state,version}'::text[]) THEN
    RAISE EXCEPTION 'an approved batch is kept as it was approved'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER payment_batch_kept BEFORE UPDATE ON payment_batch
  FOR EACH ROW EXECUTE FUNCTION payment_batch_kept();
"""


def upgrade() -> None:
    op.execute(ORDERS)
    op.execute(BATCHES)


def downgrade() -> None:
    raise NotImplementedError("Payments are kept as they were approved: restore a backup instead.")
