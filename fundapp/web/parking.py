"""No typed text is lost: input that arrives after the session or the form has expired waits for its own writer.

It waits on the server for half an hour, for the same person only, and comes back in the form that it was typed in.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app, g, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import short_lived
from fundapp.web.session import current_actor, db, known_actor, notify, request_now, safe_path

LASTS = timedelta(minutes=30)
LARGEST = 256 * 1024
"""Characters of input that are kept; a form is far below it."""

NOT_KEPT = {"csrf_token"}


def form_page() -> str:
    """The page on which the form of this request stands: its own address, else the page before it, else the home."""
    if _can_be_read(request.path):
        return request.full_path.rstrip("?")
    return referrer() or "/"


def own_page() -> bool:
    """Whether the request comes from a page of our own, as the browser itself says."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def referrer() -> str | None:
    """The address on this site that the request came from; None where it came from elsewhere or does not say."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return None
    return safe_path(f"{parts.path}?{parts.query}" if parts.query else parts.path, "") or None


def park(page: str) -> bool:
    """Keep the input of this request for the person whose session it is or was. Return whether it was kept."""
    actor = known_actor()
    person_id = actor.id if actor is not None else g.expired[0] if g.get("expired") else None
    fields = {name: values for name, values in request.form.to_dict(flat=False).items() if name not in NOT_KEPT}
    if person_id is None or not fields or not own_page():
        return False
    if sum(len(value) for values in fields.values() for value in values) > LARGEST:
        return False
    token = secrets.token_urlsafe(24)
    data = {"person": person_id, "path": urlsplit(page).path, "fields": fields}
    with unit_of_work(db.session()):
        short_lived.put(db.session(), f"parked:{token}", data, now=request_now(), lasts=LASTS)
    session["parked"] = [urlsplit(page).path, token]
    return True


def give_back() -> None:
    """On the page of the form: fetch what was kept for this person, for the form to fill itself with."""
    if request.method != "GET" or "parked" not in session or session["parked"][0] != request.path:
        return
    actor = current_actor()
    if actor is None:
        return
    _, token = session.pop("parked")
    with unit_of_work(db.session()):
        kept = short_lived.take(db.session(), f"parked:{token}", now=request_now())
    if kept is None or kept["person"] != actor.id or kept["path"] != request.path:
        return
    g.returned = MultiDict((name, value) for name, values in kept["fields"].items() for value in values)
    notify(
        Text(
            "Uw invoer is terug. Kijk hem na en verstuur het formulier opnieuw.",
            "Your input is back. Check it and send the form again.",
        ),
        "success",
    )


def _can_be_read(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        adapter.match(path, method="GET")
    except HTTPException:
        return False
    return True
