"""Signing in, the profile, and who has access."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional

from fundapp.domain.people import STAFF_ROLES, Capacity, Role
from fundapp.domain.text import Text
from fundapp.services.people import CAPACITIES, Invitation
from fundapp.web.forms import BaseForm
from fundapp.web.session import current_language


class EmailForm(BaseForm):
    """The address to which the code goes."""

    email = StringField(
        Text("Uw e-mailadres", "Your e-mail address"),
        [
            DataRequired(Text("Vul uw e-mailadres in.", "Enter your e-mail address.")),
            Length(max=254, message=Text("Dit adres is te lang. Kijk het na.", "This address is too long. Check it.")),
        ],
        description=Text("Gebruik het adres waarop u bent uitgenodigd.", "Use the address at which you were invited."),
    )
    verder = HiddenField()


class CodeForm(BaseForm):
    """The code of the mail."""

    code = StringField(
        Text("Code uit de mail", "Code in the mail"),
        [DataRequired(Text("Vul de code van 6 cijfers in.", "Enter the code of 6 digits."))],
        description=Text("Zes cijfers. Plakken mag.", "Six digits. You may paste them."),
    )


class InviteForm(BaseForm):
    """Whom to invite, and for what."""

    email = StringField(
        Text("E-mailadres", "E-mail address"),
        [DataRequired(Text("Vul een e-mailadres in.", "Enter an e-mail address."))],
    )
    name = StringField(Text("Naam", "Name"), [DataRequired(Text("Vul een naam in.", "Enter a name."))])
    access = SelectField(
        Text("Wat mag deze persoon doen?", "What may this person do?"),
        [DataRequired(Text("Kies wat deze persoon mag doen.", "Choose what this person may do."))],
    )
    fund = SelectField(Text("Voor welk fonds?", "For which fund?"), [Optional()])
    sub_region = SelectField(Text("Voor welke subregio?", "For which sub-region?"), [Optional()])
    school = StringField(
        Text("Vestigingscode van de school", "Site code of the school"),
        [Optional()],
        description=Text(
            "Alleen voor iemand van een school, bijvoorbeeld 99AA00.", "Only for somebody of a school, such as 99AA00."
        ),
    )

    def offer(self, funds: list[tuple[str, str]], sub_regions: list[tuple[str, str]]) -> None:
        """Fill in the choices, in the language of the page. funds, sub_regions: (key, name)."""
        language = current_language()
        every = Text("alle", "all").in_(language)
        self.access.choices = [("", Text("Kies", "Choose").in_(language))]
        self.access.choices += [(f"role.{role}", role.label.in_(language)) for role in Role if role in STAFF_ROLES]
        self.access.choices += [
            (f"school.{capacity}", Text("school: ", "school: ").in_(language) + words.in_(language))
            for capacity, words in CAPACITIES.items()
        ]
        self.fund.choices = [("", every), *funds]
        self.sub_region.choices = [("", every), *sub_regions]

    def invitation(self) -> Invitation:
        """What was filled in."""
        sort, _, word = self.access.data.partition(".")
        common: dict[str, Any] = {"email": self.email.data or "", "name": self.name.data or ""}
        if sort == "role":
            fund, sub_region = self.fund.data or None, self.sub_region.data or None
            return Invitation(**common, role=Role(word), fund=fund, sub_region=sub_region)
        return Invitation(**common, school=(self.school.data or "").strip().upper(), capacity=Capacity(word))


class PlainForm(BaseForm):
    """A button without fields."""
