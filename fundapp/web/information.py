"""Help, accessibility and privacy: pages that hold words only, in the same place on every page."""

from __future__ import annotations

from flask import Blueprint, render_template

from fundapp.web.access import PUBLIC, access

bp = Blueprint("information", __name__)


@bp.get("/hulp")
@access(PUBLIC)
def help_() -> str:
    """Who answers questions, and the questions asked most."""
    return render_template("pages/public/help.html")


@bp.get("/toegankelijkheid")
@access(PUBLIC)
def accessibility() -> str:
    """The statement on accessibility, with what was tested and how."""
    return render_template("pages/public/accessibility.html")


@bp.get("/privacy")
@access(PUBLIC)
def privacy() -> str:
    """Which personal data are kept, why and for how long."""
    return render_template("pages/public/privacy.html")
