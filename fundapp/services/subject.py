"""What all kinds of cases share: the refusal for one that is not there, and the lock on its tranche."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from fundapp.domain.refusal import Kind, Refusal
from fundapp.domain.text import Text
from fundapp.persistence.fund import Tranche


def missing() -> Refusal:
    """It is not there, or this person may not know that it is: the same words for both."""
    return Refusal(
        "not_found",
        Text(
            "Deze pagina bestaat niet, of u mag hem niet zien. Controleer het adres of ga naar uw overzicht.",
            "This page does not exist, or is not for you. Check the address or go to your overview.",
        ),
        kind=Kind.NOT_FOUND,
    )


def lock_tranche(session: Session, tranche_id: int) -> Tranche:
    """Lock a tranche and return it as it is now. Rows that merely refer to it are not held up."""
    return session.scalars(
        select(Tranche)
        .where(Tranche.id == tranche_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
