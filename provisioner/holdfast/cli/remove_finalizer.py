"""Removes our finalizer from a volume, beside controllers that change its finalizers as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.claims.finalizers import without_finalizer
from holdfast.claims.objects import parse_volume

if TYPE_CHECKING:
    from holdfast.kube.api import Api

_ATTEMPTS = 5  # the API server's own controllers change finalizers as well


def remove_finalizer(api: Api, volume: str) -> str:
    """Removes it from one volume. Returns why it could not be removed, empty if it is gone."""
    from holdfast.kube.errors import ApiError, Conflict, NotFound

    why = ""
    for _ in range(_ATTEMPTS):
        try:
            _remove(api, volume)
        except NotFound:
            return ""
        except Conflict as conflict:
            why = conflict.message
            continue
        except ApiError as error:
            return error.message
        return ""
    return why


def _remove(api: Api, name: str) -> None:
    from holdfast.kube.resources import VOLUMES

    volume = parse_volume(api.get(VOLUMES, name))
    # With its version: a merge patch writes the whole list, and another's must not be lost.
    metadata = {
        "finalizers": list(without_finalizer(volume.finalizers)),
        "resourceVersion": volume.version,
    }
    api.patch(VOLUMES, name, {"metadata": metadata})
