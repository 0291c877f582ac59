"""What the acts on a tranche ask: a ceiling, a reason that stays among staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from fundapp.domain.ceiling import Ceiling
from fundapp.domain.text import Text
from fundapp.persistence.ledger import WHOLE_POT
from fundapp.services import ceilings, funds
from fundapp.web.forms import ActionForm, asked
from fundapp.web.forms.review import AmountField
from fundapp.web.session import db

WHOLE = "heel"
"""The whole tranche, as a form says it: a pot's own name for it is nothing."""


def _why(hint: Text) -> TextAreaField:
    return TextAreaField(
        Text("Waarom?", "Why?"),
        [
            DataRequired(Text("Schrijf op waarom.", "Write why.")),
            Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most.")),
        ],
        description=hint,
    )


@asked("staff_reason")
class StaffReasonForm(ActionForm):
    """Why: a reason that stands in the journal and is for staff only."""

    explanation = _why(Text("Dit staat in het logboek.", "This stands in the journal."))

    def given(self) -> Mapping[str, Any]:
        """The reason as `explanation`."""
        return {"explanation": (self.explanation.data or "").strip()}


CEILING = "ceiling"


@asked(CEILING)
class CeilingForm(ActionForm):
    """Another ceiling, for the whole or for one sub-region, and why."""

    template = "pages/tranche/ceiling.html"
    pot = RadioField(
        Text("Welk plafond?", "Which ceiling?"),
        [InputRequired(Text("Kies welk plafond u wijzigt.", "Choose which ceiling you change."))],
    )
    amount = AmountField(
        Text("Nieuw plafond", "New ceiling"),
        [InputRequired(Text("Vul het nieuwe plafond in.", "Enter the new ceiling."))],
        description=Text("In euro's, bijvoorbeeld 30.000,00.", "In euros, for example 30.000,00."),
    )
    explanation = _why(
        Text(
            "Schrijf ook op waar het staat: het besluit en waar u het bekendmaakt.",
            "Also write where it stands: the decision, and where you announce it.",
        )
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Offer the ceilings that there are."""
        spec = funds.spec_of(db.session(), row.fund_version_id)
        self.now: dict[str, tuple[Text, Ceiling]] = {
            pot: (ceilings.pot_name(spec, pot), ceiling) for pot, ceiling in facts.ceilings.items()
        }
        self.pot.choices = [SelectChoice(pot or WHOLE, label) for pot, (label, _) in self.now.items()]
        if len(self.now) == 1:
            self.pot.data = WHOLE
        self.waiting = ceilings.waiting_claims(db.session(), row.id)

    def given(self) -> Mapping[str, Any]:
        """`pot`, `cents`, `explanation`."""
        return {
            "pot": WHOLE_POT if self.pot.data == WHOLE else self.pot.data,
            "cents": self.amount.cents or 0,
            "explanation": (self.explanation.data or "").strip(),
        }
