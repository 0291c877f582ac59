"""What the flow asks of somebody who signs in the portal: to read it all and agree, or to say why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length

from fundapp.domain.application import State
from fundapp.domain.signing import Signatures
from fundapp.domain.text import Text
from fundapp.services import draft_reading
from fundapp.web.forms import ActionForm, asked
from fundapp.web.session import db, signed_in
from fundapp.web.signing_page import content_of


def _place(signatures: Signatures | None) -> int:
    """Which signature this person gives: the one that was asked of them, else the first that is open."""
    found = signatures.asked if signatures is not None else ()
    own = [one.place for one in found if one.email == signed_in().email]
    return next(iter([*own, *(one.place for one in found)]), 0)


@asked("signature")
class SignForm(ActionForm):
    """Agree to the content with this hash."""

    template = "pages/signing/portal.html"
    sha256 = HiddenField()

    def prepare(self, row: Any, facts: Any) -> None:
        """Read what is signed."""
        picture = facts.draft or draft_reading.picture(db.session(), row)
        self.content = content_of(picture)
        self.place = _place(facts.signatures)
        self.sha256.data = self.sha256.data or facts.signatures.content
        action = "decline_sent" if facts.state == State.SUBMITTED else "decline"
        self.no_href = url_for("actions.ask", kind="application", ref=row.ref, action=action)

    def given(self) -> Mapping[str, Any]:
        """The place, and the hash of what was read."""
        return {"place": self.place, "sha256": self.sha256.data}


@asked("refuse_signature")
class RefuseForm(ActionForm):
    """Do not agree, and say why."""

    explanation = TextAreaField(
        Text("Waarom niet?", "Why not?"),
        [
            DataRequired(Text("Schrijf op waarom niet. De school leest dit.", "Write why not. The school reads this.")),
            Length(max=4000, message=Text("Schrijf hoogstens 4000 tekens.", "Write 4000 characters at most.")),
        ],
        description=Text("De school leest dit.", "The school reads this."),
    )

    def prepare(self, row: Any, facts: Any) -> None:  # noqa: ARG002
        """Find which signature is refused."""
        self.place = _place(facts.signatures)

    def given(self) -> Mapping[str, Any]:
        """The place and the reason."""
        return {"place": self.place, "explanation": (self.explanation.data or "").strip()}
