"""Reads, changes and deletes PersistentVolumes at the API server."""

from __future__ import annotations

from contextlib import suppress

from holdfast.claims.constants import FINALIZER, RETAIN
from holdfast.claims.objects import Volume, parse_volume
from holdfast.claims.reclaim import without_finalizer
from holdfast.controller.context import Context
from holdfast.controller.requeue import Requeue
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json

_PATCH_ATTEMPTS = 5


class VolumeClient:
    """The volumes as the API server has them; every method raises KubeError.

    What changes a volume raises LeadershipLost once the term of this thread's work is over.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def find(self, name: str) -> Volume | None:
        """The volume, if it exists.

        A get by name: an empty list from a faulty API server must not free a directory.
        """
        try:
            return parse_volume(self._context.api.get(VOLUMES, name))
        except kube.NotFound:
            return None

    def exists(self, name: str) -> bool:
        """Whether the volume exists."""
        return self.find(name) is not None

    def refresh(self, name: str) -> Volume | None:
        """The volume, if it exists; the cache takes it from the answer."""
        try:
            return self._context.view.learn(self._context.api.get(VOLUMES, name))
        except kube.NotFound:
            return None

    def patch(self, volume: Volume, metadata: Json) -> None:
        """Changes the metadata of a volume, unless it is gone; the cache takes the answer.

        With resourceVersion: a patch replaces the list of finalizers and must not lose another's.

        Raises:
            Requeue: the volume has changed since it was read.
        """
        self._context.check_term()
        change = {"metadata": {**metadata, "resourceVersion": volume.version}}
        try:
            self._context.view.learn(self._context.api.patch(VOLUMES, volume.name, change))
        except kube.NotFound:
            return
        except kube.Conflict as conflict:
            raise Requeue from conflict

    def delete(self, volume: Volume) -> None:
        """Deletes a volume as it was read, and removes our finalizer.

        Raises:
            Requeue: the volume has changed since it was read, its policy may be Retain by now; or
                others keep changing it.
        """
        self._context.check_term()
        try:
            self._context.api.delete(VOLUMES, volume.name, uid=volume.uid, version=volume.version)
        except kube.Conflict as conflict:
            raise Requeue from conflict
        except kube.NotFound:
            pass
        if FINALIZER in volume.finalizers:
            self._remove_finalizer(volume.name)

    def _remove_finalizer(self, name: str) -> None:
        """Removes our finalizer; Kubernetes' own controllers change the list too."""
        for _ in range(_PATCH_ATTEMPTS):
            with suppress(kube.Conflict):
                held = self.find(name)
                if held is not None:
                    self._patch_without_finalizer(held)
                return
        raise Requeue

    def _patch_without_finalizer(self, held: Volume) -> None:
        if held.reclaim_policy == RETAIN:
            raise Requeue
        self._context.check_term()
        finalizers = list(without_finalizer(held.finalizers))
        change = {"metadata": {"finalizers": finalizers, "resourceVersion": held.version}}
        with suppress(kube.NotFound):
            self._context.api.patch(VOLUMES, held.name, change)
