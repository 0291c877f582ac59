"""The style sheet as text, so that public pages can carry it themselves: one slow round trip less on a phone.

The Content-Security-Policy names its hash; nothing else may stand inline.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from markupsafe import Markup

_CORE = Path(__file__).parent / "static" / "css" / "core.css"


@cache
def core_style() -> Markup:
    """Return core.css for a <style> element; the template global `core_style` that layout/public.html asks for."""
    return Markup(_CORE.read_text(encoding="utf-8"))  # noqa: S704  our own file


@cache
def core_style_source() -> str:
    """Return the source for style-src that allows exactly this style sheet: 'sha256-…' with its quotes."""
    digest = hashlib.sha256(core_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
