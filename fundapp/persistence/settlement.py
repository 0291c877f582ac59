"""Final accounts with their evidence and co-financing, determinations, recoveries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.domain import recovery
from fundapp.domain.accounts import ProofKind
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.people import one_of


class FinalReport(Base):
    """The school's final accounts (eindverantwoording): results in words, and whether somebody signed them.

    award_cents: what the award was lowered to during the project; None: it was not. asked_at: when a school with a
    fixed amount was asked to show what it did. last_term: the term that runs is the last chance. ex_officio: nothing
    came, so finance fills it in. signed_sha256: the hash of what was signed; it counts while the accounts have it.
    """

    __tablename__ = "final_report"

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True)
    results: Mapped[str] = mapped_column(default="")
    may_publish: Mapped[bool] = mapped_column(default=False)
    award_cents: Mapped[Cents | None]
    asked_at: Mapped[datetime | None]
    last_term: Mapped[bool] = mapped_column(default=False)
    ex_officio: Mapped[bool] = mapped_column(default=False)
    signed_at: Mapped[datetime | None]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signed_sha256: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


def _as_budgeted(context: DefaultExecutionContext) -> Any:
    return context.get_current_parameters()["budgeted_cents"]  # type: ignore[no-untyped-call]  # SQLAlchemy's own


class ReportLine(Base):
    """One budget line in the final accounts: what was spent, and what of it counts (cents; None: not judged yet).

    agreed_cents: the budget as it was awarded, or approved since; budgeted_cents: as it stands, small shifts counted
    in. no_evidence: why there is no proof. moved_cents: what finance moved here from other lines (or away, below zero).
    """

    __tablename__ = "report_line"
    __table_args__ = (
        UniqueConstraint("application_id", "position"),
        CheckConstraint("claimed_cents >= 0 AND claimed_cents + moved_cents >= 0", name="claimed"),
        CheckConstraint("accepted_cents >= 0 AND accepted_cents <= claimed_cents + moved_cents", name="accepted"),
        CheckConstraint(
            "accepted_cents IS NULL OR accepted_cents = claimed_cents + moved_cents OR reason <> ''",
            name="a_cut_has_a_reason",
        ),
        CheckConstraint("budgeted_cents >= 0 AND agreed_cents >= 0", name="budget"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    position: Mapped[int]
    description: Mapped[str]
    category: Mapped[str]
    agreed_cents: Mapped[Cents] = mapped_column(default=_as_budgeted)
    budgeted_cents: Mapped[Cents]
    claimed_cents: Mapped[Cents | None]
    explanation: Mapped[str] = mapped_column(default="")
    no_evidence: Mapped[str] = mapped_column(default="")
    moved_cents: Mapped[Cents] = mapped_column(default=0)
    accepted_cents: Mapped[Cents | None]
    reason: Mapped[str] = mapped_column(default="")


class ReportEvidence(Base):
    """A file with the final accounts: bound to a line (position), or about the whole project (kind)."""

    __tablename__ = "report_evidence"
    __table_args__ = (
        CheckConstraint("(position IS NULL) <> (kind IS NULL)", name="of_a_line_or_the_whole"),
        CheckConstraint(one_of("kind", ProofKind), name="kind"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    position: Mapped[int | None]
    kind: Mapped[str | None]
    file_name: Mapped[str]
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_document.sha256"))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class ReportContribution(Base):
    """Who really paid with, by partner and kind: what was promised and what came (cents; None: not filled in yet)."""

    __tablename__ = "report_contribution"
    __table_args__ = (
        UniqueConstraint("application_id", "position"),
        CheckConstraint("promised_cents >= 0 AND received_cents >= 0 AND received_hours >= 0", name="amounts"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    position: Mapped[int]
    party: Mapped[str]
    party_kind: Mapped[str]  # own | school | mbo | company | other
    in_kind: Mapped[bool]
    promised_hours: Mapped[int | None]
    promised_cents: Mapped[Cents]
    received_hours: Mapped[int | None]
    received_cents: Mapped[Cents | None]


class LineMove(Base):
    """What finance moved from one line of the accounts to another (positions), and why. Amount in cents."""

    __tablename__ = "line_move"
    __table_args__ = (
        CheckConstraint("cents > 0 AND source <> target", name="move"),
        CheckConstraint("reason <> ''", name="reason"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    source: Mapped[int]
    target: Mapped[int]
    cents: Mapped[Cents]
    reason: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Determination(Base):
    """An intended or a final amount (vaststelling), with its calculation step by step. Append-only.

    replaces_id: the final amount that this one came in the place of, after a new look at it.
    """

    __tablename__ = "determination"
    __table_args__ = (
        CheckConstraint("kind IN ('intended', 'final')", name="kind"),
        CheckConstraint("cents >= 0", name="cents"),
        Index(
            "uq_determination_one_final",
            "application_id",
            unique=True,
            postgresql_where="kind = 'final' AND replaces_id IS NULL",
        ),
        CheckConstraint("replaces_id IS NULL OR kind = 'final'", name="only_a_final_one_is_replaced"),
        UniqueConstraint("replaces_id"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    kind: Mapped[str]
    cents: Mapped[Cents]
    calculation: Mapped[dict[str, Any]]
    ex_officio: Mapped[bool] = mapped_column(default=False)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("determination.id"))


class IntentResponse(Base):
    """The school's response to an intended decision (zienswijze). round: that of its term to respond; one for each."""

    __tablename__ = "intent_response"
    __table_args__ = (UniqueConstraint("application_id", "round"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    round: Mapped[int] = mapped_column(default=1)
    text: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class Recovery(Base):
    """Money that is asked back (terugvordering). What is still open stands in the ledger's account `receivable`.

    due_on: by when the next amount must be in, as its running term says; kept for the lists. One at a time for a case.
    """

    __tablename__ = "recovery"
    __table_args__ = (
        CheckConstraint("cents > 0", name="cents"),
        CheckConstraint(one_of("state", recovery.State), name="state"),
        CheckConstraint(
            "state <> 'written_off' OR (written_off_by_id IS NOT NULL AND proposed_by_id IS NOT NULL"
            " AND written_off_by_id <> proposed_by_id)",
            name="two_people_write_off",
        ),
        Index(
            "uq_recovery_live",
            "application_id",
            unique=True,
            postgresql_where="state NOT IN ('cleared', 'written_off', 'waived')",
        ),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    state: Mapped[str] = mapped_column(default=recovery.State.OPEN.value)
    version: Mapped[int] = mapped_column(default=1)
    cents: Mapped[Cents]
    due_on: Mapped[date]
    created_at: Mapped[datetime]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    written_off_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class RecoveryPart(Base):
    """One instalment in which a claim is paid back. round: a new agreement replaces the one before it. Append-only."""

    __tablename__ = "recovery_part"
    __table_args__ = (
        UniqueConstraint("application_id", "round", "number"),
        CheckConstraint("cents > 0", name="cents"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    round: Mapped[int]
    number: Mapped[int]
    cents: Mapped[Cents]
    due_on: Mapped[date]
