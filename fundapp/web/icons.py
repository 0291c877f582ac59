"""The product's own icons: 16 × 16 line drawings, put inline so that they cost no request and follow the text colour.

An icon never stands alone: a word beside it says the same, so every icon is hidden from screen readers.
"""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

_RING = '<circle cx="8" cy="8" r="6.5"/>'

SHAPES: dict[str, str] = {
    # Statuses (the word says it; the shape tells them apart without colour)
    "draft": _RING,
    "pencil": '<path d="M2.5 13.5l.8-3.2 7.6-7.6a1.4 1.4 0 0 1 2 0l.4.4a1.4 1.4 0 0 1 0 2l-7.6 7.6z"/>'
    '<path d="M9.5 4l2.5 2.5"/>',
    "sent": '<path d="M2 8h10M8.5 4L13 8l-4.5 4"/>',
    "question": _RING + '<path d="M6.2 6.2a1.9 1.9 0 1 1 2.6 1.9c-.6.3-.8.6-.8 1.3M8 11.6v.1"/>',
    "clock": _RING + '<path d="M8 4.5V8l2.5 1.7"/>',
    "agenda": '<rect x="2" y="3" width="12" height="11" rx="1.5"/><path d="M2 6.5h12M5.5 1.5v3M10.5 1.5v3"/>',
    "check": '<path d="M2.5 8.5l3.7 3.7 7.3-8"/>',
    "cross": '<path d="M3.5 3.5l9 9M12.5 3.5l-9 9"/>',
    "running": '<path d="M4.5 2.5v11l8.5-5.5z"/>',
    "alert": '<path d="M8 1.8l6.6 12.2H1.4z"/><path d="M8 6.3v3.6M8 11.9v.1"/>',
    "progress": _RING + '<path d="M8 8V1.5A6.5 6.5 0 0 1 14.5 8z" fill="currentColor"/>',
    "euro": '<path d="M12.5 3.6A5 5 0 1 0 12.5 12.4M2 6.8h7M2 9.2h7"/>',
    "return": '<path d="M6 2.5L2.5 6 6 9.5"/><path d="M2.5 6h7a4 4 0 0 1 0 8H6"/>',
    "done": '<rect x="3" y="3" width="10" height="10" rx="1" fill="currentColor"/>',
    "stop": _RING + '<path d="M3.6 12.4l8.8-8.8"/>',
    "dash": _RING + '<path d="M5 8h6"/>',
    "info": _RING + '<path d="M8 7.2v4.1M8 4.7v.1"/>',
    "decision": '<path d="M8 1.5L14.5 8 8 14.5 1.5 8z"/>',
    # Directions and things
    "arrow-right": '<path d="M2.5 8h11M9 3.5L13.5 8 9 12.5"/>',
    "arrow-left": '<path d="M13.5 8h-11M7 3.5L2.5 8 7 12.5"/>',
    "chevron": '<path d="M4 6l4 4 4-4"/>',
    "sort-up": '<path d="M4 10l4-4 4 4"/>',
    "plus": '<path d="M8 2.5v11M2.5 8h11"/>',
    "trash": '<path d="M2.5 4.5h11M6 4.5V2.5h4v2M4 4.5l.7 9h6.6l.7-9"/>',
    "download": '<path d="M8 2v8.5M4.5 7L8 10.5 11.5 7M2.5 13.5h11"/>',
    "file": '<path d="M3.5 1.5h6l3 3v10h-9z"/><path d="M9.5 1.5v3h3"/>',
    "mail": '<rect x="1.5" y="3" width="13" height="10" rx="1"/><path d="M2 4l6 5 6-5"/>',
    "phone": '<path d="M3 2h3l1.2 3.4-1.7 1.2a8 8 0 0 0 3.9 3.9l1.2-1.7'
    'L14 10v3a1.4 1.4 0 0 1-1.5 1.4A11.5 11.5 0 0 1 1.6 3.5 1.4 1.4 0 0 1 3 2z"/>',
    "person": '<circle cx="8" cy="5" r="3"/><path d="M2 14.5a6 6 0 0 1 12 0"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5l4 4"/>',
    "lock": '<rect x="3" y="7" width="10" height="7" rx="1"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>',
}


@cache
def icon(name: str) -> Markup:
    """Return one icon as inline SVG. Raises KeyError for a name that is not in SHAPES."""
    return Markup(  # noqa: S704  the shapes above are the only input
        f'<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" '
        f'focusable="false">{SHAPES[name]}</svg>'
    )
