"""Writing an application: a draft per school, saved page by page. What is read of it stands in `draft_reading`.

Question keys with a place of their own on the application: `title`, `starts_on` and `ends_on`. Who signs is written by
`signing`, under the same lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from fundapp.domain import tranche as tranche_domain
from fundapp.domain.application import State
from fundapp.domain.completion import LINES, PARTNERS, REQUESTED, SHARES, opened, require_open
from fundapp.domain.draft import CostLine, DraftPicture, PartnerLine, Share
from fundapp.domain.form_spec import FileQuestion, Section, validate_answers
from fundapp.domain.fund import FundSpec
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.domain.upload import ScanState
from fundapp.persistence.application import (
    Application,
    Attachment,
    BudgetLine,
    Contribution,
    Partner,
    StoredDocument,
)
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.services import draft_reading, funds, precheck
from fundapp.services.journal import note
from fundapp.services.precheck import CheckedAnswers
from fundapp.services.subject import lock_tranche, missing

EDITABLE = (State.DRAFT, State.INCOMPLETE)


def create(
    session: Session,
    tranche_ref: str,
    school_code: str,
    *,
    actor: Actor,
    now: datetime,
    checked: CheckedAnswers | None = None,
) -> Application:
    """Begin a draft of a school in a round. Raises Refused: a round that is not open, a school that is not yours.

    checked: what was answered in the check before signing in; it goes along where it is of this round.
    """
    tranche_id = session.scalar(select(Tranche.id).where(Tranche.ref == tranche_ref))
    school = session.get(School, school_code)
    if tranche_id is None or school is None or school.closed_on is not None:
        raise Refused(missing())
    row = lock_tranche(session, tranche_id)
    scope = Scope(fund=row.fund_key, board=school.board_number, school=school.code)
    if Role.APPLICANT not in roles_on(actor, scope):
        raise Refused(missing())
    if row.state not in tranche_domain.PUBLIC or not row.opens_at <= now <= row.closes_at:
        raise Refused(
            Refusal(
                "outside_window",
                Text(
                    "Deze ronde is niet open. Kijk op de voorpagina welke ronde open is.",
                    "This round is not open. See the front page for the rounds that are.",
                ),
            )
        )
    app = Application(
        ref=f"{row.ref}-{row.next_number:02d}",
        tranche_id=row.id,
        fund_key=row.fund_key,
        fund_version_id=row.fund_version_id,
        school_code=school.code,
        board_number=school.board_number,
        boards=[school.board_number],
        sub_region=school.effective_sub_region or _no_sub_region(),
        answers={},
        created_at=now,
        created_by_id=actor.id,
        owner_id=actor.id,
        changed_at=now,
    )
    row.next_number += 1
    session.add(app)
    session.flush()
    if checked is not None and checked.tranche == row.ref:
        precheck.carry(session, app, checked, now=now)
    note(session, actor, now, kind="application", subject_id=app.id, action="begin", data={"ref": app.ref})
    session.flush()
    return app


def _no_sub_region() -> str:
    raise Refused(
        Refusal(
            "outside_region",
            Text(
                "Uw school ligt niet in een van de deelregio's. Neem contact op met het programmabureau.",
                "Your school is in none of the sub-regions. Contact the programme office.",
            ),
        )
    )


@dataclass(frozen=True)
class Writing:
    """One draft under its lock, and what can be written in it; `writing` gives it and saves it as a whole."""

    session: Session
    app: Application
    spec: FundSpec
    actor: Actor
    now: datetime

    @cached_property
    def open_parts(self) -> frozenset[str] | None:
        """What may be changed; None: everything."""
        return opened(self.spec, self.app.completion_fields) if self.app.state == State.INCOMPLETE else None

    def picture(self) -> DraftPicture:
        """What is stored."""
        return draft_reading.picture(self.session, self.app)

    def answers(self, section: Section, raw: Mapping[str, object]) -> tuple[Refusal, ...]:
        """Write the answers of one page: each that will do is kept, the mistakes come back, each on its field.

        A question for a file is answered by what was uploaded, whatever was typed. Raises Refused for a question that
        was not opened, where only some were.
        """
        for key in raw:
            require_open(self.open_parts, key)
        given, asked = {**raw, **self._uploaded(section)}, {question.key for question in section.questions}
        if self.open_parts is not None:
            given = {k: v for k, v in self.app.answers.items() if k in asked - self.open_parts} | given
        clean, refusals = validate_answers(section, given, complete=False)
        mistaken = {(refusal.field or "").partition(".")[0] for refusal in refusals}  # in a table: key.row.column
        app = self.app
        app.answers = {k: v for k, v in app.answers.items() if k not in asked or k in mistaken} | clean
        app.title = str(app.answers.get("title") or "")
        app.starts_on = _day(app.answers.get("starts_on"))
        app.ends_on = _day(app.answers.get("ends_on"))
        if app.starts_on and app.ends_on and app.ends_on < app.starts_on:
            app.ends_on = None
        return refusals

    def is_open(self, part: str) -> bool:
        """Whether a part may be changed."""
        return self.open_parts is None or part in self.open_parts

    def budget(self, lines: Sequence[CostLine], *, requested_cents: int | None = None) -> None:
        """Replace the budget by these lines, in this order, and where it is given the amount that is asked (cents)."""
        require_open(self.open_parts, LINES)
        if requested_cents is not None:
            self.requested(requested_cents)
        self._replace(
            BudgetLine,
            [
                {
                    "category": line.category,
                    "description": line.description,
                    "quantity": line.quantity,
                    "unit_cents": line.unit_cents,
                }
                for line in lines
            ],
        )
        self.app.cost_cents = sum(line.cents for line in lines)

    def requested(self, cents: int) -> None:
        """Write the amount that is asked."""
        require_open(self.open_parts, REQUESTED)
        self.app.requested_cents = cents

    def contributions(self, shares: Sequence[Share]) -> None:
        """Replace who pays with. The school itself need not be named."""
        require_open(self.open_parts, SHARES)
        rule = self.spec.co_financing
        rate = rule.hourly_rate_cents if rule else 0
        own = ""
        if any(share.kind == "own" and not share.party for share in shares):
            own = self.session.scalar(select(School.name).where(School.code == self.app.school_code)) or ""
        self._replace(
            Contribution,
            [
                {
                    "party": share.party or (own if share.kind == "own" else ""),
                    "party_kind": share.kind,
                    "in_kind": share.in_kind,
                    "hours": share.hours,
                    "cents": share.hours * rate if share.hours else share.cents,
                }
                for share in shares
            ],
        )

    def partners(self, partners: Sequence[PartnerLine]) -> None:
        """Replace the partners; the boards of partner schools count for conflicts of interest from now on.

        Raises Refused(INVALID) for a school that is not in the register.
        """
        require_open(self.open_parts, PARTNERS)
        codes = {partner.school_code for partner in partners if partner.school_code}
        query = select(School.code, School.name, School.board_number).where(School.code.in_(codes))
        known = {code: (name, board) for code, name, board in self.session.execute(query)} if codes else {}
        for position, partner in enumerate(partners, 1):
            if partner.school_code and partner.school_code not in known:
                raise Refused(_unknown_school(position))
        self._replace(
            Partner,
            [
                {
                    "kind": partner.kind,
                    "name": known[partner.school_code][0] if partner.school_code else partner.name,
                    "school_code": partner.school_code,
                }
                for partner in partners
            ],
        )
        self.app.boards = sorted({self.app.board_number, *(board for _, board in known.values())})

    def attach(self, kind: str, file_name: str, sha256: str) -> Attachment:
        """Add a stored document: one that the fund asks for, or the answer to a question for a file.

        kind: the code of the document or the key of the question; a second answer to a question replaces the first.
        """
        require_open(self.open_parts, kind)
        if self._is_question(kind):
            mine = (Attachment.application_id == self.app.id, Attachment.kind == kind)
            self.session.execute(delete(Attachment).where(*mine))
            self.app.answers = self.app.answers | {kind: sha256}
        attachment = Attachment(
            application_id=self.app.id,
            kind=kind,
            file_name=file_name,
            sha256=sha256,
            added_at=self.now,
            added_by_id=self.actor.id,
        )
        self.session.add(attachment)
        self.session.flush()
        return attachment

    def detach(self, attachment_id: int) -> None:
        """Take a document away."""
        mine = [Attachment.id == attachment_id, Attachment.application_id == self.app.id]
        if self.open_parts is not None:
            mine.append(Attachment.kind.in_(self.open_parts))
        gone = self.session.scalar(delete(Attachment).where(*mine).returning(Attachment.kind))
        if gone is not None and self._is_question(gone):
            self.app.answers = {key: value for key, value in self.app.answers.items() if key != gone}

    def _is_question(self, kind: str) -> bool:
        return isinstance(self.spec.form.question(kind), FileQuestion)

    def _uploaded(self, section: Section) -> dict[str, str | None]:
        """What was uploaded for the questions for a file on one page; None for one without a file."""
        asked: dict[str, str | None] = {q.key: None for q in section.questions if isinstance(q, FileQuestion)}
        if asked:
            found = self.session.execute(
                select(Attachment.kind, Attachment.sha256)
                .join(StoredDocument, StoredDocument.sha256 == Attachment.sha256)
                .where(
                    Attachment.application_id == self.app.id,
                    Attachment.kind.in_(asked),
                    StoredDocument.scan != ScanState.INFECTED,
                )
                .order_by(Attachment.id)
            )
            asked.update((kind, sha256) for kind, sha256 in found)
        return asked

    def _replace(self, model: type[BudgetLine | Contribution | Partner], rows: Sequence[dict[str, Any]]) -> None:
        table: Any = model.__table__
        self.session.execute(delete(table).where(table.c.application_id == self.app.id))
        if rows:
            placed = [{"application_id": self.app.id, "position": n, **row} for n, row in enumerate(rows, 1)]
            self.session.execute(insert(table), placed)


@contextmanager
def writing(session: Session, ref: str, *, actor: Actor, now: datetime, seen: int | None = None) -> Iterator[Writing]:
    """Write in a draft, under its lock; at the end its version is raised. The caller commits.

    seen: the answers_version on the page. Raises Refused: NOT_FOUND for somebody else's, CONFLICT (already_sent) once
    it was sent, STALE where somebody else saved first.
    """
    app = _locked(session, ref, actor, seen)
    with session.no_autoflush:
        yield Writing(session, app, funds.spec_of(session, app.fund_version_id), actor, now)
    app.answers_version += 1
    app.changed_at = now
    session.flush()


@contextmanager
def filing(session: Session, ref: str, *, actor: Actor, now: datetime) -> Iterator[Writing]:
    """Add files to a draft, under its lock. The caller commits. Raises Refused as `writing` does.

    What is typed is not touched, so the version that pages compare stays as it is.
    """
    app = _locked(session, ref, actor, None)
    yield Writing(session, app, funds.spec_of(session, app.fund_version_id), actor, now)
    app.changed_at = now
    session.flush()


_DRAFT = (
    select(Application)
    .where(Application.ref == bindparam("ref"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def _locked(session: Session, ref: str, actor: Actor, seen: int | None) -> Application:
    app = session.scalar(_DRAFT, {"ref": ref})
    if app is None or Role.APPLICANT not in roles_on(actor, _scope(app)):
        raise Refused(missing())
    if app.state not in EDITABLE:
        raise Refused(_ALREADY_SENT)
    if seen is not None and seen != app.answers_version:
        raise Refused(_EDITED_ELSEWHERE)
    return app


def _scope(app: Application) -> Scope:
    return Scope(app.fund_key, app.sub_region, app.board_number, app.school_code)


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _unknown_school(position: int) -> Refusal:
    return Refusal(
        "school_unknown",
        Text(
            "Deze school staat niet in het register. Kies een school uit de lijst.",
            "This school is not in the register. Choose a school from the list.",
        ),
        field=f"school-{position}",
        kind=Kind.INVALID,
    )


_ALREADY_SENT = Refusal(
    "already_sent",
    Text(
        "De aanvraag is al ingestuurd. U kunt hem nu niet veranderen.",
        "The application was sent. You cannot change it now.",
    ),
)
_EDITED_ELSEWHERE = Refusal(
    "edited_elsewhere",
    Text(
        "Intussen is deze aanvraag in een ander scherm bewaard. Vergelijk de antwoorden en bewaar opnieuw.",
        "This application was saved in another window meanwhile. Compare the answers and save again.",
    ),
    kind=Kind.STALE,
)
