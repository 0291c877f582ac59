"""What the acts on an objection ask: completion, hearing, advice, outcome, a longer term."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from wtforms import BooleanField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from fundapp.domain.days import AMSTERDAM, day_text
from fundapp.domain.decision_term import extensions
from fundapp.domain.money import plain_euro
from fundapp.domain.objection import CHANGES, NOTICE, Dismissal, Outcome
from fundapp.domain.objection_words import DISMISSALS, WAIVERS, WORDS
from fundapp.domain.term import Length as TermLength
from fundapp.domain.text import Text
from fundapp.services import objection_views, terms
from fundapp.services.objection_views import ObjectionView
from fundapp.web.forms import ActionForm, asked
from fundapp.web.forms.payments import typed_day
from fundapp.web.forms.review import AmountField
from fundapp.web.forms.review import explanation as written
from fundapp.web.session import db

_SHORT = Length(max=200, message=Text("Schrijf hoogstens 200 tekens.", "Write 200 characters at most."))
_DAY = Text("Vul de dag in, zoals 14-03-2025.", "Enter the day, such as 14-03-2025.")
_TIME = Text("Vul een tijd in, zoals 13.30.", "Enter a time, such as 13.30.")
_WHY = Text("Schrijf op waarom. De school leest dit.", "Write why. The school reads this.")
LONGEST = 4000


class ObjectionForm(ActionForm):
    """A form with what the school wrote beside it."""

    template = "pages/objection/form.html"
    view: ObjectionView
    facts: Any

    def prepare(self, row: Any, facts: Any) -> None:
        """Get ready for a case."""
        self.view = objection_views.load(db.session(), row)
        self.facts = facts

    def text_of(self, name: str) -> str:
        """A text that was filled in, without spaces around it."""
        return (self[name].data or "").strip()


@asked("objection_completion")
class CompletionForm(ObjectionForm):
    """What the school adds."""

    explanation = written(
        Text("Uw aanvulling", "Your completion"), needed=Text("Schrijf uw aanvulling op.", "Write your completion.")
    )

    def given(self) -> Mapping[str, Any]:
        """`explanation`."""
        return {"explanation": self.text_of("explanation")}


@asked("hearing")
class HearingForm(ObjectionForm):
    """When and where the school is heard."""

    day = StringField(Text("Op welke dag?", "On which day?"), [DataRequired(_DAY)], description=_DAY)
    at = StringField(Text("Hoe laat?", "At what time?"), [DataRequired(_TIME)], description=_TIME)
    place = StringField(
        Text("Waar?", "Where?"), [DataRequired(Text("Vul in waar het is.", "Enter where it is.")), _SHORT]
    )
    hearing_at: datetime | None = None

    def prepare(self, row: Any, facts: Any) -> None:
        """Say from when on it can be."""
        super().prepare(row, facts)
        first = facts.today + NOTICE[facts.profile]
        self.day.description = Text("{first} of later. {shape}", "{first} or later. {shape}").fill(
            first=day_text(first), shape=_DAY
        )

    def validate_day(self, field: Any) -> None:
        """A day."""
        if typed_day(field.data) is None:
            raise ValidationError(_DAY)

    def validate_at(self, field: Any) -> None:
        """A time; both "13.30" and "13:30" will do."""
        hours, _, minutes = (field.data or "").strip().replace(":", ".").partition(".")
        try:
            clock = time(int(hours), int(minutes or "0"))
        except ValueError as error:
            raise ValidationError(_TIME) from error
        if (day := typed_day(self.day.data)) is not None:
            self.hearing_at = datetime.combine(day, clock, AMSTERDAM)

    def given(self) -> Mapping[str, Any]:
        """`hearing_at` (an aware moment), `place`."""
        return {"hearing_at": self.hearing_at, "place": self.text_of("place")}


@asked("hearing_report")
class ReportForm(ObjectionForm):
    """Who were there, and what was said."""

    present = StringField(
        Text("Wie waren erbij?", "Who were there?"),
        [DataRequired(Text("Vul in wie erbij waren.", "Enter who were there.")), _SHORT],
        description=Text("Schrijf functies of namen, met een komma ertussen.", "Roles or names, with commas."),
    )
    report = written(
        Text("Verslag", "Report"),
        Text("De school leest dit.", "The school reads this."),
        needed=Text("Schrijf op wat er is gezegd.", "Write what was said."),
    )

    def given(self) -> Mapping[str, Any]:
        """`present`, `report`."""
        return {"present": self.text_of("present"), "report": self.text_of("report")}


@asked("hearing_waiver")
class WaiverForm(ObjectionForm):
    """Why nobody is heard."""

    waiver = RadioField(
        Text("Waarom is horen niet nodig?", "Why is no hearing needed?"),
        [InputRequired(Text("Kies waarom.", "Choose why."))],
        choices=[SelectChoice(str(code), words) for code, words in WAIVERS.items()],
    )
    explanation = written(Text("Leg het uit", "Explain it"), _WHY, needed=_WHY)

    def given(self) -> Mapping[str, Any]:
        """`waiver`, `explanation`."""
        return {"waiver": self.waiver.data, "explanation": self.text_of("explanation")}


@asked("objection_advice")
class AdviceForm(ObjectionForm):
    """What somebody advises who had no part in the first decision."""

    outcome = RadioField(
        Text("Wat adviseert u?", "What do you advise?"),
        [InputRequired(Text("Kies wat u adviseert.", "Choose what you advise."))],
    )
    amount = AmountField(Text("Welk nieuw bedrag adviseert u?", "Which new amount do you advise?"))
    explanation = written(
        Text("Waarom?", "Why?"),
        Text("De school leest dit bij de beslissing.", "The school reads this with the decision."),
        needed=Text("Schrijf op waarom.", "Write why."),
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Name the outcomes in the words of the law."""
        super().prepare(row, facts)
        looks = WORDS[facts.profile].outcomes
        self.outcome.choices = [SelectChoice(str(code), looks[code]) for code in Outcome]
        if not facts.names_an_amount:
            del self.amount

    def given(self) -> Mapping[str, Any]:
        """`outcome`, `amount_cents`, `explanation`."""
        changes = self.outcome.data in set(CHANGES)
        cents = (self.amount.cents or 0) if changes and self.facts.names_an_amount else 0
        return {"outcome": self.outcome.data, "amount_cents": cents, "explanation": self.text_of("explanation")}


class DecisionForm(ObjectionForm):
    """The decision, with its reasons, and why it differs from the advice where it does."""

    template = "pages/objection/decide.html"
    explanation = written(
        Text("Waarom beslist u dit?", "Why do you decide this?"),
        Text("De school leest dit in de brief.", "The school reads this in the letter."),
        needed=_WHY,
    )
    deviation = written(
        Text("Waarom volgt u het advies niet?", "Why do you not follow the advice?"),
        Text("Alleen als u afwijkt. De school leest dit.", "Only where you differ. The school reads this."),
    )

    def given(self) -> Mapping[str, Any]:
        """`explanation`, `deviation`."""
        return {"explanation": self.text_of("explanation"), "deviation": self.text_of("deviation")}


@asked("objection_unfounded")
class UnfoundedForm(DecisionForm):
    """The first decision stands."""


class ChangingForm(DecisionForm):
    """Another decision comes in the place of the first one."""

    amount = AmountField(
        Text("Nieuw bedrag", "New amount"), [DataRequired(Text("Vul het nieuwe bedrag in.", "Enter the new amount."))]
    )
    conditions = written(
        Text("Voorwaarden", "Conditions"),
        Text("Alleen als er extra voorwaarden zijn.", "Only where there are extra conditions."),
    )

    def prepare(self, row: Any, facts: Any) -> None:
        """Propose what was advised, else the most."""
        super().prepare(row, facts)
        if not facts.names_an_amount:
            del self.amount
            del self.conditions
        elif not self.is_submitted() and not self.amount.data:
            self.amount.data = plain_euro(facts.advised_cents or facts.most)

    @property
    def asked_fields(self) -> list[Any]:
        """The amount first."""
        first = ("amount", "conditions")
        return sorted(super().asked_fields, key=lambda field: field.name not in first)

    def given(self) -> Mapping[str, Any]:
        """`amount_cents`, `conditions` besides."""
        if not self.facts.names_an_amount:
            return {**super().given(), "amount_cents": 0}
        return {
            **super().given(),
            "amount_cents": self.amount.cents or 0,
            "conditions": self.text_of("conditions"),
        }


@asked("objection_founded")
class FoundedForm(ChangingForm):
    """The school is wholly right."""


@asked("objection_partly_founded")
class PartlyFoundedForm(ChangingForm):
    """The school is right in part."""


@asked("objection_dismissal")
class DismissalForm(DecisionForm):
    """Why it is not dealt with."""

    reason = RadioField(
        Text("Waarom behandelt u dit niet?", "Why do you not deal with it?"),
        [InputRequired(Text("Kies een reden.", "Choose a reason."))],
        choices=[SelectChoice(str(code), DISMISSALS[code]) for code in Dismissal],
    )

    def given(self) -> Mapping[str, Any]:
        """`reason` besides."""
        return {**super().given(), "reason": self.reason.data}


class LongerForm(ObjectionForm):
    """How much longer, and why."""

    template = "pages/objection/longer.html"
    length = RadioField(
        Text("Hoeveel langer?", "How much longer?"),
        [InputRequired(Text("Kies hoeveel langer u nodig hebt.", "Choose how much longer you need."))],
    )
    explanation = written(Text("Waarom duurt het langer?", "Why does it take longer?"), _WHY, needed=_WHY)

    def prepare(self, row: Any, facts: Any) -> None:
        """Each length that can be chosen, with the day that comes of it."""
        super().prepare(row, facts)
        term = terms.of_objection(db.session(), row.id, "remedy_decision")
        lengths = self.lengths_of(facts) if term is not None else ()
        self.lengths = {str(number): length for number, length in enumerate(lengths, 1)}
        days = terms.longer(term, lengths, facts.today) if term is not None else []
        self.length.choices = [
            SelectChoice(number, length.text, {"hint": day_text(day)})
            for (number, length), day in zip(self.lengths.items(), days, strict=True)
        ]

    def lengths_of(self, facts: Any) -> tuple[TermLength, ...]:
        """What can be chosen."""
        raise NotImplementedError

    def given(self) -> Mapping[str, Any]:
        """`length` (a `domain.term.Length`), `explanation`."""
        return {"length": self.lengths.get(self.length.data or ""), "explanation": self.text_of("explanation")}


@asked("objection_extension")
class ExtensionForm(LongerForm):
    """Once, as the rules allow."""

    def lengths_of(self, facts: Any) -> tuple[TermLength, ...]:
        """Week by week."""
        return extensions(facts.extendable) if facts.extendable else ()


@asked("objection_agreement")
class AgreementForm(LongerForm):
    """As much longer as the school agrees to."""

    agreed = BooleanField(Text("De school stemt ermee in", "The school agrees"))

    def lengths_of(self, facts: Any) -> tuple[TermLength, ...]:  # noqa: ARG002  (as every form)
        """Up to thirteen weeks at a time."""
        return tuple(TermLength(weeks=n) for n in (1, 2, 4, 6, 8, 13))

    def given(self) -> Mapping[str, Any]:
        """`agreed` besides: "yes", or nothing."""
        return {**super().given(), "agreed": "yes" if self.agreed.data else ""}
