"""One test's export and provisioner, on the shared control plane."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.ownership import Ownership
from holdfast.controller.settings import ExportSettings, Settings
from testbed.client import Json
from testbed.controlplane import ControlPlane
from tests.cluster.objects import Objects
from tests.cluster.running import Running
from tests.support import eventually


class Site(Objects):
    """An export in a temporary folder, and what one test does with it; `close` undoes it all."""

    def __init__(self, plane: ControlPlane, namespace: str, root: Path) -> None:
        super().__init__(plane, namespace)
        self.root = root
        self.address = Address(self.server, "/export")
        self._running: list[Running] = []

    def settings(
        self,
        *,
        also: Sequence[str] = (),
        ownership: Ownership | None = None,
        finalizer: bool = True,
        export_deadline: float = 30.0,
        **more: Any,
    ) -> Settings:
        """What a provisioner of this site is told; `more` are fields of Settings."""
        provisioner = Provisioner(
            self.name, frozenset(also), ownership or Ownership(), finalizer=finalizer
        )
        given: dict[str, Any] = {
            "provisioner": provisioner,
            "exports": (
                ExportSettings(address=self.address, root=self.root, deadline=export_deadline),
            ),
            "kubeconfig": str(self.plane.kubeconfig),
            "leader_election": False,
            "http_host": "127.0.0.1",
            "http_port": 0,
            "workers": 4,
            "namespace": self.namespace,
        }
        return Settings(**(given | more))

    def stand_by(self, **settings: Any) -> Running:
        """A provisioner that is not started."""
        running = Running(self.settings(**settings), self.plane.client)
        self._running.append(running)
        return running

    def serve(self, **settings: Any) -> Running:
        """A provisioner that works, until the test ends."""
        running = self.stand_by(**settings)
        running.start()
        return running

    def directory(self, volume: Json) -> Path:
        """Where a volume's data is on this machine."""
        found = self.address.directory_of(volume["spec"]["nfs"]["path"])
        assert found
        return self.root / found

    def recorded(self, volume: Json) -> Json:
        """Waits for the record of a volume, without which its creation is not finished.

        A claim may be Bound a moment before; a directory that is removed until then is made again.
        """
        path = self.root / ".holdfast" / "volumes" / str(volume["metadata"]["name"])
        eventually(path.exists, what=f"{path} is there")
        record: Json = json.loads(path.read_text())
        return record

    def tree(self) -> set[str]:
        """Everything on the export, as relative paths, but for Holdfast's own."""
        # Folders may go away meanwhile: os.walk passes over them, rglob raises.
        found = {
            Path(folder, name)
            for folder, folders, files in os.walk(self.root)
            for name in (*folders, *files)
        }
        paths = {str(path.relative_to(self.root)) for path in found}
        return {path for path in paths if not path.startswith(".holdfast")}

    def close(self) -> None:
        """Ends every provisioner, and removes all that was made."""
        for running in self._running:
            running.manager.stop()
        for running in self._running:
            running.stop()
        self.remove_all()
