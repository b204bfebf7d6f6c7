"""What the controllers of all exports share."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.controller.caches import Caches
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.lease_balancer import LeaseBalancer
from holdfast.controller.metrics import Metrics
from holdfast.controller.permissions import Permissions
from holdfast.kube.api import Api


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """One API client, its caches and circuit breaker, events and metrics."""

    api: Api
    api_circuit: CircuitBreaker
    caches: Caches
    permissions: Permissions
    events: EventRecorder
    metrics: Metrics
    spread: LeaseBalancer
