"""Statements of the bank: reading them, and saying what a line is that fits nothing.

There is one account for all funds, so these pages are for who pays for the whole programme, and for its coordinator.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy import select

from fundapp.domain.bank_line import Category, needs_two
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.payment import BankStatement
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import bank, bank_resolve, bank_views
from fundapp.services.bank_gaps import gaps
from fundapp.services.keyset import PAGE
from fundapp.services.payment_views import in_fours
from fundapp.services.subject import missing
from fundapp.web.access import access, staff
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.finance import READERS
from fundapp.web.forms import BaseForm
from fundapp.web.forms.bank import ResolveForm, StatementForm
from fundapp.web.paging import after, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("bank", __name__)


@bp.app_template_global("whole_programme")
def whole_programme() -> bool:
    """Whether the person of this request works for all funds, so that the bank account is theirs to see."""
    return signed_in().funds(*READERS) is None


def _whole_programme() -> None:
    """Raises Refused(FORBIDDEN) for who works for some funds only."""
    if not whole_programme():
        raise Refused(Refusal("not_for_you", _WHOLE, kind=Kind.FORBIDDEN))


_WHOLE = Text(
    "De bankrekening is van alle fondsen samen. Vraag iemand die voor het hele programma werkt.",
    "The bank account is that of all funds together. Ask somebody who works for the whole programme.",
)


# --- statements -------------------------------------------------------------------------------------------------------


@bp.get("/bankafschriften")
@access(staff(*READERS))
def statement_list() -> Response:
    """What the bank told us, and the lines that belong to nothing yet."""
    _whole_programme()
    return make_response(_statements(StatementForm()))


@bp.post("/bankafschriften")
@access(staff(Role.FINANCE))
def read_statement() -> Response:
    """Read a statement and book what it says."""
    _whole_programme()
    form = StatementForm()
    content = request.files["statement"].read() if "statement" in request.files else b""
    if not content:
        form.statement.errors = [Text("Kies een bestand van de bank.", "Choose a file of the bank.")]
        return make_response(_statements(form), 422)
    try:
        with unit_of_work(db.session(), wake):
            result = bank.import_statement(db.session(), content, actor=signed_in(), now=request_now())
    except Refused as error:
        form_errors(form, error)
        return make_response(_statements(form), STATUS[error.kind])
    if not result.lines:
        notify(Text("Dit was al ingelezen. Er is niets veranderd.", "Read before. Nothing changed."), "info")
        return make_response(redirect("/bankafschriften", code=303))
    notify(
        Text(
            "Ingelezen: {n} regels. Gekoppeld: {matched}. Nog te bekijken: {open}.",
            "Read: {n} lines. Matched: {matched}. Still to look at: {open}.",
        ).fill(n=len(result.lines), matched=len(result.lines) - len(result.unmatched), open=len(result.unmatched)),
        "warning" if result.unmatched else "success",
    )
    return make_response(redirect("/bankafschriften", code=303))


def _statements(form: StatementForm) -> str:
    rows, more = cut(bank_views.statements(db.session(), before=after()), PAGE)
    unmatched = bank_views.bank_lines(db.session(), unmatched=True)
    return render_template(
        "pages/finance/statements.html",
        form=form,
        rows=rows,
        more=more,
        unmatched=unmatched[: bank_views.LINES],
        many=len(unmatched) > bank_views.LINES,
        gaps=gaps(db.session()),
        may_read=signed_in().has(Role.FINANCE),
    )


@bp.get("/bankafschriften/<int:statement_id>")
@access(staff(*READERS))
def statement(statement_id: int) -> Response:
    """The lines of one statement and what they were matched with."""
    _whole_programme()
    row = db.session.scalar(select(BankStatement).where(BankStatement.id == statement_id))
    if row is None:
        raise Refused(missing())
    found = bank_views.bank_lines(db.session(), statement_id=statement_id, after=after())
    lines, more = cut(found, bank_views.LINES)
    page = render_template(
        "pages/finance/statement.html", statement=row, account=in_fours(row.account), lines=lines, more=more
    )
    return make_response(page)


# --- a line that fits nothing -----------------------------------------------------------------------------------------


@bp.get("/bankafschriften/regels/<int:line_id>")
@access(staff(*READERS))
def bank_line(line_id: int) -> Response:
    """One line that belongs to nothing yet: why, and what can be done."""
    _whole_programme()
    return make_response(_bank_line(line_id, ResolveForm()))


@bp.post("/bankafschriften/regels/<int:line_id>")
@access(staff(Role.FINANCE))
def propose(line_id: int) -> Response:
    """Say what a line is."""
    _whole_programme()
    form = ResolveForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                row = bank_resolve.propose(db.session(), line_id, form.proposal, actor=signed_in(), now=request_now())
        except Refused as error:
            only_at_fields(form, error)
        else:
            notify(_WAITS if row.two_people else _DONE, "info" if row.two_people else "success")
            return make_response(redirect("/bankafschriften", code=303))
    return make_response(_bank_line(line_id, form), 422)


_WAITS = Text(
    "Uw voorstel is opgeslagen. Een collega van financiën geeft akkoord.",
    "Your proposal was saved. A colleague of finance agrees to it.",
)
_DONE = Text("De bankregel is verwerkt.", "The bank line was dealt with.")


@bp.post("/bankafschriften/regels/<int:line_id>/besluit")
@access(staff(Role.FINANCE))
def decide(line_id: int) -> Response:
    """Agree with what a colleague proposed, or not."""
    _whole_programme()
    form = BaseForm()
    accept = request.form.get("do") == "accept"
    given = request.form.get("resolution", "")
    try:
        with unit_of_work(db.session(), wake):
            bank_resolve.decide(
                db.session(),
                int(given) if given.isdecimal() and len(given) < 19 else 0,
                accept=accept,
                actor=signed_in(),
                now=request_now(),
            )
    except Refused as error:
        only_at_fields(form, error)
        return make_response(_bank_line(line_id, ResolveForm(formdata=None), form), STATUS[error.kind])
    notify(_DONE if accept else Text("Het voorstel is afgewezen.", "The proposal was refused."))
    return make_response(redirect("/bankafschriften" if accept else f"/bankafschriften/regels/{line_id}", code=303))


def _bank_line(line_id: int, form: ResolveForm, decision: BaseForm | None = None) -> str:
    found = bank_views.bank_lines(db.session(), line_id=line_id)
    if not found:
        raise Refused(missing())
    line = found[0]
    you = signed_in()
    return render_template(
        "pages/finance/bank_line.html",
        line=line,
        why=bank_resolve.why_open(db.session(), line_id) if line.matched_as is None and not line.waits else None,
        form=form if decision is None else None,
        resolve=form,
        errors=decision.form_errors if decision else None,
        categories=[(c, c.label, c.hint, needs_two(c, line.cents)) for c in Category],
        batch_orders=bank_views.pending_orders(db.session(), line.text) if line.cents < 0 and not line.waits else [],
        chosen=set(request.form.getlist("order_ids")),
        may_judge=you.has(Role.FINANCE),
        proposed_by_you=line.proposed_by_id == you.id,
    )


def only_at_fields(form: BaseForm, error: Refused) -> None:
    """Tell what can be mended at its field; anything else is a page of its own."""
    if error.kind in (Kind.FORBIDDEN, Kind.NOT_FOUND):
        raise error
    form_errors(form, error)
