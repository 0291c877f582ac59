"""What pages carry themselves: the style sheet on public pages, the icon on all. Each is a round trip less on a phone.

The Content-Security-Policy names the hash of the style sheet; no other style may stand inline.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

_STATIC = Path(__file__).parent / "static"
_CORE = _STATIC / "css" / "core.css"


@cache
def core_style() -> Markup:
    """Return core.css for a <style> element; the template global `core_style` that layout/public.html asks for."""
    return Markup(_CORE.read_text(encoding="utf-8"))  # noqa: S704  our own file


@cache
def core_style_source() -> str:
    """Return the source for style-src that allows exactly this style sheet: 'sha256-…' with its quotes."""
    digest = hashlib.sha256(core_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def icon_address() -> str:
    """Return the icon of the window as an address that holds it."""
    return f"data:image/svg+xml,{quote((_STATIC / 'icon.svg').read_text(encoding='utf-8').strip())}"
