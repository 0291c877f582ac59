"""What finance fills in about the bank: statements, lines that fit nothing, accounts of boards."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import request
from wtforms import BooleanField, FileField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from fundapp.domain.bank_line import Category
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.text import Text
from fundapp.services.bank_account import Call, Entry
from fundapp.services.bank_resolve import Proposal
from fundapp.web.forms import BaseForm
from fundapp.web.forms.payments import LONG, typed_day

_A_LINE = Length(max=200, message=Text("Schrijf hoogstens 200 tekens.", "Write 200 characters at most."))


class StatementForm(BaseForm):
    """A bank statement."""

    statement = FileField(
        Text("Afschrift van de bank", "Bank statement"),
        description=Text(
            "Een bestand camt.053 (xml), zoals u het bij de bank ophaalt.",
            "A camt.053 file (xml), as the bank gives it.",
        ),
    )


class ResolveForm(BaseForm):
    """What a line of the bank is: a category, and what belongs to it."""

    category = RadioField(
        Text("Wat is dit?", "What is this?"),
        [DataRequired(Text("Kies wat het is.", "Choose what it is."))],
        choices=[],
        validate_choice=False,
    )
    reference = StringField(
        Text("Kenmerk", "Reference"),
        [_A_LINE],
        description=Text(
            "Bij een betaling of terugbetaling: van een terugvordering (TV-…), een betaalrun (BR-…) of één betaling.",
            "For a payment or repayment: of a recovery (TV-…), a batch (BR-…) or one payment.",
        ),
    )
    explanation = TextAreaField(Text("Uitleg", "Explanation"), [LONG])

    def validate_category(self, field: Any) -> None:
        """One of the categories."""
        if field.data not in set(Category):
            raise ValidationError(Text("Kies wat het is.", "Choose what it is."))

    @property
    def proposal(self) -> Proposal:
        """What was filled in."""
        orders = tuple(int(given) for given in request.form.getlist("order_ids") if given.isdecimal())
        category = Category(self.category.data)
        return Proposal(category, self.reference.data or "", orders, self.explanation.data or "")


class AccountForm(BaseForm):
    """The account of a board."""

    board = StringField(
        Text("Bestuursnummer", "Board number"),
        [
            DataRequired(Text("Vul het bestuursnummer in, zoals 99990.", "Enter the board number, such as 99990.")),
            _A_LINE,
        ],
        description=Text("Vijf cijfers, zoals in het register.", "Five digits, as in the register."),
    )
    iban = StringField(
        Text("IBAN", "IBAN"),
        [DataRequired(Text("Vul het rekeningnummer in.", "Enter the account number.")), _A_LINE],
    )
    holder = StringField(
        Text("Op naam van", "Account holder"),
        [DataRequired(Text("Vul in op welke naam de rekening staat.", "Enter the account holder.")), _A_LINE],
    )
    sepa_name = StringField(
        Text("Schrijfwijze voor de bank", "Spelling for the bank"),
        [_A_LINE],
        description=Text(
            "Alleen als de naam tekens heeft die een betaalbestand niet kent, zoals é.",
            "Only where the name has signs that a payment file does not know, such as é.",
        ),
    )
    contact_name = StringField(
        Text("Wie van het bestuur gaf dit door?", "Who of the board told you?"),
        [DataRequired(Text("Vul een naam in.", "Enter a name.")), _A_LINE],
    )
    contact_email = StringField(
        Text("E-mailadres van die persoon", "E-mail address of that person"),
        [DataRequired(Text("Vul een e-mailadres in, zoals naam@school.nl.", "Enter an e-mail address.")), _A_LINE],
        description=Text(
            "Deze persoon krijgt bericht als de rekening verandert.", "This person is told when the account changes."
        ),
    )

    @property
    def entry(self) -> Entry:
        """What was filled in."""
        return Entry(
            board_number=(self.board.data or "").strip(),
            iban=self.iban.data or "",
            holder=self.holder.data or "",
            sepa_name=self.sepa_name.data or "",
            contact_name=self.contact_name.data or "",
            contact_email=self.contact_email.data or "",
        )


class ConfirmForm(BaseForm):
    """That somebody called the board back: whom, on which number, when."""

    called_name = StringField(
        Text("Wie hebt u gesproken?", "Whom did you speak to?"),
        [DataRequired(Text("Vul in wie u hebt gesproken.", "Enter whom you spoke to.")), _A_LINE],
    )
    called_number = StringField(
        Text("Op welk nummer hebt u gebeld?", "Which number did you call?"),
        [DataRequired(Text("Vul het telefoonnummer in, zoals 0118 123 456.", "Enter the telephone number.")), _A_LINE],
        description=Text(
            "Een nummer dat u al had, en niet uit de mail over de rekening.",
            "A number that you had already, and not from the mail about the account.",
        ),
    )
    called_on = StringField(
        Text("Op welke dag?", "On which day?"),
        [DataRequired(Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025."))],
    )
    called_at = StringField(
        Text("Hoe laat?", "At what time?"),
        [DataRequired(Text("Vul een tijd in, zoals 14.30.", "Enter a time, such as 14:30."))],
    )
    called_back = BooleanField(
        Text(
            "Ik heb het bestuur zelf gebeld. Naam en rekening kloppen.",
            "I called the board myself. Name and account are right.",
        ),
        [
            DataRequired(
                Text(
                    "Bel het bestuur op een nummer dat u al had. Zet dan het vinkje.",
                    "Call the board on a number that you had already. Then tick the box.",
                )
            )
        ],
    )

    def validate_called_on(self, field: Any) -> None:
        """A date."""
        if typed_day(field.data) is None:
            raise ValidationError(Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025."))

    def validate_called_at(self, field: Any) -> None:
        """A time."""
        if _time(field.data) is None:
            raise ValidationError(Text("Vul een tijd in, zoals 14.30.", "Enter a time, such as 14:30."))

    @property
    def call(self) -> Call:
        """What was filled in. Only after `validate`."""
        day, time = typed_day(self.called_on.data), _time(self.called_at.data)
        assert day is not None
        assert time is not None
        at = datetime(day.year, day.month, day.day, *time, tzinfo=AMSTERDAM)
        return Call(self.called_name.data or "", self.called_number.data or "", at)


def _time(typed: str | None) -> tuple[int, int] | None:
    found = re.fullmatch(r"([01]?\d|2[0-3])[.:]([0-5]\d)", (typed or "").strip())
    return (int(found[1]), int(found[2])) if found else None


class RefuseForm(BaseForm):
    """Why something is not right."""

    reason = TextAreaField(
        Text("Waarom niet?", "Why not?"), [DataRequired(Text("Schrijf op waarom.", "Write why.")), LONG]
    )
