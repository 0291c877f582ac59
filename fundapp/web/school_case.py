"""What the pages of a school share: the case of the page, the doors to files, and pages for what cannot be any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Response, current_app, make_response, render_template

from fundapp.domain.application import State
from fundapp.domain.draft import DraftPicture
from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.services import draft_reading
from fundapp.services.draft import EDITABLE
from fundapp.services.subject import missing
from fundapp.web.access import Case, current_case
from fundapp.web.forms.application import Typed
from fundapp.web.session import db

if TYPE_CHECKING:
    from config import Settings
    from fundapp.services.ports import FileStore, Scanner

SCANNED_WITHIN_S = 10.0
"""How long somebody waits for the scanner; after that the file is kept in quarantine for the worker."""

NOT_TYPED = {"csrf_token", "answers_version", "request_key", "seen", "do"}


def school_case() -> Case:
    """The application of this page, for who may write for its school. Raises Refused(NOT_FOUND) for anybody else."""
    found = current_case()
    if Role.APPLICANT not in found.facts.roles:
        raise Refused(missing())
    return found


def is_draft(case: Case) -> bool:
    """Whether the school can still change what it wrote."""
    return State(case.row.state) in EDITABLE


def picture_of(case: Case) -> DraftPicture:
    """All that was filled in: as it was read for access, while it is a draft."""
    known = case.facts.draft
    return known if isinstance(known, DraftPicture) else draft_reading.picture(db.session(), case.row)


def already_sent(case: Case, typed: Typed | None = None, status: int = 200) -> Response:
    """The page for who goes back to what was sent; what was typed after that is shown, so that it is not lost."""
    lost = [] if typed is None else [v for k, v in typed.items(multi=True) if k not in NOT_TYPED and len(v) > 3]
    page = render_template("pages/application/already_sent.html", ref=case.ref, app=case.row, lost=lost)
    return make_response(page, status)


def file_store() -> FileStore:
    """The files, as `create_app` was told by its settings; opened at their first use."""
    from fundapp.adapters.files import ObjectFileStore

    doors = current_app.extensions
    if "files" not in doors:
        doors["files"] = ObjectFileStore(cast("Settings", doors["settings"]).storage_url)
    return cast("FileStore", doors["files"])


def scanner() -> Scanner:
    """The virus scanner of the settings, for while somebody waits; where there is none, each file says so."""
    from fundapp.adapters.scanner import scanner_from_url

    doors = current_app.extensions
    if "scanner" not in doors:
        doors["scanner"] = scanner_from_url(cast("Settings", doors["settings"]).scanner_url, timeout=SCANNED_WITHIN_S)
    return cast("Scanner", doors["scanner"])
