"""Which entries somebody exports, and as what."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from fundapp.domain.export import Form
from fundapp.domain.text import Text
from fundapp.services.export import Choice
from fundapp.web.forms import BaseForm

_A_DAY = Text("Vul een datum in, zoals 14-03-2025, of laat het leeg.", "Enter a date, such as 14-03-2025, or leave it.")


def _day(typed: str | None) -> date | None:
    """The day that was typed (14-03-2025); None for nothing. Raises ValueError."""
    text = (typed or "").strip().replace("/", "-")
    if not text:
        return None
    first, month, year = (int(part) for part in text.split("-"))
    return date(year, month, first)


class ExportForm(BaseForm):
    """What, as what, from when to when."""

    what = SelectField(Text("Wat wilt u exporteren?", "What do you want to export?"), validators=[InputRequired()])
    form = RadioField(
        Text("Als welk bestand?", "As what kind of file?"),
        [InputRequired(Text("Kies een soort bestand.", "Choose a kind of file."))],
        choices=[SelectChoice(str(form), form.label) for form in Form],
        default=str(Form.XLSX),
    )
    first_on = StringField(Text("Vanaf", "From"))
    last_on = StringField(Text("Tot en met", "Up to and including"))

    def offer(self, choices: list[Choice]) -> None:
        """Offer what this person may export."""
        self.known = {choice.name: choice for choice in choices}
        self.what.choices = [SelectChoice(choice.name, choice.label) for choice in choices]

    def validate_first_on(self, field: Any) -> None:
        """A day, or nothing."""
        self._check(field)

    def validate_last_on(self, field: Any) -> None:
        """A day, or nothing."""
        self._check(field)

    def _check(self, field: Any) -> None:
        try:
            _day(field.data)
        except ValueError as error:
            raise ValidationError(_A_DAY) from error

    @property
    def chosen(self) -> Choice:
        """What was chosen."""
        return self.known[self.what.data]

    @property
    def period(self) -> tuple[date | None, date | None]:
        """The first and the last day; None: no bound."""
        return _day(self.first_on.data), _day(self.last_on.data)
