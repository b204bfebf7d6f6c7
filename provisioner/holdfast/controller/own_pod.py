"""The last way out of a stale mount: a restarted container keeps it, only a new pod mounts anew."""

from __future__ import annotations

import os

import structlog

from holdfast.kube.api import Api
from holdfast.kube.errors import Forbidden, KubeError
from holdfast.kube.resources import PODS

_TIMEOUT = 5.0  # seconds; the process is about to end, and will ask again after a restart

_log = structlog.get_logger()


def delete_own_pod(api: Api) -> bool:
    """Deletes the pod of POD_NAME and POD_NAMESPACE; whether the API server has taken it.

    Where it has not, the log says what a person has to do.
    """
    name, namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    if not name or not namespace:
        _log.error(
            "delete this pod: it does not know which it is",
            advice="set POD_NAME and POD_NAMESPACE from metadata.name and metadata.namespace",
        )
        return False
    try:
        api.delete(PODS, name, namespace, timeout=_TIMEOUT)
    except KubeError as error:
        _log.error(
            f"delete this pod: kubectl --namespace {namespace} delete pod {name}",
            reason=error.message,
            advice=_advice(error, namespace),
        )
        return False
    _log.warning("this pod deletes itself", pod=name, namespace=namespace)
    return True


def _advice(error: KubeError, namespace: str) -> str:
    if isinstance(error, Forbidden):
        return f"grant 'delete' on 'pods' in namespace {namespace} (chart: rbac.deleteOwnPod)"
    return "it is tried again when the container has been restarted"
