"""Reading the final accounts of a case: one statement for all that belongs to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import DateTime, text
from sqlalchemy.orm import Session

from fundapp.domain.report import Contribution, Evidence, Line, Move, ReportPicture
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import Application
from fundapp.services import funds

_PICTURE = text("""
  SELECT r.results, r.may_publish, r.award_cents, r.asked_at, r.last_term, r.ex_officio, r.signed_at, r.signed_sha256,
    r.submitted_at, p.name AS signed_by,
    (SELECT json_agg(json_build_array(position, description, category, agreed_cents, budgeted_cents, claimed_cents,
       explanation, no_evidence, moved_cents, accepted_cents, reason) ORDER BY position)
     FROM report_line WHERE application_id = :id) AS lines,
    (SELECT json_agg(json_build_array(position, party, party_kind, in_kind, promised_hours, promised_cents,
       received_hours, received_cents) ORDER BY position)
     FROM report_contribution WHERE application_id = :id) AS contributions,
    (SELECT json_agg(json_build_array(e.id, e.position, e.kind, e.file_name, e.sha256, d.size, d.media_type, d.scan,
       e.added_at) ORDER BY e.id)
     FROM report_evidence e JOIN stored_document d ON d.sha256 = e.sha256 WHERE e.application_id = :id) AS evidence,
    (SELECT json_agg(json_build_array(source, target, cents, reason, at) ORDER BY id)
     FROM line_move WHERE application_id = :id) AS moves,
    (SELECT json_object_agg(name, due_on) FROM (SELECT DISTINCT ON (name) name, due_on FROM term
       WHERE application_id = :id AND ended_on IS NULL ORDER BY name, round DESC) t) AS terms
  FROM final_report r LEFT JOIN person p ON p.id = r.signed_by_id WHERE r.application_id = :id
""").columns(asked_at=DateTime(timezone=True), signed_at=DateTime(timezone=True), submitted_at=DateTime(timezone=True))


def picture(session: Session, app: Application) -> ReportPicture | None:
    """Read the final accounts of an application as they are stored now; None where it was never awarded."""
    row = session.execute(_PICTURE, {"id": app.id}).one_or_none()
    if row is None:
        return None
    return ReportPicture(
        spec=funds.spec_of(session, app.fund_version_id),
        lines=tuple(Line(*line) for line in row.lines or ()),
        contributions=tuple(Contribution(*one) for one in row.contributions or ()),
        evidence=tuple(_evidence(*_timed(one)) for one in row.evidence or ()),
        moves=tuple(Move(*_timed(one)) for one in row.moves or ()),
        results=row.results,
        may_publish=row.may_publish,
        award=row.award_cents,
        asked_at=row.asked_at,
        last_term=row.last_term,
        ex_officio=row.ex_officio,
        signed_at=row.signed_at,
        signed_by=row.signed_by,
        signed_sha256=row.signed_sha256,
        submitted_at=row.submitted_at,
        terms={name: date.fromisoformat(due) for name, due in (row.terms or {}).items()},
    )


def _evidence(
    file_id: int,
    position: int | None,
    kind: str | None,
    file_name: str,
    sha256: str,
    size: int,
    media_type: str,
    scan: str,
    added_at: datetime,
) -> Evidence:
    return Evidence(file_id, position, kind, file_name, sha256, size, media_type, ScanState(scan), added_at)


def _timed(row: list[Any]) -> list[Any]:
    """A row of JSON whose last value is a moment."""
    return [*row[:-1], datetime.fromisoformat(row[-1])]
