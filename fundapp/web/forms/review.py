"""What the acts of intake, advice and decision ask: completion, refusal, advice, award, rejection.

Each form gets ready for its case first: it reads what its page shows, proposes amounts and reasons, and refuses whoever
the content is closed to (`services.interest`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from flask import g, request
from wtforms import RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.form import BaseForm as Binding
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from fundapp.domain.completion import parts, proposed
from fundapp.domain.days import day_text
from fundapp.domain.decision_term import extensions
from fundapp.domain.money import parse_euro, plain_euro
from fundapp.domain.refusal import Refused
from fundapp.domain.rejection import REASONS, Ending
from fundapp.domain.text import Text, same
from fundapp.services import funds, interest, review_case, terms
from fundapp.services.review_case import CaseView, reasons_of
from fundapp.web.forms import ActionForm, asked
from fundapp.web.session import db

_LONGEST = Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most."))


def explanation(label: Text, hint: Text | None = None, *, needed: Text | None = None) -> TextAreaField:
    """A text that explains; needed: the sentence where it is missing, None where it may be empty."""
    first = DataRequired(needed) if needed else Optional()
    return TextAreaField(label, [first, _LONGEST], description=hint or "")


class AmountField(StringField):  # type: ignore[misc]  # WTForms has no types
    """An amount in euro, kept as typed; `cents` is what it says, None while it says nothing."""

    cents: int | None = None

    def propose(self, cents: int) -> None:
        """Fill in an amount that nobody typed yet."""
        if cents > 0:
            self.data = plain_euro(cents)

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002
        """Raise ValidationError with the sentence of `money.parse_euro`."""
        typed = (self.data or "").strip()
        self.cents = None
        if not typed:
            return
        try:
            self.cents = parse_euro(typed, field=self.name)
        except Refused as refused:
            raise ValidationError(refused.refusals[0].sentence) from refused


class ReasonsField(SelectMultipleField):  # type: ignore[misc]  # as above
    """One or more reasons with one ending, by their codes; their sentences stand in the letter."""

    def __init__(self, ending: Ending, label: Text, validators: Any = (), **more: Any) -> None:
        choices = [
            SelectChoice(str(code), REASONS[code].label, {"hint": REASONS[code].sentence})
            for code in reasons_of(ending)
        ]
        super().__init__(label, validators, choices=choices, **more)


class ReviewForm(ActionForm):
    """A form on a page that shows the case beside it."""

    template = "pages/review/form.html"

    def prepare(self, row: Any, facts: Any) -> None:
        """Get ready for a case. Raises Refused where the content is closed to this person."""
        interest.require(interest.known(row, facts))
        self.row = row
        if self.fresh_page:
            self.propose(row, facts)

    @cached_property
    def case(self) -> CaseView:
        """What the page shows: not loaded for a form that was sent and is right."""
        return review_case.load(db.session(), self.row)

    def propose(self, row: Any, facts: Any) -> None:
        """Fill in what can be known beforehand. Nothing by default."""

    @property
    def fresh_page(self) -> bool:
        """Whether nobody typed anything yet."""
        return request.method == "GET" and g.get("returned") is None

    def text_of(self, name: str) -> str:
        """A text that was filled in, without spaces around it."""
        return (self[name].data or "").strip()


@asked("completion")
class CompletionForm(ReviewForm):
    """What the school must complete."""

    template = "pages/review/completion.html"
    explanation = explanation(
        Text("Wat moet de school aanvullen?", "What must the school complete?"),
        Text("De school leest dit. Schrijf per punt op wat er ontbreekt.", "The school reads this. Name each point."),
        needed=Text("Schrijf op wat de school moet aanvullen.", "Write what the school must complete."),
    )
    fields = SelectMultipleField(
        Text("Wat mag de school aanpassen?", "What may the school change?"),
        [
            DataRequired(
                Text(
                    "Kies minstens één onderdeel dat de school mag aanpassen.",
                    "Choose at least one part that the school may change.",
                )
            )
        ],
        description=Text(
            "De rest van de aanvraag blijft zoals hij is. Ook de server weigert al het andere.",
            "The rest of the application stays as it is. The server refuses everything else.",
        ),
        choices=[],
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Offer the parts of this application."""
        spec = funds.spec_of(db.session(), row.fund_version_id)
        self.fields.choices = [SelectChoice(part.key, part.label) for part in parts(spec)]
        super().prepare(row, facts)

    @property
    def groups(self) -> list[tuple[Text, list[tuple[str, Text]]]]:
        """The parts, page by page: the title of the page, and its parts by key."""
        every = parts(self.case.spec)
        found = [
            (section.title, [(part.key, part.label) for part in every if part.section == section.key])
            for section in self.case.spec.form.sections
        ]
        return [(title, inside) for title, inside in found if inside]

    def propose(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """Name what is not met, each with what would help, and open what these conditions look at."""
        unmet = self.case.not_met
        self.explanation.data = "\n".join(f"- {c.sentence.nl} {c.what_would_help.nl}" for c in unmet)
        self.fields.data = list(proposed(self.case.spec, {c.code for c in unmet}))

    def given(self) -> Mapping[str, Any]:
        """`explanation`, `fields`."""
        return {"explanation": self.text_of("explanation"), "fields": list(self.fields.data or [])}


@asked("refusal")
class RefusalForm(ReviewForm):
    """Why an application is not considered: there is one reason that the law knows."""

    template = "pages/review/refusal.html"
    explanation = explanation(
        Text("Wat ontbreekt er nog?", "What is still missing?"),
        Text("De school leest dit in de brief.", "The school reads this in the letter."),
        needed=Text("Schrijf op wat er nog ontbreekt.", "Write what is still missing."),
    )

    @property
    def sentences(self) -> list[Text]:
        """What the letter says of it."""
        return [REASONS[code].sentence for code in reasons_of(Ending.NOT_CONSIDERED)]

    def given(self) -> Mapping[str, Any]:
        """`reasons`, `explanation`."""
        return {
            "reasons": [str(code) for code in reasons_of(Ending.NOT_CONSIDERED)],
            "explanation": self.text_of("explanation"),
        }


_OUTCOMES = (
    SelectChoice("award", Text("Toekennen", "Award")),
    SelectChoice("reject", Text("Afwijzen", "Reject")),
)


@asked("advice")
class AdviceForm(ReviewForm):
    """The panel's advice: a score on each criterion of the fund, an outcome, an amount, and why."""

    template = "pages/review/advice.html"
    outcome = RadioField(
        Text("Wat adviseert de commissie?", "What does the panel advise?"),
        [InputRequired(Text("Kies toekennen of afwijzen.", "Choose award or reject."))],
        choices=list(_OUTCOMES),
    )
    amount = AmountField(Text("Hoeveel?", "How much?"))
    reasons = ReasonsField(Ending.REJECTED, Text("Waarom afwijzen?", "Why reject?"))
    explanation = explanation(
        Text("Toelichting", "Explanation"),
        Text("De stuurgroep leest dit.", "The steering group reads this."),
        needed=Text("Schrijf op waarom de commissie dit adviseert.", "Write why the panel advises this."),
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Add a field for each criterion, bound to what was sent."""
        self.grantable = facts.grantable
        super().prepare(row, facts)
        sent = request.form if request.method == "POST" else g.get("returned")
        for criterion in self.case.spec.criteria:
            needed = Text("Geef een score voor “{name}”.", "Give a score for “{name}”.").fill(name=criterion.name)
            meanings = [
                SelectChoice(str(value), same(str(value)), {"hint": words})
                for value, words in enumerate(criterion.scores, 1)
            ]
            field = RadioField(criterion.name, [InputRequired(needed)], choices=meanings)
            Binding.__setitem__(self, f"score_{criterion.code}", field)
            self._fields[f"score_{criterion.code}"].process(sent)

    def propose(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """The most that the fund's formula allows, and the reasons that follow from the conditions."""
        self.amount.propose(facts.grantable)
        self.reasons.data = list(dict.fromkeys(c.reason for c in self.case.not_met if c.blocking))

    def score_of(self, code: str) -> Any:
        """The field of a criterion."""
        return self._fields[f"score_{code}"]

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
        """`outcome`, `amount_cents`, `scores`, `reasons`, `explanation`."""
        award = self.outcome.data == "award"
        return {
            "outcome": self.outcome.data,
            "amount_cents": (self.amount.cents or 0) if award else 0,
            "scores": {c.code: int(self.score_of(c.code).data) for c in self.case.spec.criteria},
            "reasons": [] if award else list(self.reasons.data or []),
            "explanation": self.text_of("explanation"),
        }


@asked("award")
class AwardForm(ReviewForm):
    """How much is awarded, on what conditions; a reason where it differs from the advice."""

    template = "pages/review/award.html"
    amount = AmountField(
        Text("Hoeveel kent u toe?", "How much do you award?"),
        [DataRequired(Text("Vul in hoeveel u toekent.", "Enter how much you award."))],
    )
    conditions = explanation(
        Text("Extra voorwaarden", "Extra conditions"),
        Text("Deze staan in de brief aan de school.", "These stand in the letter to the school."),
    )
    explanation = explanation(
        Text("Toelichting", "Explanation"),
        Text(
            "Verplicht als u afwijkt van het advies. De school leest dit in de brief.",
            "Required where you differ from the advice. The school reads it in the letter.",
        ),
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Know what can still be awarded (cents), as `application.Facts.free_in`."""
        self.free = facts.free_in
        super().prepare(row, facts)

    def propose(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """What the panel advised."""
        self.amount.propose(facts.advised_cents or 0)
        self.conditions.data = (self.case.row.advice or [{"conditions": ""}])[0]["conditions"]

    def given(self) -> Mapping[str, Any]:
        """`amount_cents`, `conditions`, `explanation`."""
        return {
            "amount_cents": self.amount.cents or 0,
            "conditions": self.text_of("conditions"),
            "explanation": self.text_of("explanation"),
        }


@asked("rejection")
class RejectionForm(ReviewForm):
    """Why an application gets nothing."""

    template = "pages/review/rejection.html"
    reasons = ReasonsField(
        Ending.REJECTED,
        Text("Waarom wijst u af?", "Why do you reject?"),
        [DataRequired(Text("Kies minstens één reden.", "Choose at least one reason."))],
        description=Text(
            "Elke reden komt met deze zin in de brief.", "Each reason comes with its sentence in the letter."
        ),
    )
    explanation = explanation(
        Text("Toelichting", "Explanation"),
        Text(
            "Verplicht als u afwijkt van het advies. De school leest dit in de brief.",
            "Required where you differ from the advice. The school reads it in the letter.",
        ),
    )

    def propose(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """What the school was heard on; else the conditions that are not met, and what the panel gave."""
        if facts.intended:
            self.reasons.data = sorted(facts.grounds().intended)
            return
        advised = (self.case.row.advice or [{"reasons": []}])[0]["reasons"]
        self.reasons.data = list(dict.fromkeys([*(c.reason for c in self.case.not_met if c.blocking), *advised]))

    def given(self) -> Mapping[str, Any]:
        """`reasons`, `explanation`."""
        return {"reasons": list(self.reasons.data or []), "explanation": self.text_of("explanation")}


@asked("term_extension")
class ExtensionForm(ReviewForm):
    """How much longer the decision takes, and why."""

    template = "pages/review/extension.html"
    length = RadioField(
        Text("Hoeveel langer hebt u nodig?", "How much longer do you need?"),
        [InputRequired(Text("Kies hoeveel langer u nodig hebt.", "Choose how much longer you need."))],
        description=Text("Kies zo kort als het kan.", "Choose as short as you can."),
    )
    explanation = explanation(
        Text("Waarom duurt het langer?", "Why does it take longer?"),
        Text("De school leest dit in de brief.", "The school reads this in the letter."),
        needed=Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this."),
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Each length that can be chosen, with the day that comes of it."""
        lengths = extensions(facts.extendable) if facts.extendable else ()
        self.lengths = {str(number): length for number, length in enumerate(lengths, 1)}
        days = terms.extended_to(db.session(), row.id, "decision", lengths, facts.today) if lengths else []
        self.length.choices = [
            SelectChoice(number, length.text, {"hint": day_text(day)})
            for (number, length), day in zip(self.lengths.items(), days, strict=True)
        ]
        super().prepare(row, facts)

    def given(self) -> Mapping[str, Any]:
        """`length` (a `domain.term.Length`), `explanation`."""
        return {"length": self.lengths.get(self.length.data or ""), "explanation": self.text_of("explanation")}
