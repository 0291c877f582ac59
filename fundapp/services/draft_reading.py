"""Reading an application: one statement for all that belongs to it, one for all that the conditions ask besides."""

# ruff: noqa: S608  (the pieces of these statements are constants of the product)
from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from fundapp.domain.application import State
from fundapp.domain.completion import opened
from fundapp.domain.conditions import SignerRule
from fundapp.domain.consent import Consent, ConsentState
from fundapp.domain.draft import (
    Applicant,
    Checked,
    CostLine,
    Document,
    DraftPicture,
    PartnerLine,
    Round,
    Share,
    Surroundings,
)
from fundapp.domain.facts import EarlierApplication, SignerRole
from fundapp.domain.signing import Signature, Signatures, SignatureState
from fundapp.domain.text import Text, same
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import Application
from fundapp.persistence.db import Moment
from fundapp.services import funds, precheck

_PICTURE = text("""
  SELECT t.ref, t.name, t.spec->'name' AS title,
    t.opens_at, t.closes_at, w.until, s.name AS school, coalesce(b.name, '') AS board, s.level,
    coalesce(nullif(s.sub_region_override, ''), s.sub_region) AS region,
    (SELECT count(*) FROM submission WHERE application_id = :id) AS sent,
    (SELECT json_build_object('at', at, 'declared', inputs->'declared') FROM eligibility_check
     WHERE application_id = :id AND moment = :precheck ORDER BY id DESC LIMIT 1) AS checked,
    (SELECT json_agg(json_build_array(category, description, quantity, unit_cents) ORDER BY position)
     FROM budget_line WHERE application_id = :id) AS budget,
    (SELECT json_agg(json_build_array(party, party_kind, in_kind, hours, cents) ORDER BY position)
     FROM contribution WHERE application_id = :id) AS contributions,
    (SELECT json_agg(json_build_array(kind, name, school_code) ORDER BY position)
     FROM partner WHERE application_id = :id) AS partners,
    (SELECT json_agg(f ORDER BY f.id) FROM (
       SELECT a.id, a.kind, a.file_name, a.sha256, d.size, d.media_type, d.scan, a.added_at
       FROM attachment a JOIN stored_document d ON d.sha256 = a.sha256 WHERE a.application_id = :id) f) AS documents,
    (SELECT json_agg(json_build_array(id, place, role, name, email, state, asked_at, answered_at, sha256, explanation)
                     ORDER BY place)
     FROM signature WHERE application_id = :id AND state <> 'replaced') AS signatures,
    (SELECT json_agg(json_build_array(id, party_key, name, email, state, asked_at, answered_at, sha256, answered_by,
                                      explanation) ORDER BY id)
     FROM partner_consent WHERE application_id = :id AND state <> 'replaced') AS consents
  FROM tranche t
  JOIN school s ON s.code = :school
  JOIN school_board b ON b.number = :board
  LEFT JOIN window_extension w ON w.tranche_id = t.id AND w.school_code = s.code
  WHERE t.id = :tranche
""").columns(opens_at=Moment, closes_at=Moment, until=Moment)


def picture(session: Session, app: Application) -> DraftPicture:
    """Read all that belongs to an application, as it is stored now."""
    values = {
        "id": app.id,
        "school": app.school_code,
        "board": app.board_number,
        "tranche": app.tranche_id,
        "precheck": precheck.MOMENT,
    }
    row = session.execute(_PICTURE, values).one()
    spec = funds.spec_of(session, app.fund_version_id)
    return DraftPicture(
        ref=app.ref,
        spec=spec,
        fund_version_id=app.fund_version_id,
        round=Round(row.ref, row.name, row.opens_at, row.closes_at, row.until, round_title(row.name, row.title)),
        school=Applicant(app.school_code, row.school, app.board_number, row.board, row.level, row.region),
        title=app.title,
        starts_on=app.starts_on,
        requested_cents=app.requested_cents,
        cost_cents=app.cost_cents,
        submitted_at=app.submitted_at,
        sent=row.sent,
        answers=app.answers,
        answers_version=app.answers_version,
        budget=tuple(CostLine(*line) for line in row.budget or ()),
        contributions=tuple(Share(*share) for share in row.contributions or ()),
        partners=tuple(PartnerLine(*partner) for partner in row.partners or ()),
        documents=tuple(_document(document) for document in row.documents or ()),
        open_parts=opened(spec, app.completion_fields) if app.state == State.INCOMPLETE else None,
        signatures=tuple(_signature(one) for one in row.signatures or ()),
        consents=tuple(_consent(one) for one in row.consents or ()),
        checked=Checked(datetime.fromisoformat(row.checked["at"]), row.checked["declared"]) if row.checked else None,
    )


def _signature(values: list[Any]) -> Signature:
    number, place, role, name, email, state, asked, answered, *rest = values
    return Signature(
        number, place, SignerRole(role), name, email, SignatureState(state), _moment(asked), _moment(answered), *rest
    )


def _consent(values: list[Any]) -> Consent:
    number, key, name, email, state, asked, answered, *rest = values
    return Consent(
        number, key, name, email, ConsentState(state), datetime.fromisoformat(asked), _moment(answered), *rest
    )


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


SIGNATURES = """
  SELECT jsonb_build_array(
    (SELECT jsonb_agg(jsonb_build_array(id, place, role, name, email, state, asked_at, answered_at, sha256, explanation)
                      ORDER BY place)
     FROM signature WHERE application_id = application.id AND state <> 'replaced'),
    (SELECT sha256 FROM submission WHERE application_id = application.id ORDER BY number DESC LIMIT 1),
    (SELECT due_on FROM term WHERE application_id = application.id AND name = 'signature' AND ended_on IS NULL
     ORDER BY round DESC LIMIT 1))
"""
"""SQL: who signs an application, the hash of what was sent last, and the last day to sign; see `signed`."""

_SIGNATURES = text(f"SELECT ({SIGNATURES}) FROM application WHERE id = :id")


def signed(rule: SignerRule | None, found: list[Any]) -> tuple[Signatures, date | None]:
    """Return who signed what was sent last, and the last day to do so. found: as SIGNATURES reads."""
    ones, sha256, due = found
    return Signatures(rule, tuple(_signature(one) for one in ones or ()), sha256 or ""), _day(due)


def signatures(session: Session, app: Application) -> tuple[Signatures, date | None]:
    """Read the same for one application."""
    found = session.execute(_SIGNATURES, {"id": app.id}).scalar_one()
    return signed(funds.spec_of(session, app.fund_version_id).signer, found)


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)


def round_title(name: str, title: dict[str, str] | None) -> Text:
    """What a round is called in both languages. title: as its specification has it."""
    return Text(**title) if title else same(name)


def _document(row: dict[str, Any]) -> Document:
    return Document(**row | {"scan": ScanState(row["scan"]), "added_at": datetime.fromisoformat(row["added_at"])})


_SURROUNDINGS = text("""
  SELECT
    (SELECT min(b.cents) FROM tranche_balance b
     WHERE b.tranche_id = t.id AND b.account = 'available'
       AND (b.pot = '' OR b.pot = a.sub_region AND jsonb_exists(t.spec->'sub_ceilings_cents', a.sub_region))) AS free,
    (SELECT sum(w.cents)::bigint FROM award w JOIN application o ON o.id = w.application_id
     WHERE o.tranche_id = a.tranche_id AND o.board_number = a.board_number AND o.id <> a.id) AS board_awarded,
    (SELECT json_agg(e) FROM (
       SELECT o.ref, r.ref AS tranche, o.school_code AS school, o.board_number AS board,
         w.application_id IS NOT NULL AS awarded,
         to_char(o.submitted_at AT TIME ZONE 'Europe/Amsterdam', 'YYYY-MM-DD') AS sent_on
       FROM application o JOIN tranche r ON r.id = o.tranche_id LEFT JOIN award w ON w.application_id = o.id
       WHERE o.board_number = a.board_number AND o.fund_key = a.fund_key AND o.id <> a.id
         AND o.state <> ALL(:closed)
       ORDER BY o.id LIMIT 100) e) AS earlier
  FROM application a JOIN tranche t ON t.id = a.tranche_id WHERE a.id = :id
""")

_CLOSED = [str(state) for state in (State.DRAFT, State.REJECTED, State.NOT_CONSIDERED, State.WITHDRAWN, State.REVOKED)]


def _earlier(row: dict[str, Any]) -> EarlierApplication:
    sent_on = row["sent_on"]
    return EarlierApplication(**row | {"sent_on": date.fromisoformat(sent_on) if sent_on else None})


def surroundings(session: Session, app: Application) -> Surroundings:
    """Read what the conditions ask besides the application itself."""
    row = session.execute(_SURROUNDINGS, {"id": app.id, "closed": _CLOSED}).one()
    return Surroundings(
        free_cents=row.free or 0,
        board_awarded_cents=row.board_awarded or 0,
        earlier=tuple(_earlier(one) for one in row.earlier or ()),
    )
