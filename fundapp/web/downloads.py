"""Files to keep: who may have one of a case, and an answer that no browser shows as a page of ours."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, abort, make_response

from fundapp.domain.application import State
from fundapp.domain.outside import FileMissing
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.services import interest
from fundapp.services.subject import missing
from fundapp.web.access import Case, current_case
from fundapp.web.school_case import file_store
from fundapp.web.session import db, signed_in


def readable_case() -> Case:
    """The application of this page, for its school, and for who handles it once it was sent.

    Raises Refused: NOT_FOUND for a draft of somebody else, FORBIDDEN for a judge who has an interest in it or did not
    say yet.
    """
    found = current_case()
    if Role.APPLICANT not in found.facts.roles:
        if State(found.row.state) is State.DRAFT:
            raise Refused(missing())
        interest.require_open(db.session(), found.row, signed_in(), found.facts.roles)
    return found


def download(sha256: str, name: str, media_type: str) -> Response:
    """Return a stored file as a download: never shown inside the site, and nothing in it can run there."""
    try:
        content = file_store().get(sha256)
    except FileMissing:
        abort(404)
    response = make_response(content)
    headers = response.headers
    headers["Content-Disposition"] = _attachment(name)
    headers["Content-Type"] = media_type
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _attachment(name: str) -> str:
    """The header with the name of a file in plain letters, and as it is (RFC 6266): headers take no others."""
    kept = "".join(sign for sign in name if sign.isprintable() and sign not in '/\\"') or "bestand"
    plain = kept.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(kept, safe='')}"
