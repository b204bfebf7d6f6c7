"""What the claims controller and the volumes controller share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_id_check import ExportIdCheck
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.export_view import ExportView
from holdfast.controller.metrics import Metrics
from holdfast.kube.api import Api


@dataclass(frozen=True, slots=True)
class Context:
    """The API server, the export, and the provisioner's identity.

    `check_term` raises LeadershipLost once the work of this thread may change nothing more.
    Without `may_patch_volumes`, volumes get no finalizer, which nobody could take off.
    """

    api: Api
    view: ExportView
    export_client: ExportClient
    provisioner: Provisioner
    address: Address
    events: EventRecorder
    metrics: Metrics
    export_metrics: ExportMetrics
    identity: ExportIdCheck
    check_term: Callable[[], None]
    may_patch_volumes: Callable[[], bool]
