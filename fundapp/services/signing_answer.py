"""Who signs by mail reads the whole application and answers; and what the clock does while nobody answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, sessionmaker

from fundapp.domain.application import State
from fundapp.domain.days import AMSTERDAM
from fundapp.domain.draft import DraftPicture
from fundapp.domain.people import SYSTEM
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.signing import Signatures, SignatureState
from fundapp.domain.text import Text
from fundapp.persistence.application import Application, Term
from fundapp.persistence.signing import Signature
from fundapp.persistence.unit_of_work import unit_of_work
from fundapp.services import application, draft_reading, funds, signing
from fundapp.services.subject import missing
from fundapp.services.transitions import perform

WAITING = (State.DRAFT, State.SUBMITTED, State.INCOMPLETE)
"""States in which an application can be signed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody who signs is shown. due: the last day to sign; None where it was not sent in yet.

    sent: whether the application is with the fund already. reopens: whether the school can send it again after a no.
    """

    row: Signature
    app: Application
    picture: DraftPicture
    signatures: Signatures
    due: date | None
    sent: bool
    reopens: bool

    @property
    def open(self) -> bool:
        """Whether there is something to answer."""
        return self.row.state == SignatureState.ASKED and State(self.app.state) in WAITING


def asked(session: Session, signature_id: int) -> tuple[Signature, Application]:
    """Return the signature of a link with its application. Raises Refused(NOT_FOUND)."""
    found = session.execute(
        select(Signature, Application)
        .join(Application, Application.id == Signature.application_id)
        .where(Signature.id == signature_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Refused(missing())
    return found[0], found[1]


def reading(session: Session, signature_id: int, now: datetime) -> Reading:
    """Return all that is signed. Raises Refused(NOT_FOUND)."""
    row, app = asked(session, signature_id)
    picture = draft_reading.picture(session, app)
    sent = app.state == State.SUBMITTED
    found, due = draft_reading.signatures(session, app) if sent else (picture.signing, None)
    return Reading(row, app, picture, found, due, sent, reopens=now <= picture.round.ends_at)


def sign(session: Session, signature_id: int, sha256: str, *, now: datetime) -> None:
    """Agree, by mail, to the content with this hash; who asks has proved the mailbox. The caller commits.

    Raises Refused: NOT_FOUND; CONFLICT where it was answered or somebody else signs; STALE where the content changed.
    """
    row, app = _locked(session, signature_id)
    perform(
        session, "application", app.ref, "sign", actor=SYSTEM, now=now, given={"place": row.place, "sha256": sha256}
    )


def decline(session: Session, signature_id: int, explanation: str, *, now: datetime) -> None:
    """Do not agree, by mail, with a reason that the school reads.

    Raises Refused as `sign`; INVALID without a reason.
    """
    row, app = _locked(session, signature_id)
    action = "decline_sent" if app.state == State.SUBMITTED else "decline"
    given = {"place": row.place, "explanation": explanation}
    perform(session, "application", app.ref, action, actor=SYSTEM, now=now, given=given)


def _locked(session: Session, signature_id: int) -> tuple[Signature, Application]:
    _, app = asked(session, signature_id)
    application.find(session, app.ref, lock=True)
    row, app = asked(session, signature_id)
    if row.state != SignatureState.ASKED or State(app.state) not in WAITING:
        raise Refused(answered(row))
    return row, app


def answered(row: Signature) -> Refusal:
    """Why there is nothing to answer any more."""
    sentence = {
        SignatureState.SIGNED: Text("U gaf al akkoord. U hoeft niets te doen.", "You agreed. Nothing more to do."),
        SignatureState.DECLINED: Text(
            "U antwoordde al: niet akkoord. De school leest uw reden.",
            "You answered: not agreed. The school reads your reason.",
        ),
    }.get(
        SignatureState(row.state),
        Text(
            "Er is niets meer te tekenen. Kreeg u een nieuwere mail? Gebruik dan de link daarin.",
            "There is nothing to sign any more. Did you get a newer mail? Then use its link.",
        ),
    )
    return Refusal("nothing_to_sign", sentence)


# --- the clock --------------------------------------------------------------------------------------------------------

REMIND_AFTER = (timedelta(days=2), timedelta(days=5))
"""How long after a question that nobody answered a reminder goes (ux.md section 5)."""

BEFORE_THE_END = 3
"""Days before the end of the term on which the signer hears of it once more."""

_TOO_LATE = timedelta(days=14)
_AT_ONCE = 500


def remind(session: Session, now: datetime) -> int:
    """Remind who was asked to sign and did not answer; return how many mails are new. The caller commits."""
    today = now.astimezone(AMSTERDAM).date()
    sent = 0
    for lasted, later in zip(REMIND_AFTER, (*REMIND_AFTER[1:], _TOO_LATE), strict=True):
        due = (Signature.asked_at <= now - lasted) & (Signature.asked_at > now - later)
        sent += _remind(session, due, f"{lasted.days}", now)
    ends_soon = (Term.due_on >= today) & (Term.due_on <= today + timedelta(days=BEFORE_THE_END))
    return sent + _remind(session, ends_soon & (Signature.asked_at <= now - timedelta(days=1)), "term", now)


def _remind(session: Session, due: ColumnElement[bool], why: str, now: datetime) -> int:
    rows = session.execute(
        select(Signature, Application, Term.due_on)
        .join(Application, Application.id == Signature.application_id)
        .outerjoin(
            Term, (Term.application_id == Application.id) & (Term.name == signing.TERM) & Term.ended_on.is_(None)
        )
        .where(Signature.state == SignatureState.ASKED, Application.state.in_([str(s) for s in WAITING]), due)
        .order_by(Signature.id)
        .limit(_AT_ONCE)
    )
    return sum(
        signing.mail(
            session,
            app,
            row,
            "sign_reminder",
            now=now,
            key=f"sign_reminder:{row.id}:{_day_of(row)}:{why}",
            more={"due": _iso(due_on)},
        )
        for row, app, due_on in rows.all()
    )


def _day_of(row: Signature) -> str:
    assert row.asked_at is not None
    return row.asked_at.date().isoformat()


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def end_unsigned(make_session: sessionmaker[Session], now: datetime) -> int:
    """End the applications that nobody signed in time, where the fund says so; each in a transaction of its own."""
    today = now.astimezone(AMSTERDAM).date()
    with make_session() as session:
        due = session.execute(
            select(Application.ref, Application.fund_version_id)
            .join(Term, (Term.application_id == Application.id) & (Term.name == signing.TERM))
            .where(Term.ended_on.is_(None), Term.due_on < today, Application.state == State.SUBMITTED)
            .order_by(Term.due_on, Term.id)
            .limit(_AT_ONCE)
        ).all()
        specs = funds.specs_of(session, {row.fund_version_id for row in due})
    done = 0
    for ref, version in due:
        rule = specs[version].signer
        if rule is None or rule.missed != "not_considered":
            continue
        given = {"reasons": [str(rule.rejection_reason)], "explanation": NOT_SIGNED}
        with make_session() as session:
            try:
                with unit_of_work(session):
                    perform(session, "application", ref, "miss_signature", actor=SYSTEM, now=now, given=given)
                done += 1
            except Refused:  # somebody signed just now
                continue
    return done


NOT_SIGNED = "Het akkoord van de schoolleiding kwam niet op tijd."
"""What the letter says; letters are in Dutch."""
