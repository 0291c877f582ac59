"""Paying: batches that two people make, statements of the bank, accounts of boards."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.payment import FLOW, State
from fundapp.domain.people import Actor, Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.text import Text
from fundapp.persistence.payment import BankStatement, PaymentBatch
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import bank, bank_account, payment, payment_views
from fundapp.services.bank_gaps import gaps
from fundapp.services.payment_views import PAGE
from fundapp.services.subject import missing
from fundapp.web.access import access, case, staff
from fundapp.web.actions import actions_on, page_of
from fundapp.web.errors import STATUS, form_errors
from fundapp.web.finance import READERS, show_worklist
from fundapp.web.forms import BaseForm
from fundapp.web.forms.finance import AccountForm, ConfirmForm, MatchForm, NotOursForm, PrepareForm, StatementForm
from fundapp.web.paging import after, case_for, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("payments", __name__)

_STEPS = (
    (State.PREPARED, Text("Klaargezet", "Prepared")),
    (State.APPROVED, Text("Akkoord", "Approved")),
    (State.SENT, Text("Naar de bank", "At the bank")),
    (State.BOOKED, Text("Verwerkt", "Booked")),
)


@page_of("payment_batch")
def _page_of(ref: str, _actor: Actor) -> str:
    return f"/betaalruns/{ref}"


# --- batches ----------------------------------------------------------------------------------------------------------


@bp.get("/betaalruns")
@access(staff(*READERS))
def batch_list() -> Response:
    """All batches, the newest first."""
    rows, more = cut(payment_views.batches(db.session(), before=after()), PAGE)
    return make_response(render_template("pages/finance/batches.html", rows=rows, more=more))


@bp.post("/betaalruns")
@access(staff(Role.FINANCE))
def prepare() -> Response:
    """Make a batch of the payments that were picked."""
    form = PrepareForm()
    form.earliest = request_now().astimezone(AMSTERDAM).date()
    day = form.day
    if not form.validate() or day is None:
        return make_response(show_worklist(form), 422)
    try:
        with unit_of_work(db.session(), wake):
            batch = payment.prepare(
                db.session(), form.instalments.data or [], actor=signed_in(), now=request_now(), execution_on=day
            )
    except Refused as error:
        form_errors(form, error)
        return make_response(show_worklist(form), STATUS[error.kind])
    notify(
        Text(
            "Betaalrun {ref} staat klaar. Een collega van financiën geeft akkoord.",
            "Payment batch {ref} is ready. A colleague of finance approves it.",
        ).fill(ref=batch.ref)
    )
    return make_response(redirect(f"/betaalruns/{batch.ref}", code=303))


@bp.get("/betaalruns/<ref>")
@access(case("payment_batch"))
def batch(ref: str) -> Response:  # noqa: ARG001  (the case is loaded by its rule)
    """A batch as the second person must check it."""
    found = case_for(*READERS)
    row, facts = found.row, found.facts
    lines = payment_views.batch_orders(db.session(), row.id)
    people = payment_views.names(db.session(), row.prepared_by_id, row.approved_by_id)
    actions = actions_on(found)
    approve = next((a for a in actions if a.name == "approve" and a.open), None)
    return make_response(
        render_template(
            "pages/finance/batch.html",
            batch=row,
            facts=facts,
            look=FLOW.look(row.state),
            steps=_steps(row.state),
            lines=lines,
            totals=payment_views.per_tranche(lines),
            prepared_by=people.get(row.prepared_by_id, ""),
            approved_by=people.get(row.approved_by_id or 0, ""),
            prepared_by_you=row.prepared_by_id == signed_in().id,
            approve=approve,
            actions=[a for a in actions if a is not approve],
            has_file=_has_file(row),
        )
    )


def _steps(state: str) -> list[dict[str, Any]]:
    order = [step for step, _ in _STEPS]
    at = order.index(State(state)) if state in order else -1
    last = len(order) - 1
    return [
        {"label": label, "state": "done" if n < at or n == at == last else "now" if n == at else "next"}
        for n, (_, label) in enumerate(_STEPS)
    ]


def _has_file(row: PaymentBatch) -> bool:
    """Whether there is a file that may go to the bank."""
    return row.file_content is not None and row.state != State.CANCELLED


@bp.get("/betaalruns/<ref>/bestand")
@access(case("payment_batch"))
def batch_file(ref: str) -> Response:
    """The file for the bank: the very bytes that were approved."""
    row = case_for(Role.FINANCE).row
    if not _has_file(row):
        raise Refused(missing())
    response = make_response(bytes(row.file_content))
    response.headers["Content-Type"] = "application/xml"
    response.headers["Content-Disposition"] = f'attachment; filename="{ref}.xml"'
    response.headers["Cache-Control"] = "no-store"
    return response


# --- statements -------------------------------------------------------------------------------------------------------


@bp.get("/bankafschriften")
@access(staff(*READERS))
def statement_list() -> Response:
    """What the bank told us, and the lines that belong to nothing yet."""
    return make_response(_statements(StatementForm()))


@bp.post("/bankafschriften")
@access(staff(Role.FINANCE))
def read_statement() -> Response:
    """Read a statement and book what it says."""
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
        notify(Text("Dit afschrift was al ingelezen. Er is niets veranderd.", "Read before. Nothing changed."), "info")
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
    rows, more = cut(payment_views.statements(db.session(), before=after()), PAGE)
    return render_template(
        "pages/finance/statements.html",
        form=form,
        rows=rows,
        more=more,
        unmatched=payment_views.bank_lines(db.session(), unmatched=True),
        gaps=gaps(db.session()),
        may_read=signed_in().has(Role.FINANCE),
    )


@bp.get("/bankafschriften/<int:statement_id>")
@access(staff(*READERS))
def statement(statement_id: int) -> Response:
    """The lines of one statement and what they were matched with."""
    row = db.session.scalar(select(BankStatement).where(BankStatement.id == statement_id))
    if row is None:
        raise Refused(missing())
    lines = payment_views.bank_lines(db.session(), statement_id=statement_id)
    shown = payment_views.in_fours(row.account)
    return make_response(render_template("pages/finance/statement.html", statement=row, account=shown, lines=lines))


@bp.get("/bankafschriften/regels/<int:line_id>")
@access(staff(*READERS))
def bank_line(line_id: int) -> Response:
    """One line that belongs to nothing yet: why, and what can be done."""
    return make_response(_bank_line(line_id, MatchForm(prefix=""), NotOursForm()))


@bp.post("/bankafschriften/regels/<int:line_id>/koppelen")
@access(staff(Role.FINANCE))
def match_line(line_id: int) -> Response:
    """Match a line by hand."""
    form = MatchForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank.match_by_hand(db.session(), line_id, to=form.to.data or "", actor=signed_in(), now=request_now())
        except Refused as error:
            _only_at_fields(form, error)
        else:
            notify(Text("De bankregel is gekoppeld.", "The bank line was matched."))
            return make_response(redirect("/bankafschriften", code=303))
    return make_response(_bank_line(line_id, form, NotOursForm(formdata=None)), 422)


@bp.post("/bankafschriften/regels/<int:line_id>/hoort-er-niet-bij")
@access(staff(Role.FINANCE))
def not_ours(line_id: int) -> Response:
    """Say that a line has nothing to do with the funds."""
    form = NotOursForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank.mark_not_ours(
                    db.session(), line_id, reason=form.reason.data or "", actor=signed_in(), now=request_now()
                )
        except Refused as error:
            _only_at_fields(form, error)
        else:
            notify(Text("Opgeslagen: deze regel hoort er niet bij.", "Saved: this line is not ours."))
            return make_response(redirect("/bankafschriften", code=303))
    return make_response(_bank_line(line_id, MatchForm(formdata=None), form), 422)


def _bank_line(line_id: int, match_form: MatchForm, not_ours_form: NotOursForm) -> str:
    found = payment_views.bank_lines(db.session(), line_id=line_id)
    if not found:
        raise Refused(missing())
    return render_template(
        "pages/finance/bank_line.html",
        line=found[0],
        why=bank.why_open(db.session(), line_id) if found[0].matched_as is None else None,
        match_form=match_form,
        not_ours_form=not_ours_form,
        errors=[(f.id, f.errors[0]) for form in (match_form, not_ours_form) for f in form if f.errors]
        + [(None, sentence) for form in (match_form, not_ours_form) for sentence in form.form_errors],
        may_judge=signed_in().has(Role.FINANCE),
    )


def _only_at_fields(form: BaseForm, error: Refused) -> None:
    """Tell what can be mended at its field; anything else is a page of its own."""
    if error.kind in (Kind.FORBIDDEN, Kind.NOT_FOUND):
        raise error
    form_errors(form, error)


# --- accounts of boards -----------------------------------------------------------------------------------------------


@bp.get("/rekeningen")
@access(staff(*READERS))
def account_list() -> Response:
    """The accounts that boards are paid on, and those that wait for a second person."""
    return make_response(_accounts(AccountForm()))


@bp.post("/rekeningen")
@access(staff(Role.FINANCE))
def enter_account() -> Response:
    """Enter an account, to be confirmed by somebody else."""
    form = AccountForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank_account.enter_account(
                    db.session(),
                    (form.board.data or "").strip(),
                    form.iban.data or "",
                    form.holder.data or "",
                    actor=signed_in(),
                    now=request_now(),
                )
        except Refused as error:
            if error.kind is Kind.NOT_FOUND:
                form.board.errors = [*form.board.errors, _NO_SUCH_BOARD]
            else:
                _only_at_fields(form, error)
        else:
            notify(
                Text(
                    "De rekening is ingevuld. Een collega belt het bestuur en bevestigt.",
                    "The account was entered. A colleague calls the board and confirms.",
                )
            )
            return make_response(redirect("/rekeningen", code=303))
    return make_response(_accounts(form), 422)


_NO_SUCH_BOARD = Text(
    "Dit bestuur kennen wij niet. Kijk het nummer na in het register.",
    "We do not know this board. Check its number in the register.",
)


def _accounts(form: AccountForm) -> str:
    rows, more = cut(payment_views.accounts(db.session(), waiting=False, before=after()), PAGE)
    actor = signed_in()
    return render_template(
        "pages/finance/accounts.html",
        form=form,
        waiting=payment_views.accounts(db.session(), waiting=True),
        rows=rows,
        more=more,
        you=actor.id,
        may_enter=actor.has(Role.FINANCE),
    )


@bp.get("/rekeningen/<int:account_id>/bevestigen")
@access(staff(Role.FINANCE))
def ask_confirmation(account_id: int) -> Response:
    """Show the account that is to be confirmed."""
    return make_response(_confirmation(account_id, ConfirmForm()))


@bp.post("/rekeningen/<int:account_id>/bevestigen")
@access(staff(Role.FINANCE))
def confirm_account(account_id: int) -> Response:
    """Confirm an account after calling the board back."""
    form = ConfirmForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank_account.confirm_account(db.session(), account_id, actor=signed_in(), now=request_now())
        except Refused as error:
            _only_at_fields(form, error)
        else:
            notify(Text("De rekening is bevestigd.", "The account was confirmed."))
            return make_response(redirect(url_for("payments.account_list"), code=303))
    return make_response(_confirmation(account_id, form), 422)


def _confirmation(account_id: int, form: ConfirmForm) -> str:
    found = payment_views.accounts(db.session(), waiting=True, account_id=account_id)
    if not found:
        raise Refused(missing())
    you = found[0].entered_by_id == signed_in().id
    return render_template("pages/finance/confirm_account.html", account=found[0], form=form, entered_by_you=you)
