"""The base of all forms: CSRF, the version that the person looked at, a key that makes sending twice harmless.

A form for an action of a flow bears the name that the transition `asks`, says what was filled in with `given()`, and
registers itself with `asked`. Feature by feature they stand in this package.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import g, request
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.text import Text
from fundapp.web.session import current_language

_WORDS = {
    "This field is required.": Text("Vul dit in.", "Fill this in."),
    "Not a valid choice.": Text("Kies iets uit de lijst.", "Choose something from the list."),
    "Not a valid choice": Text("Kies iets uit de lijst.", "Choose something from the list."),
    "Invalid Choice: could not coerce.": Text("Kies iets uit de lijst.", "Choose something from the list."),
    "Not a valid integer value.": Text("Vul een heel getal in, zoals 12.", "Enter a whole number, such as 12."),
    "Not a valid date value.": Text("Vul een datum in, zoals 14-03-2025.", "Enter a date, such as 14-03-2025."),
    "Invalid input.": Text("Dit herkennen wij niet. Kijk het na.", "We do not recognise this. Check it."),
    "Invalid email address.": Text(
        "Vul een e-mailadres in, zoals naam@school.nl.", "Enter an e-mail address, such as name@school.nl."
    ),
}


class _Translations:
    """WTForms' own messages in the language of the page."""

    def gettext(self, message: str) -> str:
        text = _WORDS.get(message)
        return text.in_(current_language()) if text else message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular if number == 1 else plural)


class BaseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Every form of the product. Filled with what was sent, or with input that was kept when a session expired.

    Labels, descriptions and messages of fields are a `Text`.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # as above
        """Our words instead of WTForms' catalogue."""

        def get_translations(self, form: Any) -> _Translations:  # noqa: ARG002
            """Return the translations of WTForms' own messages."""
            return _Translations()

    def __init__(self, formdata: Any = ..., **more: Any) -> None:
        if formdata is not ...:
            super().__init__(formdata, **more)
        elif request.method == "GET" and g.get("returned") is not None:
            super().__init__(g.returned, **more)
        else:
            super().__init__(**more)


class ActionForm(BaseForm):
    """What a transition asks. `seen`: the version of the case that the person looked at.

    template: the page that shows it; it may extend pages/actions/confirm.html and draw the fields its own way.
    """

    template = "pages/actions/confirm.html"
    seen = HiddenField()
    request_key = HiddenField()

    def prepare(self, row: Any, facts: Any) -> None:
        """Adapt the form to the case before it is shown or read: choices, proposed amounts. Nothing by default."""

    def given(self) -> Mapping[str, Any]:
        """What was filled in, cleaned: what the guards and effects of the transition read. Nothing by default."""
        return {}

    def fresh(self, version: int) -> None:
        """Fill in the hidden fields of a form that is shown for the first time."""
        self.seen.data = self.seen.data or str(version)
        self.request_key.data = self.request_key.data or new_key()

    @property
    def asked_fields(self) -> list[Any]:
        """The fields that the person fills in, in order."""
        hidden = {"csrf_token", "seen", "request_key"}
        return [field for field in self if field.name not in hidden]


def new_key() -> str:
    """A key for one showing of a form."""
    return secrets.token_urlsafe(18)


FORMS: dict[str, type[ActionForm]] = {}
"""What a transition `asks` → its form."""

C = TypeVar("C", bound=type[ActionForm])


def asked(name: str) -> Callable[[C], C]:
    """Register a form under the name that transitions ask for."""

    def register(form: C) -> C:
        assert name not in FORMS, f"two forms are called {name}"
        FORMS[name] = form
        return form

    return register


@asked("reason")
class ReasonForm(ActionForm):
    """Why: for every transition that asks a reason and nothing else."""

    explanation = TextAreaField(
        Text("Waarom?", "Why?"),
        [
            DataRequired(Text("Schrijf op waarom.", "Write why.")),
            Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most.")),
        ],
        description=Text("De aanvrager kan dit lezen.", "The applicant can read this."),
    )

    def given(self) -> Mapping[str, Any]:
        """The reason as `explanation`."""
        return {"explanation": (self.explanation.data or "").strip()}
