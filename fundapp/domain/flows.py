"""All flows of the product, by kind."""

from __future__ import annotations

from typing import Any

from fundapp.domain import application, carry_over, change, interim, objection_flow, payment, recovery, tranche
from fundapp.domain.flow import Flow

_ALL: tuple[Flow[Any], ...] = (
    application.FLOW,
    tranche.FLOW,
    payment.FLOW,
    recovery.FLOW,
    change.FLOW,
    interim.FLOW,
    carry_over.FLOW,
    *objection_flow.FLOWS.values(),
)
FLOWS: dict[str, Flow[Any]] = {flow.kind: flow for flow in _ALL}
