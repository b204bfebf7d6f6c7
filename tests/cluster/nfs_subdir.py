"""What nfs-subdir-external-provisioner 4.0.2 does with claims and volumes, as its source has it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from holdfast.claims.constants import PROVISIONED_BY
from testbed.client import Json
from testbed.errors import RequestError
from tests.cluster.objects import annotations_of, name_of, phase_of
from tests.cluster.site import Site
from tests.support import eventually

_FIELD = re.compile(r"\$\{\.PVC\.((labels|annotations)\.(.*?)|.*?)\}")
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class NfsSubdir:
    """Provisions and deletes on a site's export, in the thread of the test."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def work_until(self, done: Callable[[], bool], what: str) -> None:
        """Serves claims and deletes volumes until it is done."""

        def work() -> bool:
            self._provision_all()
            self._delete_all()
            return done()

        eventually(work, what=what)

    def _provision_all(self) -> None:
        for claim in self._site.claims():
            if phase_of(claim) == "Pending" and not self._site.find_volume(_volume_of(claim)):
                self._provision(claim)

    def _provision(self, claim: Json) -> None:
        metadata = claim["metadata"]
        storage_class = self._site.get_class(claim["spec"]["storageClassName"])
        parameters = _parameters(storage_class)
        place = f"{metadata['namespace']}-{metadata['name']}-{_volume_of(claim)}"
        if "pathPattern" in parameters:
            place = _rendered(parameters["pathPattern"], metadata)
        (self._site.root / place).mkdir(parents=True, exist_ok=True)
        (self._site.root / place).chmod(0o777)
        self._site.make_volume(
            _volume_of(claim),
            f"/export/{place}",
            annotations={PROVISIONED_BY: self._site.name},
            persistentVolumeReclaimPolicy=storage_class["reclaimPolicy"],
            storageClassName=name_of(storage_class),
            claimRef={key: metadata[key] for key in ("namespace", "name", "uid")},
        )

    def _delete_all(self) -> None:
        for volume in self._site.volumes():
            policy = volume["spec"]["persistentVolumeReclaimPolicy"]
            ours = annotations_of(volume).get(PROVISIONED_BY) == self._site.name
            if ours and policy == "Delete" and phase_of(volume) == "Released":
                self._delete(volume)

    def _delete(self, volume: Json) -> None:
        """By the last component of its path alone; tried again for ever where it fails."""
        path = self._site.root / Path(volume["spec"]["nfs"]["path"]).name
        try:
            if path.exists():
                storage_class = self._site.get_class(volume["spec"]["storageClassName"])
                _remove(path, _parameters(storage_class))
            self._site.delete_volume(name_of(volume))
        except (ValueError, RequestError):
            return


def _remove(path: Path, parameters: dict[str, str]) -> None:
    on_delete, archive = parameters.get("onDelete"), parameters.get("archiveOnDelete", "true")
    if on_delete == "retain":
        return
    if on_delete != "delete" and archive not in _TRUE | _FALSE:
        raise ValueError(archive)
    if on_delete == "delete" or archive in _FALSE:
        shutil.rmtree(path)
    else:
        path.rename(path.with_name(f"archived-{path.name}"))


def _parameters(storage_class: Json) -> dict[str, str]:
    return storage_class.get("parameters") or {}


def _volume_of(claim: Json) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def _rendered(pattern: str, metadata: Json) -> str:
    def value(field: re.Match[str]) -> str:
        if (table := field[2]) is not None:
            return str((metadata.get(table) or {}).get(field[3], ""))
        return str(metadata[field[1]]) if field[1] in {"name", "namespace"} else ""

    return _FIELD.sub(value, pattern).strip("/")
