"""Receipts of what was sent: one for each submission, made into a PDF by the worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fundapp.persistence.db import Base, Id


class Receipt(Base):
    """The receipt of a submission. facts: who sent it and for whom, as they were called on that day (frozen).

    pdf_sha256: of the PDF in the file store, made once; seal: the signature over that hash (`domain.receipt`). Both
    stay when the retention term takes the PDF and the facts away, so that a school can still prove its own copy.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        Index("ix_receipt_waiting", "id", postgresql_where="pdf_sha256 IS NULL AND failure IS NULL"),
        Index("ix_receipt_pdf", "pdf_sha256"),
    )

    id: Mapped[Id]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    language: Mapped[str]
    facts: Mapped[dict[str, Any]]
    made_at: Mapped[datetime | None]
    pdf_sha256: Mapped[str | None]
    seal: Mapped[str | None]
    failure: Mapped[str | None]
