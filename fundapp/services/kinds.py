"""All kinds of cases that the engine knows."""

from __future__ import annotations

from typing import Any

from fundapp.domain.flows import FLOWS
from fundapp.services import application, carry_over, change, interim, payment, recovery, tranche
from fundapp.services.act import CaseType

KINDS: dict[str, CaseType[Any, Any]] = {
    kind.flow.kind: kind
    for kind in (
        application.KIND,
        tranche.KIND,
        payment.KIND,
        recovery.KIND,
        change.KIND,
        interim.KIND,
        carry_over.KIND,
    )
}

assert KINDS.keys() == FLOWS.keys(), "every flow needs its kind of case"
