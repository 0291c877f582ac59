"""What the acts on a tranche and its free money ask: a ceiling, an offer, a carry-over, a reason among staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from fundapp.domain.ceiling import Ceiling
from fundapp.domain.text import Text
from fundapp.persistence.ledger import WHOLE_POT
from fundapp.services import ceilings, funds
from fundapp.web.forms import ActionForm, BaseForm, asked
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


@asked("ceiling")
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
            pot: (ceilings.pot_name(spec, pot), ceiling) for pot, ceiling in facts.ceilings().items()
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


@asked("offer")
class OfferForm(ActionForm):
    """How much of the free money is offered to somebody on the waiting list."""

    template = "pages/tranche/offer.html"
    amount = AmountField(
        Text("Hoeveel biedt u aan?", "How much do you offer?"),
        [InputRequired(Text("Vul in hoeveel u aanbiedt.", "Enter how much you offer."))],
    )

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """Propose what was advised, or else what is free."""
        if request.method == "GET" and not self.amount.data:
            self.amount.propose(min(facts.advised_cents or facts.grantable, facts.free))

    def given(self) -> Mapping[str, Any]:
        """`amount_cents`."""
        return {"amount_cents": self.amount.cents or 0}


@asked("application.accept_offer")
class AcceptOfferForm(ActionForm):
    """The school sees once more how much it is and until when it stands."""

    template = "pages/tranche/accept_offer.html"


class CarryForm(BaseForm):
    """How much free money goes to which later tranche, and why."""

    amount = AmountField(
        Text("Hoeveel draagt u over?", "How much do you carry over?"),
        [InputRequired(Text("Vul in hoeveel u overdraagt.", "Enter how much you carry over."))],
    )
    target = RadioField(
        Text("Naar welke tranche?", "To which tranche?"),
        [InputRequired(Text("Kies een tranche.", "Choose a tranche."))],
    )
    explanation = _why(
        Text("Dit staat bij de overdracht en in het logboek.", "This stands with it and in the journal.")
    )

    def offer(self, targets: Iterable[tuple[str, str]]) -> None:
        """Offer the tranches (reference, name) that money can go to."""
        self.target.choices = [SelectChoice(ref, f"{ref}, {name}") for ref, name in targets]
