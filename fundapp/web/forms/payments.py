"""What finance fills in about payments: which go into a batch, which come out of it, and how long one is on hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from fundapp.domain.money import euro
from fundapp.domain.payment_hold import latest_end
from fundapp.domain.sepa import is_bank_day
from fundapp.domain.text import Text, same
from fundapp.services import payment
from fundapp.web.forms import ActionForm, BaseForm, asked
from fundapp.web.session import db

LONG = Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most."))
_DATE = Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025.")


def typed_day(typed: str | None) -> date | None:
    """The date as people type it (14-03-2025), or None where it is not one."""
    parts = (typed or "").strip().replace("/", "-").split("-")
    try:
        first, month, year = (int(part) for part in parts)
        return date(year, month, first)
    except ValueError:
        return None


@asked("payment_batch.approve")
class ApproveForm(ActionForm):
    """The list that the second person saw goes along with the approval."""

    list_hash = HiddenField()

    def given(self) -> Mapping[str, Any]:
        """The hash as `list_hash`."""
        return {"list_hash": self.list_hash.data}


class PrepareForm(BaseForm):
    """Which payments go into a batch, and when the bank pays them. everything: also those on the next pages."""

    instalments = SelectMultipleField(Text("Betalingen", "Payments"), coerce=int, validate_choice=False)
    everything = BooleanField(
        Text("Neem alles mee wat te betalen is, ook op de volgende bladzijden", "Take all that is due, on all pages")
    )
    execution_on = StringField(Text("Wanneer moet de bank betalen?", "When must the bank pay?"), [DataRequired(_DATE)])
    earliest: date = date.min

    def validate_execution_on(self, _field: Any) -> None:
        """A day that has not passed, and on which banks pay."""
        day = self.day
        if day is None:
            raise ValidationError(_DATE)
        if day < self.earliest:
            raise ValidationError(
                Text("Deze dag is voorbij. Kies vandaag of later.", "This day has passed. Choose today or later.")
            )
        if not is_bank_day(day):
            raise ValidationError(
                Text(
                    "Op deze dag betalen banken niet. Kies een werkdag.",
                    "Banks do not pay on this day. Choose a working day.",
                )
            )

    @property
    def day(self) -> date | None:
        """The day of payment, or None where it is not one."""
        return typed_day(self.execution_on.data)


@asked("take_out")
class TakeOutForm(ActionForm):
    """Which payment leaves the batch, and why."""

    order_id = RadioField(
        Text("Welke betaling?", "Which payment?"),
        [DataRequired(Text("Kies een betaling.", "Choose a payment."))],
        coerce=int,
        choices=[],
        validate_choice=False,
    )
    explanation = TextAreaField(Text("Waarom?", "Why?"), [DataRequired(Text("Schrijf op waarom.", "Write why.")), LONG])
    template = "pages/finance/take_out.html"
    choices: tuple[tuple[str, Text], ...] = ()

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002  (as every form)
        """The payments of this batch."""
        self.choices = tuple(
            (str(order.id), same(f"{order.remittance}, {order.name}: {euro(order.cents)}"))
            for order in payment.orders(db.session(), row)
        )

    def given(self) -> Mapping[str, Any]:
        """The payment and the reason."""
        return {"order_id": self.order_id.data, "explanation": (self.explanation.data or "").strip()}


@asked("payment_hold")
class HoldForm(ActionForm):
    """Until when nothing is paid, and why."""

    ends_on = StringField(
        Text("Tot en met welke dag?", "Up to and including which day?"),
        [DataRequired(_DATE)],
    )
    explanation = TextAreaField(
        Text("Waarom?", "Why?"),
        [DataRequired(Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")), LONG],
        description=Text("De school leest dit.", "The school reads this."),
    )
    template = "pages/finance/hold.html"
    latest: date | None = None

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002  (as every form)
        """Say how long it may last."""
        self.latest = latest_end(facts.holds, facts.today, facts.profile)

    def validate_ends_on(self, _field: Any) -> None:
        """A date."""
        if typed_day(self.ends_on.data) is None:
            raise ValidationError(_DATE)

    def given(self) -> Mapping[str, Any]:
        """The day as a date, and the reason."""
        return {"ends_on": typed_day(self.ends_on.data), "explanation": (self.explanation.data or "").strip()}
