"""Exports of the ledger for the books: asked here, downloaded at once or fetched when the worker made them."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, make_response, redirect, render_template, request, stream_with_context

from fundapp.domain.export import Form, State
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.persistence.export import Export
from fundapp.persistence.unit_of_work import read_as_one, unit_of_work
from fundapp.services import export
from fundapp.services.export import PAGE, ROLES
from fundapp.services.finance_views import funds_of
from fundapp.web.access import access, staff
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.forms.export import ExportForm
from fundapp.web.paging import after, cut
from fundapp.web.school_case import file_store
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("exports", __name__)


@bp.get("/exports")
@access(staff(*ROLES))
def export_list() -> Response:
    """What was exported, by whom, and the form to ask another."""
    form = _form()
    if not form.what.data and request.args.get("tranche") in form.known:
        form.what.data = request.args["tranche"]
    return make_response(_page(form))


@bp.post("/exports")
@access(staff(*ROLES))
def ask() -> Response:
    """Journal who exports what; send it at once, or leave it to the worker where it is large."""
    form, status = _form(), 422
    if form.validate():
        first_on, last_on = form.period
        try:
            with unit_of_work(db.session(), wake):
                row = export.ask(
                    db.session(),
                    fund_key=form.chosen.fund_key,
                    tranche_id=form.chosen.tranche_id,
                    form=Form(form.form.data),
                    first_on=first_on,
                    last_on=last_on,
                    actor=signed_in(),
                    now=request_now(),
                )
        except Refused as error:
            form_errors(form, error)
            status = STATUS[error.kind]
        else:
            if row.state == State.SENT:
                return _send(row, form.chosen.ref)
            notify(
                Text(
                    "Dit bestand is groot. Het staat hier klaar zodra het gemaakt is.",
                    "This file is large. It is here as soon as it is made.",
                ),
                "info",
            )
            return make_response(redirect("/exports", code=303))
    return make_response(_page(form), status)


def _form() -> ExportForm:
    form = ExportForm()
    form.offer(export.choices(db.session(), funds_of(signed_in(), *ROLES)))
    return form


def _page(form: ExportForm) -> str:
    rows, more = cut(export.exports(db.session(), funds_of(signed_in(), *ROLES), before=after()), PAGE)
    return render_template("pages/export/list.html", form=form, rows=rows, more=more)


def _send(row: Export, ref: str | None) -> Response:
    """Stream the file as it is read, as of one moment: nothing of it is kept."""
    from fundapp.adapters import spreadsheet  # heavy: not before somebody asks for it

    db.session().expunge(row)

    def read() -> Iterator[bytes]:
        session = db.session()  # that of the answer while it goes out, not of the view
        read_as_one(session)
        yield from export.chunks(session, row, spreadsheet)

    return _attachment(Response(stream_with_context(read())), row, ref)


@bp.get("/exports/<int:export_id>")
@access(staff(*ROLES))
def fetch(export_id: int) -> Response:
    """An export that the worker made; the journal tells who took it."""
    with unit_of_work(db.session(), wake):
        row, ref = export.fetch(db.session(), export_id, actor=signed_in(), now=request_now())
    assert row.sha256 is not None, "it is made"
    return _attachment(Response(file_store().open_chunks(row.sha256)), row, ref)


def _attachment(response: Response, row: Export, ref: str | None) -> Response:
    response.headers["Content-Type"] = Form(row.form).media_type
    response.headers.set("Content-Disposition", "attachment", filename=export.file_name(row, ref))
    response.headers["Cache-Control"] = "no-store"
    return response
