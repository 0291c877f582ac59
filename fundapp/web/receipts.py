"""Receipts: the PDF of what was sent, for the school and for who handles the application."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from fundapp.domain.refusal import Refused
from fundapp.services import receipt
from fundapp.services.subject import missing
from fundapp.web.access import access, case
from fundapp.web.downloads import download, readable_case
from fundapp.web.session import db

bp = Blueprint("receipts", __name__)


@bp.get("/aanvragen/<ref>/ontvangstbewijs/<int(max=999999):number>")
@access(case("application"))
def one(ref: str, number: int) -> Response:
    """Download a receipt; while the worker has not made it, say that it comes by mail."""
    found = readable_case()
    wanted = receipt.of_application(db.session(), found.row).get(number)
    if wanted is None:
        raise Refused(missing())
    if wanted.pdf_sha256 is None:
        return make_response(render_template("pages/application/receipt.html", ref=ref, app=found.row))
    return download(wanted.pdf_sha256, f"{ref}-ontvangstbewijs-{number}.pdf", "application/pdf")
