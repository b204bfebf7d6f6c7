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
