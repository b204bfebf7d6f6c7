"""The API requests that several commands make; they raise KubeError."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from holdfast.claims.objects import Volume, parse_volume

if TYPE_CHECKING:
    from holdfast.kube.api import Api


def api_of(kubeconfig: str | None) -> Api:
    """A client for the API server of a kubeconfig, or of the pod's cluster."""
    from holdfast.kube.api import Api
    from holdfast.kube.config import load_configuration

    return Api(load_configuration(kubeconfig))


def volumes_of(api: Api) -> Iterator[Volume]:
    """All volumes of the cluster."""
    from holdfast.kube.resources import VOLUMES

    return (parse_volume(obj) for page in api.pages(VOLUMES) for obj in page.items)


def cluster_uid(api: Api) -> str:
    """The cluster's uid, determined as in `LeaderTasks`; empty if it may not be read."""
    from holdfast.kube.errors import Forbidden
    from holdfast.kube.resources import NAMESPACES

    try:
        return str(api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
    except Forbidden:
        return ""
