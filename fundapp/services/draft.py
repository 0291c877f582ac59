"""Writing an application: a draft per school, saved page by page. What is read of it stands in `draft_reading`.

Question keys with a place of their own on the application: `title`, `starts_on` and `ends_on`. Who agreed stands in the
answers `signer_role` and `signer_name`, which belong to the page of the kind "signing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fundapp.domain import tranche as tranche_domain
from fundapp.domain.application import State
from fundapp.domain.draft import CostLine, PartnerLine, Share
from fundapp.domain.facts import SignerRole
from fundapp.domain.form_spec import validate_answers
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Attachment, BudgetLine, Contribution, Partner
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.services import funds
from fundapp.services.journal import note
from fundapp.services.subject import lock_tranche, missing

EDITABLE = (State.DRAFT, State.INCOMPLETE)


def create(session: Session, tranche_ref: str, school_code: str, *, actor: Actor, now: datetime) -> Application:
    """Begin a draft of a school in a round. Raises Refused: a round that is not open, a school that is not yours."""
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
        changed_at=now,
    )
    row.next_number += 1
    session.add(app)
    session.flush()
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


def editable(session: Session, ref: str, *, actor: Actor, seen: int | None) -> Application:
    """Lock a draft for saving. seen: the answers_version on the page.

    Raises Refused: NOT_FOUND for somebody else's, CONFLICT once it was sent, STALE where somebody else saved first.
    """
    app = session.scalar(
        select(Application)
        .where(Application.ref == ref)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if app is None or Role.APPLICANT not in roles_on(actor, _scope(app)):
        raise Refused(missing())
    if app.state not in EDITABLE:
        raise Refused(
            Refusal(
                "already_sent",
                Text(
                    "De aanvraag is al ingestuurd. U kunt hem nu niet veranderen.",
                    "The application was sent. You cannot change it now.",
                ),
            )
        )
    if seen is not None and seen != app.answers_version:
        raise Refused(
            Refusal(
                "edited_elsewhere",
                Text(
                    "Intussen is deze aanvraag in een ander scherm bewaard. Vergelijk de antwoorden en bewaar opnieuw.",
                    "This application was saved in another window meanwhile. Compare the answers and save again.",
                ),
                kind=Kind.STALE,
            )
        )
    return app


def _scope(app: Application) -> Scope:
    return Scope(app.fund_key, app.sub_region, app.board_number, app.school_code)


def _saved(app: Application, now: datetime) -> None:
    app.answers_version += 1
    app.changed_at = now


def save_section(
    session: Session,
    ref: str,
    section_key: str,
    raw: Mapping[str, object],
    *,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> tuple[Application, tuple[Refusal, ...]]:
    """Save one page of questions: every answer that will do is kept, the mistakes come back, each on its field.

    Raises Refused as `editable` does, and NOT_FOUND for an unknown section.
    """
    app = editable(session, ref, actor=actor, seen=seen)
    section = funds.spec_of(session, app.fund_version_id).form.section(section_key)
    clean, refusals = validate_answers(section, raw, complete=False)
    asked = {question.key for question in section.questions}
    mistaken = {(refusal.field or "").partition(".")[0] for refusal in refusals}  # in a table: key.row.column
    kept = {key: value for key, value in app.answers.items() if key not in asked or key in mistaken}
    app.answers = kept | clean
    _place(app)
    _saved(app, now)
    return app, refusals


def _place(app: Application) -> None:
    """Copy the answers that have a place of their own."""
    answers = app.answers
    app.title = str(answers.get("title") or "")
    app.starts_on = _day(answers.get("starts_on"))
    app.ends_on = _day(answers.get("ends_on"))
    if app.starts_on and app.ends_on and app.ends_on < app.starts_on:
        app.ends_on = None


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def save_budget(
    session: Session,
    ref: str,
    lines: Sequence[CostLine],
    *,
    requested_cents: int,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> Application:
    """Replace the budget by these lines, in this order, and the amount that is asked (cents)."""
    app = editable(session, ref, actor=actor, seen=seen)
    session.execute(delete(BudgetLine).where(BudgetLine.application_id == app.id))
    for position, line in enumerate(lines, 1):
        session.add(
            BudgetLine(
                application_id=app.id,
                position=position,
                category=line.category,
                description=line.description,
                quantity=line.quantity,
                unit_cents=line.unit_cents,
            )
        )
    app.cost_cents = sum(line.quantity * line.unit_cents for line in lines)
    app.requested_cents = requested_cents
    _saved(app, now)
    session.flush()
    return app


def save_contributions(
    session: Session, ref: str, shares: Sequence[Share], *, actor: Actor, now: datetime, seen: int | None = None
) -> Application:
    """Replace who pays with."""
    app = editable(session, ref, actor=actor, seen=seen)
    rule = funds.spec_of(session, app.fund_version_id).co_financing
    rate = rule.hourly_rate_cents if rule else 0
    session.execute(delete(Contribution).where(Contribution.application_id == app.id))
    for position, share in enumerate(shares, 1):
        session.add(
            Contribution(
                application_id=app.id,
                position=position,
                party=share.party,
                party_kind=share.kind,
                in_kind=share.in_kind,
                hours=share.hours,
                cents=share.hours * rate if share.hours else share.cents,
            )
        )
    _saved(app, now)
    session.flush()
    return app


def save_partners(
    session: Session, ref: str, partners: Sequence[PartnerLine], *, actor: Actor, now: datetime, seen: int | None = None
) -> Application:
    """Replace the partners; the boards of partner schools count for conflicts of interest from now on."""
    app = editable(session, ref, actor=actor, seen=seen)
    session.execute(delete(Partner).where(Partner.application_id == app.id))
    boards = {app.board_number}
    for position, partner in enumerate(partners, 1):
        school = session.get(School, partner.school_code) if partner.school_code else None
        if partner.school_code and school is None:
            raise Refused(
                Refusal(
                    "school_unknown",
                    Text(
                        "Deze school staat niet in het register. Kies een school uit de lijst.",
                        "This school is not in the register. Choose a school from the list.",
                    ),
                    field=f"school-{position}",
                    kind=Kind.INVALID,
                )
            )
        if school is not None:
            boards.add(school.board_number)
        session.add(
            Partner(
                application_id=app.id,
                position=position,
                kind=partner.kind,
                name=school.name if school else partner.name,
                school_code=partner.school_code,
            )
        )
    app.boards = sorted(boards)
    _saved(app, now)
    session.flush()
    return app


def save_signer(
    session: Session, ref: str, role: SignerRole, name: str, *, actor: Actor, now: datetime, seen: int | None = None
) -> Application:
    """Keep who agreed to the application, and in what position."""
    app = editable(session, ref, actor=actor, seen=seen)
    app.answers = app.answers | {"signer_role": str(role), "signer_name": name.strip()}
    _saved(app, now)
    return app


def attach(
    session: Session, ref: str, kind: str, file_name: str, sha256: str, *, actor: Actor, now: datetime
) -> Attachment:
    """Add a stored document to a draft as one of the documents that the fund asks for."""
    app = editable(session, ref, actor=actor, seen=None)
    attachment = Attachment(
        application_id=app.id, kind=kind, file_name=file_name, sha256=sha256, added_at=now, added_by_id=actor.id
    )
    session.add(attachment)
    _saved(app, now)
    session.flush()
    return attachment


def detach(session: Session, ref: str, attachment_id: int, *, actor: Actor, now: datetime) -> None:
    """Take a document away from a draft."""
    app = editable(session, ref, actor=actor, seen=None)
    session.execute(delete(Attachment).where(Attachment.id == attachment_id, Attachment.application_id == app.id))
    _saved(app, now)
