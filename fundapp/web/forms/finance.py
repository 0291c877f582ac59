"""What finance and the coordinator fill in."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.text import Text
from fundapp.web.forms import BaseForm


class EvaluationForm(BaseForm):
    """What a tranche achieved."""

    evaluation = TextAreaField(
        Text("Wat leverde deze ronde op?", "What did this round achieve?"),
        [
            DataRequired(Text("Schrijf op wat de tranche opleverde.", "Write what the tranche achieved.")),
            Length(max=20_000, message=Text("Schrijf hoogstens 20.000 tekens.", "Write 20,000 characters at most.")),
        ],
        description=Text(
            "Iedereen kan dit lezen. Noem geen namen, adressen of telefoonnummers van mensen.",
            "Everybody can read this. Give no names, addresses or telephone numbers of people.",
        ),
    )
