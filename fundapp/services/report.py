"""Writing the final accounts: what was spent per line with its proof, who really paid with, and what it achieved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fundapp.domain.accounts import ProofKind
from fundapp.domain.application import State
from fundapp.domain.people import Actor, Role, roles_on
from fundapp.domain.refusal import Kind, Refusal, Refused
from fundapp.domain.report import ReportPicture
from fundapp.domain.settlement import line_refusals, move_refusals
from fundapp.domain.text import Text
from fundapp.persistence.application import Application
from fundapp.persistence.settlement import (
    FinalReport,
    LineMove,
    ReportContribution,
    ReportEvidence,
)
from fundapp.services import application, funds, report_reading, uploads
from fundapp.services.holders import holders
from fundapp.services.journal import note
from fundapp.services.outbox import write_mail
from fundapp.services.ports import FileStore, Scanner
from fundapp.services.settlement import report_lines
from fundapp.services.subject import missing

MOST_FILES = 60
"""Files with one set of final accounts."""


@dataclass(frozen=True, slots=True)
class NewContribution:
    """Somebody who paid with and was not in the plan. hours: where it is work; else an amount in cents."""

    party: str
    kind: str
    in_kind: bool
    hours: int | None
    cents: int


@dataclass(frozen=True, slots=True)
class Written:
    """Final accounts as a school typed them; by line position, None for what is not filled in yet. Amounts in cents.

    received: by position of the contribution: hours where it is work, else cents. joined: who was not in the plan.
    """

    claimed: Mapping[int, int | None]
    results: str
    may_publish: bool
    explanations: Mapping[int, str] = field(default_factory=dict)
    no_evidence: Mapping[int, str] = field(default_factory=dict)
    received: Mapping[int, int | None] = field(default_factory=dict)
    joined: Sequence[NewContribution] = ()


def writable(session: Session, ref: str, *, actor: Actor, seen: datetime | None = None) -> Application:
    """Lock a case of which the school may write the accounts now. seen: when what the page showed had been saved.

    Raises Refused: NOT_FOUND for somebody else's, CONFLICT when the accounts are not asked, STALE where somebody else
    saved first.
    """
    app = application.find(session, ref, lock=True)
    if Role.APPLICANT not in roles_on(actor, application.scope(session, app)):
        raise Refused(missing())
    if app.state != State.AWARDED:
        raise Refused(
            Refusal(
                "accounts_not_asked",
                Text(
                    "U kunt de verantwoording nu niet veranderen. Bekijk de tijdlijn van uw aanvraag.",
                    "You cannot change the accounts now. See the timeline of your application.",
                ),
            )
        )
    if seen is not None and seen != app.changed_at:
        raise Refused(
            Refusal(
                "edited_elsewhere",
                Text(
                    "Intussen is de verantwoording in een ander scherm bewaard. Vergelijk en bewaar opnieuw.",
                    "The final accounts were saved in another window meanwhile. Compare, and save again.",
                ),
                kind=Kind.STALE,
            )
        )
    return app


def save_report(
    session: Session,
    ref: str,
    written: Written,
    *,
    actor: Actor,
    now: datetime,
    seen: datetime | None = None,
) -> Application:
    """Save a school's final accounts as they stand; sending them is a transition. Raises Refused as `writable`."""
    app = writable(session, ref, actor=actor, seen=seen)
    report = session.get_one(FinalReport, app.id)
    report.results = written.results.strip()
    report.may_publish = written.may_publish
    for line in report_lines(session, app.id):
        line.claimed_cents = written.claimed.get(line.position)
        line.explanation = written.explanations.get(line.position, "").strip()
        line.no_evidence = written.no_evidence.get(line.position, "").strip()
        line.accepted_cents, line.reason, line.moved_cents = None, "", 0
    session.execute(delete(LineMove).where(LineMove.application_id == app.id))
    _save_contributions(session, app, written)
    app.changed_at = now
    session.flush()
    return app


def _save_contributions(session: Session, app: Application, written: Written) -> None:
    rule = funds.spec_of(session, app.fund_version_id).co_financing
    rate = rule.hourly_rate_cents if rule else 0
    rows = session.scalars(
        select(ReportContribution)
        .where(ReportContribution.application_id == app.id)
        .order_by(ReportContribution.position)
    ).all()
    for row in rows:
        given = written.received.get(row.position)
        if row.promised_hours is None:
            row.received_cents = given
        else:
            row.received_hours = given
            row.received_cents = None if given is None else given * rate
    last = max((row.position for row in rows), default=0)
    for position, one in enumerate(written.joined, last + 1):
        by_hours = one.hours is not None
        session.add(
            ReportContribution(
                application_id=app.id,
                position=position,
                party=one.party.strip(),
                party_kind=one.kind,
                in_kind=one.in_kind or by_hours,
                promised_hours=0 if by_hours else None,
                promised_cents=0,
                received_hours=one.hours,
                received_cents=(one.hours or 0) * rate if by_hours else one.cents,
            )
        )


# --- evidence ---------------------------------------------------------------------------------------------------------


def add_evidence(
    session: Session,
    ref: str,
    *,
    position: int | None,
    kind: ProofKind | None,
    file_name: str,
    content: bytes,
    files: FileStore,
    scanner: Scanner,
    actor: Actor,
    now: datetime,
) -> None:
    """Bind a file to a line of the accounts (position), or keep it about the whole project (kind); the same one once.

    Raises Refused as `writable` and `uploads.store_document` do, on the field `evidence-<position>` or `file-<kind>`.
    """
    app = writable(session, ref, actor=actor)
    field_name = f"evidence-{position}" if kind is None else f"file-{kind}"
    known = session.scalars(select(ReportEvidence).where(ReportEvidence.application_id == app.id)).all()
    if len(known) >= MOST_FILES:
        words = Text("U kunt hoogstens {most} bestanden sturen.", "You can send {most} files at most.")
        raise Refused(Refusal("too_many_files", words.fill(most=MOST_FILES), field=field_name, kind=Kind.INVALID))
    if kind is None and all(line.position != position for line in report_lines(session, app.id)):
        raise Refused(missing())
    stored, ending = uploads.store_document(
        session, field_name, file_name, content, files=files, scanner=scanner, now=now
    )
    if any((one.position, one.kind, one.sha256) == (position, kind, stored.sha256) for one in known):
        return
    session.add(
        ReportEvidence(
            application_id=app.id,
            position=position,
            kind=None if kind is None else str(kind),
            file_name=uploads.tidy_name(file_name, ending),
            sha256=stored.sha256,
            added_at=now,
            added_by_id=actor.id,
        )
    )
    app.changed_at = now
    session.flush()


def remove_evidence(session: Session, ref: str, evidence_id: int, *, actor: Actor, now: datetime) -> None:
    """Take a file away from the accounts. Raises Refused as `writable`."""
    app = writable(session, ref, actor=actor)
    session.execute(
        delete(ReportEvidence).where(ReportEvidence.id == evidence_id, ReportEvidence.application_id == app.id)
    )
    app.changed_at = now


# --- signing ----------------------------------------------------------------------------------------------------------


def sign(session: Session, ref: str, *, content: str, actor: Actor, now: datetime) -> None:
    """Sign the accounts as they stand, for who may bind the school. content: the hash of what the person read.

    Raises Refused: FORBIDDEN for who may not sign, STALE when something was changed meanwhile, CONFLICT while something
    is missing; and as `writable`.
    """
    app = writable(session, ref, actor=actor)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.SIGNER)
    picture = _picture(session, app)
    if picture.content != content:
        raise Refused(
            Refusal(
                "content_changed",
                Text(
                    "De verantwoording is net veranderd. Lees haar opnieuw en teken dan.",
                    "The final accounts were changed just now. Read them again, then sign.",
                ),
                kind=Kind.STALE,
            )
        )
    if unfinished := [problem for problem in picture.problems if problem.code != "signature_missing"]:
        raise Refused(*unfinished)
    report = session.get_one(FinalReport, app.id)
    report.signed_at, report.signed_by_id, report.signed_sha256 = now, actor.id, content
    data = {"ref": app.ref, "sha256": content}
    note(session, actor, now, kind="application", subject_id=app.id, action="sign_report", data=data)
    session.flush()


def ask_signature(session: Session, ref: str, *, actor: Actor) -> int:
    """Ask who may bind the school to sign the accounts as they stand; return how many were asked anew.

    Raises Refused as `writable`, and CONFLICT where nobody may sign for this school.
    """
    app = writable(session, ref, actor=actor)
    picture = _picture(session, app)
    signers = holders(session, application.scope(session, app), [Role.SIGNER])[Role.SIGNER]
    if not signers:
        raise Refused(
            Refusal(
                "nobody_may_sign",
                Text(
                    "Niemand mag nog voor uw school tekenen. Laat die persoon bij “Collega's” toegang vragen.",
                    "Nobody may sign for your school yet. Let that person ask for access under “Colleagues”.",
                ),
            )
        )
    context = funds.case_context(session, app) | {
        "asked_by": actor.name,
        "url_path": f"/aanvragen/{app.ref}/verantwoording/controle",
    }
    return sum(
        write_mail(
            session,
            "report_to_sign",
            person,
            key=f"report:{app.id}:sign:{picture.content[:16]}:{person.id}",
            context=context,
            application_id=app.id,
        )
        for person in signers
    )


def _picture(session: Session, app: Application) -> ReportPicture:
    session.flush()
    picture = report_reading.picture(session, app)
    if picture is None:
        raise Refused(missing())
    return picture


# --- finance ----------------------------------------------------------------------------------------------------------


def _judged(session: Session, ref: str, actor: Actor) -> tuple[Application, ReportPicture]:
    app = application.find(session, ref, lock=True)
    application.require_role(roles_on(actor, application.scope(session, app)), Role.FINANCE)
    if app.state not in (State.REPORTED, State.DETERMINATION_INTENDED):
        raise Refused(
            Refusal(
                "no_accounts",
                Text(
                    "Er is nu geen verantwoording om te beoordelen. Bekijk de aanvraag opnieuw.",
                    "There are no accounts to judge now. Look at the application again.",
                ),
            )
        )
    return app, _picture(session, app)


def judge_lines(
    session: Session,
    ref: str,
    *,
    accepted: Mapping[int, int],
    reasons: Mapping[int, str],
    actor: Actor,
    now: datetime,
) -> tuple[Application, list[Refusal]]:
    """Save what finance accepts per line (cents by position), with a reason for each cut.

    A line that is not named counts as far as the fund's rules let it. Returns the mistakes, each on its field; where
    there are any, nothing was saved. Raises Refused: FORBIDDEN for somebody who is not of finance, CONFLICT when there
    are no accounts to judge.
    """
    app, picture = _judged(session, ref, actor)
    lines = [
        line.judged(accepted.get(line.position, line.allowed), reasons.get(line.position, ""))
        for line in picture.account_lines
    ]
    mistakes = line_refusals(lines)
    if mistakes:
        return app, mistakes
    for row, line in zip(report_lines(session, app.id), lines, strict=True):
        row.accepted_cents, row.reason = line.counts, line.reason.strip()
    told = [[line.position, line.counts, line.reason] for line in lines]
    data = {"ref": app.ref, "lines": told}
    note(session, actor, now, kind="application", subject_id=app.id, action="judge_lines", data=data)
    session.flush()
    return app, []


def move_cost(
    session: Session,
    ref: str,
    *,
    source: int,
    target: int,
    cents: int,
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[Refusal]:
    """Move cost (cents) that the school put on the wrong line to another (positions), with a reason.

    Both lines are judged anew after it. Returns the mistakes, each on its field; where there are any, nothing was
    saved. Raises Refused as `judge_lines`.
    """
    app, picture = _judged(session, ref, actor)
    mistakes = move_refusals(picture.account_lines, source, target, cents, reason)
    if mistakes:
        return mistakes
    for row in report_lines(session, app.id):
        if row.position in (source, target):
            row.accepted_cents, row.reason = None, ""
            row.moved_cents += cents if row.position == target else -cents
    session.add(
        LineMove(
            application_id=app.id,
            source=source,
            target=target,
            cents=cents,
            reason=reason.strip(),
            at=now,
            by_id=actor.id,
        )
    )
    data = {"ref": app.ref, "move": [source, target, cents, reason.strip()]}
    note(session, actor, now, kind="application", subject_id=app.id, action="move_cost", data=data)
    session.flush()
    return []


def evidence_of(session: Session, app: Application, evidence_id: int) -> ReportEvidence | None:
    """A file with the accounts of this case, or None."""
    return session.scalar(
        select(ReportEvidence).where(ReportEvidence.id == evidence_id, ReportEvidence.application_id == app.id)
    )
