"""Deletes the own pod if its mount is stale: a restarted container keeps the mount."""

from __future__ import annotations

import os

from holdfast.kube.api import Api
from holdfast.kube.errors import Forbidden, KubeError
from holdfast.kube.resources import PODS
from holdfast.log import Logger

_TIMEOUT = 5.0  # seconds; the process is about to exit, and retries after a restart

_log = Logger(__name__)


def delete_own_pod(api: Api) -> bool:
    """Deletes the pod of POD_NAME and POD_NAMESPACE; returns whether the API server accepted.

    If it did not, the log says what the administrator has to do.
    """
    name, namespace = os.environ.get("POD_NAME"), os.environ.get("POD_NAMESPACE")
    if not name or not namespace:
        _log.error(
            "delete this pod: it does not know its own name",
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
    return "Holdfast will retry after the container restarts"
