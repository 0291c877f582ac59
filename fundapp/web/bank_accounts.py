"""The accounts that school boards are paid on: entered by one person, called back and confirmed by another."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from fundapp.domain.days import AMSTERDAM
from fundapp.domain.people import Role
from fundapp.domain.refusal import Kind, Refused
from fundapp.domain.text import Text
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import bank_account, bank_views
from fundapp.services.keyset import PAGE
from fundapp.services.subject import missing
from fundapp.web.access import access, staff
from fundapp.web.bank import only_at_fields
from fundapp.web.finance import READERS
from fundapp.web.forms.bank import AccountForm, ConfirmForm, RefuseForm
from fundapp.web.paging import after, cut
from fundapp.web.session import db, notify, request_now, signed_in, wake

bp = Blueprint("bank_accounts", __name__)


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
                bank_account.enter_account(db.session(), form.entry, actor=signed_in(), now=request_now())
        except Refused as error:
            if error.kind is Kind.NOT_FOUND:
                form.board.errors = [*form.board.errors, _NO_SUCH_BOARD]
            else:
                only_at_fields(form, error)
        else:
            notify(
                Text(
                    "De rekening is ingevuld. Een collega belt het bestuur en bevestigt.",
                    "The account was entered. A colleague calls the board and confirms.",
                )
            )
            return make_response(redirect(url_for("bank_accounts.account_list"), code=303))
    return make_response(_accounts(form), 422)


_NO_SUCH_BOARD = Text(
    "Dit bestuur kennen wij niet. Kijk het nummer na in het register.",
    "We do not know this board. Check its number in the register.",
)


def _accounts(form: AccountForm) -> str:
    actor = signed_in()
    funds = actor.funds(*READERS)
    rows, more = cut(bank_views.accounts(db.session(), funds, waiting=False, before=after()), PAGE)
    return render_template(
        "pages/finance/accounts.html",
        form=form,
        waiting=bank_views.accounts(db.session(), funds, waiting=True),
        rows=rows,
        more=more,
        you=actor.id,
        may_enter=actor.has(Role.FINANCE),
    )


@bp.get("/rekeningen/<int:account_id>/bevestigen")
@access(staff(Role.FINANCE))
def ask_confirmation(account_id: int) -> Response:
    """Show the account that is to be confirmed."""
    form = ConfirmForm()
    if not form.called_on.data:
        form.called_on.data = f"{request_now().astimezone(AMSTERDAM):%d-%m-%Y}"
    return make_response(_confirmation(account_id, form, RefuseForm()))


@bp.post("/rekeningen/<int:account_id>/bevestigen")
@access(staff(Role.FINANCE))
def confirm_account(account_id: int) -> Response:
    """Confirm an account after calling the board back."""
    form = ConfirmForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank_account.confirm_account(db.session(), account_id, form.call, actor=signed_in(), now=request_now())
        except Refused as error:
            only_at_fields(form, error)
        else:
            notify(
                Text(
                    "De rekening is bevestigd. De oude en de nieuwe contactpersoon krijgen bericht.",
                    "The account was confirmed. The old and the new contact are told.",
                )
            )
            return make_response(redirect(url_for("bank_accounts.account_list"), code=303))
    return make_response(_confirmation(account_id, form, RefuseForm(formdata=None)), 422)


@bp.post("/rekeningen/<int:account_id>/weigeren")
@access(staff(Role.FINANCE))
def refuse_account(account_id: int) -> Response:
    """Take an account that is wrong off the list."""
    form = RefuseForm()
    if form.validate():
        try:
            with unit_of_work(db.session(), wake):
                bank_account.refuse_account(
                    db.session(), account_id, form.reason.data or "", actor=signed_in(), now=request_now()
                )
        except Refused as error:
            only_at_fields(form, error)
        else:
            notify(Text("De rekening is niet overgenomen.", "The account was not taken over."))
            return make_response(redirect(url_for("bank_accounts.account_list"), code=303))
    return make_response(_confirmation(account_id, ConfirmForm(formdata=None), form), 422)


def _confirmation(account_id: int, form: ConfirmForm, refusal: RefuseForm) -> str:
    actor = signed_in()
    found = bank_views.accounts(db.session(), actor.funds(Role.FINANCE), waiting=True, account_id=account_id)
    if not found:
        raise Refused(missing())
    return render_template(
        "pages/finance/confirm_account.html",
        account=found[0],
        form=None,
        confirm=form,
        refusal=refusal,
        errors=[(f.id, f.errors[0]) for one in (form, refusal) for f in one if f.errors]
        + [(None, sentence) for one in (form, refusal) for sentence in one.form_errors],
        entered_by_you=found[0].entered_by_id == actor.id,
    )
