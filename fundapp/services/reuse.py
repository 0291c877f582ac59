"""What an earlier application of the same school said, offered for a draft answer by answer, never taken silently."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.completion import LINES, PARTNERS, REQUESTED, SHARES, SIGNERS, Part, parts
from fundapp.domain.draft import CostLine, DraftPicture, PartnerLine, Share
from fundapp.domain.form_spec import DateQuestion, FileQuestion, Question
from fundapp.domain.refusal import Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Submission
from fundapp.services import funds
from fundapp.services.draft import Writing
from fundapp.services.sent import Sent, lines_of


@dataclass(frozen=True, slots=True)
class Offer:
    """One answer that can be taken over: the part that it fills, and what was said, as lines of text."""

    part: Part
    lines: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The application that was sent before. ref: its number."""

    ref: str
    sent: Sent


def earlier_of(session: Session, app: Application) -> Earlier | None:
    """Return what the school sent last in another application, of the same fund if there is one; None for a first."""
    row = session.execute(
        select(Application.ref, Application.fund_version_id)
        .add_columns(Submission.content, Submission.number, Submission.received_at)
        .join(Submission, Submission.application_id == Application.id)
        .where(
            Application.school_code == app.school_code,
            Application.board_number == app.board_number,
            Application.id != app.id,
            Submission.content != {},  # what is past its retention term says nothing any more
        )
        .order_by((Application.fund_key == app.fund_key).desc(), Submission.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    spec = funds.spec_of(session, row.fund_version_id)
    return Earlier(row.ref, Sent(spec, row.content, number=row.number, received_at=row.received_at, stored={}))


def offers(earlier: Earlier, picture: DraftPicture, today: date) -> tuple[Offer, ...]:
    """Return what can be taken over: answers that fit the questions of this round and are not there yet.

    Files and agreements are of one application only; a day that has passed is no answer any more.
    """
    now = picture.content()
    return tuple(
        Offer(part, lines)
        for part in parts(picture.spec)
        if part.key != SIGNERS
        and _fits(earlier.sent, picture, part, today)
        and _stored(earlier.sent.content, part.key) != _stored(now, part.key)
        and (lines := lines_of(earlier.sent, part.key))
    )


_ROWS = {LINES: "budget", REQUESTED: "requested_cents", SHARES: "contributions", PARTNERS: "partners"}


def _stored(content: Mapping[str, Any], key: str) -> Any:
    return content[_ROWS[key]] if key in _ROWS else content["answers"].get(key)


def _fits(sent: Sent, picture: DraftPicture, part: Part, today: date) -> bool:
    value, question = _stored(sent.content, part.key), picture.spec.form.question(part.key)
    if not value and value is not False:
        return False
    if part.key == LINES:
        return all(picture.spec.category(category) is not None for category, *_ in value)
    if part.key in _ROWS:
        return True
    before = sent.spec.form.question(part.key)
    if question is None or isinstance(question, FileQuestion) or before is None or before.kind != question.kind:
        return False
    if isinstance(question, DateQuestion) and date.fromisoformat(value) < today:
        return False
    return _reads(question, value)


def _reads(question: Question, value: Any) -> bool:
    try:
        return question.read(value) is not None
    except Refused:
        return False


def take(page: Writing, earlier: Earlier, chosen: Collection[str]) -> None:
    """Write the chosen parts of an earlier application into a draft. chosen: keys of `offers`.

    Raises Refused(INVALID) for a partner that is no longer in the register.
    """
    content = earlier.sent.content
    for section in page.spec.form.sections:
        asked = {question.key for question in section.questions}
        if picked := {key: content["answers"][key] for key in asked.intersection(chosen)}:
            page.answers(section, {key: page.app.answers[key] for key in asked & page.app.answers.keys()} | picked)
    if REQUESTED in chosen:
        page.requested(content["requested_cents"])
    if LINES in chosen:
        page.budget([CostLine(*line) for line in content["budget"]])
    if SHARES in chosen:
        page.contributions([Share(*share) for share in content["contributions"]])
    if PARTNERS in chosen:
        page.partners([PartnerLine(*partner) for partner in content["partners"]])
