"""Applications that were really sent: frozen content, judged conditions, a document in the database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from fundapp.domain.draft import eligibility_facts
from fundapp.domain.eligibility import evaluate
from fundapp.persistence.application import (
    Application,
    Attachment,
    BudgetLine,
    Contribution,
    EligibilityCheck,
    Partner,
    StoredDocument,
    Submission,
)
from fundapp.persistence.fund import Tranche
from fundapp.persistence.register import School
from fundapp.services import draft_reading, funds
from tests.support.cases import NOW, Cases, sign

ANSWERS = {
    "title": "Techniek in de klas",
    "summary": "Leerlingen bouwen <b>robots</b>.\nSamen met de vo-school.",
    "groups": ["middle", "upper"],
    "pupils": 60,
    "starts_on": "2024-09-01",
    "technology_subject": True,
    "planning": [{"activity": "Bouwen", "period": "Mei", "who": "Groep 7"}],
}


def sent(
    cases: Cases,
    tranche: Tranche,
    school: School,
    *,
    state: str = "submitted",
    document: str | None = None,
    **more: Any,
) -> Application:
    """An application that was sent once. document: the SHA-256 of its letter."""
    session = cases.session
    app = cases.application(tranche, school, state=state, submitted_at=NOW, complete_at=NOW, requested_cents=400000)
    for name, value in ({"answers": ANSWERS} | more).items():
        setattr(app, name, value)
    session.add_all(
        [
            BudgetLine(
                application_id=app.id,
                position=1,
                category="teaching_materials",
                description="Robotsets",
                quantity=10,
                unit_cents=50000,
            ),
            Contribution(application_id=app.id, position=1, party=school.name, party_kind="own", cents=100000),
            Partner(application_id=app.id, position=1, kind="vo", name="Delta College-demo"),
        ]
    )
    app.cost_cents = 500000
    if document is not None:
        if session.get(StoredDocument, document) is None:
            session.add(
                StoredDocument(sha256=document, size=5, media_type="application/pdf", scan="clean", stored_at=NOW)
            )
            session.flush()
        session.add(
            Attachment(
                application_id=app.id, kind="partner_letter", file_name="Brief ‘vo’.pdf", sha256=document, added_at=NOW
            )
        )
    session.flush()
    freeze(session, app, NOW)
    return app


def freeze(session: Session, app: Application, at: datetime, number: int = 1) -> None:
    """Keep what the application holds now as its next version."""
    spec = funds.spec_of(session, app.fund_version_id)
    picture = draft_reading.picture(session, app)
    content = picture.content()
    facts = eligibility_facts(picture, draft_reading.surroundings(session, app))
    session.add_all(
        [
            Submission(
                application_id=app.id, number=number, received_at=at, content=content, sha256=funds.digest(content)
            ),
            EligibilityCheck(
                application_id=app.id,
                fund_version_id=app.fund_version_id,
                moment="submit",
                at=at,
                inputs={},
                outcomes=[o.model_dump(mode="json") for o in evaluate(spec.conditions, facts, moment=at)],
            ),
        ]
    )
    session.flush()
    sign(session, app, at=at)


DUE = date(2025, 3, 20)
"""Six days after the moment of the tests: close, not late."""
