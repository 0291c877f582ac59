"""The check before sending: all answers, what is missing, and what each condition of the fund says of them."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for

from fundapp.domain.application import State
from fundapp.domain.condition import Verdict
from fundapp.domain.draft import outcomes as outcomes_of
from fundapp.domain.text import Text
from fundapp.services import draft_reading
from fundapp.web.access import access, case
from fundapp.web.answers import summary
from fundapp.web.forms import new_key
from fundapp.web.school_case import already_sent, is_draft, picture_of, school_case
from fundapp.web.session import db, request_now
from fundapp.web.signing_page import unsigned, within

bp = Blueprint("draft_check", __name__)


@bp.get("/aanvragen/<ref>/controle")
@access(case("application"))
def show(ref: str) -> Response:
    """Show all answers, what is missing, and what each condition of the fund says; then the button to send."""
    found = school_case()
    if not is_draft(found):
        return already_sent(found)
    if State(found.row.state) is State.INCOMPLETE:
        return make_response(redirect(url_for("completion.show", ref=ref), code=303))
    picture = picture_of(found)
    outcomes = outcomes_of(picture, draft_reading.surroundings(db.session(), found.row), request_now())
    order = {Verdict.NOT_MET: 0, Verdict.UNKNOWN: 1, Verdict.MET: 2}
    sending = next((offer for offer in found.offers if offer.transition.name == "submit"), None)
    others = [r.sentence for r in (sending.refusals if sending else ()) if r.code == "outside_window"]
    page = render_template(
        "pages/application/check.html",
        ref=ref,
        app=found.row,
        parts=[(section, summary(picture, section)) for section in picture.spec.form.sections],
        problems_found=[
            (refusal, url_for("drafting.task", ref=ref, section_key=key, van="controle", _anchor=refusal.field))
            for key, refusal in picture.problems
        ],
        outcomes=sorted(outcomes, key=lambda o: (order[o.verdict], not o.blocking, o.number)),
        blocked=[o for o in outcomes if o.refuses],
        verdicts=VERDICTS,
        closed=others,
        sending=sending.transition if sending else None,
        unsigned=unsigned(picture.signing),
        within=within(picture.spec),
        seen=found.facts.version,
        request_key=new_key(),
    )
    return make_response(page)


VERDICTS: dict[str, tuple[Text, str, str]] = {
    Verdict.MET: (Text("Voldaan", "Met"), "positive", "check"),
    Verdict.NOT_MET: (Text("Niet voldaan", "Not met"), "negative", "cross"),
    Verdict.UNKNOWN: (Text("Nog niet bekend", "Not known yet"), "waiting", "question"),
}
