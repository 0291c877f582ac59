"""A tiny application that shows every component on four pages and every error page, under the product's strict CSP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import BooleanField, Form, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired

from fundapp.domain.text import Language, Text, same
from fundapp.web.assets import core_style, core_style_source
from fundapp.web.templating import Pages

ROOT = Path(__file__).parents[3]
CLOSES = datetime(2025, 3, 14, 16, 0, tzinfo=UTC)
PAGES = ("/public", "/form", "/school", "/staff", "/form?fouten=1", "/public?taal=en", "/refused", "/404", "/500")
CSP = (
    f"default-src 'none'; style-src 'self' {core_style_source()}; "
    "script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
)


class ExampleForm(Form):  # type: ignore[misc]  # WTForms carries no types
    """Fields of WTForms, so that the macros meet the real thing."""

    title = StringField(Text("Titel", "Title"), [DataRequired(Text("Vul een titel in.", "Enter a title."))])
    amount = StringField(
        Text("Bedrag", "Amount"),
        [DataRequired(Text("Vul een bedrag in, bijvoorbeeld 1.200,00.", "Enter an amount, for example 1.200,00."))],
        description="Alleen de kosten van deze regel.",
    )
    kind = SelectField(
        "Soort kosten",
        [DataRequired(Text("Kies een soort kosten.", "Choose a kind of cost."))],
        choices=[SelectChoice("", "Kies een soort"), SelectChoice("a", "Apparatuur")],
        validate_choice=False,
    )
    agree = BooleanField(
        "Ik vul dit naar waarheid in", [DataRequired("Zet een vinkje als u dit naar waarheid invult.")]
    )


def actions() -> list[dict[str, Any]]:
    """Two open actions and one that is held back."""
    return [
        {"name": "award", "label": Text("Toekennen", "Award"), "tone": "positive", "href": "/a/award", "reasons": []},
        {
            "name": "hold",
            "label": Text("Aanhouden", "Hold"),
            "tone": "neutral",
            "href": "/a/hold",
            "reasons": [],
            "hint": Text("Komt terug op de volgende vergadering.", "Returns at the next meeting."),
        },
        {
            "name": "reject",
            "label": Text("Afwijzen", "Reject"),
            "tone": "negative",
            "href": "/a/reject",
            "reasons": [],
            "method": "get",
        },
        {
            "name": "close",
            "label": Text("Tranche sluiten", "Close tranche"),
            "tone": "decision",
            "href": "/a/close",
            "reasons": [
                Text("Nog 1 betaling is niet verwerkt.", "One payment is not booked yet."),
                Text("De evaluatie ontbreekt.", "The evaluation is missing."),
            ],
        },
    ]


def create_gallery() -> Flask:
    """Return the application; `?taal=en` shows English, `?fouten=1` shows the form with its mistakes."""
    app = Flask("gallery", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "fundapp/web/static"))
    app.secret_key = "gallery"
    app.jinja_environment = Pages
    loader = app.jinja_loader
    assert loader is not None
    app.jinja_loader = ChoiceLoader([loader, FileSystemLoader(Path(__file__).parent)])

    def language() -> Language:
        return "en" if request.args.get("taal") == "en" else "nl"

    app.extensions["language"] = language
    app.jinja_env.globals.update(
        brand=SimpleNamespace(name="Techniekfondsen Zeeland", short="TFZ"),
        core_style=core_style(),
        csrf_token=lambda: "token",
    )

    @app.context_processor
    def frame() -> dict[str, Any]:
        return {"lang": language(), "person": None, "nav": []}

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        return response

    @app.get("/<page>")
    def show(page: str) -> str:
        if page in {"public", "form", "school", "staff"}:
            form = ExampleForm()
            if request.args.get("fouten"):
                form.validate()
            staff = page == "staff"
            person = None if page == "public" else SimpleNamespace(name="A. de Vries", is_staff=staff)
            words = (
                [same("Werklijst"), same("Tranches"), same("Betaalruns")]
                if staff
                else [same("Uw aanvragen"), same("Meldingen")]
            )
            nav = [] if person is None else [(f"/nav/{n}", word, n == 0) for n, word in enumerate(words)]
            row = ["Stichting De Ozobot", CLOSES, CLOSES.date(), "Klaargezet", "NL91 ABNA 0417 1643 00"]
            rows = [[f"INN-25-{n:04d}", *row, 960000 - n] for n in range(4)]
            return render_template(
                f"{page}.html", form=form, person=person, nav=nav, closes=CLOSES, actions=actions(), rows=rows
            )
        if page == "favicon.ico":
            return ""
        return render_template(
            f"errors/{page}.html",
            reasons=[Text("De ronde is gesloten.", "The round is closed.")] if page == "refused" else None,
            incident="4F7K",
        )

    return app
