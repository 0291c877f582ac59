"""Every way in which something can go wrong, mapped to a page or to problem details (RFC 9457) in this one place."""

from __future__ import annotations

import base64
import logging
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import size_text
from fundapp.web import parking
from fundapp.web.access import SignInFirst
from fundapp.web.session import current_language, db, notify, safe_path

STATUS = {Kind.FORBIDDEN: 403, Kind.NOT_FOUND: 404, Kind.CONFLICT: 409, Kind.STALE: 409, Kind.INVALID: 422}
"""Kind of refusal → HTTP status."""

_PAGES = {Kind.FORBIDDEN: "403", Kind.NOT_FOUND: "404", Kind.STALE: "409"}
_log = logging.getLogger("fundapp.errors")

_SENTENCES = {
    400: Text(
        "Wij konden dit niet lezen. Ga terug, vernieuw de pagina en probeer het opnieuw.",
        "We could not read this. Go back, reload the page and try again.",
    ),
    405: Text(
        "Dit adres werkt alleen met de knop op de pagina. Ga terug en gebruik de knop.",
        "This address works only with the button on the page. Go back and use the button.",
    ),
    413: Text(
        "Dit is te groot om te versturen. Kies een kleiner bestand of kort de tekst in.",
        "This is too large to send. Choose a smaller file or shorten the text.",
    ),
    415: Text("Dit soort bestand kunnen wij niet lezen.", "We cannot read this kind of file."),
    429: Text("Dit ging te vaak achter elkaar. Wacht even.", "This was too often in a row. Wait a moment."),
}

_TOO_LARGE = Text(
    "U stuurde {size} in één keer. Er past hoogstens {most} in. Kies een kleiner bestand, of stuur ze een voor een.",
    "You sent {size} in one go. There is room for {most}. Choose a smaller file, or send them one by one.",
)


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(SignInFirst, sign_in_first)
    app.register_error_handler(CSRFError, expired_form)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, broken)


def is_api() -> bool:
    """Whether the request is for the API, which knows its callers by a token: no cookie, so no forged form."""
    return request.path.startswith("/api/")


def wants_json() -> bool:
    """Whether a program asks: everything under /api, and whoever accepts JSON but no page."""
    accepts = request.accept_mimetypes
    return is_api() or (accepts.accept_json and not accepts.accept_html)


def problem(status: int, code: str, title: str, **more: Any) -> Response:
    """Return problem details (RFC 9457). more: extension members, such as `errors`."""
    response = jsonify(type=f"urn:fondsloket:{code}", title=title, status=status, code=code, **more)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def refused(error: Refused) -> Response:
    """A rule says no: its sentences, with the status of its kind. What the request wrote is undone."""
    db.session.rollback()
    status, language = STATUS[error.kind], current_language()
    if wants_json():
        errors = [{"code": r.code, "detail": r.sentence.in_(language), "field": r.field} for r in error.refusals]
        return problem(status, error.code, error.refusals[0].sentence.in_(language), errors=errors)
    page = _PAGES.get(error.kind, "refused")
    return _page(page, status, reasons=[r.sentence for r in error.refusals], refused=error, back_href=back_href())


def sign_in_first(_error: SignInFirst) -> Response:
    """Send a visitor to the sign-in page and, for a form, keep what was typed until then."""
    if wants_json():
        text = Text("Log eerst in of stuur een geldig token mee.", "Sign in first, or send a valid token.")
        response = problem(401, "sign_in_first", text.in_(current_language()))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if request.method in ("GET", "HEAD"):
        return _go_sign_in(request.full_path.rstrip("?"))
    page = parking.form_page()
    if parking.park(page):
        notify(
            Text(
                "U was te lang weg. Log opnieuw in; uw invoer is bewaard.",
                "You were away too long. Sign in again; your input has been kept.",
            ),
            "warning",
        )
    return _go_sign_in(page)


def _go_sign_in(verder: str) -> Response:
    return _response(redirect(f"/inloggen?verder={quote(safe_path(verder))}", code=303))


def expired_form(error: CSRFError) -> Response:
    """A form without a valid token: give it back filled in, where it came from our own page; otherwise refuse it."""
    page = parking.form_page()
    if not wants_json() and parking.own_page() and parking.park(page):
        return _response(redirect(page, code=303))
    if not wants_json() and parking.own_page() and g.get("actor") is None:
        notify(
            Text("De pagina was verlopen. Probeer het opnieuw.", "The page had expired. Please try again."), "warning"
        )
        return _response(redirect(page, code=303))
    return http_error(error)


def http_error(error: HTTPException) -> Response:
    """An address that is not there, a wrong method, a body that is too large."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return _response(error.get_response())
    if status >= 500:
        return broken(error)
    text = _too_large() if status == 413 else _SENTENCES.get(status)
    if wants_json():
        title = text.in_(current_language()) if text else HTTPStatus(status).phrase
        response = problem(status, HTTPStatus(status).name.lower(), title)
    else:
        page = {403: "403", 404: "404", 410: "410"}.get(status, "refused")
        reasons = [text or _SENTENCES[400]] if page == "refused" else None
        response = _page(page, status, reasons=reasons, back_href=back_href())
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _too_large() -> Text:
    """How large the request is, and how large it may be, where both are known."""
    size, most = request.content_length, request.max_content_length
    if size is None or most is None or size <= most:
        return _SENTENCES[413]
    return _TOO_LARGE.fill(size=size_text(size), most=size_text(most))


def broken(error: Exception) -> Response:
    """Our own mistake: a code for the visitor, the whole story in the log, nothing of it on the page."""
    error = getattr(error, "original_exception", None) or error
    incident = base64.b32encode(secrets.token_bytes(5)).decode()
    _log.error("incident %s at %s", incident, request.endpoint, exc_info=error)
    g.broken = True
    try:
        db.session.rollback()
    except Exception:  # noqa: BLE001  (the database itself may be what broke)
        _log.warning("incident %s: the session could not be rolled back", incident)
    if wants_json():
        text = Text("Er ging bij ons iets mis. Noem deze code.", "Something went wrong on our side. Name this code.")
        return problem(500, "internal_error", text.in_(current_language()), incident=incident)
    return _page("500", 500, incident=incident)


def back_href() -> str:
    """The page of the case that the request is about, else the page of ours from which it came, else the home page."""
    return g.get("back_href") or parking.referrer() or "/"


def _page(name: str, status: int, **context: Any) -> Response:
    response = make_response(render_template(f"errors/{name}.html", **context))
    response.status_code = status
    return response


def _response(value: Any) -> Response:
    return make_response(value)


def form_errors(form: Any, error: Refused) -> None:
    """Put the sentences of a refusal at the fields that they are about; the rest at the form as a whole."""
    for refusal in error.refusals:
        _at(form, refusal)


def _at(form: Any, refusal: Refusal) -> None:
    field = form._fields.get(refusal.field or "")
    if field is None:
        form.form_errors.append(refusal.sentence)
    else:
        field.errors = [*field.errors, refusal.sentence]
