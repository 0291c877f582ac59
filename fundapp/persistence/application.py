"""Applications and what belongs to them: what was sent, the budget, the co-financing, partners and files."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, func, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from fundapp.domain import application
from fundapp.persistence.db import Base, Cents, Id
from fundapp.persistence.fund import Tranche
from fundapp.persistence.people import one_of
from fundapp.persistence.register import School

DUE = "coalesce(decision_due_on, '9999-12-31'::date)"
"""How worklists are ordered, as the index has it: the first to be decided on top, what waits for no decision last."""


class Application(Base):
    """One application of one school (aanvraag), from draft to settled.

    ref: its number in letters and URLs. version: raised by every transition. answers: question → answer, as the form
    specification of `fund_version` types them; answers_version is raised by every save. boards: the applicant's board
    and the partners', for the conflict-of-interest rule. owner_id: who of the school is in charge of it; None: nobody.
    completion_fields: the parts that staff opened when it was asked to be completed last (`domain/completion.py`).
    complete_at: the moment that counts for the order of receipt.
    """

    __tablename__ = "application"
    __table_args__ = (
        CheckConstraint(one_of("state", application.State), name="state"),
        CheckConstraint("requested_cents >= 0 AND cost_cents >= 0", name="amounts"),
        CheckConstraint("starts_on <= ends_on", name="period"),
        Index("ix_application_worklist", "state", "fund_key", text(f"({DUE})"), "id"),
        Index("ix_application_ref_prefix", "ref", postgresql_ops={"ref": "text_pattern_ops"}),
        Index(
            "ix_application_title_prefix",
            func.lower(literal_column("title")).label("title_key"),
            postgresql_ops={"title_key": "text_pattern_ops"},
        ),
        Index("ix_application_region_worklist", "state", "fund_key", "sub_region", text(f"({DUE})"), "id"),
        Index("ix_application_tranche", "tranche_id", "id"),
        Index("ix_application_tranche_state", "tranche_id", "state", text(f"({DUE})"), "id"),
        Index("ix_application_school", "board_number", "school_code", "id"),
        Index("ix_application_author", "created_by_id", "id"),
        Index("ix_application_amount", "requested_cents", "id"),
    )

    id: Mapped[Id]
    ref: Mapped[str] = mapped_column(unique=True)
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"))
    fund_key: Mapped[str] = mapped_column(ForeignKey("fund.key"))
    fund_version_id: Mapped[int] = mapped_column(ForeignKey("fund_version.id"))
    school_code: Mapped[str] = mapped_column(ForeignKey("school.code"))
    board_number: Mapped[str] = mapped_column(ForeignKey("school_board.number"))
    boards: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sub_region: Mapped[str] = mapped_column(ForeignKey("sub_region.key"))
    state: Mapped[str] = mapped_column(default=application.State.DRAFT.value)
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(default="")
    answers: Mapped[dict[str, Any]]
    answers_version: Mapped[int] = mapped_column(default=1)
    requested_cents: Mapped[Cents] = mapped_column(default=0)
    cost_cents: Mapped[Cents] = mapped_column(default=0)
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    submitted_at: Mapped[datetime | None]
    complete_at: Mapped[datetime | None]
    completions_asked: Mapped[int] = mapped_column(default=0)
    completion_request: Mapped[str | None]
    completion_fields: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    decision_due_on: Mapped[date | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    changed_at: Mapped[datetime]

    tranche: Mapped[Tranche] = relationship(lazy="raise")
    school: Mapped[School] = relationship(lazy="raise")


class Submission(Base):
    """What was sent, frozen: answers, budget, co-financing, partners, files, with the hash of it all. Append-only."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int]
    received_at: Mapped[datetime]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str]


class BudgetLine(Base):
    """One line of the budget: quantity × price (cents); the amount is the database's own product."""

    __tablename__ = "budget_line"
    __table_args__ = (
        UniqueConstraint("application_id", "position", deferrable=True, initially="DEFERRED"),
        CheckConstraint("quantity > 0 AND unit_cents >= 0", name="amounts"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    position: Mapped[int]
    category: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    unit_cents: Mapped[Cents]

    @property
    def cents(self) -> int:
        """The line's amount in cents."""
        return self.quantity * self.unit_cents


class Contribution(Base):
    """Who pays with (cofinanciering): money, or hours × rate in kind. Amount in cents."""

    __tablename__ = "contribution"
    __table_args__ = (CheckConstraint("cents >= 0", name="cents"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    position: Mapped[int]
    party: Mapped[str]
    party_kind: Mapped[str]  # own | school | mbo | company | other
    in_kind: Mapped[bool] = mapped_column(default=False)
    hours: Mapped[int | None]
    cents: Mapped[Cents]


class Partner(Base):
    """Who takes part: a school from the register, or an organisation by name."""

    __tablename__ = "partner"

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    position: Mapped[int]
    kind: Mapped[str]  # po | vo | mbo | company | other
    name: Mapped[str]
    school_code: Mapped[str | None] = mapped_column(ForeignKey("school.code"))


class StoredDocument(Base):
    """A file in the file store, by its content's SHA-256. scan: clean, not_scanned or waiting; infected is not kept."""

    __tablename__ = "stored_document"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    media_type: Mapped[str]
    scan: Mapped[str]
    stored_at: Mapped[datetime]


class Attachment(Base):
    """A file of an application: which required document it is (`kind`), and the name it was sent under."""

    __tablename__ = "attachment"

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    kind: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_document.sha256"))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class EligibilityCheck(Base):
    """A judgement of the fund's conditions: rule version, inputs and outcome, to be replayed. Append-only."""

    __tablename__ = "eligibility_check"

    id: Mapped[Id]
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"), index=True)
    fund_version_id: Mapped[int] = mapped_column(ForeignKey("fund_version.id"))
    moment: Mapped[str]
    at: Mapped[datetime]
    inputs: Mapped[dict[str, Any]]
    outcomes: Mapped[list[Any]]


class Term(Base):
    """A running term of a case. due_on is derived from the rule, the start and the pauses, and kept for the sweeps.

    objection_id: the objection that it is a term of, if any; such a term does not end with the application.
    rule: a `domain.term.TermRule` as data; pauses: [[from, to or null], …] (dates); because: why it falls there.
    """

    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("application_id", "name", "round"),
        Index("ix_term_due", "name", "due_on", postgresql_where="ended_on IS NULL"),
    )

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    name: Mapped[str]  # decision | completion | report | determination | response | payment | recovery | remedy_…
    objection_id: Mapped[int | None] = mapped_column(ForeignKey("objection.id"), index=True)
    round: Mapped[int] = mapped_column(default=1)
    started_on: Mapped[date]
    rule: Mapped[dict[str, Any]]
    pauses: Mapped[list[Any]]
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    because: Mapped[list[Any]]
    ended_on: Mapped[date | None]
