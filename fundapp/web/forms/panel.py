"""The forms of the panel: planning a meeting, and the advice on one item of its agenda."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from fundapp.domain.days import AMSTERDAM, parse_day
from fundapp.domain.money import plain_euro
from fundapp.domain.refusal import Refused
from fundapp.domain.rejection import Ending
from fundapp.domain.text import Text
from fundapp.services.meeting import KEPT
from fundapp.web.forms import ActionForm, BaseForm
from fundapp.web.forms.review import AmountField, ReasonsField, explanation


class PlanForm(BaseForm):
    """When and where the panel meets, on which round."""

    tranche = SelectField(Text("Over welke ronde?", "On which round?"), choices=[])
    day = StringField(
        Text("Op welke dag?", "On which day?"),
        [DataRequired(Text("Vul de dag in, zoals 14-03-2025.", "Enter the day, such as 14-03-2025."))],
        description=Text("Bijvoorbeeld 14-03-2025.", "For example 14-03-2025."),
    )
    at = StringField(
        Text("Hoe laat?", "At what time?"),
        [DataRequired(Text("Vul de tijd in, zoals 13.30.", "Enter the time, such as 13.30."))],
        description=Text("Bijvoorbeeld 13.30.", "For example 13.30."),
    )
    place = StringField(
        Text("Waar?", "Where?"),
        [Length(max=200, message=Text("Schrijf hoogstens 200 tekens.", "Write 200 characters at most."))],
    )
    held_at: datetime | None = None

    def validate_day(self, field: Any) -> None:
        """Raise ValidationError for what is no day."""
        try:
            self._day = parse_day(field.data or "", field="day")
        except Refused as refused:
            raise ValidationError(refused.refusals[0].sentence) from refused

    def validate_at(self, field: Any) -> None:
        """Raise ValidationError for what is no time; both "13.30" and "13:30" will do."""
        hours, _, minutes = (field.data or "").strip().replace(":", ".").partition(".")
        try:
            clock = time(int(hours), int(minutes or "0"))
        except ValueError as error:
            raise ValidationError(Text("Vul een tijd in, zoals 13.30.", "Enter a time, such as 13.30.")) from error
        if (day := getattr(self, "_day", None)) is not None:
            self.held_at = datetime.combine(day, clock, AMSTERDAM)


class ItemForm(ActionForm):
    """What the panel advises on one application, or that it is kept for a later meeting."""

    outcome = RadioField(
        Text("Wat adviseert de commissie?", "What does the panel advise?"),
        [InputRequired(Text("Kies toekennen, afwijzen of aanhouden.", "Choose award, reject or keep."))],
        choices=[
            SelectChoice("award", Text("Toekennen", "Award")),
            SelectChoice("reject", Text("Afwijzen", "Reject")),
            SelectChoice(KEPT, Text("Aanhouden", "Keep")),
        ],
    )
    amount = AmountField(Text("Hoeveel?", "How much?"))
    reasons = ReasonsField(Ending.REJECTED, Text("Waarom afwijzen?", "Why reject?"))
    conditions = explanation(
        Text("Voorwaarden", "Conditions"),
        Text("Alleen als de commissie extra voorwaarden adviseert.", "Only where the panel advises extra conditions."),
    )
    explanation = explanation(
        Text("Waarom?", "Why?"),
        Text(
            "De stuurgroep leest dit. Het komt in de notulen.", "The steering group reads this. It is in the minutes."
        ),
        needed=Text("Schrijf op waarom.", "Write why."),
    )
    grantable = 0

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """The most that the fund's formula allows."""
        self.grantable = facts.grantable

    def validate_amount(self, field: AmountField) -> None:
        """An advice to award names an amount within the formula. Raises ValidationError."""
        if self.outcome.data != "award":
            return
        if not field.cents:
            raise ValidationError(Text("Vul in hoeveel de commissie adviseert.", "Enter how much the panel advises."))
        if field.cents > self.grantable:
            raise ValidationError(
                Text(
                    "Volgens de regels van het fonds kan hoogstens € {most}. Vul een lager bedrag in.",
                    "The fund's rules allow € {most} at most. Enter a lower amount.",
                ).fill(most=plain_euro(self.grantable))
            )

    def validate_reasons(self, field: ReasonsField) -> None:
        """An advice to reject names a reason. Raises ValidationError."""
        if self.outcome.data == "reject" and not field.data:
            raise ValidationError(Text("Kies minstens één reden.", "Choose at least one reason."))

    def given(self) -> Mapping[str, Any]:
        """`outcome`, `amount_cents`, `scores` (the readers gave theirs), `reasons`, `conditions`, `explanation`."""
        award = self.outcome.data == "award"
        return {
            "outcome": self.outcome.data,
            "amount_cents": (self.amount.cents or 0) if award else 0,
            "scores": {},
            "reasons": list(self.reasons.data or []) if self.outcome.data == "reject" else [],
            "conditions": (self.conditions.data or "").strip() if award else "",
            "explanation": (self.explanation.data or "").strip(),
        }


class ClosingForm(BaseForm):
    """What else was discussed."""

    remarks = TextAreaField(
        Text("Wat is er verder besproken?", "What else was discussed?"),
        [Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most."))],
        description=Text("Dit komt in de notulen.", "This is in the minutes."),
    )
