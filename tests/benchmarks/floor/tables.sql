CREATE TABLE floor_case AS
  SELECT a.id, a.ref, a.title, s.name AS school, a.sub_region, a.state, a.requested_cents, a.decision_due_on,
    a.submitted_at, coalesce(a.decision_due_on, '9999-12-31'::date) AS due,
    coalesce((SELECT content FROM submission WHERE application_id = a.id ORDER BY number DESC LIMIT 1), '{}') AS content
  FROM application a JOIN school s ON s.code = a.school_code;
ALTER TABLE floor_case ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON floor_case (ref);
CREATE INDEX ON floor_case (due, id);
CREATE INDEX ON floor_case (lower(title) text_pattern_ops);
CREATE SEQUENCE floor_ids START 1000000000;
CREATE TABLE floor_decision (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id bigint REFERENCES floor_case, amount_cents bigint, at timestamptz
);
ANALYZE floor_case;
