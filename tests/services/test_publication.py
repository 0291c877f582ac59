"""The evaluation of a tranche: published by the coordinator, naming nobody, and never changed after the closing."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from fundapp.domain.people import Role
from fundapp.domain.refusal import Refused
from fundapp.services.publication import publish_evaluation
from tests.support.cases import NOW, Cases

TEXT = "Vier scholen maakten ruimte voor techniek. De lessen hebben een vaste plek."


def test_it_is_published_with_its_moment(session: Session) -> None:
    cases = Cases(session)
    row = cases.tranche()
    publish_evaluation(session, row.ref, f" {TEXT} ", actor=cases.person("Corrie Post", Role.COORDINATOR), now=NOW)
    assert (row.evaluation, row.evaluation_published_at) == (TEXT, NOW)


@pytest.mark.parametrize(
    ("text", "role", "state", "code"),
    [
        ("  ", Role.COORDINATOR, "running", "evaluation_missing"),
        (TEXT, Role.FINANCE, "running", "not_yours"),
        (TEXT, Role.COORDINATOR, "closed", "tranche_closed"),
        (f"{TEXT} Mail anna@example.org.", Role.COORDINATOR, "running", "personal_data"),
        (f"{TEXT} Bel 0118 123 456.", Role.COORDINATOR, "running", "personal_data"),
        (f"{TEXT} Met dank aan corrie post.", Role.COORDINATOR, "running", "personal_data"),
    ],
)
def test_what_cannot_be_published(session: Session, text: str, role: Role, state: str, code: str) -> None:
    cases = Cases(session)
    row = cases.tranche()
    if state == "closed":
        cases.shut(row)
    with pytest.raises(Refused) as refused:
        publish_evaluation(session, row.ref, text, actor=cases.person("Corrie Post", role), now=NOW)
    assert refused.value.code == code
    assert row.evaluation is None
