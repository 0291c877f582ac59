"""What every answer says to the browser: nothing from elsewhere, nothing in a frame, nothing kept that is personal."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request

from fundapp.web.assets import core_style_source
from fundapp.web.session import known_actor

YEAR_S = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Give every answer its headers, and every static file an address that changes with its content."""
    policy = "; ".join(
        (
            "default-src 'self'",
            f"style-src 'self' {core_style_source()}",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["Referrer-Policy"] = "same-origin"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if current_app.config["PRODUCTION"]:
            headers["Strict-Transport-Security"] = f"max-age={YEAR_S}; includeSubDomains"
        _cache(response)
        return response

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values and app.static_folder:
            path = Path(app.static_folder) / values["filename"]
            values["v"] = _mark(path, path.stat().st_mtime_ns if path.exists() else 0)


def _cache(response: Response) -> None:
    """A static file with its mark is kept for ever; a page of a signed-in person is not kept at all."""
    if request.endpoint == "static":
        fresh = f"public, max-age={YEAR_S}, immutable" if "v" in request.args else "no-cache"
        response.headers["Cache-Control"] = fresh
    elif known_actor() is not None or request.method not in ("GET", "HEAD"):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers.setdefault("Cache-Control", "private, no-cache")


@lru_cache(maxsize=256)
def _mark(path: Path, _changed_at: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else "0"
