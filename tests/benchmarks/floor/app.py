"""Bare Flask, SQLAlchemy and Jinja with compiled templates: one or two statements a page, no questions asked.

Served as `gunicorn tests.benchmarks.floor.app:app`; FLOOR_DATABASE_URL is its database.
"""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime

from flask import Flask, abort, redirect, render_template, request
from sqlalchemy import create_engine, text
from werkzeug.wrappers import Response

from tests.benchmarks.floor.statements import DECIDE, DECISION

engine = create_engine(os.environ["FLOOR_DATABASE_URL"], pool_size=8)
app = Flask(__name__)
app.jinja_env.auto_reload = False

_LIST = text("""
  SELECT id, ref, title, school, sub_region, state, requested_cents, decision_due_on
  FROM floor_case WHERE (due, id) > (CAST(:due AS date), :id) ORDER BY due, id LIMIT 50
""")
_FOUND = text("""
  SELECT id, ref, title, school, sub_region, state, requested_cents, decision_due_on
  FROM floor_case WHERE lower(title) LIKE :wanted AND state = :state ORDER BY lower(title) USING ~<~ LIMIT 50
""")
_ONE = text("SELECT * FROM floor_case WHERE ref = :ref")
_LINES = text("SELECT category, description, quantity, unit_cents FROM budget_line WHERE application_id = :id")
_INSERT = text("""
  INSERT INTO floor_case (id, ref, title, school, sub_region, state, requested_cents, due, content)
  VALUES (nextval('floor_ids'), :ref, :title, '', '', 'draft', 0, '9999-12-31', '{}') RETURNING id
""")
_SEND = text("UPDATE floor_case SET state = 'submitted', submitted_at = :now WHERE id = :id")


@app.get("/list")
def worklist() -> str:
    """Fifty rows."""
    with engine.connect() as connection:
        rows = connection.execute(_LIST, {"due": "0001-01-01", "id": 0}).all()
    return render_template("list.html", rows=rows)


@app.get("/search")
def search() -> str:
    """Fifty rows that begin with a word."""
    values = {"wanted": request.args["q"].lower() + "%", "state": request.args["state"]}
    with engine.connect() as connection:
        rows = connection.execute(_FOUND, values).all()
    return render_template("list.html", rows=rows)


@app.get("/case/<ref>")
def case(ref: str) -> str:
    """One application with its answers and its budget."""
    with engine.connect() as connection:
        row = connection.execute(_ONE, {"ref": ref}).one_or_none()
        if row is None:
            abort(404)
        lines = connection.execute(_LINES, {"id": row.id}).all()
    return render_template("case.html", row=row, lines=lines)


@app.post("/submit")
def submit() -> Response:
    """Insert, update, commit."""
    with engine.begin() as connection:
        number = connection.execute(_INSERT, {"ref": request.form["ref"], "title": request.form["title"]}).scalar_one()
        connection.execute(_SEND, {"id": number, "now": datetime.now(UTC)})
    return redirect("/list", code=303)


@app.post("/decide/<ref>")
def decide(ref: str) -> Response:
    """Update, insert, commit."""
    with engine.begin() as connection:
        number = connection.execute(DECIDE, {"ref": ref}).scalar_one()
        values = {"id": number, "amount": int(request.form["amount"]), "now": datetime.now(UTC)}
        connection.execute(DECISION, values)
    return redirect(f"/case/{ref}", code=303)


_ENTRIES = text("""
  SELECT e.journal_id, e.posting, e.at, t.ref, e.pot, a.ref, e.movement, e.account, e.cents
  FROM ledger_entry e JOIN tranche t ON t.id = e.tranche_id LEFT JOIN application a ON a.id = e.application_id
  WHERE t.ref = :ref ORDER BY e.id
""")


@app.get("/csv/<ref>")
def entries(ref: str) -> Response:
    """Every entry of a tranche: fetched at once and written by the csv module."""
    with engine.connect() as connection:
        rows = connection.execute(_ENTRIES, {"ref": ref}).all()
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerows(rows)
    return Response(buffer.getvalue(), mimetype="text/csv")
