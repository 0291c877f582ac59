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
    "determination",
    "fund_version",
    "eligibility_check",
    "intent_response",
    "ceiling_change",
    "reopening",
)

OF_A_TRANCHE = {
    "ceiling_change": "NEW.tranche_id",
    "carry_over": "NEW.source_id, NEW.target_id",
    "offer": "(SELECT tranche_id FROM application WHERE id = NEW.application_id)",
}
"""Tables besides the ledger in which nothing is written for a closed tranche, and which tranches a row is about."""

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
  IF EXISTS (SELECT FROM added a JOIN tranche t ON t.id = a.tranche_id
             WHERE t.state IN ('closed', 'reopening')) THEN
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

  IF EXISTS (SELECT FROM (SELECT journal_id, tranche_id, pot, sum(cents) AS cents FROM added
                          WHERE account = 'ceiling' GROUP BY journal_id, tranche_id, pot) a
             LEFT JOIN ceiling_change c USING (journal_id, tranche_id, pot)
             WHERE c.new_cents - c.old_cents IS DISTINCT FROM -a.cents) THEN
    RAISE EXCEPTION 'a ceiling changes together with its history'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_ceiling_told';
  END IF;
  IF EXISTS (SELECT FROM added WHERE movement = 'carry_over' GROUP BY journal_id
             HAVING sum(cents) FILTER (WHERE account = 'carried')
                      IS DISTINCT FROM -sum(cents) FILTER (WHERE account = 'ceiling')
                 OR count(DISTINCT tranche_id) <> 2) THEN
    RAISE EXCEPTION 'money that is carried over leaves one tranche and enters another'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_entry_carry_over_paired';
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
    SELECT tranche_id, p.pot, extract(year FROM at AT TIME ZONE 'Europe/Amsterdam')::int AS year, movement, account,
           sum(cents) AS cents
    FROM added a
    CROSS JOIN LATERAL (
      SELECT '' AS pot WHERE a.movement <> 'sub_ceiling_set' UNION SELECT a.pot WHERE a.pot <> ''
    ) p
    GROUP BY tranche_id, p.pot, 3, movement, account
  ), changed AS (
    UPDATE tranche_movement b SET cents = b.cents + m.cents FROM moved m
    WHERE b.tranche_id = m.tranche_id AND b.pot = m.pot AND b.year = m.year AND b.movement = m.movement
      AND b.account = m.account
    RETURNING b.tranche_id, b.pot, b.year, b.movement, b.account
  )
  INSERT INTO tranche_movement (tranche_id, pot, year, movement, account, cents)
  SELECT m.tranche_id, m.pot, m.year, m.movement, m.account, m.cents FROM moved m
  WHERE NOT EXISTS (SELECT FROM changed c
                    WHERE c.tranche_id = m.tranche_id AND c.pot = m.pot AND c.year = m.year
                      AND c.movement = m.movement AND c.account = m.account);

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
CREATE TRIGGER kept_by_the_ledger BEFORE INSERT OR UPDATE OR DELETE ON tranche_movement
  FOR EACH ROW EXECUTE FUNCTION kept_by_the_ledger();
CREATE TRIGGER kept_by_the_ledger BEFORE INSERT OR UPDATE OR DELETE ON case_balance
  FOR EACH ROW EXECUTE FUNCTION kept_by_the_ledger();
"""

TRANCHES = """
CREATE FUNCTION ceiling_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before ceiling_change;
BEGIN
  SELECT * INTO before FROM ceiling_change
  WHERE tranche_id = NEW.tranche_id AND pot = NEW.pot AND id < NEW.id ORDER BY id DESC LIMIT 1;
  IF NEW.old_cents <> coalesce(before.new_cents, 0)
     OR NEW.announced_cents <> coalesce(before.announced_cents, 0)
        + (CASE NEW.kind WHEN 'earlier' THEN 0 ELSE NEW.new_cents - NEW.old_cents END)
     OR NEW.old_cents <> coalesce((SELECT -cents FROM tranche_balance WHERE tranche_id = NEW.tranche_id
                                   AND pot = NEW.pot AND account = 'ceiling'), 0) THEN
    RAISE EXCEPTION 'the history of a ceiling follows the ledger'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ceiling_change_follows';
  END IF;
  IF NEW.kind = 'earlier' AND NOT EXISTS (
       SELECT FROM ceiling_change c JOIN application a ON a.id = NEW.application_id
       WHERE c.tranche_id = NEW.tranche_id AND c.pot = NEW.pot AND c.announced_cents >= NEW.new_cents
         AND (c.at > a.submitted_at
              OR c.id = (SELECT max(id) FROM ceiling_change
                         WHERE tranche_id = NEW.tranche_id AND pot = NEW.pot AND at <= a.submitted_at))) THEN
    RAISE EXCEPTION 'a cut gives way only to what the ceiling was when an application came in'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ceiling_change_held_before';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER ceiling_follows AFTER INSERT ON ceiling_change
  FOR EACH ROW EXECUTE FUNCTION ceiling_follows();

CREATE FUNCTION reopened_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state IN ('closed', 'reopening') AND NEW.state NOT IN ('closed', 'reopening')
     AND (OLD.state = 'closed' OR NEW.reopening_by_id IS NULL OR NEW.reopened_by_id IS NULL) THEN
    RAISE EXCEPTION 'a closed tranche is reopened by two people'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_tranche_reopened_by_two';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER reopened_by_two BEFORE UPDATE OF state ON tranche FOR EACH ROW EXECUTE FUNCTION reopened_by_two();

CREATE FUNCTION closing_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - '{pdf_sha256,xlsx_sha256,failure}'::text[])
                        = (to_jsonb(OLD) - '{pdf_sha256,xlsx_sha256,failure}'::text[])
     AND (OLD.pdf_sha256 IS NULL OR OLD.pdf_sha256 = NEW.pdf_sha256)
     AND (OLD.xlsx_sha256 IS NULL OR OLD.xlsx_sha256 = NEW.xlsx_sha256) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'closing is append-only: correct it with a new row' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER closing_is_kept BEFORE UPDATE OR DELETE ON closing FOR EACH ROW EXECUTE FUNCTION closing_is_kept();
CREATE TRIGGER closing_is_kept_whole BEFORE TRUNCATE ON closing
  FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE FUNCTION tranche_is_shut(VARIADIC ids bigint[]) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM tranche WHERE id = ANY (ids) AND state IN ('closed', 'reopening'))
$$;
"""

NOT_IN_A_CLOSED_ONE = """
CREATE FUNCTION not_in_a_closed_tranche_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tranche_is_shut({tranches}) THEN
    RAISE EXCEPTION 'the tranche is closed: {table} cannot be written'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_{table}_tranche_closed';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER not_in_a_closed_tranche BEFORE INSERT OR UPDATE ON {table}
  FOR EACH ROW EXECUTE FUNCTION not_in_a_closed_tranche_{table}();
"""

OBJECTIONS = """
CREATE FUNCTION award_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE'
     AND (to_jsonb(NEW) - '{cents,decision_id}'::text[]) = (to_jsonb(OLD) - '{cents,decision_id}'::text[])
     AND EXISTS (SELECT FROM decision WHERE id = NEW.decision_id AND kind = 'remedy'
                 AND outcome IN ('founded', 'partly_founded') AND application_id = NEW.application_id
                 AND amount_cents = NEW.cents) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'award is append-only: only a decision after a new look changes it'
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON award FOR EACH ROW EXECUTE FUNCTION award_is_kept();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON award FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE FUNCTION objection_by_others() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  first_decider bigint;
  first_adviser bigint;
  found decision;
BEGIN
  IF NEW.decision_id IS NOT NULL THEN
    SELECT decided_by_id, advised_by_id INTO first_decider, first_adviser FROM decision WHERE id = NEW.decision_id;
  ELSE
    SELECT by_id INTO first_decider FROM determination WHERE id = NEW.determination_id;
  END IF;
  IF NEW.adviser_id IN (first_decider, first_adviser) OR NEW.heard_by_id IN (first_decider, first_adviser) THEN
    RAISE EXCEPTION 'who hears and advises had no part in the first decision'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_not_involved_before';
  END IF;
  IF NEW.new_decision_id IS NOT NULL THEN
    SELECT * INTO found FROM decision WHERE id = NEW.new_decision_id;
    IF found.decided_by_id IN (first_decider, NEW.adviser_id) THEN
      RAISE EXCEPTION 'who took the first decision, or advised on the objection, does not decide on it'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_decided_by_another';
    END IF;
    IF found.application_id <> NEW.application_id OR found.outcome <> NEW.state
       OR found.replaces_id IS DISTINCT FROM NEW.decision_id
       OR found.replaces_determination_id IS DISTINCT FROM NEW.determination_id THEN
      RAISE EXCEPTION 'the new decision points to the one that it came in the place of'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_same_decision';
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD.state <> 'draft' AND current_setting('fundapp.retention', true) IS DISTINCT FROM 'on'
     AND (NEW.application_id, NEW.decision_id, NEW.determination_id, NEW.profile, NEW.grounds, NEW.filed_at, NEW.late,
          NEW.late_reason, NEW.old_cents, NEW.most_cents)
         IS DISTINCT FROM
         (OLD.application_id, OLD.decision_id, OLD.determination_id, OLD.profile, OLD.grounds, OLD.filed_at, OLD.late,
          OLD.late_reason, OLD.old_cents, OLD.most_cents) THEN
    RAISE EXCEPTION 'an objection is kept as it was filed' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER objection_by_others AFTER INSERT OR UPDATE ON objection
  FOR EACH ROW EXECUTE FUNCTION objection_by_others();
CREATE TRIGGER objection_is_kept BEFORE DELETE ON objection FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER objection_is_kept_whole BEFORE TRUNCATE ON objection
  FOR EACH STATEMENT EXECUTE FUNCTION append_only();
"""

ANSWERS = """
CREATE FUNCTION answer_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('fundapp.retention', true) = 'on' THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an answer is not deleted: it is replaced' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.answered_at IS NOT NULL
     AND (to_jsonb(NEW) - 'state' <> to_jsonb(OLD) - 'state' OR NEW.state NOT IN (OLD.state, 'replaced')) THEN
    RAISE EXCEPTION 'what was answered stays as it was: ask anew' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER answer_stands BEFORE UPDATE OR DELETE ON signature
  FOR EACH ROW EXECUTE FUNCTION answer_stands();
CREATE TRIGGER answer_stands BEFORE UPDATE OR DELETE ON partner_consent
  FOR EACH ROW EXECUTE FUNCTION answer_stands();
"""

HISTORY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
"""


SCENARIOS = """
CREATE FUNCTION chosen_scenario_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.chosen_at IS NOT NULL THEN
    RAISE EXCEPTION 'a scenario that was chosen changes no more' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER chosen_scenario_stays BEFORE UPDATE OR DELETE ON scenario
  FOR EACH ROW EXECUTE FUNCTION chosen_scenario_stays();
"""


def upgrade() -> None:
    op.execute(JOURNAL)
    op.execute(LEDGER)
    op.execute(ANSWERS)
    op.execute(HISTORY)
    op.execute(TRANCHES)
    op.execute(SCENARIOS)
    op.execute(OBJECTIONS)
    for table, tranches in OF_A_TRANCHE.items():
        op.execute(NOT_IN_A_CLOSED_ONE.format(table=table, tranches=tranches))
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
