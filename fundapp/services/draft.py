"""Writing an application: a draft per school, saved page by page, judged by the form and the conditions of its fund.

Question keys with a place of their own on the application: `title`, `starts_on` and `ends_on`. Who agreed stands in the
answers `signer_role` and `signer_name`, which belong to the page of the kind "signing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from fundapp.domain import tranche as tranche_domain
from fundapp.domain.application import State
from fundapp.domain.condition import Verdict
from fundapp.domain.conditions import DocumentRequirement
from fundapp.domain.eligibility import Outcome, evaluate
from fundapp.domain.facts import (
    ELSEWHERE,
    ApplicantLevel,
    BudgetLineFacts,
    ContributionFacts,
    DocumentFacts,
    EarlierApplication,
    Facts,
    PartnerFacts,
    PartnerKind,
    SchoolFacts,
    SignatureFacts,
    SignerRole,
)
from fundapp.domain.form_spec import PageKind, Section, validate_answers
from fundapp.domain.fund import FundSpec
from fundapp.domain.people import Actor, Role, Scope, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.register import Level
from fundapp.domain.text import Text
from fundapp.persistence.application import (
    Application,
    Attachment,
    BudgetLine,
    Contribution,
    Partner,
)
from fundapp.persistence.decision import Award
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.services import funds
from fundapp.services.journal import note
from fundapp.services.ledger import free_in
from fundapp.services.subject import lock_tranche, missing

EDITABLE = (State.DRAFT, State.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the budget as typed. unit_cents: the price of one, in cents."""

    category: str
    description: str
    quantity: int
    unit_cents: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one party pays with, as typed: money or goods (cents), or hours valued at the fund's rate."""

    party: str
    kind: str
    in_kind: bool
    hours: int | None
    cents: int


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """One partner as typed. school_code: where it is a school of the register."""

    kind: str
    name: str
    school_code: str | None = None


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


# --- reading ----------------------------------------------------------------------------------------------------------


def budget(session: Session, app: Application) -> list[BudgetLine]:
    """The budget lines, in order."""
    query = select(BudgetLine).where(BudgetLine.application_id == app.id).order_by(BudgetLine.position)
    return list(session.scalars(query))


def contributions(session: Session, app: Application) -> list[Contribution]:
    """Who pays with, in order."""
    query = select(Contribution).where(Contribution.application_id == app.id).order_by(Contribution.position)
    return list(session.scalars(query))


def partners(session: Session, app: Application) -> list[Partner]:
    """The partners, in order."""
    query = select(Partner).where(Partner.application_id == app.id).order_by(Partner.position)
    return list(session.scalars(query))


def attachments(session: Session, app: Application) -> list[Attachment]:
    """The documents, in the order in which they came."""
    query = select(Attachment).where(Attachment.application_id == app.id).order_by(Attachment.id)
    return list(session.scalars(query))


def eligible_cost(spec: FundSpec, lines: Sequence[BudgetLine]) -> int:
    """The part of the budget that the fund pays its share of, in cents."""
    return sum(line.cents for line in lines if (c := spec.category(line.category)) is None or c.eligible)


def needed_documents(spec: FundSpec, answers: Mapping[str, Any]) -> list[DocumentRequirement]:
    """The documents that must be there, given the answers."""
    return [d for d in spec.documents if d.only_if is None or answers.get(d.only_if) is True]


def section_problems(session: Session, app: Application, section: Section) -> list[Refusal]:
    """What is missing or wrong on one page of an application."""
    spec = funds.spec_of(session, app.fund_version_id)
    asked = {question.key for question in section.questions}
    _, found = validate_answers(section, {k: v for k, v in app.answers.items() if k in asked})
    problems = list(found)
    if section.page is PageKind.SIGNING and spec.signer and not app.answers.get("signer_name"):
        problems.append(
            Refusal(
                "signer_missing",
                Text("Vul in wie er akkoord is met deze aanvraag.", "Enter who agrees to this application."),
                field="signer_name",
                kind=Kind.INVALID,
            )
        )
    if section.page is PageKind.BUDGET:
        problems += _budget_problems(session, app, spec)
    if section.page is PageKind.DOCUMENTS:
        there = {attachment.kind for attachment in attachments(session, app)}
        problems += [
            Refusal(
                "document_missing",
                Text("Voeg dit bestand toe: {name}.", "Add this file: {name}.").fill(name=document.name),
                field=document.code,
                kind=Kind.INVALID,
            )
            for document in needed_documents(spec, app.answers)
            if document.code not in there
        ]
    return problems


def _budget_problems(session: Session, app: Application, spec: FundSpec) -> list[Refusal]:
    lines = budget(session, app)
    if not lines:
        return [
            Refusal(
                "budget_empty",
                Text("Vul minstens één kostenregel in.", "Enter at least one cost line."),
                field="lines",
                kind=Kind.INVALID,
            )
        ]
    found = [
        Refusal(
            "quantity_missing",
            Text(
                "Kostenregel {n}: beschrijf wat u koopt en vul een prijs in.",
                "Cost line {n}: describe what you buy and enter a price.",
            ).fill(n=line.position),
            field=f"lines-{line.position}",
            kind=Kind.INVALID,
        )
        for line in lines
        if not line.description.strip() or line.unit_cents == 0
    ]
    if app.requested_cents == 0:
        found.append(
            Refusal(
                "requested_missing",
                Text("Vul in hoeveel u vraagt.", "Enter how much you ask for."),
                field="requested",
                kind=Kind.INVALID,
            )
        )
    if app.requested_cents > eligible_cost(spec, lines):
        found.append(
            Refusal(
                "requested_above_cost",
                Text(
                    "U vraagt meer dan het project kost. Pas het gevraagde bedrag of de begroting aan.",
                    "You ask for more than the project costs. Change the amount or the budget.",
                ),
                field="requested",
                kind=Kind.INVALID,
            )
        )
    return found


def problems(session: Session, app: Application) -> list[tuple[str, Refusal]]:
    """Everything that is missing or wrong: (section key, reason), in the order of the task list."""
    spec = funds.spec_of(session, app.fund_version_id)
    return [
        (section.key, refusal) for section in spec.form.sections for refusal in section_problems(session, app, section)
    ]


def eligibility_facts(session: Session, app: Application) -> Facts:
    """What the conditions look at, as it stands now."""
    spec = funds.spec_of(session, app.fund_version_id)
    row = session.get_one(Tranche, app.tranche_id)
    school = session.get_one(School, app.school_code)
    lines = budget(session, app)
    pot = funds.pot_of(session, app)
    return Facts(
        applicant=ApplicantLevel.SCHOOL,
        schools=(
            SchoolFacts(
                code=school.code,
                board=app.board_number,
                level=Level(school.level),
                sub_region=school.effective_sub_region or ELSEWHERE,
            ),
        ),
        tranche=row.ref,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        submitted_at=app.submitted_at,
        starts_on=app.starts_on,
        requested_cents=app.requested_cents or None,
        total_cost_cents=app.cost_cents or None,
        eligible_cost_cents=eligible_cost(spec, lines) or None,
        board_awarded_cents=_awarded_to_board(session, app),
        ceiling_left_cents=free_in(session, app.tranche_id, [pot]),
        contributions=tuple(contribution_facts(c) for c in contributions(session, app)),
        budget=tuple(BudgetLineFacts(category=line.category, cents=line.cents) for line in lines),
        partners=tuple(PartnerFacts(kind=PartnerKind(partner.kind)) for partner in partners(session, app)),
        documents=tuple(DocumentFacts(code=a.kind) for a in attachments(session, app)),
        earlier=_earlier(session, app),
        signature=_signature(app),
        answers={key: value for key, value in app.answers.items() if isinstance(value, bool)},
    )


def _signature(app: Application) -> SignatureFacts | None:
    if not app.answers.get("signer_name"):
        return None
    return SignatureFacts(role=SignerRole(app.answers["signer_role"]), agreed=True)


def contribution_facts(row: Contribution) -> ContributionFacts:
    """What one contribution is, as the conditions look at it."""
    own = row.party_kind == "own"
    if row.hours:
        return ContributionFacts(own=own, hours=row.hours)
    return (
        ContributionFacts(own=own, goods_cents=row.cents)
        if row.in_kind
        else ContributionFacts(own=own, cash_cents=row.cents)
    )


def _awarded_to_board(session: Session, app: Application) -> int:
    awarded = session.scalar(
        select(func.sum(Award.cents))
        .join(Application, Application.id == Award.application_id)
        .where(
            Application.tranche_id == app.tranche_id,
            Application.board_number == app.board_number,
            Application.id != app.id,
        )
    )
    return int(awarded or 0)  # PostgreSQL sums bigints to a numeric


def _earlier(session: Session, app: Application) -> tuple[EarlierApplication, ...]:
    rows = session.execute(
        select(Application.ref, Tranche.ref, Application.school_code, Application.board_number, Award.cents)
        .join(Tranche, Tranche.id == Application.tranche_id)
        .outerjoin(Award, Award.application_id == Application.id)
        .where(
            Application.board_number == app.board_number,
            Application.fund_key == app.fund_key,
            Application.id != app.id,
            Application.state.not_in(
                [State.DRAFT, State.REJECTED, State.NOT_CONSIDERED, State.WITHDRAWN, State.REVOKED]
            ),
        )
        .order_by(Application.id)
        .limit(100)
    )
    return tuple(
        EarlierApplication(ref=ref, tranche=tranche, school=school, board=board, awarded=cents is not None)
        for ref, tranche, school, board, cents in rows
    )


def outcomes(session: Session, app: Application, now: datetime) -> list[Outcome]:
    """What each condition says of the application as it stands."""
    spec = funds.spec_of(session, app.fund_version_id)
    return evaluate(spec.conditions, eligibility_facts(session, app), moment=now)


def not_met(found: Sequence[Outcome]) -> list[Outcome]:
    """The conditions that are not met, the blocking ones first."""
    return sorted((o for o in found if o.verdict is Verdict.NOT_MET), key=lambda o: not o.blocking)


def content(session: Session, app: Application) -> dict[str, Any]:
    """Everything that is sent, as plain data: what the receipt shows and the hash covers."""
    return {
        "ref": app.ref,
        "fund_version": app.fund_version_id,
        "school": app.school_code,
        "board": app.board_number,
        "title": app.title,
        "requested_cents": app.requested_cents,
        "answers": app.answers,
        "budget": [[line.category, line.description, line.quantity, line.unit_cents] for line in budget(session, app)],
        "contributions": [[c.party, c.party_kind, c.in_kind, c.hours, c.cents] for c in contributions(session, app)],
        "partners": [[p.kind, p.name, p.school_code] for p in partners(session, app)],
        "documents": [[a.kind, a.file_name, a.sha256] for a in attachments(session, app)],
    }
