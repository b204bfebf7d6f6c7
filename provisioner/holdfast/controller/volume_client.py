"""Reads, changes and deletes PersistentVolumes at the API server."""

from __future__ import annotations

from contextlib import suppress

from holdfast.claims.constants import FINALIZER, RETAIN
from holdfast.claims.finalizers import without_finalizer
from holdfast.claims.objects import Volume, parse_volume
from holdfast.controller.context import Context
from holdfast.controller.requeue import Requeue
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json

_ATTEMPTS = 5  # at a volume that others change meanwhile


class VolumeClient:
    """The volumes as the API server has them; every method raises KubeError.

    What changes a volume raises LeadershipLost once the term of this thread's work is over.
    """

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._view = context.view
        self._check_term = context.check_term

    def find(self, name: str) -> Volume | None:
        """The volume, if it exists.

        A get by name: an empty list from a faulty API server must not free a directory.
        """
        try:
            return parse_volume(self._api.get(VOLUMES, name))
        except kube.NotFound:
            return None

    def exists(self, name: str) -> bool:
        """Whether the volume exists."""
        return self.find(name) is not None

    def refresh(self, name: str) -> Volume | None:
        """The volume, if it exists; the cache takes it from the answer."""
        try:
            return self._view.update_from_response(self._api.get(VOLUMES, name))
        except kube.NotFound:
            return None

    def patch(self, volume: Volume, metadata: Json) -> Volume:
        """Changes the metadata of a volume, unless it is gone; the cache takes the answer.

        Returns the changed volume, or the given one if it is gone.

        With resourceVersion: a patch replaces the list of finalizers and must not lose another's.

        Raises:
            Requeue: the volume has changed since it was read.
        """
        self._check_term()
        change = {"metadata": {**metadata, "resourceVersion": volume.version}}
        try:
            return self._view.update_from_response(self._api.patch(VOLUMES, volume.name, change))
        except kube.NotFound:
            return volume
        except kube.Conflict as conflict:
            raise Requeue from conflict

    def delete(self, volume: Volume) -> None:
        """Deletes a volume, and removes our finalizer; others may change it meanwhile.

        Raises:
            Requeue: what decides on its reclaim has changed since it was read, as its policy may.
            Conflict: others keep changing it.
        """
        held: Volume | None = volume
        for _ in range(_ATTEMPTS):
            if held is None or self._is_deleted(held):
                break
            held = self.find(volume.name)
            if held is not None and _deciding(held) != _deciding(volume):
                raise Requeue
        else:
            raise _kept_changing(volume.name, "delete")
        if FINALIZER in volume.finalizers:
            self._remove_finalizer(volume)

    def _is_deleted(self, held: Volume) -> bool:
        """Deletes a volume as it was read; False if it has changed since."""
        self._check_term()
        try:
            self._api.delete(VOLUMES, held.name, uid=held.uid, version=held.version)
        except kube.Conflict:
            return False
        except kube.NotFound:
            pass
        return True

    def _remove_finalizer(self, volume: Volume) -> None:
        """Removes our finalizer; Kubernetes' own controllers change the list too."""
        for _ in range(_ATTEMPTS):
            with suppress(kube.Conflict):
                held = self.find(volume.name)
                if held is not None:
                    self._patch_without_finalizer(held, volume.on_delete)
                return
        raise _kept_changing(volume.name, "remove our finalizer from")

    def _patch_without_finalizer(self, held: Volume, on_delete: str) -> None:
        if held.reclaim_policy == RETAIN or held.on_delete != on_delete:
            raise Requeue
        self._check_term()
        finalizers = list(without_finalizer(held.finalizers))
        change = {"metadata": {"finalizers": finalizers, "resourceVersion": held.version}}
        with suppress(kube.NotFound):
            self._api.patch(VOLUMES, held.name, change)


def _deciding(volume: Volume) -> tuple[object, ...]:
    """What decides whether and how a volume is reclaimed."""
    return volume.uid, volume.phase, volume.reclaim_policy, volume.claim, volume.on_delete


def _kept_changing(name: str, what: str) -> kube.Conflict:
    return kube.Conflict(
        409,
        "Conflict",
        f"cannot {what} volume {name}: something else changed it {_ATTEMPTS} times in a row; find "
        "out what keeps changing it (its managedFields name the writers)",
    )
