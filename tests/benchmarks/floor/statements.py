"""The least that a decision could write: for the floor's page, and for many decisions in a row."""

from __future__ import annotations

from sqlalchemy import text

DECIDE = text("UPDATE floor_case SET state = 'awarded' WHERE ref = :ref RETURNING id")
DECISION = text("INSERT INTO floor_decision (case_id, amount_cents, at) VALUES (:id, :amount, :now)")
