"""All kinds of cases that the engine knows."""

from __future__ import annotations

from typing import Any

from fundapp.domain.flows import FLOWS
from fundapp.services import application, carry_over, change, interim, objection, payment, recovery, tranche
from fundapp.services.act import CaseType

_ALL: tuple[CaseType[Any, Any], ...] = (
    application.KIND,
    tranche.KIND,
    payment.KIND,
    recovery.KIND,
    change.KIND,
    interim.KIND,
    carry_over.KIND,
    *objection.KINDS.values(),
)
KINDS: dict[str, CaseType[Any, Any]] = {kind.flow.kind: kind for kind in _ALL}

assert KINDS.keys() == FLOWS.keys(), "every flow needs its kind of case"
