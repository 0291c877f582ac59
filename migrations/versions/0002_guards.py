"""What the database itself refuses: altered history, money from nowhere, entries in a closed tranche.

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "journal",
    "ledger_entry",
    "submission",
    "advice",
    "decision",
    "award",
    "determination",
    "fund_version",
    "eligibility_check",
    "intent_response",
)

JOURNAL = """
CREATE FUNCTION journal_digest(prev bytea, j journal) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(prev || convert_to(jsonb_build_array(
    j.stream, j.seq, (extract(epoch FROM j.at) * 1000000)::bigint, j.actor_id, j.kind, j.subject_id, j.action,
    j.from_state, j.to_state, j.on_version, j.reason, j.data, j.request_key)::text, 'UTF8'))
$$;

CREATE FUNCTION journal_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE head journal_head;
BEGIN
  INSERT INTO journal_head (stream, seq, hash) VALUES (NEW.stream, 0, '\\x') ON CONFLICT DO NOTHING;
  SELECT * INTO head FROM journal_head WHERE stream = NEW.stream FOR UPDATE;
  NEW.seq := head.seq + 1;
  NEW.prev_hash := head.hash;
  NEW.hash := journal_digest(head.hash, NEW);
  UPDATE journal_head SET seq = NEW.seq, hash = NEW.hash WHERE stream = NEW.stream;
  RETURN NEW;
END $$;

CREATE TRIGGER journal_chain BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION journal_chain();
"""

LEDGER = """
CREATE FUNCTION ledger_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added a JOIN tranche t ON t.id = a.tranche_id WHERE t.state = 'closed') THEN
    RAISE EXCEPTION 'the tranche is closed: no entry can be made in it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_tranche_closed';
  END IF;
  IF EXISTS (SELECT FROM added GROUP BY journal_id, posting
             HAVING sum(cents) <> 0 OR count(DISTINCT tranche_id) <> 1 OR count(DISTINCT pot) <> 1) THEN
    RAISE EXCEPTION 'a posting does not sum to zero'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_zero';
  END IF;
  IF EXISTS (SELECT FROM ledger_entry e JOIN added a USING (journal_id, posting)
             WHERE e.id NOT IN (SELECT id FROM added)) THEN
    RAISE EXCEPTION 'a posting cannot be added to'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_whole';
  END IF;

  -- Money that leaves an account may come from what the same statement put into it: sum first, then apply.
  WITH moved AS (
    SELECT tranche_id, p.pot, account, sum(cents) AS cents
    FROM added a
    CROSS JOIN LATERAL (
      SELECT '' AS pot WHERE a.movement <> 'sub_ceiling_set' UNION SELECT a.pot WHERE a.pot <> ''
    ) p
    GROUP BY tranche_id, p.pot, account
  ), changed AS (
    UPDATE tranche_balance b SET cents = b.cents + m.cents FROM moved m
    WHERE b.tranche_id = m.tranche_id AND b.pot = m.pot AND b.account = m.account
    RETURNING b.tranche_id, b.pot, b.account
  )
  INSERT INTO tranche_balance (tranche_id, pot, account, cents)
  SELECT m.tranche_id, m.pot, m.account, m.cents FROM moved m
  WHERE NOT EXISTS (SELECT FROM changed c
                    WHERE c.tranche_id = m.tranche_id AND c.pot = m.pot AND c.account = m.account);

  WITH moved AS (
    SELECT application_id, account, sum(cents) AS cents FROM added
    WHERE application_id IS NOT NULL AND account NOT IN ('ceiling', 'available', 'carried')
    GROUP BY application_id, account
  ), changed AS (
    UPDATE case_balance b SET cents = b.cents + m.cents FROM moved m
    WHERE b.application_id = m.application_id AND b.account = m.account
    RETURNING b.application_id, b.account
  )
  INSERT INTO case_balance (application_id, account, cents)
  SELECT m.application_id, m.account, m.cents FROM moved m
  WHERE NOT EXISTS (SELECT FROM changed c WHERE c.application_id = m.application_id AND c.account = m.account);
  RETURN NULL;
END $$;

CREATE TRIGGER ledger_post AFTER INSERT ON ledger_entry
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_post();

CREATE FUNCTION kept_by_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'balances follow from the ledger; write an entry' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;

CREATE TRIGGER kept_by_the_ledger BEFORE INSERT OR UPDATE OR DELETE ON tranche_balance
  FOR EACH ROW EXECUTE FUNCTION kept_by_the_ledger();
CREATE TRIGGER kept_by_the_ledger BEFORE INSERT OR UPDATE OR DELETE ON case_balance
  FOR EACH ROW EXECUTE FUNCTION kept_by_the_ledger();
"""

HISTORY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def upgrade() -> None:
    op.execute(JOURNAL)
    op.execute(LEDGER)
    op.execute(HISTORY)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    raise NotImplementedError("Money and journal are append-only: restore a backup instead.")
